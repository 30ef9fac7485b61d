/* SPDX-License-Identifier: MIT */
#include "cli/memadvise_plan.h"

#include "base/units.h"

#include <errno.h>
#include <stdlib.h>

#define CAP_FIRST 256

struct plan plan_new(bool back)
{
	return (struct plan){.back = back};
}

void plan_free(struct plan *plan)
{
	free(plan->regions);
	*plan = (struct plan){0};
}

static int grow(struct plan *plan)
{
	size_t cap = plan->cap ? 2 * plan->cap : CAP_FIRST;
	struct plan_region *regions = reallocarray(plan->regions, cap, sizeof *regions);

	if (!regions)
		return -ENOMEM;
	plan->regions = regions;
	plan->cap = cap;
	return 0;
}

int plan_add(struct plan *plan, const struct smap *smap)
{
	/* where mappings merge while they are read, the kernel tells of a part of them again */
	uint64_t start = u64_max(smap->region.start, plan->last_end);
	uint64_t end = smap->region.end;
	uint64_t bytes;

	plan->sums.rss_bytes = u64_add_sat(plan->sums.rss_bytes, smap->resident_bytes);
	plan->sums.anon_bytes = u64_add_sat(plan->sums.anon_bytes, smap->anon_bytes);
	plan->sums.swap_bytes = u64_add_sat(plan->sums.swap_bytes, smap->swap_bytes);
	if (start >= end)
		return 0;
	plan->last_end = end;
	if (smap->region.kind != REGION_ELIGIBLE) {
		plan->skipped[smap->region.kind]++;
		return 0;
	}
	bytes = u64_min(plan->back ? smap->swap_bytes : smap->anon_bytes, end - start);
	if (bytes == 0) {
		plan->empty++;
		return 0;
	}
	if (plan->n == plan->cap && grow(plan) < 0)
		return -ENOMEM;
	plan->eligible_bytes += bytes;
	plan->regions[plan->n++] = (struct plan_region){
		.start = start,
		.end = end,
		.bytes = bytes,
		.referenced_bytes = plan->back ? 0 : u64_min(smap->referenced_bytes, bytes),
	};
	return 0;
}

static int compare(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int compare_address(const void *first, const void *second)
{
	const struct plan_region *a = first, *b = second;

	return compare(a->start, b->start);
}

static int compare_coldness(const void *first, const void *second)
{
	const struct plan_region *a = first, *b = second;
	unsigned __int128 share_a = (unsigned __int128)a->referenced_bytes * b->bytes;
	unsigned __int128 share_b = (unsigned __int128)b->referenced_bytes * a->bytes;

	if (share_a != share_b)
		return share_a > share_b ? 1 : -1;
	if (a->bytes != b->bytes)
		return compare(b->bytes, a->bytes);
	return compare_address(a, b);
}

void plan_settle(struct plan *plan, enum plan_order order, unsigned percent, uint64_t max_bytes,
		 uint64_t page_bytes)
{
	uint64_t left = u64_min(u64_percent(plan->eligible_bytes, percent), max_bytes);

	left -= left % page_bytes;
	plan->budget_bytes = left;
	if (plan->n > 0)
		qsort(plan->regions, plan->n, sizeof *plan->regions,
		      order == PLAN_COLDEST ? compare_coldness : compare_address);
	for (plan->n_taken = 0; left > 0 && plan->n_taken < plan->n; plan->n_taken++) {
		struct plan_region *region = &plan->regions[plan->n_taken];

		region->take_bytes = u64_min(region->bytes, left);
		left -= region->take_bytes;
	}
}

struct advise_span *plan_spans(const struct plan *plan)
{
	struct advise_span *spans = plan->n > 0 ? calloc(plan->n, sizeof *spans) : NULL;

	for (size_t i = 0; spans && i < plan->n; i++)
		spans[i] = (struct advise_span){plan->regions[i].start, plan->regions[i].end};
	return spans;
}
