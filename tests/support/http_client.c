/* HTTP requests over libcurl; see http_client.h. */
#include "tests/support/http_client.h"

#include "storage/base/bytes.h"
#include "storage/base/clock.h"
#include "tests/support/process.h"

#include <curl/curl.h>
#include <pthread.h>

enum { REQUEST_SECONDS_MAX = 60, POLL_MS = 10 };

struct http_client {
    CURL *curl;
    struct writer head, body;
};

static void initialise_curl(void)
{
    curl_global_init(CURL_GLOBAL_ALL);
}

struct http_client *http_client_new(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct http_client *client = memory_zalloc(sizeof *client);

    pthread_once(&once, initialise_curl);
    client->curl = curl_easy_init();
    assert(client->curl);
    return client;
}

void http_client_free(struct http_client *client)
{
    if (!client) return;
    curl_easy_cleanup(client->curl);
    writer_release(&client->head);
    writer_release(&client->body);
    free(client);
}

static size_t collect(char *data, size_t size, size_t count, void *context)
{
    writer_bytes(context, data, size * count);
    return size * count;
}

/* Only the last head counts: a "100 Continue" comes before it. */
static size_t collect_head(char *data, size_t size, size_t count, void *context)
{
    struct writer *head = context;

    if (str_starts_with(str_make(data, size * count), STR("HTTP/"))) head->count = 0;
    return collect(data, size, count, head);
}

static status perform(struct http_client *client, const char *url, struct http_answer *out)
{
    CURL *curl = client->curl;
    long code = 0;

    client->head.count = client->body.count = 0;
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)REQUEST_SECONDS_MAX);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &client->body);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, collect_head);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &client->head);
    CURLcode result = curl_easy_perform(curl);
    if (result != CURLE_OK) return status_make(STATUS_UNAVAILABLE, "%s: %s", url, curl_easy_strerror(result));
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
    *out = (struct http_answer){(int)code, str_make((const char *)client->head.data, client->head.count),
                                str_make((const char *)client->body.data, client->body.count)};
    return ok();
}

status http_get(struct http_client *client, const char *url, struct http_answer *out)
{
    curl_easy_reset(client->curl);
    return perform(client, url, out);
}

status http_post(struct http_client *client, const char *url, const char *const *headers, str body,
                 struct http_answer *out)
{
    struct curl_slist *list = NULL;

    curl_easy_reset(client->curl);
    for (; headers && *headers; headers++) list = curl_slist_append(list, *headers);
    curl_easy_setopt(client->curl, CURLOPT_POST, 1L);
    curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, list);
    curl_easy_setopt(client->curl, CURLOPT_POSTFIELDS, body.len ? body.data : "");
    curl_easy_setopt(client->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
    status s = perform(client, url, out);
    curl_slist_free_all(list);
    return s;
}

str http_answer_header(const struct http_answer *answer, str name)
{
    str rest = answer->head;

    while (rest.len) {
        str value = str_cut(&rest, '\n'), found = str_cut(&value, ':');
        if (str_equal_ignore_case(found, name)) return str_trim(value);
    }
    return STR("");
}

status http_wait_ready(struct http_client *client, const char *url, int64_t deadline_ns)
{
    for (;;) {
        struct http_answer answer = {0};
        status s = http_get(client, url, &answer);
        if (!failed(s) && answer.code == 200) return ok();
        if (clock_monotonic_ns() >= deadline_ns)
            return failed(s) ? s : status_make(STATUS_UNAVAILABLE, "%s answers %d", url, answer.code);
        process_sleep_ms(POLL_MS);
    }
}
