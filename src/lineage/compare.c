/* SPDX-License-Identifier: Apache-2.0 */
/* The comparison, from the list of tensors to the combined p-value. */
#include "lineage/compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MOST_INEXACT 2.1 /* lineage.h says why */

struct assay_lineage_settings assay_lineage_settings_default(void)
{
    return (struct assay_lineage_settings){
        .most_units = 512, .most_coordinates = 2048, .most_pairs = 2000};
}

assay_status compare_no_memory(struct comparing *c)
{
    return assay_error_at(c->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

assay_status compare_add_match(struct comparing *c, const struct assay_lineage_match *match)
{
    if (c->match_count == c->match_room) {
        size_t room = c->match_room ? 2 * c->match_room : 64;
        struct assay_lineage_match *list = assay_arena_alloc(c->arena, room, sizeof *list);
        if (!list)
            return compare_no_memory(c);
        if (c->match_count)
            memcpy(list, c->matches, c->match_count * sizeof *list);
        c->matches = list;
        c->match_room = room;
    }
    struct assay_lineage_match *m = &c->matches[c->match_count];
    *m = *match;
    m->a = assay_arena_copy(c->arena, match->a);
    m->b = assay_arena_copy(c->arena, match->b);
    if (!m->a || !m->b)
        return compare_no_memory(c);
    c->match_count++;
    return ASSAY_OK;
}

/* Of a pair that was compared element by element: what was left out because it is no number. */
static bool some_not_finite(const struct comparing *c, const struct pair *p)
{
    return p->same_shape && !c->settings->quick &&
           p->like.elements < (double)p->a->tensor->elements;
}

static assay_status list_not_finite(struct comparing *c, struct assay_lineage_ignored *list,
                                    size_t *count)
{
    for (size_t i = 0; i < c->pair_count; i++) {
        const struct pair *p = &c->pairs[i];
        double all = (double)p->a->tensor->elements;
        if (!some_not_finite(c, p))
            continue;
        struct assay_lineage_ignored *entry = &list[(*count)++];
        entry->tensor = assay_arena_copy(c->arena, p->a->tensor->name);
        entry->in = "both";
        entry->reason = assay_arena_print(c->arena,
                                          "%.0f of its %.0f values are NaN or infinite in A or B: "
                                          "these are left out",
                                          all - p->like.elements, all);
        if (!entry->tensor || !entry->reason)
            return compare_no_memory(c);
    }
    return ASSAY_OK;
}

static assay_status list_ignored(struct comparing *c)
{
    struct assay_lineage_ignored *list =
        assay_arena_alloc(c->arena, c->a.count + c->b.count + c->pair_count, sizeof *list);
    size_t count = 0;
    if (!list)
        return compare_no_memory(c);
    for (int side = 0; side < 2; side++) {
        const struct matrices *all = side ? &c->b : &c->a;
        for (size_t i = 0; i < all->count; i++)
            if (all->list[i].ignored) {
                struct assay_lineage_ignored *entry = &list[count++];
                entry->tensor = assay_arena_copy(c->arena, all->list[i].tensor->name);
                entry->in = side ? "B" : "A";
                entry->reason = assay_arena_copy(c->arena, all->list[i].ignored);
                if (!entry->tensor || !entry->reason)
                    return compare_no_memory(c);
            }
    }
    ASSAY_TRY(list_not_finite(c, list, &count));
    c->result->ignored = list;
    c->result->ignored_count = count;
    return ASSAY_OK;
}

/* 1/(2 sqrt p). */
static double ratio_of(double log10_p)
{
    return -0.5 * log10_p - log10(2);
}

/* Tests share units, so only a bound that needs no independence will do: Bonferroni. */
static void combine(struct comparing *c)
{
    double least[2] = {0, 0}; /* of all; of exact ones */
    struct assay_lineage_comparison *r = c->result;
    r->tests = c->planned ? c->planned : c->match_count;
    for (size_t i = 0; i < c->match_count; i++)
        for (int exact = 0; exact <= (int)c->matches[i].exact; exact++)
            least[exact] = fmin(least[exact], c->matches[i].log10_p);
    for (int exact = 0; exact < 2 && r->tests; exact++)
        least[exact] = fmin(0, least[exact] + log10((double)r->tests));
    r->exact = least[1] <= least[0];
    r->log10_p = least[0];
    r->log10_lr = fmax(ratio_of(least[1]), fmin(ratio_of(least[0]), MOST_INEXACT));
    r->matches = c->matches;
    r->match_count = c->match_count;
}

/* ---- pairs ------------------------------------------------------------------------------------
 */

static void look_at(void *data, size_t i)
{
    const struct comparing *c = data;
    struct pair *p = &c->pairs[i];
    p->best_log10_p = 0;
    p->bytes_read = p->match_count = 0;
    p->status = compare_axes(c, p);
}

static assay_status look_at_pairs(struct comparing *c)
{
    ASSAY_TRY(compare_likeness(c));
    ASSAY_TRY(compare_scales(c));
    ASSAY_TRY(assay_parallel_for(c->context, "tensors", c->pair_count, look_at, c, c->error));
    for (size_t i = 0; i < c->pair_count; i++) {
        struct pair *p = &c->pairs[i];
        if (p->status != ASSAY_OK) { /* again, for its message */
            p->error = c->error;
            look_at(c, i);
            return p->status;
        }
        c->result->bytes_read += p->bytes_read;
        for (size_t k = 0; k < p->match_count; k++)
            ASSAY_TRY(compare_add_match(c, &p->matches[k]));
    }
    return ASSAY_OK;
}

static assay_status work(struct comparing *c)
{
    bool quick = c->settings->quick;
    ASSAY_TRY(matrices_list(c->file_a, c->context, !quick, c->arena, &c->a, c->error));
    ASSAY_TRY(matrices_list(c->file_b, c->context, !quick, c->arena, &c->b, c->error));
    c->result->bytes_read += c->a.bytes_read + c->b.bytes_read;
    ASSAY_TRY(compare_lend_roles(c));
    ASSAY_TRY(compare_pair_up(c));
    ASSAY_TRY(quick ? compare_quick(c) : look_at_pairs(c));
    if (!quick)
        ASSAY_TRY(compare_disguised(c));
    ASSAY_TRY(list_ignored(c));
    combine(c);
    return compare_conclude(c);
}

static assay_status check(const struct assay_lineage_settings *s, struct assay_error *error)
{
    if (s->most_units < 16 || s->most_units > 65536 || s->most_coordinates < 16 ||
        s->most_coordinates > 131072 || s->most_pairs < 1 || s->most_pairs > 100000)
        return assay_error_at(error, ASSAY_ERROR_INPUT, NULL, 0,
                              "lineage settings out of range (most_units 16 to 65536, "
                              "most_coordinates 16 to 131072, most_pairs 1 to 100000)");
    return ASSAY_OK;
}

assay_status assay_lineage_compare(const struct assay_checkpoint *a,
                                   const struct assay_checkpoint *b,
                                   const struct assay_lineage_settings *settings,
                                   const struct assay_context *context,
                                   struct assay_lineage_comparison *comparison,
                                   struct assay_error *error)
{
    struct comparing c = {.file_a = a,
                          .file_b = b,
                          .settings = settings,
                          .context = context,
                          .result = comparison,
                          .error = error};
    double start = now();
    memset(comparison, 0, sizeof *comparison);
    comparison->direction_log10_lr = NAN;
    ASSAY_TRY(check(settings, error));
    c.arena = comparison->arena = assay_arena_new();
    assay_status status = c.arena ? work(&c) : compare_no_memory(&c);
    if (status != ASSAY_OK)
        assay_lineage_comparison_free(comparison);
    else
        comparison->seconds = now() - start;
    return status;
}

void assay_lineage_comparison_free(struct assay_lineage_comparison *comparison)
{
    assay_arena_free(comparison->arena);
    memset(comparison, 0, sizeof *comparison);
}
