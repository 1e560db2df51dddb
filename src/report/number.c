/* SPDX-License-Identifier: Apache-2.0 */
#include "report/number.h"

#include <math.h>
#include <string.h>

void number_print(FILE *to, double value)
{
    if (fabs(value) >= 1e12)
        fprintf(to, "%.4g trillion", value / 1e12);
    else if (fabs(value) >= 1e9)
        fprintf(to, "%.4g billion", value / 1e9);
    else if (fabs(value) >= 1e6)
        fprintf(to, "%.4g million", value / 1e6);
    else
        fprintf(to, "%.4g", value);
}

double number_scale(const struct assay_quantity *q, const char **unit)
{
    bool giga = strcmp(q->unit, "bytes") == 0 && fabs(q->value.median) >= 1e9;
    *unit = giga ? "GB" : q->unit;
    return giga ? 1e-9 : 1;
}
