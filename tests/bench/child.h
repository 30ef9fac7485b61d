/* SPDX-License-Identifier: MIT */
/* A child that holds memory and makes all of it dirty when asked, and what is measured on it. */
#pragma once
#include "base/units.h"
#include "sys/clock.h"
#include "sys/pidpin.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE ((size_t)4096)
#define ROUNDS_MAX 99

struct child {
	pid_t pid;
	int pidfd, ask, answer;
	char *memory; /* n_regions of region_bytes each, a page without permissions behind each */
	size_t region_bytes, n_regions;
};

static inline void fail(const char *what)
{
	perror(what);
	exit(1);
}

static inline char *region_at(const struct child *child, size_t i)
{
	return child->memory + i * (child->region_bytes + PAGE);
}

static inline size_t held_bytes(const struct child *child)
{
	return child->region_bytes * child->n_regions;
}

static inline void fill(const struct child *child)
{
	for (size_t i = 0; i < child->n_regions; i++) {
		uint64_t *words = (uint64_t *)(void *)region_at(child, i);

		for (size_t w = 0; w < child->region_bytes / sizeof *words; w++)
			words[w] = (w + i) * UINT64_C(0x9e3779b97f4a7c15);
	}
}

static inline _Noreturn void hold(const struct child *child, int ask, int answer)
{
	char byte;

	fill(child);
	do {
		if (write(answer, "x", 1) != 1 || read(ask, &byte, 1) != 1)
			_exit(0);
		/* dirty: what went out before is worth nothing now */
		for (size_t i = 0; i < child->n_regions; i++)
			for (size_t at = 0; at < child->region_bytes; at += PAGE)
				(*(volatile char *)(region_at(child, i) + at))++;
	} while (1);
}

static inline void start(struct child *child, size_t region_bytes, size_t n_regions)
{
	size_t stride = region_bytes + PAGE;
	int ask[2], answer[2];
	char byte;

	child->region_bytes = region_bytes;
	child->n_regions = n_regions;
	child->memory = mmap(NULL, n_regions * stride, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (child->memory == MAP_FAILED || pipe(ask) < 0 || pipe(answer) < 0)
		fail("start");
	for (size_t i = 0; i < n_regions; i++)
		if (mprotect(region_at(child, i) + region_bytes, PAGE, PROT_NONE) < 0)
			fail("mprotect");
	child->pid = fork();
	if (child->pid < 0)
		fail("fork");
	if (child->pid == 0) {
		(void)close(ask[1]);
		hold(child, ask[0], answer[1]);
	}
	child->ask = ask[1];
	child->answer = answer[0];
	child->pidfd = pidpin_open(child->pid);
	if (child->pidfd < 0 || read(child->answer, &byte, 1) != 1)
		fail("child");
}

static inline void stop(struct child *child)
{
	(void)kill(child->pid, SIGKILL);
	(void)waitpid(child->pid, NULL, 0);
}

static inline uint64_t swapped_bytes(pid_t pid)
{
	char path[64], line[256];
	unsigned long kib = 0;
	FILE *file;

	(void)snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof line, file))
		if (strncmp(line, "VmSwap:", 7) == 0)
			kib = strtoul(line + 7, NULL, 10);
	if (file)
		(void)fclose(file);
	return bytes_from_kib(kib);
}

/* The child makes all of its pages dirty, which brings them in. */
static inline double by_touch(const struct child *child)
{
	uint64_t start_ns = clock_now_ns();
	char byte;

	if (write(child->ask, "x", 1) != 1 || read(child->answer, &byte, 1) != 1)
		fail("touch");
	return (double)(clock_now_ns() - start_ns);
}

static inline int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static inline double median(double *values, size_t n)
{
	qsort(values, n, sizeof *values, compare);
	return values[n / 2];
}

static inline size_t argument(int argc, char **argv, int i, size_t otherwise)
{
	return argc > i ? strtoul(argv[i], NULL, 10) : otherwise;
}

static inline size_t rounds_of(int argc, char **argv, int i, size_t otherwise)
{
	return u64_min(argument(argc, argv, i, otherwise), ROUNDS_MAX);
}
