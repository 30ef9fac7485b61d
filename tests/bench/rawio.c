/* SPDX-License-Identifier: MIT */
/* rawio FILE MIB write|read: how long that takes with O_DIRECT, in requests of 4 MiB from or into
 * memory that is there already; in us. The file is made and reserved before, and left. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define REQUEST ((size_t)4 << 20)

static double now_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

int main(int argc, char **argv)
{
	size_t bytes = argc == 4 ? (size_t)atoi(argv[2]) << 20 : 0;
	int write = argc == 4 && strcmp(argv[3], "write") == 0;
	int fd = argc == 4
			 ? open(argv[1], O_CREAT | O_RDWR | O_DIRECT | (write ? O_TRUNC : 0), 0600)
			 : -1;
	char *memory =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	double start_us;

	if (fd < 0 || memory == MAP_FAILED || (write && posix_fallocate(fd, 0, (off_t)bytes)))
		return 2;
	memset(memory, 1, bytes);
	start_us = now_us();
	for (size_t at = 0; at < bytes; at += REQUEST) {
		ssize_t n = write ? pwrite(fd, memory + at, REQUEST, (off_t)at)
				  : pread(fd, memory + at, REQUEST, (off_t)at);

		if (n != (ssize_t)REQUEST)
			return 2;
	}
	(void)printf("%.0f\n", now_us() - start_us);
	return 0;
}
