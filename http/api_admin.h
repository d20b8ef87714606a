/* /api/v1/admin/tsdb/…: off unless --web.enable-admin-api is given. */
#ifndef VARVE_HTTP_API_ADMIN_H
#define VARVE_HTTP_API_ADMIN_H

#include "http/request.h"

status api_delete_series(struct request *request, struct response *response);
status api_undelete(struct request *request, struct response *response);
status api_tombstones(struct request *request, struct response *response);

/* They answer when all is on disk. */
status api_snapshot(struct request *request, struct response *response);
status api_clean_tombstones(struct request *request, struct response *response);
status api_freeze(struct request *request, struct response *response);
status api_compact(struct request *request, struct response *response);

/* False when the response says that all this is switched off. */
bool api_admin_is_enabled(const struct request *request, struct response *response);

#endif
