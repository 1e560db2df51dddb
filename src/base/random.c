/* SPDX-License-Identifier: Apache-2.0 */
/* Philox4x32-10, a counter-based generator (Salmon et al., SC'11, 3.3 and table 2). */
#include <assay/base.h>

#include <math.h>

static void round_once(uint32_t counter[4], const uint32_t key[2])
{
    uint64_t a = (uint64_t)0xD2511F53u * counter[0], b = (uint64_t)0xCD9E8D57u * counter[2];
    uint32_t next[4] = {(uint32_t)(b >> 32) ^ counter[1] ^ key[0], (uint32_t)b,
                        (uint32_t)(a >> 32) ^ counter[3] ^ key[1], (uint32_t)a};
    for (int i = 0; i < 4; i++)
        counter[i] = next[i];
}

void assay_random_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t block[4])
{
    uint32_t k[2] = {key[0], key[1]};
    for (int i = 0; i < 4; i++)
        block[i] = counter[i];
    for (int i = 0; i < 10; i++) {
        round_once(block, k);
        k[0] += 0x9E3779B9u; /* the golden ratio */
        k[1] += 0xBB67AE85u; /* the root of three, less one */
    }
}

/* The stream's number is the upper half of the counter, the draw's the lower. */
void assay_random_start(struct assay_random *random, uint64_t seed, uint64_t stream)
{
    *random = (struct assay_random){
        .key = {(uint32_t)seed, (uint32_t)(seed >> 32)},
        .counter = {0, 0, (uint32_t)stream, (uint32_t)(stream >> 32)},
        .used = 4,
    };
}

uint32_t assay_random_u32(struct assay_random *random)
{
    if (random->used == 4) {
        assay_random_philox(random->counter, random->key, random->block);
        if (++random->counter[0] == 0)
            random->counter[1]++;
        random->used = 0;
    }
    return random->block[random->used++];
}

uint64_t assay_random_u64(struct assay_random *random)
{
    uint64_t low = assay_random_u32(random);
    return low | (uint64_t)assay_random_u32(random) << 32;
}

double assay_random_uniform(struct assay_random *random)
{
    /* the middle of one of 2^53 equal cells: never 0, never 1 (the last would round up) */
    double cell = (double)(assay_random_u64(random) >> 11);
    return fmin((cell + 0.5) * 0x1p-53, 1 - 0x1p-53);
}

/* Lemire, "Fast random integer generation in an interval", 2019, without the multiplication
 * by 128 bits: values below the threshold are drawn again. */
uint64_t assay_random_below(struct assay_random *random, uint64_t n)
{
    uint64_t threshold = (0 - n) % n, value;
    do
        value = assay_random_u64(random);
    while (value < threshold);
    return value % n;
}

double assay_random_normal(struct assay_random *random)
{
    /* The sine half is not kept: a stream is then a function of its counter alone. */
    double radius = sqrt(-2 * log(assay_random_uniform(random)));
    return radius * cos(6.283185307179586476925 * assay_random_uniform(random));
}
