/* What LevelDB forbids, and this library bears: NULL wherever a pointer is taken, lengths that
   nothing has, iterators that stand nowhere or outlive their database.

   misuse DIRECTORY: the directory is there and empty. Runs with this library only. */

#include "show.h"

static void nothing_at_all(const char* path) {
  char* err = NULL;
  size_t len = 99;
  leveldb_open(NULL, path, &err);
  show_error("open without options", &err);
  leveldb_open(NULL, NULL, &err);
  show_error("open nothing", &err);
  leveldb_open(NULL, path, NULL);
  leveldb_put(NULL, NULL, NULL, 0, NULL, 0, &err);
  show_error("put", &err);
  leveldb_put(NULL, NULL, "k", 1, "v", 1, NULL);
  leveldb_delete(NULL, NULL, NULL, 0, &err);
  show_error("delete", &err);
  leveldb_write(NULL, NULL, NULL, &err);
  show_error("write", &err);
  leveldb_get(NULL, NULL, NULL, 0, &len, &err);
  printf("%zu\n", len);
  show_error("get", &err);
  leveldb_get(NULL, NULL, NULL, 0, NULL, NULL);
  leveldb_create_iterator(NULL, NULL);
  leveldb_create_snapshot(NULL);
  leveldb_release_snapshot(NULL, NULL);
  leveldb_property_value(NULL, NULL);
  leveldb_approximate_sizes(NULL, 3, NULL, NULL, NULL, NULL, NULL);
  leveldb_approximate_sizes(NULL, -1, NULL, NULL, NULL, NULL, NULL);
  leveldb_compact_range(NULL, NULL, 0, NULL, 0);
  leveldb_destroy_db(NULL, NULL, &err);
  show_error("destroy nothing", &err);
  leveldb_repair_db(NULL, NULL, &err);
  show_error("repair nothing", &err);
  leveldb_close(NULL);
}

static void no_objects(void) {
  char* err = NULL;
  leveldb_iter_destroy(NULL);
  leveldb_iter_valid(NULL);
  leveldb_iter_seek_to_first(NULL);
  leveldb_iter_seek_to_last(NULL);
  leveldb_iter_seek(NULL, NULL, 3);
  leveldb_iter_next(NULL);
  leveldb_iter_prev(NULL);
  leveldb_iter_key(NULL, NULL);
  leveldb_iter_value(NULL, NULL);
  leveldb_iter_get_error(NULL, &err);
  show_error("iterator", &err);
  leveldb_writebatch_clear(NULL);
  leveldb_writebatch_put(NULL, NULL, 0, NULL, 0);
  leveldb_writebatch_delete(NULL, NULL, 0);
  leveldb_writebatch_iterate(NULL, NULL, NULL, NULL);
  leveldb_writebatch_append(NULL, NULL);
  leveldb_options_set_comparator(NULL, NULL);
  leveldb_options_set_filter_policy(NULL, NULL);
  leveldb_options_set_create_if_missing(NULL, 1);
  leveldb_options_set_error_if_exists(NULL, 1);
  leveldb_options_set_paranoid_checks(NULL, 1);
  leveldb_options_set_env(NULL, NULL);
  leveldb_options_set_info_log(NULL, NULL);
  leveldb_options_set_write_buffer_size(NULL, 1);
  leveldb_options_set_max_open_files(NULL, 1);
  leveldb_options_set_cache(NULL, NULL);
  leveldb_options_set_block_size(NULL, 1);
  leveldb_options_set_block_restart_interval(NULL, 1);
  leveldb_options_set_max_file_size(NULL, 1);
  leveldb_options_set_compression(NULL, 1);
  leveldb_readoptions_set_verify_checksums(NULL, 1);
  leveldb_readoptions_set_fill_cache(NULL, 1);
  leveldb_readoptions_set_snapshot(NULL, NULL);
  leveldb_writeoptions_set_sync(NULL, 1);
  leveldb_cache_destroy(NULL);
  leveldb_env_destroy(NULL);
  leveldb_free(leveldb_env_get_test_directory(NULL));
  leveldb_comparator_destroy(leveldb_comparator_create(NULL, NULL, NULL, NULL));
  leveldb_filterpolicy_destroy(leveldb_filterpolicy_create(NULL, NULL, NULL, NULL, NULL));
}

static void absurd_lengths(leveldb_t* db) {
  char* err = NULL;
  size_t len;
  leveldb_put(db, NULL, "k", SIZE_MAX, "v", 1, &err);
  show_error("put of a key without end", &err);
  leveldb_put(db, NULL, "k", 1, "v", SIZE_MAX - 7, &err);
  show_error("put of a value without end", &err);
  leveldb_get(db, NULL, "k", SIZE_MAX / 2 + 1, &len, &err);
  show_error("get of a key without end", &err);
  leveldb_writebatch_t* batch = leveldb_writebatch_create();
  leveldb_writebatch_put(batch, "a", 1, "1", 1);
  leveldb_writebatch_put(batch, "b", SIZE_MAX, "1", 1);
  leveldb_writebatch_put(batch, "c", 1, "1", 1);
  leveldb_write(db, NULL, batch, &err);
  show_error("write of them", &err);
  show_get(db, NULL, "a", 1);
  leveldb_writebatch_destroy(batch);
  leveldb_iterator_t* iterator = leveldb_create_iterator(db, NULL);
  leveldb_iter_seek(iterator, "k", SIZE_MAX);
  show_entry("seek of a key without end", iterator);
  leveldb_iter_destroy(iterator);
  char* large = calloc(1, 1 << 20);
  leveldb_put(db, NULL, large, 65535, "longest", 7, &err);
  show_error("put of the longest key", &err);
  leveldb_put(db, NULL, large, 65536, "longer", 6, &err);
  show_error("put of a longer key", &err);
  show_get(db, NULL, large, 65535);
  show_get(db, NULL, large, 65536);
  free(large);
}

static void strange_options(const char* path) {
  char* err = NULL;
  size_t numbers[] = {0, 1, SIZE_MAX};
  for (int i = 0; i < 3; i++) {
    leveldb_options_t* options = leveldb_options_create();
    leveldb_cache_t* cache = leveldb_cache_create_lru(numbers[i]);
    leveldb_options_set_create_if_missing(options, 1);
    leveldb_options_set_cache(options, cache);
    leveldb_options_set_block_size(options, numbers[i]);
    leveldb_options_set_max_file_size(options, numbers[i]);
    leveldb_options_set_write_buffer_size(options, numbers[i]);
    leveldb_options_set_compression(options, (int)numbers[i]);
    leveldb_options_set_max_open_files(options, -1);
    leveldb_t* db = leveldb_open(options, path, &err);
    show_error("open", &err);
    leveldb_put(db, NULL, "k", 1, "v", 1, &err);
    show_error("put", &err);
    show_get(db, NULL, "k", 1);
    leveldb_close(db);
    leveldb_destroy_db(options, path, &err);
    show_error("destroy", &err);
    leveldb_options_destroy(options);
    leveldb_cache_destroy(cache);
  }
}

int main(int argc, char** argv) {
  char* err = NULL;
  char path[4096];
  if (argc != 2) {
    return 2;
  }
  snprintf(path, sizeof path, "%s/missing", argv[1]);
  nothing_at_all(path);
  no_objects();
  snprintf(path, sizeof path, "%s/strange", argv[1]);
  strange_options(path);
  leveldb_options_t* options = leveldb_options_create();
  leveldb_options_set_create_if_missing(options, 1);
  leveldb_t* db = leveldb_open(options, path, &err);
  leveldb_options_destroy(options);
  absurd_lengths(db);

  leveldb_put(db, NULL, "k", 1, "v", 1, &err);
  show_error("put without options", &err);
  leveldb_iterator_t* iterator = leveldb_create_iterator(db, NULL);
  leveldb_iter_next(iterator);
  leveldb_iter_prev(iterator);
  show_entry("moved from nowhere", iterator);
  leveldb_iter_seek_to_last(iterator);
  const leveldb_snapshot_t* snapshot = leveldb_create_snapshot(db);
  leveldb_close(db);
  show_entry("of a closed database", iterator);
  leveldb_iter_next(iterator);
  leveldb_release_snapshot(NULL, snapshot);
  leveldb_iter_destroy(iterator);
  return 0;
}
