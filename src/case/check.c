/* SPDX-License-Identifier: Apache-2.0 */
#include "case/check.h"

#include <string.h>

assay_status check_id(const struct assay_yaml *node, const char *id, struct assay_error *error)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t length = strlen(id);
    if (length >= 1 && length <= 64 && strspn(id, allowed) == length)
        return ASSAY_OK;
    return assay_error_at(error, ASSAY_ERROR_INPUT, node->file, node->line,
                          "id '%.80s': expected 1 to 64 of A-Z a-z 0-9 . _ -", id);
}

/* The number in `digits` decimal digits at `text`, or -1. */
static int digits_at(const char *text, int digits)
{
    int value = 0;
    for (int i = 0; i < digits; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

static bool is_date(const char *date)
{
    static const int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    size_t length = strlen(date);
    if ((length != 4 && length != 7 && length != 10) || digits_at(date, 4) < 1)
        return false;
    if (length == 4)
        return true;
    int year = digits_at(date, 4), month = date[4] == '-' ? digits_at(date + 5, 2) : -1;
    if (month < 1 || month > 12)
        return false;
    if (length == 7)
        return true;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    int day = date[7] == '-' ? digits_at(date + 8, 2) : -1;
    return day >= 1 && day <= days[month - 1] && (month != 2 || leap || day <= 28);
}

assay_status check_date(const struct assay_yaml *node, const char *date, struct assay_error *error)
{
    if (is_date(date))
        return ASSAY_OK;
    return assay_error_at(error, ASSAY_ERROR_INPUT, node->file, node->line,
                          "date '%.40s': expected YYYY, YYYY-MM or YYYY-MM-DD", date);
}

assay_status check_grade(const struct assay_yaml *node, const char *grade,
                         struct assay_error *error)
{
    if (strlen(grade) == 2 && strchr("ABCDEF", grade[0]) && strchr("123456", grade[1]))
        return ASSAY_OK;
    return assay_error_at(error, ASSAY_ERROR_INPUT, node->file, node->line,
                          "grade '%.40s': expected a letter A to F (reliability of the source) and "
                          "a digit 1 to 6 (credibility), like B2",
                          grade);
}

/* Whether a component of the path is "..". */
static bool climbs(const char *name)
{
    for (const char *at = name; at; at = strchr(at, '/')) {
        at += *at == '/';
        if (strncmp(at, "..", 2) == 0 && (at[2] == '/' || at[2] == 0))
            return true;
    }
    return false;
}

assay_status check_path(const struct assay_yaml *node, const char *name, struct assay_arena *arena,
                        const char **path, char sha256[65], struct assay_error *error)
{
    struct assay_error inner;
    if (!name[0] || name[0] == '/' || climbs(name))
        return assay_error_at(error, ASSAY_ERROR_INPUT, node->file, node->line,
                              "'%s': expected a file inside the case's folder", name);
    *path = assay_path_beside(arena, node->file, name);
    if (!*path)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    if (assay_sha256_file(*path, sha256, &inner) != ASSAY_OK)
        return assay_error_at(error, ASSAY_ERROR_INPUT, node->file, node->line, "'%s': %s", name,
                              inner.message);
    return ASSAY_OK;
}
