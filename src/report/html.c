/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report as one page: the answer, then what it cannot tell, figures, numbers, hypotheses,
 * what was stated, exhibits, limits. No script, no network: the content security policy allows
 * nothing but the page's own style.
 */
#include <assay/report.h>

#include "report/chart.h"
#include "report/escape.h"
#include "report/style.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN 12 /* rows before a long table is folded away */

static void list(FILE *to, const char *kind, const char *const *texts, size_t count)
{
    fprintf(to, "<ul class=\"%s\">\n", kind);
    for (size_t i = 0; i < count; i++) {
        fprintf(to, "<li>");
        escape(to, texts[i]);
        fprintf(to, "</li>\n");
    }
    fprintf(to, "</ul>\n");
}

static void cell(FILE *to, const char *text)
{
    fprintf(to, "<td>");
    escape(to, text);
    fprintf(to, "</td>");
}

/* ---- parts of a result --------------------------------------------------------------------- */

/* A number for a reader: grouped thousands where it is large, four digits else. */
static void number(FILE *to, double value)
{
    if (fabs(value) >= 1e12)
        fprintf(to, "%.4g trillion", value / 1e12);
    else if (fabs(value) >= 1e9)
        fprintf(to, "%.4g billion", value / 1e9);
    else if (fabs(value) >= 1e6)
        fprintf(to, "%.4g million", value / 1e6);
    else
        fprintf(to, "%.4g", value);
}

static void quantities(FILE *to, const struct assay_finding *f)
{
    if (!f->quantity_count)
        return;
    fprintf(to, "<h3>Numbers</h3>\n<div class=\"scroll\"><table><thead><tr><th>Quantity</th>"
                "<th class=\"n\">Value</th><th class=\"n\">80%% interval</th><th>Unit</th></tr>"
                "</thead><tbody>\n");
    for (size_t i = 0; i < f->quantity_count; i++) {
        const struct assay_quantity *q = &f->quantities[i];
        fprintf(to, "<tr>");
        cell(to, q->name);
        fprintf(to, "<td class=\"n\">");
        number(to, q->value.median);
        fprintf(to, "</td><td class=\"n\">");
        if (q->value.low != q->value.high) {
            number(to, q->value.low);
            fprintf(to, " to ");
            number(to, q->value.high);
        }
        fprintf(to, "</td>");
        cell(to, q->unit);
        fprintf(to, "</tr>\n");
    }
    fprintf(to, "</tbody></table></div>\n");
}

static void comparison(FILE *to, const struct assay_comparison *c, bool posteriors)
{
    const struct assay_interval *x = &c->log10_likelihood_ratio;
    fprintf(to, "<tr%s>", c->reference ? " class=\"ref\"" : "");
    cell(to, c->hypothesis);
    if (c->weighed)
        fprintf(to, "<td class=\"n\">%.2f</td><td class=\"n\">%.2f to %.2f</td>", x->median, x->low,
                x->high);
    else
        fprintf(to, "<td class=\"n\">-</td><td class=\"n\">-</td>");
    fprintf(to, "<td>");
    if (c->reference)
        fprintf(to, "the reference");
    else if (!c->weighed)
        escape(to, c->note ? c->note : "not weighed");
    else
        fprintf(to, "%s%s%s", c->words,
                c->favours > 0   ? " for this one"
                : c->favours < 0 ? " for the reference"
                                 : " for either",
                c->tied ? "; cannot be told apart" : "");
    fprintf(to, "</td>");
    if (posteriors) {
        if (isfinite(c->posterior))
            fprintf(to, "<td class=\"n\">%.3g</td><td>%s</td>", c->posterior, c->posterior_words);
        else
            fprintf(to, "<td class=\"n\">-</td><td>no prior</td>");
    }
    fprintf(to, "</tr>\n");
}

static void comparison_table(FILE *to, const struct assay_case_result *r, size_t from, size_t until,
                             bool posteriors)
{
    fprintf(to,
            "<div class=\"scroll\"><table><thead><tr><th>Hypothesis</th><th class=\"n\">log10 "
            "likelihood ratio</th><th class=\"n\">80%% interval</th><th>In words</th>%s</tr>"
            "</thead><tbody>\n",
            posteriors ? "<th class=\"n\">Posterior</th><th>In words</th>" : "");
    for (size_t i = from; i < until; i++)
        comparison(to, &r->comparisons[i], posteriors);
    fprintf(to, "</tbody></table></div>\n");
}

static void comparisons(FILE *to, const struct assay_case_result *r,
                        const struct assay_case_question *question)
{
    bool posteriors = question->prior_count > 0;
    if (!r->reference)
        return;
    fprintf(to, "<h3>Hypotheses, against ");
    escape(to, r->reference);
    fprintf(to,
            "</h3>\n<p>A likelihood ratio says how much better or worse one hypothesis predicts "
            "the evidence than the reference does%s. It is not the probability of either. Words "
            "are those of the ENFSI guideline (2015); intervals are Monte-Carlo error.</p>\n",
            r->reference_is_best ? " (no hypothesis is stated: the best stands in)" : "");
    size_t shown = r->comparison_count < SHOWN ? r->comparison_count : SHOWN;
    comparison_table(to, r, 0, shown, posteriors);
    if (shown < r->comparison_count) {
        fprintf(to, "<details><summary>%zu more hypotheses</summary>\n",
                r->comparison_count - shown);
        comparison_table(to, r, shown, r->comparison_count, posteriors);
        fprintf(to, "</details>\n");
    }
    if (posteriors) {
        fprintf(to, "<p>Posteriors follow from priors held by ");
        escape(to, question->priors_held_by);
        fprintf(to, ": ");
        escape(to, question->priors_reason);
        fprintf(to, "</p>\n");
    }
}

static void stated(FILE *to, const struct assay_case_result *r)
{
    if (!r->stated_count)
        return;
    fprintf(to,
            "<details><summary>What was stated, and where (%zu numbers)</summary>\n"
            "<div class=\"scroll\"><table><thead><tr><th>What</th><th>Stated</th><th>Source</th>"
            "<th>Date</th><th class=\"n\">Line</th></tr></thead><tbody>\n",
            r->stated_count);
    for (size_t i = 0; i < r->stated_count; i++) {
        const struct assay_case_stated *s = &r->stated[i];
        fprintf(to, "<tr>");
        cell(to, s->name);
        cell(to, s->value);
        cell(to, s->source);
        cell(to, s->date);
        fprintf(to, "<td class=\"n\">%ld</td></tr>\n", s->line);
    }
    fprintf(to, "</tbody></table></div></details>\n");
}

static void method(FILE *to, const struct assay_case_result *r)
{
    const struct assay_finding *f = &r->finding;
    fprintf(to, "<h3>Limits</h3>\n");
    list(to, "limits", f->limits, f->limit_count);
    fprintf(to, "<p class=\"meta\">Method ");
    escape(to, f->method);
    fprintf(to, ", version ");
    escape(to, f->method_version);
    fprintf(to, ", seed %llu. Files read:</p>\n<ul class=\"meta\">\n", (unsigned long long)f->seed);
    for (size_t i = 0; i < f->exhibit_count; i++) {
        const char *slash = strrchr(f->exhibits[i].path, '/');
        fprintf(to, "<li>");
        escape(to, slash ? slash + 1 : f->exhibits[i].path);
        fprintf(to, " <code>%s</code></li>\n", f->exhibits[i].sha256);
    }
    fprintf(to, "</ul>\n");
}

/* ---- questions ------------------------------------------------------------------------------- */

static void result(FILE *to, const struct assay_case_question *question,
                   const struct assay_case_result *r, size_t q, size_t number_of_result)
{
    const struct assay_finding *f = &r->finding;
    list(to, "answer", f->answers, f->answer_count);
    if (f->cannot_tell_count) {
        fprintf(to, "<section class=\"cannot\"><h3>What this cannot tell</h3>\n");
        list(to, "", f->cannot_tell, f->cannot_tell_count);
        fprintf(to, "</section>\n");
    }
    for (size_t i = 0; i < f->figure_count; i++) {
        char id[64];
        snprintf(id, sizeof id, "f%zu-%zu-%zu", q, number_of_result, i);
        chart_print(to, &f->figures[i], id);
    }
    quantities(to, f);
    comparisons(to, r, question);
    stated(to, r);
    method(to, r);
}

static void reply(FILE *to, const struct assay_case_reply *a, size_t q)
{
    fprintf(to, "<section aria-labelledby=\"q%zu\">\n<h2 id=\"q%zu\">", q, q);
    escape(to, a->question->text);
    fprintf(to, "</h2>\n");
    for (size_t i = 0; i < a->result_count; i++)
        result(to, a->question, &a->results[i], q, i);
    if (a->question->confidence) {
        fprintf(to, "<p><strong>Confidence: ");
        escape(to, a->question->confidence);
        fprintf(to, ".</strong> ");
        escape(to, a->question->confidence_reason);
        fprintf(to, "</p>\n");
    }
    fprintf(to, "</section>\n");
}

static void exhibits(FILE *to, const struct assay_case *subject)
{
    fprintf(to,
            "<section aria-labelledby=\"exhibits\">\n<h2 id=\"exhibits\">Exhibits</h2>\n"
            "<p>Grades are Admiralty grades: A to F for the source, 1 to 6 for what it says.</p>\n"
            "<div class=\"scroll\"><table><thead><tr><th>Exhibit</th><th>What</th><th>Said by</th>"
            "<th>Source</th><th>Date</th><th>Grade</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < subject->exhibit_count; i++) {
        const struct assay_case_exhibit *e = &subject->exhibits[i];
        fprintf(to, "<tr>");
        cell(to, e->id);
        fprintf(to, "<td>");
        escape(to, e->statement ? e->statement : e->file);
        if (e->file)
            fprintf(to, "<br><code>%s</code>", e->sha256);
        fprintf(to, "</td>");
        cell(to, e->said_by);
        cell(to, e->source);
        cell(to, e->date);
        cell(to, e->grade);
        fprintf(to, "</tr>\n");
    }
    fprintf(to, "</tbody></table></div>\n</section>\n");
}

static void page(FILE *to, const struct assay_assessment *a)
{
    fprintf(to, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                "style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n"
                "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                "<title>");
    escape(to, a->subject->title);
    fprintf(to, "</title>\n<style>%s</style>\n</head>\n<body>\n<header>\n<h1>", style);
    escape(to, a->subject->title);
    fprintf(to, "</h1>\n");
    if (a->subject->summary) {
        fprintf(to, "<p class=\"lead\">");
        escape(to, a->subject->summary);
        fprintf(to, "</p>\n");
    }
    fprintf(to, "</header>\n<main>\n");
    for (size_t q = 0; q < a->reply_count; q++)
        reply(to, &a->replies[q], q);
    if (a->subject->exhibit_count)
        exhibits(to, a->subject);
    fprintf(to,
            "</main>\n<footer>Assay %s weighs evidence and gives no verdict. case.yaml "
            "<code>%s</code>, seed %llu.</footer>\n</body>\n</html>\n",
            ASSAY_VERSION, a->subject->sha256, (unsigned long long)a->seed);
}

assay_status assay_report_html(const struct assay_assessment *assessment, char **text,
                               struct assay_error *error)
{
    size_t size = 0;
    *text = NULL;
    FILE *to = open_memstream(text, &size);
    if (to) {
        page(to, assessment);
        if (fclose(to) == 0 && *text)
            return ASSAY_OK;
        free(*text);
        *text = NULL;
    }
    return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}
