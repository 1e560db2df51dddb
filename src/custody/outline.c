/* SPDX-License-Identifier: Apache-2.0 */
#include "custody/outline.h"

#include "base/json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *text_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* ---- exhibits that are the same ------------------------------------------------------------ */

static bool same_exhibit(const json_t *a, const json_t *b)
{
    if (text_at(a, "sha256")[0] || text_at(b, "sha256")[0])
        return strcmp(text_at(a, "sha256"), text_at(b, "sha256")) == 0;
    return strcmp(text_at(a, "statement"), text_at(b, "statement")) == 0 &&
           strcmp(text_at(a, "said_by"), text_at(b, "said_by")) == 0;
}

/* What same_exhibit compares, as one text. */
static json_t *content_index(const json_t *exhibits)
{
    json_t *index = json_object();
    for (size_t i = 0; index && i < json_array_size(exhibits); i++) {
        const json_t *e = json_array_get(exhibits, i);
        const char *key = text_at(e, "sha256")[0] ? text_at(e, "sha256") : text_at(e, "statement");
        if (!json_object_get(index, key))
            json_object_set_new(index, key, json_integer((json_int_t)i));
    }
    return index;
}

json_t *outline_same_exhibits(const json_t *first, const json_t *second)
{
    const json_t *a = json_object_get(first, "exhibits"), *b = json_object_get(second, "exhibits");
    json_t *index = content_index(a), *names = json_object(), *taken = json_object();
    for (size_t i = 0; index && names && taken && i < json_array_size(b); i++) {
        const json_t *e = json_array_get(b, i);
        const char *key = text_at(e, "sha256")[0] ? text_at(e, "sha256") : text_at(e, "statement");
        const json_t *at = json_object_get(index, key);
        const json_t *other = at ? json_array_get(a, (size_t)json_integer_value(at)) : NULL;
        if (other && same_exhibit(other, e) && !json_object_get(taken, text_at(other, "id"))) {
            json_object_set_new(names, text_at(e, "id"), json_string(text_at(other, "id")));
            json_object_set_new(taken, text_at(other, "id"), json_true());
        }
    }
    json_decref(index);
    json_decref(taken);
    return names;
}

/* The first report's name for an exhibit of the second; a name that means another one there is
   marked, so that the two are not taken for one. */
static json_t *exhibit_name(const json_t *names, const char *id)
{
    if (!id) /* no report of ours */
        return json_null();
    const char *known = json_string_value(json_object_get(names, id)), *key;
    json_t *value;
    if (known)
        return json_string(known);
    void *i = json_object_iter((json_t *)(uintptr_t)names);
    for (; i; i = json_object_iter_next((json_t *)(uintptr_t)names, i)) {
        key = json_object_iter_key(i);
        value = json_object_iter_value(i);
        if (strcmp(json_string_value(value), id) == 0 && strcmp(key, id) != 0)
            return json_sprintf("%s (of the second)", id);
    }
    return json_string(id);
}

/* ---- sections ------------------------------------------------------------------------------ */

static void copy(json_t *to, const json_t *from, const char *const *keys)
{
    for (; *keys; keys++)
        json_object_set(to, *keys, json_object_get(from, *keys));
}

static void add_exhibits(json_t *outline, const json_t *report, const json_t *names)
{
    static const char *const keys[] = {"statement", "file",   "sha256",  "said_by", "source",
                                       "date",      "origin", "repeats", NULL};
    const json_t *list = json_object_get(report, "exhibits");
    json_t *exhibits = json_array(), *grades = json_array();
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *e = json_array_get(list, i);
        json_t *name = exhibit_name(names, text_at(e, "id"));
        json_t *entry = json_pack("{s:O}", "id", name), *grade = json_pack("{s:O}", "id", name);
        copy(entry, e, keys);
        if (json_is_string(json_object_get(e, "repeats")))
            json_object_set_new(entry, "repeats", exhibit_name(names, text_at(e, "repeats")));
        json_object_set(grade, "grade", json_object_get(e, "grade"));
        json_object_set(grade, "informative", json_object_get(e, "informative"));
        json_array_append_new(exhibits, entry);
        json_array_append_new(grades, grade);
        json_decref(name);
    }
    json_object_set_new(outline, "exhibits", exhibits);
    json_object_set_new(outline, "grades", grades);
}

/* "0.3 (0.2 to 0.45)" relative to the best hypothesis, as a report has it. */
static json_t *interval_text(const json_t *logs, size_t h)
{
    const double middle = json_number_value(json_array_get(json_object_get(logs, "median"), h));
    const double low = json_number_value(json_array_get(json_object_get(logs, "low"), h));
    const double high = json_number_value(json_array_get(json_object_get(logs, "high"), h));
    return json_sprintf("%.3g (%.3g to %.3g)", pow(10, middle), pow(10, low), pow(10, high));
}

static json_t *names_of(const json_t *list, const json_t *names)
{
    json_t *to = json_array();
    for (size_t i = 0; i < json_array_size(list); i++)
        json_array_append_new(to, exhibit_name(names, json_string_value(json_array_get(list, i))));
    return to;
}

static void add_findings(json_t *to, const json_t *question, const json_t *names)
{
    static const char *const keys[] = {"text", "because", NULL};
    const json_t *c = json_object_get(question, "combination");
    const json_t *hypotheses = json_object_get(c, "hypotheses");
    const json_t *findings = json_object_get(c, "findings");
    for (size_t i = 0; i < json_array_size(findings); i++) {
        const json_t *f = json_array_get(findings, i);
        json_t *entry = json_object(), *likelihoods = json_object();
        json_object_set_new(entry, "id",
                            json_sprintf("%s/%s", text_at(question, "id"), text_at(f, "id")));
        copy(entry, f, keys);
        for (size_t h = 0; h < json_array_size(hypotheses); h++)
            json_object_set_new(likelihoods, text_at(json_array_get(hypotheses, h), "id"),
                                interval_text(json_object_get(f, "log10_likelihood"), h));
        json_object_set_new(entry, "relative_likelihoods", likelihoods);
        json_object_set_new(entry, "exhibits", names_of(json_object_get(f, "exhibits"), names));
        json_array_append_new(to, entry);
    }
}

static void add_dependence(json_t *to, const json_t *question)
{
    static const char *const keys[] = {"because", "declared", "correlation", "informative", NULL};
    const json_t *c = json_object_get(question, "combination");
    const json_t *list = json_object_get(c, "dependences");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *d = json_array_get(list, i), *members = json_object_get(d, "findings");
        json_t *entry = json_object(), *findings = json_array();
        json_object_set_new(entry, "id",
                            json_sprintf("%s/%s", text_at(question, "id"), text_at(d, "id")));
        copy(entry, d, keys);
        for (size_t k = 0; k < json_array_size(members); k++) {
            size_t at = (size_t)json_integer_value(json_array_get(members, k));
            const json_t *f = json_array_get(json_object_get(c, "findings"), at);
            json_array_append_new(findings, json_string(text_at(f, "id")));
        }
        json_object_set_new(entry, "findings", findings);
        json_array_append_new(to, entry);
    }
}

/* Priors by holder; what they lead to stands under results. */
static void add_priors(json_t *to, json_t *posteriors, const json_t *question)
{
    const json_t *c = json_object_get(question, "combination");
    const json_t *list = json_object_get(c, "posteriors");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *p = json_array_get(list, i), *rows = json_object_get(p, "rows");
        json_t *prior = json_object(), *probabilities = json_object(), *posterior = json_object();
        json_object_set_new(prior, "id",
                            json_sprintf("%s/%s", text_at(question, "id"), text_at(p, "held_by")));
        json_object_set(prior, "reason", json_object_get(p, "reason"));
        json_object_set(posterior, "held_by", json_object_get(p, "held_by"));
        for (size_t h = 0; h < json_array_size(rows); h++) {
            const json_t *row = json_array_get(rows, h);
            const char *id = text_at(json_array_get(json_object_get(c, "hypotheses"), h), "id");
            double median =
                json_number_value(json_object_get(json_object_get(row, "posterior"), "median"));
            json_object_set(probabilities, id, json_object_get(row, "prior"));
            json_object_set_new(posterior, id,
                                json_sprintf("%.3f (%s)", median, text_at(row, "words")));
        }
        json_object_set_new(prior, "probabilities", probabilities);
        json_array_append_new(to, prior);
        json_array_append_new(posteriors, posterior);
    }
}

static json_t *result_of(const json_t *question, json_t *posteriors)
{
    const json_t *c = json_object_get(question, "combination");
    const json_t *hypotheses = json_object_get(c, "hypotheses");
    json_t *entry = json_object(), *ratios = json_object();
    json_object_set(entry, "id", json_object_get(question, "id"));
    json_object_set(entry, "reference", json_object_get(c, "reference"));
    for (size_t h = 0; h < json_array_size(hypotheses); h++) {
        const json_t *hypothesis = json_array_get(hypotheses, h);
        double median =
            json_number_value(json_object_get(json_object_get(hypothesis, "log10_lr"), "median"));
        json_object_set_new(
            ratios, text_at(hypothesis, "id"),
            json_sprintf("log10 %.2f (%s)", median + 0.0, text_at(hypothesis, "words")));
    }
    json_object_set_new(entry, "likelihood_ratios", ratios);
    json_object_set(entry, "confidence", json_object_get(c, "confidence"));
    json_object_set_new(entry, "posteriors", posteriors);
    return entry;
}

static json_t *question_of(const json_t *question)
{
    static const char *const keys[] = {
        "id", "text", "kind", "stated", "confidence", "confidence_reason", NULL};
    const json_t *hypotheses =
        json_object_get(json_object_get(question, "combination"), "hypotheses");
    json_t *entry = json_object(), *list = json_array();
    copy(entry, question, keys);
    for (size_t h = 0; h < json_array_size(hypotheses); h++) {
        static const char *const named[] = {"id", "text", "none_of_these", NULL};
        json_t *hypothesis = json_object();
        copy(hypothesis, json_array_get(hypotheses, h), named);
        json_array_append_new(list, hypothesis);
    }
    json_object_set_new(entry, "hypotheses", list);
    return entry;
}

json_t *outline_of(const json_t *report, const json_t *names)
{
    static const char *const case_keys[] = {"title", "summary", "seed", NULL};
    static const char *const sections[] = {"questions", "findings", "dependence", "priors",
                                           "results"};
    const json_t *questions = json_object_get(report, "questions");
    json_t *outline = json_object(), *lists[5], *about = json_object();
    copy(about, report, case_keys);
    json_object_set_new(outline, "case", about);
    add_exhibits(outline, report, names);
    json_object_set(outline, "reliability",
                    json_object_get(json_object_get(report, "reliability"), "chances"));
    for (size_t i = 0; i < 5; i++) {
        lists[i] = json_array();
        json_object_set_new(outline, sections[i], lists[i]);
    }
    for (size_t q = 0; q < json_array_size(questions); q++) {
        const json_t *question = json_array_get(questions, q);
        json_t *posteriors = json_array();
        json_array_append_new(lists[0], question_of(question));
        add_findings(lists[1], question, names);
        add_dependence(lists[2], question);
        add_priors(lists[3], posteriors, question);
        json_array_append_new(lists[4], result_of(question, posteriors));
    }
    return outline;
}
