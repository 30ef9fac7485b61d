/* SPDX-License-Identifier: MIT */
#include "policy/need.h"

#include "base/units.h"

bool mem_facts_sane(const struct mem_facts *mem)
{
	return mem->total_bytes > 0 && mem->free_bytes <= mem->total_bytes &&
	       (!mem->has_available || mem->available_bytes <= mem->total_bytes) &&
	       mem->swap_free_bytes <= mem->swap_total_bytes;
}

uint64_t mem_unmapped_swap_cache_bytes(const struct mem_facts *mem)
{
	uint64_t mapped_bytes = u64_add_sat(mem->anon_mapped_bytes, mem->shmem_bytes);

	return u64_min(u64_sub_sat(mem->anon_lru_bytes, mapped_bytes), mem->swap_cached_bytes);
}

static uint64_t available_by_elasticity(const struct mem_facts *mem,
					const struct machine_params *params)
{
	uint64_t fixed_bytes =
		u64_add_sat(u64_add_sat(mem->dirty_bytes, mem->writeback_bytes), mem->shmem_bytes);
	uint64_t cache_bytes =
		u64_sub_sat(mem->cached_bytes, u64_add_sat(fixed_bytes, mem->prelocked_bytes));

	return u64_add_sat(
		mem->free_bytes,
		u64_add_sat(u64_percent(mem->buffers_bytes, params->buffer_elasticity_percent),
			    u64_percent(cache_bytes, params->cache_elasticity_percent)));
}

uint64_t mem_available_bytes(const struct mem_facts *mem, const struct machine_params *params)
{
	uint64_t bytes =
		mem->has_available ? mem->available_bytes : available_by_elasticity(mem, params);

	return u64_min(u64_add_sat(bytes, mem_unmapped_swap_cache_bytes(mem)), mem->total_bytes);
}

int64_t need_bytes(uint64_t total_bytes, uint64_t available_bytes, uint64_t in_flight_bytes,
		   const struct machine_params *params)
{
	uint64_t have = u64_min(u64_add_sat(available_bytes, in_flight_bytes), total_bytes);
	uint64_t target = u64_percent(total_bytes, params->freetarget_percent);

	if (have < u64_percent(total_bytes, params->lower_freelimit_percent))
		return (int64_t)u64_min(target - have, INT64_MAX);
	if (have > u64_percent(total_bytes, params->upper_freelimit_percent))
		return -(int64_t)u64_min(have - target, INT64_MAX);
	return 0;
}
