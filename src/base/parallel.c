/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loops over independent items, on threads that live as long as the loop and sleep when they have
 * nothing to do, so that a machine shared with others is left to them. Items are handed out one by
 * one. A loop within a loop stays on the thread that it is met on.
 */
#define _GNU_SOURCE /* sched_getaffinity */
#include <assay/base.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

#define MOST_THREADS 1024

struct loop {
    const struct assay_context *context;
    const char *what;
    size_t n;
    assay_parallel_function *function;
    void *data;
    atomic_size_t next, done;
    atomic_bool going;
};

/* On which side of a loop this thread is: it decides whether a loop that it meets may spread. */
static _Thread_local enum { OUTSIDE, CALLER, WORKER } place;

struct assay_context assay_context_default(void)
{
    return (struct assay_context){.seed = 1};
}

/* Those that this process may run on. */
static int processors(void)
{
#if defined(__linux__)
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        return CPU_COUNT(&set);
#endif
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 && online < MOST_THREADS ? (int)online : 1;
}

static bool tell(const struct loop *loop, size_t done)
{
    const struct assay_context *context = loop->context;
    return !context->progress || !loop->what ||
           context->progress(context->progress_user, loop->what, done, loop->n);
}

static void take_items(struct loop *loop)
{
    while (atomic_load(&loop->going)) {
        size_t i = atomic_fetch_add(&loop->next, 1);
        if (i >= loop->n)
            return;
        loop->function(loop->data, i);
        size_t done = atomic_fetch_add(&loop->done, 1) + 1;
        if (place != WORKER && !tell(loop, done))
            atomic_store(&loop->going, false);
    }
}

static void *work(void *data)
{
    place = WORKER;
    take_items(data);
    return NULL;
}

/* Where no more threads are to be had, those that there are do it all. */
static void spread(struct loop *loop, size_t threads)
{
    pthread_t workers[MOST_THREADS];
    size_t count = 0;
    place = CALLER;
    while (count + 1 < threads && pthread_create(&workers[count], NULL, work, loop) == 0)
        count++;
    take_items(loop);
    for (size_t i = 0; i < count; i++)
        pthread_join(workers[i], NULL);
    place = OUTSIDE;
}

assay_status assay_parallel_for(const struct assay_context *context, const char *what, size_t n,
                                assay_parallel_function *function, void *data,
                                struct assay_error *error)
{
    struct loop loop = {context, what, n, function, data, 0, 0, false};
    size_t threads = (size_t)(context->threads > 0 ? context->threads : processors());
    threads = threads < n ? threads : n;
    threads = threads < MOST_THREADS ? threads : MOST_THREADS;
    atomic_store(&loop.going, tell(&loop, 0));
    if (threads > 1 && place == OUTSIDE)
        spread(&loop, threads);
    else
        take_items(&loop);
    return atomic_load(&loop.going)
               ? ASSAY_OK
               : assay_error_at(error, ASSAY_ERROR_INTERRUPTED, NULL, 0, "interrupted");
}
