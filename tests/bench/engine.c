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
#include "bench/child.h"

#define STEP_BYTES (32 * MIB)

static double by_engine(const struct child *child, enum advise_verb verb)
{
	static struct advise_walk walk;
	struct procfs procfs;
	uint64_t start_ns = clock_now_ns();
	int r;

	if (procfs_open("/proc", &procfs) < 0 ||
	    advise_open(&walk, &procfs, child->pid, child->pidfd, verb, held_bytes(child)) < 0)
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
	struct iovec range = {child->memory, held_bytes(child)};
	uint64_t start_ns = clock_now_ns();

	if (procmadv_advise(child->pidfd, &range, 1, PROCMADV_PAGEOUT) !=
	    (ssize_t)held_bytes(child))
		fail("process_madvise");
	return (double)(clock_now_ns() - start_ns);
}

int main(int argc, char **argv)
{
	size_t rounds = rounds_of(argc, argv, 2, 9);
	double plain[ROUNDS_MAX], engine[ROUNDS_MAX], ratio[ROUNDS_MAX];
	double back[ROUNDS_MAX], touch[ROUNDS_MAX], back_ratio[ROUNDS_MAX];
	struct child child;

	start(&child, argument(argc, argv, 1, 512) * MIB, 1);
	for (size_t i = 0; i < rounds; i++) {
		double scale = (double)held_bytes(&child) * 1e9 / 1e6;
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
		if (out_first < held_bytes(&child) / 10 * 9 ||
		    out_second < held_bytes(&child) / 10 * 9) {
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
	stop(&child);
	printf("out %.0f %.0f %.2f\n", median(plain, rounds), median(engine, rounds),
	       median(ratio, rounds));
	printf("back %.0f %.0f %.2f\n", median(touch, rounds), median(back, rounds),
	       median(back_ratio, rounds));
	return 0;
}
