/* SPDX-License-Identifier: MIT */
#include "daemon/erase.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/units.h"
#include "daemon/swapchild.h"
#include "sys/clock.h"
#include "sys/meminfo.h"
#include "sys/swaps.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define MARGIN_PERCENT 5			/* of memory stays available, as for swapctl -d */
#define SHOW_EVERY_NS ((long)(200 * NS_PER_MS)) /* as fast as one can read it */

struct erasure {
	struct swapareas_place place;
	struct procfs procfs;
	struct swapareas areas;
	struct swapchild child;
	struct swaps swaps;
	sigset_t signals;
};

static int look(struct erasure *erasure)
{
	char reason[320];
	struct text why = TEXT_OVER(reason);
	int r = swapareas_look(&erasure->place, 0, &erasure->areas, &why);

	if (r < 0)
		log_err("cannot look for swap areas: %s %s", erasure->place.params->path, reason);
	else if (erasure->areas.removed > 0)
		log_notice("removed what wasn't active: files=%u", erasure->areas.removed);
	return r;
}

static int read_room(struct erasure *erasure, uint64_t *ret)
{
	_cleanup_close_ int fd = -1;
	struct mem_facts mem;
	int r = meminfo_read(&erasure->procfs, &fd, &mem);

	if (r == 0)
		*ret = swapsize_room_bytes(mem.total_bytes,
					   mem.has_available ? mem.available_bytes : mem.free_bytes,
					   MARGIN_PERCENT);
	return r;
}

/* The one with the least content, of those that fit; then there may be room for another. */
static size_t choose(struct erasure *erasure, uint64_t room_bytes)
{
	struct swapsize_area areas[SWAPAREAS_MAX];

	for (size_t i = 0; i < erasure->areas.n; i++)
		areas[i] = (struct swapsize_area){
			.size_bytes = erasure->areas.areas[i].size_bytes,
			.used_bytes = erasure->areas.areas[i].used_bytes,
			.fixed = erasure->areas.areas[i].keep != NULL,
		};
	return swapsize_retire(areas, erasure->areas.n, UINT64_MAX, room_bytes);
}

static void show_progress(struct erasure *erasure, const struct swaparea *area)
{
	if (swaps_read(&erasure->procfs, &erasure->swaps) < 0)
		return;
	(void)swapareas_read_use(&erasure->areas, &erasure->swaps);
	(void)fprintf(stderr, "\r%s/swap-%u: %s still to be read back ", erasure->areas.path,
		      area->number, FMT_BYTES(area->used_bytes));
}

/* Until the child is done. A signal ends it: the kernel leaves the area as it is then. */
static void watch(struct erasure *erasure, const struct swaparea *area)
{
	const struct timespec timeout = {.tv_nsec = SHOW_EVERY_NS};
	bool show = isatty(STDERR_FILENO);

	while (!swapchild_ended(&erasure->child)) {
		int signal = sigtimedwait(&erasure->signals, NULL, &timeout);

		if (signal > 0 && signal != SIGCHLD) {
			(void)kill(erasure->child.pid, SIGKILL);
		} else if (signal < 0 && show) {
			show_progress(erasure, area);
		}
	}
	if (show)
		(void)fprintf(stderr, "\r%*s\r", (int)strlen(erasure->areas.path) + 60, "");
}

static int retire(struct erasure *erasure, const struct swaparea *area)
{
	struct swaporder order = {
		.task = SWAPTASK_RETIRE, .place = erasure->place, .number = area->number};
	const struct swapreport *report = erasure->child.report;
	int r;

	log_notice("retiring file=%s/swap-%u bytes=%s used=%s", erasure->areas.path, area->number,
		   FMT_BYTES(area->size_bytes), FMT_BYTES(area->used_bytes));
	r = swapchild_start(&erasure->child, &order, -1, 0, clock_now_ns());
	if (r < 0) {
		log_err("cannot start a child: %s", strerror(-r));
		return r;
	}
	watch(erasure, area);
	if (report->error < 0)
		log_err("cannot %s: %s: file=%s/swap-%u%s", report->what, strerror(-report->error),
			erasure->areas.path, area->number,
			report->retired ? "" : "; it stays in use");
	return report->error;
}

static void say_left(const struct erasure *erasure, uint64_t room_bytes)
{
	for (size_t i = 0; i < erasure->areas.n; i++) {
		const struct swaparea *area = &erasure->areas.areas[i];

		if (area->keep)
			log_notice("file=%s/swap-%u stays: %s", erasure->areas.path, area->number,
				   area->keep);
		else
			log_err("file=%s/swap-%u stays: the %s in it would not fit into memory, "
				"where there is room for %s; end some programs",
				erasure->areas.path, area->number, FMT_BYTES(area->used_bytes),
				FMT_BYTES(room_bytes));
	}
}

static bool retire_all(struct erasure *erasure)
{
	uint64_t room_bytes = 0;
	size_t left = 0, i;
	int r;

	do {
		r = read_room(erasure, &room_bytes);
		if (r < 0)
			log_err("cannot read /proc/meminfo: %s", strerror(-r));
		i = r < 0 ? erasure->areas.n : choose(erasure, room_bytes);
		if (i < erasure->areas.n)
			r = retire(erasure, &erasure->areas.areas[i]);
		if (r == 0 && i < erasure->areas.n)
			swapareas_drop(&erasure->areas, erasure->areas.areas[i].number);
	} while (r == 0 && i < erasure->areas.n);
	if (r == 0)
		say_left(erasure, room_bytes);
	for (i = 0; i < erasure->areas.n; i++)
		left += erasure->areas.areas[i].keep == NULL;
	return r == 0 && left == 0;
}

static bool is_ignored(int signal)
{
	struct sigaction action;

	return sigaction(signal, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

/* What would end us waits until the child has been told. (One that is ignored, as nohup(1) has it,
 * would come all the same once it is blocked.) */
static void block_signals(struct erasure *erasure)
{
	static const int those[] = {SIGCHLD, SIGINT, SIGTERM, SIGHUP};

	(void)sigemptyset(&erasure->signals);
	for (size_t i = 0; i < sizeof those / sizeof *those; i++)
		if (!is_ignored(those[i]))
			(void)sigaddset(&erasure->signals, those[i]);
	(void)sigprocmask(SIG_BLOCK, &erasure->signals, NULL);
}

bool erase_run(const struct swapspace_params *params)
{
	static struct erasure erasure; /* large, and there is one */
	int r = procfs_open("/proc", &erasure.procfs);
	bool done;

	erasure.place = (struct swapareas_place){.procfs = &erasure.procfs, .params = params};
	if (r == 0)
		r = swapchild_open(&erasure.child);
	if (r < 0) {
		log_err("cannot begin: %s", strerror(-r));
		return false;
	}
	if (access(params->path, F_OK) < 0 && errno == ENOENT) {
		log_notice("there are no swap areas: %s isn't there", params->path);
		return true;
	}
	block_signals(&erasure);
	done = look(&erasure) == 0 && retire_all(&erasure);
	swapchild_close(&erasure.child);
	procfs_close(&erasure.procfs);
	return done;
}
