/* SPDX-License-Identifier: Apache-2.0 */
#include "solve.h"

#include <math.h>

double stats_solve(stats_curve *curve, const void *data, double log_p, double start, double low,
                   double high)
{
    double x = fmin(fmax(start, low), high);
    for (int i = 0; i < 300; i++) {
        double value, slope;
        curve(x, data, &value, &slope);
        double excess = value - log_p, next = x * exp(-excess / slope);
        if ((excess > 0) == (slope > 0))
            high = x;
        else
            low = x;
        /* as near as the curve itself is known: one last step, not searched further */
        if (fabs(excess) <= 4e-16 * (1 + fabs(log_p)))
            return next > 0 && isfinite(next) ? next : x;
        /* far out a slope may be lost in the last place of a huge ln p: then halve the bracket */
        if (!(next > low && next < high) || (i > 40 && i % 2 == 0))
            next = sqrt(low) * sqrt(high);
        if (!(next > low && next < high))
            return x;
        x = next;
    }
    return x;
}
