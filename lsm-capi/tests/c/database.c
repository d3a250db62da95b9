/* Section "database": opening, closing, health, sequence numbers. */
#include "check.h"

int main(int count, char **arguments) {
    (void)count;
    lsm_db *db = check_open(arguments[1]);
    lsm_value json;
    CHECK(strcmp(lsm_path(db), arguments[1]) == 0);
    OK(lsm_open_report(db, &json, &error));
    CHECK(strncmp(json.data, "{\"is_new\":true", 14) == 0);
    lsm_value_free(&json);
    IS(LSM_INVALID_ARGUMENT, lsm_open_report(db, NULL, &error));

    OK(lsm_put(db, NULL, T("a"), T("1"), &error));
    uint64_t seqno = lsm_latest_seqno(db);
    CHECK(seqno > 0);
    OK(lsm_wait_durable(db, seqno, &error));
    CHECK(lsm_durable_seqno(db) >= seqno);
    OK(lsm_wait_durable_for(db, seqno, 1, &error));
    IS(LSM_INVALID_ARGUMENT, lsm_wait_durable(db, UINT64_MAX, &error));
    OK(lsm_health(db, &error));
    OK(lsm_resume(db, &error));
    OK(lsm_sync(db, &error));
    IS(LSM_LOCKED, lsm_destroy(arguments[1], &error));
    OK(lsm_close(db, &error));
    IS(LSM_CLOSED, lsm_health(db, &error));

    db = check_open(arguments[1]);
    CHECK(check_has(db, "a", "1"));
    OK(lsm_open_report(db, &json, &error));
    CHECK(strncmp(json.data, "{\"is_new\":false,\"was_clean\":true", 32) == 0);
    lsm_value_free(&json);
    OK(lsm_close(db, &error));

    IS(LSM_INVALID_ARGUMENT, lsm_destroy(NULL, &error));
    IS(LSM_INVALID_ARGUMENT, lsm_destroy(check_beside(arguments[1], "none"), &error));
    OK(lsm_destroy(arguments[1], &error));
    IS(LSM_INVALID_ARGUMENT, lsm_destroy(arguments[1], &error));
    return 0;
}
