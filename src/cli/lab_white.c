/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lab's white box: the lineage instrument asked about weights that the lab made. In: a
 * suspect's file, a disguise, candidates' files. Out: what the instrument makes of each pair. What
 * can go wrong: the disk, memory. A disguised copy stands beside the suspect until it is open.
 */
#include "cli/lab.h"

#include <assay/lineage.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PRUNED 0.3 /* of hidden units */

/* Which steps of the disguise generator a design's word stands for; false: none. */
static bool steps_of(const char *disguise, struct assay_disguise *d)
{
    bool both = strcmp(disguise, "permuted and pruned") == 0;
    bool permuted = both || strcmp(disguise, "permuted") == 0;
    *d = assay_disguise_default();
    d->prune = both || strcmp(disguise, "pruned") == 0 ? PRUNED : 0;
    d->permute = d->permute_heads = permuted;
    d->rotate = strcmp(disguise, "turned") == 0;
    d->quantise = strcmp(disguise, "quantised") == 0 ? "q4_0" : NULL;
    return strcmp(disguise, "none") != 0;
}

/* The number of the last layer of a Llama. */
static unsigned last_layer(const struct assay_checkpoint *c)
{
    unsigned last = 0, layer;
    for (size_t i = 0; i < c->count; i++)
        if (sscanf(c->tensors[i].name, "model.layers.%u.", &layer) == 1 && layer > last)
            last = layer;
    return last;
}

/* Opens `suspect` as it is, or a disguised copy of it, whose file is gone once it is open. */
static assay_status open_disguised(const char *suspect, const char *disguise,
                                   struct assay_checkpoint *c, struct assay_error *error)
{
    struct assay_disguise d;
    char path[4200], layers[16];
    const char *name = strrchr(suspect, '/');
    bool disguised = steps_of(disguise, &d);
    ASSAY_TRY(assay_checkpoint_open(suspect, c, error));
    if (strcmp(disguise, "shallower") == 0) {
        snprintf(layers, sizeof layers, "%u", last_layer(c));
        d.drop_layers = layers;
    }
    if (!disguised)
        return ASSAY_OK;
    d.seed = strtoull(name ? name + 1 : suspect, NULL, 16); /* its own, and the same every time */
    snprintf(path, sizeof path, "%s.%ld-%s.safetensors", suspect, (long)getpid(), disguise);
    assay_status status = assay_lineage_disguise(c, &d, path, error);
    assay_checkpoint_close(c);
    ASSAY_TRY(status);
    status = assay_checkpoint_open(path, c, error);
    unlink(path);
    return status;
}

static void take(const struct assay_lineage_comparison *r, struct assay_lab_likeness *to)
{
    *to = (struct assay_lab_likeness){
        .log10_p = r->log10_p, .log10_lr = r->log10_lr, .training_log10_lr = NAN};
    for (size_t i = 0; i < r->relation_count && i < ASSAY_LAB_MOST_KINDS; i++)
        to->kinds[to->kind_count++] = r->relations[i].kind;
    for (size_t i = 0; i < r->stage_count; i++)
        if (strcmp(r->stages[i].stage, "pre-training") == 0)
            to->training_log10_lr = r->stages[i].log10_lr;
}

static assay_status compare_two(const struct cli_call *call, const struct assay_checkpoint *a,
                                const struct assay_checkpoint *b, struct assay_lab_likeness *to,
                                struct assay_error *error)
{
    const struct assay_lineage_settings settings = assay_lineage_settings_default();
    struct assay_context alone = call->context; /* the lab compares a pair a thread */
    struct assay_lineage_comparison r;
    char pairs[4200];
    snprintf(pairs, sizeof pairs, "%s/stage_pairs.csv", call->data_folder);
    const struct assay_stage_sources sources = {.pairs = pairs};
    alone.threads = 1;
    alone.progress = NULL;
    ASSAY_TRY(assay_lineage_compare(a, b, &settings, &alone, &r, error));
    assay_status status = assay_lineage_refine_stages(&r, a, b, &sources, &alone, error);
    if (status == ASSAY_OK)
        take(&r, to);
    assay_lineage_comparison_free(&r);
    return status;
}

assay_status cli_lab_compare(void *data, const char *suspect, const char *disguise,
                             const char *const *candidates, size_t n,
                             struct assay_lab_likeness *found, struct assay_error *error)
{
    struct assay_checkpoint a, b;
    ASSAY_TRY(open_disguised(suspect, disguise, &b, error));
    assay_status status = ASSAY_OK;
    for (size_t i = 0; status == ASSAY_OK && i < n; i++) {
        status = assay_checkpoint_open(candidates[i], &a, error);
        if (status != ASSAY_OK)
            break;
        status = compare_two(data, &a, &b, &found[i], error);
        assay_checkpoint_close(&a);
    }
    assay_checkpoint_close(&b);
    return status;
}
