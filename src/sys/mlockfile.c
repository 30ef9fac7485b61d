/* SPDX-License-Identifier: MIT */
#include "sys/mlockfile.h"

#include "base/units.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#define AT_ONCE IOV_MAX /* pages of one call */

int mlockfile_map(int fd, uint64_t start, uint64_t end, void **ret)
{
	void *map = mmap(NULL, end - start, PROT_READ, MAP_PRIVATE, fd, (off_t)start);

	if (map == MAP_FAILED)
		return -errno;
	*ret = map;
	return 0;
}

void mlockfile_unmap(void *map, size_t bytes)
{
	(void)munmap(map, bytes);
}

int mlockfile_lock(void *map, size_t bytes)
{
	return mlock2(map, bytes, MLOCK_ONFAULT) < 0 ? -errno : 0;
}

static size_t page_bytes(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

int64_t mlockfile_resident_bytes(void *map, size_t bytes)
{
	unsigned char resident[AT_ONCE];
	const size_t page = page_bytes();
	int64_t sum = 0;

	for (size_t at = 0; at < bytes; at += AT_ONCE * page) {
		size_t part = u64_min(bytes - at, AT_ONCE * page);

		if (mincore((char *)map + at, part, resident) < 0)
			return -errno;
		for (size_t i = 0; i < (part + page - 1) / page; i++)
			sum += resident[i] & 1 ? (int64_t)page : 0;
	}
	return sum;
}

/* One byte of each page, by the kernel: what can't be had is an error there, and no signal. Pages
 * that were touched, or -errno. */
static int64_t touch_pages(struct iovec *pages, size_t n)
{
	char sink[AT_ONCE] = {0};
	int64_t touched = 0;

	while (n > 0) {
		struct iovec to = {sink, n};
		ssize_t done = process_vm_readv(getpid(), &to, 1, pages, n, 0);

		if (done < 0 && errno != EFAULT)
			return -errno;
		if (done > 0)
			touched += done;
		/* past the one that is cut off or can't be read */
		done = done < 0 ? 1 : done + 1;
		if ((size_t)done >= n)
			break;
		pages += done;
		n -= (size_t)done;
	}
	return touched;
}

int64_t mlockfile_touch(void *map, size_t bytes, enum mlockfile_extent extent)
{
	unsigned char resident[AT_ONCE];
	struct iovec pages[AT_ONCE];
	const size_t page = page_bytes();
	int64_t sum = 0, touched;

	memset(resident, 1, sizeof resident);
	for (size_t at = 0; at < bytes; at += AT_ONCE * page) {
		size_t part = u64_min(bytes - at, AT_ONCE * page), n = 0;

		if (extent == MLOCKFILE_RESIDENT && mincore((char *)map + at, part, resident) < 0)
			return -errno;
		for (size_t i = 0; i < (part + page - 1) / page; i++)
			if (resident[i] & 1)
				pages[n++] = (struct iovec){(char *)map + at + i * page, 1};
		touched = touch_pages(pages, n);
		if (touched < 0)
			return touched;
		sum += touched * (int64_t)page;
	}
	return sum;
}
