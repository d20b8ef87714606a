/* Criterion for tests: Test(suite, name, options…), cr_assert, cr_expect.
 *
 * Criterion's process isolation can not start under the thread sanitizer (its shared arena has no room beside the
 * sanitizer's shadow memory). There, this header stands in for the parts we use: the same macros, each test in a forked
 * child, one line per failure.
 */
#ifndef VARVE_TESTS_SUPPORT_TEST_H
#define VARVE_TESTS_SUPPORT_TEST_H

/* How often a test repeats what one thread does: less under the thread sanitizer, which is slow and finds nothing
 * there. */
#ifdef VARVE_PLAIN_TESTS
#define TEST_REPEATS(count) (((count) + 5) / 6)
#define TEST_STEP           7 /* of a loop that would try each place */
#else
#define TEST_REPEATS(count) (count)
#define TEST_STEP           1
#endif

#ifndef VARVE_PLAIN_TESTS
#include <criterion/criterion.h>
#else

#include <stdbool.h>

struct plain_test {
    const char *suite, *name;
    void (*run)(void);
    void (*init)(void);
    void (*fini)(void);
    double timeout; /* seconds */
    bool disabled;
    struct plain_test *next;
};

void plain_register(struct plain_test *test);
void plain_fail(const char *file, int line, bool stop, const char *condition, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

#define Test(Suite, Name, ...)                                                                                      \
    static void Suite##_##Name##_run(void);                                                                         \
    __attribute__((constructor)) static void Suite##_##Name##_register(void)                                        \
    {                                                                                                               \
        static struct plain_test test = {.suite = #Suite, .name = #Name, .run = Suite##_##Name##_run, __VA_ARGS__}; \
        plain_register(&test);                                                                                      \
    }                                                                                                               \
    static void Suite##_##Name##_run(void)

#define cr_assert(condition, ...)                                                            \
    do {                                                                                     \
        if (!(condition)) plain_fail(__FILE__, __LINE__, true, #condition, " " __VA_ARGS__); \
    } while (0)
#define cr_expect(condition, ...)                                                             \
    do {                                                                                      \
        if (!(condition)) plain_fail(__FILE__, __LINE__, false, #condition, " " __VA_ARGS__); \
    } while (0)

#endif
#endif
