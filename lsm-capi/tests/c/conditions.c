/* Section "conditions". */
#include "check.h"

static int is_value(lsm_db *db, const char *key, const char *wanted) {
    lsm_value value;
    const lsm_status status = lsm_get(db, NULL, T(key), &value, NULL);
    const int is_it = status == LSM_OK && check_is(lsm_bytes(value.data, value.size), wanted);
    lsm_value_free(&value);
    return is_it;
}

int main(int count, char **arguments) {
    (void)count;
    lsm_db *db = check_open(arguments[1]), *other, *users;
    lsm_batch *batch;
    lsm_snapshot *snapshot;
    lsm_write_options how = LSM_WRITE_OPTIONS_INIT;
    uint64_t seqno = 0;
    const lsm_slice one = T("1"), two = T("2"), empty = T("");

    OK(lsm_keyspace_open(db, "users", NULL, &users, &error));
    OK(lsm_batch_new(&batch, &error));
    OK(lsm_batch_require_absent(batch, db, T("a"), &error));
    OK(lsm_batch_require_absent(batch, users, T("a"), &error));
    OK(lsm_batch_put(batch, db, T("a"), T("1"), &error));
    CHECK(lsm_batch_conditions(batch) == 2 && lsm_batch_count(batch) == 1);
    OK(lsm_write(db, NULL, batch, &seqno, &error));
    CHECK(seqno == lsm_latest_seqno(db));
    IS(LSM_CONFLICT, lsm_write(db, NULL, batch, &seqno, &error));
    CHECK(is_value(db, "a", "1") && lsm_latest_seqno(db) == 1);

    lsm_batch_clear(batch);
    CHECK(lsm_batch_conditions(batch) == 0);
    OK(lsm_batch_require_value(batch, db, T("a"), T("1"), &error));
    OK(lsm_batch_delete(batch, db, T("a"), &error));
    OK(lsm_write(db, NULL, batch, NULL, &error));
    IS(LSM_CONFLICT, lsm_write(db, NULL, batch, NULL, &error));

    /* The batch keeps the snapshot. */
    lsm_batch_clear(batch);
    OK(lsm_put(db, NULL, T("b"), T("1"), &error));
    OK(lsm_snapshot_new(db, &snapshot, &error));
    OK(lsm_batch_require_unchanged(batch, db, T("b"), snapshot, &error));
    lsm_snapshot_free(snapshot);
    IS(LSM_CLOSED, lsm_batch_require_unchanged(batch, db, T("b"), snapshot, &error));
    IS(LSM_INVALID_ARGUMENT, lsm_batch_require_unchanged(batch, db, T("b"), NULL, &error));
    OK(lsm_write(db, NULL, batch, NULL, &error));
    OK(lsm_put(db, NULL, T("b"), T("1"), &error));
    IS(LSM_CONFLICT, lsm_write(db, NULL, batch, NULL, &error));

    /* What cannot be taken leaves the batch as it was. */
    OK(lsm_open(check_beside(arguments[1], "other"), NULL, &other, &error));
    OK(lsm_snapshot_new(other, &snapshot, &error));
    IS(LSM_INVALID_ARGUMENT, lsm_batch_require_unchanged(batch, db, T("b"), snapshot, &error));
    IS(LSM_INVALID_ARGUMENT, lsm_batch_require_absent(batch, other, T("b"), &error));
    IS(LSM_TOO_LARGE, lsm_batch_require_absent(batch, db, lsm_bytes("a", 70000), &error));
    IS(LSM_INVALID_ARGUMENT, lsm_batch_require_absent(NULL, db, T("b"), &error));
    IS(LSM_INVALID_ARGUMENT, lsm_batch_require_value(batch, NULL, T("b"), T("1"), &error));
    CHECK(lsm_batch_conditions(batch) == 1 && lsm_batch_conditions(NULL) == 0);
    lsm_snapshot_free(snapshot);
    OK(lsm_close(other, &error));
    lsm_batch_clear(batch);
    OK(lsm_batch_require_absent(batch, users, T("c"), &error));
    OK(lsm_keyspace_drop(db, "users", &error));
    IS(LSM_CLOSED, lsm_write(db, NULL, batch, NULL, &error));
    lsm_batch_free(batch);

    how.seqno = &seqno;
    OK(lsm_insert_if_absent(db, &how, T("c"), T("1"), &error));
    CHECK(seqno == lsm_latest_seqno(db));
    IS(LSM_CONFLICT, lsm_insert_if_absent(db, &how, T("c"), T("2"), &error));
    CHECK(is_value(db, "c", "1"));
    IS(LSM_CONFLICT, lsm_compare_and_set(db, NULL, T("c"), &two, &one, &error));
    IS(LSM_CONFLICT, lsm_compare_and_set(db, NULL, T("c"), NULL, &one, &error));
    OK(lsm_compare_and_set(db, &how, T("c"), &one, &empty, &error));
    CHECK(is_value(db, "c", "") && seqno == lsm_latest_seqno(db));
    OK(lsm_compare_and_set(db, NULL, T("c"), &empty, NULL, &error));
    IS(LSM_NOT_FOUND, lsm_exists(db, NULL, T("c"), &error));
    OK(lsm_compare_and_set(db, NULL, T("c"), NULL, NULL, &error));
    IS(LSM_INVALID_ARGUMENT, lsm_insert_if_absent(NULL, NULL, T("c"), T("1"), &error));
    IS(LSM_INVALID_ARGUMENT, lsm_compare_and_set(db, NULL, lsm_bytes(NULL, 3), NULL, NULL, &error));
    OK(lsm_close(db, &error));
    return 0;
}
