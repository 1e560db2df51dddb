/* SPDX-License-Identifier: Apache-2.0 */
/* A question of case.yaml: what is asked, the hypotheses, the instruments to run, the priors. */
#include "case/check.h"
#include "case/read.h"

#include <math.h>
#include <string.h>

#define KINDS 5
static const char *const kind_names[KINDS] = {"hardware", "teacher", "descent", "stages", "other"};

const char *assay_question_kind_name(enum assay_question_kind kind)
{
    return (size_t)kind < KINDS ? kind_names[kind] : "unknown";
}

/* ---- hypotheses ----------------------------------------------------------------------------- */

static assay_status read_hypothesis(struct reading *r, struct assay_yaml *node,
                                    struct assay_case_hypothesis *hypothesis)
{
    struct assay_yaml *entry, *none;
    void *entries;
    hypothesis->line = node->line;
    ASSAY_TRY(read_need_map(r, node, "a hypothesis: a map with id and text"));
    ASSAY_TRY(read_text(r, node, "id", true, &hypothesis->id));
    if (!hypothesis->id[0] || strlen(hypothesis->id) > 128 || !strcmp(hypothesis->id, "others"))
        return read_refuse(r, node, "id '%.80s': expected 1 to 128 bytes, and not 'others'",
                           hypothesis->id);
    ASSAY_TRY(read_text(r, node, "text", false, &hypothesis->text));
    none = assay_yaml_get(node, "none_of_these");
    if (none)
        ASSAY_TRY(assay_yaml_flag(none, &hypothesis->none, r->error));
    const char **matches;
    ASSAY_TRY(read_list(r, node, "matches", false, sizeof *matches, &entry, &entries));
    for (matches = entries; entry; entry = entry->next)
        ASSAY_TRY(assay_yaml_text(entry, &matches[hypothesis->match_count++], r->error));
    hypothesis->matches = matches;
    return ASSAY_OK;
}

assay_status read_hypotheses(struct reading *r, struct assay_yaml *map,
                             struct assay_case_question *question)
{
    struct assay_yaml *first;
    struct name_index index;
    void *entries;
    size_t nones = 0;
    struct assay_case_hypothesis *hypotheses;
    ASSAY_TRY(read_list(r, map, "hypotheses", false, sizeof *hypotheses, &first, &entries));
    hypotheses = entries;
    question->hypotheses = hypotheses;
    for (struct assay_yaml *node = first; node; node = node->next) {
        ASSAY_TRY(read_hypothesis(r, node, &hypotheses[question->hypothesis_count++]));
        nones += hypotheses[question->hypothesis_count - 1].none;
    }
    if (!first)
        return ASSAY_OK;
    ASSAY_TRY(names_index(r->subject->arena, hypotheses, question->hypothesis_count,
                          sizeof *hypotheses, &index, r->error));
    ASSAY_TRY(read_no_twice(r, &index, first, "hypothesis"));
    struct assay_yaml *list = assay_yaml_get(map, "hypotheses");
    if (question->hypothesis_count < 2 || nones != 1)
        return read_refuse(r, list,
                           "question %s: expected two hypotheses or more, exactly one of them with "
                           "none_of_these: true, for the answer may be one that nobody thought of",
                           question->id);
    if (question->stated && names_find(&index, question->stated) == SIZE_MAX)
        return read_refuse(r, assay_yaml_get(map, "stated"),
                           "stated: there is no hypothesis '%s' under hypotheses",
                           question->stated);
    return ASSAY_OK;
}

/* ---- instruments ---------------------------------------------------------------------------- */

/* The finding's name: as given, else the instrument's, numbered from the second on. */
static assay_status name_task(struct reading *r, struct assay_yaml *node,
                              const struct assay_case_task *tasks, struct assay_case_task *task)
{
    size_t before = 1;
    if (assay_yaml_get(node, "id"))
        return read_id(r, node, &task->id);
    for (const struct assay_case_task *t = tasks; t < task; t++)
        before += strcmp(t->instrument, task->instrument) == 0;
    task->id = before == 1
                   ? task->instrument
                   : assay_arena_print(r->subject->arena, "%s-%zu", task->instrument, before);
    return task->id ? ASSAY_OK : read_out_of_memory(r);
}

/* Without a list, a finding rests on the exhibit that is its input file. */
static assay_status find_input(struct reading *r, struct assay_case_task *task,
                               const char sha256[65])
{
    for (size_t i = 0; i < r->subject->exhibit_count; i++) {
        const struct assay_case_exhibit *exhibit = &r->subject->exhibits[i];
        if (!exhibit->file || strcmp(exhibit->sha256, sha256) != 0)
            continue;
        const struct assay_case_exhibit **list =
            assay_arena_alloc(r->subject->arena, 1, sizeof(struct assay_case_exhibit *));
        if (!list)
            return read_out_of_memory(r);
        list[0] = exhibit;
        task->exhibits = (const struct assay_case_exhibit *const *)list;
        task->exhibit_count = 1;
        return ASSAY_OK;
    }
    return ASSAY_OK;
}

static assay_status read_task(struct reading *r, struct assay_yaml *node,
                              const struct assay_case_task *tasks, struct assay_case_task *task)
{
    char sha256[65];
    task->line = node->line;
    ASSAY_TRY(read_need_map(r, node, "a map with instrument and input"));
    ASSAY_TRY(read_text(r, node, "instrument", true, &task->instrument));
    if (!instrument_find(r->table, task->instrument)) {
        char names[256] = "";
        for (size_t i = 0; i < r->table->count; i++) {
            strncat(names, i ? ", " : "", sizeof names - strlen(names) - 1);
            strncat(names, r->table->entries[i].name, sizeof names - strlen(names) - 1);
        }
        return read_refuse(r, assay_yaml_get(node, "instrument"),
                           "unknown instrument '%s': expected one of %s", task->instrument, names);
    }
    ASSAY_TRY(name_task(r, node, tasks, task));
    ASSAY_TRY(read_text(r, node, "input", true, &task->input));
    ASSAY_TRY(check_path(assay_yaml_get(node, "input"), task->input, r->subject->arena, &task->path,
                         sha256, r->error));
    ASSAY_TRY(read_exhibit_list(r, node, "exhibits", &task->exhibits, &task->exhibit_count));
    return task->exhibit_count ? ASSAY_OK : find_input(r, task, sha256);
}

static assay_status read_tasks(struct reading *r, struct assay_yaml *map,
                               struct assay_case_question *question)
{
    struct assay_yaml *node;
    void *entries;
    struct assay_case_task *tasks;
    ASSAY_TRY(read_list(r, map, "instruments", false, sizeof *tasks, &node, &entries));
    question->tasks = tasks = entries;
    for (; node; node = node->next)
        ASSAY_TRY(read_task(r, node, tasks, &tasks[question->task_count++]));
    return ASSAY_OK;
}

/* ---- priors and confidence ------------------------------------------------------------------ */

static assay_status read_holder(struct reading *r, struct assay_yaml *map,
                                struct assay_case_priors *holder)
{
    struct assay_yaml *entry, *probability;
    struct assay_case_prior *priors;
    void *entries;
    double sum = 0;

    holder->line = map->line;
    ASSAY_TRY(read_need_map(r, map, "priors: a map with held_by, reason and probabilities"));
    ASSAY_TRY(read_text(r, map, "held_by", true, &holder->held_by));
    ASSAY_TRY(read_text(r, map, "reason", true, &holder->reason));
    ASSAY_TRY(read_list(r, map, "probabilities", true, sizeof *priors, &entry, &entries));
    for (priors = entries; entry; entry = entry->next) {
        struct assay_case_prior *prior = &priors[holder->count];
        ASSAY_TRY(read_need_map(r, entry, "a map with hypothesis and probability"));
        ASSAY_TRY(read_text(r, entry, "hypothesis", true, &prior->hypothesis));
        for (size_t i = 0; i < holder->count; i++)
            if (strcmp(priors[i].hypothesis, prior->hypothesis) == 0)
                return read_refuse(r, entry, "a second prior for '%s'", prior->hypothesis);
        ASSAY_TRY(assay_yaml_need(entry, "probability", &probability, r->error));
        ASSAY_TRY(assay_yaml_quantity(probability, ASSAY_UNIT_PERCENT, 1e-9, 1, &prior->probability,
                                      r->error));
        sum += prior->probability;
        holder->count++;
    }
    holder->priors = priors;
    if (fabs(sum - 1) > 1e-6)
        return read_refuse(r, map, "the priors sum to %.6g %%: expected 100 %%", sum * 100);
    return ASSAY_OK;
}

/* One holder, or a list of them. */
assay_status read_priors(struct reading *r, struct assay_yaml *map,
                         struct assay_case_question *question)
{
    struct assay_yaml *node = assay_yaml_get(map, "priors");
    if (!node)
        return ASSAY_OK;
    bool list = node->kind == ASSAY_YAML_LIST;
    struct assay_case_priors *holders =
        assay_arena_alloc(r->subject->arena, list ? node->count : 1, sizeof *holders);
    if (!holders)
        return read_out_of_memory(r);
    question->holders = holders;
    if (!list)
        return read_holder(r, node, &holders[question->holder_count++]);
    for (struct assay_yaml *entry = node->child; entry; entry = entry->next)
        ASSAY_TRY(read_holder(r, entry, &holders[question->holder_count++]));
    return ASSAY_OK;
}

static assay_status read_confidence(struct reading *r, struct assay_yaml *map,
                                    struct assay_case_question *question)
{
    static const char *const levels[] = {"low", "moderate", "high"};
    struct assay_yaml *node = assay_yaml_get(map, "confidence"), *level;
    size_t i;
    if (!node)
        return ASSAY_OK;
    ASSAY_TRY(read_need_map(r, node, "confidence: a map with level and because"));
    ASSAY_TRY(assay_yaml_need(node, "level", &level, r->error));
    ASSAY_TRY(assay_yaml_choice(level, levels, 3, &i, r->error));
    question->confidence = levels[i];
    return read_text(r, node, "because", true, &question->confidence_reason);
}

/* ---- the question --------------------------------------------------------------------------- */

/* Findings of instruments and of persons are named in one breath. */
static assay_status check_finding_names(struct reading *r, const struct assay_yaml *node,
                                        const struct assay_case_question *question)
{
    struct name_index index;
    ASSAY_TRY(names_index(r->subject->arena, question->entries, question->entry_count,
                          sizeof *question->entries, &index, r->error));
    for (size_t i = 0; i < question->task_count; i++) {
        size_t at = names_find(&index, question->tasks[i].id);
        if (at != SIZE_MAX)
            return assay_error_at(r->error, ASSAY_ERROR_INPUT, node->file,
                                  question->entries[at].line,
                                  "finding %s stands twice: first on line %ld",
                                  question->tasks[i].id, question->tasks[i].line);
        for (size_t j = 0; j < i; j++)
            if (strcmp(question->tasks[i].id, question->tasks[j].id) == 0)
                return assay_error_at(r->error, ASSAY_ERROR_INPUT, node->file,
                                      question->tasks[i].line,
                                      "finding %s stands twice: first on line %ld",
                                      question->tasks[i].id, question->tasks[j].line);
    }
    return ASSAY_OK;
}

static assay_status read_question(struct reading *r, struct assay_yaml *node,
                                  struct assay_case_question *question)
{
    struct assay_yaml *kind;
    size_t index;
    question->line = node->line;
    ASSAY_TRY(read_need_map(r, node, "a question: a map with id, text, kind and instruments"));
    ASSAY_TRY(read_id(r, node, &question->id));
    ASSAY_TRY(read_text(r, node, "text", true, &question->text));
    ASSAY_TRY(assay_yaml_need(node, "kind", &kind, r->error));
    ASSAY_TRY(assay_yaml_choice(kind, kind_names, KINDS, &index, r->error));
    question->kind = (enum assay_question_kind)index;
    ASSAY_TRY(read_text(r, node, "stated", false, &question->stated));
    if (question->stated)
        question->stated_line = assay_yaml_get(node, "stated")->line;
    ASSAY_TRY(read_hypotheses(r, node, question));
    ASSAY_TRY(read_tasks(r, node, question));
    ASSAY_TRY(read_entries(r, node, question));
    if (question->task_count + question->entry_count == 0)
        return read_refuse(r, node,
                           "question %s: expected something to weigh under instruments or findings",
                           question->id);
    ASSAY_TRY(check_finding_names(r, node, question));
    ASSAY_TRY(read_groups(r, node, question));
    ASSAY_TRY(read_obtainables(r, node, question));
    ASSAY_TRY(
        read_exhibit_list(r, node, "exhibits", &question->exhibits, &question->exhibit_count));
    ASSAY_TRY(read_priors(r, node, question));
    return read_confidence(r, node, question);
}

assay_status read_questions(struct reading *r, struct assay_yaml *root)
{
    struct assay_case *subject = r->subject;
    struct assay_yaml *first;
    struct name_index index;
    void *entries;
    ASSAY_TRY(read_list(r, root, "questions", true, sizeof *subject->questions, &first, &entries));
    struct assay_case_question *questions = entries;
    subject->questions = questions;
    for (struct assay_yaml *node = first; node; node = node->next)
        ASSAY_TRY(read_question(r, node, &questions[subject->question_count++]));
    ASSAY_TRY(names_index(subject->arena, questions, subject->question_count, sizeof *questions,
                          &index, r->error));
    return read_no_twice(r, &index, first, "question");
}
