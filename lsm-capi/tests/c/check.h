/* What the programs of this folder have in common: each is one section of lsm.h, takes an empty
 * directory as its argument, and ends with 0 if everything is as the header says. They are compiled
 * as C and as C++. */
#ifndef CHECK_H
#define CHECK_H

#include <lsm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(truth)                                                         \
    do {                                                                     \
        if (!(truth)) {                                                      \
            fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #truth); \
            exit(1);                                                         \
        }                                                                    \
    } while (0)

/* The call answers this status, and an error if it is below 0. */
#define IS(status, call)                                                     \
    do {                                                                     \
        lsm_error *error = (lsm_error *)1;                                   \
        const lsm_status answer_ = (call);                                   \
        check_status(__FILE__, __LINE__, (status), answer_, error);          \
    } while (0)

static inline void check_status(const char *file, int line, lsm_status wanted, lsm_status found,
                                lsm_error *error) {
    if (found != wanted || (found < 0) != (error != NULL) ||
        (error != NULL && lsm_error_status(error) != found)) {
        fprintf(stderr, "%s:%d: %s instead of %s: %s\n", file, line, lsm_status_name(found),
                lsm_status_name(wanted), lsm_error_message(error));
        exit(1);
    }
    lsm_error_free(error);
}

#define OK(call) IS(LSM_OK, call)

static inline lsm_db *check_open(const char *path) {
    lsm_db *db;
    OK(lsm_open(path, NULL, &db, &error));
    CHECK(db != NULL);
    return db;
}

/* Text as a slice. */
#define T(text) lsm_str(text)
#define ABSENT lsm_bytes(NULL, 0)

static inline int check_is(lsm_slice bytes, const char *text) {
    return bytes.size == strlen(text) && memcmp(bytes.data, text, bytes.size) == 0;
}

static inline int check_has(const lsm_db *db, const char *key, const char *value) {
    lsm_value found;
    lsm_status status = lsm_get(db, NULL, T(key), &found, NULL);
    int is_it = value == NULL ? status == LSM_NOT_FOUND && found.data == NULL
                              : status == LSM_OK && check_is(lsm_bytes(found.data, found.size), value);
    lsm_value_free(&found);
    return is_it;
}

/* Another place beside the directory. */
static inline const char *check_beside(const char *path, const char *name) {
    static char beside[4096];
    snprintf(beside, sizeof beside, "%s-%s", path, name);
    return beside;
}

#endif
