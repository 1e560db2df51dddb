/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel on Intel's AMX (tdpbssd). The tile registers are set up and given back in each call,
 * so that no thread keeps state. Before it is used at all it must give what plain C gives on a
 * small problem.
 */
#include "lineage/kernel.h"

#include "base/amx.h"

#include <string.h>

#if defined(__x86_64__) && defined(__linux__)
#include <immintrin.h>

#define TILES __attribute__((target("amx-tile,amx-int8"), no_sanitize("address", "undefined")))
#define TILE_FUNCTION TILES static void multiply
#define TILE_ZERO(t) _tile_zero(t)
#define TILE_LOAD(t, from) _tile_loadd(t, from, 64)
#define TILE_MULTIPLY(to, a, b) _tile_dpbssd(to, a, b)
#define TILE_STORE(t, to) _tile_stored(t, to, 64)
#include "lineage/kernel_amx_tmpl.h"

TILES __attribute__((noinline)) static void kernel(const struct kernel_left *left,
                                                   const int8_t *right,
                                                   int32_t product[][KERNEL_UNITS][KERNEL_UNITS])
{
    amx_begin();
    AMX_MEMORY_IS_AS_WRITTEN;
    multiply(left, right, product);
    AMX_MEMORY_IS_AS_WRITTEN;
    amx_end();
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
        answer = amx_allowed(AMX_INT8) && agrees_with_plain() ? 2 : 1;
    return answer == 2 ? kernel : NULL;
}
#else
match_kernel *kernel_amx(void)
{
    return NULL;
}
#endif
