/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/goal.h"

#include "lab/maths.h"

#include <math.h>

double lab_goal_total(const struct lab_goal *goal, size_t places)
{
    double total = 0;
    if (goal->total != 0)
        return goal->total;
    for (size_t i = 0; i < places; i++)
        total += fabs((double)lab_goal_weight(goal, i));
    return total;
}

/* ln of the sum of e^z. */
LAB_CLONES static float log_sum(const float *z, size_t n, float cold)
{
    float most = lab_most(z, n), lanes[LAB_LANES] = {0};
    size_t i = 0;
    for (; i + LAB_LANES <= n; i += LAB_LANES)
        for (size_t l = 0; l < LAB_LANES; l++)
            lanes[l] += lab_exp((z[i + l] - most) * cold);
    for (size_t l = 0; i + l < n; l++)
        lanes[l] += lab_exp((z[i + l] - most) * cold);
    return most * cold + logf(lab_fold(lanes));
}

LAB_CLONES static void scale(float *z, size_t n, float by)
{
    for (size_t k = 0; k < n; k++)
        z[k] *= by;
}

/* z becomes e^(z - the greatest); returns the sum. *log_p gets ln p of `target`. */
LAB_CLONES static float exponentials(float *z, size_t n, size_t target, float *log_p)
{
    float most = lab_most(z, n), chosen = z[target] - most;
    float sum = lab_exp_all(z, n, most, 1);
    *log_p = chosen - logf(sum);
    return sum;
}

LAB_CLONES static double sum_of(const float *z, size_t n)
{
    double lanes[8] = {0}, sum = 0;
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (size_t l = 0; l < 8; l++)
            lanes[l] += (double)z[i + l];
    for (size_t l = 0; i + l < n; l++)
        lanes[l] += (double)z[i + l];
    for (size_t l = 0; l < 8; l++)
        sum += lanes[l];
    return sum;
}

/* The gradient of -ln p is p less one at the target. */
static double settle_answer(size_t target, size_t n, float weight, float *z, float *log_p)
{
    float sum = exponentials(z, n, target, log_p);
    scale(z, n, weight / sum);
    z[target] -= weight;
    return -(double)*log_p;
}

/* P is the teacher's mass of the kept tokens, Q the student's. The loss is sum p ln(p / q) +
 * (1 - P) ln((1 - P) / (1 - Q)); its gradient q - p for a kept token, q - (1 - P) q / (1 - Q) for
 * another. */
static double settle_kept(const struct lab_goal *g, size_t place, size_t target, size_t n,
                          float weight, float *z, float *log_p)
{
    const uint16_t *tokens = g->kept_tokens + place * g->kept;
    const float *p = g->kept_p + place * g->kept;
    double sum = (double)exponentials(z, n, target, log_p), rest = 1, others = sum_of(z, n),
           loss = 0;
    float q[LAB_MOST_KEPT];
    for (unsigned k = 0; k < g->kept; k++) {
        float mine = z[tokens[k]];
        rest -= (double)p[k];
        others -= (double)mine;
        q[k] = (float)((double)mine / sum);
        if (p[k] > 0)
            loss += (double)p[k] * log((double)p[k] / fmax((double)q[k], 1e-38));
    }
    rest = rest > 1e-6 ? rest : 0; /* what is left of a sum of floats is no mass */
    others = fmax(others / sum, 1e-12);
    if (rest > 0)
        loss += rest * log(rest / others);
    scale(z, n, weight * (float)((1 - rest / others) / sum));
    for (unsigned k = 0; k < g->kept; k++)
        z[tokens[k]] = weight * (q[k] - p[k]);
    return loss;
}

/* T^2 sum p ln(p / q); its gradient T (q - p). */
LAB_CLONES static double settle_logits(const float *teacher, size_t n, float t, float weight,
                                       float *z)
{
    float cold = 1 / t, mine = log_sum(z, n, cold), its = log_sum(teacher, n, cold);
    double lanes[8] = {0}, loss = 0;
    for (size_t i = 0; i < n; i += 8)
        for (size_t l = 0; l < 8 && i + l < n; l++) {
            float log_q = z[i + l] * cold - mine, log_p = teacher[i + l] * cold - its;
            float q = lab_exp(log_q), p = lab_exp(log_p);
            lanes[l] += (double)(p * (log_p - log_q));
            z[i + l] = weight * t * (q - p);
        }
    for (size_t l = 0; l < 8; l++)
        loss += lanes[l];
    return (double)t * (double)t * loss;
}

double lab_goal_settle(const struct lab_goal *g, size_t place, size_t target, size_t n,
                       float weight, float *z, float *log_p)
{
    bool soft = (g->kept_p || g->teacher_logits) && (!g->soft || g->soft[place]);
    if (!soft)
        return settle_answer(target, n, weight, z, log_p);
    if (g->kept_p)
        return settle_kept(g, place, target, n, weight, z, log_p);
    *log_p = z[target] - log_sum(z, n, 1);
    return settle_logits(g->teacher_logits + place * n, n, g->temperature > 0 ? g->temperature : 1,
                         weight, z);
}
