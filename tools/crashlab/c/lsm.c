/* lsm.c: this library, over its C interface. Modes: write, mapped, blobs. */
#include <lsm.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"

static lsm_db *db;
static lsm_batch *batch;

static lsm_error *error;

static void must(lsm_status status) {
    if (status == LSM_OK) return;
    fail("%s: %s", lsm_status_name(status), error ? lsm_error_message(error) : "");
}

static lsm_slice slice(const void *data, size_t len) { return (lsm_slice){data, len}; }

const char *engine_version(void) { return lsm_version(); }

void engine_open(const char *path, const char *mode) {
    lsm_options options = LSM_OPTIONS_INIT;
    lsm_keyspace_options keyspace = LSM_KEYSPACE_OPTIONS_INIT;
    keyspace.blob_threshold = strcmp(mode, "blobs") ? LSM_BLOB_NEVER : 256;
    options.default_keyspace = &keyspace;
    options.durability = LSM_DURABLE;
    options.memory_limit = 16 << 20;
    options.memtable_bytes = 8 << 10;
    options.wal_segment_bytes_max = 4 << 10;
    options.wal_mode = strcmp(mode, "mapped") ? LSM_WAL_WRITE : LSM_WAL_MAPPED;
    must(lsm_open(path, &options, &db, &error));
}

void engine_begin(void) {
    must(lsm_batch_new(&batch, &error));
}

void engine_put(const void *key, size_t key_len, const void *value, size_t value_len) {
    must(lsm_batch_put(batch, db, slice(key, key_len), slice(value, value_len), &error));
}

void engine_delete(const void *key, size_t key_len) {
    must(lsm_batch_delete(batch, db, slice(key, key_len), &error));
}

void engine_commit(void) {
    lsm_write_options options = LSM_WRITE_OPTIONS_INIT;
    options.durability = LSM_DURABLE;
    must(lsm_write(db, &options, batch, NULL, &error));
    lsm_batch_free(batch);
    batch = NULL;
}

void engine_churn(void) {
    must(lsm_flush(db, &error));
    must(lsm_compact(db, slice(NULL, 0), slice(NULL, 0), &error));
}

void engine_scan(row_fn each) {
    lsm_iter *iter = NULL;
    lsm_slice key, value;
    lsm_status status;
    must(lsm_iter_new(db, NULL, &iter, &error));
    while ((status = lsm_iter_next(iter, &key, &value, &error)) == LSM_OK)
        each(key.data, key.size, value.data, value.size);
    if (status != LSM_END) must(status);
    lsm_iter_free(iter);
}

void engine_get(const void *key, size_t key_len, row_fn each) {
    lsm_value value;
    lsm_status status = lsm_get(db, NULL, slice(key, key_len), &value, &error);
    if (status == LSM_NOT_FOUND) return;
    must(status);
    each(key, key_len, value.data, value.size);
    lsm_value_free(&value);
}

void engine_verify(void) {
    must(lsm_verify(db, &error));
}

void engine_close(void) {
    must(lsm_close(db, &error));
    db = NULL;
}
