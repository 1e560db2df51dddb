/* SPDX-License-Identifier: Apache-2.0 */
/*
 * assay_lab_train: one model from texts of the user's. Each step reads stretches of the text drawn
 * by (seed, step); half of its rows go to each of two passes, whose gradients are added in order.
 */
#include "lab/bpe_file.h"
#include "lab/checkpoint.h"

#include "base/folder.h"

#include <assay/lab.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define PARTS 2 /* passes of a step, whatever the threads */
#define MOST_TEXT ((size_t)1 << 32)

struct course {
    const struct assay_context *context;
    const struct assay_lab_training *settings;
    char *text; /* all files, each with a NUL before it */
    size_t size;
    struct lab_bpe bpe;
    uint16_t *tokens;          /* of all; 0 before each file */
    size_t count, train, held; /* train + held = count, or held is 0 */
    struct lab_model model;
    struct lab_trainer trainer;
    struct lab_tape *tapes[PARTS];
    float *gradients[PARTS]; /* the first is the trainer's */
    double losses[PARTS];
    uint16_t *rows;
    char recipe[LAB_MOST_RECIPE], checkpoint[4096], tokenizer[4096];
    struct assay_error *error;
};

struct assay_lab_training assay_lab_training_default(void)
{
    return (struct assay_lab_training){.vocabulary = 1024,
                                       .width = 128,
                                       .layers = 4,
                                       .heads = 4,
                                       .length = 256,
                                       .steps = 1000,
                                       .warmup = 50,
                                       .rows = 8,
                                       .rate = 0.003,
                                       .decay = 0.1,
                                       .balance = 0.01,
                                       .save_every = 60};
}

static assay_status no_memory(struct assay_error *error)
{
    return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

/* ---- the text ------------------------------------------------------------------------ */

static assay_status read_texts(struct course *c, const char *const *paths, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct assay_file file;
        ASSAY_TRY(assay_file_open(paths[i], MOST_TEXT - 1 - c->size, &file, c->error));
        char *more = realloc(c->text, c->size + file.size + 1);
        if (more) {
            c->text = more;
            c->text[c->size] = 0;
            memcpy(c->text + c->size + 1, file.bytes, file.size);
            c->size += file.size + 1;
        }
        assay_file_close(&file);
        if (!more)
            return no_memory(c->error);
    }
    return ASSAY_OK;
}

/* Tokens of all files; a NUL that a file holds begins a text too. */
static assay_status tokenise(struct course *c)
{
    size_t at = 0;
    c->tokens = malloc((c->size + 1) * sizeof *c->tokens);
    if (!c->tokens)
        return no_memory(c->error);
    while (at < c->size) {
        size_t n = strnlen(c->text + at + 1, c->size - at - 1), many;
        c->tokens[c->count++] = 0;
        ASSAY_TRY(
            lab_bpe_encode(&c->bpe, c->text + at + 1, n, c->tokens + c->count, &many, c->error));
        c->count += many;
        at += n + 1;
    }
    size_t row = c->settings->length + 1;
    c->held = c->count / 20 / row * row;
    c->train = c->count - c->held;
    if (c->train <= row)
        return assay_error_at(c->error, ASSAY_ERROR_INPUT, NULL, 0,
                              "the text is too short: %zu tokens; a training text alone takes %zu",
                              c->count, row);
    return ASSAY_OK;
}

/* ---- setting up ---------------------------------------------------------------------- */

static struct lab_shape shape_of(const struct assay_lab_training *s)
{
    return (struct lab_shape){
        .vocabulary = s->vocabulary,
        .width = s->width,
        .layers = s->layers,
        .heads = s->heads,
        .kv_heads = s->kv_heads ? s->kv_heads : s->heads,
        .hidden = s->hidden ? s->hidden : (s->width * 8 / 3 + 7) / 8 * 8,
        .context = s->length,
        .tied = !s->free_head,
        .experts = s->experts,
        .experts_per_token = s->experts && !s->experts_per_token ? 2 : s->experts_per_token,
    };
}

static assay_status check(const struct course *c)
{
    const struct assay_lab_training *s = c->settings;
    if (s->rows < PARTS || s->rows % PARTS || s->rows > 65536 || s->steps < 1 ||
        !(s->rate > 0 && s->rate <= 1) || !(s->decay >= 0 && s->decay <= 1) ||
        !(s->cooldown >= 0 && s->cooldown <= 1) || !(s->balance >= 0 && s->balance <= 1) ||
        s->length < 2 || s->length > 4096)
        return assay_error_at(c->error, ASSAY_ERROR_INPUT, NULL, 0,
                              "expected an even number of rows from 2 on, steps from 1 on, a rate "
                              "above 0 to 1, decay, cooldown and balance from 0 to 1 and a length "
                              "of 2 to 4096");
    return ASSAY_OK;
}

static void write_recipe(struct course *c)
{
    static const char *const products[] = {"float32", "bfloat16", "bfloat16 in tiles"};
    char hex[65];
    assay_sha256_bytes(c->text, c->size, hex);
    snprintf(c->recipe, sizeof c->recipe, "text %s seed %llu rows %u products %s", hex,
             (unsigned long long)c->context->seed, c->settings->rows,
             products[c->settings->products]);
}

static bool same_shape(const struct lab_shape *a, const struct lab_shape *b)
{
    return a->vocabulary == b->vocabulary && a->width == b->width && a->layers == b->layers &&
           a->heads == b->heads && a->kv_heads == b->kv_heads && a->hidden == b->hidden &&
           a->context == b->context && a->tied == b->tied && a->experts == b->experts &&
           a->experts_per_token == b->experts_per_token;
}

static bool same_schedule(const struct lab_schedule *a, const struct lab_schedule *b)
{
    return a->steps == b->steps && a->warmup == b->warmup && a->rate == b->rate &&
           a->decay == b->decay && a->clip == b->clip && a->cooldown == b->cooldown &&
           a->balance == b->balance;
}

/* Goes on from the folder's checkpoint, or begins. */
static assay_status take_up(struct course *c, struct assay_lab_trained *r)
{
    const struct assay_lab_training *s = c->settings;
    const struct lab_shape shape = shape_of(s);
    const struct lab_schedule schedule = {s->steps, s->warmup,   s->rate,   s->decay,
                                          1,        s->cooldown, s->balance};
    struct stat there;
    char recipe[LAB_MOST_RECIPE];
    if (stat(c->checkpoint, &there) != 0) {
        if (errno != ENOENT)
            return assay_error_at(c->error, ASSAY_ERROR_IO, c->checkpoint, 0, "%s",
                                  strerror(errno));
        ASSAY_TRY(lab_bpe_train(c->text, c->size, s->vocabulary, &c->bpe, c->error));
        ASSAY_TRY(lab_bpe_write(&c->bpe, c->tokenizer, c->error));
        ASSAY_TRY(lab_model_new(&shape, c->context->seed, &c->model, c->error));
        return lab_trainer_new(&c->model, &schedule, &c->trainer, c->error);
    }
    ASSAY_TRY(lab_bpe_read(c->tokenizer, &c->bpe, c->error));
    ASSAY_TRY(lab_checkpoint_read(c->checkpoint, &c->model, &c->trainer, recipe, c->error));
    if (strcmp(recipe, c->recipe) != 0 || !same_shape(&shape, &c->model.shape) ||
        !same_schedule(&schedule, &c->trainer.schedule) || c->bpe.count != s->vocabulary)
        return assay_error_at(c->error, ASSAY_ERROR_INPUT, c->checkpoint, 0,
                              "this training had other texts or settings: name another folder, or "
                              "remove it");
    r->resumed_at = c->trainer.step;
    return ASSAY_OK;
}

static assay_status make_room(struct course *c)
{
    const struct assay_lab_training *s = c->settings;
    enum lab_precision precision = s->products == ASSAY_LAB_FLOAT32    ? LAB_FLOAT32
                                   : s->products == ASSAY_LAB_BFLOAT16 ? LAB_BFLOAT16
                                                                       : LAB_BFLOAT16_TILES;
    for (int p = 0; p < PARTS; p++) {
        ASSAY_TRY(lab_tape_new_in(precision, &c->model.shape, s->rows / PARTS, s->length,
                                  &c->tapes[p], c->error));
        c->gradients[p] = p ? calloc(c->model.count, sizeof(float)) : c->trainer.gradient;
        if (!c->gradients[p])
            return no_memory(c->error);
    }
    c->rows = malloc(s->rows * ((size_t)s->length + 1) * sizeof *c->rows);
    return c->rows ? ASSAY_OK : no_memory(c->error);
}

/* ---- steps --------------------------------------------------------------------------- */

static void pass(void *data, size_t p)
{
    struct course *c = data;
    size_t rows = c->settings->rows / PARTS, length = c->settings->length;
    const struct lab_goal goal = {.tokens = c->rows + p * rows * (length + 1),
                                  .total = (double)(c->settings->rows * length),
                                  .balance = c->settings->balance};
    c->losses[p] = lab_model_learn(&c->model, c->tapes[p], &goal, NULL, c->gradients[p]);
}

static assay_status step(struct course *c, double *loss)
{
    const struct assay_lab_training *s = c->settings;
    struct assay_context quiet = *c->context;
    struct assay_random random;
    quiet.progress = NULL;
    assay_random_start(&random, c->context->seed, (uint64_t)c->trainer.step + 1);
    for (unsigned r = 0; r < s->rows; r++) {
        size_t at = (size_t)assay_random_below(&random, c->train - s->length);
        memcpy(c->rows + r * ((size_t)s->length + 1), c->tokens + at,
               (s->length + 1) * sizeof *c->rows);
    }
    ASSAY_TRY(assay_parallel_for(&quiet, NULL, PARTS, pass, c, c->error));
    *loss = c->losses[0];
    for (int p = 1; p < PARTS; p++) {
        *loss += c->losses[p];
        for (size_t i = 0; i < c->model.count; i++)
            c->gradients[0][i] += c->gradients[p][i];
        memset(c->gradients[p], 0, c->model.count * sizeof(float));
    }
    if (!isfinite(*loss))
        return assay_error_at(c->error, ASSAY_ERROR_INPUT, NULL, 0,
                              "the loss is no number at step %u: expected a lower rate than %g",
                              c->trainer.step, s->rate);
    lab_trainer_apply(&c->trainer);
    return ASSAY_OK;
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static assay_status save(struct course *c)
{
    return lab_checkpoint_write(c->checkpoint, &c->trainer, c->recipe, c->error);
}

static assay_status run(struct course *c, struct assay_lab_trained *r)
{
    const struct assay_lab_training *s = c->settings;
    double start = seconds(), saved = start;
    unsigned first = c->trainer.step;
    char what[64];
    while (c->trainer.step < s->steps) {
        ASSAY_TRY(step(c, &r->loss));
        bool stop = false;
        if (c->context->progress) {
            snprintf(what, sizeof what, "steps, loss %.3f", r->loss);
            stop =
                !c->context->progress(c->context->progress_user, what, c->trainer.step, s->steps);
        }
        if (stop || c->trainer.step == s->steps || seconds() - saved >= s->save_every) {
            ASSAY_TRY(save(c));
            saved = seconds();
        }
        if (stop && c->trainer.step < s->steps)
            return assay_error_at(c->error, ASSAY_ERROR_INTERRUPTED, c->checkpoint, 0,
                                  "stopped after step %u, which is kept: the same command goes on",
                                  c->trainer.step);
    }
    r->balance = (lab_tape_balance(c->tapes[0]) + lab_tape_balance(c->tapes[1])) / PARTS;
    r->tokens_a_second =
        (double)(c->trainer.step - first) * s->rows * s->length / (seconds() - start);
    return ASSAY_OK;
}

/* On the end of the text, in stretches like those of the training. */
static void judge(struct course *c, struct assay_lab_trained *r)
{
    size_t rows = c->settings->rows / PARTS, row = c->settings->length + 1;
    double sum = 0, counted = 0, bytes = 0;
    r->held_out = r->bits_a_byte = NAN;
    for (size_t at = 0; at + row <= c->held; at += rows * row) {
        size_t there = (c->held - at) / row < rows ? (c->held - at) / row : rows;
        memset(c->rows, 0, rows * row * sizeof *c->rows);
        memcpy(c->rows, c->tokens + c->train + at, there * row * sizeof *c->rows);
        float *weights = calloc(rows * c->settings->length, sizeof *weights);
        if (!weights)
            return;
        for (size_t i = 0; i < there * c->settings->length; i++)
            weights[i] = 1;
        const struct lab_goal goal = {.tokens = c->rows, .weights = weights, .total = 1};
        sum += lab_model_learn(&c->model, c->tapes[0], &goal, NULL, NULL);
        free(weights);
        counted += (double)(there * c->settings->length);
        for (size_t i = 0; i < there; i++)
            bytes += (double)lab_bpe_decode(&c->bpe, c->rows + i * row + 1, row - 1, NULL, 0);
    }
    if (counted > 0) {
        r->held_out = sum / counted;
        r->bits_a_byte = sum / log(2) / bytes;
    }
}

static void release(struct course *c)
{
    for (int p = 0; p < PARTS; p++) {
        lab_tape_free(c->tapes[p]);
        if (p)
            free(c->gradients[p]);
    }
    free(c->rows);
    free(c->tokens);
    free(c->text);
    lab_bpe_free(&c->bpe);
    lab_trainer_free(&c->trainer);
    lab_model_free(&c->model);
}

assay_status assay_lab_train(const struct assay_context *context, const char *const *paths,
                             size_t count, const char *folder,
                             const struct assay_lab_training *settings, struct assay_lab_trained *r,
                             struct assay_error *error)
{
    struct course c = {.context = context, .settings = settings, .error = error};
    *r = (struct assay_lab_trained){.loss = NAN};
    ASSAY_TRY(check(&c));
    if (snprintf(c.checkpoint, sizeof c.checkpoint, "%s/checkpoint.safetensors", folder) >=
        (int)sizeof c.checkpoint)
        return assay_error_at(error, ASSAY_ERROR_LIMIT, NULL, 0, "the folder's name is too long");
    snprintf(c.tokenizer, sizeof c.tokenizer, "%s/tokenizer.json", folder);
    ASSAY_TRY(folder_make(folder, error));
    assay_status status = read_texts(&c, paths, count);
    if (status == ASSAY_OK) {
        write_recipe(&c);
        status = take_up(&c, r);
    }
    if (status == ASSAY_OK)
        status = tokenise(&c);
    if (status == ASSAY_OK)
        status = make_room(&c);
    if (status == ASSAY_OK)
        status = run(&c, r);
    if (status == ASSAY_OK)
        judge(&c, r);
    r->parameters = c.model.count;
    r->tokens = c.count;
    r->step = c.trainer.step;
    release(&c);
    return status;
}
