/* SPDX-License-Identifier: Apache-2.0 */
/* What tests of the claim room start from: the shipped tables, the shipped cases, a dense run. */
#ifndef CLAIM_FIXTURE_H
#define CLAIM_FIXTURE_H

#include <assay/claim.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct assay_claim_data data;

/* Where a file of the tree is; the text is overwritten by the next call. */
static inline const char *in_tree(const char *path)
{
    static char text[4200];
    snprintf(text, sizeof text, "%s/%s", getenv("ASSAY_SOURCE"), path);
    return text;
}

static inline bool read_shipped_data(void)
{
    return assay_claim_data_read(in_tree("data"), &data, NULL) == ASSAY_OK;
}

/* "deepseek-v3/claim.yaml" */
static inline bool read_case(const char *name, struct assay_run *run)
{
    char path[200];
    snprintf(path, sizeof path, "cases/%s", name);
    return assay_run_read(in_tree(path), &data, run, NULL) == ASSAY_OK;
}

static inline const struct assay_accelerator *get_accelerator(const char *name)
{
    const struct assay_accelerator *a = assay_accelerator_find(&data, name, NULL);
    if (!a)
        fail_msg("\"%s\" names no accelerator", name);
    return a;
}

/* A dense 7B model in 16 bits on 64 devices, nothing claimed, changed by each test. */
static inline struct assay_run dense_run_on(const char *accelerator)
{
    struct assay_run run;
    assay_run_default(&run);
    struct assay_architecture *a = &run.architecture;
    a->layers = 32, a->hidden = 4096, a->heads = 32, a->kv_heads = 32, a->head_dim = 128;
    a->ffn = 11008, a->vocabulary = 32000;
    run.sequence = 4096;
    run.tokens = 1e12;
    run.machine.accelerator = *get_accelerator(accelerator);
    run.machine.devices = 64;
    run.plan.data = 64;
    run.plan.global_batch = 1024;
    run.plan_known = true;
    return run;
}

#endif
