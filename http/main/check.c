/* varve check: verifies a data folder, or a configuration file. */
#include "tsdb/check.h"
#include "http/config.h"
#include "http/main/commands.h"
#include "http/tls.h"
#include "storage/base/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* What the log would say of damage are the findings. */
static void drop_line(void *context, enum log_level level, str line)
{
    (void)context;
    (void)level;
    (void)line;
}

static void print_progress(void *context, str sentence)
{
    (void)context;
    fprintf(stderr, "checked %.*s\n", STR_ARG(sentence));
}

static void print_finding(void *context, str sentence)
{
    (void)context;
    printf("%.*s\n", STR_ARG(sentence));
}

static int check_config(str path)
{
    struct config *config;
    status s = config_load(path, &config);

    if (failed(s)) {
        command_fail(s.text);
        return EXIT_FINDINGS;
    }
    for (size_t i = 0; i < config->warning_count; i++) printf("warning: %.*s\n", STR_ARG(config->warnings[i]));
    config_unref(config);
    return EXIT_CLEAN;
}

static int check_web_config(str path)
{
    struct arena arena = {0};
    struct web_config web;
    status s = web_config_load(path, &arena, &web);

    if (!failed(s)) s = tls_check(&web.tls);
    arena_release(&arena);
    if (!failed(s)) return EXIT_CLEAN;
    command_fail(s.text);
    return EXIT_FINDINGS;
}

int command_check(int count, char *const *arguments)
{
    struct stat folder;
    struct fs *fs = NULL;
    const struct check_listener listener = {NULL, print_finding, print_progress};
    struct check_summary found = {0};

    if (count == 2 && strcmp(arguments[0], "config") == 0) return check_config(str_from(arguments[1]));
    if (count == 2 && strcmp(arguments[0], "web-config") == 0) return check_web_config(str_from(arguments[1]));
    if (count != 1) {
        command_fail("check takes one folder, or config or web-config and a file; see varve help check");
        return EXIT_COULD_NOT_LOOK;
    }
    if (stat(arguments[0], &folder) != 0) { /* opening it would make one */
        fprintf(stderr, "varve: %s: %s\n", arguments[0], strerror(errno));
        return EXIT_COULD_NOT_LOOK;
    }
    log_set_sink(drop_line, NULL);
    status s = fs_open_folder(arguments[0], &fs);
    if (!failed(s)) s = check_directory(fs, &listener, &found);
    fs_release(fs);
    if (failed(s)) {
        command_fail(s.text);
        return EXIT_COULD_NOT_LOOK;
    }
    char faults[32] = "no faults";
    if (found.findings) snprintf(faults, sizeof faults, "%zu fault%s", found.findings, found.findings > 1 ? "s" : "");
    printf("%s: %s; %u blocks with %llu samples, %u logs with %llu samples\n", arguments[0], faults, found.blocks,
           (unsigned long long)found.block_samples, found.logs, (unsigned long long)found.log_samples);
    return found.findings ? EXIT_FINDINGS : EXIT_CLEAN;
}
