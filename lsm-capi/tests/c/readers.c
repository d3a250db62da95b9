/* Sections "maintenance" and "looking inside": readers, in this process and in another one, beside
 * the writer. */
#include "check.h"
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static lsm_db *open_reader(const char *path, uint32_t refresh_every_ms) {
    lsm_options options = LSM_OPTIONS_INIT;
    lsm_db *reader;
    options.flags = LSM_OPEN_READONLY;
    options.refresh_every_ms = refresh_every_ms;
    OK(lsm_open(path, &options, &reader, &error));
    return reader;
}

/* How many readers there are. */
static int readers(lsm_db *db) {
    lsm_value json = LSM_VALUE_INIT;
    int found = 0;
    OK(lsm_readers(db, &json, &error));
    CHECK(json.size >= 2 && json.data[0] == '[' && json.data[json.size - 1] == ']');
    for (size_t at = 0; at < json.size; at++) {
        found += json.data[at] == '{';
    }
    lsm_value_free(&json);
    return found;
}

/* The number under "last". */
static int last(lsm_db *db, const lsm_snapshot *snapshot) {
    lsm_read_options read = LSM_READ_OPTIONS_INIT;
    lsm_value value = LSM_VALUE_INIT;
    char text[16] = "";
    read.snapshot = snapshot;
    OK(lsm_get(db, &read, T("last"), &value, &error));
    memcpy(text, value.data, value.size);
    lsm_value_free(&value);
    return atoi(text);
}

static void write_last(lsm_db *db, int number) {
    char text[16];
    snprintf(text, sizeof text, "%d", number);
    OK(lsm_put(db, NULL, T("last"), lsm_str(text), &error));
}

/* Another process reads until it is killed, and says how far it has seen. */
static pid_t read_elsewhere(const char *path, int told) {
    const pid_t child = fork();
    if (child == 0) {
        lsm_db *reader = open_reader(path, 0);
        for (int before = 0;;) {
            const int seen = last(reader, NULL);
            CHECK(seen >= before);
            if (seen > before && write(told, &seen, sizeof seen) != sizeof seen) {
                _exit(1);
            }
            before = seen;
            OK(lsm_refresh(reader, &error));
        }
    }
    return child;
}

int main(int count, char **arguments) {
    (void)count;
    const char *path = arguments[1];
    lsm_db *db = check_open(path), *users;
    lsm_snapshot *snapshot;
    int told[2], seen = 0;
    write_last(db, 1);
    OK(lsm_refresh(db, &error));
    CHECK(readers(db) == 0);

    lsm_db *reader = open_reader(path, 0);
    CHECK(last(reader, NULL) == 1 && readers(db) == 1 && readers(reader) == 1);
    OK(lsm_snapshot_new(reader, &snapshot, &error));
    for (int number = 2; number <= 300; number++) {
        write_last(db, number);
        if (number % 100 == 0) {
            OK(lsm_flush(db, &error));
            OK(lsm_compact(db, ABSENT, ABSENT, &error));
        }
    }
    CHECK(last(reader, NULL) == 1);
    OK(lsm_refresh(reader, &error));
    CHECK(last(reader, NULL) == 300 && last(reader, snapshot) == 1);
    IS(LSM_READ_ONLY, lsm_put(reader, NULL, T("a"), T("b"), &error));
    IS(LSM_READ_ONLY, lsm_keyspace_open(reader, "users", NULL, &users, &error));
    OK(lsm_keyspace_open(db, "users", NULL, &users, &error));
    OK(lsm_put(users, NULL, T("u"), T("1"), &error));
    OK(lsm_close(users, &error));
    OK(lsm_refresh(reader, &error));
    OK(lsm_keyspace_open(reader, "users", NULL, &users, &error));
    OK(lsm_exists(users, NULL, T("u"), &error));
    OK(lsm_close(users, &error));
    OK(lsm_verify(reader, &error));
    lsm_snapshot_free(snapshot);

    /* One that looks by itself. */
    lsm_db *follower = open_reader(path, 2);
    write_last(db, 301);
    for (int turn = 0; turn < 2000 && last(follower, NULL) != 301; turn++) {
        usleep(5000);
    }
    CHECK(last(follower, NULL) == 301 && last(reader, NULL) == 300);
    OK(lsm_close(follower, &error));
    OK(lsm_close(reader, &error));
    IS(LSM_CLOSED, lsm_refresh(reader, &error));
    IS(LSM_INVALID_ARGUMENT, lsm_refresh(NULL, &error));
    IS(LSM_INVALID_ARGUMENT, lsm_readers(db, NULL, &error));
    OK(lsm_close(db, &error));

    /* Another process; the fork comes before the opening here. */
    CHECK(pipe(told) == 0);
    const pid_t child = read_elsewhere(path, told[1]);
    db = check_open(path);
    for (int number = 302; seen < 400; number++) {
        write_last(db, number);
        CHECK(read(told[0], &seen, sizeof seen) == sizeof seen);
        CHECK(seen >= 301 && seen <= number);
    }
    CHECK(readers(db) == 1);
    CHECK(kill(child, SIGKILL) == 0 && waitpid(child, NULL, 0) == child);
    CHECK(readers(db) == 0);
    close(told[0]);
    close(told[1]);
    OK(lsm_close(db, &error));

    lsm_options options = LSM_OPTIONS_INIT;
    options.refresh_every_ms = 5;
    IS(LSM_INVALID_ARGUMENT, lsm_open(path, &options, &db, &error));
    options.refresh_every_ms = 0;
    options.flags = LSM_OPEN_READONLY;
    options.reader_lease_ms = 99;
    IS(LSM_INVALID_ARGUMENT, lsm_open(path, &options, &db, &error));
    return 0;
}
