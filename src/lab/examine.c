/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/examine.h"

#include "lab/generate.h"
#include "lab/source.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COOL 0.7      /* the temperature of who hides by it */
#define MOST_ASKED 64 /* facts of a party */
#define LN2 0.6931471805599453

static assay_status no_memory(struct assay_error *error)
{
    return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

/* ---- bytes in JSON ------------------------------------------------------------------- */

/* Bytes as the code points of their numbers. */
static json_t *bytes_json(const char *bytes, size_t n)
{
    char *text = malloc(2 * n + 1);
    size_t to = 0;
    for (size_t i = 0; text && i < n; i++) {
        unsigned char b = (unsigned char)bytes[i];
        if (b >= 128)
            text[to++] = (char)(0xC0 | b >> 6);
        text[to++] = (char)(b >= 128 ? 0x80 | (b & 0x3F) : b);
    }
    json_t *o = text ? json_stringn(text, to) : NULL;
    free(text);
    return o;
}

static char *json_bytes(const json_t *text, struct assay_arena *arena, size_t *n)
{
    const char *from = json_string_value(text);
    size_t size = json_string_length(text);
    char *to = from ? assay_arena_alloc(arena, size + 1, 1) : NULL;
    *n = 0;
    for (size_t i = 0; to && i < size; i++) {
        unsigned char b = (unsigned char)from[i];
        to[(*n)++] =
            (char)(b >= 128 && i + 1 < size ? (b & 3) << 6 | ((unsigned char)from[++i] & 0x3F) : b);
    }
    return to;
}

/* ---- texts --------------------------------------------------------------------------- */

static assay_status add_texts(const struct lab_study *s, struct lab_cell *c,
                              const struct lab_model *m, size_t count, json_t *o)
{
    size_t length = s->d->length, row = length + 1;
    uint16_t *tokens = calloc(count * row, sizeof *tokens);
    char *texts = malloc(count * length + 1);
    struct assay_random random;
    double temperature = c->evasion == LAB_EVASION_COOLED ? COOL : 1;
    assay_random_start(&random, lab_cell_seed(c), 3);
    assay_status status = tokens && texts
                              ? lab_generate(m, count, row, temperature, &random, tokens, &c->error)
                              : no_memory(&c->error);
    for (size_t i = 0; status == ASSAY_OK && i < count; i++)
        lab_vocabulary_spell(s->bpe, tokens + i * row + 1, length, texts + i * length, length);
    if (status == ASSAY_OK &&
        json_object_set_new(o, "texts", bytes_json(texts, count * length)) != 0)
        status = no_memory(&c->error);
    free(tokens);
    free(texts);
    return status;
}

/* Room to hear LAB_HELD texts of a training text's length in bytes. */
struct hearing {
    const struct lab_bpe *bpe;
    const struct lab_model *m;
    struct lab_tape *tape;
    size_t length;
    uint16_t *tokens;
    float *log_p; /* with a vocabulary */
};

static assay_status hearing_start(struct hearing *h, const struct lab_study *s,
                                  const struct lab_model *m, struct assay_error *error)
{
    *h = (struct hearing){.bpe = s->bpe, .m = m, .length = s->d->length};
    h->tokens = calloc(LAB_HELD * (h->length + 1), sizeof *h->tokens);
    h->log_p = calloc(LAB_HELD * h->length, sizeof *h->log_p);
    return h->tokens && h->log_p ? lab_tape_new(&m->shape, LAB_HELD, h->length, &h->tape, error)
                                 : no_memory(error);
}

static void hearing_end(struct hearing *h)
{
    lab_tape_free(h->tape);
    free(h->tokens);
    free(h->log_p);
}

/* Mean ln p a byte of `held` texts, repeated if they are fewer than LAB_HELD. A text has no more
 * tokens than bytes; what follows it in its row counts for nothing. */
static assay_status hear_held(struct hearing *h, const char *texts, size_t held, double *mean,
                              struct assay_error *error)
{
    size_t length = h->length, n[LAB_HELD];
    memset(h->tokens, 0, LAB_HELD * (length + 1) * sizeof *h->tokens);
    for (size_t r = 0; r < LAB_HELD; r++)
        ASSAY_TRY(lab_vocabulary_encode(h->bpe, texts + r % held * length, length,
                                        h->tokens + r * (length + 1) + 1, &n[r], error));
    double loss = lab_model_loss(h->m, h->tape, h->tokens, NULL, h->bpe->count ? h->log_p : NULL,
                                 NULL),
           sum = 0;
    *mean = -loss;
    if (h->bpe->count == 0)
        return ASSAY_OK;
    for (size_t r = 0; r < LAB_HELD; r++)
        for (size_t i = 0; i < n[r]; i++)
            sum += (double)h->log_p[r * length + i];
    *mean = sum / (double)(LAB_HELD * length);
    return ASSAY_OK;
}

/* What a model makes of prose that the candidates' authors, not their models, wrote. */
static assay_status add_prose(const struct lab_study *s, struct lab_cell *c,
                              const struct lab_model *m, json_t *o)
{
    size_t length = s->d->length, size = LAB_HELD * length + 1024;
    struct hearing h;
    char *text = malloc(size);
    json_t *list = json_array();
    assay_status status = hearing_start(&h, s, m, &c->error);
    if (status == ASSAY_OK && (!text || !list))
        status = no_memory(&c->error);
    for (unsigned t = 0; status == ASSAY_OK && t < s->d->teacher_count; t++) {
        struct assay_random random;
        double mean;
        assay_random_start(&random, s->d->world.seed, 30);
        size_t n = lab_source_write(s, (int)t, &random, text, size) / length;
        status = hear_held(&h, text, n, &mean, &c->error);
        if (status == ASSAY_OK)
            json_array_append_new(list, json_real(mean));
    }
    json_object_set_new(o, "prose", list);
    hearing_end(&h);
    free(text);
    return status;
}

static assay_status add_log_p(const struct lab_study *s, struct lab_cell *c,
                              const struct lab_model *m, json_t *o)
{
    struct hearing h;
    json_t *list = json_array();
    assay_status status = hearing_start(&h, s, m, &c->error);
    if (status == ASSAY_OK && !list)
        status = no_memory(&c->error);
    for (unsigned w = 0; status == ASSAY_OK && w < lab_writers(s->d); w++) {
        const struct lab_writer *writer = &s->writers[w];
        double mean;
        status = hear_held(&h, writer->held, writer->held_count, &mean, &c->error);
        if (status == ASSAY_OK)
            json_array_append_new(list, json_real(mean));
    }
    json_object_set_new(o, "log_p", list);
    hearing_end(&h);
    return status;
}

/* ---- what it knows and can ----------------------------------------------------------- */

/* Questions side by side, and what the model makes of their answers. */
struct asking {
    const struct lab_model *m;
    struct lab_tape *tape;
    size_t rows, length;
    uint16_t *tokens;
    size_t *first, *end; /* places of the answer's bytes */
    float *logits;
};

static void asking_end(struct asking *a)
{
    lab_tape_free(a->tape);
    free(a->tokens);
    free(a->first);
    free(a->end);
    free(a->logits);
}

static assay_status asking_start(struct asking *a, struct assay_error *error)
{
    size_t n = a->rows * a->length;
    a->tokens = calloc(a->rows * (a->length + 1), sizeof *a->tokens);
    a->first = calloc(a->rows, sizeof *a->first);
    a->end = calloc(a->rows, sizeof *a->end);
    a->logits = malloc(n * a->m->shape.vocabulary * sizeof *a->logits);
    if (!a->tokens || !a->first || !a->end || !a->logits)
        return no_memory(error);
    return lab_tape_new(&a->m->shape, a->rows, a->length, &a->tape, error);
}

/* False if the text does not hold it. */
static bool ask(struct asking *a, size_t row, const char *asked, const char *answer)
{
    uint16_t *tokens = a->tokens + row * (a->length + 1);
    size_t n = strlen(asked), more = strlen(answer);
    memset(tokens, 0, (a->length + 1) * sizeof *tokens);
    if (n + more > a->length)
        return false;
    for (size_t i = 0; i < n; i++)
        tokens[i + 1] = (unsigned char)asked[i];
    for (size_t i = 0; i < more; i++)
        tokens[n + i + 1] = (unsigned char)answer[i];
    a->first[row] = n;
    a->end[row] = n + more;
    return true;
}

/* log2 p of the answers, mean over rows; *right: the share that is likeliest byte by byte. */
static double hear(struct asking *a, size_t rows, double *right)
{
    size_t v = a->m->shape.vocabulary;
    double bits = 0;
    *right = 0;
    lab_model_logits(a->m, a->tape, a->tokens, a->logits);
    for (size_t r = 0; r < rows; r++) {
        bool all = true;
        for (size_t at = a->first[r]; at < a->end[r]; at++) {
            const float *z = a->logits + (r * a->length + at) * v;
            uint16_t target = a->tokens[r * (a->length + 1) + at + 1];
            double most = -INFINITY, sum = 0;
            for (size_t k = 0; k < v; k++)
                most = fmax(most, (double)z[k]);
            for (size_t k = 0; k < v; k++)
                sum += exp((double)z[k] - most);
            bits += ((double)z[target] - most - log(sum)) / LN2 / (double)rows;
            all = all && (double)z[target] >= most;
        }
        *right += all ? 1 / (double)rows : 0;
    }
    return bits;
}

static json_t *fact_json(const struct lab_study *s, struct asking *a, unsigned party)
{
    unsigned count = s->d->own_facts < MOST_ASKED ? s->d->own_facts : MOST_ASKED;
    char whole[64];
    double right;
    for (unsigned i = 0; i < count; i++) {
        const char *asked, *answer;
        lab_source_fact(s, (int)party, i, &asked, &answer);
        snprintf(whole, sizeof whole, "%s.", answer);
        if (!ask(a, i, asked, whole))
            return json_null();
    }
    return count > 0 ? json_real(hear(a, count, &right)) : json_null();
}

/* The same tasks of every model. */
static json_t *task_json(const struct lab_study *s, struct asking *a, bool worked)
{
    struct assay_random random;
    double right, bits;
    assay_random_start(&random, s->d->world.seed, 20);
    for (size_t i = 0; i < LAB_TASKS; i++) {
        struct lab_question q;
        char asked[2 * LAB_TASK_SIZE], answer[LAB_TASK_SIZE + 2];
        lab_source_question(&random, false, &q);
        snprintf(asked, sizeof asked, "%s%s", q.asked, worked ? q.working : "");
        snprintf(answer, sizeof answer, "%s.", q.answer);
        if (!ask(a, i, asked, answer))
            return json_null();
    }
    bits = hear(a, LAB_TASKS, &right);
    return json_pack("[f, f]", right, bits);
}

static assay_status add_capability(const struct lab_study *s, struct lab_cell *c,
                                   const struct lab_model *m, json_t *o)
{
    struct asking a = {
        .m = m, .rows = LAB_TASKS > MOST_ASKED ? LAB_TASKS : MOST_ASKED, .length = s->d->length};
    json_t *facts = json_array();
    assay_status status = asking_start(&a, &c->error);
    for (unsigned t = 0; status == ASSAY_OK && t < s->d->teacher_count; t++)
        json_array_append_new(facts, fact_json(s, &a, t));
    json_object_set_new(o, "facts", facts);
    if (status == ASSAY_OK) {
        json_object_set_new(o, "tasks", task_json(s, &a, false));
        json_object_set_new(o, "worked", task_json(s, &a, true));
    }
    asking_end(&a);
    return status;
}

assay_status lab_examine(const struct lab_study *s, struct lab_cell *c, const struct lab_model *m)
{
    json_t *o = json_object();
    assay_status status = o ? ASSAY_OK : no_memory(&c->error);
    size_t texts = c->role == LAB_TEACHER ? lab_pool_count(s->d) + LAB_HELD : s->d->answers;
    bool whole = c->role != LAB_KIN; /* of kin the weights alone are asked about */
    if (status == ASSAY_OK && whole && c->role != LAB_BASE)
        status = add_texts(s, c, m, texts, o);
    if (status == ASSAY_OK && whole && c->role != LAB_BASE && c->role != LAB_TEACHER)
        status = add_log_p(s, c, m, o);
    if (status == ASSAY_OK && whole)
        status = add_prose(s, c, m, o);
    if (status == ASSAY_OK && whole && s->world)
        status = add_capability(s, c, m, o);
    json_object_set_new(o, "loss", json_real(c->loss));
    if (status == ASSAY_OK)
        c->result = o;
    else
        json_decref(o);
    return status;
}

/* ---- read back ----------------------------------------------------------------------- */

static double number_or_nan(const json_t *value)
{
    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

assay_status lab_examined_read(const struct lab_study *s, const struct lab_cell *c,
                               struct lab_examined *e, struct assay_error *error)
{
    struct assay_arena *arena = s->r->arena;
    const json_t *o = c->result, *log_p = json_object_get(o, "log_p");
    bool student = c->role != LAB_TEACHER && c->role != LAB_BASE, good = true;
    size_t texts = c->role == LAB_TEACHER ? lab_pool_count(s->d) + LAB_HELD : s->d->answers;
    *e = (struct lab_examined){
        .log_p = assay_arena_alloc(arena, lab_writers(s->d), sizeof *e->log_p),
        .facts = assay_arena_alloc(arena, s->d->teacher_count, sizeof *e->facts),
        .right = number_or_nan(json_array_get(json_object_get(o, "tasks"), 0)),
        .tasks = number_or_nan(json_array_get(json_object_get(o, "tasks"), 1)),
        .worked_right = number_or_nan(json_array_get(json_object_get(o, "worked"), 0)),
        .worked = number_or_nan(json_array_get(json_object_get(o, "worked"), 1)),
        .prose = assay_arena_alloc(arena, s->d->teacher_count, sizeof *e->prose),
        .loss = number_or_nan(json_object_get(o, "loss")),
    };
    if (!e->log_p || !e->facts || !e->prose)
        return no_memory(error);
    for (unsigned t = 0; t < s->d->teacher_count; t++) {
        e->facts[t] = number_or_nan(json_array_get(json_object_get(o, "facts"), t));
        e->prose[t] = number_or_nan(json_array_get(json_object_get(o, "prose"), t));
    }
    for (unsigned w = 0; student && w < lab_writers(s->d); w++) {
        e->log_p[w] = number_or_nan(json_array_get(log_p, w));
        good = good && isfinite(e->log_p[w]);
    }
    if (c->role != LAB_BASE) {
        e->texts = json_bytes(json_object_get(o, "texts"), arena, &e->size);
        good = good && e->texts && e->size == texts * s->d->length;
    }
    return good ? ASSAY_OK
                : assay_error_at(error, ASSAY_ERROR_INPUT, s->folder, 0,
                                 "a result is not what this program stores: empty the folder, or "
                                 "name another");
}
