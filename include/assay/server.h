/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server: a folder of cases on this machine's loopback address, for one person and a browser.
 * Nothing is served to other machines. Not part of the library: it is linked into the program.
 *
 * What is asked under /api needs the token; what comes from another site (Origin) or under another
 * name (Host: a name that was made to point here) is refused. Nothing outside the folder is read
 * or written, and no link in it is followed. docs/page.md lists the requests.
 */
#ifndef ASSAY_SERVER_H
#define ASSAY_SERVER_H

#include <assay/base.h>

#ifdef __cplusplus
extern "C" {
#endif

struct assay_server_settings {
    const char *folder;      /* of cases, each a folder with case.yaml; or one case itself */
    uint16_t port;           /* default 0: one that is free */
    uint64_t most_upload;    /* bytes of a file dropped in; default 256 MiB */
    const char *data_folder; /* tables of facts for the instruments */
    uint64_t seed;           /* of runs; default 1 */
    int threads;             /* of runs; default 0: all */
};

struct assay_server_settings assay_server_settings_default(void);

struct assay_server;

/*
 * Opens the store (`folder`/.assay.db, made if missing) and answers from now on, on a thread of its
 * own. ASSAY_ERROR_INPUT if `folder` is none or the port is taken; ASSAY_ERROR_IO if the store
 * cannot be opened. The settings' texts must outlive the server.
 */
ASSAY_MUST_USE assay_status assay_server_start(const struct assay_server_settings *settings,
                                               struct assay_server **server,
                                               struct assay_error *error);

uint16_t assay_server_port(const struct assay_server *server);
/* 64 hexadecimal digits from the system's source of randomness, new at every start. */
const char *assay_server_token(const struct assay_server *server);

/* Asks a running job to stop, waits for it, closes the store. Accepts NULL. */
void assay_server_stop(struct assay_server *server);

#ifdef __cplusplus
}
#endif
#endif
