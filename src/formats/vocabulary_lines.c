/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Vocabularies a line each. tiktoken (github.com/openai/tiktoken, load.py): "base64 rank".
 * merges.txt (Hugging Face's GPT-2 and its kin): "left right", after a "#version" line.
 * Byte-level BPE writes a byte as itself if it is a printable Latin-1 character, else as the next
 * free character from U+0100 on (GPT-2's encoder.py, bytes_to_unicode).
 */
#include "formats/vocabulary_lines.h"

#include <string.h>

#define MOST_PIECES 16777216

struct lines {
    const unsigned char *bytes;
    size_t size, at;
    long number;
};

/* The next line without its end; false at the end of the file. */
static bool next_line(struct lines *l, const unsigned char **line, size_t *length)
{
    if (l->at >= l->size)
        return false;
    *line = l->bytes + l->at;
    const unsigned char *end = memchr(*line, '\n', l->size - l->at);
    *length = end ? (size_t)(end - *line) : l->size - l->at;
    l->at += *length + 1;
    l->number++;
    if (*length > 0 && (*line)[*length - 1] == '\r')
        --*length;
    return true;
}

static size_t count_lines(const void *bytes, size_t size)
{
    size_t count = 1;
    for (const char *at = bytes, *end = at + size;
         (at = memchr(at, '\n', (size_t)(end - at))) != NULL; at++)
        count++;
    return count;
}

/* ---- tiktoken ------------------------------------------------------------------------ */

static int digit_of(unsigned char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* The code point that byte-level BPE writes for a byte. */
static unsigned letter_of(unsigned char byte)
{
    unsigned others = 0;
    for (unsigned b = 0; b <= byte; b++) {
        bool printable = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
        if (b == byte)
            return printable ? b : 256 + others;
        others += !printable;
    }
    return 0;
}

static size_t put_letter(unsigned char byte, char *to)
{
    unsigned letter = letter_of(byte);
    if (letter < 128) {
        to[0] = (char)letter;
        return 1;
    }
    to[0] = (char)(0xc0 | letter >> 6);
    to[1] = (char)(0x80 | (letter & 63));
    return 2;
}

/* Base64 up to a space, and the number after it; false if the line is no such pair. */
static bool read_rank(const unsigned char *line, size_t length, size_t *digits, size_t *rank)
{
    const unsigned char *space = memchr(line, ' ', length);
    if (!space || space == line || (space - line) % 4 || space + 1 == line + length ||
        length > 65536)
        return false;
    *digits = (size_t)(space - line);
    for (size_t i = 0; i < *digits; i++) /* one or two '=' may end it */
        if (digit_of(line[i]) < 0 && (line[i] != '=' || i + 2 < *digits))
            return false;
    *rank = 0;
    for (size_t i = *digits + 1; i < length; i++) {
        if (line[i] < '0' || line[i] > '9' || *rank > MOST_PIECES)
            return false;
        *rank = 10 * *rank + (size_t)(line[i] - '0');
    }
    return true;
}

bool vocabulary_is_ranks(const void *bytes, size_t size)
{
    struct lines l = {.bytes = bytes, .size = size < 4096 ? size : 4096};
    const unsigned char *line;
    size_t length, digits, rank;
    return next_line(&l, &line, &length) && read_rank(line, length, &digits, &rank);
}

static bool decode_piece(struct assay_vocabulary *v, const unsigned char *line, size_t digits,
                         struct assay_piece *piece)
{
    char *to = assay_arena_alloc(v->arena, digits / 4 * 3 * 2 + 1, 1);
    size_t used = 0;
    for (size_t i = 0; to && i < digits; i += 4) {
        unsigned bits = 0, ends = 0;
        for (size_t k = 0; k < 4; k++) {
            int digit = digit_of(line[i + k]);
            ends += digit < 0;
            bits = bits << 6 | (unsigned)(digit < 0 ? 0 : digit);
        }
        for (size_t k = 0; k < 3 - ends; k++)
            used += put_letter((unsigned char)(bits >> (16 - 8 * k)), to + used);
    }
    *piece = (struct assay_piece){to, used};
    return to != NULL;
}

assay_status vocabulary_ranks(const char *path, const void *bytes, size_t size,
                              struct assay_vocabulary *v, struct assay_error *error)
{
    struct lines l = {.bytes = bytes, .size = size};
    size_t room = 2 * count_lines(bytes, size) + 65536, length, digits, rank;
    const unsigned char *line;
    v->format = "tiktoken";
    if (room > MOST_PIECES)
        return assay_error_at(error, ASSAY_ERROR_LIMIT, path, 0, "more than 16 million pieces");
    v->pieces = assay_arena_alloc(v->arena, room, sizeof *v->pieces);
    if (!v->pieces)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, path, 0, "out of memory");
    while (next_line(&l, &line, &length)) {
        if (length == 0)
            continue;
        if (!read_rank(line, length, &digits, &rank) || rank >= room)
            return assay_error_at(error, ASSAY_ERROR_INPUT, path, l.number,
                                  "expected base64, a space and a rank near the number of lines");
        if (!decode_piece(v, line, digits, &v->pieces[rank]))
            return assay_error_at(error, ASSAY_ERROR_MEMORY, path, 0, "out of memory");
        v->count = rank + 1 > v->count ? rank + 1 : v->count;
    }
    return ASSAY_OK;
}

/* ---- merges.txt ---------------------------------------------------------------------- */

assay_status assay_vocabulary_parse_merges(const char *path, const void *bytes, size_t size,
                                           struct assay_vocabulary *v, struct assay_error *error)
{
    struct lines l = {.bytes = bytes, .size = size};
    size_t room = count_lines(bytes, size), length;
    const unsigned char *line;
    if (room > MOST_PIECES)
        return assay_error_at(error, ASSAY_ERROR_LIMIT, path, 0, "more than 16 million merges");
    v->merges = assay_arena_alloc(v->arena, room, sizeof *v->merges);
    if (!v->merges)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, path, 0, "out of memory");
    v->merge_count = 0;
    while (next_line(&l, &line, &length)) {
        if (length == 0 || (l.number == 1 && line[0] == '#'))
            continue;
        const unsigned char *space = memchr(line, ' ', length);
        if (!space || space == line || space + 1 == line + length ||
            memchr(space + 1, ' ', length - (size_t)(space + 1 - line)))
            return assay_error_at(error, ASSAY_ERROR_INPUT, path, l.number,
                                  "expected two pieces with one space between them");
        char *copy = assay_arena_copy_bytes(v->arena, (const char *)line, length);
        if (!copy)
            return assay_error_at(error, ASSAY_ERROR_MEMORY, path, 0, "out of memory");
        v->merges[v->merge_count++] = (struct assay_piece){copy, length};
    }
    return ASSAY_OK;
}
