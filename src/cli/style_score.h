/* SPDX-License-Identifier: Apache-2.0 */
/*
 * style_score: how probable a served model finds texts that others wrote. In: response sets and a
 * server that speaks OpenAI's completions with `echo` and `logprobs`. Out: lines that
 * `rank --logprobs` reads, each on disk before the next text is sent. What can go wrong: a server
 * that does not echo (said so), and what can go wrong in http.h.
 */
#ifndef CLI_STYLE_SCORE_H
#define CLI_STYLE_SCORE_H

#include "cli/cli.h"

struct style_scoring {
    const char *endpoint, *model, *texts, *out;
    int64_t tries, per_minute; /* per_minute 0: no limit */
};

assay_status style_score(struct cli_call *call, const struct style_scoring *scoring);

#endif
