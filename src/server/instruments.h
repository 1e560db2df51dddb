/* SPDX-License-Identifier: Apache-2.0 */
/*
 * instruments: which instruments a case names, and what each found when it last ran. Nothing is
 * computed, and no input is read: a case may name files that take minutes.
 */
#ifndef SERVER_INSTRUMENTS_H
#define SERVER_INSTRUMENTS_H

#include <jansson.h>

/* [{question, finding, instrument, input, kept}] as case.yaml names them; `finding` is the id,
   `kept` says whether it has been run. Empty if case.yaml cannot be read. */
json_t *instruments_list(int descriptor);

/* The finding that was kept, as it was then; NULL if there is none. json_decref it. */
json_t *instruments_finding(int descriptor, const char *question, const char *finding);

#endif
