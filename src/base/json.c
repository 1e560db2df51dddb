/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include "base/utf8.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_DEPTH 128

/* Whether brackets nest deeper than MOST_DEPTH, looked at before a recursive parser sees them. */
static bool too_deep(const char *bytes, size_t size)
{
    int depth = 0;
    bool text = false;
    for (size_t i = 0; i < size; i++) {
        char c = bytes[i];
        if (text) {
            if (c == '\\')
                i++;
            else if (c == '"')
                text = false;
        } else if (c == '"') {
            text = true;
        } else if (c == '{' || c == '[') {
            if (++depth > MOST_DEPTH)
                return true;
        } else if (c == '}' || c == ']') {
            depth--;
        }
    }
    return false;
}

assay_status json_parse(const char *path, const void *bytes, size_t size, json_t **root,
                        struct assay_error *error)
{
    json_error_t problem;
    size_t mark = utf8_mark(bytes, size);
    bytes = (const char *)bytes + mark;
    size -= mark;
    if (too_deep(bytes, size))
        return assay_error_at(error, ASSAY_ERROR_INPUT, path, 0, "expected at most %d levels",
                              MOST_DEPTH);
    *root = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, &problem);
    if (!*root)
        return assay_error_at(error, ASSAY_ERROR_INPUT, path, problem.line, "not JSON: %s",
                              problem.text);
    return ASSAY_OK;
}

assay_status json_read(const char *path, size_t most_bytes, json_t **root,
                       struct assay_error *error)
{
    struct assay_file file;
    ASSAY_TRY(assay_file_open(path, most_bytes, &file, error));
    assay_status status = json_parse(path, file.bytes, file.size, root, error);
    assay_file_close(&file);
    return status;
}

char *json_print(const json_t *root)
{
    char *text = json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
    if (!text)
        return NULL;
    size_t length = strlen(text);
    char *whole = malloc(length + 2);
    if (whole) {
        memcpy(whole, text, length);
        whole[length] = '\n';
        whole[length + 1] = '\0';
    }
    free(text);
    return whole;
}

json_t *json_number_or_null(double value)
{
    if (!isfinite(value))
        return json_null();
    if (value == floor(value) && fabs(value) < 0x1p53)
        return json_integer((json_int_t)value);
    return json_real(value);
}

bool json_set_number(json_t *object, const char *key, double value)
{
    return json_object_set_new(object, key, json_number_or_null(value)) == 0;
}

bool json_set_text(json_t *object, const char *key, const char *text)
{
    return json_object_set_new(object, key, text ? json_string(text) : json_null()) == 0;
}

bool json_set_interval(json_t *object, const char *key, struct assay_interval interval)
{
    json_t *value = json_object();
    bool done = value && json_set_number(value, "median", interval.median) &&
                json_set_number(value, "low", interval.low) &&
                json_set_number(value, "high", interval.high) &&
                (interval.level == 0.8 || json_set_number(value, "level", interval.level));
    if (!done) {
        json_decref(value);
        return false;
    }
    return json_object_set_new(object, key, value) == 0;
}

json_t *json_numbers(const double *values, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < count; i++)
        json_array_append_new(list, json_real(values[i]));
    return list;
}

json_t *json_texts(const char *const *texts, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < count; i++)
        json_array_append_new(list, json_string(texts[i]));
    return list;
}
