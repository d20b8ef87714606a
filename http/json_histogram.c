/* Native histograms in JSON; see json_histogram.h. */
#include "http/json_histogram.h"

#include "http/json.h"
#include "query/histogram_value.h"
#include "storage/base/number.h"

enum { UPPER_BELONGS = 0, LOWER_BELONGS = 1, BOTH_BELONG = 3 };

static void put_number(struct writer *w, double value)
{
    uint8_t *at = writer_reserve(w, NUMBER_TEXT_MAX + 2);

    *at = '"';
    size_t len = number_format(value, NUMBER_JSON, (char *)at + 1);
    at[len + 1] = '"';
    w->count += len + 2;
}

static void put_bucket(struct writer *w, const struct histogram *h, const struct bucket_view *bucket)
{
    bool is_negative = !histogram_is_custom(h) && !bucket->is_zero && bucket->upper <= 0;

    writer_u8(w, '[');
    json_put_unsigned(w, bucket->is_zero || bucket->is_first_custom ? BOTH_BELONG
                         : is_negative                              ? LOWER_BELONGS
                                                                    : UPPER_BELONGS);
    writer_u8(w, ',');
    put_number(w, bucket->lower);
    writer_u8(w, ',');
    put_number(w, bucket->upper);
    writer_u8(w, ',');
    put_number(w, bucket->count);
    writer_u8(w, ']');
}

void json_put_histogram_point(struct writer *w, int64_t time_ms, const struct histogram *h)
{
    struct bucket_walk walk = {.h = h};
    struct bucket_view bucket;
    bool has_buckets = false;

    writer_u8(w, '[');
    json_put_time(w, time_ms);
    json_put_raw(w, ",{\"count\":");
    put_number(w, h->count);
    json_put_raw(w, ",\"sum\":");
    put_number(w, h->sum);
    while (bucket_walk_next(&walk, &bucket)) {
        if (bucket.count == 0) continue;
        if (has_buckets) {
            writer_u8(w, ',');
        } else {
            json_put_raw(w, ",\"buckets\":[");
        }
        has_buckets = true;
        put_bucket(w, h, &bucket);
    }
    if (has_buckets) writer_u8(w, ']');
    json_put_raw(w, "}]");
}
