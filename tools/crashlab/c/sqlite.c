/* sqlite.c: SQLite. Modes: wal (synchronous=FULL), rollback (synchronous=EXTRA). */
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine.h"

static sqlite3 *db;
static sqlite3_stmt *put, *delete, *get, *scan;
static int is_wal;

static void must(int code) {
    if (code != SQLITE_OK && code != SQLITE_DONE) fail("%s", sqlite3_errmsg(db));
}

static void run(const char *text) { must(sqlite3_exec(db, text, NULL, NULL, NULL)); }

const char *engine_version(void) { return sqlite3_libversion(); }

/* A directory of its own, as the other engines have; its name is the program's duty. */
static void make_folder(const char *path) {
    if (mkdir(path, 0700)) return;
    int parent = open(".", O_RDONLY | O_DIRECTORY);
    if (parent < 0 || fsync(parent)) fail("the parent directory cannot be synced");
    close(parent);
}

void engine_open(const char *path, const char *mode) {
    char file[200];
    is_wal = !strcmp(mode, "wal");
    make_folder(path);
    snprintf(file, sizeof file, "%s/data.sqlite", path);
    must(sqlite3_open(file, &db));
    run(is_wal ? "PRAGMA journal_mode=WAL" : "PRAGMA journal_mode=DELETE");
    run(is_wal ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=EXTRA");
    run("PRAGMA wal_autocheckpoint=20");
    run("CREATE TABLE IF NOT EXISTS t(k BLOB PRIMARY KEY, v BLOB) WITHOUT ROWID");
    must(sqlite3_prepare_v2(db, "INSERT OR REPLACE INTO t VALUES(?,?)", -1, &put, NULL));
    must(sqlite3_prepare_v2(db, "DELETE FROM t WHERE k=?", -1, &delete, NULL));
    must(sqlite3_prepare_v2(db, "SELECT k,v FROM t WHERE k=?", -1, &get, NULL));
    must(sqlite3_prepare_v2(db, "SELECT k,v FROM t ORDER BY k", -1, &scan, NULL));
}

void engine_begin(void) { run("BEGIN IMMEDIATE"); }

static void step(sqlite3_stmt *statement) {
    must(sqlite3_step(statement));
    must(sqlite3_reset(statement));
}

void engine_put(const void *key, size_t key_len, const void *value, size_t value_len) {
    must(sqlite3_bind_blob(put, 1, key, (int)key_len, SQLITE_STATIC));
    must(sqlite3_bind_blob(put, 2, value, (int)value_len, SQLITE_STATIC));
    step(put);
}

void engine_delete(const void *key, size_t key_len) {
    must(sqlite3_bind_blob(delete, 1, key, (int)key_len, SQLITE_STATIC));
    step(delete);
}

void engine_commit(void) { run("COMMIT"); }

void engine_churn(void) {
    if (is_wal) run("PRAGMA wal_checkpoint(TRUNCATE)");
    else run("VACUUM");
}

static void rows(sqlite3_stmt *statement, row_fn each) {
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW)
        each(sqlite3_column_blob(statement, 0), (size_t)sqlite3_column_bytes(statement, 0),
             sqlite3_column_blob(statement, 1), (size_t)sqlite3_column_bytes(statement, 1));
    must(code);
    must(sqlite3_reset(statement));
}

void engine_scan(row_fn each) { rows(scan, each); }

void engine_get(const void *key, size_t key_len, row_fn each) {
    must(sqlite3_bind_blob(get, 1, key, (int)key_len, SQLITE_STATIC));
    rows(get, each);
}

void engine_verify(void) {
    sqlite3_stmt *whole;
    must(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &whole, NULL));
    while (sqlite3_step(whole) == SQLITE_ROW) {
        const char *said = (const char *)sqlite3_column_text(whole, 0);
        if (strcmp(said, "ok")) fail("integrity_check: %s", said);
    }
    must(sqlite3_finalize(whole));
}

void engine_close(void) {
    sqlite3_finalize(put);
    sqlite3_finalize(delete);
    sqlite3_finalize(get);
    sqlite3_finalize(scan);
    must(sqlite3_close(db));
}
