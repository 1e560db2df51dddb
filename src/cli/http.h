/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http: requests to a server that speaks OpenAI's interface. In: an endpoint, JSON. Out: JSON. What
 * can go wrong: a server that is busy or gone (asked again after 1, 2, 4 ... 60 seconds, or when it
 * says), one that refuses (its message is the error), an interrupt. The key is read from
 * ASSAY_API_KEY or OPENAI_API_KEY, goes nowhere but into the header, and no redirect is followed.
 */
#ifndef CLI_HTTP_H
#define CLI_HTTP_H

#include "cli/cli.h"

struct http;

/* `verb` ("chat/completions") is added to `endpoint` unless it ends so. Close with http_close. */
assay_status http_open(struct cli_call *call, const char *endpoint, const char *verb, int64_t tries,
                       struct http **http);
void http_close(struct http *http); /* NULL is accepted */

/* Posts `request` until it is answered; `kept` is how much a message says is on disk. */
assay_status http_ask(struct http *http, const json_t *request, size_t kept, json_t **response);

/* Sleeps unless interrupted; false if it was. */
bool http_wait(double seconds);

#endif
