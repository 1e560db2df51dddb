/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tensors do where names are hidden, from shapes alone. A transformer's matrices all have one
 * side in common, the width of the residual stream. The other side says the rest: a size that is
 * made twice as often as it is taken is a gated feed-forward one, one that is made and never taken
 * belongs to keys and values, one that hardly ever occurs to tokens.
 */
#include "lineage/roles.h"

#include <stdlib.h>

struct side {
    uint64_t size;
    size_t made, taken; /* matrices size x width, and width x size */
};

struct sizes {
    uint64_t width;
    struct side *list;
    size_t count;
};

static struct side *side_of(struct sizes *s, uint64_t size)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->list[i].size == size)
            return &s->list[i];
    s->list[s->count] = (struct side){.size = size};
    return &s->list[s->count++];
}

/* The size that most matrices have on a side. */
static uint64_t common_size(const struct assay_checkpoint *c, struct sizes *s)
{
    struct shaped shape;
    size_t most = 0;
    uint64_t size = 0;
    for (size_t i = 0; i < c->count; i++)
        if (shape_of(&c->tensors[i], &shape)) {
            side_of(s, shape.out)->made++;
            if (shape.in != shape.out)
                side_of(s, shape.in)->made++;
        }
    for (size_t i = 0; i < s->count; i++)
        if (s->list[i].made > most) {
            most = s->list[i].made;
            size = s->list[i].size;
        }
    s->count = 0;
    return most >= 4 ? size : 0;
}

static const char *role_by(const struct sizes *s, const struct side *x, bool made)
{
    if (x->size == s->width)
        return "q or o";
    if (x->made + x->taken <= 2 && x->size > s->width && x->taken == 0)
        return "embedding or head";
    if (x->taken > 0 && x->made == 2 * x->taken)
        return made ? "gate or up" : "down";
    if (x->taken > 0 && x->made == x->taken)
        return x->size > s->width ? (made ? "up" : "down") : (made ? "q" : "o");
    if (x->taken == 0)
        return x->size < s->width ? "k or v" : "q, k and v";
    return "unknown";
}

bool roles_by_shape(const struct assay_checkpoint *c, const char **roles)
{
    struct sizes s = {.list = malloc((2 * c->count + 1) * sizeof(struct side))};
    struct shaped shape;
    if (!s.list)
        return false;
    s.width = common_size(c, &s);
    for (int pass = 0; pass < 2 && s.width; pass++) /* count, then say */
        for (size_t i = 0; i < c->count; i++) {
            const struct assay_tensor *t = &c->tensors[i];
            if (t->rank == 1 && t->shape[0] == s.width)
                roles[i] = "norm";
            if (!shape_of(t, &shape) || shape.inner != 1 ||
                (shape.in != s.width && shape.out != s.width))
                continue;
            bool made = shape.in == s.width;
            struct side *x = side_of(&s, made ? shape.out : shape.in);
            if (pass == 0 && made)
                x->made++;
            else if (pass == 0)
                x->taken++;
            else
                roles[i] = role_by(&s, x, made);
        }
    free(s.list);
    return true;
}
