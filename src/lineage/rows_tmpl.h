/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What packing does to rows of floats, built once a width of register by rows.c, which defines
 * ROWS(name) and ROWS_TARGET. Counts are multiples of 16; nothing is NaN.
 */

/* sum += row */
ROWS_TARGET static void ROWS(add)(float *sum, const float *row, size_t count)
{
    for (size_t c = 0; c < count; c += LANES)
        LANES_STORE(sum + c, LANES_LOAD(sum + c) + LANES_LOAD(row + c));
}

/* The sum of a row. */
ROWS_TARGET static float ROWS(total)(const float *row, size_t count)
{
    lanes sum = {0};
    for (size_t c = 0; c < count; c += LANES)
        sum += LANES_LOAD(row + c);
    return lanes_sum(&sum);
}

/* row -= mean; the sum of squares and the largest size of what is left. */
ROWS_TARGET static void ROWS(centre)(float *row, const float *mean, size_t count, float *squares,
                                     float *most)
{
    lanes sum = {0}, largest = {0};
    for (size_t c = 0; c < count; c += LANES) {
        lanes x = LANES_LOAD(row + c) - LANES_LOAD(mean + c), size = LANES_SIZE(x);
        LANES_STORE(row + c, x);
        sum += x * x;
        largest = LANES_CHOOSE(size > largest, size, largest);
    }
    *squares = lanes_sum(&sum);
    *most = lanes_most(&largest);
}

/* squares += (row - mean)^2, most = max(most, |row - mean|), for each column. */
ROWS_TARGET static void ROWS(spread)(const float *row, float mean, size_t count, float *squares,
                                     float *most)
{
    for (size_t c = 0; c < count; c += LANES) {
        lanes x = LANES_LOAD(row + c) - mean, size = LANES_SIZE(x), before = LANES_LOAD(most + c);
        LANES_STORE(squares + c, LANES_LOAD(squares + c) + x * x);
        LANES_STORE(most + c, LANES_CHOOSE(size > before, size, before));
    }
}

/* To the nearest whole number from -127 to 127, even on a tie: adding 1.5 * 2^23 rounds. */
LANES_INLINE void ROWS(round)(const lanes *from, lanes_int *to)
{
    lanes most = {0}, x = *from;
    most += 127.0f;
    x = LANES_CHOOSE(x > most, most, x);
    x = LANES_CHOOSE(x < -most, -most, x);
    *to = (lanes_int)(x + 12582912.0f) - 0x4b400000;
}

/* One unit's bytes, and the sum of their squares. */
ROWS_TARGET static int32_t ROWS(quantise)(const float *row, float scale, size_t count, int8_t *to)
{
    lanes_int squares = {0};
    int32_t part[LANES], sum = 0;
    for (size_t c = 0; c < count; c += LANES) {
        typedef int8_t bytes __attribute__((vector_size(16)));
        lanes x = LANES_LOAD(row + c) * scale;
        lanes_int q;
        ROWS(round)(&x, &q);
        bytes b = __builtin_convertvector(q, bytes);
        memcpy(to + c, &b, sizeof b);
        squares += q * q;
    }
    memcpy(part, &squares, sizeof part);
    for (int lane = 0; lane < LANES; lane++)
        sum += part[lane];
    return sum;
}

/*
 * Four coordinates of `count` units: row k holds coordinate k, each unit has its own scale. Four
 * bytes a unit go to to[0 .. 3], the next 16 units' `stride` bytes on. squares += their squares.
 */
ROWS_TARGET static void ROWS(quantise_four)(const float *const rows[4], const float mean[4],
                                            const float *scale, size_t count, int8_t *to,
                                            size_t stride, int32_t *squares)
{
    for (size_t c = 0; c < count; c += LANES) {
        lanes_int sum, word = {0};
        lanes by = LANES_LOAD(scale + c);
        memcpy(&sum, squares + c, sizeof sum);
#pragma GCC unroll 4
        for (int k = 0; k < 4; k++) {
            lanes x = (LANES_LOAD(rows[k] + c) - mean[k]) * by;
            lanes_int q;
            ROWS(round)(&x, &q);
            sum += q * q;
            word |= (q & 255) << (8 * k);
        }
        memcpy(squares + c, &sum, sizeof sum);
        memcpy(to + c / LANES * stride, &word, sizeof word);
    }
}

/* For each unit, whether any of 16 products times `inverse` is at least `least`. */
ROWS_TARGET static void ROWS(near)(const int32_t (*product)[LANES], const float *inverse,
                                   const float *least, size_t units, bool *near)
{
    typedef int32_t numbers __attribute__((vector_size(64), aligned(4), may_alias));
    lanes by = LANES_LOAD(inverse);
    for (size_t i = 0; i < units; i++) {
        lanes score = __builtin_convertvector(*(const numbers *)product[i], lanes) * by;
        lanes most = {0};
        most += least[i];
        lanes_int mask = score >= most;
        int64_t part[LANES / 2], any = 0;
        memcpy(part, &mask, sizeof part);
        for (int lane = 0; lane < LANES / 2; lane++)
            any |= part[lane];
        near[i] = any != 0;
    }
}

static const struct row_functions ROWS(functions) = {
    ROWS(add),      ROWS(total),         ROWS(centre), ROWS(spread),
    ROWS(quantise), ROWS(quantise_four), ROWS(near)};
