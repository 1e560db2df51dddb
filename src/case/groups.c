/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dependence. Findings that rest on the same exhibit are one group of correlation 1 unless the
 * case declares theirs; each of the n findings of a group of correlation c counts
 * 1 / (1 + (n - 1) c): Kish's effective number of observations, which is exact for log-likelihood
 * ratios that are jointly normal with equal variances and that correlation.
 */
#include "case/building.h"
#include "case/names.h"

#include <stdlib.h>
#include <string.h>

double network_weight(size_t n, double correlation)
{
    return 1 / (1 + (double)(n - 1) * correlation);
}

/* Copies of one file are one exhibit: by digest, the first stands for all. */
struct digest_entry {
    const char *sha256;
    size_t at;
};

static int by_digest(const void *a, const void *b)
{
    const struct digest_entry *x = a, *y = b;
    int order = strcmp(x->sha256, y->sha256);
    return order ? order : (x->at > y->at) - (x->at < y->at);
}

static assay_status find_copies(struct building *b)
{
    size_t n = b->subject->exhibit_count, files = 0;
    struct digest_entry *digests = assay_arena_alloc(b->arena, n, sizeof *digests);
    b->same = assay_arena_alloc(b->arena, n, sizeof *b->same);
    if (!digests || !b->same)
        return building_out_of_memory(b);
    for (size_t i = 0; i < n; i++) {
        b->same[i] = i;
        if (b->subject->exhibits[i].file)
            digests[files++] = (struct digest_entry){b->subject->exhibits[i].sha256, i};
    }
    if (files)
        qsort(digests, files, sizeof *digests, by_digest);
    for (size_t i = 1; i < files; i++)
        if (strcmp(digests[i].sha256, digests[i - 1].sha256) == 0)
            b->same[digests[i].at] = b->same[digests[i - 1].at];
    return ASSAY_OK;
}

/* The exhibit at the start of the chain of repetitions, copies being one. */
static size_t root_of(const struct building *b, const struct assay_case_exhibit *exhibit)
{
    while (exhibit->repeats)
        exhibit = exhibit->repeats;
    return b->same[building_exhibit(b, exhibit)];
}

/* ---- groups --------------------------------------------------------------------------------- */

static size_t find_top(size_t *tops, size_t i)
{
    while (tops[i] != i) {
        tops[i] = tops[tops[i]];
        i = tops[i];
    }
    return i;
}

/* Joins two sets of findings, unless the case declares each of them a group of its own. */
static void join(size_t *tops, int *declared, size_t a, size_t b)
{
    size_t x = find_top(tops, a), y = find_top(tops, b);
    if (x == y || (declared[x] >= 0 && declared[y] >= 0))
        return;
    size_t keep = x < y ? x : y, lose = x < y ? y : x;
    tops[lose] = keep;
    if (declared[keep] < 0)
        declared[keep] = declared[lose];
}

static assay_status join_findings(struct building *b, size_t *tops, int *declared)
{
    size_t n = b->combination->finding_count, exhibits = b->subject->exhibit_count;
    struct name_index names;
    size_t *seen = assay_arena_alloc(b->arena, exhibits, sizeof *seen);
    if (!seen)
        return building_out_of_memory(b);
    ASSAY_TRY(names_index(b->arena, b->findings, n, sizeof *b->findings, &names, b->error));
    for (size_t f = 0; f < n; f++) {
        tops[f] = f;
        declared[f] = -1;
    }
    for (size_t g = 0; g < b->question->group_count; g++) {
        const struct assay_case_group *group = &b->question->groups[g];
        size_t first = SIZE_MAX;
        for (size_t i = 0; i < group->finding_count; i++) {
            size_t f = names_find(&names, group->findings[i]);
            if (f == SIZE_MAX)
                continue; /* an instrument that weighed nothing */
            if (first == SIZE_MAX)
                first = f;
            tops[f] = first;
            declared[first] = (int)g;
        }
    }
    for (size_t i = 0; i < exhibits; i++)
        seen[i] = SIZE_MAX;
    for (size_t f = 0; f < n; f++)
        for (size_t i = 0; i < b->findings[f].exhibit_count; i++) {
            size_t root = root_of(b, b->findings[f].exhibits[i]);
            if (seen[root] == SIZE_MAX)
                seen[root] = f;
            join(tops, declared, seen[root], f);
        }
    return ASSAY_OK;
}

static assay_status fill_group(struct building *b, struct assay_dependence *d, size_t top,
                               size_t *tops, const struct assay_case_group *declared, int index)
{
    size_t n = b->combination->finding_count;
    uint32_t *members = assay_arena_alloc(b->arena, d->finding_count, sizeof *members);
    if (!members)
        return building_out_of_memory(b);
    d->findings = members;
    d->finding_count = 0;
    for (size_t f = top; f < n; f++)
        if (find_top(tops, f) == top)
            members[d->finding_count++] = (uint32_t)f;
    d->declared = declared != NULL;
    d->id = declared ? declared->id
                     : assay_arena_print(b->arena, "same-exhibit-%s", b->findings[top].id);
    d->because = declared ? declared->because : "These findings rest on the same exhibit.";
    d->correlation = declared ? declared->correlation : 1;
    d->informative = declared ? declared->informative : 1;
    for (size_t i = 0; i < d->finding_count; i++) {
        b->findings[members[i]].group = index;
        b->findings[members[i]].weight = network_weight(d->finding_count, d->correlation);
    }
    return d->id ? ASSAY_OK : building_out_of_memory(b);
}

assay_status building_groups(struct building *b)
{
    size_t n = b->combination->finding_count, count = 0;
    size_t *tops = assay_arena_alloc(b->arena, n, sizeof *tops);
    size_t *sizes = assay_arena_alloc(b->arena, n, sizeof *sizes);
    int *declared = assay_arena_alloc(b->arena, n, sizeof *declared);
    if (!tops || !sizes || !declared)
        return building_out_of_memory(b);
    ASSAY_TRY(find_copies(b));
    ASSAY_TRY(join_findings(b, tops, declared));
    for (size_t f = 0; f < n; f++)
        sizes[find_top(tops, f)]++;
    for (size_t f = 0; f < n; f++)
        count += tops[f] == f && (sizes[f] > 1 || declared[f] >= 0);
    struct assay_dependence *groups = assay_arena_alloc(b->arena, count, sizeof *groups);
    if (!groups)
        return building_out_of_memory(b);
    count = 0;
    for (size_t f = 0; f < n; f++) {
        if (tops[f] != f || (sizes[f] < 2 && declared[f] < 0))
            continue;
        const struct assay_case_group *group =
            declared[f] >= 0 ? &b->question->groups[declared[f]] : NULL;
        groups[count].finding_count = sizes[f];
        ASSAY_TRY(fill_group(b, &groups[count], f, tops, group, (int)count));
        count++;
    }
    b->combination->dependences = groups;
    b->combination->dependence_count = count;
    return ASSAY_OK;
}
