/* SPDX-License-Identifier: MIT */
/*
 * holder MIB [busy]: a program that holds MIB MiB of known contents and is idle, or busy.
 * Says "ready" when they are written. Then, for each line on its standard input:
 *   verify  reads all of it and says "ok", or "bad OFFSET" at the first wrong word
 *   touch   reads a byte of each page and says "ok"
 * Ends with its standard input. busy uses a CPU by a tenth in between.
 */
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

/* Not compressible to nothing, and different at every place */
static uint64_t word_at(uint64_t index, uint64_t seed)
{
	uint64_t x = index * UINT64_C(0x9e3779b97f4a7c15) + seed;

	x ^= x >> 29;
	return x * UINT64_C(0xbf58476d1ce4e5b9);
}

static void answer(volatile const uint64_t *words, size_t n, uint64_t seed, const char *question)
{
	uint64_t sum = 0;

	if (strcmp(question, "verify\n") == 0)
		for (size_t i = 0; i < n; i++)
			if (words[i] != word_at(i, seed)) {
				printf("bad %zu\n", i * sizeof *words);
				return;
			}
	if (strcmp(question, "touch\n") == 0)
		for (size_t i = 0; i < n; i += 512)
			sum += words[i];
	(void)sum;
	puts("ok");
}

/* Works for 10 ms of 100 until there is something to read. */
static void be_busy(volatile uint64_t *words, size_t n)
{
	struct pollfd input = {.fd = 0, .events = POLLIN};
	size_t at = 0;

	while (poll(&input, 1, 90) == 0) {
		clock_t until = clock() + CLOCKS_PER_SEC / 100;

		while (clock() < until) {
			uint64_t word = words[at];

			words[at] = word;
			at = (at + 512) % n;
		}
	}
}

int main(int argc, char **argv)
{
	size_t bytes = argc > 1 ? (size_t)strtoul(argv[1], NULL, 10) << 20 : 0;
	int busy = argc > 2 && strcmp(argv[2], "busy") == 0;
	uint64_t *words =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t seed = (uint64_t)(uintptr_t)words;
	size_t n = bytes / sizeof *words;
	char line[64];

	if (bytes == 0 || words == MAP_FAILED) {
		(void)fprintf(stderr, "usage: holder MIB [busy]\n");
		return 2;
	}
	for (size_t i = 0; i < n; i++)
		words[i] = word_at(i, seed);
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	(void)setvbuf(stdin, NULL, _IONBF, 0);
	puts("ready");
	for (;;) {
		if (busy)
			be_busy(words, n);
		if (!fgets(line, sizeof line, stdin))
			return 0;
		answer(words, n, seed, line);
	}
}
