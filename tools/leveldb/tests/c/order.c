/* Comparators that do not order keys by their bytes: every call on which that would show must fail.

   order DIRECTORY: the directory is there and empty. Runs with this library only. */

#include "show.h"

static int reversed(void* state, const char* a, size_t a_len, const char* b, size_t b_len) {
  (void)state;
  size_t len = a_len < b_len ? a_len : b_len;
  int order = len ? memcmp(b, a, len) : 0;
  return order ? order : (a_len < b_len) - (a_len > b_len);
}

static int lower(char letter) { return letter >= 'A' && letter <= 'Z' ? letter + 32 : letter; }

/* Letters as they are read aloud: "B" stands behind "a", and is "b". */
static int caseless(void* state, const char* a, size_t a_len, const char* b, size_t b_len) {
  (void)state;
  for (size_t i = 0; i < a_len && i < b_len; i++) {
    int order = lower(a[i]) - lower(b[i]);
    if (order != 0) {
      return order;
    }
  }
  return (a_len > b_len) - (a_len < b_len);
}

static const char* name_of(void* state) { return state; }

static void destroyed(void* state) { printf("%s destroyed\n", (const char*)state); }

static leveldb_writeoptions_t* writes;
static leveldb_readoptions_t* reads;

static void put(leveldb_t* db, const char* key, const char* value) {
  char* err = NULL;
  leveldb_put(db, writes, key, strlen(key), value, strlen(value), &err);
  printf("put %s ", key);
  show_error("", &err);
}

static void seek(leveldb_t* db, const char* key) {
  leveldb_iterator_t* iterator = leveldb_create_iterator(db, reads);
  leveldb_iter_seek(iterator, key, strlen(key));
  printf("seek %s ", key);
  show_entry("", iterator);
  leveldb_iter_destroy(iterator);
}

static void walk(leveldb_t* db) {
  leveldb_iterator_t* iterator = leveldb_create_iterator(db, reads);
  for (leveldb_iter_seek_to_first(iterator); leveldb_iter_valid(iterator);
       leveldb_iter_next(iterator)) {
    show_entry("walk", iterator);
  }
  show_entry("end", iterator);
  leveldb_iter_destroy(iterator);
}

static leveldb_t* open_with(leveldb_options_t* options, leveldb_comparator_t* comparator,
                            const char* path) {
  char* err = NULL;
  leveldb_options_set_comparator(options, comparator);
  leveldb_t* db = leveldb_open(options, path, &err);
  show_error("open", &err);
  return db;
}

static void backwards(leveldb_options_t* options, const char* path) {
  leveldb_comparator_t* back = leveldb_comparator_create("back", destroyed, reversed, name_of);
  leveldb_t* db = open_with(options, back, path);
  put(db, "b", "only one key has no order");
  put(db, "b", "nor has the same key");
  put(db, "a", "2");
  put(db, "c", "2");
  walk(db);
  seek(db, "a");
  seek(db, "c");
  show_get(db, reads, "b", 1);
  show_get(db, reads, "a", 1);
  leveldb_close(db);
  leveldb_comparator_destroy(back);
}

static void without_case(leveldb_options_t* options, const char* path) {
  char* err = NULL;
  leveldb_comparator_t* aloud = leveldb_comparator_create("aloud", destroyed, caseless, name_of);
  leveldb_t* db = open_with(options, aloud, path);
  put(db, "b", "1");
  put(db, "d", "1");
  put(db, "c", "1");
  walk(db);
  /* No call that was made before has compared these two. */
  put(db, "D", "2");
  show_get(db, reads, "C", 1);
  show_get(db, reads, "cc", 2);
  seek(db, "C");
  seek(db, "bb");
  leveldb_delete(db, writes, "B", 1, &err);
  show_error("delete B", &err);
  leveldb_writebatch_t* batch = leveldb_writebatch_create();
  leveldb_writebatch_put(batch, "x", 1, "1", 1);
  leveldb_writebatch_put(batch, "y", 1, "1", 1);
  leveldb_writebatch_put(batch, "X", 1, "2", 1);
  leveldb_write(db, writes, batch, &err);
  show_error("write x y X", &err);
  leveldb_writebatch_clear(batch);
  leveldb_writebatch_put(batch, "y", 1, "1", 1);
  leveldb_writebatch_put(batch, "D", 1, "2", 1);
  leveldb_write(db, writes, batch, &err);
  show_error("write y D", &err);
  leveldb_writebatch_clear(batch);
  leveldb_writebatch_put(batch, "x", 1, "1", 1);
  leveldb_writebatch_put(batch, "x", 1, "2", 1);
  leveldb_write(db, writes, batch, &err);
  show_error("write x x", &err);
  leveldb_writebatch_destroy(batch);
  walk(db);
  leveldb_comparator_destroy(aloud);
  put(db, "e", "its comparator is gone");
  leveldb_close(db);
}

/* The comparator's name is right and its order is another one than when the keys were put. */
static void changed(leveldb_options_t* options, const char* path) {
  leveldb_comparator_t* liar = leveldb_comparator_create("aloud", destroyed, reversed, name_of);
  leveldb_t* db = open_with(options, liar, path);
  walk(db);
  leveldb_close(db);
  leveldb_comparator_destroy(liar);
}

static unsigned char is_open;

static char* make_filter(void* state, const char* const* keys, const size_t* lens, int count,
                         size_t* len) {
  (void)state;
  if (count != 1) {
    abort();
  }
  *len = lens[0];
  char* filter = malloc(lens[0] + 1);
  memcpy(filter, keys[0], lens[0]);
  return filter;
}

static unsigned char matches(void* state, const char* key, size_t key_len, const char* filter,
                             size_t len) {
  (void)state;
  if (key_len != len || memcmp(key, filter, len) != 0) {
    abort();
  }
  return is_open;
}

static void filtered(leveldb_options_t* options, const char* path) {
  leveldb_filterpolicy_t* policy =
      leveldb_filterpolicy_create("sieve", destroyed, make_filter, matches, name_of);
  leveldb_options_set_filter_policy(options, policy);
  leveldb_t* db = open_with(options, NULL, path);
  put(db, "a", "1");
  show_get(db, reads, "a", 1);
  is_open = 1;
  show_get(db, reads, "a", 1);
  show_get(db, reads, "b", 1);
  is_open = 0;
  leveldb_filterpolicy_destroy(policy);
  show_get(db, reads, "a", 1);
  leveldb_close(db);
}

int main(int argc, char** argv) {
  char path[4096];
  if (argc != 2) {
    return 2;
  }
  leveldb_options_t* options = leveldb_options_create();
  writes = leveldb_writeoptions_create();
  reads = leveldb_readoptions_create();
  leveldb_options_set_create_if_missing(options, 1);
  snprintf(path, sizeof path, "%s/back", argv[1]);
  backwards(options, path);
  snprintf(path, sizeof path, "%s/aloud", argv[1]);
  without_case(options, path);
  changed(options, path);
  snprintf(path, sizeof path, "%s/sieve", argv[1]);
  filtered(options, path);
  leveldb_options_destroy(options);
  leveldb_writeoptions_destroy(writes);
  leveldb_readoptions_destroy(reads);
  return 0;
}
