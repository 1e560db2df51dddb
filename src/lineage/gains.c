/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gains of norms. A norm's gains begin at one value in every coordinate, whatever the seed, so
 * what they come to is learnt. Where two models number their residual stream alike, gains that
 * correlate say that what they learnt is alike, apart from any initialisation they share.
 */
#include "lineage/stage_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LEAST 16
#define LONGEST 65536

/* Norms that other files call otherwise: before attention, before the feed-forward part, last. */
static int kind_of(const char *name, long layer)
{
    static const char *const words[][5] = {
        {"attention_norm", "input_layernorm", "attn_norm", "ln_1.", NULL},
        {"ffn_norm", "post_attention_layernorm", "ln_2.", NULL, NULL},
        {"output_norm", "model.norm", "norm.weight", "ln_f.", NULL}};
    for (int kind = 0; kind < 3; kind++)
        for (int i = 0; words[kind][i] && (kind == 2) == (layer < 0); i++)
            if (strstr(name, words[kind][i]))
                return kind;
    return -1;
}

static bool is_gain(const struct assay_tensor *t)
{
    return t->rank == 1 && t->shape[0] >= LEAST && t->shape[0] <= LONGEST && !t->unreadable &&
           assay_dtype_is_real(t->dtype) && role_of(t->name).role == ROLE_NORM &&
           !strstr(t->name, "bias");
}

static const struct assay_tensor *partner(const struct assay_checkpoint *c,
                                          const struct assay_tensor *t)
{
    const struct assay_tensor *same = assay_checkpoint_find(c, t->name);
    if (same && is_gain(same) && same->shape[0] == t->shape[0])
        return same;
    long layer = role_of(t->name).layer;
    int kind = kind_of(t->name, layer);
    for (size_t i = 0; kind >= 0 && i < c->count; i++) {
        const struct assay_tensor *other = &c->tensors[i];
        if (is_gain(other) && other->shape[0] == t->shape[0] &&
            role_of(other->name).layer == layer && kind_of(other->name, layer) == kind)
            return other;
    }
    return NULL;
}

/* NaN where one of them does not vary. */
static double correlation(const float *x, const float *y, size_t n)
{
    double sx = 0, sy = 0, xx = 0, yy = 0, xy = 0;
    for (size_t i = 0; i < n; i++) {
        sx += (double)x[i];
        sy += (double)y[i];
    }
    for (size_t i = 0; i < n; i++) {
        double a = (double)x[i] - sx / (double)n, b = (double)y[i] - sy / (double)n;
        xx += a * a;
        yy += b * b;
        xy += a * b;
    }
    return xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : (double)NAN;
}

assay_status stage_gains(const struct stage_input *in, struct gain_likeness *gains,
                         struct assay_error *error)
{
    float *room = malloc(2 * LONGEST * sizeof *room);
    assay_status status =
        room ? ASSAY_OK : assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    double sum = 0;
    *gains = (struct gain_likeness){.correlation = NAN};
    for (size_t i = 0; i < in->a->count && status == ASSAY_OK; i++) {
        const struct assay_tensor *a = &in->a->tensors[i];
        const struct assay_tensor *b = is_gain(a) ? partner(in->b, a) : NULL;
        if (!b)
            continue;
        size_t n = (size_t)a->shape[0];
        status = assay_tensor_read(a, 0, n, room, error);
        if (status == ASSAY_OK)
            status = assay_tensor_read(b, 0, n, room + LONGEST, error);
        double r = status == ASSAY_OK ? correlation(room, room + LONGEST, n) : (double)NAN;
        if (isfinite(r)) {
            sum += r;
            gains->norms++;
        }
    }
    if (gains->norms > 0)
        gains->correlation = sum / (double)gains->norms;
    free(room);
    return status;
}
