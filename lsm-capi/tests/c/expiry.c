/* Section "values that expire". */
#define _POSIX_C_SOURCE 200809L
#include "check.h"
#include <time.h>

static uint64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void pass(uint64_t ms) {
    const uint64_t end = now_ms() + ms;
    while (now_ms() < end) {
        const struct timespec moment = {0, 1000000};
        nanosleep(&moment, NULL);
    }
}

static uint64_t expiry(lsm_db *db, const char *key) {
    uint64_t moment = 77;
    OK(lsm_expiry(db, NULL, T(key), &moment, &error));
    return moment;
}

static void puts_expire(lsm_db *db) {
    lsm_write_options how = LSM_WRITE_OPTIONS_INIT;
    uint64_t seqno = 0, moment = 77;
    const uint64_t begun = now_ms();
    how.ttl_ms = 50;
    OK(lsm_put(db, &how, T("soon"), T("1"), &error));
    how.ttl_ms = 3600000;
    OK(lsm_put(db, &how, T("later"), T("1"), &error));
    CHECK(expiry(db, "later") >= begun + 3600000 && expiry(db, "later") <= now_ms() + 3600000);
    OK(lsm_put(db, NULL, T("ever"), T("1"), &error));
    CHECK(expiry(db, "ever") == 0);
    pass(60);
    CHECK(check_has(db, "soon", NULL) && check_has(db, "later", "1"));
    IS(LSM_NOT_FOUND, lsm_expiry(db, NULL, T("soon"), &moment, &error));
    CHECK(moment == 0);

    how.seqno = &seqno;
    OK(lsm_touch(db, &how, T("ever"), &error));
    CHECK(seqno == lsm_latest_seqno(db) && expiry(db, "ever") >= begun + 3600000);
    how.ttl_ms = LSM_TTL_NEVER;
    OK(lsm_touch(db, &how, T("ever"), &error));
    CHECK(expiry(db, "ever") == 0);
    IS(LSM_NOT_FOUND, lsm_touch(db, &how, T("soon"), &error));
    IS(LSM_NOT_FOUND, lsm_touch(db, NULL, T("none"), &error));
    how.ttl_ms = 0;
    how.expires_at_ms = begun + 1000000;
    OK(lsm_put(db, &how, T("later"), T("2"), &error));
    CHECK(expiry(db, "later") == begun + 1000000);
    how.expires_at_ms = begun - 1;
    OK(lsm_touch(db, &how, T("later"), &error));
    CHECK(check_has(db, "later", NULL));
    how.ttl_ms = 5;
    IS(LSM_INVALID_ARGUMENT, lsm_put(db, &how, T("a"), T("1"), &error));
    how.expires_at_ms = 0;
    IS(LSM_INVALID_ARGUMENT, lsm_delete(db, &how, T("a"), &error));
    IS(LSM_INVALID_ARGUMENT, lsm_delete_range(db, &how, T("a"), T("b"), &error));
    IS(LSM_INVALID_ARGUMENT, lsm_expiry(db, NULL, T("a"), NULL, &error));
    IS(LSM_INVALID_ARGUMENT, lsm_touch(NULL, NULL, T("a"), &error));
}

static void batches_expire(lsm_db *db) {
    lsm_write_options how = LSM_WRITE_OPTIONS_INIT;
    lsm_keyspace_options chosen = LSM_KEYSPACE_OPTIONS_INIT, read = LSM_KEYSPACE_OPTIONS_INIT;
    lsm_batch *batch;
    lsm_iter *iter;
    lsm_slice key, value;
    lsm_db *sessions;
    uint64_t moment;
    const uint64_t begun = now_ms();
    OK(lsm_keyspace_options_parse(&chosen, "ttl_ms=3600000", &error));
    CHECK(chosen.ttl_ms == 3600000);
    OK(lsm_keyspace_open(db, "sessions", &chosen, &sessions, &error));
    OK(lsm_keyspace_options_read(sessions, &read, &error));
    CHECK(read.ttl_ms == 3600000);
    OK(lsm_batch_new(&batch, &error));
    OK(lsm_batch_put(batch, sessions, T("a"), T("1"), &error));
    OK(lsm_batch_put_ttl(batch, sessions, T("b"), T("1"), LSM_TTL_NEVER, &error));
    OK(lsm_batch_put_ttl(batch, sessions, T("c"), T("1"), 0, &error));
    OK(lsm_batch_put_ttl(batch, sessions, T("d"), T("1"), 7200000, &error));
    OK(lsm_batch_put_until(batch, sessions, T("e"), T("1"), begun + 1000, &error));
    OK(lsm_batch_put_until(batch, sessions, T("f"), T("1"), begun, &error));
    how.ttl_ms = 5;
    IS(LSM_INVALID_ARGUMENT, lsm_write(db, &how, batch, NULL, &error));
    OK(lsm_write(db, NULL, batch, NULL, &error));
    lsm_batch_free(batch);
    CHECK(expiry(sessions, "a") >= begun + 3600000 && expiry(sessions, "a") < begun + 7200000);
    CHECK(expiry(sessions, "b") == 0 && expiry(sessions, "c") >= begun + 3600000);
    CHECK(expiry(sessions, "d") >= begun + 7200000 && expiry(sessions, "e") == begun + 1000);
    CHECK(check_has(sessions, "f", NULL));

    OK(lsm_iter_new(sessions, NULL, &iter, &error));
    IS(LSM_NOT_FOUND, lsm_iter_expiry(iter, &moment, &error));
    OK(lsm_iter_seek(iter, T("e"), &error));
    OK(lsm_iter_next(iter, &key, &value, &error));
    OK(lsm_iter_expiry(iter, &moment, &error));
    CHECK(moment == begun + 1000);
    IS(LSM_INVALID_ARGUMENT, lsm_iter_expiry(iter, NULL, &error));
    lsm_iter_free(iter);
    IS(LSM_INVALID_ARGUMENT, lsm_iter_expiry(NULL, &moment, &error));
    OK(lsm_close(sessions, &error));
}

int main(int count, char **arguments) {
    (void)count;
    lsm_db *db = check_open(arguments[1]);
    puts_expire(db);
    batches_expire(db);
    OK(lsm_close(db, &error));
    return 0;
}
