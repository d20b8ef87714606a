/* load_with_nhcb: native histograms with custom buckets, made of classic ones. */
#ifndef VARVE_TESTS_CONFORMANCE_NHCB_H
#define VARVE_TESTS_CONFORMANCE_NHCB_H

#include "tests/conformance/script.h"

/* Makes series out of those of buckets, counts and sums. False with a sentence if what they say is no histogram. */
bool nhcb_make(const struct series *series, size_t count, struct series **out, size_t *out_count, struct arena *arena,
               str *why);

#endif
