/* Registrations: what is added to a registry, as bytes for the log and for the registry's file.
 *
 * A registration is a sequence of entries, each a kind and varints:
 *
 *     NAME    id, text
 *     VALUE   name id, id, text
 *     LIST    id, count, name ids in the order of their text
 *     SERIES  id, fingerprint (16 bytes), list id, a value id for each name of the list
 *     PAGE    id of the first series, number of series; their lists and values (series_page_write_labels), with ids for
 *             ranks
 *
 * The log has SERIES, since each stands for itself; a registry's file has PAGE, at a fifth of the bytes. There
 * fingerprints are left out: they follow from the labels.
 */
#include "tsdb/registry_internal.h"
#include "tsdb/series_page.h"

enum entry_kind { ENTRY_NAME = 1, ENTRY_VALUE, ENTRY_LIST, ENTRY_SERIES, ENTRY_PAGE };

void registration_name(struct writer *out, uint32_t id, str text)
{
    writer_u8(out, ENTRY_NAME);
    writer_varint(out, id);
    writer_str(out, text);
}

void registration_value(struct writer *out, uint32_t name, uint32_t id, str text)
{
    writer_u8(out, ENTRY_VALUE);
    writer_varint(out, name);
    writer_varint(out, id);
    writer_str(out, text);
}

void registration_list(struct writer *out, uint32_t id, const uint32_t *names, uint32_t count)
{
    writer_u8(out, ENTRY_LIST);
    writer_varint(out, id);
    writer_varint(out, count);
    for (uint32_t i = 0; i < count; i++) writer_varint(out, names[i]);
}

void registration_series(struct writer *out, uint32_t id, hash128 fingerprint, uint32_t list, const uint32_t *values,
                         uint32_t count)
{
    writer_u8(out, ENTRY_SERIES);
    writer_varint(out, id);
    writer_u64(out, fingerprint.low);
    writer_u64(out, fingerprint.high);
    writer_varint(out, list);
    for (uint32_t i = 0; i < count; i++) writer_varint(out, values[i]);
}

static bool has_name(const struct registry *registry, uint32_t id)
{
    return id < registry->name_count && name_at(registry, id)->text.data;
}

static bool has_value(const struct registry *registry, uint32_t name, uint32_t id)
{
    return has_name(registry, name) && id < name_at(registry, name)->value_count &&
           value_at(name_at(registry, name), id)->text;
}

/* Ids of a sane registration leave no large gaps: a gap is what damaged records held. */
enum { GAP_MAX = 1 << 24 };

/* The status of an entry whose end can not be told, or whose ids are beyond belief: with it the registration ends. */
static status give_up(struct reader *in, status s)
{
    in->failed = true;
    return s;
}

static status apply_list(struct registry *registry, struct reader *in)
{
    uint32_t id = reader_varint32(in), count = reader_varint32(in);
    uint32_t names[LABELS_MAX], unknown = 0;
    bool known = true;

    if (reader_failed(in)) return ok();
    if (count == 0 || count > LABELS_MAX)
        return give_up(in, status_make(STATUS_CORRUPT, "a registration has a list of %u names", count));
    for (uint32_t i = 0; i < count; i++) {
        names[i] = reader_varint32(in);
        if (known && !has_name(registry, names[i])) {
            unknown = names[i];
            known = false;
        }
    }
    if (reader_failed(in)) return ok();
    if (!known) return status_make(STATUS_CORRUPT, "a registration refers to the unknown label name %u", unknown);
    if (id > registry->list_count + GAP_MAX)
        return status_make(STATUS_CORRUPT, "a registration has the list id %u", id);
    if (id < registry->list_count && list_at(registry, id)->names) return ok();
    registry_put_list_locked(registry, id, names, count);
    return ok();
}

static status apply_series(struct registry *registry, struct reader *in)
{
    uint32_t id = reader_varint32(in);
    uint64_t low = reader_u64(in), high = reader_u64(in);
    uint32_t list = reader_varint32(in);
    uint32_t values[LABELS_MAX];

    if (reader_failed(in)) return ok();
    if (list >= registry->list_count || !list_at(registry, list)->names) /* so how many values follow is unknown */
        return give_up(in, status_make(STATUS_CORRUPT, "a registration refers to the unknown list of names %u", list));
    const struct list *names = list_at(registry, list);
    bool known = true;
    for (uint32_t i = 0; i < names->count; i++) {
        values[i] = reader_varint32(in);
        known = known && has_value(registry, names->names[i], values[i]);
    }
    if (reader_failed(in)) return ok();
    if (!known) return status_make(STATUS_CORRUPT, "the registration of series %u refers to unknown values", id);
    uint32_t count = registry_series_count(registry);
    if (id > count + GAP_MAX) return status_make(STATUS_CORRUPT, "a registration has the series id %u", id);
    if (id < count && series_at(registry, id)->labels) return ok();
    registry_put_series_locked(registry, id, (hash128){low, high}, list, values);
    return ok();
}

/* A page being applied: the value ids of its columns, UINT32_MAX where there is no such value, and those columns which
 * the names of one list have. */
struct page_series {
    struct series_page page;
    vec(uint32_t) values;
    uint32_t list;
    const uint32_t *columns[LABELS_MAX];
};

static void read_columns(const struct registry *registry, struct page_series *series)
{
    uint32_t slots = series->page.slots;

    vec_reserve(&series->values, series->page.columns.count * slots);
    uint32_t *values = series->values.data;
    vec_each (column, &series->page.columns) {
        uint32_t known = has_name(registry, column->name) ? name_at(registry, column->name)->value_count : 0;
        bool has_holes = known > 0 && name_at(registry, column->name)->values_known < known;
        series_column_ranks(column, slots, values);
        for (uint32_t slot = 0; slot < slots; slot++) {
            if (values[slot] >= known) values[slot] = UINT32_MAX;
        }
        for (uint32_t slot = 0; slot < slots && has_holes; slot++) {
            if (!has_value(registry, column->name, values[slot])) values[slot] = UINT32_MAX;
        }
        values += slots;
    }
}

/* The list of a slot, and where its names have their columns; false if there is no such list. */
static bool find_list(const struct registry *registry, struct page_series *series, uint32_t slot)
{
    uint32_t list;

    if (!series_page_list(&series->page, slot, &list) || list >= registry->list_count ||
        !list_at(registry, list)->names) {
        series->list = UINT32_MAX;
        return false;
    }
    if (list == series->list) return true;
    const struct list *names = list_at(registry, list);
    for (uint32_t i = 0; i < names->count; i++) {
        const struct series_column *column = series_page_column(&series->page, names->names[i]);
        size_t index = column ? (size_t)(column - series->page.columns.data) : 0;
        series->columns[i] = column ? series->values.data + index * series->page.slots : NULL;
    }
    series->list = list;
    return true;
}

static status apply_slot(struct registry *registry, struct page_series *series, uint32_t slot, uint32_t id)
{
    uint32_t values[LABELS_MAX];

    if (!find_list(registry, series, slot))
        return status_make(STATUS_CORRUPT, "series %u of a registration has an unknown list of names", id);
    const struct list *names = list_at(registry, series->list);
    for (uint32_t i = 0; i < names->count; i++) {
        values[i] = series->columns[i] ? series->columns[i][slot] : UINT32_MAX;
        if (values[i] == UINT32_MAX)
            return status_make(STATUS_CORRUPT, "series %u of a registration has an unknown value of label name %u", id,
                               names->names[i]);
    }
    registry_put_series_locked(registry, id, (hash128){0, 0}, series->list, values);
    return ok();
}

static status apply_page(struct registry *registry, struct reader *in)
{
    uint32_t first = reader_varint32(in), count = reader_varint32(in);
    struct page_series series = {.list = UINT32_MAX};
    status found = ok();

    if (reader_failed(in)) return ok();
    if (count > SERIES_PAGE_SLOTS || first > registry_series_count(registry) + GAP_MAX)
        return give_up(in, status_make(STATUS_CORRUPT, "a registration has %u series from id %u on", count, first));
    if (series_page_read_labels(in, count, &series.page)) {
        read_columns(registry, &series);
        for (uint32_t slot = 0; slot < count; slot++) {
            uint32_t id = first + slot;
            if (id < registry_series_count(registry) && series_at(registry, id)->labels) continue;
            status s = apply_slot(registry, &series, slot, id);
            if (failed(s) && !failed(found)) found = s;
        }
    }
    series_page_release(&series.page);
    vec_release(&series.values);
    return found;
}

static status apply_entry(struct registry *registry, struct reader *in)
{
    uint8_t kind = reader_u8(in);

    if (kind == ENTRY_NAME) {
        uint32_t id = reader_varint32(in);
        str text = reader_str(in);
        if (reader_failed(in)) return ok();
        if (id > registry->name_count + GAP_MAX)
            return status_make(STATUS_CORRUPT, "a registration has the label name id %u", id);
        if (!has_name(registry, id)) registry_put_name_locked(registry, id, text);
        return ok();
    }
    if (kind == ENTRY_VALUE) {
        uint32_t name = reader_varint32(in), id = reader_varint32(in);
        str text = reader_str(in);
        if (reader_failed(in)) return ok();
        if (!has_name(registry, name))
            return status_make(STATUS_CORRUPT, "a registration refers to the unknown label name %u", name);
        if (id > name_at(registry, name)->value_count + GAP_MAX)
            return status_make(STATUS_CORRUPT, "a registration has the label value id %u", id);
        if (!has_value(registry, name, id)) registry_put_value_locked(registry, name_at(registry, name), id, text);
        return ok();
    }
    if (kind == ENTRY_LIST) return apply_list(registry, in);
    if (kind == ENTRY_SERIES) return apply_series(registry, in);
    if (kind == ENTRY_PAGE) return apply_page(registry, in);
    return give_up(in, status_make(STATUS_CORRUPT, "a registration has an entry of unknown kind %u", kind));
}

/* An entry that refers to something lost is passed over and reported; those after it still count, but for those after a
 * series whose list of names is lost. */
status registry_apply(struct registry *registry, const uint8_t *registration, size_t bytes)
{
    struct reader in = reader_make(registration, bytes);
    status first = ok();

    pthread_rwlock_wrlock(&registry->lock);
    while (reader_left(&in) && !reader_failed(&in)) {
        status s = apply_entry(registry, &in);
        if (failed(s) && !failed(first)) first = s;
    }
    pthread_rwlock_unlock(&registry->lock);
    if (!failed(first) && reader_failed(&in)) first = status_make(STATUS_CORRUPT, "a registration is malformed");
    return first;
}

static void tell_unsaved_values(struct registry *registry, uint32_t id, size_t bytes_max, struct writer *out)
{
    struct name *name = name_at(registry, id);

    for (; name->values_saved < name->value_count && out->count < bytes_max; name->values_saved++) {
        const struct value *value = value_at(name, name->values_saved);
        if (value->text) registration_value(out, id, name->values_saved, str_make(value->text, value->len));
    }
}

/* A page of those series that have not been told, up to the next hole. */
static void tell_unsaved_series(struct registry *registry, struct writer *out)
{
    uint32_t first = registry->series_saved, end = registry_series_count(registry);
    struct series_page_writer page = {0};

    for (; registry->series_saved < end && page.lists.count < SERIES_PAGE_SLOTS; registry->series_saved++) {
        struct series_labels set = registry_labels(registry, registry->series_saved);
        if (set.count == 0) break;
        series_page_add(&page, (hash128){0, 0}, set.list, set.names, set.values, set.count, 0);
    }
    if (page.lists.count) {
        writer_u8(out, ENTRY_PAGE);
        writer_varint(out, first);
        writer_varint(out, page.lists.count);
        series_page_write_labels(&page, out);
    } else {
        registry->series_saved++; /* a hole */
    }
    series_page_writer_release(&page);
}

/* Names, values and lists before the series that use them. */
void registry_unsaved(struct registry *registry, size_t bytes_max, struct writer *registration)
{
    pthread_rwlock_rdlock(&registry->lock);
    for (; registry->names_saved < registry->name_count; registry->names_saved++) {
        const struct name *name = name_at(registry, registry->names_saved);
        if (name->text.data) registration_name(registration, registry->names_saved, name->text);
    }
    for (uint32_t i = 0; i < registry->name_count && registration->count < bytes_max; i++)
        tell_unsaved_values(registry, i, bytes_max, registration);
    for (; registry->lists_saved < registry->list_count && registration->count < bytes_max; registry->lists_saved++) {
        const struct list *list = list_at(registry, registry->lists_saved);
        if (list->names) registration_list(registration, registry->lists_saved, list->names, list->count);
    }
    uint32_t count = registry_series_count(registry);
    while (registry->series_saved < count && registration->count < bytes_max)
        tell_unsaved_series(registry, registration);
    pthread_rwlock_unlock(&registry->lock);
}

void registry_mark_saved(struct registry *registry)
{
    pthread_rwlock_rdlock(&registry->lock);
    registry->names_saved = registry->name_count;
    registry->lists_saved = registry->list_count;
    registry->series_saved = registry_series_count(registry);
    for (uint32_t i = 0; i < registry->name_count; i++)
        name_at(registry, i)->values_saved = name_at(registry, i)->value_count;
    pthread_rwlock_unlock(&registry->lock);
}

/* Reads over an entry; *first and *count become the series that it registers. */
static void skip_entry(const struct registry *registry, struct reader *in, uint32_t *first, uint32_t *count)
{
    uint8_t kind = reader_u8(in);
    struct series_page page = {0};
    uint32_t varints = 0;

    *first = reader_varint32(in);
    *count = 0;
    if (kind == ENTRY_NAME) {
        (void)reader_str(in);
    } else if (kind == ENTRY_VALUE) {
        (void)reader_varint32(in);
        (void)reader_str(in);
    } else if (kind == ENTRY_LIST) {
        varints = reader_varint32(in);
    } else if (kind == ENTRY_SERIES) {
        (void)reader_bytes(in, sizeof(hash128));
        uint32_t list = reader_varint32(in);
        bool known = list < registry->list_count && list_at(registry, list)->names;
        if (!known) in->failed = true;
        varints = known ? list_at(registry, list)->count : 0;
        *count = 1;
    } else if (kind == ENTRY_PAGE) {
        *count = reader_varint32(in);
        if (*count > SERIES_PAGE_SLOTS || !series_page_read_labels(in, *count, &page)) in->failed = true;
        series_page_release(&page);
    } else {
        in->failed = true;
    }
    for (uint32_t i = 0; i < varints && !reader_failed(in); i++) (void)reader_varint(in);
}

bool registry_each_registered(const struct registry *registry, const uint8_t *registration, size_t bytes,
                              void (*each)(void *context, uint32_t series), void *context)
{
    struct reader in = reader_make(registration, bytes);
    uint32_t first, count;

    while (reader_left(&in) && !reader_failed(&in)) {
        skip_entry(registry, &in, &first, &count);
        for (uint32_t i = 0; i < count && !reader_failed(&in); i++) each(context, first + i);
    }
    return !reader_failed(&in);
}
