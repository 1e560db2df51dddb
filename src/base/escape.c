/* SPDX-License-Identifier: Apache-2.0 */
#include "base/escape.h"

#include "base/utf8.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */
#define MOST_SPEC 40               /* characters of one conversion: %-+ #0123.123lls */

size_t escape_unsafe(const char *text)
{
    const unsigned char *c = (const unsigned char *)text;
    if (c[0] >= 0x20 && c[0] < 0x7f)
        return 0;
    size_t left = strnlen(text, 4);
    if (c[0] < 0x20 || c[0] == 0x7f || utf8_valid_prefix(c, left) == 0)
        return 1;
    if (c[0] == 0xC2 && c[1] <= 0x9F) /* C1 controls */
        return 2;
    if (c[0] == 0xD8 && c[1] == 0x9C) /* U+061C */
        return 2;
    if (c[0] == 0xE2 && c[1] == 0x80 &&
        (c[2] == 0x8E || c[2] == 0x8F || (c[2] >= 0xA8 && c[2] <= 0xAE)))
        return 3;
    if (c[0] == 0xE2 && c[1] == 0x81 && c[2] >= 0xA6 && c[2] <= 0xA9)
        return 3;
    if (c[0] == 0xEF && c[1] == 0xBB && c[2] == 0xBF)
        return 3;
    return 0;
}

/* Bytes of the character at `text`: what may not be shown, or one of UTF-8. */
static size_t character(const char *text, size_t *unsafe)
{
    *unsafe = escape_unsafe(text);
    size_t length = *unsafe ? *unsafe : 1;
    while (!*unsafe && ((unsigned char)text[length] & 0xC0) == 0x80)
        length++;
    return length;
}

size_t escape_plain(FILE *to, const char *text, size_t bytes)
{
    size_t characters = 0, unsafe, i = 0;
    while (text && i < bytes && text[i]) {
        size_t length = character(text + i, &unsafe);
        if (length > bytes - i)
            break;
        if (to && unsafe)
            fputs(REPLACEMENT, to);
        else if (to)
            fwrite(text + i, 1, length, to);
        i += length;
        characters++;
    }
    return characters;
}

void escape_copy(char *copy, size_t size, const char *text)
{
    size_t used = 0, unsafe;
    while (*text) {
        size_t length = character(text, &unsafe);
        const char *from = unsafe ? REPLACEMENT : text;
        size_t bytes = unsafe ? sizeof REPLACEMENT - 1 : length;
        if (bytes >= size - used)
            break;
        memcpy(copy + used, from, bytes);
        used += bytes;
        text += length;
    }
    copy[used] = '\0';
}

/* ---- as printf --------------------------------------------------------------------------------
 */

/* One conversion, its `*` put in. */
struct spec {
    char text[MOST_SPEC]; /* "%-12.3lf" */
    size_t length;
    bool left;
    int width, precision; /* -1: none */
    int longs;            /* l, ll: 1, 2; z, j, t: 3, 4, 5; h and hh change nothing here */
};

static void append(struct spec *s, char c)
{
    if (s->length + 1 < sizeof s->text)
        s->text[s->length++] = c;
    s->text[s->length] = '\0';
}

/* A number in the format, or the one that `*` stands for. */
static const char *read_number(struct spec *s, const char *at, int star, int *number)
{
    char digits[16];
    *number = 0;
    if (*at == '*') {
        *number = star;
        at++;
    }
    for (; *at >= '0' && *at <= '9'; at++)
        *number = *number < 100000 ? 10 * *number + (*at - '0') : *number;
    snprintf(digits, sizeof digits, "%d", *number);
    for (const char *d = digits; *d; d++)
        append(s, *d);
    return at;
}

static const char *read_length(struct spec *s, const char *at)
{
    for (; *at && strchr("hlzjt", *at); at++) {
        append(s, *at);
        s->longs = *at == 'l'   ? s->longs + 1
                   : *at == 'z' ? 3
                   : *at == 'j' ? 4
                   : *at == 't' ? 5
                                : s->longs;
    }
    return at;
}

static int put_text(FILE *to, const struct spec *s, const char *text)
{
    size_t bytes = s->precision >= 0 ? (size_t)s->precision : SIZE_MAX;
    if (!text)
        text = "(null)";
    int shown = (int)escape_plain(NULL, text, bytes), pad = s->width > shown ? s->width - shown : 0;
    if (!s->left)
        fprintf(to, "%*s", pad, "");
    escape_plain(to, text, bytes);
    if (s->left)
        fprintf(to, "%*s", pad, "");
    return shown + pad;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored                                                                     \
    "-Wformat-nonliteral" /* `spec` is one conversion of a checked format */

#define PUT_WHOLE(type) fprintf(to, s->text, va_arg(*list, type))

/* `conversion` with the argument that it takes; those of ints serve for %c and shorter ones. */
static int put(FILE *to, const struct spec *s, char conversion, va_list *list)
{
    if (conversion == 's')
        return put_text(to, s, va_arg(*list, const char *));
    if (strchr("aAeEfFgG", conversion))
        return fprintf(to, s->text, va_arg(*list, double));
    switch (s->longs) {
    case 1:
        return PUT_WHOLE(long);
    case 2:
        return PUT_WHOLE(long long);
    case 3:
        return PUT_WHOLE(size_t);
    case 4:
        return PUT_WHOLE(intmax_t);
    case 5:
        return PUT_WHOLE(ptrdiff_t);
    default:
        return PUT_WHOLE(int);
    }
}

#pragma GCC diagnostic pop

/* From after the % to after the conversion. */
static const char *put_conversion(FILE *to, const char *at, va_list *list, int *printed)
{
    struct spec s = {.text = "%", .length = 1, .width = -1, .precision = -1};
    for (; *at && strchr("-+ #0", *at); at++) {
        s.left = s.left || *at == '-';
        append(&s, *at);
    }
    if (*at == '*' || (*at >= '1' && *at <= '9')) {
        int star = *at == '*' ? va_arg(*list, int) : 0;
        s.left = s.left || star < 0; /* as C has it */
        at = read_number(&s, at, star, &s.width);
        s.width = s.width < 0 ? -s.width : s.width;
    }
    if (*at == '.') {
        at++;
        append(&s, '.');
        int star = *at == '*' ? va_arg(*list, int) : 0;
        at = read_number(&s, at, star, &s.precision);
    }
    at = read_length(&s, at);
    if (!*at)
        return at;
    append(&s, *at);
    if (*at == '%')
        fputc('%', to);
    *printed += *at == '%' ? 1 : put(to, &s, *at, list);
    return at + 1;
}

int escape_vprint(FILE *to, const char *format, va_list list)
{
    int printed = 0;
    va_list own; /* so that its address may be handed on, whatever va_list is */
    va_copy(own, list);
    while (*format) {
        size_t plain = strcspn(format, "%");
        fwrite(format, 1, plain, to);
        printed += (int)plain;
        format += plain;
        if (*format == '%')
            format = put_conversion(to, format + 1, &own, &printed);
    }
    va_end(own);
    return printed;
}

int escape_print(FILE *to, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    int printed = escape_vprint(to, format, list);
    va_end(list);
    return printed;
}
