/* SPDX-License-Identifier: Apache-2.0 */
#include "server/respond.h"

#include <stdlib.h>
#include <string.h>

static enum MHD_Result respond(struct MHD_Connection *connection, unsigned status,
                               struct MHD_Response *response, const char *type, const char *policy)
{
    if (!response)
        return MHD_NO;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    MHD_add_response_header(response, "Content-Security-Policy", policy);
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
    MHD_add_response_header(response, "Cross-Origin-Resource-Policy", "same-origin");
    MHD_add_response_header(response, "Cross-Origin-Opener-Policy", "same-origin");
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

enum MHD_Result respond_page(struct MHD_Connection *connection, const char *page, size_t size,
                             const char *policy)
{
    char *copy = malloc(size);
    if (!copy)
        return MHD_NO;
    memcpy(copy, page, size);
    return respond(connection, MHD_HTTP_OK,
                   MHD_create_response_from_buffer(size, copy, MHD_RESPMEM_MUST_FREE),
                   "text/html; charset=utf-8", policy);
}

enum MHD_Result respond_json(struct MHD_Connection *connection, unsigned status, json_t *object)
{
    char *text = object ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(15)) : NULL;
    json_decref(object);
    if (!text)
        return MHD_NO;
    return respond(connection, status,
                   MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE),
                   "application/json", "default-src 'none'; frame-ancestors 'none'");
}

enum MHD_Result respond_error(struct MHD_Connection *connection, unsigned status,
                              const char *message)
{
    return respond_json(connection, status, json_pack("{s:s}", "error", message));
}
