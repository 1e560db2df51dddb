/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Likelihood ratios first, then what each finding gave, posteriors by holder, what hangs on what,
 * what to look for next. Confidence stands by itself.
 */
#include "report/combination_text.h"

#include "base/escape.h"
#include "report/lines.h"

#include <math.h>
#include <stdint.h>

#define MOST_ROWS 12

/* Two decimals, without a minus before zero. */
static double hundredths(double value)
{
    return round(value * 100) / 100 + 0.0;
}

static const char *direction(int favours)
{
    return favours > 0 ? " for it" : favours < 0 ? " for the reference" : " for either";
}

static void ratios(FILE *to, const struct assay_combination *c)
{
    fprintf(to, "\n  All findings together, against ");
    escape_plain(to, c->reference, SIZE_MAX);
    fputs(c->reference_is_best ? " (the best: none is stated)\n" : " (as stated)\n", to);
    for (size_t rank = 0; rank < c->hypothesis_count && rank < MOST_ROWS; rank++)
        for (size_t h = 0; h < c->hypothesis_count; h++) {
            const struct assay_combined_hypothesis *x = &c->hypotheses[h];
            if (x->rank != rank || x->reference)
                continue;
            fputs("    ", to);
            lines_column(to, x->id, 20);
            fprintf(to, " %6.2f (%.2f to %.2f)  %s%s\n", hundredths(x->log10_ratio.median),
                    hundredths(x->log10_ratio.low), hundredths(x->log10_ratio.high), x->words,
                    direction(x->favours));
        }
    if (c->hypothesis_count > MOST_ROWS)
        fprintf(to, "    and %zu more in report.html\n", c->hypothesis_count - MOST_ROWS);
    fputs("    (log10, 80% intervals; a likelihood ratio is not a probability)\n", to);
}

static void findings(FILE *to, const struct assay_combination *c)
{
    fputs("\n  Findings, each by itself and discounted for its sources\n", to);
    for (size_t f = 0; f < c->finding_count && f < MOST_ROWS; f++) {
        const struct assay_combined_finding *x = &c->findings[f];
        fputs("    ", to);
        lines_column(to, x->id, 20);
        fprintf(to, " %6.2f  ", hundredths(x->log10_most.median));
        escape_plain(to, c->hypotheses[x->best].id, SIZE_MAX);
        if (x->best != x->worst) {
            fputs(" over ", to);
            escape_plain(to, c->hypotheses[x->worst].id, SIZE_MAX);
        }
        if (x->weight < 1)
            fprintf(to, "; counts %.2f", x->weight);
        fputc('\n', to);
    }
    if (c->finding_count > MOST_ROWS)
        fprintf(to, "    and %zu more in report.html\n", c->finding_count - MOST_ROWS);
}

static void posteriors(FILE *to, const struct assay_combination *c)
{
    for (size_t i = 0; i < c->posterior_count; i++) {
        const struct assay_posterior *p = &c->posteriors[i];
        fputs("\n  Probabilities for the priors of ", to);
        lines_fold(to, "", p->held_by);
        for (size_t h = 0; h < c->hypothesis_count; h++) {
            const struct assay_posterior_row *row = &p->rows[h];
            if (!isfinite(row->prior))
                continue;
            fputs("    ", to);
            lines_column(to, c->hypotheses[h].id, 20);
            fprintf(to, " %5.1f%% -> %5.1f%% (%.1f to %.1f)  %s\n", 100 * row->prior,
                    100 * row->posterior.median, 100 * row->posterior.low,
                    100 * row->posterior.high, row->words);
        }
    }
}

static void sensitivity(FILE *to, const struct assay_combination *c)
{
    static const char *const kinds[] = {"finding", "exhibit", "source", "assumption"};
    fputs("\n  Left out: '", to);
    escape_plain(to, c->hypotheses[c->leading].id, SIZE_MAX);
    fprintf(to, "' against the best of the others, now %.2f\n", hundredths(c->log10_lead));
    for (size_t i = 0; i < c->left_out_count && i < MOST_ROWS; i++) {
        const struct assay_left_out *l = &c->left_out[i];
        fprintf(to, "    %-10s ", kinds[l->kind]);
        lines_column(to, l->id, 24);
        fprintf(to, " %6.2f  %s\n", hundredths(l->log10_ratio),
                l->overturns ? "another leads" : l->words);
    }
    if (c->left_out_total > MOST_ROWS)
        fprintf(to, "    and %zu more in report.html\n", c->left_out_total - MOST_ROWS);
    fputs("\n  What would overturn it\n", to);
    for (size_t i = 0; i < c->overturn_count; i++)
        lines_fold(to, "  * ", c->overturns[i].text);
}

void combination_next_text(FILE *to, const struct assay_combination *c)
{
    if (c->next_count)
        fputs(
            "\n  What to look for next (expected information; * nothing as cheap tells as much)\n",
            to);
    for (size_t i = 0; i < c->next_count && i < MOST_ROWS; i++) {
        const struct assay_next *x = &c->next[i];
        fputs("    ", to);
        lines_column(to, x->obtainable->id, 20);
        fprintf(to, "%c %5.3f bits", x->efficient ? '*' : ' ', x->bits);
        if (isfinite(x->obtainable->cost)) {
            fprintf(to, " for %g ", x->obtainable->cost);
            escape_plain(to, x->obtainable->cost_unit, SIZE_MAX);
        }
        fputc('\n', to);
    }
}

void combination_text(FILE *to, const struct assay_combination *combination)
{
    ratios(to, combination);
    findings(to, combination);
    posteriors(to, combination);
    sensitivity(to, combination);
    combination_next_text(to, combination);
    fprintf(to, "\n  Confidence that the evidence allows: %s at most\n", combination->confidence);
    for (size_t i = 0; i < combination->confidence_reason_count; i++)
        lines_fold(to, "  * ", combination->confidence_reasons[i]);
}
