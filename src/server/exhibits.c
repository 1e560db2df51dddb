/* SPDX-License-Identifier: Apache-2.0 */
#include "server/exhibits.h"

#include "server/guard.h"

#include <assay/case.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MESSAGE 1100

static bool refuse(char *message, const char *words)
{
    snprintf(message, MESSAGE, "%s", words);
    return false;
}

/* The texts of the body; false: a key that nobody knows, or one that is missing or no text. */
static bool read_body(const json_t *body, struct assay_case_new_exhibit *e,
                      const char **case_sha256)
{
    const struct {
        const char *key;
        const char **to;
        bool must;
    } keys[] = {{"id", &e->id, true},
                {"file", &e->file, true},
                {"source", &e->source, true},
                {"date", &e->date, true},
                {"grade", &e->grade, true},
                {"said_by", &e->said_by, false},
                {"case_sha256", case_sha256, false}};
    size_t known = 0;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const json_t *value = json_object_get(body, keys[i].key);
        *keys[i].to = json_string_value(value);
        if (value ? !*keys[i].to : keys[i].must)
            return false;
        known += value != NULL;
    }
    return json_is_object(body) && json_object_size(body) == known;
}

/* Of the file as it came in, else as it is now. */
static bool digest_of(struct store *store, const char *name, const char *file, const char *path,
                      char sha256[65], struct assay_error *error)
{
    json_t *came = store_files(store, name);
    sha256[0] = '\0';
    for (size_t i = 0; i < json_array_size(came); i++) {
        const json_t *one = json_array_get(came, i);
        const char *then = json_string_value(json_object_get(one, "sha256"));
        const char *which = json_string_value(json_object_get(one, "file"));
        if (then && which && strcmp(which, file) == 0)
            snprintf(sha256, 65, "%s", then);
    }
    json_decref(came);
    return sha256[0] || assay_sha256_file(path, sha256, error) == ASSAY_OK;
}

static bool is_file(const struct folder *folder, const char *name, const char *file)
{
    struct stat what;
    int descriptor = folder_case(folder, name);
    bool there = descriptor >= 0 && fstatat(descriptor, file, &what, AT_SYMLINK_NOFOLLOW) == 0 &&
                 S_ISREG(what.st_mode);
    if (descriptor >= 0)
        close(descriptor);
    return there;
}

bool exhibits_add(const struct folder *folder, struct store *store, const char *name,
                  const json_t *body, unsigned *status, char *message)
{
    struct assay_case_new_exhibit e = {0};
    struct assay_error error = {0};
    const char *case_sha256;
    char sha256[65], path[PATH_MAX], file[PATH_MAX + 80];
    *status = 400;
    if (!read_body(body, &e, &case_sha256))
        return refuse(message, "expected {id, file, source, date, grade}, all texts, and perhaps "
                               "said_by and case_sha256");
    *status = 404;
    if (!guard_name(e.file) || !is_file(folder, name, e.file))
        return refuse(message, "the case's folder has no file of that name");
    folder_case_path(folder, name, path);
    snprintf(file, sizeof file, "%s/%s", path, e.file);
    e.sha256 = sha256;
    *status = 400;
    if (digest_of(store, name, e.file, file, sha256, &error) &&
        assay_case_add_exhibit(path, &e, case_sha256, &error) == ASSAY_OK)
        return true;
    *status = error.status == ASSAY_ERROR_IO || error.status == ASSAY_ERROR_MEMORY ? 500 : 400;
    assay_error_format(&error, message, MESSAGE);
    return false;
}
