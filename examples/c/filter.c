/* Garbage that is taken away when tables are merged: filter DIRECTORY */
#include <lsm.h>
#include <stdio.h>
#include <string.h>

static int fail(lsm_error *error) {
    fprintf(stderr, "%s\n", lsm_error_message(error));
    lsm_error_free(error);
    return 1;
}

static int begins_with(lsm_slice value, const char *text) {
    return value.size >= strlen(text) && memcmp(value.data, text, strlen(text)) == 0;
}

/* What is done with goes, and what is of the first form becomes one of the second. */
static lsm_status sweep(void *context, lsm_slice key, lsm_slice value, const lsm_filter_context *about,
                        lsm_filter_decision *decision, lsm_sink *replacement) {
    (void)context;
    (void)key;
    (void)about;
    if (begins_with(value, "done")) {
        *decision = LSM_FILTER_REMOVE;
    } else if (begins_with(value, "v1 ")) {
        lsm_status status = lsm_sink_append(replacement, lsm_str("v2 "));
        *decision = LSM_FILTER_REPLACE;
        return status == LSM_OK
                   ? lsm_sink_append(replacement, lsm_bytes(value.data + 3, value.size - 3))
                   : status;
    }
    return LSM_OK;
}

static lsm_status run(const lsm_db *jobs, lsm_error **error) {
    static const char *const all[][2] = {{"1", "done"}, {"2", "v1 wash"}, {"3", "v2 cook"}, {"4", "done too"}};
    lsm_iter *iter = NULL;
    lsm_slice key, value;
    lsm_status status = LSM_OK;
    size_t at;

    for (at = 0; at < 4 && status == LSM_OK; at++) {
        status = lsm_put(jobs, NULL, lsm_str(all[at][0]), lsm_str(all[at][1]), error);
    }
    if (status == LSM_OK) {
        status = lsm_compact(jobs, lsm_bytes(NULL, 0), lsm_bytes(NULL, 0), error);
    }
    if (status == LSM_OK) {
        status = lsm_iter_new(jobs, NULL, &iter, error);
    }
    while (status == LSM_OK && (status = lsm_iter_next(iter, &key, &value, error)) == LSM_OK) {
        printf("%.*s: %.*s\n", (int)key.size, key.data, (int)value.size, value.data);
    }
    lsm_iter_free(iter);
    return status;
}

int main(int count, char **arguments) {
    lsm_compaction_filter filter = LSM_COMPACTION_FILTER_INIT;
    lsm_options options = LSM_OPTIONS_INIT;
    lsm_keyspace_options choice = LSM_KEYSPACE_OPTIONS_INIT;
    lsm_error *error = NULL;
    lsm_db *db = NULL, *jobs = NULL;

    if (count != 2) {
        fprintf(stderr, "filter DIRECTORY\n");
        return 2;
    }
    filter.name = "sweeper";
    filter.filter = sweep;
    options.compaction_filters = &filter;
    options.compaction_filter_count = 1;
    choice.compaction_filter = "sweeper";
    if (lsm_open(arguments[1], &options, &db, &error) < 0 ||
        lsm_keyspace_open(db, "jobs", &choice, &jobs, &error) < 0 || run(jobs, &error) < 0) {
        return fail(error);
    }
    if (lsm_close(jobs, &error) < 0 || lsm_close(db, &error) < 0) {
        return fail(error);
    }
    return 0;
}
