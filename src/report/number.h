/* SPDX-License-Identifier: Apache-2.0 */
/* number: quantities as a reader wants them, alike on paper and in a terminal. */
#ifndef REPORT_NUMBER_H
#define REPORT_NUMBER_H

#include <assay/finding.h>

#include <stdio.h>

/* Four digits, with the magnitude in words from a million up. */
void number_print(FILE *to, double value);

/* The unit to show a quantity in, and the factor into it: many bytes are read in GB. */
double number_scale(const struct assay_quantity *quantity, const char **unit);

#endif
