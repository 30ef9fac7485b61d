/* SPDX-License-Identifier: MIT */
/* Which memory of a process is advised about, and how much of it. Pure but for its heap. */
#pragma once
#include "backend/advise.h"
#include "sys/smaps.h"

/* An eligible region with something in it. */
struct plan_region {
	uint64_t start, end;
	uint64_t bytes;		   /* what can be advised about: resident, or in swap */
	uint64_t referenced_bytes; /* at most bytes */
	uint64_t take_bytes;
};

struct plan_sums {
	uint64_t rss_bytes, anon_bytes, swap_bytes;
};

struct plan {
	bool back; /* what is in swap counts, not what is resident */
	struct plan_region *regions;
	size_t n, cap;
	uint64_t last_end;
	struct plan_sums sums; /* of all regions */
	uint64_t eligible_bytes, budget_bytes;
	size_t n_taken; /* regions with take_bytes: the first ones, once it is settled */
	uint32_t skipped[REGION__N]; /* by reason */
	uint32_t empty;		     /* eligible, and nothing there */
};

enum plan_order {
	PLAN_BY_ADDRESS,
	PLAN_COLDEST /* the smallest share referenced first; then the largest, then by address */
};

/* An empty plan; plan_free when done. */
struct plan plan_new(bool back);
void plan_free(struct plan *plan);

/* Takes a region in, by address. 0 or -ENOMEM. */
int plan_add(struct plan *plan, const struct smap *smap);

/*
 * Sorts the regions and shares the budget out: percent of all that is eligible, at most max_bytes,
 * in whole pages.
 */
void plan_settle(struct plan *plan, enum plan_order order, unsigned percent, uint64_t max_bytes,
		 uint64_t page_bytes);

/* All regions in order, for the engine: where one of them has less by then, the next ones make up
 * for it. To be freed; NULL where there is no memory (or no region). */
struct advise_span *plan_spans(const struct plan *plan);
