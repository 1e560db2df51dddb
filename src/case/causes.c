/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Causes: a source says yes with the chance of its letter, an exhibit with what is left to the
 * smaller of letter and digit, so that both together have that one. A finding's parents are the
 * exhibits that it rests on, those that these repeat, and the sources of all of them.
 */
#include "case/building.h"
#include "case/names.h"

#include <math.h>
#include <stdlib.h>

#define MOST_LINKS 20000000 /* parents of all findings together */

static double letter(const struct assay_case_exhibit *e, const struct assay_case_reliability *r)
{
    return r->letters[e->grade[0] - 'A'];
}

double network_informative(const struct assay_case_exhibit *exhibit,
                           const struct assay_case_reliability *reliability)
{
    if (!isnan(exhibit->informative))
        return exhibit->informative;
    return fmin(letter(exhibit, reliability), reliability->digits[exhibit->grade[1] - '1']);
}

/* ---- nodes --------------------------------------------------------------------------------- */

/* The trust that an exhibit lends its source: its letter, or what is said of it alone. */
static double lends(const struct building *b, const struct assay_case_exhibit *exhibit)
{
    return isnan(exhibit->informative) ? letter(exhibit, b->reliability) : exhibit->informative;
}

/* One node an origin, as sure as the surest of its exhibits that are used; one node an exhibit. */
assay_status building_causes(struct building *b)
{
    size_t n = b->subject->exhibit_count;
    struct name_index origins;
    const char **texts = assay_arena_alloc(b->arena, n, sizeof *texts);
    uint32_t *by_origin = assay_arena_alloc(b->arena, n, sizeof *by_origin);
    b->nodes = assay_arena_alloc(b->arena, 2 * n + b->question->group_count + 1, sizeof *b->nodes);
    b->exhibit_nodes = assay_arena_alloc(b->arena, n, sizeof *b->exhibit_nodes);
    b->source_nodes = assay_arena_alloc(b->arena, n, sizeof *b->source_nodes);
    if (!texts || !by_origin || !b->nodes || !b->exhibit_nodes || !b->source_nodes)
        return building_out_of_memory(b);
    for (size_t i = 0; i < n; i++) {
        texts[i] = b->subject->exhibits[i].origin;
        by_origin[i] = b->exhibit_nodes[i] = b->source_nodes[i] = UINT32_MAX;
    }
    ASSAY_TRY(names_index(b->arena, texts, n, sizeof *texts, &origins, b->error));

    bool *used = assay_arena_alloc(b->arena, n, sizeof *used);
    if (!used)
        return building_out_of_memory(b);
    for (size_t f = 0; f < b->combination->finding_count; f++)
        for (size_t i = 0; i < b->findings[f].exhibit_count; i++)
            for (const struct assay_case_exhibit *e = b->findings[f].exhibits[i];
                 e && !used[building_exhibit(b, e)]; e = e->repeats)
                used[building_exhibit(b, e)] = true;

    size_t *count = &b->combination->node_count;
    for (size_t i = 0; i < n; i++) {
        const struct assay_case_exhibit *e = &b->subject->exhibits[i];
        size_t first = names_find(&origins, e->origin);
        if (!used[i])
            continue;
        if (by_origin[first] == UINT32_MAX) {
            by_origin[first] = (uint32_t)*count;
            b->nodes[(*count)++] = (struct assay_node){ASSAY_NODE_SOURCE, e->origin, 0};
        }
        b->source_nodes[i] = by_origin[first];
        struct assay_node *source = &b->nodes[by_origin[first]];
        source->probability = fmax(source->probability, lends(b, e));
    }
    for (size_t i = 0; i < n; i++) {
        const struct assay_case_exhibit *e = &b->subject->exhibits[i];
        if (!used[i])
            continue;
        double source = b->nodes[b->source_nodes[i]].probability;
        double both = network_informative(e, b->reliability);
        b->exhibit_nodes[i] = (uint32_t)*count;
        b->nodes[(*count)++] =
            (struct assay_node){ASSAY_NODE_EXHIBIT, e->id, source > 0 ? fmin(1, both / source) : 0};
    }
    b->combination->nodes = b->nodes;
    return ASSAY_OK;
}

/* ---- links ---------------------------------------------------------------------------------- */

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static assay_status link_finding(struct building *b, struct assay_combined_finding *finding,
                                 uint32_t cause, size_t *links)
{
    size_t most = cause != UINT32_MAX, n = 0, kept = 0;
    for (size_t i = 0; i < finding->exhibit_count; i++)
        for (const struct assay_case_exhibit *e = finding->exhibits[i]; e; e = e->repeats)
            most += 2;
    *links += most;
    if (*links > MOST_LINKS)
        return assay_error_at(b->error, ASSAY_ERROR_LIMIT, b->subject->path, b->question->line,
                              "question %s: expected at most %d links between findings and what "
                              "they rest on",
                              b->question->id, MOST_LINKS);
    uint32_t *parents = assay_arena_alloc(b->arena, most, sizeof *parents);
    if (!parents)
        return building_out_of_memory(b);
    for (size_t i = 0; i < finding->exhibit_count; i++)
        for (const struct assay_case_exhibit *e = finding->exhibits[i]; e; e = e->repeats) {
            parents[n++] = b->source_nodes[building_exhibit(b, e)];
            parents[n++] = b->exhibit_nodes[building_exhibit(b, e)];
        }
    if (cause != UINT32_MAX)
        parents[n++] = cause;
    if (n)
        qsort(parents, n, sizeof *parents, by_number);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || parents[i] != parents[i - 1])
            parents[kept++] = parents[i];
    finding->parents = parents;
    finding->parent_count = kept;
    return ASSAY_OK;
}

assay_status building_links(struct building *b)
{
    struct assay_combination *c = b->combination;
    size_t links = 0;
    uint32_t *causes = assay_arena_alloc(b->arena, c->dependence_count, sizeof *causes);
    if (!causes)
        return building_out_of_memory(b);
    for (size_t g = 0; g < c->dependence_count; g++) {
        causes[g] = UINT32_MAX;
        if (c->dependences[g].informative == 1)
            continue;
        causes[g] = (uint32_t)c->node_count;
        b->nodes[c->node_count++] = (struct assay_node){ASSAY_NODE_CAUSE, c->dependences[g].id,
                                                        c->dependences[g].informative};
    }
    for (size_t f = 0; f < c->finding_count; f++) {
        int g = b->findings[f].group;
        ASSAY_TRY(link_finding(b, &b->findings[f], g < 0 ? UINT32_MAX : causes[g], &links));
    }
    return ASSAY_OK;
}
