/* What the operating system says of this process; see process.h. */
#include "http/process.h"

#include "storage/base/clock.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static uint64_t count_open_files(void)
{
    DIR *folder = opendir("/proc/self/fd");
    uint64_t count = 0;

    if (!folder) return 0;
    for (const struct dirent *entry; (entry = readdir(folder));) count += entry->d_name[0] != '.';
    closedir(folder);
    return count - 1; /* the folder's own */
}

/* When the machine started, in Unix time. */
static double read_boot_seconds(void)
{
    FILE *file = fopen("/proc/stat", "re");
    char line[256];
    unsigned long long seconds = 0;

    if (!file) return 0;
    while (fgets(line, sizeof line, file) && sscanf(line, "btime %llu", &seconds) != 1) {}
    fclose(file);
    return (double)seconds;
}

/* Fields 20, 22, 23 and 24 of /proc/self/stat, counted after the name in parentheses, which may hold anything. */
static void read_stat(struct process_stats *out)
{
    FILE *file = fopen("/proc/self/stat", "re");
    char text[1024];
    unsigned long long threads, start_ticks, virtual_bytes, resident_pages;

    if (!file) return;
    size_t bytes = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[bytes] = 0;
    const char *rest = strrchr(text, ')');
    if (!rest ||
        sscanf(rest + 1, " %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu %*s %llu %llu %llu",
               &threads, &start_ticks, &virtual_bytes, &resident_pages) != 4)
        return;
    out->threads = threads;
    out->virtual_bytes = virtual_bytes;
    out->resident_bytes = resident_pages * (uint64_t)sysconf(_SC_PAGESIZE);
    out->start_seconds = read_boot_seconds() + (double)start_ticks / (double)sysconf(_SC_CLK_TCK);
}

void process_read(struct process_stats *out)
{
    struct rlimit limit;

    *out = (struct process_stats){.cpu_seconds = clock_process_seconds(), .open_files = count_open_files()};
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) out->open_files_max = limit.rlim_cur;
    read_stat(out);
}
