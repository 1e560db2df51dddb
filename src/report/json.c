/* SPDX-License-Identifier: Apache-2.0 */
/* The report as JSON (docs/report.schema.json). */
#include "report/report_json.h"

#include "base/json.h"
#include "finding/finding_json.h"
#include "report/combination_json.h"

#include <stdio.h>
#include <string.h>

static json_t *exhibit_to_json(const struct assay_case_exhibit *e)
{
    json_t *o = json_object();
    json_set_text(o, "id", e->id);
    json_set_text(o, "statement", e->statement);
    json_set_text(o, "file", e->file);
    json_set_text(o, "sha256", e->file ? e->sha256 : NULL);
    json_set_text(o, "said_by", e->said_by);
    json_set_text(o, "source", e->source);
    json_set_text(o, "date", e->date);
    json_set_text(o, "grade", e->grade);
    json_set_text(o, "origin", e->origin);
    json_set_text(o, "repeats", e->repeats ? e->repeats->id : NULL);
    json_set_number(o, "informative", e->informative);
    json_set_text(o, "informative_because", e->informative_because);
    return o;
}

static json_t *comparison_to_json(const struct assay_comparison *c)
{
    json_t *o = json_object();
    json_set_text(o, "hypothesis", c->hypothesis);
    json_object_set_new(o, "weighed", json_boolean(c->weighed));
    json_object_set_new(o, "reference", json_boolean(c->reference));
    json_object_set_new(o, "tied", json_boolean(c->tied));
    if (c->weighed)
        json_set_interval(o, "log10_lr", c->log10_likelihood_ratio);
    else
        json_object_set_new(o, "log10_lr", json_null());
    json_set_text(o, "words", c->words);
    json_set_number(o, "favours", c->favours);
    json_set_number(o, "posterior", c->posterior);
    json_set_text(o, "posterior_words", c->posterior_words);
    json_set_text(o, "note", c->note);
    return o;
}

/*
 * A path that is the same wherever the case and the tables of facts lie: relative to the case's
 * folder, or "data/NAME" for a table. A report then has the same bytes on every machine, and tells
 * nobody where its author keeps things.
 */
static json_t *portable(const struct assay_assessment *a, const char *path)
{
    const char *slash = a->subject->path ? strrchr(a->subject->path, '/') : NULL;
    size_t length = slash ? (size_t)(slash - a->subject->path) + 1 : 0;
    if (length > 0 && strncmp(path, a->subject->path, length) == 0)
        return json_string(path + length);
    length = a->data_folder ? strlen(a->data_folder) : 0;
    if (length > 0 && strncmp(path, a->data_folder, length) == 0)
        return json_sprintf("data/%s", path + length + strspn(path + length, "/"));
    return json_string(path);
}

static json_t *stated_to_json(const struct assay_assessment *a, const struct assay_case_stated *s)
{
    json_t *o = json_object();
    json_set_text(o, "name", s->name);
    json_set_text(o, "value", s->value);
    json_set_text(o, "source", s->source);
    json_set_text(o, "date", s->date);
    json_object_set_new(o, "file", portable(a, s->file));
    json_set_number(o, "line", (double)s->line);
    return o;
}

static json_t *portable_finding(const struct assay_assessment *a,
                                const struct assay_finding *finding)
{
    json_t *o = finding_to_json(finding), *exhibits = json_object_get(o, "exhibits");
    for (size_t i = 0; i < json_array_size(exhibits); i++)
        json_object_set_new(json_array_get(exhibits, i), "path",
                            portable(a, finding->exhibits[i].path));
    return o;
}

static json_t *result_to_json(const struct assay_assessment *a, const struct assay_case_result *r)
{
    json_t *o = json_object(), *comparisons = json_array(), *stated = json_array();
    json_set_text(o, "instrument", r->task->instrument);
    json_set_text(o, "input", r->task->input);
    json_set_text(o, "id", r->task->id);
    json_set_text(o, "reference", r->reference);
    json_object_set_new(o, "reference_is_best", json_boolean(r->reference_is_best));
    for (size_t i = 0; i < r->comparison_count; i++)
        json_array_append_new(comparisons, comparison_to_json(&r->comparisons[i]));
    json_object_set_new(o, "comparisons", comparisons);
    for (size_t i = 0; i < r->stated_count; i++)
        json_array_append_new(stated, stated_to_json(a, &r->stated[i]));
    json_object_set_new(o, "stated", stated);
    json_object_set_new(o, "finding", portable_finding(a, &r->finding));
    return o;
}

static json_t *reply_to_json(const struct assay_assessment *a, const struct assay_case_reply *reply)
{
    const struct assay_case_question *q = reply->question;
    json_t *o = json_object(), *results = json_array(), *exhibits = json_array();
    json_set_text(o, "id", q->id);
    json_set_text(o, "text", q->text);
    json_set_text(o, "kind", assay_question_kind_name(q->kind));
    json_set_text(o, "stated", q->stated);
    for (size_t i = 0; i < q->exhibit_count; i++)
        json_array_append_new(exhibits, json_string(q->exhibits[i]->id));
    json_object_set_new(o, "exhibits", exhibits);
    json_set_text(o, "priors_held_by", q->holder_count ? q->holders[0].held_by : NULL);
    json_set_text(o, "priors_reason", q->holder_count ? q->holders[0].reason : NULL);
    json_set_text(o, "confidence", q->confidence);
    json_set_text(o, "confidence_reason", q->confidence_reason);
    for (size_t i = 0; i < reply->result_count; i++)
        json_array_append_new(results, result_to_json(a, &reply->results[i]));
    json_object_set_new(o, "results", results);
    json_object_set_new(o, "combination", combination_to_json(reply));
    return o;
}

static json_t *reliability_to_json(const struct assay_assessment *a)
{
    json_t *o = json_object(), *chances = json_object();
    for (size_t i = 0; i < 12; i++) {
        char grade[2] = {"ABCDEF123456"[i], 0};
        json_set_number(chances, grade,
                        i < 6 ? a->reliability.letters[i] : a->reliability.digits[i - 6]);
    }
    json_object_set_new(o, "chances", chances);
    json_set_text(o, "changed_because", a->reliability.because);
    json_set_text(o, "table_sha256", a->reliability_sha256);
    return o;
}

json_t *report_to_json(const struct assay_assessment *a)
{
    json_t *o = json_object(), *questions = json_array(), *exhibits = json_array();
    char seed[24];
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)a->seed);
    json_set_text(o, "assay", "report/2");
    json_set_text(o, "version", ASSAY_VERSION);
    json_set_text(o, "title", a->subject->title);
    json_set_text(o, "summary", a->subject->summary);
    json_set_text(o, "case_sha256", a->subject->sha256);
    json_object_set_new(o, "reliability", reliability_to_json(a));
    json_set_text(o, "seed", seed); /* a JSON number need not keep 64 bits */
    for (size_t i = 0; i < a->reply_count; i++)
        json_array_append_new(questions, reply_to_json(a, &a->replies[i]));
    json_object_set_new(o, "questions", questions);
    for (size_t i = 0; i < a->subject->exhibit_count; i++)
        json_array_append_new(exhibits, exhibit_to_json(&a->subject->exhibits[i]));
    json_object_set_new(o, "exhibits", exhibits);
    return o;
}

/* Beyond this many findings x hypotheses the text is not indented: half of it would be spaces. */
#define MOST_INDENTED 200000

static bool is_large(const struct assay_assessment *a)
{
    for (size_t i = 0; i < a->reply_count; i++) {
        const struct assay_combination *c = a->replies[i].combination;
        if (c && c->finding_count * c->hypothesis_count > MOST_INDENTED)
            return true;
    }
    return false;
}

assay_status assay_report_json(const struct assay_assessment *assessment, char **text,
                               struct assay_error *error)
{
    json_t *object = report_to_json(assessment);
    *text = NULL;
    if (object)
        *text = is_large(assessment) ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(15))
                                     : json_print(object);
    json_decref(object);
    return *text ? ASSAY_OK : assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}
