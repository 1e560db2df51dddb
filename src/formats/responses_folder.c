/* SPDX-License-Identifier: Apache-2.0 */
/* A folder of texts as a response set: a file is an answer, its name the prompt's. */
#include "formats/responses_reading.h"

#include "base/utf8.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_text_name(const char *name)
{
    size_t n = strlen(name);
    return name[0] != '.' && ((n > 4 && strcmp(name + n - 4, ".txt") == 0) ||
                              (n > 3 && strcmp(name + n - 3, ".md") == 0));
}

static int text_entry(const struct dirent *entry)
{
    return is_text_name(entry->d_name);
}

static int in_byte_order(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static assay_status read_text(struct responses_reading *w, const char *folder, const char *name,
                              char digests[65])
{
    char path[4096], both[129];
    struct assay_file file;
    struct response_record record = {.known = true};
    size_t size = 0;
    unsigned char *mended = NULL;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    ASSAY_TRY(assay_file_open(path, RESPONSES_MOST_FILE, &file, w->error));
    record.key = (struct response_text){name, strlen(name)};
    record.text = (struct response_text){(const char *)file.bytes, file.size};
    w->mended = utf8_valid_prefix(file.bytes, file.size) < file.size;
    if (w->mended) {
        mended = responses_mend(file.bytes, file.size, &size);
        record.text = (struct response_text){(const char *)mended, size};
    }
    assay_status status = w->mended && !mended ? responses_no_memory(w) : responses_add(w, &record);
    snprintf(both, 65, "%s", digests);
    assay_sha256_bytes(file.bytes, file.size, both + 64);
    assay_sha256_bytes(both, 128, digests);
    free(mended);
    assay_file_close(&file);
    return status;
}

assay_status responses_read_folder(struct responses_reading *w, const char *folder)
{
    struct dirent **names = NULL;
    int n = scandir(folder, &names, text_entry, in_byte_order);
    assay_status status = ASSAY_OK;
    if (n < 0)
        return assay_error_at(w->error, ASSAY_ERROR_IO, folder, 0, "cannot list this folder");
    w->r->format = ASSAY_RESPONSES_TEXTS;
    memset(w->r->sha256, '0', 64);
    for (int i = 0; i < n; i++) {
        if (status == ASSAY_OK)
            status = read_text(w, folder, names[i]->d_name, w->r->sha256);
        free(names[i]);
    }
    free(names);
    if (status == ASSAY_OK && n == 0)
        return assay_error_at(w->error, ASSAY_ERROR_INPUT, folder, 0,
                              "a folder without .txt or .md files is no response set");
    return status;
}
