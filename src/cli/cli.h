/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli: the frame of the program. A command is a row in commands.c and a file of its own,
 * src/cli/ROOM_VERB.c; options that mean the same everywhere are read here once.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <assay/base.h>

#include <jansson.h>
#include <stdio.h>

#define CLI_MOST_OPTIONS 24
#define CLI_MOST_POSITIONALS 1024

struct cli_option {
    const char *name;  /* without the dashes */
    const char *value; /* what stands for its value in help, or NULL for a flag */
    const char *help;
};

struct cli_call;

struct cli_command {
    const char *room, *verb; /* verb "" for a room that is a command itself: "assay model" */
    const char *arguments;   /* "RUN.yaml", for help */
    const char *summary;     /* one line */
    const char *text;        /* what it answers, what it cannot, how to read it */
    size_t least, most;      /* positional arguments */
    struct cli_option options[CLI_MOST_OPTIONS]; /* ended by a NULL name */
    assay_status (*run)(struct cli_call *call);
};

/* One call of the program, its arguments understood. */
struct cli_call {
    const struct cli_command *command;
    bool json, quiet;
    struct assay_context context;
    const char *data_folder;             /* where accelerators.csv and the others are */
    const char *value[CLI_MOST_OPTIONS]; /* by index in options; "" for a flag; NULL: absent */
    const char *positional[CLI_MOST_POSITIONALS];
    size_t positionals;
    bool answered; /* what --json prints is printed, though the status is not ASSAY_OK */
    struct assay_error error;
    char folder[4096]; /* private */
};

/* All commands, ended by NULL. */
extern const struct cli_command *const cli_commands[];

/* Understands argv. On ASSAY_ERROR_INPUT the message is in call->error. */
assay_status cli_read(struct cli_call *call, const struct cli_command *command, int argc,
                      char **argv);

/* Help, from the same table: of the program, a room, a command; as a man page; for bash. */
void cli_help_program(FILE *to);
void cli_help_room(FILE *to, const char *room);
void cli_help_command(FILE *to, const struct cli_command *command);
void cli_man(FILE *to);
void cli_completion(FILE *to);

/* Prints `object` on stdout as the one thing there, and releases it. NULL: out of memory. */
assay_status cli_print_json(struct cli_call *call, json_t *object);

/* Appends `object` as one line that is on disk before this returns, and releases it; false, with
 * errno set, if it is not. */
bool cli_append_line(FILE *to, json_t *object);

/* printf for people: each %s is made safe to show (base/escape.h), for most text here was written
 * by strangers. Returns the characters printed. */
int cli_say(const char *format, ...) ASSAY_PRINTF(1, 2);

/* Flushes stdout and reports a disk that is full or a pipe that is closed. */
assay_status cli_finish_output(struct cli_call *call);

/* An option's value as a whole number in [least, most]; untouched where the option is absent. */
assay_status cli_number(struct cli_call *call, size_t option, int64_t least, int64_t most,
                        int64_t *number);

/* The progress bar: on stderr, only on a terminal, only after two seconds. */
bool cli_progress(void *user, const char *what, uint64_t done, uint64_t total);
void cli_progress_end(void);
/* Makes an interrupt end the work in order rather than at once. */
void cli_catch_interrupt(void);
bool cli_interrupted(void);
/* Makes a file that is cut while it is read an error that names it (lost_file.c). */
void cli_catch_lost_file(void);

#endif
