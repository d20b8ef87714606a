/* /api/v1/status/…: what this server is and holds. */
#ifndef VARVE_HTTP_API_STATUS_H
#define VARVE_HTTP_API_STATUS_H

#include "http/request.h"

status api_buildinfo(struct request *request, struct response *response);
status api_runtimeinfo(struct request *request, struct response *response);
status api_flags(struct request *request, struct response *response);
status api_config(struct request *request, struct response *response);
status api_tsdb_blocks(struct request *request, struct response *response);
status api_walreplay(struct request *request, struct response *response);
status api_features(struct request *request, struct response *response);
status api_notifications(struct request *request, struct response *response);
status api_tsdb(struct request *request, struct response *response);

/* The members of buildinfo, which /version shows without the envelope. */
void api_status_write_build(struct writer *w);

#endif
