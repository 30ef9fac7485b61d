/* SPDX-License-Identifier: MIT */
/*
 * steps MIB ROUNDS PAUSE_MS: a job that works through MIB MiB of its own, ROUNDS times. A step is
 * one MiB: it is read and compared with what the round before has written there, written anew, and
 * PAUSE_MS ms pass. Says "round N ms=MS stall_ms=MS" after each round, where stall_ms is what its
 * longest step took without the pause, and "right" when all of it was read once more in the end.
 * Wrong contents end it, with "bad OFFSET" and status 1.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#define STEP_BYTES (UINT64_C(1) << 20)
#define STEP_WORDS (STEP_BYTES / sizeof(uint64_t))

static uint64_t now_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* Not compressible to nothing, other at every place and in every round; untouched memory is 0 */
static uint64_t word_at(uint64_t index, unsigned round)
{
	uint64_t x = index * UINT64_C(0x9e3779b97f4a7c15) + round;

	x ^= x >> 29;
	return round == 0 ? 0 : x * UINT64_C(0xbf58476d1ce4e5b9);
}

static bool is_right(volatile const uint64_t *words, uint64_t step, unsigned round)
{
	for (uint64_t i = step * STEP_WORDS; i < (step + 1) * STEP_WORDS; i++)
		if (words[i] != word_at(i, round)) {
			printf("bad %zu\n", (size_t)i * sizeof *words);
			return false;
		}
	return true;
}

static void write_step(volatile uint64_t *words, uint64_t step, unsigned round)
{
	for (uint64_t i = step * STEP_WORDS; i < (step + 1) * STEP_WORDS; i++)
		words[i] = word_at(i, round);
}

static bool do_round(uint64_t *words, uint64_t steps, unsigned round, long pause_ms)
{
	struct timespec pause = {.tv_sec = pause_ms / 1000, .tv_nsec = pause_ms % 1000 * 1000000};
	uint64_t start_us = now_us(), stall_us = 0;

	for (uint64_t step = 0; step < steps; step++) {
		uint64_t step_us = now_us();

		if (!is_right(words, step, round - 1))
			return false;
		write_step(words, step, round);
		step_us = now_us() - step_us;
		if (step_us > stall_us)
			stall_us = step_us;
		(void)nanosleep(&pause, NULL);
	}
	printf("round %u ms=%ju stall_ms=%ju\n", round, (uintmax_t)(now_us() - start_us) / 1000,
	       (uintmax_t)stall_us / 1000);
	return true;
}

int main(int argc, char **argv)
{
	uint64_t steps = argc == 4 ? strtoul(argv[1], NULL, 10) : 0;
	unsigned rounds = argc == 4 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
	long pause_ms = argc == 4 ? strtol(argv[3], NULL, 10) : 0;
	uint64_t *words = mmap(NULL, steps * STEP_BYTES, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (words == MAP_FAILED || rounds == 0 || pause_ms < 0) {
		(void)fprintf(stderr, "usage: steps MIB ROUNDS PAUSE_MS\n");
		return 2;
	}
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	for (unsigned round = 1; round <= rounds; round++)
		if (!do_round(words, steps, round, pause_ms))
			return 1;
	for (uint64_t step = 0; step < steps; step++)
		if (!is_right(words, step, rounds))
			return 1;
	puts("right");
	return 0;
}
