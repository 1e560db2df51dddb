/* SPDX-License-Identifier: Apache-2.0 */
/*
 * goal: what a pass is to learn at each place. In: the text, and what a teacher says of it. Out:
 * the loss at a place and its gradient by the logits. What can go wrong: nothing; what is asked of
 * the caller stands beside each field.
 *
 *   answers            the next token: nothing but `tokens`
 *   top-k              kept, kept_tokens, kept_p: the divergence from the teacher of the kept
 *                      tokens, and of all others as one
 *   logits             teacher_logits and temperature T: T^2 times the divergence from the teacher
 *                      at T, so that the gradient's size does not depend on T (Hinton, Vinyals
 *                      and Dean 2015, section 2)
 *   policy gradients   `weights` of either sign: sum over places of weight x -ln p. With a reward
 *                      (a teacher's ln p less the student's) as weight that is REINFORCE; with
 *                      beta x sigmoid(-margin), positive for the preferred text and negative for
 *                      the other, it is the gradient of DPO (Rafailov et al. 2023, section 4):
 *                      take ln p by a pass without gradient, and then the gradient.
 */
#ifndef LAB_GOAL_H
#define LAB_GOAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LAB_MOST_KEPT 256

/* Zero what is not used. Of kept_p and teacher_logits at most one is given. */
struct lab_goal {
    const uint16_t *tokens; /* rows x (length + 1), below the vocabulary; a place's target is the
                               token after it */
    const float *weights;   /* rows x length, of any sign, of each place's loss; NULL: 1 */
    double total;           /* what the sum is divided by; 0: the sum of the weights' sizes */
    const bool *soft;       /* rows x length: which places learn from the teacher, the others from
                               the next token; NULL: all of them, if there is a teacher */
    unsigned kept;          /* tokens a place whose probabilities are known, to LAB_MOST_KEPT */
    const uint16_t *kept_tokens; /* rows x length x kept, distinct at a place */
    const float *kept_p;         /* their probabilities; their sum is at most 1 */
    const float *teacher_logits; /* rows x length x vocabulary */
    float temperature;           /* of teacher_logits, above 0; 0: 1 */
    double balance; /* of a model with experts: how much their balance (lab_tape_balance) weighs in
                       the gradient; it is no part of the loss that is returned */
};

/* The weight of a place. */
static inline float lab_goal_weight(const struct lab_goal *goal, size_t place)
{
    return goal->weights ? goal->weights[place] : 1;
}

/* What the sum over places is divided by; 0: nothing counts. */
double lab_goal_total(const struct lab_goal *goal, size_t places);

/*
 * The loss at a place, not weighted, in nats: -ln p of `target`, or a divergence from the teacher,
 * which is 0 where they agree. z holds the logits, and afterwards the gradient times `weight`.
 * *log_p gets ln p of `target`.
 */
double lab_goal_settle(const struct lab_goal *goal, size_t place, size_t target, size_t vocabulary,
                       float weight, float *z, float *log_p);

#endif
