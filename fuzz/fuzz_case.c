/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: case.yaml, with a file claim.yaml beside it and no instruments. What is accepted
 * must combine into numbers, or be refused with a message.
 */
#include "case/instruments.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static char folder[] = "/tmp/assay-fuzz-case-XXXXXX";

static void put(const char *name, const void *bytes, size_t size)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    unlink(path); /* some file systems write to disk what is truncated */
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(bytes, 1, size, file) != size || fclose(file) != 0)
        abort();
}

static void clean(void)
{
    char path[128];
    snprintf(path, sizeof path, "%s/case.yaml", folder);
    unlink(path);
    snprintf(path, sizeof path, "%s/claim.yaml", folder);
    unlink(path);
    rmdir(folder);
}

static void check(const struct assay_combination *c)
{
    for (size_t h = 0; c && h < c->hypothesis_count; h++)
        if (!isfinite(c->hypotheses[h].log10_ratio.median) ||
            !isfinite(c->hypotheses[h].log10_ratio_others.high))
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const struct instrument_table none = {NULL, 0};
    static bool made;
    struct assay_context context = assay_context_default();
    struct assay_case subject;
    struct assay_assessment assessment;
    struct assay_error error = {0};
    if (!made) {
        if (!mkdtemp(folder))
            abort();
        put("claim.yaml", "name: a run\n", 12);
        atexit(clean);
        made = true;
    }
    context.threads = 1;
    put("case.yaml", bytes, size);
    if (case_read_with(&none, folder, &subject, &error) != ASSAY_OK)
        return 0;
    if (case_run_with(&none, &subject, "data", NULL, &context, &assessment, &error) == ASSAY_OK) {
        for (size_t q = 0; q < assessment.reply_count; q++)
            check(assessment.replies[q].combination);
        assay_assessment_free(&assessment);
    } else if (!error.message[0]) {
        abort();
    }
    assay_case_free(&subject);
    return 0;
}
