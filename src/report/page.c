/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report as one page: the bundle of web/ with the report's JSON inside. The JSON stands in a
 * script element of type application/json, which no browser runs; that nothing in a case's text
 * can end that element, every < is written \u003c, as are > and &, and the two line separators
 * that old scripts took for line ends.
 */
#include <assay/report.h>

#include "report/bundle.h"
#include "report/report_json.h"

#include "base/json.h"
#include "finding/finding_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put_inside_script(FILE *to, const char *json)
{
    for (const unsigned char *c = (const unsigned char *)json; *c; c++) {
        if (*c == '<' || *c == '>' || *c == '&') {
            fprintf(to, "\\u%04x", *c);
        } else if (c[0] == 0xE2 && c[1] == 0x80 && (c[2] == 0xA8 || c[2] == 0xA9)) {
            fprintf(to, "\\u20%02x", c[2] == 0xA8 ? 0x28 : 0x29);
            c += 2;
        } else {
            fputc(*c, to);
        }
    }
}

assay_status assay_report_page(const char *json, char **text, struct assay_error *error)
{
    size_t size = 0;
    *text = NULL;
    FILE *to = open_memstream(text, &size);
    if (to) {
        fwrite(bundle_before, 1, bundle_before_size, to);
        put_inside_script(to, json);
        fwrite(bundle_after, 1, bundle_after_size, to);
        bool failed = ferror(to) != 0;
        if (fclose(to) == 0 && !failed)
            return ASSAY_OK;
        free(*text);
        *text = NULL;
    }
    return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

assay_status assay_report_html(const struct assay_assessment *assessment, char **text,
                               struct assay_error *error)
{
    json_t *object = report_to_json(assessment);
    char *json = object ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(15)) : NULL;
    json_decref(object);
    if (!json)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    assay_status status = assay_report_page(json, text, error);
    free(json);
    return status;
}

assay_status assay_report_finding(const struct assay_finding *finding, const char *title,
                                  char **text, struct assay_error *error)
{
    json_t *o = json_object();
    json_set_text(o, "assay", "finding/1");
    json_set_text(o, "version", ASSAY_VERSION);
    json_set_text(o, "title", title);
    json_object_set_new(o, "finding", finding_to_json(finding));
    char *json = json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(15));
    json_decref(o);
    if (!json)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    assay_status status = assay_report_page(json, text, error);
    free(json);
    return status;
}
