/* The best first: a keyspace whose keys are in reverse order: ranking DIRECTORY */
#include <lsm.h>
#include <stdio.h>

static lsm_status print_all(lsm_iter *iter, lsm_error **error) {
    lsm_slice key, value; /* Lent until the next call with this iterator. */
    lsm_status status;

    while ((status = lsm_iter_next(iter, &key, &value, error)) == LSM_OK) {
        printf("  %.*s %.*s\n", (int)key.size, key.data, (int)value.size, value.data);
    }
    return status;
}

static lsm_status print_from(const lsm_db *scores, const char *from_or_null, lsm_error **error) {
    lsm_read_options options = LSM_READ_OPTIONS_INIT;
    lsm_iter *iter = NULL;
    lsm_status status;

    /* Bounds are in the keyspace's order: what is best stands before what is good. */
    if (from_or_null != NULL) {
        options.lower = lsm_str(from_or_null);
    }
    status = lsm_iter_new(scores, &options, &iter, error);
    if (status >= 0) {
        status = print_all(iter, error);
    }
    lsm_iter_free(iter);
    return status;
}

static lsm_status run(const lsm_db *scores, lsm_error **error) {
    static const char *const players[][2] = {{"0310", "bob"}, {"0920", "eve"}, {"0740", "ada"}};
    lsm_status status = LSM_OK;
    size_t i;

    for (i = 0; i < 3 && status >= 0; i++) {
        status = lsm_put(scores, NULL, lsm_str(players[i][0]), lsm_str(players[i][1]), error);
    }
    if (status >= 0) {
        printf("the best first:\n");
        status = print_from(scores, NULL, error);
    }
    if (status >= 0) {
        printf("from 800 down:\n");
        status = print_from(scores, "0800", error);
    }
    return status;
}

int main(int argc, char **argv) {
    lsm_keyspace_options options = LSM_KEYSPACE_OPTIONS_INIT;
    lsm_db *db = NULL, *scores = NULL;
    lsm_error *error = NULL;

    if (argc != 2) {
        fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
        return 2;
    }
    options.comparator = "reverse";
    if (lsm_open(argv[1], NULL, &db, &error) < 0 ||
        lsm_keyspace_open(db, "scores", &options, &scores, &error) < 0 || run(scores, &error) < 0 ||
        lsm_close(scores, &error) < 0 || lsm_close(db, &error) < 0) {
        fprintf(stderr, "%s\n", lsm_error_message(error));
        lsm_error_free(error);
        return 1;
    }
    return 0;
}
