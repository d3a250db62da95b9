/* Section "maintenance". */
#include "check.h"

static lsm_status counted(void *context, uint64_t done, uint64_t total) {
    (void)done, (void)total;
    ++*(int *)context;
    return LSM_OK;
}

static lsm_status stop(void *context, uint64_t done, uint64_t total) {
    (void)context, (void)done, (void)total;
    return LSM_END;
}

int main(int count, char **arguments) {
    (void)count;
    lsm_db *db = check_open(arguments[1]);
    lsm_call_options call = LSM_CALL_OPTIONS_INIT;
    char key[16];
    int told = 0;
    for (int i = 0; i < 3000; i++) {
        snprintf(key, sizeof key, "%08d", i * 7919 % 3000);
        OK(lsm_put(db, NULL, T(key), T(key), &error));
    }
    call.progress = counted;
    call.progress_context = &told;
    OK(lsm_sync(db, &error));
    OK(lsm_flush_with(db, &call, &error));
    CHECK(told > 0);
    OK(lsm_flush(db, &error));
    OK(lsm_compact(db, T("0"), T("00001000"), &error));
    OK(lsm_compact_with(db, ABSENT, ABSENT, &call, &error));
    OK(lsm_wait_idle(db, &error));
    OK(lsm_verify(db, &error));
    told = 0;
    OK(lsm_verify_with(db, &call, &error));
    CHECK(told > 0);

    uint64_t keys = 7;
    OK(lsm_count(db, NULL, T("00001000"), T("00002000"), &call, &keys, &error));
    CHECK(keys == 1000);
    call.progress = stop;
    IS(LSM_ABORTED, lsm_count(db, NULL, ABSENT, ABSENT, &call, &keys, &error));
    CHECK(keys == 0);
    IS(LSM_ABORTED, lsm_verify_with(db, &call, &error));
    call.progress = NULL;
    call.timeout_ms = 60000;
    OK(lsm_verify_with(db, &call, &error));
    call.struct_size = 1;
    IS(LSM_INVALID_ARGUMENT, lsm_flush_with(db, &call, &error));
    IS(LSM_INVALID_ARGUMENT, lsm_compact(db, lsm_bytes(NULL, 9), ABSENT, &error));
    OK(lsm_close(db, &error));
    IS(LSM_CLOSED, lsm_compact(db, ABSENT, ABSENT, &error));
    IS(LSM_CLOSED, lsm_verify(db, &error));
    return 0;
}
