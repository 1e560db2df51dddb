/* SPDX-License-Identifier: Apache-2.0 */
/*
 * responses_record: one JSON object of a file of answers, whoever wrote it. In: the object. Out:
 * the prompt (or an id), the answer, the writer, borrowed from the object or in `scratch`. What
 * can go wrong: it is no record of an answer at all (`known` is false).
 */
#ifndef FORMATS_RESPONSES_RECORD_H
#define FORMATS_RESPONSES_RECORD_H

#include <assay/responses.h>

#include <jansson.h>

struct response_text {
    const char *bytes; /* NULL: absent */
    size_t size;
};

struct response_record {
    bool known; /* false: not a record of an answer */
    enum assay_responses_format format;
    bool by_prompt; /* the key is a prompt's text */
    bool truncated;
    struct response_text key, text, writer;
};

/* How many answers the record holds: FastChat has one a turn, the others one. */
size_t response_record_turns(const json_t *object);

/*
 * Reads turn `turn`. `in_array` tells AlpacaEval's array from JSON lines with the same keys.
 * False if memory is short.
 */
ASSAY_MUST_USE bool response_record_read(const json_t *object, size_t turn, bool in_array,
                                         struct assay_arena *scratch,
                                         struct response_record *record);

#endif
