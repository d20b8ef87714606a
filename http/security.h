/* Who may speak to the server, and what headers its answers carry: the parts of the web configuration that hold for
 * each request and may change while the server runs.
 *
 * A password costs bcrypt's tens of milliseconds, so that is done once on a worker; then the keyed hash of the whole
 * header is remembered, and looking at it costs nothing. Thread-safe.
 */
#ifndef VARVE_HTTP_SECURITY_H
#define VARVE_HTTP_SECURITY_H

#include "http/response.h"
#include "http/web_config.h"

struct security;

struct security *security_new(void);
void security_free(struct security *security); /* NULL is fine */

/* Copies the users and headers of a configuration; what was remembered is forgotten. */
void security_set(struct security *security, const struct web_config *config);

enum security_verdict {
    SECURITY_PASS,   /* nobody needs a password, or this one is known */
    SECURITY_REFUSE, /* no name and password at all */
    SECURITY_CHECK   /* security_check says */
};

/* Looks at the Authorization header. */
enum security_verdict security_look(struct security *security, str authorization);

/* Checks name and password: slow. An unknown name takes as long as a wrong password. */
bool security_check(struct security *security, str authorization);

/* Adds the configured headers to an answer. */
void security_put_headers(struct security *security, struct response *response);

#endif
