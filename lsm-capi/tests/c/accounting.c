/* Section "accounting". */
#include "check.h"

/* What 1000 entries take, and where they are split. */
static void accounts(lsm_db *db) {
    lsm_usage usage = LSM_USAGE_INIT;
    OK(lsm_keyspace_usage(db, &usage, &error));
    CHECK(usage.disk_bytes > 0 && usage.table_entries == 1000 && usage.memory_entries == 0);
    CHECK(usage.live_bytes == 1000 * 28 && usage.data_bytes == usage.live_bytes);
    CHECK(usage.live_keys == 1000 && usage.garbage_bytes_max == 0);
    CHECK(usage.live_keys_min == 1000 && usage.live_keys_max == 1000);
    CHECK(usage.quota_bytes == 0 && usage.is_over_quota == 0);
    usage.struct_size = 8;
    IS(LSM_INVALID_ARGUMENT, lsm_keyspace_usage(db, &usage, &error));
    lsm_estimate estimate;
    OK(lsm_approximate_range_count(db, T("00000200"), T("00000500"), &estimate, &error));
    CHECK(estimate.estimate == 300 && estimate.at_least == 300 && estimate.at_most == 300);
    OK(lsm_approximate_range_size(db, T("00000200"), ABSENT, &estimate, &error));
    CHECK(estimate.at_least <= estimate.estimate && estimate.estimate <= estimate.at_most);
    CHECK(estimate.estimate > 0);
    IS(LSM_INVALID_ARGUMENT, lsm_approximate_range_count(db, ABSENT, ABSENT, NULL, &error));
    lsm_value points[3];
    size_t found = 0;
    OK(lsm_split_points(db, ABSENT, ABSENT, 4, points, &found, &error));
    CHECK(found == 3 && memcmp(points[1].data, "00000500", 8) == 0);
    lsm_values_free(points, found);
    OK(lsm_split_points(db, ABSENT, ABSENT, 1, NULL, &found, &error));
    CHECK(found == 0);
    IS(LSM_INVALID_ARGUMENT, lsm_split_points(db, ABSENT, ABSENT, 0, NULL, &found, &error));
    IS(LSM_INVALID_ARGUMENT, lsm_split_points(db, ABSENT, ABSENT, SIZE_MAX, NULL, &found, &error));
    IS(LSM_INVALID_ARGUMENT, lsm_split_points(db, ABSENT, ABSENT, 4, NULL, &found, &error));
    lsm_keyspace_options options = LSM_KEYSPACE_OPTIONS_INIT;
    options.quota_bytes = 100000;
    lsm_db *small = NULL;
    OK(lsm_keyspace_open(db, "small", &options, &small, &error));
    char key[16], value[1000] = {0};
    int written = 0;
    for (; written < 1000; written++) {
        snprintf(key, sizeof key, "%08d", written);
        if (lsm_put(small, NULL, T(key), lsm_bytes(value, sizeof value), NULL) != LSM_OK) {
            break;
        }
    }
    CHECK(written > 10 && written < 400);
    IS(LSM_NO_SPACE, lsm_put(small, NULL, T("k"), T("v"), &error));
    OK(lsm_delete(small, NULL, T("k"), &error));
    lsm_usage over = LSM_USAGE_INIT;
    OK(lsm_keyspace_usage(small, &over, &error));
    CHECK(over.is_over_quota == 1 && over.quota_refusals >= 2 && over.quota_bytes == 100000);
    OK(lsm_delete_range(small, NULL, ABSENT, ABSENT, &error));
    OK(lsm_compact(small, ABSENT, ABSENT, &error));
    OK(lsm_put(small, NULL, T("k"), T("v"), &error));
    OK(lsm_close(small, &error));
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
    accounts(db);
    OK(lsm_close(db, &error));
    lsm_usage usage = LSM_USAGE_INIT;
    size_t found = 7;
    lsm_value point;
    IS(LSM_CLOSED, lsm_keyspace_usage(db, &usage, &error));
    IS(LSM_CLOSED, lsm_split_points(db, ABSENT, ABSENT, 2, &point, &found, &error));
    CHECK(found == 0 && point.data == NULL);
    return 0;
}
