/* What series there are; see api_labels.h.
 *
 * Several match[] sets are a union. Names, values and series come out sorted and without duplicates.
 */
#include "http/api_labels.h"

#include "http/escape.h"
#include "http/json.h"
#include "http/look_up.h"
#include "tsdb/snapshot.h"

#include <stdlib.h>

enum { LOOK_EVERY = 4096 }; /* rows between looks at the client and the budget */

static void write_warned(const struct look_up *look, struct response *response, bool truncated)
{
    str warnings[SNAPSHOT_WARNINGS_MAX + 1];
    size_t count = snapshot_warnings(look->snapshot, warnings);

    if (truncated) warnings[count++] = STR(RESPONSE_TRUNCATED);
    response_close_data(response, warnings, count, NULL, 0);
}

/* Writes the list of names, or of values if there is a name. */
static status answer_list(struct look_up *look, str name, struct response *response)
{
    str *texts;
    size_t count;
    bool truncated = false;

    look_up_take_snapshot(look);
    status s = look_up_list(look, name, &texts, &count, &truncated);
    if (!failed(s)) {
        if (look->limit && count > look->limit) {
            count = look->limit;
            truncated = true;
        }
        json_put_raw(response_open_data(response), "[");
        for (size_t i = 0; i < count; i++) {
            struct writer *w = response_writer(response);
            if (i) writer_u8(w, ',');
            json_put_string(w, texts[i]);
        }
        json_put_raw(response_writer(response), "]");
        write_warned(look, response, truncated);
    }
    snapshot_release(look->snapshot);
    return s;
}

status api_labels(struct request *request, struct response *response)
{
    struct look_up look;

    look_up_init(&look, request);
    TRY(request_limit(request, &look.limit));
    TRY(look_up_window(&look));
    TRY(request_matchers(request, &look.sets, &look.set_count));
    return answer_list(&look, STR(""), response);
}

status api_label_values(struct request *request, struct response *response)
{
    str name = escape_decode_label(request->name, &request->arena);
    struct look_up look;

    if (name.len == 0 || !str_is_utf8(name))
        return status_make(STATUS_INVALID, "invalid label name: %.*s", STR_ARG(request_quote(request, name)));
    look_up_init(&look, request);
    TRY(request_limit(request, &look.limit));
    TRY(look_up_window(&look));
    TRY(request_matchers(request, &look.sets, &look.set_count));
    return answer_list(&look, name, response);
}

/* One series of the answer: sorted pairs of ids. */
struct row {
    const struct snapshot *snapshot;
    const struct label_id *pairs;
    size_t count;
};

static int compare_rows(const void *a, const void *b)
{
    const struct row *one = a, *other = b;

    for (size_t i = 0; i < one->count && i < other->count; i++) {
        const struct label_id *p = &one->pairs[i], *q = &other->pairs[i];
        int order = 0;
        if (p->name != q->name)
            order = str_compare(snapshot_string(one->snapshot, p->name), snapshot_string(one->snapshot, q->name));
        if (order == 0 && p->value != q->value)
            order = str_compare(snapshot_string(one->snapshot, p->value), snapshot_string(one->snapshot, q->value));
        if (order) return order;
    }
    return (one->count > other->count) - (one->count < other->count);
}

typedef vec(struct row) rows;

/* Adds the series of one set; no more than one beyond the limit, which then shows that there are more. */
static status add_rows(struct look_up *look, const struct matcher_set *set, rows *out)
{
    struct select_request select = look_up_select(look, set);
    struct arena *arena = snapshot_arena(look->snapshot);
    struct label_id pairs[LABELS_MAX];
    struct selection *selection;

    TRY(snapshot_select(look->snapshot, &select, &selection));
    uint32_t count = selection_count(selection);
    if (look->limit && count > look->limit) count = (uint32_t)look->limit + 1;
    for (uint32_t i = 0; i < count; i++) {
        struct row row = {.snapshot = look->snapshot};
        if (i % LOOK_EVERY == 0) TRY(look_up_check(look));
        TRY(selection_label_pairs(selection, i, pairs, &row.count));
        struct label_id *copy = arena_array(arena, struct label_id, row.count);
        memcpy(copy, pairs, row.count * sizeof *pairs);
        row.pairs = copy;
        vec_push(out, row);
    }
    return ok();
}

static void write_row(struct writer *w, const struct row *row)
{
    writer_u8(w, '{');
    for (size_t i = 0; i < row->count; i++) {
        if (i) writer_u8(w, ',');
        json_put_string(w, snapshot_string(row->snapshot, row->pairs[i].name));
        writer_u8(w, ':');
        json_put_string(w, snapshot_string(row->snapshot, row->pairs[i].value));
    }
    writer_u8(w, '}');
}

static void write_rows(const struct look_up *look, rows *all, struct response *response)
{
    uint64_t written = 0;
    bool truncated = false;

    if (all->count) qsort(all->data, all->count, sizeof *all->data, compare_rows);
    json_put_raw(response_open_data(response), "[");
    vec_each (row, all) {
        if (row > all->data && compare_rows(row - 1, row) == 0) continue;
        if (look->limit && written == look->limit) {
            truncated = true;
            break;
        }
        struct writer *w = response_writer(response);
        if (written++) writer_u8(w, ',');
        write_row(w, row);
    }
    json_put_raw(response_writer(response), "]");
    write_warned(look, response, truncated);
}

static status answer_series_once(struct look_up *look, struct response *response, bool *again)
{
    rows all = {0};
    status s = ok();

    look_up_take_snapshot(look);
    for (size_t i = 0; i < look->set_count && !failed(s); i++) s = add_rows(look, &look->sets[i], &all);
    if (!failed(s)) s = look_up_check(look);
    if (!failed(s)) write_rows(look, &all, response);
    vec_release(&all);
    *again = failed(s) && snapshot_met_damage(look->snapshot);
    snapshot_release(look->snapshot);
    return s;
}

static status answer_series(struct look_up *look, struct response *response)
{
    bool again = true;
    status s = ok();

    for (int i = 0; again && i <= SNAPSHOT_RETRIES_MAX; i++) s = answer_series_once(look, response, &again);
    return s;
}

status api_series(struct request *request, struct response *response)
{
    str error = request_form(request)->error;
    struct look_up look;
    str *texts;

    if (error.len) return status_make(STATUS_INVALID, "error parsing form values: %.*s", STR_ARG(error));
    if (form_all(request_form(request), STR("match[]"), &texts, &request->arena) == 0)
        return status_make(STATUS_INVALID, "no match[] parameter provided");
    look_up_init(&look, request);
    TRY(request_limit(request, &look.limit));
    TRY(look_up_window(&look));
    status s = request_matchers(request, &look.sets, &look.set_count);
    if (failed(s)) return request_bad_parameter("match[]", "%s", s.text);
    return answer_series(&look, response);
}
