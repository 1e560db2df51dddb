/* SPDX-License-Identifier: Apache-2.0 */
#include "tails.h"

#include <math.h>

#include "deviance.h"

double stats_pick(struct stats_tails tails, enum assay_tail tail)
{
    return (tail == ASSAY_LOWER ? tails.lower : tails.upper) / LN_10;
}

double stats_at_end(enum assay_tail tail, bool lower_end)
{
    return (tail == ASSAY_LOWER) == lower_end ? -HUGE_VAL : 0;
}
