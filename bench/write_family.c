/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes four models of one of the lab's families (src/lab/family.h) as safetensors: base, twin,
 * tuned, stranger. `write_family FOLDER NUMBER` (cases/renamed-copy/make.sh).
 */
#include "lab/export.h"
#include "lab/family.h"

#include <stdio.h>
#include <stdlib.h>

static int fail(const struct assay_error *error)
{
    fprintf(stderr, "write_family: %s\n", error->message);
    return 1;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        enum lab_relative who;
    } files[] = {{"base", LAB_FAMILY_BASE},
                 {"twin", LAB_TWIN},
                 {"tuned", LAB_TUNED},
                 {"stranger", LAB_STRANGER}};
    struct lab_family family;
    struct assay_error error;
    if (argc != 3) {
        fprintf(stderr, "usage: write_family FOLDER NUMBER\n");
        return 2;
    }
    if (lab_family_make(NULL, NULL, (unsigned)strtoul(argv[2], NULL, 10), &family, &error) !=
        ASSAY_OK)
        return fail(&error);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s.safetensors", argv[1], files[i].name);
        if (lab_write_tensors(&family.models[files[i].who], path, NULL, 0, &error) != ASSAY_OK)
            return fail(&error);
    }
    lab_family_free(&family);
    return 0;
}
