/* The file of --config.file: what may change while the server runs, in the words of Prometheus' configuration.
 *
 *     global:
 *       external_labels: {cluster: a}
 *       query_log_file: /var/log/varve/queries.log
 *     otlp:
 *       translation_strategy: NoUTF8EscapingWithSuffixes
 *       promote_resource_attributes: [k8s.pod.name]
 *
 * Sections of Prometheus that a storage server has no part in (scrape_configs, rule_files, …) are read over with a
 * warning, so that one file can serve both. Unknown keys are errors.
 *
 * A configuration is constant once it is loaded; whoever works with it holds a reference. The holder has the present
 * one.
 */
#ifndef VARVE_HTTP_CONFIG_H
#define VARVE_HTTP_CONFIG_H

#include "tsdb/labels.h"

#include <stdatomic.h>

/* Names as in the file. Whether names get unit and type suffixes, and whether they become plain identifiers. */
#define OTLP_STRATEGIES(X)                                \
    X(ESCAPED_SUFFIXED, "UnderscoreEscapingWithSuffixes") \
    X(ESCAPED, "UnderscoreEscapingWithoutSuffixes")       \
    X(SUFFIXED, "NoUTF8EscapingWithSuffixes")             \
    X(UNCHANGED, "NoTranslation")

enum otlp_strategy {
#define X(id, name) OTLP_##id,
    OTLP_STRATEGIES(X)
#undef X
        OTLP_STRATEGY_COUNT
};

struct otlp_config {
    enum otlp_strategy strategy;
    bool promotes_all;             /* resource attributes become labels of every series … */
    const str *promoted, *ignored; /* … else these; or all but the ignored */
    size_t promoted_count, ignored_count;
    bool keeps_identifying;  /* service.name and the like also go to target_info */
    bool promotes_scope;     /* name, version and attributes of the scope become labels */
    bool converts_to_custom; /* explicit histograms become native ones with custom buckets */
    bool takes_delta;        /* delta temporality is stored as it comes */
    bool keeps_starts;       /* start times are stored; that costs bytes for each sample */
    bool collapses_underscores, keeps_leading_underscore; /* in the names of labels */
};

struct query_log;

struct config {
    _Atomic uint32_t references;
    struct arena arena;
    str text;              /* as the API shows it: without secrets, since the file has none */
    const label *external; /* labels of this server, sorted by name */
    size_t external_count;
    str query_log_file;          /* empty: none */
    struct query_log *query_log; /* opened by config_open_files; NULL if there is none */
    struct otlp_config otlp;
    const str *warnings; /* sections that were read over, in words */
    size_t warning_count;
};

/* Reads a file; an empty path gives the defaults. The caller has the only reference. The error names file and line. */
status config_load(str path, struct config **out);

/* Opens the files that the server writes to by this configuration; not for who only looks at one. */
status config_open_files(struct config *config);

void config_unref(struct config *config);

struct config_holder;

/* Takes the caller's reference. */
struct config_holder *config_holder_new(struct config *config);
void config_holder_free(struct config_holder *holder); /* NULL is fine */
void config_holder_set(struct config_holder *holder, struct config *config);

/* The present configuration, referenced for the caller. */
struct config *config_holder_get(struct config_holder *holder);

/* What became of the last attempt to load, and when the present configuration was. */
void config_holder_note(struct config_holder *holder, bool loaded, int64_t now_ms);
bool config_holder_is_good(struct config_holder *holder, int64_t *loaded_ms);

/* Whether it was not loaded, and since when none could be. */
bool config_holder_has_failed(struct config_holder *holder, int64_t *since_ms);

#endif
