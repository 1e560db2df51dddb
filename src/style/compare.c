/* SPDX-License-Identifier: Apache-2.0 */
/* One suspect against candidates: which models there are, how alike, what follows. */
#include "style/calibration.h"
#include "style/itself.h"
#include "style/margins.h"
#include "style/verdict.h"

#include <assay/stats.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LEAST_MODELS 4 /* the suspect and three to compare with */
#define LEAST_SAME 5   /* answers that are the same, to be no accident */

struct work {
    const struct assay_context *context;
    enum assay_style_question question;
    struct assay_responses *suspect;
    const struct assay_style_settings *settings;
    struct assay_style_comparison *r;
    struct assay_responses **sets; /* the suspect first */
    struct style_population population;
    struct style_likeness likeness;
    struct style_margins margins; /* of an identification */
    struct style_calibration calibration;
    size_t named;       /* the member of the candidate that stands out, or STYLE_NOBODY */
    bool sampled;       /* some are fingerprints */
    size_t most_shared; /* prompts, of the suspect and any candidate */
    size_t already;     /* files of the panel that are read elsewhere */
    size_t answers;     /* of the suspect: different ones that are not empty */
    bool foreign;       /* it hardly uses the words that all others use */
    struct assay_error *error;
};

struct assay_style_settings assay_style_settings_default(void)
{
    return (struct assay_style_settings){.level = 0.05, .replicates = 40};
}

static assay_status no_memory(struct work *w)
{
    return assay_error_at(w->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

/* ---- who takes part ------------------------------------------------------------------ */

static assay_status leave_out(struct work *w, const char *sentence)
{
    const char **list = assay_arena_alloc(w->r->arena, w->r->left_out_count + 1, sizeof *list);
    if (!list || !sentence)
        return no_memory(w);
    if (w->r->left_out_count > 0)
        memcpy(list, w->r->left_out, w->r->left_out_count * sizeof *list);
    list[w->r->left_out_count++] = sentence;
    w->r->left_out = list;
    return ASSAY_OK;
}

/* A model that answered few of the prompts of the suspect would look unlike everybody for want of
 * answers: as a null it would make whoever did answer them stand out. */
static assay_status leave_out_unasked(struct work *w, const struct assay_responses *set,
                                      size_t shared)
{
    return leave_out(w, assay_arena_print(w->r->arena,
                                          "%s: it answered %zu of the suspect's prompts where "
                                          "another model answered %zu, too few to be compared",
                                          set->path, shared, w->most_shared));
}

static assay_status join(struct work *w, struct assay_responses *set, size_t candidate)
{
    struct style_population *p = &w->population;
    size_t shared = assay_responses_shared(w->suspect, set);
    if (style_is_itself(w->suspect, set))
        return leave_out(w, assay_arena_print(w->r->arena,
                                              "%s: it has the suspect's name and "
                                              "answers, so it is the suspect itself",
                                              set->path));
    for (size_t i = 1; i < p->n && candidate == STYLE_NOBODY; i++)
        if (strcmp(w->sets[i]->source_sha256, set->source_sha256) == 0) {
            w->already++;
            return ASSAY_OK;
        }
    if (2 * shared < w->most_shared)
        return leave_out_unasked(w, set, shared);
    w->sets[p->n] = set;
    p->names[p->n] = set->name;
    p->candidate[p->n++] = candidate;
    return ASSAY_OK;
}

/* Members of one candidate that the table does not know count as one lineage, not as several. */
static void share_lineages(struct style_population *p)
{
    for (size_t i = 0; i < p->n; i++)
        for (size_t k = 0; k < i && p->candidate[i] != STYLE_NOBODY; k++)
            if (p->candidate[k] == p->candidate[i] && p->lineage[i] == i && p->maker[i] == i) {
                p->lineage[i] = p->lineage[k];
                p->maker[i] = p->maker[k];
                break;
            }
}

static void note_shared(struct work *w, const struct assay_responses *set)
{
    size_t shared = style_is_itself(w->suspect, set) ? 0 : assay_responses_shared(w->suspect, set);
    w->most_shared = shared > w->most_shared ? shared : w->most_shared;
}

static assay_status gather(struct work *w, const struct assay_style_candidate *candidates,
                           size_t count, struct assay_responses *const *panel, size_t panel_count)
{
    size_t most = 1 + panel_count;
    for (size_t c = 0; c < count; c++)
        most += candidates[c].member_count;
    for (size_t c = 0; c < count; c++)
        for (size_t m = 0; m < candidates[c].member_count; m++)
            note_shared(w, candidates[c].members[m]);
    w->sets = assay_arena_alloc(w->r->arena, most, sizeof *w->sets);
    if (!w->sets || !style_population_start(w->r->arena, most, count, &w->population))
        return no_memory(w);
    w->population.n = 1;
    w->sets[0] = w->suspect;
    w->population.names[0] = ""; /* what it calls itself proves nothing */
    w->population.candidate[0] = STYLE_NOBODY;
    for (size_t c = 0; c < count; c++) {
        for (size_t k = 0; k < c; k++)
            if (strcmp(candidates[c].name, candidates[k].name) == 0)
                return assay_error_at(w->error, ASSAY_ERROR_INPUT, candidates[c].members[0]->path,
                                      0, "two candidates are called %.200s: rename one",
                                      candidates[c].name);
        for (size_t m = 0; m < candidates[c].member_count; m++)
            ASSAY_TRY(join(w, candidates[c].members[m], c));
    }
    for (size_t i = 0; i < panel_count; i++)
        ASSAY_TRY(join(w, panel[i], STYLE_NOBODY));
    if (w->already > 0)
        ASSAY_TRY(leave_out(w, assay_arena_print(w->r->arena,
                                                 "%zu files of the panel, which are candidates' or "
                                                 "the panel's already",
                                                 w->already)));
    if (w->population.n < LEAST_MODELS)
        return assay_error_at(w->error, ASSAY_ERROR_UNANSWERABLE, NULL, 0,
                              "likeness is a matter of comparison: %zu models besides the suspect "
                              "are too few, expected at least %d; add candidates or --panel DIR",
                              w->population.n - 1, LEAST_MODELS - 1);
    ASSAY_TRY(style_population_look_up(w->settings->models, &w->population, w->error));
    share_lineages(&w->population);
    for (size_t i = 0; i < w->population.n && w->question == ASSAY_STYLE_IDENTIFY; i++)
        w->population.null[i] = true; /* whoever taught it, another model did not write these */
    return ASSAY_OK;
}

/* ---- scores and their bootstrap ------------------------------------------------------ */

struct replicates {
    struct work *work;
    double *scores; /* [candidate * replicates + replicate] */
    double *rests;  /* the same: less how alike the one that stands out is to the candidate */
    bool *failed;
};

/* A pair with less than half the prompts that the suspect shares with the candidate says nothing
 * of how alike strangers are to it: unknown, which is not unlike. */
static void forget_what_was_not_asked(const struct work *w, double *scores)
{
    size_t n = w->population.n;
    for (size_t b = 1; b < n && w->most_shared > 0; b++) {
        size_t own = style_likeness_shared(&w->likeness, 0, b);
        for (size_t m = 0; m < n; m++)
            if (m != b && (own == 0 || 2 * style_likeness_shared(&w->likeness, m, b) < own))
                scores[m * n + b] = NAN;
    }
}

static bool score(const struct work *w, const struct style_matrices *m,
                  const unsigned times[STYLE_BLOCKS], double *scores)
{
    if (!style_scores(m, w->population.n, w->question, scores))
        return false;
    if (w->question == ASSAY_STYLE_IDENTIFY)
        style_margins_add(&w->margins, &w->population, times, scores);
    forget_what_was_not_asked(w, scores);
    return true;
}

static bool score_all(const struct work *w, const unsigned times[STYLE_BLOCKS], double *scores)
{
    struct style_matrices m;
    if (!style_likeness_at(&w->likeness, times, &m))
        return false;
    bool good = score(w, &m, times, scores);
    style_matrices_free(&m);
    return good;
}

/* How alike the one that stands out is itself to a candidate: as much proves nothing more. */
static double explained(const struct work *w, const double *scores, size_t c)
{
    if (w->named == STYLE_NOBODY || w->population.candidate[w->named] == c)
        return NAN;
    return style_candidate_score(&w->population, scores, w->named, c);
}

static void draw(void *data, size_t i)
{
    struct replicates *r = data;
    const struct style_population *p = &r->work->population;
    unsigned times[STYLE_BLOCKS] = {0};
    struct assay_random random;
    double *scores = malloc(p->n * p->n * sizeof *scores);
    assay_random_start(&random, r->work->context->seed, i);
    for (int b = 0; b < STYLE_BLOCKS; b++)
        times[assay_random_below(&random, STYLE_BLOCKS)]++;
    r->failed[i] = !scores || !score_all(r->work, times, scores);
    for (size_t c = 0; c < p->candidates && !r->failed[i]; c++) {
        size_t at = c * (size_t)r->work->settings->replicates + i;
        r->scores[at] = style_candidate_score(p, scores, 0, c);
        r->rests[at] = r->scores[at] - explained(r->work, scores, c);
    }
    free(scores);
}

static assay_status bootstrap(struct work *w)
{
    size_t n = (size_t)w->settings->replicates, candidates = w->population.candidates;
    struct replicates r = {w, calloc(n * candidates + 1, sizeof *r.scores),
                           calloc(n * candidates + 1, sizeof *r.rests),
                           calloc(n + 1, sizeof *r.failed)};
    assay_status status = r.scores && r.rests && r.failed ? ASSAY_OK : no_memory(w);
    if (status == ASSAY_OK)
        status = assay_parallel_for(w->context, "bootstrap replicates", n, draw, &r, w->error);
    for (size_t i = 0; i < n && status == ASSAY_OK; i++)
        if (r.failed[i])
            status = no_memory(w);
    for (size_t i = 0; i < w->r->count && status == ASSAY_OK && n > 0; i++) {
        struct assay_style_result *result = &w->r->results[i];
        double *scores = r.scores + i * n; /* not yet sorted: still by candidate */
        if (!isnan(result->score))
            status = style_interval_about(result->score, scores, n, &result->score_low,
                                          &result->score_high, w->error);
        if (status == ASSAY_OK && !isnan(result->rest.median))
            status = assay_stats_interval(r.rests + i * n, NULL, n, 0.8, &result->rest.low,
                                          &result->rest.high, w->error);
    }
    free(r.rests);
    free(r.scores);
    free(r.failed);
    return status;
}

/* ---- results ------------------------------------------------------------------------- */

static size_t best_member(const struct work *w, const double *scores, size_t candidate)
{
    size_t best = STYLE_NOBODY;
    for (size_t b = 1; b < w->population.n; b++)
        if (w->population.candidate[b] == candidate &&
            (best == STYLE_NOBODY || scores[b] > scores[best] || isnan(scores[best])))
            best = b;
    return best;
}

static void fill_channels(const struct work *w, const struct style_matrices *m, size_t member,
                          struct assay_style_result *result)
{
    size_t n = w->population.n;
    result->channel_count = STYLE_CHANNEL_COUNT;
    for (size_t k = 0; k < STYLE_CHANNEL_COUNT; k++) {
        bool confound = k == STYLE_LENGTH || k == STYLE_LAYOUT;
        bool made = k < STYLE_SENTENCES || !w->sampled;
        result->channels[k] = (struct assay_style_channel){
            .name = style_channel_names[k],
            .raw = made ? style_standardised(n, m->raw[k], 0, member) : (double)NAN,
            .residual =
                confound || !made ? (double)NAN : style_standardised(n, m->residual[k], 0, member),
            .counts = style_channel_counts(w->question, (enum style_channel)k)};
    }
}

static void fill_result(const struct work *w, const struct style_matrices *m, const double *scores,
                        size_t c, struct assay_style_result *result)
{
    size_t member = best_member(w, scores, c);
    result->score = result->score_low = result->score_high = NAN;
    result->p_value = result->q_value = 1;
    result->log10_lr = style_calibration_at(&w->calibration, NAN);
    if (member == STYLE_NOBODY || isnan(scores[member]))
        return;
    result->score = result->score_low = result->score_high = scores[member];
    result->p_value = style_null_share(&w->population, scores, 0, c, result->score).p;
    struct style_null any =
        style_null_share(&w->population, scores, 0, STYLE_NOBODY, result->score);
    result->q_value = fmax(any.p, result->p_value);
    w->r->null_models = any.models;
    w->r->null_lineages = any.lineages;
    for (size_t b = 1; b < w->population.n; b++)
        if (w->population.candidate[b] == c) {
            size_t shared = style_likeness_shared(&w->likeness, 0, b);
            result->shared_prompts =
                shared > result->shared_prompts ? shared : result->shared_prompts;
        }
    fill_channels(w, m, member, result);
    if (w->question != ASSAY_STYLE_IDENTIFY || (result->shared_prompts == 0 && !w->sampled))
        result->log10_lr = style_calibration_at(&w->calibration, result->score);
}

/* Who stands out, and what of each other candidate's score that one leaves. */
static void name_one(struct work *w, const double *scores)
{
    size_t best = 0;
    for (size_t c = 0; c < w->r->count; c++)
        if (w->r->results[c].score > w->r->results[best].score || isnan(w->r->results[best].score))
            best = c;
    if (w->r->results[best].q_value <= w->settings->level)
        w->named = best_member(w, scores, best);
    for (size_t c = 0; c < w->r->count; c++) {
        double rest = w->r->results[c].score - explained(w, scores, c);
        w->r->results[c].rest = (struct assay_interval){rest, rest, rest, 0.8};
    }
}

static double at_most_0(double value)
{
    return value > 0 ? 0 : value; /* NaN stays */
}

/* What the one that stands out is as alike to itself is no evidence for that other. */
static void explain_away(struct work *w)
{
    for (size_t c = 0; c < w->r->count; c++) {
        struct assay_style_result *r = &w->r->results[c];
        bool counts = r->p_value <= w->settings->level || r->log10_lr.median > 0;
        if (!counts || !(r->rest.low <= 0)) /* NaN: nobody stands out, or it is the one */
            continue;
        r->explained_by = w->r->results[w->population.candidate[w->named]].name;
        r->log10_lr.median = at_most_0(r->log10_lr.median);
        r->log10_lr.low = at_most_0(r->log10_lr.low);
        r->log10_lr.high = at_most_0(r->log10_lr.high);
    }
}

static assay_status compute(struct work *w, const struct assay_style_candidate *candidates)
{
    size_t n = w->population.n;
    struct style_matrices m;
    double *scores = malloc(n * n * sizeof *scores);
    w->r->count = w->population.candidates;
    w->r->results = assay_arena_alloc(w->r->arena, w->r->count, sizeof *w->r->results);
    if (!scores || !w->r->results || !style_likeness_at(&w->likeness, style_every_block, &m)) {
        free(scores);
        return no_memory(w);
    }
    bool good = score(w, &m, style_every_block, scores);
    for (size_t c = 0; c < w->r->count && good; c++) {
        w->r->results[c].name = assay_arena_copy(w->r->arena, candidates[c].name);
        good = w->r->results[c].name != NULL;
        fill_result(w, &m, scores, c, &w->r->results[c]);
    }
    if (good)
        name_one(w, scores);
    style_matrices_free(&m);
    free(scores);
    if (!good)
        return no_memory(w);
    ASSAY_TRY(bootstrap(w));
    explain_away(w);
    qsort(w->r->results, w->r->count, sizeof *w->r->results, style_result_by_score);
    return ASSAY_OK;
}

/* ---- words --------------------------------------------------------------------------- */

static assay_status conclude(struct work *w)
{
    const struct assay_style_result *top = &w->r->results[0];
    double least = 1 / (1 + (double)w->r->null_lineages);
    w->r->abstain = !(top->q_value <= w->settings->level) || isnan(top->score);
    if (!w->r->abstain)
        w->r->reason = assay_arena_print(
            w->r->arena,
            "%s stands out: of %zu lineages that have nothing to do with any candidate, corrected "
            "for %zu candidates, a share of %.3g would look as alike.",
            top->name, w->r->null_lineages, w->r->count, top->q_value);
    else if (least > w->settings->level)
        w->r->reason = assay_arena_print(
            w->r->arena,
            "Cannot tell: with %zu unrelated lineages to compare with, no p-value can be below "
            "%.2g; give more with --panel DIR.",
            w->r->null_lineages, least);
    else
        w->r->reason = assay_arena_print(
            w->r->arena,
            "None of these, or cannot tell: of %zu lineages that have nothing to do with any "
            "candidate, a share of %.2g is as alike to one of them as the suspect is to %s.",
            w->r->null_lineages, top->q_value, top->name);
    return w->r->reason ? ASSAY_OK : no_memory(w);
}

static assay_status add_limit(struct work *w, const char *text)
{
    const char **list = assay_arena_alloc(w->r->arena, w->r->limit_count + 1, sizeof *list);
    if (!list)
        return no_memory(w);
    if (w->r->limit_count > 0)
        memcpy(list, w->r->limits, w->r->limit_count * sizeof *list);
    list[w->r->limit_count++] = text;
    w->r->limits = list;
    return ASSAY_OK;
}

/* What no pupil does: answers as the teacher, to the letter. */
static assay_status say_who_is_the_same(struct work *w)
{
    for (size_t b = 1; b < w->population.n; b++) {
        size_t c = w->population.candidate[b], shared, same;
        if (c == STYLE_NOBODY || !style_answers_alike(w->suspect, w->sets[b]))
            continue;
        bool sampled = w->suspect->fingerprint || w->sets[b]->fingerprint;
        same = style_same_answers(w->suspect, w->sets[b], &shared);
        if (same < LEAST_SAME)
            continue;
        const char *text = assay_arena_print(
            w->r->arena,
            "%s has the suspect's own answers to %zu of %zu prompts%s: one model, or one file, "
            "under two names, and not a teacher and its pupil.",
            w->sets[b]->name, same, shared, sampled ? " (by their lengths)" : "");
        if (!text)
            return no_memory(w);
        ASSAY_TRY(add_limit(w, text));
    }
    return ASSAY_OK;
}

/* An interval that ends at the bound of the calibration must not look like certainty. */
static assay_status say_bound(struct work *w)
{
    double bound = w->calibration.bound;
    bool reached = false;
    for (size_t c = 0; c < w->r->count && w->calibration.known; c++)
        reached = reached || fabs(w->r->results[c].log10_lr.median) >= bound;
    if (!reached)
        return ASSAY_OK;
    const char *text = assay_arena_print(
        w->r->arena,
        "No ratio is given beyond 10^%.2f either way, one more than the %.0f lineages that it was "
        "calibrated on: a ratio at that bound says 'at least', and its interval is cut there.",
        bound, pow(10, bound) - 1);
    return text ? add_limit(w, text) : no_memory(w);
}

static assay_status say_limits(struct work *w)
{
    size_t shared = 0;
    for (size_t i = 0; i < w->r->count; i++)
        shared =
            w->r->results[i].shared_prompts > shared ? w->r->results[i].shared_prompts : shared;
    ASSAY_TRY(say_who_is_the_same(w));
    ASSAY_TRY(say_bound(w));
    ASSAY_TRY(add_limit(w, "Likeness has other causes than teaching: a shared teacher, shared "
                           "data, a shared base. The candidate may be the suspect's sibling."));
    if (w->question == ASSAY_STYLE_RANK)
        ASSAY_TRY(add_limit(w, "A teacher that is not among the candidates cannot be named; a "
                               "sibling of it may be named in its place."));
    if (w->sampled)
        ASSAY_TRY(add_limit(w, w->question == ASSAY_STYLE_IDENTIFY
                                   ? "Some sets are fingerprints: without texts no classifier can "
                                     "be trained, only words on the same prompts were compared."
                                   : "Some sets are fingerprints: of the words on the same prompts "
                                     "a sample was compared, and their makers' word is taken."));
    if (shared == 0 && w->question == ASSAY_STYLE_IDENTIFY && !w->sampled)
        return add_limit(w, "Suspect and candidates have no prompt in common: a classifier trained "
                            "on the candidates' answers to other prompts decides. One answer is "
                            "seldom enough.");
    if (shared == 0)
        return add_limit(w, "Suspect and candidates have no prompt in common: only the rates of "
                            "frequent words were compared, and a topic may pass for a style.");
    if (w->question == ASSAY_STYLE_IDENTIFY)
        ASSAY_TRY(add_limit(w, "Likelihood ratios of a writer are calibrated only for answers to "
                               "prompts that the candidates were not asked: here they are null; "
                               "`parent` has them."));
    if (w->foreign)
        return add_limit(w, "The suspect has not half as many of the common frequent words as any "
                            "other model: its answers are in another language, or in none. Scores "
                            "mean nothing, and likelihood ratios are null.");
    if (!w->calibration.known && w->settings->calibration)
        return add_limit(w, "Too few different answers to prompts that the candidates answered: "
                            "what a likeness is worth was not measured on so few, so likelihood "
                            "ratios are null.");
    return ASSAY_OK;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Different answers with a word in them: a refusal a thousand times is one. */
static assay_status count_answers(struct work *w)
{
    const struct assay_responses *s = w->suspect;
    const char **texts = assay_arena_alloc(w->r->arena, s->n + 1, sizeof *texts);
    size_t n = 0;
    if (!texts)
        return no_memory(w);
    for (size_t i = 0; i < s->n; i++) {
        bool empty = s->fingerprint
                         ? s->fingerprint->prompts[i].tokens == 0
                         : s->answers[i].text[strspn(s->answers[i].text, " \t\r\n")] == 0;
        if (!empty)
            texts[n++] = s->fingerprint ? "" : s->answers[i].text;
    }
    if (n == 0)
        return assay_error_at(w->error, ASSAY_ERROR_UNANSWERABLE, s->path, 0,
                              "every answer is empty: there is nothing to compare");
    qsort(texts, n, sizeof *texts, by_text);
    for (size_t i = 0; i < n; i++)
        w->answers += s->fingerprint || i == 0 || strcmp(texts[i - 1], texts[i]) != 0;
    return ASSAY_OK;
}

/* By prompts in common; for a writer of answers to other prompts, by answers. */
static assay_status read_calibration(struct work *w)
{
    size_t shared = 0;
    for (size_t i = 1; i < w->population.n && w->question != ASSAY_STYLE_IDENTIFY; i++) {
        size_t common = style_likeness_shared(&w->likeness, 0, i);
        shared = w->population.candidate[i] != STYLE_NOBODY && common > shared ? common : shared;
    }
    if (w->question == ASSAY_STYLE_IDENTIFY || shared > w->answers)
        shared = w->answers;
    w->foreign = style_likeness_is_foreign(&w->likeness, 0);
    if (w->foreign)
        return ASSAY_OK; /* nothing was measured on such texts */
    return style_calibration_read(w->settings->calibration, w->question, shared, &w->calibration,
                                  w->error);
}

static assay_status run(struct work *w, const struct assay_style_candidate *candidates,
                        size_t candidate_count, struct assay_responses *const *panel,
                        size_t panel_count)
{
    struct style_corpus corpus;
    ASSAY_TRY(gather(w, candidates, candidate_count, panel, panel_count));
    ASSAY_TRY(count_answers(w));
    ASSAY_TRY(style_corpus_make(w->context, w->sets, w->population.n, &corpus, w->error));
    assay_status status = ASSAY_OK;
    w->sampled = corpus.sampled;
    if (w->question == ASSAY_STYLE_IDENTIFY && !w->sampled)
        status = style_margins_make(w->context, &corpus, &w->population, &w->margins, w->error);
    /* Where no candidate was asked them there is nothing to compare on them: rates of all words
     * are left, or a classifier that was trained on others. */
    if (w->most_shared > 0 || w->question == ASSAY_STYLE_IDENTIFY)
        style_corpus_keep_prompts_of(&corpus, 0);
    if (status == ASSAY_OK)
        status = style_likeness_make(w->context, &corpus, true, &w->likeness, w->error);
    style_corpus_free(&corpus);
    if (status == ASSAY_OK)
        status = read_calibration(w);
    if (status == ASSAY_OK)
        status = compute(w, candidates);
    style_margins_free(&w->margins);
    style_likeness_free(&w->likeness);
    ASSAY_TRY(status);
    ASSAY_TRY(conclude(w));
    return say_limits(w);
}

assay_status
assay_style_compare(const struct assay_context *context, enum assay_style_question question,
                    struct assay_responses *suspect, const struct assay_style_candidate *candidates,
                    size_t candidate_count, struct assay_responses *const *panel,
                    size_t panel_count, const struct assay_style_settings *settings,
                    struct assay_style_comparison *comparison, struct assay_error *error)
{
    struct assay_style_settings defaults = assay_style_settings_default();
    struct work w = {.context = context,
                     .question = question,
                     .suspect = suspect,
                     .settings = settings ? settings : &defaults,
                     .r = comparison,
                     .named = STYLE_NOBODY,
                     .error = error};
    *comparison = (struct assay_style_comparison){.question = question, .prompts = suspect->n};
    if (candidate_count == 0)
        return assay_error_at(error, ASSAY_ERROR_INPUT, NULL, 0, "expected candidates, found none");
    if (w.settings->replicates < 0 || w.settings->replicates > 1000)
        return assay_error_at(error, ASSAY_ERROR_INPUT, NULL, 0,
                              "expected 0 to 1000 replicates, found %d", w.settings->replicates);
    comparison->arena = assay_arena_new();
    assay_status status = comparison->arena
                              ? run(&w, candidates, candidate_count, panel, panel_count)
                              : no_memory(&w);
    if (status != ASSAY_OK)
        assay_style_comparison_free(comparison);
    return status;
}

void assay_style_comparison_free(struct assay_style_comparison *comparison)
{
    assay_arena_free(comparison->arena);
    *comparison = (struct assay_style_comparison){.count = 0};
}
