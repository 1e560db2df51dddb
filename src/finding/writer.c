/* SPDX-License-Identifier: Apache-2.0 */
#include "finding/writer.h"

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
