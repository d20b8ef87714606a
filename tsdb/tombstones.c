/* Tombstones; see tombstones.h. */
#include "tsdb/tombstones.h"

#include "storage/base/vec.h"

void tombstones_ref(struct tombstones *tombstones)
{
    if (tombstones) atomic_fetch_add(&tombstones->references, 1);
}

void tombstones_unref(struct tombstones *tombstones)
{
    if (!tombstones || atomic_fetch_sub(&tombstones->references, 1) > 1) return;
    arena_release(&tombstones->arena);
    free(tombstones);
}

const struct tombstone *tombstones_find(const struct tombstones *tombstones, uint32_t number)
{
    for (uint32_t i = 0; i < tombstones_count(tombstones); i++) {
        if (tombstones->items[i].number == number) return &tombstones->items[i];
    }
    return NULL;
}

static struct tombstones *make_empty(size_t room)
{
    struct tombstones *tombstones = memory_zalloc(sizeof *tombstones + room * sizeof *tombstones->items);

    atomic_init(&tombstones->references, 1);
    arena_init(&tombstones->arena, NULL);
    return tombstones;
}

static status add_item(struct tombstones *tombstones, const struct tombstone *item)
{
    struct matcher *matchers = arena_array(&tombstones->arena, struct matcher, item->matcher_count);
    struct tombstone copy = *item;

    for (size_t i = 0; i < item->matcher_count; i++) {
        const struct matcher *from = &item->matchers[i];
        TRY(matcher_compile(from->type, arena_copy_str(&tombstones->arena, from->name),
                            arena_copy_str(&tombstones->arena, from->value), &matchers[i], &tombstones->arena));
    }
    copy.matchers = matchers;
    tombstones->items[tombstones->count++] = copy;
    return ok();
}

status tombstones_make(const struct tombstones *tombstones, bool (*keep)(const struct tombstone *item, void *context),
                       void *context, const struct tombstone *added, size_t added_count, struct tombstones **out)
{
    struct tombstones *made = make_empty(tombstones_count(tombstones) + added_count);
    status s = ok();

    for (uint32_t i = 0; i < tombstones_count(tombstones) && !failed(s); i++) {
        if (!keep || keep(&tombstones->items[i], context)) s = add_item(made, &tombstones->items[i]);
    }
    for (size_t i = 0; i < added_count && !failed(s); i++) s = add_item(made, &added[i]);
    if (failed(s) || made->count == 0) {
        tombstones_unref(made);
        made = NULL;
    }
    *out = made;
    return s;
}

struct tombstones *tombstones_change(const struct tombstones *tombstones,
                                     void (*change)(struct tombstone *item, void *context), void *context)
{
    struct tombstones *made;
    status s = tombstones_make(tombstones, NULL, NULL, NULL, 0, &made);

    assert(!failed(s) && "patterns that compiled before compile again");
    (void)s;
    for (uint32_t i = 0; i < tombstones_count(made); i++) change(&made->items[i], context);
    return made;
}

static void write_quoted(str text, struct writer *out)
{
    writer_u8(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == '\\' || c == '"' || c == '\n') writer_u8(out, '\\');
        writer_u8(out, (uint8_t)(c == '\n' ? 'n' : c));
    }
    writer_u8(out, '"');
}

void matchers_write(const struct matcher *matchers, size_t count, struct writer *out)
{
    writer_u8(out, '{');
    for (size_t i = 0; i < count; i++) {
        str operator= matcher_operator(matchers[i].type);
        if (i) writer_u8(out, ',');
        write_quoted(matchers[i].name, out);
        writer_bytes(out, operator.data, operator.len);
        write_quoted(matchers[i].value, out);
    }
    writer_u8(out, '}');
}

/* Cuts one character off the front. */
static bool take(str *rest, char c)
{
    if (rest->len == 0 || rest->data[0] != c) return false;
    *rest = str_part(*rest, 1, rest->len);
    return true;
}

static bool take_quoted(str *rest, struct arena *arena, str *out)
{
    char *text = arena_alloc(arena, rest->len);
    size_t len = 0;

    if (!take(rest, '"')) return false;
    while (rest->len && rest->data[0] != '"') {
        char c = rest->data[0];
        if (take(rest, '\\')) {
            if (rest->len == 0) return false;
            c = rest->data[0] == 'n' ? '\n' : rest->data[0];
        }
        text[len++] = c;
        *rest = str_part(*rest, 1, rest->len);
    }
    *out = str_make(text, len);
    return take(rest, '"');
}

static bool take_operator(str *rest, enum matcher_type *out)
{
    /* The longer ones first: "=" begins "=~". */
    static const enum matcher_type types[] = {MATCH_REGEX, MATCH_NOT_REGEX, MATCH_NOT_EQUAL, MATCH_EQUAL};

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        str operator= matcher_operator(types[i]);
        if (!str_starts_with(*rest, operator)) continue;
        *rest = str_part(*rest, operator.len, rest->len);
        *out = types[i];
        return true;
    }
    return false;
}

bool matchers_read(str text, struct arena *arena, struct matcher **out, size_t *count)
{
    vec(struct matcher) found = {0};
    bool good = take(&text, '{');

    while (good && !take(&text, '}')) {
        enum matcher_type type;
        str name, value;
        struct matcher matcher;
        good = (found.count == 0 || take(&text, ',')) && take_quoted(&text, arena, &name) &&
               take_operator(&text, &type) && take_quoted(&text, arena, &value) &&
               !failed(matcher_compile(type, name, value, &matcher, arena));
        if (good) vec_push(&found, matcher);
    }
    *out = arena_array(arena, struct matcher, found.count);
    if (found.count) memcpy(*out, found.data, found.count * sizeof **out);
    *count = found.count;
    vec_release(&found);
    return good && text.len == 0;
}
