/* varve check: verifies a data folder. */
#include "tsdb/check.h"
#include "http/main/commands.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { EXIT_CLEAN = 0, EXIT_FINDINGS = 1, EXIT_COULD_NOT_LOOK = 2 };

static void print_finding(void *context, str sentence)
{
    (void)context;
    printf("%.*s\n", STR_ARG(sentence));
}

int command_check(int count, char *const *arguments)
{
    struct stat folder;
    struct fs *fs = NULL;
    size_t findings = 0;

    if (count != 1) {
        command_fail("check takes one folder; see varve help check");
        return EXIT_COULD_NOT_LOOK;
    }
    if (stat(arguments[0], &folder) != 0) { /* opening it would make one */
        fprintf(stderr, "varve: %s: %s\n", arguments[0], strerror(errno));
        return EXIT_COULD_NOT_LOOK;
    }
    status s = fs_open_folder(arguments[0], &fs);
    if (!failed(s)) s = check_directory(fs, print_finding, NULL, &findings);
    fs_release(fs);
    if (failed(s)) {
        command_fail(s.text);
        return EXIT_COULD_NOT_LOOK;
    }
    return findings ? EXIT_FINDINGS : EXIT_CLEAN;
}
