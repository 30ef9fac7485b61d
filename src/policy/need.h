/* SPDX-License-Identifier: MIT */
/* How much memory the machine wants back (> 0), has to spare (< 0), or neither (0). */
#pragma once
#include "policy/params.h"
#include "policy/snapshot.h"

/* False where the facts can't be true (no memory at all, more free than there is):
 * whoever gets them holds still instead of acting on them. */
bool mem_facts_sane(const struct mem_facts *mem);

/*
 * Swap cache that nobody maps, in bytes: memory that was moved out and is free but in name.
 * MADV_PAGEOUT to a disk starts the write and unmaps; the page itself stays in the swap cache
 * until the next reclaim takes it from the tail of its list, and MemAvailable doesn't count it
 * (measured on 6.18: 256 MiB paged out, MemAvailable unchanged after, SwapCached +256 MiB).
 * Without this the daemon would move the same amount out again and again.
 * = Active(anon) + Inactive(anon) - AnonPages - Shmem, at most SwapCached; errs low, since
 * mlocked pages count in AnonPages but not in the lists.
 */
uint64_t mem_unmapped_swap_cache_bytes(const struct mem_facts *mem);

/*
 * Bytes that can be had without moving anything out: MemAvailable plus the above, or on
 * kernels without MemAvailable swapspace's rule: MemFree + Buffers x buffer_elasticity +
 * (Cached - Dirty - Writeback - Shmem - what [prelock] has locked) x cache_elasticity. At most
 * MemTotal. MemAvailable leaves locked files out by itself (measured on 6.18, ext4 and xfs).
 */
uint64_t mem_available_bytes(const struct mem_facts *mem, const struct machine_params *params);

/*
 * What is wanted of total_bytes when available_bytes are to be had and in_flight_bytes are
 * being freed already: up to freetarget when under lower_freelimit, down to it when over
 * upper_freelimit, else 0. Saturates at INT64_MAX and -INT64_MAX.
 */
int64_t need_bytes(uint64_t total_bytes, uint64_t available_bytes, uint64_t in_flight_bytes,
		   const struct machine_params *params);
