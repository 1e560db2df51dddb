/* SPDX-License-Identifier: Apache-2.0 */
/* The report for a terminal: the answer first, then what it cannot tell, then the numbers. */
#include <assay/report.h>

#include "base/escape.h"
#include "report/combination_text.h"
#include "report/lines.h"
#include "report/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_BARS 12

static void bars(FILE *to, const struct assay_figure *figure)
{
    double most = 0;
    bool negative = false;
    for (size_t i = 0; i < figure->bar_count; i++) {
        most = fmax(most, fabs(figure->bars[i].value));
        negative = negative || figure->bars[i].value < 0;
    }
    fputc('\n', to);
    lines_fold(to, "  ", figure->title);
    for (size_t i = 0; i < figure->bar_count && (i < MOST_BARS || !negative); i++) {
        const struct assay_bar *b = &figure->bars[i];
        int length = most > 0 ? (int)(30 * fabs(b->value) / most + 0.5) : 0;
        fputs("    ", to);
        lines_column(to, b->label, 22);
        fprintf(to, " %9.3g%s%.*s\n", b->value, length ? "  " : "", length,
                "##############################");
    }
    if (negative && figure->bar_count > MOST_BARS)
        fprintf(to, "    and %zu more, all lower\n", figure->bar_count - MOST_BARS);
    fputs("    (", to);
    escape_plain(to, figure->unit[0] ? figure->unit : "a number", SIZE_MAX);
    fputs(")\n", to);
}

/* Of each row the greatest: the whole is for a page. */
static void grid(FILE *to, const struct assay_figure *figure)
{
    const struct assay_grid *g = figure->grid;
    fputc('\n', to);
    lines_fold(to, "  ", figure->title);
    for (size_t i = 0; i < g->row_count && i < MOST_BARS && g->column_count; i++) {
        const double *row = &g->values[i * g->column_count];
        size_t most = 0;
        for (size_t k = 1; k < g->column_count; k++)
            most = row[k] > row[most] || isnan(row[most]) ? k : most;
        fputs("    ", to);
        lines_column(to, g->rows[i], 22);
        fputs(" most: ", to);
        lines_column(to, g->columns[most], 22);
        fprintf(to, " %9.3g\n", row[most]);
    }
    fprintf(to, "    (all %zu by %zu in report.html; ", g->row_count, g->column_count);
    escape_plain(to, figure->unit[0] ? figure->unit : "a number", SIZE_MAX);
    fputs(")\n", to);
}

static void tree(FILE *to, const struct assay_figure *figure)
{
    fputc('\n', to);
    lines_fold(to, "  ", figure->title);
    fputs("    (a tree, in report.html)\n", to);
}

/* Of each curve its two ends: the whole is for a page. */
static void curves(FILE *to, const struct assay_figure *figure)
{
    const struct assay_curves *c = figure->curves;
    fputc('\n', to);
    lines_fold(to, "  ", figure->title);
    for (size_t i = 0; i < c->series_count && i < MOST_BARS; i++) {
        const struct assay_series *s = &c->series[i];
        if (s->point_count == 0)
            continue;
        const struct assay_point *first = &s->points[0], *last = &s->points[s->point_count - 1];
        fputs("    ", to);
        lines_column(to, s->name, 34);
        fprintf(to, " %.3g at %.3g", first->y, first->x);
        if (s->point_count > 1)
            fprintf(to, ", %.3g at %.3g", last->y, last->x);
        fputc('\n', to);
    }
    if (c->series_count > MOST_BARS)
        fprintf(to, "    and %zu more in report.html\n", c->series_count - MOST_BARS);
    lines_fold(to, "    of ", c->x_axis);
}

static void quantities(FILE *to, const struct assay_finding *f)
{
    if (f->quantity_count)
        fputs("\n  Numbers (80% intervals, where no other is said)\n", to);
    for (size_t i = 0; i < f->quantity_count; i++) {
        const struct assay_quantity *q = &f->quantities[i];
        const char *unit;
        double scale = number_scale(q, &unit);
        fputs("    ", to);
        escape_plain(to, q->name, SIZE_MAX);
        fputs(strlen(q->name) > 30 ? ":\n      " : ": ", to); /* 80 columns */
        number_print(to, q->value.median * scale);
        fputs(unit[0] ? " " : "", to);
        escape_plain(to, unit, SIZE_MAX);
        if (q->value.low != q->value.high) {
            fputs(" (", to);
            if (q->value.level != 0.8)
                fprintf(to, "%.3g%%: ", 100 * q->value.level);
            number_print(to, q->value.low * scale);
            fputs(" to ", to);
            number_print(to, q->value.high * scale);
            fputc(')', to);
        }
        fputc('\n', to);
    }
}

static void comparisons(FILE *to, const struct assay_case_result *r)
{
    size_t shown = 0, unweighed = 0;
    if (!r->reference)
        return;
    fputs("\n  Likelihood ratios against ", to);
    escape_plain(to, r->reference, SIZE_MAX);
    fputs(r->reference_is_best ? " (the best: none is stated)\n" : "\n", to);
    for (size_t i = 0; i < r->comparison_count; i++) {
        const struct assay_comparison *c = &r->comparisons[i];
        if (!c->weighed) {
            unweighed++;
            continue;
        }
        if (c->reference || shown++ >= MOST_BARS)
            continue;
        fputs("    ", to);
        lines_column(to, c->hypothesis, 22);
        fprintf(to, " %8.2f  %s%s\n", round(c->log10_likelihood_ratio.median * 100) / 100 + 0.0,
                c->words,
                c->favours > 0   ? " for it"
                : c->favours < 0 ? " for the reference"
                                 : " for either");
        if (isfinite(c->posterior))
            fprintf(to, "      probability with the stated priors: %.2g, %s\n", c->posterior,
                    c->posterior_words);
    }
    if (shown > MOST_BARS)
        fprintf(to, "    and %zu more in report.html\n", shown - MOST_BARS);
    if (unweighed)
        fprintf(to, "    %zu could not be weighed; report.html says why\n", unweighed);
    fputs("    (log10; a likelihood ratio is not a probability)\n", to);
}

static void result(FILE *to, const struct assay_case_result *r)
{
    const struct assay_finding *f = &r->finding;
    fprintf(to, "\n  %s on ", r->task->instrument);
    lines_fold(to, "", r->task->input);
    for (size_t i = 0; i < f->answer_count; i++)
        lines_fold(to, "  * ", f->answers[i]);
    if (f->cannot_tell_count)
        fputs("\n  What this cannot tell\n", to);
    for (size_t i = 0; i < f->cannot_tell_count; i++)
        lines_fold(to, "  * ", f->cannot_tell[i]);
    for (size_t i = 0; i < f->figure_count; i++)
        (f->figures[i].newick   ? tree
         : f->figures[i].grid   ? grid
         : f->figures[i].curves ? curves
                                : bars)(to, &f->figures[i]);
    quantities(to, f);
    comparisons(to, r);
    if (f->limit_count)
        fputs("\n  Limits\n", to);
    for (size_t i = 0; i < f->limit_count; i++)
        lines_fold(to, "  * ", f->limits[i]);
}

/* One finding by one instrument, against its own hypotheses: what it gave says it all. */
static bool shows_combination(const struct assay_case_question *question)
{
    return question->hypothesis_count || question->task_count + question->entry_count > 1;
}

static void print(FILE *to, const struct assay_assessment *a)
{
    lines_fold(to, "", a->subject->title);
    if (a->subject->summary)
        lines_fold(to, "", a->subject->summary);
    for (size_t q = 0; q < a->reply_count; q++) {
        const struct assay_case_question *question = a->replies[q].question;
        fputc('\n', to);
        lines_fold(to, "? ", question->text);
        for (size_t r = 0; r < a->replies[q].result_count; r++)
            result(to, &a->replies[q].results[r]);
        if (a->replies[q].combination && shows_combination(question))
            combination_text(to, a->replies[q].combination);
        else if (a->replies[q].combination)
            combination_next_text(to, a->replies[q].combination);
        if (question->confidence) {
            fprintf(to, "\n  Confidence in the sources and the reasoning: %s\n",
                    question->confidence);
            lines_fold(to, "  * ", question->confidence_reason);
        }
    }
}

static void exhibits(FILE *to, const struct assay_case *subject)
{
    fputs("\nExhibits (Admiralty grades)\n", to);
    for (size_t i = 0; i < subject->exhibit_count; i++) {
        const struct assay_case_exhibit *e = &subject->exhibits[i];
        char lead[80];
        snprintf(lead, sizeof lead, "  %-6s %s  ", e->id, e->grade);
        lines_fold(to, lead, e->statement ? e->statement : e->file);
        snprintf(lead, sizeof lead, "%*s", 13, "");
        lines_fold(to, lead, e->source);
        fprintf(to, "%*s%s%s", 13, "", e->date, e->said_by ? ", " : "\n");
        if (e->said_by)
            lines_fold(to, "", e->said_by);
    }
}

static void print_case(FILE *to, const struct assay_case *subject)
{
    lines_fold(to, "", subject->title);
    if (subject->summary)
        lines_fold(to, "", subject->summary);
    for (size_t i = 0; i < subject->question_count; i++) {
        const struct assay_case_question *q = &subject->questions[i];
        fputc('\n', to);
        lines_fold(to, "? ", q->text);
        fprintf(to, "    kind: %s\n", assay_question_kind_name(q->kind));
        if (q->stated)
            lines_fold(to, "    as stated: ", q->stated);
        for (size_t h = 0; h < q->hypothesis_count; h++) {
            fputs("    hypothesis ", to);
            lines_column(to, q->hypotheses[h].id, 16);
            fputc(' ', to);
            lines_fold(to, "", q->hypotheses[h].text ? q->hypotheses[h].text : "");
        }
        for (size_t e = 0; e < q->entry_count; e++)
            lines_fold(to, "    finding: ", q->entries[e].text);
        for (size_t t = 0; t < q->task_count; t++) {
            fprintf(to, "    runs %s on ", q->tasks[t].instrument);
            lines_fold(to, "", q->tasks[t].input);
        }
        for (size_t o = 0; o < q->obtainable_count; o++) {
            lines_fold(to, "    could be had: ", q->obtainables[o].text);
            if (q->obtainables[o].cost_unit) {
                fprintf(to, "%*scost: %g ", 18, "", q->obtainables[o].cost);
                lines_fold(to, "", q->obtainables[o].cost_unit);
            }
        }
    }
    if (subject->exhibit_count)
        exhibits(to, subject);
}

/* Closes what open_memstream gave; the text is the caller's if it is whole. */
static assay_status finish(FILE *to, char **text, struct assay_error *error)
{
    if (to && fclose(to) == 0 && *text)
        return ASSAY_OK;
    free(*text);
    *text = NULL;
    return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

assay_status assay_report_text(const struct assay_assessment *assessment, char **text,
                               struct assay_error *error)
{
    size_t size = 0;
    *text = NULL;
    FILE *to = open_memstream(text, &size);
    if (to)
        print(to, assessment);
    return finish(to, text, error);
}

assay_status assay_report_case_text(const struct assay_case *subject, char **text,
                                    struct assay_error *error)
{
    size_t size = 0;
    *text = NULL;
    FILE *to = open_memstream(text, &size);
    if (to)
        print_case(to, subject);
    return finish(to, text, error);
}
