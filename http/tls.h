/* TLS of a listening socket, through libmicrohttpd and GnuTLS. */
#ifndef VARVE_HTTP_TLS_H
#define VARVE_HTTP_TLS_H

#include "http/web_config.h"

struct MHD_Connection;
struct MHD_OptionItem;

enum { TLS_OPTIONS_MAX = 4 };

/* Whether certificate, key and client CA are what they should be; INVALID with GnuTLS' words. */
status tls_check(const struct tls_config *config);

/* The daemon's options, at most TLS_OPTIONS_MAX; returns how many. They borrow from the configuration and the arena. */
size_t tls_options(const struct tls_config *config, struct MHD_OptionItem *out, struct arena *arena);

/* For a connection that begins: what its client must show. The configuration outlives the connection. */
void tls_begin(const struct tls_config *config, struct MHD_Connection *connection);

#endif
