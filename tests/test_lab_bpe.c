/* SPDX-License-Identifier: Apache-2.0 */
/* The lab's vocabularies: what they learn, and that any bytes come back. */
#include "lab/bpe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void check_words(const char *text, const char *cut)
{
    char found[256] = "";
    size_t n = strlen(text);
    for (size_t at = 0, size; at < n; at += size) {
        size = lab_bpe_word((const unsigned char *)text + at, n - at);
        snprintf(found + strlen(found), sizeof found - strlen(found), "[%.*s]", (int)size,
                 text + at);
    }
    assert_string_equal(found, cut);
}

static void words_are_cut_as_gpt2_cuts_ascii(void **state)
{
    (void)state;
    check_words("Hello world", "[Hello][ world]");
    check_words("it's we'll 'tis", "[it]['s][ we]['ll][ '][tis]");
    check_words("a  b   c ", "[a][ ][ b][  ][ c][ ]");
    check_words("x=42; y", "[x][=][42][;][ y]");
    check_words("line\n\n two\tz", "[line][\n\n][ two][\t][z]");
    check_words("caf\xc3\xa9 1st", "[caf\xc3\xa9][ 1][st]");
}

static void the_commonest_pair_is_joined_first_and_ties_go_to_the_smallest(void **state)
{
    (void)state;
    struct lab_bpe b;
    struct assay_error error = {.message = ""};
    /* ab 4 times; then abc twice and xy twice: (a, b) first, then (x, y) or (ab, c): x + 1 = 121 is
     * smaller than 257 */
    const char *text = "abc abc abd abd xy xy";
    assert_int_equal(lab_bpe_train(text, strlen(text), 259, &b, &error), ASSAY_OK);
    assert_int_equal(b.merges[0].left, 'a' + 1);
    assert_int_equal(b.merges[0].right, 'b' + 1);
    assert_int_equal(b.merges[1].left, ' ' + 1); /* (space, ab) three times */
    assert_int_equal(b.merges[1].right, 257);
    lab_bpe_free(&b);
    assert_int_equal(lab_bpe_train(text, strlen(text), 300, &b, &error), ASSAY_ERROR_INPUT);
    assert_non_null(strstr(error.message, "larger than the text supports"));
    assert_int_equal(lab_bpe_train(text, strlen(text), 256, &b, &error), ASSAY_ERROR_INPUT);
    const struct lab_merge loop[] = {{1, 258}};
    assert_int_equal(lab_bpe_new(loop, 1, &b, &error), ASSAY_ERROR_INPUT);
}

/* Counts every pair anew for each merge. */
static void merges_are_those_of_counting_anew(void **state)
{
    (void)state;
    enum { SIZE = 4000, MERGES = 60 };
    static char text[SIZE];
    static uint16_t t[SIZE];
    static bool starts[SIZE + 1];
    static uint32_t counts[320 * 320];
    struct lab_bpe b;
    struct assay_random random;
    struct assay_error error = {.message = ""};
    assay_random_start(&random, 4, 0);
    for (size_t i = 0; i < SIZE; i++)
        text[i] = "aaabbc de\n"[assay_random_below(&random, 10)];
    assert_int_equal(lab_bpe_train(text, SIZE, 257 + MERGES, &b, &error), ASSAY_OK);
    size_t n = SIZE;
    for (size_t i = 0; i < SIZE; i++)
        t[i] = (uint16_t)(text[i] + 1);
    for (size_t at = 0; at < SIZE; at += lab_bpe_word((unsigned char *)text + at, SIZE - at))
        starts[at] = true;
    for (uint16_t m = 0; m < MERGES; m++) {
        uint32_t best = 0, key = 0;
        memset(counts, 0, sizeof counts);
        for (size_t i = 0; i + 1 < n; i++)
            if (!starts[i + 1])
                counts[t[i] * 320 + t[i + 1]]++;
        for (uint32_t k = 0; k < 320 * 320; k++)
            if (counts[k] > best) {
                best = counts[k];
                key = k;
            }
        if (b.merges[m].left != key / 320 || b.merges[m].right != key % 320) {
            /* overlapping pairs (aaa) count once or twice: both must be as common */
            uint32_t other = counts[b.merges[m].left * 320u + b.merges[m].right];
            assert_true(other * 10 > best * 9);
        }
        size_t out = 0;
        for (size_t i = 0; i < n; i++, out++) {
            bool first = starts[i];
            bool both = i + 1 < n && !starts[i + 1] && t[i] == b.merges[m].left &&
                        t[i + 1] == b.merges[m].right;
            t[out] = both ? (uint16_t)(257 + m) : t[i];
            starts[out] = first;
            i += both;
        }
        n = out;
    }
    static uint16_t encoded[SIZE];
    size_t count;
    assert_int_equal(lab_bpe_encode(&b, text, SIZE, encoded, &count, &error), ASSAY_OK);
    assert_int_equal(count, n);
    assert_memory_equal(encoded, t, n * sizeof *t);
    lab_bpe_free(&b);
}

static void any_bytes_come_back(void **state)
{
    (void)state;
    enum { SIZE = 3000 };
    static char text[SIZE], back[SIZE];
    static uint16_t tokens[SIZE];
    struct lab_bpe b;
    struct assay_random random;
    struct assay_error error = {.message = ""};
    assay_random_start(&random, 6, 0);
    for (int round = 0; round < 4; round++) {
        size_t letters = round == 0 ? 256 : round == 1 ? 3 : round == 2 ? 1 : 90;
        for (size_t i = 0; i < SIZE; i++) /* the third round is one long word */
            text[i] = (char)(round == 2 ? 'a' : assay_random_below(&random, letters) + round * 30);
        size_t count, more;
        assert_int_equal(
            lab_bpe_train(text, SIZE, round == 2 || round == 0 ? 260 : 300, &b, &error), ASSAY_OK);
        assert_int_equal(lab_bpe_encode(&b, text, SIZE, tokens, &count, &error), ASSAY_OK);
        assert_true(count < SIZE);
        assert_int_equal(lab_bpe_decode(&b, tokens, count, back, SIZE), SIZE);
        assert_memory_equal(text, back, SIZE);
        more = lab_bpe_decode(&b, tokens, count, back, 10);
        assert_int_equal(more, SIZE);
        lab_bpe_free(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_cut_as_gpt2_cuts_ascii),
        cmocka_unit_test(the_commonest_pair_is_joined_first_and_ties_go_to_the_smallest),
        cmocka_unit_test(merges_are_those_of_counting_anew),
        cmocka_unit_test(any_bytes_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
