/* The listening socket: from HOST:PORT to a bound descriptor. */
#ifndef VARVE_HTTP_LISTEN_H
#define VARVE_HTTP_LISTEN_H

#include "storage/base/status.h"
#include "storage/base/str.h"

#include <stdint.h>

/* Listens on "127.0.0.1:9090", "[::1]:9090", "localhost:9090" or ":9090", which is every address of both kinds. Port 0
 * lets the system choose. The address that became of it goes to `bound` as text, its port to *port. */
enum { LISTEN_TEXT_MAX = 128 };
status listen_open(str address, int *out_socket, char bound[LISTEN_TEXT_MAX], uint16_t *port);

/* Whether only programs on this machine can reach the socket. */
bool listen_is_loopback(int socket);

#endif
