/* Threads that write, read and walk one database at a time. Each has keys of its own, and a counter
   that it raises: whatever another one sees of it only grows.

   threads DIRECTORY [own]: the directory is made. Prints `done` if nothing was out of order. With
   `own` the order of keys, byte by byte, is a comparator of this program. */

#include <pthread.h>

#include "show.h"

enum { THREADS = 4, ROUNDS = 1500 };

static leveldb_t* db;

static void check(int holds, const char* what) {
  if (!holds) {
    printf("wrong: %s\n", what);
    exit(1);
  }
}

static int number_of(const char* value, size_t len) {
  char text[16] = "";
  check(len < sizeof text, "a value is a number");
  memcpy(text, value, len);
  return atoi(text);
}

static void write_round(int mine, int round) {
  char *err = NULL, value[16], counter[16], other[16];
  leveldb_writeoptions_t* writes = leveldb_writeoptions_create();
  leveldb_writebatch_t* batch = leveldb_writebatch_create();
  int len = snprintf(value, sizeof value, "%d", round);
  int counter_len = snprintf(counter, sizeof counter, "counter%d", mine);
  int other_len = snprintf(other, sizeof other, "other%d", mine);
  leveldb_writeoptions_set_sync(writes, round % 100 == 0);
  leveldb_writebatch_put(batch, counter, (size_t)counter_len, value, (size_t)len);
  leveldb_writebatch_put(batch, other, (size_t)other_len, value, (size_t)len);
  leveldb_write(db, writes, batch, &err);
  check(err == NULL, err);
  leveldb_writebatch_destroy(batch);
  leveldb_writeoptions_destroy(writes);
}

/* A batch is seen whole: under one snapshot both of its values are the same. */
static void read_round(int whose, int* seen) {
  char *err = NULL, key[16];
  size_t len;
  int found[2] = {0, 0};
  const char* names[] = {"counter%d", "other%d"};
  leveldb_readoptions_t* reads = leveldb_readoptions_create();
  const leveldb_snapshot_t* snapshot = leveldb_create_snapshot(db);
  leveldb_readoptions_set_snapshot(reads, snapshot);
  for (int i = 0; i < 2; i++) {
    int key_len = snprintf(key, sizeof key, names[i], whose);
    char* value = leveldb_get(db, reads, key, (size_t)key_len, &len, &err);
    check(err == NULL, err);
    if (value != NULL) {
      found[i] = number_of(value, len);
      leveldb_free(value);
    }
  }
  leveldb_release_snapshot(db, snapshot);
  leveldb_readoptions_destroy(reads);
  check(found[0] == found[1], "both keys of a batch have the value that it gave them");
  check(found[0] >= *seen, "a counter only grows");
  *seen = found[0];
}

static void walk_round(void) {
  int entries = 0;
  leveldb_readoptions_t* reads = leveldb_readoptions_create();
  leveldb_iterator_t* iterator = leveldb_create_iterator(db, reads);
  for (leveldb_iter_seek_to_first(iterator); leveldb_iter_valid(iterator);
       leveldb_iter_next(iterator)) {
    entries++;
  }
  check(entries <= 2 * THREADS, "no key is there twice");
  leveldb_iter_destroy(iterator);
  leveldb_readoptions_destroy(reads);
}

static void* run(void* argument) {
  int mine = *(int*)argument, seen[THREADS] = {0};
  for (int round = 1; round <= ROUNDS; round++) {
    write_round(mine, round);
    for (int whose = 0; whose < THREADS; whose++) {
      read_round(whose, &seen[whose]);
    }
    check(seen[mine] == round, "a thread sees what it wrote");
    if (round % 50 == 0) {
      walk_round();
      leveldb_free(leveldb_property_value(db, "leveldb.stats"));
    }
    if (round % 500 == 0) {
      leveldb_compact_range(db, NULL, 0, NULL, 0);
    }
  }
  return NULL;
}

static int compare(void* state, const char* a, size_t a_len, const char* b, size_t b_len) {
  (void)state;
  size_t len = a_len < b_len ? a_len : b_len;
  int order = len ? memcmp(a, b, len) : 0;
  return order ? order : (a_len > b_len) - (a_len < b_len);
}

static void destroyed(void* state) { (void)state; }

static const char* name_of(void* state) { return state; }

int main(int argc, char** argv) {
  char* err = NULL;
  if (argc != 2 && argc != 3) {
    return 2;
  }
  leveldb_options_t* options = leveldb_options_create();
  leveldb_comparator_t* order = leveldb_comparator_create("order", destroyed, compare, name_of);
  if (argc == 3) {
    leveldb_options_set_comparator(options, order);
  }
  leveldb_options_set_create_if_missing(options, 1);
  leveldb_options_set_write_buffer_size(options, 64 << 10);
  db = leveldb_open(options, argv[1], &err);
  check(err == NULL, err);
  pthread_t threads[THREADS];
  int numbers[THREADS];
  for (int i = 0; i < THREADS; i++) {
    numbers[i] = i;
    pthread_create(&threads[i], NULL, run, &numbers[i]);
  }
  for (int i = 0; i < THREADS; i++) {
    pthread_join(threads[i], NULL);
  }
  leveldb_close(db);
  leveldb_options_destroy(options);
  leveldb_comparator_destroy(order);
  puts("done");
  return 0;
}
