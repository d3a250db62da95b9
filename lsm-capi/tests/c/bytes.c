/* Section "bytes": slices go in, values come out. */
#include "check.h"

int main(int count, char **arguments) {
    (void)count;
    lsm_db *db = check_open(arguments[1]);
    static char large[100000];
    memset(large, 'x', sizeof large);

    CHECK(lsm_str(NULL).data == NULL && lsm_str(NULL).size == 0);
    CHECK(lsm_str("").data != NULL && lsm_str("").size == 0);
    CHECK(lsm_str("abc").size == 3);

    /* Any bytes: NULs, none at all, and a NULL of no length. */
    OK(lsm_put(db, NULL, lsm_bytes("a\0b", 3), lsm_bytes("\0\0", 2), &error));
    OK(lsm_put(db, NULL, ABSENT, ABSENT, &error));
    lsm_value value;
    OK(lsm_get(db, NULL, lsm_bytes("a\0b", 3), &value, &error));
    CHECK(value.size == 2 && memcmp(value.data, "\0\0", 2) == 0);
    lsm_value_free(&value);
    CHECK(value.data == NULL && value.size == 0 && value.pin == NULL);
    lsm_value_free(&value);
    OK(lsm_get(db, NULL, T(""), &value, &error));
    CHECK(value.size == 0 && value.data != NULL);
    lsm_value_free(&value);
    lsm_value_free(NULL);

    /* Lengths around those that are copied, and a long one; all live on after the database. */
    size_t lengths[] = {0, 1, 30, 31, 127, 128, 129, 5000, sizeof large};
    enum { LENGTHS = sizeof lengths / sizeof *lengths };
    lsm_value values[LENGTHS];
    for (size_t i = 0; i < LENGTHS; i++) {
        char key[] = {'k', (char)('0' + i)};
        large[0] = (char)('0' + i);
        OK(lsm_put(db, NULL, lsm_bytes(key, 2), lsm_bytes(large, lengths[i]), &error));
    }
    OK(lsm_flush(db, &error));
    for (size_t i = 0; i < LENGTHS; i++) {
        char key[] = {'k', (char)('0' + i)};
        OK(lsm_get(db, NULL, lsm_bytes(key, 2), &values[i], &error));
    }
    OK(lsm_close(db, &error));
    for (size_t i = 0; i < LENGTHS; i++) {
        CHECK(values[i].size == lengths[i]);
        CHECK(lengths[i] == 0 || values[i].data[0] == (char)('0' + i));
        CHECK(lengths[i] < 2 || values[i].data[lengths[i] - 1] == 'x');
    }

    /* A copy of a value is freed with it. */
    lsm_value copy = values[3];
    lsm_values_free(values, LENGTHS);
    CHECK(values[LENGTHS - 1].data == NULL);
    lsm_value_free(&copy);
    lsm_values_free(NULL, 0);
    lsm_values_free(NULL, 7);
    lsm_value made_up = {"text", 4, (void *)0x1234};
    lsm_value_free(&made_up);
    return 0;
}
