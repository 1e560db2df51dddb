/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/design.h"

#include "lab/folder.h"
#include "lab/generate.h"

#include <math.h>
#include <string.h>

#define MOST_ENTRIES 16 /* of a list, before they are told apart */

#define POST_TRAINING_DOSE 0.5 /* at most, of methods that need a student who can write */

static const char *const methods[LAB_METHODS] = {
    [LAB_METHOD_ANSWERS] = "answers",         [LAB_METHOD_TOP_K] = "top-k",
    [LAB_METHOD_LOGITS] = "logits",           [LAB_METHOD_ON_POLICY] = "on-policy",
    [LAB_METHOD_PREFERENCES] = "preferences", [LAB_METHOD_REASONING] = "reasoning",
    [LAB_METHOD_PARAPHRASE] = "paraphrase",   [LAB_METHOD_MIXED] = "mixed",
};

static const char *const evasions[LAB_EVASIONS] = {
    [LAB_EVASION_NONE] = "none",
    [LAB_EVASION_RINSED] = "rinsed",
    [LAB_EVASION_COOLED] = "cooled",
};

static const char *const arms[LAB_ARMS] = {
    [LAB_ARM_DISTILLED] = "distilled",
    [LAB_ARM_SAME_INITIALISATION] = "same-initialisation",
    [LAB_ARM_FINE_TUNED] = "fine-tuned",
};

static const char *const disguises[LAB_DISGUISES] = {
    [LAB_DISGUISE_NONE] = "none",
    [LAB_DISGUISE_PRUNED] = "pruned",
    [LAB_DISGUISE_PERMUTED] = "permuted",
    [LAB_DISGUISE_TURNED] = "turned",
    [LAB_DISGUISE_QUANTISED] = "quantised",
    [LAB_DISGUISE_SHALLOWER] = "shallower",
    [LAB_DISGUISE_BOTH] = "permuted and pruned",
};

const char *lab_arm_name(enum lab_arm arm)
{
    return arms[arm];
}

const char *lab_disguise_name(enum lab_disguise disguise)
{
    return disguises[disguise];
}

const char *lab_evasion_name(enum lab_evasion evasion)
{
    return evasions[evasion];
}

const char *lab_method_name(enum lab_method method)
{
    return methods[method];
}

static assay_status need_count(struct assay_yaml *map, const char *key, unsigned least,
                               unsigned most, unsigned *count, struct assay_error *error)
{
    struct assay_yaml *node;
    int64_t value;
    ASSAY_TRY(assay_yaml_need(map, key, &node, error));
    ASSAY_TRY(assay_yaml_count(node, least, most, &value, error));
    *count = (unsigned)value;
    return ASSAY_OK;
}

/* The same of a key that may be absent, and then is `otherwise`. */
static assay_status may_count(struct assay_yaml *map, const char *key, unsigned least,
                              unsigned most, unsigned otherwise, unsigned *count,
                              struct assay_error *error)
{
    *count = otherwise;
    return assay_yaml_get(map, key) ? need_count(map, key, least, most, count, error) : ASSAY_OK;
}

/* A list that is not empty and has at most `most` entries. */
static assay_status need_list(struct assay_yaml *map, const char *key, size_t most,
                              struct assay_yaml **list, struct assay_error *error)
{
    ASSAY_TRY(assay_yaml_need(map, key, list, error));
    if ((*list)->kind != ASSAY_YAML_LIST || (*list)->count == 0 || (*list)->count > most)
        return assay_error_at(error, ASSAY_ERROR_INPUT, (*list)->file, (*list)->line,
                              "%s: expected a list of 1 to %zu entries", key, most);
    return ASSAY_OK;
}

static assay_status read_world(struct assay_yaml *root, struct lab_design *d,
                               struct assay_error *error)
{
    struct assay_yaml *world, *node;
    const char *folder;
    int64_t seed;
    ASSAY_TRY(assay_yaml_need(root, "world", &world, error));
    ASSAY_TRY(assay_yaml_need(world, "seed", &node, error));
    ASSAY_TRY(assay_yaml_count(node, 0, INT64_MAX, &seed, error));
    d->world.seed = (uint64_t)seed;
    node = assay_yaml_get(world, "text");
    if (node) {
        ASSAY_TRY(assay_yaml_text(node, &folder, error));
        ASSAY_TRY(may_count(world, "vocabulary", 257, 65536, 0, &d->vocabulary, error));
        d->vocabulary_at = assay_yaml_get(world, "vocabulary");
        return lab_design_read_text(node, folder, d, error);
    }
    ASSAY_TRY(need_count(world, "words", 8, 4000, &d->world.words, error));
    ASSAY_TRY(
        need_count(world, "facts", 0, d->world.words * d->world.words, &d->world.facts, error));
    ASSAY_TRY(need_count(world, "shared facts", 0, 16000000, &d->shared_facts, error));
    ASSAY_TRY(need_count(world, "own facts", 0, 16000000, &d->own_facts, error));
    ASSAY_TRY(assay_yaml_need(world, "distance", &node, error));
    return assay_yaml_quantity(node, ASSAY_UNIT_NONE, 0, 10, &d->distance, error);
}

static assay_status read_precision(struct assay_yaml *training, struct lab_design *d,
                                   struct assay_error *error)
{
    static const char *const names[] = {[LAB_FLOAT32] = "float32", [LAB_BFLOAT16] = "bf16"};
    const struct assay_yaml *node = assay_yaml_get(training, "precision");
    size_t index = LAB_FLOAT32;
    if (node)
        ASSAY_TRY(assay_yaml_choice(node, names, 2, &index, error));
    d->precision = (enum lab_precision)index;
    return ASSAY_OK;
}

static assay_status read_training(struct assay_yaml *root, struct lab_design *d,
                                  struct assay_error *error)
{
    struct assay_yaml *model, *training, *node;
    ASSAY_TRY(assay_yaml_need(root, "model", &model, error));
    ASSAY_TRY(need_count(model, "width", 8, 1024, &d->model.width, error));
    ASSAY_TRY(need_count(model, "layers", 1, 16, &d->model.layers, error));
    ASSAY_TRY(need_count(model, "heads", 1, 64, &d->model.heads, error));
    ASSAY_TRY(need_count(model, "hidden", 8, 4096, &d->model.hidden, error));
    if (d->model.width % (2 * d->model.heads) != 0)
        return assay_error_at(error, ASSAY_ERROR_INPUT, model->file, model->line,
                              "model: expected a width that is a multiple of twice the heads");
    ASSAY_TRY(may_count(model, "experts", 2, 64, 0, &d->model.experts, error));
    ASSAY_TRY(may_count(model, "experts per token", 1, 64, d->model.experts ? 2 : 0,
                        &d->model.experts_per_token, error));
    if (d->model.experts_per_token > d->model.experts)
        return assay_error_at(error, ASSAY_ERROR_INPUT, model->file, model->line,
                              "experts per token: expected at most the number of experts, %u, "
                              "found %u",
                              d->model.experts, d->model.experts_per_token);
    ASSAY_TRY(assay_yaml_need(root, "training", &training, error));
    ASSAY_TRY(need_count(training, "steps", 1, 100000, &d->training.steps, error));
    ASSAY_TRY(need_count(training, "rows", 1, 256, &d->rows, error));
    ASSAY_TRY(need_count(training, "length", 16, 512, &d->length, error));
    ASSAY_TRY(assay_yaml_need(training, "rate", &node, error));
    ASSAY_TRY(assay_yaml_quantity(node, ASSAY_UNIT_NONE, 1e-6, 1, &d->training.rate, error));
    ASSAY_TRY(may_count(training, "teacher steps", 1, 100000, d->training.steps, &d->teacher_steps,
                        error));
    ASSAY_TRY(may_count(training, "prose bytes", 4096, 1u << 28, LAB_PROSE_BYTES, &d->prose_bytes,
                        error));
    ASSAY_TRY(read_precision(training, d, error));
    d->training.warmup = d->training.steps / 20 + 1;
    d->training.decay = 0.1;
    d->training.clip = 1;
    d->training.balance = lab_schedule_default().balance;
    d->model.kv_heads = d->model.heads;
    d->model.vocabulary = d->vocabulary ? d->vocabulary : d->text ? 256 : LAB_BYTES;
    d->model.context = d->length + 1;
    d->model.tied = true;
    return ASSAY_OK;
}

static int teacher_named(const struct lab_design *d, const char *name)
{
    for (unsigned i = 0; i < d->teacher_count; i++)
        if (strcmp(d->teachers[i].name, name) == 0)
            return (int)i;
    return -1;
}

static assay_status read_teacher(struct assay_yaml *entry, struct lab_design *d,
                                 struct assay_error *error)
{
    struct lab_teacher *teacher = &d->teachers[d->teacher_count];
    struct assay_yaml *node;
    const char *twin;
    ASSAY_TRY(assay_yaml_need(entry, "name", &node, error));
    ASSAY_TRY(assay_yaml_text(node, &teacher->name, error));
    if (teacher_named(d, teacher->name) >= 0)
        return assay_error_at(error, ASSAY_ERROR_INPUT, node->file, node->line,
                              "two teachers are named %s", teacher->name);
    teacher->twin = -1;
    teacher->manner = d->teacher_count + 1;
    node = assay_yaml_get(entry, "twin");
    if (node) {
        ASSAY_TRY(assay_yaml_text(node, &twin, error));
        teacher->twin = teacher_named(d, twin);
        if (teacher->twin < 0)
            return assay_error_at(error, ASSAY_ERROR_INPUT, node->file, node->line,
                                  "twin: no teacher above is named %s", twin);
        teacher->manner = d->teachers[teacher->twin].manner;
    }
    d->teacher_count++;
    return ASSAY_OK;
}

static assay_status read_teachers(struct assay_yaml *root, struct lab_design *d,
                                  struct assay_error *error)
{
    struct assay_yaml *list;
    ASSAY_TRY(need_list(root, "teachers", LAB_MOST_TEACHERS, &list, error));
    for (struct assay_yaml *entry = list->child; entry; entry = entry->next)
        ASSAY_TRY(read_teacher(entry, d, error));
    for (unsigned i = 1; i < d->teacher_count; i++)
        if (d->teachers[i].manner != d->teachers[0].manner)
            return ASSAY_OK;
    return assay_error_at(error, ASSAY_ERROR_INPUT, list->file, list->line,
                          "teachers: expected two or more of different manners, for a teacher is "
                          "told from another one");
}

/* Names of a list, none twice, as indices. */
static assay_status read_names(struct assay_yaml *list, const char *const *names, size_t n,
                               unsigned *found, unsigned *count, struct assay_error *error)
{
    for (struct assay_yaml *entry = list->child; entry; entry = entry->next) {
        size_t index;
        ASSAY_TRY(assay_yaml_choice(entry, names, n, &index, error));
        for (unsigned i = 0; i < *count; i++)
            if (found[i] == index)
                return assay_error_at(error, ASSAY_ERROR_INPUT, entry->file, entry->line,
                                      "%s: %s stands here twice", list->key, names[index]);
        found[(*count)++] = (unsigned)index;
    }
    return ASSAY_OK;
}

static assay_status read_methods(struct assay_yaml *root, struct lab_design *d,
                                 struct assay_error *error)
{
    struct assay_yaml *list;
    unsigned found[MOST_ENTRIES] = {0};
    ASSAY_TRY(need_list(root, "methods", LAB_METHODS, &list, error));
    ASSAY_TRY(read_names(list, methods, LAB_METHODS, found, &d->method_count, error));
    for (unsigned i = 0; i < d->method_count; i++)
        d->methods[i] = (enum lab_method)found[i];
    for (unsigned i = 0; d->text && i < d->method_count; i++)
        if (d->methods[i] == LAB_METHOD_PARAPHRASE || d->methods[i] == LAB_METHOD_REASONING)
            return assay_error_at(error, ASSAY_ERROR_INPUT, list->file, list->line,
                                  "methods: %s needs a world that is made up, not a folder",
                                  methods[d->methods[i]]);
    d->evasions[0] = LAB_EVASION_NONE;
    d->evasion_count = 1;
    if (!assay_yaml_get(root, "evasions"))
        return ASSAY_OK;
    d->evasion_count = 0;
    ASSAY_TRY(need_list(root, "evasions", LAB_EVASIONS, &list, error));
    ASSAY_TRY(read_names(list, evasions, LAB_EVASIONS, found, &d->evasion_count, error));
    for (unsigned i = 0; i < d->evasion_count; i++)
        d->evasions[i] = (enum lab_evasion)found[i];
    return ASSAY_OK;
}

static assay_status read_doses(struct assay_yaml *root, struct lab_design *d,
                               struct assay_error *error)
{
    struct assay_yaml *list;
    ASSAY_TRY(need_list(root, "doses", LAB_MOST_DOSES, &list, error));
    for (struct assay_yaml *entry = list->child; entry; entry = entry->next) {
        double *dose = &d->doses[d->dose_count];
        ASSAY_TRY(assay_yaml_quantity(entry, ASSAY_UNIT_NONE, 0, 1, dose, error));
        if (*dose == 0)
            return assay_error_at(error, ASSAY_ERROR_INPUT, entry->file, entry->line,
                                  "doses: a dose of 0 is an undosed student; say how many under "
                                  "null students");
        if (d->dose_count > 0 && *dose <= dose[-1])
            return assay_error_at(error, ASSAY_ERROR_INPUT, entry->file, entry->line,
                                  "doses: expected them to rise, found %g after %g", *dose,
                                  dose[-1]);
        d->dose_count++;
    }
    for (unsigned i = 0; i < d->method_count; i++)
        if ((d->methods[i] == LAB_METHOD_ON_POLICY || d->methods[i] == LAB_METHOD_PREFERENCES) &&
            d->doses[d->dose_count - 1] > POST_TRAINING_DOSE && !d->from_base)
            return assay_error_at(error, ASSAY_ERROR_INPUT, list->file, list->line,
                                  "doses: %s needs a student that can write: expected doses of at "
                                  "most %g, or start: base, found %g",
                                  methods[d->methods[i]], POST_TRAINING_DOSE,
                                  d->doses[d->dose_count - 1]);
    return ASSAY_OK;
}

static assay_status read_students(struct assay_yaml *root, struct lab_design *d,
                                  struct assay_error *error)
{
    struct assay_yaml *node;
    d->level = 0.05;
    node = assay_yaml_get(root, "level");
    if (node)
        ASSAY_TRY(assay_yaml_quantity(node, ASSAY_UNIT_NONE, 0.001, 0.5, &d->level, error));
    ASSAY_TRY(need_count(root, "seeds", 1, 1000, &d->seeds, error));
    ASSAY_TRY(need_count(root, "fresh students", 1, 1000, &d->fresh_students, error));
    ASSAY_TRY(need_count(root, "answers per student", 1, LAB_MOST_ROWS, &d->answers, error));
    ASSAY_TRY(need_count(root, "null students", 0, 1000, &d->null_students, error));
    ASSAY_TRY(may_count(root, "human students", 0, 1000, 0, &d->human_students, error));
    ASSAY_TRY(may_count(root, "reference students", 2, 100, 6, &d->reference_students, error));
    ASSAY_TRY(may_count(root, "subliminal", 0, 1000, 0, &d->subliminal, error));
    node = assay_yaml_get(root, "subliminal");
    if (d->subliminal > 0 && (d->text || d->world.facts == 0))
        return assay_error_at(error, ASSAY_ERROR_INPUT, node->file, node->line,
                              "subliminal: needs a world that is made up and has a fact");
    ASSAY_TRY(may_count(root, "control teachers", 0, 1000, d->null_students, &d->control_teachers,
                        error));
    unsigned needed = (unsigned)ceil(1 / d->level - 1 - 1e-9);
    node = assay_yaml_get(root, "null students");
    if (d->null_students < needed)
        return assay_error_at(error, ASSAY_ERROR_INPUT, node->file, node->line,
                              "null students: at a level of %g expected %u or more, found %u: the "
                              "least p-value is 1 / (null students + 1)",
                              d->level, needed, d->null_students);
    node = assay_yaml_get(root, "control teachers");
    if (d->control_teachers < needed)
        return assay_error_at(error, ASSAY_ERROR_INPUT, node->file, node->line,
                              "control teachers: at a level of %g expected %u or more, found %u: a "
                              "student of any other teacher is the null that matters",
                              d->level, needed, d->control_teachers);
    return ASSAY_OK;
}

static assay_status read_start(struct assay_yaml *root, struct lab_design *d,
                               struct assay_error *error)
{
    static const char *const starts[] = {"fresh", "base"};
    const struct assay_yaml *node = assay_yaml_get(root, "start");
    size_t index = 0;
    if (node)
        ASSAY_TRY(assay_yaml_choice(node, starts, 2, &index, error));
    d->from_base = index == 1;
    return ASSAY_OK;
}

static assay_status read_widths(struct assay_yaml *root, struct lab_design *d,
                                struct assay_error *error)
{
    struct assay_yaml *list;
    d->widths[0] = d->model.width;
    d->width_count = 1;
    if (!assay_yaml_get(root, "widths"))
        return ASSAY_OK;
    ASSAY_TRY(need_list(root, "widths", LAB_MOST_WIDTHS, &list, error));
    d->width_count = 0;
    for (struct assay_yaml *entry = list->child; entry; entry = entry->next) {
        int64_t value;
        ASSAY_TRY(assay_yaml_count(entry, 8, 1024, &value, error));
        unsigned width = (unsigned)value;
        if (width % (2 * d->model.heads) != 0 ||
            (d->width_count > 0 && width <= d->widths[d->width_count - 1]))
            return assay_error_at(error, ASSAY_ERROR_INPUT, entry->file, entry->line,
                                  "widths: expected rising multiples of twice the heads, found %u",
                                  width);
        d->widths[d->width_count++] = width;
    }
    return ASSAY_OK;
}

/* How much longer fine-tuned ones are trained. */
static assay_status read_further(struct assay_yaml *root, struct lab_design *d,
                                 struct assay_error *error)
{
    struct assay_yaml *list;
    d->further[0] = 1;
    d->further_count = 1;
    if (!assay_yaml_get(root, "further training"))
        return ASSAY_OK;
    ASSAY_TRY(need_list(root, "further training", LAB_MOST_FURTHER, &list, error));
    d->further_count = 0;
    for (struct assay_yaml *entry = list->child; entry; entry = entry->next) {
        double *share = &d->further[d->further_count];
        ASSAY_TRY(assay_yaml_quantity(entry, ASSAY_UNIT_NONE, 0.001, 10, share, error));
        if (d->further_count > 0 && *share <= share[-1])
            return assay_error_at(error, ASSAY_ERROR_INPUT, entry->file, entry->line,
                                  "further training: expected shares to rise, found %g after %g",
                                  *share, share[-1]);
        d->further_count++;
    }
    return ASSAY_OK;
}

static assay_status read_white_box(struct assay_yaml *root, struct lab_design *d,
                                   struct assay_error *error)
{
    struct assay_yaml *list;
    unsigned found[MOST_ENTRIES] = {0};
    if (!assay_yaml_get(root, "white box"))
        return ASSAY_OK;
    ASSAY_TRY(need_list(root, "white box", LAB_ARMS, &list, error));
    ASSAY_TRY(read_names(list, arms, LAB_ARMS, found, &d->arm_count, error));
    for (unsigned i = 0; i < d->arm_count; i++)
        d->arms[i] = (enum lab_arm)found[i];
    ASSAY_TRY(read_further(root, d, error));
    d->disguise_count = 1; /* none */
    if (!assay_yaml_get(root, "disguises"))
        return ASSAY_OK;
    d->disguise_count = 0;
    ASSAY_TRY(need_list(root, "disguises", LAB_DISGUISES, &list, error));
    ASSAY_TRY(read_names(list, disguises, LAB_DISGUISES, found, &d->disguise_count, error));
    for (unsigned i = 0; i < d->disguise_count; i++) {
        d->disguises[i] = (enum lab_disguise)found[i];
        if (d->disguises[i] == LAB_DISGUISE_SHALLOWER && d->model.layers < 2)
            return assay_error_at(error, ASSAY_ERROR_INPUT, list->file, list->line,
                                  "disguises: shallower needs a model of two layers or more");
    }
    return ASSAY_OK;
}

/* Whether the facts suffice, at the line of the world. */
static assay_status check_split(struct assay_yaml *root, const struct lab_design *d,
                                struct assay_error *error)
{
    const struct assay_yaml *world = assay_yaml_get(root, "world");
    if (d->text)
        return lab_design_check_text(world, d, error);
    /* one more: what control teachers alone know */
    uint64_t needed = d->shared_facts + (uint64_t)d->own_facts * (d->teacher_count + 1);
    if (needed > d->world.facts)
        return assay_error_at(error, ASSAY_ERROR_INPUT, world->file, world->line,
                              "world: %u facts are too few: %u for all and %u for each of %u "
                              "teachers and the control teachers make %llu",
                              d->world.facts, d->shared_facts, d->own_facts, d->teacher_count,
                              (unsigned long long)needed);
    return ASSAY_OK;
}

/* A design of families has nothing else. */
static assay_status read_families(struct assay_yaml *root, struct lab_design *d,
                                  struct assay_error *error)
{
    struct assay_yaml *map;
    ASSAY_TRY(assay_yaml_need(root, "families", &map, error));
    ASSAY_TRY(need_count(map, "first", 1, 1000000, &d->first_family, error));
    ASSAY_TRY(need_count(map, "count", 1, 1000, &d->families, error));
    return assay_yaml_finish(root, error);
}

static assay_status understand(struct assay_yaml *root, struct lab_design *d,
                               struct assay_error *error)
{
    if (assay_yaml_get(root, "families"))
        return read_families(root, d, error);
    ASSAY_TRY(read_world(root, d, error));
    ASSAY_TRY(read_teachers(root, d, error));
    ASSAY_TRY(read_methods(root, d, error));
    ASSAY_TRY(read_start(root, d, error));
    ASSAY_TRY(read_doses(root, d, error));
    ASSAY_TRY(read_students(root, d, error));
    ASSAY_TRY(read_training(root, d, error));
    ASSAY_TRY(read_widths(root, d, error));
    ASSAY_TRY(read_white_box(root, d, error));
    ASSAY_TRY(check_split(root, d, error));
    return assay_yaml_finish(root, error);
}

assay_status lab_design_parse(const char *path, const void *bytes, size_t size,
                              struct lab_design *design, struct assay_error *error)
{
    struct assay_yaml *root;
    *design = (struct lab_design){.arena = assay_arena_new()};
    if (!design->arena)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    assay_status status = assay_yaml_parse(path, bytes, size, design->arena, &root, error);
    if (status == ASSAY_OK)
        status = understand(root, design, error);
    if (status != ASSAY_OK)
        lab_design_free(design);
    return status;
}

assay_status lab_design_read(const char *path, struct lab_design *design, struct assay_error *error)
{
    struct assay_file file;
    *design = (struct lab_design){.arena = NULL};
    ASSAY_TRY(assay_yaml_open(path, &file, error));
    assay_status status = lab_design_parse(path, file.bytes, file.size, design, error);
    assay_file_close(&file);
    return status;
}

void lab_design_free(struct lab_design *design)
{
    assay_arena_free(design->arena);
    *design = (struct lab_design){.arena = NULL};
}
