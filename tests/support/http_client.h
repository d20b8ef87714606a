/* HTTP requests over libcurl. A client keeps its connection and belongs to one thread at a time. */
#ifndef VARVE_TESTS_SUPPORT_HTTP_CLIENT_H
#define VARVE_TESTS_SUPPORT_HTTP_CLIENT_H

#include "storage/base/status.h"
#include "storage/base/str.h"

struct http_client;

/* Valid until the client's next request. */
struct http_answer {
    int code;
    str head; /* the header lines as they came */
    str body;
};

struct http_client *http_client_new(void);
void http_client_free(struct http_client *client);

/* Headers are "Name: value" and the list ends with NULL; NULL for none. Any answer is success; UNAVAILABLE when there
 * is none within a minute. */
status http_get(struct http_client *client, const char *url, struct http_answer *out);
status http_post(struct http_client *client, const char *url, const char *const *headers, str body,
                 struct http_answer *out);

/* The value of a header, its name in any case; empty when absent. */
str http_answer_header(const struct http_answer *answer, str name);

/* Asks a URL until it answers 200; UNAVAILABLE with the last thing that went wrong after the deadline. */
status http_wait_ready(struct http_client *client, const char *url, int64_t deadline_ns);

#endif
