/* SPDX-License-Identifier: Apache-2.0 */
#include "lineage_bank.h"

#include "lab/train.h"
#include "lab/world.h"

#include <assay/checkpoint.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROWS 8
#define LENGTH 48
#define TEXT 400000
#define RATE 4e-3

/* Grouped queries and not, tied and not, several widths; the last names a world of its own. */
const struct bank_family bank_families[] = {
    {"wide", {256, 64, 4, 8, 4, 176, 64, false, 0, 0}, 400, 16},
    {"tied", {256, 48, 3, 4, 4, 128, 64, true, 0, 0}, 400, 12},
    {"small", {256, 32, 2, 4, 2, 96, 64, false, 0, 0}, 400, 24},
};
const size_t bank_family_count = sizeof bank_families / sizeof bank_families[0];

/* ---- a language ---------------------------------------------------------------------- */

/* Words, spaces before them and marks, numbered as they first come; what finds no number is 0. */
struct language {
    char words[256][24];
    size_t count;
    uint16_t *tokens;
    size_t length;
};

static uint16_t number_of(struct language *l, const char *word, size_t size, size_t vocabulary)
{
    if (size == 0 || size >= sizeof l->words[0])
        return 0;
    for (size_t i = 1; i < l->count; i++)
        if (strlen(l->words[i]) == size && memcmp(l->words[i], word, size) == 0)
            return (uint16_t)i;
    if (l->count >= vocabulary || l->count >= 256)
        return 0;
    memcpy(l->words[l->count], word, size);
    return (uint16_t)l->count++;
}

static void tokenise(struct language *l, const char *text, size_t vocabulary)
{
    for (size_t at = 0; text[at];) {
        size_t size = strcspn(text + at + 1, " .,;:!?\n") + 1;
        l->tokens[l->length++] = number_of(l, text + at, size, vocabulary);
        at += size;
    }
}

static void language_free(struct language *l)
{
    free(l->tokens);
    free(l);
}

/* The numbering comes from the first author's texts, whoever is then read. */
static struct language *language_new(size_t vocabulary, uint64_t manner)
{
    struct lab_world_settings settings = {.seed = 5, .words = 60, .facts = 0};
    struct language *l = calloc(1, sizeof *l);
    struct lab_world *world = NULL;
    char *text = malloc(TEXT);
    bool done = l && text && lab_world_new(&settings, &world, NULL) == ASSAY_OK;
    if (done) {
        l->count = 1;
        l->tokens = malloc(TEXT * sizeof *l->tokens);
        done = l->tokens != NULL;
    }
    for (uint64_t round = 0; round < 2 && done; round++) {
        struct lab_author *author = NULL;
        struct assay_random random;
        assay_random_start(&random, 11, manner * round);
        done = lab_author_new(world, manner * round, 1, &author, NULL) == ASSAY_OK;
        if (done) {
            l->length = 0;
            lab_author_write(author, &random, text, TEXT);
            tokenise(l, text, vocabulary);
        }
        lab_author_free(author);
    }
    lab_world_free(world);
    free(text);
    if (done)
        return l;
    if (l)
        language_free(l);
    return NULL;
}

/* ---- files --------------------------------------------------------------------------- */

#define MOST_TENSORS 64

struct writing {
    struct assay_tensor_out out[MOST_TENSORS];
    char names[MOST_TENSORS][64];
    size_t count;
};

static void put(struct writing *w, const char *name, const float *values, size_t rows,
                size_t columns)
{
    struct assay_tensor_out *t = &w->out[w->count];
    snprintf(w->names[w->count], sizeof w->names[0], "%s", name);
    *t = (struct assay_tensor_out){.name = w->names[w->count],
                                   .dtype = ASSAY_DTYPE_F32,
                                   .rank = columns ? 2 : 1,
                                   .shape = {rows, columns},
                                   .bytes = values};
    w->count++;
}

static void list_tensors(const struct lab_model *m, struct writing *w)
{
    const struct lab_shape *s = &m->shape;
    size_t c = s->width, kv = c / s->heads * s->kv_heads, h = s->hidden;
    put(w, "model.embed_tokens.weight", m->weights + m->embedding, s->vocabulary, c);
    for (unsigned l = 0; l < s->layers; l++) {
        const struct lab_layer *y = &m->layers[l];
        const struct {
            const char *name;
            size_t at, rows, columns;
        } parts[] = {
            {"input_layernorm", y->norm1, c, 0}, {"self_attn.q_proj", y->q, c, c},
            {"self_attn.k_proj", y->k, kv, c},   {"self_attn.v_proj", y->v, kv, c},
            {"self_attn.o_proj", y->o, c, c},    {"post_attention_layernorm", y->norm2, c, 0},
            {"mlp.gate_proj", y->gate, h, c},    {"mlp.up_proj", y->up, h, c},
            {"mlp.down_proj", y->down, c, h}};
        for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
            char name[64];
            snprintf(name, sizeof name, "model.layers.%u.%s.weight", l, parts[i].name);
            put(w, name, m->weights + parts[i].at, parts[i].rows, parts[i].columns);
        }
    }
    put(w, "model.norm.weight", m->weights + m->norm, c, 0);
    if (!s->tied)
        put(w, "lm_head.weight", m->weights + m->head, s->vocabulary, c);
}

static assay_status write_model(const struct lab_model *m, const char *path,
                                struct assay_error *error)
{
    struct writing w = {.count = 0};
    char heads[16], kv_heads[16];
    snprintf(heads, sizeof heads, "%u", m->shape.heads);
    snprintf(kv_heads, sizeof kv_heads, "%u", m->shape.kv_heads);
    const struct assay_checkpoint_note notes[] = {{"llama.attention.head_count", heads},
                                                  {"llama.attention.head_count_kv", kv_heads}};
    list_tensors(m, &w);
    return assay_safetensors_write(path, w.out, w.count, notes, 2, error);
}

static assay_status read_model(struct lab_model *m, const char *path, struct assay_error *error)
{
    struct writing w = {.count = 0};
    struct assay_checkpoint c;
    list_tensors(m, &w);
    ASSAY_TRY(assay_checkpoint_open(path, &c, error));
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < w.count && status == ASSAY_OK; i++) {
        const struct assay_tensor *t = assay_checkpoint_find(&c, w.out[i].name);
        size_t at = (size_t)((const float *)w.out[i].bytes - m->weights);
        status = t ? assay_tensor_read(t, 0, t->elements, m->weights + at, error)
                   : assay_error_at(error, ASSAY_ERROR_INPUT, path, 0, "no tensor \"%s\"",
                                    w.out[i].name);
    }
    assay_checkpoint_close(&c);
    return status;
}

/* ---- training ------------------------------------------------------------------------ */

static assay_status train(struct lab_model *m, const struct language *l, unsigned steps,
                          double rate, uint64_t seed, struct assay_error *error)
{
    struct lab_schedule schedule = {
        .steps = steps, .warmup = steps / 20 + 1, .rate = rate, .decay = 0.1, .clip = 1};
    struct lab_trainer trainer;
    struct lab_tape *tape = NULL;
    struct assay_random random;
    uint16_t tokens[ROWS * (LENGTH + 1)];
    assay_random_start(&random, seed, 0x7465);
    ASSAY_TRY(lab_trainer_new(m, &schedule, &trainer, error));
    assay_status status = lab_tape_new(&m->shape, ROWS, LENGTH, &tape, error);
    for (unsigned step = 0; step < steps && status == ASSAY_OK; step++) {
        for (size_t r = 0; r < ROWS; r++) {
            size_t at = (size_t)assay_random_below(&random, l->length - LENGTH - 1);
            memcpy(tokens + r * (LENGTH + 1), l->tokens + at, (LENGTH + 1) * sizeof *tokens);
        }
        double loss = lab_trainer_step(&trainer, tape, tokens, NULL);
        if (step + 1 == steps)
            fprintf(stderr, "seed %llu: loss %.3f after %u steps\n", (unsigned long long)seed, loss,
                    steps);
    }
    lab_tape_free(tape);
    lab_trainer_free(&trainer);
    return status;
}

struct filling {
    const struct language *language;
    struct bank_model *list;
};

static void fill_one(void *data, size_t i)
{
    struct filling *f = data;
    struct bank_model *b = &f->list[i];
    const struct bank_family *family = &bank_families[b->family];
    struct lab_model m;
    if (access(b->path, R_OK) == 0 || lab_model_new(&family->shape, b->seed, &m, NULL) != ASSAY_OK)
        return;
    if (train(&m, f->language, family->steps, RATE, b->seed, NULL) == ASSAY_OK)
        (void)(write_model(&m, b->path, NULL) == ASSAY_OK);
    lab_model_free(&m);
}

assay_status bank_fill(const struct assay_context *context, const char *folder,
                       struct bank_model **list, size_t *count, struct assay_error *error)
{
    size_t total = 0, at = 0;
    for (size_t f = 0; f < bank_family_count; f++)
        total += bank_families[f].seeds;
    struct filling filling = {language_new(256, 0), calloc(total, sizeof(struct bank_model))};
    if (!filling.language || !filling.list) {
        free(filling.list);
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    }
    (void)mkdir(folder, 0777);
    for (size_t f = 0; f < bank_family_count; f++)
        for (size_t s = 0; s < bank_families[f].seeds; s++, at++) {
            struct bank_model *b = &filling.list[at];
            *b = (struct bank_model){.family = f, .seed = 1000 * (f + 1) + s};
            snprintf(b->path, sizeof b->path, "%s/%s-%zu.safetensors", folder,
                     bank_families[f].name, s);
        }
    assay_status status = assay_parallel_for(context, NULL, total, fill_one, &filling, error);
    for (size_t i = 0; i < total && status == ASSAY_OK; i++)
        if (access(filling.list[i].path, R_OK) != 0)
            status =
                assay_error_at(error, ASSAY_ERROR_IO, filling.list[i].path, 0,
                               "the model was not written: is the folder there, the disk full?");
    language_free((struct language *)(uintptr_t)filling.language);
    *list = filling.list;
    *count = total;
    return status;
}

assay_status bank_tune(const struct bank_model *from, unsigned steps, uint64_t seed, const char *to,
                       struct assay_error *error)
{
    struct lab_model m;
    struct language *other = language_new(256, 1);
    if (!other)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    assay_status status = lab_model_new(&bank_families[from->family].shape, 1, &m, error);
    if (status == ASSAY_OK) {
        status = read_model(&m, from->path, error);
        if (status == ASSAY_OK)
            status = train(&m, other, steps, RATE / 3, seed, error);
        if (status == ASSAY_OK)
            status = write_model(&m, to, error);
        lab_model_free(&m);
    }
    language_free(other);
    return status;
}
