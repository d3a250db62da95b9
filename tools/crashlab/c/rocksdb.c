/* rocksdb.c: RocksDB over its C interface. Modes: sync. */
#include <rocksdb/c.h>

#include "engine.h"

static rocksdb_t *db;
static rocksdb_options_t *options;
static rocksdb_writebatch_t *batch;

static void must(char *error) {
    if (error) fail("%s", error);
}

/* Its C interface does not tell: the build reads it from the header for C++. */
const char *engine_version(void) { return ROCKSDB_VERSION; }

void engine_open(const char *path, const char *mode) {
    char *error = NULL;
    (void)mode;
    options = rocksdb_options_create();
    rocksdb_options_set_create_if_missing(options, 1);
    rocksdb_options_set_write_buffer_size(options, 64 << 10);
    rocksdb_options_set_compression(options, rocksdb_no_compression);
    rocksdb_options_set_info_log_level(options, 4);
    rocksdb_options_set_stats_dump_period_sec(options, 0);
    rocksdb_options_set_stats_persist_period_sec(options, 0);
    db = rocksdb_open(options, path, &error);
    must(error);
}

void engine_repair(const char *path) {
    char *error = NULL;
    rocksdb_options_t *usual = rocksdb_options_create();
    rocksdb_repair_db(usual, path, &error);
    must(error);
    rocksdb_options_destroy(usual);
}

void engine_begin(void) { batch = rocksdb_writebatch_create(); }

void engine_put(const void *key, size_t key_len, const void *value, size_t value_len) {
    rocksdb_writebatch_put(batch, key, key_len, value, value_len);
}

void engine_delete(const void *key, size_t key_len) {
    rocksdb_writebatch_delete(batch, key, key_len);
}

void engine_commit(void) {
    char *error = NULL;
    rocksdb_writeoptions_t *sync = rocksdb_writeoptions_create();
    rocksdb_writeoptions_set_sync(sync, 1);
    rocksdb_write(db, sync, batch, &error);
    must(error);
    rocksdb_writeoptions_destroy(sync);
    rocksdb_writebatch_destroy(batch);
}

void engine_churn(void) {
    char *error = NULL;
    rocksdb_flushoptions_t *flush = rocksdb_flushoptions_create();
    rocksdb_flush(db, flush, &error);
    must(error);
    rocksdb_flushoptions_destroy(flush);
    rocksdb_compact_range(db, NULL, 0, NULL, 0);
}

static rocksdb_readoptions_t *checked(void) {
    rocksdb_readoptions_t *read = rocksdb_readoptions_create();
    rocksdb_readoptions_set_verify_checksums(read, 1);
    return read;
}

void engine_scan(row_fn each) {
    char *error = NULL;
    rocksdb_readoptions_t *read = checked();
    rocksdb_iterator_t *iter = rocksdb_create_iterator(db, read);
    for (rocksdb_iter_seek_to_first(iter); rocksdb_iter_valid(iter); rocksdb_iter_next(iter)) {
        size_t key_len, value_len;
        const char *key = rocksdb_iter_key(iter, &key_len);
        const char *value = rocksdb_iter_value(iter, &value_len);
        each(key, key_len, value, value_len);
    }
    rocksdb_iter_get_error(iter, &error);
    must(error);
    rocksdb_iter_destroy(iter);
    rocksdb_readoptions_destroy(read);
}

void engine_get(const void *key, size_t key_len, row_fn each) {
    char *error = NULL;
    size_t len;
    rocksdb_readoptions_t *read = checked();
    char *value = rocksdb_get(db, read, key, key_len, &len, &error);
    must(error);
    if (value) each(key, key_len, value, len);
    rocksdb_free(value);
    rocksdb_readoptions_destroy(read);
}

/* None of its own is in the C interface: the scan has compared every checksum. */
void engine_verify(void) {}

void engine_close(void) {
    rocksdb_close(db);
    rocksdb_options_destroy(options);
}
