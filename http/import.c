/* What the imported formats share; see import.h. */
#include "http/import.h"

bool import_label(struct import *import, str name, str value)
{
    if (import->pair_count == IMPORT_LABELS_MAX) return false;
    import->pairs[import->pair_count++] = (label){name, value};
    return true;
}

status import_series(struct import *import, str *out)
{
    label pairs[2 * IMPORT_LABELS_MAX];
    size_t count = 0;

    for (size_t i = 0; i < import->pair_count; i++) {
        bool replaced = false;
        for (size_t j = 0; j < import->extra_count; j++)
            replaced = replaced || str_equal(import->extra[j].name, import->pairs[i].name);
        if (!replaced) pairs[count++] = import->pairs[i];
    }
    for (size_t j = 0; j < import->extra_count; j++) pairs[count++] = import->extra[j];
    labels_sort(pairs, count);
    return batch_labels(import->batch, pairs, count, out);
}

void import_reject(struct import *import, const char *why)
{
    batch_reject(import->batch, "line %zu: %s", import->line, why);
}

bool import_read_extra(const str *texts, size_t count, struct arena *arena, label **out)
{
    *out = arena_array(arena, label, count);
    for (size_t i = 0; i < count; i++) {
        str value = texts[i];
        if (str_find(value, '=') == value.len || i == IMPORT_LABELS_MAX) return false;
        (*out)[i].name = str_cut(&value, '=');
        (*out)[i].value = value;
    }
    return true;
}
