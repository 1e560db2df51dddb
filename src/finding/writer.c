/* SPDX-License-Identifier: Apache-2.0 */
#include "finding/writer.h"

void finding_entitle(struct finding_writer *writer, const char *id, const char *method,
                     const char *version, uint64_t seed)
{
    writer->finding->id = writer->finding->question = id;
    writer->finding->method = method;
    writer->finding->method_version = version;
    writer->finding->seed = seed;
}

const char *finding_keep(struct finding_writer *writer, const char *text)
{
    char *copy = text ? assay_arena_copy(writer->arena, text) : NULL;
    writer->short_of_memory = writer->short_of_memory || !copy;
    return copy;
}

void *finding_room(struct finding_writer *writer, size_t count, size_t size)
{
    void *memory = assay_arena_alloc(writer->arena, count, size);
    writer->short_of_memory = writer->short_of_memory || !memory;
    return memory;
}
