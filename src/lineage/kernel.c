/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scalar products of signed bytes: plain C, which is the definition, and its fast twins for x86.
 * All but AVX2's use the instruction that multiplies unsigned by signed bytes and adds four
 * products to a 32-bit sum. The right side is made unsigned by adding 128, for which 128 times
 * the sum of the left unit's coordinates is taken off again; sums wrap around, which does no harm
 * since the result fits.
 */
#include "lineage/kernel.h"

#include <string.h>

/* Under a sanitizer these loops would take most of the time; their bounds are the callers'. */
#define UNCHECKED __attribute__((no_sanitize("address", "undefined")))

UNCHECKED void kernel_plain(const struct kernel_left *left, const int8_t *right,
                            int32_t product[][KERNEL_UNITS][KERNEL_UNITS])
{
    memset(product, 0, left->panels * sizeof *product);
    for (size_t panel = 0; panel < left->panels; panel++)
        for (size_t tile = 0; tile < left->tiles; tile++) {
            const int8_t *a = left->rows + (panel * left->tiles + tile) * KERNEL_TILE;
            const int8_t *b = right + tile * KERNEL_TILE;
            for (size_t x = 0; x < KERNEL_COORDINATES; x += 4)
                for (size_t i = 0; i < KERNEL_UNITS; i++) {
                    const int8_t *four = a + i * KERNEL_COORDINATES + x;
                    int32_t *sum = product[panel][i];
                    for (size_t j = 0; j < KERNEL_UNITS; j++) {
                        const int8_t *other = b + x * KERNEL_UNITS + 4 * j;
                        sum[j] += four[0] * other[0] + four[1] * other[1] + four[2] * other[2] +
                                  four[3] * other[3];
                    }
                }
        }
}

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

/* Not among the names that every compiler's __builtin_cpu_supports knows. */
static bool has_avx_vnni(void)
{
    unsigned a, b, c, d;
    return __builtin_cpu_supports("avx2") && __get_cpuid_count(7, 1, &a, &b, &c, &d) &&
           (a >> 4 & 1);
}

static inline int four_at(const int8_t *at)
{
    int four;
    memcpy(&four, at, sizeof four);
    return four;
}

/* What the sums start from, for 128 that was added to every byte of the right side. */
static inline int offset(int32_t sum)
{
    return (int)(0u - 128u * (uint32_t)sum);
}

/* |a| times b with a's sign: both factors are at most 127, so pairs fit into 16 bits. */
UNCHECKED __attribute__((target("avx2"))) static void
kernel_avx2(const struct kernel_left *left, const int8_t *right,
            int32_t product[][KERNEL_UNITS][KERNEL_UNITS])
{
    const __m256i ones = _mm256_set1_epi16(1);
    for (size_t panel = 0; panel < left->panels; panel++)
        for (size_t first = 0; first < KERNEL_UNITS; first += 4) {
            __m256i sum[4][2] = {{_mm256_setzero_si256()}};
            for (size_t tile = 0; tile < left->tiles; tile++) {
                const int8_t *a = left->rows + (panel * left->tiles + tile) * KERNEL_TILE +
                                  first * KERNEL_COORDINATES;
                const int8_t *b = right + tile * KERNEL_TILE;
                for (size_t x = 0; x < KERNEL_COORDINATES; x += 4) {
                    const __m256i *from = (const __m256i *)(const void *)(b + x * KERNEL_UNITS);
                    __m256i low = _mm256_loadu_si256(from), high = _mm256_loadu_si256(from + 1);
#pragma GCC unroll 4
                    for (size_t i = 0; i < 4; i++) {
                        __m256i four = _mm256_set1_epi32(four_at(a + i * KERNEL_COORDINATES + x));
                        __m256i size = _mm256_abs_epi8(four);
                        __m256i x0 = _mm256_maddubs_epi16(size, _mm256_sign_epi8(low, four));
                        __m256i x1 = _mm256_maddubs_epi16(size, _mm256_sign_epi8(high, four));
                        sum[i][0] = _mm256_add_epi32(sum[i][0], _mm256_madd_epi16(x0, ones));
                        sum[i][1] = _mm256_add_epi32(sum[i][1], _mm256_madd_epi16(x1, ones));
                    }
                }
            }
            for (size_t i = 0; i < 4; i++)
                memcpy(product[panel][first + i], sum[i], sizeof sum[i]);
        }
}

UNCHECKED __attribute__((target("avx2,avxvnni"))) static void
kernel_avx_vnni(const struct kernel_left *left, const int8_t *right,
                int32_t product[][KERNEL_UNITS][KERNEL_UNITS])
{
    const __m256i flip = _mm256_set1_epi8(-128);
    for (size_t panel = 0; panel < left->panels; panel++)
        for (size_t first = 0; first < KERNEL_UNITS; first += 4) {
            __m256i sum[4][2];
            for (size_t i = 0; i < 4; i++)
                sum[i][0] = sum[i][1] =
                    _mm256_set1_epi32(offset(left->sums[panel * KERNEL_UNITS + first + i]));
            for (size_t tile = 0; tile < left->tiles; tile++) {
                const int8_t *a = left->rows + (panel * left->tiles + tile) * KERNEL_TILE +
                                  first * KERNEL_COORDINATES;
                const int8_t *b = right + tile * KERNEL_TILE;
                for (size_t x = 0; x < KERNEL_COORDINATES; x += 4) {
                    const __m256i *from = (const __m256i *)(const void *)(b + x * KERNEL_UNITS);
                    __m256i low = _mm256_xor_si256(_mm256_loadu_si256(from), flip);
                    __m256i high = _mm256_xor_si256(_mm256_loadu_si256(from + 1), flip);
#pragma GCC unroll 4
                    for (size_t i = 0; i < 4; i++) {
                        __m256i four = _mm256_set1_epi32(four_at(a + i * KERNEL_COORDINATES + x));
                        sum[i][0] = _mm256_dpbusd_avx_epi32(sum[i][0], low, four);
                        sum[i][1] = _mm256_dpbusd_avx_epi32(sum[i][1], high, four);
                    }
                }
            }
            for (size_t i = 0; i < 4; i++)
                memcpy(product[panel][first + i], sum[i], sizeof sum[i]);
        }
}

#if defined(__clang__)
#define WIDE __attribute__((target("avx512f,avx512vnni,avx512bw"), min_vector_width(512)))
#else
#define WIDE __attribute__((target("avx512f,avx512vnni,avx512bw,prefer-vector-width=512")))
#endif

/* One register of sums for each of 16 left units: loads and multiplications keep pace. */
UNCHECKED WIDE static void kernel_avx512_vnni(const struct kernel_left *left, const int8_t *right,
                                              int32_t product[][KERNEL_UNITS][KERNEL_UNITS])
{
    const __m512i flip = _mm512_set1_epi8(-128);
    for (size_t panel = 0; panel < left->panels; panel++) {
        __m512i sum[KERNEL_UNITS];
#pragma GCC unroll 16
        for (size_t i = 0; i < KERNEL_UNITS; i++)
            sum[i] = _mm512_set1_epi32(offset(left->sums[panel * KERNEL_UNITS + i]));
        for (size_t tile = 0; tile < left->tiles; tile++) {
            const int8_t *a = left->rows + (panel * left->tiles + tile) * KERNEL_TILE;
            const int8_t *b = right + tile * KERNEL_TILE;
            for (size_t x = 0; x < KERNEL_COORDINATES; x += 4) {
                __m512i other = _mm512_xor_si512(_mm512_loadu_si512(b + x * KERNEL_UNITS), flip);
#pragma GCC unroll 16
                for (size_t i = 0; i < KERNEL_UNITS; i++)
                    sum[i] = _mm512_dpbusd_epi32(
                        sum[i], other, _mm512_set1_epi32(four_at(a + i * KERNEL_COORDINATES + x)));
            }
        }
#pragma GCC unroll 16
        for (size_t i = 0; i < KERNEL_UNITS; i++)
            _mm512_storeu_si512(product[panel][i], sum[i]);
    }
}
#endif

size_t kernel_list(struct kernel_choice list[KERNEL_KINDS])
{
    size_t count = 0;
    list[count++] = (struct kernel_choice){"plain C", kernel_plain};
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2"))
        list[count++] = (struct kernel_choice){"AVX2", kernel_avx2};
    if (has_avx_vnni())
        list[count++] = (struct kernel_choice){"AVX-VNNI", kernel_avx_vnni};
    if (__builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw"))
        list[count++] = (struct kernel_choice){"AVX-512 VNNI", kernel_avx512_vnni};
    match_kernel *tiles = kernel_amx();
    if (tiles)
        list[count++] = (struct kernel_choice){"AMX", tiles};
#endif
    return count;
}

match_kernel *kernel_fastest(void)
{
#if defined(__x86_64__)
    match_kernel *tiles = kernel_amx();
    if (tiles)
        return tiles;
    if (__builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw"))
        return kernel_avx512_vnni;
#endif
    struct kernel_choice list[KERNEL_KINDS];
    return list[kernel_list(list) - 1].kernel;
}
