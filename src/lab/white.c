/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/white.h"

#include "lab/judge.h"
#include "lab/rows.h"
#include "lab/store.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SPEAKS 0.5 /* log10: from here on a ratio is said to speak for something */

/* One suspect under one disguise, asked about every candidate. */
struct ask {
    const struct lab_cell *cell;
    enum lab_disguise disguise;
    struct assay_lab_likeness *found; /* [candidate] */
    assay_status status;
    struct assay_error error;
};

struct asks {
    struct lab_study *s;
    char (*candidates)[LAB_MOST_PATH];
    struct ask *list;
    size_t count;
};

struct row {
    enum lab_arm arm;
    enum lab_disguise disguise;
    double further;
};

static assay_status no_memory(struct assay_error *error)
{
    return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

/* ---- who is asked -------------------------------------------------------------------- */

/* Distilled ones are asked as they are: their weights have nothing to hide. */
static bool is_asked(const struct lab_study *s, const struct lab_cell *c,
                     enum lab_disguise disguise)
{
    bool distilled = c->role == LAB_CONTROL || c->role == LAB_STUDENT;
    if (c->role == LAB_BASE || c->role == LAB_TEACHER || !lab_cell_keeps_weights(s->d, c))
        return false;
    return !distilled || disguise == LAB_DISGUISE_NONE;
}

static bool has(const struct lab_design *d, enum lab_disguise disguise)
{
    for (unsigned i = 0; i < d->disguise_count; i++)
        if (d->disguises[i] == disguise)
            return true;
    return false;
}

/* Undosed students as they are, too, for distilled ones are. */
static bool list_asks(struct asks *a)
{
    const struct lab_design *d = a->s->d;
    a->list = assay_arena_alloc(a->s->r->arena, a->s->count * LAB_DISGUISES, sizeof *a->list);
    for (size_t i = 0; a->list && i < a->s->count; i++)
        for (int k = 0; k < LAB_DISGUISES; k++) {
            const struct lab_cell *c = &a->s->cells[i];
            bool wanted =
                has(d, (enum lab_disguise)k) || (k == LAB_DISGUISE_NONE && c->role != LAB_KIN);
            if (!wanted || !is_asked(a->s, c, (enum lab_disguise)k))
                continue;
            struct ask *ask = &a->list[a->count++];
            *ask = (struct ask){.cell = c, .disguise = (enum lab_disguise)k};
            ask->found = assay_arena_alloc(a->s->r->arena, d->teacher_count, sizeof *ask->found);
            if (!ask->found)
                return false;
        }
    return a->list != NULL;
}

static void ask_one(void *data, size_t i)
{
    struct asks *a = data;
    struct ask *ask = &a->list[i];
    const struct lab_study *s = a->s;
    const struct assay_lab_settings *g = s->settings;
    const char *candidates[LAB_MOST_TEACHERS];
    char suspect[LAB_MOST_PATH];
    for (unsigned t = 0; t < s->d->teacher_count; t++)
        candidates[t] = a->candidates[t];
    ask->status =
        lab_store_path(s->folder, ask->cell->description, "safetensors", suspect, &ask->error);
    if (ask->status == ASSAY_OK)
        ask->status = g->compare(g->compare_data, suspect, lab_disguise_name(ask->disguise),
                                 candidates, s->d->teacher_count, ask->found, &ask->error);
}

static assay_status ask_all(struct asks *a)
{
    struct lab_study *s = a->s;
    a->candidates = assay_arena_alloc(s->r->arena, s->d->teacher_count, sizeof *a->candidates);
    if (!a->candidates || !list_asks(a))
        return no_memory(s->error);
    for (unsigned t = 0; t < s->d->teacher_count; t++)
        ASSAY_TRY(lab_store_path(s->folder, s->writers[t].cell->description, "safetensors",
                                 a->candidates[t], s->error));
    ASSAY_TRY(assay_parallel_for(s->context, "weights", a->count, ask_one, a, s->error));
    for (size_t i = 0; i < a->count; i++)
        if (a->list[i].status != ASSAY_OK) {
            if (s->error)
                *s->error = a->list[i].error;
            return a->list[i].status;
        }
    return ASSAY_OK;
}

/* ---- one row ------------------------------------------------------------------------- */

/* LAB_KINDS where the suspect has no place in the row, asked about candidate `t`. */
static enum lab_kind kind_of(const struct lab_design *d, const struct ask *ask,
                             const struct row *row, unsigned t)
{
    const struct lab_cell *c = ask->cell;
    if (ask->disguise != row->disguise)
        return LAB_KINDS;
    if (c->role == LAB_NULL)
        return LAB_UNDOSED_NULL;
    if (c->role == LAB_FRESH)
        return LAB_FRESH_ONES;
    bool distilled = c->role == LAB_CONTROL || c->role == LAB_STUDENT;
    if (distilled != (row->arm == LAB_ARM_DISTILLED) ||
        (!distilled && (c->arm != row->arm || c->further != row->further)))
        return LAB_KINDS;
    if (c->writer >= (int)d->teacher_count)
        return LAB_OTHERS_NULL;
    if (c->writer == (int)t)
        return LAB_DOSED;
    return d->teachers[c->writer].manner == d->teachers[t].manner ? LAB_OF_TWINS : LAB_OF_OTHERS;
}

static double score_of(const struct assay_lab_likeness *found)
{
    return log10(1 + fmax(0, -found->log10_p));
}

static bool pool(const struct asks *a, const struct row *row, struct assay_arena *arena,
                 struct lab_pooled *p)
{
    const struct lab_design *d = a->s->d;
    double *one = assay_arena_alloc(arena, LAB_KINDS * a->count, sizeof *one);
    if (!one || !lab_pooled_new(arena, a->count * d->teacher_count, p))
        return false;
    for (unsigned t = 0; t < d->teacher_count; t++) {
        size_t n[LAB_KINDS] = {0};
        for (size_t i = 0; i < a->count; i++) {
            enum lab_kind kind = kind_of(d, &a->list[i], row, t);
            if (kind != LAB_KINDS)
                one[kind * a->count + n[kind]++] = score_of(&a->list[i].found[t]);
        }
        lab_pool(p, one, a->count, n, d->level, false);
    }
    return true;
}

static void count_kinds(struct assay_lab_white *w, const struct assay_lab_likeness *found)
{
    size_t room = sizeof w->kinds / sizeof w->kinds[0];
    for (size_t k = 0; k < found->kind_count; k++) {
        size_t i = 0;
        while (i < w->kind_count && strcmp(w->kinds[i].kind, found->kinds[k]) != 0)
            i++;
        if (i == room)
            continue;
        if (i == w->kind_count) {
            w->kinds[i].kind = found->kinds[k];
            w->kinds[w->kind_count++].n = 0;
        }
        w->kinds[i].n++;
        for (; i > 0 && w->kinds[i].n > w->kinds[i - 1].n; i--) { /* most frequent first */
            const char *kind = w->kinds[i].kind;
            size_t n = w->kinds[i].n;
            w->kinds[i] = w->kinds[i - 1];
            w->kinds[i - 1].kind = kind;
            w->kinds[i - 1].n = n;
        }
    }
}

static int rising(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* What the instrument said of the students whom the question is true of. */
static void tell(const struct asks *a, const struct row *row, double *room)
{
    const struct lab_design *d = a->s->d;
    struct assay_lab_white *w = &a->s->r->white[a->s->r->white_count++];
    size_t n = 0, by_p = 0, shared = 0, apart = 0;
    *w = (struct assay_lab_white){.arm = lab_arm_name(row->arm),
                                  .disguise = lab_disguise_name(row->disguise),
                                  .further = row->further,
                                  .median_log10_p = NAN};
    for (unsigned t = 0; t < d->teacher_count; t++)
        for (size_t i = 0; i < a->count; i++) {
            const struct assay_lab_likeness *found = &a->list[i].found[t];
            if (kind_of(d, &a->list[i], row, t) != LAB_DOSED)
                continue;
            room[n++] = found->log10_p;
            by_p += found->log10_p <= log10(d->level);
            shared += found->training_log10_lr >= SPEAKS; /* never if there is none */
            apart += found->training_log10_lr <= -SPEAKS;
            count_kinds(w, found);
        }
    w->by_p = lab_rate(by_p, n);
    w->shared_training = lab_rate(shared, n);
    w->seed_alone = lab_rate(apart, n);
    qsort(room, n, sizeof *room, rising);
    if (n > 0)
        w->median_log10_p = (room[(n - 1) / 2] + room[n / 2]) / 2;
}

static assay_status weigh_row(struct asks *a, const struct row *row)
{
    struct lab_study *s = a->s;
    struct lab_pooled p;
    double dose = row->arm == LAB_ARM_DISTILLED ? s->d->doses[s->d->dose_count - 1] : 0;
    struct assay_arena *room = assay_arena_new();
    double *values =
        room ? assay_arena_alloc(room, a->count * s->d->teacher_count, sizeof *values) : NULL;
    assay_status status = values && pool(a, row, room, &p) ? ASSAY_OK : no_memory(s->error);
    if (status == ASSAY_OK) {
        struct assay_lab_power *power = &s->r->power[s->r->power_count++];
        *power = (struct assay_lab_power){.depth = "white box",
                                          .method = lab_arm_name(row->arm),
                                          .evasion = lab_disguise_name(row->disguise),
                                          .dose = dose,
                                          .further = row->further,
                                          .width = s->d->model.width};
        status = lab_row_power(s, &p, power);
    }
    if (status == ASSAY_OK) {
        const struct assay_lab_wrong like = {.depth = "white box",
                                             .method = lab_arm_name(row->arm),
                                             .evasion = lab_disguise_name(row->disguise),
                                             .dose = dose,
                                             .further = row->further,
                                             .width = s->d->model.width};
        lab_rows_wrong(s, &p, &like);
        tell(a, row, values);
    }
    assay_arena_free(room);
    return status;
}

/* ---- all rows ------------------------------------------------------------------------ */

/* Weighs each, in the design's order, unless `a` is NULL; returns how many there are. */
static size_t each_row(const struct lab_design *d, struct asks *a, assay_status *status)
{
    size_t n = 0;
    for (unsigned i = 0; i < d->arm_count; i++) {
        enum lab_arm arm = d->arms[i];
        unsigned amounts = arm == LAB_ARM_FINE_TUNED ? d->further_count : 1;
        unsigned disguises = arm == LAB_ARM_DISTILLED ? 1 : d->disguise_count;
        for (unsigned k = 0; k < disguises; k++)
            for (unsigned f = 0; f < amounts; f++, n++) {
                struct row row = {arm,
                                  arm == LAB_ARM_DISTILLED ? LAB_DISGUISE_NONE : d->disguises[k],
                                  arm == LAB_ARM_DISTILLED    ? 0
                                  : arm == LAB_ARM_FINE_TUNED ? d->further[f]
                                                              : 1};
                if (a && *status == ASSAY_OK)
                    *status = weigh_row(a, &row);
            }
    }
    return n;
}

size_t lab_white_rows(const struct lab_design *d)
{
    return each_row(d, NULL, NULL);
}

/* Its own numbers over all that was asked. */
static assay_status tell_worth(const struct asks *a)
{
    struct lab_study *s = a->s;
    struct assay_lab_white_worth *w = &s->r->white_worth;
    size_t most = a->count * s->d->teacher_count, asked = 0, told = 0, hits = 0;
    double *origin = assay_arena_alloc(s->r->arena, 2 * most, sizeof *origin);
    double *training = origin + most;
    bool *related = assay_arena_alloc(s->r->arena, 2 * most, sizeof *related);
    bool *tuned = related + most;
    if (!origin || !related)
        return no_memory(s->error);
    *w = (struct assay_lab_white_worth){.pairs = most};
    for (size_t i = 0; i < a->count; i++)
        for (unsigned t = 0; t < s->d->teacher_count; t++) {
            const struct lab_cell *c = a->list[i].cell;
            const struct assay_lab_likeness *found = &a->list[i].found[t];
            bool kin = c->role == LAB_KIN && c->writer == (int)t;
            related[asked] = kin;
            origin[asked++] = found->log10_lr;
            if (!kin) {
                w->unrelated++;
                hits += found->log10_p <= log10(s->d->level);
                w->least_log10_p = fmin(w->least_log10_p, found->log10_p);
            } else if (!isnan(found->training_log10_lr)) {
                tuned[told] = c->arm == LAB_ARM_FINE_TUNED;
                w->fine_tuned += tuned[told];
                w->same_initialisation += !tuned[told];
                training[told++] = found->training_log10_lr;
            }
        }
    w->at_level = lab_rate(hits, w->unrelated);
    w->origin_cllr = lab_cllr(origin, related, asked);
    w->training_cllr = lab_cllr(training, tuned, told);
    return ASSAY_OK;
}

assay_status lab_white_weigh(struct lab_study *s)
{
    struct asks a = {.s = s};
    assay_status status = ASSAY_OK;
    s->r->white = assay_arena_alloc(s->r->arena, lab_white_rows(s->d), sizeof *s->r->white);
    if (!s->r->white)
        return no_memory(s->error);
    ASSAY_TRY(ask_all(&a));
    each_row(s->d, &a, &status);
    return status == ASSAY_OK ? tell_worth(&a) : status;
}
