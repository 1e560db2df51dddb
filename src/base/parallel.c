/* SPDX-License-Identifier: Apache-2.0 */
/* Loops over independent items. Built without OpenMP they run on one thread, alike. */
#include <assay/base.h>

#ifdef _OPENMP
#include <omp.h>
#endif

struct assay_context assay_context_default(void)
{
    return (struct assay_context){.seed = 1};
}

static bool tell(const struct assay_context *context, const char *what, uint64_t done,
                 uint64_t total)
{
    return !context->progress || !what ||
           context->progress(context->progress_user, what, done, total);
}

static assay_status interrupted(struct assay_error *error)
{
    return assay_error_at(error, ASSAY_ERROR_INTERRUPTED, NULL, 0, "interrupted");
}

assay_status assay_parallel_for(const struct assay_context *context, const char *what, size_t n,
                                assay_parallel_function *function, void *data,
                                struct assay_error *error)
{
    bool going = tell(context, what, 0, n);
    size_t done = 0;
#ifdef _OPENMP
    int threads = context->threads > 0 ? context->threads : omp_get_num_procs();
#pragma omp parallel for schedule(dynamic) num_threads(threads) if (n > 1 && threads > 1)
#endif
    for (size_t i = 0; i < n; i++) {
        bool go, first = true;
        size_t so_far;
#ifdef _OPENMP
        first = omp_get_thread_num() == 0;
#pragma omp atomic read
#endif
        go = going;
        if (!go)
            continue;
        function(data, i);
#ifdef _OPENMP
#pragma omp atomic capture
#endif
        so_far = ++done;
        if (first && !tell(context, what, so_far, n)) {
#ifdef _OPENMP
#pragma omp atomic write
#endif
            going = false;
        }
    }
    return going ? ASSAY_OK : interrupted(error);
}
