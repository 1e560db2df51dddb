/* SPDX-License-Identifier: Apache-2.0 */
/*
 * instruments: which instruments a case names, and what each found when it last ran. Nothing is
 * computed, and no input is read: a case may name files that take minutes.
 */
#ifndef SERVER_INSTRUMENTS_H
#define SERVER_INSTRUMENTS_H

#include <jansson.h>

/* Sets in `to` what case.yaml names: "instruments": [{question, finding, instrument, input, kept}]
   (`finding` is the id, `kept` says whether it has been run), and "exhibit_files": [name]. Both are
   empty if it cannot be read. */
void instruments_list(int descriptor, json_t *to);

/* The finding that was kept, as it was then; NULL if there is none. json_decref it. */
json_t *instruments_finding(int descriptor, const char *question, const char *finding);

#endif
