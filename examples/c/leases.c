/* Who works on what, settled by conditions, for a time only: leases DIRECTORY */
#include <lsm.h>
#include <stdio.h>

#define HOUR_MS (60 * 60 * 1000)

/* Takes a job that nobody has. What it may not be is no failure here, but an answer. */
static lsm_status take(const lsm_db *jobs, const char *job, const char *who, lsm_error **error) {
    lsm_write_options options = LSM_WRITE_OPTIONS_INIT;
    lsm_status status;

    options.ttl_ms = HOUR_MS;
    status = lsm_insert_if_absent(jobs, &options, lsm_str(job), lsm_str(who), error);
    printf("%s takes %s: %s\n", who, job, status == LSM_OK ? "yes" : "no");
    return status;
}

/* Hands a job on, if it is still `from` who has it. */
static lsm_status hand_on(const lsm_db *jobs, const char *job, const char *from, const char *to,
                          lsm_error **error) {
    const lsm_slice expected = lsm_str(from), wanted = lsm_str(to);
    lsm_status status = lsm_compare_and_set(jobs, NULL, lsm_str(job), &expected, &wanted, error);

    printf("%s hands %s to %s: %s\n", from, job, to, status == LSM_OK ? "yes" : "no");
    return status;
}

/* True if it went well, or met a condition that does not hold: then the error has been freed. */
static int is_answer(lsm_status status, lsm_error **error) {
    if (status != LSM_CONFLICT) {
        return status >= 0;
    }
    lsm_error_free(*error);
    *error = NULL;
    return 1;
}

static int run(const lsm_db *jobs, lsm_error **error) {
    lsm_write_options past = LSM_WRITE_OPTIONS_INIT;

    past.expires_at_ms = 1;
    return is_answer(take(jobs, "job-1", "ada", error), error) &&
           is_answer(take(jobs, "job-1", "bob", error), error) &&
           is_answer(hand_on(jobs, "job-1", "ada", "bob", error), error) &&
           is_answer(hand_on(jobs, "job-1", "ada", "eve", error), error) &&
           /* A lease that ends in the past is over at once. */
           lsm_touch(jobs, &past, lsm_str("job-1"), error) >= 0 &&
           is_answer(take(jobs, "job-1", "eve", error), error);
}

int main(int argc, char **argv) {
    lsm_error *error = NULL;
    lsm_db *db = NULL;
    int is_done;

    if (argc != 2) {
        fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
        return 2;
    }
    is_done = lsm_open(argv[1], NULL, &db, &error) >= 0 && run(db, &error);
    if (is_done) {
        is_done = lsm_close(db, &error) >= 0;
    }
    if (!is_done) {
        fprintf(stderr, "%s\n", lsm_error_message(error));
        lsm_error_free(error);
    }
    return !is_done;
}
