/* SPDX-License-Identifier: MIT */
#include "sys/pidpin.h"

#include <errno.h>
#include <linux/kcmp.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

/* glibc has pidfd_open() only from 2.36 on */
int pidpin_open(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (fd >= 0)
		return fd;
	/* a number that is a thread's now, and no process's any more: EINVAL, newer ones ENOENT */
	return errno == EINVAL || errno == ENOENT ? -ESRCH : -errno;
}

bool pidpin_alive(int pidfd)
{
	struct pollfd poll_fd = {.fd = pidfd, .events = POLLIN};

	/* becomes readable when the process ends, pidfd_open(2) */
	return poll(&poll_fd, 1, 0) == 0;
}

int pidpin_same_memory(pid_t a, pid_t b)
{
	long r = syscall(SYS_kcmp, a, b, KCMP_VM, 0, 0);

	return r < 0 ? -errno : r == 0;
}
