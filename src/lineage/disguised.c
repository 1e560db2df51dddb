/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking behind disguises. With A's residual stream turned into B's (turn.c, from embeddings
 * alone), every feed-forward unit has three vectors to be found by: what its gate reads, what its
 * up row reads, what its down column writes.
 *   - Units that keep their number: the exact test of axes.c, for the turn knows nothing of them.
 *   - Units that do not: do gate, up and down find the same unit of B? In independent models the
 *     three would have to agree by chance, P(k of n) <= C(n,k)(m-k)!/m! were they independent. That
 *     is not exact: some units are found by every network. So a tenth of the units, and as many
 *     as agree when the parts are taken from different layers of A, are not counted.
 * All layers of A against all of B, so that layers left out, doubled or moved are seen.
 */
#include "lineage/compare.h"
#include "lineage/turn.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_SAMPLED 256
#define UNIVERSAL_SHARE 0.1
#define CHEAP_WORK 4e9
#define MOST_WORK 4e11 /* multiplications: about half a minute on one core */
#define MATCHED_SHARE 0.3

/* For each sampled unit of one layer of A and each part: the unit of one layer of B. */
struct found {
    size_t *best[PART_COUNT];
    float *score[PART_COUNT];
    float *ratio; /* of up rows: B's length to A's, negative if B's is negated; 0: unknown */
};

struct search {
    struct comparing *c;
    struct body a, b;
    struct turn turn;
    size_t n, pairs;
    bool gated;
    struct found *all; /* [layer of a][layer of b] */
    size_t *numbers, *unused;
    float *lengths_a, *lengths_b;
};

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

/* ---- matching one layer with one layer ----------------------------------------------- */

static assay_status match_part(struct search *s, const struct units *a, const struct units *b,
                               size_t units_b, struct found *to, enum part part)
{
    to->best[part] = assay_arena_alloc(s->c->arena, s->n, sizeof(size_t));
    to->score[part] = assay_arena_alloc(s->c->arena, s->n, sizeof(float));
    if (!to->best[part] || !to->score[part])
        return compare_no_memory(s->c);
    ASSAY_TRY(match_best(s->c->context, a, b, to->best[part], to->score[part], s->c->error));
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

static assay_status match_layer(struct search *s, size_t la, const struct units *a, enum part part)
{
    for (size_t lb = 0; lb < s->b.layer_count; lb++) {
        const struct body_layer *layer = &s->b.layers[lb];
        struct units b = {0};
        ASSAY_TRY(body_units(layer, part, layer->units, part != PART_GATE, NULL, &b, s->unused,
                             s->lengths_b, &s->c->result->bytes_read, s->c->error));
        assay_status status =
            match_part(s, a, &b, (size_t)layer->units, &s->all[la * s->b.layer_count + lb], part);
        units_free(&b);
        ASSAY_TRY(status);
    }
    return ASSAY_OK;
}

static assay_status match_all(struct search *s)
{
    for (size_t la = 0; la < s->a.layer_count; la++)
        for (int part = s->gated ? PART_GATE : PART_UP; part < PART_COUNT; part++) {
            struct units a = {0};
            ASSAY_TRY(body_units(&s->a.layers[la], (enum part)part, s->n, false, &s->turn, &a,
                                 s->numbers, s->lengths_a, &s->c->result->bytes_read, s->c->error));
            assay_status status = match_layer(s, la, &a, (enum part)part);
            units_free(&a);
            ASSAY_TRY(status);
        }
    return ASSAY_OK;
}

/* ---- parts that were grouped by guess ------------------------------------------------ */

/* How well units of one part of A find units in a part of B: the mean best scalar product. */
static assay_status part_score(struct search *s, const struct units *a, size_t lb, enum part part,
                               struct found *room, double *score)
{
    const struct body_layer *layer = &s->b.layers[lb];
    struct units b = {0};
    ASSAY_TRY(body_units(layer, part, layer->units, true, NULL, &b, s->unused, s->lengths_b,
                         &s->c->result->bytes_read, s->c->error));
    assay_status status =
        match_best(s->c->context, a, &b, room->best[0], room->score[0], s->c->error);
    units_free(&b);
    *score = 0;
    for (size_t i = 0; i < a->count && status == ASSAY_OK; i++)
        *score += (double)room->score[0][i] / (double)a->count;
    return status;
}

/* The part of B, not yet given away, that one part of A finds itself in best. */
static assay_status best_part(struct search *s, size_t la, enum part part, struct found *room,
                              bool *given, const struct matrix **chosen)
{
    struct units a = {0};
    double best = -1, score = -1;
    size_t best_at = 0;
    ASSAY_TRY(body_units(&s->a.layers[la], part, s->n, false, &s->turn, &a, s->numbers,
                         s->lengths_a, &s->c->result->bytes_read, s->c->error));
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < s->b.layer_count * PART_COUNT && status == ASSAY_OK; i++) {
        enum part other = (enum part)(i % PART_COUNT);
        if (given[i] || (part == PART_DOWN) != (other == PART_DOWN) ||
            !s->b.layers[i / PART_COUNT].part[other])
            continue;
        status = part_score(s, &a, i / PART_COUNT, other, room, &score);
        if (score > best) {
            best = score;
            best_at = i;
        }
    }
    units_free(&a);
    if (status == ASSAY_OK && best >= 0) {
        given[best_at] = true;
        *chosen = s->b.layers[best_at / PART_COUNT].part[best_at % PART_COUNT];
    }
    return status;
}

/*
 * Lent roles may set one layer's gate beside another's up row. Put B's parts together by which of
 * A's they are most like, which says nothing of how units are numbered.
 */
static assay_status regroup(struct search *s)
{
    size_t count = s->b.layer_count * PART_COUNT;
    struct body_layer *layers = assay_arena_alloc(s->c->arena, s->b.layer_count, sizeof *layers);
    bool *given = assay_arena_alloc(s->c->arena, count, sizeof *given);
    struct found room = {.best = {assay_arena_alloc(s->c->arena, s->n, sizeof(size_t))},
                         .score = {assay_arena_alloc(s->c->arena, s->n, sizeof(float))}};
    if (!layers || !given || !room.best[0] || !room.score[0])
        return compare_no_memory(s->c);
    for (size_t l = 0; l < s->b.layer_count; l++) {
        layers[l] = s->b.layers[l];
        for (int part = s->gated ? PART_GATE : PART_UP; part < PART_COUNT; part++)
            ASSAY_TRY(best_part(s, l, (enum part)part, &room, given, &layers[l].part[part]));
    }
    s->b.layers = layers;
    return ASSAY_OK;
}

/* ---- counting ------------------------------------------------------------------------ */

static size_t fixed(const struct search *s, const struct found *f, size_t *increasing)
{
    size_t count = 0;
    for (size_t i = 0; i < s->n; i++)
        count += f->best[PART_UP][i] == s->numbers[i];
    if (!match_increasing(f->best[PART_UP], s->n, increasing))
        *increasing = 0;
    return count;
}

/* Whether all parts find unit i alike; x gives the up and down parts, y the gate (or down) part. */
static bool agrees(const struct search *s, const struct found *x, const struct found *y, size_t i)
{
    size_t up = x->best[PART_UP][i];
    if (!s->gated)
        return up != MATCH_NONE && up == y->best[PART_DOWN][i];
    return up != MATCH_NONE && up == y->best[PART_GATE][i] && up == x->best[PART_DOWN][i];
}

static size_t agreeing(const struct search *s, const struct found *x, const struct found *y)
{
    size_t count = 0;
    for (size_t i = 0; i < s->n; i++)
        count += agrees(s, x, y, i);
    return count;
}

/* Over units on which all parts agree: what was done to their lengths and signs. */
struct lengths {
    double log_ratio, log_ratio_squared, negated, compared;
};

static void add_lengths(const struct search *s, const struct found *f, struct lengths *l)
{
    for (size_t i = 0; i < s->n; i++) {
        double ratio = fabs((double)f->ratio[i]);
        if (!agrees(s, f, f, i) || !(ratio > 0) || !isfinite(ratio))
            continue;
        l->compared += 1;
        l->negated += f->ratio[i] < 0;
        l->log_ratio += log(ratio);
        l->log_ratio_squared += log(ratio) * log(ratio);
    }
}

static size_t agreeing_by_chance(const struct search *s, size_t la, size_t lb)
{
    size_t most = 0;
    for (size_t other = 0; other < s->a.layer_count; other++) {
        if (other == la)
            continue;
        size_t n = agreeing(s, &s->all[la * s->b.layer_count + lb],
                            &s->all[other * s->b.layer_count + lb]);
        most = n > most ? n : most;
    }
    return most;
}

/* ---- what it says -------------------------------------------------------------------- */

struct outcome {
    size_t la, lb, fixed, increasing, agreeing;
    double log10_p, exact_log10_p, cosine;
};

static double mean_score(const struct search *s, const struct found *f)
{
    double sum = 0;
    for (size_t i = 0; i < s->n; i++)
        sum += (double)f->score[PART_UP][i];
    return sum / (double)s->n;
}

static struct outcome judge(const struct search *s, size_t la, size_t lb)
{
    const struct found *f = &s->all[la * s->b.layer_count + lb];
    struct outcome o = {.la = la, .lb = lb, .log10_p = 0};
    size_t m = (size_t)s->b.layers[lb].units, own = (size_t)s->a.layers[la].units;
    o.fixed = fixed(s, f, &o.increasing);
    o.agreeing = agreeing(s, f, f);
    o.cosine = mean_score(s, f);
    size_t spared = agreeing_by_chance(s, la, lb) + (size_t)ceil(UNIVERSAL_SHARE * (double)s->n);
    size_t counted = o.agreeing > spared ? o.agreeing - spared : 0;
    o.exact_log10_p = assay_lineage_increasing_tail(o.increasing, s->n);
    if (own == m)
        o.exact_log10_p = fmin(o.exact_log10_p, assay_lineage_fixed_tail(o.fixed, s->n, m));
    double agreement = s->n <= m ? assay_lineage_fixed_tail(counted, s->n, m) : 0;
    double family = log10(3.0 * (double)s->pairs);
    o.exact_log10_p = fmin(0, o.exact_log10_p + family);
    o.log10_p = fmin(o.exact_log10_p, fmin(0, agreement + family));
    return o;
}

/* The share of coordinates that the turn leaves where they are. */
static bool is_identity(const struct turn *t)
{
    size_t same = 0;
    for (uint64_t c = 0; t->to && c < t->width; c++)
        same += t->to[c] == c;
    return t->to && same == t->width;
}

static assay_status add_match(struct search *s, const struct outcome *o)
{
    bool by_number = o->exact_log10_p <= o->log10_p;
    s->c->seen.by_agreement = s->c->seen.by_agreement || !by_number;
    const char *how = is_identity(&s->turn) ? "as numbered"
                      : s->turn.to          ? "after renumbering the residual stream"
                                            : "after turning the residual stream";
    char *method = assay_arena_print(s->c->arena, "%s, %s", how,
                                     by_number ? "units by number"
                                               : "gate, up and down finding the same unit");
    struct assay_lineage_match match = {.a = s->a.layers[o->la].part[PART_UP]->tensor->name,
                                        .b = s->b.layers[o->lb].part[PART_UP]->tensor->name,
                                        .axis = "units",
                                        .units_a = s->n,
                                        .units_b = (size_t)s->b.layers[o->lb].units,
                                        .fixed = by_number ? o->fixed : o->agreeing,
                                        .increasing = o->increasing,
                                        .cosine = o->cosine,
                                        .log10_p = o->log10_p,
                                        .method = method};
    return method ? compare_add_match(s->c, &match) : compare_no_memory(s->c);
}

static double share_of(const struct search *s, const struct outcome *o)
{
    size_t most = o->fixed > o->agreeing ? o->fixed : o->agreeing;
    most = s->a.layers[o->la].units != s->b.layers[o->lb].units && o->increasing > most
               ? o->increasing
               : most;
    return (double)most / (double)s->n;
}

static assay_status conclude(struct search *s, const struct outcome *best)
{
    struct disguise_seen *seen = &s->c->seen;
    char *map = assay_arena_copy(s->c->arena, "");
    size_t same_layer = 0, matched = 0, fixed_units = 0, agreeing_units = 0, total = 0;
    double cosine = 0;
    struct lengths lengths = {.compared = 0};
    for (size_t lb = 0; lb < s->b.layer_count && map; lb++) {
        const struct outcome *o = &best[lb];
        if (share_of(s, o) < MATCHED_SHARE || o->log10_p > -6)
            map = assay_arena_print(s->c->arena, "%s%s?", map, lb ? " " : "");
        else {
            map = assay_arena_print(s->c->arena, "%s%s%zu", map, lb ? " " : "", o->la);
            same_layer += o->la == lb;
            matched++;
            const struct found *f = &s->all[o->la * s->b.layer_count + o->lb];
            bool same_count = s->a.layers[o->la].units == s->b.layers[lb].units;
            fixed_units += same_count ? o->fixed : o->increasing;
            add_lengths(s, f, &lengths);
            seen->units_a += (size_t)s->a.layers[o->la].units;
            seen->units_b += (size_t)s->b.layers[lb].units;
            agreeing_units += o->agreeing;
            total += s->n;
            cosine += o->cosine;
        }
        ASSAY_TRY(add_match(s, o));
    }
    if (!map)
        return compare_no_memory(s->c);
    seen->layer_map = map;
    seen->matched_layers = matched;
    seen->layers_a = s->a.layer_count;
    seen->layers_b = s->b.layer_count;
    seen->layers_moved = matched > 0 && ((same_layer < matched && !s->c->lent) ||
                                         s->a.layer_count != s->b.layer_count);
    seen->units_renumbered = total && fixed_units * 2 < agreeing_units;
    seen->agreement = total ? (double)agreeing_units / (double)total : 0;
    seen->cosine = matched ? cosine / (double)matched : (double)NAN;
    seen->residual_renumbered = s->turn.to && !is_identity(&s->turn);
    seen->residual_turned = s->turn.q != NULL;
    double n = fmax(1, lengths.compared), mean = lengths.log_ratio / n;
    seen->negated = lengths.negated / n;
    seen->length_spread = sqrt(fmax(0, lengths.log_ratio_squared / n - mean * mean));
    return ASSAY_OK;
}

static assay_status search(struct search *s)
{
    struct outcome *best = assay_arena_alloc(s->c->arena, s->b.layer_count, sizeof *best);
    s->all = assay_arena_alloc(s->c->arena, s->a.layer_count * s->b.layer_count, sizeof *s->all);
    if (!best || !s->all)
        return compare_no_memory(s->c);
    if (s->c->lent && s->a.layer_count == s->b.layer_count)
        ASSAY_TRY(regroup(s));
    ASSAY_TRY(match_all(s));
    for (size_t lb = 0; lb < s->b.layer_count; lb++)
        for (size_t la = 0; la < s->a.layer_count; la++) {
            struct outcome o = judge(s, la, lb);
            if (la == 0 || share_of(s, &o) > share_of(s, &best[lb]))
                best[lb] = o;
        }
    return conclude(s, best);
}

/* The least number of units of any layer, and whether the work is within reason. */
static bool is_feasible(struct search *s)
{
    uint64_t least = UINT64_MAX, most = 0;
    s->gated = true;
    for (size_t l = 0; l < s->a.layer_count; l++) {
        least = s->a.layers[l].units < least ? s->a.layers[l].units : least;
        s->gated = s->gated && s->a.layers[l].part[PART_GATE];
    }
    for (size_t l = 0; l < s->b.layer_count; l++) {
        least = s->b.layers[l].units < least ? s->b.layers[l].units : least;
        most = s->b.layers[l].units > most ? s->b.layers[l].units : most;
        s->gated = s->gated && s->b.layers[l].part[PART_GATE];
    }
    s->n = (size_t)(least < MOST_SAMPLED ? least : MOST_SAMPLED);
    s->pairs = s->a.layer_count * s->b.layer_count;
    double work = 5.0 * (double)s->n * (double)most * (double)s->a.width * (double)s->pairs;
    s->numbers = assay_arena_alloc(s->c->arena, s->n, sizeof(size_t));
    s->unused = assay_arena_alloc(s->c->arena, (size_t)most, sizeof(size_t));
    s->lengths_a = assay_arena_alloc(s->c->arena, s->n, sizeof(float));
    s->lengths_b = assay_arena_alloc(s->c->arena, (size_t)most, sizeof(float));
    double least_p = 0;
    for (size_t i = 0; i < s->c->match_count; i++)
        least_p = fmin(least_p, s->c->matches[i].log10_p);
    if (least_p < -30 && s->a.layer_count == s->b.layer_count && work > CHEAP_WORK)
        return false; /* as numbered, it is plain enough */
    return s->lengths_a && s->lengths_b && s->n >= 16 && work < MOST_WORK && s->numbers &&
           s->unused;
}

assay_status compare_disguised(struct comparing *c)
{
    struct search s = {.c = c};
    bool found;
    if (!body_find(c->file_a, &c->a, c->arena, &s.a) ||
        !body_find(c->file_b, &c->b, c->arena, &s.b) || s.a.width != s.b.width || !is_feasible(&s))
        return ASSAY_OK;
    ASSAY_TRY(turn_find(c->context, &s.a, &s.b, &s.turn, &found, &c->result->bytes_read, c->error));
    assay_status status = found ? search(&s) : ASSAY_OK;
    turn_free(&s.turn);
    return status;
}
