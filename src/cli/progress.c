/* SPDX-License-Identifier: Apache-2.0 */
/* The progress bar, and the interrupt that ends work in order. */
#include "cli/cli.h"

#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* A signal handler can reach nothing but a flag of this kind. */
static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number)
{
    if (interrupted) /* asked twice: leave at once */
        _exit(128 + signal_number);
    interrupted = 1;
}

void cli_catch_interrupt(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_interrupt;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

bool cli_interrupted(void)
{
    return interrupted != 0;
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* What the bar remembers between calls; `user` points to nothing else. */
static struct {
    const char *what;
    double started, drawn;
    bool shown;
} bar;

bool cli_progress(void *user, const char *what, uint64_t done, uint64_t total)
{
    const struct cli_call *call = user;
    double time = now();
    if (interrupted)
        return false;
    if (call->quiet || !isatty(STDERR_FILENO))
        return true;
    if (!bar.what || strcmp(bar.what, what) != 0) {
        bar.what = what;
        bar.started = time;
    }
    double elapsed = time - bar.started;
    if (elapsed < 2 || time - bar.drawn < 0.1 || total == 0)
        return true;
    double share = (double)done / (double)total;
    int filled = (int)(share * 30);
    double left = done ? elapsed * (1 - share) / share : 0;
    fprintf(stderr, "\r%-12.12s [%.*s%.*s] %3.0f%%  %.0f s left  ", what, filled,
            "##############################", 30 - filled, "..............................",
            share * 100, left);
    fflush(stderr);
    bar.drawn = time;
    bar.shown = true;
    return true;
}

void cli_progress_end(void)
{
    if (bar.shown) {
        fprintf(stderr, "\r%70s\r", "");
        fflush(stderr);
        bar.shown = false;
    }
}
