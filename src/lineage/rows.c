/* SPDX-License-Identifier: Apache-2.0 */
/* rows_tmpl.h for each width of register. */
#include "lineage/rows.h"

#include "lineage/lanes.h"

#define ROWS(name) name##_plain
#define ROWS_TARGET LANES_UNCHECKED
#include "lineage/rows_tmpl.h"
#undef ROWS
#undef ROWS_TARGET

#if defined(__x86_64__)
#define ROWS(name) name##_avx2
#define ROWS_TARGET LANES_AVX2
#include "lineage/rows_tmpl.h"
#undef ROWS
#undef ROWS_TARGET

#define ROWS(name) name##_avx512
#define ROWS_TARGET LANES_AVX512
#include "lineage/rows_tmpl.h"
#undef ROWS
#undef ROWS_TARGET
#endif

size_t rows_list(const struct row_functions *list[ROW_KINDS])
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

const struct row_functions *rows_fastest(void)
{
    const struct row_functions *list[ROW_KINDS];
    return list[rows_list(list) - 1];
}
