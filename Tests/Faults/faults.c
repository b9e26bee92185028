// Lets writes to the files below a path go wrong: loaded into a server with LD_PRELOAD.
//
// TOTE_FAULT_PATH   a directory, or how the paths of the files begin
// TOTE_FAULT_AT     the number of the first write, sync or truncation that is struck, from 1
// TOTE_FAULT_KIND   EIO:    that one call fails
//                   ENOSPC: it and every one behind it, until a file `healed` is beside the path
//                   kill:   the process ends there, as by `kill -9`
//                   hold:   it and every one behind it wait for the file `healed`
// TOTE_FAULT_COUNT  a file that says how many calls there were, and how many were struck
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long calls = 0, struck = 0;

static void tell(void) {
    const char *path = getenv("TOTE_FAULT_COUNT");
    if (path == NULL) return;
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (file < 0) return;
    dprintf(file, "%ld %ld\n", calls, struck);
    close(file);
}

static int is_healed(const char *path) {
    char healed[4096];
    snprintf(healed, sizeof healed - 8, "%s", path);
    char *slash = strrchr(healed, '/');
    if (slash == NULL) return 0;
    strcpy(slash, "/healed");
    return access(healed, F_OK) == 0;
}

// The error that this call is to fail with, or 0.
static int fault(int descriptor) {
    const char *prefix = getenv("TOTE_FAULT_PATH");
    const char *at = getenv("TOTE_FAULT_AT"), *kind = getenv("TOTE_FAULT_KIND");
    if (prefix == NULL || at == NULL || kind == NULL) return 0;
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    if (strncmp(path, prefix, strlen(prefix)) != 0) return 0;
    int is_one = strcmp(kind, "EIO") == 0 || strcmp(kind, "kill") == 0;
    pthread_mutex_lock(&lock);
    calls += 1;
    int strikes = is_one ? calls == atol(at) : calls >= atol(at) && !is_healed(prefix);
    struck += strikes;
    tell();
    pthread_mutex_unlock(&lock);
    if (!strikes) return 0;
    if (strcmp(kind, "kill") == 0) raise(SIGKILL);
    if (strcmp(kind, "hold") == 0) {
        while (!is_healed(prefix)) usleep(10000);
        return 0;
    }
    return strcmp(kind, "EIO") == 0 ? EIO : ENOSPC;
}

#define FAILING(type, name, parameters, arguments, descriptor)       \
    type name parameters {                                           \
        static type(*real) parameters = NULL;                        \
        if (real == NULL) real = dlsym(RTLD_NEXT, #name);            \
        int code = fault(descriptor);                                \
        if (code == 0) return real arguments;                        \
        errno = code;                                                \
        return -1;                                                   \
    }

FAILING(ssize_t, write, (int file, const void *bytes, size_t count), (file, bytes, count), file)
FAILING(ssize_t, pwrite, (int file, const void *bytes, size_t count, off_t place),
        (file, bytes, count, place), file)
FAILING(ssize_t, pwrite64, (int file, const void *bytes, size_t count, off_t place),
        (file, bytes, count, place), file)
FAILING(int, fsync, (int file), (file), file)
FAILING(int, fdatasync, (int file), (file), file)
FAILING(int, ftruncate, (int file, off_t length), (file, length), file)
FAILING(int, ftruncate64, (int file, off_t length), (file, length), file)
