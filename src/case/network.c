/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A source says yes with the chance of its letter, an exhibit with what is left to the smaller of
 * letter and digit, so that both together have that one. Findings that rest on the same exhibit
 * are one group of correlation 1 unless the case declares theirs; each of the n findings of a
 * group of correlation c counts 1 / (1 + (n - 1) c): Kish's effective number of observations,
 * which is exact for log-likelihood ratios that are jointly normal with equal variances and that
 * correlation.
 */
#include "case/network.h"

#include "case/match.h"
#include "case/names.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_LINKS 20000000 /* parents of all findings together */

struct building {
    const struct assay_case *subject;
    const struct assay_case_question *question;
    const struct assay_case_reliability *reliability;
    struct assay_arena *arena;
    struct assay_combination *combination;
    struct assay_combined_hypothesis *hypotheses;
    const struct assay_case_hypothesis *listed; /* the question's, or those of the instruments */
    struct assay_combined_finding *findings;
    struct assay_node *nodes;
    uint32_t *exhibit_nodes, *source_nodes; /* by exhibit; UINT32_MAX: not used yet */
    size_t *same;                           /* by exhibit: the first of the same content */
    struct assay_error *error;
};

static assay_status out_of_memory(struct building *b)
{
    return assay_error_at(b->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

double network_weight(size_t n, double correlation)
{
    return 1 / (1 + (double)(n - 1) * correlation);
}

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

/* ---- hypotheses ----------------------------------------------------------------------------- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Every hypothesis that an instrument weighed, by name. */
static assay_status collect_hypotheses(struct building *b, const struct assay_case_reply *reply,
                                       size_t *count)
{
    size_t most = 0, n = 0, kept = 0;
    for (size_t i = 0; i < reply->result_count; i++)
        most += reply->results[i].finding.weight_count;
    const char **names = assay_arena_alloc(b->arena, most, sizeof *names);
    struct assay_case_hypothesis *listed = assay_arena_alloc(b->arena, most, sizeof *listed);
    if (!names || !listed)
        return out_of_memory(b);
    for (size_t i = 0; i < reply->result_count; i++)
        for (size_t j = 0; j < reply->results[i].finding.weight_count; j++)
            if (reply->results[i].finding.weights[j].weighed)
                names[n++] = reply->results[i].finding.weights[j].hypothesis;
    if (n)
        qsort(names, n, sizeof *names, by_text);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || strcmp(names[i], names[i - 1]) != 0)
            listed[kept++].id = names[i];
    b->listed = listed;
    *count = kept;
    return ASSAY_OK;
}

static assay_status list_hypotheses(struct building *b, const struct assay_case_reply *reply)
{
    struct assay_combination *c = b->combination;
    c->hypothesis_count = b->question->hypothesis_count;
    b->listed = b->question->hypotheses;
    if (!c->hypothesis_count)
        ASSAY_TRY(collect_hypotheses(b, reply, &c->hypothesis_count));
    b->hypotheses = assay_arena_alloc(b->arena, c->hypothesis_count, sizeof *b->hypotheses);
    if (!b->hypotheses)
        return out_of_memory(b);
    for (size_t h = 0; h < c->hypothesis_count; h++) {
        b->hypotheses[h].id = b->listed[h].id;
        b->hypotheses[h].text = b->listed[h].text;
        b->hypotheses[h].none = b->listed[h].none;
    }
    c->hypotheses = b->hypotheses;
    return ASSAY_OK;
}

/* ---- findings ------------------------------------------------------------------------------- */

static assay_status add_result(struct building *b, const struct assay_case_result *result)
{
    size_t n = b->combination->hypothesis_count;
    struct assay_combined_finding *finding = &b->findings[b->combination->finding_count];
    struct assay_interval *values = assay_arena_alloc(b->arena, n, sizeof *values);
    bool *assumed = assay_arena_alloc(b->arena, n, sizeof *assumed), weighed;
    if (!values || !assumed)
        return out_of_memory(b);
    ASSAY_TRY(match_likelihoods(&result->finding, b->listed, n, b->arena, values, assumed, &weighed,
                                b->error));
    if (!weighed)
        return ASSAY_OK;
    *finding = (struct assay_combined_finding){
        .id = result->task->id,
        .text = result->finding.answer_count ? result->finding.answers[0] : NULL,
        .result = result,
        .exhibits = result->task->exhibits,
        .exhibit_count = result->task->exhibit_count,
        .group = -1,
        .weight = 1,
        .log10_likelihoods = values,
        .assumed = assumed,
        .shared = assumed,
    };
    b->combination->finding_count++;
    return ASSAY_OK;
}

static assay_status add_entry(struct building *b, const struct assay_case_entry *entry,
                              const bool *assumed)
{
    size_t n = b->combination->hypothesis_count;
    struct assay_combined_finding *finding = &b->findings[b->combination->finding_count];
    struct assay_interval *values = assay_arena_alloc(b->arena, n, sizeof *values);
    double best = -INFINITY;
    if (!values)
        return out_of_memory(b);
    for (size_t h = 0; h < n; h++)
        best = fmax(best, entry->log10_likelihoods[h].median);
    for (size_t h = 0; h < n; h++) {
        const struct assay_interval *v = &entry->log10_likelihoods[h];
        values[h] = (struct assay_interval){v->median - best, v->low - best, v->high - best, 0.8};
    }
    *finding = (struct assay_combined_finding){
        .id = entry->id,
        .text = entry->text,
        .because = entry->because,
        .entry = entry,
        .shared = entry->others,
        .exhibits = entry->exhibits,
        .exhibit_count = entry->exhibit_count,
        .group = -1,
        .weight = 1,
        .log10_likelihoods = values,
        .assumed = assumed,
    };
    b->combination->finding_count++;
    return ASSAY_OK;
}

static assay_status list_findings(struct building *b, const struct assay_case_reply *reply)
{
    const struct assay_case_question *q = b->question;
    size_t n = b->combination->hypothesis_count;
    bool *none = assay_arena_alloc(b->arena, n, sizeof *none); /* nothing assumed */
    b->findings =
        assay_arena_alloc(b->arena, reply->result_count + q->entry_count, sizeof *b->findings);
    if (!b->findings || !none)
        return out_of_memory(b);
    b->combination->findings = b->findings;
    for (size_t i = 0; i < reply->result_count; i++)
        ASSAY_TRY(add_result(b, &reply->results[i]));
    for (size_t i = 0; i < q->entry_count; i++)
        ASSAY_TRY(add_entry(b, &q->entries[i], none));
    return ASSAY_OK;
}

/* ---- causes --------------------------------------------------------------------------------- */

static size_t exhibit_at(const struct building *b, const struct assay_case_exhibit *exhibit)
{
    return (size_t)(exhibit - b->subject->exhibits);
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
        return out_of_memory(b);
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
    return b->same[exhibit_at(b, exhibit)];
}

/* The trust that an exhibit lends its source: its letter, or what is said of it alone. */
static double lends(const struct building *b, const struct assay_case_exhibit *exhibit)
{
    return isnan(exhibit->informative) ? letter(exhibit, b->reliability) : exhibit->informative;
}

/* One node an origin, as sure as the surest of its exhibits that are used; one node an exhibit. */
static assay_status list_causes(struct building *b)
{
    size_t n = b->subject->exhibit_count;
    struct name_index origins;
    const char **texts = assay_arena_alloc(b->arena, n, sizeof *texts);
    uint32_t *by_origin = assay_arena_alloc(b->arena, n, sizeof *by_origin);
    b->nodes = assay_arena_alloc(b->arena, 2 * n + b->question->group_count + 1, sizeof *b->nodes);
    b->exhibit_nodes = assay_arena_alloc(b->arena, n, sizeof *b->exhibit_nodes);
    b->source_nodes = assay_arena_alloc(b->arena, n, sizeof *b->source_nodes);
    if (!texts || !by_origin || !b->nodes || !b->exhibit_nodes || !b->source_nodes)
        return out_of_memory(b);
    for (size_t i = 0; i < n; i++) {
        texts[i] = b->subject->exhibits[i].origin;
        by_origin[i] = b->exhibit_nodes[i] = b->source_nodes[i] = UINT32_MAX;
    }
    ASSAY_TRY(names_index(b->arena, texts, n, sizeof *texts, &origins, b->error));

    bool *used = assay_arena_alloc(b->arena, n, sizeof *used);
    if (!used)
        return out_of_memory(b);
    for (size_t f = 0; f < b->combination->finding_count; f++)
        for (size_t i = 0; i < b->findings[f].exhibit_count; i++)
            for (const struct assay_case_exhibit *e = b->findings[f].exhibits[i];
                 e && !used[exhibit_at(b, e)]; e = e->repeats)
                used[exhibit_at(b, e)] = true;

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
        return out_of_memory(b);
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
        return out_of_memory(b);
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
    return d->id ? ASSAY_OK : out_of_memory(b);
}

static assay_status list_groups(struct building *b)
{
    size_t n = b->combination->finding_count, count = 0;
    size_t *tops = assay_arena_alloc(b->arena, n, sizeof *tops);
    size_t *sizes = assay_arena_alloc(b->arena, n, sizeof *sizes);
    int *declared = assay_arena_alloc(b->arena, n, sizeof *declared);
    if (!tops || !sizes || !declared)
        return out_of_memory(b);
    ASSAY_TRY(join_findings(b, tops, declared));
    for (size_t f = 0; f < n; f++)
        sizes[find_top(tops, f)]++;
    for (size_t f = 0; f < n; f++)
        count += tops[f] == f && (sizes[f] > 1 || declared[f] >= 0);
    struct assay_dependence *groups = assay_arena_alloc(b->arena, count, sizeof *groups);
    if (!groups)
        return out_of_memory(b);
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
        return out_of_memory(b);
    for (size_t i = 0; i < finding->exhibit_count; i++)
        for (const struct assay_case_exhibit *e = finding->exhibits[i]; e; e = e->repeats) {
            parents[n++] = b->source_nodes[exhibit_at(b, e)];
            parents[n++] = b->exhibit_nodes[exhibit_at(b, e)];
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

static assay_status link_all(struct building *b)
{
    struct assay_combination *c = b->combination;
    size_t links = 0;
    uint32_t *causes = assay_arena_alloc(b->arena, c->dependence_count, sizeof *causes);
    if (!causes)
        return out_of_memory(b);
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

assay_status network_build(const struct assay_case *subject, const struct assay_case_reply *reply,
                           const struct assay_case_reliability *reliability,
                           struct assay_arena *arena, struct assay_combination *combination,
                           struct assay_error *error)
{
    struct building b = {.subject = subject,
                         .question = reply->question,
                         .reliability = reliability,
                         .arena = arena,
                         .combination = combination,
                         .error = error};
    ASSAY_TRY(list_hypotheses(&b, reply));
    ASSAY_TRY(list_findings(&b, reply));
    ASSAY_TRY(find_copies(&b));
    ASSAY_TRY(list_causes(&b));
    ASSAY_TRY(list_groups(&b));
    return link_all(&b);
}
