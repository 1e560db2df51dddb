/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A question's findings combined: against sums over all states of all causes, done here without
 * any of the library's inference; against hand calculation; and what must hold whatever the case.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "case/circuit.h"
#include "case_folder.h"

#define MOST_TEXT 32768

struct ran {
    struct assay_case subject;
    struct assay_assessment assessment;
};

static const struct assay_combination *run(const char *text, struct ran *ran)
{
    struct case_folder folder = case_folder_new(text);
    struct assay_context context = assay_context_default();
    struct assay_error error = {0};
    context.threads = 1;
    assay_status status = case_read_with(sample_table(), folder.path, &ran->subject, &error);
    case_folder_free(&folder);
    if (status != ASSAY_OK)
        fail_msg("line %ld: %s", error.line, error.message);
    if (case_run_with(sample_table(), &ran->subject, shipped_data(), NULL, &context,
                      &ran->assessment, &error) != ASSAY_OK)
        fail_msg("line %ld: %s", error.line, error.message);
    assert_non_null(ran->assessment.replies[0].combination);
    return ran->assessment.replies[0].combination;
}

static void end(struct ran *ran)
{
    assay_assessment_free(&ran->assessment);
    assay_case_free(&ran->subject);
}

static void assert_near(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance))
        fail_msg("%.12g, expected %.12g", value, expected);
}

#define TOP "title: T\nexhibits:\n"
#define QUESTION                                                                                   \
    "questions:\n  - id: q\n    text: Which?\n    kind: other\n    stated: a\n"                    \
    "    hypotheses: [{id: a}, {id: b}, {id: none, none_of_these: true}]\n    findings:\n"

/* An exhibit that depends on the truth with a chance of `percent`. */
static void put_exhibit(char *text, int id, const char *by, double percent, int repeats)
{
    size_t at = strlen(text);
    int used =
        snprintf(text + at, MOST_TEXT - at,
                 "  - {id: E%d, statement: S, said_by: %s, source: P, date: 2026, grade: A1, "
                 "informative: {probability: %.4f %%, because: made up}",
                 id, by, percent);
    at += (size_t)used;
    if (repeats >= 0)
        at += (size_t)snprintf(text + at, MOST_TEXT - at, ", repeats: E%d", repeats);
    snprintf(text + at, MOST_TEXT - at, "}\n");
}

static void put_finding(char *text, int id, const char *exhibits, const double likelihoods[3])
{
    size_t at = strlen(text);
    snprintf(text + at, MOST_TEXT - at,
             "      - {id: F%d, text: O, because: B, exhibits: [%s], likelihoods: {a: \"%.6f (%.6f "
             "to %.6f)\", b: \"%.6f (%.6f to %.6f)\", none: \"%.6f (%.6f to %.6f)\"}}\n",
             id, exhibits, likelihoods[0], likelihoods[0], likelihoods[0], likelihoods[1],
             likelihoods[1], likelihoods[1], likelihoods[2], likelihoods[2], likelihoods[2]);
}

/* Sum over every state of every node, hypothesis by hypothesis. */
static void enumerate(const struct assay_combination *c, double *z)
{
    assert_true(c->node_count < 22);
    for (size_t h = 0; h < c->hypothesis_count; h++)
        z[h] = 0;
    for (uint32_t state = 0; state < (uint32_t)1 << c->node_count; state++) {
        double chance = 1;
        for (size_t i = 0; i < c->node_count; i++)
            chance *= (state >> i & 1) ? c->nodes[i].probability : 1 - c->nodes[i].probability;
        for (size_t h = 0; h < c->hypothesis_count; h++) {
            double product = chance;
            for (size_t f = 0; f < c->finding_count; f++) {
                bool yes = true;
                for (size_t i = 0; i < c->findings[f].parent_count; i++)
                    yes = yes && (state >> c->findings[f].parents[i] & 1);
                if (yes)
                    product *=
                        pow(10, c->findings[f].weight * c->findings[f].log10_likelihoods[h].median);
            }
            z[h] += product;
        }
    }
}

static void assert_exact(const struct assay_combination *c)
{
    double z[8];
    enumerate(c, z);
    for (size_t h = 0; h < c->hypothesis_count; h++)
        assert_near(c->hypotheses[h].log10_ratio.median, log10(z[h] / z[c->reference_index]), 1e-9);
    for (size_t p = 0; p < c->pair_count; p++)
        assert_near(c->pairs[p].log10_ratio, log10(z[c->pairs[p].a] / z[c->pairs[p].b]), 1e-9);
}

/* Random cases: few sources, exhibits that repeat others, findings on one to three exhibits. */
static void make_random(struct assay_random *random, char *text, int exhibits, int findings)
{
    snprintf(text, MOST_TEXT, TOP);
    for (int e = 0; e < exhibits; e++) {
        char by[8] = {"SABC"[0], "SABC"[1 + assay_random_below(random, 3)], 0};
        bool repeats = e > 0 && assay_random_below(random, 4) == 0;
        put_exhibit(text, e, by, 5 + 90 * assay_random_uniform(random),
                    repeats ? (int)assay_random_below(random, (uint64_t)e) : -1);
    }
    strncat(text, QUESTION, MOST_TEXT - strlen(text) - 1);
    for (int f = 0; f < findings; f++) {
        char list[64] = "";
        size_t many = 1 + assay_random_below(random, 3);
        for (size_t i = 0; i < many; i++) {
            size_t at = strlen(list);
            snprintf(list + at, sizeof list - at, "%sE%d", i ? ", " : "",
                     (int)assay_random_below(random, (uint64_t)exhibits));
        }
        double l[3];
        for (int h = 0; h < 3; h++)
            l[h] = pow(10, -4 * assay_random_uniform(random));
        put_finding(text, f, list, l);
    }
    if (findings > 3)
        strncat(text,
                "    dependence:\n      - {id: g, findings: [F0, F2, F3], because: B, correlation: "
                "0.4, informative: 60 %}\n",
                MOST_TEXT - strlen(text) - 1);
}

static void inference_is_that_of_summing_over_every_state(void **state)
{
    (void)state;
    struct assay_random random;
    static char text[MOST_TEXT];
    assay_random_start(&random, 7, 0);
    for (int trial = 0; trial < 25; trial++) {
        struct ran ran;
        make_random(&random, text, 3 + trial % 6, 2 + trial % 7);
        assert_exact(run(text, &ran));
        end(&ran);
    }
}

/* What is said to be left out, against the case without it. */
static void leaving_out_a_finding_is_the_case_without_it(void **state)
{
    (void)state;
    static const double l[4][3] = {
        {0.9, 0.1, 0.3}, {0.2, 0.6, 0.1}, {0.5, 0.05, 0.4}, {0.7, 0.3, 0.2}};
    static char text[MOST_TEXT];
    double ratios[4];
    for (int without = -1; without < 4; without++) {
        struct ran ran;
        snprintf(text, MOST_TEXT, TOP);
        for (int e = 0; e < 4; e++)
            put_exhibit(text, e, e < 2 ? "S" : "T", 60 + 10 * e, -1);
        strncat(text, QUESTION, MOST_TEXT - strlen(text) - 1);
        for (int f = 0; f < 4; f++) {
            char list[32];
            /* F3 rests on the exhibit of F0 as well: a found dependence. */
            snprintf(list, sizeof list, f == 3 ? "E3, E0" : "E%d", f);
            if (f != without)
                put_finding(text, f, list, l[f]);
        }
        const struct assay_combination *c = run(text, &ran);
        if (without < 0) {
            assert_int_equal(c->leading, 0);
            assert_int_equal(c->dependence_count, 1);
            assert_false(c->dependences[0].declared);
            for (size_t i = 0; i < c->left_out_count; i++)
                if (c->left_out[i].kind == ASSAY_LEFT_FINDING)
                    ratios[c->left_out[i].id[1] - '0'] = c->left_out[i].log10_ratio;
        } else {
            double others =
                fmax(c->hypotheses[1].log10_ratio.median, c->hypotheses[2].log10_ratio.median);
            assert_near(ratios[without], -others, 1e-9);
        }
        end(&ran);
    }
}

/* One finding under grade C3: 1 - r + r L with r = 0.5. */
static void a_grade_mixes_a_likelihood_with_ignorance(void **state)
{
    (void)state;
    struct ran ran;
    static const char text[] = TOP
        "  - {id: E, statement: S, said_by: X, source: P, date: 2026, grade: C3}\n" QUESTION
        "      - {id: F, text: O, because: B, exhibits: [E], likelihoods: {a: 0.5 (0.5 to 0.5), "
        "others: 0.005 (0.005 to 0.005)}}\n";
    const struct assay_combination *c = run(text, &ran);
    assert_near(c->hypotheses[1].log10_ratio.median, log10(0.5 + 0.5 * 0.01), 1e-12);
    assert_near(c->findings[0].log10_most.median, -log10(0.505), 1e-12);
    end(&ran);
}

/* What an instrument found a thousand orders of magnitude apart stays a number. */
static void very_small_likelihoods_stay_numbers(void **state)
{
    (void)state;
    struct ran ran;
    static const char text[] = TOP
        "  - {id: E, statement: S, said_by: X, source: P, date: 2026, grade: A1, informative: "
        "{probability: 100 %, because: B}}\n"
        "  - {id: G, statement: S, said_by: X, source: P, date: 2026, grade: C3}\n" QUESTION
        "      - {id: F, text: O, because: B, exhibits: [E], likelihoods: {a: 1 (1 to 1), "
        "others: 1e-300 (1e-301 to 1e-299)}}\n"
        "      - {id: H, text: O, because: B, exhibits: [G], likelihoods: {a: 1e-250 (1e-250 to "
        "1e-250), others: 1 (1 to 1)}}\n";
    const struct assay_combination *c = run(text, &ran);
    assert_near(c->hypotheses[1].log10_ratio.median, -300 + log10(2), 0.1);
    assert_true(c->hypotheses[1].log10_ratio.low < c->hypotheses[1].log10_ratio.high);
    end(&ran);
}

/* The vectorised logarithms against the C library's. */
static void mixtures_are_those_of_the_library_to_the_last_digits(void **state)
{
    (void)state;
    struct assay_random random;
    double yes[64], no[64], value[64];
    assay_random_start(&random, 5, 0);
    for (int trial = 0; trial < 400; trial++) {
        double chance = trial == 0   ? 0
                        : trial == 1 ? 1
                        : trial == 2 ? 1e-12
                                     : assay_random_uniform(&random);
        for (int i = 0; i < 64; i++) {
            double size = pow(10, 5 * assay_random_uniform(&random) - 2);
            yes[i] = -size * assay_random_uniform(&random);
            no[i] = i % 3 ? -size * assay_random_uniform(&random) : 0;
        }
        circuit_mix(chance, yes, no, 64, value);
        for (int i = 0; i < 64; i++) {
            double top = fmax(yes[i], no[i]);
            double expected =
                chance <= 0 ? no[i]
                : chance >= 1
                    ? yes[i]
                    : top + log(chance * exp(yes[i] - top) + (1 - chance) * exp(no[i] - top));
            assert_near(value[i], expected, 1e-14 * fmax(1, fabs(expected)));
        }
    }
}

/* However many findings rest on a source, they cannot outweigh the chance that it misleads. */
static void a_source_never_outweighs_its_own_reliability(void **state)
{
    (void)state;
    static const double l[3] = {0.9, 0.009, 0.009};
    static char text[MOST_TEXT];
    struct ran ran;
    snprintf(text, MOST_TEXT, TOP);
    for (int e = 0; e < 9; e++)
        put_exhibit(text, e, "S", 75, -1);
    strncat(text, QUESTION, MOST_TEXT - strlen(text) - 1);
    for (int f = 0; f < 9; f++) {
        char list[8];
        snprintf(list, sizeof list, "E%d", f);
        put_finding(text, f, list, l);
    }
    const struct assay_combination *c = run(text, &ran);
    assert_true(c->log10_lead < log10(1 / 0.25));
    assert_true(c->log10_lead > log10(3.99));
    end(&ran);
}

/* Two findings on one exhibit count as one; declared apart, they multiply. */
static void findings_on_one_exhibit_count_once_unless_declared_apart(void **state)
{
    (void)state;
    static const double l[3] = {0.8, 0.08, 0.08};
    for (int declared = 0; declared < 2; declared++) {
        static char text[MOST_TEXT];
        struct ran ran;
        snprintf(text, MOST_TEXT, TOP);
        put_exhibit(text, 0, "S", 100, -1);
        strncat(text, QUESTION, MOST_TEXT - strlen(text) - 1);
        put_finding(text, 0, "E0", l);
        put_finding(text, 1, "E0", l);
        if (declared)
            strncat(text,
                    "    dependence: [{id: apart, findings: [F0, F1], because: B, correlation: "
                    "0}]\n",
                    MOST_TEXT - strlen(text) - 1);
        const struct assay_combination *c = run(text, &ran);
        assert_near(c->log10_lead, declared ? 2 : 1, 1e-9);
        assert_int_equal(c->dependences[0].declared, declared);
        end(&ran);
    }
}

/* The normal quantiles of the ratio of two log-normal likelihoods. */
static void uncertain_likelihoods_widen_the_ratio_as_they_should(void **state)
{
    (void)state;
    struct ran ran;
    static const char text[] = TOP
        "  - {id: E, statement: S, said_by: X, source: P, date: 2026, grade: A1, informative: "
        "{probability: 100 %, because: B}}\n" QUESTION
        "      - {id: F, text: O, because: B, exhibits: [E], likelihoods: {a: 0.1 (0.1 to 0.1), "
        "b: 0.01 (0.001 to 0.1), none: 0.01 (0.01 to 0.01)}}\n";
    const struct assay_combination *c = run(text, &ran);
    assert_int_equal(c->draws, 2000);
    assert_near(c->hypotheses[1].log10_ratio.median, -1, 0.08);
    assert_near(c->hypotheses[1].log10_ratio.low, -2, 0.15);
    assert_near(c->hypotheses[1].log10_ratio.high, 0, 0.15);
    assert_near(c->hypotheses[2].log10_ratio.median, -1, 0.08);
    end(&ran);
}

static void posteriors_and_curves_follow_from_bayes(void **state)
{
    (void)state;
    struct ran ran;
    static const char text[] = TOP
        "  - {id: E, statement: S, said_by: X, source: P, date: 2026, grade: A1, informative: "
        "{probability: 100 %, because: B}}\n" QUESTION
        "      - {id: F, text: O, because: B, exhibits: [E], likelihoods: {a: 0.8 (0.8 to 0.8), "
        "b: 0.2 (0.2 to 0.2), none: 0.1 (0.1 to 0.1)}}\n"
        "    priors:\n"
        "      - {held_by: R, reason: B, probabilities: [{hypothesis: a, probability: 20 %}, "
        "{hypothesis: b, probability: 80 %}]}\n"
        "      - {held_by: S, reason: B, probabilities: [{hypothesis: a, probability: 100 %}]}\n";
    const struct assay_combination *c = run(text, &ran);
    assert_int_equal(c->posterior_count, 2);
    assert_near(c->posteriors[0].rows[0].posterior.median, 0.5, 1e-12);
    assert_string_equal(c->posteriors[0].rows[0].words, "roughly even chance");
    assert_true(isnan(c->posteriors[0].rows[2].prior));
    assert_near(c->posteriors[0].even_prior, 0.2, 1e-12);
    assert_near(c->posteriors[1].rows[0].posterior.median, 1, 1e-12);
    assert_true(isnan(c->posteriors[1].even_prior));
    const struct assay_curve *curve = &c->curves[0];
    double odds = 0.8 / 0.15; /* against the mean of the others */
    for (size_t i = 0; i < curve->count; i++) {
        double p = curve->priors[i];
        assert_near(curve->posteriors[i].median, p * odds / (p * odds + 1 - p), 1e-9);
    }
    end(&ran);
}

#define OFFERED                                                                                    \
    "title: T\ncosts: {hours: 4 USD}\nexhibits:\n"                                                 \
    "  - {id: E, file: claim.yaml, source: S, date: 2026, grade: A1, informative: {probability: "  \
    "100 %, because: B}}\n"                                                                        \
    "questions:\n  - id: q\n    text: Which?\n    kind: other\n    hypotheses:\n"                  \
    "      - {id: alpha, matches: ['* x Alpha']}\n      - {id: beta, matches: ['* x Beta']}\n"     \
    "      - {id: none, none_of_these: true}\n"                                                    \
    "    instruments:\n      - {instrument: test.sample, input: claim.yaml, id: hours}\n"

/* Of Alpha's two counts the finding already prefers one: it weighs in what to expect. */
static void
what_instruments_offer_is_ranked_with_the_rest_by_the_question_s_hypotheses(void **state)
{
    (void)state;
    struct ran ran;
    const struct assay_combination *c =
        run(OFFERED "    obtainable:\n"
                    "      - {id: mine, text: The meter, because: It is near, cost: 2 hours, from: "
                    "hours/meter}\n"
                    "      - {id: nothing, text: T, because: B, cost: 1 USD, outcomes: [{text: x, "
                    "probabilities: {others: 30 %}}, {text: y, probabilities: {others: 70 %}}]}\n",
            &ran);
    double l64 = pow(10, -0.05), l16 = pow(10, -2.5), none = 1;
    double alpha = (0.25 * l64 + 0.75 * l16) / (l64 + l16);
    assert_int_equal(c->next_count, 3);
    size_t mine = strcmp(c->next[0].obtainable->id, "mine") == 0 ? 0 : 1;
    const double *low = c->next[mine].obtainable->outcomes[0].probabilities;
    assert_near(low[0], alpha, 1e-12);
    assert_near(low[1], 0.5, 1e-12);
    assert_near(low[2], none, 1e-12); /* Gamma alone: Delta was not weighed */
    assert_near(c->next[mine].cost_usd, 8, 1e-12);
    assert_near(c->next[mine].bits_per_cost, c->next[mine].bits / 2, 1e-12);
    assert_string_equal(c->next[mine].obtainable->instrument, "test.sample");
    assert_string_equal(c->next[mine].obtainable->because, "It is near Made up.");
    assert_true(c->next[mine].efficient); /* the other has no cost */
    assert_string_equal(c->next[1 - mine].obtainable->id, "hours/log");
    assert_true(isnan(c->next[1 - mine].cost_usd));
    assert_near(c->next[0].bits, c->next[1].bits, 1e-12); /* what it costs tells nothing */
    assert_near(c->next[2].bits, 0, 1e-9);
    assert_false(c->next[2].efficient);
    end(&ran);
}

/* 53 of 53 and 0 of 462 with half an observation more of each outcome; a mixture is one. */
static void what_an_instrument_was_seen_to_find_is_what_it_is_expected_to_find(void **state)
{
    (void)state;
    struct ran ran;
    const struct assay_combination *c =
        run(OFFERED "    obtainable:\n"
                    "      - {id: weights, text: T, because: B, measured: lineage.compare, "
                    "if_true: {alpha: related, beta: independent, none: {related: 30 %, "
                    "independent: 70 %}}}\n",
            &ran);
    double found = 53.5 / 54, wrongly = 0.5 / 463;
    for (size_t i = 0; i < c->next_count; i++) {
        const struct assay_case_obtainable *o = c->next[i].obtainable;
        if (strcmp(o->id, "weights") != 0)
            continue;
        assert_string_equal(o->outcomes[0].text, "a relation beyond chance");
        assert_near(o->outcomes[0].probabilities[0], found, 1e-12);
        assert_near(o->outcomes[0].probabilities[1], wrongly, 1e-12);
        assert_near(o->outcomes[0].probabilities[2], 0.3 * found + 0.7 * wrongly, 1e-12);
        assert_near(o->outcomes[1].probabilities[1], 1 - wrongly, 1e-12);
        assert_non_null(strstr(o->because, "docs/lineage.md"));
        end(&ran);
        return;
    }
    fail_msg("the measured obtainable is not listed");
}

/* An outcome that tells all is worth the entropy that is left; one that tells nothing, nothing. */
static void what_to_look_for_next_is_ranked_by_information(void **state)
{
    (void)state;
    struct ran ran;
    static const char text[] = TOP
        "  - {id: E, statement: S, said_by: X, source: P, date: 2026, grade: A1, informative: "
        "{probability: 100 %, because: B}}\n" QUESTION
        "      - {id: F, text: O, because: B, exhibits: [E], likelihoods: {others: 0.5 (0.5 to "
        "0.5)}}\n"
        "    obtainable:\n"
        "      - {id: nothing, text: T, because: B, cost: 1 day, outcomes: [{text: x, "
        "probabilities: {others: 30 %}}, {text: y, probabilities: {others: 70 %}}]}\n"
        "      - {id: all, text: T, because: B, cost: 10 USD, outcomes: [{text: x, "
        "probabilities: {a: 100 %, others: 0 %}}, {text: y, probabilities: {b: 100 %, others: 0 "
        "%}}, {text: z, probabilities: {none: 100 %, others: 0 %}}]}\n";
    const struct assay_combination *c = run(text, &ran);
    assert_string_equal(c->next[0].obtainable->id, "all");
    assert_near(c->next[0].bits, log2(3), 1e-9);
    assert_near(c->next[0].bits_per_cost, log2(3) / 10, 1e-9);
    assert_near(c->next[0].overturn, 2.0 / 3, 1e-9);
    assert_near(c->next[1].bits, 0, 1e-9);
    assert_string_equal(c->confidence, "low");
    end(&ran);
}

/* An instrument's hypotheses are gathered by name and pattern; one that it lacks is average. */
static void instruments_speak_of_the_questions_own_hypotheses(void **state)
{
    (void)state;
    struct ran ran;
    static const char text[] =
        TOP "  - {id: E, file: claim.yaml, source: P, date: 2026, grade: A1, informative: "
            "{probability: 100 %, because: B}}\n"
            "questions:\n  - id: q\n    text: Which?\n    kind: hardware\n    stated: alpha\n"
            "    hypotheses:\n"
            "      - {id: alpha, matches: [64 x Alpha]}\n"
            "      - {id: few, matches: [\"* x Alpha\", \"8 x *\"]}\n"
            "      - {id: delta, matches: [\"* x Delta\"]}\n"
            "      - {id: none, none_of_these: true}\n"
            "    instruments: [{instrument: test.sample, input: claim.yaml}]\n";
    const struct assay_combination *c = run(text, &ran);
    const struct assay_interval *l = c->findings[0].log10_likelihoods;
    /* Beta, which none names, is none of these and the best. */
    assert_near(l[3].median, 0, 1e-12);
    assert_near(l[0].median, -0.05, 1e-12);
    double few = log10((pow(10, -2.5) + pow(10, -7)) / 2);
    assert_near(l[1].median, few, 1e-12);
    assert_true(c->findings[0].assumed[2]);
    assert_near(l[2].median, log10((1 + pow(10, -0.05) + pow(10, few)) / 3), 1e-12);
    assert_string_equal(c->findings[0].id, "test.sample");
    bool average = false;
    for (size_t i = 0; i < c->left_out_count; i++)
        average = average || strcmp(c->left_out[i].id, "average") == 0;
    assert_true(average);
    end(&ran);
}

/* Two sources that disagree: X leads to a by 0.5 + 0.5 x 0.1 = 0.55, Y to b by 0.8. */
static void the_trust_that_would_overturn_it_is_found(void **state)
{
    (void)state;
    struct ran ran;
    static char text[MOST_TEXT];
    static const double for_a[3] = {1, 0.1, 0.1}, for_b[3] = {0.2, 1, 0.2};
    snprintf(text, MOST_TEXT, TOP);
    put_exhibit(text, 0, "X", 50, -1);
    put_exhibit(text, 1, "Y", 25, -1);
    strncat(text, QUESTION, MOST_TEXT - strlen(text) - 1);
    put_finding(text, 0, "E0", for_a);
    put_finding(text, 1, "E1", for_b);
    const struct assay_combination *c = run(text, &ran);
    assert_int_equal(c->leading, 0);
    assert_near(c->log10_lead, log10(0.8 / 0.55), 1e-9);
    size_t found = 0;
    for (size_t i = 0; i < c->overturn_count; i++)
        if (strcmp(c->overturns[i].kind, "reliability") == 0) {
            /* 1 - 0.9 x = 0.8 and 1 - 0.8 y = 0.55 */
            double expected = strstr(c->overturns[i].text, "'X'") ? 0.2 / 0.9 : 0.45 / 0.8;
            assert_near(c->overturns[i].value, expected, 1e-5);
            found++;
        }
    assert_int_equal(found, 2);
    end(&ran);
}

static void the_same_seed_gives_the_same_numbers_on_any_threads(void **state)
{
    (void)state;
    static const char text[] = TOP
        "  - {id: E, statement: S, said_by: X, source: P, date: 2026, grade: B2}\n" QUESTION
        "      - {id: F, text: O, because: B, exhibits: [E], likelihoods: {a: 0.3 (0.1 to 0.5), "
        "b: 0.01 (0.001 to 0.1), none: 0.02 (0.01 to 0.06)}}\n";
    double found[3];
    for (int i = 0; i < 3; i++) {
        struct case_folder folder = case_folder_new(text);
        struct assay_context context = assay_context_default();
        struct ran ran;
        context.threads = i == 1 ? 3 : 1;
        context.seed = i == 2 ? 2 : 1;
        assert_int_equal(case_read_with(sample_table(), folder.path, &ran.subject, NULL), ASSAY_OK);
        assert_int_equal(case_run_with(sample_table(), &ran.subject, shipped_data(), NULL, &context,
                                       &ran.assessment, NULL),
                         ASSAY_OK);
        case_folder_free(&folder);
        found[i] = ran.assessment.replies[0].combination->hypotheses[1].log10_ratio.high;
        end(&ran);
    }
    assert_memory_equal(&found[0], &found[1], sizeof found[0]);
    assert_true(found[0] != found[2]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inference_is_that_of_summing_over_every_state),
        cmocka_unit_test(leaving_out_a_finding_is_the_case_without_it),
        cmocka_unit_test(a_grade_mixes_a_likelihood_with_ignorance),
        cmocka_unit_test(mixtures_are_those_of_the_library_to_the_last_digits),
        cmocka_unit_test(very_small_likelihoods_stay_numbers),
        cmocka_unit_test(a_source_never_outweighs_its_own_reliability),
        cmocka_unit_test(findings_on_one_exhibit_count_once_unless_declared_apart),
        cmocka_unit_test(uncertain_likelihoods_widen_the_ratio_as_they_should),
        cmocka_unit_test(posteriors_and_curves_follow_from_bayes),
        cmocka_unit_test(what_to_look_for_next_is_ranked_by_information),
        cmocka_unit_test(what_an_instrument_was_seen_to_find_is_what_it_is_expected_to_find),
        cmocka_unit_test(
            what_instruments_offer_is_ranked_with_the_rest_by_the_question_s_hypotheses),
        cmocka_unit_test(instruments_speak_of_the_questions_own_hypotheses),
        cmocka_unit_test(the_trust_that_would_overturn_it_is_found),
        cmocka_unit_test(the_same_seed_gives_the_same_numbers_on_any_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
