/* Pictures apart from their names, in files that are written once: album DIRECTORY */
#include <lsm.h>
#include <stdio.h>
#include <string.h>

static lsm_status put_picture(const lsm_db *pictures, const char *name, size_t size,
                              lsm_error **error) {
    static char picture[90000];

    memset(picture, '#', sizeof picture);
    return lsm_put(pictures, NULL, lsm_str(name), lsm_bytes(picture, size), error);
}

/* Reads no picture. */
static lsm_status print_names(const lsm_db *pictures, lsm_error **error) {
    lsm_read_options options = LSM_READ_OPTIONS_INIT;
    lsm_iter *iter = NULL;
    lsm_slice name, none;
    lsm_status status;

    options.flags = LSM_READ_KEYS_ONLY;
    status = lsm_iter_new(pictures, &options, &iter, error);
    while (status >= 0 && (status = lsm_iter_next(iter, &name, &none, error)) == LSM_OK) {
        printf("%.*s\n", (int)name.size, name.data);
    }
    lsm_iter_free(iter);
    return status;
}

static lsm_status print_size(const lsm_db *pictures, const char *name, lsm_error **error) {
    lsm_value picture;
    lsm_status status = lsm_get(pictures, NULL, lsm_str(name), &picture, error);

    if (status == LSM_OK) {
        printf("%s: %lu bytes\n", name, (unsigned long)picture.size);
        lsm_value_free(&picture);
    }
    return status;
}

static lsm_status print_files(const lsm_db *pictures, const char *when, lsm_error **error) {
    lsm_stats stats = LSM_STATS_INIT;
    lsm_status status = lsm_stats_read(pictures, &stats, error);

    if (status >= 0) {
        printf("files %s: %lu\n", when, (unsigned long)stats.blob_files);
    }
    return status;
}

static int run(const lsm_db *pictures, lsm_error **error) {
    const lsm_slice open_end = {NULL, 0};

    return put_picture(pictures, "sea", 60000, error) >= 0 &&
           put_picture(pictures, "icon", 200, error) >= 0 &&
           put_picture(pictures, "hills", 90000, error) >= 0 && print_names(pictures, error) >= 0 &&
           print_size(pictures, "sea", error) >= 0 &&
           print_files(pictures, "of large values", error) >= 0 &&
           lsm_delete_range(pictures, NULL, open_end, open_end, error) >= 0 &&
           lsm_compact(pictures, open_end, open_end, error) >= 0 &&
           lsm_wait_idle(pictures, error) >= 0 &&
           print_files(pictures, "when all are deleted", error) >= 0;
}

int main(int argc, char **argv) {
    lsm_keyspace_options options = LSM_KEYSPACE_OPTIONS_INIT;
    lsm_db *db = NULL, *pictures = NULL;
    lsm_error *error = NULL;

    if (argc != 2) {
        fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
        return 2;
    }
    options.blob_threshold = 1024; /* From 4096 bytes on if nothing is chosen. */
    if (lsm_open(argv[1], NULL, &db, &error) < 0 ||
        lsm_keyspace_open(db, "pictures", &options, &pictures, &error) < 0 ||
        !run(pictures, &error) || lsm_close(pictures, &error) < 0 || lsm_close(db, &error) < 0) {
        fprintf(stderr, "%s\n", lsm_error_message(error));
        lsm_error_free(error);
        return 1;
    }
    return 0;
}
