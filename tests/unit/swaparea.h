/* SPDX-License-Identifier: MIT */
/* A swap area for tests, of lowest priority. It goes with the program that made it, however that
 * ends: another process waits for that. */
#pragma once
#include "base/cleanup.h"
#include "base/units.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/wait.h>

#define SWAPAREA_BYTES (128 * MIB)

struct swaparea {
	char directory[32], path[48];
	int alive_fd; /* closed when we end, as the last of its copies */
	pid_t supervisor;
};

static inline void swaparea_remove(const struct swaparea *area)
{
	(void)swapoff(area->path);
	(void)unlink(area->path);
	(void)rmdir(area->directory);
}

/* Zeroes and a header, as mkswap(8) writes it. */
static inline bool swaparea_write(const char *path)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	static const char zeroes[MIB];
	const uint32_t header[] = {1, (uint32_t)(SWAPAREA_BYTES / page - 1), 0};
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return false;
	for (uint64_t at = 0; at < SWAPAREA_BYTES; at += sizeof zeroes)
		if (write(fd, zeroes, sizeof zeroes) != (ssize_t)sizeof zeroes)
			return false;
	return pwrite(fd, header, sizeof header, 1024) == (ssize_t)sizeof header &&
	       pwrite(fd, "SWAPSPACE2", 10, (off_t)page - 10) == 10;
}

/* Waits for the end of all who hold the other end of the pipe, and cleans up. */
static inline void swaparea_supervise(const struct swaparea *area, int fd)
{
	char byte;

	(void)setsid();
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	while (read(fd, &byte, 1) < 0 && errno == EINTR)
		continue;
	swaparea_remove(area);
	_exit(0);
}

/* False where there can't be one, which is said. */
static inline bool swaparea_open(struct swaparea *area)
{
	int pair[2];

	*area = (struct swaparea){.directory = "/var/tmp/swaparea.XXXXXX", .alive_fd = -1};
	if (geteuid() != 0) {
		printf("skipped in part: only root can have a swap area\n");
		return false;
	}
	if (!mkdtemp(area->directory) || pipe2(pair, O_CLOEXEC) < 0)
		return false;
	(void)snprintf(area->path, sizeof area->path, "%s/area", area->directory);
	(void)fflush(NULL);
	area->supervisor = fork();
	if (area->supervisor == 0) {
		(void)close(pair[1]);
		swaparea_supervise(area, pair[0]);
	}
	(void)close(pair[0]);
	area->alive_fd = pair[1];
	if (swaparea_write(area->path) && swapon(area->path, 0) == 0)
		return true;
	printf("skipped in part: no swap area in %s: %s\n", area->directory, strerror(errno));
	return false;
}

static inline void swaparea_close(struct swaparea *area)
{
	close_fd(&area->alive_fd);
	if (area->supervisor > 0)
		(void)waitpid(area->supervisor, NULL, 0);
}
