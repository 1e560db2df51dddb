/* SPDX-License-Identifier: Apache-2.0 */
#include "custody/versions.h"

json_t *versions_of(const json_t *report)
{
    json_t *o = json_object(), *methods = json_object();
    const json_t *questions = json_object_get(report, "questions");
    json_object_set(o, "program", json_object_get(report, "version"));
    for (size_t q = 0; q < json_array_size(questions); q++) {
        const json_t *results = json_object_get(json_array_get(questions, q), "results");
        for (size_t r = 0; r < json_array_size(results); r++) {
            const json_t *finding = json_object_get(json_array_get(results, r), "finding");
            const char *method = json_string_value(json_object_get(finding, "method"));
            json_t *version = json_object_get(finding, "method_version");
            if (method && json_is_string(version))
                json_object_set(methods, method, version);
        }
    }
    json_object_set_new(o, "methods", methods);
    return o;
}

bool versions_same(const json_t *first, const json_t *second)
{
    json_t *methods = json_object_get(first, "methods"), *version;
    const json_t *others = json_object_get(second, "methods");
    const char *method;
    if (!json_equal(json_object_get(first, "program"), json_object_get(second, "program")))
        return false;
    json_object_foreach(methods, method, version)
    {
        const json_t *other = json_object_get(others, method);
        if (other && !json_equal(version, other))
            return false;
    }
    return true;
}
