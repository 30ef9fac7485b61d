/* SPDX-License-Identifier: MIT */
#include "cli/swap_room.h"

#include "base/cleanup.h"
#include "base/units.h"
#include "sys/meminfo.h"

#include <errno.h>

#define STAYS_PERCENT 5 /* of memory, at least */

static int look(struct swap_room *room, const struct procfs *procfs)
{
	struct mem_facts memory = {0};
	int fd = -1, r = meminfo_read(procfs, &fd, &memory);

	close_fd(&fd);
	if (r < 0)
		return r;
	room->available_bytes = memory.has_available ? memory.available_bytes : memory.free_bytes;
	room->stays_bytes = u64_percent(memory.total_bytes, STAYS_PERCENT);
	room->left_bytes = u64_sub_sat(room->available_bytes, room->stays_bytes);
	room->known = true;
	return 0;
}

static void fail(const struct swap_room *room, struct job *job)
{
	uint64_t others_bytes = u64_sub_sat(u64_sub_sat(room->available_bytes, room->stays_bytes),
					    room->left_bytes);
	char others[64] = "";

	if (others_bytes > 0)
		(void)snprintf(others, sizeof others, ", %s are for others",
			       FMT_BYTES(others_bytes));
	swap_job_fail(job, -ENOMEM,
		      "not enough memory: it takes %s of the %s available, of which %s have to "
		      "stay%s; -f doesn't ask",
		      FMT_BYTES(job->needed_bytes), FMT_BYTES(room->available_bytes),
		      FMT_BYTES(room->stays_bytes), others);
}

bool swap_room_take(struct swap_room *room, const struct procfs *procfs, struct job *job)
{
	int r;

	if (job->needed_bytes == 0)
		return true;
	r = room->known ? 0 : look(room, procfs);
	if (r < 0) {
		swap_job_fail(job, r, "how much memory is available can't be read; -f doesn't ask");
		return false;
	}
	if (job->needed_bytes >= room->left_bytes) {
		fail(room, job);
		return false;
	}
	room->left_bytes -= job->needed_bytes;
	return true;
}
