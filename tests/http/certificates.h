/* Certificates made for one test: a CA and what it has signed. */
#ifndef VARVE_TESTS_HTTP_CERTIFICATES_H
#define VARVE_TESTS_HTTP_CERTIFICATES_H

#include "storage/base/arena.h"

struct certificate {
    void *key, *x509; /* GnuTLS' */
    str pem, key_pem; /* in the arena, terminated */
};

/* A certificate for `name` (also an alternative DNS name) and 127.0.0.1, signed by the issuer, or by itself as a CA if
 * that is NULL. Goes with the arena. */
struct certificate certificate_make(const char *name, const struct certificate *issuer, struct arena *arena);

#endif
