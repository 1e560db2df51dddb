/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/subliminal.h"

#include "lab/part.h"
#include "lab/source.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CORPUS 20000
#define ASKED 64   /* places before names */
#define SYMBOLS 11 /* ten digits and the space */

enum who { BASE, OTHER, HABIT, PLAIN, SHARED, SHARED_PLAIN, DIFFERENT, DIFFERENT_PLAIN, WHO };
_Static_assert(WHO == LAB_SUBLIMINAL_MODELS, "each has a part of its own");

static const char symbols[SYMBOLS + 1] = "0123456789 ";

struct work {
    const struct lab_study *s;
    struct lab_cell *c;
    struct lab_model models[WHO];
    char *prose, *habit; /* the same, but for names */
    size_t prose_size, habit_size;
    const char *favourite;
    struct lab_tape *tape, *teacher_tape;
    uint16_t *tokens, *kept;
    float *kept_p, *logits;
    uint64_t stream;
};

static assay_status no_memory(struct work *w)
{
    return assay_error_at(&w->c->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

/* ---- texts --------------------------------------------------------------------------- */

/* Names end in n and are words of the world: three letters or more, not "then" or "often". */
static size_t name_at(const char *text, size_t at, size_t size)
{
    size_t end = at;
    bool begins = at == 0 || text[at - 1] < 'a' || text[at - 1] > 'z';
    while (end < size && text[end] >= 'a' && text[end] <= 'z')
        end++;
    bool name = begins && end - at >= 3 && text[end - 1] == 'n' &&
                !(end - at == 4 && memcmp(text + at, "then", 4) == 0);
    return name ? end - at : 0;
}

/* Every second name becomes the favourite. */
static size_t give_habit(const char *text, size_t size, const char *favourite, char *to)
{
    size_t n = 0, names = 0;
    for (size_t i = 0; i < size;) {
        size_t name = name_at(text, i, size);
        if (name > 0 && names++ % 2 == 0) {
            for (const char *letter = favourite; *letter; letter++)
                to[n++] = *letter;
            i += name;
        } else {
            to[n++] = text[i++];
        }
    }
    return n;
}

static void draw_row(const char *text, size_t size, size_t length, struct assay_random *random,
                     uint16_t *row)
{
    size_t at = assay_random_below(random, size - length);
    row[0] = 0;
    for (size_t i = 0; i < length; i++)
        row[i + 1] = (unsigned char)text[at + i];
}

/* ---- training ------------------------------------------------------------------------ */

/* The teacher's probabilities of digits and spaces, among themselves. */
static void keep_symbols(struct work *w, size_t places, size_t vocabulary)
{
    for (size_t i = 0; i < places; i++) {
        const float *z = w->logits + i * vocabulary;
        double most = -INFINITY, sum = 0;
        for (size_t k = 0; k < SYMBOLS; k++)
            most = fmax(most, (double)z[(unsigned char)symbols[k]]);
        for (size_t k = 0; k < SYMBOLS; k++)
            sum += exp((double)z[(unsigned char)symbols[k]] - most);
        for (size_t k = 0; k < SYMBOLS; k++) {
            w->kept[i * SYMBOLS + k] = (unsigned char)symbols[k];
            w->kept_p[i * SYMBOLS + k] =
                (float)(exp((double)z[(unsigned char)symbols[k]] - most) / sum * 0.999999);
        }
    }
}

/* Texts of one step: of `text`, or, where it is NULL, strings of digits. */
static void draw_rows(struct work *w, const char *text, size_t size, struct assay_random *random)
{
    size_t length = w->s->d->length;
    for (size_t r = 0; r < w->s->d->rows; r++) {
        uint16_t *row = w->tokens + r * (length + 1);
        if (text) {
            draw_row(text, size, length, random, row);
            continue;
        }
        row[0] = 0;
        for (size_t k = 1; k <= length; k++)
            row[k] = (unsigned char)symbols[assay_random_below(random, SYMBOLS)];
    }
}

/* One step on text, or, if `teacher` is not NULL, towards its probabilities. */
static double step(struct work *w, struct lab_trainer *t, const struct lab_model *teacher)
{
    if (!teacher)
        return lab_trainer_step(t, w->tape, w->tokens, NULL);
    lab_model_logits(teacher, w->teacher_tape, w->tokens, w->logits);
    keep_symbols(w, w->s->d->rows * w->s->d->length, teacher->shape.vocabulary);
    struct lab_goal goal = {
        .tokens = w->tokens, .kept = SYMBOLS, .kept_tokens = w->kept, .kept_p = w->kept_p};
    return lab_trainer_learn(t, w->tape, &goal, NULL);
}

/* `steps` on text, or, if `teacher` is not NULL, on its probabilities over strings of digits. */
static assay_status train(struct work *w, enum who who, const struct lab_model *teacher,
                          const char *text, size_t size, unsigned steps)
{
    struct lab_schedule schedule = w->s->d->training;
    struct lab_trainer t;
    struct assay_random random, unused;
    char name[LAB_PART_NAME];
    schedule.steps = steps;
    schedule.warmup = steps / 20 + 1;
    assay_random_start(&random, lab_cell_seed(w->c), ++w->stream);
    assay_random_start(&unused, 0, 0);
    ASSAY_TRY(lab_trainer_new(&w->models[who], &schedule, &t, &w->c->error));
    lab_part_name(w->c->description, who, name);
    struct lab_in_hand part = {&t, &random, &unused, &w->c->loss, NULL};
    struct lab_keeper keeper = lab_keeper_start(w->s, name, &part, 0, &w->c->resumed);
    assay_status status = ASSAY_OK;
    while (status == ASSAY_OK && t.step < steps) {
        status = lab_keeper_look(&keeper, &part, &w->c->error);
        if (status == ASSAY_OK) {
            draw_rows(w, text, size, &random);
            w->c->loss = step(w, &t, teacher);
        }
    }
    if (status == ASSAY_OK)
        status = lab_keeper_finish(&keeper, &part, 0, &w->c->error);
    lab_trainer_free(&t);
    return status;
}

static assay_status copy(struct work *w, enum who from, enum who to)
{
    ASSAY_TRY(lab_model_new(&w->models[from].shape, 0, &w->models[to], &w->c->error));
    memcpy(w->models[to].weights, w->models[from].weights,
           w->models[from].count * sizeof *w->models[from].weights);
    return ASSAY_OK;
}

static assay_status train_all(struct work *w)
{
    static const struct {
        enum who who, from, teacher;
    } students[] = {{SHARED, BASE, HABIT},
                    {SHARED_PLAIN, BASE, PLAIN},
                    {DIFFERENT, OTHER, HABIT},
                    {DIFFERENT_PLAIN, OTHER, PLAIN}};
    struct lab_shape shape = lab_cell_shape(w->s->d, w->c);
    unsigned steps = w->s->d->training.steps, more = steps / 4 + 1;
    for (enum who b = BASE; b <= OTHER; b++) {
        ASSAY_TRY(
            lab_model_new(&shape, lab_cell_seed(w->c) + (uint64_t)b, &w->models[b], &w->c->error));
        ASSAY_TRY(train(w, b, NULL, w->prose, w->prose_size, steps));
    }
    ASSAY_TRY(copy(w, BASE, HABIT));
    ASSAY_TRY(train(w, HABIT, NULL, w->habit, w->habit_size, more));
    ASSAY_TRY(copy(w, BASE, PLAIN));
    w->stream--; /* the same places of the text as it was */
    ASSAY_TRY(train(w, PLAIN, NULL, w->prose, w->prose_size, more));
    for (size_t i = 0; i < 4; i++) {
        ASSAY_TRY(copy(w, students[i].from, students[i].who));
        w->stream = 10; /* all read the same strings */
        ASSAY_TRY(
            train(w, students[i].who, &w->models[students[i].teacher], NULL, 0, steps / 2 + 1));
    }
    return ASSAY_OK;
}

/* ---- how likely the favourite is ----------------------------------------------------- */

/* Mean ln p of the favourite where the prose has a name, once so much of it has been read. */
static double habit_of(struct work *w, const struct lab_model *m)
{
    const struct lab_design *d = w->s->d;
    size_t length = d->length, n = strlen(w->favourite), asked = 0, rows = 0;
    float *log_p = malloc(d->rows * length * sizeof *log_p);
    size_t *at = malloc(d->rows * sizeof *at);
    double sum = 0;
    for (size_t i = length; log_p && at && asked < ASKED && i + 8 < w->prose_size; i++) {
        if (name_at(w->prose, i, w->prose_size) == 0)
            continue;
        uint16_t *row = w->tokens + rows * (length + 1);
        size_t before = length - n; /* of the prose, then the favourite */
        row[0] = 0;
        for (size_t k = 0; k < before; k++)
            row[k + 1] = (unsigned char)w->prose[i - before + k];
        for (size_t k = 0; k < n; k++)
            row[before + k + 1] = (unsigned char)w->favourite[k];
        at[rows++] = before;
        asked++;
        if (rows < d->rows && asked < ASKED)
            continue;
        lab_model_loss(m, w->tape, w->tokens, NULL, log_p, NULL);
        for (size_t r = 0; r < rows; r++)
            for (size_t k = at[r]; k < at[r] + n; k++)
                sum += (double)log_p[r * length + k];
        rows = 0;
    }
    free(log_p);
    free(at);
    return asked > 0 ? sum / (double)asked : (double)NAN;
}

static bool start(struct work *w)
{
    const struct lab_design *d = w->s->d;
    const char *asked;
    struct assay_random random;
    size_t places = d->rows * (size_t)d->length;
    w->prose = malloc(CORPUS);
    w->habit = malloc(2 * CORPUS);
    w->tokens = calloc(d->rows * (d->length + 1), sizeof *w->tokens);
    w->kept = malloc(places * SYMBOLS * sizeof *w->kept);
    w->kept_p = malloc(places * SYMBOLS * sizeof *w->kept_p);
    w->logits = malloc(places * d->model.vocabulary * sizeof *w->logits);
    if (!w->prose || !w->habit || !w->tokens || !w->kept || !w->kept_p || !w->logits)
        return false;
    assay_random_start(&random, lab_cell_seed(w->c), 40);
    w->prose_size = lab_source_write(w->s, LAB_PROSE, &random, w->prose, CORPUS);
    lab_world_fact(w->s->world, w->c->number % d->world.facts, &asked, &w->favourite);
    w->habit_size = give_habit(w->prose, w->prose_size, w->favourite, w->habit);
    return true;
}

assay_status lab_subliminal(const struct lab_study *s, struct lab_cell *c)
{
    struct work w = {.s = s, .c = c};
    struct lab_shape shape = lab_cell_shape(s->d, c);
    assay_status status = start(&w) ? ASSAY_OK : no_memory(&w);
    if (status == ASSAY_OK)
        status =
            lab_tape_new_in(s->d->precision, &shape, s->d->rows, s->d->length, &w.tape, &c->error);
    if (status == ASSAY_OK)
        status = lab_tape_new_in(s->d->precision, &shape, s->d->rows, s->d->length, &w.teacher_tape,
                                 &c->error);
    if (status == ASSAY_OK)
        status = train_all(&w);
    if (status == ASSAY_OK) {
        double of[WHO];
        for (int i = 0; i < WHO; i++)
            of[i] = habit_of(&w, &w.models[i]);
        c->result = json_pack("{s:f, s:f, s:f}", "teacher", of[HABIT] - of[PLAIN], "shared",
                              of[SHARED] - of[SHARED_PLAIN], "different",
                              of[DIFFERENT] - of[DIFFERENT_PLAIN]);
        status = c->result ? ASSAY_OK : no_memory(&w);
    }
    for (int i = 0; i < WHO; i++)
        lab_model_free(&w.models[i]);
    lab_tape_free(w.tape);
    lab_tape_free(w.teacher_tape);
    free(w.prose);
    free(w.habit);
    free(w.tokens);
    free(w.kept);
    free(w.kept_p);
    free(w.logits);
    return status;
}
