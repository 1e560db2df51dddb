/* SPDX-License-Identifier: Apache-2.0 */
#include "claim/next.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLES 4096
#define PARTS 8                        /* divides SAMPLES: their scatter is the error */
static const double negligible = 1e-7; /* posterior below which a hypothesis is passed over */
static const double no_shipment = -7;  /* ln of devices, where none of the stated kind came */

struct outlooks {
    struct outlook *list;
    size_t count;
};

/* ---- clues with a number --------------------------------------------------------- */

static double observed(const struct weighing *w, const struct hypothesis *h,
                       enum assay_clue_kind kind, size_t k)
{
    struct cluster c = cluster_of(w, h, k);
    if (kind != ASSAY_CLUE_SHIPPED)
        return clue_predict(&w->facts[kind], kind, &c, w->sites->site[k * ASSAY_CLUE_COUNT + kind]);
    const char *stated = w->run->machine.accelerator.name;
    if (strcmp(c.accelerator->name, stated) != 0)
        return no_shipment;
    return log(c.devices / (c.other ? 2 : 1));
}

struct outlook next_look(const struct weighing *w, size_t i, enum assay_clue_kind kind,
                         size_t stride)
{
    const struct hypothesis *h = &w->hypotheses[i];
    const double *logs = w->log_likelihood + h->place * w->sites->draws;
    double top = -INFINITY, sum = 0, mean = 0, squares = 0;
    for (size_t k = 0; k < w->sites->draws; k += stride)
        top = fmax(top, logs[k]);
    for (size_t k = 0; k < w->sites->draws; k += stride) {
        double weight = isfinite(top) ? exp(logs[k] - top) : 1;
        if (weight < 1e-9)
            continue;
        double y = observed(w, h, kind, k), step = y - mean;
        sum += weight; /* West 1979: a weighted mean and variance in one pass */
        mean += step * weight / sum;
        squares += weight * step * (y - mean);
    }
    double error = w->facts[kind].observed_log_sd;
    return (struct outlook){0, mean, sqrt(squares / sum + error * error)};
}

static double log_density(const struct outlook *o, double y)
{
    double z = (y - o->mean) / o->sd;
    return -0.5 * z * z - log(o->sd);
}

static double log_mixture(const struct outlooks *all, double y)
{
    double sum = 0;
    for (size_t i = 0; i < all->count; i++)
        sum += all->list[i].probability * exp(log_density(&all->list[i], y));
    return log(fmax(sum, 1e-300));
}

static const struct outlook *pick(const struct outlooks *all, double u)
{
    size_t i = 0;
    for (double below = all->list[0].probability; below < u && i + 1 < all->count;)
        below += all->list[++i].probability;
    return &all->list[i];
}

static void numeric_bits(const struct outlooks *all, uint64_t seed, enum assay_clue_kind kind,
                         struct assay_lookout *out)
{
    double part[PARTS] = {0}, mean = 0, squares = 0;
    struct assay_random random;
    assay_random_start(&random, seed, (2ULL << 32) + (unsigned)kind);
    for (size_t s = 0; s < SAMPLES; s++) {
        /* strata over the hypotheses: their scatter is no part of the error */
        double u = ((double)s + assay_random_uniform(&random)) / SAMPLES;
        const struct outlook *o = pick(all, u);
        double y = o->mean + o->sd * assay_random_normal(&random);
        part[s % PARTS] += (log_density(o, y) - log_mixture(all, y)) / log(2) * PARTS / SAMPLES;
    }
    for (size_t p = 0; p < PARTS; p++)
        mean += part[p] / PARTS;
    for (size_t p = 0; p < PARTS; p++)
        squares += (part[p] - mean) * (part[p] - mean);
    out->bits = fmax(0, mean);
    out->bits_sd = sqrt(squares / (PARTS - 1) / PARTS);
}

/* ---- a device seen --------------------------------------------------------------- */

/* Exact: Y is a kind, right but for `error`, and else any of the others. */
static double inspected_bits(const struct weighing *w, const double *posterior, double error,
                             struct assay_arena *arena)
{
    size_t kinds = 0;
    const char **names = assay_arena_alloc(arena, w->count + 1, sizeof *names);
    double *share = assay_arena_alloc(arena, w->count + 1, sizeof *share);
    double bits = 0, own = 0;
    if (!names || !share)
        return NAN;
    for (size_t i = 0; i < w->count; i++) {
        const struct hypothesis *h = &w->hypotheses[i];
        const char *halves[2] = {h->run.machine.accelerator.name, h->other ? h->other->name : NULL};
        for (int half = 0; half < 2 && halves[half]; half++) {
            size_t n = 0;
            while (n < kinds && strcmp(names[n], halves[half]) != 0)
                n++;
            kinds += n == kinds;
            names[n] = halves[half];
            share[n] += posterior[i] / (h->other ? 2 : 1);
        }
        own += h->other ? posterior[i] : 0;
    }
    double missed = error / (double)(kinds > 1 ? kinds - 1 : 1);
    for (size_t n = 0; n < kinds; n++) {
        double p = share[n] * (1 - error) + (1 - share[n]) * missed;
        if (p > 0)
            bits -= p * log2(p);
    }
    double noise = -(1 - error) * log2(1 - error) - error * log2(missed);
    return fmax(0, bits - noise - own); /* which half is seen says nothing: one bit */
}

/* ---- all kinds ------------------------------------------------------------------- */

static bool is_known(const struct weighing *w, enum assay_clue_kind kind)
{
    for (size_t c = 0; c < w->clue_count; c++)
        if (w->clues[c].kind == kind)
            return true;
    if (kind == ASSAY_CLUE_SPEED)
        return w->claimed->step_seconds > 0;
    if (kind == ASSAY_CLUE_ENERGY || kind == ASSAY_CLUE_RENT)
        return !(w->run->tokens > 0); /* nobody could tell what to expect */
    return false;
}

static int most_first(const void *a, const void *b)
{
    const struct assay_lookout *x = a, *y = b;
    return x->bits < y->bits ? 1 : x->bits > y->bits ? -1 : strcmp(x->name, y->name);
}

assay_status next_list(const struct weighing *w, const double *posterior, uint64_t seed,
                       struct assay_arena *arena, const struct assay_lookout **list, size_t *count,
                       struct assay_error *error)
{
    struct assay_lookout *out = assay_arena_alloc(arena, ASSAY_CLUE_COUNT, sizeof *out);
    struct outlooks all = {.list = assay_arena_alloc(arena, w->count, sizeof *all.list)};
    if (!out || !all.list)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    *count = 0;
    for (int k = 0; k < ASSAY_CLUE_COUNT; k++) {
        enum assay_clue_kind kind = (enum assay_clue_kind)k;
        struct assay_lookout *o = &out[*count];
        if (is_known(w, kind))
            continue;
        *o = (struct assay_lookout){.name = assay_clue_kind_name(kind),
                                    .environment = w->facts[kind].environment,
                                    .accuracy = w->facts[kind].observed_log_sd};
        if (kind == ASSAY_CLUE_INSPECTED) {
            o->bits = inspected_bits(w, posterior, o->accuracy, arena);
        } else {
            all.count = 0;
            for (size_t i = 0; i < w->count; i++)
                if (posterior[i] > negligible) {
                    all.list[all.count] = next_look(w, i, kind, 1);
                    all.list[all.count++].probability = posterior[i];
                }
            numeric_bits(&all, seed, kind, o);
        }
        ++*count;
    }
    qsort(out, *count, sizeof *out, most_first);
    *list = out;
    return ASSAY_OK;
}
