/* SPDX-License-Identifier: Apache-2.0 */
/* assay_lab_score: ln p of each token of a text, in rows of the model's length. */
#include "lab/export.h"
#include "lab/pass.h"

#include <assay/lab.h>

#include <stdlib.h>
#include <string.h>

static assay_status score(const struct lab_model *m, struct assay_lab_score *s, uint16_t *row,
                          struct assay_error *error)
{
    size_t length = m->shape.context;
    for (size_t at = 0; at < s->count; at += length) {
        size_t n = s->count - at < length ? s->count - at : length;
        struct lab_tape *tape;
        row[0] = 0;
        memcpy(row + 1, s->tokens + at, n * sizeof *row);
        ASSAY_TRY(lab_tape_new(&m->shape, 1, n, &tape, error));
        lab_model_loss(m, tape, row, NULL, s->log_p + at, NULL);
        lab_tape_free(tape);
    }
    return ASSAY_OK;
}

assay_status assay_lab_score(const char *model, const char *text, size_t size,
                             struct assay_lab_score *s, struct assay_error *error)
{
    struct lab_model m;
    struct lab_bpe b;
    *s = (struct assay_lab_score){.bytes = size};
    ASSAY_TRY(lab_import(model, &m, &b, error));
    s->arena = assay_arena_new();
    if (s->arena) {
        s->tokens = assay_arena_alloc(s->arena, size + 1, sizeof *s->tokens);
        s->log_p = assay_arena_alloc(s->arena, size + 1, sizeof *s->log_p);
    }
    uint16_t *row = malloc(((size_t)m.shape.context + 1) * sizeof *row);
    assay_status status = s->tokens && s->log_p && row
                              ? lab_bpe_encode(&b, text, size, s->tokens, &s->count, error)
                              : assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    if (status == ASSAY_OK)
        status = score(&m, s, row, error);
    free(row);
    lab_model_free(&m);
    lab_bpe_free(&b);
    if (status != ASSAY_OK)
        assay_lab_score_free(s);
    return status;
}

void assay_lab_score_free(struct assay_lab_score *s)
{
    assay_arena_free(s->arena);
    *s = (struct assay_lab_score){.count = 0};
}
