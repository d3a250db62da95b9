/* Section "callbacks": a log, events, progress; what may be called from within. */
#include "check.h"

/* Workers tell, too: whatever is counted here is counted by several threads. */
#define ONE_MORE(count) __atomic_fetch_add(&(count), 1, __ATOMIC_RELAXED)

struct told {
    lsm_db *db;
    unsigned long lines, events, flushed, refused, read, details;
};

static void log_line(void *context, lsm_log_level level, const char *message) {
    struct told *told = (struct told *)context;
    ONE_MORE(told->lines);
    if (level == LSM_LOG_DEBUG) {
        ONE_MORE(told->details);
    }
    CHECK(level >= LSM_LOG_ERROR && strlen(message) > 3);
    lsm_db *db = __atomic_load_n(&told->db, __ATOMIC_ACQUIRE);
    if (db != NULL) {
        /* To read is allowed; to write and to wait is not, and neither is to close. */
        lsm_value value;
        if (lsm_get(db, NULL, T("a"), &value, NULL) == LSM_OK) {
            ONE_MORE(told->read);
            lsm_value_free(&value);
        }
        if (lsm_put(db, NULL, T("b"), T("c"), NULL) == LSM_INVALID_ARGUMENT &&
            lsm_flush(db, NULL) == LSM_INVALID_ARGUMENT &&
            lsm_close(db, NULL) == LSM_INVALID_ARGUMENT) {
            ONE_MORE(told->refused);
        }
    }
}

static void event(void *context, const lsm_event *event) {
    struct told *told = (struct told *)context;
    CHECK(event->struct_size == sizeof *event && event->message != NULL);
    ONE_MORE(told->events);
    if (event->kind == LSM_EVENT_FLUSHED) {
        ONE_MORE(told->flushed);
        CHECK(event->bytes_written > 0 && event->table > 0 && event->keyspace == NULL);
    }
    if (event->kind == LSM_EVENT_KEYSPACE_CREATED) {
        CHECK(strcmp(event->keyspace, "users") == 0 || strcmp(event->keyspace, "others") == 0);
    }
}

static lsm_status go_on(void *context, uint64_t done, uint64_t total) {
    ++*(unsigned long *)context;
    CHECK(total == 0 || done <= total);
    return LSM_OK;
}

static lsm_status stop(void *context, uint64_t done, uint64_t total) {
    (void)context, (void)done, (void)total;
    return 12345;
}

static void name(void *context, const char *name) {
    strcat((char *)context, name);
    strcat((char *)context, " ");
}

int main(int count, char **arguments) {
    (void)count;
    struct told told = {NULL, 0, 0, 0, 0, 0, 0};
    lsm_options options = LSM_OPTIONS_INIT;
    options.log = log_line;
    options.log_level = LSM_LOG_DEBUG;
    options.log_context = &told;
    options.event = event;
    options.event_context = &told;
    lsm_db *db, *users, *others;
    OK(lsm_open(arguments[1], &options, &db, &error));
    CHECK(told.lines == 1 && told.events == 1);
    OK(lsm_put(db, NULL, T("a"), T("1"), &error));
    __atomic_store_n(&told.db, db, __ATOMIC_RELEASE);
    OK(lsm_flush(db, &error));
    OK(lsm_keyspace_open(db, "users", NULL, &users, &error));
    OK(lsm_keyspace_open(db, "others", NULL, &others, &error));
    CHECK(check_has(db, "b", NULL));

    char names[64] = "";
    OK(lsm_keyspace_list(db, name, names, &error));
    CHECK(strcmp(names, "others users ") == 0);
    IS(LSM_INVALID_ARGUMENT, lsm_keyspace_list(db, NULL, NULL, &error));

    unsigned long calls = 0;
    lsm_call_options call = LSM_CALL_OPTIONS_INIT;
    call.progress = go_on;
    call.progress_context = &calls;
    OK(lsm_verify_with(db, &call, &error));
    CHECK(calls > 0);
    call.progress = stop;
    IS(LSM_ABORTED, lsm_verify_with(db, &call, &error));
    OK(lsm_verify(db, &error));

    OK(lsm_close(users, &error));
    OK(lsm_close(others, &error));
    __atomic_store_n(&told.db, (lsm_db *)NULL, __ATOMIC_RELEASE);
    OK(lsm_close(db, &error));

    /* Nobody tells anything any more: now the numbers stand. */
    CHECK(told.flushed >= 1 && told.details >= 1 && told.lines == told.events);
    CHECK(told.refused > 0 && told.read > 0);
    return 0;
}
