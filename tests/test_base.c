/* SPDX-License-Identifier: Apache-2.0 */
/* Base: memory, files, digests, random streams and parallel loops. */
#define _GNU_SOURCE /* O_TMPFILE */
#include <assay/base.h>

#include "base/escape.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- memory ------------------------------------------------------------------------------ */

static void arena_memory_is_zeroed_aligned_and_apart(void **state)
{
    (void)state;
    struct assay_arena *arena = assay_arena_new();
    unsigned char *last = NULL;
    for (size_t size = 1; size < 100000; size = size * 2 + 1) {
        unsigned char *memory = assay_arena_alloc(arena, size, 1);
        assert_non_null(memory);
        assert_int_equal((uintptr_t)memory % 16, 0);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(memory[i], 0);
        memset(memory, 0xff, size);
        assert_true(memory != last);
        last = memory;
    }
    assert_non_null(assay_arena_alloc(arena, 0, 8));
    assay_arena_free(arena);
    assay_arena_free(NULL);
}

static void arena_refuses_products_that_overflow(void **state)
{
    (void)state;
    struct assay_arena *arena = assay_arena_new();
    assert_null(assay_arena_alloc(arena, SIZE_MAX / 2, 3));
    assert_null(assay_arena_alloc(arena, SIZE_MAX, 1));
    assert_null(assay_arena_copy_bytes(arena, "x", SIZE_MAX));
    assert_string_equal(assay_arena_print(arena, "%d-%s", 7, "x"), "7-x");
    assay_arena_free(arena);
}

static void sizes_that_do_not_fit_are_noticed(void **state)
{
    (void)state;
    size_t result;
    assert_true(assay_size_add(SIZE_MAX - 1, 1, &result));
    assert_false(assay_size_add(SIZE_MAX, 1, &result));
    assert_true(assay_size_multiply(SIZE_MAX / 2, 2, &result));
    assert_false(assay_size_multiply((size_t)1 << 32, (size_t)1 << 32, &result));
}

/* ---- messages ---------------------------------------------------------------------------- */

static void messages_carry_their_place_and_no_control_characters(void **state)
{
    (void)state;
    struct assay_error error;
    char text[1200];
    assert_int_equal(
        assay_error_at(&error, ASSAY_ERROR_INPUT, "a.yaml", 7, "found \"%s\"", "\x1b[2J\n"),
        ASSAY_ERROR_INPUT);
    assay_error_format(&error, text, sizeof text);
    assert_string_equal(text, "a.yaml:7: found \"\uFFFD[2J\uFFFD\"");
    (void)assay_error_at(&error, ASSAY_ERROR_INPUT, "a\x1b]0;b\a", 0, "c");
    assay_error_format(&error, text, sizeof text);
    assert_string_equal(text, "a\uFFFD]0;b\uFFFD: c");
    (void)assay_error_at(&error, ASSAY_ERROR_INPUT, NULL, 0, "%509s\u00e9\u00e9", "");
    assert_int_equal(strlen(error.message), 511);
    (void)assay_error_at(&error, ASSAY_ERROR_INPUT, NULL, 0, "%510s\u00e9", "");
    assert_int_equal(strlen(error.message), 510); /* not half a character */
    (void)assay_error_at_offset(&error, ASSAY_ERROR_INPUT, "m.bin", 12, "short");
    assay_error_format(&error, text, sizeof text);
    assert_string_equal(text, "m.bin: byte 12: short");
    assert_int_equal(assay_error_at(NULL, ASSAY_ERROR_IO, "x", 1, "nobody listens"),
                     ASSAY_ERROR_IO);
    assert_string_equal(assay_status_name(ASSAY_ERROR_UNANSWERABLE), "unanswerable");
    assert_string_equal(assay_status_name((assay_status)99), "unknown");
}

/* ---- text of strangers ------------------------------------------------------------------------
 */

/* What escape_print gives for `format`. */
static const char *printed(const char *format, ...) ASSAY_PRINTF(1, 2);
static const char *printed(const char *format, ...)
{
    static char text[1000];
    FILE *to = fmemopen(text, sizeof text, "w");
    assert_non_null(to);
    va_list list;
    va_start(list, format);
    (void)escape_vprint(to, format, list);
    va_end(list);
    fclose(to);
    return text;
}

static void what_could_drive_a_terminal_is_never_printed(void **state)
{
    (void)state;
    static const char *const hostile[] = {
        "\x1b",     "\n",       "\r",     "\t",     "\b",       "\x7f",
        "\xc2\x80", "\xc2\x9b", "\x9b",   "\x80",   "\xc0\x80", "\xed\xa0\x80",
        "\xff",     "\xe2\x82", "\u061c", "\u200e", "\u200f",   "\u2028",
        "\u2029",   "\u202a",   "\u202e", "\u2066", "\u2069",   "\ufeff"};
    static const char *const plain[] = {"a~", "\u00e9", "\u4e2d", "\U0001f600", "\u05d0", "\u00a0"};
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        const char *text = printed("<%s>\n", hostile[i]);
        assert_true(strncmp(text, "<\uFFFD", 4) == 0);
        assert_true(strcmp(text + strlen(text) - 2, ">\n") == 0);
        for (const char *c = text + 1; c < text + strlen(text) - 2; c += 3)
            assert_memory_equal(c, "\uFFFD", 3);
    }
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
        assert_string_equal(printed("%s", plain[i]), plain[i]);
}

static void all_else_is_printed_as_printf_does(void **state)
{
    (void)state;
    char text[1000];
#define SAME(...)                                                                                  \
    do {                                                                                           \
        snprintf(text, sizeof text, __VA_ARGS__);                                                  \
        assert_string_equal(printed(__VA_ARGS__), text);                                           \
    } while (0)
    SAME("100%% of %zu, %5zu|%-5zu|%05zu", (size_t)7, SIZE_MAX, (size_t)3, (size_t)4);
    SAME("%d %+d %-4d| %04d %u %x %o %c", -1, 2, 3, 4, 5u, 255u, 8u, 'c');
    SAME("%ld %lld %lu %llu", LONG_MIN, LLONG_MIN, ULONG_MAX, ULLONG_MAX);
    SAME("%jd %td %hd %hhd", (intmax_t)-5, (ptrdiff_t)6, (short)7, (signed char)8);
    SAME("%g %.3g %8.2f|%-8.1e|%+.0f %#g %*.*f", 0.1, 1234.5, 2.0, 3e9, -0.4, 1.0, 9, 2, 1.5);
    SAME("%s|%5s|%-5s|%.2s|%*s|%-*s|%.*s", "a", "b", "c", "def", 4, "g", 4, "h", 1, "ij");
    SAME("%*s|%s", -4, "k", "longer than what it is put in");
#undef SAME
    assert_string_equal(printed("%4s|%-3s|", "\u4e2d", "\x1b"), "   \u4e2d|\uFFFD  |");
    assert_string_equal(printed("%.4s|", "ab\u4e2d"), "ab|");
}

/* ---- files ------------------------------------------------------------------------------- */

static char folder[] = "/tmp/assay-base-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    char command[128];
    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

static const char *in_folder(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void a_written_file_reads_back(void **state)
{
    (void)state;
    struct assay_file file;
    char hex[65];
    assert_int_equal(assay_file_write(in_folder("f"), "abc", 3, NULL), ASSAY_OK);
    assert_int_equal(assay_file_open(in_folder("f"), 3, &file, NULL), ASSAY_OK);
    assert_int_equal(file.size, 3);
    assert_memory_equal(file.bytes, "abc", 3);
    assay_file_close(&file);
    assay_file_close(&file);
    assert_int_equal(assay_sha256_file(in_folder("f"), hex, NULL), ASSAY_OK);
    /* FIPS 180-2, appendix B.1 */
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void an_empty_file_is_a_file(void **state)
{
    (void)state;
    struct assay_file file;
    char hex[65];
    assert_int_equal(assay_file_write(in_folder("empty"), "", 0, NULL), ASSAY_OK);
    assert_int_equal(assay_file_open(in_folder("empty"), 0, &file, NULL), ASSAY_OK);
    assert_int_equal(file.size, 0);
    assert_non_null(file.bytes);
    assay_file_close(&file);
    assay_sha256_bytes("", 0, hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void what_is_missing_too_large_or_no_file_is_refused(void **state)
{
    (void)state;
    struct assay_file file;
    struct assay_error error;
    char hex[65];
    assert_int_equal(assay_file_open(in_folder("none"), 9, &file, &error), ASSAY_ERROR_IO);
    assert_string_equal(error.file, in_folder("none"));
    assert_int_equal(assay_file_open(folder, 9, &file, &error), ASSAY_ERROR_INPUT);
    assert_int_equal(assay_file_open("/dev/zero", 9, &file, &error), ASSAY_ERROR_INPUT);
    assert_int_equal(assay_file_write(in_folder("big"), "0123456789", 10, NULL), ASSAY_OK);
    assert_int_equal(assay_file_open(in_folder("big"), 9, &file, &error), ASSAY_ERROR_LIMIT);
    assert_int_equal(assay_sha256_file(in_folder("none"), hex, &error), ASSAY_ERROR_IO);
    assert_int_equal(mkfifo(in_folder("pipe"), 0600), 0);
    assert_int_equal(assay_file_open(in_folder("pipe"), 9, &file, &error), ASSAY_ERROR_INPUT);
}

static void a_failed_write_leaves_the_old_file_and_no_sibling(void **state)
{
    (void)state;
    char command[300];
    struct assay_error error;
    struct assay_file file;
    assert_int_equal(mkdir(in_folder("d"), 0700), 0);
    assert_int_equal(mkdir(in_folder("d/f"), 0700), 0); /* a folder cannot be renamed over */
    assert_int_equal(assay_file_write(in_folder("d/f"), "new", 3, &error), ASSAY_ERROR_IO);
    snprintf(command, sizeof command, "test \"$(ls -A %s)\" = f", in_folder("d"));
    assert_int_equal(system(command), 0);
    assert_int_equal(assay_file_write(in_folder("none/f"), "new", 3, &error), ASSAY_ERROR_IO);
    assert_int_equal(assay_file_write("/dev/full/f", "new", 3, &error), ASSAY_ERROR_IO);
    assert_int_equal(assay_file_write(in_folder("f"), "newer", 5, NULL), ASSAY_OK);
    assert_int_equal(assay_file_open(in_folder("f"), 9, &file, NULL), ASSAY_OK);
    assert_memory_equal(file.bytes, "newer", 5);
    assay_file_close(&file);
}

/* How many files of `folder_name` are not called "f". */
static int others_in(const char *folder_name)
{
    int others = 0;
    DIR *open = opendir(folder_name);
    assert_non_null(open);
    for (struct dirent *e = readdir(open); e; e = readdir(open))
        others += e->d_name[0] != '.' && strcmp(e->d_name, "f") != 0;
    closedir(open);
    return others;
}

/* Writes itself full of one letter and then of the next, until it is killed. */
static pid_t write_for_ever(const char *path, size_t size)
{
    char *bytes = malloc(size);
    pid_t child = fork();
    assert_non_null(bytes);
    for (int letter = 'a'; child == 0; letter = letter == 'z' ? 'a' : letter + 1) {
        memset(bytes, letter, size);
        if (assay_file_write(path, bytes, size, NULL) != ASSAY_OK)
            _exit(1);
    }
    free(bytes);
    return child;
}

static void a_killed_write_leaves_one_whole_file_and_nothing_beside_it(void **state)
{
    (void)state;
    enum { SIZE = 4 << 20, KILLS = 12 };
    struct assay_file file;
    assert_int_equal(mkdir(in_folder("k"), 0700), 0);
    assert_int_equal(assay_file_write(in_folder("k/f"), "a", 1, NULL), ASSAY_OK);
    for (int i = 0; i < KILLS; i++) {
        int status;
        struct timespec wait = {0, 3000000 + 1700000 * i};
        pid_t child = write_for_ever(in_folder("k/f"), SIZE);
        nanosleep(&wait, NULL);
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status)); /* it did not fail before */
        assert_int_equal(assay_file_open(in_folder("k/f"), SIZE, &file, NULL), ASSAY_OK);
        assert_true(file.size == 1 || file.size == SIZE);
        for (size_t k = 1; k < file.size; k++)
            if (file.bytes[k] != file.bytes[0])
                fail_msg("byte %zu is of another write", k);
        assay_file_close(&file);
    }
    int descriptor = open(in_folder("k"), O_TMPFILE | O_WRONLY, 0600);
    if (descriptor < 0)
        skip(); /* what was killed had a name here */
    close(descriptor);
    assert_true(others_in(in_folder("k")) <= 1); /* killed in a rename: once in thousands */
}

static void names_are_taken_from_beside_the_file_that_gives_them(void **state)
{
    (void)state;
    struct assay_arena *arena = assay_arena_new();
    assert_string_equal(assay_path_beside(arena, "cases/x/case.yaml", "claim.yaml"),
                        "cases/x/claim.yaml");
    assert_string_equal(assay_path_beside(arena, "case.yaml", "claim.yaml"), "claim.yaml");
    assert_string_equal(assay_path_beside(arena, "a/b", "/c"), "/c");
    assay_arena_free(arena);
}

/* ---- random streams ------------------------------------------------------------------------ */

/* Known answers published with Random123 (kat_vectors, philox4x32 with 10 rounds). */
static void philox_gives_the_published_blocks(void **state)
{
    (void)state;
    static const uint32_t pi_counter[4] = {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344};
    static const uint32_t pi_key[2] = {0xa4093822, 0x299f31d0};
    static const uint32_t zeros[4] = {0}, ones[4] = {~0u, ~0u, ~0u, ~0u};
    static const uint32_t of_zeros[4] = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
    static const uint32_t of_ones[4] = {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd};
    static const uint32_t of_pi[4] = {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1};
    uint32_t block[4];
    assay_random_philox(zeros, zeros, block);
    assert_memory_equal(block, of_zeros, sizeof block);
    assay_random_philox(ones, ones, block);
    assert_memory_equal(block, of_ones, sizeof block);
    assay_random_philox(pi_counter, pi_key, block);
    assert_memory_equal(block, of_pi, sizeof block);
}

static void streams_repeat_and_differ(void **state)
{
    (void)state;
    struct assay_random a, b, c;
    assay_random_start(&a, 7, 1);
    assay_random_start(&b, 7, 1);
    assay_random_start(&c, 7, 2);
    int same = 0;
    for (int i = 0; i < 1000; i++) {
        uint64_t x = assay_random_u64(&a);
        assert_true(x == assay_random_u64(&b));
        same += x == assay_random_u64(&c);
    }
    assert_int_equal(same, 0);
}

static void draws_have_their_moments(void **state)
{
    (void)state;
    enum { N = 200000 };
    struct assay_random random;
    double uniform = 0, normal = 0, square = 0, fourth = 0;
    uint64_t below[7] = {0};
    assay_random_start(&random, 1, 0);
    for (int i = 0; i < N; i++) {
        double u = assay_random_uniform(&random), z = assay_random_normal(&random);
        assert_true(u > 0 && u < 1);
        uniform += u / N;
        normal += z / N;
        square += z * z / N;
        fourth += z * z * z * z / N;
        below[assay_random_below(&random, 7)]++;
    }
    /* five standard errors of each mean */
    assert_true(fabs(uniform - 0.5) < 5 * sqrt(1.0 / 12 / N));
    assert_true(fabs(normal) < 5 * sqrt(1.0 / N));
    assert_true(fabs(square - 1) < 5 * sqrt(2.0 / N));
    assert_true(fabs(fourth - 3) < 5 * sqrt(96.0 / N));
    for (int i = 0; i < 7; i++)
        assert_true(fabs((double)below[i] - N / 7.0) < 5 * sqrt(N * 6.0 / 49));
}

/* ---- parallel loops ------------------------------------------------------------------------- */

static void draw_one(void *data, size_t i)
{
    struct assay_random random;
    assay_random_start(&random, 42, i);
    ((double *)data)[i] = assay_random_normal(&random);
}

static void any_number_of_threads_gives_the_same_bytes(void **state)
{
    (void)state;
    static double one[10000], many[10000];
    struct assay_context context = assay_context_default();
    context.threads = 1;
    assert_int_equal(assay_parallel_for(&context, NULL, 10000, draw_one, one, NULL), ASSAY_OK);
    for (int threads = 2; threads <= 9; threads += 7) {
        context.threads = threads;
        memset(many, 0, sizeof many);
        assert_int_equal(assay_parallel_for(&context, NULL, 10000, draw_one, many, NULL), ASSAY_OK);
        assert_memory_equal(one, many, sizeof one);
    }
}

static bool stop_at_once(void *user, const char *what, uint64_t done, uint64_t total)
{
    (void)what;
    (void)done;
    (void)total;
    ++*(int *)user;
    return false;
}

static void work_that_is_asked_to_stop_says_so(void **state)
{
    (void)state;
    static double values[1000];
    int asked = 0;
    struct assay_error error;
    struct assay_context context = assay_context_default();
    context.progress = stop_at_once;
    context.progress_user = &asked;
    assert_int_equal(assay_parallel_for(&context, "work", 1000, draw_one, values, &error),
                     ASSAY_ERROR_INTERRUPTED);
    assert_true(asked >= 1);
    assert_int_equal(assay_parallel_for(&context, "work", 0, draw_one, values, &error),
                     ASSAY_ERROR_INTERRUPTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena_memory_is_zeroed_aligned_and_apart),
        cmocka_unit_test(arena_refuses_products_that_overflow),
        cmocka_unit_test(sizes_that_do_not_fit_are_noticed),
        cmocka_unit_test(messages_carry_their_place_and_no_control_characters),
        cmocka_unit_test(what_could_drive_a_terminal_is_never_printed),
        cmocka_unit_test(all_else_is_printed_as_printf_does),
        cmocka_unit_test(a_written_file_reads_back),
        cmocka_unit_test(an_empty_file_is_a_file),
        cmocka_unit_test(what_is_missing_too_large_or_no_file_is_refused),
        cmocka_unit_test(a_failed_write_leaves_the_old_file_and_no_sibling),
        cmocka_unit_test(a_killed_write_leaves_one_whole_file_and_nothing_beside_it),
        cmocka_unit_test(names_are_taken_from_beside_the_file_that_gives_them),
        cmocka_unit_test(philox_gives_the_published_blocks),
        cmocka_unit_test(streams_repeat_and_differ),
        cmocka_unit_test(draws_have_their_moments),
        cmocka_unit_test(any_number_of_threads_gives_the_same_bytes),
        cmocka_unit_test(work_that_is_asked_to_stop_says_so),
    };
    return cmocka_run_group_tests_name("base", tests, make_folder, remove_folder);
}
