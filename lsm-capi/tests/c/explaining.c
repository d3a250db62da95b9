/* Section "explaining". */
#include "check.h"

/* True if the value holds this text; frees it. */
static int holds(lsm_value *value, const char *text) {
    char *copy = (char *)calloc(value->size + 1, 1);
    memcpy(copy, value->data, value->size);
    const int found = strstr(copy, text) != NULL;
    if (!found) {
        fprintf(stderr, "%s is not in %s\n", text, copy);
    }
    free(copy);
    lsm_value_free(value);
    return found;
}

static lsm_status stop(void *context, uint64_t done, uint64_t total) {
    (void)total;
    *(uint64_t *)context = done;
    return LSM_ABORTED;
}

int main(int count, char **arguments) {
    (void)count;
    lsm_db *db = check_open(arguments[1]), *gone;
    lsm_snapshot *snapshot;
    lsm_value value = LSM_VALUE_INIT;
    lsm_read_options read = LSM_READ_OPTIONS_INIT;
    lsm_call_options call = LSM_CALL_OPTIONS_INIT;
    uint64_t told = 0;
    char key[16];
    for (int i = 0; i < 1000; i++) {
        snprintf(key, sizeof key, "%08d", i);
        OK(lsm_put(db, NULL, T(key), T(key), &error));
    }
    OK(lsm_flush(db, &error));
    OK(lsm_snapshot_new(db, &snapshot, &error));
    OK(lsm_delete(db, NULL, T("00000007"), &error));

    OK(lsm_explain_get(db, NULL, T("00000008"), &value, &error));
    CHECK(value.data[0] == '{' && value.data[value.size - 1] == '}');
    CHECK(holds(&value, "\"answer\":\"found\",\"seqno\":9,\"value_bytes\":8,\"steps\":["));
    OK(lsm_explain_get(db, NULL, T("00000008"), &value, &error));
    CHECK(holds(&value, "\"from\":\"memory\""));
    OK(lsm_explain_get(db, NULL, T("00000007"), &value, &error));
    CHECK(holds(&value, "\"answer\":\"deleted\",\"seqno\":1001,\"value_bytes\":null"));
    read.snapshot = snapshot;
    OK(lsm_explain_get(db, &read, T("00000007"), &value, &error));
    CHECK(holds(&value, "\"at\":1000,\"answer\":\"found\""));
    OK(lsm_explain_get_text(db, NULL, T("x"), &value, &error));
    CHECK(holds(&value, "get x of default, seen at 1001: missing\n"));
    IS(LSM_INVALID_ARGUMENT, lsm_explain_get(db, NULL, T("x"), NULL, &error));
    IS(LSM_INVALID_ARGUMENT, lsm_explain_get(NULL, NULL, T("x"), &value, &error));
    IS(LSM_INVALID_ARGUMENT, lsm_explain_get_text(db, NULL, lsm_bytes(NULL, 3), &value, &error));
    CHECK(value.data == NULL);

    OK(lsm_explain_range(db, NULL, ABSENT, ABSENT, 0, 0, NULL, &value, &error));
    CHECK(holds(&value, "\"limit\":null,\"is_complete\":true,\"pairs\":999,\"entries\":{\"all\":1001,"));
    OK(lsm_explain_range(db, &read, T("00000005"), T("00000010"), 3, LSM_EXPLAIN_REVERSE, NULL, &value, &error));
    CHECK(holds(&value, "\"is_reverse\":true,\"limit\":3,\"is_complete\":false,\"pairs\":3,"));
    OK(lsm_explain_range_text(db, NULL, T("00000005"), T("00000010"), 0, 0, NULL, &value, &error));
    CHECK(holds(&value, "from 00000005 up to 00000010, seen at 1001: 4 pairs, up to the end of the range\n"));
    call.progress = stop;
    call.progress_context = &told;
    IS(LSM_ABORTED, lsm_explain_range(db, NULL, ABSENT, ABSENT, 0, 0, &call, &value, &error));
    CHECK(told == 256 && value.data == NULL);
    IS(LSM_INVALID_ARGUMENT, lsm_explain_range(db, NULL, ABSENT, ABSENT, 0, 2, NULL, &value, &error));
    IS(LSM_INVALID_ARGUMENT, lsm_explain_range(db, NULL, ABSENT, ABSENT, 0, 0, NULL, NULL, &error));
    lsm_snapshot_free(snapshot);
    IS(LSM_CLOSED, lsm_explain_get(db, &read, T("x"), &value, &error));

    OK(lsm_doctor(db, &value, &error));
    CHECK(holds(&value, "{\"is_healthy\":true,\"findings\":[]}"));
    OK(lsm_doctor_text(db, &value, &error));
    CHECK(holds(&value, "healthy: "));
    OK(lsm_background_pause(db, &error));
    OK(lsm_doctor(db, &value, &error));
    CHECK(holds(&value, "{\"is_healthy\":false,\"findings\":[{\"name\":\"background_paused\",\"severity\":\"warning\","));
    OK(lsm_doctor_text(db, &value, &error));
    CHECK(holds(&value, "warning: background_paused\n"));
    IS(LSM_INVALID_ARGUMENT, lsm_doctor(db, NULL, &error));
    OK(lsm_keyspace_open(db, "gone", NULL, &gone, &error));
    OK(lsm_keyspace_drop(db, "gone", &error));
    IS(LSM_CLOSED, lsm_explain_get(gone, NULL, T("x"), &value, &error));
    OK(lsm_close(db, &error));
    IS(LSM_CLOSED, lsm_doctor(db, &value, &error));
    IS(LSM_CLOSED, lsm_doctor_text(db, &value, &error));
    CHECK(value.data == NULL);
    return 0;
}
