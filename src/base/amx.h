/* SPDX-License-Identifier: Apache-2.0 */
/*
 * amx: the tile registers of Intel's AMX, eight of 16 rows of 64 bytes. In: which multiplication
 * is wanted. Out: whether processor and system allow it. What can go wrong: nothing; where there
 * are none, amx_allowed is false and the others must not be called.
 */
#ifndef BASE_AMX_H
#define BASE_AMX_H

#include <stdbool.h>

/* Bits of CPUID leaf 7, EDX. */
enum amx_multiplication { AMX_BF16 = 22, AMX_INT8 = 25 };

/* Linux hands the registers out on request only; asking again does no harm. CPUID is slow on a
 * virtual machine: ask once. */
bool amx_allowed(enum amx_multiplication wanted);

/* Sets the registers up for this thread, and gives them back. */
void amx_begin(void);
void amx_end(void);

/* The compiler's intrinsics do not say that they read and write memory: to stand before and after
 * code that uses them. */
#define AMX_MEMORY_IS_AS_WRITTEN __asm__ volatile("" ::: "memory")

#endif
