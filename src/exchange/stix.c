/* SPDX-License-Identifier: Apache-2.0 */
/*
 * STIX 2.1. A case is not a threat, so no object here says that anybody is one: people and houses
 * are identities of class unknown, a file is an indicator of nothing but itself, and no opinion is
 * given of a hypothesis.
 *
 *   exhibit                 note by whoever said it; file and indicator where it is a file
 *   credibility 1 to 5      opinion on that note, strongly-agree to strongly-disagree; 6: none
 *   hypothesis              note with its likelihood ratio
 *   question                grouping of its hypotheses and exhibits
 *   case                    report over all of it
 */
#include <assay/exchange.h>

#include "base/json.h"
#include "exchange/common.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of objects that are the same in every case. */
#define FIRST_TIME "2026-01-01T00:00:00.000Z"

struct stix {
    const struct assay_assessment *assessment;
    json_t *objects, *seen; /* seen: ids */
    char time[32];          /* of the case */
    char producer[EXCHANGE_ID];
    struct assay_arena *arena;
    bool short_of_memory;
};

/* printf into the arena; "" and a note if memory is short. */
static const char *say(struct stix *s, const char *format, ...) ASSAY_PRINTF(2, 3);
static const char *say(struct stix *s, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *text = length < 0 ? NULL : assay_arena_alloc(s->arena, (size_t)length + 1, 1);
    if (!text) {
        s->short_of_memory = true;
        return "";
    }
    va_start(arguments, format);
    vsnprintf(text, (size_t)length + 1, format, arguments);
    va_end(arguments);
    return text;
}

/* An identifier of an object that is the same wherever `key` is. */
static void make_id(struct stix *s, const char *type, const char *key, char id[EXCHANGE_ID])
{
    char uuid[37];
    exchange_uuid(exchange_namespace, say(s, "%s\n%s", type, key), uuid);
    snprintf(id, EXCHANGE_ID, "%s--%s", type, uuid);
}

/* A new object of the case's producer, or NULL if one of that id is there already. */
static json_t *add(struct stix *s, const char *type, const char *id, const char *time)
{
    if (json_object_get(s->seen, id))
        return NULL;
    json_t *o = json_pack("{s:s,s:s,s:s,s:s,s:s}", "type", type, "spec_version", "2.1", "id", id,
                          "created", time, "modified", time);
    if (strcmp(id, s->producer) != 0)
        json_set_text(o, "created_by_ref", s->producer);
    json_object_set_new(s->seen, id, json_true());
    json_array_append_new(s->objects, o);
    return o;
}

/* ---- who ----------------------------------------------------------------------------------- */

static void add_producer(struct stix *s)
{
    make_id(s, "identity", "Assay", s->producer);
    json_t *o = add(s, "identity", s->producer, FIRST_TIME);
    json_set_text(o, "name", "Assay");
    json_set_text(o, "identity_class", "system");
}

static void add_speaker(struct stix *s, const char *name, char id[EXCHANGE_ID])
{
    make_id(s, "identity", say(s, "identity %s", name), id);
    json_t *o = add(s, "identity", id, FIRST_TIME);
    if (!o)
        return;
    json_set_text(o, "name", name);
    json_set_text(o, "identity_class", "unknown");
    json_set_text(o, "description",
                  "Named in a case as the source of a statement; nothing is "
                  "said of it here.");
}

/* ---- exhibits ------------------------------------------------------------------------------ */

/* An exhibit is the same in every case by what it is, not by what it is called. */
static void exhibit_note_id(struct stix *s, const struct assay_case_exhibit *e,
                            char id[EXCHANGE_ID])
{
    make_id(s, "note",
            e->file
                ? say(s, "file %s\n%s\n%s\n%s", e->sha256, e->file, e->source, e->date)
                : say(s, "statement %s\n%s\n%s\n%s", e->statement, e->said_by, e->source, e->date),
            id);
}

/* Identifiers of observables are fixed by the standard: of these properties in this form. */
static void add_file(struct stix *s, const struct assay_case_exhibit *e, char id[EXCHANGE_ID])
{
    char uuid[37];
    json_t *key = json_pack("{s:{s:s},s:s}", "hashes", "SHA-256", e->sha256, "name", e->file);
    char *canonical = key ? json_dumps(key, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    exchange_uuid(exchange_stix_namespace, canonical ? canonical : "", uuid);
    free(canonical);
    snprintf(id, EXCHANGE_ID, "file--%s", uuid);
    if (key && !json_object_get(s->seen, id)) {
        json_set_text(key, "type", "file");
        json_set_text(key, "spec_version", "2.1");
        json_set_text(key, "id", id);
        json_object_set_new(s->seen, id, json_true());
        json_array_append(s->objects, key);
    }
    json_decref(key);
}

static void add_indicator(struct stix *s, const struct assay_case_exhibit *e, char id[EXCHANGE_ID])
{
    char time[32];
    exchange_time(e->date, time);
    make_id(s, "indicator", say(s, "%s %s", e->sha256, e->date), id);
    json_t *o = add(s, "indicator", id, time);
    if (!o)
        return;
    json_set_text(o, "name", "The same file as an exhibit of a case");
    json_set_text(o, "description",
                  "A match says that the same bytes were met, and nothing of "
                  "who made them or why.");
    json_object_set_new(o, "indicator_types", json_pack("[s]", "unknown"));
    json_set_text(o, "pattern", say(s, "[file:hashes.'SHA-256' = '%s']", e->sha256));
    json_set_text(o, "pattern_type", "stix");
    json_set_text(o, "valid_from", time);
}

/* STIX 2.1, appendix A: the Admiralty scale of credibility as confidence. */
static void set_confidence(json_t *o, char digit)
{
    static const int confidence[] = {90, 70, 50, 30, 10};
    if (digit >= '1' && digit <= '5')
        json_object_set_new(o, "confidence", json_integer(confidence[digit - '1']));
}

static json_t *grade_labels(const char *grade)
{
    char letter[64], digit[64];
    snprintf(letter, sizeof letter, "admiralty-scale:source-reliability=\"%c\"",
             grade[0] - 'A' + 'a');
    snprintf(digit, sizeof digit, "admiralty-scale:information-credibility=\"%c\"", grade[1]);
    return json_pack("[s,s]", letter, digit);
}

static void add_opinion(struct stix *s, const struct assay_case_exhibit *e, const char *note)
{
    static const char *const opinions[] = {"strongly-agree", "agree", "neutral", "disagree",
                                           "strongly-disagree"};
    char id[EXCHANGE_ID];
    unsigned digit = (unsigned)(e->grade[1] - '1');
    if (digit > 4)
        return;
    make_id(s, "opinion",
            say(s, "opinion %s %s %s", s->assessment->subject->sha256, note, e->grade), id);
    json_t *o = add(s, "opinion", id, s->time);
    if (!o)
        return;
    char grade[128];
    exchange_grade(e->grade, grade, sizeof grade);
    json_set_text(
        o, "explanation",
        say(s, "Exhibit %s of the case '%s': its author grades it %s on the Admiralty scale.",
            e->id, s->assessment->subject->title, grade));
    json_object_set_new(o, "labels", grade_labels(e->grade));
    set_confidence(o, e->grade[1]);
    json_set_text(o, "opinion", opinions[digit]);
    json_object_set_new(o, "object_refs", json_pack("[s]", note));
}

static void add_exhibit(struct stix *s, const struct assay_case_exhibit *e)
{
    char id[EXCHANGE_ID], other[EXCHANGE_ID], time[32];
    json_t *refs = json_array();
    exhibit_note_id(s, e, id);
    exchange_time(e->date, time);
    if (e->said_by) {
        add_speaker(s, e->said_by, other);
        json_array_append_new(refs, json_string(other));
    }
    if (e->file) {
        add_file(s, e, other);
        json_array_append_new(refs, json_string(other));
        add_indicator(s, e, other);
        json_array_append_new(refs, json_string(other));
    }
    json_t *o = add(s, "note", id, time);
    if (!o) {
        json_decref(refs);
        return;
    }
    json_set_text(o, "abstract",
                  e->file ? "A file, exhibit of a case" : "A statement, exhibit of a case");
    json_set_text(o, "content",
                  e->file ? say(s, "The file %s (SHA-256 %s).", e->file, e->sha256) : e->statement);
    if (e->said_by)
        json_object_set_new(o, "authors", json_pack("[s]", e->said_by));
    json_object_set_new(o, "object_refs", refs);

    json_object_set_new(
        o, "external_references",
        json_pack("[{s:s,s:s}]", "source_name", "source", "description", e->source));

    add_opinion(s, e, id);
}

/* ---- questions ----------------------------------------------------------------------------- */

static void add_hypothesis(struct stix *s, const struct assay_case_reply *reply, size_t h,
                           json_t *refs, json_t *members)
{
    const struct assay_combination *c = reply->combination;
    const struct assay_combined_hypothesis *hypothesis = &c->hypotheses[h];
    char id[EXCHANGE_ID], ratio[512];
    make_id(s, "note",
            say(s, "hypothesis %s %s %s", s->assessment->subject->sha256, reply->question->id,
                hypothesis->id),
            id);
    json_t *o = add(s, "note", id, s->time);
    if (!o)
        return;
    exchange_ratio(c, hypothesis, ratio, sizeof ratio);
    json_set_text(o, "abstract",
                  say(s, "Hypothesis %s of question %s", hypothesis->id, reply->question->id));
    json_set_text(
        o, "content",
        say(s,
            "%s\nWeight of the evidence: %s.\nA likelihood ratio is not the probability of a "
            "hypothesis, which needs a prior.",
            hypothesis->text ? hypothesis->text : hypothesis->id, ratio));
    json_object_set(o, "object_refs", refs);
    json_array_append_new(members, json_string(id));
}

static void add_question(struct stix *s, const struct assay_case_reply *reply)
{
    const struct assay_case_question *q = reply->question;
    const struct assay_case *subject = s->assessment->subject;
    char id[EXCHANGE_ID];
    json_t *refs = json_array(), *members = json_array();
    bool *bears = exchange_bearing(subject, q);
    s->short_of_memory = s->short_of_memory || !bears;
    for (size_t i = 0; bears && i < subject->exhibit_count; i++)
        if (bears[i]) {
            exhibit_note_id(s, &subject->exhibits[i], id);
            json_array_append_new(refs, json_string(id));
            json_array_append_new(members, json_string(id));
        }
    free(bears);
    if (json_array_size(refs) == 0)
        json_array_append_new(refs, json_string(s->producer));
    for (size_t h = 0; reply->combination && h < reply->combination->hypothesis_count; h++)
        add_hypothesis(s, reply, h, refs, members);
    if (json_array_size(members) > 0) {
        make_id(s, "grouping", say(s, "question %s %s", subject->sha256, q->id), id);
        json_t *o = add(s, "grouping", id, s->time);
        json_set_text(o, "name", q->text);
        json_set_text(o, "description",
                      say(s, "Confidence in the sources and the reasoning, by the author: %s. %s",
                          q->confidence ? q->confidence : "not stated",
                          q->confidence_reason ? q->confidence_reason : ""));
        json_set_text(o, "context", "unspecified");
        json_object_set(o, "object_refs", members);
    }
    json_decref(refs);
    json_decref(members);
}

/* ---- the bundle ---------------------------------------------------------------------------- */

static void add_report(struct stix *s)
{
    const struct assay_case *subject = s->assessment->subject;
    char id[EXCHANGE_ID];
    json_t *refs = json_array(), *object;
    size_t i;
    json_array_foreach(s->objects, i, object)
        json_array_append(refs, json_object_get(object, "id"));
    make_id(s, "report", say(s, "report %s", subject->sha256), id);
    json_t *o = add(s, "report", id, s->time);
    json_set_text(o, "name", subject->title);
    json_set_text(
        o, "description",
        say(s,
            "%s%sAn assessment weighs and does not conclude. Times are the days of the exhibits, "
            "not of this export.",
            subject->summary ? subject->summary : "", subject->summary ? " " : ""));
    json_set_text(o, "published", s->time);
    json_object_set_new(
        o, "external_references",
        json_pack("[{s:s,s:s,s:s}]", "source_name", "assay report", "description",
                  "The case as written (case.yaml), by its SHA-256; its report has the numbers.",
                  "external_id", subject->sha256));
    json_object_set_new(o, "object_refs", refs);
}

static json_t *build(const struct assay_assessment *assessment)
{
    struct stix s = {.assessment = assessment,
                     .objects = json_array(),
                     .seen = json_object(),
                     .arena = assay_arena_new()};
    char id[EXCHANGE_ID];
    json_t *bundle = NULL;
    if (s.objects && s.seen && s.arena) {
        exchange_case_time(assessment->subject, s.time);
        add_producer(&s);
        for (size_t i = 0; i < assessment->subject->exhibit_count; i++)
            add_exhibit(&s, &assessment->subject->exhibits[i]);
        for (size_t q = 0; q < assessment->reply_count; q++)
            add_question(&s, &assessment->replies[q]);
        add_report(&s);
        make_id(&s, "bundle", say(&s, "%s %s", assessment->subject->sha256, ASSAY_VERSION), id);
        if (!s.short_of_memory)
            bundle = json_pack("{s:s,s:s,s:O}", "type", "bundle", "id", id, "objects", s.objects);
    }
    json_decref(s.objects);
    json_decref(s.seen);
    assay_arena_free(s.arena);
    return bundle;
}

assay_status assay_exchange_stix(const struct assay_assessment *assessment, char **text,
                                 struct assay_error *error)
{
    json_t *bundle = build(assessment);
    *text = bundle ? json_print(bundle) : NULL;
    json_decref(bundle);
    return *text ? ASSAY_OK : assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}
