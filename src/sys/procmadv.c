/* SPDX-License-Identifier: MIT */
#include "sys/procmadv.h"

#include "base/cleanup.h"
#include "base/units.h"
#include "sys/pidpin.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TOUCH_BATCH 256

#ifndef MADV_COLD /* Linux 5.4 */
#define MADV_COLD 20
#define MADV_PAGEOUT 21
#endif

ssize_t procmadv_advise(int pidfd, const struct iovec *ranges, size_t n,
			enum procmadv_advice advice)
{
	static const int numbers[] = {MADV_COLD, MADV_PAGEOUT, MADV_WILLNEED};
	ssize_t bytes;

	do
		bytes = syscall(SYS_process_madvise, pidfd, ranges, n, numbers[advice], 0u);
	while (bytes < 0 && errno == EINTR);
	return bytes < 0 ? -errno : bytes;
}

int procmadv_probe(void)
{
	/* Our parent, not ourselves: newer kernels let everyone advise his own memory. */
	_cleanup_close_ int pidfd = pidpin_open(getppid() > 0 ? getppid() : 1);
	struct iovec none = {0};
	ssize_t r;

	if (pidfd < 0)
		return pidfd;
	r = procmadv_advise(pidfd, &none, 0, PROCMADV_COLD);
	return r < 0 ? (int)r : 0;
}

ssize_t procmadv_touch(pid_t pid, const struct iovec *range, size_t page_bytes)
{
	char *page = range->iov_base;
	size_t left = range->iov_len / page_bytes, done = 0;

	while (left > 0) {
		struct iovec remote[TOUCH_BATCH] = {0};
		char sink[TOUCH_BATCH];
		size_t n = u64_min(left, TOUCH_BATCH);
		struct iovec local = {sink, n};
		ssize_t bytes;

		for (size_t i = 0; i < n; i++, page += page_bytes)
			remote[i] = (struct iovec){page, 1};
		bytes = process_vm_readv(pid, &local, 1, remote, n, 0);
		if (bytes <= 0)
			return done > 0 ? (ssize_t)done : bytes == 0 ? -EFAULT : -errno;
		done += (size_t)bytes * page_bytes;
		if ((size_t)bytes < n)
			break;
		left -= n;
	}
	return (ssize_t)done;
}
