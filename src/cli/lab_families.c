/* SPDX-License-Identifier: Apache-2.0 */
/* The lab's families of known history: in words, in JSON, and as stage_pairs.csv. */
#include "cli/lab.h"

#include "base/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The pairs of one kind. */
struct kind {
    const char *pair, *shares;
    size_t n;
    double least, most, mean; /* of gains' correlation; its artanh's mean */
};

static struct kind kind_of(const struct assay_lab_result *r, size_t first)
{
    const struct assay_lab_pair *like = &r->pairs[first];
    struct kind k = {.pair = like->pair, .shares = like->shares, .least = 1, .most = -1};
    for (size_t i = first; i < r->pair_count; i++) {
        const struct assay_lab_pair *p = &r->pairs[i];
        if (strcmp(p->pair, like->pair) != 0)
            continue;
        k.n++;
        k.least = fmin(k.least, p->gains);
        k.most = fmax(k.most, p->gains);
        k.mean += atanh(fmax(-0.99999, fmin(0.99999, p->gains)));
    }
    k.mean /= (double)k.n;
    return k;
}

/* Kinds stand in the first family, one a pair. */
static size_t kind_count(const struct assay_lab_result *r)
{
    size_t n = 0;
    while (n < r->pair_count && r->pairs[n].family == r->pairs[0].family)
        n++;
    return n;
}

json_t *cli_lab_families_json(const struct assay_lab_result *r)
{
    json_t *list = json_array();
    for (size_t i = 0; i < r->pair_count; i++) {
        const struct assay_lab_pair *p = &r->pairs[i];
        json_t *o = json_object();
        json_set_number(o, "family", p->family);
        json_set_text(o, "pair", p->pair);
        json_set_text(o, "shares", p->shares);
        json_set_number(o, "width", p->width);
        json_set_number(o, "layers", p->layers);
        json_set_number(o, "steps", p->steps);
        json_set_number(o, "tuning", p->tuning);
        json_set_number(o, "rate", p->rate);
        json_set_number(o, "decay", p->decay);
        json_set_number(o, "cosine", p->cosine);
        json_set_number(o, "gains", p->gains);
        json_set_number(o, "difference_cosine", p->difference_cosine);
        json_set_number(o, "length", p->length);
        json_set_number(o, "kurtosis", p->kurtosis);
        json_array_append_new(list, o);
    }
    return list;
}

void cli_lab_families_print(const struct assay_lab_result *r)
{
    cli_say("\nCorrelation of norms' gains in pairs of known history:\n\n"
            "pair            shares            n   least    most   mean of artanh\n");
    for (size_t i = 0; i < kind_count(r); i++) {
        struct kind k = kind_of(r, i);
        cli_say("%-14s  %-14s %4zu  %6.3f  %6.3f  %6.2f\n", k.pair, k.shares, k.n, k.least, k.most,
                k.mean);
    }
}

static void write_rows(FILE *to, const struct assay_lab_result *r)
{
    for (size_t i = 0; i < r->pair_count; i++) {
        const struct assay_lab_pair *p = &r->pairs[i];
        char difference[32] = "";
        if (!isnan(p->difference_cosine))
            snprintf(difference, sizeof difference, "%.5f", p->difference_cosine);
        fprintf(to, "%u,%s,%s,%u,%u,%u,%u,%.4g,%.4g,%.5f,%.5f,%s,%.5f,%.5f\n", p->family, p->pair,
                p->shares, p->width, p->layers, p->steps, p->tuning, p->rate, p->decay, p->cosine,
                p->gains, difference, p->length, p->kurtosis);
    }
}

assay_status cli_lab_families_write(struct cli_call *call, const struct assay_lab_result *r,
                                    const char *path)
{
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    assay_status status =
        assay_error_at(&call->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    if (to) {
        fprintf(
            to,
            "# Pairs of small transformers whose history is known: what the two share (shares), "
            "and what a\n# comparison of stages measures of them. Written by `assay lab run %s "
            "--calibrate`;\n# no real model is in it.\n"
            "group,pair,shares,width,layers,steps,tuning,rate,decay,cosine,gains,"
            "difference_cosine,length,kurtosis\n",
            call->positional[0]);
        write_rows(to, r);
    }
    if (to && fclose(to) == 0)
        status = assay_file_write(path, text, size, &call->error);
    free(text);
    return status;
}
