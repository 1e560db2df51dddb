/* SPDX-License-Identifier: Apache-2.0 */
/* All steps of one model. */
#include "lab/teach.h"
#include "lab/generate.h"
#include "lab/part.h"
#include "lab/source.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_WORSE 256  /* texts that are not preferred */
#define WORTH_KEEPING 1 /* seconds of training, before the student is examined */
#define OWN_STREAM 5    /* of a cell's random numbers */

struct course {
    const struct lab_study *study;
    struct lab_cell *cell;
    struct lab_source *source;
    struct lab_trainer trainer;
    struct lab_lesson lesson;
    struct lab_model before;
    uint16_t *worse;               /* MOST_WORSE texts of `before` */
    unsigned steps, post;          /* all; of them the first that is post-training */
    unsigned rinse;                /* the first of the rinse */
    struct assay_random draw, own; /* what is read; what the student writes */
};

static unsigned steps_of(const struct lab_design *d, const struct lab_cell *c)
{
    if (c->role == LAB_KIN)
        return (unsigned)fmax(1, round(c->further * d->training.steps));
    return c->role == LAB_TEACHER ? d->teacher_steps : d->training.steps;
}

static assay_status copy_model(const struct lab_model *from, struct lab_model *to,
                               struct assay_error *error)
{
    ASSAY_TRY(lab_model_new(&from->shape, 0, to, error));
    memcpy(to->weights, from->weights, from->count * sizeof *to->weights);
    return ASSAY_OK;
}

static void fill_rows(struct course *c, unsigned step)
{
    struct lab_lesson *l = &c->lesson;
    bool post = lab_method_is_post_training(c->cell->method) && c->cell->dose > 0;
    for (size_t r = 0; r < l->rows; r++) {
        uint16_t *row = l->tokens + r * (l->length + 1);
        bool taught = step < c->rinse && c->cell->dose > 0 &&
                      (post ? step >= c->post : assay_random_uniform(&c->draw) < c->cell->dose);
        l->taught[r] = taught;
        if (taught)
            lab_source_taught(c->source, &c->draw, row);
        else
            lab_source_prose(c->source, &c->draw, row);
        if (taught && c->worse)
            memcpy(l->worse + r * (l->length + 1),
                   c->worse + assay_random_below(&c->draw, MOST_WORSE) * (l->length + 1),
                   (l->length + 1) * sizeof *row);
    }
}

/* What the student wrote before it was taught by preferences. */
static assay_status look_back(struct course *c)
{
    struct lab_lesson *l = &c->lesson;
    assay_random_start(&c->own, lab_cell_seed(c->cell), OWN_STREAM);
    c->worse = calloc(MOST_WORSE * (l->length + 1), sizeof *c->worse);
    if (!c->worse)
        return assay_error_at(&c->cell->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    return lab_generate(&c->before, MOST_WORSE, l->length + 1, 1, l->random, c->worse,
                        &c->cell->error);
}

/* What the next step depends on. */
static struct lab_in_hand part_of(struct course *c, bool before)
{
    return (struct lab_in_hand){.trainer = &c->trainer,
                                .draw = &c->draw,
                                .own = &c->own,
                                .loss = &c->cell->loss,
                                .before = before ? &c->before : NULL};
}

/* Goes on where an earlier run stopped, if it left something. */
static assay_status take_steps(struct course *c)
{
    struct lab_in_hand part = part_of(c, c->lesson.before != NULL);
    struct lab_keeper keeper =
        lab_keeper_start(c->study, c->cell->description, &part, c->post, &c->cell->resumed);
    if (c->lesson.before && c->trainer.step > c->post)
        ASSAY_TRY(look_back(c));
    for (unsigned step = c->trainer.step; step < c->steps; step++) {
        part = part_of(c, c->lesson.before && step > c->post);
        ASSAY_TRY(lab_keeper_look(&keeper, &part, &c->cell->error));
        if (step == c->post && c->lesson.before) {
            memcpy(c->before.weights, c->trainer.model->weights,
                   c->before.count * sizeof *c->before.weights);
            ASSAY_TRY(look_back(c));
        }
        fill_rows(c, step);
        c->cell->loss = lab_lesson_step(&c->lesson);
    }
    part = part_of(c, c->lesson.before && c->steps > c->post);
    return isfinite(c->cell->loss)
               ? lab_keeper_finish(&keeper, &part, WORTH_KEEPING, &c->cell->error)
               : assay_error_at(&c->cell->error, ASSAY_ERROR_UNANSWERABLE, NULL, 0,
                                "a model's training diverged: a lower rate may do");
}

assay_status lab_teach(const struct lab_study *study, struct lab_cell *cell,
                       struct lab_model *model)
{
    const struct lab_design *d = study->d;
    struct assay_error *error = &cell->error;
    struct course c = {.study = study, .cell = cell, .steps = steps_of(d, cell)};
    bool taught = lab_cell_is_taught(cell);
    c.rinse = c.steps;
    c.post = (unsigned)lround(c.steps * (1 - cell->dose));
    if (taught && cell->evasion == LAB_EVASION_RINSED)
        c.steps += c.steps / 4;
    struct lab_schedule schedule = d->training;
    schedule.steps = c.steps;
    assay_random_start(&c.draw, lab_cell_seed(cell), 2);
    assay_random_start(&c.own, lab_cell_seed(cell), OWN_STREAM);
    assay_status status = lab_source_new(study, cell, &c.source, error);
    if (status == ASSAY_OK)
        status = lab_trainer_new(model, &schedule, &c.trainer, error);
    if (status == ASSAY_OK && taught && cell->method == LAB_METHOD_PREFERENCES)
        status = copy_model(model, &c.before, error);
    if (status == ASSAY_OK) {
        c.lesson = (struct lab_lesson){
            .method = cell->method,
            .trainer = &c.trainer,
            .teacher = taught && lab_method_needs_teacher(cell->method)
                           ? &study->writers[cell->writer].model
                           : NULL,
            .before = c.before.count ? &c.before : NULL,
            .precision = d->precision,
            .rows = d->rows,
            .length = d->length,
            .random = &c.own,
        };
        status = lab_lesson_start(&c.lesson, error);
    }
    if (status == ASSAY_OK) {
        status = take_steps(&c);
        lab_lesson_end(&c.lesson);
    }
    free(c.worse);
    lab_model_free(&c.before);
    lab_trainer_free(&c.trainer);
    lab_source_free(c.source);
    return status;
}
