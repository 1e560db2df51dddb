/* SPDX-License-Identifier: Apache-2.0 */
/* Which file holds a model's vocabulary: its own if it is GGUF, else one in its folder. */
#include <assay/checkpoint.h>

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static bool is_gguf(const char *path)
{
    char magic[4] = "";
    FILE *file = fopen(path, "rb");
    bool found = file && fread(magic, 1, sizeof magic, file) == sizeof magic &&
                 memcmp(magic, "GGUF", sizeof magic) == 0;
    if (file)
        fclose(file);
    return found;
}

bool assay_vocabulary_find(const char *path, char *found, size_t room)
{
    static const char *const beside[] = {"tokenizer.json", "tokenizer.model", "vocab.json"};
    struct stat info;
    bool folder = stat(path, &info) == 0 && S_ISDIR(info.st_mode);
    if (!folder && is_gguf(path)) {
        snprintf(found, room, "%s", path);
        return true;
    }
    const char *slash = strrchr(path, '/');
    int length = folder ? (int)strlen(path) : slash ? (int)(slash + 1 - path) : 0;
    for (size_t i = 0; i < sizeof beside / sizeof beside[0]; i++) {
        snprintf(found, room, "%.*s%s%s", length, path, folder ? "/" : "", beside[i]);
        if (stat(found, &info) == 0 && S_ISREG(info.st_mode))
            return true;
    }
    return false;
}
