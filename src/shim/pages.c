/* SPDX-License-Identifier: MIT */
#include "shim/pages.h"
#include "shim/rawsys.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ioctl.h>

/* linux/fs.h since 6.7 */
struct scan_region {
	uint64_t start, end, categories;
};

struct scan_argument {
	uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages, category_inverted,
		category_mask, category_anyof_mask, return_mask;
};

#define SCAN_IOCTL _IOWR('f', 16, struct scan_argument)
#define SCAN_FILE (1U << 2)
#define SCAN_PRESENT (1U << 3)
#define SCAN_SWAPPED (1U << 4)
#define SCAN_PFNZERO (1U << 5)
#define SCAN_GUARD (1U << 8) /* 6.15 */

/* Found at a time. Half a gigabyte takes 5 ms: the disk needn't wait for all of it. */
#define SCAN_PAGES 8192

/* Documentation/admin-guide/mm/pagemap.rst */
#define ENTRY_PRESENT (UINT64_C(1) << 63)
#define ENTRY_SWAPPED (UINT64_C(1) << 62)
#define ENTRY_FILE (UINT64_C(1) << 61)
#define ENTRY_GUARD (UINT64_C(1) << 58) /* 6.15 */

static bool can_scan(int fd, uint64_t categories)
{
	struct scan_argument nothing = {.size = sizeof(nothing), .category_mask = categories};

	return RAW_3(SYS_ioctl, fd, SCAN_IOCTL, &nothing) == 0;
}

int pages_open(struct shim *shim, struct pages *ret)
{
	*ret = (struct pages){.fd = (int)RAW_4(SYS_openat, AT_FDCWD, "/proc/self/pagemap",
					       O_RDONLY | O_CLOEXEC, 0)};
	if (ret->fd < 0)
		return shim_fail(shim, -ret->fd,
				 "its page map can't be read: it has made itself undumpable", NULL);
	ret->passed_over = SCAN_FILE | SCAN_PFNZERO | SCAN_GUARD;
	if (!can_scan(ret->fd, ret->passed_over))
		ret->passed_over = SCAN_FILE | SCAN_PFNZERO;
	ret->scan = can_scan(ret->fd, ret->passed_over);
	return 0;
}

void pages_close(struct pages *pages)
{
	(void)RAW_1(SYS_close, pages->fd);
}

/* Fills the runs from [at, end); *at moves to where it stopped looking. 0 or -errno. */
static int scan(struct pages *pages, uint64_t *at, uint64_t end)
{
	struct scan_region found[sizeof(pages->runs) / sizeof(pages->runs[0])];
	struct scan_argument argument = {
		.size = sizeof(argument),
		.start = *at,
		.end = end,
		.vec = (uintptr_t)found,
		.vec_len = sizeof(found) / sizeof(found[0]),
		.max_pages = SCAN_PAGES,
		.category_inverted = pages->passed_over,
		.category_mask = pages->passed_over,
		.category_anyof_mask = SCAN_PRESENT | SCAN_SWAPPED,
	};
	long n = RAW_3(SYS_ioctl, pages->fd, SCAN_IOCTL, &argument);

	if (n < 0)
		return (int)n;
	for (long i = 0; i < n; i++)
		pages->runs[i] = (struct page_run){.start = found[i].start, .end = found[i].end};
	pages->n_runs = (unsigned)n;
	*at = argument.walk_end;
	return 0;
}

static int read_entries(const struct shim *shim, struct pages *pages, uint64_t *at, uint64_t end)
{
	uint64_t max = sizeof(pages->entries) / sizeof(pages->entries[0]);
	uint64_t count = (end - *at) / shim->page_bytes;
	uint64_t offset = *at / shim->page_bytes * sizeof(uint64_t);
	struct page_run *run = NULL;
	struct iovec part = {.iov_base = pages->entries};
	long n;

	count = count < max ? count : max;
	part.iov_len = (size_t)(count * sizeof(uint64_t));
	n = RAW_5(SYS_preadv, pages->fd, &part, 1, (unsigned long)offset,
		  (unsigned long)(offset >> 32));
	if (n < (long)sizeof(uint64_t))
		return n < 0 ? (int)n : -EBADMSG;
	for (uint64_t i = 0; i < (uint64_t)n / sizeof(uint64_t); i++, *at += shim->page_bytes) {
		uint64_t entry = pages->entries[i];

		if (!(entry & (ENTRY_PRESENT | ENTRY_SWAPPED)) ||
		    (entry & (ENTRY_FILE | ENTRY_GUARD))) {
			run = NULL;
			continue;
		}
		if (!run && pages->n_runs == sizeof(pages->runs) / sizeof(pages->runs[0]))
			break;
		if (!run) {
			run = &pages->runs[pages->n_runs++];
			run->start = *at;
		}
		run->end = *at + shim->page_bytes;
	}
	return 0;
}

int pages_peek(struct shim *shim, struct pages *pages, struct page_run *ret)
{
	const struct ledger *ledger = &shim->ledger;

	while (pages->next == pages->n_runs) {
		const struct region *region = &ledger->regions[pages->at.region];
		int r;

		if (pages->at.region >= ledger->n_regions)
			return 0;
		if (pages->at.at < region->start)
			pages->at.at = region->start;
		if (pages->at.at >= region->end) {
			pages->at.region++;
			continue;
		}
		pages->region = pages->at.region;
		pages->next = pages->n_runs = 0;
		r = pages->scan ? scan(pages, &pages->at.at, region->end)
				: read_entries(shim, pages, &pages->at.at, region->end);
		if (r)
			return shim_fail(shim, -r, "its page map can't be read", NULL);
	}
	*ret = pages->runs[pages->next];
	return 1;
}

void pages_take(struct pages *pages, uint64_t end)
{
	struct page_run *run = &pages->runs[pages->next];

	run->start = end;
	if (run->start >= run->end)
		pages->next++;
}
