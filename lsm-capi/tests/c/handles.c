/* Section "handles": in any order, twice, of the wrong kind, after the end. */
#include "check.h"

int main(int count, char **arguments) {
    (void)count;
    lsm_db *db = check_open(arguments[1]), *users;
    OK(lsm_put(db, NULL, T("a"), T("1"), &error));
    OK(lsm_keyspace_open(db, "users", NULL, &users, &error));
    OK(lsm_put(users, NULL, T("u"), T("2"), &error));
    lsm_snapshot *snapshot;
    lsm_iter *iter;
    lsm_batch *batch;
    OK(lsm_snapshot_new(db, &snapshot, &error));
    OK(lsm_iter_new(db, NULL, &iter, &error));
    OK(lsm_batch_new(&batch, &error));
    OK(lsm_batch_put(batch, users, T("u"), T("3"), &error));

    /* Wrong kinds, NULL, and what is no handle. */
    lsm_slice key, found;
    void *wrong[] = {NULL, snapshot, iter, batch, (void *)1, (void *)arguments, (void *)UINTPTR_MAX};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        IS(LSM_INVALID_ARGUMENT, lsm_put((lsm_db *)wrong[i], NULL, T("a"), T("b"), &error));
        IS(LSM_INVALID_ARGUMENT, lsm_close((lsm_db *)wrong[i], &error));
        CHECK(lsm_path((lsm_db *)wrong[i]) == NULL && lsm_latest_seqno((lsm_db *)wrong[i]) == 0);
    }
    IS(LSM_INVALID_ARGUMENT, lsm_iter_next((lsm_iter *)(void *)db, &key, &found, &error));
    IS(LSM_INVALID_ARGUMENT, lsm_write(db, NULL, (lsm_batch *)(void *)iter, NULL, &error));
    lsm_iter_free((lsm_iter *)(void *)db);
    lsm_batch_free((lsm_batch *)(void *)snapshot);
    lsm_snapshot_free((lsm_snapshot *)(void *)batch);
    lsm_error_free((lsm_error *)(void *)db);
    OK(lsm_iter_next(iter, &key, &found, &error));

    /* A keyspace's handle goes alone. */
    lsm_db *again;
    OK(lsm_keyspace_open(db, "users", NULL, &again, &error));
    OK(lsm_close(again, &error));
    IS(LSM_CLOSED, lsm_close(again, &error));
    IS(LSM_CLOSED, lsm_put(again, NULL, T("a"), T("b"), &error));
    OK(lsm_put(users, NULL, T("a"), T("b"), &error));

    /* The first handle takes the database with it. */
    lsm_value value;
    OK(lsm_get(users, NULL, T("u"), &value, &error));
    OK(lsm_close(db, &error));
    IS(LSM_CLOSED, lsm_close(db, &error));
    IS(LSM_CLOSED, lsm_put(users, NULL, T("a"), T("b"), &error));
    IS(LSM_CLOSED, lsm_write(users, NULL, batch, NULL, &error));
    IS(LSM_CLOSED, lsm_iter_next(iter, &key, &found, &error));
    CHECK(key.data == NULL && found.data == NULL);
    IS(LSM_CLOSED, lsm_iter_seek_first(iter, &error));
    IS(LSM_CLOSED, lsm_snapshot_new(users, &snapshot, &error));
    CHECK(snapshot == NULL);
    CHECK(check_is(lsm_bytes(value.data, value.size), "2"));
    OK(lsm_close(users, &error));

    /* Children are freed when it pleases, and a second time. */
    lsm_iter_free(iter);
    lsm_iter_free(iter);
    lsm_batch_free(batch);
    lsm_batch_free(batch);
    CHECK(lsm_batch_count(batch) == 0);
    lsm_batch_clear(batch);
    lsm_value_free(&value);
    IS(LSM_CLOSED, lsm_iter_next(iter, &key, &found, &error));

    /* Whoever closes with children alive can open anew at once. */
    db = check_open(arguments[1]);
    CHECK(check_has(db, "a", "1"));
    OK(lsm_snapshot_new(db, &snapshot, &error));
    OK(lsm_close(db, &error));
    lsm_snapshot_free(snapshot);
    lsm_snapshot_free(snapshot);
    return 0;
}
