/* One run of a script: a database that `clear` empties, and an engine. */
#ifndef VARVE_TESTS_CONFORMANCE_SESSION_H
#define VARVE_TESTS_CONFORMANCE_SESSION_H

#include "storage/base/vec.h"
#include "tests/conformance/script.h"

struct session;

struct session_options {
    bool is_frozen;  /* data is frozen into blocks after each load */
    bool is_printed; /* expressions are run as the printer lays them out */
    uint32_t threads;
};

struct session *session_new(const struct session_options *options);
void session_free(struct session *session);

/* Runs a command. False with a reason when a load could not be done in full or an eval went wrong. */
bool session_run(struct session *session, const struct command *command, str *why, struct arena *arena);

/* What queries of one's own are asked; until the next `clear`. */
struct engine *session_engine(struct session *session);

#endif
