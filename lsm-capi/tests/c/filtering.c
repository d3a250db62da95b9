/* Section "compaction filters". */
#include "check.h"

static int destroyed, shown, failures, counted;

/* What begins with x goes, "old" becomes "new", "fail" fails, and "nonsense" is judged so. */
static lsm_status sweep(void *context, lsm_slice key, lsm_slice value, const lsm_filter_context *about,
                        lsm_filter_decision *decision, lsm_sink *replacement) {
    CHECK(context == &destroyed && key.size == 1 && *decision == LSM_FILTER_KEEP);
    CHECK(about->struct_size == sizeof *about && check_is(about->keyspace, "things"));
    CHECK(about->level > 0 && about->is_last_level == 1);
    CHECK((about->expires_at_ms != 0) == check_is(key, "e"));
    __atomic_add_fetch(&shown, 1, __ATOMIC_RELAXED);
    if (value.size > 0 && value.data[0] == 'x') {
        *decision = LSM_FILTER_REMOVE;
    } else if (check_is(value, "old")) {
        *decision = LSM_FILTER_REPLACE;
        CHECK(lsm_sink_append(replacement, T("n")) == LSM_OK);
        return lsm_sink_append(replacement, T("ew"));
    } else if (check_is(value, "fail")) {
        *decision = LSM_FILTER_REMOVE;
        return LSM_UNSUPPORTED;
    } else if (check_is(value, "nonsense")) {
        *decision = 3;
    }
    return LSM_OK;
}

static void destroy(void *context) {
    CHECK(context == &destroyed);
    destroyed++;
}

static void hear(void *context, const lsm_event *event) {
    (void)context;
    if (event->kind == LSM_EVENT_FILTER_FAILED) {
        CHECK(strcmp(event->keyspace, "things") == 0 && event->entries == 2);
        CHECK(event->level == LSM_LOG_WARN && strstr(event->message, "sweeper") != NULL);
        failures++;
    }
}

static void metric(void *context, const char *name, const char *labels, double value) {
    (void)context;
    (void)labels;
    counted += strstr(name, "compaction_filter_removed") != NULL && value == 1;
    counted += strstr(name, "compaction_filter_replaced") != NULL && value == 2;
    counted += strstr(name, "compaction_filter_failures") != NULL && value == 2;
}

static void fill(lsm_db *db) {
    lsm_write_options brief = LSM_WRITE_OPTIONS_INIT;
    brief.ttl_ms = 3600000;
    OK(lsm_put(db, NULL, T("a"), T("x1"), &error));
    OK(lsm_put(db, NULL, T("b"), T("old"), &error));
    OK(lsm_put(db, NULL, T("c"), T("fail"), &error));
    OK(lsm_put(db, NULL, T("d"), T("nonsense"), &error));
    OK(lsm_put(db, &brief, T("e"), T("old"), &error));
    OK(lsm_put(db, NULL, T("f"), T("stays"), &error));
}

static void sweeping(const char *path, lsm_options *options) {
    lsm_keyspace_options choice = LSM_KEYSPACE_OPTIONS_INIT, read = LSM_KEYSPACE_OPTIONS_INIT;
    lsm_keyspace_options usual = LSM_KEYSPACE_OPTIONS_INIT;
    lsm_read_options how = LSM_READ_OPTIONS_INIT;
    lsm_db *db, *things, *again;
    lsm_snapshot *before;
    lsm_value value;
    uint64_t expires = 0;
    OK(lsm_open(path, options, &db, &error));
    choice.compaction_filter = "nobody";
    IS(LSM_INVALID_ARGUMENT, lsm_keyspace_open(db, "things", &choice, &things, &error));
    OK(lsm_keyspace_options_parse(&choice, "compaction_filter=sweeper", &error));
    CHECK(strcmp(choice.compaction_filter, "sweeper") == 0);
    choice.strategy = LSM_FIFO;
    IS(LSM_INVALID_ARGUMENT, lsm_keyspace_open(db, "things", &choice, &things, &error));
    choice.strategy = LSM_LEVELED;
    OK(lsm_keyspace_open(db, "things", &choice, &things, &error));
    OK(lsm_keyspace_options_read(things, &read, &error));
    CHECK(strcmp(read.compaction_filter, "sweeper") == 0);
    IS(LSM_INVALID_ARGUMENT, lsm_keyspace_open(db, "things", &usual, &again, &error));
    OK(lsm_keyspace_options_format(&choice, &value, &error));
    CHECK(strstr(value.data, "compaction_filter=sweeper") != NULL);
    lsm_value_free(&value);

    fill(things);
    OK(lsm_flush(things, &error));
    CHECK(shown == 0 && check_has(things, "a", "x1"));
    OK(lsm_snapshot_new(db, &before, &error));
    OK(lsm_compact(things, ABSENT, ABSENT, &error));
    CHECK(shown == 0);
    how.snapshot = before;
    OK(lsm_get(things, &how, T("a"), &value, &error));
    lsm_value_free(&value);
    lsm_snapshot_free(before);
    OK(lsm_compact(things, ABSENT, ABSENT, &error));
    CHECK(shown == 6 && failures == 1);
    CHECK(check_has(things, "a", NULL) && check_has(things, "b", "new"));
    CHECK(check_has(things, "c", "fail") && check_has(things, "d", "nonsense"));
    CHECK(check_has(things, "e", "new") && check_has(things, "f", "stays"));
    OK(lsm_expiry(things, NULL, T("e"), &expires, &error));
    CHECK(expires > 0);
    OK(lsm_metrics_visit(db, metric, NULL, &error));
    CHECK(counted == 3);
    OK(lsm_close(things, &error));
    CHECK(destroyed == 0);
    OK(lsm_close(db, &error));
    CHECK(destroyed == 1);
}

/* Without its filter a keyspace is opened, and everything is kept. */
static void missing(const char *path) {
    lsm_db *db, *things;
    lsm_value value;
    OK(lsm_open(path, NULL, &db, &error));
    OK(lsm_keyspace_open(db, "things", NULL, &things, &error));
    OK(lsm_put(things, NULL, T("a"), T("x"), &error));
    OK(lsm_compact(things, ABSENT, ABSENT, &error));
    CHECK(check_has(things, "a", "x"));
    OK(lsm_doctor(db, &value, &error));
    CHECK(strstr(value.data, "filter_missing") != NULL && strstr(value.data, "sweeper") != NULL);
    lsm_value_free(&value);
    OK(lsm_close(things, &error));
    OK(lsm_close(db, &error));
}

int main(int count, char **arguments) {
    lsm_compaction_filter filter = LSM_COMPACTION_FILTER_INIT;
    lsm_options options = LSM_OPTIONS_INIT;
    lsm_db *db;
    (void)count;
    filter.name = "sweeper";
    filter.context = &destroyed;
    filter.filter = sweep;
    filter.destroy = destroy;
    options.compaction_filters = &filter;
    options.compaction_filter_count = 1;
    options.event = hear;
    sweeping(arguments[1], &options);
    missing(arguments[1]);

    filter.name = "two words";
    IS(LSM_INVALID_ARGUMENT, lsm_open(arguments[1], &options, &db, &error));
    CHECK(destroyed == 2);
    filter.name = NULL;
    IS(LSM_INVALID_ARGUMENT, lsm_open(arguments[1], &options, &db, &error));
    CHECK(destroyed == 3);
    filter.name = "sweeper";
    filter.filter = NULL;
    IS(LSM_INVALID_ARGUMENT, lsm_open(arguments[1], &options, &db, &error));
    CHECK(destroyed == 4);
    filter.struct_size = 1;
    IS(LSM_INVALID_ARGUMENT, lsm_open(arguments[1], &options, &db, &error));
    CHECK(destroyed == 4);
    options.compaction_filters = NULL;
    IS(LSM_INVALID_ARGUMENT, lsm_open(arguments[1], &options, &db, &error));
    return 0;
}
