/* Which version this is; see version.h. The build says it. */
#include "http/version.h"

const char version_text[] = VARVE_VERSION;
const char version_revision[] = VARVE_REVISION;
