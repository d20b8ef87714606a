/* The command line, as a program. */
#include "storage/base/arena.h"
#include "tests/support/test.h"

#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/varve-test-XXXXXX";

static void make_folder(void)
{
    cr_assert(mkdtemp(folder) && chdir(folder) == 0 && mkdir("good", 0777) == 0 && mkdir("bad", 0777) == 0);
}

static void remove_folder(void)
{
    cr_expect(rmdir("good") == 0 && rmdir("bad") == 0 && (rmdir("data") == 0 || true));
    cr_expect(chdir("/") == 0 && rmdir(folder) == 0);
}

/* Runs the program with these words behind its name; both outputs together, and the exit code. */
static str run(const char *words, int *code, struct arena *arena)
{
    char line[1024];
    str output = STR("");
    char buffer[4096];
    size_t bytes;

    snprintf(line, sizeof line, "ASAN_OPTIONS=detect_leaks=0 %s %s 2>&1", VARVE_PROGRAM, words);
    FILE *pipe = popen(line, "r");
    cr_assert(pipe);
    while ((bytes = fread(buffer, 1, sizeof buffer, pipe)) > 0)
        output = arena_format(arena, "%.*s%.*s", STR_ARG(output), (int)bytes, buffer);
    int outcome = pclose(pipe);
    *code = WIFEXITED(outcome) ? WEXITSTATUS(outcome) : -1;
    return output;
}

static const struct {
    const char *words;
    int code;
    const char *output; /* what it begins with */
} commands[] = {
    {"", 1, "Varve keeps time series."},
    {"help", 0, "Varve keeps time series."},
    {"--help", 0, "Varve keeps time series."},
    {"help serve", 0, "Usage: varve serve [FLAGS]\n"},
    {"serve --help", 0, "Usage: varve serve [FLAGS]\n"},
    {"help features", 0, "Features of PromQL"},
    {"help nothing", 1, "varve: unknown command \"nothing\"; see varve help\n"},
    {"version", 0, "varve "},
    {"--version", 0, "varve "},
    {"sreve", 1, "varve: unknown command \"sreve\"; did you mean serve?\n"},
    {"serve --web.listen-adress=x", 1, "varve: unknown flag --web.listen-adress; did you mean --web.listen-address?\n"},
    {"serve now", 1, "varve: serve takes flags only; see varve help serve\n"},
    {"check good", 0, ""},
    {"check bad", 1, "block/1:0: checksum differs\n"},
    {"check missing", 2, "varve: missing: No such file or directory\n"},
    {"check", 2, "varve: check takes one folder; see varve help check\n"},
    {"query", 1, "varve: say query instant or query range; see varve help query\n"},
    {"query instant", 1, "varve: query takes one expression, in quotes\n"},
    {"query instant --storage.tsdb.path=missing up", 1, "varve: missing: No such file or directory\n"},
    {"query instant --storage.tsdb.path=good --time=4 vector", 0,
     "up{job=\"a \\\"b\\\"\"} => 1.5 @[4]\nup => 2 @[4]\n"},
    {"query instant --storage.tsdb.path=good --time=4.5 'vector warned'", 0,
     "up{job=\"a \\\"b\\\"\"} => 1.5 @[4.5]\nup => 2 @[4.5]\nwarning: careful (1:1)\ninfo: by the way\n"},
    {"query instant --storage.tsdb.path=good --time=4 scalar", 0, "scalar: 1e+21 @[4]\n"},
    {"query instant --storage.tsdb.path=good string", 0, "te\nxt\n"},
    {"query instant --storage.tsdb.path=good matrix", 0,
     "up{job=\"a \\\"b\\\"\"} =>\n1.5 @[1]\n2 @[1.001]\n1e-07 @[2.5]\n"},
    {"query instant --storage.tsdb.path=good --time=x up", 1, "varve: --time=x: want Unix seconds or RFC 3339\n"},
    {"query instant --storage.tsdb.path=good 'bad expression'", 1,
     "varve: 1:5: parse error: unexpected \"<bad>\"\n  bad expression\n      ^\n"},
    {"query instant --storage.tsdb.path=good exec", 1, "varve: many-to-many matching not allowed\n"},
    {"query range --storage.tsdb.path=good --start=1 --end=2 --step=500ms 'range 1 3'", 0,
     "up{job=\"a \\\"b\\\"\"} =>\n0 @[1]\n0.1 @[1.5]\n0.2 @[2]\n"},
    {"query range --storage.tsdb.path=good --start=2 --end=1 up", 1, "varve: --end is before --start\n"},
    {"query range --storage.tsdb.path=good --step=0 up", 1,
     "varve: --step=0: want seconds or a duration such as 15s\n"},
};

Test(command, lines, .init = make_folder, .fini = remove_folder)
{
    struct arena arena = {0};

    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        int code;
        str output = run(commands[i].words, &code, &arena);
        cr_expect(code == commands[i].code, "%s: %d", commands[i].words, code);
        cr_expect(str_starts_with(output, str_from(commands[i].output)), "%s: %.*s", commands[i].words,
                  STR_ARG(output));
        if (!commands[i].output[0]) cr_expect(output.len == 0);
    }
    arena_release(&arena);
}

/* Starts the server with its standard error in a pipe. */
static pid_t start(const char *const *arguments, FILE **log)
{
    int ends[2];

    cr_assert(pipe(ends) == 0);
    pid_t child = fork();
    if (child == 0) {
        char *copies[8] = {(char *)(uintptr_t)VARVE_PROGRAM, (char *)(uintptr_t) "serve"};
        for (int i = 0; arguments[i]; i++) copies[i + 2] = (char *)(uintptr_t)arguments[i];
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        execv(VARVE_PROGRAM, copies);
        _exit(127);
    }
    close(ends[1]);
    *log = fdopen(ends[0], "r");
    return child;
}

/* Reads log lines up to one that holds the part. */
static bool log_says(FILE *log, const char *part, char line[512])
{
    while (fgets(line, 512, log)) {
        if (strstr(line, part)) return true;
    }
    return false;
}

Test(command, serve_runs_until_it_is_told, .init = make_folder, .fini = remove_folder)
{
    static const int signals[] = {SIGTERM, SIGINT};

    for (int i = 0; i < 2; i++) {
        FILE *log;
        char line[512];
        int outcome;
        pid_t child =
            start((const char *[]){"--web.listen-address=127.0.0.1:0", "--storage.tsdb.path=good", NULL}, &log);
        cr_assert(log_says(log, "msg=\"ready\" address=127.0.0.1:", line));
        kill(child, signals[i]);
        cr_expect(log_says(log, i == 0 ? "signal=SIGTERM" : "signal=SIGINT", line));
        cr_expect(log_says(log, "msg=\"stopped\"", line));
        cr_assert(waitpid(child, &outcome, 0) == child);
        cr_expect(WIFEXITED(outcome) && WEXITSTATUS(outcome) == 0);
        fclose(log);
    }
}

/* Posts nothing; the code of the answer. */
static long post(const char *url)
{
    CURL *curl = curl_easy_init();
    FILE *nowhere = fopen("/dev/null", "w");
    long code = 0;

    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, "");
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, nowhere);
    curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
    curl_easy_cleanup(curl);
    fclose(nowhere);
    return code;
}

Test(command, serve_warns_when_it_is_open_to_all, .init = make_folder, .fini = remove_folder)
{
    FILE *log;
    char line[512], address[64], url[256];
    int outcome;
    pid_t child = start((const char *[]){"--web.listen-address=0.0.0.0:0", "--storage.tsdb.path=good",
                                         "--web.enable-lifecycle", NULL},
                        &log);

    cr_assert(log_says(log, "msg=\"ready\"", line));
    cr_assert(sscanf(strstr(line, "address="), "address=0.0.0.0:%32s", address) == 1);
    cr_expect(log_says(log, "level=warn", line) && strstr(line, "anyone who reaches this address"));
    snprintf(url, sizeof url, "http://127.0.0.1:%s/-/quit", address);
    cr_expect(post(url) == 200);
    cr_assert(waitpid(child, &outcome, 0) == child);
    cr_expect(WIFEXITED(outcome) && WEXITSTATUS(outcome) == 0);
    fclose(log);
}

Test(command, serve_says_why_it_can_not_start, .init = make_folder, .fini = remove_folder)
{
    FILE *log;
    char line[512];
    int outcome;
    pid_t child = start((const char *[]){"--web.listen-address=256.0.0.1:0", "--storage.tsdb.path=good", NULL}, &log);

    cr_expect(log_says(log, "msg=\"can not start\" error=\"listen on 256.0.0.1:0: ", line));
    cr_assert(waitpid(child, &outcome, 0) == child);
    cr_expect(WIFEXITED(outcome) && WEXITSTATUS(outcome) == 1);
    fclose(log);
}
