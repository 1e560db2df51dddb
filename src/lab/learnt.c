/* SPDX-License-Identifier: Apache-2.0 */
/* What students took from their teachers: manner, knowledge, skill. */
#include "lab/weigh.h"

#include <assay/stats.h>

#include <math.h>

/* A mean and its 95% interval by Student's t; the mean alone of one value. */
static void mean_of(const double *values, size_t n, double to[3])
{
    double mean = 0, square = 0;
    for (size_t i = 0; i < n; i++)
        mean += values[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        square += (values[i] - mean) * (values[i] - mean);
    double reach = n > 1
                       ? -assay_stats_student_quantile(log10(0.025), (double)(n - 1), ASSAY_LOWER) *
                             sqrt(square / (double)(n - 1) / (double)n)
                       : (double)INFINITY;
    to[0] = n > 0 ? mean : (double)NAN;
    to[1] = to[0] - reach;
    to[2] = to[0] + reach;
}

/* Bits a fact of candidate t, less those of facts that only others know. */
static double fact_gain(const struct lab_design *d, const double *facts, unsigned t)
{
    double others = 0, n = 0;
    for (unsigned u = 0; u < d->teacher_count; u++)
        if (u != t) {
            others += facts[u];
            n++;
        }
    return facts[t] - others / n;
}

/* How much better prose of the candidate's author is known than that of other manners. */
static double manner_of(const struct lab_design *d, const double *prose, unsigned t)
{
    double others = 0, n = 0;
    for (unsigned u = 0; u < d->teacher_count; u++)
        if (d->teachers[u].manner != d->teachers[t].manner) {
            others += prose[u];
            n++;
        }
    return prose[t] - others / n;
}

/* Of undosed students. */
static double undosed_manner(const struct lab_marks *m, unsigned width, unsigned t)
{
    double sum = 0, n = 0;
    for (size_t i = 0; i < m->count; i++)
        if (m->students[i].cell->role == LAB_NULL && m->students[i].cell->width == width) {
            sum += manner_of(m->study->d, m->students[i].examined.prose, t);
            n++;
        }
    return sum / n;
}

static double mean_over(const struct lab_marks *m, enum lab_role role, unsigned width,
                        double (*of)(const struct lab_examined *))
{
    double sum = 0, n = 0;
    for (size_t i = 0; i < m->count; i++)
        if (m->students[i].cell->role == role && m->students[i].cell->width == width) {
            sum += of(&m->students[i].examined);
            n++;
        }
    return sum / n;
}

static double tasks_of(const struct lab_examined *e)
{
    return e->tasks;
}

static double worked_of(const struct lab_examined *e)
{
    return e->worked;
}

static double right_of(const struct lab_examined *e)
{
    return e->right;
}

static void add_row(struct lab_study *s, const struct lab_marks *m,
                    const struct lab_examined *teachers, enum lab_method method, double dose,
                    double *room)
{
    const struct lab_design *d = s->d;
    struct assay_lab_capability *row = &s->r->capability[s->r->capability_count++];
    unsigned width = d->model.width;
    bool worked = method == LAB_METHOD_REASONING;
    double undosed = mean_over(m, LAB_NULL, width, worked ? worked_of : tasks_of);
    double *manner = room, *facts = room + m->count, *tasks = room + 2 * m->count,
           *right = room + 3 * m->count;
    size_t n = 0;
    for (size_t i = 0; i < m->count; i++) {
        const struct lab_cell *c = m->students[i].cell;
        const struct lab_examined *e = &m->students[i].examined;
        if (c->role != LAB_STUDENT || c->method != method || c->dose != dose || c->width != width ||
            c->evasion != LAB_EVASION_NONE)
            continue;
        unsigned t = (unsigned)c->writer;
        double before = undosed_manner(m, width, t);
        manner[n] =
            (manner_of(d, e->prose, t) - before) / (manner_of(d, teachers[t].prose, t) - before);
        facts[n] = fact_gain(d, e->facts, t);
        tasks[n] = (worked ? e->worked : e->tasks) - undosed;
        right[n] = worked ? e->worked_right : e->right;
        n++;
    }
    *row = (struct assay_lab_capability){
        .method = lab_method_name(method),
        .dose = dose,
        .n = n,
        .undosed_task_right = mean_over(m, LAB_NULL, width, right_of),
    };
    mean_of(manner, n, row->manner);
    mean_of(facts, n, row->fact_bits);
    mean_of(tasks, n, row->task_bits);
    mean_of(right, n, row->task_right);
    for (unsigned t = 0; t < d->teacher_count; t++) {
        const struct lab_examined *e = &teachers[t];
        row->teacher_fact_bits += fact_gain(d, e->facts, t) / d->teacher_count;
        row->teacher_task_bits +=
            (e->worked - mean_over(m, LAB_NULL, width, worked_of)) / d->teacher_count;
        row->teacher_task_right += e->worked_right / d->teacher_count;
    }
}

/* How much likelier the favourite became, over seeds. */
static assay_status weigh_subliminal(struct lab_study *s)
{
    static const char *const keys[] = {"teacher", "shared", "different"};
    struct assay_lab_subliminal *to = &s->r->subliminal;
    double *means[] = {to->teacher, to->shared, to->different};
    double *values = assay_arena_alloc(s->r->arena, s->d->subliminal + 1, sizeof *values);
    if (!values)
        return assay_error_at(s->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    for (size_t k = 0; k < 3; k++) {
        size_t n = 0;
        for (size_t i = 0; i < s->count; i++)
            if (s->cells[i].role == LAB_SUBLIMINAL)
                values[n++] = json_number_value(json_object_get(s->cells[i].result, keys[k]));
        mean_of(values, n, means[k]);
        to->n = n;
    }
    return ASSAY_OK;
}

assay_status lab_weigh_learnt(struct lab_study *s, const struct lab_marks *m)
{
    const struct lab_design *d = s->d;
    struct assay_arena *arena = s->r->arena;
    ASSAY_TRY(weigh_subliminal(s));
    struct lab_examined *t = assay_arena_alloc(arena, d->teacher_count, sizeof *t);
    double *room = assay_arena_alloc(arena, 4 * (m->count + 1), sizeof *room);
    s->r->capability =
        assay_arena_alloc(arena, (size_t)d->method_count * d->dose_count, sizeof *s->r->capability);
    if (!t || !room || !s->r->capability)
        return assay_error_at(s->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    for (size_t i = 0; i < s->count; i++) {
        const struct lab_cell *c = &s->cells[i];
        if (c->role != LAB_TEACHER || c->writer >= (int)d->teacher_count)
            continue;
        ASSAY_TRY(lab_examined_read(s, c, &t[c->writer], s->error));
    }
    bool has_width = d->widths[lab_width_index(d, d->model.width)] == d->model.width;
    for (unsigned i = 0; has_width && i < d->method_count; i++)
        for (unsigned k = 0; k < d->dose_count; k++)
            add_row(s, m, t, d->methods[i], d->doses[k], room);
    return ASSAY_OK;
}
