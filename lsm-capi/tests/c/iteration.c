/* Section "iteration": the position is a gap. */
#include "check.h"

static int passes(lsm_iter *iter, int forward, const char *wanted) {
    lsm_slice key, value;
    lsm_status status = forward ? lsm_iter_next(iter, &key, &value, NULL)
                                : lsm_iter_prev(iter, &key, &value, NULL);
    if (wanted == NULL) {
        return status == LSM_END && key.data == NULL && value.data == NULL;
    }
    return status == LSM_OK && check_is(key, wanted) && check_is(value, wanted);
}
#define NEXT(wanted) CHECK(passes(iter, 1, wanted))
#define PREV(wanted) CHECK(passes(iter, 0, wanted))

int main(int count, char **arguments) {
    (void)count;
    lsm_db *db = check_open(arguments[1]);
    lsm_iter *iter;
    lsm_slice key, keys[8], values[8];
    size_t passed;
    const char *all[] = {"a", "b1", "b2", "b3", "c"};
    for (int i = 0; i < 5; i++) {
        OK(lsm_put(db, NULL, T(all[i]), T(all[i]), &error));
        if (i == 2) {
            OK(lsm_flush(db, &error));
        }
    }

    OK(lsm_iter_new(db, NULL, &iter, &error));
    PREV(NULL);
    NEXT("a");
    NEXT("b1");
    PREV("b1");
    NEXT("b1");
    OK(lsm_iter_seek(iter, T("b2"), &error));
    PREV("b1");
    OK(lsm_iter_seek(iter, T("b25"), &error));
    NEXT("b3");
    OK(lsm_iter_seek_last(iter, &error));
    NEXT(NULL);
    PREV("c");
    OK(lsm_iter_seek(iter, T("z"), &error));
    NEXT(NULL);
    PREV("c");
    OK(lsm_iter_seek_first(iter, &error));
    NEXT("a");

    /* Kept beyond the next step. */
    lsm_value kept, none;
    OK(lsm_iter_pin(iter, &kept, &error));
    NEXT("b1");
    CHECK(check_is(lsm_bytes(kept.data, kept.size), "a"));
    OK(lsm_iter_seek_first(iter, &error));
    IS(LSM_NOT_FOUND, lsm_iter_pin(iter, &none, &error));

    /* Many at once. */
    OK(lsm_iter_next_many(iter, 3, keys, values, &passed, &error));
    CHECK(passed == 3 && check_is(keys[0], "a") && check_is(values[2], "b2"));
    OK(lsm_iter_next_many(iter, 8, keys, NULL, &passed, &error));
    CHECK(passed == 2 && check_is(keys[1], "c"));
    IS(LSM_END, lsm_iter_next_many(iter, 8, keys, values, &passed, &error));
    CHECK(passed == 0);
    OK(lsm_iter_next_many(iter, 0, NULL, NULL, &passed, &error));
    IS(LSM_TOO_LARGE, lsm_iter_next_many(iter, SIZE_MAX, keys, values, &passed, &error));
    IS(LSM_INVALID_ARGUMENT, lsm_iter_next_many(iter, 8, NULL, values, &passed, &error));
    IS(LSM_INVALID_ARGUMENT, lsm_iter_next_many(iter, 8, keys, values, NULL, &error));

    /* It sees its moment, until it is refreshed, and keeps its place. */
    OK(lsm_put(db, NULL, T("d"), T("d"), &error));
    NEXT(NULL);
    OK(lsm_iter_refresh(iter, &error));
    NEXT("d");
    OK(lsm_iter_seek(iter, T("b2"), &error));
    NEXT("b2");
    OK(lsm_delete(db, NULL, T("b2"), &error));
    OK(lsm_put(db, NULL, T("b15"), T("b15"), &error));
    OK(lsm_iter_refresh(iter, &error));
    PREV("b15");
    lsm_iter_free(iter);

    /* Bounds and a prefix. */
    lsm_read_options in = LSM_READ_OPTIONS_INIT;
    in.prefix = T("b");
    in.lower = T("b15");
    in.upper = T("c");
    OK(lsm_iter_new(db, &in, &iter, &error));
    NEXT("b15");
    NEXT("b3");
    NEXT(NULL);
    OK(lsm_iter_seek(iter, T("a"), &error));
    NEXT("b15");
    OK(lsm_iter_seek(iter, T("zzz"), &error));
    PREV("b3");
    lsm_iter_free(iter);
    in.lower = T("b3");
    in.upper = T("b15");
    OK(lsm_iter_new(db, &in, &iter, &error));
    NEXT(NULL);
    PREV(NULL);
    lsm_iter_free(iter);
    in.prefix = lsm_bytes("\xff\xff", 2);
    in.lower = in.upper = ABSENT;
    in.flags = LSM_READ_KEYS_ONLY;
    OK(lsm_put(db, NULL, in.prefix, T("x"), &error));
    OK(lsm_iter_new(db, &in, &iter, &error));
    lsm_slice value = T("y");
    OK(lsm_iter_next(iter, &key, &value, &error));
    CHECK(key.size == 2 && value.size == 0 && value.data != NULL);
    lsm_iter_free(iter);
    in.upper = lsm_bytes(NULL, 4);
    IS(LSM_INVALID_ARGUMENT, lsm_iter_new(db, &in, &iter, &error));
    CHECK(iter == NULL);

    OK(lsm_iter_new(db, NULL, &iter, &error));
    IS(LSM_INVALID_ARGUMENT, lsm_iter_next(iter, NULL, &value, &error));
    IS(LSM_INVALID_ARGUMENT, lsm_iter_seek(iter, lsm_bytes(NULL, 2), &error));
    IS(LSM_TOO_LARGE, lsm_iter_seek(iter, lsm_bytes("k", SIZE_MAX), &error));
    OK(lsm_iter_next(iter, &key, NULL, &error));
    OK(lsm_close(db, &error));
    lsm_iter_free(iter);
    lsm_value_free(&kept);
    return 0;
}
