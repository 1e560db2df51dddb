/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/lineage_stages.h"

#include <math.h>
#include <string.h>

static assay_status tokenizer(struct cli_call *call, const struct assay_checkpoint *a,
                              const struct assay_checkpoint *b, struct assay_arena *arena,
                              struct assay_lineage_stage *stage, bool *known)
{
    char path_a[4200], path_b[4200];
    struct assay_vocabulary va, vb;
    struct assay_tokenizer_likeness l;
    *known = false;
    if (!assay_vocabulary_find(a->path, path_a, sizeof path_a) ||
        !assay_vocabulary_find(b->path, path_b, sizeof path_b) ||
        strcmp(path_a, path_b) == 0) /* one file beside both says nothing */
        return ASSAY_OK;
    ASSAY_TRY(assay_vocabulary_read(path_a, &va, &call->error));
    assay_status status = assay_vocabulary_read(path_b, &vb, &call->error);
    if (status == ASSAY_OK) {
        status = assay_lineage_tokenizers(&va, &vb, &l, &call->error);
        assay_vocabulary_free(&vb);
    }
    assay_vocabulary_free(&va);
    ASSAY_TRY(status);
    const char *note = assay_arena_print(
        arena,
        "%s %zu and %zu pieces, Jaccard %.3f, %zu under one number, rank correlation %.3f. "
        "Tokenizers are public: no weight is given to this.",
        l.note, l.count_a, l.count_b, l.jaccard, l.same_number, l.order);
    *stage = (struct assay_lineage_stage){"tokenizer", NAN, NAN, false, note};
    *known = true;
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

assay_status lineage_stages_beside(struct cli_call *call, const struct assay_checkpoint *a,
                                   const struct assay_checkpoint *b, struct assay_arena *arena,
                                   struct assay_lineage_stage stages[LINEAGE_STAGES], size_t *count)
{
    bool known;
    *count = 0;
    ASSAY_TRY(tokenizer(call, a, b, arena, &stages[*count], &known));
    *count += known;
    ASSAY_TRY(configuration(call, a, b, arena, &stages[*count], &known));
    *count += known;
    return ASSAY_OK;
}
