/* Section "snapshots". */
#include "check.h"

int main(int count, char **arguments) {
    (void)count;
    lsm_db *db = check_open(arguments[1]), *other;
    lsm_snapshot *snapshot;
    lsm_read_options then = LSM_READ_OPTIONS_INIT;
    lsm_value value;
    lsm_iter *iter;
    lsm_slice key;

    OK(lsm_put(db, NULL, T("a"), T("1"), &error));
    OK(lsm_snapshot_new(db, &snapshot, &error));
    IS(LSM_INVALID_ARGUMENT, lsm_snapshot_new(db, NULL, &error));
    CHECK(lsm_snapshot_seqno(snapshot) == lsm_latest_seqno(db));
    OK(lsm_put(db, NULL, T("a"), T("2"), &error));
    OK(lsm_put(db, NULL, T("b"), T("2"), &error));
    OK(lsm_flush(db, &error));
    OK(lsm_compact(db, ABSENT, ABSENT, &error));

    then.snapshot = snapshot;
    OK(lsm_get(db, &then, T("a"), &value, &error));
    CHECK(check_is(lsm_bytes(value.data, value.size), "1"));
    lsm_value_free(&value);
    IS(LSM_NOT_FOUND, lsm_exists(db, &then, T("b"), &error));
    uint64_t keys = 0;
    OK(lsm_count(db, &then, ABSENT, ABSENT, NULL, &keys, &error));
    CHECK(keys == 1);
    OK(lsm_count(db, NULL, ABSENT, ABSENT, NULL, &keys, &error));
    CHECK(keys == 2);

    /* One of another database. */
    OK(lsm_open(check_beside(arguments[1], "other"), NULL, &other, &error));
    IS(LSM_INVALID_ARGUMENT, lsm_get(other, &then, T("a"), &value, &error));
    OK(lsm_close(other, &error));

    /* An iterator keeps what it reads. */
    OK(lsm_iter_new(db, &then, &iter, &error));
    lsm_snapshot_free(snapshot);
    IS(LSM_CLOSED, lsm_get(db, &then, T("a"), &value, &error));
    CHECK(lsm_snapshot_seqno(snapshot) == 0);
    OK(lsm_iter_next(iter, &key, NULL, &error));
    CHECK(check_is(key, "a"));
    IS(LSM_END, lsm_iter_next(iter, &key, NULL, &error));
    lsm_iter_free(iter);
    lsm_snapshot_free(NULL);
    OK(lsm_close(db, &error));
    return 0;
}
