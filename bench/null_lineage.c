/* SPDX-License-Identifier: Apache-2.0 */
/*
 * P-values of lineage compare under the null: null_lineage [PAIRS [SEED]], 100000 pairs by default.
 *
 * Pairs of independent models that are made up (tests/lineage_made.h): one world's tokens, each
 * model's own basis, and one unit in 24 that every model has, under a number of its own. A quarter
 * of the pairs have their names hidden on one side, a quarter on both. Counts how many p-values, of
 * single tests and of whole comparisons, lie at or below each level. An honest test has no more
 * than the level's share. Exit 1 if any count is above it by more than chance: the binomial's tail
 * below 10^-4.
 */
#define MADE_WIDTH 16
#define MADE_UNITS 24
#define MADE_TOKENS 48
#define MADE_LAYERS 2
#include "../tests/lineage_made.h"

#include <assay/lineage.h>
#include <assay/stats.h>

#include <stdlib.h>
#include <string.h>

#define BATCH 100
static const double levels[] = {0.5, 0.3, 0.1, 0.03, 0.01, 1e-3, 1e-4, 1e-5};
enum { LEVELS = sizeof levels / sizeof levels[0], KINDS = 4 };
static const char *const kinds[KINDS] = {"first axis, as numbered", "second axis, as numbered",
                                         "units, behind a disguise", "whole comparisons"};

struct tally {
    uint64_t below[KINDS][LEVELS], count[KINDS];
    bool failed;
};

struct run {
    struct tally *tallies; /* one a batch */
    uint64_t seed, pairs;
};

static void add(struct tally *t, int kind, double log10_p)
{
    t->count[kind]++;
    for (int l = 0; l < LEVELS; l++)
        t->below[kind][l] += log10_p <= log10(levels[l]);
}

static void compare(struct tally *t, const struct made *a, const struct made *b)
{
    struct assay_lineage_settings settings = assay_lineage_settings_default();
    struct assay_context context = assay_context_default();
    struct assay_lineage_comparison r;
    context.threads = 1;
    if (assay_lineage_compare(&a->checkpoint, &b->checkpoint, &settings, &context, &r, NULL) !=
        ASSAY_OK) {
        t->failed = true;
        return;
    }
    add(t, KINDS - 1, r.log10_p);
    for (size_t i = 0; i < r.match_count; i++)
        add(t,
            strcmp(r.matches[i].axis, "first") == 0    ? 0
            : strcmp(r.matches[i].axis, "second") == 0 ? 1
                                                       : 2,
            r.matches[i].log10_p);
    assay_lineage_comparison_free(&r);
}

static void batch(void *data, size_t index)
{
    const struct run *run = data;
    struct tally *t = &run->tallies[index];
    struct made *pair = calloc(2, sizeof *pair);
    t->failed = pair == NULL;
    for (uint64_t i = index * BATCH; i < (index + 1) * BATCH && i < run->pairs && pair; i++) {
        uint64_t seed = (run->seed << 32) + 2 * i;
        for (uint64_t side = 0; side < 2; side++) {
            made_make(&pair[side], seed + side, MADE_UNITS / 20);
            if ((side == 1 && i % 4 >= 2) || i % 4 == 3)
                made_hide_names(&pair[side], seed + side);
        }
        compare(t, &pair[0], &pair[1]);
    }
    free(pair);
}

static bool print(const struct tally *t, int kind)
{
    bool holds = true;
    printf("%-26s %9llu", kinds[kind], (unsigned long long)t->count[kind]);
    for (int l = 0; l < LEVELS; l++) {
        uint64_t k = t->below[kind][l], n = t->count[kind];
        bool above =
            k > 0 && assay_stats_binomial_tail((int64_t)k, (int64_t)n, levels[l], ASSAY_UPPER) < -4;
        printf(" %9.3g%s", n ? (double)k / (double)n : 0, above ? "!" : " ");
        holds = holds && !above;
    }
    printf("\n");
    return holds;
}

int main(int argc, char **argv)
{
    struct run run = {.pairs = argc > 1 ? strtoull(argv[1], NULL, 10) : 100000,
                      .seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1};
    struct assay_context context = assay_context_default();
    size_t batches = (size_t)((run.pairs + BATCH - 1) / BATCH);
    struct tally all = {.failed = false};
    bool holds = true;
    if (run.pairs == 0 || run.pairs > 100000000) {
        fprintf(stderr, "usage: null_lineage [PAIRS [SEED]]\n");
        return 2;
    }
    run.tallies = calloc(batches, sizeof *run.tallies);
    if (!run.tallies ||
        assay_parallel_for(&context, NULL, batches, batch, &run, NULL) != ASSAY_OK) {
        fprintf(stderr, "null_lineage: out of memory\n");
        return 1;
    }
    for (size_t b = 0; b < batches; b++) {
        all.failed = all.failed || run.tallies[b].failed;
        for (int kind = 0; kind < KINDS; kind++) {
            all.count[kind] += run.tallies[b].count[kind];
            for (int l = 0; l < LEVELS; l++)
                all.below[kind][l] += run.tallies[b].below[kind][l];
        }
    }
    free(run.tallies);
    printf("%llu pairs, seed %llu; share of p-values at or below\n%-36s",
           (unsigned long long)run.pairs, (unsigned long long)run.seed, "");
    for (int l = 0; l < LEVELS; l++)
        printf(" %9g ", levels[l]);
    printf("\n");
    for (int kind = 0; kind < KINDS; kind++)
        holds = print(&all, kind) && holds;
    return holds && !all.failed ? 0 : 1;
}
