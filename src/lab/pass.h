/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pass: a model read over texts, and back. In: a model, texts, what they are to teach. Out:
 * probabilities, the loss, its gradient. What can go wrong: memory, when the tape is made. One
 * thread: the lab trains one model a core. Texts go through in batches of about 512 places,
 * whatever the processor, so that what a layer needs stays near; the same bits everywhere.
 */
#ifndef LAB_PASS_H
#define LAB_PASS_H

#include "lab/goal.h"
#include "lab/model.h"
#include "lab/products.h"

/* What a pass over rows x length tokens needs; made once, used for every pass of that size. */
struct lab_tape;

ASSAY_MUST_USE assay_status lab_tape_new(const struct lab_shape *shape, size_t rows, size_t length,
                                         struct lab_tape **tape, struct assay_error *error);
/* The same with products in bfloat16: about twice as fast where the processor has AVX512-BF16, far
 * slower elsewhere, and another result; as AMX's tiles sum them, fast with AMX alone, and a third.
 */
ASSAY_MUST_USE assay_status lab_tape_new_in(enum lab_precision precision,
                                            const struct lab_shape *shape, size_t rows,
                                            size_t length, struct lab_tape **tape,
                                            struct assay_error *error);
void lab_tape_free(struct lab_tape *tape); /* NULL is accepted */

/*
 * Over rows x length places, the sum of weight x loss as `goal` has it, over its total. If `log_p`
 * is not NULL it gets ln p of each place's next token: the sum over a row is a text's
 * log-probability. If `gradient` is not NULL, of `count` values, the gradient is added to it. NaN
 * if nothing counts.
 */
double lab_model_learn(const struct lab_model *model, struct lab_tape *tape,
                       const struct lab_goal *goal, float *log_p, float *gradient);

/* After a pass of a model with experts: lab_experts_balance over the places that went through at
 * once, the mean over layers and over such batches. 0 without experts. */
double lab_tape_balance(const struct lab_tape *tape);

/* The next token as the goal, at the places that count (rows x length, or NULL: all). Good until
 * the tape's next. */
struct lab_goal lab_tape_goal(struct lab_tape *tape, const uint16_t *tokens, const bool *counts);

/*
 * The mean over targets of -ln p, in nats. `tokens` is rows x (length + 1), each below the
 * vocabulary; the target of a place is the token after it. `counts` (rows x length, or NULL: all)
 * says which targets count. The rest is as above.
 */
double lab_model_loss(const struct lab_model *model, struct lab_tape *tape, const uint16_t *tokens,
                      const bool *counts, float *log_p, float *gradient);

/* What the model says at each place: rows x length x vocabulary logits. `tokens` is as above; the
 * last of a row is not read. */
void lab_model_logits(const struct lab_model *model, struct lab_tape *tape, const uint16_t *tokens,
                      float *logits);

#endif
