/* SPDX-License-Identifier: MIT */
#include "daemon/background.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>

/* The status that the daemon sends, or 1 where it ended without a word. */
static int wait_for_status(int fd)
{
	unsigned char status;
	ssize_t n;

	do
		n = read(fd, &status, 1);
	while (n < 0 && errno == EINTR);
	return n == 1 ? status : 1;
}

int background_start(int *ret_ready_fd)
{
	int pipe_fds[2];
	pid_t child;

	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return -errno;
	child = fork();
	if (child < 0)
		return -errno;
	if (child > 0) {
		(void)close(pipe_fds[1]);
		(void)waitpid(child, NULL, 0);
		_exit(wait_for_status(pipe_fds[0]));
	}
	(void)close(pipe_fds[0]);
	(void)setsid();
	/* not a session leader any more: no terminal that we open can become ours */
	child = fork();
	if (child != 0)
		_exit(child < 0);
	if (chdir("/") < 0)
		return -errno;
	*ret_ready_fd = pipe_fds[1];
	return 0;
}

void background_ready(int *ready_fd, int status)
{
	unsigned char byte = (unsigned char)status;
	int null_fd;

	if (*ready_fd < 0)
		return;
	/* before it is told: whoever waits may look, or close the other end of a pipe */
	null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = 0; null_fd >= 0 && fd <= 2; fd++)
		(void)dup2(null_fd, fd);
	if (null_fd > 2)
		(void)close(null_fd);
	(void)!write(*ready_fd, &byte, 1);
	close_fd(ready_fd);
}
