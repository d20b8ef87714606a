/* Log lines in logfmt; see log.h. */
#include "storage/base/log.h"

#include "storage/base/clock.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static _Atomic int level_min = LOG_INFO;
static pthread_mutex_t sink_mutex = PTHREAD_MUTEX_INITIALIZER; /* guards the two below */
static void (*sink_function)(void *context, enum log_level level, str line);
static void *sink_context;

static const char *const level_names[] = {"debug", "info", "warn", "error"};

void log_set_level(enum log_level level)
{
    atomic_store(&level_min, (int)level);
}

bool log_parse_level(str name, enum log_level *out)
{
    for (int i = LOG_DEBUG; i <= LOG_ERROR; i++) {
        if (str_equal(name, str_from(level_names[i]))) {
            *out = (enum log_level)i;
            return true;
        }
    }
    return false;
}

void log_set_sink(void (*sink)(void *context, enum log_level level, str line), void *context)
{
    pthread_mutex_lock(&sink_mutex);
    sink_function = sink;
    sink_context = context;
    pthread_mutex_unlock(&sink_mutex);
}

static void emit(enum log_level level, char *line, size_t len)
{
    pthread_mutex_lock(&sink_mutex);
    if (sink_function) {
        sink_function(sink_context, level, str_make(line, len));
    } else {
        line[len] = '\n';
        for (size_t done = 0; done < len + 1;) {
            ssize_t wrote = write(STDERR_FILENO, line + done, len + 1 - done);
            if (wrote <= 0) break; /* nobody is left to tell */
            done += (size_t)wrote;
        }
    }
    pthread_mutex_unlock(&sink_mutex);
}

void log_write(enum log_level level, const char *message, const char *fields, ...)
{
    char line[2048];
    int64_t now_ms = clock_now_ms();
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm utc;

    if ((int)level < atomic_load_explicit(&level_min, memory_order_relaxed)) return;
    gmtime_r(&seconds, &utc);
    size_t len = strftime(line, sizeof line, "time=%Y-%m-%dT%H:%M:%S", &utc);
    len += (size_t)snprintf(line + len, sizeof line - len, ".%03dZ level=%s msg=\"%s\"", (int)(now_ms % 1000),
                            level_names[level], message);
    if (len < sizeof line - 2 && fields[0]) {
        va_list args;
        line[len++] = ' ';
        va_start(args, fields);
        int more = vsnprintf(line + len, sizeof line - len - 1, fields, args);
        va_end(args);
        if (more > 0) len += (size_t)more;
    }
    if (len > sizeof line - 2) len = sizeof line - 2;
    emit(level, line, len);
}

const char *log_quote(struct log_quoted *out, str s)
{
    size_t at = 0;

    out->text[at++] = '"';
    for (size_t i = 0; i < s.len && at + 8 < sizeof out->text; i++) {
        unsigned char c = (unsigned char)s.data[i];
        if (c == '"' || c == '\\') {
            out->text[at++] = '\\';
            out->text[at++] = (char)c;
        } else if (c == '\n') {
            out->text[at++] = '\\';
            out->text[at++] = 'n';
        } else if (c < 0x20 || c == 0x7F) {
            at += (size_t)snprintf(out->text + at, sizeof out->text - at, "\\x%02x", c);
        } else {
            out->text[at++] = (char)c;
        }
    }
    out->text[at++] = '"';
    out->text[at] = 0;
    return out->text;
}
