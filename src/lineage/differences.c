/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was done after a common base: the cosine of A - base and B - base, over tensors that all
 * three have under one name and shape, on an even sample of runs. And which of A and B is longer.
 */
#include "lineage/stage_parts.h"

#include <math.h>
#include <stdlib.h>

#define RUN 16384 /* elements; a multiple of every block */
#define MOST_RUNS 16

struct sums {
    double aa, bb, cc, xx, yy, xy;
};

static const struct assay_tensor *same(const struct assay_checkpoint *c,
                                       const struct assay_tensor *t)
{
    const struct assay_tensor *other = assay_checkpoint_find(c, t->name);
    if (!other || other->rank != t->rank || other->unreadable || other->halves != t->halves ||
        !assay_dtype_is_real(other->dtype))
        return NULL;
    for (int i = 0; i < t->rank; i++)
        if (other->shape[i] != t->shape[i])
            return NULL;
    return other;
}

static void add(struct sums *s, const float *a, const float *b, const float *c, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double base = c ? (double)c[i] : 0, x = (double)a[i] - base, y = (double)b[i] - base;
        if (!isfinite(x) || !isfinite(y))
            continue;
        s->aa += (double)a[i] * (double)a[i];
        s->bb += (double)b[i] * (double)b[i];
        s->cc += base * base;
        s->xx += x * x;
        s->yy += y * y;
        s->xy += x * y;
    }
}

static assay_status add_tensor(const struct assay_tensor *const t[3], float *room, struct sums *s,
                               struct assay_error *error)
{
    uint64_t n = t[0]->elements, runs = (n + RUN - 1) / RUN;
    uint64_t taken = runs < MOST_RUNS ? runs : MOST_RUNS;
    for (uint64_t r = 0; r < taken; r++) {
        uint64_t first = (taken == runs ? r : r * runs / taken) * RUN;
        uint64_t count = n - first < RUN ? n - first : RUN;
        for (int k = 0; k < 3; k++)
            if (t[k])
                ASSAY_TRY(assay_tensor_read(t[k], first, count, room + k * RUN, error));
        add(s, room, room + RUN, t[2] ? room + 2 * RUN : NULL, (size_t)count);
    }
    return ASSAY_OK;
}

assay_status stage_differences(const struct stage_input *in, struct difference_likeness *d,
                               struct assay_error *error)
{
    struct sums s = {0};
    float *room = malloc(3 * RUN * sizeof *room);
    assay_status status =
        room ? ASSAY_OK : assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    *d = (struct difference_likeness){.cosine = NAN, .length = NAN};
    for (size_t i = 0; i < in->a->count && status == ASSAY_OK; i++) {
        const struct assay_tensor *t[3] = {&in->a->tensors[i], NULL, NULL};
        if (t[0]->rank < 2 || t[0]->unreadable || !assay_dtype_is_real(t[0]->dtype) ||
            role_of(t[0]->name).role == ROLE_BUFFER)
            continue;
        t[1] = same(in->b, t[0]);
        t[2] = in->base && t[1] ? same(in->base, t[0]) : NULL;
        if (!t[1] || (in->base && !t[2]))
            continue;
        status = add_tensor(t, room, &s, error);
        d->tensors++;
    }
    free(room);
    if (s.aa > 0 && s.bb > 0)
        d->length = 0.5 * log(s.bb / s.aa);
    if (in->base && s.xx > 0 && s.yy > 0)
        d->cosine = s.xy / sqrt(s.xx * s.yy);
    d->changed_a = s.cc > 0 ? s.xx / s.cc : (double)NAN;
    d->changed_b = s.cc > 0 ? s.yy / s.cc : (double)NAN;
    return status;
}
