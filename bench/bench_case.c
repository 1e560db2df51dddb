/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long a large case takes: reading it, combining it, writing its report. In: a case's folder
 * and that of the facts. Out: a table. bench_case.py makes the case and calls this.
 */
#include <assay/report.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct moment {
    double wall, processor;
};

static double read_clock(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static struct moment now(void)
{
    return (struct moment){read_clock(CLOCK_MONOTONIC), read_clock(CLOCK_PROCESS_CPUTIME_ID)};
}

static void row(const char *what, struct moment from)
{
    struct moment to = now();
    printf("%-36s %8.0f ms, of processors %8.0f ms\n", what, 1e3 * (to.wall - from.wall),
           1e3 * (to.processor - from.processor));
}

int main(int argc, char **argv)
{
    struct assay_context context = assay_context_default();
    struct assay_case subject;
    struct assay_assessment assessment;
    struct assay_error error = {0};
    char *json = NULL, *page = NULL;
    if (argc != 3) {
        fprintf(stderr, "usage: bench_case CASE_FOLDER DATA_FOLDER\n");
        return 2;
    }
    struct moment start = now();
    if (assay_case_read(argv[1], &subject, &error) != ASSAY_OK)
        goto failed;
    const struct assay_case_question *q = &subject.questions[0];
    printf("a case of %zu exhibits, %zu findings, %zu hypotheses\n", subject.exhibit_count,
           q->entry_count, q->hypothesis_count);
    row("read case.yaml", start);
    for (int i = 0; i < 3; i++) {
        start = now();
        if (assay_case_run(&subject, argv[2], &context, &assessment, &error) != ASSAY_OK)
            goto failed;
        row("combine, with what hangs on what", start);
        if (i < 2)
            assay_assessment_free(&assessment);
    }
    printf("(%u draws of every likelihood)\n", assessment.replies[0].combination->draws);
    start = now();
    if (assay_report_json(&assessment, &json, &error) != ASSAY_OK)
        goto failed;
    row("report as JSON", start);
    start = now();
    if (assay_report_page(json, &page, &error) != ASSAY_OK)
        goto failed;
    row("page", start);
    printf("JSON %.1f MB, page %.1f MB\n", (double)strlen(json) / 1e6, (double)strlen(page) / 1e6);
    free(json);
    free(page);
    assay_assessment_free(&assessment);
    assay_case_free(&subject);
    return 0;
failed:
    fprintf(stderr, "bench_case: %s:%ld: %s\n", error.file, error.line, error.message);
    return 1;
}
