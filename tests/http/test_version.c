#include "http/version.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

Test(version, texts)
{
    unsigned major, minor, patch;
    int end = 0;

    cr_expect(sscanf(version_text, "%u.%u.%u%n", &major, &minor, &patch, &end) == 3 && !version_text[end], "%s",
              version_text);
    cr_expect(version_revision[0] != 0);
    cr_expect(sscanf(VERSION_OF_API, "%u.%u.%u%n", &major, &minor, &patch, &end) == 3 && major >= 3);
}
