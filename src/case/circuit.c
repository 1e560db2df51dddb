/* SPDX-License-Identifier: Apache-2.0 */
#include "case/circuit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_PARTS 4000000

/* ---- evaluation ----------------------------------------------------------------------------- */

void circuit_leaf_values(double chance, double weight, const double *ln_l, size_t n, double *value)
{
    for (size_t h = 0; h < n; h++)
        value[h] = log1p(chance * expm1(weight * ln_l[h]));
}

void circuit_mix(double chance, const double *yes, const double *no, size_t n, double *value)
{
    for (size_t h = 0; h < n; h++) {
        double top = fmax(yes[h], no[h]);
        value[h] = top + log(chance * exp(yes[h] - top) + (1 - chance) * exp(no[h] - top));
    }
}

void circuit_evaluate(const struct circuit *circuit, const double *ln_l, const double *weights,
                      size_t n, double *rows)
{
    memset(rows, 0, circuit->row_count * n * sizeof *rows);
    for (size_t i = 0; i < circuit->leaf_count; i++) {
        const struct circuit_leaf *leaf = &circuit->leaves[i];
        const double *l = ln_l + leaf->finding * n;
        double *row = rows + leaf->row * n, weight = weights[leaf->finding];
        for (size_t h = 0; h < n; h++)
            row[h] += log1p(leaf->chance * expm1(weight * l[h]));
    }
    for (size_t i = circuit->mixture_count; i-- > 0;) {
        const struct circuit_mixture *m = &circuit->mixtures[i];
        const double *yes = rows + m->yes * n, *no = rows + m->no * n;
        double *row = rows + m->row * n;
        for (size_t h = 0; h < n; h++) {
            double top = fmax(yes[h], no[h]);
            row[h] += top + log(m->chance * exp(yes[h] - top) + (1 - m->chance) * exp(no[h] - top));
        }
    }
}

/* ---- construction --------------------------------------------------------------------------- */

struct conditioning {
    const struct assay_combination *network;
    bool *settled;        /* by node: conditioned on, and said yes */
    uint32_t *users;      /* by node: findings of the present set that have it */
    uint32_t *first_user; /* by node: one of them */
    uint32_t *tops;       /* by finding: union-find */
    struct circuit_leaf *leaves;
    struct circuit_mixture *mixtures;
    size_t leaf_count, leaf_room, mixture_count, mixture_room;
    uint32_t row_count;
    assay_status status; /* ASSAY_OK, or the first that went wrong */
};

static bool room_for(struct conditioning *c, void **list, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return true;
    if (c->leaf_count + c->mixture_count >= MOST_PARTS) {
        c->status = ASSAY_ERROR_LIMIT;
        return false;
    }
    size_t more = *room ? *room * 2 : 64;
    void *grown = realloc(*list, more * size);
    if (!grown) {
        c->status = ASSAY_ERROR_MEMORY;
        return false;
    }
    *list = grown;
    *room = more;
    return true;
}

static void add_leaf(struct conditioning *c, uint32_t row, uint32_t finding)
{
    const struct assay_combined_finding *f = &c->network->findings[finding];
    double chance = 1;
    for (size_t i = 0; i < f->parent_count; i++)
        if (!c->settled[f->parents[i]])
            chance *= c->network->nodes[f->parents[i]].probability;
    if (room_for(c, (void **)&c->leaves, c->leaf_count, &c->leaf_room, sizeof *c->leaves))
        c->leaves[c->leaf_count++] = (struct circuit_leaf){finding, row, chance};
}

static uint32_t find_top(uint32_t *tops, uint32_t i)
{
    while (tops[i] != i) {
        tops[i] = tops[tops[i]];
        i = tops[i];
    }
    return i;
}

/* Joins those of the set that share a cause which is not settled; counts the causes' users. */
static void join(struct conditioning *c, const uint32_t *set, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct assay_combined_finding *f = &c->network->findings[set[i]];
        c->tops[set[i]] = set[i];
        for (size_t j = 0; j < f->parent_count; j++)
            c->users[f->parents[j]] = 0;
    }
    for (size_t i = 0; i < count; i++) {
        const struct assay_combined_finding *f = &c->network->findings[set[i]];
        for (size_t j = 0; j < f->parent_count; j++) {
            uint32_t node = f->parents[j];
            if (c->settled[node])
                continue;
            if (c->users[node]++ == 0) {
                c->first_user[node] = set[i];
                continue;
            }
            uint32_t a = find_top(c->tops, c->first_user[node]), b = find_top(c->tops, set[i]);
            if (a != b)
                c->tops[a > b ? a : b] = a > b ? b : a;
        }
    }
}

/* The cause that most of the set have; of several the middle one, so that chains are halved. */
static uint32_t choose(const struct conditioning *c, const uint32_t *set, size_t count)
{
    uint32_t most = 0, chosen = 0;
    size_t ties = 0, seen = 0;
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < count; i++) {
            const struct assay_combined_finding *f = &c->network->findings[set[i]];
            for (size_t j = 0; j < f->parent_count; j++) {
                uint32_t node = f->parents[j];
                if (c->settled[node])
                    continue;
                if (pass == 0 && c->users[node] > most) {
                    most = c->users[node];
                    ties = 0;
                }
                ties += pass == 0 && c->users[node] == most;
                if (pass == 1 && c->users[node] == most && seen++ == ties / 2)
                    chosen = node;
            }
        }
    return chosen;
}

static bool has(const struct assay_combined_finding *f, uint32_t node)
{
    for (size_t i = 0; i < f->parent_count; i++)
        if (f->parents[i] == node)
            return true;
    return false;
}

static void condition(struct conditioning *c, uint32_t row, const uint32_t *set, size_t count);

/* One component: a leaf, or a mixture over the cause that most of it share. */
static void split(struct conditioning *c, uint32_t row, uint32_t *set, size_t count)
{
    if (count == 1) {
        add_leaf(c, row, set[0]);
        return;
    }
    uint32_t node = choose(c, set, count);
    if (!room_for(c, (void **)&c->mixtures, c->mixture_count, &c->mixture_room,
                  sizeof *c->mixtures))
        return;
    uint32_t yes = c->row_count++, no = c->row_count++;
    c->mixtures[c->mixture_count++] =
        (struct circuit_mixture){row, yes, no, c->network->nodes[node].probability};
    size_t left = 0;
    uint32_t *without = malloc(count * sizeof *without);
    if (!without) {
        c->status = ASSAY_ERROR_MEMORY;
        return;
    }
    for (size_t i = 0; i < count; i++)
        if (!has(&c->network->findings[set[i]], node))
            without[left++] = set[i];
    c->settled[node] = true;
    condition(c, yes, set, count);
    c->settled[node] = false;
    condition(c, no, without, left);
    free(without);
}

struct member {
    uint32_t top, finding;
};

static int by_top(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    if (x->top != y->top)
        return x->top < y->top ? -1 : 1;
    return (x->finding > y->finding) - (x->finding < y->finding);
}

/* Makes `row` the product over the set's components. */
static void condition(struct conditioning *c, uint32_t row, const uint32_t *set, size_t count)
{
    if (c->status != ASSAY_OK || count == 0)
        return;
    struct member *members = malloc(count * sizeof *members);
    uint32_t *component = malloc(count * sizeof *component);
    if (members && component) {
        join(c, set, count);
        for (size_t i = 0; i < count; i++)
            members[i] = (struct member){find_top(c->tops, set[i]), set[i]};
        qsort(members, count, sizeof *members, by_top);
        for (size_t i = 0; i < count && c->status == ASSAY_OK;) {
            size_t size = 0;
            for (uint32_t top = members[i].top; i < count && members[i].top == top; i++)
                component[size++] = members[i].finding;
            if (size > 1)
                join(c, component, size); /* counts anew: a deeper step has used them */
            split(c, row, component, size);
        }
    } else {
        c->status = ASSAY_ERROR_MEMORY;
    }
    free(members);
    free(component);
}

/* The lists in the arena; the places of leaves by finding; the mixture that a row is part of. */
static bool finish(struct conditioning *c, struct assay_arena *arena, struct circuit *circuit)
{
    size_t findings = c->network->finding_count;
    struct circuit_leaf *leaves = assay_arena_alloc(arena, c->leaf_count, sizeof *leaves);
    struct circuit_mixture *mixtures = assay_arena_alloc(arena, c->mixture_count, sizeof *mixtures);
    uint32_t *of_row = assay_arena_alloc(arena, c->row_count, sizeof *of_row);
    uint32_t *order = assay_arena_alloc(arena, c->leaf_count, sizeof *order);
    uint32_t *start = assay_arena_alloc(arena, findings + 2, sizeof *start);
    if (!leaves || !mixtures || !of_row || !order || !start)
        return false;
    if (c->leaf_count)
        memcpy(leaves, c->leaves, c->leaf_count * sizeof *leaves);
    if (c->mixture_count)
        memcpy(mixtures, c->mixtures, c->mixture_count * sizeof *mixtures);
    for (size_t i = 0; i < c->mixture_count; i++)
        of_row[mixtures[i].yes] = of_row[mixtures[i].no] = (uint32_t)i;
    for (size_t i = 0; i < c->leaf_count; i++)
        start[leaves[i].finding + 2]++;
    for (size_t f = 2; f < findings + 2; f++)
        start[f] += start[f - 1];
    for (size_t i = 0; i < c->leaf_count; i++)
        order[start[leaves[i].finding + 1]++] = (uint32_t)i;
    *circuit = (struct circuit){.finding_count = findings,
                                .row_count = c->row_count,
                                .leaves = leaves,
                                .leaf_count = c->leaf_count,
                                .mixtures = mixtures,
                                .mixture_count = c->mixture_count,
                                .of_row = of_row,
                                .leaf_order = order,
                                .leaf_start = start};
    return true;
}

assay_status circuit_build(const struct assay_combination *combination, const char *path, long line,
                           struct assay_arena *arena, struct circuit *circuit,
                           struct assay_error *error)
{
    size_t findings = combination->finding_count, nodes = combination->node_count;
    struct conditioning c = {.network = combination, .row_count = 1};
    uint32_t *all = assay_arena_alloc(arena, findings, sizeof *all);
    c.settled = assay_arena_alloc(arena, nodes, sizeof *c.settled);
    c.users = assay_arena_alloc(arena, nodes, sizeof *c.users);
    c.first_user = assay_arena_alloc(arena, nodes, sizeof *c.first_user);
    c.tops = assay_arena_alloc(arena, findings, sizeof *c.tops);
    if (!all || !c.settled || !c.users || !c.first_user || !c.tops)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    for (size_t f = 0; f < findings; f++)
        all[f] = (uint32_t)f;
    for (size_t i = 0; i < nodes; i++)
        c.settled[i] = combination->nodes[i].probability == 1;
    condition(&c, 0, all, findings);
    if (c.status == ASSAY_OK && !finish(&c, arena, circuit))
        c.status = ASSAY_ERROR_MEMORY;
    free(c.leaves);
    free(c.mixtures);
    if (c.status == ASSAY_ERROR_LIMIT)
        return assay_error_at(
            error, c.status, path, line,
            "findings and exhibits are too entangled to combine exactly: expected "
            "fewer findings that rest on exhibits of several sources at once");
    if (c.status != ASSAY_OK)
        return assay_error_at(error, c.status, NULL, 0, "out of memory");
    return ASSAY_OK;
}
