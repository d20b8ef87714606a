/* Imports in the formats of http/import.h, at the addresses that clients of VictoriaMetrics and InfluxDB use.
 *
 *     /api/v1/import/prometheus    text; OpenMetrics by its Content-Type; timestamp=MS, extra_label=name=value
 *     /api/v1/import               JSON lines; extra_label
 *     /api/v1/import/csv           format=…; extra_label
 *     /write, /influx/write, /api/v2/write, /influx/api/v2/write      precision=ns|us|ms|s…, db= becomes a label
 *
 * 204 when all is stored; else as remote-write 1.0. */
#ifndef VARVE_HTTP_API_IMPORT_H
#define VARVE_HTTP_API_IMPORT_H

#include "http/request.h"

bool api_import_admits(struct request *request, struct response *response);
status api_import_prometheus(struct request *request, struct response *response);
status api_import_json(struct request *request, struct response *response);
status api_import_csv(struct request *request, struct response *response);
status api_import_influx(struct request *request, struct response *response);

#endif
