/* SPDX-License-Identifier: MIT */
/* half MIB: maps MIB MiB, fills the first half, says "ready", and ends with its standard input. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

int main(int argc, char **argv)
{
	size_t bytes = argc == 2 ? (size_t)atoi(argv[1]) << 20 : 0;
	uint64_t *words = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (bytes == 0 || words == MAP_FAILED)
		return 2;
	for (size_t i = 0; i < bytes / 2 / sizeof *words; i++)
		words[i] = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
	(void)puts("ready");
	(void)fflush(stdout);
	while (getchar() != EOF)
		;
	return 0;
}
