/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keep: findings of instruments kept between runs, one file each in a folder. In: a task and what
 * it would be run with. Out: the finding of an earlier run, if everything that it depends on is
 * as it was then: instrument and its version, seed, program, facts, every file that was read, and
 * the names in the folders where those files are (a new candidate in a folder is a change). What
 * can go wrong: nothing that a run would not mend; a kept file that is missing, damaged, or of
 * another version is as good as none, and is replaced whole.
 */
#ifndef CASE_KEEP_H
#define CASE_KEEP_H

#include "case/instruments.h"

struct keeping {
    const char *folder;    /* of the kept findings; NULL: nothing is kept */
    const char *case_path; /* of case.yaml */
    const char *question;  /* its id */
    const struct assay_case_task *task;
    const struct instrument *instrument;
    const char *data_folder;
    uint64_t seed;
    struct assay_arena *arena; /* of the assessment */
};

/* True if the kept finding stands; then `finding` is to be freed and `stated` is in the arena. */
bool keep_read(const struct keeping *keeping, struct assay_finding *finding,
               const struct assay_case_stated **stated, size_t *stated_count);

/* Keeps a finding; what cannot be kept is not, and will be computed again. */
void keep_write(const struct keeping *keeping, const struct assay_finding *finding,
                const struct assay_case_stated *stated, size_t stated_count);

#endif
