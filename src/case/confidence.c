/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The most confidence that the evidence allows, with the reasons why it is not more (ICD 203
 * keeps confidence, in sources and reasoning, apart from likelihood). Low: nothing is separated;
 * the interval of the lead reaches below 2; one source carries it; something left out overturns
 * it. Moderate: two sources; something left out changes the words; every likelihood was entered
 * by hand. A person may have less for other reasons; the case states that.
 */
#include "case/combine.h"

#include <assay/stats.h>

#include <string.h>

#define LN10 2.302585092994045684
#define LOG10_2 0.30102999566398120
#define MOST_REASONS 8

enum level { LOW, MODERATE, HIGH };

struct judging {
    struct weighing *w;
    const char **reasons;
    size_t count;
    enum level level;
    bool short_of_memory;
};

static void because(struct judging *j, enum level level, const char *text)
{
    j->short_of_memory = j->short_of_memory || !text;
    if (level < j->level)
        j->level = level;
    if (j->count < MOST_REASONS)
        j->reasons[j->count++] = text;
}

/* The low end of the leading hypothesis over the runner-up, in draws. */
static assay_status low_end(struct weighing *w, double *low)
{
    const struct assay_combination *c = w->combination;
    double *ratios = assay_arena_alloc(w->arena, c->draws, sizeof *ratios), level = 0.1;
    if (!ratios)
        return assay_error_at(w->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    for (size_t d = 0; d < c->draws; d++)
        ratios[d] = (w->draws[d * w->n + c->leading] - w->draws[d * w->n + c->runner_up]) / LN10;
    return assay_stats_quantiles(ratios, NULL, c->draws, &level, 1, low, w->error);
}

static void judge_sources(struct judging *j)
{
    const struct assay_combination *c = j->w->combination;
    size_t sources = 0;
    for (size_t i = 0; i < c->node_count; i++)
        sources += c->nodes[i].kind == ASSAY_NODE_SOURCE;
    if (sources < 2)
        because(j, LOW, "All of it goes back to one source.");
    else if (sources < 3)
        because(j, MODERATE, "All of it goes back to two sources.");
}

static void judge_left_out(struct judging *j)
{
    static const char *const kinds[] = {"finding", "exhibit", "source", "assumption"};
    const struct assay_combination *c = j->w->combination;
    const char *words = assay_words_likelihood_ratio(c->log10_lead);
    bool overturned = false, changed = false;
    for (size_t i = 0; i < c->left_out_count; i++) {
        const struct assay_left_out *l = &c->left_out[i];
        if (l->overturns && !overturned)
            because(j, LOW,
                    assay_arena_print(j->w->arena, "Without %s '%s' another hypothesis leads.",
                                      kinds[l->kind], l->id));
        overturned = overturned || l->overturns;
    }
    for (size_t i = 0; i < c->left_out_count && !overturned; i++) {
        const struct assay_left_out *l = &c->left_out[i];
        if (l->change >= 0 || strcmp(l->words, words) == 0 || changed)
            continue;
        because(j, MODERATE,
                assay_arena_print(j->w->arena, "Without %s '%s' the support is less: %s.",
                                  kinds[l->kind], l->id, l->words));
        changed = true;
    }
}

assay_status combine_confidence(struct weighing *w)
{
    static const char *const names[] = {"low", "moderate", "high"};
    struct assay_combination *c = w->combination;
    struct judging j = {.w = w, .level = HIGH};
    double low;
    bool instruments = false;
    j.reasons = assay_arena_alloc(w->arena, MOST_REASONS, sizeof *j.reasons);
    if (!j.reasons)
        return assay_error_at(w->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    ASSAY_TRY(low_end(w, &low));
    if (c->log10_lead < LOG10_2)
        because(&j, LOW, "The evidence does not separate the two best hypotheses.");
    else if (low < LOG10_2)
        because(&j, LOW,
                "The 80% interval of the lead reaches below 2, where there is no support.");
    judge_sources(&j);
    judge_left_out(&j);
    for (size_t f = 0; f < c->finding_count; f++)
        instruments = instruments || c->findings[f].result;
    if (!instruments)
        because(&j, MODERATE, "Every likelihood was entered by hand.");
    if (j.level == HIGH)
        because(&j, HIGH, "Three sources or more, of which none is needed for the words to stand.");
    if (j.short_of_memory)
        return assay_error_at(w->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    c->confidence = names[j.level];
    c->confidence_reasons = j.reasons;
    c->confidence_reason_count = j.count;
    return ASSAY_OK;
}
