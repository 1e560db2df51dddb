/* SPDX-License-Identifier: Apache-2.0 */
#include "style/tokens.h"

/* A code point of valid UTF-8 and its length; bytes that are none count as one each. */
static uint32_t code_point(const unsigned char *at, size_t left, size_t *length)
{
    uint32_t c = at[0];
    size_t n = c < 0xC0 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
    *length = 1;
    if (n == 1 || n > left)
        return c;
    c &= 0x7Fu >> n;
    for (size_t i = 1; i < n; i++)
        c = c << 6 | (at[i] & 0x3Fu);
    *length = n;
    return c;
}

enum letter { NONE, LOWER, UPPER, CASELESS, ALONE };

/* ALONE: a script written without spaces, in which every character counts as a word. */
static enum letter letter_of(uint32_t c)
{
    if (c < 0x80)
        return c >= 'a' && c <= 'z' ? LOWER : c >= 'A' && c <= 'Z' ? UPPER : NONE;
    if (c < 0xC0)
        return NONE;
    if (c < 0x0180)
        return c == 0xD7 || c == 0xF7 ? NONE : CASELESS;
    if (c < 0x2000)
        return CASELESS;
    return (c >= 0x3040 && c < 0xA000) || (c >= 0xAC00 && c < 0xD800) || (c >= 0x20000) ? ALONE
                                                                                        : NONE;
}

static bool is_mark(uint32_t c)
{
    return (c > 0x20 && c < 0x7F) || (c >= 0xA1 && c < 0xC0) || (c >= 0x2000 && c < 0x2070) ||
           (c >= 0x3000 && c < 0x3040);
}

static uint32_t token(enum style_kind kind, uint32_t hash)
{
    hash ^= hash >> 15;
    hash *= 0x2C1B3C6Du;
    hash ^= hash >> 12;
    return (uint32_t)kind << STYLE_HASH_BITS | (hash & STYLE_HASH_MASK);
}

static uint32_t step(uint32_t hash, uint32_t c)
{
    return (hash ^ c) * 16777619u; /* FNV-1a */
}

#define START 2166136261u

/* Letters, and apostrophes between letters: "don't" is a word, straight or curly. */
static size_t word(const unsigned char *at, size_t left, uint32_t *out)
{
    uint32_t hash = START;
    size_t i = 0, letters = 0, upper = 0, n = 0;
    bool first_upper = false;
    while (i < left) {
        uint32_t c = code_point(at + i, left - i, &n);
        enum letter letter = letter_of(c);
        size_t next = 0;
        if (letter == NONE || letter == ALONE) {
            if ((c != '\'' && c != 0x2019) || i + n >= left)
                break;
            enum letter after = letter_of(code_point(at + i + n, left - i - n, &next));
            if (after == NONE || after == ALONE)
                break;
            c = '\'';
        } else {
            letters++;
            upper += letter == UPPER;
            first_upper = first_upper || (letters == 1 && letter == UPPER);
        }
        hash = step(hash, letter == UPPER ? c + 32 : c);
        i += n;
    }
    *out = token(upper == letters && letters > 1 ? STYLE_UPPER
                 : first_upper                   ? STYLE_CAPITALISED
                                                 : STYLE_WORD,
                 hash);
    return i;
}

static size_t number(const unsigned char *at, size_t left, uint32_t *out)
{
    uint32_t hash = START;
    size_t i = 0;
    for (; i < left && at[i] >= '0' && at[i] <= '9'; i++)
        hash = step(hash, at[i]);
    *out = token(STYLE_NUMBER, hash);
    return i;
}

/* White space up to the next token: a line end or a paragraph's if it holds one. */
static size_t blank(const unsigned char *at, size_t left, uint32_t *out, bool *line)
{
    size_t i = 0, ends = 0;
    for (; i < left && (at[i] <= 0x20 || at[i] == 0x7F); i++)
        ends += at[i] == '\n';
    *line = ends > 0;
    *out = token(ends > 1 ? STYLE_PARAGRAPH : STYLE_LINE, START);
    return i;
}

size_t style_tokenise(const char *text, size_t bytes, uint32_t *tokens)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t n = 0;
    for (size_t i = 0, length = 0; i < bytes;) {
        uint32_t c = code_point(at + i, bytes - i, &length);
        enum letter letter = letter_of(c);
        if (c <= 0x20 || c == 0x7F) {
            bool line = false;
            i += blank(at + i, bytes - i, &tokens[n], &line);
            n += line && n > 0 && i < bytes;
        } else if (letter != NONE && letter != ALONE) {
            i += word(at + i, bytes - i, &tokens[n++]);
        } else if (c >= '0' && c <= '9') {
            i += number(at + i, bytes - i, &tokens[n++]);
        } else {
            tokens[n++] = token(letter == ALONE ? STYLE_WORD
                                : is_mark(c)    ? STYLE_MARK
                                                : STYLE_SYMBOL,
                                step(START, c));
            i += length;
        }
    }
    return n;
}
