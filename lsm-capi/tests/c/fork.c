/* A forked child may call anything: it is told so, and nothing of the parent's is touched. */
#include "check.h"
#include <sys/wait.h>
#include <unistd.h>

static int child(lsm_db *db, lsm_iter *iter, lsm_snapshot *snapshot, lsm_batch *batch) {
    lsm_value value;
    lsm_slice key;
    lsm_db *other;
    uint64_t number;
    IS(LSM_FORKED, lsm_put(db, NULL, T("a"), T("child"), &error));
    IS(LSM_FORKED, lsm_get(db, NULL, T("a"), &value, &error));
    IS(LSM_FORKED, lsm_write(db, NULL, batch, NULL, &error));
    IS(LSM_FORKED, lsm_flush(db, &error));
    IS(LSM_FORKED, lsm_sync(db, &error));
    IS(LSM_FORKED, lsm_compact(db, ABSENT, ABSENT, &error));
    IS(LSM_FORKED, lsm_verify(db, &error));
    IS(LSM_FORKED, lsm_resume(db, &error));
    IS(LSM_FORKED, lsm_wait_idle(db, &error));
    IS(LSM_FORKED, lsm_snapshot_new(db, &snapshot, &error));
    IS(LSM_FORKED, lsm_iter_next(iter, &key, NULL, &error));
    IS(LSM_FORKED, lsm_iter_refresh(iter, &error));
    IS(LSM_FORKED, lsm_keyspace_open(db, "child", NULL, &other, &error));
    IS(LSM_FORKED, lsm_keyspace_drop(db, "child", &error));
    IS(LSM_FORKED, lsm_approximate_count(db, &number, &error));
    IS(LSM_FORKED, lsm_count(db, NULL, ABSENT, ABSENT, NULL, &number, &error));
    IS(LSM_FORKED, lsm_wait_durable(db, 1, &error));
    lsm_iter_free(iter);
    lsm_batch_free(batch);
    lsm_snapshot_free(snapshot);
    CHECK(lsm_close(db, NULL) == LSM_FORKED);
    CHECK(lsm_close(db, NULL) == LSM_CLOSED);
    return 0;
}

int main(int count, char **arguments) {
    (void)count;
    lsm_db *db = check_open(arguments[1]);
    lsm_iter *iter;
    lsm_snapshot *snapshot;
    lsm_batch *batch;
    lsm_slice key;
    OK(lsm_put(db, NULL, T("a"), T("1"), &error));
    OK(lsm_iter_new(db, NULL, &iter, &error));
    OK(lsm_snapshot_new(db, &snapshot, &error));
    OK(lsm_batch_new(&batch, &error));
    OK(lsm_batch_put(batch, db, T("b"), T("2"), &error));
    pid_t pid = fork();
    if (pid == 0) {
        _exit(child(db, iter, snapshot, batch));
    }
    int status = 1;
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
    OK(lsm_write(db, NULL, batch, NULL, &error));
    OK(lsm_iter_next(iter, &key, NULL, &error));
    CHECK(check_has(db, "a", "1") && check_has(db, "b", "2"));
    lsm_iter_free(iter);
    lsm_batch_free(batch);
    lsm_snapshot_free(snapshot);
    OK(lsm_close(db, &error));
    return 0;
}
