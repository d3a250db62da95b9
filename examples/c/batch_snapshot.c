/* Writes that happen together, and reading as it was before: batch_snapshot DIRECTORY */
#include <lsm.h>
#include <stdio.h>

static lsm_error *error;

static int fail(void) {
    fprintf(stderr, "%s\n", lsm_error_message(error));
    lsm_error_free(error);
    return 1;
}

/* Prints one balance, as the options say: now, or as a snapshot sees it. */
static int print(const lsm_db *db, const lsm_read_options *options, const char *name) {
    char balance[16];
    size_t size;

    /* With a buffer of one's own there is nothing to give back. LSM_OK is 0. */
    if (lsm_get_into(db, options, lsm_str(name), balance, sizeof balance, &size, &error) != 0) {
        return -1;
    }
    printf(" %s has %.*s", name, (int)size, balance);
    return 0;
}

static int transfer(const lsm_db *db) {
    lsm_db *journal = NULL;
    lsm_batch *batch = NULL;
    lsm_snapshot *snapshot = NULL;
    lsm_read_options then = LSM_READ_OPTIONS_INIT;
    lsm_write_options durable = LSM_WRITE_OPTIONS_INIT;
    int failed = 1;

    /* This one write is to survive a power cut as soon as it returns. */
    durable.durability = LSM_DURABLE;

    /* A keyspace is a tree of its own; a batch may write to several of one database. */
    if (lsm_keyspace_open(db, "journal", NULL, &journal, &error) < 0 ||
        lsm_snapshot_new(db, &snapshot, &error) < 0 ||
        lsm_batch_new(&batch, &error) < 0 ||
        lsm_batch_put(batch, db, lsm_str("ada"), lsm_str("60"), &error) < 0 ||
        lsm_batch_put(batch, db, lsm_str("bob"), lsm_str("40"), &error) < 0 ||
        lsm_batch_put(batch, journal, lsm_str("1"), lsm_str("ada to bob: 40"), &error) < 0 ||
        /* All three or none, for every reader and after every crash. */
        lsm_write(db, &durable, batch, NULL, &error) < 0) {
        goto done;
    }

    then.snapshot = snapshot;
    printf("before:");
    if (print(db, &then, "ada") < 0 || print(db, &then, "bob") < 0) {
        goto done;
    }
    printf("\nafter: ");
    if (print(db, NULL, "ada") < 0 || print(db, NULL, "bob") < 0) {
        goto done;
    }
    printf("\njournal:");
    failed = print(journal, NULL, "1") < 0;
    printf("\n");

done: /* In any order; to free a NULL does nothing. */
    lsm_snapshot_free(snapshot);
    lsm_batch_free(batch);
    if (failed) {
        fail();
    }
    return (journal != NULL && lsm_close(journal, NULL) < 0) || failed;
}

int main(int argc, char **argv) {
    lsm_db *db;
    int failed;

    if (argc != 2) {
        fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
        return 2;
    }
    if (lsm_open(argv[1], NULL, &db, &error) < 0) {
        return fail();
    }
    failed = lsm_put(db, NULL, lsm_str("ada"), lsm_str("100"), &error) < 0 ||
             lsm_put(db, NULL, lsm_str("bob"), lsm_str("0"), &error) < 0;
    failed = failed ? fail() : transfer(db);
    return lsm_close(db, &error) < 0 ? fail() : failed;
}
