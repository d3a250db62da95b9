/* Sections "status" and "errors". */
#include "check.h"

int main(int count, char **arguments) {
    lsm_db *db = NULL;
    lsm_error *error = (lsm_error *)1;
    const char *path = count > 1 ? check_beside(arguments[1], "none") : "";
    lsm_options options = LSM_OPTIONS_INIT;

    /* An error is written, whatever was there before. */
    options.flags = LSM_OPEN_EXISTING;
    lsm_status status = lsm_open(path, &options, &db, &error);
    CHECK(status < 0 && db == NULL && error != NULL && error != (lsm_error *)1);
    CHECK(lsm_error_status(error) == status);
    CHECK(strlen(lsm_error_message(error)) > 10);
    CHECK(lsm_error_path(error) != NULL && strstr(lsm_error_path(error), "none") != NULL);
    CHECK(lsm_error_offset(error) == UINT64_MAX);
    CHECK(!lsm_error_maybe_committed(error) && !lsm_error_is_retryable(error));
    CHECK(lsm_error_os_code(error) >= 0);

    /* Freed once; afterwards it tells nothing, and does no harm. */
    lsm_error *copy = error;
    lsm_error_free(error);
    lsm_error_free(copy);
    CHECK(lsm_error_status(copy) == LSM_INVALID_ARGUMENT && lsm_error_path(copy) == NULL);
    CHECK(strlen(lsm_error_message(copy)) > 0 && lsm_error_os_code(copy) == 0);
    lsm_error_free(NULL);
    CHECK(lsm_error_status(NULL) == LSM_INVALID_ARGUMENT && lsm_error_message(NULL) != NULL);

    /* Success writes NULL, and nobody has to ask. */
    db = check_open(arguments[1]);
    error = (lsm_error *)1;
    CHECK(lsm_put(db, NULL, T("a"), T("b"), &error) == LSM_OK && error == NULL);
    error = (lsm_error *)1;
    lsm_value value;
    CHECK(lsm_get(db, NULL, T("none"), &value, &error) == LSM_NOT_FOUND && error == NULL);
    CHECK(lsm_put(NULL, NULL, T("a"), T("b"), NULL) == LSM_INVALID_ARGUMENT);

    CHECK(strcmp(lsm_status_name(LSM_OK), "LSM_OK") == 0);
    CHECK(strcmp(lsm_status_name(-1234), "LSM_UNKNOWN") == 0);
    CHECK(lsm_status_is_retryable(LSM_BUSY) && !lsm_status_is_retryable(LSM_CORRUPTION));

    /* Locked: the second opening may work later. */
    lsm_db *second;
    CHECK(lsm_open(arguments[1], NULL, &second, &error) == LSM_LOCKED && second == NULL);
    CHECK(lsm_error_is_retryable(error));
    lsm_error_free(error);
    OK(lsm_close(db, &error));
    return 0;
}
