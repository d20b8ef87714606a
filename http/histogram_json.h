/* Native histograms in JSON lines, for export and import: nothing of them is lost.
 *
 *     {"integer":true,"schema":3,"count":12,"sum":4.5,"z_bucket_w":0.001,"z_bucket":2,"buckets":[[0,1],[1,3]],
 *      "n_buckets":[[4,6]],"custom_values":[…],"counter_reset_hint":"gauge"}
 *
 * The keys are those of the notation for histograms in Prometheus' tests, but buckets are pairs of index and count, and
 * "integer" tells what a count was sent as. Keys may be absent: then the number is 0, the list empty, the hint unknown.
 * Numbers that JSON has none for are the texts "NaN", "Infinity" and "-Infinity".
 */
#ifndef VARVE_HTTP_HISTOGRAM_JSON_H
#define VARVE_HTTP_HISTOGRAM_JSON_H

#include "storage/base/bytes.h"
#include "storage/base/histogram.h"

struct json_t;

void histogram_json_write(const struct histogram *h, struct writer *w);

/* A number that may be one of the texts. */
void histogram_json_write_number(double value, struct writer *w);
bool histogram_json_read_number(const struct json_t *value, double *out);

/* Reads one into the arena; NULL, or why it is none. Whether it makes sense is for histogram_validate to say. */
const char *histogram_json_read(const struct json_t *object, struct arena *arena, const struct histogram **out);

#endif
