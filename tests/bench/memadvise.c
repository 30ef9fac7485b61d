/* SPDX-License-Identifier: MIT */
/*
 * memadvise PROGRAM MIB REGIONS ROUNDS: the tool, from its start to its end, against a plain loop
 * of process_madvise over the same regions, in turns, on a child that holds MIB MiB in REGIONS
 * regions. Then its dry run over a process with 20,000 mappings. Prints medians:
 *   out PLAIN_MBPS TOOL_MBPS RATIO
 *   dry MS MAPPINGS
 */
#include "bench/child.h"
#include "sys/procmadv.h"

#include <fcntl.h>

#define MAPPINGS 20000

static double by_tool(const struct child *child, const char *program, const char *option)
{
	uint64_t start_ns = clock_now_ns();
	char pid[16];
	int status;
	pid_t tool;

	(void)snprintf(pid, sizeof pid, "%d", (int)child->pid);
	tool = vfork();
	if (tool == 0) {
		(void)execl(program, program, "-m", "pageout", "-p", "100", "-t", pid, option,
			    (char *)NULL);
		_exit(127);
	}
	if (tool < 0 || waitpid(tool, &status, 0) < 0 || status != 0)
		fail("memadvise");
	return (double)(clock_now_ns() - start_ns);
}

static double by_loop(const struct child *child)
{
	uint64_t start_ns = clock_now_ns();

	for (size_t i = 0; i < child->n_regions; i++) {
		struct iovec range = {region_at(child, i), child->region_bytes};

		if (procmadv_advise(child->pidfd, &range, 1, PROCMADV_PAGEOUT) !=
		    (ssize_t)child->region_bytes)
			fail("process_madvise");
	}
	return (double)(clock_now_ns() - start_ns);
}

/* In ns; makes sure that it did go out. */
static double page_out(const struct child *child, const char *program)
{
	double ns;

	(void)by_touch(child);
	ns = program ? by_tool(child, program, NULL) : by_loop(child);
	if (swapped_bytes(child->pid) < held_bytes(child) / 10 * 9) {
		(void)fprintf(stderr, "%s: not all went out: %llu bytes\n",
			      program ? program : "plain",
			      (unsigned long long)swapped_bytes(child->pid));
		exit(1);
	}
	return ns;
}

static void compare_page_out(const char *program, size_t mib, size_t n_regions, size_t rounds)
{
	double plain[ROUNDS_MAX], tool[ROUNDS_MAX], ratio[ROUNDS_MAX];
	size_t region_bytes = mib * MIB / n_regions / PAGE * PAGE;
	struct child child;

	start(&child, region_bytes, n_regions);
	for (size_t i = 0; i < rounds; i++) {
		double scale = (double)held_bytes(&child) * 1e9 / 1e6;
		/* in turns, and the first one in turns too */
		double first = page_out(&child, i % 2 ? program : NULL);
		double second = page_out(&child, i % 2 ? NULL : program);

		plain[i] = scale / (i % 2 ? second : first);
		tool[i] = scale / (i % 2 ? first : second);
		ratio[i] = tool[i] / plain[i];
	}
	stop(&child);
	printf("out %.0f %.0f %.2f\n", median(plain, rounds), median(tool, rounds),
	       median(ratio, rounds));
}

static void measure_dry_run(const char *program, size_t rounds)
{
	double ms[ROUNDS_MAX];
	struct child child;

	/* each region is one mapping, and the page behind it another */
	start(&child, PAGE, MAPPINGS / 2);
	for (size_t i = 0; i < rounds; i++)
		ms[i] = by_tool(&child, program, "-d") / NS_PER_MS;
	stop(&child);
	printf("dry %.1f %d\n", median(ms, rounds), MAPPINGS);
}

int main(int argc, char **argv)
{
	size_t rounds = rounds_of(argc, argv, 4, 9);
	int out;

	if (argc < 2) {
		(void)fprintf(stderr, "usage: memadvise PROGRAM MIB REGIONS ROUNDS\n");
		return 2;
	}
	/* the tool's own words are no figures */
	out = dup(STDOUT_FILENO);
	(void)setvbuf(stdout, NULL, _IOFBF, 0);
	(void)dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDOUT_FILENO);
	compare_page_out(argv[1], argument(argc, argv, 2, 1024), argument(argc, argv, 3, 2000),
			 rounds);
	measure_dry_run(argv[1], rounds);
	(void)dup2(out, STDOUT_FILENO);
	return fflush(stdout) == 0 ? 0 : 1;
}
