/* A list of queries, one a line, after a tab `fail` where it must be refused, over made-up series of the demo service
 * that the list is about. */
#ifndef VARVE_TESTS_CONFORMANCE_COMPLIANCE_H
#define VARVE_TESTS_CONFORMANCE_COMPLIANCE_H

#include "tests/conformance/session.h"

/* Counts queries that are answered, or refused where they must be, and the others. Many select nothing on purpose; that
 * at least four fifths of the answers have series is one more case. Tells of each failure if `is_verbose`. */
void compliance_run(str list, const struct session_options *options, bool is_verbose, size_t *passed, size_t *failed);

#endif
