/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Findings that a person enters, what they share, and evidence that could be had. A likelihood
 * is the probability of what was observed under a hypothesis, with the range in which its author
 * would not be surprised to find it four times in five: 0.3 (0.2 to 0.45).
 */
#include "case/check.h"
#include "case/read.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- likelihoods ---------------------------------------------------------------------------- */

/* A probability at *text, as a number or a percentage; moves past it and the spaces behind. */
static bool probability(const char **text, double *value)
{
    char *end;
    if (!isdigit((unsigned char)**text) && **text != '.')
        return false;
    *value = strtod(*text, &end);
    while (*end == ' ')
        end++;
    if (*end == '%') {
        *value /= 100;
        end++;
        while (*end == ' ')
            end++;
    }
    *text = end;
    return isfinite(*value);
}

static bool passed(const char **text, const char *word)
{
    size_t length = strlen(word);
    if (strncmp(*text, word, length) != 0)
        return false;
    *text += length;
    while (**text == ' ')
        ++*text;
    return true;
}

static assay_status read_likelihood(struct reading *r, const struct assay_yaml *node,
                                    struct assay_interval *log10_likelihood)
{
    const char *at;
    double middle = 0, low = 0, high = 0;
    ASSAY_TRY(assay_yaml_text(node, &at, r->error));
    bool good = probability(&at, &middle) && passed(&at, "(") && probability(&at, &low) &&
                passed(&at, "to ") && probability(&at, &high) && passed(&at, ")") && !*at;
    if (!good)
        return read_refuse(r, node,
                           "likelihood '%.60s': expected a probability and its 80%% interval, such "
                           "as 0.3 (0.2 to 0.45)",
                           node->text);
    if (!(low <= middle && middle <= high && high <= 1))
        return read_refuse(r, node, "likelihood '%.60s': expected low <= middle <= high, at most 1",
                           node->text);
    if (middle > 0 && !(low > 0))
        return read_refuse(r, node,
                           "likelihood '%.60s': a lower end of 0 says impossible, which no "
                           "evidence can mend; give the least that you would defend, such as 0.001",
                           node->text);
    *log10_likelihood =
        (struct assay_interval){log10(middle), log10(low), log10(high), 0.8}; /* -inf at 0 */
    return ASSAY_OK;
}

/* No likelihood may be 0, and of all of them together that is said apart. */
static assay_status check_zeros(struct reading *r, const struct assay_yaml *node,
                                const struct assay_case_entry *entry,
                                const struct assay_case_question *question)
{
    size_t zeros = 0, first = 0;
    for (size_t h = question->hypothesis_count; h-- > 0;)
        if (!isfinite(entry->log10_likelihoods[h].median)) {
            zeros++;
            first = h;
        }
    if (zeros == question->hypothesis_count)
        return read_refuse(r, node,
                           "finding %s: its likelihood is 0 under every hypothesis, yet it was "
                           "observed: some hypothesis must allow it",
                           entry->id);
    if (zeros)
        return read_refuse(r, node,
                           "finding %s: a likelihood of 0 under '%s' says impossible, which no "
                           "other evidence could mend; give the most that you would defend, such "
                           "as 0.001 (0.0001 to 0.01)",
                           entry->id, question->hypotheses[first].id);
    return ASSAY_OK;
}

/* likelihoods: {HYPOTHESIS: ..., others: ...}; every hypothesis must get one. */
static assay_status read_likelihoods(struct reading *r, struct assay_yaml *map,
                                     const struct name_index *names,
                                     const struct assay_case_question *question,
                                     struct assay_case_entry *entry)
{
    struct assay_yaml *node;
    size_t n = question->hypothesis_count;
    struct assay_interval others = {.level = 0};
    struct assay_interval *values = assay_arena_alloc(r->subject->arena, n, sizeof *values);
    bool *is_other = assay_arena_alloc(r->subject->arena, n, sizeof *is_other);
    if (!values || !is_other)
        return read_out_of_memory(r);
    ASSAY_TRY(assay_yaml_need(map, "likelihoods", &node, r->error));
    ASSAY_TRY(read_need_map(r, node, "likelihoods: a map from hypotheses to probabilities"));
    for (struct assay_yaml *one = node->child; one; one = one->next) {
        bool rest = strcmp(one->key, "others") == 0;
        size_t at = rest ? 0 : names_find(names, one->key);
        if (at == SIZE_MAX)
            return read_refuse(r, one, "likelihoods: there is no hypothesis '%.80s'", one->key);
        one->used = true;
        ASSAY_TRY(read_likelihood(r, one, rest ? &others : &values[at]));
    }
    for (size_t h = 0; h < n; h++) {
        if (values[h].level == 0 && others.level == 0)
            return read_refuse(r, node,
                               "finding %s: no likelihood for '%s'; give one, or 'others' for all "
                               "that are not named",
                               entry->id, question->hypotheses[h].id);
        is_other[h] = values[h].level == 0;
        if (is_other[h])
            values[h] = others;
    }
    entry->log10_likelihoods = values;
    entry->others = is_other;
    return check_zeros(r, node, entry, question);
}

static assay_status read_entry(struct reading *r, struct assay_yaml *node,
                               const struct name_index *names,
                               const struct assay_case_question *question,
                               struct assay_case_entry *entry)
{
    entry->line = node->line;
    ASSAY_TRY(read_need_map(r, node, "a finding: a map with id, text, because and likelihoods"));
    ASSAY_TRY(read_id(r, node, &entry->id));
    ASSAY_TRY(read_text(r, node, "text", true, &entry->text));
    ASSAY_TRY(read_text(r, node, "because", true, &entry->because));
    ASSAY_TRY(read_exhibit_list(r, node, "exhibits", &entry->exhibits, &entry->exhibit_count));
    if (entry->exhibit_count == 0)
        return read_refuse(r, node, "finding %s: expected the exhibits that it rests on",
                           entry->id);
    return read_likelihoods(r, node, names, question, entry);
}

assay_status read_need_hypotheses(struct reading *r, const struct assay_yaml *node,
                                  const struct assay_case_question *question, const char *what,
                                  struct name_index *names)
{
    if (!question->hypothesis_count)
        return read_refuse(r, node,
                           "%s: expected the question to list its hypotheses, one of them "
                           "none_of_these, for their likelihoods are entered by hand",
                           what);
    return names_index(r->subject->arena, question->hypotheses, question->hypothesis_count,
                       sizeof *question->hypotheses, names, r->error);
}

assay_status read_entries(struct reading *r, struct assay_yaml *map,
                          struct assay_case_question *question)
{
    struct assay_yaml *first;
    struct name_index names, index;
    void *memory;
    struct assay_case_entry *entries;
    ASSAY_TRY(read_list(r, map, "findings", false, sizeof *entries, &first, &memory));
    question->entries = entries = memory;
    if (!first)
        return ASSAY_OK;
    ASSAY_TRY(read_need_hypotheses(r, first, question, "findings", &names));
    for (struct assay_yaml *node = first; node; node = node->next)
        ASSAY_TRY(read_entry(r, node, &names, question, &entries[question->entry_count++]));
    ASSAY_TRY(names_index(r->subject->arena, entries, question->entry_count, sizeof *entries,
                          &index, r->error));
    return read_no_twice(r, &index, first, "finding");
}

/* ---- what findings share -------------------------------------------------------------------- */

static bool is_finding(const struct assay_case_question *question, const struct name_index *entries,
                       const char *id)
{
    for (size_t i = 0; i < question->task_count; i++)
        if (strcmp(question->tasks[i].id, id) == 0)
            return true;
    return names_find(entries, id) != SIZE_MAX;
}

static assay_status read_finding_list(struct reading *r, struct assay_yaml *map,
                                      const struct assay_case_question *question,
                                      const char *const **findings, size_t *count)
{
    struct assay_yaml *node;
    struct name_index entries;
    void *memory;
    ASSAY_TRY(names_index(r->subject->arena, question->entries, question->entry_count,
                          sizeof *question->entries, &entries, r->error));
    ASSAY_TRY(read_list(r, map, "findings", true, sizeof **findings, &node, &memory));
    const char **list = memory;
    *findings = list;
    for (; node; node = node->next) {
        ASSAY_TRY(assay_yaml_text(node, &list[*count], r->error));
        if (!is_finding(question, &entries, list[*count]))
            return read_refuse(r, node, "there is no finding '%s' in question %s", list[*count],
                               question->id);
        for (size_t i = 0; i < *count; i++)
            if (strcmp(list[i], list[*count]) == 0)
                return read_refuse(r, node, "finding %s is named twice", list[i]);
        ++*count;
    }
    return ASSAY_OK;
}

/* A finding belongs to one group at most, so that no weight is ever applied twice. */
static assay_status check_groups_apart(struct reading *r, const struct assay_yaml *node,
                                       const struct assay_case_question *question,
                                       const struct assay_case_group *group)
{
    for (const struct assay_case_group *other = question->groups; other < group; other++)
        for (size_t i = 0; i < other->finding_count; i++)
            for (size_t j = 0; j < group->finding_count; j++)
                if (strcmp(other->findings[i], group->findings[j]) == 0)
                    return read_refuse(r, node,
                                       "finding %s is in two groups of dependence, %s and %s: "
                                       "expected one group for all that share a cause",
                                       group->findings[j], other->id, group->id);
    return ASSAY_OK;
}

static assay_status read_group(struct reading *r, struct assay_yaml *node,
                               const struct assay_case_question *question,
                               struct assay_case_group *group)
{
    struct assay_yaml *value;
    group->line = node->line;
    group->correlation = group->informative = 1;
    ASSAY_TRY(read_need_map(r, node, "a dependence: a map with id, findings and because"));
    ASSAY_TRY(read_id(r, node, &group->id));
    ASSAY_TRY(read_text(r, node, "because", true, &group->because));
    ASSAY_TRY(read_finding_list(r, node, question, &group->findings, &group->finding_count));
    if ((value = assay_yaml_get(node, "correlation")) != NULL)
        ASSAY_TRY(assay_yaml_quantity(value, ASSAY_UNIT_NONE, 0, 1, &group->correlation, r->error));
    if ((value = assay_yaml_get(node, "informative")) != NULL)
        ASSAY_TRY(
            assay_yaml_quantity(value, ASSAY_UNIT_PERCENT, 0, 1, &group->informative, r->error));
    if (group->finding_count < 2 && group->informative == 1)
        return read_refuse(r, node, "dependence %s: expected two findings or more", group->id);
    return check_groups_apart(r, node, question, group);
}

static assay_status read_assumption(struct reading *r, struct assay_yaml *node,
                                    const struct assay_case_question *question,
                                    struct assay_case_assumption *assumption)
{
    assumption->line = node->line;
    ASSAY_TRY(read_need_map(r, node, "an assumption: a map with id, text and findings"));
    ASSAY_TRY(read_id(r, node, &assumption->id));
    ASSAY_TRY(read_text(r, node, "text", true, &assumption->text));
    return read_finding_list(r, node, question, &assumption->findings, &assumption->finding_count);
}

assay_status read_groups(struct reading *r, struct assay_yaml *map,
                         struct assay_case_question *question)
{
    struct assay_yaml *first;
    struct name_index index;
    void *memory;
    struct assay_case_group *groups;
    struct assay_case_assumption *assumptions;
    ASSAY_TRY(read_list(r, map, "dependence", false, sizeof *groups, &first, &memory));
    question->groups = groups = memory;
    for (struct assay_yaml *node = first; node; node = node->next)
        ASSAY_TRY(read_group(r, node, question, &groups[question->group_count++]));
    ASSAY_TRY(names_index(r->subject->arena, groups, question->group_count, sizeof *groups, &index,
                          r->error));
    ASSAY_TRY(read_no_twice(r, &index, first, "dependence"));
    ASSAY_TRY(read_list(r, map, "assumptions", false, sizeof *assumptions, &first, &memory));
    question->assumptions = assumptions = memory;
    for (struct assay_yaml *node = first; node; node = node->next)
        ASSAY_TRY(read_assumption(r, node, question, &assumptions[question->assumption_count++]));
    ASSAY_TRY(names_index(r->subject->arena, assumptions, question->assumption_count,
                          sizeof *assumptions, &index, r->error));
    return read_no_twice(r, &index, first, "assumption");
}
