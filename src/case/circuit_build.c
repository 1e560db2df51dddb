/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recursive conditioning with a cache. A set of findings falls into components that share no cause
 * still open; a component of one is a leaf; of several, the cause that most of them have is
 * settled both ways, and what is left of the component is treated likewise. A component is known
 * again by its findings and their open causes, by a digest of 128 bits.
 */
#include "case/circuit.h"

#include <stdlib.h>
#include <string.h>

#define MOST_VALUES 10000000 /* uses of factors x hypotheses: seconds to draw from */
#define NO_FACTOR UINT32_MAX

struct digest {
    uint64_t a, b;
};

/* A factor that has been made: a leaf (even) or a mixture (odd) of that number. */
struct known {
    struct digest digest;
    uint32_t factor; /* NO_FACTOR: an empty place */
};

struct use {
    uint32_t factor, row;
};

struct conditioning {
    const struct assay_combination *network;
    bool *settled;        /* by node: conditioned on, and said yes */
    uint32_t *users;      /* by node: findings of the present set that have it */
    uint32_t *first_user; /* by node: one of them */
    uint32_t *tops;       /* by finding: union-find */
    struct known *known;  /* hashed, open addressing */
    size_t known_count, known_room;
    struct circuit_leaf *leaves;
    size_t leaf_count, leaf_room;
    double *chances; /* of mixtures */
    size_t mixture_count, mixture_room;
    struct use *uses;
    size_t use_count, use_room;
    assay_status status; /* ASSAY_OK, or the first that went wrong */
};

/* ---- lists that grow ------------------------------------------------------------------------ */

static bool room_for(struct conditioning *c, void **list, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return true;
    size_t more = *room ? *room * 2 : 256;
    void *grown = realloc(*list, more * size);
    if (!grown) {
        c->status = ASSAY_ERROR_MEMORY;
        return false;
    }
    *list = grown;
    *room = more;
    return true;
}

static void add_use(struct conditioning *c, uint32_t factor, uint32_t row)
{
    if (c->use_count * c->network->hypothesis_count >= MOST_VALUES)
        c->status = ASSAY_ERROR_LIMIT;
    else if (room_for(c, (void **)&c->uses, c->use_count, &c->use_room, sizeof *c->uses))
        c->uses[c->use_count++] = (struct use){factor, row};
}

/* ---- components known again ----------------------------------------------------------------- */

static uint64_t scramble(uint64_t x)
{
    /* the finaliser of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014) */
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

static void mix_in(struct digest *d, uint64_t value)
{
    d->a = scramble(d->a + value + 0x9E3779B97F4A7C15u);
    d->b = scramble(d->b ^ (value * 0xD6E8FEB86659FD93u + 0xA0761D6478BD642Fu));
}

static struct digest digest_of(const struct conditioning *c, const uint32_t *set, size_t count)
{
    struct digest d = {count, ~(uint64_t)count};
    for (size_t i = 0; i < count; i++) {
        const struct assay_combined_finding *f = &c->network->findings[set[i]];
        mix_in(&d, ((uint64_t)1 << 32) | set[i]);
        for (size_t j = 0; j < f->parent_count; j++)
            if (!c->settled[f->parents[j]])
                mix_in(&d, f->parents[j]);
    }
    return d;
}

static struct known *look_up(struct known *table, size_t room, struct digest d)
{
    size_t at = d.a & (room - 1);
    while (table[at].factor != NO_FACTOR &&
           (table[at].digest.a != d.a || table[at].digest.b != d.b))
        at = (at + 1) & (room - 1);
    return &table[at];
}

static bool grow_known(struct conditioning *c)
{
    size_t room = c->known_room ? c->known_room * 2 : 1024;
    struct known *table = malloc(room * sizeof *table);
    if (!table) {
        c->status = ASSAY_ERROR_MEMORY;
        return false;
    }
    for (size_t i = 0; i < room; i++)
        table[i].factor = NO_FACTOR;
    for (size_t i = 0; i < c->known_room; i++)
        if (c->known[i].factor != NO_FACTOR)
            *look_up(table, room, c->known[i].digest) = c->known[i];
    free(c->known);
    c->known = table;
    c->known_room = room;
    return true;
}

static void remember(struct conditioning *c, struct digest d, uint32_t factor)
{
    if (2 * c->known_count >= c->known_room && !grow_known(c))
        return;
    *look_up(c->known, c->known_room, d) = (struct known){d, factor};
    c->known_count++;
}

/* ---- components ----------------------------------------------------------------------------- */

static uint32_t find_top(uint32_t *tops, uint32_t i)
{
    while (tops[i] != i) {
        tops[i] = tops[tops[i]];
        i = tops[i];
    }
    return i;
}

/* Joins those of the set that share an open cause; counts the causes' users. */
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

/* Factors of a row that is not numbered yet. */
struct product {
    uint32_t *factors;
    size_t count, room;
};

static void condition(struct conditioning *c, const uint32_t *set, size_t count,
                      struct product *product);

static uint32_t make_leaf(struct conditioning *c, uint32_t finding)
{
    const struct assay_combined_finding *f = &c->network->findings[finding];
    double chance = 1;
    for (size_t i = 0; i < f->parent_count; i++)
        if (!c->settled[f->parents[i]])
            chance *= c->network->nodes[f->parents[i]].probability;
    if (!room_for(c, (void **)&c->leaves, c->leaf_count, &c->leaf_room, sizeof *c->leaves))
        return NO_FACTOR;
    c->leaves[c->leaf_count] = (struct circuit_leaf){finding, chance};
    return (uint32_t)(2 * c->leaf_count++);
}

static uint32_t make_mixture(struct conditioning *c, const uint32_t *set, size_t count)
{
    struct product yes = {NULL, 0, 0}, no = {NULL, 0, 0};
    uint32_t node = choose(c, set, count), factor = NO_FACTOR;
    size_t left = 0;
    uint32_t *without = malloc(count * sizeof *without);
    if (!without) {
        c->status = ASSAY_ERROR_MEMORY;
        return NO_FACTOR;
    }
    for (size_t i = 0; i < count; i++)
        if (!has(&c->network->findings[set[i]], node))
            without[left++] = set[i];
    c->settled[node] = true;
    condition(c, set, count, &yes);
    c->settled[node] = false;
    condition(c, without, left, &no);
    if (c->status == ASSAY_OK &&
        room_for(c, (void **)&c->chances, c->mixture_count, &c->mixture_room, sizeof *c->chances)) {
        uint32_t m = (uint32_t)c->mixture_count++;
        c->chances[m] = c->network->nodes[node].probability;
        for (size_t i = 0; i < yes.count; i++)
            add_use(c, yes.factors[i], 2 * m + 1);
        for (size_t i = 0; i < no.count; i++)
            add_use(c, no.factors[i], 2 * m + 2);
        factor = 2 * m + 1;
    }
    free(without);
    free(yes.factors);
    free(no.factors);
    return factor;
}

/* Adds a component, in ascending order, to the product. */
static void add_component(struct conditioning *c, const uint32_t *set, size_t count,
                          struct product *product)
{
    struct digest d = digest_of(c, set, count);
    uint32_t factor = c->known_room ? look_up(c->known, c->known_room, d)->factor : NO_FACTOR;
    if (factor == NO_FACTOR) {
        factor = count == 1 ? make_leaf(c, set[0]) : make_mixture(c, set, count);
        if (c->status == ASSAY_OK)
            remember(c, d, factor);
    }
    if (c->status == ASSAY_OK && room_for(c, (void **)&product->factors, product->count,
                                          &product->room, sizeof *product->factors))
        product->factors[product->count++] = factor;
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

/* Adds the set's components to the product. */
static void condition(struct conditioning *c, const uint32_t *set, size_t count,
                      struct product *product)
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
            add_component(c, component, size, product);
        }
    } else {
        c->status = ASSAY_ERROR_MEMORY;
    }
    free(members);
    free(component);
}

/* ---- the circuit ---------------------------------------------------------------------------- */

/* Uses by factor, those of leaves and of mixtures apart. */
static void list_uses(const struct conditioning *c, struct circuit_use *leaf_uses,
                      struct circuit_use *mixture_uses, uint32_t *rows)
{
    uint32_t total = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < c->use_count; i++) {
            uint32_t factor = c->uses[i].factor;
            struct circuit_use *use = (factor & 1) ? mixture_uses : leaf_uses;
            use += factor / 2;
            if (pass == 1)
                rows[use->start + use->count] = c->uses[i].row;
            use->count++;
        }
        for (int kind = 0; kind < 2 && pass == 0; kind++) {
            struct circuit_use *use = kind ? mixture_uses : leaf_uses;
            for (size_t i = 0; i < (kind ? c->mixture_count : c->leaf_count); i++) {
                use[i].start = total;
                total += use[i].count;
                use[i].count = 0;
            }
        }
    }
}

static bool finish(struct conditioning *c, struct assay_arena *arena, struct circuit *circuit)
{
    size_t findings = c->network->finding_count;
    struct circuit_leaf *leaves = assay_arena_alloc(arena, c->leaf_count, sizeof *leaves);
    double *chances = assay_arena_alloc(arena, c->mixture_count, sizeof *chances);
    struct circuit_use *leaf_uses = assay_arena_alloc(arena, c->leaf_count, sizeof *leaf_uses);
    struct circuit_use *mixture_uses =
        assay_arena_alloc(arena, c->mixture_count, sizeof *mixture_uses);
    uint32_t *rows = assay_arena_alloc(arena, c->use_count, sizeof *rows);
    uint32_t *order = assay_arena_alloc(arena, c->leaf_count, sizeof *order);
    uint32_t *start = assay_arena_alloc(arena, findings + 2, sizeof *start);
    if (!leaves || !chances || !leaf_uses || !mixture_uses || !rows || !order || !start)
        return false;
    if (c->leaf_count)
        memcpy(leaves, c->leaves, c->leaf_count * sizeof *leaves);
    if (c->mixture_count)
        memcpy(chances, c->chances, c->mixture_count * sizeof *chances);
    list_uses(c, leaf_uses, mixture_uses, rows);
    for (size_t i = 0; i < c->leaf_count; i++)
        start[leaves[i].finding + 2]++;
    for (size_t f = 2; f < findings + 2; f++)
        start[f] += start[f - 1];
    for (size_t i = 0; i < c->leaf_count; i++)
        order[start[leaves[i].finding + 1]++] = (uint32_t)i;
    *circuit = (struct circuit){.finding_count = findings,
                                .leaves = leaves,
                                .leaf_uses = leaf_uses,
                                .leaf_count = c->leaf_count,
                                .chances = chances,
                                .mixture_uses = mixture_uses,
                                .mixture_count = c->mixture_count,
                                .rows = rows,
                                .row_count = 2 * c->mixture_count + 1,
                                .leaf_order = order,
                                .leaf_start = start};
    return true;
}

static void build(struct conditioning *c)
{
    size_t findings = c->network->finding_count;
    struct product whole = {NULL, 0, 0};
    uint32_t *all = malloc((findings + 1) * sizeof *all);
    if (!all) {
        c->status = ASSAY_ERROR_MEMORY;
        return;
    }
    for (size_t f = 0; f < findings; f++)
        all[f] = (uint32_t)f;
    condition(c, all, findings, &whole);
    for (size_t i = 0; i < whole.count && c->status == ASSAY_OK; i++)
        add_use(c, whole.factors[i], 0);
    free(all);
    free(whole.factors);
}

assay_status circuit_build(const struct assay_combination *combination, const char *path, long line,
                           struct assay_arena *arena, struct circuit *circuit,
                           struct assay_error *error)
{
    size_t nodes = combination->node_count;
    struct conditioning c = {.network = combination};
    c.settled = assay_arena_alloc(arena, nodes, sizeof *c.settled);
    c.users = assay_arena_alloc(arena, nodes, sizeof *c.users);
    c.first_user = assay_arena_alloc(arena, nodes, sizeof *c.first_user);
    c.tops = assay_arena_alloc(arena, combination->finding_count, sizeof *c.tops);
    if (!c.settled || !c.users || !c.first_user || !c.tops)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    for (size_t i = 0; i < nodes; i++)
        c.settled[i] = combination->nodes[i].probability == 1;
    build(&c);
    if (c.status == ASSAY_OK && !finish(&c, arena, circuit))
        c.status = ASSAY_ERROR_MEMORY;
    free(c.known);
    free(c.leaves);
    free(c.chances);
    free(c.uses);
    if (c.status == ASSAY_ERROR_LIMIT)
        return assay_error_at(
            error, c.status, path, line,
            "findings and exhibits are too entangled to combine exactly: expected "
            "fewer findings that rest on exhibits of several sources at once");
    if (c.status != ASSAY_OK)
        return assay_error_at(error, c.status, NULL, 0, "out of memory");
    return ASSAY_OK;
}
