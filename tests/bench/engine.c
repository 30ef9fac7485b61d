/* SPDX-License-Identifier: MIT */
/*
 * engine MIB ROUNDS: the advising engine against one plain process_madvise over the same range,
 * in turns, on a child that holds MIB MiB. Prints medians:
 *   out PLAIN_MBPS ENGINE_MBPS RATIO
 *   back TOUCH_MBPS ENGINE_MBPS RATIO
 * back: the engine against the child touching its pages by itself. Every page-out writes: the
 * child makes all its pages dirty before.
 */
#include "backend/advise.h"
#include "base/units.h"
#include "sys/clock.h"
#include "sys/pidpin.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define STEP_BYTES (32 * MIB)

struct child {
	pid_t pid;
	int pidfd, ask, answer;
	char *memory;
	size_t bytes;
};

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static _Noreturn void hold(const struct child *child, int ask, int answer)
{
	volatile char *memory = child->memory;
	char byte;

	for (size_t i = 0; i < child->bytes / sizeof(uint64_t); i++)
		((uint64_t *)(void *)child->memory)[i] = i * UINT64_C(0x9e3779b97f4a7c15);
	do {
		if (write(answer, "x", 1) != 1 || read(ask, &byte, 1) != 1)
			_exit(0);
		for (size_t i = 0; i < child->bytes; i += 4096)
			memory[i]++; /* dirty: what went out before is worth nothing now */
	} while (1);
}

static void start(struct child *child, size_t bytes)
{
	int ask[2], answer[2];
	char byte;

	child->bytes = bytes;
	child->memory =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (child->memory == MAP_FAILED || pipe(ask) < 0 || pipe(answer) < 0)
		fail("start");
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

static uint64_t swapped_bytes(pid_t pid)
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

static double by_engine(const struct child *child, enum advise_verb verb)
{
	static struct advise_walk walk;
	struct procfs procfs;
	uint64_t start_ns = clock_now_ns();
	int r;

	if (procfs_open("/proc", &procfs) < 0 ||
	    advise_open(&walk, &procfs, child->pid, child->pidfd, verb, child->bytes) < 0)
		fail("advise_open");
	while ((r = advise_step(&walk, STEP_BYTES)) > 0)
		;
	advise_close(&walk);
	procfs_close(&procfs);
	if (r < 0)
		fail("advise_step");
	return (double)(clock_now_ns() - start_ns);
}

static double by_one_call(const struct child *child)
{
	struct iovec range = {child->memory, child->bytes};
	uint64_t start_ns = clock_now_ns();

	if (procmadv_advise(child->pidfd, &range, 1, PROCMADV_PAGEOUT) != (ssize_t)child->bytes)
		fail("process_madvise");
	return (double)(clock_now_ns() - start_ns);
}

static double by_touch(const struct child *child)
{
	uint64_t start_ns = clock_now_ns();
	char byte;

	if (write(child->ask, "x", 1) != 1 || read(child->answer, &byte, 1) != 1)
		fail("touch");
	return (double)(clock_now_ns() - start_ns);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, size_t n)
{
	qsort(values, n, sizeof *values, compare);
	return values[n / 2];
}

int main(int argc, char **argv)
{
	size_t mib = argc > 1 ? strtoul(argv[1], NULL, 10) : 512;
	size_t rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 9;
	double plain[99], engine[99], ratio[99], back[99], touch[99], back_ratio[99];
	struct child child;

	if (rounds > 99)
		rounds = 99;
	start(&child, mib * MIB);
	for (size_t i = 0; i < rounds; i++) {
		double scale = (double)child.bytes * 1e9 / 1e6;
		double first, second;
		uint64_t out_first, out_second;

		(void)by_touch(&child);
		/* in turns, and the first one in turns too */
		first = i % 2 ? by_engine(&child, ADVISE_PAGEOUT) : by_one_call(&child);
		out_first = swapped_bytes(child.pid);
		back[i] = scale / by_engine(&child, ADVISE_BACK);
		(void)by_touch(&child);
		second = i % 2 ? by_one_call(&child) : by_engine(&child, ADVISE_PAGEOUT);
		out_second = swapped_bytes(child.pid);
		touch[i] = scale / by_touch(&child);
		if (out_first < child.bytes / 10 * 9 || out_second < child.bytes / 10 * 9) {
			(void)fprintf(stderr, "not all went out: %llu and %llu bytes\n",
				      (unsigned long long)out_first,
				      (unsigned long long)out_second);
			return 1;
		}
		plain[i] = scale / (i % 2 ? second : first);
		engine[i] = scale / (i % 2 ? first : second);
		ratio[i] = engine[i] / plain[i];
		back_ratio[i] = back[i] / touch[i];
	}
	(void)kill(child.pid, SIGKILL);
	(void)waitpid(child.pid, NULL, 0);
	printf("out %.0f %.0f %.2f\n", median(plain, rounds), median(engine, rounds),
	       median(ratio, rounds));
	printf("back %.0f %.0f %.2f\n", median(touch, rounds), median(back, rounds),
	       median(back_ratio, rounds));
	return 0;
}
