/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rows: what packing does to rows of floats, the same bits on every processor. Each function is
 * explained in rows_tmpl.h. Counts are multiples of 16. In: values that are not NaN. Out: bytes
 * from -127 to 127.
 */
#ifndef LINEAGE_ROWS_H
#define LINEAGE_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct row_functions {
    void (*add)(float *sum, const float *row, size_t count);
    float (*total)(const float *row, size_t count);
    void (*centre)(float *row, const float *mean, size_t count, float *squares, float *most);
    void (*spread)(const float *row, float mean, size_t count, float *squares, float *most);
    int32_t (*quantise)(const float *row, float scale, size_t count, int8_t *to);
    void (*quantise_four)(const float *const rows[4], const float mean[4], const float *scale,
                          size_t count, int8_t *to, size_t stride, int32_t *squares);
    void (*near)(const int32_t (*product)[16], const float *inverse, const float *least,
                 size_t units, bool *near);
};

#define ROW_KINDS 3

/* Those that this processor can run, the plain ones first, the fastest last: how many. */
size_t rows_list(const struct row_functions *list[ROW_KINDS]);
const struct row_functions *rows_fastest(void);

#endif
