/* lmdb.c: LMDB. Modes: sync. */
#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine.h"

static MDB_env *env;
static MDB_dbi dbi;
static MDB_txn *txn;

static void must(int code) {
    if (code) fail("%s", mdb_strerror(code));
}

const char *engine_version(void) {
    static char text[40];
    int major, minor, patch;
    mdb_version(&major, &minor, &patch);
    snprintf(text, sizeof text, "%d.%d.%d", major, minor, patch);
    return text;
}

/* LMDB wants the directory to be there: making its name durable is the program's own duty. */
static void make_folder(const char *path) {
    if (mkdir(path, 0700)) return;
    int parent = open(".", O_RDONLY | O_DIRECTORY);
    if (parent < 0 || fsync(parent)) fail("the parent directory cannot be synced");
    close(parent);
}

void engine_open(const char *path, const char *mode) {
    (void)mode;
    make_folder(path);
    must(mdb_env_create(&env));
    must(mdb_env_set_mapsize(env, 16 << 20));
    must(mdb_env_open(env, path, 0, 0600));
    must(mdb_txn_begin(env, NULL, 0, &txn));
    must(mdb_dbi_open(txn, NULL, 0, &dbi));
    must(mdb_txn_commit(txn));
}

void engine_begin(void) { must(mdb_txn_begin(env, NULL, 0, &txn)); }

static MDB_val val(const void *data, size_t len) { return (MDB_val){len, (void *)data}; }

void engine_put(const void *key, size_t key_len, const void *value, size_t value_len) {
    MDB_val k = val(key, key_len), v = val(value, value_len);
    must(mdb_put(txn, dbi, &k, &v, 0));
}

void engine_delete(const void *key, size_t key_len) {
    MDB_val k = val(key, key_len);
    int code = mdb_del(txn, dbi, &k, NULL);
    if (code != MDB_NOTFOUND) must(code);
}

void engine_commit(void) { must(mdb_txn_commit(txn)); }

/* It has nothing to tidy up. */
void engine_churn(void) {}

void engine_scan(row_fn each) {
    MDB_cursor *cursor;
    MDB_val key, value;
    int code;
    must(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn));
    must(mdb_cursor_open(txn, dbi, &cursor));
    while (!(code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)))
        each(key.mv_data, key.mv_size, value.mv_data, value.mv_size);
    if (code != MDB_NOTFOUND) must(code);
    mdb_cursor_close(cursor);
    mdb_txn_abort(txn);
}

void engine_get(const void *key, size_t key_len, row_fn each) {
    MDB_val k = val(key, key_len), value;
    must(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn));
    int code = mdb_get(txn, dbi, &k, &value);
    if (code != MDB_NOTFOUND) {
        must(code);
        each(key, key_len, value.mv_data, value.mv_size);
    }
    mdb_txn_abort(txn);
}

/* What `mdb_copy -c` does: it walks all pages, and fails where some are lost. */
void engine_verify(void) {
    int nowhere = open("/dev/null", O_WRONLY);
    must(mdb_env_copyfd2(env, nowhere, MDB_CP_COMPACT));
    close(nowhere);
}

void engine_close(void) { mdb_env_close(env); }
