/* SPDX-License-Identifier: MIT */
#include "daemon/inspect.h"

#include "backend/madvise.h"
#include "base/cleanup.h"
#include "base/units.h"
#include "daemon/swapareas.h"
#include "policy/need.h"
#include "sys/meminfo.h"
#include "sys/pagemap.h"
#include "sys/pidpin.h"
#include "sys/privs.h"
#include "sys/psi.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>

struct inspection {
	const struct params *params;
	struct procfs procfs;
	FILE *out;
	bool works;
};

enum mark { MARK_OK, MARK_NOTE, MARK_FAILS };

static void say(struct inspection *in, enum mark mark, const char *what, const char *how)
{
	static const char *const words[] = {"ok", "note", "FAILS"};

	(void)fprintf(in->out, "%-6s %-22s %s\n", words[mark], what, how);
	if (mark == MARK_FAILS)
		in->works = false;
}

static void inspect_memory(struct inspection *in)
{
	_cleanup_close_ int fd = -1;
	struct mem_facts mem;
	char line[160];
	struct text text = TEXT_OVER(line);
	int r = meminfo_read(&in->procfs, &fd, &mem);

	if (r < 0 || !mem_facts_sane(&mem)) {
		say(in, MARK_FAILS, "/proc/meminfo", r < 0 ? strerror(-r) : "can't be true");
		return;
	}
	text_addf(&text, "%s of %s available%s",
		  FMT_BYTES(mem_available_bytes(&mem, &in->params->memory)),
		  FMT_BYTES(mem.total_bytes),
		  mem.has_available ? "" : ", estimated: this kernel has no MemAvailable");
	say(in, MARK_OK, "/proc/meminfo", line);

	text = TEXT_OVER(line);
	text_addf(&text, "%s of %s free, %s is left alone", FMT_BYTES(mem.swap_free_bytes),
		  FMT_BYTES(mem.swap_total_bytes),
		  FMT_BYTES(in->params->madvise.swap_margin_bytes));
	if (!in->params->madvise.enabled || in->params->madvise.advice == ADVICE_COLD)
		say(in, MARK_OK, "swap", line);
	else if (mem.swap_free_bytes > in->params->madvise.swap_margin_bytes)
		say(in, MARK_OK, "swap", line);
	else
		say(in, MARK_FAILS, "swap",
		    "[madvise] has nowhere to move memory to: add swap, or lower swap_margin");
}

static void inspect_swapspace(struct inspection *in)
{
	const struct swapspace_params *params = &in->params->swapspace;
	const struct swapareas_place place = {
		.procfs = &in->procfs, .params = params, .pretend = true};
	static struct swapareas areas; /* large */
	char line[sizeof areas.path + 160];
	struct text text = TEXT_OVER(line);
	int r;

	if (!params->enabled) {
		say(in, MARK_NOTE, "swap space", "no swap area will be made: see [swapspace]");
		return;
	}
	text_addf(&text, "%s ", params->path);
	r = swapareas_look(&place, 0, &areas, &text);
	if (r < 0) {
		say(in, MARK_FAILS, "swap space", line);
		return;
	}
	text = TEXT_OVER(line);
	if (access(params->path, F_OK) < 0) {
		text_addf(&text, "%s will be made, on %s", params->path, areas.fs_name);
		say(in, MARK_OK, "swap space", line);
		return;
	}
	text_addf(&text, "%s on %s: %s free, %u%% of %s are left; areas=%zu bytes=%s", areas.path,
		  areas.fs_name, FMT_BYTES(areas.disk.free_bytes), params->reserve_percent,
		  FMT_BYTES(areas.disk.total_bytes), areas.n,
		  FMT_BYTES(swapareas_size_bytes(&areas)));
	say(in, MARK_OK, "swap space", line);
}

static void inspect_pressure(struct inspection *in)
{
	_cleanup_close_ int fd = -1, trigger = -1;
	struct psi_facts psi;
	int r = psi_read(&in->procfs, &fd, &psi);

	if (r < 0) {
		say(in, MARK_NOTE, "pressure stall",
		    "not told by this kernel (boot with psi=1); memory is looked at once per "
		    "interval");
		return;
	}
	if (in->params->daemon.psi_stall_ns == 0) {
		say(in, MARK_OK, "pressure stall", "read; the trigger is off ([daemon] psi_stall)");
		return;
	}
	trigger = psi_trigger_open(&in->procfs, in->params->daemon.psi_stall_ns,
				   in->params->daemon.psi_window_ns);
	if (trigger >= 0)
		say(in, MARK_OK, "pressure stall", "read, and wakes the daemon");
	else if (trigger == -EINVAL)
		say(in, MARK_NOTE, "pressure stall",
		    "read, and wakes the daemon within 2s; sooner takes CAP_SYS_RESOURCE");
	else
		say(in, MARK_NOTE, "pressure stall",
		    "read, but can't wake the daemon here: it takes CAP_SYS_RESOURCE");
}

static void inspect_kernel(struct inspection *in)
{
	_cleanup_close_ int pidfd = pidpin_open(getpid());
	struct pagemap map;
	char reason[160];
	struct text why = TEXT_OVER(reason);

	if (pidfd < 0)
		say(in, MARK_FAILS, "pidfd_open", "this kernel has none (Linux 5.3)");
	else
		say(in, MARK_OK, "pidfd_open", "processes can be pinned");
	if (reclaim_madvise.probe(NULL, &why) == 0)
		say(in, MARK_OK, "process_madvise", "memory of other processes can be advised");
	else
		say(in, in->params->madvise.enabled ? MARK_FAILS : MARK_NOTE, "process_madvise",
		    reason);
	if (pagemap_open(&in->procfs, getpid(), &map) < 0) {
		say(in, MARK_FAILS, "pagemap", "can't be read");
		return;
	}
	say(in, MARK_OK, "pagemap",
	    map.scan ? "is scanned by the kernel" : "is read page by page (Linux 6.7 scans it)");
	pagemap_close(&map);
}

static void inspect_privileges(struct inspection *in)
{
	for (size_t i = 0; i < privs_n_caps; i++) {
		const struct privs_cap *cap = &privs_caps[i];

		bool required = cap->required ||
				(cap->number == CAP_SYS_ADMIN && in->params->swapspace.enabled);

		if (privs_has(cap))
			say(in, MARK_OK, cap->name, cap->reason);
		else
			say(in, required ? MARK_FAILS : MARK_NOTE, cap->name, "missing");
	}
}

bool inspect_run(const struct config *config, FILE *out)
{
	struct inspection in = {.params = &config->params, .out = out, .works = true};
	int r = procfs_open("/proc", &in.procfs);

	say(&in, MARK_OK, "configuration",
	    config->path[0] ? config->path : "no file: defaults and command line");
	if (r < 0) {
		say(&in, MARK_FAILS, "/proc", strerror(-r));
		return false;
	}
	inspect_memory(&in);
	inspect_pressure(&in);
	inspect_swapspace(&in);
	inspect_kernel(&in);
	inspect_privileges(&in);
	if (!config->params.madvise.enabled)
		say(&in, MARK_NOTE, "backends",
		    "none is enabled, nothing will be moved: set enabled = yes in [madvise]");
	else
		say(&in, MARK_OK, "backends", "madvise");
	procfs_close(&in.procfs);
	return in.works;
}
