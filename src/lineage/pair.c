/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which tensors to set side by side. Partners where names are hidden (lend.c). By role and layer
 * where names tell them, else by the same name, else by the same ending of the name and the same
 * shape, else by shape alone (all that fit, at most a few: each is one more test in the family). A
 * dense feed-forward matrix stands beside each expert of its layer where only one side has experts.
 */
#include "lineage/compare.h"

#include <string.h>

#define MOST_BY_SHAPE 4

static bool known(const struct matrix *m)
{
    return m->name.role != ROLE_UNKNOWN && m->name.role != ROLE_NORM;
}

static bool same_shape(const struct matrix *a, const struct matrix *b)
{
    return a->shape.out == b->shape.out && a->shape.in == b->shape.in &&
           a->shape.inner == b->shape.inner;
}

/* Shared characters at the end, from a dot or the whole name. */
static size_t shared_ending(const char *a, const char *b)
{
    size_t x = strlen(a), y = strlen(b), n = 0, whole = 0;
    while (n < x && n < y && a[x - n - 1] == b[y - n - 1]) {
        n++;
        if (a[x - n] == '.' || n == x || n == y)
            whole = n;
    }
    return whole;
}

static bool comparable(const struct matrix *a, const struct matrix *b)
{
    if (a->ignored || b->ignored || a->input_first != b->input_first)
        return false;
    for (int axis = 0; axis < 2; axis++)
        if (a->testable[axis] && b->testable[axis] &&
            matrix_width(a, (enum axis)axis) == matrix_width(b, (enum axis)axis))
            return true;
    return same_shape(a, b);
}

/* How the rows of queries and keys are ordered (checkpoint.h, rotary_heads), from names. */
enum row_order { ORDER_UNKNOWN, ORDER_PAIRS, ORDER_HALVES };

static enum row_order row_order(const struct matrix *m)
{
    const char *name = m->tensor->name;
    if (m->name.role != ROLE_Q && m->name.role != ROLE_K)
        return ORDER_UNKNOWN;
    if (m->tensor->rotary_heads || strstr(name, ".wq") || strstr(name, ".wk"))
        return ORDER_PAIRS;
    return strstr(name, "_proj") || strstr(name, "attn_") ? ORDER_HALVES : ORDER_UNKNOWN;
}

/* The same matrix with its rows in halves; NULL if memory is short. */
static const struct matrix *in_halves(struct comparing *c, const struct matrix *m)
{
    struct matrix *copy = assay_arena_alloc(c->arena, 1, sizeof *copy);
    struct assay_tensor *tensor = assay_arena_alloc(c->arena, 1, sizeof *tensor);
    if (!copy || !tensor)
        return NULL;
    *copy = *m;
    *tensor = *m->tensor;
    tensor->halves = true;
    tensor->contiguous = false; /* its bytes are not in the order of its elements */
    copy->tensor = tensor;
    return copy;
}

static assay_status add(struct comparing *c, const struct matrix *a, const struct matrix *b)
{
    enum row_order of_a = row_order(a), of_b = row_order(b);
    if (c->pair_count >= c->settings->most_pairs || !comparable(a, b))
        return ASSAY_OK;
    if (of_a != of_b && of_a != ORDER_UNKNOWN && of_b != ORDER_UNKNOWN) {
        const struct matrix **pairs = of_a == ORDER_PAIRS ? &a : &b;
        if (!(*pairs)->tensor->rotary_heads) /* no heads known: the rows cannot be matched */
            return ASSAY_OK;
        *pairs = in_halves(c, *pairs);
        if (!*pairs)
            return compare_no_memory(c);
    }
    c->pairs[c->pair_count++] = (struct pair){.a = a, .b = b, .same_shape = same_shape(a, b)};
    return ASSAY_OK;
}

static const struct matrix *by_role(const struct matrices *all, const struct matrix *wanted)
{
    for (size_t i = 0; i < all->count; i++)
        if (all->list[i].name.role == wanted->name.role &&
            all->list[i].name.layer == wanted->name.layer &&
            all->list[i].name.expert == wanted->name.expert)
            return &all->list[i];
    return NULL;
}

static const struct matrix *by_name(const struct matrices *all, const struct matrix *wanted)
{
    for (size_t i = 0; i < all->count; i++)
        if (strcmp(all->list[i].tensor->name, wanted->tensor->name) == 0 &&
            same_shape(&all->list[i], wanted))
            return &all->list[i];
    return NULL;
}

static bool is_feed_forward(const struct matrix *m)
{
    return m->name.role == ROLE_GATE || m->name.role == ROLE_UP || m->name.role == ROLE_DOWN;
}

/* A dense layer beside every expert of the same layer, whichever side has experts: what was
 * upcycled began as copies. */
static assay_status by_experts(struct comparing *c, const struct matrix *a)
{
    if (!is_feed_forward(a))
        return ASSAY_OK;
    for (size_t i = 0; i < c->b.count; i++) {
        const struct matrix *b = &c->b.list[i];
        if (b->name.role == a->name.role && b->name.layer == a->name.layer &&
            (a->name.expert < 0) != (b->name.expert < 0))
            ASSAY_TRY(add(c, a, b));
    }
    return ASSAY_OK;
}

/* Names with nothing in common: everything of that shape, the longest common ending first. */
static assay_status by_shape(struct comparing *c, const struct matrix *wanted)
{
    size_t longest = 0, added = 0;
    for (size_t i = 0; i < c->b.count; i++)
        if (same_shape(&c->b.list[i], wanted)) {
            size_t n = shared_ending(c->b.list[i].tensor->name, wanted->tensor->name);
            longest = n > longest ? n : longest;
        }
    for (size_t i = 0; i < c->b.count && added < MOST_BY_SHAPE; i++) {
        const struct matrix *b = &c->b.list[i];
        if (same_shape(b, wanted) && !known(b) &&
            shared_ending(b->tensor->name, wanted->tensor->name) == longest) {
            ASSAY_TRY(add(c, wanted, b));
            added++;
        }
    }
    return ASSAY_OK;
}

assay_status compare_pair_up(struct comparing *c)
{
    c->pairs = assay_arena_alloc(c->arena, c->settings->most_pairs, sizeof *c->pairs);
    if (!c->pairs)
        return compare_no_memory(c);
    for (size_t i = 0; i < c->a.count; i++) {
        const struct matrix *a = &c->a.list[i], *b;
        if (a->ignored)
            continue;
        b = a->partner ? a->partner : known(a) ? by_role(&c->b, a) : by_name(&c->b, a);
        if (c->lent && !a->partner)
            continue;
        if (b)
            ASSAY_TRY(add(c, a, b));
        else
            ASSAY_TRY(known(a) ? by_experts(c, a) : by_shape(c, a));
    }
    return ASSAY_OK;
}
