/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CycloneDX 1.6. A bill of materials asserts; a case weighs. So every hypothesis is a claim under
 * `declarations`, with its reasoning (the likelihood ratio), the exhibits as evidence and the
 * strength of their grades, and none is attested to. A descent is put into the component's pedigree
 * in words; as a `variant` ("related, but it is unclear if one is derived from the other") only
 * where two checkpoints were compared and their common origin has at least strong support (1,000)
 * at the low end of its interval.
 */
#include <assay/exchange.h>

#include "base/json.h"
#include "exchange/common.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEAST_RELATED 3 /* log10 of the likelihood ratio: "strong support" */

struct bom {
    const struct assay_assessment *assessment;
    const char *model;
    char time[32];
};

static json_t *property(const char *name, const char *value)
{
    return json_pack("{s:s,s:s}", "name", name, "value", value);
}

/* ---- pedigree ------------------------------------------------------------------------------ */

/* log10 of common origin over independent making, at the low end; NaN if it was not weighed. */
static double least_related(const struct assay_finding *finding)
{
    const struct assay_weight *common = NULL, *independent = NULL;
    for (size_t i = 0; i < finding->weight_count; i++) {
        const struct assay_weight *w = &finding->weights[i];
        if (w->weighed && strcmp(w->hypothesis, "common origin") == 0)
            common = w;
        if (w->weighed && strcmp(w->hypothesis, "made independently") == 0)
            independent = w;
    }
    return common && independent ? common->log10_likelihood.low - independent->log10_likelihood.high
                                 : (double)NAN;
}

static bool is_yaml(const char *path)
{
    size_t n = strlen(path);
    return n > 5 && strcmp(path + n - 5, ".yaml") == 0;
}

static void add_variants(const struct assay_case_result *result, json_t *variants)
{
    const struct assay_finding *finding = &result->finding;
    double least = least_related(finding);
    if (strcmp(result->task->instrument, "lineage.compare") != 0 || !(least >= LEAST_RELATED))
        return;
    char ratio[64];
    snprintf(ratio, sizeof ratio, "%.4g", least);
    for (size_t i = 0; i < finding->exhibit_count; i++) {
        const struct assay_exhibit *e = &finding->exhibits[i];
        const char *slash = strrchr(e->path, '/');
        if (is_yaml(e->path))
            continue;
        json_array_append_new(
            variants,
            json_pack("{s:s,s:s,s:[{s:s,s:s}],s:[o,o]}", "type", "machine-learning-model", "name",
                      slash ? slash + 1 : e->path, "hashes", "alg", "SHA-256", "content", e->sha256,
                      "properties", property("assay:finding", result->task->id),
                      property("assay:log10_lr_common_origin_low", ratio)));
    }
}

static void write_notes(FILE *to, const struct assay_case_reply *reply)
{
    const struct assay_combination *c = reply->combination;
    fprintf(to, "%s ", reply->question->text);
    for (size_t h = 0; c && h < c->hypothesis_count; h++) {
        char ratio[512];
        exchange_ratio(c, &c->hypotheses[h], ratio, sizeof ratio);
        fprintf(to, "%s: %s. ", c->hypotheses[h].id, ratio);
    }
}

static json_t *pedigree(const struct bom *b)
{
    char *notes = NULL;
    size_t size;
    json_t *variants = json_array(), *o = NULL;
    FILE *to = open_memstream(&notes, &size);
    bool any = false;
    for (size_t i = 0; to && i < b->assessment->reply_count; i++) {
        const struct assay_case_reply *reply = &b->assessment->replies[i];
        if (reply->question->kind != ASSAY_QUESTION_DESCENT &&
            reply->question->kind != ASSAY_QUESTION_STAGES)
            continue;
        any = true;
        write_notes(to, reply);
        for (size_t t = 0; t < reply->result_count; t++)
            add_variants(&reply->results[t], variants);
    }
    if (to && any) {
        fputs("Likelihood ratios are not probabilities, and no ancestor is asserted.", to);
        if (fclose(to) == 0)
            o = json_pack("{s:s}", "notes", notes);
    } else if (to) {
        (void)fclose(to);
    }
    if (o && json_array_size(variants) > 0)
        json_object_set(o, "variants", variants);
    json_decref(variants);
    free(notes);
    return o;
}

/* ---- components ---------------------------------------------------------------------------- */

static json_t *model_component(const struct bom *b)
{
    json_t *limits = json_array(), *seen = json_object();
    for (size_t q = 0; q < b->assessment->reply_count; q++)
        for (size_t t = 0; t < b->assessment->replies[q].result_count; t++) {
            const struct assay_finding *f = &b->assessment->replies[q].results[t].finding;
            for (size_t i = 0; i < f->limit_count; i++)
                if (!json_object_get(seen, f->limits[i])) {
                    json_object_set_new(seen, f->limits[i], json_true());
                    json_array_append_new(limits, json_string(f->limits[i]));
                }
        }
    json_array_append_new(limits,
                          json_string("What stands here was weighed from outside by a case "
                                      "(declarations), not declared by the model's maker."));
    json_t *o =
        json_pack("{s:s,s:s,s:s,s:{s:{s:o}}}", "type", "machine-learning-model", "bom-ref", "model",
                  "name", b->model, "modelCard", "considerations", "technicalLimitations", limits);
    json_t *line = pedigree(b);
    if (line)
        json_object_set_new(o, "pedigree", line);
    json_decref(seen);
    return o;
}

static json_t *file_components(const struct assay_case *subject)
{
    json_t *list = json_array();
    for (size_t i = 0; i < subject->exhibit_count; i++) {
        const struct assay_case_exhibit *e = &subject->exhibits[i];
        if (!e->file)
            continue;
        char ref[128];
        snprintf(ref, sizeof ref, "file:%s", e->id);
        json_array_append_new(
            list, json_pack("{s:s,s:s,s:s,s:s,s:[{s:s,s:s}],s:[o,o]}", "type", "file", "bom-ref",
                            ref, "name", e->file, "description", e->source, "hashes", "alg",
                            "SHA-256", "content", e->sha256, "properties",
                            property("assay:exhibit", e->id), property("assay:grade", e->grade)));
    }
    return list;
}

/* ---- declarations -------------------------------------------------------------------------- */

static json_t *evidence_of(const struct assay_case_exhibit *e)
{
    char ref[128], time[32], grade[128];
    snprintf(ref, sizeof ref, "exhibit:%s", e->id);
    exchange_time(e->date, time);
    exchange_grade(e->grade, grade, sizeof grade);
    json_t *o = json_pack("{s:s,s:s,s:s,s:[{s:s,s:{s:{s:s}}}]}", "bom-ref", ref, "description",
                          e->statement ? e->statement : e->source, "created", time, "data", "name",
                          "source and grade", "contents", "attachment", "content", "");
    json_t *attachment = json_object_get(
        json_object_get(json_array_get(json_object_get(o, "data"), 0), "contents"), "attachment");
    size_t size = strlen(e->source) + sizeof grade + 32;
    char *text = malloc(size);
    if (text) {
        snprintf(text, size, "%s. Grade %s.", e->source, grade);
        json_set_text(attachment, "content", text);
        json_set_text(attachment, "contentType", "text/plain");
    }
    free(text);
    if (e->said_by)
        json_object_set_new(o, "author", json_pack("{s:s}", "name", e->said_by));
    return o;
}

/* References to the exhibits that bear on a question. */
static json_t *evidence_for(const struct assay_case *subject,
                            const struct assay_case_question *question)
{
    json_t *evidence = json_array();
    bool *bears = exchange_bearing(subject, question);
    for (size_t i = 0; bears && i < subject->exhibit_count; i++)
        if (bears[i])
            json_array_append_new(evidence, json_sprintf("exhibit:%s", subject->exhibits[i].id));
    if (!bears) {
        json_decref(evidence);
        evidence = NULL;
    }
    free(bears);
    return evidence;
}

static json_t *claim_of(const struct assay_case_reply *reply, size_t h, json_t *evidence)
{
    const struct assay_combined_hypothesis *hypothesis = &reply->combination->hypotheses[h];
    char ref[256], ratio[512], reasoning[700];
    snprintf(ref, sizeof ref, "claim:%s:%zu", reply->question->id, h + 1);
    exchange_ratio(reply->combination, hypothesis, ratio, sizeof ratio);
    snprintf(reasoning, sizeof reasoning,
             "Weight of the evidence: %s. A likelihood ratio is not a probability.", ratio);
    json_t *o =
        json_pack("{s:s,s:s,s:s,s:s}", "bom-ref", ref, "target", "model", "predicate",
                  hypothesis->text ? hypothesis->text : hypothesis->id, "reasoning", reasoning);
    if (json_array_size(evidence) > 0)
        json_object_set(o, "evidence", evidence);
    return o;
}

static json_t *declarations(const struct bom *b)
{
    json_t *claims = json_array(), *evidence = json_array();
    bool good = true;
    for (size_t i = 0; i < b->assessment->subject->exhibit_count; i++)
        json_array_append_new(evidence, evidence_of(&b->assessment->subject->exhibits[i]));
    for (size_t q = 0; q < b->assessment->reply_count; q++) {
        const struct assay_case_reply *reply = &b->assessment->replies[q];
        json_t *bearing = evidence_for(b->assessment->subject, reply->question);
        for (size_t h = 0; reply->combination && h < reply->combination->hypothesis_count; h++)
            json_array_append_new(claims, claim_of(reply, h, bearing));
        good = good && bearing;
        json_decref(bearing);
    }
    json_t *o = json_pack("{s:O,s:O}", "claims", claims, "evidence", evidence);
    json_decref(claims);
    json_decref(evidence);
    if (!good) {
        json_decref(o);
        o = NULL;
    }
    return o;
}

/* ---- the bill ------------------------------------------------------------------------------ */

static json_t *build(const struct bom *b)
{
    const struct assay_case *subject = b->assessment->subject;
    char uuid[37], serial[64], name[200];
    snprintf(name, sizeof name, "cyclonedx %s %s", subject->sha256, ASSAY_VERSION);
    exchange_uuid(exchange_namespace, name, uuid);
    snprintf(serial, sizeof serial, "urn:uuid:%s", uuid);
    return json_pack("{s:s,s:s,s:s,s:s,s:i,s:{s:s,s:{s:[{s:s,s:s,s:s}]},s:o,s:[o,o]},s:o,s:o}",
                     "$schema", "http://cyclonedx.org/schema/bom-1.6.schema.json", "bomFormat",
                     "CycloneDX", "specVersion", "1.6", "serialNumber", serial, "version", 1,
                     "metadata", "timestamp", b->time, "tools", "components", "type", "application",
                     "name", "assay", "version", ASSAY_VERSION, "component", model_component(b),
                     "properties", property("assay:case", subject->title),
                     property("assay:case_sha256", subject->sha256), "components",
                     file_components(subject), "declarations", declarations(b));
}

assay_status assay_exchange_cyclonedx(const struct assay_assessment *assessment, const char *model,
                                      char **text, struct assay_error *error)
{
    struct bom b = {.assessment = assessment, .model = model ? model : assessment->subject->title};
    exchange_case_time(assessment->subject, b.time);
    json_t *bill = build(&b);
    *text = bill ? json_print(bill) : NULL;
    json_decref(bill);
    return *text ? ASSAY_OK : assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}
