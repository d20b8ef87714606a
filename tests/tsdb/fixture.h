/* What tests of tsdb share: options of a small db, series written as text, one sample in, all samples out. */
#ifndef VARVE_TESTS_TSDB_FIXTURE_H
#define VARVE_TESTS_TSDB_FIXTURE_H

#include "storage/base/log.h"
#include "tsdb/db.h"
#include "tsdb/head.h"
#include "tsdb/snapshot.h"

/* A db that does nothing by itself: no thread, no clock rules, small log segments. */
struct db_options fixture_options(struct fs *fs);
struct db *fixture_open(struct fs *fs);

/* Closes it, and its folder passes the check. */
void fixture_close(struct db *db);

/* Checks a folder that no db has open; its first finding as text, empty if there is none. */
enum { FIXTURE_FINDING_BYTES = 300 };
void fixture_check(struct fs *fs, char finding[FIXTURE_FINDING_BYTES]);

/* A sink for log lines. */
void fixture_quiet(void *context, enum log_level level, str line);

/* A series as text: metric name, then labels, "up job=api mode=x", in any order. Sorted pairs, or raw label fields in
 * the order of the text. */
void fixture_pairs(const char *text, struct arena *arena, label **out, size_t *count);
str fixture_raw(const char *text, struct arena *arena);

/* Matchers as text, "__name__=up job!=a mode=~x|y z!~.+"; returns how many, at most 8. */
size_t fixture_matchers(const char *text, struct matcher *out, struct arena *arena);

/* The id of a series in a registry, added if it is not there; what was added is appended to `registration` (may be
 * NULL). */
uint32_t fixture_register(struct registry *registry, const char *text, struct writer *registration);

/* Sends one sample; the result tells what became of it. */
status fixture_try(struct db *db, const char *series, int64_t time_ms, double value, struct append_result *result);

/* As fixture_try, and it must be stored. */
void fixture_append(struct db *db, const char *series, int64_t time_ms, double value);

/* All samples in (from, to] of the series that match, as text: "up{job=\"a\"} 1@1000 2@2000" in lines, sorted; without
 * labels of series that have no samples. */
str fixture_read(struct db *db, const char *matchers, int64_t from_ms, int64_t to_ms, struct arena *arena);

/* What selection_read_chunks gives of a row must be what selection_read gives. Returns how many chunks were passed on,
 * and in *decoded how many samples were not. */
size_t fixture_check_chunks(const struct selection *selection, uint32_t row, size_t *decoded);

#endif
