/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/family.h"

#include "lab/layout.h"
#include "lab/part.h"

#include "base/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 8, LENGTH = 48, TEXT = 60000, TIMES_AS_LONG = 4 };

/* Which two are compared, what they share, and the base that both may come from. */
static const struct pair {
    const char *name, *shares;
    enum lab_relative a, b, base; /* LAB_RELATIVES: none */
} pairs[] = {
    {"base stranger", "nothing", LAB_FAMILY_BASE, LAB_STRANGER, LAB_RELATIVES},
    {"base twin", "initialisation", LAB_FAMILY_BASE, LAB_TWIN, LAB_RELATIVES},
    {"base sister", "initialisation", LAB_FAMILY_BASE, LAB_SISTER, LAB_RELATIVES},
    {"base tuned", "training", LAB_FAMILY_BASE, LAB_TUNED, LAB_RELATIVES},
    {"tuned tuned2", "training", LAB_TUNED, LAB_TUNED2, LAB_FAMILY_BASE},
    {"tuned further", "tuning", LAB_TUNED, LAB_FURTHER, LAB_FAMILY_BASE},
    {"tuned2 further", "training", LAB_TUNED2, LAB_FURTHER, LAB_FAMILY_BASE},
    {"base long", "training", LAB_FAMILY_BASE, LAB_LONG, LAB_RELATIVES},
};
#define PAIRS (sizeof pairs / sizeof pairs[0])

/* ---- training ------------------------------------------------------------------------ */

/* Texts of one step: windows of `text`. */
static void draw_rows(const char *text, size_t size, struct assay_random *random, uint16_t *tokens)
{
    for (size_t r = 0; r < ROWS; r++) {
        size_t at = (size_t)assay_random_below(random, size - LENGTH - 1);
        for (size_t i = 0; i <= LENGTH; i++)
            tokens[r * (LENGTH + 1) + i] = (uint16_t)(text[at + i] & 127);
    }
}

/* Trains on windows of texts that an author writes; `draw` picks the texts. */
static assay_status train_on(struct lab_family *f, enum lab_relative who,
                             const struct lab_author *author, uint64_t draw, unsigned steps,
                             char *text, struct assay_error *error)
{
    uint16_t tokens[ROWS * (LENGTH + 1)];
    struct assay_random random, unused;
    struct lab_trainer trainer;
    struct lab_schedule schedule = f->schedule;
    double loss = 0;
    bool resumed = false;
    char name[LAB_PART_NAME];
    schedule.steps = steps;
    schedule.warmup = steps / 20;
    assay_random_start(&random, (uint64_t)f->number * 1000 + draw, 77);
    assay_random_start(&unused, 0, 0);
    size_t size = lab_author_write(author, &random, text, TEXT);
    ASSAY_TRY(lab_trainer_new(&f->models[who], &schedule, &trainer, error));
    lab_part_name(f->cell ? f->cell->description : "", who, name);
    struct lab_in_hand part = {&trainer, &random, &unused, &loss, NULL};
    struct lab_keeper keeper = lab_keeper_start(f->study, name, &part, 0, &resumed);
    assay_status status = ASSAY_OK;
    while (status == ASSAY_OK && trainer.step < steps) {
        status = lab_keeper_look(&keeper, &part, error);
        if (status == ASSAY_OK) {
            draw_rows(text, size, &random, tokens);
            loss = lab_trainer_step(&trainer, f->tape, tokens, NULL);
        }
    }
    if (status == ASSAY_OK)
        status = lab_keeper_finish(&keeper, &part, 0, error);
    if (resumed)
        f->cell->resumed = true;
    lab_trainer_free(&trainer);
    return status;
}

/* `to` is `from`, trained for `steps` on what `author` writes. */
static assay_status make(struct lab_family *f, enum lab_relative from, enum lab_relative to,
                         uint64_t author, uint64_t draw, unsigned steps, struct assay_error *error)
{
    struct lab_author *a = NULL;
    struct lab_model *m = &f->models[to];
    char *text = malloc(TEXT);
    assay_status status = text
                              ? lab_author_new(f->world, author, 1, &a, error)
                              : assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    if (status == ASSAY_OK)
        status = lab_model_new(&f->shape, 2 * (uint64_t)f->number + 2, m, error);
    if (status == ASSAY_OK && from != to)
        memcpy(m->weights, f->models[from].weights, m->count * sizeof *m->weights);
    if (status == ASSAY_OK)
        status = train_on(f, to, a, draw, steps, text, error);
    lab_author_free(a);
    free(text);
    return status;
}

static assay_status draw_recipe(struct lab_family *f, struct assay_error *error)
{
    static const unsigned widths[] = {32, 48}, steps[] = {100, 300, 700, 1200};
    static const unsigned parts[] = {10, 2, 1};
    static const double decays[] = {0, 0.1, 0.5, 2};
    struct assay_random random;
    assay_random_start(&random, f->number, 78);
    unsigned width = widths[assay_random_below(&random, 2)];
    f->shape = (struct lab_shape){.vocabulary = LAB_BYTES,
                                  .width = width,
                                  .layers = 1 + (unsigned)assay_random_below(&random, 3),
                                  .heads = 4,
                                  .kv_heads = 2,
                                  .hidden = 2 * width,
                                  .context = LENGTH + 1,
                                  .tied = false};
    f->steps = steps[assay_random_below(&random, 4)];
    f->tuning = f->steps / parts[assay_random_below(&random, 3)];
    f->schedule = (struct lab_schedule){.rate = 0.001 * exp(2.3 * assay_random_uniform(&random)),
                                        .decay = decays[assay_random_below(&random, 4)],
                                        .clip = 1};
    struct lab_world_settings world = {.seed = f->number, .words = 60, .facts = 0};
    ASSAY_TRY(lab_world_new(&world, &f->world, error));
    return lab_tape_new(&f->shape, ROWS, LENGTH, &f->tape, error);
}

assay_status lab_family_make(const struct lab_study *study, struct lab_cell *cell, unsigned number,
                             struct lab_family *f, struct assay_error *error)
{
    *f = (struct lab_family){.number = number, .study = study, .cell = cell};
    ASSAY_TRY(draw_recipe(f, error));
    unsigned steps = f->steps, tuning = f->tuning;
    ASSAY_TRY(
        lab_model_new(&f->shape, 2 * (uint64_t)number + 1, &f->models[LAB_INITIALISATION], error));
    ASSAY_TRY(make(f, LAB_INITIALISATION, LAB_FAMILY_BASE, 1, 1, steps, error));
    ASSAY_TRY(make(f, LAB_INITIALISATION, LAB_TWIN, 2, 2, steps, error));
    ASSAY_TRY(make(f, LAB_INITIALISATION, LAB_SISTER, 1, 3, steps, error));
    ASSAY_TRY(make(f, LAB_STRANGER, LAB_STRANGER, 1, 1, steps, error));
    ASSAY_TRY(make(f, LAB_FAMILY_BASE, LAB_TUNED, 3, 4, tuning, error));
    ASSAY_TRY(make(f, LAB_FAMILY_BASE, LAB_TUNED2, 4, 5, tuning, error));
    ASSAY_TRY(make(f, LAB_TUNED, LAB_FURTHER, 5, 6, tuning / 2 + 1, error));
    return make(f, LAB_FAMILY_BASE, LAB_LONG, 6, 7, TIMES_AS_LONG * steps, error);
}

void lab_family_free(struct lab_family *f)
{
    for (int i = 0; i < LAB_RELATIVES; i++)
        lab_model_free(&f->models[i]);
    lab_tape_free(f->tape);
    lab_world_free(f->world);
    *f = (struct lab_family){.number = 0};
}

/* ---- what a comparison can look at ----------------------------------------------------- */

struct sums {
    double n, x, y, xx, yy, xy;
};

static void add(struct sums *s, const float *x, const float *y, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double a = (double)x[i], b = (double)y[i];
        s->n += 1;
        s->x += a;
        s->y += b;
        s->xx += a * a;
        s->yy += b * b;
        s->xy += a * b;
    }
}

static double correlation(const float *x, const float *y, size_t n)
{
    struct sums s = {0};
    add(&s, x, y, n);
    double xx = s.xx - s.x * s.x / s.n, yy = s.yy - s.y * s.y / s.n;
    return (s.xy - s.x * s.y / s.n) / sqrt(xx * yy);
}

/* The cosine of all matrices. */
static double cosine_of(const struct lab_model *a, const struct lab_model *b)
{
    const struct lab_shape *s = &a->shape;
    struct sums all = {0};
    size_t w = s->width, attention = 2 * (w + lab_kv_width(s)) * w, ffn = 3 * (size_t)s->hidden * w;
    for (unsigned l = 0; l < s->layers;
         l++) { /* q, k, v and o lie together, and so does the rest */
        add(&all, a->weights + a->layers[l].q, b->weights + a->layers[l].q, attention);
        add(&all, a->weights + a->layers[l].gate, b->weights + a->layers[l].gate, ffn);
    }
    add(&all, a->weights + a->embedding, b->weights + a->embedding, s->vocabulary * w);
    add(&all, a->weights + a->head, b->weights + a->head, s->vocabulary * w);
    return all.xy / sqrt(all.xx * all.yy);
}

/* The mean correlation of norms' gains. */
static double gains_of(const struct lab_model *a, const struct lab_model *b)
{
    size_t w = a->shape.width;
    double total = correlation(a->weights + a->norm, b->weights + a->norm, w);
    for (unsigned l = 0; l < a->shape.layers; l++) {
        const struct lab_layer *at = &a->layers[l];
        total += correlation(a->weights + at->norm1, b->weights + at->norm1, w);
        total += correlation(a->weights + at->norm2, b->weights + at->norm2, w);
    }
    return total / (2 * a->shape.layers + 1);
}

/* Of A - C and B - C over all weights. */
static double difference_cosine(const struct lab_model *a, const struct lab_model *b,
                                const struct lab_model *c)
{
    double xx = 0, yy = 0, xy = 0;
    for (size_t i = 0; i < a->count; i++) {
        double x = (double)a->weights[i] - (double)c->weights[i];
        double y = (double)b->weights[i] - (double)c->weights[i];
        xx += x * x;
        yy += y * y;
        xy += x * y;
    }
    return xy / sqrt(xx * yy);
}

static double square(const struct lab_model *m)
{
    double sum = 0;
    for (size_t i = 0; i < m->count; i++)
        sum += (double)m->weights[i] * (double)m->weights[i];
    return sum;
}

/* Excess kurtosis of the gate, up and down matrices, the mean over layers. */
static double kurtosis(const struct lab_model *m)
{
    double mean = 0;
    size_t n = (size_t)m->shape.hidden * m->shape.width;
    for (unsigned l = 0; l < m->shape.layers; l++) {
        const size_t starts[] = {m->layers[l].gate, m->layers[l].up, m->layers[l].down};
        for (size_t k = 0; k < 3; k++) {
            double two = 0, four = 0;
            for (size_t i = 0; i < n; i++) {
                double x = (double)m->weights[starts[k] + i];
                two += x * x;
                four += x * x * x * x;
            }
            mean += (double)n * four / (two * two) - 3;
        }
    }
    return mean / (3 * m->shape.layers);
}

/* ---- rows ---------------------------------------------------------------------------- */

static json_t *row_json(const struct lab_family *f, const struct pair *p)
{
    const struct lab_model *a = &f->models[p->a], *b = &f->models[p->b];
    double difference =
        p->base == LAB_RELATIVES ? (double)NAN : difference_cosine(a, b, &f->models[p->base]);
    json_t *o = json_object();
    json_set_number(o, "cosine", cosine_of(a, b));
    json_set_number(o, "gains", gains_of(a, b));
    json_set_number(o, "difference_cosine", difference);
    json_set_number(o, "length", 0.5 * log(square(b) / square(a)));
    json_set_number(o, "kurtosis", kurtosis(b) - kurtosis(a));
    return o;
}

assay_status lab_family(const struct lab_study *s, struct lab_cell *c)
{
    struct lab_family f;
    assay_status status = lab_family_make(s, c, c->number, &f, &c->error);
    if (status == ASSAY_OK) {
        json_t *rows = json_array();
        for (size_t i = 0; i < PAIRS; i++)
            json_array_append_new(rows, row_json(&f, &pairs[i]));
        c->result = json_object();
        json_object_set_new(c->result, "pairs", rows);
        json_set_number(c->result, "width", f.shape.width);
        json_set_number(c->result, "layers", f.shape.layers);
        json_set_number(c->result, "steps", f.steps);
        json_set_number(c->result, "tuning", f.tuning);
        json_set_number(c->result, "rate", f.schedule.rate);
        json_set_number(c->result, "decay", f.schedule.decay);
    }
    lab_family_free(&f);
    return status;
}

static double number(const json_t *o, const char *key)
{
    const json_t *value = json_object_get(o, key);
    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

/* 0 where it is none. */
static unsigned count(const json_t *o, const char *key)
{
    double value = number(o, key);
    return value >= 0 && value < 1e9 ? (unsigned)value : 0;
}

assay_status lab_families_read(struct lab_study *s)
{
    struct assay_lab_result *r = s->r;
    r->pairs = assay_arena_alloc(r->arena, s->count * PAIRS, sizeof *r->pairs);
    if (!r->pairs)
        return assay_error_at(s->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    for (size_t i = 0; i < s->count; i++)
        for (size_t k = 0; k < PAIRS; k++) {
            const json_t *all = s->cells[i].result;
            const json_t *o = json_array_get(json_object_get(all, "pairs"), k);
            r->pairs[r->pair_count++] = (struct assay_lab_pair){
                .family = s->cells[i].number,
                .pair = pairs[k].name,
                .shares = pairs[k].shares,
                .width = count(all, "width"),
                .layers = count(all, "layers"),
                .steps = count(all, "steps"),
                .tuning = pairs[k].b == LAB_LONG ? TIMES_AS_LONG * count(all, "steps")
                                                 : count(all, "tuning"),
                .rate = number(all, "rate"),
                .decay = number(all, "decay"),
                .cosine = number(o, "cosine"),
                .gains = number(o, "gains"),
                .difference_cosine = number(o, "difference_cosine"),
                .length = number(o, "length"),
                .kurtosis = number(o, "kurtosis"),
            };
            if (isnan(r->pairs[r->pair_count - 1].gains))
                return assay_error_at(s->error, ASSAY_ERROR_INPUT, s->folder, 0,
                                      "a result is not what this program stores: empty the "
                                      "folder, or name another");
        }
    return ASSAY_OK;
}
