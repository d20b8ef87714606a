#include "http/listen.h"
#include "tests/support/test.h"

#include <unistd.h>

static const struct {
    const char *address;
    bool fine, loopback;
    const char *text; /* what `bound` begins with, or the error */
} addresses[] = {
    {"127.0.0.1:0", true, true, "127.0.0.1:"},
    {"localhost:0", true, true, ""},
    {"0.0.0.0:0", true, false, "0.0.0.0:"},
    {":0", true, false, ""},
    {"127.0.0.2:0", true, true, "127.0.0.2:"},
    {"127.0.0.1", false, false, "listen address \"127.0.0.1\" has no port; write HOST:PORT"},
    {"", false, false, "listen address \"\" has no port; write HOST:PORT"},
    {"127.0.0.1:", false, false, "listen address \"127.0.0.1:\" has no port from 0 to 65535"},
    {"127.0.0.1:65536", false, false, "listen address \"127.0.0.1:65536\" has no port from 0 to 65535"},
    {"127.0.0.1:http", false, false, "listen address \"127.0.0.1:http\" has no port from 0 to 65535"},
    {"::1:0", false, false, "listen address \"::1:0\": write an IPv6 host in brackets"},
    {"no such host:0", false, false, "listen on no such host:0: "},
};

Test(listen, addresses)
{
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        int fd = -1;
        char bound[LISTEN_TEXT_MAX] = "";
        uint16_t port = 0;
        status s = listen_open(str_from(addresses[i].address), &fd, bound, &port);
        cr_expect(failed(s) == !addresses[i].fine, "%s: %s", addresses[i].address, s.text);
        cr_expect(str_starts_with(str_from(failed(s) ? s.text : bound), str_from(addresses[i].text)), "%s: %s %s",
                  addresses[i].address, s.text, bound);
        if (failed(s)) continue;
        cr_expect(port != 0 && listen_is_loopback(fd) == addresses[i].loopback, "%s", addresses[i].address);
        close(fd);
    }
}

Test(listen, a_port_in_use_is_an_error)
{
    int fd = -1, other = -1;
    char bound[LISTEN_TEXT_MAX], again[LISTEN_TEXT_MAX];
    uint16_t port;

    cr_assert(!failed(listen_open(STR("127.0.0.1:0"), &fd, bound, &port)));
    status s = listen_open(str_from(bound), &other, again, &port);
    cr_expect(failed(s) && strstr(s.text, "in use"), "%s", s.text);
    close(fd);
}
