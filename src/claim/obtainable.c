/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A clue with a number is cut into CELLS ranges that are equally probable before it is seen, half
 * by the posterior and half by the prior, so that a case with other priors still finds what
 * separates its hypotheses. A device seen is one of the likeliest kinds, or another. No range is
 * less probable than LEAST under any hypothesis: observers err in ways that no row foresees.
 */
#include "claim/obtainable.h"

#include <math.h>
#include <string.h>

#define CELLS 6
#define KINDS 7 /* of accelerators by name; then "another" */
#define MOST_KINDS 256
#define LEAST 1e-4
#define COARSE 16 /* of draws one in this many, where little hangs on a hypothesis */

static const double negligible = 1e-7;
static const double half_a_device = -0.7; /* ln: fewer is none */

struct making {
    const struct weighing *w;
    struct assay_arena *arena;
    struct outlook *looks;      /* by hypothesis */
    double (*cells)[KINDS + 1]; /* by hypothesis */
};

/* ---- ranges of a number --------------------------------------------------------------------- */

static double below(const struct outlook *o, double y)
{
    return 0.5 * erfc((o->mean - y) / (o->sd * sqrt(2)));
}

/* The share of all hypotheses together that lies below y; in probability it is their weights. */
static double mixture_below(const struct making *m, double y)
{
    double sum = 0;
    for (size_t i = 0; i < m->w->count; i++)
        if (m->w->hypotheses[i].weighed)
            sum += m->looks[i].probability * below(&m->looks[i], y);
    return sum;
}

static double quantile(const struct making *m, double share, double low, double high)
{
    for (int step = 0; step < 60; step++) {
        double middle = (low + high) / 2;
        if (mixture_below(m, middle) < share)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}

/* Ascending and apart; their number. */
static size_t cut(const struct making *m, enum assay_clue_kind kind, double edges[CELLS])
{
    size_t n = 0;
    double low = INFINITY, high = -INFINITY, none = 0;
    for (size_t i = 0; i < m->w->count; i++) {
        if (!m->w->hypotheses[i].weighed)
            continue;
        low = fmin(low, m->looks[i].mean - 8 * m->looks[i].sd);
        high = fmax(high, m->looks[i].mean + 8 * m->looks[i].sd);
    }
    if (kind == ASSAY_CLUE_SHIPPED) { /* none came, or some number of them */
        edges[n++] = half_a_device;
        none = mixture_below(m, half_a_device);
    }
    size_t cells = CELLS - n;
    for (size_t c = 1; c < cells; c++) {
        double edge = quantile(m, none + (1 - none) * (double)c / (double)cells, low, high);
        if (n == 0 || edge > edges[n - 1] + 1e-3)
            edges[n++] = edge;
    }
    return n;
}

static const char *number_with_unit(struct assay_arena *arena, enum assay_clue_kind kind,
                                    double value)
{
    static const struct {
        enum assay_unit unit;
        double one;
        const char *name;
    } units[] = {{ASSAY_UNIT_WATTS, 1e6, " MW"},
                 {ASSAY_UNIT_WATTS, 1e3, " kW"},
                 {ASSAY_UNIT_JOULES, 3.6e12, " GWh"},
                 {ASSAY_UNIT_JOULES, 3.6e9, " MWh"},
                 {ASSAY_UNIT_BYTES, 1e15, " PB"},
                 {ASSAY_UNIT_BYTES, 1e12, " TB"},
                 {ASSAY_UNIT_US_DOLLARS, 1e6, " million USD"},
                 {ASSAY_UNIT_US_DOLLARS, 1, " USD"},
                 {ASSAY_UNIT_SECONDS, 1, " s"}};
    enum assay_unit unit = clue_unit(kind);
    size_t n = sizeof units / sizeof units[0], last = n;
    for (size_t i = 0; i < n; i++) {
        if (units[i].unit != unit)
            continue;
        last = i;
        if (value >= units[i].one)
            break;
    }
    /* three digits */
    if (last == n) /* pieces, people */
        return value < 1e6 ? assay_arena_print(arena, "%.0f", value)
                           : assay_arena_print(arena, "%.3g", value);
    double shown = value / units[last].one, step = pow(10, floor(log10(shown)) - 2);
    shown = round(shown / step) * step;
    return assay_arena_print(arena, "%.*f%s",
                             shown >= 100  ? 0
                             : shown >= 10 ? 1
                                           : 2,
                             shown, units[last].name);
}

static const char *range_text(struct assay_arena *arena, enum assay_clue_kind kind,
                              const double *edges, size_t count, size_t cell)
{
    const char *from = cell > 0 ? number_with_unit(arena, kind, exp(edges[cell - 1])) : NULL;
    const char *to = cell < count ? number_with_unit(arena, kind, exp(edges[cell])) : NULL;
    if (kind == ASSAY_CLUE_SHIPPED && cell == 0)
        return "none";
    if (kind == ASSAY_CLUE_SHIPPED && cell == 1 && to)
        return assay_arena_print(arena, "some, fewer than %s", to);
    if (!from)
        return to ? assay_arena_print(arena, "below %s", to) : "any";
    return to ? assay_arena_print(arena, "%s to %s", from, to)
              : assay_arena_print(arena, "%s or more", from);
}

static size_t number_cells(struct making *m, enum assay_clue_kind kind, const char **texts)
{
    double edges[CELLS];
    for (size_t i = 0; i < m->w->count; i++) {
        const struct hypothesis *h = &m->w->hypotheses[i];
        if (h->weighed)
            m->looks[i] =
                next_look(m->w, i, kind, m->w->hypotheses[i].posterior > negligible ? 1 : COARSE);
        m->looks[i].probability = (m->w->hypotheses[i].posterior + h->prior) / 2;
    }
    size_t count = cut(m, kind, edges);
    for (size_t c = 0; c <= count; c++)
        texts[c] = range_text(m->arena, kind, edges, count, c);
    for (size_t i = 0; i < m->w->count; i++) {
        double reached = 0;
        for (size_t c = 0; c <= count; c++) {
            double to = c < count ? below(&m->looks[i], edges[c]) : 1;
            m->cells[i][c] = to - reached;
            reached = to;
        }
    }
    return count + 1;
}

/* ---- a device seen ----------------------------------------------------------------------------
 */

/* How much of a machine is of a kind: all, half or nothing. */
static double share_of(const struct hypothesis *h, const char *kind)
{
    double share = h->other ? 0.5 : 1;
    return (strcmp(h->run.machine.accelerator.name, kind) == 0 ? share : 0) +
           (h->other && strcmp(h->other->name, kind) == 0 ? share : 0);
}

/* The likeliest kinds, first those of the greatest share. */
static size_t likeliest_kinds(const struct making *m, const char *kinds[KINDS], size_t *all)
{
    const char *names[MOST_KINDS];
    double shares[MOST_KINDS];
    size_t n = 0, kept = 0;
    for (size_t i = 0; i < m->w->count; i++) {
        const char *name = m->w->hypotheses[i].run.machine.accelerator.name;
        size_t k = 0;
        while (k < n && strcmp(names[k], name) != 0)
            k++;
        if (!m->w->hypotheses[i].weighed || (k == n && n == MOST_KINDS))
            continue;
        if (k == n) {
            names[n] = name;
            shares[n++] = 0;
        }
        shares[k] += (m->w->hypotheses[i].posterior + m->w->hypotheses[i].prior) / 2;
    }
    for (*all = n; kept < KINDS && kept < n; kept++) {
        size_t best = 0;
        for (size_t k = 1; k < n; k++)
            best = shares[k] > shares[best] ? k : best;
        kinds[kept] = names[best];
        shares[best] = -1;
    }
    return kept;
}

static size_t kind_cells(struct making *m, double error, const char **texts)
{
    const char *kinds[KINDS];
    size_t all, n = likeliest_kinds(m, kinds, &all);
    double missed = error / (double)(all > 1 ? all - 1 : 1);
    for (size_t k = 0; k < n; k++)
        texts[k] = kinds[k];
    texts[n] = "another kind";
    for (size_t i = 0; i < m->w->count; i++) {
        double rest = 1;
        for (size_t k = 0; k < n; k++) {
            double share = share_of(&m->w->hypotheses[i], kinds[k]);
            m->cells[i][k] = share * (1 - error) + (1 - share) * missed;
            rest -= m->cells[i][k];
        }
        m->cells[i][n] = fmax(rest, 0);
    }
    return n + 1;
}

/* ---- all clues --------------------------------------------------------------------------------
 */

/* To four digits, at least LEAST each, and together 1: the greatest takes what rounding left. */
static void tidy(double *cells, size_t n)
{
    size_t most = 0;
    double rest = 1;
    for (size_t c = 0; c < n; c++) {
        cells[c] = fmax(LEAST, round(cells[c] / LEAST) * LEAST);
        rest -= cells[c];
        most = cells[c] > cells[most] ? c : most;
    }
    cells[most] = round((cells[most] + rest) / LEAST) * LEAST;
}

static assay_status make(struct making *m, const struct assay_lookout *lookout,
                         struct assay_obtainable *obtainable, struct assay_error *error)
{
    size_t kind = 0, n = m->w->count;
    const char *texts[KINDS + 1];
    while (strcmp(assay_clue_kind_name((enum assay_clue_kind)kind), lookout->name) != 0)
        kind++;
    const struct assay_clue_fact *fact = &m->w->facts[kind];
    size_t cells = kind == ASSAY_CLUE_INSPECTED
                       ? kind_cells(m, lookout->accuracy, texts)
                       : number_cells(m, (enum assay_clue_kind)kind, texts);
    struct assay_outcome *outcomes = assay_arena_alloc(m->arena, cells, sizeof *outcomes);
    double *probabilities = assay_arena_alloc(m->arena, cells * n, sizeof *probabilities);
    if (!outcomes || !probabilities)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    for (size_t i = 0; i < n; i++) {
        tidy(m->cells[i], cells);
        for (size_t c = 0; c < cells; c++)
            probabilities[c * n + i] = m->w->hypotheses[i].weighed ? m->cells[i][c] : (double)NAN;
    }
    for (size_t c = 0; c < cells; c++) {
        outcomes[c].text = assay_arena_copy(m->arena, texts[c] ? texts[c] : "");
        outcomes[c].probabilities = probabilities + c * n;
        if (!texts[c] || !outcomes[c].text)
            return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    }
    *obtainable = (struct assay_obtainable){
        .id = lookout->name,
        .text = assay_arena_copy(m->arena, fact->obtained),
        .basis = kind == ASSAY_CLUE_INSPECTED
                     ? assay_arena_print(m->arena,
                                         "An observer names the kind wrongly %.3g%% of the time; "
                                         "%s, grade %s (data/clues.csv). The cost is the authors' "
                                         "judgement.",
                                         100 * lookout->accuracy, fact->source, fact->grade)
                     : assay_arena_print(m->arena,
                                         "%s (%s, grade %s; data/clues.csv), seen to within "
                                         "%.3g%%. The cost is the authors' judgement.",
                                         fact->basis, fact->source, fact->grade,
                                         100 * lookout->accuracy),
        .cost = fact->cost_usd,
        .cost_unit = "USD",
        .outcomes = outcomes,
        .outcome_count = cells,
    };
    return obtainable->text && obtainable->basis
               ? ASSAY_OK
               : assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

assay_status obtainable_list(const struct weighing *w, const struct assay_lookout *lookouts,
                             size_t count, struct assay_arena *arena,
                             const struct assay_obtainable **obtainables, struct assay_error *error)
{
    struct making m = {.w = w, .arena = arena};
    struct assay_obtainable *list = assay_arena_alloc(arena, count, sizeof *list);
    m.looks = assay_arena_alloc(arena, w->count, sizeof *m.looks);
    m.cells = assay_arena_alloc(arena, w->count, sizeof *m.cells);
    if (!list || !m.looks || !m.cells)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    for (size_t i = 0; i < count; i++)
        ASSAY_TRY(make(&m, &lookouts[i], &list[i], error));
    *obtainables = list;
    return ASSAY_OK;
}
