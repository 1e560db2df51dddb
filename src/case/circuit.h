/* SPDX-License-Identifier: Apache-2.0 */
/*
 * circuit: exact inference in the network of a question. Recursive conditioning (Darwiche,
 * "Recursive conditioning", Artificial Intelligence 126, 2001) on the causes that findings share,
 * written down once as a tree of sums and products (an arithmetic circuit: Darwiche, "A
 * differential approach to inference in Bayesian networks", JACM 50, 2003) and then evaluated for
 * every hypothesis, every draw and every thing left out.
 *
 * A row is a product: of leaves, each of them a finding, and of mixtures, each of them of two
 * rows. Row 0 is the whole; a row's own mixtures have rows of higher number. With r the chance
 * that all causes say yes that only this finding has, and w its weight, a leaf is
 *     1 - r + r L(h)^w,
 * L(h) being the likelihood relative to the best hypothesis: if one of them says no, what was
 * observed was as probable under each hypothesis as under the best. A mixture is
 *     p (row if the cause says yes) + (1 - p) (row if it says no).
 */
#ifndef CASE_CIRCUIT_H
#define CASE_CIRCUIT_H

#include <assay/case.h>

struct circuit_leaf {
    uint32_t finding;
    uint32_t row;
    double chance; /* r */
};

struct circuit_mixture {
    uint32_t row;     /* whose factor this is */
    uint32_t yes, no; /* rows, both above `row` */
    double chance;    /* p */
};

struct circuit {
    size_t finding_count;
    size_t row_count;
    const struct circuit_leaf *leaves;
    size_t leaf_count;
    const struct circuit_mixture *mixtures; /* one within another comes after it */
    size_t mixture_count;
    const uint32_t *of_row;     /* by row above 0: the mixture that it is a part of */
    const uint32_t *leaf_order; /* leaves by finding */
    const uint32_t *leaf_start; /* by finding, one more than there are: where its leaves begin */
};

/*
 * ASSAY_ERROR_LIMIT if findings and causes are so entangled that the circuit would have more than
 * a few million parts. `path` and `line` place that. In `arena`.
 */
ASSAY_MUST_USE assay_status circuit_build(const struct assay_combination *combination,
                                          const char *path, long line, struct assay_arena *arena,
                                          struct circuit *circuit, struct assay_error *error);

/* ln of a leaf: ln likelihoods `ln_l` <= 0 relative to the best hypothesis, n of them. */
void circuit_leaf_values(double chance, double weight, const double *ln_l, size_t n, double *value);

/* ln of a mixture of two rows of n values. */
void circuit_mix(double chance, const double *yes, const double *no, size_t n, double *value);

/*
 * All rows at once: rows[row * n + h] = ln of the row under hypothesis h. `ln_l[f * n + h]` are
 * the findings' likelihoods and `weights[f]` their weights.
 */
void circuit_evaluate(const struct circuit *circuit, const double *ln_l, const double *weights,
                      size_t n, double *rows);

#endif
