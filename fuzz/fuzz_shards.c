/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: weights in several files, in a folder of their own. Input: a letter, the sizes of
 * an index and of the first part (two bytes each), the index, the first part, and what is left is
 * the second. The letter g: a GGUF file split in two; p: two parts that only their names tell of;
 * else: index.json and the shards "1" and "2".
 */
#include "checkpoint.h"

#include <stdio.h>
#include <unistd.h>

static char folder[] = "/tmp/assay-fuzz-shards-XXXXXX";
static const char *const names[] = {"m.index.json",
                                    "1",
                                    "2",
                                    "m-00001-of-00002.gguf",
                                    "m-00002-of-00002.gguf",
                                    "m-1-of-2.safetensors",
                                    "m-2-of-2.safetensors"};
enum { INDEX, SHARD, SPLIT = 3, PARTS = 5, FILES = 7 };

static const char *path_of(int file)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, names[file]);
    return path;
}

static void put(int file, const uint8_t *bytes, size_t size)
{
    unlink(path_of(file)); /* some file systems write to disk what is truncated */
    FILE *stream = fopen(path_of(file), "wb");
    if (!stream || fwrite(bytes, 1, size, stream) != size || fclose(stream) != 0)
        abort();
}

static void clean(void)
{
    for (int i = 0; i < FILES; i++)
        unlink(path_of(i));
    rmdir(folder);
}

/* At most `size` of what is left. */
static const uint8_t *cut(const uint8_t **data, size_t *left, size_t *size)
{
    const uint8_t *start = *data;
    *size = *size < *left ? *size : *left;
    *data += *size;
    *left -= *size;
    return start;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool made;
    struct assay_checkpoint checkpoint;
    struct assay_error error;
    if (!made) {
        if (!mkdtemp(folder))
            abort();
        atexit(clean);
        made = true;
    }
    if (size < 5)
        return 0;
    int kind = data[0] == 'g' ? SPLIT : data[0] == 'p' ? PARTS : SHARD;
    size_t index = data[1] | (size_t)data[2] << 8, first = data[3] | (size_t)data[4] << 8;
    data += 5;
    size -= 5;
    const uint8_t *map = cut(&data, &size, &index), *part = cut(&data, &size, &first);
    if (kind == SHARD)
        put(INDEX, map, index);
    put(kind, part, first);
    put(kind + 1, data, size);
    const char *path = kind == PARTS ? folder : path_of(kind == SHARD ? INDEX : kind);
    if (assay_checkpoint_open(path, &checkpoint, &error) != ASSAY_OK)
        return 0;
    decode_checkpoint(&checkpoint);
    assay_checkpoint_close(&checkpoint);
    return 0;
}
