#include "http/security.h"
#include "http/server.h"
#include "tests/http/harness.h"
#include "tests/support/must.h"

#include <unistd.h>

/* bcrypt of "secret" */
#define SECRET_HASH "$2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW"

static const struct web_user users[] = {{STR("alice"), STR(SECRET_HASH)}};
static const struct web_header headers[] = {{STR("X-Frame-Options"), STR("deny")}};
static const struct web_config web = {.users = users, .user_count = 1, .headers = headers, .header_count = 1};

#define ALICE "Basic YWxpY2U6c2VjcmV0" /* alice:secret */

static const struct {
    const char *authorization;
    enum security_verdict verdict;
    bool passes;
} looks[] = {
    {"", SECURITY_REFUSE, false},
    {"Bearer x", SECURITY_REFUSE, false},
    {"Basic", SECURITY_REFUSE, false},
    {"Basic YWxpY2U6d3Jvbmc=", SECURITY_CHECK, false},     /* alice:wrong */
    {"Basic Ym9iOnNlY3JldA==", SECURITY_CHECK, false},     /* bob:secret */
    {"Basic YWxpY2U=", SECURITY_CHECK, false},             /* alice */
    {"Basic YWxpY2U6c2VjcmV0AHg=", SECURITY_CHECK, false}, /* alice:secret, a zero byte and more */
    {"Basic !!!", SECURITY_CHECK, false},
    {"basic  YWxpY2U6c2VjcmV0", SECURITY_CHECK, true},
};

Test(security, passwords)
{
    struct security *security = security_new();

    cr_expect(security_look(security, STR("")) == SECURITY_PASS, "nobody is asked");
    security_set(security, &web);
    for (size_t i = 0; i < sizeof looks / sizeof looks[0]; i++) {
        str text = str_from(looks[i].authorization);
        cr_expect(security_look(security, text) == looks[i].verdict, "%s", looks[i].authorization);
        cr_expect(security_check(security, text) == looks[i].passes, "%s", looks[i].authorization);
        cr_expect((security_look(security, text) == SECURITY_PASS) == looks[i].passes, "%s", looks[i].authorization);
    }
    cr_expect(security_look(security, STR(ALICE)) == SECURITY_PASS, "it is known now");
    security_set(security, &web);
    cr_expect(security_look(security, STR(ALICE)) == SECURITY_CHECK, "a new configuration starts anew");
    security_free(security);
}

static struct reply ask(int socket, struct arena *arena, const char *path, const char *authorization)
{
    str text =
        arena_format(arena, "GET %s HTTP/1.1\r\nHost: x\r\n%s%s%s\r\n", path, authorization ? "Authorization: " : "",
                     authorization ? authorization : "", authorization ? "\r\n" : "");

    wire_text(socket, text.data);
    return wire_reply(socket, arena);
}

Test(security, on_the_wire)
{
    static const char *const paths[] = {"/-/healthy", "/api/v1/query?query=1", "/api/v1/status/flags"};
    struct site site;
    struct server_options options = server_options_default();

    site_open(&site);
    options.web = &web;
    struct server *server = site_serve(&site, options);
    int socket = wire_connect(server);
    for (size_t i = 0; i < 3; i++) {
        struct reply reply = ask(socket, &site.arena, paths[i], NULL);
        cr_expect(reply.code == 401 && str_equal(reply.body, STR("Unauthorized\n")), "%s", paths[i]);
        cr_expect(str_equal(reply_header(&reply, "WWW-Authenticate"), STR("Basic")));
        reply = ask(socket, &site.arena, paths[i], "Basic YWxpY2U6d3Jvbmc=");
        cr_expect(reply.code == 401, "%s", paths[i]);
        reply = ask(socket, &site.arena, paths[i], ALICE);
        cr_expect(reply.code == 200, "%s: %u", paths[i], reply.code);
        cr_expect(str_equal(reply_header(&reply, "X-Frame-Options"), STR("deny")));
        reply = ask(socket, &site.arena, paths[i], ALICE);
        cr_expect(reply.code == 200);
    }
    struct reply reply = ask(socket, &site.arena, "/nowhere", ALICE);
    cr_expect(reply.code == 404);
    const struct web_config none = {0};
    must(server_set_web_config(server, &none));
    reply = ask(socket, &site.arena, "/-/healthy", NULL);
    cr_expect(reply.code == 200 && reply_header(&reply, "X-Frame-Options").len == 0);
    close(socket);
    server_close(server, 5000);
    site_close(&site);
}

/* Bodies of those whose password is not known do not take the room of the others. */
Test(security, strangers_have_a_budget_of_their_own)
{
    struct site site;
    struct server_options options = server_options_default();
    char piece[1000];

    memset(piece, 'x', sizeof piece);
    site_open(&site);
    options.web = &web;
    struct server *server = site_serve(&site, options);
    int stranger = wire_connect(server), known = wire_connect(server);
    cr_expect(ask(known, &site.arena, "/-/healthy", ALICE).code == 200);
    wire_text(stranger, "POST /api/v1/query HTTP/1.1\r\nHost: x\r\nAuthorization: Basic YWxpY2U6d3Jvbmc=\r\n"
                        "Content-Length: 90000\r\n\r\n");
    for (int i = 0; i < 80; i++) wire_send(stranger, piece, sizeof piece);
    usleep(200000);
    cr_expect(site.bodies.used_bytes == 0, "%zu", (size_t)site.bodies.used_bytes);
    for (int i = 0; i < 10; i++) wire_send(stranger, piece, sizeof piece);
    cr_expect(wire_reply(stranger, &site.arena).code == 401);
    close(stranger);
    close(known);
    server_close(server, 5000);
    site_close(&site);
}
