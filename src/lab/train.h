/* SPDX-License-Identifier: Apache-2.0 */
/*
 * train: steps of AdamW (Loshchilov and Hutter 2019) on a model, with a warm-up, a cosine down to
 * a tenth of the rate or a steady rate and a cool-down, and clipping by the gradient's length. In:
 * a model and tokens. Out: the model, changed. What can go wrong: memory. Norms and the embedding
 * do not decay.
 */
#ifndef LAB_TRAIN_H
#define LAB_TRAIN_H

#include "lab/pass.h"

struct lab_schedule {
    unsigned steps, warmup;
    double rate, decay, clip; /* the highest rate; weight decay; longest gradient, 0: any */
    double cooldown; /* 0: a cosine; else the share of steps, at the end, in which the rate, steady
                        until then, falls in a line to nothing (Hu et al. 2024, "WSD") */
    double balance;  /* of experts, in the gradient (goal.h); 0: places go where they like */
};

/* No steps yet; rate 0.001, decay 0.1, clip 1, balance 0.01. */
struct lab_schedule lab_schedule_default(void);

/* The rate of a step, from 0. */
double lab_schedule_rate(const struct lab_schedule *schedule, unsigned step);

struct lab_trainer {
    struct lab_model *model; /* the caller's */
    struct lab_schedule schedule;
    unsigned step;
    float *gradient, *first, *second; /* moments */
};

/* Free with lab_trainer_free. */
ASSAY_MUST_USE assay_status lab_trainer_new(struct lab_model *model,
                                            const struct lab_schedule *schedule,
                                            struct lab_trainer *trainer, struct assay_error *error);
void lab_trainer_free(struct lab_trainer *trainer);

/* One step; returns the loss before it, as lab_model_loss does. */
double lab_trainer_step(struct lab_trainer *trainer, struct lab_tape *tape, const uint16_t *tokens,
                        const bool *counts);

/* The same towards any goal, with the schedule's balance; `log_p` as in lab_model_learn, before the
 * step. */
double lab_trainer_learn(struct lab_trainer *trainer, struct lab_tape *tape,
                         const struct lab_goal *goal, float *log_p);

/*
 * In two halves, for steps over more than one pass: each pass adds its gradient to
 * `trainer->gradient` by lab_model_learn (total set, so that the parts weigh as they should), and
 * lab_trainer_apply changes the model and empties the gradient.
 */
void lab_trainer_apply(struct lab_trainer *trainer);

#endif
