/* From a request to its handler: what the server does with every request, without knowing what it is about. */
#ifndef VARVE_HTTP_DISPATCH_H
#define VARVE_HTTP_DISPATCH_H

#include "http/routes.h"

/* The head is complete: finds the route and looks at what can be refused without the body. False if the response holds
 * an answer already. */
bool dispatch_head(struct request *request, const struct route *routes, size_t count);

/* The request is complete: runs the handler and seals the answer. False if the handler will call request_finish, or has
 * done so: then the request must not be touched any more. */
bool dispatch_run(struct request *request);

/* Puts the request into the queue of its route's place; there it is run and finished. When the queue is full the answer
 * is a refusal, and finished too. */
void dispatch_submit(struct request *request);

#endif
