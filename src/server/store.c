/* SPDX-License-Identifier: Apache-2.0 */
#include "server/store.h"

#include <sqlite3.h>

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define VERSION 1

struct store {
    sqlite3 *database;
};

static const char schema[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE IF NOT EXISTS run(id INTEGER PRIMARY KEY, name TEXT NOT NULL,"
    " case_sha256 TEXT NOT NULL, began TEXT NOT NULL, ended TEXT, state TEXT NOT NULL,"
    " message TEXT, report_sha256 TEXT);"
    "CREATE INDEX IF NOT EXISTS run_of ON run(name, id);"
    "CREATE TABLE IF NOT EXISTS file(id INTEGER PRIMARY KEY, name TEXT NOT NULL,"
    " file TEXT NOT NULL, sha256 TEXT NOT NULL, bytes INTEGER NOT NULL, came TEXT NOT NULL);"
    "CREATE TABLE IF NOT EXISTS weighing(name TEXT NOT NULL, label TEXT NOT NULL,"
    " settings TEXT NOT NULL, kept TEXT NOT NULL, PRIMARY KEY(name, label));"
    "UPDATE run SET state = 'interrupted', ended = datetime('now') WHERE state = 'running';"
    "PRAGMA user_version = 1;"
    "COMMIT;";

static assay_status refuse(struct store *store, const char *path, struct assay_error *error)
{
    assay_status status =
        assay_error_at(error, ASSAY_ERROR_IO, path, 0, "cannot open the store: %s",
                       store->database ? sqlite3_errmsg(store->database) : "out of memory");
    store_close(store);
    return status;
}

/* The number that a query of one number gives, or -1. */
static int64_t number(struct store *store, const char *query)
{
    sqlite3_stmt *statement = NULL;
    int64_t n = -1;
    if (sqlite3_prepare_v2(store->database, query, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        n = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return n;
}

assay_status store_open(const char *path, struct store **result, struct assay_error *error)
{
    struct store *store = calloc(1, sizeof *store);
    if (!store)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    int flags =
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX | SQLITE_OPEN_NOFOLLOW;
    if (sqlite3_open_v2(path, &store->database, flags, NULL) != SQLITE_OK)
        return refuse(store, path, error);
    sqlite3_busy_timeout(store->database, 5000);
    /* a file from a stranger may hold a schema made to harm */
    sqlite3_db_config(store->database, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(store->database, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    if (sqlite3_exec(store->database, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;", NULL,
                     NULL, NULL) != SQLITE_OK)
        return refuse(store, path, error);
    int64_t version = number(store, "PRAGMA user_version");
    if (version != 0 && version != VERSION) {
        store_close(store);
        return assay_error_at(error, ASSAY_ERROR_UNSUPPORTED, path, 0,
                              "the store is of version %lld, this program knows version %d",
                              (long long)version, VERSION);
    }
    if (sqlite3_exec(store->database, schema, NULL, NULL, NULL) != SQLITE_OK)
        return refuse(store, path, error);
    *result = store;
    return ASSAY_OK;
}

void store_close(struct store *store)
{
    if (store)
        sqlite3_close(store->database);
    free(store);
}

/* Prepares a statement and binds what follows: by `types`, t a text (NULL: null), i an int64_t. */
static sqlite3_stmt *prepare(struct store *store, const char *query, const char *types,
                             va_list values)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(store->database, query, -1, &statement, NULL) != SQLITE_OK)
        return NULL;
    for (int i = 0; types[i]; i++) {
        int status = types[i] == 't'
                         ? sqlite3_bind_text(statement, i + 1, va_arg(values, const char *), -1,
                                             SQLITE_TRANSIENT)
                         : sqlite3_bind_int64(statement, i + 1, va_arg(values, int64_t));
        if (status != SQLITE_OK) {
            sqlite3_finalize(statement);
            return NULL;
        }
    }
    return statement;
}

static bool change(struct store *store, const char *query, const char *types, ...)
{
    va_list values;
    va_start(values, types);
    sqlite3_stmt *statement = prepare(store, query, types, values);
    va_end(values);
    bool done = statement && sqlite3_step(statement) == SQLITE_DONE;
    sqlite3_finalize(statement);
    return done;
}

/* The rows of a query as objects, a key a column. */
static json_t *rows(struct store *store, const char *query, const char *types, ...)
{
    va_list values;
    va_start(values, types);
    sqlite3_stmt *statement = prepare(store, query, types, values);
    va_end(values);
    json_t *list = json_array();
    while (statement && sqlite3_step(statement) == SQLITE_ROW) {
        json_t *row = json_object();
        for (int i = 0; i < sqlite3_column_count(statement); i++) {
            const char *key = sqlite3_column_name(statement, i);
            const char *text = (const char *)sqlite3_column_text(statement, i);
            bool whole = sqlite3_column_type(statement, i) == SQLITE_INTEGER;
            json_object_set_new(row, key,
                                whole  ? json_integer(sqlite3_column_int64(statement, i))
                                : text ? json_string(text)
                                       : json_null());
        }
        json_array_append_new(list, row);
    }
    sqlite3_finalize(statement);
    return list;
}

int64_t store_run_begin(struct store *store, const char *name, const char *case_sha256)
{
    if (!change(store,
                "INSERT INTO run(name, case_sha256, began, state)"
                " VALUES(?, ?, datetime('now'), 'running')",
                "tt", name, case_sha256))
        return -1;
    return sqlite3_last_insert_rowid(store->database);
}

bool store_run_end(struct store *store, int64_t run, const char *state, const char *message,
                   const char *report_sha256)
{
    return change(store,
                  "UPDATE run SET state = ?, message = ?, report_sha256 = ?,"
                  " ended = datetime('now') WHERE id = ?",
                  "ttti", state, message, report_sha256, run);
}

json_t *store_runs(struct store *store, const char *name)
{
    return rows(store,
                "SELECT id, case_sha256, began, ended, state, message, report_sha256 FROM run"
                " WHERE name = ? ORDER BY id DESC LIMIT 20",
                "t", name);
}

bool store_file_came(struct store *store, const char *name, const char *file, const char *sha256,
                     uint64_t bytes)
{
    return change(store,
                  "INSERT INTO file(name, file, sha256, bytes, came)"
                  " VALUES(?, ?, ?, ?, datetime('now'))",
                  "ttti", name, file, sha256, (int64_t)bytes);
}

json_t *store_files(struct store *store, const char *name)
{
    return rows(store, "SELECT file, sha256, bytes, came FROM file WHERE name = ? ORDER BY id", "t",
                name);
}

bool store_weighing_put(struct store *store, const char *name, const char *label,
                        const char *settings)
{
    return change(store,
                  "INSERT OR REPLACE INTO weighing(name, label, settings, kept)"
                  " VALUES(?, ?, ?, datetime('now'))",
                  "ttt", name, label, settings);
}

bool store_weighing_delete(struct store *store, const char *name, const char *label)
{
    return change(store, "DELETE FROM weighing WHERE name = ? AND label = ?", "tt", name, label);
}

json_t *store_weighings(struct store *store, const char *name)
{
    return rows(store, "SELECT label, settings, kept FROM weighing WHERE name = ? ORDER BY label",
                "t", name);
}
