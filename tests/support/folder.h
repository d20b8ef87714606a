/* Folders and small files for the length of a test. */
#ifndef VARVE_TESTS_SUPPORT_FOLDER_H
#define VARVE_TESTS_SUPPORT_FOLDER_H

#include "storage/base/arena.h"
#include "storage/base/status.h"

/* Makes an empty folder below ${TMPDIR:-/tmp} and gives its path, in the arena and terminated; the arena's release
 * removes the folder with all that is in it. A test that fails does not come to that, and leaves it to be looked at. */
status folder_make_temporary(struct arena *arena, const char **out);

/* Removes a folder and all that is in it; one that does not exist is fine. */
void folder_remove(const char *path);

/* Reads a whole file into the arena. */
status folder_read_file(const char *path, struct arena *arena, str *out);

status folder_write_file(const char *path, str content);

#endif
