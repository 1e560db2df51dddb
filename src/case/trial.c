/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A world: two to five sources, each reliable or not by the chance of its letter (of the next
 * worse letter, where they are misgraded), each with an answer that it would like to be true. Four
 * to eight statements, each reliable or not by what is left to its own grade. A statement tells
 * which of five things was seen; seen things are drawn by a table of probabilities by hypothesis,
 * from the truth where source and statement are reliable, else what favours the source's own wish
 * most, or anything, with even chances. Its likelihoods are entered with an error of judgement of
 * up to a factor of two (one standard deviation), which its interval states. One statement in
 * three is reported twice: by a second finding on the same exhibit, or by another source that
 * repeats it. The finding of an instrument is drawn from its own calibration.
 */
#include "case/trial.h"

#include "case/match.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define N TRIAL_HYPOTHESES
#define OUTCOMES 5
#define MOST_SOURCES 5
#define MOST_STATEMENTS 9
#define MOST_EXHIBITS (2 * MOST_STATEMENTS + 1)
#define NORMAL_TENTH 1.2815515655446004
#define LN10 2.302585092994045684

struct world {
    const struct trial_materials *m;
    struct assay_random random;
    size_t n, truth; /* of hypotheses */
    struct assay_arena *arena;
    bool reliable[MOST_SOURCES];
    char letters[MOST_SOURCES];
    size_t sources, wishes[MOST_SOURCES];
    struct assay_case_exhibit exhibits[MOST_EXHIBITS];
    size_t exhibit_count;
    struct assay_case_entry entries[MOST_EXHIBITS];
    size_t entry_count;
    double exact[N], product[N];
    bool short_of_memory;
};

static const char letters[] = "ABCDE", digits[] = "1234";

static double uniform(struct world *w)
{
    return assay_random_uniform(&w->random);
}

static size_t below(struct world *w, size_t n)
{
    return (size_t)assay_random_below(&w->random, n);
}

static char *print_id(struct world *w, const char *letter, size_t number)
{
    char *id = assay_arena_print(w->arena, "%s%zu", letter, number);
    w->short_of_memory = w->short_of_memory || !id;
    return id ? id : "";
}

/* The chance that a letter has in the world, not in the table. */
static double true_chance(const struct world *w, char letter)
{
    size_t at = (size_t)(letter - 'A');
    if (w->m->world == ASSAY_WORLD_MISGRADED && letter < 'E')
        at++;
    return w->m->reliability.letters[at];
}

/* ---- statements -------------------------------------------------------------------------------
 */

/* Probabilities of five outcomes under each hypothesis, more or less telling. */
static void draw_table(struct world *w, double table[N][OUTCOMES])
{
    double sharpness = 0.5 + 2 * uniform(w);
    for (size_t h = 0; h < w->n; h++) {
        double sum = 0;
        for (size_t o = 0; o < OUTCOMES; o++)
            sum += table[h][o] = exp(sharpness * assay_random_normal(&w->random));
        for (size_t o = 0; o < OUTCOMES; o++)
            table[h][o] /= sum;
    }
}

static size_t draw_outcome(struct world *w, const double *probabilities)
{
    double u = uniform(w);
    size_t o = 0;
    while (o + 1 < OUTCOMES && u >= probabilities[o])
        u -= probabilities[o++];
    return o;
}

/* What an unreliable source reports: what serves its wish most, or anything. */
static size_t mislead(struct world *w, double table[N][OUTCOMES], size_t wish)
{
    size_t best = 0;
    double most = -INFINITY;
    if (uniform(w) < 0.5)
        return below(w, OUTCOMES);
    for (size_t o = 0; o < OUTCOMES; o++) {
        double others = 0;
        for (size_t h = 0; h < w->n; h++)
            others += h == wish ? 0 : table[h][o];
        if (table[wish][o] / others > most) {
            most = table[wish][o] / others;
            best = o;
        }
    }
    return best;
}

static struct assay_case_exhibit *add_exhibit(struct world *w, size_t source, char digit)
{
    struct assay_case_exhibit *e = &w->exhibits[w->exhibit_count];
    *e = (struct assay_case_exhibit){.id = print_id(w, "E", w->exhibit_count),
                                     .statement = "",
                                     .source = "",
                                     .date = "2026",
                                     .grade = {w->letters[source], digit, 0},
                                     .origin = print_id(w, "S", source),
                                     .informative = NAN};
    w->exhibit_count++;
    return e;
}

/* A finding that enters these likelihoods with an error that its interval states. */
static void add_entry(struct world *w, const struct assay_case_exhibit *exhibit,
                      const double log10_likelihoods[N])
{
    struct assay_case_entry *entry = &w->entries[w->entry_count];
    struct assay_interval *values = assay_arena_alloc(w->arena, w->n, sizeof *values);
    const struct assay_case_exhibit **list = assay_arena_alloc(w->arena, 1, sizeof *list);
    bool *others = assay_arena_alloc(w->arena, w->n, sizeof *others);
    double sd = log10(2) * uniform(w);
    if (!values || !list || !others) {
        w->short_of_memory = true;
        return;
    }
    list[0] = exhibit;
    for (size_t h = 0; h < w->n; h++) {
        double middle = log10_likelihoods[h] + sd * assay_random_normal(&w->random);
        values[h] = (struct assay_interval){middle, middle - NORMAL_TENTH * sd,
                                            middle + NORMAL_TENTH * sd, 0.8};
        w->product[h] += middle;
    }
    *entry = (struct assay_case_entry){.id = print_id(w, "F", w->entry_count),
                                       .text = "",
                                       .because = "",
                                       .log10_likelihoods = values,
                                       .others = others,
                                       .exhibits = (const struct assay_case_exhibit *const *)list,
                                       .exhibit_count = 1};
    w->entry_count++;
}

/* With the chance of its letter a source is reliable; what is left to the digit is the exhibit's.
 */
static bool exhibit_reliable(struct world *w, size_t source, char digit)
{
    double letter = w->m->reliability.letters[w->letters[source] - 'A'];
    double both = fmin(letter, w->m->reliability.digits[digit - '1']);
    bool exhibit = uniform(w) < both / letter;
    return exhibit && w->reliable[source];
}

static void add_statement(struct world *w)
{
    double table[N][OUTCOMES] = {{0}}, likelihoods[N] = {0};
    size_t source = below(w, w->sources);
    char digit = digits[below(w, sizeof digits - 1)];
    bool reliable = exhibit_reliable(w, source, digit);
    draw_table(w, table);
    size_t seen =
        reliable ? draw_outcome(w, table[w->truth]) : mislead(w, table, w->wishes[source]);
    for (size_t h = 0; h < w->n; h++) {
        likelihoods[h] = log10(table[h][seen]);
        w->exact[h] += reliable ? likelihoods[h] : 0;
    }
    struct assay_case_exhibit *exhibit = add_exhibit(w, source, digit);
    add_entry(w, exhibit, likelihoods);
    double again = uniform(w);
    if (again < 1.0 / 6) {
        add_entry(w, exhibit, likelihoods);
    } else if (again < 1.0 / 3) {
        struct assay_case_exhibit *repeat =
            add_exhibit(w, below(w, w->sources), digits[below(w, sizeof digits - 1)]);
        repeat->repeats = exhibit;
        add_entry(w, repeat, likelihoods);
    }
}

/* ---- instruments ------------------------------------------------------------------------------
 */

static const char *const ids[N] = {"first", "second", "third", "none"};

/* What the simulated claim says of the hypotheses of claim.infer, as that gives it. */
static bool hardware_finding(struct world *w, struct assay_finding *finding)
{
    const struct assay_simulated_claims *claims = w->m->claims;
    size_t claim = w->m->by_group[w->truth][below(w, w->m->group_counts[w->truth])];
    const double *l = claims->log10_likelihoods + claim * claims->hypotheses;
    struct assay_weight *weights = assay_arena_alloc(w->arena, claims->hypotheses, sizeof *weights);
    if (!weights)
        return false;
    for (size_t h = 0; h < claims->hypotheses; h++)
        weights[h] =
            (struct assay_weight){claims->names[h], {l[h], l[h], l[h], 0.8}, NULL, isfinite(l[h])};
    finding->weights = weights;
    finding->weight_count = claims->hypotheses;
    return true;
}

/*
 * Scores whose log-likelihood ratios are normal with variances equal for true and false pairs;
 * the instrument reports them by a fitted line that is off by what the fit's covariance says.
 */
static bool teacher_finding(struct world *w, struct assay_finding *finding)
{
    const struct trial_materials *m = w->m;
    struct assay_weight *weights = assay_arena_alloc(w->arena, w->n, sizeof *weights);
    double z0 = assay_random_normal(&w->random), z1 = assay_random_normal(&w->random);
    double sd0 = sqrt(m->intercept_variance), part = m->covariance / sd0;
    double intercept = m->intercept + sd0 * z0;
    double slope = m->slope + part * z0 + sqrt(fmax(0, m->slope_variance - part * part)) * z1;
    if (!weights)
        return false;
    slope = fmax(slope, m->slope / 10); /* a score that counted against would have been noticed */
    weights[w->n - 1] = (struct assay_weight){ids[w->n - 1], {0, 0, 0, 0.8}, NULL, true};
    for (size_t h = 0; h + 1 < w->n; h++) {
        double mean = (h == w->truth ? 0.5 : -0.5) * m->spread * m->spread;
        double exact = (mean + m->spread * assay_random_normal(&w->random)) / LN10;
        double score = (exact - intercept) / slope;
        double said = m->intercept + m->slope * score;
        double sd = sqrt(fmax(0, m->intercept_variance + 2 * score * m->covariance +
                                     score * score * m->slope_variance));
        double low = said - NORMAL_TENTH * sd, high = said + NORMAL_TENTH * sd;
        weights[h] = (struct assay_weight){ids[h],
                                           {fmin(fmax(said, -m->bound), m->bound),
                                            fmin(fmax(low, -m->bound), m->bound),
                                            fmin(fmax(high, -m->bound), m->bound), 0.8},
                                           NULL,
                                           true};
        w->exact[h] += exact;
    }
    finding->weights = weights;
    finding->weight_count = w->n;
    return true;
}

/*
 * A pair of small models of known history, weighed by groups that it is not in; an independent
 * pair's exact test has a p-value, whose bound makes small ones rarer than uniform ones would be.
 */
static bool descent_finding(struct world *w, struct assay_finding *finding)
{
    const struct trial_materials *m = w->m;
    size_t pair = m->by_truth[w->truth][below(w, m->truth_counts[w->truth])];
    struct assay_weight *weights = assay_arena_alloc(w->arena, TRIAL_GROUPS, sizeof *weights);
    if (!weights)
        return false;
    if (m->stages->pairs[pair].related)
        memcpy(weights, m->stages->pairs[pair].weights, TRIAL_GROUPS * sizeof *weights);
    else
        assay_lineage_weigh_unrelated(log10(1 - uniform(w)), weights);
    finding->weights = weights;
    finding->weight_count = TRIAL_GROUPS;
    return true;
}

/* ---- the case ---------------------------------------------------------------------------------
 */

static void make_statements(struct world *w)
{
    w->sources = 2 + below(w, MOST_SOURCES - 1);
    for (size_t s = 0; s < w->sources; s++) {
        w->letters[s] = letters[below(w, sizeof letters - 1)];
        w->reliable[s] = uniform(w) < true_chance(w, w->letters[s]);
        w->wishes[s] = below(w, w->n);
    }
    for (size_t n = 4 + below(w, MOST_STATEMENTS - 4); n > 0; n--)
        add_statement(w);
}

/* Adds the instrument's likelihoods, as matched, to the sums of what is known exactly. */
static assay_status add_result(struct world *w, const struct assay_case_hypothesis *hypotheses,
                               const struct assay_finding *finding, bool exact,
                               struct assay_error *error)
{
    struct assay_interval values[N];
    bool assumed[N], weighed;
    ASSAY_TRY(
        match_likelihoods(finding, hypotheses, w->n, w->arena, values, assumed, &weighed, error));
    for (size_t h = 0; h < w->n && weighed; h++) {
        w->product[h] += values[h].median;
        w->exact[h] += exact ? values[h].median : 0;
    }
    return ASSAY_OK;
}

assay_status trial_run(const struct trial_materials *materials, size_t number,
                       struct assay_arena *arena, struct trial *trial, struct assay_error *error)
{
    const char *stated[] = {materials->stated}, *kind[] = {materials->stated_kind};
    static const char *const together[] = {"trained together"};
    static const char *const seed[] = {"one initialisation, trained apart"};
    struct assay_case_hypothesis hypotheses[N] = {
        {.id = ids[0]}, {.id = ids[1]}, {.id = ids[2]}, {.id = ids[3]}};
    enum assay_case_form form = materials->form < ASSAY_FORM_COUNT
                                    ? materials->form
                                    : (enum assay_case_form)(number % ASSAY_FORM_COUNT);
    size_t instruments = form != ASSAY_FORM_STATEMENTS;
    struct world *w = assay_arena_alloc(arena, 1, sizeof *w);
    if (!w)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    w->m = materials;
    w->arena = arena;
    assay_random_start(&w->random, materials->seed, number);
    w->n = form == ASSAY_FORM_HARDWARE || form == ASSAY_FORM_DESCENT ? TRIAL_GROUPS : N;
    w->truth = below(w, w->n);
    make_statements(w);
    if (w->n == TRIAL_GROUPS) {
        hypotheses[0].matches = form == ASSAY_FORM_HARDWARE ? stated : together;
        hypotheses[1].matches = form == ASSAY_FORM_HARDWARE ? kind : seed;
        hypotheses[0].match_count = hypotheses[1].match_count = 1;
    }
    hypotheses[w->n - 1].none = true;
    struct assay_case_exhibit *file = add_exhibit(w, 0, '1');
    const struct assay_case_exhibit *rests[] = {file};
    file->origin = "instrument";
    file->informative = 1;
    struct assay_case_task task = {.id = "instrument",
                                   .instrument = "",
                                   .input = "",
                                   .path = "",
                                   .exhibits = rests,
                                   .exhibit_count = 1};
    struct assay_case_result result = {.task = &task};
    bool made = form == ASSAY_FORM_HARDWARE  ? hardware_finding(w, &result.finding)
                : form == ASSAY_FORM_TEACHER ? teacher_finding(w, &result.finding)
                : form == ASSAY_FORM_DESCENT ? descent_finding(w, &result.finding)
                                             : true;
    if (!made || w->short_of_memory)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    if (instruments)
        ASSAY_TRY(add_result(w, hypotheses, &result.finding, form != ASSAY_FORM_TEACHER, error));

    struct assay_case_question question = {.id = "simulated",
                                           .hypotheses = hypotheses,
                                           .hypothesis_count = w->n,
                                           .tasks = &task,
                                           .task_count = instruments,
                                           .entries = w->entries,
                                           .entry_count = w->entry_count};
    struct assay_case subject = {.path = "simulated case",
                                 .questions = &question,
                                 .question_count = 1,
                                 .exhibits = w->exhibits,
                                 .exhibit_count = w->exhibit_count};
    struct assay_case_reply reply = {
        .question = &question, .results = &result, .result_count = instruments};
    struct assay_context context = assay_context_default();
    context.threads = 1;
    context.seed = materials->seed + number;
    ASSAY_TRY(combine_question(&subject, &reply, &materials->reliability, &context, arena,
                               &trial->combination, error));
    trial->n = w->n;
    trial->truth = w->truth;
    memcpy(trial->exact, w->exact, sizeof trial->exact);
    memcpy(trial->product, w->product, sizeof trial->product);
    return ASSAY_OK;
}
