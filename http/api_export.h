/* /api/v1/export and /api/v1/export/csv: raw samples as VictoriaMetrics exports them.
 *
 *     match[], start, end; of CSV also format: __name__, label names, __value__, __timestamp__:unix_s|unix_ms|unix_ns|
 *     rfc3339, separated by commas
 *
 * Native histograms and start times are additions of our own to JSON lines, see import_json.c; CSV has no histograms.
 */
#ifndef VARVE_HTTP_API_EXPORT_H
#define VARVE_HTTP_API_EXPORT_H

#include "http/request.h"

status api_export(struct request *request, struct response *response);
status api_export_csv(struct request *request, struct response *response);

#endif
