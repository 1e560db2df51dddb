/* SPDX-License-Identifier: Apache-2.0 */
/* Start and stop: folder, store, token, jobs, then the listener on 127.0.0.1. */
#include "server/routes.h"

#include <assay/report.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct assay_server_settings assay_server_settings_default(void)
{
    return (struct assay_server_settings){
        .most_upload = (uint64_t)256 << 20, .seed = 1, .folder = ".", .data_folder = "data"};
}

uint16_t assay_server_port(const struct assay_server *server)
{
    return server->port;
}

const char *assay_server_token(const struct assay_server *server)
{
    return server->token;
}

void assay_server_stop(struct assay_server *server)
{
    if (!server)
        return;
    if (server->daemon)
        MHD_stop_daemon(server->daemon);
    jobs_free(server->jobs);
    store_close(server->store);
    folder_close(&server->folder);
    free(server->page);
    pthread_mutex_destroy(&server->lock);
    pthread_mutex_destroy(&server->adding);
    free(server);
}

/* The page's own policy, which also stands in it, and that no other site may frame it. */
static assay_status prepare_page(struct assay_server *s, struct assay_error *error)
{
    static const char before[] = "http-equiv=\"Content-Security-Policy\" content=\"";
    ASSAY_TRY(assay_report_page("null", &s->page, error));
    s->page_size = strlen(s->page);
    const char *from = strstr(s->page, before);
    const char *policy = from ? from + sizeof before - 1 : "default-src 'none'";
    int written = snprintf(s->policy, sizeof s->policy, "%.*s; frame-ancestors 'none'",
                           (int)strcspn(policy, "\""), policy);
    if (!from || written < 0 || (size_t)written >= sizeof s->policy)
        return assay_error_at(error, ASSAY_ERROR_UNSUPPORTED, NULL, 0,
                              "the page that was built in states no policy");
    return ASSAY_OK;
}

static assay_status listen_on_loopback(struct assay_server *s, struct assay_error *error)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(s->settings.port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    s->daemon = MHD_start_daemon(
        MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION,
        s->settings.port, NULL, NULL, routes_handle, s, MHD_OPTION_SOCK_ADDR,
        (struct sockaddr *)&address, MHD_OPTION_NOTIFY_COMPLETED, routes_done, s,
        MHD_OPTION_CONNECTION_LIMIT, 64u, MHD_OPTION_CONNECTION_TIMEOUT, 60u, MHD_OPTION_END);
    const union MHD_DaemonInfo *info =
        s->daemon ? MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_BIND_PORT) : NULL;
    if (!info)
        return assay_error_at(error, ASSAY_ERROR_INPUT, NULL, 0,
                              "cannot listen on 127.0.0.1 port %u: %s", s->settings.port,
                              strerror(errno));
    s->port = info->port;
    return ASSAY_OK;
}

static assay_status open_all(struct assay_server *s, struct assay_error *error)
{
    char path[PATH_MAX];
    ASSAY_TRY(folder_open(s->settings.folder, &s->folder, error));
    int length = snprintf(path, sizeof path, "%s/.assay.db", s->folder.path);
    if (length < 0 || (size_t)length >= sizeof path)
        return assay_error_at(error, ASSAY_ERROR_INPUT, s->folder.path, 0, "the path is too long");
    ASSAY_TRY(store_open(path, &s->store, error));
    ASSAY_TRY(prepare_page(s, error));
    if (!guard_token(s->token))
        return assay_error_at(error, ASSAY_ERROR_IO, NULL, 0, "the system gives no randomness");
    s->jobs = jobs_new(&s->settings, &s->folder, s->store);
    if (!s->jobs)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    return listen_on_loopback(s, error);
}

assay_status assay_server_start(const struct assay_server_settings *settings,
                                struct assay_server **server, struct assay_error *error)
{
    struct assay_server *s = calloc(1, sizeof *s);
    if (!s)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    s->settings = *settings;
    s->folder.descriptor = -1;
    pthread_mutex_init(&s->lock, NULL);
    pthread_mutex_init(&s->adding, NULL);
    assay_status status = open_all(s, error);
    if (status != ASSAY_OK) {
        assay_server_stop(s);
        return status;
    }
    *server = s;
    return ASSAY_OK;
}
