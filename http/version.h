/* Which version this is. */
#ifndef VARVE_HTTP_VERSION_H
#define VARVE_HTTP_VERSION_H

extern const char version_text[];     /* "0.1.0" */
extern const char version_revision[]; /* of the source; "unknown" when the build was not told */

/* The release of Prometheus whose HTTP API this server speaks: clients choose features by it. */
#define VERSION_OF_API "3.14.0"

#endif
