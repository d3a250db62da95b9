/* What goes wrong, how a program is told, and what it may do about it: errors DIRECTORY */
#include <lsm.h>
#include <stdio.h>
#include <string.h>

/* The status says what to do. The message is for people, and may change. */
static void report(const char *what, lsm_status status, lsm_error *error) {
    printf("%s: %s%s\n", what, lsm_status_name(status),
           lsm_error_is_retryable(error) ? ", and may be tried again" : "");
    if (error != NULL && strlen(lsm_error_message(error)) == 0) {
        printf("  without a message\n");
    }
    lsm_error_free(error);
}

int main(int argc, char **argv) {
    static char long_key[65536];
    lsm_options options = LSM_OPTIONS_INIT;
    lsm_db *db, *second;
    lsm_value value;
    lsm_error *error;
    lsm_status status;

    if (argc != 2) {
        fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
        return 2;
    }

    options.flags = LSM_OPEN_EXISTING;
    status = lsm_open(argv[1], &options, &db, &error);
    report("opening what is not there", status, error);

    if (lsm_open(argv[1], NULL, &db, &error) < 0) {
        fprintf(stderr, "%s\n", lsm_error_message(error));
        lsm_error_free(error);
        return 1;
    }

    status = lsm_open(argv[1], NULL, &second, &error);
    report("opening it twice", status, error); /* `second` is NULL now. */

    status = lsm_put(db, NULL, lsm_bytes(long_key, sizeof long_key), lsm_str(""), &error);
    report("a key of 64 KiB", status, error);

    status = lsm_get(db, NULL, lsm_str("missing"), &value, &error);
    report("a key that is not there", status, error); /* No error: `error` is NULL. */

    status = lsm_get(NULL, NULL, lsm_str("key"), &value, &error);
    report("no database", status, error);

    status = lsm_close(db, &error);
    report("closing", status, error);

    /* Handles are looked up, so an old one is told apart, not followed. */
    status = lsm_put(db, NULL, lsm_str("key"), lsm_str("value"), &error);
    report("writing after that", status, error);

    status = lsm_close(db, &error);
    report("closing twice", status, error);
    return 0;
}
