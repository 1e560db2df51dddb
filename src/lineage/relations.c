/* SPDX-License-Identifier: Apache-2.0 */
/* What the comparison amounts to: relations, direction, limits, each with its numbers. */
#include "lineage/relations.h"

#include <math.h>
#include <string.h>

#define MOST_RELATIONS 12
#define TUNED_COSINE 0.85
#define NORMS_COSINE 0.98 /* where names are hidden: what norms that were not folded leave */

double relation_cosine(const struct likeness *l)
{
    return l->aa > 0 && l->bb > 0 ? l->dot / sqrt(l->aa * l->bb) : (double)NAN;
}

static bool in_blocks(enum assay_dtype dtype)
{
    size_t elements, bytes;
    assay_dtype_block(dtype, &elements, &bytes);
    return elements > 1;
}

/* Of several partners that one tensor of A was given, the most like it. */
static const struct pair *best_partner(const struct comparing *c, size_t first, size_t *next)
{
    const struct pair *best = NULL;
    size_t i = first;
    for (; i < c->pair_count && c->pairs[i].a == c->pairs[first].a; i++)
        if (c->pairs[i].same_shape &&
            (!best || relation_cosine(&c->pairs[i].like) > relation_cosine(&best->like)))
            best = &c->pairs[i];
    *next = i;
    return best;
}

/* Whether no other tensor of A is more like that tensor of B. */
static bool is_mutual(const struct comparing *c, const struct pair *p)
{
    for (size_t i = 0; i < c->pair_count; i++)
        if (c->pairs[i].b == p->b && c->pairs[i].same_shape &&
            relation_cosine(&c->pairs[i].like) > relation_cosine(&p->like))
            return false;
    return true;
}

static void summarise(const struct comparing *c, struct compare_summary *s)
{
    memset(s, 0, sizeof *s);
    s->least_cosine = NAN;
    for (size_t i = 0; i < c->pair_count;) {
        const struct pair *p = best_partner(c, i, &i);
        if (!p || !is_mutual(c, p))
            continue;
        s->same_shape++;
        likeness_add(&s->all, &p->like);
        s->unchanged += p->like.elements > 0 && p->like.equal >= p->like.elements;
        s->least_cosine = fmin(s->least_cosine, relation_cosine(&p->like));
        if (in_blocks(p->a->tensor->dtype)) {
            s->block_a++;
            s->block_type_a = assay_dtype_name(p->a->tensor->dtype);
        }
        if (in_blocks(p->b->tensor->dtype)) {
            s->block_b++;
            s->block_type_b = assay_dtype_name(p->b->tensor->dtype);
        }
    }
    for (size_t i = 0; i < c->a.count; i++)
        s->ignored_a += c->a.list[i].ignored != NULL;
    for (size_t i = 0; i < c->b.count; i++)
        s->ignored_b += c->b.list[i].ignored != NULL;
    s->cosine = relation_cosine(&s->all);
}

/* ---- relations ----------------------------------------------------------------------------------
 */

void relation_add(struct relation_writer *w, const char *kind, double share, const char *note)
{
    struct assay_lineage_comparison *r = w->c->result;
    if (!note)
        w->short_of_memory = true;
    else if (r->relation_count < MOST_RELATIONS)
        w->relations[r->relation_count++] = (struct assay_lineage_relation){
            .kind = kind, .note = note, .share = share, .rank = NAN};
}

void relation_direction(struct relation_writer *w, enum assay_lineage_direction to,
                        const char *note)
{
    w->c->result->direction = to;
    w->c->result->direction_note = note;
}

static bool same_bytes(const struct comparing *c)
{
    const struct assay_checkpoint *a = c->file_a, *b = c->file_b;
    if (a->file_count != b->file_count || a->file_count == 0)
        return false;
    for (size_t i = 0; i < a->file_count; i++)
        if (a->files[i].size != b->files[i].size ||
            memcmp(a->files[i].bytes, b->files[i].bytes, a->files[i].size) != 0)
            return false;
    return true;
}

static bool identical(struct relation_writer *w)
{
    const struct compare_summary *s = &w->s;
    if (same_bytes(w->c)) {
        relation_add(w, "identical", 1, "The files are the same bytes.");
        return true;
    }
    bool all_of_a = s->same_shape == w->c->a.count - s->ignored_a;
    bool all_of_b = s->same_shape == w->c->b.count - s->ignored_b;
    if (!(s->all.elements > 0) || s->all.equal < s->all.elements || (!all_of_a && !all_of_b) ||
        relations_disguised(&w->c->seen))
        return false;
    const char *rest = all_of_a && all_of_b ? "the files differ otherwise"
                       : all_of_b           ? "A holds other tensors besides"
                                            : "B holds other tensors besides";
    relation_add(w, "identical", 1,
                 assay_arena_print(w->c->arena, "All %.0f compared weights are bit-equal; %s.",
                                   s->all.elements, rest));
    return true;
}

/* What a cosine leaves open; stages say more where they can (training.c). The figures are those of
 * docs/stages.md. */
static const char *const left_open =
    "One was trained on, or both from one, for a short way; or one initialisation was trained "
    "apart: two short trainings of a seed on other data left cosines of .87 to .998.";
static const char *const little_left =
    "A common initialisation, or training so long that little else is left.";
static const char *const long_way =
    "Trained a long way from common weights, or from one initialisation apart.";

/* By units that were found under other numbers, in other layers or turned. */
static void changed_units(struct relation_writer *w)
{
    double cosine = w->c->seen.cosine;
    const char *kind = cosine >= TUNED_COSINE             ? "fine-tuned"
                       : cosine >= COMPARE_TRAINED_COSINE ? "continued-training"
                                                          : "shared-initialisation";
    relation_add(w, kind, 1,
                 assay_arena_print(w->c->arena,
                                   "Feed-forward units, laid over each other, have a cosine of "
                                   "%.4f. %s",
                                   cosine,
                                   cosine >= TUNED_COSINE             ? left_open
                                   : cosine >= COMPARE_TRAINED_COSINE ? long_way
                                                                      : little_left));
}

static void changed_values(struct relation_writer *w)
{
    const struct compare_summary *s = &w->s;
    struct assay_arena *arena = w->c->arena;
    double equal = s->all.elements > 0 ? s->all.equal / s->all.elements : 0;
    if (s->cosine >= TUNED_COSINE)
        relation_add(
            w, "fine-tuned", 1,
            assay_arena_print(arena,
                              "Cosine %.4f over all weights (least %.3f in a tensor), %.2f%% "
                              "bit-equal, %zu of %zu tensors unchanged. %s",
                              s->cosine, s->least_cosine, 100 * equal, s->unchanged, s->same_shape,
                              left_open));
    else if (s->cosine >= COMPARE_TRAINED_COSINE)
        relation_add(
            w, "continued-training", 1,
            assay_arena_print(arena, "Cosine %.4f over all weights. %s", s->cosine, long_way));
    else if (s->same_shape > 0)
        relation_add(w, "shared-initialisation", 1,
                     assay_arena_print(arena,
                                       "Units keep their numbers at a cosine of only %.3f. %s",
                                       s->cosine, little_left));
}

/* LoRA: the matrices that changed at all did so in few directions. The first eight are looked at.
 */
static assay_status low_rank(struct relation_writer *w)
{
    struct comparing *c = w->c;
    size_t looked = 0, low = 0, most = 0;
    uint64_t elements = 0;
    for (size_t i = 0; i < c->pair_count && looked < 8 && elements < 1u << 24; i++) {
        const struct pair *p = &c->pairs[i];
        size_t rank;
        if (!p->same_shape || !(p->like.difference > 0) || relation_cosine(&p->like) < 0.8)
            continue;
        ASSAY_TRY(compare_difference_rank(c, p, &rank));
        looked++;
        elements += p->a->tensor->elements;
        low += rank > 0;
        most = rank > most ? rank : most;
    }
    if (looked == 0 || (low == 0 && relations_disguised(&c->seen))) {
        looked = c->seen.differences;
        low = c->seen.low_differences;
        most = c->seen.most_rank;
    }
    if (low > 0 && low * 2 > looked) {
        relation_add(w, "low-rank", (double)low / (double)looked,
                     assay_arena_print(c->arena,
                                       "%zu of %zu changed matrices that were looked at differ by "
                                       "a rank of at most %zu, as low-rank adaptation (LoRA) "
                                       "leaves.",
                                       low, looked, most));
        w->relations[c->result->relation_count - 1].rank = (double)most;
    }
    return ASSAY_OK;
}

static const char *const limits[] = {
    ("The p-value is exact if B's hidden units are interchangeable given A, as in networks made "
     "independently. It bounds chance, not intent: two trainings from one seed are found related, "
     "and are."),
    ("Who renumbers or turns B's hidden units hides from the test on units as numbered. That is "
     "looked behind in transformers known by their tensors' names or shapes, by gate, up and down "
     "finding the same unit. Its p-value assumes that each unit is found by every network with a "
     "chance of a tenth at most; in models trained apart on the same data it was under a "
     "fiftieth. Such evidence alone counts for a likelihood ratio of 125 at most."),
    ("The likelihood ratio is 1/(2 sqrt p), which never exaggerates; a p near 1 is weak evidence "
     "against descent, for a disguise would look the same."),
    ("Two files do not tell tuning from a merge with another model of the same base: what the "
     "other "
     "model brings looks like training. `assay lineage merge`, given that model too, tells them "
     "apart; `assay lineage scan` over a folder of models finds candidates."),
    ("Few units of few tensors were compared, number by number: layers moved, units pruned or "
     "renumbered and all other disguises were not looked behind."), /* where quick */
};

assay_status compare_conclude(struct comparing *c)
{
    struct relation_writer w = {.c = c};
    struct assay_lineage_comparison *r = c->result;
    w.relations = assay_arena_alloc(c->arena, MOST_RELATIONS, sizeof *w.relations);
    if (!w.relations)
        return compare_no_memory(c);
    r->relations = w.relations;
    r->limits = limits;
    r->limit_count = sizeof limits / sizeof limits[0] - !c->settings->quick;
    r->direction_note = "Nothing in the weights tells which was first.";
    summarise(c, &w.s);
    r->equal_share = w.s.all.elements > 0 ? w.s.all.equal / w.s.all.elements : (double)NAN;
    r->cosine = w.s.cosine;
    if (c->settings->quick && r->log10_p < COMPARE_SIGNIFICANT)
        relation_add(&w, "related", 1,
                     "A few units were enough, as asked; what was done in between was not looked "
                     "at.");
    else if (!c->settings->quick && !identical(&w)) {
        double coarse;
        ASSAY_TRY(relations_rounding(&w, &coarse));
        bool moved = relations_disguised(&c->seen);
        double cosine =
            moved || (c->lent && !(w.s.cosine > c->seen.cosine)) ? c->seen.cosine : w.s.cosine;
        double same = c->lent && c->seen.residual_turned ? NORMS_COSINE : RELATION_SAME_COSINE;
        bool changed = cosine < (coarse > 0 ? fmin(coarse, same) : moved ? same : (double)INFINITY);
        if (r->log10_p < COMPARE_SIGNIFICANT) {
            if (changed && (moved || (c->lent && !(w.s.cosine > c->seen.cosine))))
                changed_units(&w);
            else if (changed || (!(coarse > 0) && !moved))
                changed_values(&w);
            relations_structure(&w);
            ASSAY_TRY(low_rank(&w));
        }
    }
    return w.short_of_memory ? compare_no_memory(c) : compare_stages(c, &w.s);
}
