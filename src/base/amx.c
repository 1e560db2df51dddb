/* SPDX-License-Identifier: Apache-2.0 */
#include "base/amx.h"

#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <immintrin.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

long syscall(long number, ...); /* not POSIX, so not declared */

static bool processor_has(enum amx_multiplication wanted)
{
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d >> 24 & 1) && (d >> wanted & 1);
}

bool amx_allowed(enum amx_multiplication wanted)
{
    /* arch_prctl(ARCH_REQ_XCOMP_PERM, XTILEDATA) */
    return processor_has(wanted) && syscall(SYS_arch_prctl, 0x1023, 18) == 0;
}

#define TILES __attribute__((target("amx-tile"), no_sanitize("address", "undefined")))

TILES void amx_begin(void)
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
    AMX_MEMORY_IS_AS_WRITTEN;
    _tile_loadconfig(&setup);
}

TILES void amx_end(void)
{
    _tile_release();
    AMX_MEMORY_IS_AS_WRITTEN;
}
#else
bool amx_allowed(enum amx_multiplication wanted)
{
    (void)wanted;
    return false;
}

void amx_begin(void)
{
}

void amx_end(void)
{
}
#endif
