/* SPDX-License-Identifier: Apache-2.0 */
/*
 * case.yaml as a struct assay_case. Each read_ function takes one node and fills one struct;
 * what can go wrong is that a person mistyped, so every refusal has the line.
 */
#include "case/check.h"
#include "case/instruments.h"

#include <math.h>
#include <string.h>

#define KINDS 4
static const char *const kind_names[KINDS] = {"hardware", "teacher", "descent", "stages"};

struct reading {
    const struct instrument_table *table;
    struct assay_case *subject;
    struct assay_error *error;
};

static assay_status out_of_memory(struct reading *r)
{
    return assay_error_at(r->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

/* The text under `key`; *text is NULL if it is absent and need not be there. */
static assay_status read_text(struct reading *r, struct assay_yaml *map, const char *key, bool need,
                              const char **text)
{
    struct assay_yaml *node = assay_yaml_get(map, key);
    *text = NULL;
    if (!node && !need)
        return ASSAY_OK;
    ASSAY_TRY(assay_yaml_need(map, key, &node, r->error));
    return assay_yaml_text(node, text, r->error);
}

/* The list under `key` and room for its entries; an absent one is empty unless it must be there. */
static assay_status read_list(struct reading *r, struct assay_yaml *map, const char *key, bool need,
                              size_t size, struct assay_yaml **first, void **entries)
{
    struct assay_yaml *node = assay_yaml_get(map, key);
    *first = NULL;
    *entries = NULL;
    if (!node && !need)
        return ASSAY_OK;
    ASSAY_TRY(assay_yaml_need(map, key, &node, r->error));
    if (node->kind != ASSAY_YAML_LIST || !node->child)
        return assay_error_at(r->error, ASSAY_ERROR_INPUT, node->file, node->line,
                              "%s: expected a list of at least one entry", key);
    *first = node->child;
    *entries = assay_arena_alloc(r->subject->arena, node->count, size);
    return *entries ? ASSAY_OK : out_of_memory(r);
}

static assay_status need_map(struct reading *r, const struct assay_yaml *node, const char *what)
{
    if (node->kind == ASSAY_YAML_MAP)
        return ASSAY_OK;
    return assay_error_at(r->error, ASSAY_ERROR_INPUT, node->file, node->line,
                          "expected %s, found %s", what,
                          node->kind == ASSAY_YAML_LIST ? "a list" : "a text");
}

static assay_status read_exhibit(struct reading *r, struct assay_yaml *node,
                                 struct assay_case_exhibit *exhibit)
{
    const char *grade;
    exhibit->line = node->line;
    ASSAY_TRY(need_map(r, node, "an exhibit: a map with id, statement or file, source, ..."));
    ASSAY_TRY(read_text(r, node, "id", true, &exhibit->id));
    ASSAY_TRY(check_id(assay_yaml_get(node, "id"), exhibit->id, r->error));
    ASSAY_TRY(read_text(r, node, "statement", false, &exhibit->statement));
    ASSAY_TRY(read_text(r, node, "file", false, &exhibit->file));
    if (!exhibit->statement == !exhibit->file)
        return assay_error_at(r->error, ASSAY_ERROR_INPUT, node->file, node->line,
                              "exhibit %s: expected either a statement or a file", exhibit->id);
    ASSAY_TRY(read_text(r, node, "said_by", exhibit->statement != NULL, &exhibit->said_by));
    ASSAY_TRY(read_text(r, node, "source", true, &exhibit->source));
    ASSAY_TRY(read_text(r, node, "date", true, &exhibit->date));
    ASSAY_TRY(check_date(assay_yaml_get(node, "date"), exhibit->date, r->error));
    ASSAY_TRY(read_text(r, node, "grade", true, &grade));
    ASSAY_TRY(check_grade(assay_yaml_get(node, "grade"), grade, r->error));
    memcpy(exhibit->grade, grade, sizeof exhibit->grade);
    if (exhibit->file) {
        const char *path;
        ASSAY_TRY(check_path(assay_yaml_get(node, "file"), exhibit->file, r->subject->arena, &path,
                             exhibit->sha256, r->error));
    }
    for (const struct assay_case_exhibit *e = r->subject->exhibits; e < exhibit; e++)
        if (strcmp(e->id, exhibit->id) == 0)
            return assay_error_at(r->error, ASSAY_ERROR_INPUT, node->file, node->line,
                                  "exhibit %s stands twice: first on line %ld", e->id, e->line);
    return ASSAY_OK;
}

static assay_status read_task(struct reading *r, struct assay_yaml *node,
                              struct assay_case_task *task)
{
    char sha256[65];
    task->line = node->line;
    ASSAY_TRY(need_map(r, node, "a map with instrument and input"));
    ASSAY_TRY(read_text(r, node, "instrument", true, &task->instrument));
    if (!instrument_find(r->table, task->instrument)) {
        char names[256] = "";
        for (size_t i = 0; i < r->table->count; i++) {
            strncat(names, i ? ", " : "", sizeof names - strlen(names) - 1);
            strncat(names, r->table->entries[i].name, sizeof names - strlen(names) - 1);
        }
        return assay_error_at(
            r->error, ASSAY_ERROR_INPUT, node->file, assay_yaml_get(node, "instrument")->line,
            "unknown instrument '%s': expected one of %s", task->instrument, names);
    }
    ASSAY_TRY(read_text(r, node, "input", true, &task->input));
    return check_path(assay_yaml_get(node, "input"), task->input, r->subject->arena, &task->path,
                      sha256, r->error);
}

static assay_status find_exhibit(struct reading *r, const struct assay_yaml *node,
                                 const struct assay_case_exhibit **exhibit)
{
    const char *id;
    ASSAY_TRY(assay_yaml_text(node, &id, r->error));
    for (size_t i = 0; i < r->subject->exhibit_count; i++) {
        *exhibit = &r->subject->exhibits[i];
        if (strcmp((*exhibit)->id, id) == 0)
            return ASSAY_OK;
    }
    return assay_error_at(r->error, ASSAY_ERROR_INPUT, node->file, node->line,
                          "there is no exhibit '%s': expected the id of one under exhibits", id);
}

static assay_status read_priors(struct reading *r, struct assay_yaml *map,
                                struct assay_case_question *question)
{
    struct assay_yaml *entry;
    struct assay_case_prior *priors;
    void *entries;
    double sum = 0;

    ASSAY_TRY(need_map(r, map, "priors: a map with held_by, reason and probabilities"));
    ASSAY_TRY(read_text(r, map, "held_by", true, &question->priors_held_by));
    ASSAY_TRY(read_text(r, map, "reason", true, &question->priors_reason));
    ASSAY_TRY(read_list(r, map, "probabilities", true, sizeof *priors, &entry, &entries));
    for (priors = entries; entry; entry = entry->next) {
        struct assay_case_prior *prior = &priors[question->prior_count];
        struct assay_yaml *probability;
        ASSAY_TRY(need_map(r, entry, "a map with hypothesis and probability"));
        ASSAY_TRY(read_text(r, entry, "hypothesis", true, &prior->hypothesis));
        for (size_t i = 0; i < question->prior_count; i++)
            if (strcmp(priors[i].hypothesis, prior->hypothesis) == 0)
                return assay_error_at(r->error, ASSAY_ERROR_INPUT, entry->file, entry->line,
                                      "a second prior for '%s'", prior->hypothesis);
        ASSAY_TRY(assay_yaml_need(entry, "probability", &probability, r->error));
        ASSAY_TRY(assay_yaml_quantity(probability, ASSAY_UNIT_PERCENT, 1e-9, 1, &prior->probability,
                                      r->error));
        sum += prior->probability;
        question->prior_count++;
    }
    question->priors = priors;
    if (fabs(sum - 1) > 1e-6)
        return assay_error_at(r->error, ASSAY_ERROR_INPUT, map->file, map->line,
                              "the priors sum to %.6g %%: expected 100 %%", sum * 100);
    return ASSAY_OK;
}

static assay_status read_confidence(struct reading *r, struct assay_yaml *map,
                                    struct assay_case_question *question)
{
    static const char *const levels[] = {"low", "moderate", "high"};
    struct assay_yaml *level;
    size_t i;
    ASSAY_TRY(need_map(r, map, "confidence: a map with level and because"));
    ASSAY_TRY(assay_yaml_need(map, "level", &level, r->error));
    ASSAY_TRY(assay_yaml_choice(level, levels, 3, &i, r->error));
    question->confidence = levels[i];
    return read_text(r, map, "because", true, &question->confidence_reason);
}

static assay_status read_question(struct reading *r, struct assay_yaml *node,
                                  struct assay_case_question *question)
{
    struct assay_yaml *entry, *kind;
    void *entries;
    size_t index;

    question->line = node->line;
    ASSAY_TRY(need_map(r, node, "a question: a map with id, text, kind and instruments"));
    ASSAY_TRY(read_text(r, node, "id", true, &question->id));
    ASSAY_TRY(check_id(assay_yaml_get(node, "id"), question->id, r->error));
    for (const struct assay_case_question *q = r->subject->questions; q < question; q++)
        if (strcmp(q->id, question->id) == 0)
            return assay_error_at(r->error, ASSAY_ERROR_INPUT, node->file, node->line,
                                  "question %s stands twice: first on line %ld", q->id, q->line);
    ASSAY_TRY(read_text(r, node, "text", true, &question->text));
    ASSAY_TRY(assay_yaml_need(node, "kind", &kind, r->error));
    ASSAY_TRY(assay_yaml_choice(kind, kind_names, KINDS, &index, r->error));
    question->kind = (enum assay_question_kind)index;
    ASSAY_TRY(read_text(r, node, "stated", false, &question->stated));
    if (question->stated)
        question->stated_line = assay_yaml_get(node, "stated")->line;

    struct assay_case_task *tasks;
    ASSAY_TRY(read_list(r, node, "instruments", true, sizeof *tasks, &entry, &entries));
    for (tasks = entries; entry; entry = entry->next)
        ASSAY_TRY(read_task(r, entry, &tasks[question->task_count++]));
    question->tasks = tasks;

    const struct assay_case_exhibit **exhibits;
    ASSAY_TRY(read_list(r, node, "exhibits", false, sizeof *exhibits, &entry, &entries));
    for (exhibits = entries; entry; entry = entry->next)
        ASSAY_TRY(find_exhibit(r, entry, &exhibits[question->exhibit_count++]));
    question->exhibits = exhibits;

    struct assay_yaml *priors = assay_yaml_get(node, "priors");
    if (priors)
        ASSAY_TRY(read_priors(r, priors, question));
    struct assay_yaml *confidence = assay_yaml_get(node, "confidence");
    if (confidence)
        ASSAY_TRY(read_confidence(r, confidence, question));
    return ASSAY_OK;
}

static assay_status read_root(struct reading *r, struct assay_yaml *root)
{
    struct assay_case *subject = r->subject;
    struct assay_yaml *entry;
    void *entries;

    ASSAY_TRY(need_map(r, root, "a map with title, questions and exhibits"));
    ASSAY_TRY(read_text(r, root, "title", true, &subject->title));
    ASSAY_TRY(read_text(r, root, "summary", false, &subject->summary));
    ASSAY_TRY(read_list(r, root, "exhibits", false, sizeof *subject->exhibits, &entry, &entries));
    subject->exhibits = entries;
    for (struct assay_case_exhibit *exhibit = entries; entry; entry = entry->next) {
        ASSAY_TRY(read_exhibit(r, entry, exhibit++));
        subject->exhibit_count++;
    }
    ASSAY_TRY(read_list(r, root, "questions", true, sizeof *subject->questions, &entry, &entries));
    subject->questions = entries;
    for (struct assay_case_question *question = entries; entry; entry = entry->next) {
        ASSAY_TRY(read_question(r, entry, question++));
        subject->question_count++;
    }
    return assay_yaml_finish(root, r->error);
}

assay_status case_read_with(const struct instrument_table *table, const char *folder,
                            struct assay_case *subject, struct assay_error *error)
{
    struct reading r = {table, subject, error};
    struct assay_yaml *root;

    memset(subject, 0, sizeof *subject);
    subject->arena = assay_arena_new();
    if (!subject->arena)
        return out_of_memory(&r);
    size_t length = strlen(folder);
    const char *slash = length && folder[length - 1] == '/' ? "" : "/";
    subject->path = assay_arena_print(subject->arena, "%s%scase.yaml", folder, slash);
    assay_status status = subject->path ? ASSAY_OK : out_of_memory(&r);
    if (status == ASSAY_OK)
        status = assay_yaml_read(subject->path, subject->arena, &root, error);
    if (status == ASSAY_OK)
        status = assay_sha256_file(subject->path, subject->sha256, error);
    if (status == ASSAY_OK)
        status = read_root(&r, root);
    if (status != ASSAY_OK)
        assay_case_free(subject);
    return status;
}

assay_status assay_case_read(const char *folder, struct assay_case *subject,
                             struct assay_error *error)
{
    return case_read_with(&instruments_all, folder, subject, error);
}

void assay_case_free(struct assay_case *subject)
{
    if (!subject)
        return;
    assay_arena_free(subject->arena);
    memset(subject, 0, sizeof *subject);
}

const char *assay_question_kind_name(enum assay_question_kind kind)
{
    return (size_t)kind < KINDS ? kind_names[kind] : "unknown";
}
