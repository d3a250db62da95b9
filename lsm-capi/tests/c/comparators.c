/* Section "comparators", and single deletes. */
#include "check.h"

static int destroyed;

/* By the number that the key ends with; the key "none" has no place. */
static lsm_status by_number(void *context, lsm_slice key, lsm_sink *result) {
    const char *const bytes = (const char *)key.data;
    lsm_slice first, rest;
    char number[4] = {0, 0, 0, 0};
    unsigned long value = 0;
    size_t at;
    CHECK(context == &destroyed);
    if (check_is(key, "none")) {
        return LSM_UNSUPPORTED;
    }
    for (at = 0; at < key.size; at++) {
        if (bytes[at] >= '0' && bytes[at] <= '9') {
            value = value * 10 + (unsigned long)(bytes[at] - '0');
        }
    }
    for (at = 0; at < 4; at++) {
        number[at] = (char)(value >> (8 * (3 - at)) & 0xff);
    }
    first.data = number;
    first.size = 2;
    rest.data = number + 2;
    rest.size = 2;
    CHECK(lsm_sink_append(result, first) == LSM_OK);
    return lsm_sink_append(result, rest);
}

static void destroy(void *context) {
    CHECK(context == &destroyed);
    destroyed++;
}

/* The keys of an iterator, one after the other. */
static void walk(lsm_db *db, lsm_read_options *how, const char *expected) {
    char all[256] = "";
    lsm_slice key, value;
    lsm_iter *iter;
    OK(lsm_iter_new(db, how, &iter, &error));
    while (lsm_iter_next(iter, &key, &value, NULL) == LSM_OK) {
        strncat(all, (const char *)key.data, key.size);
        strcat(all, " ");
    }
    lsm_iter_free(iter);
    if (strcmp(all, expected) != 0) {
        fprintf(stderr, "%s is not %s\n", all, expected);
        abort();
    }
}

static void fill(lsm_db *db) {
    OK(lsm_put(db, NULL, T("item10"), T("1"), &error));
    OK(lsm_put(db, NULL, T("item9"), T("2"), &error));
    OK(lsm_put(db, NULL, T("thing100"), T("3"), &error));
    OK(lsm_flush(db, &error));
    OK(lsm_put(db, NULL, T("item2"), T("4"), &error));
}

static void reverse(lsm_db *db) {
    lsm_keyspace_options choice = LSM_KEYSPACE_OPTIONS_INIT, read = LSM_KEYSPACE_OPTIONS_INIT;
    lsm_read_options how = LSM_READ_OPTIONS_INIT;
    lsm_db *back, *again;
    choice.comparator = "reverse";
    choice.write_once = 1;
    OK(lsm_keyspace_open(db, "back", &choice, &back, &error));
    fill(back);
    walk(back, NULL, "thing100 item9 item2 item10 ");
    how.prefix = T("item");
    walk(back, &how, "item9 item2 item10 ");
    how.lower = T("item2");
    walk(back, &how, "item2 item10 ");
    how.prefix = ABSENT;
    how.upper = T("item10");
    walk(back, &how, "item2 ");
    OK(lsm_delete_range(back, NULL, T("item9"), T("item10"), &error));
    walk(back, NULL, "thing100 item10 ");
    OK(lsm_single_delete(back, NULL, T("item10"), &error));
    CHECK(check_has(back, "item10", NULL) && check_has(back, "thing100", "3"));
    OK(lsm_keyspace_options_read(back, &read, &error));
    CHECK(strcmp(read.comparator, "reverse") == 0 && read.write_once == 1);
    choice.comparator = "bytewise";
    IS(LSM_INVALID_ARGUMENT, lsm_keyspace_open(db, "back", &choice, &again, &error));
    choice.comparator = "sideways";
    IS(LSM_INVALID_ARGUMENT, lsm_keyspace_open(db, "other", &choice, &again, &error));
    choice.comparator = "user:nobody";
    IS(LSM_INVALID_ARGUMENT, lsm_keyspace_open(db, "other", &choice, &again, &error));
    choice.comparator = NULL;
    choice.write_once = 2;
    IS(LSM_INVALID_ARGUMENT, lsm_keyspace_open(db, "other", &choice, &again, &error));
    OK(lsm_close(back, &error));
}

static void own(const char *path) {
    lsm_comparator comparator = LSM_COMPARATOR_INIT;
    lsm_options options = LSM_OPTIONS_INIT;
    lsm_keyspace_options choice = LSM_KEYSPACE_OPTIONS_INIT;
    lsm_read_options how = LSM_READ_OPTIONS_INIT;
    lsm_batch *batch;
    lsm_iter *iter;
    lsm_slice key, shown;
    lsm_value value;
    lsm_db *db, *numbers;
    comparator.name = "by-number";
    comparator.context = &destroyed;
    comparator.sort_key = by_number;
    comparator.destroy = destroy;
    options.comparators = &comparator;
    options.comparator_count = 1;
    OK(lsm_open(path, &options, &db, &error));
    choice.comparator = "user:by-number";
    OK(lsm_keyspace_open(db, "numbers", &choice, &numbers, &error));
    fill(numbers);
    walk(numbers, NULL, "item2 item9 item10 thing100 ");
    OK(lsm_iter_new(numbers, NULL, &iter, &error));
    OK(lsm_iter_seek(iter, T("item9"), &error));
    OK(lsm_iter_next(iter, &key, &shown, &error));
    CHECK(check_is(key, "item9") && check_is(shown, "2"));
    IS(LSM_UNSUPPORTED, lsm_iter_seek(iter, T("none"), &error));
    lsm_iter_free(iter);
    IS(LSM_UNSUPPORTED, lsm_put(numbers, NULL, T("none"), T("x"), &error));
    IS(LSM_UNSUPPORTED, lsm_get(numbers, NULL, T("none"), &value, &error));
    how.prefix = T("item");
    OK(lsm_iter_new(numbers, &how, &iter, &error));
    IS(LSM_INVALID_ARGUMENT, lsm_iter_next(iter, &key, &shown, &error));
    lsm_iter_free(iter);
    OK(lsm_batch_new(&batch, &error));
    OK(lsm_batch_single_delete(batch, numbers, T("item9"), &error));
    OK(lsm_batch_put(batch, numbers, T("item3"), T("5"), &error));
    OK(lsm_write(numbers, NULL, batch, NULL, &error));
    lsm_batch_free(batch);
    OK(lsm_compact(numbers, ABSENT, ABSENT, &error));
    walk(numbers, NULL, "item2 item3 item10 thing100 ");
    OK(lsm_close(numbers, &error));
    CHECK(destroyed == 0);
    OK(lsm_close(db, &error));
    CHECK(destroyed == 1);

    /* Without its comparator a keyspace is not opened, and the others are. */
    OK(lsm_open(path, NULL, &db, &error));
    OK(lsm_put(db, NULL, T("plain"), T("value"), &error));
    IS(LSM_INVALID_ARGUMENT, lsm_keyspace_open(db, "numbers", NULL, &numbers, &error));
    CHECK(numbers == NULL);
    OK(lsm_close(db, &error));

    comparator.name = "two words";
    IS(LSM_INVALID_ARGUMENT, lsm_open(path, &options, &db, &error));
    CHECK(destroyed == 2);
    comparator.name = "by-number";
    comparator.destroy = NULL;
    comparator.sort_key = NULL;
    IS(LSM_INVALID_ARGUMENT, lsm_open(path, &options, &db, &error));
    comparator.struct_size = 1;
    IS(LSM_INVALID_ARGUMENT, lsm_open(path, &options, &db, &error));
    options.comparators = NULL;
    IS(LSM_INVALID_ARGUMENT, lsm_open(path, &options, &db, &error));
}

int main(int count, char **arguments) {
    lsm_db *db;
    (void)count;
    db = check_open(arguments[1]);
    reverse(db);
    OK(lsm_close(db, &error));
    own(check_beside(arguments[1], "own"));
    return 0;
}
