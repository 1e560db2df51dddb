/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/part.h"

#include "lab/checkpoint.h"
#include "lab/export.h"
#include "lab/store.h"
#include "lab/study.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PART "part.safetensors"
#define BEFORE "before.safetensors"
#define NONE "none" /* in the place of a digest */
#define POLL 8      /* steps between looks at an interrupt */

/* ---- random numbers as words --------------------------------------------------------- */

static int write_random(const struct assay_random *r, char *to, size_t size)
{
    return snprintf(to, size, " %x %x %x %x %x %x %x %x %x %x %x", r->key[0], r->key[1],
                    r->counter[0], r->counter[1], r->counter[2], r->counter[3], r->block[0],
                    r->block[1], r->block[2], r->block[3], r->used);
}

/* Eleven numbers at *at, which moves past them. */
static bool read_random(const char **at, struct assay_random *r)
{
    uint32_t words[11];
    for (int i = 0; i < 11; i++) {
        char *end;
        words[i] = (uint32_t)strtoul(*at, &end, 16);
        if (end == *at)
            return false;
        *at = end;
    }
    memcpy(r->key, words, sizeof r->key);
    memcpy(r->counter, words + 2, sizeof r->counter);
    memcpy(r->block, words + 6, sizeof r->block);
    r->used = words[10];
    return r->used <= 4;
}

static void digest_of(const float *weights, size_t count, char hex[65])
{
    assay_sha256_bytes(weights, count * sizeof *weights, hex);
}

/* ---- keeping ------------------------------------------------------------------------- */

assay_status lab_part_save(const char *folder, const char *description, const struct lab_in_hand *p,
                           struct assay_error *error)
{
    char path[LAB_MOST_PATH], recipe[LAB_MOST_RECIPE], made_of[65], before[65] = NONE;
    assay_sha256_bytes(description, strlen(description), made_of);
    if (p->before) { /* first, for the checkpoint names it */
        ASSAY_TRY(lab_store_path(folder, description, BEFORE, path, error));
        ASSAY_TRY(lab_write_tensors(p->before, path, NULL, 0, error));
        digest_of(p->before->weights, p->before->count, before);
    }
    int n = snprintf(recipe, sizeof recipe, "%s %s %a", made_of, before, *p->loss);
    n += write_random(p->draw, recipe + n, sizeof recipe - (size_t)n);
    write_random(p->own, recipe + n, sizeof recipe - (size_t)n);
    ASSAY_TRY(lab_store_path(folder, description, PART, path, error));
    return lab_checkpoint_write(path, p->trainer, recipe, error);
}

static bool load_before(const char *folder, const char *description, const char *digest,
                        struct lab_model *before)
{
    char path[LAB_MOST_PATH], hex[65];
    if (lab_store_path(folder, description, BEFORE, path, NULL) != ASSAY_OK ||
        !lab_read_tensors(path, before))
        return false;
    digest_of(before->weights, before->count, hex);
    return strcmp(hex, digest) == 0;
}

/* Everything but the trainer's, out of the recipe. */
static bool load_rest(const char *folder, const char *description, const char *recipe,
                      struct lab_in_hand *p, bool with_before)
{
    char made_of[65], named[65], before[65];
    struct assay_random draw, own;
    double loss;
    int at = 0;
    assay_sha256_bytes(description, strlen(description), made_of);
    if (sscanf(recipe, "%64s %64s %la%n", named, before, &loss, &at) != 3 ||
        strcmp(named, made_of) != 0)
        return false;
    const char *rest = recipe + at;
    if (!read_random(&rest, &draw) || !read_random(&rest, &own))
        return false;
    if (with_before && !load_before(folder, description, before, p->before))
        return false;
    *p->draw = draw;
    *p->own = own;
    *p->loss = loss;
    return true;
}

bool lab_part_load(const char *folder, const char *description, struct lab_in_hand *p,
                   unsigned post)
{
    char path[LAB_MOST_PATH], recipe[LAB_MOST_RECIPE];
    struct lab_model m;
    struct lab_trainer t;
    size_t size = p->trainer->model->count * sizeof(float);
    if (lab_store_path(folder, description, PART, path, NULL) != ASSAY_OK ||
        access(path, R_OK) != 0 || lab_checkpoint_read(path, &m, &t, recipe, NULL) != ASSAY_OK)
        return false;
    bool good = m.count == p->trainer->model->count &&
                load_rest(folder, description, recipe, p, p->before && t.step > post);
    if (good) {
        memcpy(p->trainer->model->weights, m.weights, size);
        memcpy(p->trainer->first, t.first, size);
        memcpy(p->trainer->second, t.second, size);
        p->trainer->step = t.step;
    }
    lab_trainer_free(&t);
    lab_model_free(&m);
    return good;
}

void lab_part_forget(const char *folder, const char *description)
{
    static const char *const endings[] = {PART, BEFORE};
    char path[LAB_MOST_PATH];
    for (size_t i = 0; i < 2; i++)
        if (lab_store_path(folder, description, endings[i], path, NULL) == ASSAY_OK)
            unlink(path);
}

void lab_part_name(const char *description, unsigned number, char name[LAB_PART_NAME])
{
    char hex[65];
    assay_sha256_bytes(description, strlen(description), hex);
    snprintf(name, LAB_PART_NAME, "%s model %u", hex, number);
}

/* ---- while a model is trained -------------------------------------------------------- */

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

struct lab_keeper lab_keeper_start(const struct lab_study *study, const char *description,
                                   struct lab_in_hand *p, unsigned post, bool *resumed)
{
    if (study && lab_part_load(study->folder, description, p, post))
        *resumed = true;
    return (struct lab_keeper){study, description, p->trainer->step, seconds()};
}

static assay_status keep(struct lab_keeper *k, const struct lab_in_hand *p,
                         struct assay_error *error)
{
    ASSAY_TRY(lab_part_save(k->study->folder, k->description, p, error));
    k->saved = p->trainer->step;
    k->last = seconds();
    return ASSAY_OK;
}

assay_status lab_keeper_look(struct lab_keeper *k, const struct lab_in_hand *p,
                             struct assay_error *error)
{
    if (!k->study || p->trainer->step % POLL != 0)
        return ASSAY_OK;
    bool stop = !lab_study_goes_on(k->study);
    bool due = seconds() - k->last >= k->study->settings->save_every;
    if ((stop || due) && p->trainer->step > k->saved)
        ASSAY_TRY(keep(k, p, error));
    return stop ? assay_error_at(error, ASSAY_ERROR_INTERRUPTED, NULL, 0, "interrupted") : ASSAY_OK;
}

assay_status lab_keeper_finish(struct lab_keeper *k, const struct lab_in_hand *p, double least,
                               struct assay_error *error)
{
    if (!k->study || p->trainer->step <= k->saved)
        return ASSAY_OK;
    double since = seconds() - k->last;
    return since >= least || since >= k->study->settings->save_every ? keep(k, p, error) : ASSAY_OK;
}
