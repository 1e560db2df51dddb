/* SPDX-License-Identifier: Apache-2.0 */
/* finding_sample: one made-up finding with every field in use, for tests of what carries it. */
#ifndef FINDING_SAMPLE_H
#define FINDING_SAMPLE_H

#include <assay/finding.h>

#include <math.h>
#include <string.h>

#define SAMPLE_COUNT(array) (sizeof(array) / sizeof(array)[0])

static inline struct assay_finding sample_finding(void)
{
    static const char *const answers[] = {"64 x Alpha would have taken 95 to 130 hours.",
                                          "128 x Beta fits as well."};
    static const char *const cannot_tell[] = {"Hours alone do not separate Alpha from Beta."};
    static const char *const limits[] = {"Made up for a test."};
    static const struct assay_weight weights[] = {
        {"128 x Beta", {0, -0.1, 0.1, 0.8}, NULL, true},
        {"64 x Alpha", {-0.05, -0.15, 0.05, 0.8}, NULL, true},
        {"16 x Alpha", {-2.5, -2.9, -2.1, 0.8}, NULL, true},
        {"8 x Gamma", {-7, -8, -6, 0.8}, NULL, true},
        {"4 x Delta", {(double)NAN, (double)NAN, (double)NAN, 0.8}, "does not fit", false},
    };
    static const struct assay_tie ties[] = {{"128 x Beta", "64 x Alpha", 0.05}};
    static const struct assay_quantity quantities[] = {
        {"training time", "hours", {110, 95, 130, 0.8}}, {"devices", "", {64, 64, 64, 0.8}}};
    static const struct assay_bar bars[] = {{"matrix products", "compute", 60, 50, 70},
                                            {"waiting", NULL, 5, 5, 5}};
    static const char *const rows[] = {"layer 0", "layer 1"};
    static const char *const columns[] = {"layer 0", "layer 1", "layer 2"};
    static const double values[] = {98.5, 1, 0, (double)NAN, 0.5, 97};
    static const struct assay_grid grid = {"of the first", "of the second", rows, 2, columns, 3,
                                           values};
    static const struct assay_point named[] = {
        {0.01, 0.2, 0.03, 0.6}, {0.1, 0.7, 0.4, 0.9}, {1, 1, 0.7, 1}};
    static const struct assay_point wrong[] = {{0.01, 0.05, 0.05, 0.05},
                                               {1, (double)NAN, (double)NAN, (double)NAN}};
    static const struct assay_series series[] = {{"named", named, SAMPLE_COUNT(named), false},
                                                 {"wrongly", wrong, SAMPLE_COUNT(wrong), true}};
    static const struct assay_curves curves = {
        "dose, share of tokens", "share named", true, 0.95, series, SAMPLE_COUNT(series)};
    static const struct assay_figure figures[] = {
        {.id = "time",
         .title = "Where the time goes",
         .unit = "hours",
         .bars = bars,
         .bar_count = SAMPLE_COUNT(bars)},
        {.id = "layers", .title = "Units found", .unit = "%", .grid = &grid},
        {.id = "tree",
         .title = "Who writes alike",
         .unit = "",
         .newick = "(('a b':1,c:1)97:0.5,('d''s':1,e:2)40:0.25);"},
        {.id = "power", .title = "Who is found", .unit = "", .curves = &curves}};
    /* Alpha's meter reads high with the count; Delta was not weighed */
    static const double reads_low[] = {0.5, 0.25, 0.75, 1, (double)NAN},
                        reads_high[] = {0.5, 0.75, 0.25, 0, (double)NAN};
    static const struct assay_outcome outcomes[] = {{"low", reads_low}, {"high", reads_high}};
    static const struct assay_obtainable obtainables[] = {
        {"meter", "The meter's reading", "Made up.", 20, "USD", outcomes, SAMPLE_COUNT(outcomes)},
        {"log", "A log", NULL, (double)NAN, NULL, outcomes, SAMPLE_COUNT(outcomes)}};
    static struct assay_exhibit exhibits[1];

    exhibits[0].path = "claim.yaml";
    assay_sha256_bytes("x", 1, exhibits[0].sha256);
    struct assay_finding finding = {
        .id = "hours",
        .question = "hardware",
        .method = "test.sample",
        .method_version = "1",
        .seed = UINT64_MAX,
        .answers = answers,
        .answer_count = SAMPLE_COUNT(answers),
        .cannot_tell = cannot_tell,
        .cannot_tell_count = SAMPLE_COUNT(cannot_tell),
        .weights = weights,
        .weight_count = SAMPLE_COUNT(weights),
        .ties = ties,
        .tie_count = SAMPLE_COUNT(ties),
        .quantities = quantities,
        .quantity_count = SAMPLE_COUNT(quantities),
        .figures = figures,
        .figure_count = SAMPLE_COUNT(figures),
        .obtainables = obtainables,
        .obtainable_count = SAMPLE_COUNT(obtainables),
        .exhibits = exhibits,
        .exhibit_count = SAMPLE_COUNT(exhibits),
        .limits = limits,
        .limit_count = SAMPLE_COUNT(limits),
    };
    return finding;
}

#endif
