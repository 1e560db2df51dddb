/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lab's result as a finding. It weighs no hypothesis of anybody's: it says how often what was
 * done on purpose would have been found, which is what a reader must know of a detector that finds
 * nothing, or something.
 */
#include "finding/writer.h"
#include "lab/figures.h"

#include <assay/lab.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST_SENTENCES 32

/* ---- in words ------------------------------------------------------------------------------ */

static size_t most_answers(const struct assay_lab_result *r)
{
    size_t most = 0;
    for (size_t i = 0; i < r->power_count; i++)
        most = r->power[i].answers > most ? r->power[i].answers : most;
    return most;
}

static double place_of(const struct assay_lab_power *p)
{
    return p->further > 0 ? p->further : p->dose;
}

static char *sentence_of(struct finding_writer *w, const struct assay_lab_result *r,
                         const struct assay_lab_power *p)
{
    bool hides = strcmp(p->evasion, "none") != 0;
    char *read = p->answers ? assay_arena_print(w->arena, ", from %zu answers", p->answers)
                            : assay_arena_print(w->arena, "%s", "");
    char *how = assay_arena_print(w->arena,
                                  p->further > 0 ? "after further training of %.3g of a student's"
                                                 : "at a dose of %.3g",
                                  place_of(p));
    return assay_arena_print(w->arena,
                             "%s: of %zu students of width %u, %s%s%s %s%s, %.0f%% are found at a "
                             "level of %.3g (95%% interval %.0f to %.0f%%).",
                             p->depth, p->named.n, p->width, p->method, hides ? ", " : "",
                             hides ? p->evasion : "", how ? how : "", read ? read : "",
                             100 * p->named.share, r->level, 100 * p->named.low,
                             100 * p->named.high);
}

/* The least and the greatest dose (or further training) of each kind say most; the figures have the
 * rest. */
static bool is_end(const struct assay_lab_result *r, const struct assay_lab_power *p)
{
    bool least = true, most = true;
    for (size_t i = 0; i < r->power_count; i++) {
        const struct assay_lab_power *q = &r->power[i];
        if (strcmp(p->depth, q->depth) != 0 || strcmp(p->method, q->method) != 0 ||
            strcmp(p->evasion, q->evasion) != 0 || p->width != q->width)
            continue;
        least = least && place_of(p) <= place_of(q);
        most = most && place_of(p) >= place_of(q);
    }
    return least || most;
}

static void write_answers(struct finding_writer *w, const struct assay_lab_result *r)
{
    const char **list = finding_room(w, MOST_SENTENCES, sizeof *list);
    size_t n = 0, all = most_answers(r);
    for (size_t i = 0; list && i < r->power_count && n < MOST_SENTENCES; i++)
        if ((r->power[i].answers == 0 || r->power[i].answers == all) && is_end(r, &r->power[i]))
            list[n++] = finding_keep(w, sentence_of(w, r, &r->power[i]));
    w->finding->answers = list;
    w->finding->answer_count = n;
}

static void write_limits(struct finding_writer *w)
{
    static const char *const cannot_tell[] = {
        "Whether any model outside this laboratory was taught by another, or by whom.",
        "How often a model as large as those of a case would be found: power in this world is no "
        "power in ours.",
    };
    static const char *const limits[] = {
        "The world, its authors and their manners are made up, and the models are very small.",
        "The student is the unit. The students of one row are asked about each teacher in turn, "
        "so their interval is somewhat too narrow.",
        "A student is found if its score is among the largest of undosed students' and of those "
        "that other teachers taught in the same way.",
        "Likelihood ratios are from curves fitted without the student they are for, and bounded "
        "by the number of students to compare with.",
    };
    w->finding->cannot_tell = cannot_tell;
    w->finding->cannot_tell_count = sizeof cannot_tell / sizeof cannot_tell[0];
    w->finding->limits = limits;
    w->finding->limit_count = sizeof limits / sizeof limits[0];
}

/* ---- in numbers ---------------------------------------------------------------------------- */

static struct assay_interval exactly(double value)
{
    return (struct assay_interval){value, value, value, 0.8};
}

static void write_quantities(struct finding_writer *w, const struct assay_lab_result *r)
{
    const struct {
        const char *name;
        double value;
    } numbers[] = {{"models trained and examined", (double)r->cells},
                   {"undosed students to compare with", (double)r->null_students},
                   {"control teachers", (double)r->control_teachers},
                   {"level that a student is found at", r->level}};
    size_t n = 0, fixed = sizeof numbers / sizeof numbers[0];
    struct assay_quantity *list = finding_room(w, fixed + r->wrong_count + 3, sizeof *list);
    for (size_t i = 0; list && i < fixed; i++)
        list[n++] = (struct assay_quantity){numbers[i].name, "", exactly(numbers[i].value)};
    for (size_t i = 0; list && i < r->wrong_count; i++) {
        const struct assay_lab_wrong *x = &r->wrong[i];
        if (x->further > 0 || (x->dose > 0 && strcmp(x->depth, "white box") != 0))
            continue; /* those are a figure */
        char *name =
            assay_arena_print(w->arena, "%s: share found wrongly, %s%s%s, width %u", x->depth,
                              x->who, x->method ? ", " : "", x->method ? x->method : "", x->width);
        list[n++] = (struct assay_quantity){
            finding_keep(w, name), "", {x->named.share, x->named.low, x->named.high, 0.95}};
    }
    if (list && r->white_count > 0) {
        const struct assay_lab_white_worth *x = &r->white_worth;
        list[n++] = (struct assay_quantity){
            "white box: share of unrelated pairs with a p at the level or below",
            "",
            {x->at_level.share, x->at_level.low, x->at_level.high, 0.95}};
        list[n++] = (struct assay_quantity){
            "white box: cost of the instrument's own ratios of common origin", "bits",
            exactly(x->origin_cllr)};
        list[n++] = (struct assay_quantity){
            "white box: cost of its ratios of shared training against one seed", "bits",
            exactly(x->training_cllr)};
    }
    w->finding->quantities = list;
    w->finding->quantity_count = n;
}

assay_status assay_lab_describe(const struct assay_lab_result *result, const char *design,
                                uint64_t seed, struct assay_finding *finding,
                                struct assay_error *error)
{
    memset(finding, 0, sizeof *finding);
    finding->arena = assay_arena_new();
    if (!finding->arena)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    struct finding_writer w = {finding, finding->arena, false};
    struct assay_exhibit *exhibit = finding_room(&w, 1, sizeof *exhibit);
    finding->id = "power";
    finding->question = "teacher";
    finding->method = "lab.run";
    finding->method_version = ASSAY_LAB_RUN_VERSION;
    finding->seed = seed;
    write_answers(&w, result);
    write_limits(&w);
    write_quantities(&w, result);
    lab_figures_write(&w, result);
    assay_status status =
        exhibit ? assay_sha256_file(design, exhibit->sha256, error) : ASSAY_ERROR_MEMORY;
    if (exhibit) {
        exhibit->path = finding_keep(&w, design);
        finding->exhibits = exhibit;
        finding->exhibit_count = 1;
    }
    if (w.short_of_memory)
        status = assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    if (status != ASSAY_OK)
        assay_finding_free(finding);
    return status;
}

/* ---- from a design --------------------------------------------------------------------------- */

/* A folder that nobody else has, for the models of one run. */
static assay_status make_folder(char *path, size_t size, struct assay_error *error)
{
    const char *given = getenv("TMPDIR");
    int n = snprintf(path, size, "%s/assay-lab-XXXXXX", given && *given ? given : "/tmp");
    if (n < 0 || (size_t)n >= size)
        return assay_error_at(error, ASSAY_ERROR_LIMIT, given, 0, "TMPDIR is too long");
    return mkdtemp(path)
               ? ASSAY_OK
               : assay_error_at(error, ASSAY_ERROR_IO, path, 0,
                                "cannot make a folder for the models: %s", strerror(errno));
}

static void remove_folder(const char *path)
{
    DIR *directory = opendir(path);
    for (struct dirent *entry; directory && (entry = readdir(directory)) != NULL;)
        unlinkat(dirfd(directory), entry->d_name, 0);
    if (directory)
        closedir(directory);
    rmdir(path);
}

assay_status assay_lab_finding(const char *path, const char *folder,
                               const struct assay_context *context, struct assay_finding *finding,
                               struct assay_error *error)
{
    char own[4096];
    struct assay_lab_result result;
    memset(finding, 0, sizeof *finding);
    if (!folder)
        ASSAY_TRY(make_folder(own, sizeof own, error));
    assay_status status = assay_lab_run(context, NULL, path, folder ? folder : own, &result, error);
    if (!folder)
        remove_folder(own);
    if (status != ASSAY_OK)
        return status;
    status = assay_lab_describe(&result, path, context->seed, finding, error);
    assay_lab_result_free(&result);
    return status;
}
