/* Log lines in logfmt on standard error: time, level, msg, then the fields that the caller formats.
 *
 *     log_info("head frozen", "head=%u series=%zu", number, count);
 *
 * The message is a plain sentence without quotes; fields are key=value, values with spaces or quotes go through
 * LOG_QUOTED. Thread-safe: a line is one write.
 */
#ifndef VARVE_STORAGE_BASE_LOG_H
#define VARVE_STORAGE_BASE_LOG_H

#include "storage/base/public.h"
#include "storage/base/str.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/* Lines below this level are dropped. Default LOG_INFO. */
VARVE_PUBLIC void log_set_level(enum log_level level);

/* "debug", "info", "warn", "error"; false for anything else. */
bool log_parse_level(str name, enum log_level *out);

/* Sends lines to a function instead of standard error (for tests and embedding); NULL restores the default. The line
 * has no newline at its end. */
VARVE_PUBLIC void log_set_sink(void (*sink)(void *context, enum log_level level, str line), void *context);

void log_write(enum log_level level, const char *message, const char *fields, ...)
    __attribute__((format(printf, 3, 4)));

#define log_debug(message, ...) log_write(LOG_DEBUG, message, __VA_ARGS__)
#define log_info(message, ...)  log_write(LOG_INFO, message, __VA_ARGS__)
#define log_warn(message, ...)  log_write(LOG_WARN, message, __VA_ARGS__)
#define log_error(message, ...) log_write(LOG_ERROR, message, __VA_ARGS__)

/* Quotes and escapes s into out, cut to what fits; returns out->text. For use inside a log call:
 * log_warn("page damaged", "file=%s", log_quote(&(struct log_quoted){0}, path)). */
struct log_quoted {
    char text[512];
};
const char *log_quote(struct log_quoted *out, str s);
#define LOG_QUOTED(s) log_quote(&(struct log_quoted){{0}}, (s))

#endif
