/* Calls that come to less than was asked for; see faulty_calls.h. */
#include "tests/tsdb/faulty_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static _Atomic int planned_kind;
static _Atomic uint64_t every, calls, faults;

void faulty_calls_plan(enum faulty_kind kind, uint64_t each)
{
    atomic_store(&planned_kind, kind);
    atomic_store(&every, each);
}

uint64_t faulty_calls_count(void)
{
    return atomic_load(&faults);
}

static bool is_faulty(enum faulty_kind kind)
{
    uint64_t each = atomic_load(&every);

    if (each == 0 || atomic_load(&planned_kind) != (int)kind || atomic_fetch_add(&calls, 1) % each != 0) return false;
    atomic_fetch_add(&faults, 1);
    return true;
}

static bool is_interrupted(void)
{
    if (!is_faulty(CALL_INTERRUPTED)) return false;
    errno = EINTR;
    return true;
}

int openat(int folder, const char *name, int flags, ...)
{
    va_list rest;

    va_start(rest, flags);
    unsigned mode = flags & O_CREAT ? va_arg(rest, unsigned) : 0;
    va_end(rest);
    return is_interrupted() ? -1 : (int)syscall(SYS_openat, folder, name, flags, mode);
}

ssize_t pread(int file, void *out, size_t bytes, off_t at)
{
    if (is_interrupted()) return -1;
    if (bytes > 1 && is_faulty(CALL_SHORT)) bytes = bytes / 2;
    return syscall(SYS_pread64, file, out, bytes, at);
}

ssize_t pwritev(int file, const struct iovec *spans, int count, off_t at)
{
    struct iovec first = spans[0];

    if (is_interrupted()) return -1;
    if (first.iov_len > 1 && is_faulty(CALL_SHORT)) {
        first.iov_len /= 2;
        spans = &first;
        count = 1;
    }
    return syscall(SYS_pwritev, file, spans, count, at, 0);
}

int fdatasync(int file)
{
    return is_interrupted() ? -1 : (int)syscall(SYS_fdatasync, file);
}

int fsync(int file)
{
    return is_interrupted() ? -1 : (int)syscall(SYS_fsync, file);
}

int ftruncate(int file, off_t bytes)
{
    return is_interrupted() ? -1 : (int)syscall(SYS_ftruncate, file, bytes);
}

int posix_fallocate(int file, off_t at, off_t bytes)
{
    if (is_interrupted()) return EINTR;
    return syscall(SYS_fallocate, file, 0, at, bytes) < 0 ? errno : 0;
}
