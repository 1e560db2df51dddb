/* SPDX-License-Identifier: Apache-2.0 */
/* Scalar products of floats in 16 lanes (lanes.h). */
#include "lineage/dots.h"

#include "lineage/lanes.h"

#define DOTS LANES_UNCHECKED void dots_plain
#include "lineage/dots_tmpl.h"
#undef DOTS

#if defined(__x86_64__)
#define DOTS LANES_AVX2 static void dots_avx2
#include "lineage/dots_tmpl.h"
#undef DOTS

#define DOTS LANES_AVX512 static void dots_avx512
#include "lineage/dots_tmpl.h"
#undef DOTS
#endif

dots_function *dots_fastest(void)
{
#if defined(__x86_64__)
    if (lanes_have_avx512())
        return dots_avx512;
    if (__builtin_cpu_supports("avx2"))
        return dots_avx2;
#endif
    return dots_plain;
}
