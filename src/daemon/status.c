/* SPDX-License-Identifier: MIT */
#include "daemon/status.h"

#include "base/log.h"
#include "base/units.h"
#include "policy/rank.h"
#include "sys/procstat.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct printer {
	void (*emit)(void *ctx, const char *line);
	void *ctx;
};

static void print(const struct printer *printer, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void print(const struct printer *printer, const char *format, ...)
{
	char line[LOG_LINE_MAX];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(line, sizeof line, format, args);
	va_end(args);
	printer->emit(printer->ctx, line);
}

static unsigned percent_of(uint64_t part, uint64_t whole)
{
	return whole == 0 ? 0 : (unsigned)((unsigned __int128)part * 100 / whole);
}

static void print_machine(const struct printer *out, const struct daemon *daemon, uint64_t now_ns)
{
	const struct machine *machine = &daemon->machine;
	const struct machine_params *params = &daemon->config.params.memory;
	uint64_t total_bytes = daemon->sampler.snapshot.mem.total_bytes;

	print(out, "swapify-policy " VERSION ": uptime=%s ticks=%llu held_still=%llu%s",
	      FMT_DURATION(now_ns - daemon->started_ns), (unsigned long long)daemon->ticks,
	      (unsigned long long)daemon->held_still, daemon->dry_run ? " dry_run=yes" : "");
	print(out, "state: %s since=%s timer_left=%s cooldown=%s no_room=%llu",
	      machine_state_word(machine->state), FMT_DURATION(now_ns - machine->since_ns),
	      FMT_DURATION(machine_timer_left_ns(machine, now_ns)),
	      FMT_DURATION(machine->cooldown_ns), (unsigned long long)daemon->no_room_count);
	print(out, "thresholds: %u%% < %u%% < %u%% freetarget=%u%%",
	      params->lower_freelimit_percent,
	      percent_of(daemon_available_bytes(daemon), total_bytes),
	      params->upper_freelimit_percent, params->freetarget_percent);
}

static void print_memory(const struct printer *out, const struct daemon *daemon)
{
	const struct snapshot *snapshot = &daemon->sampler.snapshot;
	const struct mem_facts *mem = &snapshot->mem;
	uint64_t available_bytes = daemon_available_bytes(daemon);
	uint64_t total_bytes = u64_add_sat(mem->total_bytes, mem->swap_total_bytes);
	uint64_t free_bytes = u64_add_sat(available_bytes, mem->swap_free_bytes);

	print(out, "core: total=%s used=%s available=%s", FMT_BYTES(mem->total_bytes),
	      FMT_BYTES(mem->total_bytes - available_bytes), FMT_BYTES(available_bytes));
	print(out, "swap: total=%s used=%s free=%s", FMT_BYTES(mem->swap_total_bytes),
	      FMT_BYTES(mem->swap_total_bytes - mem->swap_free_bytes),
	      FMT_BYTES(mem->swap_free_bytes));
	print(out, "total: total=%s used=%s free=%s", FMT_BYTES(total_bytes),
	      FMT_BYTES(u64_sub_sat(total_bytes, free_bytes)), FMT_BYTES(free_bytes));
	if (snapshot->psi.present)
		print(out, "pressure: some_avg10=%u.%02u%% full_avg10=%u.%02u%% some_total=%s",
		      snapshot->psi.some_avg10_permyriad / 100,
		      snapshot->psi.some_avg10_permyriad % 100,
		      snapshot->psi.full_avg10_permyriad / 100,
		      snapshot->psi.full_avg10_permyriad % 100,
		      FMT_DURATION(snapshot->psi.some_total_us * NS_PER_US));
	else
		print(out, "pressure: not told by this kernel");
	print(out, "need: %s%s in_flight=%s prelocked=%s", daemon->need_bytes < 0 ? "-" : "",
	      FMT_BYTES((uint64_t)(daemon->need_bytes < 0 ? -daemon->need_bytes
							  : daemon->need_bytes)),
	      FMT_BYTES(executor_in_flight_bytes(&daemon->executor, BACKEND_NONE)),
	      FMT_BYTES(prelock_locked_bytes(daemon->prelock)));
}

static void print_backends(const struct printer *out, const struct daemon *daemon)
{
	const struct executor *executor = &daemon->executor;

	if (executor->n_backends == 0)
		print(out, "backend: none is enabled, nothing is moved; see enabled in [swapify] "
			   "and [madvise]");
	for (size_t i = 0; i < executor->n_backends; i++) {
		const struct backend_stats *stats = &executor->stats[i];

		print(out,
		      "backend %s: out=%llu out_bytes=%s back=%llu back_bytes=%s gone=%llu "
		      "refused=%llu failed=%llu timeout=%llu wrong_choices=%llu last_error=%s",
		      executor->backends[i].ops->name, (unsigned long long)stats->out_actions,
		      FMT_BYTES(stats->out_bytes), (unsigned long long)stats->back_actions,
		      FMT_BYTES(stats->back_bytes),
		      (unsigned long long)stats->outcomes[OUTCOME_GONE],
		      (unsigned long long)stats->outcomes[OUTCOME_REFUSED],
		      (unsigned long long)stats->outcomes[OUTCOME_FAILED],
		      (unsigned long long)stats->outcomes[OUTCOME_TIMEOUT],
		      (unsigned long long)stats->wrong_choices,
		      stats->last_error < 0 ? strerrorname_np(-stats->last_error) : "none");
	}
}

static void print_areas(const struct printer *out, const struct swapspace *space)
{
	for (size_t i = 0; i < space->areas.n; i++) {
		const struct swaparea *area = &space->areas.areas[i];
		bool retiring =
			space->retirer.pid > 0 && space->retirer.order.number == area->number;

		print(out, "swapspace: file=swap-%u bytes=%s used=%s state=%s%s%s%s", area->number,
		      FMT_BYTES(area->size_bytes), FMT_BYTES(area->used_bytes),
		      retiring	   ? "retiring"
		      : area->keep ? "kept"
				   : "active",
		      area->keep ? " why=\"" : "", area->keep ? area->keep : "",
		      area->keep ? "\"" : "");
	}
}

static void print_swapspace(const struct printer *out, const struct daemon *daemon, uint64_t now_ns)
{
	const struct swapspace *space = &daemon->swapspace;
	const struct swapspace_params *params = &daemon->config.params.swapspace;
	const struct machine *machine = &space->machine;

	if (!params->enabled) {
		print(out, "swapspace: off");
		return;
	}
	print(out,
	      "swapspace: %s since=%s timer_left=%s thresholds: %u%% < %u%% < %u%% "
	      "freetarget=%u%%",
	      machine_state_word(machine->state), FMT_DURATION(now_ns - machine->since_ns),
	      FMT_DURATION(machine_timer_left_ns(machine, now_ns)),
	      params->machine.lower_freelimit_percent,
	      percent_of(swapspace_free_bytes(&space->facts), swapspace_total_bytes(&space->facts)),
	      params->machine.upper_freelimit_percent, params->machine.freetarget_percent);
	print(out,
	      "swapspace: path=%s fs=%s%s areas=%zu bytes=%s used=%s made=%u retired=%u "
	      "failed=%u last_error=%s%s",
	      space->known ? space->areas.path : params->path,
	      space->known ? space->areas.fs_name : "?",
	      space->refused || space->unfit ? " refused=yes" : "", space->areas.n,
	      FMT_BYTES(swapareas_size_bytes(&space->areas)),
	      FMT_BYTES(swapareas_used_bytes(&space->areas)), space->made, space->retired,
	      space->failed, space->last_error < 0 ? strerrorname_np(-space->last_error) : "none",
	      space->maker.pid > 0 && space->maker.order.task == SWAPTASK_MAKE ? " making=yes"
									       : "");
	print_areas(out, space);
}

static void print_attached(const struct printer *out, const struct daemon *daemon, uint64_t now_ns)
{
	static const char *const states[] = {"unknown", "running", "busy", "swapped"};
	const struct attached_table *table = &daemon->attached;

	if (!daemon->swapify_on)
		return;
	print(out,
	      "attached: programs=%zu left_out=%u swapped_by_others=%llu unswapped_by_others=%llu",
	      table->n, table->left_out, (unsigned long long)table->swapped_by_others,
	      (unsigned long long)table->unswapped_by_others);
	for (size_t i = 0; i < table->n && i < STATUS_HELD_MAX; i++) {
		const struct attached *entry = &table->entries[i];

		print(out, "attached: pid=%d uid=%u state=%s held=%s since=%s%s%s", entry->id.pid,
		      entry->uid, states[entry->state], FMT_BYTES(entry->held_bytes),
		      entry->since_ns ? FMT_DURATION(now_ns - entry->since_ns) : "unknown",
		      entry->ours ? " by=us" : "", entry->silences ? " silent=yes" : "");
	}
}

/* What is locked counts in our own resident set: nobody shall take it for what the daemon needs. */
static void print_ourselves(const struct printer *out, const struct daemon *daemon)
{
	uint64_t locked_bytes = prelock_locked_bytes(daemon->prelock);
	char text[PROCFS_FILE_MAX];
	struct procstat_memory memory;
	ssize_t n = procfs_read_short_lines(&daemon->sampler.procfs, getpid(), "status", text,
					    sizeof text);

	if (n > 0 && procstat_parse_memory(text, (size_t)n, &memory) == 0)
		print(out, "daemon: resident=%s prelocked=%s own=%s", FMT_BYTES(memory.rss_bytes),
		      FMT_BYTES(locked_bytes),
		      FMT_BYTES(u64_sub_sat(memory.rss_bytes, locked_bytes)));
}

static void print_prelock_left(const struct printer *out, const struct prelock_report *report)
{
	char line[LOG_LINE_MAX - 64] = "";
	struct text text = TEXT_OVER(line);

	for (int i = PRELOCK_LOCKED + 1; i < PRELOCK__N; i++)
		if (report->files[i] > 0)
			text_addf(&text, " %s=%u", prelock_word((enum prelock_verdict)i),
				  report->files[i]);
	if (text.len > 0)
		print(out, "prelock: left out%s", line);
	for (size_t i = 0; i < report->n_left; i++) {
		const struct prelock_shown *shown = &report->left[i];

		print(out, "prelock: left out reason=%s sharers=%u bytes=%s mapped=%s file=%s",
		      prelock_word(shown->verdict), shown->sharers, FMT_BYTES(shown->bytes),
		      FMT_BYTES(shown->mapped_bytes), shown->path);
	}
}

static void print_prelock(const struct printer *out, const struct daemon *daemon, uint64_t now_ns)
{
	const struct prelock_report *report = prelock_last(daemon->prelock);
	uint64_t scanning_ns = prelock_scanning_ns(daemon->prelock, now_ns);

	if (!report && scanning_ns > 0)
		print(out, "prelock: scanning=%s", FMT_DURATION(scanning_ns));
	if (!report)
		return;
	print(out,
	      "prelock: files=%u bytes=%s mapped=%s room=%s limit=%s critical=%u scanned=%s "
	      "took=%s cpu=%lluus%s%s",
	      report->files[PRELOCK_LOCKED], FMT_BYTES(report->bytes[PRELOCK_LOCKED]),
	      FMT_BYTES(report->mapped_bytes), FMT_BYTES(report->room.bytes),
	      prelock_word(report->room.limit), report->critical,
	      FMT_DURATION(u64_sub_sat(now_ns, report->at_ns)), FMT_DURATION(report->took_ns),
	      (unsigned long long)(report->cpu_ns / NS_PER_US), scanning_ns > 0 ? " scanning=" : "",
	      scanning_ns > 0 ? FMT_DURATION(scanning_ns) : "");
	for (size_t i = 0; i < report->n_shown; i++) {
		const struct prelock_shown *shown = &report->shown[i];

		print(out, "prelock: sharers=%u bytes=%s mapped=%s since=%s file=%s",
		      shown->sharers, FMT_BYTES(shown->bytes), FMT_BYTES(shown->mapped_bytes),
		      shown->since_ns ? FMT_DURATION(u64_sub_sat(now_ns, shown->since_ns)) : "-",
		      shown->path);
	}
	print_prelock_left(out, report);
}

static void print_held(const struct printer *out, const struct daemon *daemon, uint64_t now_ns)
{
	const struct snapshot *snapshot = &daemon->sampler.snapshot;
	size_t processes, listed = 0;
	uint64_t bytes = daemon_held_bytes(daemon, &processes);

	print(out, "held: processes=%zu bytes=%s", processes, FMT_BYTES(bytes));
	for (size_t i = 0; i < snapshot->n_procs && listed < STATUS_HELD_MAX; i++) {
		const struct proc *proc = &snapshot->procs[i];

		if (idle_held_bytes(proc) == 0 || proc->past.held_by >= daemon->executor.n_backends)
			continue;
		listed++;
		print(out, "held: pid=%d name=%s bytes=%s since=%s backend=%s", proc->facts.id.pid,
		      FMT_SAFE(proc->facts.comm), FMT_BYTES(idle_held_bytes(proc)),
		      FMT_DURATION(now_ns - proc->past.out_since_ns),
		      daemon->executor.backends[proc->past.held_by].ops->name);
	}
}

void status_verdict(const struct daemon *daemon, const struct proc *proc, uint64_t now_ns,
		    struct text *ret)
{
	const struct idle_params *idle = &daemon->config.params.idle;
	enum reason reason = rank_verdict(proc, now_ns, idle);
	uint64_t wait_ns = rank_wait_ns(proc, now_ns, idle);

	text_add(ret, reason_word(reason));
	if (wait_ns > 0)
		text_addf(ret, ", in %s", FMT_DURATION(wait_ns));
}

static void print_next(const struct printer *out, const struct daemon *daemon, uint64_t now_ns)
{
	const struct snapshot *snapshot = &daemon->sampler.snapshot;
	uint32_t index[STATUS_NEXT_MAX];
	size_t n = plan_next(snapshot, &daemon->config.params.idle, index, STATUS_NEXT_MAX);

	for (size_t i = 0; i < n; i++) {
		const struct proc *proc = &snapshot->procs[index[i]];
		char verdict[64];
		struct text text = TEXT_OVER(verdict);

		status_verdict(daemon, proc, now_ns, &text);
		print(out, "next: rank=%zu pid=%d name=%s idle=%s bytes=%s verdict=\"%s\"", i + 1,
		      proc->facts.id.pid, FMT_SAFE(proc->facts.comm),
		      FMT_DURATION(idle_ns(&proc->past, now_ns)),
		      FMT_BYTES(proc->reclaimable_bytes), verdict);
	}
	if (n == 0)
		print(out, "next: nobody");
}

static void print_passed_over(const struct printer *out, const struct daemon *daemon,
			      uint64_t now_ns)
{
	const struct snapshot *snapshot = &daemon->sampler.snapshot;
	uint32_t count[REASON__N];
	char line[LOG_LINE_MAX - 32];
	struct text text = TEXT_OVER(line);

	memcpy(count, snapshot->not_followed, sizeof count);
	for (size_t i = 0; i < snapshot->n_procs; i++)
		count[rank_verdict(&snapshot->procs[i], now_ns, &daemon->config.params.idle)]++;
	for (int i = REASON_VICTIM + 1; i < REASON__N; i++)
		if (count[i] > 0)
			text_addf(&text, " %s=%u", reason_word((enum reason)i), count[i]);
	print(out, "passed over:%s", text.len > 0 ? line : " nobody");
}

void status_dump(const struct daemon *daemon, uint64_t now_ns,
		 void (*emit)(void *ctx, const char *line), void *ctx)
{
	const struct printer out = {emit, ctx};

	print_machine(&out, daemon, now_ns);
	print_memory(&out, daemon);
	print_swapspace(&out, daemon, now_ns);
	print_backends(&out, daemon);
	print_attached(&out, daemon, now_ns);
	print_held(&out, daemon, now_ns);
	print_ourselves(&out, daemon);
	print_prelock(&out, daemon, now_ns);
	print_next(&out, daemon, now_ns);
	print_passed_over(&out, daemon, now_ns);
	print(&out, "end of dump");
}

void status_line(const struct daemon *daemon, struct text *ret)
{
	size_t processes;
	uint64_t held_bytes = daemon_held_bytes(daemon, &processes);

	text_addf(ret, "%s, %u%% of memory available, %zu processes swapped (%s)%s",
		  machine_state_word(daemon->machine.state),
		  percent_of(daemon_available_bytes(daemon),
			     daemon->sampler.snapshot.mem.total_bytes),
		  processes, FMT_BYTES(held_bytes),
		  daemon->executor.n_backends == 0 ? "; no backend is enabled" : "");
}
