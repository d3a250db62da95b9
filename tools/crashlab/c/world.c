/* world.c: loaded before the engine, for two things that a trace and an image cannot do alone.
 *
 * The machine has started anew after a power cut: with CRASHLAB_BOOT_ID=FILE, who asks the kernel
 * which boot this is reads that file.
 *
 * Stores through shared mappings are no system calls. With CRASHLAB_WINDOWS=1 every shared mapping
 * of a file that can be written is compared with a copy at each msync, fdatasync, fsync and at
 * each line of output, and what has changed is told by a pwrite64 to a descriptor that does not
 * exist, with the window's number before the bytes. The call fails, and the trace has it. Each
 * window is told of once before, with its descriptor, address and length. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define WINDOWS_MAX 256
#define TOLD_TO 32767
#define PAGE 4096

static struct window {
    unsigned char *at, *copy;
    size_t len;
    off_t offset;
    uint64_t number;
} windows[WINDOWS_MAX];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int are_watched(void) {
    static int known = -1;
    if (known < 0) known = getenv("CRASHLAB_WINDOWS") != NULL;
    return known;
}

/* -- which boot this is */

static const char *other(const char *path) {
    const char *file = getenv("CRASHLAB_BOOT_ID");
    return file && !strcmp(path, "/proc/sys/kernel/random/boot_id") ? file : path;
}

#define OPENING(name)                                                                              \
    int name(const char *path, int flags, ...) {                                                   \
        va_list list;                                                                              \
        va_start(list, flags);                                                                     \
        mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(list, mode_t) : 0;                  \
        va_end(list);                                                                              \
        return (int)syscall(SYS_openat, AT_FDCWD, other(path), flags, mode);                       \
    }
OPENING(open)
OPENING(open64)

/* -- what went through mappings */

/* Reads by a system call, which fails where a store would find that the file has become shorter. */
static int read_own(void *to, const void *from, size_t len) {
    struct iovec here = {to, len}, there = {(void *)from, len};
    return process_vm_readv(getpid(), &here, 1, &there, 1, 0) == (ssize_t)len;
}

static void tell_window(struct window *window) {
    unsigned char page[PAGE], told[8 + PAGE];
    for (size_t at = 0; at < window->len; at += PAGE) {
        size_t len = window->len - at < PAGE ? window->len - at : PAGE;
        unsigned char *copy = window->copy + at;
        if (!read_own(page, window->at + at, len)) return;
        if (!memcmp(page, copy, len)) continue;
        size_t first = 0, last = len;
        while (page[first] == copy[first]) first++;
        while (page[last - 1] == copy[last - 1]) last--;
        memcpy(copy, page, len);
        memcpy(told, &window->number, 8);
        memcpy(told + 8, page + first, last - first);
        off_t offset = window->offset + (off_t)(at + first);
        syscall(SYS_pwrite64, TOLD_TO, told, 8 + last - first, offset);
    }
}

static void tell_windows(void) {
    if (!are_watched()) return;
    int before = errno;
    pthread_mutex_lock(&lock);
    for (int at = 0; at < WINDOWS_MAX; at++)
        if (windows[at].at) tell_window(&windows[at]);
    pthread_mutex_unlock(&lock);
    errno = before;
}

static void watch(unsigned char *at, size_t len, int fd, off_t offset) {
    static uint64_t count;
    struct stat stat;
    if (fstat(fd, &stat) || !S_ISREG(stat.st_mode)) return;
    size_t there = stat.st_size > offset ? (size_t)(stat.st_size - offset) : 0;
    pthread_mutex_lock(&lock);
    for (int slot = 0; slot < WINDOWS_MAX; slot++) {
        struct window *window = &windows[slot];
        if (window->at) continue;
        window->len = len < there ? len : there;
        window->copy = calloc(1, window->len + 1);
        read_own(window->copy, at, window->len);
        window->offset = offset;
        window->number = ++count;
        window->at = at;
        uint64_t told[] = {0, count, (uint64_t)fd, (uint64_t)at, len};
        syscall(SYS_pwrite64, TOLD_TO, told, sizeof told, offset);
        break;
    }
    pthread_mutex_unlock(&lock);
}

static void *map(void *want, size_t len, int guard, int flags, int fd, off_t offset) {
    void *at = (void *)syscall(SYS_mmap, want, len, guard, flags, fd, offset);
    int is_watched = (flags & MAP_SHARED) && (guard & PROT_WRITE) && fd >= 0;
    if (at != MAP_FAILED && is_watched && are_watched()) watch(at, len, fd, offset);
    return at;
}

void *mmap(void *want, size_t len, int guard, int flags, int fd, off_t offset) {
    return map(want, len, guard, flags, fd, offset);
}

void *mmap64(void *want, size_t len, int guard, int flags, int fd, off_t offset) {
    return map(want, len, guard, flags, fd, offset);
}

int munmap(void *at, size_t len) {
    tell_windows();
    pthread_mutex_lock(&lock);
    for (int slot = 0; slot < WINDOWS_MAX; slot++)
        if (windows[slot].at == at) {
            windows[slot].at = NULL;
            free(windows[slot].copy);
        }
    pthread_mutex_unlock(&lock);
    return (int)syscall(SYS_munmap, at, len);
}

int msync(void *at, size_t len, int flags) {
    tell_windows();
    return NEXT(msync)(at, len, flags);
}

int fdatasync(int fd) {
    tell_windows();
    return NEXT(fdatasync)(fd);
}

int fsync(int fd) {
    tell_windows();
    return NEXT(fsync)(fd);
}

ssize_t write(int fd, const void *bytes, size_t len) {
    if (fd == 1) tell_windows();
    return NEXT(write)(fd, bytes, len);
}
