/* Ends a test with the sentence of a status that should not have failed. */
#ifndef VARVE_TESTS_SUPPORT_MUST_H
#define VARVE_TESTS_SUPPORT_MUST_H

#include "storage/base/status.h"
#include "tests/support/test.h"

#define must(call)                                                 \
    do {                                                           \
        status must_status_ = (call);                              \
        cr_assert(!failed(must_status_), "%s", must_status_.text); \
    } while (0)

#endif
