/* TLS of a listening socket; see tls.h.
 *
 * Client certificates are judged in the handshake, so that a client without a good one never gets as far as a request.
 */
#include "http/tls.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <microhttpd.h>

static gnutls_datum_t datum(str text)
{
    return (gnutls_datum_t){(unsigned char *)(uintptr_t)text.data, (unsigned)text.len};
}

status tls_check(const struct tls_config *config)
{
    gnutls_certificate_credentials_t credentials;
    gnutls_datum_t certificate = datum(config->certificate), key = datum(config->key), ca = datum(config->client_ca);

    if (!config->enabled) return ok();
    if (gnutls_certificate_allocate_credentials(&credentials) != GNUTLS_E_SUCCESS)
        return status_make(STATUS_UNAVAILABLE, "no memory for certificates");
    int outcome = gnutls_certificate_set_x509_key_mem(credentials, &certificate, &key, GNUTLS_X509_FMT_PEM);
    const char *what = "certificate and key";
    if (outcome >= 0 && config->client_ca.len) {
        what = "client CA";
        outcome = gnutls_certificate_set_x509_trust_mem(credentials, &ca, GNUTLS_X509_FMT_PEM);
        if (outcome == 0) outcome = GNUTLS_E_NO_CERTIFICATE_FOUND;
    }
    gnutls_certificate_free_credentials(credentials);
    return outcome >= 0 ? ok() : status_make(STATUS_INVALID, "%s: %s", what, gnutls_strerror(outcome));
}

size_t tls_options(const struct tls_config *config, struct MHD_OptionItem *out, struct arena *arena)
{
    static const char *const names[] = {":+VERS-TLS1.0", ":+VERS-TLS1.1", ":+VERS-TLS1.2", ":+VERS-TLS1.3"};
    str priorities = STR("NORMAL:-VERS-ALL");
    size_t count = 0;

    for (int version = config->version_min; version <= config->version_max; version++)
        priorities = arena_format(arena, "%.*s%s", STR_ARG(priorities), names[version - 10]);
    out[count++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)config->certificate.data};
    out[count++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)config->key.data};
    out[count++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)priorities.data};
    if (config->client_ca.len)
        out[count++] =
            (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_TRUST, 0, (void *)(uintptr_t)config->client_ca.data};
    return count;
}

/* Whether the client's certificate names one of those that are allowed. */
static bool san_fits(const struct tls_config *config, const gnutls_datum_t *der)
{
    gnutls_x509_crt_t certificate;
    char name[1024];
    bool fits = false;

    if (config->client_san_count == 0) return true;
    if (gnutls_x509_crt_init(&certificate) != GNUTLS_E_SUCCESS) return false;
    if (gnutls_x509_crt_import(certificate, der, GNUTLS_X509_FMT_DER) == GNUTLS_E_SUCCESS) {
        for (unsigned i = 0;; i++) {
            size_t bytes = sizeof name;
            if (gnutls_x509_crt_get_subject_alt_name(certificate, i, name, &bytes, NULL) < 0) break;
            str found = str_make(name, bytes);
            if (found.len && found.data[found.len - 1] == 0) found.len--;
            for (size_t j = 0; j < config->client_san_count; j++)
                fits = fits || str_equal(config->client_sans[j], found);
        }
    }
    gnutls_x509_crt_deinit(certificate);
    return fits;
}

/* 0 lets the handshake go on. */
static int judge_client(gnutls_session_t session)
{
    const struct tls_config *config = gnutls_session_get_ptr(session);
    unsigned verdict = 0, count = 0;
    const gnutls_datum_t *certificates = gnutls_certificate_get_peers(session, &count);

    if (!certificates || count == 0) return 0; /* whether there must be one, the request has said */
    if (gnutls_certificate_verify_peers3(session, NULL, &verdict) != GNUTLS_E_SUCCESS || verdict) return -1;
    return san_fits(config, &certificates[0]) ? 0 : -1;
}

void tls_begin(const struct tls_config *config, struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);

    if (config->client_auth == CLIENT_AUTH_NONE || !info || !info->tls_session) return;
    gnutls_session_t session = info->tls_session;
    bool required = config->client_auth == CLIENT_AUTH_REQUIRE || config->client_auth == CLIENT_AUTH_REQUIRE_AND_VERIFY;
    bool verified = config->client_auth == CLIENT_AUTH_VERIFY || config->client_auth == CLIENT_AUTH_REQUIRE_AND_VERIFY;
    gnutls_certificate_server_set_request(session, required ? GNUTLS_CERT_REQUIRE : GNUTLS_CERT_REQUEST);
    gnutls_session_set_ptr(session, (void *)(uintptr_t)config);
    if (verified) gnutls_session_set_verify_function(session, judge_client);
}
