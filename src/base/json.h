/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json: what programs write, on jansson. In: a file of stated size at most, at most 128 levels
 * (jansson refuses deeper than 2,048), no duplicate keys. Out: json_t. Writing is deterministic:
 * keys in the order they were set, numbers to 15 significant digits.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <assay/finding.h>

#include <jansson.h>

ASSAY_MUST_USE assay_status json_read(const char *path, size_t most_bytes, json_t **root,
                                      struct assay_error *error);
ASSAY_MUST_USE assay_status json_parse(const char *path, const void *bytes, size_t size,
                                       json_t **root, struct assay_error *error);

/* The text of `root`, indented, with a newline at its end; free() it. NULL if memory is short. */
char *json_print(const json_t *root);

/* Each sets object[key]; a number that is not finite becomes null. False if memory is short. */
bool json_set_number(json_t *object, const char *key, double value);
bool json_set_text(json_t *object, const char *key, const char *text); /* NULL becomes null */
bool json_set_interval(json_t *object, const char *key, struct assay_interval interval);

/* An array of strings. */
json_t *json_texts(const char *const *texts, size_t count);

/* A list of numbers. */
json_t *json_numbers(const double *values, size_t count);

/* A number, or null if it is not finite. */
json_t *json_number_or_null(double value);

#endif
