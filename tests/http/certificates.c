/* Certificates made for one test; see certificates.h. */
#include "tests/http/certificates.h"

#include "tests/support/test.h"

#include <arpa/inet.h>
#include <gnutls/x509.h>
#include <string.h>
#include <time.h>

#define must_gnutls(call) cr_assert((call) >= 0, #call)

static void free_key(void *key)
{
    gnutls_x509_privkey_deinit(key);
}

static void free_x509(void *x509)
{
    gnutls_x509_crt_deinit(x509);
}

static str take(gnutls_datum_t *text, struct arena *arena)
{
    str copy = arena_copy_str(arena, str_make((const char *)text->data, text->size));

    gnutls_free(text->data);
    return copy;
}

struct certificate certificate_make(const char *name, const struct certificate *issuer, struct arena *arena)
{
    static unsigned char serial = 1;
    struct certificate made;
    gnutls_x509_privkey_t key;
    gnutls_x509_crt_t x509;
    gnutls_datum_t text;
    struct in_addr loopback = {htonl(INADDR_LOOPBACK)};

    must_gnutls(gnutls_x509_privkey_init(&key));
    must_gnutls(
        gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0));
    must_gnutls(gnutls_x509_crt_init(&x509));
    must_gnutls(gnutls_x509_crt_set_version(x509, 3));
    must_gnutls(gnutls_x509_crt_set_serial(x509, &serial, 1));
    serial++;
    must_gnutls(gnutls_x509_crt_set_activation_time(x509, time(NULL) - 3600));
    must_gnutls(gnutls_x509_crt_set_expiration_time(x509, time(NULL) + 3600));
    must_gnutls(gnutls_x509_crt_set_dn_by_oid(x509, GNUTLS_OID_X520_COMMON_NAME, 0, name, (unsigned)strlen(name)));
    must_gnutls(gnutls_x509_crt_set_key(x509, key));
    must_gnutls(
        gnutls_x509_crt_set_subject_alt_name(x509, GNUTLS_SAN_DNSNAME, name, (unsigned)strlen(name), GNUTLS_FSAN_SET));
    must_gnutls(gnutls_x509_crt_set_subject_alt_name(x509, GNUTLS_SAN_IPADDRESS, &loopback, sizeof loopback,
                                                     GNUTLS_FSAN_APPEND));
    must_gnutls(gnutls_x509_crt_set_basic_constraints(x509, issuer ? 0 : 1, -1));
    if (!issuer) must_gnutls(gnutls_x509_crt_set_key_usage(x509, GNUTLS_KEY_KEY_CERT_SIGN));
    must_gnutls(
        gnutls_x509_crt_sign2(x509, issuer ? issuer->x509 : x509, issuer ? issuer->key : key, GNUTLS_DIG_SHA256, 0));
    arena_defer(arena, free_key, key);
    arena_defer(arena, free_x509, x509);
    made.key = key;
    made.x509 = x509;
    must_gnutls(gnutls_x509_crt_export2(x509, GNUTLS_X509_FMT_PEM, &text));
    made.pem = take(&text, arena);
    must_gnutls(gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &text));
    made.key_pem = take(&text, arena);
    return made;
}
