/* Runs tests without Criterion, for builds with the thread sanitizer; see test.h. */
#ifdef VARVE_PLAIN_TESTS

#include "tests/support/test.h"

#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { JOBS_MAX = 16 };

static struct plain_test *tests;
static _Atomic int failures;

void plain_register(struct plain_test *test)
{
    struct plain_test **at = &tests;

    while (*at && (strcmp((*at)->suite, test->suite) < 0 ||
                   (strcmp((*at)->suite, test->suite) == 0 && strcmp((*at)->name, test->name) < 0)))
        at = &(*at)->next;
    test->next = *at;
    *at = test;
}

void plain_fail(const char *file, int line, bool stop, const char *condition, const char *format, ...)
{
    va_list args;

    failures++;
    fprintf(stderr, "%s:%d: %s is false: ", file, line, condition);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    if (stop) exit(1);
}

/* In a child process, so that a crash or a leftover thread ends with its test. Returns its pid, or a negative number.
 */
static pid_t start(const struct plain_test *test)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        alarm(test->timeout > 0 ? (unsigned)(test->timeout * 4) + 1 : 600);
        if (test->init) test->init();
        test->run();
        if (test->fini) test->fini();
        exit(failures ? 1 : 0);
    }
    return child;
}

struct job {
    const struct plain_test *test;
    pid_t child;
};

/* Waits until one of the jobs ends and frees its place; true if its test passed. */
static bool finish_one(struct job *jobs, size_t *running)
{
    int outcome;
    pid_t child = wait(&outcome);
    size_t i = 0;

    while (i < *running && jobs[i].child != child) i++;
    if (i == *running) {
        perror("wait");
        exit(2);
    }
    const struct plain_test *test = jobs[i].test;
    jobs[i] = jobs[--*running];
    if (WIFEXITED(outcome) && WEXITSTATUS(outcome) == 0) return true;
    printf("[FAIL] %s::%s (%s %d)\n", test->suite, test->name, WIFSIGNALED(outcome) ? "signal" : "exit",
           WIFSIGNALED(outcome) ? WTERMSIG(outcome) : WEXITSTATUS(outcome));
    return false;
}

/* The options of Criterion that the build uses: --filter PATTERN and --jobs N. */
int main(int count, char **options)
{
    struct job jobs[JOBS_MAX];
    const char *filter = "*";
    size_t job_count = 1, running = 0;
    unsigned passed = 0, total = 0;

    for (int i = 1; i + 1 < count; i++) {
        if (strcmp(options[i], "--filter") == 0) filter = options[i + 1];
        if (strcmp(options[i], "--jobs") == 0) job_count = strtoul(options[i + 1], NULL, 10);
    }
    if (job_count < 1 || job_count > JOBS_MAX) job_count = 1;
    for (const struct plain_test *test = tests; test; test = test->next) {
        char name[256];
        snprintf(name, sizeof name, "%s/%s", test->suite, test->name);
        if (test->disabled || fnmatch(filter, name, 0) != 0) continue;
        if (running == job_count) passed += finish_one(jobs, &running);
        jobs[running] = (struct job){test, start(test)};
        if (jobs[running].child < 0) {
            perror("fork");
            return 2;
        }
        running++;
        total++;
    }
    while (running) passed += finish_one(jobs, &running);
    printf("[====] Synthesis: Tested: %u | Passing: %u | Failing: %u\n", total, passed, total - passed);
    return passed < total ? 1 : 0;
}

#else
typedef int plain_runner_is_not_used;
#endif
