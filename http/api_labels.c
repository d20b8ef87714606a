/* What series there are; see api_labels.h.
 *
 * Several match[] sets are a union. Names, values and series come out sorted and without duplicates. What a look-up
 * holds is charged to an account with the limit of one query.
 */
#include "http/api_labels.h"

#include "http/escape.h"
#include "http/json.h"
#include "http/services.h"
#include "http/times.h"
#include "tsdb/snapshot.h"

#include <stdlib.h>

enum { LOOK_EVERY = 4096 }; /* rows between looks at the client and the budget */

/* One look-up: what was asked, and the snapshot it is answered from. */
struct look_up {
    struct request *request;
    int64_t start_ms, end_ms;
    uint64_t limit;
    const struct matcher_set *sets;
    size_t set_count;
    struct account account;
    struct snapshot *snapshot;
};

static status read_window(struct look_up *look)
{
    TRY(request_limit(look->request, &look->limit));
    TRY(request_time(look->request, "start", &look->start_ms));
    return request_time(look->request, "end", &look->end_ms);
}

static void look_up_init(struct look_up *look, struct request *request)
{
    *look = (struct look_up){.request = request, .start_ms = TIME_MIN_MS, .end_ms = TIME_MAX_MS};
}

static void take_snapshot(struct look_up *look)
{
    const struct services *services = look->request->services;

    account_init(&look->account, engine_get_options(services->engine)->query_bytes_max, NULL);
    look->snapshot = db_snapshot(services->db, &look->account);
    snapshot_tolerate_damage(look->snapshot);
}

static struct select_request select_of(const struct look_up *look, const struct matcher_set *set)
{
    return (struct select_request){
        .matchers = set ? set->matchers : NULL,
        .matcher_count = set ? set->count : 0,
        .from_ms = look->start_ms - 1, /* the start belongs to the window */
        .to_ms = look->end_ms,
    };
}

static status check_budget(struct look_up *look)
{
    if (request_is_canceled(look->request)) return status_make(STATUS_CANCELED, "the client closed the connection");
    if (account_over(&look->account))
        return status_make(STATUS_LIMIT,
                           "the answer needs more than the %zu bytes that a query may have; ask for less "
                           "with match[], start, end or limit",
                           look->account.limit_bytes);
    return ok();
}

static void write_warned(const struct look_up *look, struct response *response, bool truncated)
{
    str warnings[SNAPSHOT_WARNINGS_MAX + 1];
    size_t count = snapshot_warnings(look->snapshot, warnings);

    if (truncated) warnings[count++] = STR(RESPONSE_TRUNCATED);
    response_close_data(response, warnings, count, NULL, 0);
}

static int compare_texts(const void *a, const void *b)
{
    return str_compare(*(const str *)a, *(const str *)b);
}

/* Names, or values of the label `name`, of one set. */
static status list_set(struct look_up *look, str name, const struct matcher_set *set, str **texts, size_t *count,
                       bool *truncated)
{
    struct select_request select = select_of(look, set);

    if (name.len) return snapshot_label_values(look->snapshot, name, &select, look->limit, texts, count, truncated);
    return snapshot_label_names(look->snapshot, &select, look->limit, texts, count, truncated);
}

/* The union of all sets. The first ones of the union are among the first ones of each set, so the limit holds for each.
 */
static status list_sets(struct look_up *look, str name, str **out, size_t *out_count, bool *truncated)
{
    struct arena *arena = snapshot_arena(look->snapshot);
    vec(str) all = {0};
    status s = ok();

    *truncated = false;
    for (size_t i = 0; i < look->set_count && !failed(s); i++) {
        str *texts;
        size_t count;
        bool cut;
        s = list_set(look, name, &look->sets[i], &texts, &count, &cut);
        if (failed(s)) break;
        *truncated |= cut;
        for (size_t j = 0; j < count; j++) vec_push(&all, texts[j]);
        s = check_budget(look);
    }
    if (all.count) qsort(all.data, all.count, sizeof *all.data, compare_texts);
    *out = arena_array(arena, str, all.count);
    *out_count = 0;
    vec_each (text, &all) {
        if (*out_count == 0 || !str_equal((*out)[*out_count - 1], *text)) (*out)[(*out_count)++] = *text;
    }
    vec_release(&all);
    return s;
}

/* Writes the list of names, or of values if there is a name. */
static status answer_list(struct look_up *look, str name, struct response *response)
{
    str *texts;
    size_t count;
    bool truncated = false;

    take_snapshot(look);
    status s = look->set_count ? list_sets(look, name, &texts, &count, &truncated)
                               : list_set(look, name, NULL, &texts, &count, &truncated);
    if (!failed(s)) s = check_budget(look);
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
    TRY(read_window(&look));
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
    TRY(read_window(&look));
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
    struct select_request select = select_of(look, set);
    struct arena *arena = snapshot_arena(look->snapshot);
    struct label_id pairs[LABELS_MAX];
    struct selection *selection;

    TRY(snapshot_select(look->snapshot, &select, &selection));
    uint32_t count = selection_count(selection);
    if (look->limit && count > look->limit) count = (uint32_t)look->limit + 1;
    for (uint32_t i = 0; i < count; i++) {
        struct row row = {.snapshot = look->snapshot};
        if (i % LOOK_EVERY == 0) TRY(check_budget(look));
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

    take_snapshot(look);
    for (size_t i = 0; i < look->set_count && !failed(s); i++) s = add_rows(look, &look->sets[i], &all);
    if (!failed(s)) s = check_budget(look);
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
    TRY(read_window(&look));
    status s = request_matchers(request, &look.sets, &look.set_count);
    if (failed(s)) return request_bad_parameter("match[]", "%s", s.text);
    return answer_series(&look, response);
}
