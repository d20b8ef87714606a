/* The function registry; see functions.h. */
#include "query/functions.h"

#include "query/each.h"
#include "query/plan.h"
#include "query/window.h"

#include <assert.h>

/* How rows become stages: by a kernel over elements, parts of a time or windows, a number, a constructor of their own.
 */
#define EACH(kernel)      .how.make = plan_each, .how.each = each_##kernel
#define DATE(part)        .how.make = plan_date, .how.date = date_##part, FOLLOWS_TIME
#define WINDOW(kernel)    .how.make = plan_window, .how.window = &window_##kernel
#define FOLD(value)       .how.folds = FOLDS_##value
#define CALL(constructor) .how.make = plan_##constructor
#define FOLLOWS_TIME      .how.follows_time = true

/* In the order of names. */
static const struct function functions[] = {
    {"abs", "v", VALUE_VECTOR, false, "The absolute value of each sample.", EACH(abs)},
    {"absent", "v", VALUE_VECTOR, false, "One element of value 1 if the vector is empty, and nothing otherwise.",
     CALL(absent)},
    {"absent_over_time", "m", VALUE_VECTOR, false,
     "One element of value 1 if the range holds no sample, and nothing otherwise.", CALL(absent_over_time)},
    {"acos", "v", VALUE_VECTOR, false, "The arc cosine of each sample, in radians.", EACH(acos)},
    {"acosh", "v", VALUE_VECTOR, false, "The inverse hyperbolic cosine of each sample.", EACH(acosh)},
    {"asin", "v", VALUE_VECTOR, false, "The arc sine of each sample, in radians.", EACH(asin)},
    {"asinh", "v", VALUE_VECTOR, false, "The inverse hyperbolic sine of each sample.", EACH(asinh)},
    {"atan", "v", VALUE_VECTOR, false, "The arc tangent of each sample, in radians.", EACH(atan)},
    {"atanh", "v", VALUE_VECTOR, false, "The inverse hyperbolic tangent of each sample.", EACH(atanh)},
    {"avg_over_time", "m", VALUE_VECTOR, false, "The mean of the samples in the range.", WINDOW(avg)},
    {"ceil", "v", VALUE_VECTOR, false, "Each sample rounded up to an integer.", EACH(ceil)},
    {"changes", "m", VALUE_VECTOR, false, "How often the value changed in the range.", WINDOW(changes)},
    {"clamp", "vss", VALUE_VECTOR, false, "Each sample limited to lie between a minimum and a maximum.", CALL(clamp)},
    {"clamp_max", "vs", VALUE_VECTOR, false, "Each sample limited to a maximum.", CALL(clamp_max)},
    {"clamp_min", "vs", VALUE_VECTOR, false, "Each sample limited to a minimum.", CALL(clamp_min)},
    {"cos", "v", VALUE_VECTOR, false, "The cosine of each sample, which is in radians.", EACH(cos)},
    {"cosh", "v", VALUE_VECTOR, false, "The hyperbolic cosine of each sample.", EACH(cosh)},
    {"count_over_time", "m", VALUE_VECTOR, false, "The number of samples in the range.", WINDOW(count)},
    {"day_of_month", "v?", VALUE_VECTOR, false,
     "The day of the month, 1 to 31, of each sample taken as a Unix time, or of the evaluation time.",
     DATE(day_of_month)},
    {"day_of_week", "v?", VALUE_VECTOR, false,
     "The day of the week, 0 for Sunday to 6, of each sample taken as a Unix time, or of the evaluation time.",
     DATE(day_of_week)},
    {"day_of_year", "v?", VALUE_VECTOR, false,
     "The day of the year, 1 to 366, of each sample taken as a Unix time, or of the evaluation time.",
     DATE(day_of_year)},
    {"days_in_month", "v?", VALUE_VECTOR, false,
     "The number of days in the month of each sample taken as a Unix time, or of the evaluation time.",
     DATE(days_in_month)},
    {"deg", "v", VALUE_VECTOR, false, "Each sample converted from radians to degrees.", EACH(deg)},
    {"delta", "m", VALUE_VECTOR, false,
     "The difference between the last and the first value of a gauge, extrapolated to the whole range.", WINDOW(delta)},
    {"deriv", "m", VALUE_VECTOR, false, "The increase per second of a gauge by linear regression.", WINDOW(deriv)},
    {"double_exponential_smoothing", "mss", VALUE_VECTOR, true,
     "The range smoothed by a smoothing factor and a trend factor, each between 0 and 1.", WINDOW(smoothing)},
    {"end", "", VALUE_SCALAR, true, "The end of the query's time range as a Unix time.", FOLD(END)},
    {"exp", "v", VALUE_VECTOR, false, "The exponential function of each sample.", EACH(exp)},
    {"first_over_time", "m", VALUE_VECTOR, false, "The oldest sample in the range.", WINDOW(first)},
    {"floor", "v", VALUE_VECTOR, false, "Each sample rounded down to an integer.", EACH(floor)},
    {"histogram_avg", "v", VALUE_VECTOR, false, "The mean of the observations in each native histogram.",
     CALL(histogram_avg)},
    {"histogram_count", "v", VALUE_VECTOR, false, "The number of observations in each native histogram.",
     CALL(histogram_count)},
    {"histogram_fraction", "ssv", VALUE_VECTOR, false,
     "The estimated fraction of observations between a lower and an upper bound.", CALL(histogram_fraction)},
    {"histogram_quantile", "sv", VALUE_VECTOR, false,
     "The estimated quantile of observations in classic or native histograms.", CALL(histogram_quantile)},
    {"histogram_quantiles", "vtss*9", VALUE_VECTOR, true,
     "Up to ten estimated quantiles of observations, told apart by a label with the given name.",
     CALL(histogram_quantiles)},
    {"histogram_stddev", "v", VALUE_VECTOR, false,
     "The estimated standard deviation of the observations in each native histogram.", CALL(histogram_stddev)},
    {"histogram_stdvar", "v", VALUE_VECTOR, false,
     "The estimated variance of the observations in each native histogram.", CALL(histogram_stdvar)},
    {"histogram_sum", "v", VALUE_VECTOR, false, "The sum of the observations in each native histogram.",
     CALL(histogram_sum)},
    {"hour", "v?", VALUE_VECTOR, false,
     "The hour of the day, 0 to 23 in UTC, of each sample taken as a Unix time, or of the evaluation time.",
     DATE(hour)},
    {"idelta", "m", VALUE_VECTOR, false, "The difference between the two newest samples in the range.", WINDOW(idelta)},
    {"increase", "m", VALUE_VECTOR, false,
     "The increase of a counter, adjusted for resets and extrapolated to the whole range.", WINDOW(increase)},
    {"info", "vl?", VALUE_VECTOR, true, "The vector with labels added from matching info series.", CALL(info)},
    {"irate", "m", VALUE_VECTOR, false,
     "The increase per second of a counter between the two newest samples in the range.", WINDOW(irate)},
    {"label_join", "vttt*", VALUE_VECTOR, false,
     "The vector with a label that joins the values of other labels by a separator.", CALL(label_join)},
    {"label_replace", "vtttt", VALUE_VECTOR, false,
     "The vector with a label set to an expanded replacement where another label matches a regular expression.",
     CALL(label_replace)},
    {"last_over_time", "m", VALUE_VECTOR, false, "The newest sample in the range.", WINDOW(last)},
    {"ln", "v", VALUE_VECTOR, false, "The natural logarithm of each sample.", EACH(ln)},
    {"log10", "v", VALUE_VECTOR, false, "The decimal logarithm of each sample.", EACH(log10)},
    {"log2", "v", VALUE_VECTOR, false, "The binary logarithm of each sample.", EACH(log2)},
    {"mad_over_time", "m", VALUE_VECTOR, true, "The median of the absolute deviations from the median in the range.",
     WINDOW(mad)},
    {"max_of", "ss", VALUE_SCALAR, true, "The greater of two scalars.", CALL(max_of)},
    {"max_over_time", "m", VALUE_VECTOR, false, "The greatest value in the range.", WINDOW(max)},
    {"min_of", "ss", VALUE_SCALAR, true, "The lesser of two scalars.", CALL(min_of)},
    {"min_over_time", "m", VALUE_VECTOR, false, "The least value in the range.", WINDOW(min)},
    {"minute", "v?", VALUE_VECTOR, false,
     "The minute of the hour, 0 to 59, of each sample taken as a Unix time, or of the evaluation time.", DATE(minute)},
    {"month", "v?", VALUE_VECTOR, false,
     "The month, 1 to 12, of each sample taken as a Unix time, or of the evaluation time.", DATE(month)},
    {"pi", "", VALUE_SCALAR, false, "The number pi.", CALL(pi)},
    {"predict_linear", "ms", VALUE_VECTOR, false,
     "The value of a gauge that many seconds from now by linear regression.", WINDOW(predict_linear), FOLLOWS_TIME},
    {"present_over_time", "m", VALUE_VECTOR, false, "The value 1 for each series with a sample in the range.",
     WINDOW(present)},
    {"quantile_over_time", "sm", VALUE_VECTOR, false, "The quantile of the values in the range.", WINDOW(quantile)},
    {"rad", "v", VALUE_VECTOR, false, "Each sample converted from degrees to radians.", EACH(rad)},
    {"range", "", VALUE_SCALAR, true, "The length of the query's time range in seconds.", FOLD(RANGE)},
    {"rate", "m", VALUE_VECTOR, false,
     "The increase per second of a counter, adjusted for resets and extrapolated to the whole range.", WINDOW(rate)},
    {"resets", "m", VALUE_VECTOR, false, "How often a counter was reset in the range.", WINDOW(resets)},
    {"round", "vs?", VALUE_VECTOR, false, "Each sample rounded to the nearest multiple of a number, 1 unless given.",
     CALL(round)},
    {"scalar", "v", VALUE_SCALAR, false, "The value of the only element of a vector, or NaN.", CALL(scalar)},
    {"sgn", "v", VALUE_VECTOR, false, "The sign of each sample: 1, 0 or -1.", EACH(sgn)},
    {"sin", "v", VALUE_VECTOR, false, "The sine of each sample, which is in radians.", EACH(sin)},
    {"sinh", "v", VALUE_VECTOR, false, "The hyperbolic sine of each sample.", EACH(sinh)},
    {"sort", "v", VALUE_VECTOR, false, "The elements in ascending order of value.", CALL(sort)},
    {"sort_by_label", "vt*", VALUE_VECTOR, true, "The elements in natural ascending order of the given labels.",
     CALL(sort_by_label)},
    {"sort_by_label_desc", "vt*", VALUE_VECTOR, true, "The elements in natural descending order of the given labels.",
     CALL(sort_by_label_desc)},
    {"sort_desc", "v", VALUE_VECTOR, false, "The elements in descending order of value.", CALL(sort_desc)},
    {"sqrt", "v", VALUE_VECTOR, false, "The square root of each sample.", EACH(sqrt)},
    {"start", "", VALUE_SCALAR, true, "The start of the query's time range as a Unix time.", FOLD(START)},
    {"start_timestamp", "v", VALUE_VECTOR, true, "The start time of each sample as a Unix time.",
     CALL(start_timestamp)},
    {"stddev_over_time", "m", VALUE_VECTOR, false, "The population standard deviation of the values in the range.",
     WINDOW(stddev)},
    {"stdvar_over_time", "m", VALUE_VECTOR, false, "The population variance of the values in the range.",
     WINDOW(stdvar)},
    {"step", "", VALUE_SCALAR, true, "The step of the query in seconds.", FOLD(STEP)},
    {"sum_over_time", "m", VALUE_VECTOR, false, "The sum of the values in the range.", WINDOW(sum)},
    {"tan", "v", VALUE_VECTOR, false, "The tangent of each sample, which is in radians.", EACH(tan)},
    {"tanh", "v", VALUE_VECTOR, false, "The hyperbolic tangent of each sample.", EACH(tanh)},
    {"time", "", VALUE_SCALAR, false, "The evaluation time as a Unix time.", CALL(time), FOLLOWS_TIME},
    {"timestamp", "v", VALUE_VECTOR, false, "The time of each sample as a Unix time.", CALL(timestamp), FOLLOWS_TIME},
    {"ts_of_first_over_time", "m", VALUE_VECTOR, true, "The time of the oldest sample in the range as a Unix time.",
     WINDOW(ts_of_first)},
    {"ts_of_last_over_time", "m", VALUE_VECTOR, true, "The time of the newest sample in the range as a Unix time.",
     WINDOW(ts_of_last)},
    {"ts_of_max_over_time", "m", VALUE_VECTOR, true,
     "The time of the last sample with the greatest value in the range as a Unix time.", WINDOW(ts_of_max)},
    {"ts_of_min_over_time", "m", VALUE_VECTOR, true,
     "The time of the last sample with the least value in the range as a Unix time.", WINDOW(ts_of_min)},
    {"vector", "s", VALUE_VECTOR, false, "The scalar as a vector of one element without labels.", CALL(vector)},
    {"year", "v?", VALUE_VECTOR, false, "The year of each sample taken as a Unix time, or of the evaluation time.",
     DATE(year)},
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
