/* varve serve. */
#include "tests/http/command.h"
#include "tests/support/folder.h"
#include "tests/support/must.h"

#include <curl/curl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

Test(serve, takes_flags_only, .init = command_enter, .fini = command_leave)
{
    static const struct command_case cases[] = {
        {"serve now", 1, "varve: serve takes flags only; see varve help serve\n"}};

    COMMAND_CHECK(cases);
}

Test(serve, runs_until_it_is_told, .init = command_enter, .fini = command_leave)
{
    static const int signals[] = {SIGTERM, SIGINT};

    for (int i = 0; i < 2; i++) {
        FILE *log;
        char line[512];
        pid_t child =
            command_start((const char *[]){"--web.listen-address=127.0.0.1:0", "--storage.tsdb.path=data", NULL}, &log);
        cr_assert(command_log_says(log, "msg=\"ready\" address=127.0.0.1:", line));
        kill(child, signals[i]);
        cr_expect(command_log_says(log, i == 0 ? "signal=SIGTERM" : "signal=SIGINT", line));
        cr_expect(command_log_says(log, "msg=\"stopped\"", line));
        cr_expect(command_wait(child, log) == 0);
    }
}

/* Posts nothing; the code of the answer. */
static long post_as(const char *url, const char *password)
{
    CURL *curl = curl_easy_init();
    FILE *nowhere = fopen("/dev/null", "w");
    long code = 0;

    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, "");
    if (password) curl_easy_setopt(curl, CURLOPT_USERPWD, password);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, nowhere);
    curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
    curl_easy_cleanup(curl);
    fclose(nowhere);
    return code;
}

static long post(const char *url)
{
    return post_as(url, NULL);
}

Test(serve, warns_when_it_is_open_to_all, .init = command_enter, .fini = command_leave)
{
    FILE *log;
    char line[512], address[64], url[256];
    pid_t child = command_start((const char *[]){"--web.listen-address=0.0.0.0:0", "--storage.tsdb.path=data",
                                                 "--web.enable-lifecycle", NULL},
                                &log);

    cr_assert(command_log_says(log, "msg=\"ready\"", line));
    cr_assert(sscanf(strstr(line, "address="), "address=0.0.0.0:%32s", address) == 1);
    cr_expect(command_log_says(log, "level=warn", line) && strstr(line, "anyone who reaches this address"));
    snprintf(url, sizeof url, "http://127.0.0.1:%s/-/quit", address);
    cr_expect(post(url) == 200);
    cr_expect(command_wait(child, log) == 0);
}

Test(serve, says_why_it_can_not_start, .init = command_enter, .fini = command_leave)
{
    FILE *log;
    char line[512];
    pid_t child =
        command_start((const char *[]){"--web.listen-address=256.0.0.1:0", "--storage.tsdb.path=data", NULL}, &log);

    cr_expect(command_log_says(log, "msg=\"can not start\" error=\"listen on 256.0.0.1:0: ", line));
    cr_expect(command_wait(child, log) == 1);
}

/* The files of the configuration are followed; a bad one changes nothing. */
Test(serve, follows_its_configuration, .init = command_enter, .fini = command_leave)
{
    FILE *log;
    char line[512], port[64], url[256];

    must(folder_write_file(
        "web.yml", STR("basic_auth_users: {alice: '$2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW'}\n")));
    must(folder_write_file("varve.yml", STR("global: {external_labels: {a: b}}\n")));
    pid_t child = command_start((const char *[]){"--web.listen-address=127.0.0.1:0", "--web.enable-lifecycle",
                                                 "--web.config.file=web.yml", "--config.file=varve.yml", NULL},
                                &log);
    cr_assert(command_log_says(log, "msg=\"ready\"", line));
    cr_assert(sscanf(strstr(line, "address="), "address=127.0.0.1:%32s", port) == 1);
    snprintf(url, sizeof url, "http://127.0.0.1:%s/-/reload", port);
    cr_expect(post(url) == 401 && post_as(url, "alice:wrong") == 401);
    cr_expect(post_as(url, "alice:secret") == 200);
    cr_expect(command_log_says(log, "msg=\"configuration loaded\" file=\"varve.yml\"", line));
    must(folder_write_file("varve.yml", STR("golbal: {}\n")));
    kill(child, SIGHUP);
    cr_expect(command_log_says(log, "error=\"varve.yml: line 1: unknown key golbal\"", line));
    cr_expect(post_as(url, "alice:secret") == 500);
    must(folder_write_file("web.yml", STR("")));
    cr_expect(command_log_says(log, "msg=\"web configuration loaded\"", line));
    must(folder_write_file("varve.yml", STR("")));
    cr_expect(post(url) == 200);
    kill(child, SIGTERM);
    cr_expect(command_wait(child, log) == 0);
}

static bool file_holds(const char *path, const char *part)
{
    static char bytes[1 << 16];
    FILE *file = fopen(path, "r");

    if (!file) return false;
    size_t count = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    return memmem(bytes, count, part, strlen(part)) != NULL;
}

/* The query log follows the configuration; what ran when the process died is told by the next one. */
Test(serve, knows_its_queries, .init = command_enter, .fini = command_leave)
{
    static const char *const arguments[] = {"--web.listen-address=127.0.0.1:0", "--storage.tsdb.path=data",
                                            "--config.file=varve.yml", NULL};
    FILE *log;
    char line[1024], port[64], url[256];

    must(folder_write_file("varve.yml", STR("global: {query_log_file: queries.log}\n")));
    pid_t child = command_start(arguments, &log);
    cr_assert(command_log_says(log, "msg=\"ready\"", line));
    cr_assert(sscanf(strstr(line, "address="), "address=127.0.0.1:%32s", port) == 1);
    snprintf(url, sizeof url, "http://127.0.0.1:%s/api/v1/query?query=42", port);
    cr_expect(post(url) == 200);
    cr_expect(file_holds("queries.log", "\"params\":{\"query\":\"42\"") &&
              file_holds("queries.log", "\"clientIP\":\"127.0.0.1\",\"method\":\"POST\",\"path\":\"/api/v1/query\""));
    must(folder_write_file("varve.yml", STR("global: {query_log_file: nowhere/queries.log}\n")));
    kill(child, SIGHUP);
    cr_expect(command_log_says(log, "query_log_file nowhere/queries.log: No such file or directory", line));
    must(folder_write_file("varve.yml", STR("")));
    kill(child, SIGHUP);
    cr_expect(command_log_says(log, "msg=\"configuration loaded\"", line));
    snprintf(url, sizeof url, "http://127.0.0.1:%s/api/v1/query?query=forty_three", port);
    cr_expect(post(url) == 200 && !file_holds("queries.log", "forty_three"));
    pid_t asking = fork();
    if (asking == 0) {
        snprintf(url, sizeof url,
                 "http://127.0.0.1:%s/api/v1/query_range?query=quantile_over_time(0.5,vector(time())[11h:1s])&start=0&"
                 "end=11000&step=1",
                 port);
        post(url);
        _exit(0);
    }
    for (int i = 0; i < 3000 && !file_holds("data/queries.active", "vector(time())[11h:1s]"); i++) usleep(10000);
    kill(child, SIGKILL);
    command_wait(child, log);
    waitpid(asking, NULL, 0);
    child = command_start(arguments, &log);
    cr_expect(command_log_says(log, "a query was running when the last process ended", line));
    cr_expect(strstr(line, "quantile_over_time(0.5,vector(time())[11h:1s])") != NULL, "%s", line);
    cr_assert(command_log_says(log, "msg=\"ready\"", line));
    kill(child, SIGTERM);
    cr_expect(command_wait(child, log) == 0);
    cr_expect(!file_holds("data/queries.active", "query"));
}
