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

static bool run(const struct plain_test *test)
{
    int outcome;

    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        alarm(test->timeout > 0 ? (unsigned)(test->timeout * 4) + 1 : 600);
        if (test->init) test->init();
        test->run();
        if (test->fini) test->fini();
        exit(failures ? 1 : 0);
    }
    if (child < 0 || waitpid(child, &outcome, 0) != child) return false;
    if (WIFEXITED(outcome) && WEXITSTATUS(outcome) == 0) return true;
    printf("[FAIL] %s::%s (%s %d)\n", test->suite, test->name, WIFSIGNALED(outcome) ? "signal" : "exit",
           WIFSIGNALED(outcome) ? WTERMSIG(outcome) : WEXITSTATUS(outcome));
    return false;
}

/* The options of Criterion that the build uses: --filter PATTERN and --jobs N (ignored). */
int main(int count, char **options)
{
    const char *filter = "*";
    unsigned passed = 0, failed = 0;

    for (int i = 1; i + 1 < count; i++) {
        if (strcmp(options[i], "--filter") == 0) filter = options[i + 1];
    }
    for (const struct plain_test *test = tests; test; test = test->next) {
        char name[256];
        snprintf(name, sizeof name, "%s/%s", test->suite, test->name);
        if (test->disabled || fnmatch(filter, name, 0) != 0) continue;
        if (run(test)) {
            passed++;
        } else {
            failed++;
        }
    }
    printf("[====] Synthesis: Tested: %u | Passing: %u | Failing: %u\n", passed + failed, passed, failed);
    return failed ? 1 : 0;
}

#else
typedef int plain_runner_is_not_used;
#endif
