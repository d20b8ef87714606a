/* The queries that are being evaluated, in a file of the data folder, so that a crash tells which they were.
 *
 * `queries.active` is mapped: an entry costs a copy, and what is in it survives the process. Its form is that of
 * Prometheus: `[`, then entries of 1,000 bytes, `{"query":"…","timestamp_sec":1700000000},` with zeros behind. A query
 * that is too long for its entry is cut.
 */
#ifndef VARVE_HTTP_ACTIVE_FILE_H
#define VARVE_HTTP_ACTIVE_FILE_H

#include "storage/base/status.h"
#include "storage/base/str.h"

struct active_file;

/* Logs what an earlier process left in the file, a line for each query, and begins it anew with room for `entries`. To
 * be called by who has the folder. */
status active_file_open(str folder, uint32_t entries, struct active_file **out);
void active_file_close(struct active_file *file); /* NULL is fine */

/* Enters a query; the number is for active_file_remove. A negative one says that there was no room. From any thread. */
int active_file_add(struct active_file *file, str query);
void active_file_remove(struct active_file *file, int entry);

#endif
