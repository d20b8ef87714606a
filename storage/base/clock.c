/* Time that tests can replace; see clock.h. */
#include "storage/base/clock.h"

#include <stdatomic.h>
#include <time.h>

static _Atomic int64_t held_ms;
static _Atomic int is_held;

static int64_t read_ns(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t clock_now_ms(void)
{
    if (atomic_load_explicit(&is_held, memory_order_acquire)) return atomic_load(&held_ms);
    return read_ns(CLOCK_REALTIME) / 1000000;
}

int64_t clock_monotonic_ns(void)
{
    return read_ns(CLOCK_MONOTONIC);
}

double clock_process_seconds(void)
{
    return (double)read_ns(CLOCK_PROCESS_CPUTIME_ID) / 1e9;
}

void clock_hold(int64_t now_ms)
{
    atomic_store(&held_ms, now_ms);
    atomic_store_explicit(&is_held, 1, memory_order_release);
}

void clock_release(void)
{
    atomic_store(&is_held, 0);
}
