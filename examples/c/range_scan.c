/* Keys in order: by prefix, between two keys, and backwards: range_scan DIRECTORY */
#include <lsm.h>
#include <stdio.h>

static const char *const WEATHER[][2] = {
    {"2026-03-01", "rain"}, {"2026-02-28", "snow"}, {"2026-03-03", "sun"},
    {"2026-04-01", "hail"}, {"2026-03-02", "fog"},
};

/* One way through an iterator: lsm_iter_next() or lsm_iter_prev(). */
typedef lsm_status (*lsm_step)(lsm_iter *, lsm_slice *, lsm_slice *, lsm_error **);

static lsm_status print_all(lsm_iter *iter, lsm_step step, lsm_error **error) {
    lsm_slice key, value; /* Lent until the next call with this iterator. */
    lsm_status status;

    while ((status = step(iter, &key, &value, error)) == LSM_OK) {
        printf("  %.*s %.*s\n", (int)key.size, key.data, (int)value.size, value.data);
    }
    return status; /* LSM_END, or an error: both end the loop, and only one is below 0. */
}

static lsm_status scan(const lsm_db *db, lsm_error **error) {
    lsm_read_options march = LSM_READ_OPTIONS_INIT;
    lsm_read_options days = LSM_READ_OPTIONS_INIT;
    lsm_iter *iter = NULL;
    lsm_status status;

    march.prefix = lsm_str("2026-03-");
    printf("in March:\n");
    status = lsm_iter_new(db, &march, &iter, error);
    if (status >= 0) {
        status = print_all(iter, lsm_iter_next, error);
    }
    lsm_iter_free(iter);
    if (status < 0) {
        return status;
    }

    /* `upper` itself is not in the range. */
    days.lower = lsm_str("2026-03-02");
    days.upper = lsm_str("2026-04-01");
    printf("from the 2nd of March, before April, the last one first:\n");
    status = lsm_iter_new(db, &days, &iter, error);
    if (status >= 0) {
        status = lsm_iter_seek_last(iter, error);
    }
    if (status >= 0) {
        status = print_all(iter, lsm_iter_prev, error);
    }
    lsm_iter_free(iter);
    return status;
}

int main(int argc, char **argv) {
    lsm_db *db;
    lsm_error *error;
    lsm_status status = LSM_OK;
    uint64_t count = 0;
    size_t i;

    if (argc != 2) {
        fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
        return 2;
    }
    status = lsm_open(argv[1], NULL, &db, &error);
    for (i = 0; status >= 0 && i < sizeof WEATHER / sizeof *WEATHER; i++) {
        status = lsm_put(db, NULL, lsm_str(WEATHER[i][0]), lsm_str(WEATHER[i][1]), &error);
    }
    if (status >= 0) {
        status = scan(db, &error);
    }
    if (status >= 0) {
        /* A range goes at the cost of one write, however many keys are in it. */
        status = lsm_delete_range(db, NULL, lsm_str("2026-03-"), lsm_str("2026-04-"), &error);
    }
    if (status >= 0) {
        /* An absent bound, lsm_str(NULL), is none. */
        status = lsm_count(db, NULL, lsm_str(NULL), lsm_str(NULL), NULL, &count, &error);
    }
    if (status >= 0) {
        printf("without March: %llu days\n", (unsigned long long)count);
        status = lsm_close(db, &error);
    } else if (lsm_close(db, NULL) < 0) {
        fprintf(stderr, "and it could not be closed\n");
    }
    if (status < 0) {
        fprintf(stderr, "%s\n", lsm_error_message(error));
        lsm_error_free(error);
        return 1;
    }
    return 0;
}
