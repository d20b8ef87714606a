/* The command line's flags: one row each, see the table in options.c.
 *
 * Names are those of Prometheus where it has the same thing. `--flag=value` and `--flag value` are one; switches are
 * `--flag` and `--no-flag`. Durations are PromQL's (15d, 1h30m), sizes take B, KB, MB, GB, TB, all powers of 1024.
 */
#ifndef VARVE_HTTP_OPTIONS_H
#define VARVE_HTTP_OPTIONS_H

#include "query/query.h"
#include "storage/base/log.h"
#include "tsdb/db.h"

#include <stdio.h>

/* Which command a flag belongs to; bits. */
enum command {
    COMMAND_SERVE = 1,
    COMMAND_INSTANT = 2,
    COMMAND_RANGE = 4,
    COMMAND_IMPORT = 8,
    COMMAND_EXPORT = 16,
    COMMAND_INSPECT = 32
};

enum { OPTIONS_MAX = 64, MATCHES_MAX = 64 };

/* Texts borrow from the command line. */
struct settings {
    str data_path;
    uint64_t retention_bytes;
    int64_t delete_undo_ms;
    uint64_t tombstones_max;
    int64_t scrub_interval_ms;
    int64_t retention_ms, out_of_order_ms, future_max_ms, sync_interval_ms;
    uint64_t memory_bytes, cache_bytes, reserve_bytes, series_max, metadata_max, exemplar_bytes;
    uint64_t labels_max, label_name_bytes_max, label_value_bytes_max;
    str listen_address, external_url, route_prefix, cors_origin, web_config_path, config_path;
    uint64_t connections_max, address_connections_max, body_bytes, answer_bytes;
    int64_t read_timeout_ms;
    bool enable_lifecycle, enable_admin;
    int64_t lookback_ms, query_timeout_ms;
    uint64_t read_samples_max, streams_max, query_concurrency, query_samples_max, query_bytes, query_total_bytes,
        query_threads, query_queue, query_text_bytes, query_points_max;
    unsigned features;
    enum log_level log_level;
    str time, start, end, step; /* of the query command, as the API takes them */
    str from, to;               /* of the export command, alike */
    str match[MATCHES_MAX];     /* selectors, in their order */
    size_t match_count;
    bool explain;   /* of the query command */
    uint64_t limit; /* of the inspect command */
    bool json;
    str texts[OPTIONS_MAX]; /* each flag's value as it was written, in the order of the table */
};

/* Reads the flags of a command; what is no flag, and all after `--`, goes to `rest` (room for argument_count), in
 * order. INVALID with a sentence for people. */
status options_parse(enum command command, int argument_count, char *const *arguments, struct settings *out, str *rest,
                     size_t *rest_count);

/* Prints the flags of a command with their defaults. */
void options_print(enum command command, FILE *out);

/* All flags: their number, whose they are, what they are called and what they were set to. */
size_t options_count(void);
bool options_is_of(size_t index, enum command command);
str options_name(size_t index);
str options_text(const struct settings *settings, size_t index);

/* What the layers below make of the settings. */
struct db_options options_for_db(const struct settings *settings, struct fs *fs);
struct engine_options options_for_engine(const struct settings *settings);

/* The text most like a misspelt one among `count`, or an empty one if none is near. */
str options_nearest(str text, const str *candidates, size_t count);

#endif
