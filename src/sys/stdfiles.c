/* SPDX-License-Identifier: MIT */
#include "sys/stdfiles.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int stdfiles_open(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		/* the lowest one that is free: this one */
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0)
			return -errno;
	return 0;
}
