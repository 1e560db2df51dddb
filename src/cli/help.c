/* SPDX-License-Identifier: Apache-2.0 */
/* Help at every level, the man page and bash completion, all from the table of commands. */
#include "cli/cli.h"

#include <string.h>

static const char about[] =
    "Works backward from an AI model to what made it: which hardware trained it, whose outputs\n"
    "taught it, whose weights it descends from. It weighs hypotheses by evidence and never gives\n"
    "a verdict.\n";

static const struct cli_option common_options[] = {
    {"json", NULL, "print one JSON object on stdout and nothing else"},
    {"quiet", NULL, "no progress bar"},
    {"seed", "N", "seed of every random draw (default 1; it is in the output)"},
    {"threads", "N", "threads, 1 to 1024 (default all); results do not depend on it"},
    {"data", "DIR", "folder of the fact tables (default: those that came with the program)"},
    {"help", NULL, "this text"},
};
#define COMMON (sizeof common_options / sizeof common_options[0])

static const char exit_text[] =
    "Exit status: 0 done; 1 the question could not be answered, for the reason given; 2 bad\n"
    "input or usage; 130 interrupted.\n";

static void print_option(FILE *to, const struct cli_option *o)
{
    char left[48];
    snprintf(left, sizeof left, "--%s%s%s", o->name, o->value ? " " : "", o->value ? o->value : "");
    fprintf(to, "  %-22s %s\n", left, o->help);
}

static void print_name(FILE *to, const struct cli_command *c)
{
    fprintf(to, "%s%s%s", c->room, c->verb[0] ? " " : "", c->verb);
}

static void print_line(FILE *to, const struct cli_command *c)
{
    char name[64];
    snprintf(name, sizeof name, "%s%s%s", c->room, c->verb[0] ? " " : "", c->verb);
    fprintf(to, "  %-20s %s\n", name, c->summary);
}

void cli_help_program(FILE *to)
{
    fprintf(to, "usage: assay COMMAND [OPTIONS] [ARGUMENTS]\n\n%s\nCommands:\n", about);
    for (const struct cli_command *const *c = cli_commands; *c; c++)
        print_line(to, *c);
    fprintf(to, "\nOptions of every command:\n");
    for (size_t i = 0; i < COMMON; i++)
        print_option(to, &common_options[i]);
    fprintf(to, "\n%s\nassay COMMAND --help says more of a command.\n", exit_text);
}

void cli_help_room(FILE *to, const char *room)
{
    fprintf(to, "usage: assay %s VERB [OPTIONS] [ARGUMENTS]\n\n", room);
    for (const struct cli_command *const *c = cli_commands; *c; c++)
        if (strcmp((*c)->room, room) == 0)
            print_line(to, *c);
    fprintf(to, "\nassay %s VERB --help says more.\n", room);
}

void cli_help_command(FILE *to, const struct cli_command *command)
{
    fprintf(to, "usage: assay ");
    print_name(to, command);
    fprintf(to, " [OPTIONS] %s\n\n%s.\n\n%s\nOptions:\n", command->arguments, command->summary,
            command->text);
    for (size_t i = 0; i < CLI_MOST_OPTIONS && command->options[i].name; i++)
        print_option(to, &command->options[i]);
    for (size_t i = 0; i < COMMON; i++)
        print_option(to, &common_options[i]);
}

/* ---- the man page ---------------------------------------------------------------------------- */

/* Text in roff: a line that starts with '.' or ''' and every '-' and '\' need care. */
static void roff(FILE *to, const char *text)
{
    bool start = true;
    for (; *text; text++) {
        if (start && (*text == '.' || *text == '\''))
            fputs("\\&", to);
        if (*text == '-')
            fputs("\\-", to);
        else if (*text == '\\')
            fputs("\\e", to);
        else
            fputc(*text, to);
        start = *text == '\n';
    }
}

static void roff_option(FILE *to, const struct cli_option *o)
{
    fprintf(to, ".TP\n\\fB\\-\\-%s\\fR", o->name);
    if (o->value)
        fprintf(to, " \\fI%s\\fR", o->value);
    fputc('\n', to);
    roff(to, o->help);
    fputc('\n', to);
}

void cli_man(FILE *to)
{
    fprintf(to, ".TH ASSAY 1\n.SH NAME\nassay \\- weigh what made an AI model\n.SH SYNOPSIS\n"
                ".B assay\n.I COMMAND\n[OPTIONS] [ARGUMENTS]\n.SH DESCRIPTION\n");
    roff(to, about);
    fprintf(to, ".SH COMMANDS\n");
    for (const struct cli_command *const *c = cli_commands; *c; c++) {
        fprintf(to, ".SS assay ");
        print_name(to, *c);
        fprintf(to, " ");
        roff(to, (*c)->arguments);
        fprintf(to, "\n");
        roff(to, (*c)->summary);
        fprintf(to, ".\n.PP\n");
        roff(to, (*c)->text);
        for (size_t i = 0; i < CLI_MOST_OPTIONS && (*c)->options[i].name; i++)
            roff_option(to, &(*c)->options[i]);
    }
    fprintf(to, ".SH OPTIONS\n");
    for (size_t i = 0; i < COMMON; i++)
        roff_option(to, &common_options[i]);
    fprintf(to, ".SH EXIT STATUS\n");
    roff(to, exit_text);
    fprintf(to, ".SH ENVIRONMENT\n.TP\n.B ASSAY_DATA\nFolder of the fact tables, where "
                "\\-\\-data is not given.\n");
}

/* ---- bash completion ----------------------------------------------------------------------------
 */

void cli_completion(FILE *to)
{
    fprintf(to,
            "# bash completion of assay\n_assay() {\n"
            "    local word=${COMP_WORDS[COMP_CWORD]} room=${COMP_WORDS[1]} verb=${COMP_WORDS[2]}\n"
            "    local words=''\n"
            "    if [ \"$COMP_CWORD\" = 1 ]; then\n        words='");
    const char *last = "";
    for (const struct cli_command *const *c = cli_commands; *c; c++) {
        if (strcmp(last, (*c)->room) != 0)
            fprintf(to, "%s ", (*c)->room);
        last = (*c)->room;
    }
    fprintf(to, "--help --version'\n    else\n        case \"$room $verb\" in\n");
    for (const struct cli_command *const *c = cli_commands; *c; c++) {
        fprintf(to, "        '%s %s'*) words='", (*c)->room, (*c)->verb);
        for (size_t i = 0; i < COMMON; i++)
            fprintf(to, "--%s ", common_options[i].name);
        for (size_t i = 0; i < CLI_MOST_OPTIONS && (*c)->options[i].name; i++)
            fprintf(to, "--%s ", (*c)->options[i].name);
        fprintf(to, "' ;;\n");
    }
    fprintf(to, "        esac\n        if [ \"$COMP_CWORD\" = 2 ]; then\n"
                "            case \"$room\" in\n");
    for (const struct cli_command *const *c = cli_commands; *c; c++) {
        if (c != cli_commands && strcmp((*c)->room, (c[-1])->room) == 0)
            continue;
        fprintf(to, "            %s) words=\"$words ", (*c)->room);
        for (const struct cli_command *const *v = c; *v; v++)
            if (strcmp((*v)->room, (*c)->room) == 0 && (*v)->verb[0])
                fprintf(to, "%s ", (*v)->verb);
        fprintf(to, "--help\" ;;\n");
    }
    fprintf(to,
            "            esac\n        fi\n    fi\n"
            "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
            "    case $word in -*) ;; *) mapfile -t -O \"${#COMPREPLY[@]}\" COMPREPLY < <(compgen "
            "-f -- \"$word\") ;; esac\n"
            "}\ncomplete -F _assay assay\n");
}
