/* SPDX-License-Identifier: Apache-2.0 */
/* Hypotheses and findings; causes.c and groups.c have the rest. */
#include "case/building.h"
#include "case/match.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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
        return building_out_of_memory(b);
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
        return building_out_of_memory(b);
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
        return building_out_of_memory(b);
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
        return building_out_of_memory(b);
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
        return building_out_of_memory(b);
    b->combination->findings = b->findings;
    for (size_t i = 0; i < reply->result_count; i++)
        ASSAY_TRY(add_result(b, &reply->results[i]));
    for (size_t i = 0; i < q->entry_count; i++)
        ASSAY_TRY(add_entry(b, &q->entries[i], none));
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
    ASSAY_TRY(building_causes(&b));
    ASSAY_TRY(building_groups(&b));
    return building_links(&b);
}
