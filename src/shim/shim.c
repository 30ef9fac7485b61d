/* SPDX-License-Identifier: MIT */
#include "shim/shim.h"
#include "shim/rawsys.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/prctl.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <time.h>

/* The compiler calls these by itself. libc's won't do: which one it is, is looked up in its data.
 */
void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memset(void *to, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((char *)to)[i] = ((const char *)from)[i];
	return to;
}

void *memset(void *to, int byte, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((char *)to)[i] = (char)byte;
	return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int difference = ((const unsigned char *)a)[i] - ((const unsigned char *)b)[i];

		if (difference)
			return difference;
	}
	return 0;
}

int shim_fail(struct shim *shim, int error, const char *sentence, ...)
{
	struct words words = words_over(shim->failure.reason, sizeof(shim->failure.reason));
	va_list args;

	shim->failure.error = error;
	va_start(args, sentence);
	for (const char *piece = sentence; piece; piece = va_arg(args, const char *))
		words_add(&words, piece);
	va_end(args);
	return -error;
}

#ifdef SYS_mmap2
#define MMAP SYS_mmap2
#else
#define MMAP SYS_mmap
#endif

void *shim_map(size_t bytes, size_t page_bytes)
{
	size_t whole = (bytes + page_bytes - 1) / page_bytes * page_bytes;
	long memory = RAW_6(MMAP, NULL, whole + 2 * page_bytes, PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory < 0 && memory > -4096)
		return NULL;
	if (RAW_3(SYS_mprotect, memory + (long)page_bytes, whole, PROT_READ | PROT_WRITE) != 0) {
		(void)RAW_2(SYS_munmap, memory, whole + 2 * page_bytes);
		return NULL;
	}
	(void)RAW_5(SYS_prctl, PR_SET_VMA, PR_SET_VMA_ANON_NAME, memory + (long)page_bytes, whole,
		    "swapify");
	return (void *)(memory + (long)page_bytes);
}

void shim_unmap(void *memory, size_t bytes, size_t page_bytes)
{
	size_t whole = (bytes + page_bytes - 1) / page_bytes * page_bytes;

	(void)RAW_2(SYS_munmap, (char *)memory - page_bytes, whole + 2 * page_bytes);
}

uint64_t shim_now_ns(void)
{
#ifdef SYS_clock_gettime64
	struct {
		int64_t tv_sec, tv_nsec;
	} now = {0, 0};

	(void)RAW_2(SYS_clock_gettime64, CLOCK_BOOTTIME, &now);
#else
	struct timespec now = {0, 0};

	(void)RAW_2(SYS_clock_gettime, CLOCK_BOOTTIME, &now);
#endif
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void shim_wait_ms(unsigned ms)
{
	(void)RAW_5(SYS_ppoll, NULL, 0, &((struct timespec){.tv_nsec = (long)ms * 1000000}), NULL,
		    0);
}

long shim_read_file(struct shim *shim, const char *path)
{
	long fd = RAW_4(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
	size_t len = 0;
	long n = 1;

	shim->text[0] = '\0';
	if (fd < 0)
		return fd;
	while (n > 0 && len + 1 < sizeof(shim->text)) {
		n = RAW_3(SYS_read, fd, shim->text + len, sizeof(shim->text) - 1 - len);
		if (n > 0)
			len += (size_t)n;
	}
	(void)RAW_1(SYS_close, fd);
	shim->text[len] = '\0';
	return n < 0 ? n : (long)len;
}
