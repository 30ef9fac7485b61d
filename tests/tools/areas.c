/* SPDX-License-Identifier: MIT */
/*
 * areas KIND MIB [FILE]: a program with memory of a special kind, random where it was written to.
 *   half        one mapping, every other 4 MiB of it untouched
 *   zeros       touched, but zero; a sixteenth isn't
 *   huge        huge pages, of which it has given back every other, and of each third a half
 *   locked      as much again is locked
 *   shared      shared with others: anonymous, System V, memfd, FILE; and FILE mapped privately,
 *               every other page of it changed. Pages begin with a word, see MARK_*
 *   paged       private, for pageout
 *   leaderless  the main thread has ended
 *   forked      a child has all of it, too
 * Says "ready", then answers each line on its standard input with "ok", or what is wrong:
 *   verify      reads all of it
 *   fill        writes and gives back all of it anew
 *   pageout     has the kernel move half of it to the system's swap
 *   child       the child of forked verifies its copy
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE ((size_t)4096)
#define WORDS (PAGE / sizeof(uint64_t))
#define HUGE ((size_t)2 << 20)
#define AREAS_MAX 6

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

/* "private!" and "shared!!" */
#define MARK_PRIVATE UINT64_C(0x2165746176697270)
#define MARK_SHARED UINT64_C(0x2121646572616873)

struct area {
	const char *name;
	char *start;
	size_t pages;
	bool (*written)(size_t page); /* NULL: every page is */
	uint64_t mark;		      /* 0: none */
	bool zeros;
};

static struct area areas[AREAS_MAX];
static size_t n_areas;
static int to_child[2], from_child[2];

static bool is_written(const struct area *area, size_t page)
{
	return !area->written || area->written(page);
}

static uint64_t word_at(const struct area *area, size_t page, size_t i)
{
	uint64_t x = ((uintptr_t)area->start / PAGE + page) * WORDS + i;

	x *= UINT64_C(0x9e3779b97f4a7c15);
	return i == 0 && area->mark ? area->mark : x ^ x >> 29;
}

static volatile uint64_t *page_at(const struct area *area, size_t page)
{
	return (volatile uint64_t *)(void *)(area->start + page * PAGE);
}

static void fill(const struct area *area)
{
	for (size_t page = 0; page < area->pages; page++) {
		volatile uint64_t *words = page_at(area, page);

		if (!is_written(area, page))
			continue;
		for (size_t i = 0; i < WORDS; i++)
			words[i] = word_at(area, page, i);
		if (area->zeros)
			for (size_t i = 0; i < WORDS; i++)
				words[i] = 0;
	}
}

static const char *verify(void)
{
	for (size_t a = 0; a < n_areas; a++)
		for (size_t page = 0; page < areas[a].pages; page++) {
			volatile uint64_t *words = page_at(&areas[a], page);
			bool zero = areas[a].zeros || !is_written(&areas[a], page);

			for (size_t i = 0; i < WORDS; i++)
				if (words[i] != (zero ? 0 : word_at(&areas[a], page, i)))
					return areas[a].name;
		}
	return NULL;
}

static void add(const char *name, void *start, size_t pages)
{
	if (start == MAP_FAILED) {
		perror(name);
		exit(1);
	}
	areas[n_areas++] = (struct area){.name = name, .start = start, .pages = pages};
}

static char *map(size_t pages)
{
	return mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static bool every_other_4_mib(size_t page)
{
	return page / 1024 % 2 == 0;
}

static bool every_other(size_t page)
{
	return page % 2 == 0;
}

/* Of four huge pages: all, nothing, all, the first half */
static bool huge_written(size_t page)
{
	size_t place = page * PAGE % (4 * HUGE);

	return place < HUGE || (place >= 2 * HUGE && place < 3 * HUGE + HUGE / 2);
}

static void make_huge(size_t pages)
{
	char *start = map(pages + HUGE / PAGE);
	size_t off = (uintptr_t)start % HUGE;

	start += off ? HUGE - off : 0;
	add("huge", start, pages);
	/* where the kernel has none these are plain pages */
	(void)madvise(start, pages * PAGE, MADV_HUGEPAGE);
}

/* Written whole, then given back where nothing is to be */
static void fill_huge(struct area *area)
{
	area->written = NULL;
	fill(area);
	area->written = huge_written;
	for (size_t page = 0; page < area->pages; page += HUGE / PAGE / 2)
		if (!huge_written(page))
			(void)madvise(area->start + page * PAGE, HUGE / 2, MADV_DONTNEED);
}

static void *system_v(size_t bytes)
{
	int id = shmget(IPC_PRIVATE, bytes, IPC_CREAT | 0600);
	void *start = id < 0 ? MAP_FAILED : shmat(id, NULL, 0);

	if (id >= 0)
		(void)shmctl(id, IPC_RMID, NULL); /* when nobody is attached any more */
	return start;
}

static void *mapped_file(int fd, size_t bytes, int flags)
{
	if (fd < 0 || ftruncate(fd, (off_t)bytes) < 0)
		return MAP_FAILED;
	return mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, fd, 0);
}

static void make_shared(size_t pages, const char *path)
{
	size_t bytes = pages * PAGE;
	int file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int memory = memfd_create("areas", MFD_CLOEXEC);

	add("private", map(pages), pages);
	areas[0].mark = MARK_PRIVATE;
	add("shared", mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0),
	    pages);
	add("System V", system_v(bytes), pages);
	add("memfd", mapped_file(memory, bytes, MAP_SHARED), pages);
	add("file, shared", mapped_file(file, 2 * bytes, MAP_SHARED), pages);
	add("file, private",
	    file < 0 ? MAP_FAILED
		     : mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, (off_t)bytes),
	    pages);
	for (size_t i = 1; i < n_areas; i++)
		areas[i].mark = MARK_SHARED;
	areas[5].written = every_other;
}

static bool make(const char *kind, size_t pages, const char *path)
{
	if (!strcmp(kind, "half")) {
		add(kind, map(pages), pages);
		/* a huge page would touch what nobody asked for */
		(void)madvise(areas[0].start, pages * PAGE, MADV_NOHUGEPAGE);
		areas[0].written = every_other_4_mib;
	} else if (!strcmp(kind, "zeros")) {
		add(kind, map(pages), pages);
		areas[0].zeros = true;
		add("random", map(pages / 16), pages / 16);
	} else if (!strcmp(kind, "huge")) {
		make_huge(pages);
		areas[0].written = huge_written;
	} else if (!strcmp(kind, "locked")) {
		add("free", map(pages), pages);
		add(kind, map(pages), pages);
		if (mlock(areas[1].start, pages * PAGE) < 0)
			return false;
	} else if (!strcmp(kind, "shared") && path) {
		make_shared(pages, path);
	} else if (!strcmp(kind, "paged") || !strcmp(kind, "leaderless") ||
		   !strcmp(kind, "forked")) {
		add(kind, map(pages), pages);
	} else {
		return false;
	}
	return true;
}

static void fill_all(void)
{
	for (size_t i = 0; i < n_areas; i++)
		if (areas[i].written == huge_written)
			fill_huge(&areas[i]);
		else
			fill(&areas[i]);
}

static const char *page_out(void)
{
	size_t bytes = areas[0].pages / 2 * PAGE;

	return madvise(areas[0].start, bytes, MADV_PAGEOUT) ? strerror(errno) : NULL;
}

/* One byte to ask, one to answer */
static void be_child(void)
{
	char byte;

	(void)close(to_child[1]);
	while (read(to_child[0], &byte, 1) == 1) {
		byte = verify() ? 'n' : 'y';
		if (write(from_child[1], &byte, 1) != 1)
			break;
	}
	_exit(0);
}

static void fork_child(void)
{
	if (pipe2(to_child, O_CLOEXEC) < 0 || pipe2(from_child, O_CLOEXEC) < 0)
		exit(1);
	if (fork() == 0)
		be_child();
}

static const char *ask_child(void)
{
	char byte = 'x';

	if (write(to_child[1], &byte, 1) != 1 || read(from_child[0], &byte, 1) != 1)
		return "the child is gone";
	return byte == 'y' ? NULL : "the child's memory";
}

static void *serve(void *leader)
{
	char line[64];

	if (leader)
		(void)pthread_join(*(pthread_t *)leader, NULL);
	(void)puts("ready");
	while (fgets(line, sizeof(line), stdin)) {
		const char *wrong = NULL;

		if (!strcmp(line, "fill\n"))
			fill_all();
		else if (!strcmp(line, "pageout\n"))
			wrong = page_out();
		else if (!strcmp(line, "child\n"))
			wrong = ask_child();
		else
			wrong = verify();
		(void)puts(wrong ? wrong : "ok");
	}
	exit(0);
}

int main(int argc, char **argv)
{
	static pthread_t leader;
	pthread_t thread;

	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 3 || !make(argv[1], strtoul(argv[2], NULL, 10) << (20 - 12), argv[3])) {
		perror("areas");
		return 2;
	}
	fill_all();
	if (!strcmp(argv[1], "forked"))
		fork_child();
	if (strcmp(argv[1], "leaderless") != 0)
		return serve(NULL) != NULL;
	leader = pthread_self();
	if (pthread_create(&thread, NULL, serve, &leader))
		return 1;
	pthread_exit(NULL);
}
