/* A number that outlives the program, made one larger by each run of it: counter DIRECTORY */
#include <lsm.h>
#include <stdio.h>

static int fail(lsm_error *error) {
    fprintf(stderr, "%s\n", lsm_error_message(error));
    lsm_error_free(error);
    return 1;
}

/* Numbers are stored as eight bytes, the lowest first, so that every machine reads them alike. */
static uint64_t decode(const unsigned char *bytes) {
    uint64_t number = 0;
    int i;

    for (i = 7; i >= 0; i--) {
        number = number << 8 | bytes[i];
    }
    return number;
}

static void encode(uint64_t number, unsigned char *bytes) {
    int i;

    for (i = 0; i < 8; i++) {
        bytes[i] = (unsigned char)(number >> (8 * i) & 0xff);
    }
}

/* Reads, adds, writes. One thread at a time may do so: see threads.c for many. */
static lsm_status add_one(const lsm_db *db, uint64_t *number, lsm_error **error) {
    const lsm_slice key = lsm_str("runs");
    lsm_write_options options = LSM_WRITE_OPTIONS_INIT;
    unsigned char bytes[8] = {0};
    size_t size;
    lsm_status status = lsm_get_into(db, NULL, key, bytes, sizeof bytes, &size, error);

    if (status < 0) {
        return status;
    }
    /* LSM_NOT_FOUND is no error: the count begins at 0. */
    *number = (status == LSM_OK && size == sizeof bytes ? decode(bytes) : 0) + 1;
    encode(*number, bytes);
    options.durability = LSM_DURABLE;
    return lsm_put(db, &options, key, lsm_bytes(bytes, sizeof bytes), error);
}

static int run(const char *path) {
    lsm_options options = LSM_OPTIONS_INIT;
    lsm_db *db;
    lsm_error *error;
    uint64_t number;
    int failed;

    /* Options begin with _INIT; then say what is not to be as usual. */
    options.memory_limit = 32u << 20;
    if (lsm_open(path, &options, &db, &error) < 0) {
        return fail(error);
    }
    failed = add_one(db, &number, &error) < 0 ? fail(error) : 0;
    if (!failed) {
        printf("run %llu\n", (unsigned long long)number);
    }
    return lsm_close(db, &error) < 0 ? fail(error) : failed;
}

int main(int argc, char **argv) {
    int i;

    if (argc != 2) {
        fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
        return 2;
    }
    /* Three times, as if the program were started so often. */
    for (i = 0; i < 3; i++) {
        if (run(argv[1]) != 0) {
            return 1;
        }
    }
    return 0;
}
