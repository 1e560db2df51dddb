/* SPDX-License-Identifier: Apache-2.0 */
/* The circuit evaluated; circuit_build.c makes it. */
#include "case/circuit.h"

#include "case/maths.h"

#include <string.h>

/* ln(chance e^yes + (1 - chance) e^no): the greater, and the logarithm of what is left. */
CASE_CLONES static void mix(double chance, const double *yes, const double *no, size_t n,
                            double *value)
{
    for (size_t h = 0; h < n; h++) {
        double difference = no[h] - yes[h], size = difference < 0 ? -difference : difference;
        double ratio = maths_exp(-size);
        double top = difference < 0 ? yes[h] : no[h];
        double of_top = difference < 0 ? chance : 1 - chance;
        value[h] = top + maths_log(of_top + (1 - of_top) * ratio);
    }
}

/* The same of ln(1 - chance + chance e^x), x <= 0. */
CASE_CLONES static void discount(double chance, double weight, const double *x, size_t n,
                                 double *value)
{
    for (size_t i = 0; i < n; i++)
        value[i] = maths_log(1 - chance + chance * maths_exp(weight * x[i]));
}

void circuit_mix(double chance, const double *yes, const double *no, size_t n, double *value)
{
    if (chance > 0 && chance < 1)
        mix(chance, yes, no, n, value);
    else
        memcpy(value, chance > 0 ? yes : no, n * sizeof *value);
}

void circuit_leaf_values(const struct circuit_leaf *leaf, const struct likelihoods *likelihoods,
                         double weight, double *scratch, double *value)
{
    size_t n = likelihoods->n, from = likelihoods->start[leaf->finding];
    size_t distinct = likelihoods->start[leaf->finding + 1] - from;
    const uint32_t *map = likelihoods->map + leaf->finding * n;
    const double *ln = likelihoods->ln + from;
    if (leaf->chance < 1)
        discount(leaf->chance, weight, ln, distinct, scratch);
    else
        for (size_t i = 0; i < distinct; i++) /* which may be -1e4 */
            scratch[i] = weight * ln[i];
    for (size_t h = 0; h < n; h++)
        value[h] = scratch[map[h]];
}

static void add_to_rows(const struct circuit *circuit, struct circuit_use use, const double *value,
                        size_t n, double *rows)
{
    for (uint32_t i = 0; i < use.count; i++) {
        double *row = rows + circuit->rows[use.start + i] * n;
        for (size_t h = 0; h < n; h++)
            row[h] += value[h];
    }
}

void circuit_evaluate(const struct circuit *circuit, const struct likelihoods *likelihoods,
                      const double *weights, double *scratch, double *rows)
{
    size_t n = likelihoods->n;
    double *value = scratch + n;
    memset(rows, 0, circuit->row_count * n * sizeof *rows);
    for (size_t i = 0; i < circuit->leaf_count; i++) {
        const struct circuit_leaf *leaf = &circuit->leaves[i];
        circuit_leaf_values(leaf, likelihoods, weights[leaf->finding], scratch, value);
        add_to_rows(circuit, circuit->leaf_uses[i], value, n, rows);
    }
    for (size_t m = 0; m < circuit->mixture_count; m++) {
        circuit_mix(circuit->chances[m], rows + (2 * m + 1) * n, rows + (2 * m + 2) * n, n, value);
        add_to_rows(circuit, circuit->mixture_uses[m], value, n, rows);
    }
}
