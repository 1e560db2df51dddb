/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: a stranger's report.json as `case diff` takes it; one report is like itself. */
#include "base/json.h"
#include "custody/json_difference.h"
#include "custody/outline.h"
#include "custody/versions.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *report;
    struct assay_error error;
    struct json_differences found;
    if (json_parse("fuzz", data, size, &report, &error) != ASSAY_OK)
        return 0;
    json_t *names = outline_same_exhibits(report, report);
    json_t *versions = versions_of(report);
    json_t *first = outline_of(report, NULL), *second = outline_of(report, names);
    /* a report that does not say its version is not known to be of the same */
    if (json_object_get(versions, "program") && !versions_same(versions, versions))
        abort();
    if (json_differences_find(first, first, &found, &error) == ASSAY_OK) {
        if (found.count != 0)
            abort();
        json_differences_free(&found);
    }
    if (json_differences_find(first, second, &found, &error) == ASSAY_OK)
        json_differences_free(&found);
    json_decref(first);
    json_decref(second);
    json_decref(names);
    json_decref(versions);
    json_decref(report);
    return 0;
}
