/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/weigh.h"

#include "lab/rows.h"
#include "lab/white.h"

#include <string.h>

static const char *const black_box = "black box", *const grey_box = "grey box";

static assay_status no_memory(struct assay_error *error)
{
    return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

/* ---- scores -------------------------------------------------------------------------- */

static void near_one(void *data, size_t i)
{
    struct lab_marks *m = data;
    struct lab_student *one = &m->students[i];
    unsigned w = lab_width_index(m->study->d, one->cell->width);
    struct lab_undosed undosed = {m->study->undosed[w], m->undosed_log_p[w]};
    if (one->cell->role != LAB_REFERENCE)
        one->status =
            lab_detect_near(m->study, &one->examined, &undosed, &one->scores, &one->error);
}

/* How near control teachers' students of a width are to each writer, but for those of `own`. */
static void mean_moved(const struct lab_marks *m, int depth, unsigned width, int own, double *moved)
{
    size_t n = 0, writers = lab_writers(m->study->d);
    memset(moved, 0, writers * sizeof *moved);
    for (size_t i = 0; i < m->count; i++) {
        const struct lab_cell *c = m->students[i].cell;
        if (c->role != LAB_CONTROL || c->width != width || c->writer == own)
            continue;
        n++;
        for (size_t w = 0; w < writers; w++)
            moved[w] += m->students[i].scores.near[depth][w];
    }
    for (size_t w = 0; w < writers; w++)
        moved[w] /= (double)n;
}

static assay_status score_students(struct lab_study *s, struct lab_marks *m)
{
    double *moved = assay_arena_alloc(s->r->arena, lab_writers(s->d), sizeof *moved);
    if (!moved)
        return no_memory(s->error);
    for (size_t i = 0; i < m->count; i++) {
        struct lab_student *one = &m->students[i];
        for (int depth = 0; depth < LAB_DEPTHS && one->cell->role != LAB_REFERENCE; depth++) {
            mean_moved(m, depth, one->cell->width, one->cell->writer, moved);
            for (unsigned t = 0; t < s->d->teacher_count; t++)
                one->scores.score[depth][t] =
                    lab_detect_score(s, one->cell, t, one->scores.near[depth], moved);
        }
    }
    return ASSAY_OK;
}

/* What reference students of a width are like. */
static assay_status know_undosed(struct lab_study *s, struct lab_marks *m, unsigned w)
{
    struct lab_text texts[100]; /* a design has at most 100 of them */
    size_t n = 0;
    m->undosed_log_p[w] =
        assay_arena_alloc(s->r->arena, lab_writers(s->d), sizeof *m->undosed_log_p[w]);
    if (!m->undosed_log_p[w])
        return no_memory(s->error);
    for (size_t i = 0; i < m->count; i++) {
        const struct lab_student *one = &m->students[i];
        if (one->cell->role != LAB_REFERENCE || one->cell->width != s->d->widths[w])
            continue;
        texts[n++] = (struct lab_text){one->examined.texts, one->examined.size};
        for (unsigned k = 0; k < lab_writers(s->d); k++)
            m->undosed_log_p[w][k] += one->examined.log_p[k] / s->d->reference_students;
    }
    return lab_grams_new(LAB_GRAMS_ORDER, texts, n, &s->undosed[w], s->error);
}

static assay_status read_students(struct lab_study *s, struct lab_marks *m)
{
    struct assay_arena *arena = s->r->arena;
    m->students = assay_arena_alloc(arena, s->count, sizeof *m->students);
    if (!m->students)
        return no_memory(s->error);
    for (size_t i = 0; i < s->count; i++) {
        struct lab_student *one = &m->students[m->count];
        if (s->cells[i].role < LAB_REFERENCE || s->cells[i].role > LAB_STUDENT)
            continue;
        one->cell = &s->cells[i];
        ASSAY_TRY(lab_examined_read(s, one->cell, &one->examined, s->error));
        for (int depth = 0; depth < LAB_DEPTHS; depth++) {
            one->scores.near[depth] = assay_arena_alloc(arena, lab_writers(s->d), sizeof(double));
            one->scores.score[depth] =
                assay_arena_alloc(arena, s->d->teacher_count, sizeof(double));
            if (!one->scores.near[depth] || !one->scores.score[depth])
                return no_memory(s->error);
        }
        m->count++;
    }
    return ASSAY_OK;
}

static assay_status score_all(struct lab_study *s, struct lab_marks *m)
{
    ASSAY_TRY(read_students(s, m));
    for (unsigned w = 0; w < s->d->width_count; w++)
        ASSAY_TRY(know_undosed(s, m, w));
    ASSAY_TRY(assay_parallel_for(s->context, "scores", m->count, near_one, m, s->error));
    for (size_t i = 0; i < m->count; i++)
        if (m->students[i].status != ASSAY_OK) {
            if (s->error)
                *s->error = m->students[i].error;
            return m->students[i].status;
        }
    return score_students(s, m);
}

/* ---- students of a kind -------------------------------------------------------------- */

/* A group: the students of one row, and their nulls. */
struct group {
    int depth; /* a level, or LAB_LEVELS: the grey box */
    unsigned width;
    enum lab_method method;
    enum lab_evasion evasion;
    double dose;
};

static bool is_of(const struct lab_design *d, const struct lab_cell *c, const struct group *g,
                  unsigned t, enum lab_kind kind)
{
    bool same = c->method == g->method && c->dose == g->dose;
    bool plain = same && c->evasion == LAB_EVASION_NONE;
    bool alike = c->role == LAB_STUDENT && d->teachers[c->writer].manner == d->teachers[t].manner;
    if (c->width != g->width)
        return false;
    switch (kind) {
    case LAB_UNDOSED_NULL:
        return c->role == LAB_NULL;
    case LAB_OTHERS_NULL:
        return c->role == LAB_CONTROL && same;
    case LAB_FRESH_ONES:
        return c->role == LAB_FRESH;
    case LAB_HUMANS:
        return c->role == LAB_HUMAN && c->dose == g->dose;
    case LAB_OF_OTHERS:
        return c->role == LAB_STUDENT && plain && !alike;
    case LAB_OF_TWINS:
        return alike && plain && c->writer != (int)t;
    default:
        return c->role == LAB_STUDENT && c->writer == (int)t && same && c->evasion == g->evasion;
    }
}

static size_t gather(const struct lab_marks *m, const struct group *g, unsigned t,
                     enum lab_kind kind, double *to)
{
    size_t n = 0;
    for (size_t i = 0; i < m->count; i++) {
        const struct lab_scores *scores = &m->students[i].scores;
        if (is_of(m->study->d, m->students[i].cell, g, t, kind))
            to[n++] = scores->score[g->depth][t];
    }
    return n;
}

static assay_status pool(const struct lab_marks *m, const struct group *g,
                         struct assay_arena *arena, struct lab_pooled *p)
{
    const struct lab_design *d = m->study->d;
    size_t n[LAB_KINDS];
    double *one = assay_arena_alloc(arena, LAB_KINDS * m->count, sizeof *one);
    if (!one || !lab_pooled_new(arena, m->count * d->teacher_count, p))
        return no_memory(m->study->error);
    for (unsigned t = 0; t < d->teacher_count; t++) {
        for (int kind = 0; kind < LAB_KINDS; kind++)
            n[kind] = gather(m, g, t, (enum lab_kind)kind, one + (size_t)kind * m->count);
        lab_pool(p, one, m->count, n, d->level, true);
    }
    return ASSAY_OK;
}

/* ---- rows ---------------------------------------------------------------------------- */

static const char *depth_name(int depth)
{
    return depth < LAB_LEVELS ? black_box : grey_box;
}

static assay_status add_power(struct lab_study *s, const struct group *g,
                              const struct lab_pooled *p)
{
    struct assay_lab_power *row = &s->r->power[s->r->power_count++];
    *row = (struct assay_lab_power){
        .depth = depth_name(g->depth),
        .method = lab_method_name(g->method),
        .evasion = lab_evasion_name(g->evasion),
        .dose = g->dose,
        .width = g->width,
        .answers = g->depth < LAB_LEVELS ? lab_level_answers(s->d, g->depth) : 0,
    };
    return lab_row_power(s, p, row);
}

static assay_status weigh_group(struct lab_study *s, const struct lab_marks *m,
                                const struct group *g)
{
    struct lab_pooled p;
    struct assay_arena *room = assay_arena_new();
    assay_status status = room ? pool(m, g, room, &p) : no_memory(s->error);
    if (status == ASSAY_OK)
        status = add_power(s, g, &p);
    if (status == ASSAY_OK && g->evasion == LAB_EVASION_NONE && g->depth >= LAB_LEVELS - 1) {
        const struct assay_lab_wrong like = {.depth = depth_name(g->depth),
                                             .method = lab_method_name(g->method),
                                             .evasion = lab_evasion_name(g->evasion),
                                             .dose = g->dose,
                                             .width = g->width};
        lab_rows_wrong(s, &p, &like);
    }
    assay_arena_free(room);
    return status;
}

/* What other instruments may be tried on. */
static assay_status hand_out(struct lab_study *s, const struct lab_marks *m)
{
    struct assay_lab_result *r = s->r;
    r->students = assay_arena_alloc(r->arena, m->count, sizeof *r->students);
    r->manners = assay_arena_alloc(r->arena, lab_writers(s->d), sizeof *r->manners);
    if (!r->students || !r->manners)
        return no_memory(s->error);
    r->candidates = s->d->teacher_count;
    r->writers = lab_writers(s->d);
    for (size_t w = 0; w < r->writers; w++)
        r->manners[w] = s->writers[w].manner;
    for (size_t i = 0; i < m->count; i++) {
        const struct lab_cell *c = m->students[i].cell;
        r->students[r->student_count++] = (struct assay_lab_student){
            .who = lab_role_name(c->role),
            .writer = c->writer,
            .method = c->writer >= 0 ? lab_method_name(c->method) : NULL,
            .evasion = c->writer >= 0 ? lab_evasion_name(c->evasion) : NULL,
            .dose = c->dose,
            .width = c->width,
            .log_p = m->students[i].examined.log_p,
        };
    }
    return ASSAY_OK;
}

assay_status lab_weigh(struct lab_study *s)
{
    const struct lab_design *d = s->d;
    struct lab_marks marks = {.study = s};
    size_t groups =
        (size_t)LAB_DEPTHS * d->width_count * d->method_count * d->evasion_count * d->dose_count;
    size_t white = lab_white_rows(d);
    ASSAY_TRY(score_all(s, &marks));
    s->r->power = assay_arena_alloc(s->r->arena, groups + white, sizeof *s->r->power);
    s->r->wrong = assay_arena_alloc(s->r->arena, 4 * (groups + white), sizeof *s->r->wrong);
    if (!s->r->power || !s->r->wrong)
        return no_memory(s->error);
    for (int depth = 0; depth < LAB_DEPTHS; depth++)
        for (unsigned w = 0; w < d->width_count; w++)
            for (unsigned m = 0; m < d->method_count; m++)
                for (unsigned e = 0; e < d->evasion_count; e++)
                    for (unsigned k = 0; k < d->dose_count; k++) {
                        struct group g = {depth, d->widths[w], d->methods[m], d->evasions[e],
                                          d->doses[k]};
                        ASSAY_TRY(weigh_group(s, &marks, &g));
                    }
    if (white > 0)
        ASSAY_TRY(lab_white_weigh(s));
    ASSAY_TRY(hand_out(s, &marks));
    return lab_weigh_learnt(s, &marks);
}
