/* SPDX-License-Identifier: Apache-2.0 */
/* The report for a terminal: the answer first, then what it cannot tell, then the numbers. */
#include <assay/report.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH 80
#define MOST_BARS 12

/* Text folded at words, every line after the first indented; control characters replaced. */
static void fold(FILE *to, const char *lead, const char *text)
{
    size_t indent = strlen(lead), column = indent;
    fputs(lead, to);
    while (*text) {
        size_t word = strcspn(text, " ");
        if (column > indent && column + 1 + word > WIDTH) {
            fprintf(to, "\n%*s", (int)indent, "");
            column = indent;
        } else if (column > indent) {
            fputc(' ', to);
            column++;
        }
        for (size_t i = 0; i < word; i++) {
            unsigned char c = (unsigned char)text[i];
            fputc(c < 0x20 || c == 0x7f ? '?' : c, to);
        }
        column += word;
        text += word + (text[word] == ' ');
    }
    fputc('\n', to);
}

static void bars(FILE *to, const struct assay_figure *figure)
{
    double most = 0;
    bool negative = false;
    for (size_t i = 0; i < figure->bar_count; i++) {
        most = fmax(most, fabs(figure->bars[i].value));
        negative = negative || figure->bars[i].value < 0;
    }
    fputc('\n', to);
    fold(to, "  ", figure->title);
    for (size_t i = 0; i < figure->bar_count && (i < MOST_BARS || !negative); i++) {
        const struct assay_bar *b = &figure->bars[i];
        int length = most > 0 ? (int)(30 * fabs(b->value) / most + 0.5) : 0;
        fprintf(to, "    %-22.22s %9.3g  %.*s\n", b->label, b->value, length,
                "##############################");
    }
    if (negative && figure->bar_count > MOST_BARS)
        fprintf(to, "    and %zu more, all lower\n", figure->bar_count - MOST_BARS);
    fprintf(to, "    (%s)\n", figure->unit[0] ? figure->unit : "a number");
}

static void quantities(FILE *to, const struct assay_finding *f)
{
    if (f->quantity_count)
        fputs("\n  Numbers (80% intervals)\n", to);
    for (size_t i = 0; i < f->quantity_count; i++) {
        const struct assay_quantity *q = &f->quantities[i];
        fprintf(to, "    %s: %.4g %s", q->name, q->value.median, q->unit);
        if (q->value.low != q->value.high)
            fprintf(to, " (%.4g to %.4g)", q->value.low, q->value.high);
        fputc('\n', to);
    }
}

static void comparisons(FILE *to, const struct assay_case_result *r)
{
    size_t shown = 0, unweighed = 0;
    if (!r->reference)
        return;
    fputs("\n", to);
    fprintf(to, "  Likelihood ratios against %s%s\n", r->reference,
            r->reference_is_best ? " (the best: none is stated)" : "");
    for (size_t i = 0; i < r->comparison_count; i++) {
        const struct assay_comparison *c = &r->comparisons[i];
        if (!c->weighed) {
            unweighed++;
            continue;
        }
        if (c->reference || shown++ >= MOST_BARS)
            continue;
        fprintf(to, "    %-22.22s %8.2f  %s%s\n", c->hypothesis, c->log10_likelihood_ratio.median,
                c->words,
                c->favours > 0   ? " for it"
                : c->favours < 0 ? " for the reference"
                                 : " for either");
        if (isfinite(c->posterior))
            fprintf(to, "    %-22s %8s  with the stated prior: %.2g, %s\n", "", "", c->posterior,
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
    for (size_t i = 0; i < f->answer_count; i++)
        fold(to, "  * ", f->answers[i]);
    if (f->cannot_tell_count)
        fputs("\n  What this cannot tell\n", to);
    for (size_t i = 0; i < f->cannot_tell_count; i++)
        fold(to, "  * ", f->cannot_tell[i]);
    for (size_t i = 0; i < f->figure_count; i++)
        bars(to, &f->figures[i]);
    quantities(to, f);
    comparisons(to, r);
    if (f->limit_count)
        fputs("\n  Limits\n", to);
    for (size_t i = 0; i < f->limit_count; i++)
        fold(to, "  * ", f->limits[i]);
}

static void print(FILE *to, const struct assay_assessment *a)
{
    fold(to, "", a->subject->title);
    if (a->subject->summary)
        fold(to, "", a->subject->summary);
    for (size_t q = 0; q < a->reply_count; q++) {
        const struct assay_case_question *question = a->replies[q].question;
        fputc('\n', to);
        fold(to, "? ", question->text);
        fputc('\n', to);
        for (size_t r = 0; r < a->replies[q].result_count; r++)
            result(to, &a->replies[q].results[r]);
        if (question->confidence) {
            fprintf(to, "\n  Confidence: %s. ", question->confidence);
            fold(to, "", question->confidence_reason ? question->confidence_reason : "");
        }
    }
}

assay_status assay_report_text(const struct assay_assessment *assessment, char **text,
                               struct assay_error *error)
{
    size_t size = 0;
    *text = NULL;
    FILE *to = open_memstream(text, &size);
    if (to) {
        print(to, assessment);
        if (fclose(to) == 0 && *text)
            return ASSAY_OK;
        free(*text);
        *text = NULL;
    }
    return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}
