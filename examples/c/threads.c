/* One handle, many threads: some write, one reads meanwhile: threads DIRECTORY */
#include <lsm.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { WRITERS = 4, KEYS = 1000 };

/* A `const lsm_db *` may be used by all threads at once: no lock is needed around it. */
struct job {
    const lsm_db *db;
    int number;
    lsm_status status;
};

static void *write_keys(void *argument) {
    struct job *job = argument;
    char key[32];
    int i;

    for (i = 0; i < KEYS && job->status >= 0; i++) {
        sprintf(key, "%d/%04d", job->number, i);
        job->status = lsm_put(job->db, NULL, lsm_str(key), lsm_str("x"), NULL);
    }
    return NULL;
}

/* Each writer writes its keys in order, so what an iterator sees of them has no gap. */
static void *look_for_gaps(void *argument) {
    struct job *job = argument;
    lsm_iter *iter; /* An iterator is for one thread at a time: this one is ours. */
    lsm_slice key;
    char wanted[32];
    int round, i, writer;

    for (round = 0; round < 20 && job->status >= 0; round++) {
        job->status = lsm_iter_new(job->db, NULL, &iter, NULL);
        writer = -1;
        i = 0;
        while (job->status >= 0 &&
               (job->status = lsm_iter_next(iter, &key, NULL, NULL)) == LSM_OK) {
            i = key.data[0] - '0' == writer ? i + 1 : 0;
            writer = key.data[0] - '0';
            sprintf(wanted, "%d/%04d", writer, i);
            if (key.size != strlen(wanted) || memcmp(key.data, wanted, key.size) != 0) {
                job->status = LSM_INTERNAL;
            }
        }
        lsm_iter_free(iter);
    }
    return NULL;
}

static int run(const lsm_db *db) {
    pthread_t threads[WRITERS + 1];
    struct job jobs[WRITERS + 1];
    uint64_t count = 0;
    int i, started, failed = 0;

    for (started = 0; started <= WRITERS; started++) {
        jobs[started].db = db;
        jobs[started].number = started;
        jobs[started].status = LSM_OK;
        if (pthread_create(&threads[started], NULL,
                           started < WRITERS ? write_keys : look_for_gaps, &jobs[started]) != 0) {
            failed = 1;
            break;
        }
    }
    for (i = 0; i < started; i++) {
        failed |= pthread_join(threads[i], NULL) != 0 || jobs[i].status < 0;
    }
    failed |= lsm_count(db, NULL, lsm_str(NULL), lsm_str(NULL), NULL, &count, NULL) < 0;
    printf("%d threads wrote %llu keys\n", WRITERS, (unsigned long long)count);
    return failed;
}

int main(int argc, char **argv) {
    lsm_db *db;
    int failed;

    if (argc != 2) {
        fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
        return 2;
    }
    /* Whoever needs no more than the status passes NULL for the error. */
    if (lsm_open(argv[1], NULL, &db, NULL) < 0) {
        fprintf(stderr, "%s cannot be opened\n", argv[1]);
        return 1;
    }
    failed = run(db);
    return lsm_close(db, NULL) < 0 || failed;
}
