/* Section "writing". */
#include "check.h"

int main(int count, char **arguments) {
    (void)count;
    lsm_db *db = check_open(arguments[1]);
    static char key[65536];
    memset(key, 'k', sizeof key);

    OK(lsm_put(db, NULL, T("a"), T("1"), &error));
    OK(lsm_put(db, NULL, T("a"), T("2"), &error));
    CHECK(check_has(db, "a", "2"));
    OK(lsm_delete(db, NULL, T("a"), &error));
    OK(lsm_delete(db, NULL, T("never there"), &error));
    CHECK(check_has(db, "a", NULL));

    /* The longest key, and one more. */
    OK(lsm_put(db, NULL, lsm_bytes(key, 65535), T("long"), &error));
    IS(LSM_TOO_LARGE, lsm_put(db, NULL, lsm_bytes(key, 65536), T("long"), &error));
    IS(LSM_TOO_LARGE, lsm_put(db, NULL, T("k"), lsm_bytes(key, ((size_t)1 << 30) + 1), &error));
    IS(LSM_TOO_LARGE, lsm_put(db, NULL, T("k"), lsm_bytes(key, SIZE_MAX), &error));
    IS(LSM_TOO_LARGE, lsm_delete(db, NULL, lsm_bytes(key, SIZE_MAX - 7), &error));
    IS(LSM_INVALID_ARGUMENT, lsm_put(db, NULL, T("k"), lsm_bytes(NULL, 3), &error));
    CHECK(check_has(db, "k", NULL));

    /* Ranges. */
    const char *all[] = {"b", "c", "d", "e"};
    for (int i = 0; i < 4; i++) {
        OK(lsm_put(db, NULL, T(all[i]), T("x"), &error));
    }
    OK(lsm_delete_range(db, NULL, T("c"), T("e"), &error));
    CHECK(check_has(db, "b", "x") && check_has(db, "c", NULL));
    CHECK(check_has(db, "d", NULL) && check_has(db, "e", "x"));
    OK(lsm_delete_range(db, NULL, T("e"), T("b"), &error));
    OK(lsm_delete_range(db, NULL, T("b"), T(""), &error));
    CHECK(check_has(db, "b", "x") && check_has(db, "e", "x"));
    OK(lsm_delete_range(db, NULL, T("c"), ABSENT, &error));
    CHECK(check_has(db, "b", "x") && check_has(db, "e", NULL));
    OK(lsm_delete_range(db, NULL, ABSENT, ABSENT, &error));
    CHECK(check_has(db, "b", NULL));
    IS(LSM_TOO_LARGE, lsm_delete_range(db, NULL, T("a"), lsm_bytes(key, 65536), &error));
    IS(LSM_INVALID_ARGUMENT, lsm_delete_range(db, NULL, lsm_bytes(NULL, 1), ABSENT, &error));

    /* Input is copied before the call returns. */
    char value[] = "mine";
    OK(lsm_put(db, NULL, lsm_bytes(value, 4), lsm_bytes(value, 4), &error));
    memset(value, 0, sizeof value);
    CHECK(check_has(db, "mine", "mine"));
    OK(lsm_close(db, &error));
    return 0;
}
