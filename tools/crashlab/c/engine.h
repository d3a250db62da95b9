/* What crashlab asks of an engine. driver.c calls it; each engine has a file that answers. */
#ifndef CRASHLAB_ENGINE_H
#define CRASHLAB_ENGINE_H

#include <stddef.h>

typedef void (*row_fn)(const void *key, size_t key_len, const void *value, size_t value_len);

/* The version of the library that is loaded, for the table. */
const char *engine_version(void);
/* Opens what lies at `path`, makes it if there is nothing. `mode` is one of the engine's own. */
void engine_open(const char *path, const char *mode);
/* One commit: begin, changes, commit. It is durable when engine_commit() returns. */
void engine_begin(void);
void engine_put(const void *key, size_t key_len, const void *value, size_t value_len);
void engine_delete(const void *key, size_t key_len);
void engine_commit(void);
/* Tidies up: flushes, compacts, folds the log in, whatever the engine has. */
void engine_churn(void);
/* All rows in the order of their keys. */
void engine_scan(row_fn each);
/* The value of one key; `each` is not called if there is none. */
void engine_get(const void *key, size_t key_len, row_fn each);
/* The engine's own check of everything. */
void engine_verify(void);
void engine_close(void);
/* What the engine's manual has for a database that does not open. Not every engine has it. */
void engine_repair(const char *path) __attribute__((weak));

/* Tells that this cannot go on, and ends the process. */
void fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

#endif
