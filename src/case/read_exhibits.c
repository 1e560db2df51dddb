/* SPDX-License-Identifier: Apache-2.0 */
/* The exhibits of case.yaml, what repeats what, and how far grades are trusted. */
#include "case/check.h"
#include "case/read.h"

#include <math.h>
#include <string.h>

/* How far an exhibit is trusted by itself, whatever its grade says. */
static assay_status read_informative(struct reading *r, struct assay_yaml *map,
                                     struct assay_case_exhibit *exhibit)
{
    struct assay_yaml *node = assay_yaml_get(map, "informative"), *probability;
    exhibit->informative = NAN;
    if (!node)
        return ASSAY_OK;
    ASSAY_TRY(read_need_map(r, node, "informative: a map with probability and because"));
    ASSAY_TRY(assay_yaml_need(node, "probability", &probability, r->error));
    ASSAY_TRY(assay_yaml_quantity(probability, ASSAY_UNIT_PERCENT, 0, 1, &exhibit->informative,
                                  r->error));
    return read_text(r, node, "because", true, &exhibit->informative_because);
}

static assay_status read_file(struct reading *r, struct assay_yaml *map,
                              struct assay_case_exhibit *exhibit)
{
    const char *path, *recorded;
    ASSAY_TRY(check_path(assay_yaml_get(map, "file"), exhibit->file, r->subject->arena, &path,
                         exhibit->sha256, r->error));
    ASSAY_TRY(read_text(r, map, "sha256", false, &recorded));
    if (recorded && strcmp(recorded, exhibit->sha256) != 0)
        return read_refuse(r, assay_yaml_get(map, "sha256"),
                           "exhibit %s: '%s' is no longer the file that was recorded: its SHA-256 "
                           "is %s; if the change is meant, record that one",
                           exhibit->id, exhibit->file, exhibit->sha256);
    return ASSAY_OK;
}

static assay_status read_exhibit(struct reading *r, struct assay_yaml *node,
                                 struct assay_case_exhibit *exhibit)
{
    const char *grade;
    exhibit->line = node->line;
    ASSAY_TRY(read_need_map(r, node, "an exhibit: a map with id, statement or file, source, ..."));
    ASSAY_TRY(read_id(r, node, &exhibit->id));
    ASSAY_TRY(read_text(r, node, "statement", false, &exhibit->statement));
    ASSAY_TRY(read_text(r, node, "file", false, &exhibit->file));
    if (!exhibit->statement == !exhibit->file)
        return read_refuse(r, node, "exhibit %s: expected either a statement or a file",
                           exhibit->id);
    ASSAY_TRY(read_text(r, node, "said_by", exhibit->statement != NULL, &exhibit->said_by));
    ASSAY_TRY(read_text(r, node, "source", true, &exhibit->source));
    ASSAY_TRY(read_text(r, node, "date", true, &exhibit->date));
    ASSAY_TRY(check_date(assay_yaml_get(node, "date"), exhibit->date, r->error));
    ASSAY_TRY(read_text(r, node, "grade", true, &grade));
    ASSAY_TRY(check_grade(assay_yaml_get(node, "grade"), grade, r->error));
    memcpy(exhibit->grade, grade, sizeof exhibit->grade);
    ASSAY_TRY(read_text(r, node, "origin", false, &exhibit->origin));
    if (!exhibit->origin)
        exhibit->origin = exhibit->said_by ? exhibit->said_by : exhibit->source;
    ASSAY_TRY(read_informative(r, node, exhibit));
    return exhibit->file ? read_file(r, node, exhibit) : ASSAY_OK;
}

/* Follows `repeats` from each exhibit; more steps than exhibits is a circle. */
static assay_status check_circles(struct reading *r, const struct assay_yaml *first)
{
    const struct assay_case *subject = r->subject;
    const struct assay_yaml *node = first;
    for (size_t i = 0; i < subject->exhibit_count; i++, node = node->next) {
        const struct assay_case_exhibit *at = subject->exhibits[i].repeats;
        for (size_t steps = 0; at; at = at->repeats)
            if (at == &subject->exhibits[i])
                return read_refuse(r, node,
                                   "exhibit %s repeats %s, which goes back to %s itself: expected "
                                   "one that came first",
                                   at->id, at->repeats->id, at->id);
            else if (steps++ == subject->exhibit_count)
                break; /* a circle elsewhere, found from an exhibit on it */
    }
    return ASSAY_OK;
}

static assay_status read_repeats(struct reading *r, struct assay_yaml *first,
                                 struct assay_case_exhibit *exhibits)
{
    bool any = false;
    for (struct assay_yaml *node = first; node; node = node->next, exhibits++) {
        const char *id;
        ASSAY_TRY(read_text(r, node, "repeats", false, &id));
        if (!id)
            continue;
        size_t at = names_find(&r->exhibits, id);
        if (at == SIZE_MAX)
            return read_refuse(r, assay_yaml_get(node, "repeats"),
                               "there is no exhibit '%s' to repeat", id);
        exhibits->repeats = &r->subject->exhibits[at];
        any = true;
    }
    return any ? check_circles(r, first) : ASSAY_OK;
}

assay_status read_exhibits(struct reading *r, struct assay_yaml *root)
{
    struct assay_case *subject = r->subject;
    struct assay_yaml *first;
    void *entries;
    ASSAY_TRY(read_list(r, root, "exhibits", false, sizeof *subject->exhibits, &first, &entries));
    struct assay_case_exhibit *exhibits = entries;
    subject->exhibits = exhibits;
    for (struct assay_yaml *node = first; node; node = node->next)
        ASSAY_TRY(read_exhibit(r, node, &exhibits[subject->exhibit_count++]));
    ASSAY_TRY(names_index(subject->arena, exhibits, subject->exhibit_count, sizeof *exhibits,
                          &r->exhibits, r->error));
    ASSAY_TRY(read_no_twice(r, &r->exhibits, first, "exhibit"));
    return read_repeats(r, first, exhibits);
}

/* Grades that the case trusts otherwise than the shipped table does. */
assay_status read_reliability(struct reading *r, struct assay_yaml *root)
{
    struct assay_case_reliability *own = &r->subject->reliability;
    struct assay_yaml *map = assay_yaml_get(root, "reliability");
    for (size_t i = 0; i < 6; i++)
        own->letters[i] = own->digits[i] = NAN;
    if (!map)
        return ASSAY_OK;
    own->line = map->line;
    ASSAY_TRY(read_need_map(r, map, "reliability: a map with because and grades, such as C: 40 %"));
    ASSAY_TRY(read_text(r, map, "because", true, &own->because));
    for (size_t i = 0; i < 12; i++) {
        char key[2] = {"ABCDEF123456"[i], 0};
        struct assay_yaml *node = assay_yaml_get(map, key);
        double *to = i < 6 ? &own->letters[i] : &own->digits[i - 6];
        if (node)
            ASSAY_TRY(assay_yaml_quantity(node, ASSAY_UNIT_PERCENT, 0, 1, to, r->error));
    }
    return ASSAY_OK;
}
