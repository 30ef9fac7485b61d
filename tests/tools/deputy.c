/* SPDX-License-Identifier: MIT */
/*
 * What a user may try with a program that has more rights than he has, and that he has stopped: to
 * have the daemon start a helper in it, as in one that has lost its own.
 *
 * deputy wait MARK           says "ready PC SP", and waits; whoever makes it run PC on the stack SP
 *                            finds the file MARK made by it
 * deputy forge DIR PID PC SP writes DIR/PID.swap, an image that says so
 */
#include "proto/crc32c.h"
#include "proto/image.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *mark;
static char stack[64 * 1024] __attribute__((aligned(16)));

static __attribute__((noreturn)) void diverted(void)
{
	(void)syscall(SYS_close,
		      syscall(SYS_openat, AT_FDCWD, mark, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	for (;;)
		(void)syscall(SYS_getppid, 0);
}

static __attribute__((noreturn)) void wait_here(const char *path)
{
	mark = path;
	printf("ready %#lx %#lx\n", (unsigned long)diverted,
	       (unsigned long)(stack + sizeof stack - 64 - 8));
	(void)fflush(stdout);
	for (;;)
		(void)pause();
}

static uint64_t start_ticks_of(const char *pid)
{
	char path[64], text[1024], *at;
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof path, "/proc/%s/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	if (n <= 0)
		exit(1);
	(void)close(fd);
	text[n] = '\0';
	at = strrchr(text, ')');
	for (int field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	return at ? strtoul(at, NULL, 10) : 0;
}

static void read_boot_id(uint8_t id[16])
{
	FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
	unsigned byte;

	for (int i = 0; file && i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			(void)fgetc(file);
		if (fscanf(file, "%2x", &byte) != 1)
			exit(1);
		id[i] = (uint8_t)byte;
	}
	if (file)
		(void)fclose(file);
}

static int forge(const char *dir, const char *pid, const char *pc, const char *sp)
{
	struct image_header header = {
		.magic = IMAGE_MAGIC,
		.version = IMAGE_VERSION,
		.page_bytes = 4096,
		.flags = IMAGE_COMPLETE,
		.pid = (int32_t)strtol(pid, NULL, 10),
		.uid = getuid(),
		.start_ticks = start_ticks_of(pid),
		.image_bytes = 4096,
		.revive_pc = strtoul(pc, NULL, 0),
		.revive_sp = strtoul(sp, NULL, 0),
		.comm = "deputy",
	};
	char path[512], page[4096] = {0};
	struct stat stat_ns;
	ssize_t n;
	int fd;

	read_boot_id(header.boot_id);
	if (stat("/proc/self/ns/pid", &stat_ns) < 0)
		return 1;
	header.pid_ns = stat_ns.st_ino;
	header.crc = crc32c(0, &header, offsetof(struct image_header, crc));
	memcpy(page, &header, sizeof header);
	(void)snprintf(path, sizeof path, "%s/%s.swap", dir, pid);
	fd = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
	n = fd < 0 ? -1 : write(fd, page, sizeof page);
	return n == (ssize_t)sizeof page ? 0 : 1;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "wait") == 0)
		wait_here(argv[2]);
	if (argc == 6 && strcmp(argv[1], "forge") == 0)
		return forge(argv[2], argv[3], argv[4], argv[5]);
	(void)fprintf(stderr, "usage: deputy wait MARK | forge DIR PID PC SP\n");
	return 2;
}
