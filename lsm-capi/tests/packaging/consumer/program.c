/* A program of somebody's that uses the installed library. */
#include <lsm.h>
#include <stdio.h>
#include <string.h>

static lsm_status use(lsm_db *db)
{
    lsm_value value = LSM_VALUE_INIT;
    lsm_status status = lsm_put(db, NULL, lsm_str("apple"), lsm_str("red"), NULL);

    if (status == LSM_OK) {
        status = lsm_get(db, NULL, lsm_str("apple"), &value, NULL);
    }
    if (status == LSM_OK && (value.size != 3 || memcmp(value.data, "red", 3) != 0)) {
        status = LSM_CORRUPTION;
    }
    lsm_value_free(&value);
    return status;
}

int main(void)
{
    lsm_db *db;
    lsm_status status = lsm_open("data", NULL, &db, NULL);

    if (status == LSM_OK) {
        status = use(db);
    }
    if (status == LSM_OK) {
        status = lsm_close(db, NULL);
    }
    printf("%s %s\n", lsm_version(), lsm_status_name(status));
    return lsm_version_number() != LSM_VERSION_NUMBER;
}
