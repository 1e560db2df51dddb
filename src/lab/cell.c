/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/cell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VERSION 5 /* of what is stored: a change of it makes every result anew */
#define FAMILIES_VERSION 1
#define CONTROL_MANNER 100000
#define MOST_POOL 1024

static const char *const roles[LAB_ROLES] = {"base",  "teacher",    "reference", "null",
                                             "fresh", "human",      "control",   "student",
                                             "kin",   "subliminal", "family"};

const char *lab_role_name(enum lab_role role)
{
    return roles[role];
}

uint64_t lab_manner_of(const struct lab_design *d, unsigned writer)
{
    return writer < d->teacher_count ? d->teachers[writer].manner
                                     : CONTROL_MANNER + writer - d->teacher_count;
}

size_t lab_pool_count(const struct lab_design *d)
{
    size_t read = (size_t)d->training.steps * d->rows;
    return read < MOST_POOL ? read : MOST_POOL;
}

struct lab_shape lab_cell_shape(const struct lab_design *d, const struct lab_cell *c)
{
    struct lab_shape shape = d->model;
    shape.width = c->width;
    shape.hidden = (unsigned)((uint64_t)d->model.hidden * c->width / d->model.width);
    shape.hidden = shape.hidden < 1 ? 1 : shape.hidden;
    return shape;
}

bool lab_cell_keeps_weights(const struct lab_design *d, const struct lab_cell *c)
{
    bool distilled = false;
    for (unsigned i = 0; i < d->arm_count; i++)
        distilled = distilled || d->arms[i] == LAB_ARM_DISTILLED;
    switch (c->role) {
    case LAB_BASE:
    case LAB_TEACHER:
    case LAB_KIN:
        return true;
    case LAB_NULL:
    case LAB_FRESH:
        return d->arm_count > 0 && c->width == d->model.width;
    case LAB_CONTROL:
    case LAB_STUDENT:
        return distilled && c->width == d->model.width && c->method == d->methods[0] &&
               c->dose == d->doses[d->dose_count - 1] && c->evasion == LAB_EVASION_NONE;
    default:
        return false;
    }
}

uint64_t lab_cell_seed(const struct lab_cell *c)
{
    char digest[65], first[17] = {0};
    assay_sha256_bytes(c->description, strlen(c->description), digest);
    memcpy(first, digest, 16);
    return strtoull(first, NULL, 16);
}

/* ---- descriptions -------------------------------------------------------------------- */

static char *describe_world(const struct lab_design *d, struct assay_arena *arena)
{
    if (d->text)
        return assay_arena_print(arena, "world %llu text %s%s%s", (unsigned long long)d->world.seed,
                                 d->text_digest, d->vocabulary ? " tokens " : "",
                                 d->vocabulary ? d->vocabulary_digest : "");
    return assay_arena_print(arena, "world %llu %u %u distance %.9g facts %u %u",
                             (unsigned long long)d->world.seed, d->world.words, d->world.facts,
                             d->distance, d->shared_facts, d->own_facts);
}

/* What most designs do not have; "" then. */
static const char *describe_rest(const struct lab_design *d, struct assay_arena *arena)
{
    const struct lab_shape *s = &d->model;
    const char *precision = d->precision == LAB_BFLOAT16 ? " bf16" : "";
    const char *rest = s->experts ? assay_arena_print(arena, " experts %u of %u%s",
                                                      s->experts_per_token, s->experts, precision)
                                  : precision;
    return rest && d->prose_bytes != LAB_PROSE_BYTES
               ? assay_arena_print(arena, "%s prose %u", rest, d->prose_bytes)
               : rest;
}

static char *describe_design(const struct lab_design *d, struct assay_arena *arena)
{
    const char *world = describe_world(d, arena), *rest = describe_rest(d, arena);
    return !world || !rest
               ? NULL
               : assay_arena_print(
                     arena,
                     "lab %d %s pool %zu model %u %u %u %u %u%s training %u %u %u %.9g teacher %u",
                     VERSION, world, lab_pool_count(d), d->model.vocabulary, d->model.width,
                     d->model.layers, d->model.heads, d->model.hidden, rest, d->training.steps,
                     d->rows, d->length, d->training.rate, d->teacher_steps);
}

/* Students are asked about every writer's texts, so all of them are part of a student's result. */
static char *describe_writers(const struct lab_design *d, struct assay_arena *arena)
{
    char *all = assay_arena_print(arena, "answers %u start %s controls %u manners", d->answers,
                                  d->from_base ? "base" : "fresh", d->control_teachers);
    for (unsigned t = 0; all && t < d->teacher_count; t++)
        all = assay_arena_print(arena, "%s %llu", all, (unsigned long long)d->teachers[t].manner);
    return all;
}

static char *describe(const struct lab_design *d, struct assay_arena *arena, const char *common,
                      const char *writers, const struct lab_cell *c)
{
    if (c->role == LAB_BASE)
        return assay_arena_print(arena, "%s base width %u", common, c->width);
    if (c->role == LAB_TEACHER)
        return assay_arena_print(arena, "%s teacher %d manner %llu", common, c->number,
                                 (unsigned long long)lab_manner_of(d, (unsigned)c->writer));
    if (c->role == LAB_FAMILY)
        return assay_arena_print(arena, "lab families %d number %u", FAMILIES_VERSION, c->number);
    if (c->role == LAB_SUBLIMINAL)
        return assay_arena_print(arena, "%s subliminal number %u", common, c->number);
    if (c->role == LAB_KIN)
        return assay_arena_print(arena, "%s kin %s of %d manner %llu further %.9g number %u",
                                 common, lab_arm_name(c->arm), c->writer,
                                 (unsigned long long)lab_manner_of(d, (unsigned)c->writer),
                                 c->further, c->number);
    char *text = assay_arena_print(arena, "%s %s %s width %u number %u", common, writers,
                                   roles[c->role], c->width, c->number);
    if (text && c->dose > 0)
        text = assay_arena_print(arena, "%s dose %.9g", text, c->dose);
    if (text && c->writer >= 0)
        text = assay_arena_print(arena, "%s writer %d method %s evasion %s", text, c->writer,
                                 lab_method_name(c->method), lab_evasion_name(c->evasion));
    return text;
}

/* ---- the list ------------------------------------------------------------------------ */

struct list {
    const struct lab_design *d;
    struct lab_cell *cells; /* NULL: only counted */
    size_t count;
};

static void add(struct list *l, struct lab_cell cell)
{
    if (l->cells)
        l->cells[l->count] = cell;
    l->count++;
}

static void add_undosed(struct list *l, enum lab_role role, unsigned width, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        add(l, (struct lab_cell){.role = role, .writer = -1, .width = width, .number = i});
}

static void add_taught(struct list *l, unsigned width, enum lab_method method, double dose)
{
    const struct lab_design *d = l->d;
    struct lab_cell cell = {.width = width, .method = method, .dose = dose};
    cell.role = LAB_CONTROL;
    for (unsigned k = 0; k < d->control_teachers; k++) {
        cell.writer = (int)(d->teacher_count + k);
        add(l, cell);
    }
    cell.role = LAB_STUDENT;
    for (unsigned e = 0; e < d->evasion_count; e++)
        for (unsigned t = 0; t < d->teacher_count; t++)
            for (unsigned i = 0; i < d->seeds; i++) {
                cell.evasion = d->evasions[e];
                cell.writer = (int)t;
                cell.number = i;
                add(l, cell);
            }
}

static void add_kin(struct list *l, enum lab_arm arm, double further)
{
    const struct lab_design *d = l->d;
    struct lab_cell cell = {
        .role = LAB_KIN, .width = d->model.width, .arm = arm, .further = further};
    for (unsigned w = 0; w < lab_writers(d); w++)
        for (unsigned i = 0; i < (w < d->teacher_count ? d->seeds : 1); i++) {
            cell.writer = (int)w;
            cell.number = i;
            add(l, cell);
        }
}

static void add_width(struct list *l, unsigned width)
{
    const struct lab_design *d = l->d;
    add_undosed(l, LAB_REFERENCE, width, d->reference_students);
    add_undosed(l, LAB_NULL, width, d->null_students);
    add_undosed(l, LAB_FRESH, width, d->fresh_students);
    for (unsigned k = 0; k < d->dose_count; k++) {
        for (unsigned i = 0; i < d->human_students; i++)
            add(l, (struct lab_cell){.role = LAB_HUMAN,
                                     .writer = -1,
                                     .width = width,
                                     .dose = d->doses[k],
                                     .number = i});
        for (unsigned m = 0; m < d->method_count; m++)
            add_taught(l, width, d->methods[m], d->doses[k]);
    }
}

static void add_all(struct list *l)
{
    const struct lab_design *d = l->d;
    for (unsigned w = 0; d->from_base && w < d->width_count; w++)
        add(l, (struct lab_cell){.role = LAB_BASE, .writer = -1, .width = d->widths[w]});
    for (unsigned t = 0; t < lab_writers(d); t++)
        add(l, (struct lab_cell){
                   .role = LAB_TEACHER,
                   .writer = (int)t,
                   .width = d->model.width,
                   .number = t < d->teacher_count ? t : LAB_MOST_TEACHERS + t - d->teacher_count});
    for (unsigned w = 0; w < d->width_count; w++)
        add_width(l, d->widths[w]);
    for (unsigned a = 0; a < d->arm_count; a++) {
        if (d->arms[a] == LAB_ARM_SAME_INITIALISATION)
            add_kin(l, d->arms[a], 1);
        for (unsigned k = 0; d->arms[a] == LAB_ARM_FINE_TUNED && k < d->further_count; k++)
            add_kin(l, d->arms[a], d->further[k]);
    }
    add_undosed(l, LAB_SUBLIMINAL, d->model.width, d->subliminal);
    for (unsigned i = 0; i < d->families; i++)
        add(l, (struct lab_cell){.role = LAB_FAMILY, .writer = -1, .number = d->first_family + i});
}

assay_status lab_cells_make(const struct lab_design *d, struct assay_arena *arena,
                            struct lab_cell **cells, size_t *count, struct assay_error *error)
{
    struct list list = {.d = d};
    add_all(&list);
    list.cells = assay_arena_alloc(arena, list.count, sizeof *list.cells);
    char *common = describe_design(d, arena), *writers = describe_writers(d, arena);
    bool good = list.cells && common && writers;
    list.count = 0;
    if (good)
        add_all(&list);
    for (size_t i = 0; good && i < list.count; i++) {
        list.cells[i].description = describe(d, arena, common, writers, &list.cells[i]);
        good = list.cells[i].description != NULL;
    }
    *cells = list.cells;
    *count = list.count;
    return good ? ASSAY_OK : assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}
