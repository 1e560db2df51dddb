/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking behind disguises. With A's residual stream turned into B's (turn.c, from embeddings
 * alone), every feed-forward unit has three vectors to be found by: what its gate reads, what its
 * up row reads, what its down column writes.
 *   - Units that keep their number: the exact test of axes.c, for the turn knows nothing of them.
 *   - Units that do not: do gate, up and down find the same unit of B? Some units are found by
 *     every network ("universal"), so this has no exact null. assay_lineage_agreement_tail grants
 *     each unit a chance of being one: UNIVERSAL_SHARE, and besides as much as is seen to agree
 *     when the parts come from different layers of A.
 * All feed-forward parts of A (layers, experts) against all of B, so that layers left out, doubled
 * or moved, and experts that were copied or renumbered, are seen.
 */
#include "lineage/blocks.h"
#include "lineage/turn.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_SAMPLED 256
#define UNIVERSAL_SHARE 0.1
#define SMALL_WORK 1e8
#define CHEAP_WORK 4e9
#define MOST_WORK 4e11 /* multiplications: about half a minute on one core */
#define COPIES 0.5     /* of units of two blocks of A that find the same units: one is a copy */

/* ---- matching one block with one block ----------------------------------------------- */

static struct found *found_of(const struct search *s, size_t ba, size_t bb)
{
    return &s->all[ba * s->b.block_count + bb];
}

/* How much longer B's units are than those of A that they match, and which are negated. */
static void compare_lengths(struct search *s, size_t count, size_t units_b, struct found *f)
{
    for (size_t i = 0; i < count; i++) {
        size_t best = f->best[PART_UP][i];
        if (best == MATCH_NONE || !(s->lengths_a[i] > 0))
            continue;
        float ratio = s->lengths_b[best % units_b] / s->lengths_a[i];
        f->ratio[i] = best >= units_b ? -ratio : ratio;
    }
}

/* One thread for small matchings: to wake others would take longer. */
static struct assay_context context_for(const struct search *s, size_t units_b)
{
    struct assay_context context = *s->c->context;
    if ((double)s->n * (double)units_b * (double)s->a.width < SMALL_WORK)
        context.threads = 1;
    return context;
}

static assay_status match_part(struct search *s, const struct units *a, const struct units *b,
                               size_t units_b, struct found *to, enum part part)
{
    to->best[part] = assay_arena_alloc(s->c->arena, s->n, sizeof(size_t));
    to->score[part] = assay_arena_alloc(s->c->arena, s->n, sizeof(float));
    if (!to->best[part] || !to->score[part])
        return compare_no_memory(s->c);
    struct assay_context context = context_for(s, b->count);
    ASSAY_TRY(match_best(&context, a, b, to->best[part], to->score[part], s->c->error));
    if (part == PART_UP) {
        to->ratio = assay_arena_alloc(s->c->arena, s->n, sizeof(float));
        if (!to->ratio)
            return compare_no_memory(s->c);
        compare_lengths(s, a->count, units_b, to);
    }
    for (size_t i = 0; i < a->count; i++)
        if (to->best[part][i] != MATCH_NONE)
            to->best[part][i] %= units_b; /* the second half are the first, negated */
    return ASSAY_OK;
}

/* A gate's sign matters; where names are hidden nobody knows which part is the gate. */
static bool both_signs(const struct search *s, enum part part)
{
    return part != PART_GATE || s->c->lent;
}

static assay_status match_block(struct search *s, size_t ba, const struct units *a, enum part part)
{
    for (size_t bb = 0; bb < s->b.block_count; bb++) {
        const struct body_block *block = &s->b.blocks[bb];
        struct units b = {0};
        ASSAY_TRY(body_units(block, part, block->units, both_signs(s, part), NULL, &b, s->unused,
                             s->lengths_b, &s->c->result->bytes_read, s->c->error));
        assay_status status = match_part(s, a, &b, (size_t)block->units, found_of(s, ba, bb), part);
        units_free(&b);
        ASSAY_TRY(status);
    }
    return ASSAY_OK;
}

/* What a partial turn keeps of the length of A's up rows: cosines are that much too small. */
static assay_status measure_kept(struct search *s)
{
    double turned = 0, whole = 0;
    s->kept = 1;
    for (size_t ba = 0; ba < s->a.block_count && s->turn.partial; ba++)
        for (int side = 0; side < 2; side++) {
            struct units a = {0};
            ASSAY_TRY(body_units(&s->a.blocks[ba], PART_UP, s->n, false, side ? &s->turn : NULL, &a,
                                 s->numbers, s->lengths_a, &s->c->result->bytes_read, s->c->error));
            for (size_t i = 0; i < a.count; i++)
                *(side ? &turned : &whole) += (double)s->lengths_a[i] * (double)s->lengths_a[i];
            units_free(&a);
        }
    if (s->turn.partial && whole > 0 && turned > 0)
        s->kept = fmin(1, sqrt(turned / whole));
    return ASSAY_OK;
}

static assay_status match_all(struct search *s)
{
    for (size_t ba = 0; ba < s->a.block_count; ba++)
        for (int part = s->gated ? PART_GATE : PART_UP; part < PART_COUNT; part++) {
            struct units a = {0};
            ASSAY_TRY(body_units(&s->a.blocks[ba], (enum part)part, s->n, false, &s->turn, &a,
                                 s->numbers, s->lengths_a, &s->c->result->bytes_read, s->c->error));
            assay_status status = match_block(s, ba, &a, (enum part)part);
            units_free(&a);
            ASSAY_TRY(status);
        }
    return ASSAY_OK;
}

/* ---- counting ------------------------------------------------------------------------ */

static size_t number_of(const struct search *s, size_t ba, size_t i)
{
    return (size_t)((double)i * (double)s->a.blocks[ba].units / (double)s->n);
}

static size_t fixed(const struct search *s, size_t ba, const struct found *f, size_t *increasing)
{
    size_t count = 0;
    for (size_t i = 0; i < s->n; i++)
        count += f->best[PART_UP][i] == number_of(s, ba, i);
    if (!match_increasing(f->best[PART_UP], s->n, increasing))
        *increasing = 0;
    return count;
}

/* Whether all parts find unit i alike; x gives the up and down parts, y the gate (or down) part. */
static bool agree(const struct search *s, const struct found *x, const struct found *y, size_t i)
{
    size_t up = x->best[PART_UP][i];
    if (!s->gated)
        return up != MATCH_NONE && up == y->best[PART_DOWN][i];
    return up != MATCH_NONE && up == y->best[PART_GATE][i] && up == x->best[PART_DOWN][i];
}

bool blocks_agree(const struct search *s, const struct found *f, size_t i)
{
    return agree(s, f, f, i);
}

static size_t agreeing(const struct search *s, const struct found *x, const struct found *y)
{
    size_t count = 0;
    for (size_t i = 0; i < s->n; i++)
        count += agree(s, x, y, i);
    return count;
}

/* Of two blocks of A, the units that find the same unit of a block of B. */
static double in_common(const struct search *s, const struct found *x, const struct found *y)
{
    size_t count = 0;
    for (size_t i = 0; i < s->n; i++)
        count += x->best[PART_UP][i] != MATCH_NONE && x->best[PART_UP][i] == y->best[PART_UP][i];
    return (double)count / (double)s->n;
}

/* The most units that agree when the gate's part comes from another block of A, copies left out. */
static size_t agreeing_by_chance(const struct search *s, size_t ba, size_t bb)
{
    size_t most = 0;
    const struct found *own = found_of(s, ba, bb);
    for (size_t other = 0; other < s->a.block_count; other++) {
        const struct found *theirs = found_of(s, other, bb);
        if (other == ba || in_common(s, own, theirs) > COPIES)
            continue;
        size_t n = agreeing(s, own, theirs);
        most = n > most ? n : most;
    }
    return most;
}

/* ---- what it says -------------------------------------------------------------------- */

static int by_value(const void *x, const void *y)
{
    float a = *(const float *)x, b = *(const float *)y;
    return (a > b) - (a < b);
}

/* Over parts of units that agree, the least twentieth left out: some agree by chance. */
static double mean_score(const struct search *s, const struct found *f)
{
    double sum = 0;
    size_t count = 0;
    for (size_t i = 0; i < s->n; i++)
        for (int part = s->gated ? PART_GATE : PART_UP; part < PART_COUNT; part++)
            if (agree(s, f, f, i))
                s->scores[count++] = f->score[part][i];
    qsort(s->scores, count, sizeof *s->scores, by_value);
    size_t first = (count + 19) / 20;
    for (size_t i = first; i < count; i++)
        sum += (double)s->scores[i];
    return count > first ? fmin(1, sum / (double)(count - first) / s->kept) : 0;
}

static struct outcome judge(const struct search *s, size_t ba, size_t bb)
{
    const struct found *f = found_of(s, ba, bb);
    struct outcome o = {.a = ba, .b = bb, .log10_p = 0};
    size_t m = (size_t)s->b.blocks[bb].units;
    bool same_count = s->a.blocks[ba].units == s->b.blocks[bb].units;
    o.fixed = fixed(s, ba, f, &o.increasing);
    o.agreeing = agreeing(s, f, f);
    o.cosine = mean_score(s, f);
    double chance = (double)agreeing_by_chance(s, ba, bb) / (double)s->n;
    o.exact_log10_p = assay_lineage_increasing_tail(o.increasing, s->n);
    if (same_count)
        o.exact_log10_p = fmin(o.exact_log10_p, assay_lineage_fixed_tail(o.fixed, s->n, m));
    double agreement = s->n <= m ? assay_lineage_agreement_tail(o.agreeing, s->n, m,
                                                                fmin(1, UNIVERSAL_SHARE + chance))
                                 : 0;
    double family = log10(3.0 * (double)s->pairs) + s->c->log10_choices;
    o.exact_log10_p = fmin(0, o.exact_log10_p + family);
    o.log10_p = fmin(o.exact_log10_p, fmin(0, agreement + family));
    size_t most = o.fixed > o.agreeing ? o.fixed : o.agreeing;
    if (!same_count && o.increasing > most)
        most = o.increasing;
    o.share = (double)most / (double)s->n;
    return o;
}

static assay_status add_match(struct search *s, const struct outcome *o)
{
    bool by_number = o->exact_log10_p <= o->log10_p;
    const char *how = turn_is_identity(&s->turn) ? "as numbered"
                      : s->turn.to               ? "after renumbering the residual stream"
                                                 : "after turning the residual stream";
    char *method = assay_arena_print(s->c->arena, "%s, %s", how,
                                     by_number ? "units by number"
                                               : "gate, up and down finding the same unit");
    struct assay_lineage_match match = {.a = s->a.blocks[o->a].part[PART_UP]->tensor->name,
                                        .b = s->b.blocks[o->b].part[PART_UP]->tensor->name,
                                        .axis = "units",
                                        .units_a = s->n,
                                        .units_b = (size_t)s->b.blocks[o->b].units,
                                        .fixed = o->fixed,
                                        .increasing = o->increasing,
                                        .agreeing = o->agreeing,
                                        .cosine = o->cosine,
                                        .log10_p = o->log10_p,
                                        .exact = by_number,
                                        .method = method};
    return method ? compare_add_match(s->c, &match) : compare_no_memory(s->c);
}

static bool is_better(const struct outcome *x, const struct outcome *y)
{
    return x->share != y->share ? x->share > y->share : x->cosine > y->cosine;
}

static assay_status search(struct search *s)
{
    s->all = assay_arena_alloc(s->c->arena, s->pairs, sizeof *s->all);
    s->of_a = assay_arena_alloc(s->c->arena, s->a.block_count, sizeof *s->of_a);
    s->of_b = assay_arena_alloc(s->c->arena, s->b.block_count, sizeof *s->of_b);
    s->shares = assay_arena_alloc(s->c->arena, s->pairs, sizeof *s->shares);
    if (!s->all || !s->of_a || !s->of_b || !s->shares)
        return compare_no_memory(s->c);
    ASSAY_TRY(measure_kept(s));
    ASSAY_TRY(match_all(s));
    for (size_t bb = 0; bb < s->b.block_count; bb++)
        for (size_t ba = 0; ba < s->a.block_count; ba++) {
            struct outcome o = judge(s, ba, bb);
            s->shares[ba * s->b.block_count + bb] = o.share;
            if (ba == 0 || is_better(&o, &s->of_b[bb]))
                s->of_b[bb] = o;
            if (bb == 0 || is_better(&o, &s->of_a[ba]))
                s->of_a[ba] = o;
        }
    for (size_t bb = 0; bb < s->b.block_count; bb++)
        ASSAY_TRY(add_match(s, &s->of_b[bb]));
    ASSAY_TRY(blocks_conclude(s));
    ASSAY_TRY(blocks_by_layer(s));
    return compare_heads(s);
}

/* The least number of units of any block, and whether the work is within reason. */
static bool is_feasible(struct search *s)
{
    uint64_t least = UINT64_MAX, most = 0;
    const struct body *bodies[2] = {&s->a, &s->b};
    s->gated = s->a.gated && s->b.gated;
    for (int side = 0; side < 2; side++)
        for (size_t i = 0; i < bodies[side]->block_count; i++) {
            uint64_t units = bodies[side]->blocks[i].units;
            least = units < least ? units : least;
            most = side && units > most ? units : most;
        }
    s->n = (size_t)(least < MOST_SAMPLED ? least : MOST_SAMPLED);
    s->pairs = s->a.block_count * s->b.block_count;
    double work = 5.0 * (double)s->n * (double)most * (double)s->a.width * (double)s->pairs;
    s->numbers = assay_arena_alloc(s->c->arena, s->n, sizeof(size_t));
    s->scores = assay_arena_alloc(s->c->arena, s->n * PART_COUNT, sizeof(float));
    s->unused = assay_arena_alloc(s->c->arena, (size_t)most, sizeof(size_t));
    s->lengths_a = assay_arena_alloc(s->c->arena, s->n, sizeof(float));
    s->lengths_b = assay_arena_alloc(s->c->arena, (size_t)most, sizeof(float));
    double least_p = 0;
    for (size_t i = 0; i < s->c->match_count; i++)
        least_p = fmin(least_p, s->c->matches[i].log10_p);
    if (least_p < -30 && s->a.block_count == s->b.block_count && work > CHEAP_WORK)
        return false; /* as numbered, it is plain enough */
    return s->lengths_a && s->lengths_b && s->n >= 16 && work < MOST_WORK && s->numbers &&
           s->unused && s->scores;
}

/*
 * Where one side's names are hidden its norms are not known. Who turns the residual stream folds
 * them into the weights, and the other side's must be folded too; else neither's.
 */
static void forget_norms(struct search *s)
{
    for (size_t i = 0; i < s->a.block_count; i++)
        s->a.blocks[i].norm = NULL;
    for (size_t i = 0; i < s->b.block_count; i++)
        s->b.blocks[i].norm = NULL;
}

assay_status compare_disguised(struct comparing *c)
{
    struct search s = {.c = c};
    bool found;
    if (!body_find(c->file_a, &c->a, c->arena, &s.a) ||
        !body_find(c->file_b, &c->b, c->arena, &s.b) || s.a.width != s.b.width || !is_feasible(&s))
        return ASSAY_OK;
    ASSAY_TRY(turn_find(c->context, s.a.embedding, s.b.embedding, &s.turn, &found,
                        &c->result->bytes_read, c->error));
    if (found && c->lent && !s.turn.q)
        forget_norms(&s);
    assay_status status = found ? search(&s) : ASSAY_OK;
    turn_free(&s.turn);
    return status;
}
