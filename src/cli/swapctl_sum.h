/* SPDX-License-Identifier: MIT */
/* -s: swap space as the sum of what was promised and what there is. */
#pragma once
#include "sys/meminfo.h"
#include "sys/overcommit.h"
#include "sys/swaps.h"

#include <stdbool.h>
#include <stdint.h>

struct sum {
	size_t areas;
	uint64_t size_bytes;	  /* of all areas */
	uint64_t allocated_bytes; /* logical swap: what is in the areas, */
	uint64_t reserved_bytes;  /* what was promised beyond that, */
	uint64_t used_bytes;	  /* both, */
	uint64_t available_bytes; /* and what may still be promised */
	uint64_t limit_bytes;	  /* how much may be promised in all */
	uint64_t overcommit_mode;
	bool limit_is_kept;
};

struct sum sum_make(const struct swaps *swaps, const struct mem_facts *mem,
		    const struct overcommit *overcommit);
