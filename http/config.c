/* The file of --config.file; see config.h. */
#include "http/config.h"

#include "http/query_log.h"
#include "http/yaml.h"
#include "storage/base/vec.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>

enum { CONFIG_BYTES_MAX = 4 << 20 };

struct config_holder {
    pthread_mutex_t mutex;
    /* guarded by mutex */
    struct config *present;
    bool is_good;
    int64_t loaded_ms, failed_ms;
};

static status read_text(const char *path, struct config *config)
{
    FILE *file = fopen(path, "re");

    if (!file) return status_make(STATUS_INVALID, "%s", strerror(errno));
    char *text = memory_alloc(CONFIG_BYTES_MAX + 1);
    size_t bytes = fread(text, 1, CONFIG_BYTES_MAX + 1, file);
    bool is_broken = ferror(file) != 0;
    fclose(file);
    if (bytes <= CONFIG_BYTES_MAX) config->text = arena_copy_str(&config->arena, str_make(text, bytes));
    free(text);
    if (is_broken) return status_make(STATUS_INVALID, "can not be read");
    return bytes > CONFIG_BYTES_MAX ? status_make(STATUS_INVALID, "larger than %d bytes", CONFIG_BYTES_MAX) : ok();
}

static status read_global(struct config *config, const struct yaml *node)
{
    /* The last ones tell Prometheus how to scrape and to evaluate rules. */
    static const char *const keys[] = {"external_labels",
                                       "scrape_interval",
                                       "scrape_timeout",
                                       "evaluation_interval",
                                       "scrape_protocols",
                                       "metric_name_validation_scheme",
                                       "metric_name_escaping_scheme",
                                       "query_log_file",
                                       "scrape_native_histograms",
                                       "rule_query_offset",
                                       NULL};
    const struct yaml *external = yaml_get(node, "external_labels");
    size_t count = 0;

    TRY(yaml_check_keys(node, keys));
    TRY(yaml_text(yaml_get(node, "query_log_file"), &config->query_log_file));
    if (!external || external->is_null) return ok();
    if (external->kind != YAML_MAP) return yaml_error(external, "external_labels must hold names and values");
    for (const struct yaml *member = external->first; member; member = member->next) count++;
    label *pairs = arena_array(&config->arena, label, count);
    count = 0;
    for (const struct yaml *member = external->first; member; member = member->next) {
        str value = STR("");
        TRY(yaml_text(member, &value));
        if (member->key.len == 0 || !str_is_utf8(member->key) || str_equal(member->key, METRIC_NAME))
            return yaml_error(member, "%.*s can not be an external label", STR_ARG(member->key));
        if (value.len) pairs[count++] = (label){member->key, value};
    }
    labels_sort(pairs, count);
    config->external = pairs;
    config->external_count = count;
    return ok();
}

static status read_strategy(const struct yaml *node, enum otlp_strategy *out)
{
    static const char *const names[] = {
#define X(id, name) name,
        OTLP_STRATEGIES(X)
#undef X
    };
    str text = STR("");

    TRY(yaml_text(node, &text));
    if (text.len == 0) return ok();
    for (int i = 0; i < OTLP_STRATEGY_COUNT; i++) {
        if (!str_equal(text, str_from(names[i]))) continue;
        *out = (enum otlp_strategy)i;
        return ok();
    }
    return yaml_error(node, "unknown translation_strategy %.*s", STR_ARG(text));
}

static status read_otlp(struct config *config, const struct yaml *node)
{
    static const char *const keys[] = {"translation_strategy",
                                       "promote_all_resource_attributes",
                                       "promote_resource_attributes",
                                       "ignore_resource_attributes",
                                       "keep_identifying_resource_attributes",
                                       "promote_scope_metadata",
                                       "convert_histograms_to_nhcb",
                                       "label_name_underscore_sanitization",
                                       "label_name_preserve_multiple_underscores",
                                       "allow_delta_temporality",
                                       "keep_start_times",
                                       NULL};
    struct otlp_config *otlp = &config->otlp;
    str *promoted = NULL, *ignored = NULL;
    bool sanitizes = true, preserves = true;

    TRY(yaml_check_keys(node, keys));
    TRY(read_strategy(yaml_get(node, keys[0]), &otlp->strategy));
    TRY(yaml_bool(yaml_get(node, keys[1]), &otlp->promotes_all));
    TRY(yaml_texts(yaml_get(node, keys[2]), &config->arena, &promoted, &otlp->promoted_count));
    TRY(yaml_texts(yaml_get(node, keys[3]), &config->arena, &ignored, &otlp->ignored_count));
    TRY(yaml_bool(yaml_get(node, keys[4]), &otlp->keeps_identifying));
    TRY(yaml_bool(yaml_get(node, keys[5]), &otlp->promotes_scope));
    TRY(yaml_bool(yaml_get(node, keys[6]), &otlp->converts_to_custom));
    TRY(yaml_bool(yaml_get(node, keys[7]), &sanitizes));
    TRY(yaml_bool(yaml_get(node, keys[8]), &preserves));
    TRY(yaml_bool(yaml_get(node, keys[9]), &otlp->takes_delta));
    TRY(yaml_bool(yaml_get(node, keys[10]), &otlp->keeps_starts));
    otlp->keeps_leading_underscore = !sanitizes;
    otlp->collapses_underscores = !preserves;
    otlp->promoted = promoted;
    otlp->ignored = ignored;
    if (otlp->promotes_all && otlp->promoted_count)
        return yaml_error(node, "%s and %s exclude each other", keys[1], keys[2]);
    if (otlp->ignored_count && !otlp->promotes_all) return yaml_error(node, "%s needs %s", keys[3], keys[1]);
    return ok();
}

/* Sections of Prometheus that mean nothing here. */
static bool is_of_others(str key)
{
    static const char *const sections[] = {"scrape_configs", "scrape_config_files", "rule_files", "alerting",
                                           "remote_write",   "remote_read",         "storage",    "tracing",
                                           "runtime"};

    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++) {
        if (str_equal(key, str_from(sections[i]))) return true;
    }
    return false;
}

static status read_sections(struct config *config, const struct yaml *root)
{
    vec(str) warnings = {0};
    status s = ok();

    for (const struct yaml *member = root->first; member && !failed(s); member = member->next) {
        if (str_equal(member->key, STR("global"))) {
            s = read_global(config, member);
        } else if (str_equal(member->key, STR("otlp"))) {
            s = read_otlp(config, member);
        } else if (is_of_others(member->key)) {
            vec_push(&warnings,
                     arena_format(&config->arena, "line %u: %.*s is read over", member->line, STR_ARG(member->key)));
        } else {
            s = yaml_error(member, "unknown key %.*s", STR_ARG(member->key));
        }
    }
    str *list = arena_array(&config->arena, str, warnings.count);
    if (warnings.count) memcpy(list, warnings.data, warnings.count * sizeof *list);
    config->warnings = list;
    config->warning_count = warnings.count;
    vec_release(&warnings);
    return s;
}

/* A path that is not absolute starts at the folder of the configuration file. */
static void place_query_log(struct config *config, str path)
{
    str folder = path;

    if (config->query_log_file.len == 0 || config->query_log_file.data[0] == '/') return;
    while (folder.len && folder.data[folder.len - 1] != '/') folder.len--;
    config->query_log_file = arena_format(&config->arena, "%.*s%.*s", STR_ARG(folder), STR_ARG(config->query_log_file));
}

status config_load(str path, struct config **out)
{
    struct config *config = memory_zalloc(sizeof *config);
    const struct yaml *root;
    status s = ok();

    atomic_init(&config->references, 1);
    config->text = config->query_log_file = STR("");
    if (path.len) {
        s = read_text(arena_copy_str(&config->arena, path).data, config);
        if (!failed(s)) s = yaml_parse(config->text, &config->arena, &root);
        if (!failed(s)) s = read_sections(config, root);
        if (!failed(s)) place_query_log(config, path);
    }
    if (!failed(s)) {
        *out = config;
        return s;
    }
    config_unref(config);
    return status_make(s.code, "%.*s: %s", STR_ARG(path), s.text);
}

status config_open_files(struct config *config)
{
    return config->query_log_file.len ? query_log_open(config->query_log_file, &config->query_log) : ok();
}

void config_unref(struct config *config)
{
    if (atomic_fetch_sub(&config->references, 1) != 1) return;
    query_log_close(config->query_log);
    arena_release(&config->arena);
    free(config);
}

struct config_holder *config_holder_new(struct config *config)
{
    struct config_holder *holder = memory_zalloc(sizeof *holder);

    pthread_mutex_init(&holder->mutex, NULL);
    holder->present = config;
    holder->is_good = true;
    return holder;
}

void config_holder_free(struct config_holder *holder)
{
    if (!holder) return;
    config_unref(holder->present);
    pthread_mutex_destroy(&holder->mutex);
    free(holder);
}

void config_holder_set(struct config_holder *holder, struct config *config)
{
    pthread_mutex_lock(&holder->mutex);
    struct config *old = holder->present;
    holder->present = config;
    pthread_mutex_unlock(&holder->mutex);
    config_unref(old);
}

struct config *config_holder_get(struct config_holder *holder)
{
    pthread_mutex_lock(&holder->mutex);
    struct config *config = holder->present;
    atomic_fetch_add(&config->references, 1);
    pthread_mutex_unlock(&holder->mutex);
    return config;
}

void config_holder_note(struct config_holder *holder, bool loaded, int64_t now_ms)
{
    pthread_mutex_lock(&holder->mutex);
    if (loaded) holder->loaded_ms = now_ms;
    if (!loaded && holder->is_good) holder->failed_ms = now_ms;
    holder->is_good = loaded;
    pthread_mutex_unlock(&holder->mutex);
}

bool config_holder_is_good(struct config_holder *holder, int64_t *loaded_ms)
{
    pthread_mutex_lock(&holder->mutex);
    bool is_good = holder->is_good;
    *loaded_ms = holder->loaded_ms;
    pthread_mutex_unlock(&holder->mutex);
    return is_good;
}

bool config_holder_has_failed(struct config_holder *holder, int64_t *since_ms)
{
    pthread_mutex_lock(&holder->mutex);
    bool has_failed = !holder->is_good;
    *since_ms = holder->failed_ms;
    pthread_mutex_unlock(&holder->mutex);
    return has_failed;
}
