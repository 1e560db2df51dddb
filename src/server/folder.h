/* SPDX-License-Identifier: Apache-2.0 */
/*
 * folder: the cases of a folder, and the files of a case. Everything is opened from a descriptor of
 * the folder and by a name that guard_name accepts, and no link is followed: there is no way out.
 */
#ifndef SERVER_FOLDER_H
#define SERVER_FOLDER_H

#include <assay/base.h>

#include <jansson.h>
#include <limits.h>

struct folder {
    int descriptor;
    bool single; /* the folder is itself a case, under the name below */
    char name[65];
    char path[PATH_MAX]; /* real path */
};

ASSAY_MUST_USE assay_status folder_open(const char *path, struct folder *folder,
                                        struct assay_error *error);
void folder_close(struct folder *folder);

/* [{name, title, reported}], by name; title null and `problem` a text where it cannot be read. */
json_t *folder_cases(const struct folder *folder);

/* A descriptor of the case `name`, or -1 if there is none. Close it. */
int folder_case(const struct folder *folder, const char *name);

/* A descriptor of the folder `name` in `from`, or -1: missing, something else, or a link. */
int folder_open_inside(int from, const char *name);

/* The whole of a regular file of up to `most` bytes, NUL added; NULL if it cannot be read. free()
   it. */
char *folder_read(int from, const char *name, size_t most, size_t *size);

/* Its path, for the case room. */
void folder_case_path(const struct folder *folder, const char *name, char path[PATH_MAX]);

/* [{name, bytes}] of the regular files of a case, by name. */
json_t *folder_files(int descriptor);

/* The report of a case as an object, or null if there is none or it is not JSON. */
json_t *folder_report(int descriptor);

/* SHA-256 of its case.yaml; false if it cannot be read. */
bool folder_digest(int descriptor, char hex[65]);

/* Makes out/ and out/findings in a case if they are missing; false if something else, or a link,
   has such a name. */
bool folder_make_out(int descriptor);

/* ---- a file that comes in ----------------------------------------------------------------- */

struct upload {
    int folder, file;   /* descriptors; folder is the upload's own */
    char name[65];      /* under which it will stand */
    char temporary[32]; /* under which it is written */
    uint64_t bytes;
    void *digest; /* private */
};

/* False: the name is taken (*taken) or the system refuses. */
bool upload_start(int descriptor, const char *name, struct upload *upload, bool *taken);
bool upload_add(struct upload *upload, const void *bytes, size_t size);
/* On disk under its name, never over another file; its digest in `hex`. */
bool upload_finish(struct upload *upload, char hex[65], bool *taken);
/* Ends it whether finished or not: what is unfinished is removed. Harmless on a zeroed one. */
void upload_end(struct upload *upload);

#endif
