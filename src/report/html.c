/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report as one page: the answer, then what it cannot tell, figures, numbers, hypotheses,
 * what was stated, exhibits, limits. No script, no network: the content security policy allows
 * nothing but the page's own style.
 */
#include <assay/report.h>

#include "report/chart.h"
#include "report/escape.h"
#include "report/number.h"
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

/* The cell that names its row. */
static void head_cell(FILE *to, const char *text)
{
    fprintf(to, "<th scope=\"row\">");
    escape(to, text);
    fprintf(to, "</th>");
}

static void cell(FILE *to, const char *text)
{
    fprintf(to, "<td>");
    escape(to, text);
    fprintf(to, "</td>");
}

static void date_cell(FILE *to, const char *text)
{
    fprintf(to, "<td class=\"d\">");
    escape(to, text);
    fprintf(to, "</td>");
}

/* Two decimals, without a minus before zero. */
static double hundredths(double value)
{
    return round(value * 100) / 100 + 0.0;
}

/* ---- parts of a result --------------------------------------------------------------------- */

static void quantities(FILE *to, const struct assay_finding *f)
{
    if (!f->quantity_count)
        return;
    fprintf(to, "<h3>Numbers</h3>\n<div class=\"scroll\" tabindex=\"0\"><table><thead><tr><th "
                "scope=\"col\">Quantity</th>"
                "<th scope=\"col\" class=\"n\">Value</th><th scope=\"col\" class=\"n\">80%% "
                "interval</th><th scope=\"col\">Unit</th></tr>"
                "</thead><tbody>\n");
    for (size_t i = 0; i < f->quantity_count; i++) {
        const struct assay_quantity *q = &f->quantities[i];
        const char *unit;
        double scale = number_scale(q, &unit);
        fprintf(to, "<tr>");
        head_cell(to, q->name);
        fprintf(to, "<td class=\"n\">");
        number_print(to, q->value.median * scale);
        fprintf(to, "</td><td class=\"n\">");
        if (q->value.low != q->value.high) {
            number_print(to, q->value.low * scale);
            fprintf(to, " to ");
            number_print(to, q->value.high * scale);
        }
        fprintf(to, "</td>");
        cell(to, unit);
        fprintf(to, "</tr>\n");
    }
    fprintf(to, "</tbody></table></div>\n");
}

static void comparison(FILE *to, const struct assay_comparison *c, bool posteriors)
{
    const struct assay_interval *x = &c->log10_likelihood_ratio;
    fprintf(to, "<tr%s>", c->reference ? " class=\"ref\"" : "");
    head_cell(to, c->hypothesis);
    if (c->weighed)
        fprintf(to, "<td class=\"n\">%.2f</td><td class=\"n\">%.2f to %.2f</td>",
                hundredths(x->median), hundredths(x->low), hundredths(x->high));
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
            "<div class=\"scroll\" tabindex=\"0\"><table><thead><tr><th "
            "scope=\"col\">Hypothesis</th><th scope=\"col\" class=\"n\">log10 "
            "likelihood ratio</th><th scope=\"col\" class=\"n\">80%% interval</th><th "
            "scope=\"col\">In words</th>%s</tr>"
            "</thead><tbody>\n",
            posteriors
                ? "<th scope=\"col\" class=\"n\">Posterior</th><th scope=\"col\">In words</th>"
                : "");
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
            "are those of the ENFSI guideline (2015).</p>\n",
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
    fprintf(
        to,
        "<details class=\"paper\"><summary>What was stated, and where (%zu numbers)</summary>\n"
        "<div class=\"scroll\" tabindex=\"0\"><table><thead><tr><th scope=\"col\">What</th><th "
        "scope=\"col\">Stated</th><th scope=\"col\">Source</th>"
        "<th scope=\"col\">Date</th><th scope=\"col\" class=\"n\">Line</th></tr></thead><tbody>\n",
        r->stated_count);
    for (size_t i = 0; i < r->stated_count; i++) {
        const struct assay_case_stated *s = &r->stated[i];
        fprintf(to, "<tr>");
        head_cell(to, s->name);
        cell(to, s->value);
        cell(to, s->source);
        date_cell(to, s->date);
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

static void answer(FILE *to, const struct assay_finding *f)
{
    if (f->answer_count) {
        fprintf(to, "<section class=\"can\"><h3>What follows</h3>\n");
        list(to, "answer", f->answers, f->answer_count);
        fprintf(to, "</section>\n");
    }
    if (f->cannot_tell_count) {
        fprintf(to, "<section class=\"cannot\"><h3>What this cannot tell</h3>\n");
        list(to, "doubt", f->cannot_tell, f->cannot_tell_count);
        fprintf(to, "</section>\n");
    }
}

static void result(FILE *to, const struct assay_case_question *question,
                   const struct assay_case_result *r, size_t q, size_t number_of_result)
{
    const struct assay_finding *f = &r->finding;
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

/* Of the sources and the reasoning: by itself, in no sentence with a number. */
static void confidence(FILE *to, const struct assay_case_question *question)
{
    if (!question->confidence)
        return;
    fprintf(to, "<p class=\"confidence\"><strong>Confidence in the sources and the reasoning: ");
    escape(to, question->confidence);
    fprintf(to, ".</strong> ");
    escape(to, question->confidence_reason);
    fprintf(to, "</p>\n");
}

/* The exhibits that bear on a question, as links to their rows. */
static void bearing(FILE *to, const struct assay_case_question *question)
{
    if (!question->exhibit_count)
        return;
    fprintf(to, "<p class=\"meta\">Exhibits that bear on this:");
    for (size_t i = 0; i < question->exhibit_count; i++) {
        fprintf(to, "%s <a href=\"#exhibit-", i ? "," : "");
        escape(to, question->exhibits[i]->id);
        fprintf(to, "\">");
        escape(to, question->exhibits[i]->id);
        fprintf(to, "</a> (%s)", question->exhibits[i]->grade);
    }
    fprintf(to, "</p>\n");
}

static void reply(FILE *to, const struct assay_case_reply *a, size_t q)
{
    fprintf(to, "<section aria-labelledby=\"q%zu\">\n<h2 id=\"q%zu\">", q, q);
    escape(to, a->question->text);
    fprintf(to, "</h2>\n");
    for (size_t i = 0; i < a->result_count; i++)
        answer(to, &a->results[i].finding);
    confidence(to, a->question);
    bearing(to, a->question);
    for (size_t i = 0; i < a->result_count; i++)
        result(to, a->question, &a->results[i], q, i);
    fprintf(to, "</section>\n");
}

static void exhibits(FILE *to, const struct assay_case *subject)
{
    fprintf(
        to,
        "<section aria-labelledby=\"exhibits\">\n<h2 id=\"exhibits\">Exhibits</h2>\n"
        "<p>Admiralty grades: A (reliable) to E for the source, F if it cannot be judged; 1 "
        "(confirmed by others) to 5 for what it says, 6 if that cannot be judged. They enter no "
        "number.</p>\n"
        "<div class=\"scroll\" tabindex=\"0\"><table><thead><tr><th scope=\"col\">Exhibit</th>"
        "<th scope=\"col\">Grade</th><th scope=\"col\">What</th><th scope=\"col\">Said by</th>"
        "<th scope=\"col\">Source</th><th scope=\"col\">Date</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < subject->exhibit_count; i++) {
        const struct assay_case_exhibit *e = &subject->exhibits[i];
        fprintf(to, "<tr id=\"exhibit-");
        escape(to, e->id);
        fprintf(to, "\">");
        head_cell(to, e->id);
        cell(to, e->grade);
        fprintf(to, "<td>");
        escape(to, e->statement ? e->statement : e->file);
        if (e->file)
            fprintf(to, "<br><code>%s</code>", e->sha256);
        fprintf(to, "</td>");
        cell(to, e->said_by);
        cell(to, e->source);
        date_cell(to, e->date);
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
    fprintf(to, "</title>\n<style>");
    for (size_t i = 0; i < sizeof style / sizeof style[0]; i++)
        fputs(style[i], to);
    fprintf(to, "</style>\n</head>\n<body>\n<header>\n<p class=\"brand\">Assay "
                "<span>an assessment, not a verdict</span></p>\n<h1>");
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
