/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/lineage_beside.h"

#include "base/json.h"

#include <math.h>
#include <string.h>

/* The vocabularies of both sides; `both` false where one is not found. */
struct vocabularies {
    struct assay_vocabulary a, b;
    bool both;
};

static assay_status read_vocabularies(struct cli_call *call, const struct assay_checkpoint *a,
                                      const struct assay_checkpoint *b, struct vocabularies *v)
{
    char path_a[4200], path_b[4200];
    memset(v, 0, sizeof *v);
    if (!assay_vocabulary_find(a->path, path_a, sizeof path_a) ||
        !assay_vocabulary_find(b->path, path_b, sizeof path_b) ||
        strcmp(path_a, path_b) == 0) /* one file beside both says nothing */
        return ASSAY_OK;
    ASSAY_TRY(assay_vocabulary_read(path_a, &v->a, &call->error));
    assay_status status = assay_vocabulary_read(path_b, &v->b, &call->error);
    v->both = status == ASSAY_OK;
    if (!v->both)
        assay_vocabulary_free(&v->a);
    return status;
}

static void free_vocabularies(struct vocabularies *v)
{
    if (!v->both)
        return;
    assay_vocabulary_free(&v->a);
    assay_vocabulary_free(&v->b);
}

static assay_status tokenizer(struct cli_call *call, const struct vocabularies *v,
                              struct assay_arena *arena, struct assay_lineage_stage *stage)
{
    struct assay_tokenizer_likeness l;
    ASSAY_TRY(assay_lineage_tokenizers(&v->a, &v->b, &l, &call->error));
    const char *merges = isnan(l.merge_order)
                             ? ""
                             : assay_arena_print(arena, ", that of %zu shared merges %.3f",
                                                 l.merges_shared, l.merge_order);
    const char *note =
        merges ? assay_arena_print(
                     arena,
                     "%s %zu and %zu pieces, Jaccard %.3f, %zu under one number, most frequent "
                     "shift %lld (%zu pieces), rank correlation %.3f%s. No likelihood ratio: "
                     "tokenizers are public, and whoever takes one takes all of it.",
                     l.note, l.count_a, l.count_b, l.jaccard, l.same_number, (long long)l.shift,
                     l.shifted, l.order, merges)
               : NULL;
    *stage = (struct assay_lineage_stage){"tokenizer", NAN, NAN, false, note};
    return note ? ASSAY_OK
                : assay_error_at(&call->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

char *lineage_keys(struct assay_arena *arena, const struct assay_configuration *a,
                   const struct assay_configuration *b,
                   const struct assay_configuration_likeness *l, bool equal)
{
    char *text = assay_arena_print(arena, "%s", "");
    for (size_t k = 0; k < ASSAY_KEY_COUNT && text; k++) {
        const char *name = assay_configuration_key_name((enum assay_configuration_key)k);
        if (!l->keys[k].known || l->keys[k].equal != equal)
            continue;
        text = equal ? assay_arena_print(arena, "%s%s%s %.10g (in %zu of %zu)", text,
                                         text[0] ? ", " : "", name, a->value[k],
                                         l->keys[k].families, l->keys[k].stated)
                     : assay_arena_print(arena, "%s%s%s %.10g and %.10g", text, text[0] ? ", " : "",
                                         name, a->value[k], b->value[k]);
    }
    return text;
}

static assay_status configuration(struct cli_call *call, const struct assay_checkpoint *a,
                                  const struct assay_checkpoint *b, struct assay_arena *arena,
                                  struct assay_lineage_stage *stage, bool *known)
{
    struct assay_configuration ca, cb;
    struct assay_configuration_likeness l;
    char models[4200];
    snprintf(models, sizeof models, "%s/models.csv", call->data_folder);
    ASSAY_TRY(assay_configuration_read(a->path, a, &ca, &call->error));
    ASSAY_TRY(assay_configuration_read(b->path, b, &cb, &call->error));
    ASSAY_TRY(assay_configurations_compare(&ca, &cb, models, &l, &call->error));
    *known = l.known > 0;
    if (!*known)
        return ASSAY_OK;
    char *same = lineage_keys(arena, &ca, &cb, &l, true);
    char *other = lineage_keys(arena, &ca, &cb, &l, false);
    const char *note = NULL;
    if (same && other)
        note = assay_arena_print(
            arena,
            "Shared, with the families of public models that have it: %s.%s%s%s %zu of %zu "
            "families have a model with all that is shared.",
            same[0] ? same : "nothing", other[0] ? " Different: " : "", other, other[0] ? "." : "",
            l.alike, l.families);
    *stage = (struct assay_lineage_stage){"configuration", NAN, l.log10_lr, false, note};
    return note ? ASSAY_OK
                : assay_error_at(&call->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

static void add(struct lineage_stages *to, const struct assay_lineage_stage *list, size_t count)
{
    for (size_t i = 0; i < count && to->count < LINEAGE_MOST_STAGES; i++)
        to->list[to->count++] = list[i];
}

static assay_status refine(struct cli_call *call, const struct assay_checkpoint *a,
                           const struct assay_checkpoint *b, const struct vocabularies *v,
                           const char *base_path, struct assay_lineage_comparison *comparison)
{
    struct assay_checkpoint base;
    char pairs[4200];
    snprintf(pairs, sizeof pairs, "%s/stage_pairs.csv", call->data_folder);
    struct assay_stage_sources sources = {.vocabulary_a = v->both ? &v->a : NULL,
                                          .vocabulary_b = v->both ? &v->b : NULL,
                                          .pairs = pairs};
    if (base_path) {
        ASSAY_TRY(assay_checkpoint_open(base_path, &base, &call->error));
        sources.base = &base;
    }
    assay_status status =
        assay_lineage_refine_stages(comparison, a, b, &sources, &call->context, &call->error);
    if (base_path)
        assay_checkpoint_close(&base);
    return status;
}

assay_status lineage_stages_of(struct cli_call *call, const struct assay_checkpoint *a,
                               const struct assay_checkpoint *b, const char *base,
                               struct assay_lineage_comparison *comparison, bool more,
                               struct lineage_stages *stages)
{
    struct vocabularies v;
    struct assay_lineage_stage stage;
    bool known = false;
    stages->count = 0;
    ASSAY_TRY(read_vocabularies(call, a, b, &v));
    assay_status status =
        v.both ? tokenizer(call, &v, comparison->arena, &stage) : (assay_status)ASSAY_OK;
    if (status == ASSAY_OK && v.both)
        add(stages, &stage, 1);
    if (status == ASSAY_OK)
        status = configuration(call, a, b, comparison->arena, &stage, &known);
    if (status == ASSAY_OK && known)
        add(stages, &stage, 1);
    if (status == ASSAY_OK && more)
        status = refine(call, a, b, &v, base, comparison);
    add(stages, comparison->stages, comparison->stage_count);
    free_vocabularies(&v);
    return status;
}

json_t *lineage_stages_json(const struct lineage_stages *s)
{
    json_t *list = json_array();
    for (size_t i = 0; i < s->count; i++) {
        json_t *o = json_object();
        json_set_text(o, "stage", s->list[i].stage);
        json_set_number(o, "log10_p", s->list[i].log10_p);
        json_set_number(o, "log10_lr", s->list[i].log10_lr);
        json_object_set_new(o, "exact", json_boolean(s->list[i].exact));
        json_set_text(o, "note", s->list[i].note);
        json_array_append_new(list, o);
    }
    return list;
}

void lineage_stages_print(const struct lineage_stages *all)
{
    cli_say("  %-15s %-12s %-12s\n", "stage", "p", "ratio");
    for (size_t i = 0; i < all->count; i++) {
        const struct assay_lineage_stage *s = &all->list[i];
        char p[24] = "-", ratio[24] = "-";
        if (!isnan(s->log10_p))
            snprintf(p, sizeof p, "10^%.1f%s", s->log10_p, s->exact ? "" : " *");
        if (!isnan(s->log10_lr))
            snprintf(ratio, sizeof ratio, "10^%.2f", s->log10_lr);
        cli_say("  %-15s %-12s %-12s %s\n", s->stage, p, ratio, s->note);
    }
    cli_say("  ratio: likelihood ratio of sharing the stage against not; *: the p-value is not "
            "exact.\n");
}

const char *lineage_direction_name(enum assay_lineage_direction direction)
{
    static const char *const names[] = {"unknown", "A to B", "B to A"};
    return names[direction];
}

assay_status lineage_open_both(struct cli_call *call, lineage_of_both *then)
{
    struct assay_checkpoint a, b;
    ASSAY_TRY(assay_checkpoint_open(call->positional[0], &a, &call->error));
    assay_status status = assay_checkpoint_open(call->positional[1], &b, &call->error);
    if (status == ASSAY_OK) {
        status = then(call, &a, &b);
        assay_checkpoint_close(&b);
    }
    assay_checkpoint_close(&a);
    return status;
}
