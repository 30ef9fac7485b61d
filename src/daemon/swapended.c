/* SPDX-License-Identifier: MIT */
#include "daemon/swapended.h"

#include "base/log.h"
#include "base/text.h"
#include "base/units.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

void swapspace_promise(struct swapspace *space, uint64_t bytes, uint64_t now_ns)
{
	space->promised_bytes = u64_add_sat(space->promised_bytes, bytes);
	space->promised_ns = now_ns;
}

/* The area that is being retired was passed over. */
static void take_look(struct swapspace *space)
{
	const struct swapareas *found = &space->maker.report->areas;
	const struct swaparea *retiring =
		space->retirer.pid > 0 && !space->retirer_stale
			? swapareas_find(&space->areas, space->retirer.order.number)
			: NULL;
	struct swaparea kept;

	if (retiring)
		kept = *retiring;
	/* of the many that there could be only those that there are */
	memcpy(&space->areas, found, offsetof(struct swapareas, areas));
	memcpy(space->areas.areas, found->areas, found->n * sizeof *found->areas);
	space->areas.n = found->n;
	space->areas.removed = found->removed;
	if (retiring && space->areas.n < SWAPAREAS_MAX)
		space->areas.areas[space->areas.n++] = kept;
}

static void end_look(struct swapspace *space)
{
	const struct swapreport *report = space->maker.report;
	bool first = !space->known;

	if (space->look_stale) {
		space->look_stale = false;
		return;
	}
	if (report->error < 0) {
		space->last_error = report->error;
		if (!space->refused)
			log_warning("no swap area can be made: %s %s; going on without",
				    space->params->path,
				    *report->why ? report->why : "could not be looked at");
		space->known = false;
		space->refused = true;
		return;
	}
	take_look(space);
	space->known = true;
	if (space->refused)
		log_notice("swap areas can be made now path=%s", space->areas.path);
	space->refused = false;
	if (first || space->areas.removed > 0)
		log_line(space->areas.n + space->areas.removed > 0 ? LOG_LVL_NOTICE : LOG_LVL_INFO,
			 "swap areas: path=%s fs=%s areas=%zu bytes=%s used=%s removed=%u",
			 space->areas.path, space->areas.fs_name, space->areas.n,
			 FMT_BYTES(swapareas_size_bytes(&space->areas)),
			 FMT_BYTES(swapareas_used_bytes(&space->areas)), space->areas.removed);
}

static const char *make_hint(const struct swapreport *report)
{
	switch (report->error) {
	case -ENOSPC:
	case -EDQUOT: return "; free some of the disk, or lower [swapspace] reserve";
	case -EPERM: return "; it takes CAP_SYS_ADMIN, and there may be 29 areas or so at most";
	case -EINVAL: return "; the kernel's log says what it doesn't like: dmesg | tail";
	default: return "";
	}
}

void swapspace_note_no_area(struct swapspace *space)
{
	const struct swapreport *report = space->maker.report;

	space->diet_requested = true;
	space->unfit = report->unfit;
	space->failed++;
	space->last_error = report->error;
	if (space->said.make_error == report->error)
		return;
	space->said.make_error = report->error;
	log_warning("cannot add a swap area: cannot %s: %s%s: path=%s wanted=%s disk_free=%s",
		    report->what, text_error(-report->error), make_hint(report),
		    space->params->path, FMT_BYTES(space->maker.order.wanted_bytes),
		    FMT_BYTES(report->areas.disk.free_bytes));
}

static void end_make(struct swapspace *space, uint64_t now_ns)
{
	const struct swapreport *report = space->maker.report;
	struct swaparea *area = &space->areas.areas[space->areas.n];

	if (report->error < 0) {
		swapspace_note_no_area(space);
		return;
	}
	swapspace_promise(space, report->bytes, now_ns);
	if (strcmp(report->areas.path, space->areas.path) != 0 || space->areas.n == SWAPAREAS_MAX) {
		space->look_wanted = true; /* the settings are others by now */
	} else {
		*area = (struct swaparea){.number = report->number, .size_bytes = report->bytes};
		swapareas_file(&space->areas, report->number, area->listed);
		space->areas.n++;
	}
	space->said.make_error = 0;
	space->made++;
	log_notice("swap area added file=%s/swap-%u bytes=%s wanted=%s areas=%zu took=%s%s",
		   report->areas.path, report->number, FMT_BYTES(report->bytes),
		   FMT_BYTES(space->maker.order.wanted_bytes), space->areas.n,
		   FMT_DURATION(now_ns - space->maker.begun_ns),
		   report->zeroes ? " written_over=yes" : "");
}

static const char *retire_hint(int error)
{
	switch (error) {
	case -ENOMEM: return "; memory didn't do, and it stays in use";
	case -EINTR: return "; it was ended, by the OOM killer or by hand, and stays in use";
	case -EINVAL: return "; somebody else is switching it off, or has";
	default: return "";
	}
}

void swapspace_note_not_retired(struct swapspace *space, uint64_t now_ns)
{
	const struct swapreport *report = space->retirer.report;

	space->failed++;
	space->last_error = report->error;
	space->retire_again_ns = now_ns + space->machine.cooldown_ns;
	if (space->said.retire_error == report->error)
		return;
	space->said.retire_error = report->error;
	log_warning("cannot retire a swap area: cannot %s: %s%s: file=%s/swap-%u", report->what,
		    text_error(-report->error), retire_hint(report->error), space->retiring_path,
		    space->retirer.order.number);
}

static void end_retire(struct swapspace *space, uint64_t now_ns)
{
	const struct swapreport *report = space->retirer.report;
	unsigned number = space->retirer.order.number;
	const struct swaparea *area = swapareas_find(&space->areas, number);
	uint64_t bytes = area && !space->retirer_stale ? area->size_bytes : 0;

	space->look_wanted = space->params->enabled;
	if (report->retired && !space->retirer_stale)
		swapareas_drop(&space->areas, number);
	if (report->error < 0) {
		swapspace_note_not_retired(space, now_ns);
		return;
	}
	space->said.retire_error = 0;
	space->retired++;
	log_notice("swap area retired file=%s/swap-%u bytes=%s areas=%zu took=%s",
		   space->retiring_path, number, FMT_BYTES(bytes), space->areas.n,
		   FMT_DURATION(now_ns - space->retirer.begun_ns));
}

bool swapspace_reap(struct swapspace *space, uint64_t now_ns)
{
	bool made = swapchild_ended(&space->maker), retired = swapchild_ended(&space->retirer);

	if (made && space->maker.order.task == SWAPTASK_LOOK)
		end_look(space);
	else if (made)
		end_make(space, now_ns);
	if (retired)
		end_retire(space, now_ns);
	return made || retired;
}
