/* Calls every function of the interface, and prints what each answers.

   tour DIRECTORY: the directory is there and empty; databases are made in it. */

#include "show.h"

static char place[4096];

/* A path in the directory. */
static const char* in(const char* directory, const char* name) {
  snprintf(place, sizeof place, "%s/%s", directory, name);
  return place;
}

/* -- callbacks */

static void on_put(void* state, const char* key, size_t key_len, const char* value,
                   size_t value_len) {
  printf("%s put ", (const char*)state);
  show_bytes(key, key_len);
  printf(" = ");
  show_bytes(value, value_len);
  putchar('\n');
}

static void on_delete(void* state, const char* key, size_t key_len) {
  printf("%s delete ", (const char*)state);
  show_bytes(key, key_len);
  putchar('\n');
}

static void on_destroy(void* state) { printf("%s destroyed\n", (const char*)state); }

static const char* name_of(void* state) { return state; }

static int by_bytes(void* state, const char* a, size_t a_len, const char* b, size_t b_len) {
  (void)state;
  size_t len = a_len < b_len ? a_len : b_len;
  int order = len ? memcmp(a, b, len) : 0;
  return order ? order : (a_len > b_len) - (a_len < b_len);
}

/* A filter is the number of keys and nothing else: it lets every key pass. */
static char* make_filter(void* state, const char* const* keys, const size_t* lens, int count,
                         size_t* len) {
  (void)state, (void)keys, (void)lens;
  char* filter = malloc(sizeof count);
  memcpy(filter, &count, sizeof count);
  *len = sizeof count;
  return filter;
}

static unsigned char passes_filter(void* state, const char* key, size_t key_len,
                                   const char* filter, size_t len) {
  int count = 0;
  (void)state, (void)key, (void)key_len;
  if (len != sizeof count) {
    abort();
  }
  memcpy(&count, filter, len);
  return count > 0;
}

/* -- parts of the tour */

static leveldb_t* open_it(const leveldb_options_t* options, const char* name) {
  char* err = NULL;
  leveldb_t* db = leveldb_open(options, name, &err);
  printf("open -> %s\n", db ? "a database" : "NULL");
  show_error("open", &err);
  return db;
}

static void put(leveldb_t* db, const leveldb_writeoptions_t* options, const char* key,
                const char* value) {
  char* err = NULL;
  leveldb_put(db, options, key, strlen(key), value, strlen(value), &err);
  show_error("put", &err);
}

static void show_all(leveldb_t* db, const leveldb_readoptions_t* options) {
  leveldb_iterator_t* iterator = leveldb_create_iterator(db, options);
  for (leveldb_iter_seek_to_first(iterator); leveldb_iter_valid(iterator);
       leveldb_iter_next(iterator)) {
    show_entry("all", iterator);
  }
  leveldb_iter_destroy(iterator);
}

static void library(void) {
  leveldb_env_t* env = leveldb_create_default_env();
  char* directory = leveldb_env_get_test_directory(env);
  printf("version %d.%d\n", leveldb_major_version(), leveldb_minor_version());
  printf("test directory %s\n", directory);
  leveldb_free(directory);
  leveldb_free(NULL);
  leveldb_env_destroy(env);
}

static void openings(const char* directory, leveldb_options_t* options) {
  char* err = NULL;
  const char* name = in(directory, "openings");
  open_it(options, name);
  leveldb_options_set_error_if_exists(options, 1);
  open_it(options, name);
  leveldb_options_set_create_if_missing(options, 1);
  leveldb_destroy_db(options, name, &err);
  show_error("destroy what was never made", &err);

  leveldb_t* db = open_it(options, name);
  open_it(options, name);
  leveldb_destroy_db(options, name, &err);
  show_error("destroy what is open", &err);
  leveldb_close(db);
  open_it(options, name);

  /* An old error is freed when a new one takes its place, and stays if there is none. */
  err = strdup("an old error");
  leveldb_open(options, name, &err);
  show_error("open over an old error", &err);
  leveldb_options_set_error_if_exists(options, 0);
  err = strdup("an old error");
  db = leveldb_open(options, name, &err);
  leveldb_close(db);
  show_error("open beside an old error", &err);

  open_it(options, in(directory, "no/such/parent"));
  FILE* file = fopen(in(directory, "file"), "w");
  fclose(file);
  open_it(options, place);
  leveldb_destroy_db(options, place, &err);
  show_error("destroy a file", &err);
  leveldb_destroy_db(options, in(directory, "openings"), &err);
  show_error("destroy", &err);
  leveldb_options_set_create_if_missing(options, 0);
  open_it(options, place);
  leveldb_destroy_db(options, place, &err);
  show_error("destroy again", &err);
}

static void pairs(leveldb_t* db, leveldb_readoptions_t* reads, leveldb_writeoptions_t* writes) {
  char* err = NULL;
  show_get(db, reads, "a", 1);
  put(db, writes, "a", "1");
  put(db, writes, "a", "one");
  put(db, writes, "b", "");
  put(db, writes, "", "empty");
  leveldb_writeoptions_set_sync(writes, 1);
  leveldb_put(db, writes, "\0x\xff", 3, "\xff\0", 2, &err);
  show_error("put of binary", &err);
  leveldb_put(db, writes, "c", 1, NULL, 0, &err);
  show_error("put of nothing", &err);
  leveldb_writeoptions_set_sync(writes, 0);
  show_get(db, reads, "a", 1);
  show_get(db, reads, "b", 1);
  show_get(db, reads, "", 0);
  show_get(db, reads, NULL, 0);
  show_get(db, reads, "\0x\xff", 3);
  show_get(db, reads, "\0x", 2);
  show_get(db, reads, "c", 1);
  leveldb_delete(db, writes, "a", 1, &err);
  show_error("delete", &err);
  leveldb_delete(db, writes, "a", 1, &err);
  show_error("delete again", &err);
  show_get(db, reads, "a", 1);
  char* large = malloc(300000);
  memset(large, 'x', 300000);
  leveldb_put(db, writes, "large", 5, large, 300000, &err);
  show_error("put of much", &err);
  leveldb_put(db, writes, large, 5000, "long", 4, &err);
  show_error("put of a long key", &err);
  show_get(db, reads, "large", 5);
  show_get(db, reads, large, 5000);
  free(large);
  show_all(db, reads);
}

static void batches(leveldb_t* db, leveldb_readoptions_t* reads, leveldb_writeoptions_t* writes) {
  char* err = NULL;
  leveldb_writebatch_t* batch = leveldb_writebatch_create();
  leveldb_writebatch_t* other = leveldb_writebatch_create();
  leveldb_write(db, writes, batch, &err);
  show_error("write of nothing", &err);
  leveldb_writebatch_put(batch, "gone", 4, "1", 1);
  leveldb_writebatch_clear(batch);
  leveldb_writebatch_put(batch, "one", 3, "1", 1);
  leveldb_writebatch_put(batch, "two", 3, "", 0);
  leveldb_writebatch_delete(batch, "one", 3);
  leveldb_writebatch_put(other, "one", 3, "again", 5);
  leveldb_writebatch_delete(other, "", 0);
  leveldb_writebatch_append(batch, other);
  leveldb_writebatch_append(batch, batch);
  leveldb_writebatch_iterate(batch, "batch", on_put, on_delete);
  leveldb_writebatch_iterate(other, "other", on_put, on_delete);
  leveldb_write(db, writes, batch, &err);
  show_error("write", &err);
  leveldb_delete(db, writes, "one", 3, &err);
  leveldb_write(db, writes, batch, &err);
  show_error("write again", &err);
  show_get(db, reads, "one", 3);
  show_get(db, reads, "two", 3);
  show_get(db, reads, "gone", 4);
  leveldb_writebatch_destroy(batch);
  leveldb_writebatch_destroy(other);
}

static void iterators(leveldb_t* db, leveldb_readoptions_t* reads, leveldb_writeoptions_t* writes) {
  leveldb_iterator_t* iterator = leveldb_create_iterator(db, reads);
  show_entry("new", iterator);
  put(db, writes, "later", "unseen");
  leveldb_iter_seek_to_first(iterator);
  show_entry("first", iterator);
  leveldb_iter_prev(iterator);
  show_entry("prev of first", iterator);
  leveldb_iter_seek_to_last(iterator);
  show_entry("last", iterator);
  leveldb_iter_next(iterator);
  show_entry("next of last", iterator);
  leveldb_iter_seek(iterator, "b", 1);
  show_entry("seek b", iterator);
  leveldb_iter_next(iterator);
  show_entry("next", iterator);
  leveldb_iter_prev(iterator);
  show_entry("prev", iterator);
  leveldb_iter_prev(iterator);
  show_entry("prev", iterator);
  leveldb_iter_next(iterator);
  show_entry("next", iterator);
  leveldb_iter_seek(iterator, "latep", 5);
  show_entry("seek where it was not yet", iterator);
  leveldb_iter_seek(iterator, "zzz", 3);
  show_entry("seek past all", iterator);
  leveldb_iter_seek(iterator, "", 0);
  show_entry("seek nothing", iterator);
  while (leveldb_iter_valid(iterator)) {
    leveldb_iter_next(iterator);
    show_entry("walk", iterator);
  }
  leveldb_iter_seek_to_last(iterator);
  while (leveldb_iter_valid(iterator)) {
    leveldb_iter_prev(iterator);
    show_entry("walk back", iterator);
  }
  char* err = strdup("an old error");
  leveldb_iter_get_error(iterator, &err);
  show_error("error of an iterator without one", &err);
  leveldb_iter_destroy(iterator);
}

static void snapshots(leveldb_t* db, leveldb_readoptions_t* reads, leveldb_writeoptions_t* writes) {
  const leveldb_snapshot_t* before = leveldb_create_snapshot(db);
  put(db, writes, "one", "changed");
  const leveldb_snapshot_t* between = leveldb_create_snapshot(db);
  put(db, writes, "one", "changed again");
  leveldb_readoptions_set_snapshot(reads, before);
  show_get(db, reads, "one", 3);
  show_all(db, reads);
  leveldb_readoptions_set_snapshot(reads, between);
  show_get(db, reads, "one", 3);
  leveldb_readoptions_set_snapshot(reads, NULL);
  leveldb_release_snapshot(db, before);
  leveldb_release_snapshot(db, between);
  show_get(db, reads, "one", 3);
}

static void properties(leveldb_t* db) {
  const char* names[] = {"leveldb.num-files-at-level0", "leveldb.num-files-at-level6",
                         "leveldb.num-files-at-level7", "leveldb.num-files-at-level",
                         "leveldb.num-files-at-level+1", "leveldb.num-files-at-level01",
                         "leveldb.num-files-at-level1x", "leveldb.stats", "leveldb.sstables",
                         "leveldb.approximate-memory-usage", "leveldb.statsx", "leveldb.",
                         "stats", ""};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    char* text = leveldb_property_value(db, names[i]);
    printf("property %s: %s\n", names[i], text ? "a text" : "NULL");
    leveldb_free(text);
  }
}

static void sizes(leveldb_t* db, leveldb_readoptions_t* reads, leveldb_writeoptions_t* writes) {
  char* err = NULL;
  char key[32], value[200];
  memset(value, 'v', sizeof value);
  for (int i = 0; i < 2000; i++) {
    int len = snprintf(key, sizeof key, "size%06d", i);
    leveldb_put(db, writes, key, (size_t)len, value, sizeof value, &err);
  }
  show_error("many puts", &err);
  leveldb_compact_range(db, "size", 4, "size9", 5);
  leveldb_compact_range(db, NULL, 0, "size001000", 10);
  leveldb_compact_range(db, "size001000", 10, NULL, 0);
  leveldb_compact_range(db, NULL, 0, NULL, 0);
  leveldb_compact_range(db, "z", 1, "a", 1);
  const char* starts[] = {"size000000", "size000500", "t", "size9"};
  const char* limits[] = {"size9", "size001500", "u", "size0"};
  size_t lens[] = {10, 10, 1, 5}, limit_lens[] = {5, 10, 1, 5};
  uint64_t bytes[4] = {99, 99, 99, 99};
  leveldb_approximate_sizes(db, 0, NULL, NULL, NULL, NULL, NULL);
  leveldb_approximate_sizes(db, 4, starts, lens, limits, limit_lens, bytes);
  for (int i = 0; i < 4; i++) {
    printf("size of range %d: %s\n", i, bytes[i] > 1000 ? "much" : bytes[i] > 0 ? "some" : "0");
  }
  show_get(db, reads, "size000000", 10);
  show_get(db, reads, "size001999", 10);
}

static void comparators(const char* directory, leveldb_options_t* options) {
  char* err = NULL;
  const char* name = in(directory, "comparators");
  leveldb_writeoptions_t* writes = leveldb_writeoptions_create();
  leveldb_readoptions_t* reads = leveldb_readoptions_create();
  leveldb_comparator_t* mine = leveldb_comparator_create("mine", on_destroy, by_bytes, name_of);
  leveldb_comparator_t* other = leveldb_comparator_create("other", on_destroy, by_bytes, name_of);
  leveldb_options_set_comparator(options, mine);
  leveldb_t* db = open_it(options, name);
  put(db, writes, "b", "2");
  put(db, writes, "a", "1");
  put(db, writes, "c", "3");
  put(db, writes, "a", "one");
  show_all(db, reads);
  show_get(db, reads, "bb", 2);
  leveldb_delete(db, writes, "b", 1, &err);
  show_error("delete", &err);
  leveldb_iterator_t* iterator = leveldb_create_iterator(db, reads);
  leveldb_iter_seek(iterator, "b", 1);
  show_entry("seek b", iterator);
  leveldb_iter_prev(iterator);
  show_entry("prev", iterator);
  leveldb_iter_destroy(iterator);
  leveldb_close(db);
  leveldb_options_set_comparator(options, other);
  open_it(options, name);
  leveldb_options_t* plain = leveldb_options_create();
  open_it(plain, name);
  leveldb_options_set_comparator(options, mine);
  db = open_it(options, name);
  show_all(db, reads);
  leveldb_close(db);
  leveldb_destroy_db(options, name, &err);
  show_error("destroy", &err);
  db = open_it(options, name);
  leveldb_close(db);

  /* And a database without one. */
  leveldb_options_set_create_if_missing(plain, 1);
  name = in(directory, "plain");
  leveldb_close(open_it(plain, name));
  open_it(options, name);
  leveldb_comparator_destroy(mine);
  leveldb_comparator_destroy(other);
  leveldb_options_destroy(plain);
  leveldb_readoptions_destroy(reads);
  leveldb_writeoptions_destroy(writes);
}

static void policies(const char* directory, leveldb_options_t* options) {
  char* err = NULL;
  const char* name = in(directory, "policies");
  leveldb_writeoptions_t* writes = leveldb_writeoptions_create();
  leveldb_readoptions_t* reads = leveldb_readoptions_create();
  leveldb_filterpolicy_t* bloom = leveldb_filterpolicy_create_bloom(10);
  leveldb_filterpolicy_t* own =
      leveldb_filterpolicy_create("policy", on_destroy, make_filter, passes_filter, name_of);
  leveldb_filterpolicy_t* both[] = {bloom, own, NULL};
  for (int i = 0; i < 3; i++) {
    leveldb_options_set_filter_policy(options, both[i]);
    leveldb_t* db = open_it(options, name);
    put(db, writes, "a", "1");
    put(db, writes, "b", "2");
    leveldb_compact_range(db, NULL, 0, NULL, 0);
    show_get(db, reads, "a", 1);
    show_get(db, reads, "b", 1);
    show_get(db, reads, "c", 1);
    leveldb_close(db);
  }
  leveldb_filterpolicy_destroy(bloom);
  leveldb_filterpolicy_destroy(own);
  leveldb_filterpolicy_destroy(leveldb_filterpolicy_create_bloom(-1));
  leveldb_destroy_db(options, name, &err);
  show_error("destroy", &err);
  leveldb_readoptions_destroy(reads);
  leveldb_writeoptions_destroy(writes);
}

static void repairs(const char* directory, leveldb_options_t* options) {
  char* err = NULL;
  const char* name = in(directory, "repairs");
  leveldb_readoptions_t* reads = leveldb_readoptions_create();
  leveldb_options_set_create_if_missing(options, 0);
  leveldb_repair_db(options, name, &err);
  show_error("repair what is not there", &err);
  leveldb_t* db = open_it(options, name);
  leveldb_writeoptions_t* writes = leveldb_writeoptions_create();
  put(db, writes, "kept", "1");
  leveldb_close(db);
  leveldb_repair_db(options, name, &err);
  show_error("repair", &err);
  db = open_it(options, name);
  show_all(db, reads);
  leveldb_close(db);
  leveldb_readoptions_destroy(reads);
  leveldb_writeoptions_destroy(writes);
}

int main(int argc, char** argv) {
  if (argc != 2) {
    return 2;
  }
  setvbuf(stdout, NULL, _IOLBF, 0);
  const char* directory = argv[1];
  leveldb_env_t* env = leveldb_create_default_env();
  leveldb_cache_t* cache = leveldb_cache_create_lru(1 << 20);
  leveldb_options_t* options = leveldb_options_create();
  leveldb_options_set_env(options, env);
  leveldb_options_set_info_log(options, NULL);
  leveldb_options_set_cache(options, cache);
  leveldb_options_set_paranoid_checks(options, 1);
  leveldb_options_set_write_buffer_size(options, 100000);
  leveldb_options_set_max_open_files(options, 100);
  leveldb_options_set_block_size(options, 2048);
  leveldb_options_set_block_restart_interval(options, 8);
  leveldb_options_set_max_file_size(options, 1 << 20);
  leveldb_options_set_compression(options, leveldb_snappy_compression);
  leveldb_readoptions_t* reads = leveldb_readoptions_create();
  leveldb_readoptions_set_verify_checksums(reads, 1);
  leveldb_readoptions_set_fill_cache(reads, 0);
  leveldb_writeoptions_t* writes = leveldb_writeoptions_create();

  library();
  openings(directory, options);
  leveldb_options_set_create_if_missing(options, 1);
  leveldb_t* db = open_it(options, in(directory, "pairs"));
  show_all(db, reads);
  pairs(db, reads, writes);
  batches(db, reads, writes);
  iterators(db, reads, writes);
  snapshots(db, reads, writes);
  properties(db);
  sizes(db, reads, writes);
  leveldb_close(db);
  leveldb_options_set_create_if_missing(options, 0);
  leveldb_options_set_compression(options, leveldb_no_compression);
  leveldb_options_set_block_size(options, 4096);
  db = open_it(options, in(directory, "pairs"));
  show_all(db, reads);
  properties(db);
  leveldb_close(db);
  leveldb_options_set_create_if_missing(options, 1);
  policies(directory, options);
  repairs(directory, options);
  leveldb_options_set_create_if_missing(options, 1);
  comparators(directory, options);

  leveldb_options_destroy(options);
  leveldb_readoptions_destroy(reads);
  leveldb_writeoptions_destroy(writes);
  leveldb_cache_destroy(cache);
  leveldb_env_destroy(env);
  leveldb_options_destroy(NULL);
  leveldb_readoptions_destroy(NULL);
  leveldb_writeoptions_destroy(NULL);
  leveldb_writebatch_destroy(NULL);
  leveldb_comparator_destroy(NULL);
  leveldb_filterpolicy_destroy(NULL);
  return 0;
}
