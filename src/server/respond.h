/* SPDX-License-Identifier: Apache-2.0 */
/* respond: answers, each with the headers that keep a browser from doing more than it was asked. */
#ifndef SERVER_RESPOND_H
#define SERVER_RESPOND_H

#include <jansson.h>
#include <microhttpd.h>

/* The page, under its own policy. */
enum MHD_Result respond_page(struct MHD_Connection *connection, const char *page, size_t size,
                             const char *policy);

/* `object` as JSON, and releases it; NULL: the memory was short. */
enum MHD_Result respond_json(struct MHD_Connection *connection, unsigned status, json_t *object);

/* {"error": message} */
enum MHD_Result respond_error(struct MHD_Connection *connection, unsigned status,
                              const char *message);

#endif
