/* SPDX-License-Identifier: Apache-2.0 */
#include "march.h"

#include <math.h>

/* Nodes above the middle of (0, 1), and weights that sum to 1/2: roots of the Legendre
 * polynomial P16 and DLMF 3.5.19, computed with 40 digits. */
static const double rule[8][2] = {
    {0.54750625491881872009, 0.094725305227534248143},
    {0.64080177538962945662, 0.091301707522461794433},
    {0.72900838882861369317, 0.084578259697501269095},
    {0.80893812220132187422, 0.074797994408288366041},
    {0.87770220417750151695, 0.062314485627766936026},
    {0.93281560119391587194, 0.047579255841246392405},
    {0.97228751153661628804, 0.031126761969323946431},
    {0.9947004674958249663, 0.013576229705877047426},
};

double stats_march(double (*log_integrand)(double w, const void *data), const void *data,
                   double direction, double step, double end)
{
    double sum = 0, start = 0;
    while (start < end) {
        double length = fmin(step, end - start), panel = 0;
        for (int i = 0; i < 8; i++) {
            double offset = length * rule[i][0], mirror = length * (1 - rule[i][0]);
            panel += rule[i][1] * (exp(log_integrand(direction * (start + offset), data)) +
                                   exp(log_integrand(direction * (start + mirror), data)));
        }
        sum += length * panel;
        if (!(length * panel > 1e-17 * sum))
            break;
        start += length;
    }
    return sum;
}
