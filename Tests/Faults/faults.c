// Lets writes to the files below a directory fail: loaded into a server with LD_PRELOAD.
//
// TOTE_FAULT_DIRECTORY  the directory
// TOTE_FAULT_AT         the number of the first write, sync or truncation that fails, from 1
// TOTE_FAULT_ERROR      errno: 5 (EIO) fails that one call; 28 (ENOSPC) every one from there on,
//                       until a file `healed` is in the directory's parent
// TOTE_FAULT_COUNT      a file that says how many calls there were, and whether one failed
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long calls = 0, failed = 0;

static void tell(void) {
    const char *path = getenv("TOTE_FAULT_COUNT");
    if (path == NULL) return;
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (file < 0) return;
    dprintf(file, "%ld %ld\n", calls, failed);
    close(file);
}

static int is_healed(const char *directory) {
    char path[4096];
    snprintf(path, sizeof path, "%s/../healed", directory);
    return access(path, F_OK) == 0;
}

// The error that this call is to fail with, or 0.
static int fault(int descriptor) {
    const char *directory = getenv("TOTE_FAULT_DIRECTORY");
    const char *at = getenv("TOTE_FAULT_AT"), *error = getenv("TOTE_FAULT_ERROR");
    if (directory == NULL || at == NULL || error == NULL) return 0;
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    if (strncmp(path, directory, strlen(directory)) != 0) return 0;
    pthread_mutex_lock(&lock);
    calls += 1;
    int code = atoi(error);
    int fails = code == ENOSPC ? calls >= atol(at) && !is_healed(directory) : calls == atol(at);
    failed += fails;
    tell();
    pthread_mutex_unlock(&lock);
    return fails ? code : 0;
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
