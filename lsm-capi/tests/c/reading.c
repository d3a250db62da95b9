/* Section "reading". */
#include "check.h"

int main(int count, char **arguments) {
    (void)count;
    lsm_db *db = check_open(arguments[1]);
    char key[8], buffer[8];
    size_t size = 77;
    for (int i = 0; i < 100; i++) {
        snprintf(key, sizeof key, "k%02d", i);
        OK(lsm_put(db, NULL, T(key), T(key), &error));
        if (i == 50) {
            OK(lsm_flush(db, &error));
        }
    }

    /* Into the caller's memory. */
    memset(buffer, '.', sizeof buffer);
    OK(lsm_get_into(db, NULL, T("k07"), buffer, sizeof buffer, &size, &error));
    CHECK(size == 3 && memcmp(buffer, "k07.....", 8) == 0);
    IS(LSM_TRUNCATED, lsm_get_into(db, NULL, T("k99"), buffer, 2, &size, &error));
    CHECK(size == 3 && memcmp(buffer, "k97", 3) == 0);
    IS(LSM_TRUNCATED, lsm_get_into(db, NULL, T("k99"), NULL, 0, &size, &error));
    CHECK(size == 3);
    OK(lsm_get_into(db, NULL, T("k07"), buffer, SIZE_MAX, &size, &error));
    IS(LSM_NOT_FOUND, lsm_get_into(db, NULL, T("none"), buffer, 8, &size, &error));
    CHECK(size == 0);
    IS(LSM_INVALID_ARGUMENT, lsm_get_into(db, NULL, T("k07"), NULL, 8, &size, &error));
    IS(LSM_INVALID_ARGUMENT, lsm_get_into(db, NULL, T("k07"), buffer, 8, NULL, &error));

    OK(lsm_exists(db, NULL, T("k00"), &error));
    IS(LSM_NOT_FOUND, lsm_exists(db, NULL, T("k"), &error));

    /* Several at once. */
    lsm_slice keys[] = {T("k99"), T("none"), T("k00"), T("k00")};
    lsm_value values[4];
    lsm_status statuses[4];
    OK(lsm_multi_get(db, NULL, 4, keys, values, statuses, &error));
    CHECK(statuses[0] == LSM_OK && statuses[1] == LSM_NOT_FOUND && statuses[3] == LSM_OK);
    CHECK(values[0].size == 3 && values[1].data == NULL && memcmp(values[2].data, "k00", 3) == 0);
    lsm_values_free(values, 4);
    OK(lsm_multi_get(db, NULL, 0, NULL, NULL, NULL, &error));
    OK(lsm_multi_get(db, NULL, 4, keys, values, NULL, &error));
    lsm_values_free(values, 4);
    keys[2] = lsm_bytes(NULL, 3);
    IS(LSM_INVALID_ARGUMENT, lsm_multi_get(db, NULL, 4, keys, values, statuses, &error));
    CHECK(values[0].data == NULL && statuses[0] == LSM_INVALID_ARGUMENT);
    IS(LSM_TOO_LARGE, lsm_multi_get(db, NULL, SIZE_MAX / 4, keys, values, NULL, &error));
    IS(LSM_INVALID_ARGUMENT, lsm_multi_get(db, NULL, 4, NULL, values, NULL, &error));
    IS(LSM_INVALID_ARGUMENT, lsm_multi_get(db, NULL, 4, keys, NULL, NULL, &error));

    /* Keys that cannot be. */
    lsm_value value = {"x", 1, NULL};
    IS(LSM_INVALID_ARGUMENT, lsm_get(db, NULL, lsm_bytes(NULL, 1), &value, &error));
    CHECK(value.data == NULL && value.pin == NULL);
    IS(LSM_TOO_LARGE, lsm_get(db, NULL, lsm_bytes("k", SIZE_MAX), &value, &error));
    IS(LSM_TOO_LARGE, lsm_get(db, NULL, lsm_bytes("k", SIZE_MAX / 2), &value, &error));
    IS(LSM_TOO_LARGE, lsm_get(db, NULL, lsm_bytes("k", 65536), &value, &error));
    IS(LSM_INVALID_ARGUMENT, lsm_get(db, NULL, T("k07"), NULL, &error));

    /* What is not in memory is not read. */
    OK(lsm_close(db, &error));
    db = check_open(arguments[1]);
    lsm_read_options memory = LSM_READ_OPTIONS_INIT;
    memory.flags = LSM_READ_MEMORY_ONLY;
    IS(LSM_BUSY, lsm_get(db, &memory, T("k07"), &value, &error));
    CHECK(check_has(db, "k07", "k07"));
    OK(lsm_get(db, &memory, T("k07"), &value, &error));
    lsm_value_free(&value);
    OK(lsm_close(db, &error));
    return 0;
}
