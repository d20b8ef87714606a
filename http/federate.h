/* /federate: the newest sample of each series that matches, as text for another server to scrape. */
#ifndef VARVE_HTTP_FEDERATE_H
#define VARVE_HTTP_FEDERATE_H

#include "http/request.h"

status page_federate(struct request *request, struct response *response);

#endif
