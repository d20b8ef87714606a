/* Look-ups of label names and values; see look_up.h. */
#include "http/look_up.h"

#include "http/services.h"
#include "http/times.h"
#include "query/query.h"
#include "tsdb/db.h"

#include <stdlib.h>

status look_up_window(struct look_up *look)
{
    TRY(request_time(look->request, "start", &look->start_ms));
    return request_time(look->request, "end", &look->end_ms);
}

void look_up_init(struct look_up *look, struct request *request)
{
    *look = (struct look_up){.request = request, .start_ms = TIME_MIN_MS, .end_ms = TIME_MAX_MS};
}

void look_up_take_snapshot(struct look_up *look)
{
    const struct services *services = look->request->services;

    account_init(&look->account, engine_get_options(services->engine)->query_bytes_max, NULL);
    look->snapshot = db_snapshot(services->db, &look->account);
    snapshot_tolerate_damage(look->snapshot);
}

struct select_request look_up_select(const struct look_up *look, const struct matcher_set *set)
{
    return (struct select_request){
        .matchers = set ? set->matchers : NULL,
        .matcher_count = set ? set->count : 0,
        .from_ms = look->start_ms - 1, /* the start belongs to the window */
        .to_ms = look->end_ms,
    };
}

status look_up_check(struct look_up *look)
{
    if (request_is_canceled(look->request)) return status_make(STATUS_CANCELED, "the client closed the connection");
    if (account_over(&look->account))
        return status_make(STATUS_LIMIT,
                           "the answer needs more than the %zu bytes that a query may have; ask for less "
                           "with match[], start, end or limit",
                           look->account.limit_bytes);
    return ok();
}

static int compare_texts(const void *a, const void *b)
{
    return str_compare(*(const str *)a, *(const str *)b);
}

/* Names, or values of the label `name`, of one set. */
static status list_set(struct look_up *look, str name, const struct matcher_set *set, str **texts, size_t *count,
                       bool *truncated)
{
    struct select_request select = look_up_select(look, set);

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
        s = look_up_check(look);
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

status look_up_list(struct look_up *look, str name, str **out, size_t *count, bool *truncated)
{
    *truncated = false;
    TRY(look->set_count ? list_sets(look, name, out, count, truncated)
                        : list_set(look, name, NULL, out, count, truncated));
    return look_up_check(look);
}
