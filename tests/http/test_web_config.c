#include "http/web_config.h"
#include "tests/support/folder.h"
#include "tests/support/must.h"

#include <unistd.h>

#define USER "basic_auth_users: {alice: '$2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW'}\n"
#define PAIR "cert_file: a.crt, key_file: a.key"

static const struct {
    const char *text, *error; /* behind the file's name; empty: it loads */
    bool authenticates;
} files[] = {
    {"", "", false},
    {USER, "", true},
    {"tls_server_config: {" PAIR "}\n", "", false},
    {"tls_server_config: {cert: C, key: K, client_ca_file: ca.crt, client_auth_type: RequireAndVerifyClientCert, "
     "client_allowed_sans: [x], min_version: TLS13}\n",
     "", true},
    {"http_server_config: {http2: true, headers: {X-Frame-Options: deny}}\n", "", false},
    {"tls_server_config: {cert_file: a.crt}\n", "line 1: TLS needs cert_file and key_file", false},
    {"tls_server_config: {cert_file: missing, key_file: a.key}\n", "missing: No such file or directory", false},
    {"tls_server_config: {" PAIR ", cert: x}\n", "line 1: cert and cert_file are both given", false},
    {"tls_server_config: {" PAIR ", client_auth_type: Sometimes}\n", "line 1: unknown client_auth_type Sometimes",
     false},
    {"tls_server_config: {" PAIR ", client_auth_type: VerifyClientCertIfGiven}\n",
     "line 1: client_auth_type needs client_ca_file", false},
    {"tls_server_config: {" PAIR ", client_ca_file: ca.crt}\n",
     "line 1: client_ca_file needs a client_auth_type that verifies certificates", false},
    {"tls_server_config: {" PAIR ", min_version: SSL3}\n",
     "line 1: unknown TLS version SSL3; there are TLS10, TLS11, TLS12 and TLS13", false},
    {"tls_server_config: {" PAIR ", max_version: TLS11}\n", "line 1: min_version is above max_version", false},
    {"tls_server_config: {" PAIR ", cipher_suites: [x]}\n",
     "line 1: cipher_suites and curve_preferences can not be set; min_version and max_version can", false},
    {"http_server_config: {headers: {Server: x}}\n", "line 1: unknown key Server", false},
    {"basic_auth_users: {alice: secret}\n", "line 1: the password of alice is no bcrypt hash; `htpasswd -nBC 10",
     false},
    {"basic_auth_users: [alice]\n", "line 1: basic_auth_users must hold names and hashes", false},
    {"users: {}\n", "line 1: unknown key users", false},
};

Test(web_config, files)
{
    struct arena folder = {0}, arena = {0};
    struct web_config config;
    const char *path;

    must(folder_make_temporary(&folder, &path));
    cr_assert(chdir(path) == 0);
    must(folder_write_file("a.crt", STR("certificate")));
    must(folder_write_file("a.key", STR("key")));
    must(folder_write_file("ca.crt", STR("ca")));
    str name = arena_format(&folder, "%s/web.yml", path);
    cr_assert(chdir("/") == 0);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        must(folder_write_file(name.data, str_from(files[i].text)));
        status s = web_config_load(name, &arena, &config);
        cr_expect(files[i].error[0] ? strstr(s.text, files[i].error) != NULL : !failed(s), "%s: %s", files[i].text,
                  s.text);
        if (failed(s)) cr_expect(str_starts_with(str_from(s.text), name));
        if (!failed(s)) cr_expect(web_config_authenticates(&config) == files[i].authenticates, "%s", files[i].text);
        arena_reset(&arena);
    }
    arena_release(&arena);
    arena_release(&folder);
}

Test(web_config, a_changed_file_is_noticed)
{
    struct arena folder = {0}, arena = {0};
    struct web_config before, after;
    const char *path;

    must(folder_make_temporary(&folder, &path));
    cr_assert(chdir(path) == 0);
    must(folder_write_file("a.crt", STR("certificate")));
    must(folder_write_file("a.key", STR("key")));
    must(folder_write_file("web.yml", STR("tls_server_config: {" PAIR "}\n")));
    must(web_config_load(STR("web.yml"), &arena, &before));
    must(web_config_load(STR("web.yml"), &arena, &after));
    cr_expect(before.fingerprint == after.fingerprint && web_config_same_tls(&before, &after));
    must(folder_write_file("a.key", STR("another key")));
    must(web_config_load(STR("web.yml"), &arena, &after));
    cr_expect(before.fingerprint != after.fingerprint && !web_config_same_tls(&before, &after));
    cr_expect(str_equal(after.tls.key, STR("another key")) && after.tls.key.data[after.tls.key.len] == 0);
    cr_expect(chdir("/") == 0);
    arena_release(&arena);
    arena_release(&folder);
}
