/* SPDX-License-Identifier: MIT */
#include "sys/meminfo.h"

#include "base/cleanup.h"
#include "base/num.h"
#include "base/units.h"

#include <errno.h>
#include <string.h>

enum {
	KEY_MEM_TOTAL,
	KEY_MEM_FREE,
	KEY_MEM_AVAILABLE,
	KEY_BUFFERS,
	KEY_CACHED,
	KEY_SWAP_CACHED,
	KEY_ACTIVE_ANON,
	KEY_INACTIVE_ANON,
	KEY_SWAP_TOTAL,
	KEY_SWAP_FREE,
	KEY_DIRTY,
	KEY_WRITEBACK,
	KEY_ANON_PAGES,
	KEY_SHMEM,
	KEY_COMMIT_LIMIT,
	KEY_COMMITTED,
	KEY__N
};

static const char *const keys[KEY__N] = {
	[KEY_MEM_TOTAL] = "MemTotal:",
	[KEY_MEM_FREE] = "MemFree:",
	[KEY_MEM_AVAILABLE] = "MemAvailable:",
	[KEY_BUFFERS] = "Buffers:",
	[KEY_CACHED] = "Cached:",
	[KEY_SWAP_CACHED] = "SwapCached:",
	[KEY_ACTIVE_ANON] = "Active(anon):",
	[KEY_INACTIVE_ANON] = "Inactive(anon):",
	[KEY_SWAP_TOTAL] = "SwapTotal:",
	[KEY_SWAP_FREE] = "SwapFree:",
	[KEY_DIRTY] = "Dirty:",
	[KEY_WRITEBACK] = "Writeback:",
	[KEY_ANON_PAGES] = "AnonPages:",
	[KEY_SHMEM] = "Shmem:",
	[KEY_COMMIT_LIMIT] = "CommitLimit:",
	[KEY_COMMITTED] = "Committed_AS:",
};

static int find_key(const char *line, const char *end)
{
	for (int i = 0; i < KEY__N; i++) {
		size_t len = strlen(keys[i]);

		if ((size_t)(end - line) > len && memcmp(line, keys[i], len) == 0)
			return i;
	}
	return -1;
}

static bool has(unsigned found, int key)
{
	return found & 1u << key;
}

/* Anonymous pages on the lists, or 0 where the kernel doesn't tell of all that they are set
 * against: compared with nothing they would seem to be free. */
static uint64_t anon_lru_bytes(unsigned found, const uint64_t bytes[KEY__N])
{
	if (!has(found, KEY_ACTIVE_ANON) || !has(found, KEY_INACTIVE_ANON) ||
	    !has(found, KEY_ANON_PAGES) || !has(found, KEY_SHMEM))
		return 0;
	return u64_add_sat(bytes[KEY_ACTIVE_ANON], bytes[KEY_INACTIVE_ANON]);
}

int meminfo_parse(const char *text, size_t len, struct mem_facts *ret)
{
	uint64_t bytes[KEY__N] = {0};
	unsigned found = 0;

	for (const char *line = text, *end; line < text + len; line = end + 1) {
		int key;

		end = memchr(line, '\n', (size_t)(text + len - line));
		if (!end)
			return -EBADMSG;
		key = find_key(line, end);
		if (key < 0)
			continue;
		if (has(found, key) || num_scan_kib(line + strlen(keys[key]), end, &bytes[key]) < 0)
			return -EBADMSG;
		found |= 1u << key;
	}
	if (!has(found, KEY_MEM_TOTAL) || !has(found, KEY_MEM_FREE) ||
	    !has(found, KEY_SWAP_TOTAL) || !has(found, KEY_SWAP_FREE) ||
	    (!has(found, KEY_MEM_AVAILABLE) &&
	     (!has(found, KEY_BUFFERS) || !has(found, KEY_CACHED))))
		return -EBADMSG;
	*ret = (struct mem_facts){
		.total_bytes = bytes[KEY_MEM_TOTAL],
		.free_bytes = bytes[KEY_MEM_FREE],
		.available_bytes = bytes[KEY_MEM_AVAILABLE],
		.buffers_bytes = bytes[KEY_BUFFERS],
		.cached_bytes = bytes[KEY_CACHED],
		.dirty_bytes = bytes[KEY_DIRTY],
		.writeback_bytes = bytes[KEY_WRITEBACK],
		.shmem_bytes = bytes[KEY_SHMEM],
		.swap_total_bytes = bytes[KEY_SWAP_TOTAL],
		.swap_free_bytes = bytes[KEY_SWAP_FREE],
		.swap_cached_bytes = bytes[KEY_SWAP_CACHED],
		.anon_lru_bytes = anon_lru_bytes(found, bytes),
		.anon_mapped_bytes = bytes[KEY_ANON_PAGES],
		.commit_limit_bytes = bytes[KEY_COMMIT_LIMIT],
		.committed_bytes = bytes[KEY_COMMITTED],
		.has_available = has(found, KEY_MEM_AVAILABLE),
	};
	return 0;
}

int meminfo_read(const struct procfs *procfs, int *fd, struct mem_facts *ret)
{
	char text[PROCFS_FILE_MAX];
	ssize_t n = procfs_read_kept(procfs, fd, "meminfo", text, sizeof text);
	int r = n < 0 ? (int)n : meminfo_parse(text, (size_t)n, ret);
	if (r < 0)
		close_fd(fd);
	return r;
}
