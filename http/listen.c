/* The listening socket; see listen.h. */
#include "http/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 1024 };

/* HOST:PORT, [HOST]:PORT or :PORT in two terminated texts. */
static status split(str address, char host[256], char port[16])
{
    size_t colon = address.len;

    while (colon && address.data[colon - 1] != ':') colon--;
    if (colon == 0)
        return status_make(STATUS_INVALID, "listen address \"%.*s\" has no port; write HOST:PORT", STR_ARG(address));
    str name = str_part(address, 0, colon - 1), number = str_part(address, colon, address.len);
    uint64_t value;
    if (str_starts_with(name, STR("[")) && str_ends_with(name, STR("]"))) {
        name = str_part(name, 1, name.len - 2);
    } else if (str_find(name, ':') < name.len) {
        return status_make(STATUS_INVALID, "listen address \"%.*s\": write an IPv6 host in brackets", STR_ARG(address));
    }
    if (!str_to_uint64(number, &value) || value > UINT16_MAX)
        return status_make(STATUS_INVALID, "listen address \"%.*s\" has no port from 0 to 65535", STR_ARG(address));
    if (name.len > 255)
        return status_make(STATUS_INVALID, "the host of the listen address has more than 255 characters");
    snprintf(host, 256, "%.*s", STR_ARG(name));
    snprintf(port, 16, "%u", (unsigned)value);
    return ok();
}

static int bind_one(const struct addrinfo *info)
{
    int on = 1, off = 0;
    int fd = socket(info->ai_family, info->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, info->ai_protocol);

    if (fd < 0) return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (info->ai_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (bind(fd, info->ai_addr, info->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0) return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static void print_bound(int fd, char bound[LISTEN_TEXT_MAX], uint16_t *port)
{
    struct sockaddr_storage address;
    socklen_t bytes = sizeof address;
    char host[INET6_ADDRSTRLEN] = "?";

    *port = 0;
    memset(&address, 0, sizeof address);
    getsockname(fd, (struct sockaddr *)&address, &bytes);
    if (address.ss_family == AF_INET6) {
        const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)&address;
        inet_ntop(AF_INET6, &six->sin6_addr, host, sizeof host);
        *port = ntohs(six->sin6_port);
        snprintf(bound, LISTEN_TEXT_MAX, "[%s]:%u", host, *port);
    } else {
        const struct sockaddr_in *four = (const struct sockaddr_in *)&address;
        inet_ntop(AF_INET, &four->sin_addr, host, sizeof host);
        *port = ntohs(four->sin_port);
        snprintf(bound, LISTEN_TEXT_MAX, "%s:%u", host, *port);
    }
}

/* The first address of a family that can be listened on, or -1 with errno. */
static status try_family(const char *host, const char *port, int family, int *out)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE, .ai_family = family}, *found = NULL;
    int outcome = getaddrinfo(host[0] ? host : NULL, port, &hints, &found);

    *out = -1;
    if (outcome != 0) return status_make(STATUS_INVALID, "listen on %s:%s: %s", host, port, gai_strerror(outcome));
    for (const struct addrinfo *at = found; at && *out < 0; at = at->ai_next) *out = bind_one(at);
    int error = errno;
    freeaddrinfo(found);
    if (*out >= 0) return ok();
    char what[300];
    snprintf(what, sizeof what, "listen on %s:%s", host, port);
    return status_errno(error, what);
}

status listen_open(str address, int *out_socket, char bound[LISTEN_TEXT_MAX], uint16_t *port)
{
    char host[256], number[16];

    TRY(split(address, host, number));
    bool every = host[0] == 0;
    status s = try_family(host, number, every ? AF_INET6 : AF_UNSPEC, out_socket); /* IPv6 takes both kinds */
    if (failed(s) && every) s = try_family(host, number, AF_INET, out_socket);
    if (!failed(s)) print_bound(*out_socket, bound, port);
    return s;
}

bool listen_is_loopback(int socket)
{
    struct sockaddr_storage address;
    socklen_t bytes = sizeof address;

    memset(&address, 0, sizeof address);
    if (getsockname(socket, (struct sockaddr *)&address, &bytes) != 0) return false;
    if (address.ss_family == AF_INET6) {
        const struct in6_addr *six = &((const struct sockaddr_in6 *)&address)->sin6_addr;
        return IN6_IS_ADDR_LOOPBACK(six) || (IN6_IS_ADDR_V4MAPPED(six) && six->s6_addr[12] == 127);
    }
    return ntohl(((const struct sockaddr_in *)&address)->sin_addr.s_addr) >> 24 == 127;
}
