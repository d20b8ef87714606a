/* One kept-alive HTTP/1.1 connection; see http_connection.h. */
#include "bench/http_connection.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { READ_BYTES = 1 << 16, PATIENCE_SECONDS = 120 };

static const uint64_t body_bytes_max = 1ULL << 32;

status http_target_parse(str url, struct http_target *out)
{
    str rest = url;

    if (!str_starts_with(url, STR("http://")))
        return status_make(STATUS_INVALID, "not a URL that begins with http://: %.*s", STR_ARG(url));
    rest = str_part(rest, 7, rest.len);
    size_t slash = str_find(rest, '/');
    str authority = str_part(rest, 0, slash);
    out->path = slash < rest.len ? str_part(rest, slash, rest.len) : STR("/");
    out->host = str_cut(&authority, ':');
    out->port = authority.len ? authority : STR("80");
    if (out->host.len == 0) return status_make(STATUS_INVALID, "no host in the URL %.*s", STR_ARG(url));
    return ok();
}

void http_connection_init(struct http_connection *c, struct http_target target)
{
    *c = (struct http_connection){.target = target, .socket = -1};
}

static void close_socket(struct http_connection *c)
{
    if (c->socket >= 0) close(c->socket);
    c->socket = -1;
}

void http_connection_release(struct http_connection *c)
{
    close_socket(c);
    writer_release(&c->in);
}

static status open_socket(struct http_connection *c)
{
    char host[256], port[16];
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *found;
    struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
    int on = 1;

    snprintf(host, sizeof host, "%.*s", STR_ARG(c->target.host));
    snprintf(port, sizeof port, "%.*s", STR_ARG(c->target.port));
    int error = getaddrinfo(host, port, &hints, &found);
    if (error) return status_make(STATUS_INVALID, "look up %s:%s: %s", host, port, gai_strerror(error));
    c->socket = socket(found->ai_family, found->ai_socktype | SOCK_CLOEXEC, found->ai_protocol);
    error = c->socket < 0 || connect(c->socket, found->ai_addr, found->ai_addrlen) < 0 ? errno : 0;
    freeaddrinfo(found);
    if (error) {
        close_socket(c);
        return status_make(STATUS_UNAVAILABLE, "connect to %s:%s: %s", host, port, strerror(error));
    }
    setsockopt(c->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(c->socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(c->socket, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    return ok();
}

static status lost(const struct http_connection *c, const char *doing, int error)
{
    return status_make(STATUS_UNAVAILABLE, "%s %.*s:%.*s: %s", doing, STR_ARG(c->target.host), STR_ARG(c->target.port),
                       error ? strerror(error) : "the server closed the connection");
}

static status send_all(struct http_connection *c, str head, str body)
{
    size_t sent = 0, total = head.len + body.len;

    while (sent < total) {
        str first = str_part(head, sent, head.len),
            second = str_part(body, sent > head.len ? sent - head.len : 0, body.len);
        struct iovec parts[2] = {{(void *)(uintptr_t)first.data, first.len},
                                 {(void *)(uintptr_t)second.data, second.len}};
        struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
        ssize_t n = sendmsg(c->socket, &message, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return lost(c, "send to", errno);
        sent += (size_t)n;
    }
    return ok();
}

/* Appends what has come to c->in; at the end of the stream it is an error. */
static status receive(struct http_connection *c)
{
    for (;;) {
        ssize_t n = recv(c->socket, writer_reserve(&c->in, READ_BYTES), READ_BYTES, 0);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return lost(c, "receive from", n < 0 ? errno : 0);
        c->in.count += (size_t)n;
        return ok();
    }
}

static str received(const struct http_connection *c)
{
    return str_make((const char *)c->in.data, c->in.count);
}

/* Reads up to the end of the first line from `at` on; gives the line without its end and where the next one begins. */
static status receive_line(struct http_connection *c, size_t *at, str *line)
{
    for (size_t looked = 0;;) {
        str rest = str_part(received(c), *at, c->in.count);
        size_t end = looked + str_find(str_part(rest, looked, rest.len), '\n');
        if (end < rest.len) {
            *line = str_trim(str_part(rest, 0, end));
            *at += end + 1;
            return ok();
        }
        looked = rest.len;
        TRY(receive(c));
    }
}

/* What the head of a reply says about its body. */
struct reply_head {
    int code;
    uint64_t body_bytes;
    bool is_chunked, closes;
};

static status receive_head(struct http_connection *c, size_t *at, struct reply_head *out)
{
    str line;
    uint64_t code;

    TRY(receive_line(c, at, &line));
    if (!str_starts_with(line, STR("HTTP/1.")) || !str_to_uint64(str_part(line, 9, 3), &code))
        return status_make(STATUS_INVALID, "not an HTTP reply: %.*s", STR_ARG(str_part(line, 0, 80)));
    *out = (struct reply_head){.code = (int)code};
    for (;;) {
        TRY(receive_line(c, at, &line));
        if (line.len == 0) return ok();
        str value = line, name = str_cut(&value, ':');
        value = str_trim(value);
        if (str_equal_ignore_case(name, STR("content-length"))) {
            if (!str_to_uint64(value, &out->body_bytes) || out->body_bytes > body_bytes_max)
                return status_make(STATUS_INVALID, "strange content length %.*s", STR_ARG(value));
        } else if (str_equal_ignore_case(name, STR("transfer-encoding"))) {
            out->is_chunked = str_equal_ignore_case(value, STR("chunked"));
        } else if (str_equal_ignore_case(name, STR("connection"))) {
            out->closes = str_equal_ignore_case(value, STR("close"));
        }
    }
}

static bool parse_hex(str s, uint64_t *out)
{
    *out = 0;
    for (size_t i = 0; i < s.len; i++) {
        unsigned c = (unsigned char)s.data[i] | 0x20, digit = c <= '9' ? c - '0' : c - 'a' + 10;
        if (digit > 15 || *out > body_bytes_max) return false;
        *out = *out << 4 | digit;
    }
    return s.len > 0;
}

/* Reads a chunked body and closes up its chunks behind `start`; gives its length. */
static status receive_chunks(struct http_connection *c, size_t start, size_t *bytes)
{
    size_t at = start, end = start;
    uint64_t chunk;
    str line;

    do {
        TRY(receive_line(c, &at, &line));
        if (!parse_hex(str_trim(str_cut(&line, ';')), &chunk))
            return status_make(STATUS_INVALID, "not the size of a chunk in the reply");
        while (c->in.count - at < chunk) TRY(receive(c));
        memmove(c->in.data + end, c->in.data + at, chunk);
        end += chunk;
        at += chunk;
        TRY(receive_line(c, &at, &line));
    } while (chunk > 0);
    *bytes = end - start;
    return ok();
}

static status receive_reply(struct http_connection *c, struct http_reply *out)
{
    struct reply_head head;
    size_t at = 0, bytes = 0;

    TRY(receive_head(c, &at, &head));
    if (head.is_chunked) {
        TRY(receive_chunks(c, at, &bytes));
    } else {
        bytes = head.body_bytes;
        while (c->in.count - at < bytes) TRY(receive(c));
    }
    *out = (struct http_reply){head.code, str_part(received(c), at, bytes)};
    if (head.closes) close_socket(c);
    return ok();
}

status http_connection_exchange(struct http_connection *c, str head, str body, struct http_reply *out)
{
    bool is_reused = c->socket >= 0;
    status s = ok();

    c->in.count = 0;
    if (!is_reused) TRY(open_socket(c));
    if (!failed(s = send_all(c, head, body)) && !failed(s = receive_reply(c, out))) return ok();
    close_socket(c);
    if (!is_reused || c->in.count > 0) return s;
    return http_connection_exchange(c, head, body, out);
}
