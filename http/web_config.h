/* The file of --web.config.file, in the format of Prometheus: TLS, client certificates, passwords, response headers.
 *
 *     tls_server_config:
 *       cert_file: server.crt            # or cert: with the text itself; the same goes for key and client_ca
 *       key_file: server.key
 *       client_auth_type: RequireAndVerifyClientCert
 *       client_ca_file: ca.crt
 *     http_server_config:
 *       headers:
 *         Strict-Transport-Security: max-age=31536000
 *     basic_auth_users:
 *       alice: $2y$10$…
 *
 * Paths are relative to the file's folder. Everything is read at once; nothing refers to a file later. */
#ifndef VARVE_HTTP_WEB_CONFIG_H
#define VARVE_HTTP_WEB_CONFIG_H

#include "storage/base/arena.h"
#include "storage/base/status.h"

/* Names as in the file. */
#define CLIENT_AUTH_TYPES(X)                                                  \
    X(NONE, "NoClientCert")                                                   \
    X(REQUEST, "RequestClientCert")                                           \
    X(REQUIRE, "RequireAnyClientCert")                                        \
    X(VERIFY, "VerifyClientCertIfGiven") /* one that is given must be good */ \
    X(REQUIRE_AND_VERIFY, "RequireAndVerifyClientCert")

enum client_auth {
#define X(id, name) CLIENT_AUTH_##id,
    CLIENT_AUTH_TYPES(X)
#undef X
        CLIENT_AUTH_COUNT
};

/* Certificates and keys in PEM, each followed by a zero byte. */
struct tls_config {
    bool enabled;
    str certificate, key, client_ca;
    enum client_auth client_auth;
    const str *client_sans; /* one of these names must be in a client's certificate; none: any */
    size_t client_san_count;
    int version_min, version_max; /* 10 … 13 for TLS 1.0 … 1.3 */
};

struct web_user {
    str name, hash;
};

struct web_header {
    str name, value;
};

struct web_config {
    struct tls_config tls;
    const struct web_user *users;
    size_t user_count;
    const struct web_header *headers;
    size_t header_count;
    uint64_t fingerprint; /* of everything that was read: a changed file changes it */
};

/* Reads the file and those it names; everything is in the arena. An empty path gives the empty configuration. The error
 * names file and line. */
status web_config_load(str path, struct arena *arena, struct web_config *out);

/* Whether the parts that a listening socket is made with are the same. */
bool web_config_same_tls(const struct web_config *a, const struct web_config *b);

/* Whether someone who is not known is kept out. */
bool web_config_authenticates(const struct web_config *config);

#endif
