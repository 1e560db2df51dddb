/* SPDX-License-Identifier: Apache-2.0 */
#include "lineage/finding_files.h"

static assay_status take(struct assay_yaml *node, const char *from, struct assay_arena *arena,
                         struct finding_files *files, struct assay_error *error)
{
    const char *name;
    ASSAY_TRY(assay_yaml_text(node, &name, error));
    files->paths[files->count] = assay_path_beside(arena, from, name);
    return files->paths[files->count++]
               ? ASSAY_OK
               : assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

static assay_status read_paths(const char *path, bool with_base, struct assay_arena *arena,
                               struct finding_files *files, struct assay_error *error)
{
    static const char *const keys[] = {"first", "second"};
    struct assay_yaml *root, *node;
    ASSAY_TRY(assay_yaml_read(path, arena, &root, error));
    *files = (struct finding_files){.paths = {path}, .count = 1};
    for (int i = 0; i < 2; i++) {
        ASSAY_TRY(assay_yaml_need(root, keys[i], &node, error));
        ASSAY_TRY(take(node, path, arena, files, error));
    }
    node = with_base ? assay_yaml_get(root, "base") : NULL;
    if (node)
        ASSAY_TRY(take(node, path, arena, files, error));
    return assay_yaml_finish(root, error);
}

assay_status finding_files_start(const char *path, bool with_base, struct assay_finding *finding,
                                 struct finding_writer *writer, struct finding_files *files,
                                 struct assay_error *error)
{
    *finding = (struct assay_finding){.arena = assay_arena_new()};
    if (!finding->arena)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    *writer = (struct finding_writer){finding, finding->arena, false};
    assay_status status = read_paths(path, with_base, finding->arena, files, error);
    if (status != ASSAY_OK)
        assay_finding_free(finding);
    return status;
}

assay_status finding_files_digest(struct finding_writer *w, const struct finding_files *files,
                                  struct assay_error *error)
{
    struct assay_exhibit *list = finding_room(w, files->count, sizeof *list);
    if (!list)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    for (size_t i = 0; i < files->count; i++) {
        list[i].path = finding_keep(w, files->paths[i]);
        ASSAY_TRY(assay_sha256_file(files->paths[i], list[i].sha256, error));
    }
    w->finding->exhibits = list;
    w->finding->exhibit_count = files->count;
    return ASSAY_OK;
}
