/* A label set as text: name and value pairs in protobuf spelling, sorted by name.
 *
 * The bytes are those of the label fields of a remote-write TimeSeries: for each pair 0x0A, length, { 0x0A, length,
 * name, 0x12, length, value }, lengths as varints. A sender that sorts its labels sends this very form, so the bytes of
 * a request can be looked up as they are. The empty value means absent and never occurs in a canonical set.
 */
#ifndef VARVE_TSDB_LABELS_H
#define VARVE_TSDB_LABELS_H

#include "storage/base/arena.h"
#include "storage/base/bytes.h"
#include "storage/base/public.h"
#include "storage/base/status.h"

typedef struct label {
    str name, value;
} label;

/* Canonical label set, borrowed. */
typedef struct labels {
    str bytes;
} labels;

/* No series has more labels than this, whatever the limits say. */
enum { LABELS_MAX = 256 };

/* Limits on what a series may carry; 0 means none. Sizes in bytes. */
struct label_limits {
    uint32_t count_max, name_bytes_max, value_bytes_max;
};

#define METRIC_NAME STR("__name__")

/* Reads the next pair off the front of *rest; false at the end and on malformed bytes, which stay in *rest. */
VARVE_PUBLIC bool labels_next(str *rest, label *out);

/* The value of a label, empty if absent. */
VARVE_PUBLIC str labels_get(labels set, str name);

/* Parses raw label fields in any order into pairs sorted by name: drops pairs with an empty value, checks names (not
 * empty, UTF-8, no duplicates), values (UTF-8), that there is a metric name, and the limits. INVALID with a sentence
 * that names the label otherwise. The pairs' bytes are those of `raw`; the array is in the arena. */
VARVE_PUBLIC status labels_parse(str raw, const struct label_limits *limits, label **out, size_t *count,
                                 struct arena *arena);

/* The canonical form of sorted pairs, appended to `out`. */
VARVE_PUBLIC void labels_write(const label *pairs, size_t count, struct writer *out);

/* Order of two sets of sorted pairs: by the first differing name or value, a proper prefix first. */
VARVE_PUBLIC int labels_compare(const label *a, size_t a_count, const label *b, size_t b_count);

/* {a="x", b="y"} with the name as __name__, for messages; in the arena. */
VARVE_PUBLIC str labels_print(const label *pairs, size_t count, struct arena *arena);

/* Sorts pairs by name. */
VARVE_PUBLIC void labels_sort(label *pairs, size_t count);

/* Whether s is an identifier as metric names ([a-zA-Z_:][a-zA-Z0-9_:]*) and label names (the same without colons) are
 * written unquoted. */
bool labels_is_metric_name(str s);
bool labels_is_label_name(str s);

#endif
