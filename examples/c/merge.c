/* Counters and logs that are written without being read: merge DIRECTORY */
#include <lsm.h>
#include <stdio.h>

static int fail(lsm_error *error) {
    fprintf(stderr, "%s\n", lsm_error_message(error));
    lsm_error_free(error);
    return 1;
}

/* A keyspace in which operands do what the operator of this name does. */
static lsm_status merging(const lsm_db *db, const char *name, const char *operator_name,
                          lsm_db **keyspace, lsm_error **error) {
    lsm_keyspace_options options = LSM_KEYSPACE_OPTIONS_INIT;

    options.merge_operator = operator_name;
    return lsm_keyspace_open(db, name, &options, keyspace, error);
}

static lsm_status run(const lsm_db *visits, const lsm_db *log, lsm_error **error) {
    /* Eight bytes, the lowest first. */
    static const char one[8] = {1}, forty[8] = {40};
    static const char *const weather[] = {"rain", ", sun", ", snow"};
    unsigned char sum[8] = {0};
    lsm_value value = LSM_VALUE_INIT;
    lsm_status status = LSM_OK;
    size_t at, size;

    for (at = 0; at < 3 && status == LSM_OK; at++) {
        status = lsm_merge(visits, NULL, lsm_str("home"), lsm_bytes(at == 0 ? forty : one, 8),
                           error);
        if (status == LSM_OK) {
            status = lsm_merge(log, NULL, lsm_str("monday"), lsm_str(weather[at]), error);
        }
    }
    if (status == LSM_OK) {
        status = lsm_get_into(visits, NULL, lsm_str("home"), sum, sizeof sum, &size, error);
    }
    if (status == LSM_OK) {
        status = lsm_get(log, NULL, lsm_str("monday"), &value, error);
    }
    if (status == LSM_OK) {
        printf("visits: %d\nmonday: %.*s\n", sum[0], (int)value.size, value.data);
    }
    lsm_value_free(&value);
    return status;
}

int main(int count, char **arguments) {
    lsm_error *error = NULL;
    lsm_db *db = NULL, *visits = NULL, *log = NULL;

    if (count != 2) {
        fprintf(stderr, "merge DIRECTORY\n");
        return 2;
    }
    if (lsm_open(arguments[1], NULL, &db, &error) < 0 ||
        merging(db, "visits", "add_i64", &visits, &error) < 0 ||
        merging(db, "log", "append", &log, &error) < 0 || run(visits, log, &error) < 0) {
        return fail(error);
    }
    if (lsm_close(log, &error) < 0 || lsm_close(visits, &error) < 0 || lsm_close(db, &error) < 0) {
        return fail(error);
    }
    return 0;
}
