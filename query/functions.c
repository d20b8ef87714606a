/* The function registry; see functions.h. */
#include "query/functions.h"

#include <assert.h>

/* In the order of names. */
static const struct function functions[] = {
    {"abs", "v", VALUE_VECTOR, false, "The absolute value of each sample."},
    {"absent", "v", VALUE_VECTOR, false, "One element of value 1 if the vector is empty, and nothing otherwise."},
    {"absent_over_time", "m", VALUE_VECTOR, false,
     "One element of value 1 if the range holds no sample, and nothing otherwise."},
    {"acos", "v", VALUE_VECTOR, false, "The arc cosine of each sample, in radians."},
    {"acosh", "v", VALUE_VECTOR, false, "The inverse hyperbolic cosine of each sample."},
    {"asin", "v", VALUE_VECTOR, false, "The arc sine of each sample, in radians."},
    {"asinh", "v", VALUE_VECTOR, false, "The inverse hyperbolic sine of each sample."},
    {"atan", "v", VALUE_VECTOR, false, "The arc tangent of each sample, in radians."},
    {"atanh", "v", VALUE_VECTOR, false, "The inverse hyperbolic tangent of each sample."},
    {"avg_over_time", "m", VALUE_VECTOR, false, "The mean of the samples in the range."},
    {"ceil", "v", VALUE_VECTOR, false, "Each sample rounded up to an integer."},
    {"changes", "m", VALUE_VECTOR, false, "How often the value changed in the range."},
    {"clamp", "vss", VALUE_VECTOR, false, "Each sample limited to lie between a minimum and a maximum."},
    {"clamp_max", "vs", VALUE_VECTOR, false, "Each sample limited to a maximum."},
    {"clamp_min", "vs", VALUE_VECTOR, false, "Each sample limited to a minimum."},
    {"cos", "v", VALUE_VECTOR, false, "The cosine of each sample, which is in radians."},
    {"cosh", "v", VALUE_VECTOR, false, "The hyperbolic cosine of each sample."},
    {"count_over_time", "m", VALUE_VECTOR, false, "The number of samples in the range."},
    {"day_of_month", "v?", VALUE_VECTOR, false,
     "The day of the month, 1 to 31, of each sample taken as a Unix time, or of the evaluation time."},
    {"day_of_week", "v?", VALUE_VECTOR, false,
     "The day of the week, 0 for Sunday to 6, of each sample taken as a Unix time, or of the evaluation time."},
    {"day_of_year", "v?", VALUE_VECTOR, false,
     "The day of the year, 1 to 366, of each sample taken as a Unix time, or of the evaluation time."},
    {"days_in_month", "v?", VALUE_VECTOR, false,
     "The number of days in the month of each sample taken as a Unix time, or of the evaluation time."},
    {"deg", "v", VALUE_VECTOR, false, "Each sample converted from radians to degrees."},
    {"delta", "m", VALUE_VECTOR, false,
     "The difference between the last and the first value of a gauge, extrapolated to the whole range."},
    {"deriv", "m", VALUE_VECTOR, false, "The increase per second of a gauge by linear regression."},
    {"double_exponential_smoothing", "mss", VALUE_VECTOR, true,
     "The range smoothed by a smoothing factor and a trend factor, each between 0 and 1."},
    {"end", "", VALUE_SCALAR, true, "The end of the query's time range as a Unix time."},
    {"exp", "v", VALUE_VECTOR, false, "The exponential function of each sample."},
    {"first_over_time", "m", VALUE_VECTOR, false, "The oldest sample in the range."},
    {"floor", "v", VALUE_VECTOR, false, "Each sample rounded down to an integer."},
    {"histogram_avg", "v", VALUE_VECTOR, false, "The mean of the observations in each native histogram."},
    {"histogram_count", "v", VALUE_VECTOR, false, "The number of observations in each native histogram."},
    {"histogram_fraction", "ssv", VALUE_VECTOR, false,
     "The estimated fraction of observations between a lower and an upper bound."},
    {"histogram_quantile", "sv", VALUE_VECTOR, false,
     "The estimated quantile of observations in classic or native histograms."},
    {"histogram_quantiles", "vtss*9", VALUE_VECTOR, true,
     "Up to ten estimated quantiles of observations, told apart by a label with the given name."},
    {"histogram_stddev", "v", VALUE_VECTOR, false,
     "The estimated standard deviation of the observations in each native histogram."},
    {"histogram_stdvar", "v", VALUE_VECTOR, false,
     "The estimated variance of the observations in each native histogram."},
    {"histogram_sum", "v", VALUE_VECTOR, false, "The sum of the observations in each native histogram."},
    {"hour", "v?", VALUE_VECTOR, false,
     "The hour of the day, 0 to 23 in UTC, of each sample taken as a Unix time, or of the evaluation time."},
    {"idelta", "m", VALUE_VECTOR, false, "The difference between the two newest samples in the range."},
    {"increase", "m", VALUE_VECTOR, false,
     "The increase of a counter, adjusted for resets and extrapolated to the whole range."},
    {"info", "vl?", VALUE_VECTOR, true, "The vector with labels added from matching info series."},
    {"irate", "m", VALUE_VECTOR, false,
     "The increase per second of a counter between the two newest samples in the range."},
    {"label_join", "vttt*", VALUE_VECTOR, false,
     "The vector with a label that joins the values of other labels by a separator."},
    {"label_replace", "vtttt", VALUE_VECTOR, false,
     "The vector with a label set to an expanded replacement where another label matches a regular expression."},
    {"last_over_time", "m", VALUE_VECTOR, false, "The newest sample in the range."},
    {"ln", "v", VALUE_VECTOR, false, "The natural logarithm of each sample."},
    {"log10", "v", VALUE_VECTOR, false, "The decimal logarithm of each sample."},
    {"log2", "v", VALUE_VECTOR, false, "The binary logarithm of each sample."},
    {"mad_over_time", "m", VALUE_VECTOR, true, "The median of the absolute deviations from the median in the range."},
    {"max_of", "ss", VALUE_SCALAR, true, "The greater of two scalars."},
    {"max_over_time", "m", VALUE_VECTOR, false, "The greatest value in the range."},
    {"min_of", "ss", VALUE_SCALAR, true, "The lesser of two scalars."},
    {"min_over_time", "m", VALUE_VECTOR, false, "The least value in the range."},
    {"minute", "v?", VALUE_VECTOR, false,
     "The minute of the hour, 0 to 59, of each sample taken as a Unix time, or of the evaluation time."},
    {"month", "v?", VALUE_VECTOR, false,
     "The month, 1 to 12, of each sample taken as a Unix time, or of the evaluation time."},
    {"pi", "", VALUE_SCALAR, false, "The number pi."},
    {"predict_linear", "ms", VALUE_VECTOR, false,
     "The value of a gauge that many seconds from now by linear regression."},
    {"present_over_time", "m", VALUE_VECTOR, false, "The value 1 for each series with a sample in the range."},
    {"quantile_over_time", "sm", VALUE_VECTOR, false, "The quantile of the values in the range."},
    {"rad", "v", VALUE_VECTOR, false, "Each sample converted from degrees to radians."},
    {"range", "", VALUE_SCALAR, true, "The length of the query's time range in seconds."},
    {"rate", "m", VALUE_VECTOR, false,
     "The increase per second of a counter, adjusted for resets and extrapolated to the whole range."},
    {"resets", "m", VALUE_VECTOR, false, "How often a counter was reset in the range."},
    {"round", "vs?", VALUE_VECTOR, false, "Each sample rounded to the nearest multiple of a number, 1 unless given."},
    {"scalar", "v", VALUE_SCALAR, false, "The value of the only element of a vector, or NaN."},
    {"sgn", "v", VALUE_VECTOR, false, "The sign of each sample: 1, 0 or -1."},
    {"sin", "v", VALUE_VECTOR, false, "The sine of each sample, which is in radians."},
    {"sinh", "v", VALUE_VECTOR, false, "The hyperbolic sine of each sample."},
    {"sort", "v", VALUE_VECTOR, false, "The elements in ascending order of value."},
    {"sort_by_label", "vt*", VALUE_VECTOR, true, "The elements in natural ascending order of the given labels."},
    {"sort_by_label_desc", "vt*", VALUE_VECTOR, true, "The elements in natural descending order of the given labels."},
    {"sort_desc", "v", VALUE_VECTOR, false, "The elements in descending order of value."},
    {"sqrt", "v", VALUE_VECTOR, false, "The square root of each sample."},
    {"start", "", VALUE_SCALAR, true, "The start of the query's time range as a Unix time."},
    {"start_timestamp", "v", VALUE_VECTOR, true, "The start time of each sample as a Unix time."},
    {"stddev_over_time", "m", VALUE_VECTOR, false, "The population standard deviation of the values in the range."},
    {"stdvar_over_time", "m", VALUE_VECTOR, false, "The population variance of the values in the range."},
    {"step", "", VALUE_SCALAR, true, "The step of the query in seconds."},
    {"sum_over_time", "m", VALUE_VECTOR, false, "The sum of the values in the range."},
    {"tan", "v", VALUE_VECTOR, false, "The tangent of each sample, which is in radians."},
    {"tanh", "v", VALUE_VECTOR, false, "The hyperbolic tangent of each sample."},
    {"time", "", VALUE_SCALAR, false, "The evaluation time as a Unix time."},
    {"timestamp", "v", VALUE_VECTOR, false, "The time of each sample as a Unix time."},
    {"ts_of_first_over_time", "m", VALUE_VECTOR, true, "The time of the oldest sample in the range as a Unix time."},
    {"ts_of_last_over_time", "m", VALUE_VECTOR, true, "The time of the newest sample in the range as a Unix time."},
    {"ts_of_max_over_time", "m", VALUE_VECTOR, true,
     "The time of the last sample with the greatest value in the range as a Unix time."},
    {"ts_of_min_over_time", "m", VALUE_VECTOR, true,
     "The time of the last sample with the least value in the range as a Unix time."},
    {"vector", "s", VALUE_VECTOR, false, "The scalar as a vector of one element without labels."},
    {"year", "v?", VALUE_VECTOR, false, "The year of each sample taken as a Unix time, or of the evaluation time."},
};

enum { FUNCTION_COUNT = sizeof functions / sizeof functions[0] };

const struct function *functions_find(str name)
{
    size_t first = 0, end = FUNCTION_COUNT;

    while (first < end) {
        size_t middle = first + (end - first) / 2;
        int order = str_compare(name, str_from(functions[middle].name));
        if (order == 0) return &functions[middle];
        if (order < 0) {
            end = middle;
        } else {
            first = middle + 1;
        }
    }
    return NULL;
}

enum { NAME_BYTES_MAX = 40 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How many letters must be inserted, deleted, replaced or swapped with a neighbour to make one name of the other. */
static size_t distance(const char *name, str b)
{
    str a = str_from(name);
    size_t rows[3][NAME_BYTES_MAX + 1]; /* the last three rows of the table of distances between prefixes */

    assert(b.len <= NAME_BYTES_MAX);
    for (size_t j = 0; j <= b.len; j++) rows[0][j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        const size_t *before = rows[(i + 1) % 3], *above = rows[(i - 1) % 3];
        size_t *row = rows[i % 3];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            bool same = a.data[i - 1] == b.data[j - 1];
            row[j] = least(above[j - 1] + !same, least(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a.data[i - 1] == b.data[j - 2] && a.data[i - 2] == b.data[j - 1])
                row[j] = least(row[j], before[j - 2] + 1);
        }
    }
    return rows[a.len % 3][b.len];
}

const char *functions_nearest(str name)
{
    size_t best = name.len / 3 + 1; /* with a third of the letters wrong it is hardly a misspelling */
    const char *nearest = NULL;

    if (name.len > NAME_BYTES_MAX) return NULL;
    for (size_t i = 0; i < FUNCTION_COUNT + AGGREGATE_LIMIT_RATIO + 1; i++) {
        const char *candidate =
            i < FUNCTION_COUNT ? functions[i].name : aggregate_text((enum aggregate_kind)(i - FUNCTION_COUNT)).data;
        size_t found = distance(candidate, name);
        if (found < best) {
            best = found;
            nearest = candidate;
        }
    }
    return nearest;
}

static enum value_type letter_type(char letter)
{
    switch (letter) {
    case 's': return VALUE_SCALAR;
    case 'm': return VALUE_MATRIX;
    case 't': return VALUE_STRING;
    case 'v':
    case 'l': return VALUE_VECTOR;
    default: assert(false); return VALUE_NONE;
    }
}

struct signature functions_signature(const struct function *function)
{
    struct signature signature = {0};

    for (const char *at = function->takes; *at; at++) {
        if (*at == '?') {
            signature.variadic = 1;
        } else if (*at == '*') {
            signature.variadic = -1;
        } else if (*at >= '1' && *at <= '9') {
            signature.variadic = *at - '0';
        } else {
            assert(signature.count < FUNCTION_ARGS_MAX && signature.variadic == 0);
            signature.types[signature.count++] = letter_type(*at);
        }
    }
    return signature;
}

const struct function *functions_all(size_t *count)
{
    *count = FUNCTION_COUNT;
    return functions;
}
