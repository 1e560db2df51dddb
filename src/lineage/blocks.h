/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blocks: feed-forward parts of A (of layers or experts) found among those of B.
 * disguised.c matches them, blocks.c says what that tells of layers and experts, heads.c looks at
 * the attention of layers that were found.
 */
#ifndef LINEAGE_BLOCKS_H
#define LINEAGE_BLOCKS_H

#include "lineage/body.h"
#include "lineage/compare.h"

/* For each sampled unit of one block of A and each part: the unit of one block of B. */
struct found {
    size_t *best[PART_COUNT];
    float *score[PART_COUNT];
    float *ratio; /* of up rows: B's length to A's, negative if B's is negated; 0: unknown */
};

/* What the matching of two blocks amounts to. */
struct outcome {
    size_t a, b; /* blocks */
    size_t fixed, increasing, agreeing;
    double log10_p, exact_log10_p;
    double cosine; /* mean over parts of units on which the parts agree */
    double share;  /* of units found, by number, order or agreement */
};

struct search {
    struct comparing *c;
    struct body a, b;
    struct turn turn;
    size_t n, pairs;
    bool gated;
    double kept;                 /* of the length of A's units, by a partial turn; else 1 */
    struct found *all;           /* [block of a][block of b] */
    struct outcome *of_a, *of_b; /* the best partner of each block */
    double *shares;              /* found, [block of a][block of b] */
    size_t *numbers, *unused;
    float *lengths_a, *lengths_b, *scores;
};

/* Whether gate, up and down of sampled unit i find the same unit. */
bool blocks_agree(const struct search *search, const struct found *found, size_t i);
/* Whether two blocks are the same, disguised. */
bool blocks_match(const struct outcome *outcome);

/* blocks.c: fills c->seen. */
ASSAY_MUST_USE assay_status blocks_conclude(struct search *search);
/* layers.c: s->shares by layer, into the result. */
ASSAY_MUST_USE assay_status blocks_by_layer(struct search *search);
/* heads.c: whether heads were renumbered or mixed, in layers that match. */
ASSAY_MUST_USE assay_status compare_heads(struct search *search);

#endif
