/* A server with TLS, as curl sees it. */
#include "http/tls.h"
#include "tests/http/certificates.h"
#include "tests/http/harness.h"
#include "tests/support/must.h"

#include <curl/curl.h>
#include <stdio.h>
#include <unistd.h>

static struct curl_blob blob(str text)
{
    return (struct curl_blob){(void *)(uintptr_t)text.data, text.len, CURL_BLOB_COPY};
}

static size_t discard(char *data, size_t size, size_t count, void *context)
{
    (void)data, (void)context;
    return size * count;
}

/* The code of /-/healthy; 0 if the connection does not come about. */
static long ask(const struct server *server, const struct certificate *ca, const struct certificate *client,
                const char *password, long version_max)
{
    CURL *curl = curl_easy_init();
    char url[64];
    long code = 0;

    snprintf(url, sizeof url, "https://127.0.0.1:%u/-/healthy", server_port(server));
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, discard);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 20L);
    struct curl_blob ca_blob = blob(ca->pem);
    curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &ca_blob);
    if (client) {
        struct curl_blob pem = blob(client->pem), key = blob(client->key_pem);
        curl_easy_setopt(curl, CURLOPT_SSLCERT_BLOB, &pem);
        curl_easy_setopt(curl, CURLOPT_SSLKEY_BLOB, &key);
    }
    if (password) curl_easy_setopt(curl, CURLOPT_USERPWD, password);
    if (version_max) curl_easy_setopt(curl, CURLOPT_SSLVERSION, version_max);
    if (curl_easy_perform(curl) == CURLE_OK) curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
    curl_easy_cleanup(curl);
    return code;
}

static struct web_config config_of(const struct certificate *server)
{
    return (struct web_config){.tls = {.enabled = true,
                                       .certificate = server->pem,
                                       .key = server->key_pem,
                                       .client_ca = STR(""),
                                       .version_min = 12,
                                       .version_max = 13}};
}

Test(tls, clients)
{
    struct site site;
    struct arena arena = {0};
    struct certificate ca = certificate_make("ca", NULL, &arena), other = certificate_make("other", NULL, &arena);
    struct certificate own = certificate_make("server", &ca, &arena), client = certificate_make("alice", &ca, &arena);
    struct certificate stranger = certificate_make("alice", &other, &arena);
    struct server_options options = server_options_default();
    struct web_config web = config_of(&own);
    str sans[] = {STR("bob")};

    site_open(&site);
    options.web = &web;
    struct server *server = site_serve(&site, options);
    cr_expect(ask(server, &ca, NULL, NULL, 0) == 200);
    cr_expect(ask(server, &other, NULL, NULL, 0) == 0, "the client does not know the server's CA");
    cr_expect(ask(server, &ca, NULL, NULL, CURL_SSLVERSION_TLSv1_2 | CURL_SSLVERSION_MAX_TLSv1_2) == 200);
    int plain = wire_connect(server);
    wire_text(plain, "GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_expect(wire_ends(plain), "no answer in the clear");
    close(plain);

    web.tls.version_min = 13;
    must(server_set_web_config(server, &web));
    cr_expect(ask(server, &ca, NULL, NULL, CURL_SSLVERSION_TLSv1_2 | CURL_SSLVERSION_MAX_TLSv1_2) == 0);
    cr_expect(ask(server, &ca, NULL, NULL, 0) == 200);

    web.tls.client_auth = CLIENT_AUTH_REQUIRE_AND_VERIFY;
    web.tls.client_ca = ca.pem;
    must(server_set_web_config(server, &web));
    cr_expect(ask(server, &ca, NULL, NULL, 0) == 0, "no certificate");
    cr_expect(ask(server, &ca, &stranger, NULL, 0) == 0, "one of another CA");
    cr_expect(ask(server, &ca, &client, NULL, 0) == 200);
    web.tls.client_sans = sans;
    web.tls.client_san_count = 1;
    must(server_set_web_config(server, &web));
    cr_expect(ask(server, &ca, &client, NULL, 0) == 0, "alice is not bob");
    sans[0] = STR("alice");
    must(server_set_web_config(server, &web));
    cr_expect(ask(server, &ca, &client, NULL, 0) == 200);

    web.tls.client_auth = CLIENT_AUTH_VERIFY;
    must(server_set_web_config(server, &web));
    cr_expect(ask(server, &ca, NULL, NULL, 0) == 200 && ask(server, &ca, &stranger, NULL, 0) == 0);
    server_close(server, 5000);
    site_close(&site);
    arena_release(&arena);
}

Test(tls, bad_files_change_nothing)
{
    struct site site;
    struct arena arena = {0};
    struct certificate ca = certificate_make("ca", NULL, &arena), own = certificate_make("server", &ca, &arena);
    struct server_options options = server_options_default();
    struct web_config web = config_of(&own), bad = config_of(&own);

    must(tls_check(&web.tls));
    site_open(&site);
    options.web = &web;
    struct server *server = site_serve(&site, options);
    bad.tls.key = ca.key_pem;
    cr_expect(server_set_web_config(server, &bad).code == STATUS_INVALID, "a key of another certificate");
    bad.tls.key = STR("no key");
    cr_expect(server_set_web_config(server, &bad).code == STATUS_INVALID);
    bad = config_of(&own);
    bad.tls.client_ca = STR("no certificate");
    cr_expect(server_set_web_config(server, &bad).code == STATUS_INVALID);
    cr_expect(ask(server, &ca, NULL, NULL, 0) == 200);
    server_close(server, 5000);
    site_close(&site);
    arena_release(&arena);
}

/* Who does not come to the end of the handshake has no more time than for a head. */
Test(tls, slow_handshakes_are_ended)
{
    struct site site;
    struct arena arena = {0};
    struct certificate ca = certificate_make("ca", NULL, &arena), own = certificate_make("server", &ca, &arena);
    struct server_options options = server_options_default();
    struct web_config web = config_of(&own);

    site_open(&site);
    options.web = &web;
    options.deadlines.head_ms = 3000;
    struct server *server = site_serve(&site, options);
    int slow = wire_connect(server);
    wire_send(slow, "\x16\x03\x01\x02\x00\x01", 6); /* a ClientHello that does not go on */
    cr_expect(wire_ends(slow));
    close(slow);
    cr_expect(ask(server, &ca, NULL, NULL, 0) == 200);
    server_close(server, 5000);
    site_close(&site);
    arena_release(&arena);
}
