/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel on Intel's AMX (tdpbssd). Linux hands out the tile registers on request only; they
 * are set up and given back in each call, so that no thread keeps state. Before it is used at all
 * it must give what plain C gives on a small problem.
 */
#include "lineage/kernel.h"

#include <string.h>

#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

long syscall(long number, ...); /* not POSIX, so not declared */

#define TILES __attribute__((target("amx-tile,amx-int8"), no_sanitize("address", "undefined")))
#define TILE_FUNCTION TILES static void multiply
#define TILE_ZERO(t) _tile_zero(t)
#define TILE_LOAD(t, from) _tile_loadd(t, from, 64)
#define TILE_MULTIPLY(to, a, b) _tile_dpbssd(to, a, b)
#define TILE_STORE(t, to) _tile_stored(t, to, 64)
#include "lineage/kernel_amx_tmpl.h"

/* The intrinsics do not tell the compiler that they read and write memory. */
#define MEMORY_IS_AS_WRITTEN __asm__ volatile("" ::: "memory")

TILES __attribute__((noinline)) static void kernel(const struct kernel_left *left,
                                                   const int8_t *right,
                                                   int32_t product[][KERNEL_UNITS][KERNEL_UNITS])
{
    /* Palette 1, start row, 14 reserved bytes, bytes a row and rows of the 8 registers. */
    struct {
        uint8_t palette, start, reserved[14];
        uint16_t bytes[16];
        uint8_t rows[16];
    } setup = {.palette = 1};
    for (int t = 0; t < 8; t++) {
        setup.bytes[t] = 64;
        setup.rows[t] = 16;
    }
    MEMORY_IS_AS_WRITTEN;
    _tile_loadconfig(&setup);
    multiply(left, right, product);
    _tile_release();
    MEMORY_IS_AS_WRITTEN;
}

static bool processor_has_tiles(void)
{
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d >> 24 & 1) && (d >> 25 & 1);
}

/* arch_prctl(ARCH_REQ_XCOMP_PERM, XTILEDATA): asking again does no harm. */
static bool system_grants_tiles(void)
{
    return syscall(SYS_arch_prctl, 0x1023, 18) == 0;
}

static bool agrees_with_plain(void)
{
    enum { PANELS = 3, COUNT = 2 };
    struct assay_random random;
    int8_t rows[PANELS * COUNT * KERNEL_TILE], right[COUNT * KERNEL_TILE];
    int32_t tiled[PANELS][KERNEL_UNITS][KERNEL_UNITS], plain[PANELS][KERNEL_UNITS][KERNEL_UNITS];
    assay_random_start(&random, 1, 0x616d78);
    for (size_t i = 0; i < sizeof rows; i++)
        rows[i] = (int8_t)((int)assay_random_below(&random, 255) - 127);
    for (size_t i = 0; i < sizeof right; i++)
        right[i] = (int8_t)((int)assay_random_below(&random, 255) - 127);
    struct kernel_left left = {PANELS, COUNT, rows, NULL};
    kernel(&left, right, tiled);
    kernel_plain(&left, right, plain);
    return memcmp(tiled, plain, sizeof plain) == 0;
}

/* Asked once, for a virtual machine answers cpuid slowly; a property of the machine. */
match_kernel *kernel_amx(void)
{
    static _Atomic(int) answer; /* 0: not asked, 1: no, 2: yes */
    if (answer == 0)
        answer = processor_has_tiles() && system_grants_tiles() && agrees_with_plain() ? 2 : 1;
    return answer == 2 ? kernel : NULL;
}
#else
match_kernel *kernel_amx(void)
{
    return NULL;
}
#endif
