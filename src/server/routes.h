/* SPDX-License-Identifier: Apache-2.0 */
/* routes: what is asked, and who answers. docs/page.md lists the requests. */
#ifndef SERVER_ROUTES_H
#define SERVER_ROUTES_H

#include "server/guard.h"
#include "server/job.h"

#include <microhttpd.h>
#include <pthread.h>

struct assay_server {
    struct assay_server_settings settings;
    struct folder folder;
    struct store *store;
    struct jobs *jobs;
    struct MHD_Daemon *daemon;
    uint16_t port;
    char token[TOKEN_DIGITS + 1];
    char *page; /* without a report in it */
    size_t page_size;
    char policy[512];
    /* A connection has a thread, and one request is answered at a time, under `lock`; but for an
       exhibit that is added, whose files may take long to read: `adding`, one after another. */
    pthread_mutex_t lock, adding;
};

/* For MHD_start_daemon; `server` is a struct assay_server. */
enum MHD_Result routes_handle(void *server, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *data_size, void **request);
void routes_done(void *server, struct MHD_Connection *connection, void **request,
                 enum MHD_RequestTerminationCode how);

#endif
