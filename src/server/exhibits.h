/* SPDX-License-Identifier: Apache-2.0 */
/* exhibits: a file of a case's folder made an exhibit of the case. */
#ifndef SERVER_EXHIBITS_H
#define SERVER_EXHIBITS_H

#include "server/folder.h"
#include "server/store.h"

/*
 * `body` is {id, file, source, date, grade} and may have said_by and case_sha256 (of the case.yaml
 * that was shown). A file that came in has the digest that it came with: if it was changed since,
 * it is refused. False: why not is in `message` (1,100 bytes), with the HTTP status.
 */
bool exhibits_add(const struct folder *folder, struct store *store, const char *name,
                  const json_t *body, unsigned *status, char *message);

#endif
