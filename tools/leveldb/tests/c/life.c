/* What becomes of a database beside other processes and after the death of this one.

   life DIRECTORY hold   opens it, says so, and waits for the end of its input
   life DIRECTORY die    opens it, writes, and ends without closing it
   life DIRECTORY fill   opens it, writes, compacts it and closes it
   life DIRECTORY show   opens it and prints the pairs
   life DIRECTORY each   opens, repairs and destroys it, one after the other */

#include <unistd.h>

#include "show.h"

static leveldb_options_t* options;

static leveldb_t* open_it(const char* name) {
  char* err = NULL;
  leveldb_t* db = leveldb_open(options, name, &err);
  show_error("open", &err);
  return db;
}

static void fill(leveldb_t* db) {
  char* err = NULL;
  char key[32];
  leveldb_writeoptions_t* writes = leveldb_writeoptions_create();
  for (int i = 0; i < 3000; i++) {
    int len = snprintf(key, sizeof key, "key%05d", i * 7 % 3000);
    leveldb_put(db, writes, key, (size_t)len, key, (size_t)len, &err);
    if (err != NULL) {
      show_error("put", &err);
    }
  }
  leveldb_writeoptions_destroy(writes);
}

static void show(leveldb_t* db) {
  leveldb_readoptions_t* reads = leveldb_readoptions_create();
  leveldb_iterator_t* iterator = leveldb_create_iterator(db, reads);
  for (leveldb_iter_seek_to_first(iterator); leveldb_iter_valid(iterator);
       leveldb_iter_next(iterator)) {
    show_entry("pair", iterator);
  }
  show_entry("end", iterator);
  leveldb_iter_destroy(iterator);
  leveldb_readoptions_destroy(reads);
  leveldb_close(db);
}

static void each(const char* name) {
  char* err = NULL;
  leveldb_t* db = open_it(name);
  if (db != NULL) {
    leveldb_close(db);
  }
  leveldb_repair_db(options, name, &err);
  show_error("repair", &err);
  leveldb_destroy_db(options, name, &err);
  show_error("destroy", &err);
}

int main(int argc, char** argv) {
  if (argc != 3) {
    return 2;
  }
  setvbuf(stdout, NULL, _IOLBF, 0);
  options = leveldb_options_create();
  leveldb_options_set_create_if_missing(options, 1);
  if (strcmp(argv[2], "each") == 0) {
    each(argv[1]);
    leveldb_options_destroy(options);
    return 0;
  }
  leveldb_t* db = open_it(argv[1]);
  if (db == NULL) {
    return 1;
  }
  if (strcmp(argv[2], "hold") == 0) {
    while (getchar() != EOF) {
    }
    leveldb_close(db);
  } else if (strcmp(argv[2], "die") == 0) {
    fill(db);
    _exit(0);
  } else if (strcmp(argv[2], "fill") == 0) {
    fill(db);
    leveldb_compact_range(db, NULL, 0, NULL, 0);
    leveldb_close(db);
  } else {
    show(db);
  }
  leveldb_options_destroy(options);
  return 0;
}
