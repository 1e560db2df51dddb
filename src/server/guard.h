/* SPDX-License-Identifier: Apache-2.0 */
/* guard: what a request must show before anything is done for it. */
#ifndef SERVER_GUARD_H
#define SERVER_GUARD_H

#include <stdbool.h>
#include <stdint.h>

#define TOKEN_DIGITS 64

/* A new token; false if the system gives no randomness. */
bool guard_token(char token[TOKEN_DIGITS + 1]);

/* In a time that does not depend on where they differ. `given` may be NULL. */
bool guard_same_token(const char *token, const char *given);

/*
 * Is `host` (the Host header, may be NULL) this machine's loopback at `port`? A page of another
 * site whose name was made to point here sends that name.
 */
bool guard_host(const char *host, uint16_t port);

/* Is `origin` absent, or this server's own? */
bool guard_origin(const char *origin, uint16_t port);

/* 1 to 64 of A-Z a-z 0-9 . _ -, not led by a point: the name of a case or of a file in it. */
bool guard_name(const char *name);

#endif
