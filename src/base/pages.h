/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pages: memory that is walked through from end to end, in large pages. In: a block, best before it
 * is first written. Out: nothing but speed; where the system has no such pages, or gives none,
 * nothing happens.
 */
#ifndef BASE_PAGES_H
#define BASE_PAGES_H

#include <stddef.h>

/* Asks for large pages where whole ones fit between `memory` and its end; NULL is accepted. */
void base_pages_large(void *memory, size_t bytes);

#endif
