/* SPDX-License-Identifier: Apache-2.0 */
/*
 * measured: a row of the table of training runs, turned into a run that the forward model can
 * predict and the quantities that were measured of it. In: a row as its source printed it. Out:
 * a struct assay_run (owning nothing; it borrows the row's strings) with every gap filled by a
 * stated rule, and the gaps that were filled. What can go wrong: a row that lacks what no rule
 * can fill is refused with the reason in words.
 */
#ifndef CLAIM_MEASURED_H
#define CLAIM_MEASURED_H

#include <assay/claim.h>

enum measured_quantity {
    MEASURED_STEP_SECONDS,
    MEASURED_DEVICE_HOURS,
    MEASURED_PEAK_MEMORY,
    MEASURED_FITS, /* 1 or 0 */
    MEASURED_COUNT
};

const char *measured_quantity_name(enum measured_quantity quantity);

struct measured {
    struct assay_run run;
    double value[MEASURED_COUNT]; /* NaN where the row does not have it */
    char assumed[200];            /* what the row did not say and a rule filled in, in words */
};

/* False, with the reason in `why`, if the row cannot be predicted. */
bool measured_read(const struct assay_claim_data *data, const struct assay_training_run *row,
                   struct measured *measured, char *why, size_t size);

/* The software generation of a row: its own column, else what its source and date suggest. */
const char *measured_software(const struct assay_training_run *row);

#endif
