/* leveldb.c: LevelDB over its C interface. Modes: sync. */
#include <leveldb/c.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine.h"

static leveldb_t *db;
static leveldb_options_t *options;
static leveldb_writebatch_t *batch;

static void must(char *error) {
    if (error) fail("%s", error);
}

const char *engine_version(void) {
    static char text[40];
    snprintf(text, sizeof text, "%d.%d", leveldb_major_version(), leveldb_minor_version());
    return text;
}

void engine_open(const char *path, const char *mode) {
    char *error = NULL;
    (void)mode;
    options = leveldb_options_create();
    leveldb_options_set_create_if_missing(options, 1);
    leveldb_options_set_write_buffer_size(options, 64 << 10);
    leveldb_options_set_compression(options, leveldb_no_compression);
    db = leveldb_open(options, path, &error);
    must(error);
}

void engine_repair(const char *path) {
    char *error = NULL;
    leveldb_options_t *usual = leveldb_options_create();
    leveldb_repair_db(usual, path, &error);
    must(error);
    leveldb_options_destroy(usual);
}

void engine_begin(void) { batch = leveldb_writebatch_create(); }

void engine_put(const void *key, size_t key_len, const void *value, size_t value_len) {
    leveldb_writebatch_put(batch, key, key_len, value, value_len);
}

void engine_delete(const void *key, size_t key_len) {
    leveldb_writebatch_delete(batch, key, key_len);
}

void engine_commit(void) {
    char *error = NULL;
    leveldb_writeoptions_t *sync = leveldb_writeoptions_create();
    leveldb_writeoptions_set_sync(sync, 1);
    leveldb_write(db, sync, batch, &error);
    must(error);
    leveldb_writeoptions_destroy(sync);
    leveldb_writebatch_destroy(batch);
}

void engine_churn(void) { leveldb_compact_range(db, NULL, 0, NULL, 0); }

static leveldb_readoptions_t *checked(void) {
    leveldb_readoptions_t *read = leveldb_readoptions_create();
    leveldb_readoptions_set_verify_checksums(read, 1);
    return read;
}

void engine_scan(row_fn each) {
    char *error = NULL;
    leveldb_readoptions_t *read = checked();
    leveldb_iterator_t *iter = leveldb_create_iterator(db, read);
    for (leveldb_iter_seek_to_first(iter); leveldb_iter_valid(iter); leveldb_iter_next(iter)) {
        size_t key_len, value_len;
        const char *key = leveldb_iter_key(iter, &key_len);
        const char *value = leveldb_iter_value(iter, &value_len);
        each(key, key_len, value, value_len);
    }
    leveldb_iter_get_error(iter, &error);
    must(error);
    leveldb_iter_destroy(iter);
    leveldb_readoptions_destroy(read);
}

void engine_get(const void *key, size_t key_len, row_fn each) {
    char *error = NULL;
    size_t len;
    leveldb_readoptions_t *read = checked();
    char *value = leveldb_get(db, read, key, key_len, &len, &error);
    must(error);
    if (value) each(key, key_len, value, len);
    leveldb_free(value);
    leveldb_readoptions_destroy(read);
}

/* There is none of its own: the scan has compared every checksum. */
void engine_verify(void) {}

void engine_close(void) {
    leveldb_close(db);
    leveldb_options_destroy(options);
}
