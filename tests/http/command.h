/* The program as tests of its commands run it: in a folder of its own, with a folder "data" that holds three series. */
#ifndef VARVE_TESTS_HTTP_COMMAND_H
#define VARVE_TESTS_HTTP_COMMAND_H

#include "storage/base/arena.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <sys/types.h>

/* Makes the folder and goes there; ends it. */
void command_enter(void);
void command_leave(void);

/* Runs the program with these words behind its name; both outputs together, and the exit code. */
str command_run(const char *words, int *code, struct arena *arena);

/* Rows of a table of calls. */
struct command_case {
    const char *words;
    int code;
    const char *output; /* what it begins with; empty: there is none */
};
void command_check_cases(const struct command_case *cases, size_t count);

#define COMMAND_CHECK(cases) command_check_cases((cases), sizeof(cases) / sizeof(cases)[0])

/* Starts `varve serve` with these arguments, ended by NULL, and its standard error in a pipe. */
pid_t command_start(const char *const *arguments, FILE **log);

/* Reads log lines up to one that holds the part; false if there is none. */
bool command_log_says(FILE *log, const char *part, char line[512]);

/* Waits for the end; the exit code, or -1. */
int command_wait(pid_t child, FILE *log);

#endif
