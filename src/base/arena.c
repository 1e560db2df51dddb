/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arena: memory handed out in order from growing blocks and freed at once. Under AddressSanitizer a
 * gap that may not be touched follows each piece, so that reading beyond one is seen.
 */
#include <assay/base.h>

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WATCHED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) && !defined(WATCHED)
#define WATCHED 1
#endif

#ifdef WATCHED
#include <sanitizer/asan_interface.h>
#define GAP alignof(max_align_t)
#define FORBID(at, size) __asan_poison_memory_region(at, size)
#define ALLOW(at, size) __asan_unpoison_memory_region(at, size)
#else
#define GAP 0
#define FORBID(at, size) ((void)0)
#define ALLOW(at, size) ((void)0)
#endif

struct block {
    struct block *next;
    size_t size, used; /* of what follows the header */
};

struct assay_arena {
    struct block *blocks; /* the newest first */
    size_t grow;          /* size of the next block */
};

static const size_t least_block = (size_t)16 << 10, most_block = (size_t)4 << 20;

struct assay_arena *assay_arena_new(void)
{
    struct assay_arena *arena = malloc(sizeof *arena);
    if (arena)
        *arena = (struct assay_arena){NULL, least_block};
    return arena;
}

void assay_arena_free(struct assay_arena *arena)
{
    if (!arena)
        return;
    while (arena->blocks) { /* free() allows again what is forbidden in a block */
        struct block *next = arena->blocks->next;
        free(arena->blocks);
        arena->blocks = next;
    }
    free(arena);
}

/* Blocks come zeroed and memory is never handed out twice, so nothing is cleared here. */
void *assay_arena_alloc(struct assay_arena *arena, size_t count, size_t size)
{
    size_t bytes, rounded, whole;
    const size_t align = alignof(max_align_t);
    const size_t header = (sizeof(struct block) + align - 1) / align * align;

    if (!assay_size_multiply(count, size, &bytes) ||
        !assay_size_add(bytes, align - 1 + GAP, &rounded))
        return NULL;
    rounded = rounded / align * align;
    struct block *block = arena->blocks;
    if (!block || block->size - block->used < rounded) {
        size_t room = rounded > arena->grow ? rounded : arena->grow;
        if (!assay_size_add(room, header, &whole))
            return NULL;
        block = calloc(1, whole);
        if (!block)
            return NULL;
        FORBID((char *)block + header, room);
        block->size = room;
        block->next = arena->blocks;
        arena->blocks = block;
        if (arena->grow < most_block)
            arena->grow *= 2;
    }
    void *memory = (char *)block + header + block->used;
    block->used += rounded;
    ALLOW(memory, bytes);
    return memory;
}

char *assay_arena_copy_bytes(struct assay_arena *arena, const char *text, size_t length)
{
    size_t size;
    if (!assay_size_add(length, 1, &size))
        return NULL;
    char *copy = assay_arena_alloc(arena, size, 1);
    if (copy && length)
        memcpy(copy, text, length);
    return copy;
}

char *assay_arena_copy(struct assay_arena *arena, const char *text)
{
    return assay_arena_copy_bytes(arena, text, strlen(text));
}

char *assay_arena_print(struct assay_arena *arena, const char *format, ...)
{
    va_list arguments, again;
    char *text = NULL;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    if (length >= 0)
        text = assay_arena_alloc(arena, (size_t)length + 1, 1);
    if (text)
        vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    va_end(arguments);
    return text;
}
