/* varve serve. */
#include "tests/http/command.h"

#include <curl/curl.h>
#include <signal.h>

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
