/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shares of parents in a child, by least squares without negative shares. With at most eight
 * parents every subset of them is solved and the best feasible one taken: exact, and the same
 * whatever the order.
 */
#include <assay/lineage.h>
#include <assay/stats.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST ASSAY_LINEAGE_MOST_PARENTS
#define RUN 4096 /* elements; a multiple of every block */
#define MOST_RUNS 16
#define LEAST_ELEMENTS 256
#define REPLICATES 200
#define COUNTS 0.05 /* a share whose interval lies above counts */
#define KINSHIP 0.1 /* of the child's energy, explained: less is no descent by these weights */

/* Of one tensor, divided by the child's energy in it: products of parents, parents with child. */
struct products {
    double gram[MOST][MOST], with[MOST];
    const char *layer; /* its number in the name, "" outside layers */
};

struct work {
    const struct assay_checkpoint *child;
    const struct assay_checkpoint *const *parents;
    size_t count;
    const struct assay_context *context;
    struct assay_lineage_merge *r;
    struct products *tensors;
    size_t n;
    float *room; /* (1 + parents) x RUN */
    struct assay_error *error;
};

static assay_status no_memory(struct work *w)
{
    return assay_error_at(w->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

/* ---- least squares ------------------------------------------------------------------- */

/* Solves the rows and columns of `set` by Cholesky; false if they are not independent. */
static bool solve(const struct products *p, const size_t *set, size_t k, double *x)
{
    double l[MOST][MOST], y[MOST];
    for (size_t i = 0; i < k; i++) {
        for (size_t j = 0; j <= i; j++) {
            double sum = p->gram[set[i]][set[j]];
            for (size_t m = 0; m < j; m++)
                sum -= l[i][m] * l[j][m];
            if (i == j && !(sum > 1e-12 * p->gram[set[i]][set[i]]))
                return false;
            l[i][j] = i == j ? sqrt(sum) : sum / l[j][j];
        }
        y[i] = p->with[set[i]];
        for (size_t m = 0; m < i; m++)
            y[i] -= l[i][m] * y[m];
        y[i] /= l[i][i];
    }
    for (size_t i = k; i > 0; i--) {
        x[i - 1] = y[i - 1];
        for (size_t m = i; m < k; m++)
            x[i - 1] -= l[m][i - 1] * x[m];
        x[i - 1] /= l[i - 1][i - 1];
    }
    return true;
}

/* The shares, none negative, that explain most; returns what they explain of `total`. */
static double fit(const struct products *p, size_t count, double *shares)
{
    double best = 0;
    memset(shares, 0, count * sizeof *shares);
    for (unsigned subset = 1; subset < 1u << count; subset++) {
        size_t set[MOST], k = 0;
        double x[MOST], explained = 0;
        bool feasible = true;
        for (size_t i = 0; i < count; i++)
            if (subset >> i & 1)
                set[k++] = i;
        if (!solve(p, set, k, x))
            continue;
        for (size_t i = 0; i < k; i++) {
            feasible = feasible && x[i] >= 0;
            explained += x[i] * p->with[set[i]]; /* at the solution */
        }
        if (!feasible || !(explained > best))
            continue;
        best = explained;
        memset(shares, 0, count * sizeof *shares);
        for (size_t i = 0; i < k; i++)
            shares[set[i]] = x[i];
    }
    return best;
}

static void add_products(struct products *to, const struct products *p)
{
    for (size_t i = 0; i < MOST; i++) {
        to->with[i] += p->with[i];
        for (size_t j = 0; j < MOST; j++)
            to->gram[i][j] += p->gram[i][j];
    }
}

/* ---- reading ------------------------------------------------------------------------- */

static bool same_shape(const struct assay_tensor *a, const struct assay_tensor *b)
{
    if (a->rank != b->rank)
        return false;
    for (int i = 0; i < a->rank; i++)
        if (a->shape[i] != b->shape[i])
            return false;
    return true;
}

/* Norms and biases are alike in models that have nothing in common: matrices only. */
static bool takes_part(struct work *w, const struct assay_tensor *t,
                       const struct assay_tensor **others)
{
    if (t->rank < 2 || !assay_dtype_is_real(t->dtype) || t->elements < LEAST_ELEMENTS)
        return false;
    for (size_t i = 0; i < w->count; i++) {
        others[i] = assay_checkpoint_find(w->parents[i], t->name);
        if (!others[i] || !same_shape(t, others[i]) || !assay_dtype_is_real(others[i]->dtype))
            return false;
    }
    return true;
}

/* The first number in a name, as in model.layers.12.mlp; "" without. */
static const char *layer_of(struct work *w, const char *name)
{
    for (const char *at = name; *at; at++) {
        size_t n = strspn(at, "0123456789");
        if (n > 0 && (at == name || at[-1] == '.') && at[n] == '.')
            return assay_arena_copy_bytes(w->r->arena, at, n);
    }
    return "";
}

static void add_run(struct work *w, size_t n, struct products *p, double *energy)
{
    for (size_t k = 0; k < n; k++) {
        double child = (double)w->room[k];
        bool finite = isfinite(child);
        for (size_t i = 0; i < w->count; i++)
            finite = finite && isfinite(w->room[(i + 1) * RUN + k]);
        if (!finite)
            continue;
        *energy += child * child;
        for (size_t i = 0; i < w->count; i++) {
            double x = (double)w->room[(i + 1) * RUN + k];
            p->with[i] += x * child;
            for (size_t j = 0; j <= i; j++)
                p->gram[i][j] += x * (double)w->room[(j + 1) * RUN + k];
        }
    }
}

static assay_status read_tensor(struct work *w, const struct assay_tensor *t,
                                const struct assay_tensor *const *others)
{
    struct products *p = &w->tensors[w->n];
    uint64_t runs = (t->elements + RUN - 1) / RUN, taken = runs < MOST_RUNS ? runs : MOST_RUNS;
    double energy = 0;
    *p = (struct products){.layer = layer_of(w, t->name)};
    if (!p->layer)
        return no_memory(w);
    for (uint64_t i = 0; i < taken; i++) {
        uint64_t first = i * runs / taken * RUN;
        uint64_t n = t->elements - first < RUN ? t->elements - first : RUN;
        ASSAY_TRY(assay_tensor_read(t, first, n, w->room, w->error));
        for (size_t k = 0; k < w->count; k++)
            ASSAY_TRY(assay_tensor_read(others[k], first, n, w->room + (k + 1) * RUN, w->error));
        add_run(w, (size_t)n, p, &energy);
        w->r->coordinates += n;
    }
    if (!(energy > 0))
        return ASSAY_OK; /* all zero: says nothing */
    for (size_t i = 0; i < w->count; i++) {
        p->with[i] /= energy;
        for (size_t j = 0; j <= i; j++)
            p->gram[i][j] = p->gram[j][i] = p->gram[i][j] / energy;
    }
    w->n++;
    return ASSAY_OK;
}

static assay_status read_all(struct work *w)
{
    const struct assay_tensor *others[MOST];
    w->tensors = calloc(w->child->count + 1, sizeof *w->tensors);
    w->room = malloc((w->count + 1) * RUN * sizeof *w->room);
    if (!w->tensors || !w->room)
        return no_memory(w);
    for (size_t i = 0; i < w->child->count; i++) {
        const struct assay_tensor *t = &w->child->tensors[i];
        const struct assay_context *c = w->context;
        if (c && c->progress && !c->progress(c->progress_user, "tensors", i, w->child->count))
            return assay_error_at(w->error, ASSAY_ERROR_INTERRUPTED, NULL, 0, "interrupted");
        if (takes_part(w, t, others))
            ASSAY_TRY(read_tensor(w, t, others));
    }
    w->r->tensors = w->n;
    return w->n > 0 ? ASSAY_OK
                    : assay_error_at(w->error, ASSAY_ERROR_UNANSWERABLE, NULL, 0,
                                     "no matrix has one name and shape in the child and in all "
                                     "parents");
}

/* ---- what follows -------------------------------------------------------------------- */

static assay_status fit_whole(struct work *w)
{
    struct products sum = {.layer = ""};
    double shares[MOST], *draws = malloc(MOST * REPLICATES * sizeof *draws);
    assay_status status = draws ? ASSAY_OK : no_memory(w);
    for (size_t i = 0; i < w->n; i++)
        add_products(&sum, &w->tensors[i]);
    w->r->explained = fit(&sum, w->count, shares) / (double)w->n;
    for (size_t d = 0; d < REPLICATES && status == ASSAY_OK; d++) {
        struct products drawn = {.layer = ""};
        struct assay_random random;
        double x[MOST];
        assay_random_start(&random, w->context ? w->context->seed : 0, d);
        for (size_t i = 0; i < w->n; i++)
            add_products(&drawn, &w->tensors[assay_random_below(&random, w->n)]);
        fit(&drawn, w->count, x);
        for (size_t i = 0; i < w->count; i++)
            draws[i * REPLICATES + d] = x[i];
    }
    for (size_t i = 0; i < w->count && status == ASSAY_OK; i++) {
        struct assay_interval *share = &w->r->parents[i].share;
        *share = (struct assay_interval){shares[i], shares[i], shares[i], 0.8};
        status = assay_stats_interval(draws + i * REPLICATES, NULL, REPLICATES, 0.8, &share->low,
                                      &share->high, w->error);
    }
    free(draws);
    return status;
}

/* Of two counted parents, whether the child lies between them: see the header. */
static assay_status lies_between(struct work *w, size_t a, size_t b, bool *between)
{
    double draws[REPLICATES], low = 0, high = 0;
    for (size_t d = 0; d < REPLICATES; d++) {
        struct assay_random random;
        assay_random_start(&random, w->context ? w->context->seed : 0, REPLICATES + d);
        draws[d] = 0;
        for (size_t i = 0; i < w->n; i++) {
            const struct products *p = &w->tensors[assay_random_below(&random, w->n)];
            draws[d] += 1 - p->with[a] - p->with[b] + p->gram[a][b];
        }
    }
    ASSAY_TRY(assay_stats_interval(draws, NULL, REPLICATES, 0.8, &low, &high, w->error));
    *between = high < 0;
    return ASSAY_OK;
}

static bool share_counts(const struct work *w, size_t parent)
{
    return w->r->parents[parent].share.low > COUNTS;
}

static assay_status is_sum(struct work *w, bool *sum)
{
    *sum = false;
    for (size_t a = 0; a < w->count; a++)
        for (size_t b = 0; b < a && !*sum; b++)
            if (share_counts(w, a) && share_counts(w, b))
                ASSAY_TRY(lies_between(w, a, b, sum));
    return ASSAY_OK;
}

static assay_status fit_layers(struct work *w)
{
    struct assay_lineage_merge *r = w->r;
    r->layers = assay_arena_alloc(r->arena, w->n, sizeof *r->layers);
    if (!r->layers)
        return no_memory(w);
    for (size_t i = 0; i < w->n; i++) {
        size_t seen = 0;
        while (seen < r->layer_count && strcmp(r->layers[seen].layer, w->tensors[i].layer) != 0)
            seen++;
        if (seen < r->layer_count)
            continue;
        struct products sum = {.layer = ""};
        size_t members = 0;
        for (size_t k = i; k < w->n; k++)
            if (strcmp(w->tensors[k].layer, w->tensors[i].layer) == 0) {
                add_products(&sum, &w->tensors[k]);
                members++;
            }
        struct assay_lineage_merge_layer *layer = &r->layers[r->layer_count++];
        *layer = (struct assay_lineage_merge_layer){.layer = w->tensors[i].layer};
        layer->explained = fit(&sum, w->count, layer->shares) / (double)members;
    }
    return ASSAY_OK;
}

/* Whether layers come whole from different parents. */
static bool is_stacked(const struct work *w)
{
    unsigned whole = 0;
    for (size_t l = 0; l < w->r->layer_count; l++) {
        size_t largest = 0;
        double sum = 0;
        for (size_t i = 0; i < w->count; i++) {
            sum += w->r->layers[l].shares[i];
            largest = w->r->layers[l].shares[i] > w->r->layers[l].shares[largest] ? i : largest;
        }
        if (!(w->r->layers[l].shares[largest] > 0.9 * sum) || !(sum > 0))
            return false;
        whole |= 1u << largest;
    }
    return (whole & (whole - 1)) != 0; /* two parents or more */
}

static assay_status conclude(struct work *w)
{
    static const char *const limits[] = {
        "Only matrices of one name and shape in all files are compared: renumbered units or layers "
        "and turned residual streams are not undone.",
        "Shares are of values, not of capability. Their interval is over draws of tensors; a share "
        "has no p-value, for tunings of one base overlap a little by themselves.",
        "A parent that was not given cannot be named; what it brought is in what is not "
        "explained."};
    struct assay_lineage_merge *r = w->r;
    size_t counted = 0;
    for (size_t i = 0; i < w->count; i++)
        counted += share_counts(w, i);
    bool stacked = is_stacked(w), sum = false;
    ASSAY_TRY(is_sum(w, &sum));
    r->kind = r->explained < KINSHIP || (counted == 0 && !stacked) ? ASSAY_MERGE_NONE
              : stacked                                            ? ASSAY_MERGE_STACKED
              : sum                                                ? ASSAY_MERGE_MERGED
              : counted > 1                                        ? ASSAY_MERGE_KIN
                                                                   : ASSAY_MERGE_ONE;
    static const char *const words[] = {
        "None of these is a parent by these weights.",
        "One of these is enough: the others bring nothing that can be told from 0.",
        "Several of these share, but no more than tunings of one ancestor do: give that as well.",
        "The child is a weighted sum of several of these.",
        "The child's layers come whole from different ones of these."};
    r->note = assay_arena_print(r->arena, "%s Explained: %.6g of the child's squared weights.",
                                words[r->kind], r->explained);
    r->limits = limits;
    r->limit_count = sizeof limits / sizeof limits[0];
    return r->note ? ASSAY_OK : no_memory(w);
}

static assay_status run(struct work *w)
{
    w->r->parent_count = w->count;
    w->r->parents = assay_arena_alloc(w->r->arena, w->count, sizeof *w->r->parents);
    if (!w->r->parents)
        return no_memory(w);
    for (size_t i = 0; i < w->count; i++) {
        w->r->parents[i].path = assay_arena_copy(w->r->arena, w->parents[i]->path);
        if (!w->r->parents[i].path)
            return no_memory(w);
    }
    ASSAY_TRY(read_all(w));
    ASSAY_TRY(fit_whole(w));
    ASSAY_TRY(fit_layers(w));
    return conclude(w);
}

assay_status assay_lineage_merge_find(const struct assay_checkpoint *child,
                                      const struct assay_checkpoint *const *parents, size_t count,
                                      const struct assay_context *context,
                                      struct assay_lineage_merge *merge, struct assay_error *error)
{
    struct work w = {.child = child,
                     .parents = parents,
                     .count = count,
                     .context = context,
                     .r = merge,
                     .error = error};
    *merge = (struct assay_lineage_merge){.explained = 0};
    if (count == 0 || count > MOST)
        return assay_error_at(error, ASSAY_ERROR_INPUT, NULL, 0,
                              "expected 1 to %d parents, found %zu", MOST, count);
    merge->arena = assay_arena_new();
    assay_status status = merge->arena ? run(&w) : no_memory(&w);
    free(w.tensors);
    free(w.room);
    if (status != ASSAY_OK)
        assay_lineage_merge_free(merge);
    return status;
}

void assay_lineage_merge_free(struct assay_lineage_merge *merge)
{
    assay_arena_free(merge->arena);
    *merge = (struct assay_lineage_merge){.explained = 0};
}
