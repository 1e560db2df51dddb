/* SPDX-License-Identifier: Apache-2.0 */
/* The circuit evaluated; circuit_build.c makes it. */
#include "case/circuit.h"

#include <math.h>
#include <string.h>

void circuit_leaf_values(const struct circuit_leaf *leaf, const struct likelihoods *likelihoods,
                         double weight, double *scratch, double *value)
{
    size_t n = likelihoods->n, from = likelihoods->start[leaf->finding];
    size_t distinct = likelihoods->start[leaf->finding + 1] - from;
    const uint32_t *map = likelihoods->map + leaf->finding * n;
    for (size_t i = 0; i < distinct; i++) {
        double x = weight * likelihoods->ln[from + i];
        scratch[i] = leaf->chance == 1 ? x : log1p(leaf->chance * expm1(x)); /* x may be -1e4 */
    }
    for (size_t h = 0; h < n; h++)
        value[h] = scratch[map[h]];
}

void circuit_mix(double chance, const double *yes, const double *no, size_t n, double *value)
{
    for (size_t h = 0; h < n; h++) {
        double ratio = exp(-fabs(no[h] - yes[h])); /* of the smaller to the greater */
        value[h] = yes[h] > no[h] ? yes[h] + log(chance + (1 - chance) * ratio)
                                  : no[h] + log(1 - chance + chance * ratio);
    }
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
