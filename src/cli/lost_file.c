/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mapped file that somebody makes shorter, or whose disk fails, while it is read raises SIGBUS.
 * There is no going on: the program says which file it was and ends as for any bad input. Only
 * what may be called in a signal handler is called: the file is looked up in /proc/self/maps. A
 * fault in no file is left to the system.
 */
#include "cli/cli.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#define MOST_LINE 4400 /* of /proc/self/maps: numbers and a path */

/* A number in hexadecimal; *at is moved behind it. */
static uintptr_t hexadecimal(const char **at)
{
    uintptr_t number = 0;
    for (;; ++*at) {
        char c = **at;
        if (c >= '0' && c <= '9')
            number = 16 * number + (uintptr_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            number = 16 * number + (uintptr_t)(c - 'a' + 10);
        else
            return number;
    }
}

/* "START-END rw-p OFFSET DEVICE INODE   /PATH": the path, if the address is in it. */
static const char *path_at(const char *line, uintptr_t address)
{
    const char *at = line;
    uintptr_t start = hexadecimal(&at);
    at += *at == '-';
    return address >= start && address < hexadecimal(&at) ? strchr(line, '/') : NULL;
}

/* The path of the file that is mapped there, in `line`; NULL: none is. */
static const char *find_file(uintptr_t address, char line[MOST_LINE])
{
    char block[4096];
    size_t used = 0;
    const char *path = NULL;
    int maps = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    if (maps < 0)
        return NULL;
    for (ssize_t got; !path && (got = read(maps, block, sizeof block)) > 0;)
        for (ssize_t i = 0; i < got && !path; i++) {
            bool end = block[i] == '\n';
            if (!end && used < MOST_LINE - 1)
                line[used++] = (char)(block[i] >= ' ' && block[i] <= '~' ? block[i] : '?');
            if (!end)
                continue;
            line[used] = '\0';
            used = 0;
            path = path_at(line, address);
        }
    close(maps);
    return path;
}

static void say(const char *text)
{
    size_t left = strlen(text);
    for (ssize_t written; left && (written = write(STDERR_FILENO, text, left)) > 0;) {
        text += written;
        left -= (size_t)written;
    }
}

static void lost(int signal_number, siginfo_t *info, void *context)
{
    static char line[MOST_LINE];
    static atomic_flag telling = ATOMIC_FLAG_INIT;
    (void)context;
    while (atomic_flag_test_and_set(&telling)) /* another thread will end the program */
        pause();
    const char *path = find_file((uintptr_t)info->si_addr, line);
    if (!path) { /* as if this were not here */
        signal(signal_number, SIG_DFL);
        raise(signal_number);
        return;
    }
    say(isatty(STDERR_FILENO) ? "\nassay: " : "assay: "); /* there may be a progress bar */
    say(path);
    say(": became shorter while it was read, or could not be read: expected a file that stays as "
        "it is; copy it, or wait until it is whole\n");
    _exit(2);
}

void cli_catch_lost_file(void)
{
    struct sigaction action = {.sa_sigaction = lost, .sa_flags = SA_SIGINFO};
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, NULL);
}
