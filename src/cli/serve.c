/* SPDX-License-Identifier: Apache-2.0 */
/* assay serve */
#include "cli/commands.h"

#include "base/json.h"

#include <assay/server.h>

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PORT, OPEN, MOST_UPLOAD };

/* Shows `address` in the browser of this desktop; nothing happens where there is none. */
static void open_browser(const char *address)
{
    if (!getenv("DISPLAY") && !getenv("WAYLAND_DISPLAY"))
        return;
    pid_t child = fork();
    if (child != 0)
        return;
    if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
        _exit(1);
    execlp("xdg-open", "xdg-open", address, (char *)NULL);
    _exit(127);
}

static assay_status serve(struct cli_call *call)
{
    struct assay_server_settings settings = assay_server_settings_default();
    struct assay_server *server = NULL;
    int64_t port = 0, most = 256;
    ASSAY_TRY(cli_number(call, PORT, 0, 65535, &port));
    ASSAY_TRY(cli_number(call, MOST_UPLOAD, 1, 1 << 20, &most));
    settings.folder = call->positional[0];
    settings.port = (uint16_t)port;
    settings.most_upload = (uint64_t)most << 20;
    settings.data_folder = call->data_folder;
    settings.seed = call->context.seed;
    settings.threads = call->context.threads;
    ASSAY_TRY(assay_server_start(&settings, &server, &call->error));
    char address[160];
    snprintf(address, sizeof address, "http://127.0.0.1:%u/#token=%s", assay_server_port(server),
             assay_server_token(server));
    assay_status status;
    if (call->json) {
        status = cli_print_json(call, json_pack("{s:s,s:i,s:s}", "address", address, "port",
                                                (int)assay_server_port(server), "token",
                                                assay_server_token(server)));
    } else {
        cli_say("%s\nThe address holds the token that changes need: keep it to yourself. Only this "
                "machine is served. Ctrl-C ends it.\n",
                address);
        status = cli_finish_output(call);
    }
    if (status == ASSAY_OK && call->value[OPEN])
        open_browser(address);
    while (status == ASSAY_OK && !cli_interrupted()) {
        struct timespec wait = {0, 100000000};
        nanosleep(&wait, NULL);
        (void)waitpid(-1, NULL, WNOHANG);
    }
    assay_server_stop(server);
    return status;
}

const struct cli_command cli_serve = {
    .room = "serve",
    .verb = "",
    .arguments = "DIR",
    .summary = "Show a folder of cases in a browser, weigh them anew, run them",
    .text =
        "Serves the cases in DIR (each a folder with case.yaml; or DIR itself) to a browser on\n"
        "this machine, and to no other. Prints the address to open: it holds a token, new at\n"
        "every start, without which nothing is shown or changed. What happened is kept in\n"
        "DIR/.assay.db. No file outside DIR is read or written, and none is written over.\n",
    .least = 1,
    .most = 1,
    .options = {{"port", "N", "port on 127.0.0.1 (default: one that is free)"},
                {"open", NULL, "open the page, where there is a desktop"},
                {"most-upload", "N",
                 "MiB of the largest file that may be dropped in (default 256)"}},
    .run = serve,
};
