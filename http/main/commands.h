/* The subcommands. Each gets the arguments behind its name and returns the exit code. */
#ifndef VARVE_HTTP_MAIN_COMMANDS_H
#define VARVE_HTTP_MAIN_COMMANDS_H

int command_serve(int count, char *const *arguments);
int command_query(int count, char *const *arguments);
int command_import(int count, char *const *arguments);
int command_export(int count, char *const *arguments);
int command_check(int count, char *const *arguments);
int command_inspect(int count, char *const *arguments);
int command_dump(int count, char *const *arguments);
int command_backup(int count, char *const *arguments);
int command_restore(int count, char *const *arguments);
int command_freeze(int count, char *const *arguments);
int command_compact(int count, char *const *arguments);

/* How check, inspect and dump end. */
enum { EXIT_CLEAN = 0, EXIT_FINDINGS = 1, EXIT_COULD_NOT_LOOK = 2 };

/* Prints `varve: ` and the sentence to standard error; returns 1. */
int command_fail(const char *sentence);

#endif
