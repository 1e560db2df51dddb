/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Related or not, from little: 64 units of a pair of tensors, the same numbers on both sides, and
 * a part of each; then the next pair, until a test is below 10^-30 or as many as were planned have
 * been made. Where a unit is a run of the file, only those runs are read; so those come first.
 */
#include "lineage/compare.h"
#include "lineage/trivial.h"

#include <math.h>

#define MOST_TESTS 64
#define ENOUGH -30.0
#define SURPRISING -1.0 /* from here on, whether a formula made the tensors is looked at */
#define COORDINATES_FIRST 1024
#define COORDINATES_SECOND 128 /* each takes a whole row */

static bool is_candidate(const struct pair *p, enum axis axis)
{
    return p->a->testable[axis] && p->b->testable[axis] &&
           matrix_units(p->a, axis) == matrix_units(p->b, axis);
}

/* Whether a formula made it; matrices_list did not look. */
static bool is_trivial(struct comparing *c, struct matrices *all, const struct matrix *m)
{
    struct matrix *own = &all->list[m - all->list];
    if (!own->ignored)
        own->ignored = trivial_reason(own->tensor, &c->result->bytes_read);
    return own->ignored != NULL;
}

static size_t count_candidates(const struct comparing *c, enum axis axis)
{
    size_t count = 0;
    for (size_t i = 0; i < c->pair_count; i++)
        count += is_candidate(&c->pairs[i], axis);
    return count;
}

/* Whether the pair is one of those tested, of the `candidates` of which `taken` were. */
static bool is_taken(const struct pair *p, enum axis axis, size_t most, size_t candidates,
                     size_t *seen, size_t taken)
{
    return is_candidate(p, axis) && (*seen)++ * most >= taken * candidates;
}

/* How far what will be read has been asked for: in the pairs; candidates seen; of those, taken. */
struct ahead {
    size_t at, seen, taken;
};

static void expect_ahead(const struct comparing *c, enum axis axis, size_t most, size_t candidates,
                         size_t up_to, struct ahead *ahead)
{
    uint64_t coordinates = axis == AXIS_FIRST ? COORDINATES_FIRST : COORDINATES_SECOND;
    for (; ahead->at < c->pair_count && ahead->taken < up_to; ahead->at++) {
        if (!is_taken(&c->pairs[ahead->at], axis, most, candidates, &ahead->seen, ahead->taken))
            continue;
        compare_expect_sampled_axis(&c->pairs[ahead->at], axis, coordinates);
        ahead->taken++;
    }
}

/* Up to `most` of the pairs, spread evenly over the file, so that no layer decides alone. */
static assay_status test_axis(struct comparing *c, enum axis axis, size_t most, bool *enough)
{
    size_t candidates = count_candidates(c, axis), seen = 0, taken = 0;
    struct ahead ahead = {0};
    uint64_t coordinates = axis == AXIS_FIRST ? COORDINATES_FIRST : COORDINATES_SECOND;
    for (size_t i = 0; i < c->pair_count && !*enough; i++) {
        struct pair *p = &c->pairs[i];
        struct assay_lineage_match match;
        if (!is_taken(p, axis, most, candidates, &seen, taken))
            continue;
        if (taken == ahead.taken) /* one, then twice as many each time it was not enough */
            expect_ahead(c, axis, most, candidates, 2 * taken + 1, &ahead);
        taken++;
        p->error = c->error;
        ASSAY_TRY(compare_sampled_axis(c, p, axis, coordinates, &match));
        c->result->bytes_read += p->bytes_read;
        p->bytes_read = 0;
        bool surprising = match.log10_p < SURPRISING;
        if (isnan(match.log10_p) ||
            (surprising && (is_trivial(c, &c->a, p->a) || is_trivial(c, &c->b, p->b))))
            continue;
        ASSAY_TRY(compare_add_match(c, &match));
        *enough = match.log10_p < ENOUGH;
    }
    return ASSAY_OK;
}

static void expect_scattered(const struct comparing *c, bool scattered)
{
    for (size_t i = 0; i < c->file_a->file_count; i++)
        assay_file_expect_scattered(&c->file_a->files[i], scattered);
    for (size_t i = 0; i < c->file_b->file_count; i++)
        assay_file_expect_scattered(&c->file_b->files[i], scattered);
}

assay_status compare_quick(struct comparing *c)
{
    size_t first = count_candidates(c, AXIS_FIRST), second = count_candidates(c, AXIS_SECOND);
    bool enough = false;
    first = first < MOST_TESTS ? first : MOST_TESTS;
    second = second < MOST_TESTS - first ? second : MOST_TESTS - first;
    c->planned = first + second;
    expect_scattered(c, true);
    assay_status status = first > 0 ? test_axis(c, AXIS_FIRST, first, &enough) : ASSAY_OK;
    if (status == ASSAY_OK && second > 0)
        status = test_axis(c, AXIS_SECOND, second, &enough);
    expect_scattered(c, false);
    return status;
}
