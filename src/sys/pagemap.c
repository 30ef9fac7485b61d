/* SPDX-License-Identifier: MIT */
#include "sys/pagemap.h"

#include "base/cleanup.h"
#include "base/units.h"

#include <errno.h>
#include <sys/ioctl.h>

/* Documentation/admin-guide/mm/pagemap.rst; Debian 12 has the headers of 6.1 */
#define ENTRY_PRESENT (UINT64_C(1) << 63)
#define ENTRY_SWAPPED (UINT64_C(1) << 62)
#define ENTRY_FILE (UINT64_C(1) << 61)
#define ENTRY_GUARD (UINT64_C(1) << 58) /* those count as swapped, too */

#define CATEGORY_FILE (UINT64_C(1) << 2)
#define CATEGORY_PRESENT (UINT64_C(1) << 3)
#define CATEGORY_SWAPPED (UINT64_C(1) << 4)
#define CATEGORY_PFNZERO (UINT64_C(1) << 5)
#define CATEGORY_GUARD (UINT64_C(1) << 8) /* 6.15 */

struct scan_region {
	uint64_t start, end, categories;
};

struct scan_arg {
	uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
	uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};

#define SCAN_IOCTL _IOWR('f', 16, struct scan_arg)
#define SCAN_REGIONS 128
#define READ_ENTRIES 1024

int pagemap_open(const struct procfs *procfs, pid_t pid, struct pagemap *ret)
{
	struct scan_arg probe = {.size = sizeof probe};
	int fd = procfs_open_pid_file(procfs, pid, "pagemap");

	if (fd < 0)
		return fd;
	ret->fd = fd;
	ret->page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	ret->scan = ioctl(fd, SCAN_IOCTL, &probe) == 0;
	probe.category_mask = probe.category_inverted = CATEGORY_GUARD;
	ret->guards = ret->scan && ioctl(fd, SCAN_IOCTL, &probe) == 0;
	return 0;
}

void pagemap_close(struct pagemap *map)
{
	close_fd(&map->fd);
}

static ssize_t find_by_scan(const struct pagemap *map, enum pagemap_want want, uint64_t *at,
			    uint64_t end, uint64_t max_bytes, struct iovec *ret_ranges, size_t cap)
{
	struct scan_region regions[SCAN_REGIONS];
	struct scan_arg arg = {
		.size = sizeof arg,
		.start = *at,
		.end = end,
		.vec = (uintptr_t)regions,
		.vec_len = u64_min(cap, SCAN_REGIONS),
		.max_pages = max_bytes / map->page_bytes,
		.return_mask = CATEGORY_PRESENT,
	};
	int n;

	if (want == PAGEMAP_RESIDENT) {
		arg.category_mask = CATEGORY_PRESENT | CATEGORY_FILE | CATEGORY_PFNZERO;
		arg.category_inverted = CATEGORY_FILE | CATEGORY_PFNZERO;
	} else {
		arg.category_inverted = map->guards ? CATEGORY_GUARD : 0;
		arg.category_mask = CATEGORY_SWAPPED | arg.category_inverted;
		arg.return_mask = CATEGORY_SWAPPED;
	}
	do
		n = ioctl(map->fd, SCAN_IOCTL, &arg);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	for (int i = 0; i < n; i++)
		ret_ranges[i] = (struct iovec){(void *)(uintptr_t)regions[i].start,
					       regions[i].end - regions[i].start};
	*at = arg.walk_end > *at ? arg.walk_end : end;
	return n;
}

static bool entry_fits(uint64_t entry, enum pagemap_want want)
{
	if (want == PAGEMAP_SWAPPED)
		return entry & ENTRY_SWAPPED && !(entry & (ENTRY_PRESENT | ENTRY_GUARD));
	return entry & ENTRY_PRESENT && !(entry & ENTRY_FILE);
}

/* Before 6.7: entry by entry. Here the shared zero page counts as resident; advice about it does
 * nothing. */
static ssize_t find_by_read(const struct pagemap *map, enum pagemap_want want, uint64_t *at,
			    uint64_t end, uint64_t max_bytes, struct iovec *ret_ranges, size_t cap)
{
	uint64_t entries[READ_ENTRIES];
	uint64_t pages = u64_min((end - *at) / map->page_bytes, READ_ENTRIES);
	uint64_t left = max_bytes / map->page_bytes;
	size_t n = 0, i = 0, len;
	bool open = false;
	ssize_t bytes = pread(map->fd, entries, pages * sizeof *entries,
			      (off_t)(*at / map->page_bytes * sizeof *entries));

	if (bytes < 0)
		return -errno;
	len = (size_t)bytes / sizeof *entries;
	if (len == 0) {
		*at = end;
		return 0;
	}
	for (; i < len && left > 0; i++) {
		if (!entry_fits(entries[i], want)) {
			open = false;
			continue;
		}
		if (!open && n == cap)
			break;
		if (!open)
			ret_ranges[n++] =
				(struct iovec){(void *)(uintptr_t)(*at + i * map->page_bytes), 0};
		open = true;
		ret_ranges[n - 1].iov_len += map->page_bytes;
		left--;
	}
	*at += i * map->page_bytes;
	return (ssize_t)n;
}

ssize_t pagemap_find(struct pagemap *map, enum pagemap_want want, uint64_t *at, uint64_t end,
		     uint64_t max_bytes, struct iovec *ret_ranges, size_t cap)
{
	if (max_bytes < map->page_bytes)
		return 0;
	return map->scan ? find_by_scan(map, want, at, end, max_bytes, ret_ranges, cap)
			 : find_by_read(map, want, at, end, max_bytes, ret_ranges, cap);
}
