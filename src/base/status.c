/* SPDX-License-Identifier: Apache-2.0 */
/* Status words and the one idiom by which an error gets its place and its message. */
#include <assay/base.h>

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
    vsnprintf(error->message, sizeof error->message, format, arguments);
    for (char *c = error->message; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
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
    if (error->file[0] && error->line > 0)
        return snprintf(text, size, "%s:%ld: %s", error->file, error->line, error->message);
    if (error->file[0] && error->offset >= 0)
        return snprintf(text, size, "%s: byte %lld: %s", error->file, error->offset,
                        error->message);
    if (error->file[0])
        return snprintf(text, size, "%s: %s", error->file, error->message);
    return snprintf(text, size, "%s", error->message);
}
