/* SPDX-License-Identifier: Apache-2.0 */
/*
 * finding_files: what findings of descent read. In: a YAML file with `first`, `second` and, where
 * it is asked for, `base`, relative to it. Out: paths, and their digests as exhibits. What can go
 * wrong: a key that is missing or unknown, a file that cannot be read.
 */
#ifndef LINEAGE_FINDING_FILES_H
#define LINEAGE_FINDING_FILES_H

#include "finding/writer.h"

struct finding_files {
    const char *paths[4]; /* the YAML file, first, second, base */
    size_t count;         /* 3, or 4 with a base */
};

/*
 * Begins a finding and its writer, and reads which files it is about; `with_base`: the key `base`
 * may stand there. Free the finding with assay_finding_free unless this fails.
 */
ASSAY_MUST_USE assay_status finding_files_start(const char *path, bool with_base,
                                                struct assay_finding *finding,
                                                struct finding_writer *writer,
                                                struct finding_files *files,
                                                struct assay_error *error);

/* The files with their digests, as the finding's exhibits. */
ASSAY_MUST_USE assay_status finding_files_digest(struct finding_writer *writer,
                                                 const struct finding_files *files,
                                                 struct assay_error *error);

#endif
