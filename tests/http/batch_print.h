/* What a batch holds, as text: a line for each series, entry of metadata and exemplar. */
#ifndef VARVE_TESTS_HTTP_BATCH_PRINT_H
#define VARVE_TESTS_HTTP_BATCH_PRINT_H

#include "http/remote_write.h"
#include "tsdb/labels.h"

/* `{a="x"} 1.5@1000 …`, `meta name type help unit`, `exemplar {series} {labels} value@time`, `left out n: why`. */
str batch_print(const struct write_batch *batch, struct arena *arena);

#endif
