/* Scripts of the PromQL test language: files of `clear`, `load` and `eval` commands.
 *
 * A script is parsed whole before anything runs. Everything lives in the arena it was read into.
 */
#ifndef VARVE_TESTS_CONFORMANCE_SCRIPT_H
#define VARVE_TESTS_CONFORMANCE_SCRIPT_H

#include "query/ast.h"
#include "query/features.h"
#include "storage/base/histogram.h"
#include "tsdb/labels.h"

/* Every part of the language that is behind a feature may occur. */
enum { ALL_FEATURES = FEATURE_EXPERIMENTAL_FUNCTIONS | FEATURE_EXTENDED_RANGE_SELECTORS | FEATURE_FILL_MODIFIERS };

/* One slot of a series: left out, a float, or a native histogram. */
struct item {
    enum { ITEM_OMITTED, ITEM_FLOAT, ITEM_HISTOGRAM } kind;
    double value;
    const struct histogram *histogram;
    bool has_hint; /* a counter reset hint was written */
    bool has_start;
    int64_t start_offset_ms; /* start time, from the time of the sample */
};

struct series {
    const label *labels;
    size_t label_count;
    struct item *items;
    size_t item_count;
};

/* What the annotations of one kind, or an error, must look like. */
struct expectation {
    enum { EXPECT_FAIL, EXPECT_WARN, EXPECT_INFO, EXPECT_NO_WARN, EXPECT_NO_INFO, EXPECT_ORDERED } kind;
    enum { MATCH_ANYTHING, MATCH_TEXT, MATCH_PATTERN } match;
    str text;
};

struct eval {
    bool is_range;
    int64_t start_ms, end_ms, step_ms; /* instant: start */
    str query;
    struct node *tree; /* parsed; may be rewritten */
    struct expectation *expectations;
    size_t expectation_count;
    struct series *series; /* expected, in their order */
    size_t series_count;
    bool expects_scalar, expects_string, expects_range_vector;
    double scalar;
    str string;
    int64_t range_start_ms, range_end_ms, range_step_ms; /* of an expected range vector */
};

struct command {
    enum { COMMAND_CLEAR, COMMAND_LOAD, COMMAND_EVAL } kind;
    uint32_t line; /* from 1 */
    /* load */
    int64_t step_ms;
    bool with_nhcb;
    struct series *series;
    size_t series_count;
    struct eval eval;
};

struct script {
    struct command *commands;
    size_t command_count;
};

/* Parses a script. False with "line: sentence" in *error if it is none. */
bool script_parse(str text, struct script *out, struct arena *arena, str *error);

/* Parses a series description: a metric and its items. */
bool series_parse(str line, struct series *out, struct arena *arena, str *error);

/* Reads the start times of a line that ends in @st into the items of the line after it; false if they do not go
 * together. */
bool start_times_parse(str line, struct series *series, struct arena *arena, str *error);

/* A native histogram from what stands between {{ and }}. */
bool histogram_item_parse(str text, struct item *out, struct arena *arena);

/* Adds factor (1 or -1) times another histogram; false if the two do not go together. */
bool histogram_item_add(struct item *item, const struct item *change, double factor, struct arena *arena);

/* Whether an eval has an expectation of a kind. */
bool eval_expects(const struct eval *eval, int kind);

/* A number as scripts write it: decimal, Inf or NaN in any case, underscores between digits. */
bool script_number(str text, double *out);

#endif
