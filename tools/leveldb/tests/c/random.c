/* Thousands of calls, drawn by a seed, and what each answers.

   random DIRECTORY SEED COUNT [own]: the same seed gives the same calls. With `own` the order of
   keys, byte by byte, is a comparator of this program. */

#include "show.h"

enum { ITERATORS = 4, SNAPSHOTS = 4 };

static leveldb_options_t* options;
static leveldb_readoptions_t* reads;
static leveldb_writeoptions_t* writes;
static leveldb_t* db;
static leveldb_iterator_t* iterators[ITERATORS];
static const leveldb_snapshot_t* snapshots[SNAPSHOTS];
static char key[64], value[4096];
static size_t key_len, value_len;

static uint64_t seed;

static unsigned draw(unsigned below) {
  seed ^= seed << 13;
  seed ^= seed >> 7;
  seed ^= seed << 17;
  return (unsigned)((seed >> 11) % below);
}

/* Few keys, so that they meet: some of them prefixes of others, some with any byte. */
static void draw_key(void) {
  if (draw(8) == 0) {
    key_len = draw(4);
    for (size_t i = 0; i < key_len; i++) {
      key[i] = (char)draw(256);
    }
  } else {
    key_len = (size_t)snprintf(key, sizeof key, "k%u", draw(300));
  }
}

static void draw_value(void) {
  value_len = draw(20) == 0 ? draw(sizeof value) : draw(40);
  unsigned first = draw(256);
  for (size_t i = 0; i < value_len; i++) {
    value[i] = (char)(first + i * i);
  }
}

static void open_db(const char* name) {
  char* err = NULL;
  db = leveldb_open(options, name, &err);
  show_error("open", &err);
  if (db == NULL) {
    exit(1);
  }
}

static void write_one(void) {
  char* err = NULL;
  draw_key();
  leveldb_writeoptions_set_sync(writes, draw(50) == 0);
  if (draw(3) == 0) {
    leveldb_delete(db, writes, key, key_len, &err);
  } else {
    draw_value();
    leveldb_put(db, writes, key, key_len, value, value_len, &err);
  }
  show_error("write", &err);
}

static void write_many(void) {
  char* err = NULL;
  leveldb_writebatch_t* batch = leveldb_writebatch_create();
  for (unsigned left = draw(30); left > 0; left--) {
    draw_key();
    if (draw(4) == 0) {
      leveldb_writebatch_delete(batch, key, key_len);
    } else {
      draw_value();
      leveldb_writebatch_put(batch, key, key_len, value, value_len);
    }
  }
  leveldb_write(db, writes, batch, &err);
  show_error("write many", &err);
  leveldb_writebatch_destroy(batch);
}

/* Reads are of the newest, or of a snapshot. */
static void choose_moment(void) { leveldb_readoptions_set_snapshot(reads, snapshots[draw(SNAPSHOTS)]); }

static void read_one(void) {
  draw_key();
  choose_moment();
  show_get(db, reads, key, key_len);
}

static void let_go(unsigned which) {
  if (snapshots[which] != NULL) {
    leveldb_release_snapshot(db, snapshots[which]);
    snapshots[which] = NULL;
  }
}

static void hold(void) {
  unsigned which = draw(SNAPSHOTS);
  int again = snapshots[which] == NULL;
  let_go(which);
  if (again) {
    snapshots[which] = leveldb_create_snapshot(db);
  }
}

static void renew(void) {
  unsigned which = draw(ITERATORS);
  if (iterators[which] != NULL) {
    leveldb_iter_destroy(iterators[which]);
  }
  choose_moment();
  iterators[which] = leveldb_create_iterator(db, reads);
}

static void move(void) {
  leveldb_iterator_t* iterator = iterators[draw(ITERATORS)];
  if (iterator == NULL) {
    return;
  }
  unsigned way = draw(10);
  if (way < 2) {
    draw_key();
    leveldb_iter_seek(iterator, key, key_len);
    show_entry("seek", iterator);
  } else if (way == 2) {
    leveldb_iter_seek_to_first(iterator);
    show_entry("first", iterator);
  } else if (way == 3) {
    leveldb_iter_seek_to_last(iterator);
    show_entry("last", iterator);
  }
  /* LevelDB does not say what a move from nowhere does. */
  for (unsigned steps = draw(8); steps > 0 && leveldb_iter_valid(iterator); steps--) {
    if (draw(2) == 0) {
      leveldb_iter_next(iterator);
      show_entry("next", iterator);
    } else {
      leveldb_iter_prev(iterator);
      show_entry("prev", iterator);
    }
  }
}

static void compact(void) {
  draw_key();
  leveldb_compact_range(db, draw(2) ? key : NULL, key_len, NULL, 0);
}

static void walk_all(void) {
  leveldb_readoptions_set_snapshot(reads, NULL);
  leveldb_iterator_t* iterator = leveldb_create_iterator(db, reads);
  for (leveldb_iter_seek_to_last(iterator); leveldb_iter_valid(iterator);
       leveldb_iter_prev(iterator)) {
    show_entry("all", iterator);
  }
  leveldb_iter_destroy(iterator);
}

static void close_db(void) {
  for (unsigned i = 0; i < ITERATORS; i++) {
    if (iterators[i] != NULL) {
      leveldb_iter_destroy(iterators[i]);
      iterators[i] = NULL;
    }
  }
  for (unsigned i = 0; i < SNAPSHOTS; i++) {
    let_go(i);
  }
  leveldb_close(db);
}

static void one_call(const char* name) {
  unsigned kind = draw(1000);
  if (kind < 350) {
    write_one();
  } else if (kind < 420) {
    write_many();
  } else if (kind < 600) {
    read_one();
  } else if (kind < 900) {
    move();
  } else if (kind < 950) {
    renew();
  } else if (kind < 990) {
    hold();
  } else if (kind < 996) {
    compact();
  } else if (kind < 998) {
    walk_all();
  } else {
    close_db();
    open_db(name);
  }
}

static int by_bytes(void* state, const char* a, size_t a_len, const char* b, size_t b_len) {
  (void)state;
  size_t len = a_len < b_len ? a_len : b_len;
  int order = len ? memcmp(a, b, len) : 0;
  return order ? order : (a_len > b_len) - (a_len < b_len);
}

static void on_destroy(void* state) { (void)state; }

static const char* name_of(void* state) { return state; }

int main(int argc, char** argv) {
  if (argc != 4 && argc != 5) {
    return 2;
  }
  seed = strtoull(argv[2], NULL, 10) * 2654435769u + 1;
  options = leveldb_options_create();
  reads = leveldb_readoptions_create();
  writes = leveldb_writeoptions_create();
  leveldb_options_set_create_if_missing(options, 1);
  leveldb_options_set_write_buffer_size(options, 64 << 10);
  leveldb_comparator_t* own = leveldb_comparator_create("own", on_destroy, by_bytes, name_of);
  if (argc == 5) {
    leveldb_options_set_comparator(options, own);
  }
  open_db(argv[1]);
  for (long left = strtol(argv[3], NULL, 10); left > 0; left--) {
    one_call(argv[1]);
  }
  walk_all();
  close_db();
  leveldb_options_destroy(options);
  leveldb_readoptions_destroy(reads);
  leveldb_writeoptions_destroy(writes);
  leveldb_comparator_destroy(own);
  return 0;
}
