/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * lsm.h: an ordered, durable key-value store that programs link.
 *
 * What holds everywhere in this file; a function names only what differs.
 *
 * Names      lsm_<noun>_<verb>; the daily verbs are short: lsm_open, lsm_get, lsm_put, lsm_delete,
 *            lsm_write, lsm_close. Constants are LSM_*. An argument that may be NULL is called
 *            ..._or_null, but for `error`.
 * Status     What can fail returns an lsm_status: LSM_OK is 0, an outcome that is to be expected
 *            (not found, the end) is above 0, an error is below 0. `if (lsm_put(...) < 0)` is the
 *            whole test. Nothing that can fail returns void.
 * Errors     The last argument, `lsm_error **error`, may be NULL. Otherwise it is always written:
 *            NULL unless the status is below 0, else an error for lsm_error_free(). It is never
 *            read, so it need not be initialised. There is no error state elsewhere, neither of the
 *            thread nor of the process.
 * Handles    A handle comes out of ..._open or ..._new through a pointer, which gets NULL when the
 *            call fails, and goes to lsm_close() or ..._free once. Handles look like pointers and
 *            are none: they are looked up. A handle that was closed, closed twice, made up, NULL or
 *            of another kind is answered with LSM_CLOSED or LSM_INVALID_ARGUMENT, from any thread
 *            and at any time; the ..._free functions then do nothing. No function takes over a
 *            handle that it is given.
 * Lifetimes  Whatever comes from a database keeps what it needs: free handles in any order. After
 *            lsm_close() iterators and snapshots answer LSM_CLOSED, and values that were read stay
 *            valid until they are freed. What is answered as `const char *` lives as long as the
 *            handle that it was asked of.
 * Bytes      Keys and values are any bytes with a length: see lsm_bytes() and lsm_str(). Input is
 *            copied before a call returns. Keys are ordered byte by byte, as memcmp() does.
 * Threads    `const T *` may be used by many threads at once; that is every database, snapshot and
 *            error. `T *` is for one thread at a time, whichever: a second one gets LSM_BUSY.
 * Structs    Options begin with their size: initialise them with their _INIT macro. 0 is the usual
 *            choice in every other field.
 * Enums      Integers of a fixed size with constants. What is unknown is LSM_INVALID_ARGUMENT.
 * Memory     Never give memory from here to free(), nor memory of malloc() to here.
 * Fork       A database belongs to the process that opened it. In a forked child each call with it
 *            answers LSM_FORKED, and freeing handles is harmless. Open it anew in the child, once
 *            the parent has closed it.
 * Callbacks  Any thread may call them, at any time until lsm_close() has returned. They must return:
 *            no longjmp(), no exception. In a callback a program may read, iterate and look inside;
 *            a call that writes, or that waits for background work, answers LSM_INVALID_ARGUMENT.
 * Signals    With the usual `wal_mode` the library handles SIGBUS, for addresses of its own alone,
 *            and passes all others on to the handler that was there before.
 */
#ifndef LSM_H
#define LSM_H

/* Generated from lsm-capi/src: change it there, then REWRITE=1 cargo test -p lsm-capi. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32) && !defined(LSM_STATIC)
#  define LSM_API __declspec(dllimport)
#elif defined(__GNUC__)
#  define LSM_API __attribute__((visibility("default")))
#else
#  define LSM_API
#endif

/* The answer must be looked at. */
#if defined(__GNUC__)
#  define LSM_CHECK __attribute__((warn_unused_result))
#else
#  define LSM_CHECK
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- version: which library this is, at compile time and at run time ------------------------- */

// The first part of the version this header belongs to.
#define LSM_VERSION_MAJOR 0

// The second part; before 1.0 it grows with every change of this interface.
#define LSM_VERSION_MINOR 1

// The third part.
#define LSM_VERSION_PATCH 0

// The version of this header as one number, to hold against `lsm_version_number()`.
#define LSM_VERSION_NUMBER (((LSM_VERSION_MAJOR * 1000000) + (LSM_VERSION_MINOR * 1000)) + LSM_VERSION_PATCH)

// The version of the loaded library, such as "0.1.0". Static: never freed.
LSM_API const char *lsm_version(void);

// The version of the loaded library as one number, made as `LSM_VERSION_NUMBER` is.
LSM_API uint32_t lsm_version_number(void);

// What this build can do and how it was made, such as "lsm 0.1.0; release; compression none lz4".
// Static: never freed.
LSM_API const char *lsm_build_info(void);

/* ---- status: what a call answers ------------------------------------------------------------- */

// What a call answers: 0 success, above 0 an expected outcome, below 0 an error.
typedef int32_t lsm_status;

// Success.
#define LSM_OK 0

// No such key, keyspace or backup.
#define LSM_NOT_FOUND 1

// The iteration is over.
#define LSM_END 2

// The caller's buffer is too small; the size needed is reported.
#define LSM_TRUNCATED 3

// Fix the call.
#define LSM_INVALID_ARGUMENT -1

// This platform, medium or build cannot do it.
#define LSM_UNSUPPORTED -2

// The operating system failed.
#define LSM_IO -3

// Free some space, then retry.
#define LSM_NO_SPACE -4

// Stored bytes are wrong: restore or salvage.
#define LSM_CORRUPTION -5

// Somebody else has the database open.
#define LSM_LOCKED -6

// A condition did not hold: read again and retry.
#define LSM_CONFLICT -7

// The deadline passed first.
#define LSM_TIMED_OUT -8

// The database, or what the handle depended on, was closed.
#define LSM_CLOSED -9

// Opened read-only, or turned read-only by an earlier fault.
#define LSM_READ_ONLY -10

// Not a database of ours, or written by a newer version.
#define LSM_FORMAT -11

// A documented limit was exceeded.
#define LSM_TOO_LARGE -12

// A callback refused.
#define LSM_ABORTED -13

// Memory could not be had.
#define LSM_OUT_OF_MEMORY -14

// In use right now: retry later.
#define LSM_BUSY -15

// It is there already.
#define LSM_EXISTS -16

// The handle was inherited through fork(): open the database anew in the child.
#define LSM_FORKED -17

// A bug in this library: please report it.
#define LSM_INTERNAL -99

// The name of a status, such as "LSM_IO"; "LSM_UNKNOWN" for a number that is none. Static: never
// freed.
LSM_API const char *lsm_status_name(lsm_status status);

// True for a status whose call may succeed later, with nothing else changed by the caller:
// LSM_NO_SPACE, LSM_LOCKED, LSM_CONFLICT, LSM_TIMED_OUT, LSM_BUSY. lsm_error_is_retryable() knows
// more of a particular failure.
LSM_API bool lsm_status_is_retryable(lsm_status status);

/* ---- errors: what happened, for programs and for people -------------------------------------- */

// Why a call failed. Any thread may look at it.
typedef struct lsm_error lsm_error;

// The status of the call that failed. LSM_INVALID_ARGUMENT for a NULL and for an error that was
// freed.
LSM_API lsm_status lsm_error_status(const lsm_error *error);

// What happened, in a sentence for people: UTF-8, and it lives as long as the error. Never NULL:
// for a NULL, and for an error that was freed, it says so.
LSM_API const char *lsm_error_message(const lsm_error *error);

// The file concerned, in the bytes of the operating system; NULL if it is none in particular.
// Lives as long as the error.
LSM_API const char *lsm_error_path(const lsm_error *error);

// The byte of that file where the trouble begins; UINT64_MAX if it is none in particular.
LSM_API uint64_t lsm_error_offset(const lsm_error *error);

// The error number of the operating system, as in errno; 0 if it gave none.
LSM_API int lsm_error_os_code(const lsm_error *error);

// True if the same call may succeed later, with nothing else changed by the caller.
LSM_API bool lsm_error_is_retryable(const lsm_error *error);

// True if the write that failed may be found after a restart all the same. Any other write that
// failed will not be.
LSM_API bool lsm_error_maybe_committed(const lsm_error *error);

// Frees an error.
LSM_API void lsm_error_free(lsm_error *error);

/* ---- bytes: what goes in and what comes out -------------------------------------------------- */

// Bytes that somebody else keeps. `data` NULL with `size` 0 means "absent" where something may be
// absent, and no bytes elsewhere. See lsm_bytes() and lsm_str().
typedef struct lsm_slice {
  // Where they begin.
  const char *data;
  // How many they are.
  size_t size;
} lsm_slice;

// Bytes that this library keeps where they are until lsm_value_free(): nothing was copied. Not
// changed by anybody, and valid even after the database is closed.
typedef struct lsm_value {
  // Where they begin; NULL if there is no value.
  const char *data;
  // How many they are.
  size_t size;
  // What keeps them.
  void *pin;
} lsm_value;

#define LSM_VALUE_INIT {NULL, 0, NULL}

// Any bytes as a slice.
static inline lsm_slice lsm_bytes(const void *data, size_t size) {
    lsm_slice slice;
    slice.data = (const char *)data;
    slice.size = size;
    return slice;
}

// A string that ends with a NUL as a slice, without the NUL; a NULL as an absent one.
static inline lsm_slice lsm_str(const char *string) {
    size_t size = 0;
    while (string != NULL && string[size] != '\0') {
        size++;
    }
    return lsm_bytes(string, size);
}

// Lets go of a value, and makes it as LSM_VALUE_INIT does. Accepts NULL, and a value that is so
// already.
LSM_API void lsm_value_free(lsm_value *value);

// Lets go of `count` values.
LSM_API void lsm_values_free(lsm_value *values, size_t count);

/* ---- handles: what the functions work on ----------------------------------------------------- */

// A database seen through one of its keyspaces: the default one for the handle of lsm_open(),
// another one for a handle of lsm_keyspace_open().
typedef struct lsm_db lsm_db;

// The whole database as it was at one moment.
typedef struct lsm_snapshot lsm_snapshot;

// Writes that are made together or not at all.
typedef struct lsm_batch lsm_batch;

// A place between two entries of a keyspace.
typedef struct lsm_iter lsm_iter;

/* ---- callbacks: what a program is told while the library works ------------------------------- */

// How much a message matters.
typedef uint32_t lsm_log_level;

// Something is wrong and needs somebody.
#define LSM_LOG_ERROR 1

// Something is wrong that the library deals with.
#define LSM_LOG_WARN 2

// What an operator may want to know.
#define LSM_LOG_INFO 3

// Each step.
#define LSM_LOG_DEBUG 4

// Is told in words what happens. `message` is UTF-8, lives for the time of the call, and has no
// line break at its end.
typedef void (*lsm_log_fn)(void *context, lsm_log_level level, const char *message);

// What happened. More may come with later versions: pass over those that you do not know.
typedef uint32_t lsm_event_kind;

// A memtable is being written to a table: `entries`, `bytes_read`.
#define LSM_EVENT_FLUSH_BEGAN 1

// A memtable was written, and the table is read from: `table`, `bytes_written`, `duration_micros`.
#define LSM_EVENT_FLUSHED 2

// Tables are being merged: `keyspace`, `reason`, `level_from`, `level_to`, `tables`.
#define LSM_EVENT_COMPACTION_BEGAN 3

// Tables were merged: `keyspace`, `reason`, `level_from`, `level_to`, `bytes_read`,
// `bytes_written`, `duration_micros`.
#define LSM_EVENT_COMPACTED 4

// Background work failed, and is tried again: `status`.
#define LSM_EVENT_WORK_FAILED 5

// A strategy of the program's own was dismissed: `keyspace`.
#define LSM_EVENT_STRATEGY_FAILED 6

// The file of a table that nobody needs any more was deleted: `table`.
#define LSM_EVENT_TABLE_DELETED 7

// Writers are held back, more or less than before: `reason`, NULL if nobody is; `duration_micros`
// for each MiB written.
#define LSM_EVENT_PACING_CHANGED 8

// The database takes no writes until lsm_resume(): `status`.
#define LSM_EVENT_BECAME_READ_ONLY 9

// The database takes writes again.
#define LSM_EVENT_RESUMED 10

// A keyspace was made: `keyspace`.
#define LSM_EVENT_KEYSPACE_CREATED 11

// A keyspace was dropped: `keyspace`.
#define LSM_EVENT_KEYSPACE_DROPPED 12

// The database was opened: comes before everything else.
#define LSM_EVENT_RECOVERED 13

// Stored bytes are wrong: `status` says LSM_CORRUPTION or LSM_IO, `message` which file and where.
#define LSM_EVENT_DAMAGE_FOUND 14

// A compaction filter of the program's own failed: `entries` times, and those are kept.
#define LSM_EVENT_FILTER_FAILED 15

// One event. What does not concern it is NULL or 0; strings live for the time of the call.
typedef struct lsm_event {
  // sizeof(lsm_event) of the library.
  uint32_t struct_size;
  // What happened.
  lsm_event_kind kind;
  // How much it matters.
  lsm_log_level level;
  // The status of what failed.
  lsm_status status;
  // All of it in words.
  const char *message;
  // The keyspace concerned.
  const char *keyspace;
  // Why, in one word such as "level_full".
  const char *reason;
  // The uppermost level that something is taken from.
  uint32_t level_from;
  // The level where the result stands.
  uint32_t level_to;
  // The number in the table's name.
  uint64_t table;
  // How many tables.
  uint64_t tables;
  // How many entries.
  uint64_t entries;
  // Bytes that were read.
  uint64_t bytes_read;
  // Bytes that were written.
  uint64_t bytes_written;
  // How long it took.
  uint64_t duration_micros;
} lsm_event;

// Is told what happens, in parts. What a call waits for may be told a moment after it returned.
typedef void (*lsm_event_fn)(void *context, const lsm_event *event);

// Is told how far a long call is, again and again, on the thread that made it: `total` is what
// there is to do as far as it is known, and 0 or `done` where it is not. LSM_OK goes on; anything
// else stops the call, which then answers LSM_ABORTED.
typedef lsm_status (*lsm_progress_fn)(void *context, uint64_t done, uint64_t total);

// Is told the name of one keyspace, which lives for the time of the call.
typedef void (*lsm_keyspace_fn)(void *context, const char *name);

// Is told one number: a name such as "lsm_gets_total", labels such as `keyspace="users"` or "",
// and the value, as Prometheus has them. Strings live for the time of the call.
typedef void (*lsm_metric_fn)(void *context, const char *name, const char *labels, double value);

/* ---- merge operators: what operands of the program's own do ---------------------------------- */

// Where a callback puts its result, for the time of the call.
typedef struct lsm_sink lsm_sink;

// Appends to `result` what becomes of a value, or of none, with operands applied to it, the oldest
// first; there is at least one. It has to depend on its arguments alone. LSM_OK, or what the read
// that has asked answers: nothing is lost then.
typedef lsm_status (*lsm_merge_fn)(void *context,
                                   lsm_slice key,
                                   const lsm_slice *base_or_null,
                                   const lsm_slice *operands,
                                   size_t operand_count,
                                   lsm_sink *result);

// Appends to `result` one operand that does what `older` and then `newer` do, to any value; or
// answers LSM_NOT_FOUND if there is none.
typedef lsm_status (*lsm_partial_fn)(void *context,
                                     lsm_slice key,
                                     lsm_slice older,
                                     lsm_slice newer,
                                     lsm_sink *result);

// LSM_OK for bytes that make sense; anything else refuses the write with that status.
typedef lsm_status (*lsm_check_fn)(void *context, lsm_slice bytes);

// Frees a context that is not used any more.
typedef void (*lsm_destroy_fn)(void *context);

// A merge operator of the program's own, for `merge_operators` of lsm_options; keyspaces choose it
// by its name. Any thread calls it, several at once. Begin with LSM_MERGE_OPERATOR_INIT.
typedef struct lsm_merge_operator {
  // sizeof(lsm_merge_operator).
  uint32_t struct_size;
  // 1 to 64 letters, digits, `-`, `_` and `.`, and none of the built-in names. Copied.
  const char *name;
  // Handed to the functions.
  void *context;
  // What operands do.
  lsm_merge_fn merge;
  // Makes one operand of two. Usual: there is none.
  lsm_partial_fn partial;
  // Looks at an operand that is about to be written. Usual: all make sense.
  lsm_check_fn check;
  // Looks at a value that is about to be put. Usual: all make sense.
  lsm_check_fn check_value;
  // Is called with the context, once, when the database is closed and nobody uses it any more,
  // or when it could not be opened.
  lsm_destroy_fn destroy;
} lsm_merge_operator;
#define LSM_MERGE_OPERATOR_INIT {sizeof(lsm_merge_operator), NULL, NULL, NULL, NULL, NULL, NULL, NULL}

// Appends bytes to a callback's result. LSM_CLOSED once the callback has returned.
LSM_API LSM_CHECK lsm_status lsm_sink_append(lsm_sink *sink, lsm_slice bytes);

/* ---- comparators: orders of keys that are the program's own ---------------------------------- */

// Appends to `result` the bytes by which a key is ordered; keys of which they are the same are
// ordered as bytes. It must always make the same of the same key. LSM_OK, or what the call that
// has asked answers.
typedef lsm_status (*lsm_sort_key_fn)(void *context, lsm_slice key, lsm_sink *result);

// An order of keys, for `comparators` of lsm_options; keyspaces choose it by its name. It is asked
// in the threads that read and write, several at once, and never in the background. Begin with
// LSM_COMPARATOR_INIT.
typedef struct lsm_comparator {
  // sizeof(lsm_comparator).
  uint32_t struct_size;
  // 1 to 64 letters, digits, `-`, `_` and `.`. Copied.
  const char *name;
  // Handed to the functions.
  void *context;
  // What keys are ordered by.
  lsm_sort_key_fn sort_key;
  // Is called with the context, once, when the database is closed and nobody uses it any more,
  // or when it could not be opened.
  lsm_destroy_fn destroy;
} lsm_comparator;
#define LSM_COMPARATOR_INIT {sizeof(lsm_comparator), NULL, NULL, NULL, NULL}

/* ---- compaction filters: what compactions take away or change -------------------------------- */

// What becomes of a value that a compaction filter is shown.
typedef uint32_t lsm_filter_decision;

// It stays.
#define LSM_FILTER_KEEP 0

// It goes, as if the key had been deleted.
#define LSM_FILTER_REMOVE 1

// What was appended to `replacement` takes its place. When it expires stays.
#define LSM_FILTER_REPLACE 2

// What a compaction filter may know besides key and value.
typedef struct lsm_filter_context {
  // sizeof(lsm_filter_context) of the library.
  uint32_t struct_size;
  // The level where the value will stand.
  uint32_t level;
  // 1 if nothing older lies beneath what is rewritten.
  uint32_t is_last_level;
  // The name of the keyspace.
  lsm_slice keyspace;
  // When the value expires, in milliseconds since 1970; 0 for never.
  uint64_t expires_at_ms;
} lsm_filter_context;

// Sets `decision`, which is LSM_FILTER_KEEP, to what becomes of a value. It has to depend on what
// it is shown alone, and on nothing that goes back: it may be asked again. LSM_OK; anything else
// keeps the value, is counted as `compaction_filter_failures` and told by LSM_EVENT_FILTER_FAILED.
typedef lsm_status (*lsm_filter_fn)(void *context,
                                    lsm_slice key,
                                    lsm_slice value,
                                    const lsm_filter_context *about,
                                    lsm_filter_decision *decision,
                                    lsm_sink *replacement);

// A compaction filter of the program's own, for `compaction_filters` of lsm_options; keyspaces
// choose it by its name. It is shown a value whenever a compaction rewrites it, and all of them by
// lsm_compact() of a whole keyspace, but none that a snapshot sees. Threads of the database call
// it, several at once: it may read the database, must not write to it, and not wait for background
// work. Begin with LSM_COMPACTION_FILTER_INIT.
typedef struct lsm_compaction_filter {
  // sizeof(lsm_compaction_filter).
  uint32_t struct_size;
  // 1 to 64 letters, digits, `-`, `_` and `.`. Copied.
  const char *name;
  // Handed to the functions.
  void *context;
  // Says what becomes of a value.
  lsm_filter_fn filter;
  // Is called with the context, once, when the database is closed and nobody uses it any more,
  // or when it could not be opened.
  lsm_destroy_fn destroy;
} lsm_compaction_filter;
#define LSM_COMPACTION_FILTER_INIT {sizeof(lsm_compaction_filter), NULL, NULL, NULL, NULL}

/* ---- options: what can be chosen ------------------------------------------------------------- */

// When a write is durable.
typedef uint32_t lsm_durability;

// It survives a power cut once the call returns.
#define LSM_DURABLE 1

// It survives the death of the process at once, and a power cut after the next background sync.
#define LSM_BUFFERED 2

// It is not logged, and survives nothing until it is flushed to a table.
#define LSM_VOLATILE 3

// How blocks are packed.
typedef uint32_t lsm_compression;

// Not at all.
#define LSM_COMPRESSION_NONE 1

// LZ4.
#define LSM_COMPRESSION_LZ4 2

// zstd on the last level and LZ4 above, where the build has zstd: see lsm_build_info().
#define LSM_COMPRESSION_ZSTD 3

// How tables are merged.
typedef uint32_t lsm_strategy;

// Each level is one sorted run, `level_ratio` times as large as the one above.
#define LSM_LEVELED 1

// Each level holds up to `level_ratio` sorted runs: writes cost less, reads more.
#define LSM_TIERED 2

// Nothing is merged; the oldest tables go when there is too much or they are too old.
#define LSM_FIFO 3

// The last level is one sorted run, each above it holds up to `level_ratio`: writes cost half of
// what they do with LSM_LEVELED, and little room is wasted; reads look in more places.
#define LSM_LAZY 4

// How the log is written; the bytes are the same.
typedef uint32_t lsm_wal_mode;

// Mapped where the file system is known to do that well.
#define LSM_WAL_AUTO 1

// One system call for each append: for programs that forbid signal handlers.
#define LSM_WAL_WRITE 2

// Through a mapping.
#define LSM_WAL_MAPPED 3

// The structure of what was written last.
typedef uint32_t lsm_memtable;

// A B+tree of key heads.
#define LSM_MEMTABLE_TREE 1

// A skip list.
#define LSM_MEMTABLE_SKIPLIST 2

// For `flags` of lsm_options: fail instead of making a database.
#define LSM_OPEN_EXISTING 1

// Fail if there is one.
#define LSM_OPEN_NEW 2

// Write nothing. Every write answers LSM_READ_ONLY. A writer may have the database open meanwhile:
// see lsm_refresh().
#define LSM_OPEN_READONLY 4

// For `sync_interval_ms`: no background sync at all.
#define LSM_SYNC_NEVER UINT32_MAX

// One budget of memory for several databases. Reserved: there are none yet.
typedef struct lsm_memory lsm_memory;

// How a keyspace is kept. Stored with it when it is made. Begin with LSM_KEYSPACE_OPTIONS_INIT.
typedef struct lsm_keyspace_options {
  // sizeof(lsm_keyspace_options).
  uint32_t struct_size;
  // How tables are merged. Usual: LSM_LEVELED.
  lsm_strategy strategy;
  // How many times larger each level is, for LSM_TIERED and LSM_LAZY how many runs it holds: 2
  // to 100. Usual: 10, 4 for LSM_TIERED, and 8 for LSM_LAZY.
  uint32_t level_ratio;
  // How blocks are packed. Usual: LSM_COMPRESSION_LZ4.
  lsm_compression compression;
  // For LSM_COMPRESSION_ZSTD: 1, the fastest, to 22, the smallest. Usual: 3.
  uint32_t compression_level;
  // How many bytes of entries share a block: 512 to 65,536. Usual: 4096.
  uint32_t block_bytes;
  // What a filter spends on a key: up to 32 bits, or LSM_NO_FILTER. Usual: 10.
  uint32_t filter_bits_per_key;
  // For LSM_FIFO: how many bytes may stay. Usual: any number.
  uint64_t fifo_bytes_max;
  // For LSM_FIFO: how long a table may stay. Usual: for ever.
  uint64_t fifo_age_max_ms;
  // How long after its write a value expires, if the write does not say it. Usual: never.
  uint64_t ttl_ms;
  // How many bytes the keyspace may take, on disk and in memory together. While it takes more,
  // puts are refused with LSM_NO_SPACE, deletes are not. Usual: any number.
  uint64_t quota_bytes;
  // What lsm_merge() does, for as long as the keyspace lives: "add_i64", "add_f64", "min",
  // "max", "append", "bit_or", "set_union", in builds with the feature json
  // "json_merge_patch", or the name of one of `merge_operators` of lsm_options. Usual: it is
  // refused.
  const char *merge_operator;
  // How keys are ordered, for as long as the keyspace lives: "bytewise", "reverse", or "user:"
  // and the name of one of `comparators` of lsm_options. Usual: "bytewise".
  const char *comparator;
  // 1 promises that no key is put again before it was deleted: what lsm_single_delete() deletes
  // then goes as soon as the two meet. Usual: no such promise.
  uint32_t write_once;
  // What compactions are filtered by, for as long as the keyspace lives: the name of one of
  // `compaction_filters` of lsm_options. Without it the keyspace is opened all the same, and
  // everything is kept. Usual: nothing.
  const char *compaction_filter;
  // From which length on values stand apart from their keys, in files that are written once: 64
  // at least, or LSM_BLOB_NEVER. Usual: 4096.
  uint64_t blob_threshold;
} lsm_keyspace_options;
#define LSM_KEYSPACE_OPTIONS_INIT {sizeof(lsm_keyspace_options), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, NULL, 0, NULL, 0}

// For `blob_threshold`: every value stands beside its key.
#define LSM_BLOB_NEVER UINT64_MAX

// For `filter_bits_per_key`: no filter.
#define LSM_NO_FILTER UINT32_MAX

// How a database is opened. Begin with LSM_OPTIONS_INIT.
typedef struct lsm_options {
  // sizeof(lsm_options).
  uint32_t struct_size;
  // LSM_OPEN_ flags.
  uint32_t flags;
  // Must be NULL.
  const lsm_memory *memory;
  // How much memory everything together may take, 16 MiB at least. Usual: an eighth of what the
  // machine or the process's control group has, from 16 to 256 MiB.
  uint64_t memory_limit;
  // The size at which a memtable is flushed. Usual: a part of the memory limit.
  uint64_t memtable_bytes;
  // How much log there may be before memtables are flushed so that it gets shorter, 16 KiB at
  // least. Usual: no limit but the one that memtables set.
  uint64_t wal_bytes_max;
  // How many threads flush and compact: 1 to 64. Usual: 2.
  uint32_t background_threads;
  // How many files of tables are kept open. Usual: all that are read from.
  uint32_t open_files_max;
  // For writes that do not say so themselves. Usual: LSM_BUFFERED.
  lsm_durability durability;
  // How much `log` is told. Usual: LSM_LOG_INFO.
  lsm_log_level log_level;
  // Is told in words what happens.
  lsm_log_fn log;
  // Handed to `log`; must be valid until the database is closed.
  void *log_context;
  // How fast flushes and compactions may write, 64 KiB at least; while writers are held back
  // nobody waits for it. Usual: as fast as they can.
  uint64_t write_bytes_per_second;
  // How long an LSM_BUFFERED write stays unsynced at most. Usual: 1000; LSM_SYNC_NEVER leaves
  // syncing to lsm_sync().
  uint32_t sync_interval_ms;
  // How the log is written. Usual: LSM_WAL_AUTO.
  lsm_wal_mode wal_mode;
  // The size that segments of the log grow to: 4 KiB to 1 GiB. Usual: 64 MiB.
  uint64_t wal_segment_bytes_max;
  // The structure of memtables. Usual: LSM_MEMTABLE_TREE.
  lsm_memtable memtable;
  // Is told what happens, in parts.
  lsm_event_fn event;
  // Handed to `event`; must be valid until the database is closed.
  void *event_context;
  // How many bytes a second are read in the background to find damage, 4 KiB at least. Usual:
  // none.
  uint64_t scrub_bytes_per_second;
  // Merge operators of the program's own, `merge_operator_count` of them. Usual: none.
  const lsm_merge_operator *merge_operators;
  // How many there are.
  size_t merge_operator_count;
  // Comparators of the program's own, `comparator_count` of them. Usual: none.
  const lsm_comparator *comparators;
  // How many there are.
  size_t comparator_count;
  // With LSM_OPEN_READONLY: how often it is looked what the writer, in another process, has
  // done. Usual: only by lsm_refresh().
  uint32_t refresh_every_ms;
  // With LSM_OPEN_READONLY: how long the writer keeps files for this reader when nothing is
  // heard of it, because it hangs; 100 at least. Reads may answer LSM_BUSY afterwards, until
  // lsm_refresh(). Usual: 60000.
  uint32_t reader_lease_ms;
  // Compaction filters of the program's own, `compaction_filter_count` of them. Usual: none.
  const lsm_compaction_filter *compaction_filters;
  // How many there are.
  size_t compaction_filter_count;
  // How the default keyspace is kept, if the opening makes the database. One that is there with
  // another default keyspace is refused. Usual: as the options of any keyspace are.
  const lsm_keyspace_options *default_keyspace;
} lsm_options;
#define LSM_OPTIONS_INIT {sizeof(lsm_options), 0, NULL, 0, 0, 0, 0, 0, 0, 0, NULL, NULL, 0, 0, 0, 0, 0, NULL, NULL, 0, NULL, 0, NULL, 0, 0, 0, NULL, 0, NULL}

// For `flags` of lsm_read_options: blocks that are read from disk are not kept in the cache.
#define LSM_READ_NO_FILL_CACHE 1

// Blocks that are in the cache are not believed: they are read again, and checked. What comes from
// disk is always checked.
#define LSM_READ_VERIFY 2

// Nothing is read from disk: LSM_BUSY if that would be necessary.
#define LSM_READ_MEMORY_ONLY 4

// Iterators leave values out: all are empty.
#define LSM_READ_KEYS_ONLY 8

// How something is read. Begin with LSM_READ_OPTIONS_INIT.
typedef struct lsm_read_options {
  // sizeof(lsm_read_options).
  uint32_t struct_size;
  // LSM_READ_ flags.
  uint32_t flags;
  // What is read is as this snapshot sees it. Usual: the newest.
  const lsm_snapshot *snapshot;
  // Iterators: the first key. Usual: no bound.
  lsm_slice lower;
  // Iterators: the key that they end before. Usual: no bound.
  lsm_slice upper;
  // Iterators: what all keys begin with, within the bounds.
  lsm_slice prefix;
  // A hint. Today the library alone decides how far it reads ahead.
  uint64_t readahead_bytes;
} lsm_read_options;
#define LSM_READ_OPTIONS_INIT {sizeof(lsm_read_options), 0, NULL, {NULL, 0}, {NULL, 0}, {NULL, 0}, 0}

// For `flags` of lsm_write_options: where the write would have to wait because the background is
// behind, it answers LSM_BUSY instead.
#define LSM_WRITE_NO_WAIT 1

// Other writes go first while writers are held back.
#define LSM_WRITE_LOW_PRIORITY 2

// For `ttl_ms`: the value never expires, whatever the keyspace has.
#define LSM_TTL_NEVER UINT64_MAX

// How something is written. Begin with LSM_WRITE_OPTIONS_INIT.
typedef struct lsm_write_options {
  // sizeof(lsm_write_options).
  uint32_t struct_size;
  // LSM_WRITE_ flags.
  uint32_t flags;
  // When the write is durable. Usual: as the database has it.
  lsm_durability durability;
  // How long it may wait, for memory, for the log, and if it is durable, for the sync:
  // LSM_TIMED_OUT afterwards. Usual: as long as it takes.
  uint32_t timeout_ms;
  // For lsm_put() and its like: how long after this call the value expires, or LSM_TTL_NEVER.
  // Usual: as the keyspace has it.
  uint64_t ttl_ms;
  // If not NULL: gets the sequence number of the write, for lsm_wait_durable().
  uint64_t *seqno;
  // In place of `ttl_ms`: when the value expires, in milliseconds since 1970. A moment that is
  // past deletes the key. Usual: as `ttl_ms` says.
  uint64_t expires_at_ms;
} lsm_write_options;
#define LSM_WRITE_OPTIONS_INIT {sizeof(lsm_write_options), 0, 0, 0, 0, NULL, 0}

// How a long call goes on. Begin with LSM_CALL_OPTIONS_INIT.
typedef struct lsm_call_options {
  // sizeof(lsm_call_options).
  uint32_t struct_size;
  // LSM_TIMED_OUT after so long. Usual: never.
  uint32_t timeout_ms;
  // Is told how far the call is, and can stop it.
  lsm_progress_fn progress;
  // Handed to `progress`.
  void *progress_context;
} lsm_call_options;
#define LSM_CALL_OPTIONS_INIT {sizeof(lsm_call_options), 0, NULL, NULL}

// Changes what `text` names, such as "memory_limit=1GiB; durability=durable", and leaves the rest
// of `options` as it is. Names are those of the fields, with these exceptions: `wal` (auto,
// write, mapped), `log_bytes_max` and `log_segment_bytes_max` for the fields that begin with wal_,
// and for the flags `if_missing` (create, fail, must_be_missing) and `read_only` (true, false).
// `sync_interval_ms=0` is LSM_SYNC_NEVER. LSM_INVALID_ARGUMENT, with nothing changed, for a text
// that cannot be understood.
LSM_API
LSM_CHECK
lsm_status lsm_options_parse(lsm_options *options,
                             const char *text,
                             lsm_error **error);

// The text form of `options`, without what are addresses: lsm_options_parse() reads it back.
LSM_API
LSM_CHECK
lsm_status lsm_options_format(const lsm_options *options,
                              lsm_value *text,
                              lsm_error **error);

// As lsm_options_parse(), for a keyspace: "strategy=leveled:10; compression=lz4;
// block_bytes=4096".
LSM_API
LSM_CHECK
lsm_status lsm_keyspace_options_parse(lsm_keyspace_options *options,
                                      const char *text,
                                      lsm_error **error);

// The text form of `options`: lsm_keyspace_options_parse() reads it back.
LSM_API
LSM_CHECK
lsm_status lsm_keyspace_options_format(const lsm_keyspace_options *options,
                                       lsm_value *text,
                                       lsm_error **error);

/* ---- database: opening, closing, and what holds for all keyspaces ---------------------------- */

// Opens the database in a directory, and makes it if there is none. `db` gets the handle of its
// default keyspace, for lsm_close().
//
// LSM_LOCKED while somebody else has it open for writing, in this process or another one; with
// LSM_OPEN_READONLY it stands beside whoever writes. LSM_FORMAT for a directory of something
// else, which is not touched. LSM_CORRUPTION if what is there cannot be trusted: nothing is
// changed then.
LSM_API
LSM_CHECK
lsm_status lsm_open(const char *path,
                    const lsm_options *options_or_null,
                    lsm_db **db,
                    lsm_error **error);

// Closes a handle. For one of lsm_keyspace_open() that is all. For the one of lsm_open() the
// database is closed with it: what the log does not hold is flushed, everything is made durable,
// the directory is let go of; other handles of the database and its iterators answer LSM_CLOSED
// from then on, while other threads may still be using them.
//
// The handle is gone afterwards, also if an error tells what was not made durable. In a callback
// the call is refused, and changes nothing.
LSM_API LSM_CHECK lsm_status lsm_close(lsm_db *db, lsm_error **error);

// Deletes the files of the database in a directory, and nothing else that lies there; the
// directory stays. LSM_LOCKED while somebody has it open, LSM_INVALID_ARGUMENT if there is none.
LSM_API LSM_CHECK lsm_status lsm_destroy(const char *path, lsm_error **error);

// The path that the database was opened with. Lives as long as the handle; NULL if that is closed.
LSM_API const char *lsm_path(const lsm_db *db);

// What the opening found, as JSON: whether the database was new, whether it had been closed in
// order, what was replayed and given up, names of files that are not its own.
LSM_API LSM_CHECK lsm_status lsm_open_report(const lsm_db *db, lsm_value *json, lsm_error **error);

// The sequence number of the newest write that readers see; 0 if the handle is closed.
LSM_API uint64_t lsm_latest_seqno(const lsm_db *db);

// Every logged write up to this sequence number is durable; 0 if the handle is closed.
LSM_API uint64_t lsm_durable_seqno(const lsm_db *db);

// Returns once the write with this sequence number, and every logged one before it, is durable.
// LSM_TIMED_OUT after `timeout_ms`, if that is not 0.
LSM_API
LSM_CHECK
lsm_status lsm_wait_durable_for(const lsm_db *db,
                                uint64_t seqno,
                                uint32_t timeout_ms,
                                lsm_error **error);

// As lsm_wait_durable_for(), however long it takes.
LSM_API LSM_CHECK lsm_status lsm_wait_durable(const lsm_db *db, uint64_t seqno, lsm_error **error);

// LSM_OK if the database takes writes; otherwise the fault that stopped them.
LSM_API LSM_CHECK lsm_status lsm_health(const lsm_db *db, lsm_error **error);

// Takes up writing again after a fault whose cause is mended: see lsm_health().
LSM_API LSM_CHECK lsm_status lsm_resume(const lsm_db *db, lsm_error **error);

/* ---- keyspaces: separately tuned trees of one database --------------------------------------- */

// Another handle of the same database, for the keyspace of this name, which is made if there is
// none. Options are stored with a new keyspace; one that is there with others is refused with
// LSM_INVALID_ARGUMENT. A name has 1 to 255 bytes of UTF-8. To be closed by lsm_close().
LSM_API
LSM_CHECK
lsm_status lsm_keyspace_open(const lsm_db *db,
                             const char *name,
                             const lsm_keyspace_options *options_or_null,
                             lsm_db **keyspace,
                             lsm_error **error);

// Drops a keyspace with everything in it. Its handles then answer LSM_CLOSED, and are still to be
// closed. LSM_NOT_FOUND if there is none of this name.
LSM_API
LSM_CHECK
lsm_status lsm_keyspace_drop(const lsm_db *db,
                             const char *name,
                             lsm_error **error);

// Tells the names of all keyspaces but the default one, in order.
LSM_API
LSM_CHECK
lsm_status lsm_keyspace_list(const lsm_db *db,
                             lsm_keyspace_fn visit,
                             void *context,
                             lsm_error **error);

// The name of the keyspace that a handle is for. Lives as long as the handle; NULL if that is
// closed.
LSM_API const char *lsm_keyspace_name(const lsm_db *db);

// How the keyspace of a handle is kept: fills in `options`, which begin with
// LSM_KEYSPACE_OPTIONS_INIT.
LSM_API
LSM_CHECK
lsm_status lsm_keyspace_options_read(const lsm_db *db,
                                     lsm_keyspace_options *options,
                                     lsm_error **error);

/* ---- reading: one key, or several ------------------------------------------------------------ */

// The value of a key, where it lies: to be given back by lsm_value_free(). LSM_NOT_FOUND if there
// is none. What `value` held before is overwritten, not freed.
LSM_API
LSM_CHECK
lsm_status lsm_get(const lsm_db *db,
                   const lsm_read_options *options_or_null,
                   lsm_slice key,
                   lsm_value *value,
                   lsm_error **error);

// Copies the value of a key into `buffer`, and its whole length into `size`. LSM_TRUNCATED if
// `capacity` is less: the buffer then holds its beginning. LSM_NOT_FOUND if there is none. The
// buffer may be NULL if `capacity` is 0.
LSM_API
LSM_CHECK
lsm_status lsm_get_into(const lsm_db *db,
                        const lsm_read_options *options_or_null,
                        lsm_slice key,
                        void *buffer,
                        size_t capacity,
                        size_t *size,
                        lsm_error **error);

// LSM_OK if the key has a value, LSM_NOT_FOUND if it has none.
LSM_API
LSM_CHECK
lsm_status lsm_exists(const lsm_db *db,
                      const lsm_read_options *options_or_null,
                      lsm_slice key,
                      lsm_error **error);

// The values of several keys, all of the same moment; their reads from disk and memory overlap.
// Each of `count` values and statuses is as lsm_get() would answer it; `statuses_or_null` may be
// NULL, a value that is not there has `data` NULL. Give all values back by lsm_values_free().
// After an error no value is there, and every status is that of the error.
LSM_API
LSM_CHECK
lsm_status lsm_multi_get(const lsm_db *db,
                         const lsm_read_options *options_or_null,
                         size_t count,
                         const lsm_slice *keys,
                         lsm_value *values,
                         lsm_status *statuses_or_null,
                         lsm_error **error);

/* ---- writing: one key, or a range of them ---------------------------------------------------- */

// Gives a key a value. A key has up to 65,535 bytes, a value up to 1 GiB.
LSM_API
LSM_CHECK
lsm_status lsm_put(const lsm_db *db,
                   const lsm_write_options *options_or_null,
                   lsm_slice key,
                   lsm_slice value,
                   lsm_error **error);

// Takes a key away, whether or not it is there.
LSM_API
LSM_CHECK
lsm_status lsm_delete(const lsm_db *db,
                      const lsm_write_options *options_or_null,
                      lsm_slice key,
                      lsm_error **error);

// Takes a key away, whether or not it is there. In a keyspace with `write_once` this takes less
// room than lsm_delete(): it is gone as soon as it meets the put. Elsewhere it is as that.
LSM_API
LSM_CHECK
lsm_status lsm_single_delete(const lsm_db *db,
                             const lsm_write_options *options_or_null,
                             lsm_slice key,
                             lsm_error **error);

// Takes away every key from `begin` on, up to but without `end`, at the same cost for any number
// of them. An absent end is no bound; an end that is not behind `begin` is an empty range.
LSM_API
LSM_CHECK
lsm_status lsm_delete_range(const lsm_db *db,
                            const lsm_write_options *options_or_null,
                            lsm_slice begin,
                            lsm_slice end,
                            lsm_error **error);

/* ---- batches: writes to any keyspaces that happen together or not at all --------------------- */

// An empty batch, for lsm_batch_free(). It owns its bytes, and belongs to no database until
// something is in it.
LSM_API LSM_CHECK lsm_status lsm_batch_new(lsm_batch **batch, lsm_error **error);

// Adds: give a key of this keyspace a value. A call that fails leaves the batch as it was.
LSM_API
LSM_CHECK
lsm_status lsm_batch_put(lsm_batch *batch,
                         const lsm_db *db,
                         lsm_slice key,
                         lsm_slice value,
                         lsm_error **error);

// Adds: take a key of this keyspace away.
LSM_API
LSM_CHECK
lsm_status lsm_batch_delete(lsm_batch *batch,
                            const lsm_db *db,
                            lsm_slice key,
                            lsm_error **error);

// Adds: take a key of this keyspace away, as lsm_single_delete().
LSM_API
LSM_CHECK
lsm_status lsm_batch_single_delete(lsm_batch *batch,
                                   const lsm_db *db,
                                   lsm_slice key,
                                   lsm_error **error);

// Adds: take away every key of this keyspace from `begin` on, up to but without `end`; as
// lsm_delete_range().
LSM_API
LSM_CHECK
lsm_status lsm_batch_delete_range(lsm_batch *batch,
                                  const lsm_db *db,
                                  lsm_slice begin,
                                  lsm_slice end,
                                  lsm_error **error);

// How many writes it holds; 0 for what is no batch.
LSM_API size_t lsm_batch_count(const lsm_batch *batch);

// How many bytes it takes in the log; 0 for what is no batch.
LSM_API size_t lsm_batch_bytes(const lsm_batch *batch);

// Empties it, and keeps its memory for what comes next.
LSM_API void lsm_batch_clear(lsm_batch *batch);

// Makes all writes of a batch: all of them or none, for every reader and after every crash.
// `seqno_or_null` gets the sequence number of the last one. The batch stays as it is, and can be
// written again.
LSM_API
LSM_CHECK
lsm_status lsm_write(const lsm_db *db,
                     const lsm_write_options *options_or_null,
                     const lsm_batch *batch,
                     uint64_t *seqno_or_null,
                     lsm_error **error);

// Frees a batch.
LSM_API void lsm_batch_free(lsm_batch *batch);

/* ---- snapshots: the whole database as it was at one moment ----------------------------------- */

// All keyspaces of the database as they are now, for `snapshot` of lsm_read_options. What it sees
// is kept on disk until lsm_snapshot_free().
LSM_API
LSM_CHECK
lsm_status lsm_snapshot_new(const lsm_db *db,
                            lsm_snapshot **snapshot,
                            lsm_error **error);

// The sequence number of the last write that it sees; 0 for what is no snapshot.
LSM_API uint64_t lsm_snapshot_seqno(const lsm_snapshot *snapshot);

// Frees a snapshot. Iterators that read it keep what they need.
LSM_API void lsm_snapshot_free(lsm_snapshot *snapshot);

/* ---- conditions: writes that are made only if something is so -------------------------------- */

// Adds a condition: lsm_write() makes the writes of this batch only if the key has no value then.
// All conditions are looked at in the moment of the write; if one does not hold, nothing is
// written, and the answer is LSM_CONFLICT.
LSM_API
LSM_CHECK
lsm_status lsm_batch_require_absent(lsm_batch *batch,
                                    const lsm_db *db,
                                    lsm_slice key,
                                    lsm_error **error);

// Adds a condition: the key has this value.
LSM_API
LSM_CHECK
lsm_status lsm_batch_require_value(lsm_batch *batch,
                                   const lsm_db *db,
                                   lsm_slice key,
                                   lsm_slice value,
                                   lsm_error **error);

// Adds a condition: nobody has written to the key since the snapshot, not even the same value
// again. A key that had no value then and has none now may count as unchanged, whatever it had in
// between. The snapshot may be freed; the batch keeps it until it is cleared or freed.
LSM_API
LSM_CHECK
lsm_status lsm_batch_require_unchanged(lsm_batch *batch,
                                       const lsm_db *db,
                                       lsm_slice key,
                                       const lsm_snapshot *snapshot,
                                       lsm_error **error);

// How many conditions it has; 0 for what is no batch.
LSM_API size_t lsm_batch_conditions(const lsm_batch *batch);

// Gives a key a value if it has none; LSM_CONFLICT if it has one, which stays.
LSM_API
LSM_CHECK
lsm_status lsm_insert_if_absent(const lsm_db *db,
                                const lsm_write_options *options_or_null,
                                lsm_slice key,
                                lsm_slice value,
                                lsm_error **error);

// Gives a key the value `new_or_null`, or takes it away, if it has the value `expected_or_null`,
// or none; LSM_CONFLICT if it has something else, which stays. A loop around lsm_get() and this
// changes a value by what it was.
LSM_API
LSM_CHECK
lsm_status lsm_compare_and_set(const lsm_db *db,
                               const lsm_write_options *options_or_null,
                               lsm_slice key,
                               const lsm_slice *expected_or_null,
                               const lsm_slice *new_or_null,
                               lsm_error **error);

/* ---- values that expire: when that is, and how it is put off --------------------------------- */

// Lets the value that a key has expire at another moment, or never, as `ttl_ms` and
// `expires_at_ms` of the options say. LSM_NOT_FOUND if it has none: what has expired is gone.
LSM_API
LSM_CHECK
lsm_status lsm_touch(const lsm_db *db,
                     const lsm_write_options *options_or_null,
                     lsm_slice key,
                     lsm_error **error);

// When the value of a key expires, in milliseconds since 1970; 0 if it never does. LSM_NOT_FOUND
// if the key has no value.
LSM_API
LSM_CHECK
lsm_status lsm_expiry(const lsm_db *db,
                      const lsm_read_options *options_or_null,
                      lsm_slice key,
                      uint64_t *expires_at_ms,
                      lsm_error **error);

// Adds: give a key of this keyspace a value that expires `ttl_ms` after this call, as `ttl_ms` of
// lsm_write_options: 0 as the keyspace has it, LSM_TTL_NEVER for never.
LSM_API
LSM_CHECK
lsm_status lsm_batch_put_ttl(lsm_batch *batch,
                             const lsm_db *db,
                             lsm_slice key,
                             lsm_slice value,
                             uint64_t ttl_ms,
                             lsm_error **error);

// Adds: give a key of this keyspace a value that expires at this moment, in milliseconds since
// 1970. One that is past deletes the key.
LSM_API
LSM_CHECK
lsm_status lsm_batch_put_until(lsm_batch *batch,
                               const lsm_db *db,
                               lsm_slice key,
                               lsm_slice value,
                               uint64_t expires_at_ms,
                               lsm_error **error);

/* ---- merging: operands that a keyspace's merge operator makes one value of ------------------- */

// Applies an operand to the value of a key, or to none, by the keyspace's merge operator, and
// reads nothing for that: operands are folded when the key is read. LSM_INVALID_ARGUMENT if the
// keyspace has no operator, or the operator refuses the operand.
//
// Without `ttl_ms` and `expires_at_ms` the value then expires as the keyspace has it, or, if that
// says nothing, when it would have before.
LSM_API
LSM_CHECK
lsm_status lsm_merge(const lsm_db *db,
                     const lsm_write_options *options_or_null,
                     lsm_slice key,
                     lsm_slice operand,
                     lsm_error **error);

// Adds: apply an operand to a key of this keyspace, as lsm_merge().
LSM_API
LSM_CHECK
lsm_status lsm_batch_merge(lsm_batch *batch,
                           const lsm_db *db,
                           lsm_slice key,
                           lsm_slice operand,
                           lsm_error **error);

// As lsm_batch_merge(), and lets the value that comes of it expire `ttl_ms` after this call, as
// `ttl_ms` of lsm_write_options.
LSM_API
LSM_CHECK
lsm_status lsm_batch_merge_ttl(lsm_batch *batch,
                               const lsm_db *db,
                               lsm_slice key,
                               lsm_slice operand,
                               uint64_t ttl_ms,
                               lsm_error **error);

// As lsm_batch_merge(), and lets the value that comes of it expire at this moment, in milliseconds
// since 1970.
LSM_API
LSM_CHECK
lsm_status lsm_batch_merge_until(lsm_batch *batch,
                                 const lsm_db *db,
                                 lsm_slice key,
                                 lsm_slice operand,
                                 uint64_t expires_at_ms,
                                 lsm_error **error);

/* ---- iteration: the position is a gap between two entries ------------------------------------ */

// An iterator over the keys of a keyspace, in order, in front of the first one. `lower`, `upper`
// and `prefix` of the options bound it. It sees the moment of its making, or that of the snapshot,
// whatever is written since, until lsm_iter_refresh(). For lsm_iter_free().
//
//     while ((rc = lsm_iter_next(it, &key, &value, &error)) == LSM_OK) { ... }
//
// leaves LSM_END in `rc`, or an error.
LSM_API
LSM_CHECK
lsm_status lsm_iter_new(const lsm_db *db,
                        const lsm_read_options *options_or_null,
                        lsm_iter **iter,
                        lsm_error **error);

// Moves in front of the first entry whose key is `key` or behind it.
LSM_API LSM_CHECK lsm_status lsm_iter_seek(lsm_iter *iter, lsm_slice key, lsm_error **error);

// Moves in front of everything: lsm_iter_next() then gives the first entry.
LSM_API LSM_CHECK lsm_status lsm_iter_seek_first(lsm_iter *iter, lsm_error **error);

// Moves behind everything: lsm_iter_prev() then gives the last entry.
LSM_API LSM_CHECK lsm_status lsm_iter_seek_last(lsm_iter *iter, lsm_error **error);

// Passes the next entry and lends it: `key` and `value_or_null` live until the next call with this
// iterator. LSM_END behind the last one, and then both are absent. After an error the place is as
// before, and the call may be made again.
LSM_API
LSM_CHECK
lsm_status lsm_iter_next(lsm_iter *iter,
                         lsm_slice *key,
                         lsm_slice *value_or_null,
                         lsm_error **error);

// Passes the entry before and lends it, as lsm_iter_next() does. LSM_END in front of the first
// one.
LSM_API
LSM_CHECK
lsm_status lsm_iter_prev(lsm_iter *iter,
                         lsm_slice *key,
                         lsm_slice *value_or_null,
                         lsm_error **error);

// Passes up to `capacity` entries and lends all of them, until the next call with this iterator:
// for whom each call costs much. `count` gets how many they are. LSM_END, with no entry, behind
// the last one. An error in the middle is told by the next call.
LSM_API
LSM_CHECK
lsm_status lsm_iter_next_many(lsm_iter *iter,
                              size_t capacity,
                              lsm_slice *keys,
                              lsm_slice *values_or_null,
                              size_t *count,
                              lsm_error **error);

// The value of the entry that was passed last, to be kept beyond the next call: lsm_value_free().
// LSM_NOT_FOUND if no entry was passed since the last seek, or by lsm_iter_next_many().
LSM_API LSM_CHECK lsm_status lsm_iter_pin(lsm_iter *iter, lsm_value *value, lsm_error **error);

// When the value of the entry that was passed last expires, in milliseconds since 1970; 0 if it
// never does. LSM_NOT_FOUND where lsm_iter_pin() answers it.
LSM_API
LSM_CHECK
lsm_status lsm_iter_expiry(lsm_iter *iter,
                           uint64_t *expires_at_ms,
                           lsm_error **error);

// Sees from now on what is newest now, in the same place: behind or in front of the key that was
// passed last, or where the last seek led. An iterator of a snapshot stays as it is.
LSM_API LSM_CHECK lsm_status lsm_iter_refresh(lsm_iter *iter, lsm_error **error);

// Frees an iterator, and what it lent.
LSM_API void lsm_iter_free(lsm_iter *iter);

/* ---- maintenance: what usually happens by itself, when a program wants it now ---------------- */

// Shows what the writer, in another process, has done up to now, where the database was opened
// with LSM_OPEN_READONLY: until then reads show what they showed, unless `refresh_every_ms` of the
// options says otherwise. Snapshots and open iterators stay what they are. In the writer there is
// nothing to do.
LSM_API LSM_CHECK lsm_status lsm_refresh(const lsm_db *db, lsm_error **error);

// Makes every logged write so far durable.
LSM_API LSM_CHECK lsm_status lsm_sync(const lsm_db *db, lsm_error **error);

// Writes what is in memory to a table, and returns when it is durable there.
LSM_API LSM_CHECK lsm_status lsm_flush(const lsm_db *db, lsm_error **error);

// As lsm_flush(); `progress` of the options is told of entries. A flush that is stopped goes on in
// the background.
LSM_API
LSM_CHECK
lsm_status lsm_flush_with(const lsm_db *db,
                          const lsm_call_options *options_or_null,
                          lsm_error **error);

// Merges everything from `begin` on, before `end`, down to the last level, and returns when that
// is done. An absent end is no bound.
LSM_API
LSM_CHECK
lsm_status lsm_compact(const lsm_db *db,
                       lsm_slice begin,
                       lsm_slice end,
                       lsm_error **error);

// As lsm_compact(); `progress` of the options is told of entries, first those that are flushed and
// then those that are merged.
LSM_API
LSM_CHECK
lsm_status lsm_compact_with(const lsm_db *db,
                            lsm_slice begin,
                            lsm_slice end,
                            const lsm_call_options *options_or_null,
                            lsm_error **error);

// Returns once nothing is left to flush and nothing wants to be merged, or there is a pause.
// Tables that nobody reads any more are gone then, too.
LSM_API LSM_CHECK lsm_status lsm_wait_idle(const lsm_db *db, lsm_error **error);

// Begins no more merges until lsm_background_resume(), and drops no tables: for hours in which
// the disk is needed for something else. A merge that runs goes on to its end; flushes go on, and
// so does lsm_compact(). Writers are not held back for what is not merged meanwhile. Pauses count,
// and end with the opening.
LSM_API LSM_CHECK lsm_status lsm_background_pause(const lsm_db *db, lsm_error **error);

// Takes one lsm_background_pause() back; does nothing if there is none.
LSM_API LSM_CHECK lsm_status lsm_background_resume(const lsm_db *db, lsm_error **error);

// Checks every file: each checksum, the order of entries, the filters, the log, and what all that
// is said to be. Reads every byte. LSM_CORRUPTION with the file and the byte.
LSM_API LSM_CHECK lsm_status lsm_verify(const lsm_db *db, lsm_error **error);

// As lsm_verify(); `progress` of the options is told of bytes.
LSM_API
LSM_CHECK
lsm_status lsm_verify_with(const lsm_db *db,
                           const lsm_call_options *options_or_null,
                           lsm_error **error);

/* ---- looking inside: numbers about a database, for programs and for people ------------------- */

// The numbers that are asked for most. Begin with LSM_STATS_INIT; see lsm_describe() for all.
typedef struct lsm_stats {
  // sizeof(lsm_stats).
  uint32_t struct_size;
  // Levels of this keyspace that hold something.
  uint32_t level_count;
  // About how many bytes of this keyspace's tables are alive.
  uint64_t live_bytes;
  // The length of all tables and files of large values.
  uint64_t disk_bytes;
  // What the live segments of the log hold.
  uint64_t wal_bytes;
  // Memory of memtables, those that wait for their flush included.
  uint64_t memtable_bytes;
  // What the block cache holds.
  uint64_t cache_bytes;
  // Memory of blocks that values and iterators hold, and that the cache has let go of.
  uint64_t pinned_bytes;
  // All memory that is counted against the limit.
  uint64_t memory_bytes;
  // About how many entries this keyspace has, older versions and deletes included.
  uint64_t entries_estimate;
  // Live snapshots of different moments.
  uint64_t snapshots;
  // How long writers were held back, since the opening.
  uint64_t stall_micros;
  // Bytes of keys and values that were written since the opening.
  uint64_t bytes_written_user;
  // Bytes that were written to log, tables and files of large values for that.
  uint64_t bytes_written_disk;
  // Blocks that were in the cache when they were asked for.
  uint64_t cache_hits;
  // Blocks that had to be read.
  uint64_t cache_misses;
  // Files of large values, which stand apart from their keys.
  uint64_t blob_files;
  // The length of all of them.
  uint64_t blob_bytes;
  // Bytes in them that nothing refers to any more, as far as merges have found out.
  uint64_t blob_garbage_bytes;
} lsm_stats;
#define LSM_STATS_INIT {sizeof(lsm_stats), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}

// Fills in `stats`: of the keyspace of this handle, and of the whole database.
LSM_API LSM_CHECK lsm_status lsm_stats_read(const lsm_db *db, lsm_stats *stats, lsm_error **error);

// Tells every number there is, one after the other, for a program that collects them.
LSM_API
LSM_CHECK
lsm_status lsm_metrics_visit(const lsm_db *db,
                             lsm_metric_fn visit,
                             void *context,
                             lsm_error **error);

// Everything about the database as JSON: counters, percentiles of durations, levels of each
// keyspace, memory, cache, amplification. Cheap enough for every second.
LSM_API LSM_CHECK lsm_status lsm_describe(const lsm_db *db, lsm_value *json, lsm_error **error);

// The same as a text for people.
LSM_API
LSM_CHECK
lsm_status lsm_describe_text(const lsm_db *db,
                             lsm_value *text,
                             lsm_error **error);

// The readers in this and other processes, for which the writer keeps files, as JSON: a list of
// objects with `process_id`, `edit`, the change of the manifest that it needs the files of and of
// those behind it, `seqno`, the last write that it sees, and `lease_left_ms`, how long files stay
// if nothing more is heard of it. One without a slot in the lock file is not among them.
LSM_API LSM_CHECK lsm_status lsm_readers(const lsm_db *db, lsm_value *json, lsm_error **error);

// About how many bytes the keys from `begin` on, before `end`, take on disk. An absent end is no
// bound.
LSM_API
LSM_CHECK
lsm_status lsm_approximate_bytes(const lsm_db *db,
                                 lsm_slice begin,
                                 lsm_slice end,
                                 uint64_t *bytes,
                                 lsm_error **error);

// About how many entries the keyspace has, those in memory and on every level counted: at least as
// many as there are keys, but for what is deleted.
LSM_API
LSM_CHECK
lsm_status lsm_approximate_count(const lsm_db *db,
                                 uint64_t *count,
                                 lsm_error **error);

// How many keys there are from `begin` on, before `end`: reads every one of them. `progress` of
// the call's options is told of keys.
LSM_API
LSM_CHECK
lsm_status lsm_count(const lsm_db *db,
                     const lsm_read_options *options_or_null,
                     lsm_slice begin,
                     lsm_slice end,
                     const lsm_call_options *call_options_or_null,
                     uint64_t *count,
                     lsm_error **error);

/* ---- salvage: what can be read of a damaged database becomes a new one ----------------------- */

// Rebuilds what can be read of the damaged database at `path` in `new_path`, a directory that is
// made: LSM_EXISTS if it is there. `report_json` tells what was lost: by ranges of keys, in
// hexadecimal, by files and places in them, and by sequence numbers of the log; see `is_complete`
// in it first. The options are those of the new database.
//
// The damaged directory is only read: LSM_LOCKED while somebody writes there. If the call fails,
// the new database goes again.
LSM_API
LSM_CHECK
lsm_status lsm_salvage(const char *path,
                       const char *new_path,
                       const lsm_options *options_or_null,
                       lsm_value *report_json,
                       lsm_error **error);

// As lsm_salvage(); `progress` of the call's options is told of bytes.
LSM_API
LSM_CHECK
lsm_status lsm_salvage_with(const char *path,
                            const char *new_path,
                            const lsm_options *options_or_null,
                            const lsm_call_options *call_options_or_null,
                            lsm_value *report_json,
                            lsm_error **error);

/* ---- explaining: what a read did, and what is wrong or slow, for programs and for people ----- */

// For `flags` of lsm_explain_range(): from the end of the range to its beginning.
#define LSM_EXPLAIN_REVERSE 1

// Looks a key up as lsm_get() does, and tells as JSON which memtables, tables, filters and blocks
// were asked, what each said, and what it cost. That there is no such key is no error: `answer` is
// "missing" then. It counts as a lookup.
LSM_API
LSM_CHECK
lsm_status lsm_explain_get(const lsm_db *db,
                           const lsm_read_options *options_or_null,
                           lsm_slice key,
                           lsm_value *json,
                           lsm_error **error);

// The same as a text for people.
LSM_API
LSM_CHECK
lsm_status lsm_explain_get_text(const lsm_db *db,
                                const lsm_read_options *options_or_null,
                                lsm_slice key,
                                lsm_value *text,
                                lsm_error **error);

// Walks through the keys from `begin` on, before `end`, as an iterator does, and tells as JSON
// what was read, what was passed over, and what that cost. An absent end is no bound. Ends after
// `limit` pairs; 0 is no limit. `flags` are LSM_EXPLAIN_ flags; `progress` of the call's options
// is told of pairs. It counts as a scan.
LSM_API
LSM_CHECK
lsm_status lsm_explain_range(const lsm_db *db,
                             const lsm_read_options *options_or_null,
                             lsm_slice begin,
                             lsm_slice end,
                             uint64_t limit,
                             uint32_t flags,
                             const lsm_call_options *call_options_or_null,
                             lsm_value *json,
                             lsm_error **error);

// The same as a text for people.
LSM_API
LSM_CHECK
lsm_status lsm_explain_range_text(const lsm_db *db,
                                  const lsm_read_options *options_or_null,
                                  lsm_slice begin,
                                  lsm_slice end,
                                  uint64_t limit,
                                  uint32_t flags,
                                  const lsm_call_options *call_options_or_null,
                                  lsm_value *text,
                                  lsm_error **error);

// Says as JSON what is wrong or slow, and which limit or option causes it: `is_healthy`, and
// `findings` with `name`, `severity`, `keyspace`, `option`, `seen` and `advice`. As cheap as
// lsm_describe().
LSM_API LSM_CHECK lsm_status lsm_doctor(const lsm_db *db, lsm_value *json, lsm_error **error);

// The same as a text for people.
LSM_API LSM_CHECK lsm_status lsm_doctor_text(const lsm_db *db, lsm_value *text, lsm_error **error);

/* ---- accounting: what a keyspace takes, what lies in a range of it, and keys that split it --- */

// A number that lies between two that are known. Both bounds always hold.
typedef struct lsm_estimate {
  // The best guess.
  uint64_t estimate;
  // It is no less than this.
  uint64_t at_least;
  // It is no more than this.
  uint64_t at_most;
} lsm_estimate;

// What a keyspace takes, and how much of that is alive. Begin with LSM_USAGE_INIT.
//
// Data is counted before it is packed: an entry counts for its key, its value and 12 bytes, a
// deleted range for its two ends and 16. What a reader sees now is live; the rest is garbage,
// which a compaction of everything gives back, but for what snapshots still see.
typedef struct lsm_usage {
  // sizeof(lsm_usage).
  uint32_t struct_size;
  // 1 if it takes more than its quota, and is given no new values.
  uint32_t is_over_quota;
  // About how many bytes its tables take on disk.
  uint64_t disk_bytes;
  // About how much memory its entries take in memtables.
  uint64_t memory_bytes;
  // How many entries are in memtables, deletes and older versions counted.
  uint64_t memory_entries;
  // How many entries are in tables, deletes and older versions counted.
  uint64_t table_entries;
  // Bytes of all entries and deleted ranges, in tables and in memory.
  uint64_t data_bytes;
  // Bytes of them that a reader sees: the best guess.
  uint64_t live_bytes;
  // They are no fewer.
  uint64_t live_bytes_min;
  // They are no more.
  uint64_t live_bytes_max;
  // Bytes of what is overwritten, deleted or expired, and of deletes: the best guess.
  uint64_t garbage_bytes;
  // They are no fewer.
  uint64_t garbage_bytes_min;
  // They are no more.
  uint64_t garbage_bytes_max;
  // About how many bytes on disk a compaction of everything would give back.
  uint64_t reclaimable_bytes;
  // Keys that a reader sees: the best guess.
  uint64_t live_keys;
  // They are no fewer.
  uint64_t live_keys_min;
  // They are no more.
  uint64_t live_keys_max;
  // What the keyspace may take, on disk and in memory together; 0 if there is no limit.
  uint64_t quota_bytes;
  // How many writes were refused for that since the opening.
  uint64_t quota_refusals;
} lsm_usage;
#define LSM_USAGE_INIT {sizeof(lsm_usage), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}

// Fills in `usage`: what the keyspace of this handle takes. Opens tables that were not opened yet.
LSM_API
LSM_CHECK
lsm_status lsm_keyspace_usage(const lsm_db *db,
                              lsm_usage *usage,
                              lsm_error **error);

// About how many keys a reader sees from `begin` on, before `end`; an absent end is no bound. A
// range of few blocks is counted; of others an index and a few blocks of each run are read at
// either end, whatever lies between them.
LSM_API
LSM_CHECK
lsm_status lsm_approximate_range_count(const lsm_db *db,
                                       lsm_slice begin,
                                       lsm_slice end,
                                       lsm_estimate *count,
                                       lsm_error **error);

// About how many bytes the keys from `begin` on, before `end`, take on disk: at least the blocks
// that lie between the two as a whole, at most those that hold some of it too.
LSM_API
LSM_CHECK
lsm_status lsm_approximate_range_size(const lsm_db *db,
                                      lsm_slice begin,
                                      lsm_slice end,
                                      lsm_estimate *size,
                                      lsm_error **error);

// Keys that cut the range from `begin` on, before `end`, into at most `parts` parts of about the
// same size, so that several threads can each read one: ascending, and strictly inside. `points`
// has room for `parts` - 1 values, and may be NULL for one part; `count` is told how many there
// are, which may be fewer. Give them back by lsm_values_free(). `parts` is from 1 to 65,536.
LSM_API
LSM_CHECK
lsm_status lsm_split_points(const lsm_db *db,
                            lsm_slice begin,
                            lsm_slice end,
                            size_t parts,
                            lsm_value *points,
                            size_t *count,
                            lsm_error **error);

#ifdef __cplusplus
}
#endif

#endif /* LSM_H */
