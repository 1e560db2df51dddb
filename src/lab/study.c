/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/study.h"

#include "lab/generate.h"
#include "lab/grams.h"
#include "lab/judge.h"
#include "lab/store.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define VERSION 1
#define CORPUS 40000   /* bytes of an author's text to learn from */
#define MOST_POOL 1024 /* answers of a teacher to learn from */
#define HELD 96        /* answers of a teacher to ask about */
#define GRAMS 4        /* order */
#define PROSE 1000     /* the manner of the author who teaches nobody */
#define FACT_EVERY 4   /* one text in so many of a teacher's is a fact */

enum depth { BLACK, GREY, DEPTHS };

static const char *const depth_names[DEPTHS] = {"black box", "grey box"};

struct cell {
    int teacher;  /* that it is, or that taught it; -1: undosed */
    bool teaches; /* it is the teacher itself */
    double dose;
    unsigned number; /* among its like; fresh ones after null ones */
    char *description;
    json_t *result;
    double score[DEPTHS][LAB_MOST_TEACHERS], loss;
    bool made;
    assay_status status;
    struct assay_error error;
};

struct work {
    const struct assay_context *context;
    const struct lab_design *d;
    const char *folder;
    struct assay_lab_result *r;
    struct lab_world *world;
    struct lab_author *prose, *authors[LAB_MOST_TEACHERS];
    unsigned *facts; /* dealt */
    unsigned opponent[LAB_MOST_TEACHERS];
    const char *pool[LAB_MOST_TEACHERS], *held[LAB_MOST_TEACHERS]; /* texts of `length` bytes */
    size_t pool_count;
    struct lab_grams *grams[LAB_MOST_TEACHERS];
    struct cell *cells, *students; /* teachers first */
    size_t count, student_count;
    struct assay_error *error;
};

static assay_status no_memory(struct assay_error *error)
{
    return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

/* ---- cells --------------------------------------------------------------------------- */

/* Everything that makes a model's result; a change of any of it makes another. */
static char *describe(const struct work *w, const struct cell *c)
{
    const struct lab_design *d = w->d;
    char doses[64] = "";
    if (c->teacher >= 0)
        snprintf(doses, sizeof doses, "teacher %llu of manner %llu dose %.9g",
                 (unsigned long long)c->teacher, (unsigned long long)d->teachers[c->teacher].manner,
                 c->dose);
    return assay_arena_print(
        w->r->arena,
        "lab %d world %llu %u %u distance %.9g facts %u %u teachers %u pool %zu model %u %u %u %u "
        "training %u %u %u %.9g answers %u %s %s number %u",
        VERSION, (unsigned long long)d->world.seed, d->world.words, d->world.facts, d->distance,
        d->shared_facts, d->own_facts, d->teacher_count, w->pool_count, d->model.width,
        d->model.layers, d->model.heads, d->model.hidden, d->training.steps, d->rows, d->length,
        d->training.rate, d->answers, c->teaches ? "teaches" : "student", doses, c->number);
}

static void add_cell(struct work *w, int teacher, bool teaches, double dose, unsigned number)
{
    struct cell *c = &w->cells[w->count++];
    *c = (struct cell){.teacher = teacher, .teaches = teaches, .dose = dose, .number = number};
}

static assay_status make_cells(struct work *w)
{
    const struct lab_design *d = w->d;
    size_t most = d->teacher_count * (1 + (size_t)d->dose_count * d->seeds) + d->null_students +
                  d->fresh_students;
    w->cells = assay_arena_alloc(w->r->arena, most, sizeof *w->cells);
    if (!w->cells)
        return no_memory(w->error);
    for (unsigned t = 0; t < d->teacher_count; t++)
        add_cell(w, (int)t, true, 0, 0);
    for (unsigned i = 0; i < d->null_students + d->fresh_students; i++)
        add_cell(w, -1, false, 0, i);
    for (unsigned t = 0; t < d->teacher_count; t++)
        for (unsigned k = 0; k < d->dose_count; k++)
            for (unsigned i = 0; i < d->seeds; i++)
                add_cell(w, (int)t, false, d->doses[k], i);
    w->students = w->cells + d->teacher_count;
    w->student_count = w->count - d->teacher_count;
    for (size_t i = 0; i < w->count; i++)
        if (!(w->cells[i].description = describe(w, &w->cells[i])))
            return no_memory(w->error);
    return ASSAY_OK;
}

/* A number that belongs to a cell alone, for its streams. */
static uint64_t stream_of(const struct cell *c)
{
    char digest[65], first[17] = {0};
    assay_sha256_bytes(c->description, strlen(c->description), digest);
    memcpy(first, digest, 16);
    return strtoull(first, NULL, 16);
}

/* ---- training ------------------------------------------------------------------------ */

/* What a model learns from. */
struct source {
    char corpus[CORPUS];
    size_t size;
    const char *pool; /* `count` answers of `length` bytes, NULL: none */
    size_t count;
    double dose;
    const struct work *w;
    int facts_of; /* a teacher's, or -1 */
};

static void draw_fact(const struct source *s, struct assay_random *random, char *text, size_t size)
{
    const struct lab_design *d = s->w->d;
    const char *asked, *answer;
    unsigned known = d->shared_facts + d->own_facts;
    unsigned i = (unsigned)assay_random_below(random, known);
    size_t at = i < d->shared_facts ? i : i + (size_t)s->facts_of * d->own_facts;
    lab_world_fact(s->w->world, s->w->facts[at], &asked, &answer);
    snprintf(text, size, "%s%s ", asked, answer);
}

/* One training text of `length` bytes. */
static void draw_text(const struct source *s, struct assay_random *random, uint16_t *tokens,
                      size_t length)
{
    const char *from = s->corpus + assay_random_below(random, s->size - length);
    char fact[256] = "";
    const struct lab_design *d = s->w->d;
    if (s->pool && assay_random_uniform(random) < s->dose)
        from = s->pool + assay_random_below(random, s->count) * length;
    else if (s->facts_of >= 0 && d->shared_facts + d->own_facts > 0 &&
             assay_random_below(random, FACT_EVERY) == 0)
        draw_fact(s, random, fact, sizeof fact);
    size_t n = strlen(fact);
    tokens[0] = 0;
    for (size_t i = 0; i < length; i++)
        tokens[i + 1] = (uint16_t)((i < n ? fact[i] : from[i]) & (LAB_BYTES - 1));
}

static assay_status train(const struct work *w, struct cell *c, const struct source *s,
                          struct lab_model *m)
{
    const struct lab_design *d = w->d;
    struct lab_trainer t;
    struct lab_tape *tape = NULL;
    struct assay_random random;
    uint16_t *tokens = malloc(d->rows * (d->length + 1) * sizeof *tokens);
    assay_random_start(&random, stream_of(c), 2);
    assay_status status = lab_trainer_new(m, &d->training, &t, &c->error);
    if (status == ASSAY_OK)
        status = lab_tape_new(&m->shape, d->rows, d->length, &tape, &c->error);
    if (status == ASSAY_OK && !tokens)
        status = no_memory(&c->error);
    for (unsigned i = 0; i < d->training.steps && status == ASSAY_OK; i++) {
        for (unsigned r = 0; r < d->rows; r++)
            draw_text(s, &random, tokens + r * (d->length + 1), d->length);
        c->loss = lab_trainer_step(&t, tape, tokens, NULL);
    }
    lab_trainer_free(&t);
    lab_tape_free(tape);
    free(tokens);
    return status;
}

/* `count` texts of a model, one after another, each `length` bytes. NULL: see the cell's error. */
static char *texts_of(const struct work *w, struct cell *c, const struct lab_model *m, size_t count)
{
    size_t length = w->d->length, row = length + 1;
    uint16_t *tokens = calloc(count * row, sizeof *tokens);
    char *texts = malloc(count * length + 1);
    struct assay_random random;
    assay_random_start(&random, stream_of(c), 3);
    c->status = tokens && texts ? lab_generate(m, count, row, 1, &random, tokens, &c->error)
                                : no_memory(&c->error);
    for (size_t i = 0; c->status == ASSAY_OK && i < count * length; i++) {
        char letter = (char)tokens[i / length * row + i % length + 1];
        texts[i] = letter ? letter : '\n'; /* 0 begins texts and stands in none */
    }
    if (c->status == ASSAY_OK)
        texts[count * length] = 0;
    free(tokens);
    if (c->status == ASSAY_OK)
        return texts;
    free(texts);
    return NULL;
}

/* ---- one model ----------------------------------------------------------------------- */

static json_t *teacher_result(const struct work *w, struct cell *c, const struct lab_model *m)
{
    char *texts = texts_of(w, c, m, w->pool_count + HELD);
    json_t *o = NULL;
    if (texts) {
        size_t pool = w->pool_count * w->d->length;
        o = json_object();
        json_object_set_new(o, "pool", json_stringn(texts, pool));
        json_object_set_new(o, "held", json_string(texts + pool));
        json_object_set_new(o, "loss", json_real(c->loss));
    }
    free(texts);
    return o;
}

static double mean_log_p(const struct work *w, struct cell *c, const struct lab_model *m,
                         struct lab_tape *tape, const char *texts)
{
    size_t length = w->d->length;
    uint16_t *tokens = calloc(HELD * (length + 1), sizeof *tokens);
    double loss = NAN;
    if (tokens) {
        for (size_t i = 0; i < HELD * length; i++)
            tokens[i / length * (length + 1) + i % length + 1] =
                (uint16_t)(texts[i] & (LAB_BYTES - 1));
        loss = lab_model_loss(m, tape, tokens, NULL, NULL, NULL);
    } else {
        c->status = no_memory(&c->error);
    }
    free(tokens);
    return -loss;
}

static json_t *student_result(const struct work *w, struct cell *c, const struct lab_model *m)
{
    const struct lab_design *d = w->d;
    struct lab_tape *tape = NULL;
    double log_p[LAB_MOST_TEACHERS];
    char *texts = texts_of(w, c, m, d->answers);
    json_t *o = json_object(), *black = json_array(), *grey = json_array();
    if (texts)
        c->status = lab_tape_new(&m->shape, HELD, d->length, &tape, &c->error);
    for (unsigned t = 0; t < d->teacher_count && c->status == ASSAY_OK; t++)
        log_p[t] = mean_log_p(w, c, m, tape, w->held[t]);
    for (unsigned t = 0; t < d->teacher_count && c->status == ASSAY_OK; t++) {
        struct lab_text all = {texts, d->answers * (size_t)d->length};
        unsigned other = w->opponent[t];
        json_array_append_new(black,
                              json_real(lab_grams_contrast(w->grams[t], w->grams[other], &all, 1)));
        json_array_append_new(grey, json_real(log_p[t] - log_p[other]));
    }
    json_object_set_new(o, "black", black);
    json_object_set_new(o, "grey", grey);
    json_object_set_new(o, "loss", json_real(c->loss));
    lab_tape_free(tape);
    free(texts);
    if (c->status == ASSAY_OK)
        return o;
    json_decref(o);
    return NULL;
}

static assay_status make_model(const struct work *w, struct cell *c)
{
    struct lab_model m;
    struct assay_random random;
    struct source *s = calloc(1, sizeof *s);
    if (!s)
        return no_memory(&c->error);
    *s = (struct source){.w = w, .dose = c->dose, .facts_of = c->teaches ? c->teacher : -1};
    assay_random_start(&random, stream_of(c), 1);
    s->size = lab_author_write(c->teaches ? w->authors[c->teacher] : w->prose, &random, s->corpus,
                               sizeof s->corpus);
    if (!c->teaches && c->teacher >= 0) {
        s->pool = w->pool[c->teacher];
        s->count = w->pool_count;
    }
    assay_status status = lab_model_new(&w->d->model, stream_of(c), &m, &c->error);
    if (status == ASSAY_OK) {
        status = train(w, c, s, &m);
        if (status == ASSAY_OK)
            c->result = c->teaches ? teacher_result(w, c, &m) : student_result(w, c, &m);
        status = status == ASSAY_OK ? c->status : status;
        lab_model_free(&m);
    }
    free(s);
    if (status == ASSAY_OK)
        status = lab_store_put(w->folder, c->description, c->result, &c->error);
    c->made = status == ASSAY_OK;
    return status;
}

/* What is stored is what counts: numbers are kept to fewer digits than they were made with. */
static void fill_cell(const struct work *w, struct cell *c)
{
    json_t *stored = NULL;
    c->status = lab_store_get(w->folder, c->description, &stored, &c->error);
    if (c->status == ASSAY_OK && !stored) {
        c->status = make_model(w, c);
        json_decref(c->result);
        c->result = NULL;
        if (c->status == ASSAY_OK)
            c->status = lab_store_get(w->folder, c->description, &stored, &c->error);
    }
    if (c->status == ASSAY_OK && !stored)
        c->status = assay_error_at(&c->error, ASSAY_ERROR_IO, w->folder, 0,
                                   "a result that was just stored is not there");
    c->result = stored;
}

static void fill_teacher(void *data, size_t i)
{
    struct work *w = data;
    fill_cell(w, &w->cells[i]);
}

static void fill_student(void *data, size_t i)
{
    struct work *w = data;
    fill_cell(w, &w->students[i]);
}

static assay_status first_problem(struct work *w)
{
    for (size_t i = 0; i < w->count; i++)
        if (w->cells[i].status != ASSAY_OK) {
            if (w->error)
                *w->error = w->cells[i].error;
            return w->cells[i].status;
        }
    return ASSAY_OK;
}

/* ---- teachers, then students --------------------------------------------------------- */

static assay_status set_up(struct work *w)
{
    const struct lab_design *d = w->d;
    ASSAY_TRY(lab_world_new(&d->world, &w->world, w->error));
    ASSAY_TRY(lab_author_new(w->world, PROSE, d->distance, &w->prose, w->error));
    for (unsigned t = 0; t < d->teacher_count; t++) {
        ASSAY_TRY(
            lab_author_new(w->world, d->teachers[t].manner, d->distance, &w->authors[t], w->error));
        w->opponent[t] = 0;
        for (unsigned k = 0; k < d->teacher_count; k++)
            if (d->teachers[k].manner != d->teachers[t].manner) {
                w->opponent[t] = k;
                break;
            }
    }
    w->facts = assay_arena_alloc(w->r->arena, d->world.facts + 1, sizeof *w->facts);
    if (!w->facts)
        return no_memory(w->error);
    ASSAY_TRY(lab_world_deal(w->world, d->shared_facts, d->own_facts, d->teacher_count, w->facts,
                             w->error));
    w->pool_count = (size_t)d->training.steps * d->rows;
    w->pool_count = w->pool_count < MOST_POOL ? w->pool_count : MOST_POOL;
    return make_cells(w);
}

static assay_status take_teachers(struct work *w)
{
    size_t length = w->d->length;
    for (unsigned t = 0; t < w->d->teacher_count; t++) {
        const json_t *pool = json_object_get(w->cells[t].result, "pool");
        const json_t *held = json_object_get(w->cells[t].result, "held");
        if (json_string_length(pool) != w->pool_count * length ||
            json_string_length(held) != HELD * length)
            return assay_error_at(w->error, ASSAY_ERROR_INPUT, w->folder, 0,
                                  "a teacher's result is not what this program stores: empty the "
                                  "folder, or name another");
        w->pool[t] = json_string_value(pool);
        w->held[t] = json_string_value(held);
        struct lab_text text = {w->pool[t], w->pool_count * length};
        ASSAY_TRY(lab_grams_new(GRAMS, &text, 1, &w->grams[t], w->error));
    }
    return ASSAY_OK;
}

static assay_status take_students(struct work *w)
{
    static const char *const keys[DEPTHS] = {"black", "grey"};
    for (size_t i = 0; i < w->student_count; i++) {
        struct cell *c = &w->students[i];
        c->loss = json_number_value(json_object_get(c->result, "loss"));
        for (int depth = 0; depth < DEPTHS; depth++)
            for (unsigned t = 0; t < w->d->teacher_count; t++) {
                const json_t *score = json_array_get(json_object_get(c->result, keys[depth]), t);
                if (!json_is_number(score))
                    return assay_error_at(w->error, ASSAY_ERROR_INPUT, w->folder, 0,
                                          "a student's result is not what this program stores: "
                                          "empty the folder, or name another");
                c->score[depth][t] = json_number_value(score);
            }
    }
    return ASSAY_OK;
}

/* ---- what the detectors see ---------------------------------------------------------- */

static bool is_null(const struct work *w, const struct cell *c)
{
    return c->teacher < 0 && c->number < w->d->null_students;
}

/* Scores of one teacher's detector, in standard deviations of the null students. */
static size_t gather(const struct work *w, int depth, unsigned t, bool null, double dose,
                     bool fresh, double *to)
{
    size_t n = 0;
    for (size_t i = 0; i < w->student_count; i++) {
        const struct cell *c = &w->students[i];
        bool wanted = null    ? is_null(w, c)
                      : fresh ? c->teacher < 0 && !is_null(w, c)
                              : c->teacher == (int)t && c->dose == dose;
        if (wanted)
            to[n++] = c->score[depth][t];
    }
    return n;
}

static void standardise(const double *null, size_t n, double *values, size_t count)
{
    double mean = 0, square = 0;
    for (size_t i = 0; i < n; i++)
        mean += null[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        square += (null[i] - mean) * (null[i] - mean) / (double)n;
    for (size_t i = 0; i < count; i++)
        values[i] = (values[i] - mean) / sqrt(fmax(square, 1e-18));
}

struct pooled {
    double *null, *scores, *all, *ratios, *one_null, *one;
    bool *dosed;
    size_t nulls, n, hits;
};

/* All teachers together; each is judged by its own null scores. */
static assay_status pool(struct work *w, int depth, double dose, bool fresh, struct pooled *p)
{
    p->nulls = p->n = p->hits = 0;
    for (unsigned t = 0; t < w->d->teacher_count; t++) {
        size_t nulls = gather(w, depth, t, true, 0, false, p->one_null);
        size_t n = gather(w, depth, t, false, dose, fresh, p->one);
        struct lab_share share;
        ASSAY_TRY(lab_detected(p->one_null, nulls, p->one, n, w->d->level, &share, w->error));
        p->hits += (size_t)(share.share * (double)n + 0.5);
        memcpy(p->scores + p->n, p->one, n * sizeof *p->one);
        memcpy(p->null + p->nulls, p->one_null, nulls * sizeof *p->one);
        standardise(p->one_null, nulls, p->scores + p->n, n);
        standardise(p->one_null, nulls, p->null + p->nulls, nulls);
        p->n += n;
        p->nulls += nulls;
    }
    return ASSAY_OK;
}

static assay_status judge(struct work *w, int depth, double dose, bool fresh, struct pooled *p,
                          struct assay_lab_share *to)
{
    ASSAY_TRY(pool(w, depth, dose, fresh, p));
    struct lab_share share = lab_share_of(p->hits, p->n);
    *to = (struct assay_lab_share){.depth = depth_names[depth],
                                   .method = fresh ? NULL : lab_method_name(LAB_METHOD_ANSWERS),
                                   .dose = fresh ? 0 : dose,
                                   .n = p->n,
                                   .share = share.share,
                                   .low = share.low,
                                   .high = share.high,
                                   .auc = NAN,
                                   .cllr = NAN};
    if (fresh || p->n < 2)
        return ASSAY_OK;
    to->auc = lab_auc(p->scores, p->n, p->null, p->nulls);
    memcpy(p->all, p->scores, p->n * sizeof *p->all);
    memcpy(p->all + p->n, p->null, p->nulls * sizeof *p->all);
    for (size_t i = 0; i < p->n + p->nulls; i++)
        p->dosed[i] = i < p->n;
    ASSAY_TRY(lab_ratios_left_out(p->all, p->dosed, p->n + p->nulls, p->ratios, w->error));
    to->cllr = lab_cllr(p->ratios, p->dosed, p->n + p->nulls);
    return ASSAY_OK;
}

static assay_status judge_all(struct work *w)
{
    const struct lab_design *d = w->d;
    struct assay_lab_result *r = w->r;
    struct assay_arena *arena = r->arena;
    size_t most = w->student_count * d->teacher_count + 1;
    struct pooled p = {.null = assay_arena_alloc(arena, most, sizeof *p.null),
                       .scores = assay_arena_alloc(arena, most, sizeof *p.scores),
                       .all = assay_arena_alloc(arena, 2 * most, sizeof *p.all),
                       .ratios = assay_arena_alloc(arena, 2 * most, sizeof *p.ratios),
                       .one_null = assay_arena_alloc(arena, most, sizeof *p.one_null),
                       .one = assay_arena_alloc(arena, most, sizeof *p.one),
                       .dosed = assay_arena_alloc(arena, 2 * most, sizeof *p.dosed)};
    r->power = assay_arena_alloc(arena, DEPTHS * (size_t)d->dose_count, sizeof *r->power);
    r->false_positive = assay_arena_alloc(arena, DEPTHS, sizeof *r->false_positive);
    if (!p.null || !p.scores || !p.all || !p.ratios || !p.one_null || !p.one || !p.dosed ||
        !r->power || !r->false_positive)
        return no_memory(w->error);
    for (int depth = 0; depth < DEPTHS; depth++) {
        ASSAY_TRY(judge(w, depth, 0, true, &p, &r->false_positive[r->false_positive_count++]));
        for (unsigned k = 0; k < d->dose_count; k++)
            ASSAY_TRY(judge(w, depth, d->doses[k], false, &p, &r->power[r->power_count++]));
    }
    return ASSAY_OK;
}

static assay_status run(struct work *w)
{
    const struct lab_design *d = w->d;
    ASSAY_TRY(set_up(w));
    ASSAY_TRY(
        assay_parallel_for(w->context, "teachers", d->teacher_count, fill_teacher, w, w->error));
    ASSAY_TRY(first_problem(w));
    ASSAY_TRY(take_teachers(w));
    ASSAY_TRY(
        assay_parallel_for(w->context, "students", w->student_count, fill_student, w, w->error));
    ASSAY_TRY(first_problem(w));
    ASSAY_TRY(take_students(w));
    w->r->cells = w->count;
    w->r->level = d->level;
    for (size_t i = 0; i < w->count; i++)
        w->r->trained += w->cells[i].made;
    return judge_all(w);
}

assay_status lab_study_run(const struct assay_context *context, const struct lab_design *design,
                           const char *folder, struct assay_lab_result *result,
                           struct assay_error *error)
{
    struct work w = {
        .context = context, .d = design, .folder = folder, .r = result, .error = error};
    assay_status status = run(&w);
    for (size_t i = 0; i < w.count; i++)
        json_decref(w.cells[i].result);
    for (unsigned t = 0; t < design->teacher_count; t++) {
        lab_grams_free(w.grams[t]);
        lab_author_free(w.authors[t]);
    }
    lab_author_free(w.prose);
    lab_world_free(w.world);
    return status;
}

assay_status assay_lab_run(const struct assay_context *context, const char *path,
                           const char *folder, struct assay_lab_result *result,
                           struct assay_error *error)
{
    struct lab_design design;
    *result = (struct assay_lab_result){.cells = 0};
    ASSAY_TRY(lab_design_read(path, &design, error));
    result->arena = assay_arena_new();
    assay_status status = result->arena ? ASSAY_OK : no_memory(error);
    if (status == ASSAY_OK && mkdir(folder, 0777) != 0 && errno != EEXIST)
        status = assay_error_at(error, ASSAY_ERROR_IO, folder, 0, "cannot make the folder: %s",
                                strerror(errno));
    if (status == ASSAY_OK)
        status = lab_study_run(context, &design, folder, result, error);
    lab_design_free(&design);
    if (status != ASSAY_OK)
        assay_lab_result_free(result);
    return status;
}

void assay_lab_result_free(struct assay_lab_result *result)
{
    assay_arena_free(result->arena);
    *result = (struct assay_lab_result){.cells = 0};
}
