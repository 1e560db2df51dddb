/* SPDX-License-Identifier: Apache-2.0 */
/* trivial: tensors that are alike in independent models because a formula made them. */
#ifndef LINEAGE_TRIVIAL_H
#define LINEAGE_TRIVIAL_H

#include <assay/checkpoint.h>

/*
 * NULL if the tensor can be evidence, else why not: a constant, few distinct values, mostly one
 * value, rows or columns that a linear recurrence of order 8 continues (sinusoids, windowed
 * sinusoids, exponentials, polynomials: Fourier bases, rotary and positional tables). Reads at
 * most about 64 rows and 64 columns; adds what it read to *bytes_read.
 */
const char *trivial_reason(const struct assay_tensor *tensor, uint64_t *bytes_read);

#endif
