/* SPDX-License-Identifier: Apache-2.0 */
/*
 * device: rates achieved by one accelerator, and how long a matrix product takes on it.
 * In: the data sheet (struct assay_accelerator) and the efficiency parameters.
 * Out: seconds. Cannot fail; a device that lacks a precision runs it at the next wider one.
 */
#ifndef CLAIM_DEVICE_H
#define CLAIM_DEVICE_H

#include <assay/claim.h>

enum number_width { WIDTH_4, WIDTH_8, WIDTH_16, WIDTH_32, WIDTH_COUNT };

struct device {
    double matrix_rate[WIDTH_COUNT]; /* operations/s of a large, well-shaped matrix product */
    double operand_bytes[WIDTH_COUNT];
    double depth;          /* inner dimension that costs as much again to fill */
    double units;          /* tiles computed at a time */
    double grouped;        /* factor on the rate of grouped products */
    double attention_rate; /* operations/s of the fused attention kernel, long rows */
    double attention_unfused_rate;
    double memory_rate;       /* bytes/s */
    double launch;            /* seconds */
    enum number_width linear; /* the width in which linear layers compute */
};

void device_set(struct device *device, const struct assay_run *run,
                const struct assay_efficiency *efficiency);

/*
 * Seconds of `batch` products (m x k) * (k x n), operands of `width`, results of 2 bytes:
 * the longer of arithmetic and memory traffic. Arithmetic is slowed by tiles that are not full
 * and by the last, partly filled wave of tiles, for the best of a few tile shapes (NVIDIA,
 * "Matrix Multiplication Background User's Guide", 4, tile and wave quantisation), and by the
 * prologue of a short inner dimension.
 */
double device_matrix_seconds(const struct device *device, enum number_width width, double m,
                             double n, double k, double batch);

#endif
