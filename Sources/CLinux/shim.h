/* Linux calls that the C library module does not export: header only, nothing to link. */
#ifndef CLINUX_SHIM_H
#define CLINUX_SHIM_H

#ifdef __linux__

/* GNU calls whose declarations hide behind a macro that an importer cannot set. */
#include <spawn.h>
void *memmem(const void *, __SIZE_TYPE__, const void *, __SIZE_TYPE__);
int pipe2(int *, int);
int posix_spawn_file_actions_addchdir_np(posix_spawn_file_actions_t *, const char *);
int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *, int);

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What a descriptor is watched for, as plain integers: the C enum imports as a struct. */
static const uint32_t clinux_epoll_in = 0x001;
static const uint32_t clinux_epoll_out = 0x004;
static const uint32_t clinux_epoll_err = 0x008;
static const uint32_t clinux_epoll_hup = 0x010;
static const uint32_t clinux_epoll_rdhup = 0x2000;

/* Every wrapper answers a negative errno on failure: no second read of a thread-local. */
static inline int clinux_epoll_create(void) {
    int fd = epoll_create1(EPOLL_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static inline int clinux_epoll_change(int epoll, int op, int fd, uint32_t events, uint64_t tag) {
    struct epoll_event event;
    event.events = events;
    event.data.u64 = tag;
    return epoll_ctl(epoll, op, fd, &event) < 0 ? -errno : 0;
}

static inline int clinux_epoll_add(int epoll, int fd, uint32_t events, uint64_t tag) {
    return clinux_epoll_change(epoll, EPOLL_CTL_ADD, fd, events, tag);
}

static inline int clinux_epoll_modify(int epoll, int fd, uint32_t events, uint64_t tag) {
    return clinux_epoll_change(epoll, EPOLL_CTL_MOD, fd, events, tag);
}

static inline int clinux_epoll_remove(int epoll, int fd) {
    return clinux_epoll_change(epoll, EPOLL_CTL_DEL, fd, 0, 0);
}

static inline int clinux_epoll_wait(
    int epoll, struct epoll_event *events, int capacity, int timeout_ms) {
    int count = epoll_wait(epoll, events, capacity, timeout_ms);
    return count < 0 ? -errno : count;
}

static inline int clinux_eventfd(void) {
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static inline void clinux_eventfd_signal(int fd) {
    uint64_t one = 1;
    ssize_t written = write(fd, &one, sizeof one);
    (void)written; /* EAGAIN means that it is signalled already. */
}

static inline void clinux_eventfd_clear(int fd) {
    uint64_t value;
    ssize_t got = read(fd, &value, sizeof value);
    (void)got;
}

/* Accepts without blocking; the new descriptor neither blocks nor survives exec. */
static inline int clinux_accept(int listener, struct sockaddr_storage *address) {
    socklen_t size = sizeof *address;
    long fd = syscall(
        SYS_accept4, listener, address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    return fd < 0 ? -errno : (int)fd;
}

static inline ssize_t clinux_receive(int fd, void *bytes, size_t count) {
    ssize_t got = recv(fd, bytes, count, 0);
    return got < 0 ? -errno : got;
}

/* Sends without ever raising SIGPIPE. */
static inline ssize_t clinux_send(int fd, const void *bytes, size_t count) {
    ssize_t sent = send(fd, bytes, count, MSG_NOSIGNAL);
    return sent < 0 ? -errno : sent;
}

#endif
#endif
