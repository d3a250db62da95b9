/* Sections "merge operators" and "merging". */
#include "check.h"

static int destroyed;

/* Joins everything with commas; fails at "fail". */
static lsm_status join(void *context, lsm_slice key, const lsm_slice *base,
                       const lsm_slice *operands, size_t count, lsm_sink *result) {
    size_t at;
    CHECK(context != NULL && key.size > 0 && count > 0);
    if (base != NULL) {
        CHECK(lsm_sink_append(result, *base) == LSM_OK);
    }
    for (at = 0; at < count; at++) {
        if (check_is(operands[at], "fail")) {
            return LSM_UNSUPPORTED;
        }
        if (base != NULL || at > 0) {
            CHECK(lsm_sink_append(result, T(",")) == LSM_OK);
        }
        CHECK(lsm_sink_append(result, operands[at]) == LSM_OK);
    }
    return LSM_OK;
}

static lsm_status join_two(void *context, lsm_slice key, lsm_slice older, lsm_slice newer,
                           lsm_sink *result) {
    (void)key;
    if (context == NULL || check_is(older, "fail") || check_is(newer, "fail")) {
        return LSM_NOT_FOUND;
    }
    CHECK(lsm_sink_append(result, older) == LSM_OK);
    CHECK(lsm_sink_append(result, T(",")) == LSM_OK);
    return lsm_sink_append(result, newer);
}

static lsm_status no_comma(void *context, lsm_slice operand) {
    return context == NULL || memchr(operand.data, ',', operand.size) != NULL ? LSM_TOO_LARGE
                                                                             : LSM_OK;
}

static void destroy(void *context) {
    CHECK(context == &destroyed);
    destroyed++;
}

/* Tries what a callback must not. */
static lsm_status rude(void *context, lsm_slice key, const lsm_slice *base,
                       const lsm_slice *operands, size_t count, lsm_sink *result) {
    lsm_db *const db = *(lsm_db **)context;
    (void)base, (void)operands, (void)count;
    IS(LSM_INVALID_ARGUMENT, lsm_put(db, NULL, key, T("x"), &error));
    IS(LSM_INVALID_ARGUMENT, lsm_flush(db, &error));
    CHECK(check_has(db, "plain", "value"));
    return lsm_sink_append(result, T("rude"));
}

static void counters(lsm_db *db) {
    lsm_keyspace_options options = LSM_KEYSPACE_OPTIONS_INIT, read = LSM_KEYSPACE_OPTIONS_INIT;
    lsm_write_options how = LSM_WRITE_OPTIONS_INIT;
    lsm_db *counts, *again;
    lsm_batch *batch;
    lsm_value value;
    uint64_t seqno = 0, moment = 0;
    int64_t number = 5;
    const lsm_slice five = lsm_bytes(&number, sizeof number);
    options.merge_operator = "add_i64";
    OK(lsm_keyspace_open(db, "counts", &options, &counts, &error));
    OK(lsm_merge(counts, NULL, T("k"), five, &error));
    how.seqno = &seqno;
    OK(lsm_merge(counts, &how, T("k"), five, &error));
    CHECK(seqno == lsm_latest_seqno(db));
    OK(lsm_batch_new(&batch, &error));
    OK(lsm_batch_merge(batch, counts, T("k"), five, &error));
    OK(lsm_batch_merge_ttl(batch, counts, T("brief"), five, 3600000, &error));
    OK(lsm_batch_merge_until(batch, counts, T("gone"), five, 1, &error));
    IS(LSM_INVALID_ARGUMENT, lsm_batch_merge(batch, counts, T("k"), T("four"), &error));
    IS(LSM_INVALID_ARGUMENT, lsm_batch_merge(batch, db, T("k"), five, &error));
    CHECK(lsm_batch_count(batch) == 3);
    OK(lsm_write(db, NULL, batch, NULL, &error));
    lsm_batch_free(batch);
    OK(lsm_get(counts, NULL, T("k"), &value, &error));
    CHECK(value.size == 8 && memcmp(value.data, "\x0f\0\0\0\0\0\0\0", 8) == 0);
    lsm_value_free(&value);
    OK(lsm_expiry(counts, NULL, T("brief"), &moment, &error));
    CHECK(moment > 3600000 && check_has(counts, "gone", NULL));
    IS(LSM_INVALID_ARGUMENT, lsm_merge(counts, NULL, T("k"), T("four"), &error));
    IS(LSM_INVALID_ARGUMENT, lsm_put(counts, NULL, T("k"), T("four"), &error));
    IS(LSM_INVALID_ARGUMENT, lsm_merge(db, NULL, T("k"), five, &error));
    IS(LSM_INVALID_ARGUMENT, lsm_merge(NULL, NULL, T("k"), five, &error));
    IS(LSM_INVALID_ARGUMENT, lsm_merge(counts, NULL, T("k"), lsm_bytes(NULL, 8), &error));

    OK(lsm_keyspace_options_read(counts, &read, &error));
    CHECK(strcmp(read.merge_operator, "add_i64") == 0);
    OK(lsm_keyspace_options_format(&read, &value, &error));
    CHECK(strstr((const char *)value.data, "merge_operator=add_i64") != NULL || value.size > 0);
    lsm_value_free(&value);
    OK(lsm_keyspace_options_parse(&read, "merge_operator=max", &error));
    CHECK(strcmp(read.merge_operator, "max") == 0);
    IS(LSM_INVALID_ARGUMENT, lsm_keyspace_open(db, "counts", &read, &again, &error));
    options.merge_operator = "nobody";
    IS(LSM_INVALID_ARGUMENT, lsm_keyspace_open(db, "others", &options, &again, &error));
    options.merge_operator = "a b";
    IS(LSM_INVALID_ARGUMENT, lsm_keyspace_open(db, "others", &options, &again, &error));
    OK(lsm_close(counts, &error));
}

static void own(const char *path) {
    lsm_merge_operator operators[2] = {LSM_MERGE_OPERATOR_INIT, LSM_MERGE_OPERATOR_INIT};
    lsm_options options = LSM_OPTIONS_INIT;
    lsm_keyspace_options choice = LSM_KEYSPACE_OPTIONS_INIT;
    lsm_db *db, *words, *rudes;
    operators[0].name = "join";
    operators[0].context = &destroyed;
    operators[0].merge = join;
    operators[0].partial = join_two;
    operators[0].check = no_comma;
    operators[0].destroy = destroy;
    operators[1].name = "rude";
    operators[1].context = &db;
    operators[1].merge = rude;
    options.merge_operators = operators;
    options.merge_operator_count = 2;
    OK(lsm_open(path, &options, &db, &error));
    OK(lsm_put(db, NULL, T("plain"), T("value"), &error));
    choice.merge_operator = "join";
    OK(lsm_keyspace_open(db, "words", &choice, &words, &error));
    OK(lsm_put(words, NULL, T("k"), T("a"), &error));
    OK(lsm_flush(words, &error));
    OK(lsm_merge(words, NULL, T("k"), T("b"), &error));
    OK(lsm_merge(words, NULL, T("k"), T("c"), &error));
    OK(lsm_flush(words, &error));
    OK(lsm_merge(words, NULL, T("bare"), T("d"), &error));
    CHECK(check_has(words, "k", "a,b,c") && check_has(words, "bare", "d"));
    OK(lsm_compact(words, ABSENT, ABSENT, &error));
    CHECK(check_has(words, "k", "a,b,c") && check_has(words, "bare", "d"));
    IS(LSM_TOO_LARGE, lsm_merge(words, NULL, T("k"), T("b,c"), &error));
    OK(lsm_merge(words, NULL, T("bad"), T("fail"), &error));
    for (int times = 0; times < 2; times++) {
        lsm_value value;
        IS(LSM_UNSUPPORTED, lsm_get(words, NULL, T("bad"), &value, &error));
        CHECK(check_has(words, "k", "a,b,c"));
        OK(lsm_compact(words, ABSENT, ABSENT, &error));
    }
    choice.merge_operator = "rude";
    OK(lsm_keyspace_open(db, "rudes", &choice, &rudes, &error));
    OK(lsm_merge(rudes, NULL, T("k"), T("x"), &error));
    CHECK(check_has(rudes, "k", "rude"));
    OK(lsm_close(rudes, &error));
    OK(lsm_close(words, &error));
    CHECK(destroyed == 0);
    OK(lsm_close(db, &error));
    CHECK(destroyed == 1);

    /* Without its operator a keyspace is not opened, and the others are. */
    OK(lsm_open(path, NULL, &db, &error));
    CHECK(check_has(db, "plain", "value"));
    IS(LSM_INVALID_ARGUMENT, lsm_keyspace_open(db, "words", NULL, &words, &error));
    CHECK(words == NULL);
    OK(lsm_close(db, &error));

    operators[0].name = "max";
    IS(LSM_INVALID_ARGUMENT, lsm_open(path, &options, &db, &error));
    CHECK(destroyed == 2);
    operators[0].name = "join";
    operators[0].struct_size = 1;
    operators[0].destroy = NULL;
    IS(LSM_INVALID_ARGUMENT, lsm_open(path, &options, &db, &error));
    operators[0].struct_size = sizeof operators[0];
    operators[0].merge = NULL;
    IS(LSM_INVALID_ARGUMENT, lsm_open(path, &options, &db, &error));
    options.merge_operators = NULL;
    IS(LSM_INVALID_ARGUMENT, lsm_open(path, &options, &db, &error));
}

int main(int count, char **arguments) {
    lsm_db *db;
    (void)count;
    db = check_open(arguments[1]);
    counters(db);
    OK(lsm_close(db, &error));
    own(check_beside(arguments[1], "own"));
    CHECK(lsm_sink_append(NULL, T("x")) == LSM_INVALID_ARGUMENT);
    CHECK(lsm_sink_append((lsm_sink *)0x1700000001000000, T("x")) == LSM_CLOSED);
    return 0;
}
