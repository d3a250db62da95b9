/* driver.c: the program that crashlab traces, and the one that opens what a power cut left.
 *
 *   driver version              the engine's version
 *   driver work MODE PLAN       carries out a plan on ./db; tells of each commit on its output
 *   driver check MODE KEYS      opens ./db and looks at everything; tells what it found
 *   driver serve MODE KEYS SECONDS
 *                               reads directories, a line each, and checks ./db of each of them
 *                               in a process of its own, which is ended after that many seconds;
 *                               with '!' before it, it is repaired first
 *
 * Keys and values are functions of their numbers, so that no one has to remember them. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine.h"

#define VALUE_MAX (1 << 20)
#define NEW_KEY "written-afterwards"
#define NEW_NUMBER 999999u

static const char *step = "start";
static char *out;
static size_t out_len, out_room;

/* -- output: gathered, and handed over as one system call */

static void say(const char *format, ...) {
    va_list list;
    for (;;) {
        va_start(list, format);
        int len = vsnprintf(out + out_len, out_room - out_len, format, list);
        va_end(list);
        if (out_len + (size_t)len < out_room) {
            out_len += (size_t)len;
            return;
        }
        out_room = (out_room + (size_t)len) * 2 + 4096;
        out = realloc(out, out_room);
        if (!out) abort();
    }
}

static void tell(void) {
    for (size_t at = 0; at < out_len;) {
        ssize_t done = write(1, out + at, out_len - at);
        if (done <= 0) _exit(9);
        at += (size_t)done;
    }
    out_len = 0;
}

void fail(const char *format, ...) {
    char text[600];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    for (char *at = text; *at; at++)
        if (*at == '\n') *at = ' ';
    say("fail %s %s\n", step, text);
    tell();
    _exit(1);
}

static void begin_step(const char *name) {
    step = name;
    say("step %s\n", name);
    tell();
}

/* -- keys and values */

static size_t make_key(char *to, unsigned key) { return (size_t)sprintf(to, "key-%06u", key); }

/* The number and the key, then bytes that both of them determine. */
static void make_value(unsigned char *to, size_t len, unsigned number, const void *key,
                       size_t key_len) {
    char head[80];
    int head_len = snprintf(head, sizeof head, "%u/%zu/%.*s/", number, len, (int)key_len,
                            (const char *)key);
    uint64_t state = 0x9e3779b97f4a7c15u * (number + 1);
    for (size_t at = 0; at < key_len; at++) state = state * 31 + ((const unsigned char *)key)[at];
    for (size_t at = 0; at < len; at++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        to[at] = at < (size_t)head_len ? (unsigned char)head[at] : (unsigned char)(state >> 56);
    }
}

/* Whether a value is what its own head says that it should be; its number. */
static int value_number(const void *key, size_t key_len, const void *value, size_t len,
                        unsigned *number) {
    static unsigned char wanted[VALUE_MAX];
    char head[40] = {0};
    size_t said = 0;
    memcpy(head, value, len < sizeof head - 1 ? len : sizeof head - 1);
    if (sscanf(head, "%u/%zu/", number, &said) != 2 || said != len || len > VALUE_MAX) return 0;
    make_value(wanted, len, *number, key, key_len);
    return memcmp(wanted, value, len) == 0;
}

static void put(const void *key, size_t key_len, unsigned number, size_t len) {
    static unsigned char value[VALUE_MAX];
    make_value(value, len, number, key, key_len);
    engine_put(key, key_len, value, len);
}

/* -- work */

static void carry_out(FILE *plan) {
    char line[120], key[32];
    unsigned commit = 0, a, b, c;
    while (fgets(line, sizeof line, plan)) {
        if (sscanf(line, "begin %u", &commit) == 1) {
            say("begin %u\n", commit);
            tell();
            engine_begin();
        } else if (sscanf(line, "put %u %u %u", &a, &b, &c) == 3) {
            put(key, make_key(key, a), b, c);
        } else if (sscanf(line, "delete %u", &a) == 1) {
            engine_delete(key, make_key(key, a));
        } else if (!strcmp(line, "commit\n")) {
            engine_commit();
            say("ack %u\n", commit);
            tell();
        } else if (!strcmp(line, "churn\n")) {
            engine_churn();
        } else {
            fail("the plan has a line %s", line);
        }
    }
}

static int work(const char *mode, const char *path) {
    FILE *plan = fopen(path, "r");
    if (!plan) fail("there is no plan %s", path);
    begin_step("open");
    engine_open("db", mode);
    begin_step("work");
    carry_out(plan);
    begin_step("close");
    engine_close();
    say("done\n");
    tell();
    return 0;
}

/* -- check */

static char *seen;
static size_t seen_len, seen_room;

static void see(const void *key, size_t key_len, const void *value, size_t len) {
    unsigned number = 0;
    int is_good = value_number(key, key_len, value, len, &number);
    if (seen_room - seen_len < key_len + 40) {
        seen_room = seen_room * 2 + key_len + 4096;
        seen = realloc(seen, seen_room);
        if (!seen) abort();
    }
    int added = is_good ? sprintf(seen + seen_len, "%.*s %u\n", (int)key_len, (char *)key, number)
                        : sprintf(seen + seen_len, "%.*s bad\n", (int)key_len, (char *)key);
    seen_len += (size_t)added;
}

static void scan(void) {
    seen_len = 0;
    if (!seen) seen = calloc(1, seen_room = 4096);
    seen[0] = 0;
    engine_scan(see);
    seen[seen_len] = 0;
}

/* Point reads of every key that a plan could have used say the same as the scan. */
static void compare_reads(unsigned keys, const char *scanned) {
    char key[32];
    seen_len = 0;
    seen[0] = 0;
    for (unsigned at = 0; at < keys; at++) engine_get(key, make_key(key, at), see);
    engine_get(NEW_KEY, strlen(NEW_KEY), see);
    seen[seen_len] = 0;
    if (strcmp(scanned, seen)) fail("point reads differ from the scan");
}

/* A new durable write, which must be there beside everything else after another opening. */
static void write_afterwards(const char *mode, const char *scanned) {
    char wanted[40];
    engine_begin();
    put(NEW_KEY, strlen(NEW_KEY), NEW_NUMBER, 100);
    engine_commit();
    say("ack new\n");
    tell();
    engine_close();
    begin_step("reopen");
    engine_open("db", mode);
    scan();
    size_t before = strlen(scanned);
    sprintf(wanted, "%s %u\n", NEW_KEY, NEW_NUMBER);
    if (strncmp(seen, scanned, before)) fail("what was there differs after another opening");
    int was_there = strstr(scanned, NEW_KEY) != NULL;
    if (strcmp(seen + before, was_there ? "" : wanted))
        fail("the new write is not there after another opening");
    engine_close();
}

static int check(const char *mode, unsigned keys) {
    begin_step("open");
    engine_open("db", mode);
    begin_step("scan");
    scan();
    char *scanned = strdup(seen);
    say("rows\n%s", scanned);
    begin_step("read");
    compare_reads(keys, scanned);
    begin_step("verify");
    engine_verify();
    begin_step("write");
    write_afterwards(mode, scanned);
    say("done\n");
    tell();
    return 0;
}

/* A line that begins with '!' asks for the engine's repair first. */
static int check_image(const char *line, const char *mode, unsigned keys) {
    int is_repairing = line[0] == '!';
    if (chdir(line + is_repairing)) return 8;
    begin_step("repair");
    if (is_repairing && !engine_repair) fail("it has none");
    if (is_repairing) engine_repair("db");
    return check(mode, keys);
}

static int serve(const char *mode, unsigned keys, unsigned seconds) {
    char folder[4096];
    while (fgets(folder, sizeof folder, stdin)) {
        folder[strcspn(folder, "\n")] = 0;
        int status = 0;
        pid_t child = fork();
        if (child == 0) {
            alarm(seconds);
            _exit(check_image(folder, mode, keys));
        }
        if (child < 0 || waitpid(child, &status, 0) < 0) return 1;
        say("end %d\n", WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status));
        tell();
    }
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 2 && !strcmp(argv[1], "version")) return puts(engine_version()) < 0;
    if (argc == 4 && !strcmp(argv[1], "work")) return work(argv[2], argv[3]);
    if (argc == 4 && !strcmp(argv[1], "check")) return check(argv[2], (unsigned)atoi(argv[3]));
    if (argc == 5 && !strcmp(argv[1], "serve"))
        return serve(argv[2], (unsigned)atoi(argv[3]), (unsigned)atoi(argv[4]));
    fputs("driver version | work MODE PLAN | check MODE KEYS | serve MODE KEYS SECONDS\n", stderr);
    return 2;
}
