/* Random calls of every function of lsm.h, by several threads at once.
 *
 *     fuzz SECONDS SEED DIRECTORY
 *
 * Handles stand in pools that all threads share: whoever takes one out may find it alive, closed by
 * another thread, of another kind, NULL or made up. What the header lets a caller rely on is kept:
 * memory that is handed over is there, nothing that was lent is read after it may be gone. The
 * program prints its seed, and ends with 0 unless something crashes, hangs, or makes no sense. */
#include <lsm.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 3, SHARE = 5, PLACES = 3, BUFFER = 70000, VALUES = 8 };
/* Kinds of handles, each with its share of the pool. */
enum { ERROR, BATCH, SNAPSHOT, ITER, DB, KINDS, POOL = KINDS * SHARE };

static void *pool[POOL];
static char places[PLACES][4096];
static char bytes[BUFFER];
static volatile int is_over;
static unsigned long calls, answers;

/* -- chance */

struct chance {
    uint64_t state;
    /* What its thread is at: the cases of `works` and of `maintains`. */
    volatile unsigned act, call;
    lsm_value values[VALUES];
    char buffer[4096];
};

static uint64_t draw(struct chance *c) {
    c->state ^= c->state << 13;
    c->state ^= c->state >> 7;
    c->state ^= c->state << 17;
    return c->state * 0x2545f4914f6cdd1dull;
}

static uint64_t below(struct chance *c, uint64_t bound) { return (draw(c) >> 11) % bound; }

static int once_in(struct chance *c, uint64_t times) { return below(c, times) == 0; }

/* A handle: mostly of this kind, or of any, or none at all. */
static void *handle(struct chance *c, unsigned kind) {
    switch (below(c, 40)) {
    case 0:
        return NULL;
    case 1:
        return (void *)(uintptr_t)draw(c);
    case 2:
        return &bytes[below(c, 64)];
    case 3: {
        /* Nearly one: another generation, place or kind. */
        uintptr_t near = (uintptr_t)__atomic_load_n(&pool[below(c, POOL)], __ATOMIC_ACQUIRE);
        return (void *)(near ^ ((uintptr_t)1 << below(c, 64)));
    }
    case 4:
    case 5:
        return __atomic_load_n(&pool[below(c, POOL)], __ATOMIC_ACQUIRE);
    default:
        return __atomic_load_n(&pool[kind * SHARE + below(c, SHARE)], __ATOMIC_ACQUIRE);
    }
}

static void frees(struct chance *c, void *handle, unsigned kind);

/* Puts a handle in, and frees what was there. */
static void keep(struct chance *c, void *new, unsigned kind) {
    if (new != NULL) {
        void **place = &pool[kind * SHARE + below(c, SHARE)];
        frees(c, __atomic_exchange_n(place, new, __ATOMIC_ACQ_REL), kind);
    }
}

static lsm_slice slice(struct chance *c) {
    switch (below(c, 30)) {
    case 0:
        return lsm_bytes(NULL, 0);
    case 1:
        return lsm_bytes(NULL, (size_t)draw(c));
    case 2:
        return lsm_bytes(bytes, SIZE_MAX - below(c, 9));
    case 3:
        return lsm_bytes(bytes, ((size_t)1 << 40) + below(c, 9));
    case 4:
        return lsm_bytes(bytes, 65536 + below(c, 1000));
    case 5:
        return lsm_bytes(&bytes[below(c, 99)], 60000 + below(c, 5000));
    default:
        return lsm_bytes(&bytes[below(c, 200)], below(c, 4));
    }
}

static const char *text(struct chance *c) {
    static const char *const texts[] = {
        "users", "jobs", "", "default", "\xff\xfe", "memory_limit=32MiB; durability=volatile",
        "strategy=tiered:4", "strategy=fifo:1000000:0; compression=none", "memory_limit=x", ";;=",
        "wal=write; memtable=skiplist", "block_bytes=1",
    };
    return once_in(c, 20) ? NULL : texts[below(c, sizeof texts / sizeof *texts)];
}

static const char *path(struct chance *c) {
    switch (below(c, 30)) {
    case 0:
        return NULL;
    case 1:
        return "";
    case 2:
        return "/dev/null";
    case 3:
        return "/proc/self/none/none";
    default:
        return places[below(c, PLACES)];
    }
}

/* -- callbacks */

static void in_callback(void *db) {
    lsm_value value = LSM_VALUE_INIT;
    if (lsm_get((lsm_db *)db, NULL, lsm_str("a"), &value, NULL) == LSM_OK) {
        lsm_value_free(&value);
    }
    if (lsm_put((lsm_db *)db, NULL, lsm_str("a"), lsm_str("b"), NULL) == LSM_OK) {
        abort();
    }
}

static void told(void *context, lsm_log_level level, const char *message) {
    (void)context;
    if (level == 0 || message[0] == '\0') {
        abort();
    }
    in_callback(__atomic_load_n(&pool[level], __ATOMIC_ACQUIRE));
}

static void happened(void *context, const lsm_event *event) {
    (void)context;
    if (event->struct_size != sizeof *event || event->message == NULL) {
        abort();
    }
    in_callback(__atomic_load_n(&pool[event->kind % POOL], __ATOMIC_ACQUIRE));
}

static lsm_status progress(void *context, uint64_t done, uint64_t total) {
    (void)total;
    in_callback(__atomic_load_n(&pool[done % POOL], __ATOMIC_ACQUIRE));
    return context == NULL ? LSM_OK : -77;
}

static void named(void *context, const char *name) {
    if (name[0] == '\0') {
        abort();
    }
    in_callback(context);
}

static void measured(void *context, const char *name, const char *labels, double value) {
    (void)context, (void)labels, (void)value;
    if (strncmp(name, "lsm_", 4) != 0) {
        abort();
    }
}

static lsm_status merged(void *context, lsm_slice key, const lsm_slice *base, const lsm_slice *operands, size_t count,
                         lsm_sink *result) {
    (void)context;
    if (count == 0 || (base != NULL && base->size > 0 && base->data == NULL)) {
        abort();
    }
    in_callback(__atomic_load_n(&pool[key.size % POOL], __ATOMIC_ACQUIRE));
    if (lsm_sink_append(result, operands[count - 1]) != LSM_OK) {
        abort();
    }
    return operands[0].size % 5 == 4 ? -77 : LSM_OK;
}

static const lsm_merge_operator own[1] = {{sizeof own[0], "own", NULL, merged, NULL, NULL, NULL, NULL}};

/* Keys by their last byte; some keys have no place. */
static lsm_status ordered(void *context, lsm_slice key, lsm_sink *result) {
    (void)context;
    in_callback(__atomic_load_n(&pool[key.size % POOL], __ATOMIC_ACQUIRE));
    if (key.size > 0) {
        lsm_slice last = {(const char *)key.data + key.size - 1, 1};
        if (lsm_sink_append(result, last) != LSM_OK) {
            abort();
        }
    }
    return key.size % 11 == 10 ? LSM_BUSY : LSM_OK;
}

static const lsm_comparator order[1] = {{sizeof order[0], "own", NULL, ordered, NULL}};

/* Some values go, some change, some cannot be judged, and some are judged by nonsense. */
static lsm_status filtered(void *context, lsm_slice key, lsm_slice value, const lsm_filter_context *about,
                           lsm_filter_decision *decision, lsm_sink *replacement) {
    (void)context;
    in_callback(__atomic_load_n(&pool[key.size % POOL], __ATOMIC_ACQUIRE));
    if (about->struct_size != sizeof *about || about->keyspace.size == 0 || *decision != LSM_FILTER_KEEP ||
        lsm_sink_append(replacement, key) != LSM_OK) {
        abort();
    }
    *decision = (lsm_filter_decision)(value.size % 5);
    return value.size % 7 == 6 ? LSM_BUSY : LSM_OK;
}

static const lsm_compaction_filter sieve[1] = {{sizeof sieve[0], "own", NULL, filtered, NULL}};

/* Default keyspaces, the last of which cannot be. */
static lsm_keyspace_options kept[3] = {LSM_KEYSPACE_OPTIONS_INIT, LSM_KEYSPACE_OPTIONS_INIT,
                                       LSM_KEYSPACE_OPTIONS_INIT};

static void keep_well(void) {
    kept[1].merge_operator = "append";
    kept[1].compaction_filter = "own";
    kept[2].compaction_filter = "no";
}

/* -- options: mostly what makes sense */

static lsm_options open_options(struct chance *c) {
    lsm_options options = LSM_OPTIONS_INIT;
    options.memory_limit = 16u << 20;
    options.memtable_bytes = 65536;
    options.log = once_in(c, 2) ? told : NULL;
    options.event = once_in(c, 2) ? happened : NULL;
    options.log_level = (lsm_log_level)below(c, 6);
    options.merge_operators = own;
    options.merge_operator_count = 1;
    options.comparators = order;
    options.comparator_count = 1;
    options.compaction_filters = sieve;
    options.compaction_filter_count = 1;
    if (once_in(c, 6)) {
        options.default_keyspace = &kept[below(c, 3)];
    }
    if (once_in(c, 3)) {
        options.flags = (uint32_t)below(c, 9);
        options.durability = (lsm_durability)below(c, 5);
        options.wal_mode = (lsm_wal_mode)below(c, 5);
        options.memtable = (lsm_memtable)below(c, 4);
        options.open_files_max = (uint32_t)below(c, 4);
        options.wal_bytes_max = below(c, 3) << 18;
        options.sync_interval_ms = (uint32_t)below(c, 3);
        options.background_threads = (uint32_t)below(c, 4);
    }
    if (once_in(c, 20)) {
        memset((char *)&options + below(c, sizeof options), (int)draw(c), 1);
        /* The addresses have to stay what they are. */
        options.log = NULL;
        options.event = NULL;
        options.merge_operators = NULL;
        options.merge_operator_count = 0;
        options.comparators = NULL;
        options.comparator_count = 0;
        options.compaction_filters = NULL;
        options.compaction_filter_count = 0;
        options.default_keyspace = NULL;
        options.memory_limit = 16u << 20;
        options.background_threads %= 5;
    }
    return options;
}

static const char *operator_of(struct chance *c) {
    static const char *const names[] = {NULL, NULL, "append", "add_i64", "set_union", "own", "nobody", "a b"};
    return names[below(c, 8)];
}

static const char *comparator_of(struct chance *c) {
    static const char *const names[] = {NULL, NULL, NULL, "reverse", "bytewise", "user:own", "user:no", "own"};
    return names[below(c, 8)];
}

static const char *filter_of(struct chance *c) {
    static const char *const names[] = {NULL, NULL, NULL, "own", "own", "own", "no", "o w n"};
    return names[below(c, 8)];
}

static lsm_read_options read_options(struct chance *c) {
    lsm_read_options options = LSM_READ_OPTIONS_INIT;
    options.flags = once_in(c, 4) ? (uint32_t)below(c, 17) : 0;
    options.snapshot = once_in(c, 3) ? (lsm_snapshot *)handle(c, SNAPSHOT) : NULL;
    options.lower = once_in(c, 4) ? slice(c) : options.lower;
    options.upper = once_in(c, 4) ? slice(c) : options.upper;
    options.prefix = once_in(c, 4) ? slice(c) : options.prefix;
    options.struct_size = once_in(c, 30) ? (uint32_t)draw(c) : options.struct_size;
    return options;
}

static lsm_write_options write_options(struct chance *c, uint64_t *seqno) {
    lsm_write_options options = LSM_WRITE_OPTIONS_INIT;
    options.flags = (uint32_t)below(c, once_in(c, 9) ? 99 : 4);
    options.durability = (lsm_durability)(once_in(c, 9) ? draw(c) : below(c, 4));
    options.timeout_ms = (uint32_t)below(c, 50);
    options.seqno = once_in(c, 2) ? seqno : NULL;
    options.ttl_ms = once_in(c, 3) ? (once_in(c, 3) ? draw(c) : below(c, 50)) : 0;
    options.expires_at_ms = once_in(c, 9) ? draw(c) : 0;
    options.struct_size = once_in(c, 30) ? (uint32_t)below(c, 99) : options.struct_size;
    return options;
}

static lsm_call_options call_options(struct chance *c) {
    lsm_call_options options = LSM_CALL_OPTIONS_INIT;
    options.progress = once_in(c, 3) ? NULL : progress;
    options.progress_context = once_in(c, 2) ? &pool : NULL;
    options.timeout_ms = (uint32_t)below(c, 100);
    return options;
}

/* -- calls */

/* Looks at an error, as a program would, and frees it now or leaves it to the pool. */
static void judge(struct chance *c, lsm_status status, lsm_error **error) {
    __atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED);
    if (strcmp(lsm_status_name(status), "LSM_UNKNOWN") == 0 || status == LSM_INTERNAL) {
        fprintf(stderr, "status %d: %s\n", status, error ? lsm_error_message(*error) : "");
        abort();
    }
    __atomic_fetch_add(&answers, status == LSM_OK, __ATOMIC_RELAXED);
    if (error == NULL) {
        return;
    }
    if ((status < 0) != (*error != NULL)) {
        abort();
    }
    if (*error != NULL) {
        if (lsm_error_status(*error) != status || strlen(lsm_error_message(*error)) == 0) {
            abort();
        }
        if (once_in(c, 50)) {
            keep(c, *error, ERROR);
        } else {
            lsm_error_free(*error);
        }
    }
}

static void frees(struct chance *c, void *handle, unsigned kind) {
    switch (kind) {
    case ERROR:
        lsm_error_free((lsm_error *)handle);
        break;
    case BATCH:
        lsm_batch_free((lsm_batch *)handle);
        break;
    case SNAPSHOT:
        lsm_snapshot_free((lsm_snapshot *)handle);
        break;
    case ITER:
        lsm_iter_free((lsm_iter *)handle);
        break;
    default: {
        lsm_error *error;
        judge(c, lsm_close((lsm_db *)handle, &error), &error);
    }
    }
}

/* Keeps a value for later, and forgets or frees what was there: twice, now and then. */
static void keep_value(struct chance *c, lsm_value value) {
    lsm_value *place = &c->values[below(c, VALUES)];
    lsm_value copy = *place;
    if (place->data != NULL) {
        c->buffer[0] = place->data[place->size / 2 < place->size ? place->size / 2 : 0];
    }
    lsm_value_free(place);
    if (once_in(c, 10)) {
        lsm_value_free(&copy);
    }
    *place = value;
}

static void open_and_close(struct chance *c, lsm_error **error) {
    lsm_options options = open_options(c);
    lsm_db *db = (lsm_db *)&bytes;
    lsm_keyspace_options tuned = LSM_KEYSPACE_OPTIONS_INIT;
    lsm_value value = LSM_VALUE_INIT;
    uint64_t seqno = below(c, 100);
    switch (below(c, 14)) {
    case 0:
    case 1:
    case 2:
        judge(c, lsm_open(path(c), once_in(c, 9) ? NULL : &options, &db, error), error);
        keep(c, db, DB);
        break;
    case 3:
        frees(c, handle(c, ERROR + (unsigned)below(c, KINDS)), (unsigned)below(c, KINDS));
        break;
    case 4:
        if (once_in(c, 3)) {
            lsm_options *how = once_in(c, 2) ? NULL : &options;
            if (once_in(c, 2)) {
                judge(c, lsm_salvage(path(c), path(c), how, &value, error), error);
            } else {
                judge(c, lsm_salvage_with(path(c), path(c), how, NULL, &value, error), error);
            }
            lsm_value_free(&value);
        } else {
            judge(c, lsm_destroy(path(c), error), error);
        }
        break;
    case 5:
    case 6:
        if (once_in(c, 2)) {
            judge(c, lsm_keyspace_options_parse(&tuned, text(c), error), error);
        }
        tuned.compression = (lsm_compression)below(c, 5);
        tuned.quota_bytes = once_in(c, 4) ? below(c, 100000) : 0;
        tuned.merge_operator = operator_of(c);
        tuned.comparator = comparator_of(c);
        tuned.write_once = (uint32_t)below(c, 40) / 20;
        tuned.compaction_filter = filter_of(c);
        tuned.blob_threshold = once_in(c, 8) ? LSM_BLOB_NEVER : below(c, 4) * 100;
        judge(c, lsm_keyspace_open((lsm_db *)handle(c, DB), text(c), &tuned, &db, error), error);
        keep(c, db, DB);
        break;
    case 7:
        judge(c, lsm_keyspace_drop((lsm_db *)handle(c, DB), text(c), error), error);
        break;
    case 8:
        judge(c, lsm_keyspace_list((lsm_db *)handle(c, DB), named, handle(c, DB), error), error);
        break;
    case 9:
        (void)lsm_path((lsm_db *)handle(c, DB));
        (void)lsm_keyspace_name((lsm_db *)handle(c, DB));
        seqno = lsm_latest_seqno((lsm_db *)handle(c, DB)) + lsm_durable_seqno((lsm_db *)handle(c, DB));
        judge(c, lsm_keyspace_options_read((lsm_db *)handle(c, DB), &tuned, error), error);
        break;
    case 10:
        judge(c, lsm_wait_durable_for((lsm_db *)handle(c, DB), seqno, 1 + seqno % 3, error), error);
        judge(c, lsm_wait_durable((lsm_db *)handle(c, DB), seqno % 5, error), error);
        break;
    case 11:
        judge(c, lsm_health((lsm_db *)handle(c, DB), error), error);
        judge(c, lsm_resume((lsm_db *)handle(c, DB), error), error);
        break;
    case 12:
        judge(c, lsm_options_parse(&options, text(c), error), error);
        judge(c, lsm_options_format(&options, &value, error), error);
        keep_value(c, value);
        judge(c, lsm_keyspace_options_format(&tuned, &value, error), error);
        keep_value(c, value);
        break;
    default:
        judge(c, lsm_open_report((lsm_db *)handle(c, DB), &value, error), error);
        keep_value(c, value);
    }
}

static void reads(struct chance *c, lsm_error **error) {
    lsm_read_options options = read_options(c);
    lsm_read_options *how = once_in(c, 2) ? &options : NULL;
    lsm_value value = LSM_VALUE_INIT, values[5];
    lsm_status statuses[5];
    lsm_slice keys[5];
    size_t size, count = once_in(c, 20) ? (size_t)1 << 60 : below(c, 6);
    switch (below(c, 6)) {
    case 0:
        judge(c, lsm_get_into((lsm_db *)handle(c, DB), how, slice(c), c->buffer, below(c, 4096), &size,
                              error), error);
        break;
    case 1:
        judge(c, lsm_exists((lsm_db *)handle(c, DB), how, slice(c), error), error);
        break;
    case 2:
        for (size_t i = 0; i < 5; i++) {
            keys[i] = slice(c);
        }
        if (count < 6) {
            judge(c, lsm_multi_get((lsm_db *)handle(c, DB), how, count, keys, values,
                                   once_in(c, 2) ? statuses : NULL, error), error);
            lsm_values_free(values, count);
        } else {
            judge(c, lsm_multi_get((lsm_db *)handle(c, DB), how, count, keys, values, NULL, error),
                  error);
        }
        break;
    default:
        judge(c, lsm_get((lsm_db *)handle(c, DB), how, slice(c), &value, error), error);
        keep_value(c, value);
    }
}

static void requires(struct chance *c, lsm_error **error) {
    lsm_batch *batch = (lsm_batch *)handle(c, BATCH);
    lsm_db *db = (lsm_db *)handle(c, DB);
    switch (below(c, 3)) {
    case 0:
        judge(c, lsm_batch_require_absent(batch, db, slice(c), error), error);
        break;
    case 1:
        judge(c, lsm_batch_require_value(batch, db, slice(c), slice(c), error), error);
        break;
    default:
        judge(c, lsm_batch_require_unchanged(batch, db, slice(c), (lsm_snapshot *)handle(c, SNAPSHOT), error), error);
    }
    (void)lsm_batch_conditions(batch);
}

static void swaps(struct chance *c, lsm_write_options *how, lsm_error **error) {
    lsm_db *db = (lsm_db *)handle(c, DB);
    const lsm_slice before = slice(c), after = slice(c);
    if (once_in(c, 2)) {
        judge(c, lsm_insert_if_absent(db, how, slice(c), after, error), error);
    } else {
        judge(c, lsm_compare_and_set(db, how, slice(c), once_in(c, 3) ? NULL : &before, once_in(c, 3) ? NULL : &after,
                                     error), error);
    }
}

static void merges(struct chance *c, lsm_write_options *how, lsm_error **error) {
    lsm_db *db = (lsm_db *)handle(c, DB);
    lsm_batch *batch = (lsm_batch *)handle(c, BATCH);
    const uint64_t moment = once_in(c, 3) ? draw(c) : below(c, 30);
    const lsm_slice operand = once_in(c, 3) ? lsm_bytes("12345678", 8) : slice(c);
    switch (below(c, 8)) {
    case 0:
        judge(c, lsm_batch_merge(batch, db, slice(c), operand, error), error);
        break;
    case 1:
        judge(c, lsm_batch_merge_ttl(batch, db, slice(c), operand, moment, error), error);
        break;
    case 2:
        judge(c, lsm_batch_merge_until(batch, db, slice(c), operand, moment, error), error);
        break;
    case 3:
        judge(c, lsm_sink_append((lsm_sink *)handle(c, BATCH), operand), NULL);
        break;
    default:
        judge(c, lsm_merge(db, how, slice(c), operand, error), error);
    }
}

static void expires(struct chance *c, lsm_write_options *how, lsm_error **error) {
    lsm_db *db = (lsm_db *)handle(c, DB);
    lsm_batch *batch = (lsm_batch *)handle(c, BATCH);
    const uint64_t moment = once_in(c, 3) ? draw(c) : below(c, 30);
    uint64_t found = 0;
    lsm_read_options options = read_options(c);
    switch (below(c, 4)) {
    case 0:
        judge(c, lsm_touch(db, how, slice(c), error), error);
        break;
    case 1:
        judge(c, lsm_batch_put_ttl(batch, db, slice(c), slice(c), moment, error), error);
        break;
    case 2:
        judge(c, lsm_batch_put_until(batch, db, slice(c), slice(c), moment, error), error);
        break;
    default:
        judge(c, lsm_expiry(db, once_in(c, 2) ? &options : NULL, slice(c), once_in(c, 30) ? NULL : &found, error),
              error);
    }
}

static void writes(struct chance *c, lsm_error **error) {
    uint64_t seqno = 0;
    lsm_write_options options = write_options(c, &seqno);
    lsm_write_options *how = once_in(c, 2) ? &options : NULL;
    lsm_batch *batch = NULL;
    switch (below(c, 14)) {
    case 0:
        if (once_in(c, 2)) {
            judge(c, lsm_delete((lsm_db *)handle(c, DB), how, slice(c), error), error);
        } else {
            judge(c, lsm_single_delete((lsm_db *)handle(c, DB), how, slice(c), error), error);
        }
        break;
    case 1:
        judge(c, lsm_delete_range((lsm_db *)handle(c, DB), how, slice(c), slice(c), error), error);
        break;
    case 2:
        judge(c, lsm_batch_new(&batch, error), error);
        keep(c, batch, BATCH);
        break;
    case 3:
        judge(c, lsm_batch_put((lsm_batch *)handle(c, BATCH), (lsm_db *)handle(c, DB), slice(c), slice(c), error),
              error);
        break;
    case 4:
        batch = (lsm_batch *)handle(c, BATCH);
        if (once_in(c, 2)) {
            judge(c, lsm_batch_delete(batch, (lsm_db *)handle(c, DB), slice(c), error), error);
        } else {
            judge(c, lsm_batch_single_delete(batch, (lsm_db *)handle(c, DB), slice(c), error), error);
        }
        break;
    case 5:
        judge(c, lsm_batch_delete_range((lsm_batch *)handle(c, BATCH), (lsm_db *)handle(c, DB), slice(c), slice(c),
                                        error), error);
        break;
    case 6:
        judge(c, lsm_write((lsm_db *)handle(c, DB), how, (lsm_batch *)handle(c, BATCH), &seqno, error), error);
        break;
    case 7:
        batch = (lsm_batch *)handle(c, BATCH);
        if (lsm_batch_count(batch) > 200 || lsm_batch_bytes(batch) > 1u << 20 || once_in(c, 9)) {
            lsm_batch_clear(batch);
        }
        break;
    case 8:
        requires(c, error);
        break;
    case 9:
        swaps(c, how, error);
        break;
    case 10:
        expires(c, how, error);
        break;
    case 11:
        merges(c, how, error);
        break;
    default:
        judge(c, lsm_put((lsm_db *)handle(c, DB), how, slice(c), slice(c), error), error);
    }
}

static void walks(struct chance *c, lsm_error **error) {
    lsm_read_options options = read_options(c);
    lsm_slice key, value, keys[4], values[4];
    lsm_value pinned = LSM_VALUE_INIT;
    lsm_snapshot *snapshot = NULL;
    lsm_iter *iter = NULL;
    uint64_t moment;
    size_t count;
    switch (below(c, 12)) {
    case 0:
        judge(c, lsm_iter_new((lsm_db *)handle(c, DB), once_in(c, 2) ? &options : NULL, &iter, error), error);
        keep(c, iter, ITER);
        break;
    case 1:
        judge(c, lsm_iter_seek((lsm_iter *)handle(c, ITER), slice(c), error), error);
        break;
    case 2:
        judge(c, lsm_iter_seek_first((lsm_iter *)handle(c, ITER), error), error);
        break;
    case 3:
        judge(c, lsm_iter_seek_last((lsm_iter *)handle(c, ITER), error), error);
        break;
    case 4:
        judge(c, lsm_iter_prev((lsm_iter *)handle(c, ITER), &key, once_in(c, 2) ? &value : NULL, error), error);
        break;
    case 5:
        judge(c, lsm_iter_next_many((lsm_iter *)handle(c, ITER), below(c, 5), keys, once_in(c, 2) ? values : NULL,
                                    &count, error), error);
        break;
    case 6:
        judge(c, lsm_iter_pin((lsm_iter *)handle(c, ITER), &pinned, error), error);
        keep_value(c, pinned);
        judge(c, lsm_iter_expiry((lsm_iter *)handle(c, ITER), &moment, error), error);
        break;
    case 7:
        judge(c, lsm_iter_refresh((lsm_iter *)handle(c, ITER), error), error);
        break;
    case 8:
        judge(c, lsm_snapshot_new((lsm_db *)handle(c, DB), &snapshot, error), error);
        (void)lsm_snapshot_seqno(snapshot);
        keep(c, snapshot, SNAPSHOT);
        break;
    default:
        judge(c, lsm_iter_next((lsm_iter *)handle(c, ITER), &key, once_in(c, 2) ? &value : NULL, error), error);
    }
}

static void explains(struct chance *c, lsm_db *db, const lsm_read_options *read, const lsm_call_options *options,
                     lsm_error **error) {
    lsm_value value = LSM_VALUE_INIT;
    const uint64_t limit = below(c, 20);
    const uint32_t flags = (uint32_t)below(c, 3);
    switch (below(c, 6)) {
    case 0:
        judge(c, lsm_explain_get(db, read, slice(c), &value, error), error);
        break;
    case 1:
        judge(c, lsm_explain_get_text(db, read, slice(c), &value, error), error);
        break;
    case 2:
        judge(c, lsm_explain_range(db, read, slice(c), slice(c), limit, flags, options, &value, error), error);
        break;
    case 3:
        judge(c, lsm_explain_range_text(db, read, slice(c), slice(c), limit, flags, options, &value, error), error);
        break;
    case 4:
        judge(c, lsm_doctor(db, &value, error), error);
        break;
    default:
        judge(c, lsm_doctor_text(db, &value, error), error);
    }
    keep_value(c, value);
}

static void accounts(struct chance *c, lsm_db *db, lsm_error **error) {
    lsm_usage usage = LSM_USAGE_INIT;
    lsm_estimate estimate;
    lsm_value points[7];
    size_t found = 0;
    switch (below(c, 4)) {
    case 0:
        judge(c, lsm_keyspace_usage(db, &usage, error), error);
        break;
    case 1:
        judge(c, lsm_approximate_range_count(db, slice(c), slice(c), &estimate, error), error);
        break;
    case 2:
        judge(c, lsm_approximate_range_size(db, slice(c), slice(c), &estimate, error), error);
        break;
    default:
        judge(c, lsm_split_points(db, slice(c), slice(c), once_in(c, 9) ? SIZE_MAX : below(c, 9), points, &found,
                                  error), error);
        lsm_values_free(points, found);
    }
}

static void maintains(struct chance *c, lsm_error **error) {
    lsm_call_options options = call_options(c);
    lsm_read_options read = read_options(c);
    lsm_stats stats = LSM_STATS_INIT;
    lsm_value value = LSM_VALUE_INIT;
    uint64_t count;
    lsm_db *db = (lsm_db *)handle(c, DB);
    c->call = (unsigned)below(c, 23);
    switch (c->call) {
    case 21:
        judge(c, lsm_refresh(db, error), error);
        break;
    case 22:
        judge(c, lsm_readers(db, &value, error), error);
        keep_value(c, value);
        break;
    case 0:
        judge(c, lsm_sync(db, error), error);
        break;
    case 1:
        judge(c, lsm_flush(db, error), error);
        break;
    case 2:
        judge(c, lsm_flush_with(db, &options, error), error);
        break;
    case 3:
        judge(c, lsm_compact(db, slice(c), slice(c), error), error);
        break;
    case 4:
        judge(c, lsm_compact_with(db, slice(c), slice(c), &options, error), error);
        break;
    case 5:
        judge(c, lsm_wait_idle(db, error), error);
        break;
    case 6:
        judge(c, lsm_verify(db, error), error);
        break;
    case 7:
        judge(c, lsm_verify_with(db, &options, error), error);
        break;
    case 8:
        judge(c, lsm_background_pause(db, error), error);
        break;
    case 9:
    case 10:
        judge(c, lsm_background_resume(db, error), error);
        break;
    case 11:
        judge(c, lsm_stats_read(db, &stats, error), error);
        break;
    case 12:
        judge(c, lsm_metrics_visit(db, measured, NULL, error), error);
        break;
    case 13:
        judge(c, lsm_describe(db, &value, error), error);
        keep_value(c, value);
        break;
    case 14:
        judge(c, lsm_describe_text(db, &value, error), error);
        keep_value(c, value);
        break;
    case 15:
        judge(c, lsm_approximate_bytes(db, slice(c), slice(c), &count, error), error);
        break;
    case 16:
        judge(c, lsm_approximate_count(db, &count, error), error);
        break;
    case 17:
    case 18:
        explains(c, db, once_in(c, 2) ? &read : NULL, &options, error);
        break;
    case 19:
        accounts(c, db, error);
        break;
    default:
        judge(c, lsm_count(db, once_in(c, 2) ? &read : NULL, slice(c), slice(c), &options, &count,
                           error), error);
    }
}

/* What any thread may be asked of, at any time. */
static void looks(struct chance *c) {
    const lsm_error *error = (const lsm_error *)handle(c, ERROR);
    lsm_value made_up = {bytes, 5, handle(c, DB)};
    (void)lsm_error_status(error), (void)lsm_error_message(error), (void)lsm_error_path(error);
    (void)lsm_error_offset(error), (void)lsm_error_os_code(error);
    (void)lsm_error_is_retryable(error), (void)lsm_error_maybe_committed(error);
    (void)lsm_status_is_retryable((lsm_status)draw(c));
    lsm_value_free(&made_up);
    lsm_value_free(NULL);
    if (lsm_version_number() == 0 || lsm_version() == NULL || lsm_build_info() == NULL) {
        abort();
    }
}

static void *works(void *argument) {
    struct chance *c = (struct chance *)argument;
    while (!is_over) {
        lsm_error *error = (lsm_error *)&bytes;
        lsm_error **told = once_in(c, 4) ? NULL : &error;
        c->act = (unsigned)below(c, 16);
        switch (c->act) {
        case 0:
            open_and_close(c, told);
            break;
        case 1:
            if (once_in(c, 4)) {
                maintains(c, told);
            }
            break;
        case 2:
            looks(c);
            break;
        case 3:
        case 4:
        case 5:
            reads(c, told);
            break;
        case 6:
        case 7:
        case 8:
        case 9:
            walks(c, told);
            break;
        default:
            writes(c, told);
        }
    }
    c->act = 16;
    lsm_values_free(c->values, VALUES);
    return NULL;
}

static struct chance chances[THREADS];

/* A call that never returns is a crash, too: this tells which, and ends the program. */
static void hangs(int signal) {
    for (int i = 0; i < THREADS; i++) {
        fprintf(stderr, "thread %d is at act %u, call %u\n", i, chances[i].act, chances[i].call);
    }
    fprintf(stderr, "signal %d: a call does not return\n", signal);
    _exit(4);
}

int main(int count, char **arguments) {
    pthread_t threads[THREADS];
    if (count != 4) {
        fprintf(stderr, "fuzz SECONDS SEED DIRECTORY\n");
        return 2;
    }
    unsigned long long seed = strtoull(arguments[2], NULL, 0);
    fprintf(stderr, "seed %llu\n", seed);
    keep_well();
    for (int i = 0; i < PLACES; i++) {
        snprintf(places[i], sizeof places[i], "%s-%d", arguments[3], i);
    }
    for (int i = 0; i < BUFFER; i++) {
        bytes[i] = (char)("abc"[(i * 7 + i / 11) % 3]);
    }
    for (int i = 0; i < THREADS; i++) {
        chances[i].state = (seed + 1) * 0x9e3779b97f4a7c15ull + (unsigned)i + 1;
        if (pthread_create(&threads[i], NULL, works, &chances[i]) != 0) {
            return 3;
        }
    }
    signal(SIGALRM, hangs);
    alarm((unsigned)strtoul(arguments[1], NULL, 0) + 240);
    time_t end = time(NULL) + (time_t)strtoul(arguments[1], NULL, 0);
    while (time(NULL) < end) {
        const struct timespec pause = {0, 50000000};
        nanosleep(&pause, NULL);
    }
    is_over = 1;
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    for (int i = 0; i < POOL; i++) {
        frees(&chances[0], pool[i], (unsigned)i / SHARE);
    }
    for (int i = 0; i < PLACES; i++) {
        lsm_status status = lsm_destroy(places[i], NULL);
        if (status != LSM_OK && status != LSM_INVALID_ARGUMENT) {
            fprintf(stderr, "%s is still in use: %s\n", places[i], lsm_status_name(status));
            return 1;
        }
    }
    printf("%lu calls with a status, %lu of them LSM_OK, seed %llu\n", calls, answers, seed);
    return answers > 0 ? 0 : 1;
}
