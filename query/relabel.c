/* label_replace and label_join: work on labels alone, rows keep their values. Rows whose labels become equal are joined
 * by the merge above. */
#include "query/plan.h"
#include "tsdb/regex.h"

#include <ctype.h>

#define UNCHANGED UINT32_MAX

struct relabel {
    struct stage stage;
    struct stage *child;
    bool is_join;
    str destination, text; /* text: the replacement, or the separator */
    str *sources;
    size_t source_count;
    str pattern; /* of label_replace */
};

/* What rewriting rows needs at hand. */
struct rewriting {
    const struct relabel *relabel;
    struct query *query;
    struct regex *regex;
    str *groups;          /* of the last match */
    struct keys seen;     /* values of the source labels that have occurred */
    vec(uint32_t) values; /* what the destination gets for each: an id, or UNCHANGED */
    struct writer out;
    size_t asked_at; /* bytes of `out` when there was last asked for room */
    bool has_ended;  /* there was none */
};

/* The name of a group after a dollar: word characters, or such in braces. Returns the bytes it takes, 0 if it is none.
 */
static size_t read_group_name(str text, str *name)
{
    size_t begin = text.len > 0 && text.data[0] == '{', at = begin;

    while (at < text.len && (isalnum((unsigned char)text.data[at]) || text.data[at] == '_' || (text.data[at] & 0x80)))
        at++;
    *name = str_part(text, begin, at - begin);
    if (at == begin || (begin && (at == text.len || text.data[at] != '}'))) return 0;
    return at + begin;
}

/* The text of a group, by number (without leading zeros) or name; empty if there is none. */
static str group_text(const struct rewriting *r, str name)
{
    uint64_t number = 0;

    if (isdigit((unsigned char)name.data[0])) {
        bool is_number = (name.len == 1 || name.data[0] != '0') && str_to_uint64(name, &number);
        return is_number && number <= regex_group_count(r->regex) ? r->groups[number] : STR("");
    }
    number = regex_group_by_name(r->regex, name);
    return number ? r->groups[number] : STR("");
}

/* Appends to the new value. A short expression can ask for values of any length, so there is asked for room as it
 * grows.
 */
static bool put(struct rewriting *r, str text)
{
    enum { ASK_BYTES = 64 << 10 };

    if (r->out.count + text.len >= r->asked_at + ASK_BYTES) {
        r->asked_at = r->out.count + text.len;
        r->has_ended = !query_has_room(r->query, 2 * r->asked_at); /* here and as a string of the query */
    }
    if (!r->has_ended) writer_bytes(&r->out, text.data, text.len);
    return !r->has_ended;
}

/* Writes the replacement with $1, ${1}, $name and ${name} filled in and $$ as one dollar. */
static void expand(struct rewriting *r)
{
    str rest = r->relabel->text, name;

    for (;;) {
        size_t plain = str_find(rest, '$');
        if (!put(r, str_part(rest, 0, plain)) || plain == rest.len) return;
        rest = str_part(rest, plain + 1, rest.len);
        size_t used = read_group_name(rest, &name);
        if (used) {
            if (!put(r, group_text(r, name))) return;
        } else {
            if (!put(r, STR("$"))) return;
            used = rest.len > 0 && rest.data[0] == '$';
        }
        rest = str_part(rest, used, rest.len);
    }
}

/* The destination's new value for values of the sources. */
static uint32_t new_value(struct rewriting *r, const uint32_t *sources)
{
    const struct relabel *relabel = r->relabel;

    r->out.count = r->asked_at = 0;
    if (relabel->is_join) {
        for (size_t i = 0; i < relabel->source_count && !r->has_ended; i++) {
            if (i > 0) put(r, relabel->text);
            put(r, snapshot_string(r->query->snapshot, sources[i]));
        }
    } else {
        str value = snapshot_string(r->query->snapshot, sources[0]);
        if (!regex_capture(r->regex, value, r->groups, regex_group_count(r->regex) + 1)) return UNCHANGED;
        expand(r);
    }
    if (r->has_ended) return UNCHANGED;
    return snapshot_intern(r->query->snapshot, str_make((const char *)r->out.data, r->out.count));
}

static uint32_t value_for(struct rewriting *r, const uint32_t *sources)
{
    uint32_t key = keys_add(&r->seen, sources, (uint32_t)r->relabel->source_count);

    if (key == r->values.count) vec_push(&r->values, new_value(r, sources));
    return r->values.data[key];
}

/* Rewrites all rows into a table. A row that gets a new name loses its mark. */
static bool rewrite_rows(struct rewriting *r, const uint32_t *columns, struct shape *out)
{
    const struct shape *from = &r->relabel->child->shape;
    struct query *query = r->query;
    uint32_t destination = snapshot_intern(query->snapshot, r->relabel->destination);
    uint64_t *marked = arena_zarray(&query->arena, uint64_t, bits_words(from->count));
    uint32_t *sources = arena_array(&query->arena, uint32_t, r->relabel->source_count);
    struct shape_builder builder = {0};
    struct pairs pairs = {0};
    bool done = true;

    for (uint32_t row = 0; row < from->count && done; row++) {
        done = (row % 4096 || query_may_go_on(query)) && shape_pairs(from, query, row, &pairs);
        for (size_t i = 0; i < r->relabel->source_count; i++) sources[i] = columns[i * from->count + row];
        uint32_t value = done ? value_for(r, sources) : UNCHANGED;
        done = done && !r->has_ended;
        if (value != UNCHANGED) pairs_set(&pairs, query, destination, value);
        shape_builder_add(&builder, pairs.data, pairs.count);
        bool is_renamed = value != UNCHANGED && destination == query->ids.name;
        if (shape_is_marked(from, row) && !is_renamed) bits_set(marked, row);
    }
    vec_release(&pairs);
    shape_builder_finish(&builder, query, out);
    if (from->all_marked || from->marked) out->marked = marked;
    return done;
}

static bool rewrite(struct relabel *relabel, struct query *query, struct regex *regex)
{
    uint32_t count = relabel->child->shape.count;
    uint32_t *columns = memory_alloc(relabel->source_count * count * sizeof *columns);
    struct rewriting r = {.relabel = relabel, .query = query, .regex = regex};
    bool done = true;

    if (regex) r.groups = arena_array(&query->arena, str, regex_group_count(regex) + 1);
    keys_init(&r.seen, &query->account);
    for (size_t i = 0; i < relabel->source_count && done; i++)
        done = shape_column(&relabel->child->shape, query, relabel->sources[i], columns + i * count);
    if (done) done = rewrite_rows(&r, columns, &relabel->stage.shape);
    keys_release(&r.seen);
    vec_release(&r.values);
    writer_release(&r.out);
    free(columns);
    return done;
}

static bool is_label_name(str name)
{
    return name.len > 0 && str_is_utf8(name);
}

static bool check_names(const struct relabel *relabel, struct query *query)
{
    struct error_key key = {.order = relabel->stage.order};

    for (size_t i = 0; i < relabel->source_count && relabel->is_join; i++) {
        if (!is_label_name(relabel->sources[i]))
            return query_fail(query, key, "invalid source label name in label_join(): %.*s",
                              STR_ARG(relabel->sources[i]));
    }
    return is_label_name(relabel->destination) ||
           query_fail(query, key, "invalid destination label name in %s(): %.*s",
                      relabel->stage.node->call.function->name, STR_ARG(relabel->destination));
}

static bool open_relabel(struct stage *stage, struct query *query)
{
    struct relabel *relabel = (struct relabel *)stage;
    struct regex *regex = NULL;

    if (!relabel->is_join && failed(regex_compile(relabel->pattern, &regex)))
        return query_fail(query, (struct error_key){.order = stage->order},
                          "invalid regular expression in label_replace(): %.*s", STR_ARG(relabel->pattern));
    bool done = check_names(relabel, query) && stage_open(relabel->child, query) && rewrite(relabel, query, regex);
    regex_free(regex);
    stage->row_ns = relabel->child->row_ns;
    stage->has_messages = relabel->child->has_messages;
    return done;
}

static bool fill_relabel(struct stage *stage, struct task *task, const uint32_t *rows, uint32_t count, struct tile *out)
{
    return stage_fill(((struct relabel *)stage)->child, task, rows, count, out);
}

static const struct stage_class relabel_class = {"relabel", open_relabel, fill_relabel};

static struct relabel *new_relabel(struct plan *plan, const struct node *call, size_t source_count)
{
    struct stage *child = plan_node(plan, call->call.args[0]);
    struct relabel *relabel = plan_new(plan, &relabel_class, call, sizeof *relabel);

    relabel->child = child;
    relabel->sources = arena_array(&plan->query->arena, str, source_count);
    relabel->source_count = source_count;
    relabel->destination = ast_unwrap(call->call.args[1])->string;
    relabel->text = ast_unwrap(call->call.args[2])->string;
    return relabel;
}

struct stage *plan_label_replace(struct plan *plan, const struct node *call)
{
    struct relabel *relabel = new_relabel(plan, call, 1);

    relabel->sources[0] = ast_unwrap(call->call.args[3])->string;
    relabel->pattern = ast_unwrap(call->call.args[4])->string;
    return plan_merge(plan, &relabel->stage, DUPLICATES_STEP);
}

struct stage *plan_label_join(struct plan *plan, const struct node *call)
{
    struct relabel *relabel = new_relabel(plan, call, call->call.arg_count - 3);

    relabel->is_join = true;
    for (size_t i = 0; i < relabel->source_count; i++) relabel->sources[i] = ast_unwrap(call->call.args[3 + i])->string;
    return plan_merge(plan, &relabel->stage, DUPLICATES_STEP);
}
