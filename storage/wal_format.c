/* Layout of the write-ahead log; see wal_format.h. */
#include "storage/wal_format.h"

#include "storage/base/hash.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

static const char segment_magic[8] = {'V', 'A', 'R', 'V', 'E', 'W', 'A', 'L'};
static const char group_magic[8] = {'V', 'A', 'R', 'V', 'E', 'G', 'R', 'P'};

void wal_name(char out[WAL_NAME_BYTES], uint32_t head, uint32_t segment)
{
    snprintf(out, WAL_NAME_BYTES, "wal/%08u-%04u", head, segment);
}

bool wal_parse_name(str name, uint32_t *head, uint32_t *segment)
{
    uint64_t first, second;
    str rest = name;
    str number = str_cut(&rest, '-');

    if (!str_to_uint64(number, &first) || !str_to_uint64(rest, &second)) return false;
    if (first > UINT32_MAX || second > UINT32_MAX) return false;
    char made[WAL_NAME_BYTES];
    wal_name(made, *head = (uint32_t)first, *segment = (uint32_t)second);
    return str_equal(str_part(str_from(made), sizeof "wal/" - 1, sizeof made), name);
}

void wal_segment_header(uint8_t out[WAL_SEGMENT_HEADER_BYTES], uint32_t head, uint32_t segment, uint64_t boot)
{
    memset(out, 0, WAL_SEGMENT_HEADER_BYTES);
    memcpy(out, segment_magic, sizeof segment_magic);
    store_u32(out + 8, WAL_VERSION);
    store_u32(out + 12, head);
    store_u32(out + 16, segment);
    store_u64(out + 24, boot);
    store_u64(out + 56, hash_bytes(out, 56));
}

bool wal_is_segment_header(const uint8_t *at, uint32_t head, uint32_t segment, uint64_t *boot)
{
    *boot = load_u64(at + 24);
    return memcmp(at, segment_magic, sizeof segment_magic) == 0 && load_u64(at + 56) == hash_bytes(at, 56) &&
           load_u32(at + 8) == WAL_VERSION && load_u32(at + 12) == head && load_u32(at + 16) == segment;
}

void wal_group_header(uint8_t out[WAL_GROUP_HEADER_BYTES], const struct wal_group *group)
{
    memcpy(out, group_magic, sizeof group_magic);
    store_u64(out + 8, group->sequence);
    store_u64(out + 16, group->synced);
    store_u64(out + 24, group->boot);
    store_u64(out + 32, group->bytes);
    store_u64(out + 40, hash_bytes(out, 40));
}

bool wal_is_group_header(const uint8_t *at, struct wal_group *out)
{
    if (memcmp(at, group_magic, sizeof group_magic) != 0 || load_u64(at + 40) != hash_bytes(at, 40)) return false;
    *out = (struct wal_group){load_u64(at + 8), load_u64(at + 16), load_u64(at + 24), load_u64(at + 32)};
    return true;
}

static _Atomic uint64_t boot_id;

uint64_t wal_boot_id(void)
{
    uint64_t id = atomic_load(&boot_id);

    if (id == 0) {
        char text[64];
        int descriptor = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
        ssize_t got = descriptor < 0 ? -1 : read(descriptor, text, sizeof text);
        if (descriptor >= 0) close(descriptor);
        /* Without a boot id nothing counts as written under the running boot. */
        id = got > 0 ? hash_bytes(text, (size_t)got) : UINT64_MAX;
        atomic_store(&boot_id, id);
    }
    return id;
}

void wal_set_boot_id(uint64_t boot)
{
    atomic_store(&boot_id, boot);
}
