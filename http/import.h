/* Formats that are imported line by line: text of Prometheus and OpenMetrics, JSON lines, CSV, Influx' line protocol.
 *
 * A line that can not be read is left out and counted, with its number in the first complaint; all others are taken. */
#ifndef VARVE_HTTP_IMPORT_H
#define VARVE_HTTP_IMPORT_H

#include "http/batch.h"

enum { IMPORT_LABELS_MAX = 128, IMPORT_COLUMNS_MAX = 256 };

/* What comes from the request, not from its lines. Zeroed but for `batch` and `now_ms` is fine. */
struct import {
    struct write_batch *batch;
    int64_t now_ms;     /* time of samples that have none */
    const label *extra; /* labels added to every series; they replace its own */
    size_t extra_count;
    bool is_openmetrics; /* of text: times are in seconds, `# EOF` ends it */
    str format;          /* of CSV: `1:metric:name,2:label:host,3:time:unix_s` */
    int64_t influx_ns;   /* unit of Influx' times; 0: nanoseconds */
    str influx_db;       /* the label `db` of lines that have no such tag; empty: none */
    /* of the line at hand */
    size_t line;
    label pairs[IMPORT_LABELS_MAX];
    size_t pair_count;
};

/* Each appends all lines of a text to the batch. Errors are those that end the import: limits, and a CSV format that
 * makes no sense. */
status import_text(struct import *import, str text);
status import_json(struct import *import, str text);
status import_csv(struct import *import, str text);
status import_influx(struct import *import, str text);

/* For the formats: adds a label of the line; the series of all that were added; a sentence about the line. */
bool import_label(struct import *import, str name, str value);
status import_series(struct import *import, str *out);
void import_reject(struct import *import, const char *why);

/* A list of `name=value` as extra labels; the array is in the arena. False if one has no `=`. */
bool import_read_extra(const str *texts, size_t count, struct arena *arena, label **out);

#endif
