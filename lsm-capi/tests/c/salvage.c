/* Section "salvage". */
#include "check.h"

static int calls;

static lsm_status count_calls(void *context, uint64_t done, uint64_t total) {
    CHECK(done <= total);
    calls++;
    return *(int *)context > 0 && calls >= *(int *)context ? LSM_ABORTED : LSM_OK;
}

/* Damages the largest table: a byte in its first block. */
static void damage(const char *path) {
    char command[1024];
    snprintf(command, sizeof command,
             "f=$(ls -S '%s'/*.sst | head -1) && "
             "printf 'xxxx' | dd of=\"$f\" bs=1 seek=200 conv=notrunc 2>/dev/null",
             path);
    CHECK(system(command) == 0);
}

int main(int count, char **arguments) {
    (void)count;
    const char *path = arguments[1];
    lsm_db *db = check_open(path), *users;
    lsm_value report = LSM_VALUE_INIT;
    lsm_options options = LSM_OPTIONS_INIT;
    lsm_call_options call = LSM_CALL_OPTIONS_INIT;
    int limit = 0;
    char key[32];

    OK(lsm_keyspace_open(db, "users", NULL, &users, &error));
    for (int i = 0; i < 2000; i++) {
        snprintf(key, sizeof key, "key %05d", i);
        OK(lsm_put(db, NULL, lsm_str(key), T("some value of a key"), &error));
    }
    OK(lsm_put(users, NULL, T("u"), T("1"), &error));
    OK(lsm_flush(db, &error));
    char *fresh = strdup(check_beside(path, "fresh"));
    IS(LSM_LOCKED, lsm_salvage(path, fresh, NULL, &report, &error));
    OK(lsm_close(users, &error));
    OK(lsm_close(db, &error));

    IS(LSM_INVALID_ARGUMENT, lsm_salvage(NULL, fresh, NULL, &report, &error));
    IS(LSM_INVALID_ARGUMENT, lsm_salvage(path, NULL, NULL, &report, &error));
    IS(LSM_INVALID_ARGUMENT, lsm_salvage(path, fresh, NULL, NULL, &error));
    IS(LSM_EXISTS, lsm_salvage(path, path, NULL, &report, &error));
    IS(LSM_INVALID_ARGUMENT, lsm_salvage(check_beside(path, "none"), fresh, NULL, &report, &error));

    call.progress = count_calls;
    call.progress_context = &limit;
    limit = 1;
    IS(LSM_ABORTED, lsm_salvage_with(path, fresh, NULL, &call, &report, &error));
    limit = 0;
    OK(lsm_salvage_with(path, fresh, NULL, &call, &report, &error));
    CHECK(calls > 2);
    CHECK(strncmp(report.data, "{\"is_complete\":true", 19) == 0);
    lsm_value_free(&report);
    IS(LSM_EXISTS, lsm_salvage(path, fresh, NULL, &report, &error));
    db = check_open(fresh);
    CHECK(check_has(db, "key 01234", "some value of a key"));
    OK(lsm_keyspace_open(db, "users", NULL, &users, &error));
    CHECK(check_has(users, "u", "1"));
    OK(lsm_close(users, &error));
    OK(lsm_close(db, &error));
    OK(lsm_destroy(fresh, &error));
    IS(LSM_EXISTS, lsm_salvage(path, fresh, NULL, &report, &error));

    damage(path);
    free(fresh);
    fresh = strdup(check_beside(path, "again"));
    options.scrub_bytes_per_second = 1 << 20;
    OK(lsm_salvage(path, fresh, &options, &report, &error));
    CHECK(strncmp(report.data, "{\"is_complete\":false", 20) == 0);
    CHECK(strstr(report.data, "\"lost\":[{\"keyspace\":\"") != NULL);
    lsm_value_free(&report);
    db = check_open(fresh);
    CHECK(check_has(db, "key 01999", "some value of a key"));
    OK(lsm_close(db, &error));
    free(fresh);
    return 0;
}
