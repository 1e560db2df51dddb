/* SPDX-License-Identifier: Apache-2.0 */
/* Arguments understood: common options, a command's own, and what is left. */
#include "cli/cli.h"

#include "base/near.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- where the tables are ----------------------------------------------------------------- */

/*
 * --data, else $ASSAY_DATA, else beside the program: a build tree has ../data, an installation
 * ../share/assay/data.
 */
static void find_data(struct cli_call *call)
{
    static const char *const places[] = {"../data", "../share/assay/data"};
    const char *stated = getenv("ASSAY_DATA");
    char self[2048];
    if (call->data_folder)
        return;
    call->data_folder = "data";
    if (stated && stated[0]) {
        call->data_folder = stated;
        return;
    }
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length <= 0)
        return;
    self[length] = '\0';
    char *slash = strrchr(self, '/');
    if (slash)
        *slash = '\0';
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        char table[4200];
        snprintf(call->folder, sizeof call->folder, "%s/%s", self, places[i]);
        snprintf(table, sizeof table, "%s/accelerators.csv", call->folder);
        if (access(table, R_OK) == 0) {
            call->data_folder = call->folder;
            return;
        }
    }
}

/* ---- numbers ------------------------------------------------------------------------------- */

static assay_status whole(struct cli_call *call, const char *name, const char *text, int64_t least,
                          int64_t most, int64_t *number)
{
    char *end;
    double value = strtod(text, &end);
    bool digits = strspn(text, "0123456789") == strlen(text) && *text;
    if (!digits || *end || value > (double)most || value < (double)least)
        return assay_error_at(&call->error, ASSAY_ERROR_INPUT, NULL, 0,
                              "--%s: found \"%.40s\", expected a whole number from %lld to %lld",
                              name, text, (long long)least, (long long)most);
    *number = (int64_t)strtoull(text, NULL, 10);
    return ASSAY_OK;
}

assay_status cli_number(struct cli_call *call, size_t option, int64_t least, int64_t most,
                        int64_t *number)
{
    if (!call->value[option])
        return ASSAY_OK;
    return whole(call, call->command->options[option].name, call->value[option], least, most,
                 number);
}

/* ---- options ------------------------------------------------------------------------------- */

/* A common option's value set; returns false if `name` is not common. */
static bool common(struct cli_call *call, const char *name, const char *value, assay_status *status)
{
    int64_t number = 0;
    *status = ASSAY_OK;
    if (strcmp(name, "json") == 0)
        call->json = true;
    else if (strcmp(name, "quiet") == 0)
        call->quiet = true;
    else if (strcmp(name, "seed") == 0) {
        *status = whole(call, name, value, 0, INT64_MAX, &number);
        call->context.seed = (uint64_t)number;
    } else if (strcmp(name, "threads") == 0) {
        *status = whole(call, name, value, 1, 1024, &number);
        call->context.threads = (int)number;
    } else if (strcmp(name, "data") == 0)
        call->data_folder = value;
    else
        return false;
    return true;
}

static bool takes_value(const struct cli_command *command, const char *name, bool *known)
{
    static const char *const with[] = {"seed", "threads", "data"}, *const without[] = {"json",
                                                                                       "quiet"};
    *known = true;
    for (size_t i = 0; i < 3; i++)
        if (strcmp(name, with[i]) == 0)
            return true;
    for (size_t i = 0; i < 2; i++)
        if (strcmp(name, without[i]) == 0)
            return false;
    for (size_t i = 0; i < CLI_MOST_OPTIONS && command->options[i].name; i++)
        if (strcmp(name, command->options[i].name) == 0)
            return command->options[i].value != NULL;
    *known = false;
    return false;
}

static assay_status option(struct cli_call *call, const char *name, const char *value)
{
    assay_status status;
    if (common(call, name, value, &status))
        return status;
    for (size_t i = 0; i < CLI_MOST_OPTIONS && call->command->options[i].name; i++)
        if (strcmp(name, call->command->options[i].name) == 0) {
            if (call->value[i] && value)
                return assay_error_at(&call->error, ASSAY_ERROR_INPUT, NULL, 0,
                                      "--%s stands twice: \"%.60s\" and \"%.60s\"", name,
                                      call->value[i], value);
            call->value[i] = value ? value : "";
        }
    return ASSAY_OK;
}

static assay_status unknown_option(struct cli_call *call, const char *name)
{
    static const char *const common_names[] = {"seed", "threads", "data", "json", "quiet", "help"};
    const char *near = NULL;
    for (size_t i = 0; i < sizeof common_names / sizeof common_names[0]; i++)
        if (near_enough(name, common_names[i]))
            near = common_names[i];
    for (size_t i = 0; i < CLI_MOST_OPTIONS && call->command->options[i].name; i++)
        if (near_enough(name, call->command->options[i].name))
            near = call->command->options[i].name;
    return assay_error_at(&call->error, ASSAY_ERROR_INPUT, NULL, 0,
                          "unknown option \"--%s\"%s%s%s; try --help", name,
                          near ? ", did you mean \"--" : "", near ? near : "", near ? "\"?" : "");
}

assay_status cli_read(struct cli_call *call, const struct cli_command *command, int argc,
                      char **argv)
{
    bool only_positionals = false;
    memset(call, 0, sizeof *call);
    call->command = command;
    call->context = assay_context_default();
    call->context.progress = cli_progress;
    call->context.progress_user = call;
    for (int i = 0; i < argc; i++) {
        char name[64];
        bool known;
        if (only_positionals || strncmp(argv[i], "--", 2) != 0) {
            if (argv[i][0] == '-' && argv[i][1] && !only_positionals)
                return assay_error_at(&call->error, ASSAY_ERROR_INPUT, NULL, 0,
                                      "unknown option \"%.60s\"; try --help", argv[i]);
            if (call->positionals == CLI_MOST_POSITIONALS)
                return assay_error_at(&call->error, ASSAY_ERROR_INPUT, NULL, 0,
                                      "expected at most %d arguments", CLI_MOST_POSITIONALS);
            call->positional[call->positionals++] = argv[i];
            continue;
        }
        if (argv[i][2] == '\0') {
            only_positionals = true;
            continue;
        }
        const char *equals = strchr(argv[i], '=');
        size_t length = equals ? (size_t)(equals - argv[i] - 2) : strlen(argv[i] + 2);
        snprintf(name, sizeof name, "%.*s", (int)(length < 60 ? length : 60), argv[i] + 2);
        bool valued = takes_value(command, name, &known);
        if (!known)
            return unknown_option(call, name);
        if (!valued && equals)
            return assay_error_at(&call->error, ASSAY_ERROR_INPUT, NULL, 0, "--%s takes no value",
                                  name);
        const char *value = equals ? equals + 1 : NULL;
        if (valued && !value) {
            if (i + 1 == argc)
                return assay_error_at(&call->error, ASSAY_ERROR_INPUT, NULL, 0,
                                      "--%s: expected a value after it", name);
            value = argv[++i];
        }
        ASSAY_TRY(option(call, name, value));
    }
    if (call->positionals < command->least || call->positionals > command->most)
        return assay_error_at(&call->error, ASSAY_ERROR_INPUT, NULL, 0,
                              "found %zu arguments, expected %s; try --help", call->positionals,
                              command->arguments[0] ? command->arguments : "none");
    find_data(call);
    return ASSAY_OK;
}
