/* SPDX-License-Identifier: Apache-2.0 */
/* Output: one JSON object, or text; a failed write is an error like any other. */
#include "cli/cli.h"

#include "base/escape.h"
#include "base/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

assay_status cli_finish_output(struct cli_call *call)
{
    if (fflush(stdout) != 0 || ferror(stdout))
        return assay_error_at(&call->error, ASSAY_ERROR_IO, NULL, 0, "cannot write the output: %s",
                              strerror(errno));
    return ASSAY_OK;
}

int cli_say(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    int printed = escape_vprint(stdout, format, list);
    va_end(list);
    return printed;
}

assay_status cli_print_json(struct cli_call *call, json_t *object)
{
    char *text = object ? json_print(object) : NULL;
    json_decref(object);
    if (!text)
        return assay_error_at(&call->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    fputs(text, stdout);
    free(text);
    return cli_finish_output(call);
}

bool cli_append_line(FILE *to, json_t *object)
{
    char *line = object ? json_dumps(object, JSON_COMPACT) : NULL;
    json_decref(object);
    bool good = line && fprintf(to, "%s\n", line) > 0 && fflush(to) == 0 && fsync(fileno(to)) == 0;
    free(line);
    return good;
}
