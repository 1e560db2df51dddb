/* SPDX-License-Identifier: Apache-2.0 */
/*
 * circuit: exact inference in the network of a question. Recursive conditioning (Darwiche,
 * "Recursive conditioning", Artificial Intelligence 126, 2001) on the causes that findings share,
 * written down once as a tree of sums and products (an arithmetic circuit: Darwiche, "A
 * differential approach to inference in Bayesian networks", JACM 50, 2003) and then evaluated for
 * every hypothesis, every draw and every thing left out.
 *
 * A row is a product of factors; row 0 is the whole. A factor is a leaf, which is a finding, or a
 * mixture, which is of two rows; parts that recur are one factor of several rows, so that it is a
 * graph and no tree. With r the chance that all causes of a finding that are not conditioned on
 * say yes, and w its weight, a leaf is
 *     1 - r + r L(h)^w,
 * L(h) being the likelihood relative to the best hypothesis: if a cause says no, what was observed
 * was as probable under each hypothesis as under the best. A mixture is
 *     p (row if the cause says yes) + (1 - p) (row if it says no).
 * Mixture m has the rows 2m + 1 (yes) and 2m + 2 (no), and comes after those within it.
 */
#ifndef CASE_CIRCUIT_H
#define CASE_CIRCUIT_H

#include <assay/case.h>

struct circuit_leaf {
    uint32_t finding;
    double chance; /* r */
};

/* Which rows a factor belongs to: rows[start] to rows[start + count - 1] of the circuit. */
struct circuit_use {
    uint32_t start, count;
};

struct circuit {
    size_t finding_count;
    const struct circuit_leaf *leaves;
    const struct circuit_use *leaf_uses;
    size_t leaf_count;
    const double *chances; /* of mixtures */
    const struct circuit_use *mixture_uses;
    size_t mixture_count;
    const uint32_t *rows;
    size_t row_count;           /* 2 mixture_count + 1 */
    const uint32_t *leaf_order; /* leaves by finding */
    const uint32_t *leaf_start; /* by finding, one more than there are: where its leaves begin */
};

/*
 * ln likelihoods. Hypotheses to which one number was given share one value: that of hypothesis h
 * in finding f is ln[start[f] + map[f * n + h]], at most 0.
 */
struct likelihoods {
    size_t n;            /* hypotheses */
    const size_t *start; /* findings + 1 */
    const uint32_t *map; /* findings x n */
    const double *ln;
};

/*
 * ASSAY_ERROR_LIMIT if findings and causes are so entangled that the circuit would have more than
 * ten million parts times hypotheses. `path` and `line` place that. In `arena`.
 */
ASSAY_MUST_USE assay_status circuit_build(const struct assay_combination *combination,
                                          const char *path, long line, struct assay_arena *arena,
                                          struct circuit *circuit, struct assay_error *error);

/* ln of a leaf under every hypothesis; `scratch` has room for as many. */
void circuit_leaf_values(const struct circuit_leaf *leaf, const struct likelihoods *likelihoods,
                         double weight, double *scratch, double *value);

/* ln of a mixture of two rows of n values. */
void circuit_mix(double chance, const double *yes, const double *no, size_t n, double *value);

/*
 * All rows at once: rows[row * n + h] = ln of the row under hypothesis h. `weights` are by
 * finding; `scratch` has room for 2n.
 */
void circuit_evaluate(const struct circuit *circuit, const struct likelihoods *likelihoods,
                      const double *weights, double *scratch, double *rows);

#endif
