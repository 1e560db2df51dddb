/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pack: vectors of hidden units as signed bytes, as the kernels take them. In: units one a row, or
 * one a column, from wherever a source takes them. Out: bytes in tiles, and each unit's length.
 * What can go wrong: memory is short, the source fails, the context interrupts.
 *
 * Each unit is scaled by itself: its largest coordinate, or eight times its root mean square if
 * that is less, becomes 127. So a few large coordinates cost the others no precision. Rounding
 * moves a cosine by less than .01; it treats all units alike, and so leaves the tests exact.
 */
#ifndef LINEAGE_PACK_H
#define LINEAGE_PACK_H

#include "lineage/kernel.h"

struct packed {
    size_t count, panels; /* units; 16 a panel, the last one filled up with none */
    size_t tiles;         /* 64 coordinates each, filled up with zeros */
    int8_t *bytes;        /* [panel][tile][coordinate / 4][unit][coordinate % 4] */
    float *inverse;       /* [panels * 16]: 1 / length of the unit's bytes; 0 for no unit */
};

/*
 * Units one a row: writes unit `unit`'s coordinates to row[0 .. width-1].
 * Units one a column: writes coordinate `coordinate` of units first .. first+count-1 to row.
 * No value may be NaN or infinite. Called from several threads.
 */
typedef assay_status pack_row_source(const void *from, size_t unit, float *row,
                                     struct assay_error *error);
typedef assay_status pack_column_source(const void *from, size_t coordinate, size_t first,
                                        size_t count, float *row, struct assay_error *error);

/*
 * Centred (the mean vector taken off every unit, where `centre`), scaled, rounded. Units shorter
 * than 1e-6 of the longest become none. The same bytes on any processor and number of threads.
 * 1 to KERNEL_MOST_WIDTH coordinates, else ASSAY_ERROR_INPUT. Free with packed_free.
 */
ASSAY_MUST_USE assay_status pack_rows(const struct assay_context *context, pack_row_source *source,
                                      const void *from, size_t count, size_t width, bool centre,
                                      struct packed *packed, struct assay_error *error);
ASSAY_MUST_USE assay_status pack_columns(const struct assay_context *context,
                                         pack_column_source *source, const void *from, size_t count,
                                         size_t width, struct packed *packed,
                                         struct assay_error *error);
void packed_free(struct packed *packed);

/* The unit's coordinate, from -127 to 127. */
int8_t packed_at(const struct packed *packed, size_t unit, size_t coordinate);

/* The cosine of two units, 0 if either is none. Both packed with equally many tiles. */
double packed_cosine(const struct packed *a, size_t unit_a, const struct packed *b, size_t unit_b);

#endif
