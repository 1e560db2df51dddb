/* SPDX-License-Identifier: Apache-2.0 */
/* Status words and the one idiom by which an error gets its place and its message. */
#include <assay/base.h>

#include "base/escape.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *assay_status_name(assay_status status)
{
    static const char *const names[] = {"ok",    "input",       "io",           "memory",
                                        "limit", "unsupported", "unanswerable", "interrupted"};
    if ((size_t)status >= sizeof names / sizeof names[0])
        return "unknown";
    return names[status];
}

/* vsnprintf may have left the first bytes of a character at the end. */
static void cut_at_a_character(char *text)
{
    size_t length = strlen(text), end = length;
    while (end > 0 && length - end < 3 && ((unsigned char)text[end - 1] & 0xC0) == 0x80)
        end--;
    if (end > 0 && (unsigned char)text[end - 1] >= 0xC0 && escape_unsafe(text + end - 1) == 1)
        text[end - 1] = '\0';
}

static ASSAY_PRINTF(6, 0) void fill(struct assay_error *error, assay_status status,
                                    const char *file, long line, long long offset,
                                    const char *format, va_list arguments)
{
    if (!error)
        return;
    error->status = status;
    error->line = line;
    error->offset = offset;
    snprintf(error->file, sizeof error->file, "%s", file ? file : "");
    char message[sizeof error->message];
    vsnprintf(message, sizeof message, format, arguments);
    cut_at_a_character(message);
    escape_copy(error->message, sizeof error->message, message);
}

assay_status assay_error_at(struct assay_error *error, assay_status status, const char *file,
                            long line, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fill(error, status, file, line, -1, format, arguments);
    va_end(arguments);
    return status;
}

assay_status assay_error_at_offset(struct assay_error *error, assay_status status, const char *file,
                                   long long offset, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fill(error, status, file, 0, offset, format, arguments);
    va_end(arguments);
    return status;
}

int assay_error_format(const struct assay_error *error, char *text, size_t size)
{
    char file[3 * sizeof error->file];
    escape_copy(file, sizeof file, error->file);
    if (error->file[0] && error->line > 0)
        return snprintf(text, size, "%s:%ld: %s", file, error->line, error->message);
    if (error->file[0] && error->offset >= 0)
        return snprintf(text, size, "%s: byte %lld: %s", file, error->offset, error->message);
    if (error->file[0])
        return snprintf(text, size, "%s: %s", file, error->message);
    return snprintf(text, size, "%s", error->message);
}
