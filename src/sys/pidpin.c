/* SPDX-License-Identifier: MIT */
#include "sys/pidpin.h"

#include <errno.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

/* glibc has pidfd_open() only from 2.36 on */
int pidpin_open(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	return fd < 0 ? -errno : fd;
}

bool pidpin_alive(int pidfd)
{
	struct pollfd poll_fd = {.fd = pidfd, .events = POLLIN};

	/* becomes readable when the process ends, pidfd_open(2) */
	return poll(&poll_fd, 1, 0) == 0;
}
