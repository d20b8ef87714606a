/* Programs that a test runs beside itself; see process.h. */
#include "tests/support/process.h"

#include "storage/base/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { POLL_MS = 5 };

void process_sleep_ms(int64_t ms)
{
    struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    if (ms > 0) nanosleep(&time, NULL);
}

/* What becomes of the forked child: the program, or its errno in the pipe. */
static _Noreturn void become(const char *const *arguments, int output, bool with_errors, int parent, int failure_pipe)
{
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1); /* it died before the line above */
    if (dup2(output, STDOUT_FILENO) >= 0 && (!with_errors || dup2(output, STDERR_FILENO) >= 0))
        execvp(arguments[0], (char *const *)(uintptr_t)arguments);
    int error = errno;
    ssize_t written = write(failure_pipe, &error, sizeof error);
    _exit(written == sizeof error ? 127 : 126);
}

static status start(struct process *out, const char *const *arguments, const char *output_path, bool with_errors)
{
    int parent = getpid(), error = 0, failure[2];
    int output = open(output_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

    *out = (struct process){0};
    if (output < 0) return status_errno(errno, output_path);
    if (pipe2(failure, O_CLOEXEC) < 0) {
        error = errno;
        close(output);
        return status_errno(error, "pipe");
    }
    int child = fork();
    if (child == 0) become(arguments, output, with_errors, parent, failure[1]);
    if (child < 0) error = errno;
    close(output);
    close(failure[1]);
    if (child > 0 && read(failure[0], &error, sizeof error) == sizeof error) waitpid(child, NULL, 0);
    close(failure[0]);
    if (error) return status_errno(error, arguments[0]);
    out->pid = child;
    return ok();
}

status process_start(struct process *out, const char *const *arguments, const char *output_path)
{
    return start(out, arguments, output_path, true);
}

static int exit_code_of(int outcome)
{
    return WIFEXITED(outcome) ? WEXITSTATUS(outcome) : 128 + WTERMSIG(outcome);
}

status process_run(const char *const *arguments, const char *output_path, int *exit_code)
{
    struct process process;
    int outcome;

    TRY(start(&process, arguments, output_path, false));
    while (waitpid(process.pid, &outcome, 0) < 0) {
        if (errno != EINTR) return status_errno(errno, arguments[0]);
    }
    *exit_code = exit_code_of(outcome);
    return ok();
}

/* Collects the process if it has ended; gives its exit code then. */
static bool has_ended(struct process *process, int *exit_code)
{
    int outcome;

    if (process->pid == 0) return true;
    if (waitpid(process->pid, &outcome, WNOHANG) != process->pid) return false;
    *exit_code = exit_code_of(outcome);
    process->pid = 0;
    return true;
}

bool process_is_running(struct process *process)
{
    int ignored;
    return !has_ended(process, &ignored);
}

status process_stop(struct process *process, int64_t grace_ms)
{
    int64_t deadline_ns = clock_monotonic_ns() + grace_ms * 1000000;
    int exit_code = 0;

    if (process->pid == 0) return ok();
    kill(process->pid, SIGTERM);
    while (!has_ended(process, &exit_code)) {
        if (clock_monotonic_ns() > deadline_ns) {
            process_kill(process);
            return status_make(STATUS_UNAVAILABLE, "the program did not end within %lld ms of SIGTERM",
                               (long long)grace_ms);
        }
        process_sleep_ms(POLL_MS);
    }
    if (exit_code != 0) return status_make(STATUS_UNAVAILABLE, "the program ended with exit code %d", exit_code);
    return ok();
}

void process_kill(struct process *process)
{
    if (process->pid == 0) return;
    kill(process->pid, SIGKILL);
    while (waitpid(process->pid, NULL, 0) < 0 && errno == EINTR) {}
    process->pid = 0;
}

static status read_proc(int pid, const char *name, char *text, size_t size)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return status_errno(errno, path);
    ssize_t bytes = read(file, text, size - 1);
    int error = errno;
    close(file);
    if (bytes < 0) return status_errno(error, path);
    text[bytes] = 0;
    return ok();
}

/* The value of a line such as "VmRSS:     1234 kB". */
static size_t status_line_bytes(const char *text, const char *name)
{
    const char *line = strstr(text, name);
    return line ? strtoull(line + strlen(name), NULL, 10) * 1024 : 0;
}

status process_usage(int pid, struct process_usage *out)
{
    char text[4096];
    unsigned long long user, system, children_user, children_system;

    TRY(read_proc(pid, "stat", text, sizeof text));
    const char *after_name = strrchr(text, ')'); /* the name itself may hold anything */
    if (!after_name || sscanf(after_name, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %llu %llu", &user,
                              &system, &children_user, &children_system) != 4)
        return status_make(STATUS_INVALID, "can not read /proc/%d/stat", pid);
    out->cpu_seconds = (double)(user + system + children_user + children_system) / (double)sysconf(_SC_CLK_TCK);
    TRY(read_proc(pid, "status", text, sizeof text));
    out->rss_bytes = status_line_bytes(text, "VmRSS:");
    out->rss_peak_bytes = status_line_bytes(text, "VmHWM:");
    out->rss_anonymous_bytes = status_line_bytes(text, "RssAnon:");
    return ok();
}

status process_free_port(uint16_t *out)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), error = 0;

    if (probe < 0) return status_errno(errno, "socket");
    if (bind(probe, (struct sockaddr *)&address, size) < 0 ||
        getsockname(probe, (struct sockaddr *)&address, &size) < 0)
        error = errno;
    close(probe);
    if (error) return status_errno(error, "bind a loopback port");
    *out = ntohs(address.sin_port);
    return ok();
}
