/* Programs that a test runs beside itself.
 *
 * A started program dies with the thread that started it (the kernel sends SIGKILL), so a failed test leaves nothing
 * behind. A zeroed process is one that does not run; all calls accept it.
 */
#ifndef VARVE_TESTS_SUPPORT_PROCESS_H
#define VARVE_TESTS_SUPPORT_PROCESS_H

#include "storage/base/status.h"

#include <stddef.h>

struct process {
    int pid;
};

struct process_usage {
    double cpu_seconds; /* user and system, with children that were waited for */
    size_t rss_bytes, rss_peak_bytes, rss_anonymous_bytes;
};

/* Runs arguments[0], looked up in PATH; the list ends with NULL. Both outputs are appended to a file. */
status process_start(struct process *out, const char *const *arguments, const char *output_path);

/* Runs the program to its end with its standard output in `output_path`, standard error passed on; gives its exit code,
 * or 128 + the signal that ended it. */
status process_run(const char *const *arguments, const char *output_path, int *exit_code);

/* False once it has ended, by itself too. */
bool process_is_running(struct process *process);

/* SIGTERM, and SIGKILL after the grace; UNAVAILABLE when it came to that or when it exited with another code than 0. */
status process_stop(struct process *process, int64_t grace_ms);

/* SIGKILL; returns when it is gone. */
void process_kill(struct process *process);

/* What the kernel accounts to a live process, of ours or not. */
status process_usage(int pid, struct process_usage *out);

/* A loopback port that nobody listens on at the moment. */
status process_free_port(uint16_t *out);

void process_sleep_ms(int64_t ms);

#endif
