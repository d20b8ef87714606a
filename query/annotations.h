/* Warnings and infos about a query's data.
 *
 * Operators add them from any thread while tiles are filled; equal texts are kept once, with the place in the
 * query that is evaluated last. What happens often (once a series or a step) is merged or guarded by the caller's own
 * "said already" bit.
 */
#ifndef VARVE_QUERY_ANNOTATIONS_H
#define VARVE_QUERY_ANNOTATIONS_H

#include "query/ast.h"
#include "storage/base/map.h"
#include "storage/base/vec.h"

#include <pthread.h>

struct annotation;

struct annotations {
    pthread_mutex_t mutex;
    struct arena arena;
    vec(struct annotation *) list;
    struct map by_text;
};

void annotations_init(struct annotations *annotations);
void annotations_release(struct annotations *annotations);

/* One function for each text; `node` is what the position in the query points to. */
void annotate_bucket(struct annotations *annotations, const struct node *node, str bucket, str metric);
void annotate_sort_in_range(struct annotations *annotations, const struct node *node);
void annotate_not_counter(struct annotations *annotations, const struct node *node, str metric);
void annotate_not_counter_type(struct annotations *annotations, const struct node *node, str type, str metric);
void annotate_operand_types(struct annotations *annotations, const struct node *node, enum operator_kind op,
                            bool left_is_histogram, bool right_is_histogram);
void annotate_layout(struct annotations *annotations, const struct node *node, enum operator_kind op);
void annotate_mixed_group(struct annotations *annotations, const struct node *node);
void annotate_ignored_in_group(struct annotations *annotations, const struct node *node, enum aggregate_kind op);

/* A parameter of `of`, to which the position points. */
void annotate_quantile(struct annotations *annotations, const struct node *of, const struct node *param,
                       double quantile);
void annotate_ratio(struct annotations *annotations, const struct node *of, const struct node *param, double ratio,
                    double capped);

/* What sums of histograms have to tell; `what` is "addition", "subtraction" or "aggregation". */
void annotate_collision(struct annotations *annotations, const struct node *node, const char *what);
void annotate_reconciled(struct annotations *annotations, const struct node *node, const char *what);

/* Texts that end in the name of a metric. */
enum metric_note {
    NOTE_MIXED_KINDS,      /* floats and histograms in one range */
    NOTE_MIXED_SCHEMAS,    /* exponential and custom buckets */
    NOTE_NOT_COUNTER,      /* a native histogram that is a gauge */
    NOTE_NOT_GAUGE,        /* one that is not */
    NOTE_IGNORED_IN_RANGE, /* histograms beside floats */
    NOTE_START_OVERLAP,    /* a start time before the time of the sample before */
    NOTE_CLASSIC_AND_NATIVE,
    NOTE_QUANTILE_NAN, /* from here on the name is only told if there is one */
    NOTE_QUANTILE_SKEWED,
    NOTE_FRACTION_NAN
};
void annotate_metric(struct annotations *annotations, const struct node *node, enum metric_note note, str metric,
                     uint32_t occurrences);

/* Buckets that had to be repaired for histogram_quantile, merged over steps and series of a metric. */
struct bucket_repair {
    double lowest, highest, difference; /* bounds that were touched, largest change */
    int64_t first_ms, last_ms;
    uint64_t count;
};
void annotate_repair(struct annotations *annotations, const struct node *node, str metric,
                     const struct bucket_repair *repair);

/* The texts of one kind in the order of their places: at most 10 and a line that counts the rest. With `text` (the
 * query's) positions are added. Room for 11; returns how many; in the annotations' arena. */
enum { ANNOTATION_LINES_MAX = 11 };
size_t annotations_print(struct annotations *annotations, bool warnings, const str *text, str *lines);

#endif
