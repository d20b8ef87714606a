#include "http/config.h"
#include "tests/support/folder.h"
#include "tests/support/must.h"

static const struct {
    const char *text, *error;
    size_t warnings;
} files[] = {
    {"", "", 0},
    {"global: {scrape_interval: 15s, external_labels: {b: x, a: y, empty: ''}}\n", "", 0},
    {"scrape_configs: []\nrule_files: [x]\n", "", 2},
    {"otlp: {translation_strategy: NoTranslation, promote_resource_attributes: [a], promote_scope_metadata: true}\n",
     "", 0},
    {"otlp: {promote_all_resource_attributes: true, ignore_resource_attributes: [a]}\n", "", 0},
    {"otlp: {convert_histograms_to_nhcb: true, label_name_underscore_sanitization: false, keep_start_times: true, "
     "label_name_preserve_multiple_underscores: false, allow_delta_temporality: true}\n",
     "", 0},
    {"otlp: {translation_strategy: Klingon}\n", "line 1: unknown translation_strategy Klingon", 0},
    {"otlp: {promote_all_resource_attributes: true, promote_resource_attributes: [a]}\n", "exclude each other", 0},
    {"otlp: {ignore_resource_attributes: [a]}\n", "needs promote_all_resource_attributes", 0},
    {"global: {external_labels: {__name__: x}}\n", "line 1: __name__ can not be an external label", 0},
    {"global: {external_labels: [x]}\n", "line 1: external_labels must hold names and values", 0},
    {"golbal: {}\n", "line 1: unknown key golbal", 0},
};

Test(config, files)
{
    struct arena arena = {0};
    struct config *config;
    const char *path;

    must(folder_make_temporary(&arena, &path));
    str name = arena_format(&arena, "%s/varve.yml", path);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        must(folder_write_file(name.data, str_from(files[i].text)));
        status s = config_load(name, &config);
        cr_expect(files[i].error[0] ? strstr(s.text, files[i].error) != NULL : !failed(s), "%s: %s", files[i].text,
                  s.text);
        if (failed(s)) continue;
        cr_expect(config->warning_count == files[i].warnings && str_equal(config->text, str_from(files[i].text)));
        if (i == 1) cr_expect(config->external_count == 2 && str_equal(config->external[0].name, STR("a")));
        config_unref(config);
    }
    cr_expect(failed(config_load(STR("/nowhere/varve.yml"), &config)));
    arena_release(&arena);
}

Test(config, the_holder_keeps_what_is_used)
{
    struct config *first, *second;
    int64_t loaded_ms, failed_ms;

    must(config_load(STR(""), &first));
    must(config_load(STR(""), &second));
    struct config_holder *holder = config_holder_new(first);
    struct config *used = config_holder_get(holder);
    cr_expect(used == first);
    config_holder_set(holder, second);
    cr_expect(used->references == 1);
    config_unref(used);
    config_holder_note(holder, true, 7);
    cr_expect(!config_holder_has_failed(holder, &failed_ms));
    config_holder_note(holder, false, 8);
    config_holder_note(holder, false, 9);
    cr_expect(!config_holder_is_good(holder, &loaded_ms) && loaded_ms == 7);
    cr_expect(config_holder_has_failed(holder, &failed_ms) && failed_ms == 8, "the first failure of them");
    config_holder_free(holder);
}
