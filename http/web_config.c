/* The file of --web.config.file; see web_config.h. */
#include "http/web_config.h"

#include "http/yaml.h"
#include "storage/base/hash.h"
#include "storage/base/vec.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { FILE_BYTES_MAX = 1 << 20 };

struct loading {
    str folder; /* with the slash; empty is the current one */
    struct arena *arena;
    struct web_config *config;
};

static status read_file(struct loading *loading, str path, str *out)
{
    struct arena *arena = loading->arena;
    str full = path.len && path.data[0] == '/'
                   ? arena_copy_str(arena, path)
                   : arena_format(arena, "%.*s%.*s", STR_ARG(loading->folder), STR_ARG(path));
    FILE *file = fopen(full.data, "re");

    if (!file) return status_make(STATUS_INVALID, "%s: %s", full.data, strerror(errno));
    char *text = arena_alloc(arena, FILE_BYTES_MAX + 1);
    size_t bytes = fread(text, 1, FILE_BYTES_MAX + 1, file);
    bool is_broken = ferror(file) != 0;
    fclose(file);
    if (is_broken) return status_make(STATUS_INVALID, "%s: can not be read", full.data);
    if (bytes > FILE_BYTES_MAX)
        return status_make(STATUS_INVALID, "%s: larger than %d bytes", full.data, FILE_BYTES_MAX);
    text[bytes] = 0;
    *out = str_make(text, bytes);
    loading->config->fingerprint = hash_mix(loading->config->fingerprint, hash_bytes(text, bytes));
    return ok();
}

/* What `name` says, or the content of the file that `name`_file names. */
static status read_pem(struct loading *loading, const struct yaml *tls, const char *name, const char *file_key,
                       str *out)
{
    str text = STR(""), path = STR("");
    const struct yaml *inline_node = yaml_get(tls, name);

    TRY(yaml_text(inline_node, &text));
    TRY(yaml_text(yaml_get(tls, file_key), &path));
    if (text.len && path.len) return yaml_error(inline_node, "%s and %s are both given", name, file_key);
    *out = text;
    return path.len ? read_file(loading, path, out) : ok();
}

static status read_client_auth(const struct yaml *node, enum client_auth *out)
{
    static const char *const names[] = {
#define X(id, name) name,
        CLIENT_AUTH_TYPES(X)
#undef X
    };
    str text = STR("");

    TRY(yaml_text(node, &text));
    if (text.len == 0) return ok();
    for (int i = 0; i < CLIENT_AUTH_COUNT; i++) {
        if (!str_equal(text, str_from(names[i]))) continue;
        *out = (enum client_auth)i;
        return ok();
    }
    return yaml_error(node, "unknown client_auth_type %.*s", STR_ARG(text));
}

static status read_version(const struct yaml *node, int *out)
{
    static const char *const names[] = {"TLS10", "TLS11", "TLS12", "TLS13"};
    str text = STR("");

    TRY(yaml_text(node, &text));
    if (text.len == 0) return ok();
    for (int i = 0; i < 4; i++) {
        if (!str_equal(text, str_from(names[i]))) continue;
        *out = 10 + i;
        return ok();
    }
    return yaml_error(node, "unknown TLS version %.*s; there are TLS10, TLS11, TLS12 and TLS13", STR_ARG(text));
}

static status read_tls(struct loading *loading, const struct yaml *node)
{
    static const char *const keys[] = {"cert_file",
                                       "key_file",
                                       "client_ca_file",
                                       "cert",
                                       "key",
                                       "client_ca",
                                       "client_auth_type",
                                       "client_allowed_sans",
                                       "min_version",
                                       "max_version",
                                       "cipher_suites",
                                       "curve_preferences",
                                       "prefer_server_cipher_suites",
                                       NULL};
    struct tls_config *tls = &loading->config->tls;
    str *sans = NULL;

    if (!node || node->is_null) return ok();
    TRY(yaml_check_keys(node, keys));
    if (yaml_get(node, "cipher_suites") || yaml_get(node, "curve_preferences"))
        return yaml_error(node, "cipher_suites and curve_preferences can not be set; min_version and max_version can");
    *tls = (struct tls_config){.enabled = true, .version_min = 12, .version_max = 13};
    TRY(read_pem(loading, node, "cert", "cert_file", &tls->certificate));
    TRY(read_pem(loading, node, "key", "key_file", &tls->key));
    TRY(read_pem(loading, node, "client_ca", "client_ca_file", &tls->client_ca));
    TRY(read_client_auth(yaml_get(node, "client_auth_type"), &tls->client_auth));
    TRY(read_version(yaml_get(node, "min_version"), &tls->version_min));
    TRY(read_version(yaml_get(node, "max_version"), &tls->version_max));
    TRY(yaml_texts(yaml_get(node, "client_allowed_sans"), loading->arena, &sans, &tls->client_san_count));
    tls->client_sans = sans;
    bool verifies = tls->client_auth == CLIENT_AUTH_VERIFY || tls->client_auth == CLIENT_AUTH_REQUIRE_AND_VERIFY;
    if (!tls->certificate.len || !tls->key.len) return yaml_error(node, "TLS needs cert_file and key_file");
    if (verifies && !tls->client_ca.len) return yaml_error(node, "client_auth_type needs client_ca_file");
    if (!verifies && tls->client_ca.len)
        return yaml_error(node, "client_ca_file needs a client_auth_type that verifies certificates");
    if (tls->client_san_count && !verifies)
        return yaml_error(node, "client_allowed_sans needs a client_auth_type that verifies certificates");
    if (tls->version_min > tls->version_max) return yaml_error(node, "min_version is above max_version");
    return ok();
}

static status read_headers(struct loading *loading, const struct yaml *node)
{
    static const char *const http_keys[] = {"http2", "headers", NULL};
    static const char *const known[] = {"Content-Security-Policy",   "X-Frame-Options",
                                        "X-Content-Type-Options",    "X-XSS-Protection",
                                        "Strict-Transport-Security", NULL};
    const struct yaml *headers = yaml_get(node, "headers");
    size_t count = 0;

    TRY(yaml_check_keys(node, http_keys));
    TRY(yaml_check_keys(headers, known));
    struct web_header *list = arena_array(loading->arena, struct web_header, 8);
    for (const struct yaml *member = headers ? headers->first : NULL; member; member = member->next) {
        str value = STR("");
        TRY(yaml_text(member, &value));
        if (str_find(value, '\n') < value.len || str_find(value, '\r') < value.len)
            return yaml_error(member, "a header is one line");
        if (value.len) list[count++] = (struct web_header){member->key, value};
    }
    loading->config->headers = list;
    loading->config->header_count = count;
    return ok();
}

static status read_users(struct loading *loading, const struct yaml *node)
{
    size_t room = 0, count = 0;

    if (!node || node->is_null) return ok();
    if (node->kind != YAML_MAP) return yaml_error(node, "basic_auth_users must hold names and hashes");
    for (const struct yaml *member = node->first; member; member = member->next) room++;
    struct web_user *users = arena_array(loading->arena, struct web_user, room);
    for (const struct yaml *member = node->first; member; member = member->next) {
        str hash = STR("");
        TRY(yaml_text(member, &hash));
        bool is_bcrypt = hash.len == 60 && str_starts_with(hash, STR("$2"));
        if (!is_bcrypt)
            return yaml_error(member, "the password of %.*s is no bcrypt hash; `htpasswd -nBC 10 \"\"` makes them",
                              STR_ARG(member->key));
        if (member->key.len == 0 || str_find(member->key, ':') < member->key.len)
            return yaml_error(member, "a user's name is not empty and has no colon");
        users[count++] = (struct web_user){member->key, hash};
    }
    loading->config->users = users;
    loading->config->user_count = count;
    return ok();
}

static status read_all(struct loading *loading, const struct yaml *root)
{
    static const char *const keys[] = {"tls_server_config", "http_server_config", "basic_auth_users", NULL};

    TRY(yaml_check_keys(root, keys));
    TRY(read_tls(loading, yaml_get(root, "tls_server_config")));
    TRY(read_headers(loading, yaml_get(root, "http_server_config")));
    return read_users(loading, yaml_get(root, "basic_auth_users"));
}

status web_config_load(str path, struct arena *arena, struct web_config *out)
{
    struct loading loading = {.arena = arena, .config = out};
    const struct yaml *root;
    str text;

    *out = (struct web_config){.tls = {.certificate = STR(""), .key = STR(""), .client_ca = STR("")}};
    if (path.len == 0) return ok();
    TRY(read_file(&loading, path, &text));
    loading.folder = path;
    while (loading.folder.len && loading.folder.data[loading.folder.len - 1] != '/') loading.folder.len--;
    status s = yaml_parse(text, arena, &root);
    if (!failed(s)) s = read_all(&loading, root);
    return failed(s) ? status_make(s.code, "%.*s: %s", STR_ARG(path), s.text) : s;
}

bool web_config_same_tls(const struct web_config *a, const struct web_config *b)
{
    const struct tls_config *x = &a->tls, *y = &b->tls;

    if (x->enabled != y->enabled || x->client_auth != y->client_auth || x->version_min != y->version_min ||
        x->version_max != y->version_max || x->client_san_count != y->client_san_count)
        return false;
    for (size_t i = 0; i < x->client_san_count; i++) {
        if (!str_equal(x->client_sans[i], y->client_sans[i])) return false;
    }
    return str_equal(x->certificate, y->certificate) && str_equal(x->key, y->key) &&
           str_equal(x->client_ca, y->client_ca);
}

bool web_config_authenticates(const struct web_config *config)
{
    return config->user_count > 0 || config->tls.client_auth == CLIENT_AUTH_REQUIRE_AND_VERIFY;
}
