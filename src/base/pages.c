/* SPDX-License-Identifier: Apache-2.0 */
#define _DEFAULT_SOURCE /* madvise */
#include "base/pages.h"

#include <stdint.h>
#include <sys/mman.h>

void base_pages_large(void *memory, size_t bytes)
{
#if defined(MADV_HUGEPAGE)
    const uintptr_t page = (uintptr_t)2 << 20; /* of x86-64; others round what is asked for */
    uintptr_t from = ((uintptr_t)memory + page - 1) / page * page;
    uintptr_t end = ((uintptr_t)memory + bytes) / page * page;
    if (memory && from < end)
        (void)madvise((char *)memory + (from - (uintptr_t)memory), end - from, MADV_HUGEPAGE);
#else
    (void)memory;
    (void)bytes;
#endif
}
