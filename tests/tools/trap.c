/* SPDX-License-Identifier: MIT */
/*
 * trap MIB: a program that holds MIB MiB and is idle until they are moved out. As soon as somebody
 * reads the first page back in, it puts memory in the place of the rest that it serves itself
 * (userfaultfd(2)), and doesn't: whoever reads on waits for as long as this program lives.
 * Says "ready" when the memory is filled, and "sprung" afterwards; or "none" where there is no
 * userfaultfd for it.
 */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE 4096

static bool is_here(int pagemap, const char *page)
{
	uint64_t entry = 0;

	(void)!pread(pagemap, &entry, sizeof entry, (off_t)((uintptr_t)page / PAGE * sizeof entry));
	return entry >> 63;
}

static void spring(int fd, char *at, size_t bytes)
{
	struct uffdio_register range = {.range = {(uintptr_t)at, bytes},
					.mode = UFFDIO_REGISTER_MODE_MISSING};

	if (mmap(at, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		 0) == MAP_FAILED ||
	    ioctl(fd, UFFDIO_REGISTER, &range) < 0)
		exit(1);
}

int main(int argc, char **argv)
{
	size_t bytes = argc > 1 ? (size_t)strtoul(argv[1], NULL, 10) << 20 : 0;
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	struct uffdio_api api = {.api = UFFD_API};
	char *memory =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	if (bytes == 0 || memory == MAP_FAILED || pagemap < 0) {
		(void)fprintf(stderr, "usage: trap MIB\n");
		return 2;
	}
	if (fd < 0 || ioctl(fd, UFFDIO_API, &api) < 0) {
		puts("none");
		(void)pause();
	}
	(void)madvise(memory, bytes, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < bytes; i++)
		memory[i] = (char)(i * 2654435761U >> 24);
	puts("ready");
	while (is_here(pagemap, memory))
		(void)usleep(200000);
	while (!is_here(pagemap, memory))
		continue;
	spring(fd, memory + bytes / 2, bytes / 2);
	puts("sprung");
	for (;;)
		(void)pause();
}
