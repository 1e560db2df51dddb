/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attention behind a disguise. What a head writes when it reads, O_h V_h, is the same whatever
 * invertible matrix stands between its values and its output, and turns with the residual stream.
 * So for each head of a layer of A the most alike head of the layer of B that was found for it:
 * heads in another order, and values that are alike as products but not as rows, are seen.
 *   <O_a V_a, O_b V_b> = trace((O_a^T O_b) (V_b V_a^T)): the sum over i and j of
 *   (column i of O_a . column j of O_b) (row i of V_a . row j of V_b).
 * In: layers that match. Out: c->seen. Where the number of heads is not known, or names are
 * hidden, nothing is said.
 */
#include "lineage/blocks.h"
#include "lineage/dots.h"
#include "lineage/turn.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_HEADS 256
#define MOST_LAYERS 8
#define ALIKE 0.5      /* cosine of two heads' products */
#define SAME_ROWS 0.3  /* mean cosine of values' rows of heads that are alike, at least */
#define MOST_WORK 1e10 /* multiplications a layer */

struct heads {
    unsigned count, groups; /* of queries, of values */
    size_t size;
};

/* A layer's values and output as rows in one residual stream. */
struct side {
    struct units v, o; /* groups * size, heads * size */
    struct heads heads;
    double length[MOST_HEADS]; /* of O_h V_h */
};

static bool heads_of(const struct assay_checkpoint *c, const struct matrix *v,
                     const struct matrix *o, struct heads *h)
{
    struct assay_configuration configuration;
    if (assay_configuration_read(c->path, c, &configuration, NULL) != ASSAY_OK)
        return false;
    double heads = configuration.value[ASSAY_KEY_HEADS];
    double groups = configuration.value[ASSAY_KEY_KV_HEADS];
    for (size_t i = 0; i < c->count && !(heads >= 1); i++) { /* rotary tables: half a head wide */
        const struct assay_tensor *t = &c->tensors[i];
        if (!strstr(t->name, "freq_cis") || t->rank != 2 || t->shape[1] == 0 ||
            t->shape[1] > o->shape.in)
            continue;
        uint64_t of_o = o->shape.in / (2 * t->shape[1]), of_v = v->shape.out / (2 * t->shape[1]);
        heads = (double)of_o;
        groups = (double)of_v;
    }
    if (!(heads >= 1 && groups >= 1 && heads <= MOST_HEADS))
        return false;
    *h = (struct heads){(unsigned)heads, (unsigned)groups, (size_t)(o->shape.in / (uint64_t)heads)};
    return h->count % h->groups == 0 && h->size * h->count == o->shape.in &&
           h->size * h->groups == v->shape.out;
}

static const struct matrix *find(const struct matrices *all, enum role role, long layer)
{
    for (size_t i = 0; i < all->count; i++)
        if (all->list[i].name.role == role && all->list[i].name.layer == layer &&
            !all->list[i].ignored && all->list[i].shape.inner == 1)
            return &all->list[i];
    return NULL;
}

/* Heads of queries to one of values; heads_of has seen to it that there are some. */
static size_t queries_of(const struct side *s)
{
    size_t queries = s->heads.groups ? s->heads.count / s->heads.groups : 0;
    return queries ? queries : 1;
}

/* All scalar products of two layers' rows: outputs with outputs, values with values. */
struct products {
    struct units o, v;
};

static void products_free(struct products *p)
{
    units_free(&p->o);
    units_free(&p->v);
}

static bool multiply(const struct units *a, const struct units *b, struct units *to)
{
    dots_function *kernel = dots_fastest();
    if (!units_new(to, a->count, b->count))
        return false;
    for (size_t i = 0; i < a->count; i += 4)
        for (size_t j = 0; j < b->count; j++) {
            float product[4];
            kernel(a->values + i * a->width, a->width, b->values + j * b->width, a->width, product);
            for (size_t row = 0; row < 4 && i + row < a->count; row++)
                to->values[(i + row) * to->width + j] = product[row];
        }
    return true;
}

static bool products_of(const struct side *a, const struct side *b, struct products *p)
{
    return multiply(&a->o, &b->o, &p->o) && multiply(&a->v, &b->v, &p->v);
}

static double head_product(const struct products *p, const struct side *a, size_t head_a,
                           const struct side *b, size_t head_b)
{
    size_t n = a->heads.size, v_a = head_a / queries_of(a) * n, v_b = head_b / queries_of(b) * n;
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            sum += (double)p->o.values[(head_a * n + i) * p->o.width + head_b * n + j] *
                   (double)p->v.values[(v_a + i) * p->v.width + v_b + j];
    return sum;
}

/* Multiplications: every row turned, every row with every other. */
static double work_of(const struct search *s, const struct matrix *v, const struct matrix *o)
{
    double rows = (double)v->shape.out + (double)o->shape.in, width = (double)s->a.width;
    return rows * width * (s->turn.q ? width : 1) + rows * rows * width;
}

static assay_status read_side(struct search *s, bool side_b, long layer, struct side *side,
                              bool *there)
{
    const struct assay_checkpoint *file = side_b ? s->c->file_b : s->c->file_a;
    const struct matrices *all = side_b ? &s->c->b : &s->c->a;
    const struct matrix *v = find(all, ROLE_V, layer), *o = find(all, ROLE_O, layer);
    const struct turn *turn = side_b ? NULL : &s->turn;
    *there = v && o && v->shape.in == s->a.width && o->shape.out == s->a.width &&
             work_of(s, v, o) <= MOST_WORK && heads_of(file, v, o, &side->heads);
    if (!*there)
        return ASSAY_OK;
    const struct assay_tensor *norm = body_attention_norm(file, layer, s->a.width);
    ASSAY_TRY(body_vectors(v, false, norm, turn, &side->v, s->c->error));
    ASSAY_TRY(body_vectors(o, true, NULL, turn, &side->o, s->c->error));
    struct products own = {.o = {.count = 0}};
    bool room = products_of(side, side, &own);
    for (size_t h = 0; h < side->heads.count && room; h++)
        side->length[h] = sqrt(fmax(0, head_product(&own, side, h, side, h)));
    products_free(&own);
    return room ? ASSAY_OK : compare_no_memory(s->c);
}

/* ---- one layer ----------------------------------------------------------------------- */

struct tally {
    size_t heads, alike, moved; /* compared; with an alike head; of another number */
    double rows;                /* sum over alike heads of the cosine of their values' rows */
};

/* Mean cosine of the rows of two heads' values, one by one. */
static double rows_cosine(const struct side *a, size_t group_a, const struct side *b,
                          size_t group_b)
{
    double sum = 0;
    for (size_t i = 0; i < a->heads.size; i++) {
        const float *x = a->v.values + (group_a * a->heads.size + i) * a->v.width;
        const float *y = b->v.values + (group_b * a->heads.size + i) * b->v.width;
        double xy = 0, xx = 0, yy = 0;
        for (size_t c = 0; c < a->v.width; c++) {
            xy += (double)x[c] * (double)y[c];
            xx += (double)x[c] * (double)x[c];
            yy += (double)y[c] * (double)y[c];
        }
        sum += xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : 0;
    }
    return sum / (double)a->heads.size;
}

static void match_heads(const struct products *p, const struct side *a, const struct side *b,
                        struct tally *t)
{
    for (size_t i = 0; i < a->heads.count; i++) {
        double best = -1;
        size_t at = 0;
        for (size_t j = 0; j < b->heads.count; j++) {
            double lengths = a->length[i] * b->length[j];
            double cosine = lengths > 0 ? head_product(p, a, i, b, j) / lengths : 0;
            if (cosine > best) {
                best = cosine;
                at = j;
            }
        }
        t->heads++;
        if (best < ALIKE)
            continue;
        t->alike++;
        t->moved += at != i;
        t->rows += rows_cosine(a, i / queries_of(a), b, at / queries_of(b));
    }
}

static assay_status compare_layer(struct search *s, long layer_a, long layer_b, struct tally *t)
{
    struct side *sides = calloc(2, sizeof *sides);
    bool there_a = false, there_b = false;
    assay_status status =
        sides ? read_side(s, false, layer_a, &sides[0], &there_a) : compare_no_memory(s->c);
    if (status == ASSAY_OK && there_a)
        status = read_side(s, true, layer_b, &sides[1], &there_b);
    if (status == ASSAY_OK && there_b && sides[0].heads.size == sides[1].heads.size) {
        struct products p = {.o = {.count = 0}};
        if (products_of(&sides[0], &sides[1], &p))
            match_heads(&p, &sides[0], &sides[1], t);
        else
            status = compare_no_memory(s->c);
        products_free(&p);
    }
    for (int i = 0; i < 2 && sides; i++) {
        units_free(&sides[i].v);
        units_free(&sides[i].o);
    }
    free(sides);
    return status;
}

assay_status compare_heads(struct search *s)
{
    struct disguise_seen *seen = &s->c->seen;
    struct tally t = {.heads = 0};
    size_t layers = 0;
    for (size_t i = 0; i < s->b.block_count && layers < MOST_LAYERS && !s->c->lent; i++) {
        if (!blocks_match(&s->of_b[i]) || s->b.blocks[i].expert > 0)
            continue;
        ASSAY_TRY(compare_layer(s, s->a.blocks[s->of_b[i].a].layer, s->b.blocks[i].layer, &t));
        layers++;
    }
    seen->heads = t.heads;
    seen->heads_found = t.alike;
    seen->heads_renumbered = t.alike * 2 > t.heads && t.moved >= 2;
    seen->heads_mixed = t.alike * 2 > t.heads && t.rows < SAME_ROWS * (double)t.alike;
    return ASSAY_OK;
}
