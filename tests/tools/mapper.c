/* SPDX-License-Identifier: MIT */
/*
 * mapper KIND N: an idle program whose memory is of a special kind and of known contents.
 *   locked N    N MiB, a quarter of them locked
 *   shared N    N MiB, and as many again that it would share with its children
 *   sparse N    N MiB of which every 64th page was ever touched
 *   regions N   N single pages, a guard page without any permission behind each
 *   heap N      N MiB of brk(2)
 *   two N       N MiB, and as many again, apart
 * Says "ready", then answers each line on its standard input:
 *   verify  reads all that was written and says "ok", or "bad" and where
 *   touch   reads a byte of each page of the first area (two), and says "ok"
 *   fork    has a child verify and overwrite it, and says "ok"
 *   exec    becomes the same program anew, and says "ready"
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE ((size_t)4096)
#define WORDS (PAGE / sizeof(uint64_t))
#define MIB_PAGES (((size_t)1 << 20) / PAGE)

struct area {
	char *start;
	size_t n, stride; /* pages that are written, and from one to the next */
};

struct memory {
	struct area areas[2];
	size_t n_areas;
};

static uint64_t *page_at(const struct area *area, size_t i)
{
	return (uint64_t *)(void *)(area->start + i * area->stride * PAGE);
}

static uint64_t word_at(const struct area *area, size_t page, size_t word)
{
	uint64_t x = ((uintptr_t)page_at(area, page) + word) * UINT64_C(0x9e3779b97f4a7c15);

	return x ^ x >> 29;
}

static void fill(const struct area *area)
{
	for (size_t i = 0; i < area->n; i++)
		for (size_t w = 0; w < WORDS; w++)
			page_at(area, i)[w] = word_at(area, i, w);
}

static int verify(const struct memory *memory)
{
	for (size_t a = 0; a < memory->n_areas; a++) {
		const struct area *area = &memory->areas[a];

		for (size_t i = 0; i < area->n; i++)
			for (size_t w = 0; w < WORDS; w++)
				if (page_at(area, i)[w] != word_at(area, i, w)) {
					printf("bad area %zu page %zu word %zu\n", a, i, w);
					return -1;
				}
	}
	return 0;
}

static char *map(size_t pages, int sharing)
{
	char *start =
		mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, sharing | MAP_ANONYMOUS, -1, 0);

	return start == MAP_FAILED ? NULL : start;
}

static void add(struct memory *memory, char *start, size_t n, size_t stride)
{
	if (!start)
		exit(1);
	memory->areas[memory->n_areas] = (struct area){start, n, stride};
	fill(&memory->areas[memory->n_areas++]);
}

static int make(const char *kind, size_t n, struct memory *memory)
{
	size_t pages = n * MIB_PAGES;
	char *start;

	*memory = (struct memory){.n_areas = 0};
	if (strcmp(kind, "locked") == 0) {
		add(memory, map(pages, MAP_PRIVATE), pages, 1);
		return mlock(memory->areas[0].start + pages / 2 * PAGE, pages / 4 * PAGE);
	}
	if (strcmp(kind, "shared") == 0) {
		add(memory, map(pages, MAP_PRIVATE), pages, 1);
		add(memory, map(pages, MAP_SHARED), pages, 1);
		return 0;
	}
	if (strcmp(kind, "two") == 0) {
		/* with a gap, so that they are two regions, and small pages to be told apart by */
		start = map(2 * pages + 1, MAP_PRIVATE);
		if (!start || mprotect(start + pages * PAGE, PAGE, PROT_NONE) < 0 ||
		    madvise(start, (2 * pages + 1) * PAGE, MADV_NOHUGEPAGE) < 0)
			return -1;
		add(memory, start, pages, 1);
		add(memory, start + (pages + 1) * PAGE, pages, 1);
		return 0;
	}
	if (strcmp(kind, "sparse") == 0) {
		start = map(pages, MAP_PRIVATE);
		/* a huge page would touch what nobody asked for */
		if (start && madvise(start, pages * PAGE, MADV_NOHUGEPAGE) < 0)
			start = NULL;
		add(memory, start, pages / 64, 64);
		return 0;
	}
	if (strcmp(kind, "regions") == 0) {
		start = map(2 * n, MAP_PRIVATE);
		for (size_t i = 0; start && i < n; i++)
			if (mprotect(start + (2 * i + 1) * PAGE, PAGE, PROT_NONE) < 0)
				return -1;
		add(memory, start, n, 2);
		return 0;
	}
	if (strcmp(kind, "heap") == 0) {
		start = sbrk((intptr_t)((pages + 1) * PAGE));
		if (start == (char *)-1)
			return -1;
		start += (PAGE - (uintptr_t)start % PAGE) % PAGE;
		add(memory, start, pages, 1);
		return 0;
	}
	return -1;
}

static int touch(const struct area *area)
{
	volatile const uint64_t *word;
	uint64_t sum = 0;

	for (size_t i = 0; i < area->n; i++) {
		word = page_at(area, i);
		sum += *word;
	}
	return sum == 0; /* it never is */
}

/* The child writes all over what is its own; that must not show here. */
static int be_forked(const struct memory *memory)
{
	int status;
	pid_t child = fork();

	if (child < 0)
		return -1;
	if (child == 0) {
		int r = verify(memory);

		for (size_t i = 0; i < memory->areas[0].n; i++)
			memset(page_at(&memory->areas[0], i), 0xa5, PAGE);
		(void)fflush(stdout);
		_exit(r < 0);
	}
	if (waitpid(child, &status, 0) < 0 || status != 0)
		return -1;
	return 0;
}

int main(int argc, char **argv)
{
	struct memory memory;
	char line[64];

	if (argc != 3 || make(argv[1], strtoul(argv[2], NULL, 10), &memory) < 0) {
		perror("mapper");
		return 2;
	}
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	(void)setvbuf(stdin, NULL, _IONBF, 0);
	puts("ready");
	while (fgets(line, sizeof line, stdin)) {
		int r = 0;

		if (strcmp(line, "exec\n") == 0) {
			execv(argv[0], argv);
			r = -1;
		} else if (strcmp(line, "fork\n") == 0) {
			r = be_forked(&memory);
		} else if (strcmp(line, "touch\n") == 0) {
			r = touch(&memory.areas[0]);
		} else {
			r = verify(&memory);
		}
		if (r == 0)
			puts("ok");
		else if (strcmp(line, "verify\n") != 0)
			puts("bad");
	}
	return 0;
}
