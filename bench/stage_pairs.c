/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trains small transformers in families whose history is known and prints one row a pair: what
 * the two share, and what the comparison of stages looks at. `stage_pairs GROUPS [FIRST]`;
 * data/stage_pairs.csv holds the rows of 38 groups. `stage_pairs write FOLDER GROUP` writes a
 * group's base, twin, tuned and stranger as safetensors instead (cases/renamed-copy).
 *
 * A group has one initialisation, drawn anew, and one schedule, drawn too:
 *   base       trained on author 1
 *   twin       the same initialisation, trained on author 2: shares the initialisation only
 *   sister     the same initialisation, trained on other texts of author 1: likewise
 *   stranger   another initialisation, trained on the texts of base: shares nothing
 *   tuned      base, trained on author 3 for a tenth or half as long, or as long again
 *   tuned2     base, likewise on author 4: tuned and tuned2 share base and nothing later
 *   further    tuned, trained on author 5 for half as long as tuned was: shares tuning, too
 */
#include "lab/train.h"
#include "lab/world.h"

#include <assay/checkpoint.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 8, LENGTH = 48, TEXT = 60000 };

struct group {
    struct lab_shape shape;
    struct lab_schedule schedule;
    struct lab_world *world;
    struct lab_tape *tape;
    uint64_t seed;
    unsigned steps, tuning;
};

static void must(assay_status status, const struct assay_error *error)
{
    if (status != ASSAY_OK) {
        fprintf(stderr, "stage_pairs: %s\n", error->message);
        exit(1);
    }
}

/* Trains on windows of texts that an author writes; `draw` picks the texts. */
static void train(const struct group *g, struct lab_model *m, uint64_t author, uint64_t draw,
                  unsigned steps)
{
    static char text[TEXT];
    uint16_t tokens[ROWS * (LENGTH + 1)];
    struct assay_error error;
    struct assay_random random;
    struct lab_author *a;
    struct lab_trainer trainer;
    struct lab_schedule schedule = g->schedule;
    schedule.steps = steps;
    schedule.warmup = steps / 20;
    must(lab_author_new(g->world, author, 1, &a, &error), &error);
    assay_random_start(&random, g->seed * 1000 + draw, 77);
    size_t size = lab_author_write(a, &random, text, sizeof text);
    must(lab_trainer_new(m, &schedule, &trainer, &error), &error);
    for (unsigned step = 0; step < steps; step++) {
        for (size_t r = 0; r < ROWS; r++) {
            size_t at = (size_t)assay_random_below(&random, size - LENGTH - 1);
            for (size_t i = 0; i <= LENGTH; i++)
                tokens[r * (LENGTH + 1) + i] = (uint16_t)(text[at + i] & 127);
        }
        lab_trainer_step(&trainer, g->tape, tokens, NULL);
    }
    lab_trainer_free(&trainer);
    lab_author_free(a);
}

static struct lab_model copy(const struct group *g, const struct lab_model *from)
{
    struct lab_model m;
    struct assay_error error;
    must(lab_model_new(&g->shape, 1, &m, &error), &error);
    memcpy(m.weights, from->weights, m.count * sizeof *m.weights);
    return m;
}

static struct lab_model fresh(const struct group *g, uint64_t seed)
{
    struct lab_model m;
    struct assay_error error;
    must(lab_model_new(&g->shape, seed, &m, &error), &error);
    return m;
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

static double correlation(const struct sums *s)
{
    double xx = s->xx - s->x * s->x / s->n, yy = s->yy - s->y * s->y / s->n;
    return (s->xy - s->x * s->y / s->n) / sqrt(xx * yy);
}

/* Of two models: the cosine of all matrices; the mean correlation of norms' gains. */
static void measure(const struct group *g, const struct lab_model *a, const struct lab_model *b,
                    double *cosine, double *gains)
{
    struct sums all = {0};
    const struct lab_shape *s = &g->shape;
    size_t w = s->width, kv = w / s->heads * s->kv_heads, f = s->hidden;
    double total = 0;
    for (unsigned l = 0; l < s->layers; l++) {
        const struct lab_layer *at = &a->layers[l];
        const size_t starts[] = {at->q, at->k, at->v, at->o, at->gate, at->up, at->down};
        const size_t sizes[] = {w * w, kv * w, kv * w, w * w, f * w, f * w, f * w};
        const size_t norms[] = {at->norm1, at->norm2};
        for (size_t i = 0; i < 7; i++)
            add(&all, a->weights + starts[i], b->weights + starts[i], sizes[i]);
        for (size_t i = 0; i < 2; i++) {
            struct sums gain = {0};
            add(&gain, a->weights + norms[i], b->weights + norms[i], w);
            total += correlation(&gain);
        }
    }
    struct sums gain = {0};
    add(&gain, a->weights + a->norm, b->weights + b->norm, w);
    total += correlation(&gain);
    add(&all, a->weights + a->embedding, b->weights + b->embedding, s->vocabulary * w);
    add(&all, a->weights + a->head, b->weights + b->head, s->vocabulary * w);
    *cosine = all.xy / sqrt(all.xx * all.yy);
    *gains = total / (2 * s->layers + 1);
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
static double kurtosis(const struct group *g, const struct lab_model *m)
{
    double mean = 0;
    size_t n = (size_t)g->shape.hidden * g->shape.width;
    for (unsigned l = 0; l < g->shape.layers; l++) {
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
    return mean / (3 * g->shape.layers);
}

static void print(const struct group *g, const char *pair, const char *shares,
                  const struct lab_model *a, const struct lab_model *b, const struct lab_model *c)
{
    double cosine, gains;
    measure(g, a, b, &cosine, &gains);
    printf("%llu,%s,%s,%u,%u,%u,%u,%.4g,%.4g,%.5f,%.5f,", (unsigned long long)g->seed, pair, shares,
           g->shape.width, g->shape.layers, g->steps, g->tuning, g->schedule.rate,
           g->schedule.decay, cosine, gains);
    if (c)
        printf("%.5f", difference_cosine(a, b, c));
    printf(",%.5f,%.5f\n", 0.5 * log(square(b) / square(a)), kurtosis(g, b) - kurtosis(g, a));
}

/* ---- a group --------------------------------------------------------------------------- */

static void draw_group(struct group *g)
{
    static const unsigned widths[] = {32, 48}, steps[] = {100, 300, 700, 1200};
    static const double decays[] = {0, 0.1, 0.5, 2};
    struct assay_random random;
    struct assay_error error;
    assay_random_start(&random, g->seed, 78);
    unsigned width = widths[assay_random_below(&random, 2)];
    g->shape = (struct lab_shape){.vocabulary = 128,
                                  .width = width,
                                  .layers = 1 + (unsigned)assay_random_below(&random, 3),
                                  .heads = 4,
                                  .kv_heads = 2,
                                  .hidden = 2 * width,
                                  .context = LENGTH + 1,
                                  .tied = false};
    g->steps = steps[assay_random_below(&random, 4)];
    static const unsigned parts[] = {10, 2, 1};
    g->tuning = g->steps / parts[assay_random_below(&random, 3)];
    g->schedule = (struct lab_schedule){.rate = 0.001 * exp(2.3 * assay_random_uniform(&random)),
                                        .decay = decays[assay_random_below(&random, 4)],
                                        .clip = 1};
    struct lab_world_settings world = {.seed = g->seed, .words = 60, .facts = 0};
    must(lab_world_new(&world, &g->world, &error), &error);
    must(lab_tape_new(&g->shape, ROWS, LENGTH, &g->tape, &error), &error);
}

static void run_group(uint64_t seed)
{
    struct group g = {.seed = seed};
    draw_group(&g);
    struct lab_model init = fresh(&g, 2 * seed + 1), base = copy(&g, &init);
    struct lab_model twin = copy(&g, &init), sister = copy(&g, &init);
    struct lab_model stranger = fresh(&g, 2 * seed + 2);
    train(&g, &base, 1, 1, g.steps);
    train(&g, &twin, 2, 2, g.steps);
    train(&g, &sister, 1, 3, g.steps);
    train(&g, &stranger, 1, 1, g.steps);
    struct lab_model tuned = copy(&g, &base), tuned2 = copy(&g, &base);
    train(&g, &tuned, 3, 4, g.tuning);
    train(&g, &tuned2, 4, 5, g.tuning);
    struct lab_model further = copy(&g, &tuned);
    train(&g, &further, 5, 6, g.tuning / 2 + 1);
    print(&g, "base stranger", "nothing", &base, &stranger, NULL);
    print(&g, "base twin", "initialisation", &base, &twin, NULL);
    print(&g, "base sister", "initialisation", &base, &sister, NULL);
    print(&g, "base tuned", "training", &base, &tuned, NULL);
    print(&g, "tuned tuned2", "training", &tuned, &tuned2, &base);
    print(&g, "tuned further", "tuning", &tuned, &further, &base);
    print(&g, "tuned2 further", "training", &tuned2, &further, &base);
    fflush(stdout);
    struct lab_model *all[] = {&init, &base, &twin, &sister, &stranger, &tuned, &tuned2, &further};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        lab_model_free(all[i]);
    lab_tape_free(g.tape);
    lab_world_free(g.world);
}

/* ---- models as files ------------------------------------------------------------------- */

enum { MOST_TENSORS = 3 + 9 * 3 };

struct writer {
    const struct lab_model *m;
    struct assay_tensor_out out[MOST_TENSORS];
    char names[MOST_TENSORS][80];
    size_t count;
};

/* `layer` below 0: none; `columns` 0: a vector. */
static void add_tensor(struct writer *w, int layer, const char *name, size_t at, size_t rows,
                       size_t columns)
{
    char *to = w->names[w->count];
    if (layer < 0)
        snprintf(to, sizeof w->names[0], "%s.weight", name);
    else
        snprintf(to, sizeof w->names[0], "model.layers.%d.%s.weight", layer, name);
    w->out[w->count++] = (struct assay_tensor_out){.name = to,
                                                   .dtype = ASSAY_DTYPE_F32,
                                                   .rank = columns ? 2 : 1,
                                                   .shape = {rows, columns},
                                                   .bytes = w->m->weights + at};
}

static void write_model(const struct group *g, const struct lab_model *m, const char *folder,
                        const char *name)
{
    struct writer w = {.m = m};
    struct assay_error error;
    char path[1024];
    size_t width = g->shape.width, kv = width / g->shape.heads * g->shape.kv_heads;
    size_t hidden = g->shape.hidden;
    add_tensor(&w, -1, "model.embed_tokens", m->embedding, g->shape.vocabulary, width);
    for (unsigned i = 0; i < g->shape.layers; i++) {
        const struct lab_layer *l = &m->layers[i];
        add_tensor(&w, (int)i, "input_layernorm", l->norm1, width, 0);
        add_tensor(&w, (int)i, "self_attn.q_proj", l->q, width, width);
        add_tensor(&w, (int)i, "self_attn.k_proj", l->k, kv, width);
        add_tensor(&w, (int)i, "self_attn.v_proj", l->v, kv, width);
        add_tensor(&w, (int)i, "self_attn.o_proj", l->o, width, width);
        add_tensor(&w, (int)i, "post_attention_layernorm", l->norm2, width, 0);
        add_tensor(&w, (int)i, "mlp.gate_proj", l->gate, hidden, width);
        add_tensor(&w, (int)i, "mlp.up_proj", l->up, hidden, width);
        add_tensor(&w, (int)i, "mlp.down_proj", l->down, width, hidden);
    }
    add_tensor(&w, -1, "model.norm", m->norm, width, 0);
    add_tensor(&w, -1, "lm_head", m->head, g->shape.vocabulary, width);
    snprintf(path, sizeof path, "%s/%s.safetensors", folder, name);
    must(assay_safetensors_write(path, w.out, w.count, NULL, 0, &error), &error);
}

static void write_group(const char *folder, uint64_t seed)
{
    struct group g = {.seed = seed};
    draw_group(&g);
    struct lab_model base = fresh(&g, 2 * seed + 1), twin = copy(&g, &base);
    train(&g, &base, 1, 1, g.steps);
    train(&g, &twin, 2, 2, g.steps);
    struct lab_model tuned = copy(&g, &base), stranger = fresh(&g, 2 * seed + 2);
    train(&g, &tuned, 3, 4, g.tuning);
    train(&g, &stranger, 1, 1, g.steps);
    write_model(&g, &base, folder, "base");
    write_model(&g, &twin, folder, "twin");
    write_model(&g, &tuned, folder, "tuned");
    write_model(&g, &stranger, folder, "stranger");
    lab_model_free(&base);
    lab_model_free(&twin);
    lab_model_free(&tuned);
    lab_model_free(&stranger);
    lab_tape_free(g.tape);
    lab_world_free(g.world);
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "write") == 0) {
        write_group(argv[2], strtoul(argv[3], NULL, 10));
        return 0;
    }
    unsigned long groups = argc > 1 ? strtoul(argv[1], NULL, 10) : 2;
    unsigned long first = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;
    printf("group,pair,shares,width,layers,steps,tuning,rate,decay,cosine,gains,difference_cosine,"
           "length,kurtosis\n");
    for (unsigned long i = 0; i < groups; i++)
        run_group(first + i);
    return 0;
}
