/* Section "keyspaces". */
#include "check.h"

static void counted(void *context, const char *name) {
    CHECK(name[0] != '\0');
    ++*(int *)context;
}

/* How the default keyspace is kept is chosen with the opening that makes the database. */
static void default_keyspace(const char *path) {
    lsm_options options = LSM_OPTIONS_INIT;
    lsm_keyspace_options kept = LSM_KEYSPACE_OPTIONS_INIT, read = LSM_KEYSPACE_OPTIONS_INIT;
    lsm_db *db;
    options.default_keyspace = &kept;
    kept.merge_operator = "nobody";
    IS(LSM_INVALID_ARGUMENT, lsm_open(path, &options, &db, &error));
    kept.merge_operator = "append";
    kept.comparator = "reverse";
    kept.strategy = LSM_TIERED;
    OK(lsm_open(path, &options, &db, &error));
    OK(lsm_merge(db, NULL, T("k"), T("1"), &error));
    OK(lsm_merge(db, NULL, T("k"), T("2"), &error));
    CHECK(check_has(db, "k", "12"));
    OK(lsm_keyspace_options_read(db, &read, &error));
    CHECK(strcmp(read.merge_operator, "append") == 0 && strcmp(read.comparator, "reverse") == 0);
    CHECK(read.strategy == LSM_TIERED && read.level_ratio == 4);
    OK(lsm_close(db, &error));
    OK(lsm_open(path, NULL, &db, &error));
    CHECK(check_has(db, "k", "12"));
    OK(lsm_close(db, &error));
    kept.merge_operator = "max";
    IS(LSM_INVALID_ARGUMENT, lsm_open(path, &options, &db, &error));
    CHECK(db == NULL);
    kept.struct_size = 1;
    IS(LSM_INVALID_ARGUMENT, lsm_open(path, &options, &db, &error));
}

/* How often something was done with large values, by the statistics. */
static int large_values(lsm_db *db, const char *name) {
    lsm_value text;
    OK(lsm_describe(db, &text, &error));
    const char *blobs = strstr(text.data, "\"blobs\":");
    CHECK(blobs != NULL);
    const char *counted = strstr(blobs, name);
    CHECK(counted != NULL);
    const int count = atoi(strchr(counted, ':') + 1);
    lsm_value_free(&text);
    return count;
}

/* Values apart from their keys, from the length that a keyspace has chosen. */
static void thresholds(lsm_db *db) {
    lsm_keyspace_options chosen = LSM_KEYSPACE_OPTIONS_INIT, read = LSM_KEYSPACE_OPTIONS_INIT;
    lsm_db *early, *never, *none;
    char value[5000];
    memset(value, 'v', sizeof value);
    OK(lsm_keyspace_options_parse(&chosen, "blob_threshold=100", &error));
    CHECK(chosen.blob_threshold == 100);
    OK(lsm_keyspace_open(db, "early", &chosen, &early, &error));
    OK(lsm_keyspace_options_read(early, &read, &error));
    CHECK(read.blob_threshold == 100);
    chosen.blob_threshold = LSM_BLOB_NEVER;
    OK(lsm_keyspace_open(db, "never", &chosen, &never, &error));
    OK(lsm_keyspace_options_read(never, &read, &error));
    CHECK(read.blob_threshold == LSM_BLOB_NEVER);
    chosen.blob_threshold = 63;
    IS(LSM_INVALID_ARGUMENT, lsm_keyspace_open(db, "tiny", &chosen, &none, &error));
    const int before = large_values(db, "\"values_written\":");
    OK(lsm_put(never, NULL, T("k"), lsm_bytes(value, sizeof value), &error));
    OK(lsm_put(early, NULL, T("k"), lsm_bytes(value, 99), &error));
    CHECK(large_values(db, "\"values_written\":") == before);
    OK(lsm_put(early, NULL, T("k"), lsm_bytes(value, 100), &error));
    OK(lsm_put(db, NULL, T("large"), lsm_bytes(value, sizeof value), &error));
    CHECK(large_values(db, "\"values_written\":") == before + 2);
    for (int settled = 0; settled < 2; settled++) {
        lsm_value found;
        OK(lsm_get(db, NULL, T("large"), &found, &error));
        CHECK(found.size == sizeof value && memcmp(found.data, value, sizeof value) == 0);
        lsm_value_free(&found);
        /* Whether it is there, and until when, is told without it. */
        uint64_t end;
        const int read_before = large_values(db, "\"values_read\":");
        CHECK(read_before > 0);
        OK(lsm_exists(db, NULL, T("large"), &error));
        OK(lsm_expiry(db, NULL, T("large"), &end, &error));
        CHECK(large_values(db, "\"values_read\":") == read_before);
        OK(lsm_flush(db, &error));
    }
    lsm_stats stats = LSM_STATS_INIT;
    OK(lsm_stats_read(db, &stats, &error));
    CHECK(stats.blob_files > 0 && stats.blob_bytes > 0 && stats.disk_bytes >= stats.blob_bytes);
    OK(lsm_delete(db, NULL, T("large"), &error));
    OK(lsm_keyspace_drop(db, "early", &error));
    OK(lsm_keyspace_drop(db, "never", &error));
    OK(lsm_close(early, &error));
    OK(lsm_close(never, &error));
}

int main(int count, char **arguments) {
    (void)count;
    lsm_db *db = check_open(arguments[1]), *users, *jobs, *none;
    OK(lsm_keyspace_open(db, "users", NULL, &users, &error));
    OK(lsm_keyspace_open(users, "jobs", NULL, &jobs, &error));
    CHECK(strcmp(lsm_keyspace_name(users), "users") == 0);
    CHECK(strcmp(lsm_keyspace_name(db), "default") == 0);
    CHECK(strcmp(lsm_path(jobs), lsm_path(db)) == 0);

    thresholds(db);

    /* The same key in each of them. */
    OK(lsm_put(db, NULL, T("k"), T("1"), &error));
    OK(lsm_put(users, NULL, T("k"), T("2"), &error));
    CHECK(check_has(db, "k", "1") && check_has(users, "k", "2") && check_has(jobs, "k", NULL));

    /* Names. */
    char long_name[300];
    memset(long_name, 'n', sizeof long_name);
    long_name[256] = '\0';
    CHECK(lsm_keyspace_open(db, long_name, NULL, &none, NULL) < 0 && none == NULL);
    long_name[255] = '\0';
    OK(lsm_keyspace_open(db, long_name, NULL, &none, &error));
    OK(lsm_close(none, &error));
    CHECK(lsm_keyspace_open(db, "", NULL, &none, NULL) < 0);
    IS(LSM_INVALID_ARGUMENT, lsm_keyspace_open(db, "\xff", NULL, &none, &error));
    IS(LSM_INVALID_ARGUMENT, lsm_keyspace_open(db, NULL, NULL, &none, &error));
    IS(LSM_INVALID_ARGUMENT, lsm_keyspace_open(db, "x", NULL, NULL, &error));

    int names = 0;
    OK(lsm_keyspace_list(jobs, counted, &names, &error));
    CHECK(names == 3);

    /* Dropped: its handles say so, and are still to be closed. */
    OK(lsm_keyspace_drop(db, "users", &error));
    IS(LSM_NOT_FOUND, lsm_keyspace_drop(db, "users", &error));
    IS(LSM_INVALID_ARGUMENT, lsm_keyspace_drop(db, NULL, &error));
    IS(LSM_CLOSED, lsm_put(users, NULL, T("k"), T("3"), &error));
    OK(lsm_close(users, &error));
    OK(lsm_keyspace_open(db, "users", NULL, &users, &error));
    CHECK(check_has(users, "k", NULL));
    CHECK(lsm_keyspace_drop(db, "default", NULL) < 0);
    OK(lsm_close(users, &error));
    OK(lsm_close(jobs, &error));
    OK(lsm_close(db, &error));
    default_keyspace(check_beside(arguments[1], "default"));
    return 0;
}
