/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/bpe_file.h"

#include "base/json.h"

#include <assay/checkpoint.h>

#include <stdlib.h>
#include <string.h>

#define FIRST 257

/* How Hugging Face cuts words: as lab_bpe_word. */
static const char words[] = "'(?:[stmd]|re|ve|ll)"
                            "| ?[^\\x00-@\\[-`{-\\x7F]+" /* letters, and all beyond ASCII */
                            "| ?[0-9]+"
                            "| ?[\\x00-\\x08\\x0E-\\x1F!-/:-@\\[-`{-\\x7F]+"
                            "|[\\t-\\r ]+(?![^\\t-\\r ])"
                            "|[\\t-\\r ]+";

/* The letter that stands for a byte (GPT-2): itself if it prints, else from 256 on. */
static unsigned letter_of(unsigned byte)
{
    unsigned others = 0;
    for (unsigned b = 0; b <= byte; b++) {
        bool prints = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
        if (b == byte && prints)
            return b;
        others += !prints;
    }
    return 255 + others;
}

size_t lab_bpe_spelling(const struct lab_bpe *b, size_t token, char *to)
{
    size_t at = 0;
    if (token == 0) {
        memcpy(to, LAB_BEGIN, sizeof LAB_BEGIN);
        return sizeof LAB_BEGIN - 1;
    }
    for (size_t i = b->start[token]; i < b->start[token + 1]; i++) {
        unsigned letter = letter_of(b->bytes[i]);
        if (letter < 128) {
            to[at++] = (char)letter;
        } else {
            to[at++] = (char)(0xc0 | letter >> 6);
            to[at++] = (char)(0x80 | (letter & 63));
        }
    }
    to[at] = 0;
    return at;
}

size_t lab_bpe_longest(const struct lab_bpe *b)
{
    size_t most = 16;
    for (size_t t = 1; t < b->count; t++)
        if (2 * (size_t)(b->start[t + 1] - b->start[t]) + 1 > most)
            most = 2 * (size_t)(b->start[t + 1] - b->start[t]) + 1;
    return most;
}

static json_t *merges_of(const struct lab_bpe *b, char *left, char *right)
{
    json_t *list = json_array();
    for (size_t i = 0; i + FIRST < b->count; i++) {
        lab_bpe_spelling(b, b->merges[i].left, left);
        lab_bpe_spelling(b, b->merges[i].right, right);
        json_array_append_new(list, json_pack("[ss]", left, right));
    }
    return list;
}

static json_t *to_json(const struct lab_bpe *b, char *piece, char *other)
{
    json_t *vocabulary = json_object();
    for (size_t t = 0; t < b->count; t++) {
        lab_bpe_spelling(b, t, piece);
        json_object_set_new(vocabulary, piece, json_integer((json_int_t)t));
    }
    json_t *model = json_pack("{s:s, s:n, s:n, s:n, s:n, s:b, s:b, s:b}", "type", "BPE", "dropout",
                              "unk_token", "continuing_subword_prefix", "end_of_word_suffix",
                              "fuse_unk", 0, "byte_fallback", 0, "ignore_merges", 0);
    json_object_set_new(model, "vocab", vocabulary);
    json_object_set_new(model, "merges", merges_of(b, piece, other));
    json_t *begin =
        json_pack("{s:i, s:s, s:b, s:b, s:b, s:b, s:b}", "id", 0, "content", LAB_BEGIN,
                  "single_word", 0, "lstrip", 0, "rstrip", 0, "normalized", 0, "special", 1);
    json_t *cut = json_pack("{s:s, s:{s:s}, s:s, s:b}", "type", "Split", "pattern", "Regex", words,
                            "behavior", "Isolated", "invert", 0);
    json_t *bytes = json_pack("{s:s, s:b, s:b, s:b}", "type", "ByteLevel", "add_prefix_space", 0,
                              "trim_offsets", 0, "use_regex", 0);
    json_t *first = json_pack("{s:{s:s, s:i}}", "SpecialToken", "id", LAB_BEGIN, "type_id", 0);
    json_t *text = json_pack("{s:{s:s, s:i}}", "Sequence", "id", "A", "type_id", 0);
    json_t *second = json_pack("{s:{s:s, s:i}}", "Sequence", "id", "B", "type_id", 1);
    json_t *after =
        json_pack("{s:s, s:[OO], s:[OOo], s:{s:{s:s, s:[i], s:[s]}}}", "type", "TemplateProcessing",
                  "single", first, text, "pair", first, text, second, "special_tokens", LAB_BEGIN,
                  "id", LAB_BEGIN, "ids", 0, "tokens", LAB_BEGIN);
    json_decref(first);
    json_decref(text);
    return json_pack("{s:s, s:n, s:n, s:[o], s:n, s:{s:s, s:[oO]}, s:o, s:o, s:o}", "version",
                     "1.0", "truncation", "padding", "added_tokens", begin, "normalizer",
                     "pre_tokenizer", "type", "Sequence", "pretokenizers", cut, bytes,
                     "post_processor", after, "decoder", bytes, "model", model);
}

assay_status lab_bpe_write(const struct lab_bpe *b, const char *path, struct assay_error *error)
{
    size_t longest = lab_bpe_longest(b);
    char *piece = malloc(longest), *other = malloc(longest), *text = NULL;
    if (piece && other) {
        json_t *root = to_json(b, piece, other);
        text = root ? json_print(root) : NULL;
        json_decref(root);
    }
    assay_status status = text
                              ? assay_file_write(path, text, strlen(text), error)
                              : assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    free(piece);
    free(other);
    free(text);
    return status;
}

/* ---- reading ------------------------------------------------------------------------- */

/* The bytes that a spelling stands for, in place. Returns their number, or SIZE_MAX. */
static size_t unspell(const unsigned char *from, size_t n, unsigned char *to)
{
    size_t out = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned letter = from[i];
        if (letter >= 128) {
            if (i + 1 == n || letter > 0xc7)
                return SIZE_MAX;
            letter = (letter & 31) << 6 | (from[++i] & 63);
        }
        unsigned byte = 0;
        while (byte < 256 && letter_of(byte) != letter)
            byte++;
        if (byte == 256)
            return SIZE_MAX;
        to[out++] = (unsigned char)byte;
    }
    return out;
}

static assay_status refuse(const char *path, const char *what, size_t i, struct assay_error *error)
{
    return assay_error_at(error, ASSAY_ERROR_UNSUPPORTED, path, 0,
                          "not a vocabulary of the lab: %s %zu", what, i);
}

/* Pieces must be the begin, the bytes in order, and then each what its merge makes: the merges of
 * the lab are known from the pieces' order and their own. */
static assay_status take(const char *path, const struct assay_vocabulary *v, struct lab_bpe *b,
                         struct assay_error *error)
{
    if (v->count < FIRST || v->merge_count != v->count - FIRST)
        return refuse(path, "merges, beside its pieces:", v->merge_count, error);
    struct lab_merge *merges = malloc((v->merge_count + 1) * sizeof *merges);
    if (!merges)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    assay_status status = ASSAY_OK;
    size_t known = FIRST;
    for (size_t i = 0; i < v->merge_count && status == ASSAY_OK; i++, known++) {
        const struct assay_piece *m = &v->merges[i];
        const char *space = memchr(m->bytes, ' ', m->size);
        size_t left = space ? (size_t)(space - m->bytes) : 0;
        size_t found[2] = {0, 0};
        for (int side = 0; side < 2 && space; side++) {
            const char *want = side ? space + 1 : m->bytes;
            size_t size = side ? m->size - left - 1 : left;
            for (size_t t = 1; t < known && !found[side]; t++)
                if (v->pieces[t].size == size && memcmp(v->pieces[t].bytes, want, size) == 0)
                    found[side] = t;
        }
        if (!found[0] || !found[1])
            status = refuse(path, "merge", i, error);
        else
            merges[i] = (struct lab_merge){(uint16_t)found[0], (uint16_t)found[1]};
    }
    if (status == ASSAY_OK)
        status = lab_bpe_new(merges, v->merge_count, b, error);
    free(merges);
    return status;
}

/* The tokens spell what the pieces say. */
static assay_status check(const char *path, const struct assay_vocabulary *v,
                          const struct lab_bpe *b, struct assay_error *error)
{
    for (size_t t = 1; t < b->count; t++) {
        const struct assay_piece *p = &v->pieces[t];
        size_t length = b->start[t + 1] - b->start[t];
        unsigned char *own = malloc(p->size + 1);
        if (!own)
            return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
        bool same = unspell((const unsigned char *)p->bytes, p->size, own) == length &&
                    memcmp(own, b->bytes + b->start[t], length) == 0;
        free(own);
        if (!same)
            return refuse(path, "piece", t, error);
    }
    return ASSAY_OK;
}

assay_status lab_bpe_read(const char *path, struct lab_bpe *b, struct assay_error *error)
{
    struct assay_vocabulary v;
    *b = (struct lab_bpe){.count = 0};
    ASSAY_TRY(assay_vocabulary_read(path, &v, error));
    assay_status status =
        v.count > LAB_BPE_MOST ? refuse(path, "pieces:", v.count, error) : take(path, &v, b, error);
    if (status == ASSAY_OK)
        status = check(path, &v, b, error);
    if (status != ASSAY_OK)
        lab_bpe_free(b);
    assay_vocabulary_free(&v);
    return status;
}
