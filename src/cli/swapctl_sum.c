/* SPDX-License-Identifier: MIT */
#include "cli/swapctl_sum.h"

#include "base/units.h"

struct sum sum_make(const struct swaps *swaps, const struct mem_facts *mem,
		    const struct overcommit *overcommit)
{
	uint64_t allocated_bytes = swaps_used_bytes(swaps);
	/* pages in the areas were promised once, but shared memory isn't always counted */
	uint64_t used_bytes = u64_max(mem->committed_bytes, allocated_bytes);

	return (struct sum){
		.areas = swaps->n,
		.size_bytes = swaps_size_bytes(swaps),
		.allocated_bytes = allocated_bytes,
		.reserved_bytes = used_bytes - allocated_bytes,
		.used_bytes = used_bytes,
		.available_bytes = u64_sub_sat(mem->commit_limit_bytes, used_bytes),
		.limit_bytes = mem->commit_limit_bytes,
		.overcommit_mode = overcommit->mode,
		.limit_is_kept = overcommit->mode == OVERCOMMIT_NEVER,
	};
}
