/* varve: the command table, help and version. */
#include "http/main/commands.h"
#include "http/options.h"
#include "http/routes.h"
#include "http/version.h"

static int command_help(int count, char *const *arguments);

static int command_version(int count, char *const *arguments)
{
    (void)count, (void)arguments;
    printf("varve %s (revision %s)\n", version_text, version_revision);
    return 0;
}

static const struct {
    const char *name;
    int (*run)(int count, char *const *arguments);
    const char *usage, *summary;
} commands[] = {
    {"serve", command_serve, "varve serve [FLAGS]", "run the server"},
    {"query", command_query, "varve query instant|range [FLAGS] EXPRESSION",
     "evaluate an expression on a data folder that no server uses"},
    {"import", command_import, "varve import prometheus FOLDER | openmetrics FILE",
     "take over the data of a Prometheus, or a text file, into a data folder that no server uses"},
    {"export", command_export, "varve export prometheus [FLAGS] FOLDER",
     "write the data of a folder that no server uses as blocks that Prometheus opens"},
    {"check", command_check, "varve check FOLDER | config FILE | web-config FILE",
     "verify a data folder or a configuration: exit code 0 is clean, 1 damaged or wrong, 2 could not look"},
    {"inspect", command_inspect, "varve inspect [--json] [--limit=N] FOLDER",
     "tell series, churn, cardinality and what the bytes of a folder are for, also while a server uses it"},
    {"dump", command_dump, "varve dump wal|block FILE... | dump chunk FILE SERIES",
     "list what is in a file of the log, in a block, or the samples of one series of a block by its number"},
    {"backup", command_backup, "varve backup FOLDER TARGET",
     "bring a verified copy of a data folder's blocks up to date, also while a server runs on it; what the server has "
     "in memory is in it only after POST /api/v1/admin/tsdb/freeze"},
    {"restore", command_restore, "varve restore BACKUP FOLDER", "make a data folder of a backup or a snapshot"},
    {"freeze", command_freeze, "varve freeze FOLDER", "write the log of a data folder that no server uses as a block"},
    {"compact", command_compact, "varve compact FOLDER",
     "merge the blocks of a data folder that no server uses into one a day"},
    {"version", command_version, "varve version", "print the version"},
    {"help", command_help, "varve help [COMMAND | features]", "explain a command and its flags"},
};

enum { COMMANDS = sizeof commands / sizeof commands[0] };

static int find_command(str name)
{
    for (int i = 0; i < COMMANDS; i++) {
        if (str_equal(name, str_from(commands[i].name))) return i;
    }
    return -1;
}

static int unknown_command(str name)
{
    str names[COMMANDS];
    char sentence[256];

    for (int i = 0; i < COMMANDS; i++) names[i] = str_from(commands[i].name);
    str nearest = options_nearest(name, names, COMMANDS);
    if (nearest.len) {
        snprintf(sentence, sizeof sentence, "unknown command \"%.*s\"; did you mean %.*s?", STR_ARG(name),
                 STR_ARG(nearest));
    } else {
        snprintf(sentence, sizeof sentence, "unknown command \"%.*s\"; see varve help", STR_ARG(name));
    }
    return command_fail(sentence);
}

int command_fail(const char *sentence)
{
    fprintf(stderr, "varve: %s\n", sentence);
    return 1;
}

static void print_overview(FILE *out)
{
    fprintf(out, "Varve keeps time series. It takes remote-write and answers the HTTP API of Prometheus, so that\n"
                 "whatever speaks to Prometheus needs nothing but its address.\n\nUsage:\n");
    for (int i = 0; i < COMMANDS; i++) fprintf(out, "  %s\n      %s\n", commands[i].usage, commands[i].summary);
    fprintf(out, "\n`varve serve` alone listens on 127.0.0.1:9090 and keeps its data in the folder \"data\".\n"
                 "To fill it, tell a Prometheus to send:\n\n"
                 "  remote_write:\n    - url: http://127.0.0.1:9090/api/v1/write\n");
}

static void print_features(void)
{
    printf("Features of PromQL for --enable-feature:\n");
#define X(code, bit, name) printf("  %s\n", name);
    FEATURES(X)
#undef X
}

/* docs/api.md */
static void print_api(void)
{
    size_t count;
    const struct route *routes = routes_all(&count);
    struct arena arena = {0};

    printf(
        "# The HTTP API\n\nMade from the table of routes by `varve help api`; `/api/v1/openapi.yaml` has the same for "
        "programs.\nParameters with `!` must be there, those with `[]` may be repeated.\n\n"
        "| path | methods | parameters | what it does |\n|---|---|---|---|\n");
    for (size_t i = 0; i < count; i++)
        printf("| `%s` | %.*s | %s%s%s | %s |\n", routes[i].path, STR_ARG(route_allow(&routes[i], &arena)),
               routes[i].parameters[0] ? "`" : "", routes[i].parameters, routes[i].parameters[0] ? "`" : "",
               routes[i].about);
    arena_release(&arena);
}

static void print_command(int index)
{
    printf("Usage: %s\n       %s\n", commands[index].usage, commands[index].summary);
    if (commands[index].run == command_serve) {
        printf("\nFlags, with their defaults:\n");
        options_print(COMMAND_SERVE, stdout);
    } else if (commands[index].run == command_inspect) {
        printf("\nFlags, with their defaults:\n");
        options_print(COMMAND_INSPECT, stdout);
    } else if (commands[index].run == command_query) {
        printf("\nFlags of varve query instant:\n");
        options_print(COMMAND_INSTANT, stdout);
        printf("\nFlags of varve query range:\n");
        options_print(COMMAND_RANGE, stdout);
    } else if (commands[index].run == command_import) {
        printf("\nFlags, with their defaults:\n");
        options_print(COMMAND_IMPORT, stdout);
    } else if (commands[index].run == command_export) {
        printf("\nFlags, with their defaults:\n");
        options_print(COMMAND_EXPORT, stdout);
    }
}

static int command_help(int count, char *const *arguments)
{
    if (count == 0) {
        print_overview(stdout);
        return 0;
    }
    str topic = str_from(arguments[0]);
    int index = find_command(topic);
    if (index >= 0) {
        print_command(index);
    } else if (str_equal(topic, STR("features"))) {
        print_features();
    } else if (str_equal(topic, STR("api"))) {
        print_api();
    } else {
        return unknown_command(topic);
    }
    return 0;
}

static bool asks_for_help(int count, char *const *arguments)
{
    for (int i = 0; i < count; i++) {
        str argument = str_from(arguments[i]);
        if (str_equal(argument, STR("--help")) || str_equal(argument, STR("-h"))) return true;
        if (str_equal(argument, STR("--"))) break;
    }
    return false;
}

int main(int count, char **arguments)
{
    if (count < 2) {
        print_overview(stderr);
        return 1;
    }
    str name = str_from(arguments[1]);
    if (str_equal(name, STR("--help")) || str_equal(name, STR("-h"))) name = STR("help");
    if (str_equal(name, STR("--version"))) name = STR("version");
    int index = find_command(name);
    if (index < 0) return unknown_command(name);
    if (asks_for_help(count - 2, arguments + 2)) {
        print_command(index);
        return 0;
    }
    return commands[index].run(count - 2, arguments + 2);
}
