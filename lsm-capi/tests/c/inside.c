/* Section "looking inside". */
#include "check.h"

struct seen {
    int metrics, labelled;
    double gets;
};

static void metric(void *context, const char *name, const char *labels, double value) {
    struct seen *seen = (struct seen *)context;
    seen->metrics++;
    seen->labelled += labels[0] != '\0';
    CHECK(strncmp(name, "lsm_", 4) == 0);
    if (strcmp(name, "lsm_gets_total") == 0) {
        seen->gets = value;
    }
}

int main(int count, char **arguments) {
    (void)count;
    lsm_db *db = check_open(arguments[1]);
    char key[16];
    for (int i = 0; i < 1000; i++) {
        snprintf(key, sizeof key, "%08d", i);
        OK(lsm_put(db, NULL, T(key), T(key), &error));
    }
    OK(lsm_flush(db, &error));
    CHECK(check_has(db, "00000007", "00000007"));
    CHECK(check_has(db, "00000008", "00000008"));

    lsm_stats stats = LSM_STATS_INIT;
    OK(lsm_stats_read(db, &stats, &error));
    CHECK(stats.struct_size == sizeof stats && stats.level_count == 1);
    CHECK(stats.entries_estimate == 1000 && stats.disk_bytes > 1000 && stats.live_bytes > 1000);
    CHECK(stats.bytes_written_user == 16000 && stats.bytes_written_disk > 16000);
    CHECK(stats.memory_bytes > 0 && stats.cache_misses > 0 && stats.snapshots == 0);
    stats.struct_size = 0;
    IS(LSM_INVALID_ARGUMENT, lsm_stats_read(db, &stats, &error));
    IS(LSM_INVALID_ARGUMENT, lsm_stats_read(db, NULL, &error));

    struct seen seen = {0, 0, 0};
    OK(lsm_metrics_visit(db, metric, &seen, &error));
    CHECK(seen.metrics > 50 && seen.labelled > 5 && seen.gets == 2);
    IS(LSM_INVALID_ARGUMENT, lsm_metrics_visit(db, NULL, NULL, &error));

    lsm_value text;
    OK(lsm_describe(db, &text, &error));
    CHECK(text.size > 100 && text.data[0] == '{' && text.data[text.size - 1] == '}');
    lsm_value_free(&text);
    OK(lsm_describe_text(db, &text, &error));
    CHECK(text.size > 100);
    lsm_value_free(&text);
    IS(LSM_INVALID_ARGUMENT, lsm_describe(db, NULL, &error));

    uint64_t all = 0, half = 0, keys = 0;
    OK(lsm_approximate_bytes(db, ABSENT, ABSENT, &all, &error));
    OK(lsm_approximate_bytes(db, T("00000500"), ABSENT, &half, &error));
    CHECK(all > 1000 && half > 0 && half < all);
    OK(lsm_approximate_count(db, &keys, &error));
    CHECK(keys == 1000);
    IS(LSM_INVALID_ARGUMENT, lsm_approximate_bytes(db, ABSENT, ABSENT, NULL, &error));
    OK(lsm_close(db, &error));
    IS(LSM_CLOSED, lsm_describe(db, &text, &error));
    CHECK(text.data == NULL);
    return 0;
}
