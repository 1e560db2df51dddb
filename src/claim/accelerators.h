/* SPDX-License-Identifier: Apache-2.0 */
/*
 * accelerators: data/accelerators.csv read into data->accelerators and data->aliases. In: a path
 * that lives as long as data->arena. What can go wrong: see assay_claim_data_read.
 */
#ifndef CLAIM_ACCELERATORS_H
#define CLAIM_ACCELERATORS_H

#include <assay/claim.h>

ASSAY_MUST_USE assay_status accelerators_read(const char *path, struct assay_claim_data *data,
                                              struct assay_error *error);

#endif
