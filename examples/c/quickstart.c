/* Opens a database, writes, reads, deletes, closes: quickstart DIRECTORY */
#include <lsm.h>
#include <stdio.h>

/* Says what went wrong. The message belongs to the error, and goes with it. */
static int fail(lsm_error *error) {
    fprintf(stderr, "%s: %s\n", lsm_status_name(lsm_error_status(error)),
            lsm_error_message(error));
    lsm_error_free(error);
    return 1;
}

/* Prints the value of a key. A status below 0 is an error; LSM_NOT_FOUND is above. */
static lsm_status print(const lsm_db *db, const char *key, lsm_error **error) {
    lsm_value value;
    lsm_status status = lsm_get(db, NULL, lsm_str(key), &value, error);

    if (status == LSM_OK) {
        /* The value lies where the library has it: nothing was copied. Give it back. */
        printf("%s = %.*s\n", key, (int)value.size, value.data);
        lsm_value_free(&value);
    } else if (status == LSM_NOT_FOUND) {
        printf("%s: not found\n", key);
    }
    return status;
}

int main(int argc, char **argv) {
    lsm_db *db;
    lsm_error *error; /* Need not be initialised: it is written by every call. */

    if (argc != 2) {
        fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
        return 2;
    }

    /* Makes the database if there is none. NULL stands for the usual options. */
    if (lsm_open(argv[1], NULL, &db, &error) < 0) {
        return fail(error);
    }

    /* Keys and values are any bytes: lsm_bytes(data, size). For strings there is lsm_str(). */
    if (lsm_put(db, NULL, lsm_str("apple"), lsm_str("red"), &error) < 0 ||
        lsm_put(db, NULL, lsm_str("pear"), lsm_str("green"), &error) < 0 ||
        lsm_put(db, NULL, lsm_str("apple"), lsm_str("yellow"), &error) < 0 ||
        lsm_delete(db, NULL, lsm_str("pear"), &error) < 0 ||
        print(db, "apple", &error) < 0 || print(db, "pear", &error) < 0) {
        fail(error);
        return lsm_close(db, NULL) < 0 ? 3 : 1;
    }

    /* Closing makes everything durable, and tells if it could not. */
    if (lsm_close(db, &error) < 0) {
        return fail(error);
    }
    return 0;
}
