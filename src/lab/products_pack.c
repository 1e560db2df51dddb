/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/maths.h"
#include "lab/pairs.h"
#include "lab/products_kind.h"
#include "lab/transpose.h"

#include <string.h>

#define PANEL LAB_PANEL
#define STRIDE LAB_TILE_STRIDE

size_t lab_packed_size(size_t k, size_t m)
{
    return (m + PANEL - 1) / PANEL * PANEL * (k < LAB_TILE_PAIRS ? LAB_TILE_PAIRS : k);
}

/* ---- float32 ------------------------------------------------------------------------- */

/* By sizes that the compiler knows: rows are short, and for a length that it does not know it may
 * choose an instruction that is slow to begin. */
LAB_INLINE void copy(size_t n, const float *from, float *to)
{
    size_t i = 0;
    for (; i + 16 <= n; i += 16)
        memcpy(to + i, from + i, 16 * sizeof *to);
    for (; i + 4 <= n; i += 4)
        memcpy(to + i, from + i, 4 * sizeof *to);
    for (; i < n; i++)
        memcpy(to + i, from + i, sizeof *to);
}

LAB_INLINE void cut(size_t k, size_t n, size_t width, const float *from, size_t step, float *to,
                    size_t strip)
{
    for (size_t p = 0; p < k; p++, from += step) {
        float *out = to + p * width;
        size_t i = 0;
        for (; i + width <= n; i += width, out += strip)
            memcpy(out, from + i, width * sizeof *out);
        if (i < n) {
            copy(n - i, from + i, out);
            memset(out + (n - i), 0, (width - (n - i)) * sizeof *out);
        }
    }
}

/* k rows of n numbers, `step` apart, cut up into strips of `width`, each [k][width], the last one's
 * missing columns 0. Row by row, for they come from far. */
LAB_CLONES static void cut_up(size_t k, size_t n, size_t width, const float *from, size_t step,
                              float *to, size_t strip)
{
    if (width == PANEL) /* sizes that the compiler knows */
        cut(k, n, PANEL, from, step, to, strip);
    else if (width == 14)
        cut(k, n, 14, from, step, to, strip);
    else
        cut(k, n, width, from, step, to, strip);
}

/* A panel of columns that lie one after another, step_m apart. */
static void pack_across(size_t k, size_t width, const float *from, size_t step_m, float *to)
{
    if (width < PANEL)
        memset(to, 0, k * PANEL * sizeof *to);
    lab_transpose(width, k, from, step_m, to, PANEL);
}

LAB_CLONES static void copy_rows(size_t n, size_t k, const float *from, size_t step, float *to)
{
    for (size_t i = 0; i < n; i++)
        copy(k, from + i * step, to + i * STRIDE);
}

/* ---- bfloat16 ------------------------------------------------------------------------ */

/* A panel of `depth` rows, those beyond k 0, of columns that lie one after another. */
static void pack_pairs_across(size_t k, size_t depth, size_t width, const float *from,
                              size_t step_m, uint32_t *to)
{
    enum { DEEP = 256, ROW = DEEP / 2 + 8 };
    uint32_t some[PANEL * ROW];
    if (width < PANEL || depth > (k + 1) / 2)
        memset(to, 0, depth * PANEL * sizeof *to);
    for (size_t p = 0; p < k; p += DEEP) {
        size_t deep = k - p < DEEP ? k - p : DEEP;
        lab_pair_along(width, deep, from + p, step_m, some, ROW);
        lab_transpose(width, (deep + 1) / 2, some, ROW, to + p / 2 * PANEL, PANEL);
    }
}

/* For tiles, which want rows across: a strip from rows that lie down, 16 pairs of all of them at a
 * time. */
static void turn_pairs(size_t n, size_t k, const float *a, size_t step_k, uint32_t *packed)
{
    uint32_t some[LAB_TILE_PAIRS][LAB_TILE_ROWS];
    for (size_t p = 0; p < k; p += 2 * LAB_TILE_PAIRS) {
        size_t deep = k - p < 2 * LAB_TILE_PAIRS ? k - p : 2 * LAB_TILE_PAIRS;
        lab_pair_strips(deep, n, LAB_TILE_ROWS, a + p * step_k, step_k, some[0], 0);
        lab_transpose((deep + 1) / 2, LAB_TILE_ROWS, some, LAB_TILE_ROWS, packed + p / 2, STRIDE);
    }
}

/* ---- both ---------------------------------------------------------------------------- */

void lab_pack(const struct lab_packed *b, const float *from, size_t step_k, size_t step_m)
{
    const struct lab_kind *kind = &lab_kinds[b->processor];
    size_t depth = lab_kind_depth(kind, b->k), panel = depth * PANEL, pairs = (b->k + 1) / 2;
    uint32_t *words = (uint32_t *)b->panels;
    if (step_m == 1 && kind->pairs) {
        lab_pair_strips(b->k, b->m, PANEL, from, step_k, words, panel);
        for (size_t j = 0; j < b->m && depth > pairs; j += PANEL)
            memset(words + j / PANEL * panel + pairs * PANEL, 0,
                   (depth - pairs) * PANEL * sizeof *words);
        return;
    }
    if (step_m == 1) {
        cut_up(b->k, b->m, PANEL, from, step_k, b->panels, panel);
        return;
    }
    for (size_t j = 0; j < b->m; j += PANEL) {
        size_t width = b->m - j < PANEL ? b->m - j : PANEL, at = j / PANEL * panel;
        if (kind->pairs)
            pack_pairs_across(b->k, depth, width, from + j * step_m, step_m, words + at);
        else
            pack_across(b->k, width, from + j * step_m, step_m, b->panels + at);
    }
}

void lab_pack_rows(const struct lab_kind *kind, size_t n, size_t k, const float *a, size_t step_n,
                   size_t step_k, float *packed)
{
    size_t rows = kind->rows, pairs = (k + 1) / 2, depth = lab_kind_depth(kind, k);
    uint32_t *words = (uint32_t *)packed;
    bool down = step_k != 1;
    if (down && kind->deep == 1) {
        if (kind->pairs)
            lab_pair_strips(k, n, rows, a, step_k, words, lab_kind_strip(kind, down, k));
        else
            cut_up(k, n, rows, a, step_k, packed, lab_kind_strip(kind, down, k));
        return;
    }
    if (!kind->pairs)
        copy_rows(n, k, a, step_n, packed);
    else if (!down)
        lab_pair_along(n, k, a, step_n, words, STRIDE);
    for (size_t i = 0; down && i < n; i += rows)
        turn_pairs(n - i < rows ? n - i : rows, k, a + i, step_k, words + i * STRIDE);
    for (size_t i = 0; i < n && kind->pairs && depth > pairs; i++)
        memset(words + i * STRIDE + pairs, 0, (depth - pairs) * sizeof *words);
    size_t end = 0; /* of the last strip */
    while (end < n)
        end += rows;
    for (size_t i = n; i < end; i++)
        memset(packed + i * STRIDE, 0, depth * sizeof *packed);
}
