/* What the programs here share: each prints what every call answered, a line at a time, so that two
   libraries can be held against each other. */

#ifndef SHOW_H
#define SHOW_H

#include <leveldb/c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bytes as text, others than letters by their number. */
static inline void show_bytes(const char* bytes, size_t len) {
  printf("%zu:", len);
  for (size_t i = 0; i < len && i < 40; i++) {
    unsigned char byte = (unsigned char)bytes[i];
    if (byte >= ' ' && byte < 127) {
      putchar(byte);
    } else {
      printf("\\%02x", byte);
    }
  }
  if (len > 40) {
    unsigned long hash = 5381;
    for (size_t i = 0; i < len; i++) {
      hash = hash * 33 + (unsigned char)bytes[i];
    }
    printf("..%lx", hash & 0xffffffff);
  }
}

/* The error of a call, which is freed. */
static inline void show_error(const char* call, char** err) {
  printf("%s: %s\n", call, *err ? *err : "ok");
  free(*err);
  *err = NULL;
}

static inline void show_get(leveldb_t* db, const leveldb_readoptions_t* options, const char* key,
                     size_t key_len) {
  char* err = NULL;
  size_t len = 99;
  char* value = leveldb_get(db, options, key, key_len, &len, &err);
  printf("get ");
  show_bytes(key, key_len);
  printf(" -> ");
  if (value != NULL) {
    show_bytes(value, len);
  } else {
    printf("NULL %zu", len);
  }
  putchar('\n');
  if (err != NULL) {
    show_error("get", &err);
  }
  free(value);
}

/* The entry that an iterator stands on. */
static inline void show_entry(const char* move, const leveldb_iterator_t* iterator) {
  char* err = NULL;
  printf("%s -> ", move);
  if (leveldb_iter_valid(iterator)) {
    size_t len;
    const char* key = leveldb_iter_key(iterator, &len);
    show_bytes(key, len);
    printf(" = ");
    const char* value = leveldb_iter_value(iterator, &len);
    show_bytes(value, len);
  } else {
    printf("nowhere");
  }
  putchar('\n');
  leveldb_iter_get_error(iterator, &err);
  if (err != NULL) {
    show_error("iterator", &err);
  }
}

#endif
