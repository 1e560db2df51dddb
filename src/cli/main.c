/* SPDX-License-Identifier: Apache-2.0 */
/* assay: finds the command, runs it, turns its status into a message and an exit status. */
#include "cli/cli.h"

#include "base/escape.h"
#include "base/json.h"
#include "base/near.h"

#include <signal.h>
#include <string.h>

#ifndef ASSAY_VERSION
#error "the build defines ASSAY_VERSION"
#endif

static const struct cli_command *find(const char *room, const char *verb, bool *room_known)
{
    *room_known = false;
    for (const struct cli_command *const *c = cli_commands; *c; c++) {
        if (strcmp((*c)->room, room) != 0)
            continue;
        *room_known = true;
        if ((*c)->verb[0] == '\0' || (verb && strcmp((*c)->verb, verb) == 0))
            return *c;
    }
    return NULL;
}

/* Slips of a letter, and words whose beginning was remembered. */
static bool alike(const char *typed, const char *known)
{
    return near_enough(typed, known) ||
           (strlen(typed) > 1 && strncmp(typed, known, strlen(typed)) == 0);
}

static int unknown(const char *room, const char *verb, bool room_known)
{
    const char *near = NULL, *word = room_known && verb ? verb : room;
    for (const struct cli_command *const *c = cli_commands; *c; c++) {
        const char *other = room_known ? (*c)->verb : (*c)->room;
        if ((!room_known || strcmp((*c)->room, room) == 0) && alike(word, other))
            near = other;
    }
    if (room_known && !verb)
        escape_print(stderr, "assay: %s: expected a verb; try assay %s --help\n", room, room);
    else
        escape_print(stderr, "assay: unknown %s \"%.60s\"%s%s%s; try assay --help\n",
                     room_known ? "verb" : "command", word, near ? ", did you mean \"" : "",
                     near ? near : "", near ? "\"?" : "");
    return 2;
}

/* With --json a question without an answer is still one object. */
static void print_reason(struct cli_call *call)
{
    json_t *object = json_object();
    json_set_text(object, "error", assay_status_name(call->error.status));
    json_set_text(object, "reason", call->error.message);
    cli_print_json(call, object);
}

static int finish(struct cli_call *call, assay_status status)
{
    char text[1200];
    cli_progress_end();
    if (status == ASSAY_OK)
        return 0;
    assay_error_format(&call->error, text, sizeof text);
    if (status == ASSAY_ERROR_UNANSWERABLE && call->json && !call->answered)
        print_reason(call);
    fprintf(stderr, "assay: %s\n", text);
    if (status == ASSAY_ERROR_INTERRUPTED)
        return 130;
    return status == ASSAY_ERROR_UNANSWERABLE ? 1 : 2;
}

static bool wants_help(int argc, char **argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

static int run(const struct cli_command *command, int argc, char **argv)
{
    static struct cli_call call; /* large, and there is one */
    assay_status status = cli_read(&call, command, argc, argv);
    if (status == ASSAY_OK) {
        cli_catch_interrupt();
        cli_catch_lost_file();
        status = command->run(&call);
    }
    return finish(&call, status);
}

/* What is asked of the program itself; -1 if nothing is. */
static int program(int argc, char **argv)
{
    if (argc < 2) {
        cli_help_program(stderr);
        return 2;
    }
    if (strcmp(argv[1], "--version") == 0)
        cli_say("assay %s\n", ASSAY_VERSION);
    else if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        cli_help_program(stdout);
    else if (strcmp(argv[1], "--man") == 0)
        cli_man(stdout);
    else if (strcmp(argv[1], "--completion") == 0)
        cli_completion(stdout);
    else
        return -1;
    return fflush(stdout) == 0 ? 0 : 2;
}

int main(int argc, char **argv)
{
    bool room_known;
    signal(SIGXFSZ, SIG_IGN); /* a limit on files is an error of the write, like a full disk */
    int status = program(argc, argv);
    if (status >= 0)
        return status;
    /* options may stand before the verb: assay claim --json predict RUN.yaml */
    int first = 1;
    char *words[2] = {argv[1], NULL};
    for (int i = 2; i < argc && !words[1]; i++)
        if (argv[i][0] != '-') {
            bool known;
            if (find(words[0], argv[i], &known) && known) {
                words[1] = argv[i];
                first = i;
            } else if (i == 2) {
                words[1] = argv[i];
            }
        }
    const struct cli_command *command = find(words[0], words[1], &room_known);
    if (!command) {
        if (room_known && wants_help(argc - 2, argv + 2)) {
            cli_help_room(stdout, words[0]);
            return 0;
        }
        return unknown(words[0], words[1], room_known);
    }
    if (command->verb[0] == '\0')
        first = 1;
    for (int i = first; i > 2; i--) /* the verb to its place, what stood before it kept */
        argv[i] = argv[i - 1];
    int taken = command->verb[0] ? 3 : 2;
    if (wants_help(argc - taken, argv + taken)) {
        cli_help_command(stdout, command);
        return 0;
    }
    return run(command, argc - taken, argv + taken);
}
