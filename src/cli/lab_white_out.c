/* SPDX-License-Identifier: Apache-2.0 */
/* The lab's white box in words and in JSON. */
#include "cli/lab.h"

#include "base/json.h"

#include <math.h>
#include <string.h>

static const char *const depth = "white box";

/* The row of power that belongs to a row of the white box: they stand in one order. */
static const struct assay_lab_power *power_of(const struct assay_lab_result *r, size_t i)
{
    for (size_t k = 0; k < r->power_count; k++)
        if (strcmp(r->power[k].depth, depth) == 0 && i-- == 0)
            return &r->power[k];
    return NULL;
}

/* ---- JSON ---------------------------------------------------------------------------- */

static json_t *row_json(const struct assay_lab_white *w)
{
    json_t *o = json_object(), *kinds = json_array();
    json_set_text(o, "arm", w->arm);
    json_set_text(o, "disguise", w->disguise);
    json_set_number(o, "further_training", w->further);
    cli_lab_set_rate(o, "by_p", &w->by_p);
    json_set_number(o, "median_log10_p", w->median_log10_p);
    json_object_set_new(o, "shared_training", cli_lab_rate(&w->shared_training));
    json_object_set_new(o, "seed_alone", cli_lab_rate(&w->seed_alone));
    for (size_t i = 0; i < w->kind_count; i++) {
        json_t *kind = json_object();
        json_set_text(kind, "kind", w->kinds[i].kind);
        json_set_number(kind, "n", (double)w->kinds[i].n);
        json_array_append_new(kinds, kind);
    }
    json_object_set_new(o, "kinds", kinds);
    return o;
}

void cli_lab_white_json(json_t *to, const struct assay_lab_result *r)
{
    const struct assay_lab_white_worth *w = &r->white_worth;
    json_t *rows = json_array(), *o = json_object();
    for (size_t i = 0; i < r->white_count; i++)
        json_array_append_new(rows, row_json(&r->white[i]));
    json_set_number(o, "pairs", (double)w->pairs);
    json_set_number(o, "unrelated", (double)w->unrelated);
    json_object_set_new(o, "unrelated_at_level", cli_lab_rate(&w->at_level));
    json_set_number(o, "least_log10_p", w->least_log10_p);
    json_set_number(o, "origin_cllr", w->origin_cllr);
    json_set_number(o, "training_cllr", w->training_cllr);
    json_set_number(o, "fine_tuned", (double)w->fine_tuned);
    json_set_number(o, "same_initialisation", (double)w->same_initialisation);
    json_object_set_new(to, "white_box", rows);
    json_object_set_new(to, "white_box_worth", o);
}

/* ---- words --------------------------------------------------------------------------- */

/* "fine-tuned 9, pruned 8" */
static void write_kinds(FILE *to, const struct assay_lab_white *w)
{
    for (size_t i = 0; i < w->kind_count; i++)
        fprintf(to, "%s%s %zu", i ? ", " : "", w->kinds[i].kind, w->kinds[i].n);
    if (w->kind_count == 0)
        fprintf(to, "no relation");
}

/* Rows of false positives put together: how many were named, of how many questions. */
static size_t wrongly_named(const struct assay_lab_result *r, size_t *asked)
{
    size_t named = 0;
    *asked = 0;
    for (size_t i = 0; i < r->wrong_count; i++)
        if (strcmp(r->wrong[i].depth, depth) == 0) {
            *asked += r->wrong[i].named.n;
            named += (size_t)lround(r->wrong[i].named.share * (double)r->wrong[i].named.n);
        }
    return named;
}

void cli_lab_white_print(const struct assay_lab_result *r)
{
    const struct assay_lab_white_worth *w = &r->white_worth;
    if (r->white_count == 0)
        return;
    cli_say(
        "\nWhite box: weights, by `assay lineage compare`. Named at %.3g by both nulls, by the\n"
        "instrument's own p; its median; its ratio for shared training, for one seed alone:\n\n"
        "made by              disguise            further    n  named                by p  "
        "median p    AUC  Cllr  shared seed  called\n",
        r->level);
    for (size_t i = 0; i < r->white_count; i++) {
        const struct assay_lab_white *row = &r->white[i];
        const struct assay_lab_power *p = power_of(r, i);
        cli_say("%-19s  %-19s %-7.3g %4zu  %.2f (%.2f to %.2f)  %.2f  10^%-7.1f  %.2f  %.2f  %6.2f "
                "%4.2f  ",
                row->arm, row->disguise, row->further, p->named.n, p->named.share, p->named.low,
                p->named.high, row->by_p.share, row->median_log10_p, fmin(p->auc, p->auc_others),
                p->cllr, row->shared_training.share, row->seed_alone.share);
        write_kinds(stdout, row);
        cli_say("\n");
    }
    cli_say(
        "\nOf %zu pairs %zu have nothing in common: p of %.3g or less in %.3f (%.3f to %.3f) of "
        "them, the\nleast 10^%.1f. The instrument's own ratios as they stand: common origin "
        "%.2f bits; shared training\nagainst one seed %.2f bits (%zu and %zu students with such "
        "a ratio, each disguise counted).\n",
        w->pairs, w->unrelated, r->level, w->at_level.share, w->at_level.low, w->at_level.high,
        w->least_log10_p, w->origin_cllr, w->training_cllr, w->fine_tuned, w->same_initialisation);
    size_t asked, named = wrongly_named(r, &asked);
    cli_say("Asked about a teacher whose weights they have nothing of, %zu of %zu were named "
            "(report.json has\nthem by row).\n",
            named, asked);
}
