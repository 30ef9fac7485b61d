/* SPDX-License-Identifier: MIT */
/* The shim's list of what it swaps, from maps or smaps: the same however the file comes, and none
 * of it code, shared, or a page that has to stay. The first byte says which of the two files. */
#include "fuzz/shim.h"

#include "shim/regions.c"

static struct shim shim;
static struct region table[REGIONS_MAX + CODE_MAX];
static uint64_t kept_pages[KEPT_MAX];
static uint64_t locked;

int process_status(struct shim *of, const char *key, unsigned base, uint64_t *ret)
{
	HOLDS(of == &shim && base == 10 && words_equal(key, "VmLck"));
	*ret = locked;
	return 0;
}

/* Every seventh page begins something sealed. */
static long other_call(long number, const long args[6])
{
	if (number == SYS_mprotect)
		return ((uint64_t)args[0] >> 12) % 7 == 6 ? -EPERM : 0;
	return number == SYS_prctl ? 0 : -ENOSYS;
}

static int list(size_t piece)
{
	static const uint64_t stay[] = {0x1000, 0x5000, 0x6000, 0x7ffffffde000};

	shim.page_bytes = 4096;
	shim.failure = (struct failure){0};
	shim.ledger =
		(struct ledger){.regions = table, .code = table + REGIONS_MAX, .kept = kept_pages};
	for (size_t i = 0; i < sizeof stay / sizeof *stay; i++)
		HOLDS(regions_keep(&shim, stay[i], 8) == 0);
	file.piece = piece;
	return regions_list(&shim);
}

/* As the kernel lists them, the second part of what the list counts on */
static int ascend(const char *text, size_t size)
{
	char *copy = malloc(size + 1), *line = copy;
	uint64_t end = 0;
	int fine = 1;

	HOLDS(copy);
	memcpy(copy, text, size);
	copy[size] = '\n';
	for (char *next; fine && line <= copy + size; line = next + 1) {
		struct region region;
		bool eligible;

		next = memchr(line, '\n', (size_t)(copy + size + 1 - line));
		*next = '\0';
		if (!regions_parse(line, &region, &eligible))
			continue;
		HOLDS(region.start < region.end);
		HOLDS(!eligible || (region.prot && !(region.prot & PROT_EXEC)));
		fine = region.start >= end && region.start % 4096 == 0;
		end = region.end;
	}
	free(copy);
	return fine;
}

static void check_list(const struct ledger *ledger)
{
	for (uint32_t i = 0; i < ledger->n_regions; i++) {
		const struct region *region = &ledger->regions[i];

		HOLDS(region->start < region->end && !(region->prot & PROT_EXEC));
		HOLDS(i == 0 || ledger->regions[i - 1].end <= region->start);
		for (uint32_t j = 0; j < ledger->n_kept; j++)
			HOLDS(ledger->kept[j] < region->start || ledger->kept[j] >= region->end);
		HOLDS(regions_hold(&shim, region->start, region->end - region->start));
		HOLDS(!regions_hold(&shim, region->start, region->end - region->start + 1));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct region before[REGIONS_MAX];
	uint32_t n;
	int r;

	if (size == 0)
		return 0;
	locked = data[0] & 1;
	file.data = data + 1;
	file.size = size - 1;
	r = list(SIZE_MAX);
	HOLDS(r == 0 ? shim.failure.error == 0 : shim.failure.error == -r && *shim.failure.reason);
	n = shim.ledger.n_regions;
	if (r == 0 && ascend((const char *)data + 1, size - 1))
		check_list(&shim.ledger);
	memcpy(before, table, n * sizeof *table);
	HOLDS(list(16 + data[0] * 8U) == r && shim.ledger.n_regions == n);
	HOLDS(memcmp(before, table, n * sizeof *table) == 0);
	return 0;
}
