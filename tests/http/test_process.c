#include "http/process.h"
#include "tests/support/test.h"

#include <time.h>
#include <unistd.h>

Test(process, says_what_is_known_otherwise)
{
    struct process_stats before, after;
    int pipes[2];

    process_read(&before);
    cr_assert(pipe(pipes) == 0);
    process_read(&after);
    cr_expect(after.open_files == before.open_files + 2);
    cr_expect(after.open_files_max >= after.open_files);
    cr_expect(after.threads >= 1);
    cr_expect(after.resident_bytes > 100000 && after.virtual_bytes >= after.resident_bytes);
    double now = (double)time(NULL);
    cr_expect(after.start_seconds > now - 86400 && after.start_seconds < now + 10, "%f", after.start_seconds);
    cr_expect(after.cpu_seconds >= before.cpu_seconds);
    close(pipes[0]);
    close(pipes[1]);
}
