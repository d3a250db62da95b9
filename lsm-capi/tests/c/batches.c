/* Section "batches". */
#include "check.h"

int main(int count, char **arguments) {
    (void)count;
    lsm_db *db = check_open(arguments[1]), *users, *other;
    lsm_batch *batch;
    OK(lsm_keyspace_open(db, "users", NULL, &users, &error));
    OK(lsm_open(check_beside(arguments[1], "other"), NULL, &other, &error));
    OK(lsm_batch_new(&batch, &error));
    IS(LSM_INVALID_ARGUMENT, lsm_batch_new(NULL, &error));
    CHECK(lsm_batch_count(batch) == 0);

    OK(lsm_put(db, NULL, T("gone"), T("1"), &error));
    OK(lsm_put(users, NULL, T("u1"), T("1"), &error));
    OK(lsm_batch_put(batch, db, T("a"), T("1"), &error));
    OK(lsm_batch_put(batch, users, T("a"), T("2"), &error));
    OK(lsm_batch_delete(batch, db, T("gone"), &error));
    OK(lsm_batch_delete_range(batch, users, T("u"), T("v"), &error));
    CHECK(lsm_batch_count(batch) == 4 && lsm_batch_bytes(batch) > 8);
    CHECK(check_has(db, "a", NULL));

    /* What cannot be taken leaves it as it was. */
    IS(LSM_INVALID_ARGUMENT, lsm_batch_put(batch, other, T("a"), T("1"), &error));
    IS(LSM_INVALID_ARGUMENT, lsm_batch_put(batch, NULL, T("a"), T("1"), &error));
    IS(LSM_INVALID_ARGUMENT, lsm_batch_put(NULL, db, T("a"), T("1"), &error));
    IS(LSM_TOO_LARGE, lsm_batch_put(batch, db, lsm_bytes("a", 70000), T("1"), &error));
    IS(LSM_INVALID_ARGUMENT, lsm_batch_delete(batch, db, lsm_bytes(NULL, 1), &error));
    CHECK(lsm_batch_count(batch) == 4);
    IS(LSM_INVALID_ARGUMENT, lsm_write(other, NULL, batch, NULL, &error));
    IS(LSM_INVALID_ARGUMENT, lsm_write(db, NULL, NULL, NULL, &error));

    uint64_t seqno = 1;
    OK(lsm_write(users, NULL, batch, &seqno, &error));
    CHECK(seqno == lsm_latest_seqno(db));
    CHECK(check_has(db, "a", "1") && check_has(users, "a", "2"));
    CHECK(check_has(db, "gone", NULL) && check_has(users, "u1", NULL));

    /* Again, then empty, then for another database. */
    OK(lsm_put(db, NULL, T("a"), T("9"), &error));
    OK(lsm_write(db, NULL, batch, NULL, &error));
    CHECK(check_has(db, "a", "1"));
    lsm_batch_clear(batch);
    CHECK(lsm_batch_count(batch) == 0);
    OK(lsm_write(db, NULL, batch, &seqno, &error));
    OK(lsm_batch_put(batch, other, T("o"), T("1"), &error));
    OK(lsm_write(other, NULL, batch, NULL, &error));
    CHECK(check_has(other, "o", "1"));

    /* It outlives the keyspace that it writes to, and says so. */
    lsm_batch_clear(batch);
    OK(lsm_batch_put(batch, users, T("a"), T("3"), &error));
    OK(lsm_keyspace_drop(db, "users", &error));
    IS(LSM_CLOSED, lsm_write(db, NULL, batch, NULL, &error));

    lsm_batch_free(batch);
    lsm_batch_free(NULL);
    OK(lsm_close(users, &error));
    OK(lsm_close(other, &error));
    OK(lsm_close(db, &error));
    return 0;
}
