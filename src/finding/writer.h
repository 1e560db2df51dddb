/* SPDX-License-Identifier: Apache-2.0 */
/*
 * writer: filling a finding whose texts and lists live in its arena. In: texts that will go. Out:
 * copies. What can go wrong: memory, which is noted once and asked for at the end.
 */
#ifndef FINDING_WRITER_H
#define FINDING_WRITER_H

#include <assay/finding.h>

struct finding_writer {
    struct assay_finding *finding;
    struct assay_arena *arena;
    bool short_of_memory;
};

/* What it is called and how it came about; all literals, which are not copied. */
void finding_entitle(struct finding_writer *writer, const char *id, const char *method,
                     const char *version, uint64_t seed);

/* A copy of `text`; NULL, noted, for NULL or if memory is short. */
const char *finding_keep(struct finding_writer *writer, const char *text);

/* count x size zeroed bytes; NULL, noted, if memory is short. */
void *finding_room(struct finding_writer *writer, size_t count, size_t size);

#endif
