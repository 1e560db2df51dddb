/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rounding with a scale a tensor, a row or a column, as 8-bit formats have it. Where one side holds
 * signed bytes q whose scales stand elsewhere, a scale s that makes them the other's weights a,
 * rounded, must lie in
 *     |a| / (|q| + 1/2)  <=  s  <=  |a| / (|q| - 1/2)        (q = 0: 2 |a| <= s)
 * for every value; a largest |q| may be cut off, and then has no least s. Of few scales that is
 * an exact test: signs alone agree by chance once in 2^n. Where both sides hold floats, those of a
 * row, or of the rows of a tensor, may be whole multiples of one step. An even sample of rows is
 * read. Goes wrong only by memory.
 */
#include "lineage/compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROWS 32               /* of a tensor that are read */
#define GRID_PAIRS 24         /* pairs of floats whose grids are looked at */
#define LEAST_VALUES 16       /* not 0, in a row, column or tensor that is to tell something */
#define LEAST_TELLING 8       /* in a row of floats, near enough to 0 to tell a grid from chance */
#define MOST_WIDTH (1u << 22) /* values of a row */
#define HALF 0.51             /* half a step, and what arithmetic in float32 adds */

static bool is_bytes(const struct pair *p, int side)
{
    return (side ? p->b : p->a)->tensor->dtype == ASSAY_DTYPE_I8;
}

/* ---- signed bytes ------------------------------------------------------------------------------
 */

/* The scales that are left. */
struct scale {
    double low, high;
    uint32_t values; /* not 0 */
};

static const struct scale any_scale = {0, (double)INFINITY, 0};

static void narrow(struct scale *s, double a, double q)
{
    double size = fabs(q);
    if (q == 0) {
        s->low = fmax(s->low, fabs(a) / HALF);
        return;
    }
    s->values++;
    s->high = a * q > 0 ? fmin(s->high, fabs(a) / (size - HALF)) : -1;
    if (size < 127)
        s->low = fmax(s->low, fabs(a) / (size + HALF));
}

static bool fits(const struct scale *s)
{
    return s->low <= s->high * (1 + 1e-6) && s->high > 0;
}

/* One pair of tensors in the looking. */
struct look {
    const struct assay_tensor *t[2];
    uint64_t rows, width;
    float *row[2];
    struct scale *columns; /* [width] */
};

static bool look_start(struct look *l, const struct pair *p)
{
    l->t[0] = p->a->tensor;
    l->t[1] = p->b->tensor;
    l->rows = l->t[0]->shape[0];
    l->width = l->rows > 0 ? l->t[0]->elements / l->rows : 0;
    if (l->width == 0 || l->width > MOST_WIDTH)
        return false;
    for (int side = 0; side < 2; side++)
        l->row[side] = malloc((size_t)l->width * sizeof *l->row[side]);
    l->columns = malloc((size_t)l->width * sizeof *l->columns);
    for (uint64_t i = 0; l->columns && i < l->width; i++)
        l->columns[i] = any_scale;
    return l->row[0] && l->row[1] && l->columns;
}

static void look_end(struct look *l)
{
    free(l->row[0]);
    free(l->row[1]);
    free(l->columns);
}

static assay_status look_read(struct comparing *c, struct look *l, uint64_t row)
{
    for (int side = 0; side < 2; side++) {
        ASSAY_TRY(assay_tensor_read(l->t[side], row * l->width, l->width, l->row[side], c->error));
        c->result->bytes_read += l->t[side]->size / l->rows;
    }
    return ASSAY_OK;
}

/* Sums over the rows read, each scaled to fit: what the cosine is about. */
static void add_scaled(struct likeness *l, const float *a, const float *b, uint64_t n)
{
    double dot = 0, aa = 0, bb = 0;
    for (uint64_t i = 0; i < n; i++) {
        if (!isfinite(a[i]) || !isfinite(b[i]))
            continue;
        dot += (double)a[i] * (double)b[i];
        aa += (double)a[i] * (double)a[i];
        bb += (double)b[i] * (double)b[i];
    }
    double scale = bb > 0 && dot > 0 ? dot / bb : 0;
    l->aa += aa;
    l->dot += scale * dot;
    l->bb += scale * scale * bb;
}

/* How far a/s lies from whole numbers, s being the scale that fits best. */
static void add_deviation(struct scales_seen *seen, const float *a, const float *q, uint64_t n)
{
    double dot = 0, qq = 0;
    for (uint64_t i = 0; i < n; i++) {
        dot += (double)a[i] * (double)q[i];
        qq += (double)q[i] * (double)q[i];
    }
    for (uint64_t i = 0; i < n && dot > 0; i++) {
        double off = (double)a[i] * qq / dot - (double)q[i];
        seen->deviation += off * off;
        seen->values++;
    }
}

static void look_at_row(struct look *l, int bytes, struct scale *tensor, struct scales_seen *seen)
{
    const float *q = l->row[bytes], *a = l->row[!bytes];
    struct scale row = any_scale;
    for (uint64_t i = 0; i < l->width; i++) {
        narrow(&row, (double)a[i], (double)q[i]);
        narrow(tensor, (double)a[i], (double)q[i]);
        narrow(&l->columns[i], (double)a[i], (double)q[i]);
    }
    if (row.values < LEAST_VALUES)
        return;
    seen->rows++;
    seen->row_fits += fits(&row);
    add_deviation(seen, a, q, l->width);
}

static void conclude_tensor(const struct look *l, const struct scale *tensor,
                            struct scales_seen *seen)
{
    uint64_t columns = 0, fitting = 0;
    for (uint64_t i = 0; i < l->width; i++)
        if (l->columns[i].values >= LEAST_VALUES) {
            columns++;
            fitting += fits(&l->columns[i]);
        }
    seen->columns += columns;
    seen->column_fits += fitting;
    if (tensor->values < LEAST_VALUES)
        return;
    seen->tensors++;
    seen->tensor_fits += fits(tensor);
}

static assay_status look_at_bytes(struct comparing *c, struct pair *p, struct scales_seen *seen)
{
    struct look l;
    struct likeness scaled = {0};
    struct scale tensor = any_scale;
    bool both = is_bytes(p, 0) && is_bytes(p, 1);
    memset(&l, 0, sizeof l);
    if (!look_start(&l, p)) {
        look_end(&l);
        return l.width > MOST_WIDTH || l.width == 0 ? ASSAY_OK : compare_no_memory(c);
    }
    uint64_t read = l.rows < ROWS ? l.rows : ROWS;
    assay_status status = ASSAY_OK;
    for (uint64_t i = 0; i < read && status == ASSAY_OK; i++) {
        status = look_read(c, &l, i * l.rows / read);
        if (status != ASSAY_OK)
            break;
        add_scaled(&scaled, l.row[0], l.row[1], l.width);
        if (!both)
            look_at_row(&l, is_bytes(p, 1), &tensor, seen);
    }
    if (status == ASSAY_OK && !both)
        conclude_tensor(&l, &tensor, seen);
    look_end(&l);
    double more = (double)l.rows / (double)(read ? read : 1);
    p->like.dot = scaled.dot * more;
    p->like.aa = scaled.aa * more;
    p->like.bb = scaled.bb * more;
    p->like.difference = 0; /* of numbers without their scales there is none */
    return status;
}

assay_status compare_scales(struct comparing *c)
{
    for (size_t i = 0; i < c->pair_count; i++) {
        struct pair *p = &c->pairs[i];
        if (p->same_shape && (is_bytes(p, 0) || is_bytes(p, 1)))
            ASSAY_TRY(look_at_bytes(c, p, &c->bytes[is_bytes(p, 1)]));
    }
    return ASSAY_OK;
}

/* ---- floats on a grid --------------------------------------------------------------------------
 */

/* The relative error of a number of that type, at most. */
static double rounding(enum assay_dtype dtype)
{
    return dtype == ASSAY_DTYPE_BF16 ? 0x1p-8 : dtype == ASSAY_DTYPE_F16 ? 0x1p-11 : 0x1p-24;
}

/* Whether all values are whole multiples of `step`, as far as their type allows: 1 or 0; -1 where
 * too few are so near 0 that a multiple would be no chance. */
static int on_step(const float *x, uint64_t n, double step, double error)
{
    uint64_t telling = 0;
    for (uint64_t i = 0; i < n; i++) {
        double q = (double)x[i] / step, off = fabs(q - round(q));
        double allowed = 0.01 + 2 * error * fabs(q);
        if (!(off <= allowed))
            return 0;
        telling += allowed < 0.1 && round(q) != 0;
    }
    return telling >= LEAST_TELLING ? 1 : -1;
}

/* The largest value's 127th or 128th part, if all of a row are multiples of it; else 0; -1 where
 * that cannot be told. */
static double row_step(const float *x, uint64_t n, double error)
{
    static const double steps[] = {127, 128};
    double most = 0;
    for (uint64_t i = 0; i < n; i++)
        most = fmax(most, fabs((double)x[i]));
    bool told = most > 0 && isfinite(most);
    for (int k = 0; k < 2 && told; k++) {
        int on = on_step(x, n, most / steps[k], error);
        if (on > 0)
            return most / steps[k];
        told = on == 0;
    }
    return told ? 0 : -1;
}

/* Of all rows the least value that is not 0, if all are multiples of it, of up to 128; else 0. */
static double tensor_step(const float *x, uint64_t n, double error)
{
    double least = (double)INFINITY, most = 0;
    for (uint64_t i = 0; i < n; i++) {
        double size = fabs((double)x[i]);
        least = size > 0 ? fmin(least, size) : least;
        most = fmax(most, size);
    }
    bool may = most > 0 && isfinite(most) && most <= 128.5 * least;
    return may && on_step(x, n, least, error) > 0 ? least : 0;
}

/* Whether `x`, of that error, is what `other` rounds to. */
static bool rounds_to(const float *x, const float *other, uint64_t n, double step, double error)
{
    for (uint64_t i = 0; i < n; i++)
        if (!(fabs((double)x[i] - (double)other[i]) <=
              HALF * step + 2 * error * fabs((double)x[i])))
            return false;
    return true;
}

/* Rows of both sides, [row][width]. */
struct grid_rows {
    float *x[2];
    uint64_t read, width;
    double error[2];
};

static void look_at_grid(const struct grid_rows *r, int side, struct grid_seen *g)
{
    uint64_t n = r->width, all = r->read * n;
    for (uint64_t i = 0; i < r->read; i++) {
        const float *row = r->x[side] + i * n;
        double step = row_step(row, n, r->error[side]);
        g->rows += step >= 0;
        g->on_grid += step > 0;
        g->rounded += step > 0 && rounds_to(row, r->x[!side] + i * n, n, step, r->error[side]);
    }
    double step = tensor_step(r->x[side], all, r->error[side]);
    g->tensors++;
    g->one_step += step > 0;
    g->one_step_rounded +=
        step > 0 && rounds_to(r->x[side], r->x[!side], all, step, r->error[side]);
}

static assay_status read_rows(struct comparing *c, const struct assay_tensor *t, uint64_t read,
                              uint64_t width, float *x)
{
    uint64_t rows = t->shape[0];
    for (uint64_t i = 0; i < read; i++)
        ASSAY_TRY(assay_tensor_read(t, i * rows / read * width, width, x + i * width, c->error));
    c->result->bytes_read += t->size / rows * read;
    return ASSAY_OK;
}

static assay_status look_at_grids(struct comparing *c, const struct pair *p,
                                  struct grid_seen grids[2])
{
    const struct assay_tensor *t[2] = {p->a->tensor, p->b->tensor};
    struct grid_rows r = {.width = t[0]->elements / t[0]->shape[0]};
    r.read = t[0]->shape[0] < ROWS ? t[0]->shape[0] : ROWS;
    if (r.width < 2 * LEAST_VALUES || r.width > MOST_WIDTH)
        return ASSAY_OK;
    assay_status status = ASSAY_OK;
    for (int side = 0; side < 2 && status == ASSAY_OK; side++) {
        r.error[side] = rounding(t[side]->dtype);
        r.x[side] = malloc((size_t)(r.read * r.width) * sizeof *r.x[side]);
        status =
            r.x[side] ? read_rows(c, t[side], r.read, r.width, r.x[side]) : compare_no_memory(c);
    }
    for (int side = 0; side < 2 && status == ASSAY_OK; side++)
        look_at_grid(&r, side, &grids[side]);
    free(r.x[0]);
    free(r.x[1]);
    return status;
}

static bool is_plain(const struct assay_tensor *t)
{
    size_t elements, bytes;
    assay_dtype_block(t->dtype, &elements, &bytes);
    return assay_dtype_is_real(t->dtype) && elements == 1 && !t->halves;
}

assay_status compare_grids(struct comparing *c, struct grid_seen grids[2])
{
    size_t looked = 0;
    memset(grids, 0, 2 * sizeof *grids);
    for (size_t i = 0; i < c->pair_count && looked < GRID_PAIRS; i++) {
        const struct pair *p = &c->pairs[i];
        if (!p->same_shape || p->a->tensor->elements == 0 || !is_plain(p->a->tensor) ||
            !is_plain(p->b->tensor))
            continue;
        looked++;
        ASSAY_TRY(look_at_grids(c, p, grids));
    }
    return ASSAY_OK;
}
