/* Metric metadata; see metadata.h.
 *
 * Entries are few (thousands) and seldom change. A changed one is replaced in place: its texts are one allocation.
 */
#include "tsdb/metadata.h"

#include "storage/base/hash.h"
#include "storage/base/map.h"
#include "storage/base/vec.h"
#include "tsdb/metrics.h"

#include <pthread.h>

struct entry {
    char *text; /* metric, help and unit, one after the other */
    uint32_t metric_len, help_len, unit_len;
    uint8_t type;
};

struct metadata_table {
    pthread_mutex_t mutex; /* guards all below */
    uint32_t metrics_max;
    struct map map;
    vec(struct entry) entries;
    uint32_t *sorted; /* entry numbers in the order of metrics */
    size_t sorted_count;
};

struct metadata_table *metadata_table_new(uint32_t metrics_max)
{
    struct metadata_table *table = memory_zalloc(sizeof *table);

    table->metrics_max = metrics_max;
    pthread_mutex_init(&table->mutex, NULL);
    return table;
}

void metadata_table_free(struct metadata_table *table)
{
    if (!table) return;
    vec_each (entry, &table->entries) free(entry->text);
    vec_release(&table->entries);
    map_release(&table->map);
    free(table->sorted);
    pthread_mutex_destroy(&table->mutex);
    free(table);
}

static struct append_metadata view(const struct entry *entry)
{
    const char *help = entry->text + entry->metric_len;

    return (struct append_metadata){(enum metric_type)entry->type, str_make(entry->text, entry->metric_len),
                                    str_make(help, entry->help_len), str_make(help + entry->help_len, entry->unit_len)};
}

static struct entry *find_locked(struct metadata_table *table, str metric)
{
    struct map_cursor c;

    for (uint32_t i = map_find(&table->map, hash_bytes(metric.data, metric.len), &c); i != MAP_NONE;
         i = map_next(&table->map, &c)) {
        if (str_equal(view(&table->entries.data[i]).metric, metric)) return &table->entries.data[i];
    }
    return NULL;
}

static void fill(struct entry *entry, const struct append_metadata *from)
{
    char *text = memory_alloc(from->metric.len + from->help.len + from->unit.len);

    memcpy(text, from->metric.data, from->metric.len);
    if (from->help.len) memcpy(text + from->metric.len, from->help.data, from->help.len);
    if (from->unit.len) memcpy(text + from->metric.len + from->help.len, from->unit.data, from->unit.len);
    free(entry->text);
    *entry = (struct entry){text, (uint32_t)from->metric.len, (uint32_t)from->help.len, (uint32_t)from->unit.len,
                            (uint8_t)from->type};
}

bool metadata_put(struct metadata_table *table, const struct append_metadata *entry)
{
    bool changed = false;

    if (entry->metric.len == 0) return false;
    pthread_mutex_lock(&table->mutex);
    struct entry *known = find_locked(table, entry->metric);
    if (!known && table->entries.count < table->metrics_max) {
        map_add(&table->map, hash_bytes(entry->metric.data, entry->metric.len), (uint32_t)table->entries.count);
        vec_push(&table->entries, (struct entry){0});
        fill(vec_last(&table->entries), entry);
        changed = true;
    } else if (known) {
        struct append_metadata old = view(known);
        changed = old.type != entry->type || !str_equal(old.help, entry->help) || !str_equal(old.unit, entry->unit);
        if (changed) fill(known, entry);
    } else {
        metric_add(&metric_metadata_dropped, 1);
    }
    pthread_mutex_unlock(&table->mutex);
    return changed;
}

void metadata_encode(const struct append_metadata *entry, struct writer *out)
{
    writer_str(out, entry->metric);
    writer_u8(out, (uint8_t)entry->type);
    writer_str(out, entry->help);
    writer_str(out, entry->unit);
}

bool metadata_apply(struct metadata_table *table, const uint8_t *bytes, size_t size)
{
    struct reader in = reader_make(bytes, size);

    while (reader_left(&in) && !reader_failed(&in)) {
        struct append_metadata entry;
        entry.metric = reader_str(&in);
        entry.type = (enum metric_type)reader_u8(&in);
        entry.help = reader_str(&in);
        entry.unit = reader_str(&in);
        if (!reader_failed(&in)) metadata_put(table, &entry);
    }
    return !reader_failed(&in);
}

static int compare_metrics(const void *a, const void *b, void *context)
{
    const struct metadata_table *table = context;
    return str_compare(view(&table->entries.data[*(const uint32_t *)a]).metric,
                       view(&table->entries.data[*(const uint32_t *)b]).metric);
}

static void sort_locked(struct metadata_table *table)
{
    size_t count = table->entries.count;

    if (table->sorted_count == count) return;
    table->sorted = memory_realloc(table->sorted, count * sizeof *table->sorted);
    for (uint32_t i = 0; i < count; i++) table->sorted[i] = i;
    qsort_r(table->sorted, count, sizeof *table->sorted, compare_metrics, table);
    table->sorted_count = count;
}

void metadata_section(struct metadata_table *table, struct writer *out)
{
    pthread_mutex_lock(&table->mutex);
    sort_locked(table);
    if (table->sorted_count) writer_varint(out, table->sorted_count);
    for (size_t i = 0; i < table->sorted_count; i++) {
        struct append_metadata entry = view(&table->entries.data[table->sorted[i]]);
        metadata_encode(&entry, out);
    }
    pthread_mutex_unlock(&table->mutex);
}

void metadata_each(struct metadata_table *table, str metric,
                   void (*each)(void *context, const struct append_metadata *entry), void *context)
{
    pthread_mutex_lock(&table->mutex);
    if (metric.len) {
        struct entry *known = find_locked(table, metric);
        if (known) {
            struct append_metadata entry = view(known);
            each(context, &entry);
        }
    } else {
        sort_locked(table);
        for (size_t i = 0; i < table->sorted_count; i++) {
            struct append_metadata entry = view(&table->entries.data[table->sorted[i]]);
            each(context, &entry);
        }
    }
    pthread_mutex_unlock(&table->mutex);
}
