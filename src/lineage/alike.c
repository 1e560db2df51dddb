/* SPDX-License-Identifier: Apache-2.0 */
/* alike_tmpl.h for each width of register. */
#include "lineage/alike.h"

#include "lineage/lanes.h"

#define ALIKE(name) name##_plain
#define ALIKE_TARGET LANES_UNCHECKED
#include "lineage/alike_tmpl.h"
#undef ALIKE
#undef ALIKE_TARGET

#if defined(__x86_64__)
#define ALIKE(name) name##_avx2
#define ALIKE_TARGET LANES_AVX2
#include "lineage/alike_tmpl.h"
#undef ALIKE
#undef ALIKE_TARGET

#define ALIKE(name) name##_avx512
#define ALIKE_TARGET LANES_AVX512
#include "lineage/alike_tmpl.h"
#undef ALIKE
#undef ALIKE_TARGET
#endif

size_t alike_list(const struct alike_functions *list[ALIKE_KINDS])
{
    size_t count = 0;
    list[count++] = &functions_plain;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2"))
        list[count++] = &functions_avx2;
    if (lanes_have_avx512())
        list[count++] = &functions_avx512;
#endif
    return count;
}

const struct alike_functions *alike_fastest(void)
{
    const struct alike_functions *list[ALIKE_KINDS];
    return list[alike_list(list) - 1];
}
