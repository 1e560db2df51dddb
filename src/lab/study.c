/* SPDX-License-Identifier: Apache-2.0 */
/* Bases, then teachers, then students: whatever the store does not hold is trained. */
#include "lab/study.h"

#include "lab/examine.h"
#include "lab/family.h"
#include "lab/part.h"
#include "lab/source.h"
#include "lab/store.h"
#include "lab/subliminal.h"
#include "lab/teach.h"
#include "lab/weigh.h"

#include "base/folder.h"

#include <stdlib.h>
#include <string.h>

#define PROSE 1000 /* the manner of the author who teaches nobody */
#define HUMAN 2000 /* and of the one who stands in for a teacher */

static assay_status no_memory(struct assay_error *error)
{
    return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

unsigned lab_width_index(const struct lab_design *d, unsigned width)
{
    unsigned i = 0;
    while (i + 1 < d->width_count && d->widths[i] != width)
        i++;
    return i;
}

/* ---- interrupts ---------------------------------------------------------------------- */

bool lab_study_goes_on(const struct lab_study *s)
{
    if (s->context->progress && pthread_equal(pthread_self(), s->starter) &&
        !s->context->progress(s->context->progress_user, s->phase, s->done, s->total))
        __atomic_store_n(s->stop, 1, __ATOMIC_RELAXED);
    return __atomic_load_n(s->stop, __ATOMIC_RELAXED) == 0;
}

/* ---- one model ----------------------------------------------------------------------- */

/* Where the cell begins. */
static assay_status begin(const struct lab_study *s, struct lab_cell *c, struct lab_model *m)
{
    struct lab_shape shape = lab_cell_shape(s->d, c);
    const struct lab_model *from = NULL;
    uint64_t seed = lab_cell_seed(c);
    if (c->role == LAB_KIN && c->arm == LAB_ARM_SAME_INITIALISATION)
        seed = lab_cell_seed(s->writers[c->writer].cell);
    else if (c->role == LAB_KIN)
        from = &s->writers[c->writer].model;
    else if (s->d->from_base && c->role != LAB_BASE && c->role != LAB_TEACHER)
        from = &s->base[lab_width_index(s->d, c->width)];
    ASSAY_TRY(lab_model_new(&shape, seed, m, &c->error));
    if (from)
        memcpy(m->weights, from->weights, m->count * sizeof *m->weights);
    return ASSAY_OK;
}

static assay_status make_model(const struct lab_study *s, struct lab_cell *c)
{
    struct lab_model m;
    char digest[65];
    if (c->role == LAB_SUBLIMINAL || c->role == LAB_FAMILY) {
        ASSAY_TRY(c->role == LAB_FAMILY ? lab_family(s, c) : lab_subliminal(s, c));
        ASSAY_TRY(lab_store_put(s->folder, c->description, c->result, &c->error));
        c->made = true;
        return ASSAY_OK;
    }
    assay_status status = begin(s, c, &m);
    if (status != ASSAY_OK)
        return status;
    status = lab_teach(s, c, &m);
    if (status == ASSAY_OK)
        status = lab_examine(s, c, &m);
    if (status == ASSAY_OK && lab_cell_keeps_weights(s->d, c)) {
        status = lab_store_put_weights(s->folder, c->description, &m, digest, &c->error);
        if (status == ASSAY_OK)
            json_object_set_new(c->result, "weights", json_string(digest));
    }
    if (status == ASSAY_OK)
        status = lab_store_put(s->folder, c->description, c->result, &c->error);
    c->made = status == ASSAY_OK;
    lab_model_free(&m);
    return status;
}

/* A model whose weights are lost is made again. */
static bool has_weights(const struct lab_study *s, const struct lab_cell *c, json_t *stored)
{
    struct lab_shape shape = lab_cell_shape(s->d, c);
    struct lab_model m;
    if (lab_model_new(&shape, 0, &m, NULL) != ASSAY_OK)
        return false;
    bool good = lab_store_weights(s->folder, c->description,
                                  json_string_value(json_object_get(stored, "weights")), &m);
    lab_model_free(&m);
    return good;
}

/* Of the model, or of each one inside. */
static void forget_parts(const struct lab_study *s, const struct lab_cell *c)
{
    char name[LAB_PART_NAME];
    unsigned n = c->role == LAB_FAMILY       ? LAB_RELATIVES
                 : c->role == LAB_SUBLIMINAL ? LAB_SUBLIMINAL_MODELS
                                             : 0;
    lab_part_forget(s->folder, c->description);
    for (unsigned i = 0; i < n; i++) {
        lab_part_name(c->description, i, name);
        lab_part_forget(s->folder, name);
    }
}

/* What is stored is what counts: numbers are kept to fewer digits than they were made with. */
static void fill_cell(const struct lab_study *s, struct lab_cell *c)
{
    json_t *stored = NULL;
    c->status = lab_store_get(s->folder, c->description, &stored, &c->error);
    if (c->status == ASSAY_OK && stored && lab_cell_keeps_weights(s->d, c) &&
        !has_weights(s, c, stored)) {
        json_decref(stored);
        stored = NULL;
    }
    if (c->status == ASSAY_OK && !stored) {
        c->status = make_model(s, c);
        json_decref(c->result);
        c->result = NULL;
        if (c->status == ASSAY_OK)
            c->status = lab_store_get(s->folder, c->description, &stored, &c->error);
        if (c->status == ASSAY_OK && !stored)
            c->status = assay_error_at(&c->error, ASSAY_ERROR_IO, s->folder, 0,
                                       "a result that was just stored is not there");
    }
    if (c->status == ASSAY_OK)
        forget_parts(s, c);
    c->result = stored;
}

/* ---- all of a kind ------------------------------------------------------------------- */

struct phase {
    struct lab_study *s;
    size_t *cells; /* of this rank */
};

static void fill_one(void *data, size_t i)
{
    struct phase *p = data;
    fill_cell(p->s, &p->s->cells[p->cells[i]]);
    __atomic_fetch_add(&p->s->done, 1, __ATOMIC_RELAXED);
}

/* Roles from `first` to `last`: each rank its part, then, once all are done, rank 0 reads all. */
static assay_status fill(struct lab_study *s, const char *what, enum lab_role first,
                         enum lab_role last)
{
    const struct assay_lab_settings *g = s->settings;
    struct phase p = {s, assay_arena_alloc(s->r->arena, s->count, sizeof *p.cells)};
    if (!p.cells)
        return no_memory(s->error);
    for (int round = 0; round < (g->ranks > 1 ? 2 : 1); round++) {
        size_t n = 0, k = 0;
        for (size_t i = 0; i < s->count; i++)
            if (s->cells[i].role >= first && s->cells[i].role <= last && !s->cells[i].result &&
                (round == 1 || k++ % g->ranks == g->rank))
                p.cells[n++] = i;
        s->phase = what;
        s->done = 0;
        s->total = n;
        bool needed = round == 0 || g->rank == 0 || last <= LAB_TEACHER;
        assay_status status =
            needed ? assay_parallel_for(s->context, what, n, fill_one, &p, s->error) : ASSAY_OK;
        for (size_t i = 0; status == ASSAY_OK && i < s->count; i++)
            if (s->cells[i].status != ASSAY_OK) {
                status = s->cells[i].status;
                if (s->error)
                    *s->error = s->cells[i].error;
            }
        ASSAY_TRY(status);
        if (g->wait)
            g->wait(g->wait_data);
        if (!lab_study_goes_on(s))
            return assay_error_at(s->error, ASSAY_ERROR_INTERRUPTED, NULL, 0, "interrupted");
    }
    return ASSAY_OK;
}

/* ---- what students need of teachers -------------------------------------------------- */

static assay_status make_world(struct lab_study *s)
{
    const struct lab_design *d = s->d;
    ASSAY_TRY(lab_world_new(&d->world, &s->world, s->error));
    ASSAY_TRY(lab_author_new(s->world, PROSE, d->distance, &s->prose, s->error));
    ASSAY_TRY(lab_author_new(s->world, HUMAN, d->distance, &s->human, s->error));
    s->facts = assay_arena_alloc(s->r->arena, d->world.facts + 1, sizeof *s->facts);
    if (!s->facts)
        return no_memory(s->error);
    for (unsigned t = 0; t < lab_writers(d); t++)
        ASSAY_TRY(lab_author_new(s->world, s->writers[t].manner, d->distance, &s->writers[t].author,
                                 s->error));
    /* all of them, in the order in which they are dealt */
    return lab_world_deal(s->world, d->world.facts, 0, 0, s->facts, s->error);
}

static assay_status set_up(struct lab_study *s)
{
    const struct lab_design *d = s->d;
    s->writers = assay_arena_alloc(s->r->arena, lab_writers(d), sizeof *s->writers);
    if (!s->writers)
        return no_memory(s->error);
    for (unsigned t = 0; t < lab_writers(d); t++)
        s->writers[t].manner = lab_manner_of(d, t);
    if (!d->text)
        ASSAY_TRY(make_world(s));
    return lab_cells_make(d, s->r->arena, &s->cells, &s->count, s->error);
}

static assay_status take_weights(struct lab_study *s, const struct lab_cell *c, struct lab_model *m)
{
    struct lab_shape shape = lab_cell_shape(s->d, c);
    ASSAY_TRY(lab_model_new(&shape, 0, m, s->error));
    if (lab_store_weights(s->folder, c->description,
                          json_string_value(json_object_get(c->result, "weights")), m))
        return ASSAY_OK;
    return assay_error_at(s->error, ASSAY_ERROR_IO, s->folder, 0,
                          "weights that were just stored are not there");
}

static assay_status take_bases(struct lab_study *s)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->cells[i].role == LAB_BASE)
            ASSAY_TRY(
                take_weights(s, &s->cells[i], &s->base[lab_width_index(s->d, s->cells[i].width)]));
    return ASSAY_OK;
}

static char *copy_bytes(const struct lab_study *s, const char *from, size_t size)
{
    char *copy = assay_arena_alloc(s->r->arena, size + 1, 1);
    if (copy)
        memcpy(copy, from, size);
    return copy;
}

static assay_status take_teacher(struct lab_study *s, const struct lab_cell *c, bool weights)
{
    struct lab_writer *w = &s->writers[c->writer];
    struct lab_examined e;
    w->cell = c;
    size_t length = s->d->length, pool = lab_pool_count(s->d);
    ASSAY_TRY(lab_examined_read(s, c, &e, s->error));
    w->worked = copy_bytes(s, e.texts, pool * length);
    w->plain = copy_bytes(s, e.texts, pool * length);
    w->held = copy_bytes(s, e.texts + pool * length, LAB_HELD * length);
    if (!w->worked || !w->plain || !w->held)
        return no_memory(s->error);
    w->worked_count = pool;
    w->plain_count = s->world ? lab_source_hide_working(w->plain, pool, length) : pool;
    w->held_count = s->world ? lab_source_hide_working(w->held, LAB_HELD, length) : LAB_HELD;
    if (w->plain_count == 0 || w->held_count == 0)
        return assay_error_at(s->error, ASSAY_ERROR_UNANSWERABLE, NULL, 0,
                              "a teacher wrote nothing but working: it needs more steps");
    struct lab_text text = {w->plain, w->plain_count * length};
    ASSAY_TRY(lab_grams_new(LAB_GRAMS_ORDER, &text, 1, &w->grams, s->error));
    return weights ? take_weights(s, c, &w->model) : ASSAY_OK;
}

static assay_status take_teachers(struct lab_study *s)
{
    bool weights = false;
    for (unsigned i = 0; i < s->d->method_count; i++)
        weights |= lab_method_needs_teacher(s->d->methods[i]);
    for (unsigned i = 0; i < s->d->arm_count; i++)
        weights |= s->d->arms[i] == LAB_ARM_FINE_TUNED;
    for (size_t i = 0; i < s->count; i++)
        if (s->cells[i].role == LAB_TEACHER)
            ASSAY_TRY(take_teacher(s, &s->cells[i], weights));
    return ASSAY_OK;
}

static void count_made(struct lab_study *s)
{
    s->r->cells = s->count;
    for (size_t i = 0; i < s->count; i++) {
        s->r->trained += s->cells[i].made;
        s->r->resumed += s->cells[i].made && s->cells[i].resumed;
    }
}

static assay_status run_families(struct lab_study *s)
{
    ASSAY_TRY(lab_cells_make(s->d, s->r->arena, &s->cells, &s->count, s->error));
    ASSAY_TRY(fill(s, "families", LAB_FAMILY, LAB_FAMILY));
    count_made(s);
    return s->settings->rank == 0 ? lab_families_read(s) : ASSAY_OK;
}

static assay_status run(struct lab_study *s)
{
    if (s->d->families > 0)
        return run_families(s);
    ASSAY_TRY(set_up(s));
    ASSAY_TRY(fill(s, "bases", LAB_BASE, LAB_BASE));
    ASSAY_TRY(take_bases(s));
    ASSAY_TRY(fill(s, "teachers", LAB_TEACHER, LAB_TEACHER));
    ASSAY_TRY(take_teachers(s));
    ASSAY_TRY(fill(s, "students", LAB_REFERENCE, LAB_SUBLIMINAL));
    s->r->level = s->d->level;
    s->r->null_students = s->d->null_students;
    s->r->control_teachers = s->d->control_teachers;
    count_made(s);
    return s->settings->rank == 0 ? lab_weigh(s) : ASSAY_OK;
}

assay_status lab_study_run(const struct assay_context *context,
                           const struct assay_lab_settings *settings,
                           const struct lab_design *design, const struct lab_bpe *bpe,
                           const char *folder, struct assay_lab_result *result,
                           struct assay_error *error)
{
    int stop = 0;
    struct lab_study s = {.stop = &stop,
                          .settings = settings,
                          .context = context,
                          .d = design,
                          .bpe = bpe,
                          .folder = folder,
                          .r = result,
                          .starter = pthread_self(),
                          .error = error};
    assay_status status = run(&s);
    for (size_t i = 0; i < s.count; i++)
        json_decref(s.cells[i].result);
    for (unsigned t = 0; s.writers && t < lab_writers(design); t++) {
        lab_grams_free(s.writers[t].grams);
        lab_author_free(s.writers[t].author);
        lab_model_free(&s.writers[t].model);
    }
    for (unsigned w = 0; w < design->width_count; w++) {
        lab_grams_free(s.undosed[w]);
        lab_model_free(&s.base[w]);
    }
    lab_author_free(s.human);
    lab_author_free(s.prose);
    lab_world_free(s.world);
    return status;
}

struct assay_lab_settings assay_lab_settings_default(void)
{
    return (struct assay_lab_settings){.ranks = 1, .save_every = 20};
}

/* Into the folder and the result. */
static assay_status name_vocabulary(const struct lab_design *d, const struct lab_bpe *bpe,
                                    const char *folder, struct assay_lab_result *r,
                                    struct assay_error *error)
{
    if (d->vocabulary == 0)
        return ASSAY_OK;
    ASSAY_TRY(lab_vocabulary_keep(d, bpe, folder, error));
    r->vocabulary = d->vocabulary;
    r->bytes_a_token = lab_vocabulary_bytes(d, bpe);
    r->tokenizer = assay_arena_print(r->arena, "%s.tokenizer.json", d->vocabulary_digest);
    return r->tokenizer ? ASSAY_OK : no_memory(error);
}

assay_status assay_lab_run(const struct assay_context *context,
                           const struct assay_lab_settings *settings, const char *path,
                           const char *folder, struct assay_lab_result *result,
                           struct assay_error *error)
{
    const struct assay_lab_settings alone = assay_lab_settings_default();
    struct lab_design design;
    struct lab_bpe bpe = {.count = 0};
    *result = (struct assay_lab_result){.cells = 0};
    ASSAY_TRY(lab_design_read(path, &design, error));
    result->arena = assay_arena_new();
    assay_status status = result->arena ? ASSAY_OK : no_memory(error);
    if (status == ASSAY_OK && design.arm_count > 0 && (!settings || !settings->compare))
        status = assay_error_at(error, ASSAY_ERROR_UNSUPPORTED, path, 0,
                                "white box: nobody was named who compares weights");
    if (status == ASSAY_OK)
        status = lab_vocabulary_learn(&design, &bpe, error);
    if (status == ASSAY_OK)
        status = folder_make(folder, error);
    if (status == ASSAY_OK)
        status = name_vocabulary(&design, &bpe, folder, result, error);
    if (status == ASSAY_OK)
        status = lab_study_run(context, settings ? settings : &alone, &design, &bpe, folder, result,
                               error);
    lab_bpe_free(&bpe);
    lab_design_free(&design);
    if (status != ASSAY_OK)
        assay_lab_result_free(result);
    return status;
}

void assay_lab_result_free(struct assay_lab_result *result)
{
    assay_arena_free(result->arena);
    *result = (struct assay_lab_result){.cells = 0};
}
