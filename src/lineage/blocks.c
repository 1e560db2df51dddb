/* SPDX-License-Identifier: Apache-2.0 */
/* What the matching of feed-forward parts tells of layers, experts, units and their lengths. */
#include "lineage/blocks.h"
#include "lineage/turn.h"

#include <math.h>
#include <stdlib.h>

#define MATCHED_SHARE 0.3
#define LEAST_CHANGE 1e-5 /* of energy: less is what turning leaves */

bool blocks_match(const struct outcome *o)
{
    return o->share >= MATCHED_SHARE && o->log10_p <= COMPARE_SIGNIFICANT;
}

/* ---- layers -------------------------------------------------------------------------- */

/* One layer's partner on the other side: that of its best block; -1: none. */
struct layers {
    long *number, *partner; /* as named; by position */
    size_t count;
};

static bool layers_of(struct search *s, bool side_b, struct layers *to)
{
    const struct body *own = side_b ? &s->b : &s->a, *other = side_b ? &s->a : &s->b;
    const struct outcome *best = side_b ? s->of_b : s->of_a;
    double share = 0;
    *to = (struct layers){assay_arena_alloc(s->c->arena, own->block_count, sizeof(long)),
                          assay_arena_alloc(s->c->arena, own->block_count, sizeof(long)), 0};
    if (!to->number || !to->partner)
        return false;
    for (size_t i = 0; i < own->block_count; i++) {
        if (i == 0 || own->blocks[i].layer != own->blocks[i - 1].layer) {
            to->number[to->count] = own->blocks[i].layer;
            to->partner[to->count++] = -1;
            share = 0;
        }
        if (!blocks_match(&best[i]) || best[i].share <= share)
            continue;
        share = best[i].share;
        to->partner[to->count - 1] = other->blocks[side_b ? best[i].a : best[i].b].layer;
    }
    return true;
}

/* Layers that stand for one that another stands for already. */
static size_t repeats(const struct layers *l)
{
    size_t count = 0;
    for (size_t i = 0; i < l->count; i++)
        for (size_t k = 0; k < i; k++)
            if (l->partner[i] >= 0 && l->partner[i] == l->partner[k]) {
                count++;
                break;
            }
    return count;
}

static size_t without_partner(const struct layers *l)
{
    size_t count = 0;
    for (size_t i = 0; i < l->count; i++)
        count += l->partner[i] < 0;
    return count;
}

static bool is_reordered(const struct layers *l)
{
    long last = -1;
    for (size_t i = 0; i < l->count; i++) {
        if (l->partner[i] >= 0 && l->partner[i] < last)
            return true;
        last = l->partner[i] >= 0 ? l->partner[i] : last;
    }
    return false;
}

static assay_status conclude_layers(struct search *s)
{
    struct disguise_seen *seen = &s->c->seen;
    struct layers a, b;
    if (!layers_of(s, false, &a) || !layers_of(s, true, &b))
        return compare_no_memory(s->c);
    char *map = assay_arena_copy(s->c->arena, "");
    for (size_t i = 0; i < b.count && map; i++)
        map = b.partner[i] < 0
                  ? assay_arena_print(s->c->arena, "%s%s?", map, i ? " " : "")
                  : assay_arena_print(s->c->arena, "%s%s%ld", map, i ? " " : "", b.partner[i]);
    if (!map)
        return compare_no_memory(s->c);
    seen->layer_map = map;
    seen->layers_a = a.count;
    seen->layers_b = b.count;
    seen->matched_layers = b.count - without_partner(&b);
    seen->repeated_in_a = repeats(&a);
    seen->repeated_in_b = repeats(&b);
    bool fewer_in_b = b.count - seen->repeated_in_b < a.count - seen->repeated_in_a;
    bool fewer_in_a = a.count - seen->repeated_in_a < b.count - seen->repeated_in_b;
    seen->missing_in_b = fewer_in_b ? without_partner(&a) : 0;
    seen->missing_in_a = fewer_in_a ? without_partner(&b) : 0;
    if (!fewer_in_a && !fewer_in_b)
        seen->replaced = without_partner(&b);
    seen->reordered = !s->c->lent && is_reordered(&b);
    return ASSAY_OK;
}

/* ---- experts ------------------------------------------------------------------------- */

static void conclude_experts(struct search *s)
{
    struct disguise_seen *seen = &s->c->seen;
    bool in_b = s->b.experts && !s->a.experts, in_a = s->a.experts && !s->b.experts;
    size_t moved = 0, experts = 0;
    seen->experts_in_b = in_b;
    for (size_t i = 0; in_b && i < s->b.block_count; i++) {
        seen->experts += s->b.blocks[i].expert >= 0;
        seen->experts_found += s->b.blocks[i].expert >= 0 && blocks_match(&s->of_b[i]);
    }
    for (size_t i = 0; in_a && i < s->a.block_count; i++) {
        seen->experts += s->a.blocks[i].expert >= 0;
        seen->experts_found += s->a.blocks[i].expert >= 0 && blocks_match(&s->of_a[i]);
    }
    for (size_t i = 0; s->a.experts && s->b.experts && i < s->b.block_count; i++) {
        if (s->b.blocks[i].expert < 0 || !blocks_match(&s->of_b[i]))
            continue;
        experts++;
        moved += s->a.blocks[s->of_b[i].a].expert != s->b.blocks[i].expert;
    }
    seen->experts_renumbered = experts > 0 && moved * 4 > experts;
}

/* ---- units --------------------------------------------------------------------------- */

/* Over units on which all parts agree: what was done to their lengths and signs. */
struct lengths {
    double log_ratio, log_ratio_squared, negated, compared;
};

static void add_lengths(const struct search *s, const struct found *f, struct lengths *l)
{
    for (size_t i = 0; i < s->n; i++) {
        double ratio = fabs((double)f->ratio[i]);
        if (!blocks_agree(s, f, i) || !(ratio > 0) || !isfinite(ratio))
            continue;
        l->compared += 1;
        l->negated += f->ratio[i] < 0;
        l->log_ratio += log(ratio);
        l->log_ratio_squared += log(ratio) * log(ratio);
    }
}

static void conclude_units(struct search *s)
{
    struct disguise_seen *seen = &s->c->seen;
    struct lengths lengths = {.compared = 0};
    size_t fixed = 0, agreeing = 0, total = 0, matched = 0;
    double cosine = 0;
    for (size_t i = 0; i < s->b.block_count; i++) {
        const struct outcome *o = &s->of_b[i];
        if (!blocks_match(o))
            continue;
        bool same_count = s->a.blocks[o->a].units == s->b.blocks[o->b].units;
        matched++;
        fixed += same_count ? o->fixed : o->increasing;
        agreeing += o->agreeing;
        total += s->n;
        cosine += o->cosine;
        add_lengths(s, &s->all[o->a * s->b.block_count + o->b], &lengths);
        seen->units_a += (size_t)s->a.blocks[o->a].units;
        seen->units_b += (size_t)s->b.blocks[o->b].units;
    }
    seen->units_renumbered = total && fixed * 2 < agreeing;
    seen->agreement = total ? (double)agreeing / (double)total : 0;
    seen->cosine = matched ? cosine / (double)matched : (double)NAN;
    double n = fmax(1, lengths.compared), mean = lengths.log_ratio / n;
    seen->negated = lengths.negated / n;
    seen->length_spread = sqrt(fmax(0, lengths.log_ratio_squared / n - mean * mean));
}

/* ---- differences --------------------------------------------------------------------- */

/* Up rows of units that were found, less those of A, both at their own lengths. */
static assay_status rank_of_difference(struct search *s, const struct outcome *o)
{
    const struct body_block *x = &s->a.blocks[o->a], *y = &s->b.blocks[o->b];
    const struct found *f = &s->all[o->a * s->b.block_count + o->b];
    struct disguise_seen *seen = &s->c->seen;
    struct units a = {0}, b = {0};
    size_t width = (size_t)s->a.width, count = 0, rank = 0;
    double energy = 0, all = 0;
    ASSAY_TRY(body_units(x, PART_UP, s->n, false, &s->turn, &a, s->numbers, s->lengths_a,
                         &s->c->result->bytes_read, s->c->error));
    assay_status status = body_units(y, PART_UP, y->units, false, NULL, &b, s->unused, s->lengths_b,
                                     &s->c->result->bytes_read, s->c->error);
    float *rows = calloc(s->n * width + 1, sizeof *rows);
    if (status == ASSAY_OK && !rows)
        status = compare_no_memory(s->c);
    for (size_t i = 0; i < s->n && status == ASSAY_OK; i++) {
        size_t at = f->best[PART_UP][i];
        if (!blocks_agree(s, f, i) || f->score[PART_UP][i] < 0.8f)
            continue;
        for (size_t c = 0; c < width; c++) {
            float own = a.values[i * a.width + c] * s->lengths_a[i];
            float less = b.values[at * b.width + c] * s->lengths_b[at] - own;
            rows[count * width + c] = less;
            energy += (double)less * (double)less;
            all += (double)own * (double)own;
        }
        count++;
    }
    if (status == ASSAY_OK && count >= 16 && energy > LEAST_CHANGE * all) {
        status = compare_rows_rank(s->c, rows, count, width, &rank);
        seen->differences++;
        seen->low_differences += rank > 0;
        seen->most_rank = rank > seen->most_rank ? rank : seen->most_rank;
    }
    free(rows);
    units_free(&a);
    units_free(&b);
    return status;
}

static assay_status conclude_differences(struct search *s)
{
    const struct disguise_seen *seen = &s->c->seen;
    bool scaled = seen->negated > 0.05 || seen->length_spread > 0.25 || s->turn.partial;
    for (size_t i = 0, looked = 0; i < s->b.block_count && looked < 4 && !scaled; i++) {
        if (!blocks_match(&s->of_b[i]) || !(s->of_b[i].cosine > 0.8))
            continue;
        ASSAY_TRY(rank_of_difference(s, &s->of_b[i]));
        looked++;
    }
    return ASSAY_OK;
}

assay_status blocks_conclude(struct search *s)
{
    struct disguise_seen *seen = &s->c->seen;
    ASSAY_TRY(conclude_layers(s));
    conclude_experts(s);
    conclude_units(s);
    seen->residual_renumbered = s->turn.to && !turn_is_identity(&s->turn);
    seen->residual_turned = s->turn.q != NULL;
    return conclude_differences(s);
}
