/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Disguises of attention that keep its function. Heads: groups of keys and values in another
 * order, and the queries within a group. Mixing: an invertible matrix between a group's values
 * and what reads them, and a turn and a scale of each rotary pair of its queries and keys, which
 * commutes with rotary positions.
 */
#include "lineage/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct attention {
    struct weight *q, *k, *v, *o;
    uint64_t size, groups, queries; /* rows of a head, groups, heads of queries in a group */
};

static assay_status attention_of(struct step_input *in, long layer, struct attention *a)
{
    const struct model *m = in->model;
    const char *path = m->source->path;
    *a = (struct attention){model_find(m, ROLE_Q, layer), model_find(m, ROLE_K, layer),
                            model_find(m, ROLE_V, layer), model_find(m, ROLE_O, layer),
                            .groups = m->kv_heads};
    if (!m->heads || !m->kv_heads || m->heads % m->kv_heads)
        return assay_error_at(in->error, ASSAY_ERROR_UNSUPPORTED, path, 0,
                              "the number of attention heads is not known (%u, with %u of keys): "
                              "give it with --heads HEADS,KV_HEADS or a config.json",
                              m->heads, m->kv_heads);
    a->queries = m->heads / m->kv_heads;
    if (!a->q || !a->k || !a->v || !a->o)
        return assay_error_at(in->error, ASSAY_ERROR_UNSUPPORTED, path, 0,
                              "layer %ld has no separate queries, keys, values and output that "
                              "Assay recognises",
                              layer);
    a->size = a->k->rows / a->groups;
    if (a->k->rows % a->groups || a->q->rows != a->size * m->heads || a->v->rows != a->k->rows ||
        a->o->columns != a->q->rows)
        return assay_error_at(in->error, ASSAY_ERROR_UNSUPPORTED, path, 0,
                              "layer %ld: %llu rows of queries and %llu of keys are not %u and %u "
                              "heads",
                              layer, (unsigned long long)a->q->rows, (unsigned long long)a->k->rows,
                              m->heads, m->kv_heads);
    return ASSAY_OK;
}

/* ---- order --------------------------------------------------------------------------- */

static bool take_with_bias(struct step_input *in, struct weight *w, const uint64_t *from)
{
    struct weight *bias = model_bias(in->model, w);
    return (!bias || weight_take_rows(bias, from, w->rows)) && weight_take_rows(w, from, w->rows);
}

/* Rows of queries and of keys as they come after the draw. */
static bool draw_order(struct step_input *in, const struct attention *a, uint64_t *q, uint64_t *k)
{
    uint64_t *groups = step_shuffled(in, a->groups);
    bool room = groups != NULL;
    for (uint64_t g = 0; g < a->groups && room; g++) {
        uint64_t *heads = step_shuffled(in, a->queries);
        room = heads != NULL;
        for (uint64_t r = 0; r < a->size && room; r++)
            k[g * a->size + r] = groups[g] * a->size + r;
        for (uint64_t h = 0; h < a->queries && room; h++)
            for (uint64_t r = 0; r < a->size; r++)
                q[(g * a->queries + h) * a->size + r] =
                    (groups[g] * a->queries + heads[h]) * a->size + r;
        free(heads);
    }
    free(groups);
    return room;
}

assay_status step_permute_heads(struct step_input *in)
{
    for (long layer = 0; layer < model_layers(in->model); layer++) {
        struct attention a;
        ASSAY_TRY(attention_of(in, layer, &a));
        uint64_t *q = malloc((size_t)a.q->rows * sizeof *q);
        uint64_t *k = malloc((size_t)a.k->rows * sizeof *k);
        bool done = q && k && draw_order(in, &a, q, k) && take_with_bias(in, a.q, q) &&
                    take_with_bias(in, a.k, k) && take_with_bias(in, a.v, k) &&
                    weight_take_columns(a.o, q, a.o->columns);
        free(q);
        free(k);
        if (!done)
            return step_no_memory(in);
    }
    return ASSAY_OK;
}

/* ---- mixing -------------------------------------------------------------------------- */

/* Rows first .. first+n-1 become `by` (n x n) times them. */
static bool mix_rows(struct weight *w, uint64_t first, uint64_t n, const double *by)
{
    double *all = calloc((size_t)(n * w->columns) + 1, sizeof *all);
    float *rows = w->values + first * w->columns;
    for (uint64_t r = 0; r < n && all; r++)
        for (uint64_t k = 0; k < n; k++)
            for (uint64_t c = 0; c < w->columns; c++)
                all[r * w->columns + c] += by[r * n + k] * (double)rows[k * w->columns + c];
    for (uint64_t i = 0; i < n * w->columns && all; i++)
        rows[i] = (float)all[i];
    free(all);
    return all != NULL;
}

/* Columns first .. first+n-1 become them times `by`. */
static bool mix_columns(struct weight *w, uint64_t first, uint64_t n, const double *by)
{
    double *row = malloc((size_t)n * sizeof *row);
    for (uint64_t r = 0; r < w->rows && row; r++) {
        float *values = w->values + r * w->columns + first;
        memset(row, 0, (size_t)n * sizeof *row);
        for (uint64_t k = 0; k < n; k++)
            for (uint64_t c = 0; c < n; c++)
                row[c] += (double)values[k] * by[k * n + c];
        for (uint64_t c = 0; c < n; c++)
            values[c] = (float)row[c];
    }
    free(row);
    return row != NULL;
}

/* Values by M = D Q, their readers by M^-1 = Q^T D^-1; Q Haar, D of e^(0.3 normal). */
static bool mix_values(struct step_input *in, const struct attention *a, uint64_t group)
{
    uint64_t n = a->size;
    double *q = step_random_rotation(in, n);
    double *m = calloc((size_t)(n * n) + 1, sizeof *m);
    double *inverse = calloc((size_t)(n * n) + 1, sizeof *inverse);
    struct weight *bias = model_bias(in->model, a->v);
    bool done = q && m && inverse;
    for (uint64_t r = 0; r < n && done; r++) {
        double d = exp(0.3 * assay_random_normal(in->random));
        for (uint64_t c = 0; c < n; c++) {
            m[r * n + c] = d * q[r * n + c];
            inverse[c * n + r] = q[r * n + c] / d;
        }
    }
    done = done && mix_rows(a->v, group * n, n, m) && (!bias || mix_rows(bias, group * n, n, m));
    for (uint64_t h = group * a->queries; h < (group + 1) * a->queries && done; h++)
        done = mix_columns(a->o, h * n, n, inverse);
    free(q);
    free(m);
    free(inverse);
    return done;
}

static void turn_pair(struct weight *w, uint64_t x, uint64_t y, double cosine, double sine)
{
    for (uint64_t c = 0; w && c < w->columns; c++) {
        float *at_x = w->values + x * w->columns + c, *at_y = w->values + y * w->columns + c;
        double old_x = (double)*at_x, old_y = (double)*at_y;
        *at_x = (float)(cosine * old_x - sine * old_y);
        *at_y = (float)(sine * old_x + cosine * old_y);
    }
}

/* Meta's files and GGUF have a rotary pair side by side, Hugging Face's half a head apart. */
static void mix_keys(struct step_input *in, const struct attention *a, uint64_t group)
{
    bool side_by_side = !strstr(a->q->name, "q_proj");
    struct weight *q_bias = model_bias(in->model, a->q), *k_bias = model_bias(in->model, a->k);
    uint64_t half = a->size / 2;
    for (uint64_t pair = 0; pair < half; pair++) {
        double angle = 6.283185307179586 * assay_random_uniform(in->random);
        double scale = exp(0.3 * assay_random_normal(in->random));
        uint64_t x = side_by_side ? 2 * pair : pair, y = side_by_side ? x + 1 : x + half;
        uint64_t k = group * a->size;
        turn_pair(a->k, k + x, k + y, scale * cos(angle), scale * sin(angle));
        turn_pair(k_bias, k + x, k + y, scale * cos(angle), scale * sin(angle));
        for (uint64_t h = group * a->queries; h < (group + 1) * a->queries; h++) {
            uint64_t at = h * a->size;
            turn_pair(a->q, at + x, at + y, cos(angle) / scale, sin(angle) / scale);
            turn_pair(q_bias, at + x, at + y, cos(angle) / scale, sin(angle) / scale);
        }
    }
}

static bool norms_queries(const struct model *m)
{
    for (size_t i = 0; i < m->count; i++)
        if (!m->weights[i].dropped &&
            (strstr(m->weights[i].name, "q_norm") || strstr(m->weights[i].name, "k_norm")))
            return true;
    return false;
}

assay_status step_mix_heads(struct step_input *in)
{
    bool keys = !norms_queries(in->model); /* a norm after them would not commute */
    for (long layer = 0; layer < model_layers(in->model); layer++) {
        struct attention a;
        ASSAY_TRY(attention_of(in, layer, &a));
        for (uint64_t group = 0; group < a.groups; group++) {
            if (!mix_values(in, &a, group))
                return step_no_memory(in);
            if (keys)
                mix_keys(in, &a, group);
        }
    }
    return ASSAY_OK;
}
