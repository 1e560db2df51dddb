/* SPDX-License-Identifier: Apache-2.0 */
#include "style/join.h"

#include <math.h>
#include <stdlib.h>

/* A leaf's mark: splits are the exclusive or of many, alike by chance once in 2^64. */
static uint64_t mark(size_t leaf)
{
    struct assay_random random;
    assay_random_start(&random, 0x53504C49, leaf);
    return assay_random_u64(&random);
}

static void attach(struct style_join *t, size_t child, size_t parent, double length)
{
    t->parent[child] = parent;
    t->length[child] = length > 0 ? length : 0;
}

/* Rows a < b of `active` that minimise the criterion; the first of equals. */
static void nearest(const double *d, size_t n, const size_t *active, size_t left,
                    const double *sums, size_t *a, size_t *b)
{
    double best = INFINITY;
    for (size_t i = 0; i < left; i++)
        for (size_t k = i + 1; k < left; k++) {
            double q = (double)(left - 2) * d[active[i] * n + active[k]] - sums[i] - sums[k];
            if (q < best) {
                best = q;
                *a = i;
                *b = k;
            }
        }
}

static void run(size_t n, double *d, size_t *active, size_t *node, double *sums,
                struct style_join *t)
{
    size_t left = n, next = n;
    for (size_t i = 0; i < n; i++)
        active[i] = node[i] = i; /* a row of d, and the node that it stands for */
    while (left > 3) {
        size_t a = 0, b = 1;
        for (size_t i = 0; i < left; i++) {
            sums[i] = 0;
            for (size_t k = 0; k < left; k++)
                sums[i] += i == k ? 0 : d[active[i] * n + active[k]];
        }
        nearest(d, n, active, left, sums, &a, &b);
        size_t x = active[a], y = active[b];
        double between = d[x * n + y];
        double to_a = between / 2 + (sums[a] - sums[b]) / (2 * (double)(left - 2));
        attach(t, node[a], next, to_a);
        attach(t, node[b], next, between - to_a);
        t->split[next] = t->split[node[a]] ^ t->split[node[b]];
        for (size_t k = 0; k < left; k++) {
            size_t z = active[k];
            if (z != x && z != y)
                d[x * n + z] = d[z * n + x] = (d[x * n + z] + d[y * n + z] - between) / 2;
        }
        node[a] = next++;
        active[b] = active[left - 1];
        node[b] = node[left - 1];
        left--;
    }
    double ab = d[active[0] * n + active[1]], ac = d[active[0] * n + active[2]],
           bc = d[active[1] * n + active[2]];
    attach(t, node[0], next, (ab + ac - bc) / 2);
    attach(t, node[1], next, (ab + bc - ac) / 2);
    attach(t, node[2], next, (ac + bc - ab) / 2);
    attach(t, next, SIZE_MAX, 0);
    t->nodes = next + 1;
}

bool style_join(size_t n, double *distances, struct style_join *t)
{
    size_t *active = calloc(2 * n, sizeof *active);
    double *sums = calloc(n, sizeof *sums);
    uint64_t all = 0;
    *t = (struct style_join){.leaves = n};
    t->parent = calloc(2 * n, sizeof *t->parent);
    t->length = calloc(2 * n, sizeof *t->length);
    t->split = calloc(2 * n, sizeof *t->split);
    bool good = active && sums && t->parent && t->length && t->split;
    for (size_t i = 0; i < n && good; i++)
        all ^= t->split[i] = mark(i);
    if (good)
        run(n, distances, active, active + n, sums, t);
    for (size_t i = 0; i < t->nodes; i++) /* a side and its complement are one split */
        if ((all ^ t->split[i]) < t->split[i])
            t->split[i] ^= all;
    free(active);
    free(sums);
    if (!good)
        style_join_free(t);
    return good;
}

void style_join_free(struct style_join *t)
{
    free(t->parent);
    free(t->length);
    free(t->split);
    *t = (struct style_join){.leaves = 0};
}
