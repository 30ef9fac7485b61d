/* SPDX-License-Identifier: MIT */
#include "daemon/once.h"

#include "base/log.h"
#include "base/units.h"
#include "daemon/status.h"
#include "policy/need.h"
#include "policy/rank.h"
#include "policy/swapsize.h"
#include "sys/clock.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define ONCE_NEXT_MAX 20

static void wait_ns(uint64_t ns)
{
	const struct timespec span = {(time_t)(ns / NS_PER_S), (long)(ns % NS_PER_S)};

	(void)clock_nanosleep(CLOCK_BOOTTIME, 0, &span, NULL);
}

static int sample(struct daemon *daemon)
{
	struct sampler *sampler = &daemon->sampler;
	int r = sampler_scan(sampler, SCAN_ALL, clock_now_ns());

	if (r == 0) {
		wait_ns(daemon->config.params.daemon.interval_ns);
		r = sampler_read_memory(sampler, clock_now_ns());
	}
	if (r == 0)
		daemon_survey(daemon, clock_now_ns());
	return r;
}

static void print_memory(const struct daemon *daemon, FILE *out)
{
	const struct mem_facts *mem = &daemon->sampler.snapshot.mem;
	const struct machine_params *params = &daemon->config.params.memory;
	uint64_t available_bytes = daemon_available_bytes(daemon);
	int64_t need = daemon->need_bytes;

	(void)fprintf(out, "Memory: %s of %s available; short under %u%%, plenty over %u%%.\n",
		      FMT_BYTES(available_bytes), FMT_BYTES(mem->total_bytes),
		      params->lower_freelimit_percent, params->upper_freelimit_percent);
	(void)fprintf(out, "Swap: %s of %s free.\n", FMT_BYTES(mem->swap_free_bytes),
		      FMT_BYTES(mem->swap_total_bytes));
	if (need > 0)
		(void)fprintf(out,
			      "Need: %s, to have %u%% available: the machine would be "
			      "hungry.\n",
			      FMT_BYTES((uint64_t)need), params->freetarget_percent);
	else if (need < 0)
		(void)fprintf(out, "Need: none, %s to spare: nothing would be moved out.\n",
			      FMT_BYTES((uint64_t)-need));
	else
		(void)fprintf(out, "Need: none: nothing would be moved out.\n");
}

static void print_swapspace(const struct daemon *daemon, FILE *out)
{
	const struct mem_facts *mem = &daemon->sampler.snapshot.mem;
	const struct machine_params *params = &daemon->config.params.swapspace.machine;
	uint64_t total_bytes = u64_add_sat(mem->total_bytes, mem->swap_total_bytes);
	uint64_t free_bytes = u64_add_sat(daemon_available_bytes(daemon), mem->swap_free_bytes);
	int64_t need = need_bytes(total_bytes, free_bytes, 0, params);

	if (!daemon->config.params.swapspace.enabled)
		return;
	(void)fprintf(out, "Swap space: %s of %s of memory and swap free; ", FMT_BYTES(free_bytes),
		      FMT_BYTES(total_bytes));
	if (need > 0)
		(void)fprintf(out, "an area of %s would be added, to have %u%% free.\n",
			      FMT_BYTES(swapsize_missing_bytes(total_bytes, free_bytes,
							       params->freetarget_percent)),
			      params->freetarget_percent);
	else if (need < 0)
		(void)fprintf(out, "after a cooldown an area of up to %s could go.\n",
			      FMT_BYTES(swapsize_spare_bytes(total_bytes, free_bytes,
							     params->freetarget_percent)));
	else
		(void)fprintf(out, "no area would be added, none retired.\n");
}

static void print_row(const struct daemon *daemon, const struct proc *proc, size_t rank,
		      uint64_t now_ns, FILE *out)
{
	char verdict[64];
	struct text text = TEXT_OVER(verdict);

	status_verdict(daemon, proc, now_ns, &text);
	if (rank > 0)
		(void)fprintf(out, "%4zu ", rank);
	else
		(void)fprintf(out, "%4s ", "-");
	(void)fprintf(out, "%8d %-15s %6u %8s %10s %10s %10s  %s\n", proc->facts.id.pid,
		      FMT_SAFE(proc->facts.comm), proc->facts.uid,
		      FMT_DURATION(idle_ns(&proc->past, now_ns)), FMT_BYTES(proc->facts.anon_bytes),
		      FMT_BYTES(proc->facts.swap_bytes), FMT_BYTES(proc->reclaimable_bytes),
		      verdict);
}

static bool is_listed(const uint32_t *index, size_t n, uint32_t proc)
{
	for (size_t i = 0; i < n; i++)
		if (index[i] == proc)
			return true;
	return false;
}

static void print_next(const struct daemon *daemon, bool verbose, uint64_t now_ns, FILE *out)
{
	const struct snapshot *snapshot = &daemon->sampler.snapshot;
	uint32_t index[ONCE_NEXT_MAX];
	size_t n = plan_next(snapshot, &daemon->config.params.idle, index, ONCE_NEXT_MAX);

	(void)fprintf(out, "\nWho would go next, longest idle first, then largest:\n");
	(void)fprintf(out, "%4s %8s %-15s %6s %8s %10s %10s %10s  %s\n", "RANK", "PID", "NAME",
		      "UID", "IDLE", "ANONYMOUS", "SWAPPED", "GIVES", "VERDICT");
	for (size_t i = 0; i < n; i++)
		print_row(daemon, &snapshot->procs[index[i]], i + 1, now_ns, out);
	if (n == 0)
		(void)fprintf(out, "   - nobody\n");
	for (uint32_t i = 0; verbose && i < snapshot->n_procs; i++)
		if (!is_listed(index, n, i))
			print_row(daemon, &snapshot->procs[i], 0, now_ns, out);
}

static void print_plan(struct daemon *daemon, FILE *out)
{
	struct plan *plan = &daemon->plan;

	if (daemon->need_bytes <= 0)
		return;
	plan_reclaim(&daemon->sampler.snapshot, &daemon->config.params.idle,
		     (uint64_t)daemon->need_bytes, plan);
	(void)fprintf(out, "\nThe plan now: %zu actions, %s; %s of the need not covered.\n",
		      plan->n_actions, FMT_BYTES(plan->bytes), FMT_BYTES(plan->missing_bytes));
	for (size_t i = 0; i < plan->n_actions; i++)
		(void)fprintf(out, "  move %s of %s (pid %d) out, idle for %s\n",
			      FMT_BYTES(plan->actions[i].bytes), FMT_SAFE(plan->actions[i].comm),
			      plan->actions[i].id.pid, FMT_DURATION(plan->actions[i].idle_ns));
	if (plan->passed_over[REASON_NO_ROOM] > 0)
		(void)fprintf(out, "  no room in swap for %u more; see [madvise] swap_margin\n",
			      plan->passed_over[REASON_NO_ROOM]);
}

static void print_passed_over(const struct daemon *daemon, uint64_t now_ns, FILE *out)
{
	const struct snapshot *snapshot = &daemon->sampler.snapshot;
	uint32_t count[REASON__N];

	memcpy(count, snapshot->not_followed, sizeof count);
	for (size_t i = 0; i < snapshot->n_procs; i++)
		count[rank_verdict(&snapshot->procs[i], now_ns, &daemon->config.params.idle)]++;
	(void)fprintf(out, "\nProcesses by verdict:\n");
	for (int i = 0; i < REASON__N; i++)
		if (count[i] > 0)
			(void)fprintf(out, "%6u  %-15s %s\n", count[i], reason_word((enum reason)i),
				      reason_sentence((enum reason)i));
}

int once_run(struct daemon *daemon, bool verbose, FILE *out)
{
	uint64_t now_ns;
	int r = sample(daemon);

	if (r < 0) {
		log_err("cannot take a sample of memory and processes: %s", strerror(-r));
		return r;
	}
	now_ns = daemon->sampler.snapshot.now_ns;
	daemon->need_bytes =
		need_bytes(daemon->sampler.snapshot.mem.total_bytes, daemon_available_bytes(daemon),
			   0, &daemon->config.params.memory);
	print_memory(daemon, out);
	print_swapspace(daemon, out);
	print_next(daemon, verbose, now_ns, out);
	print_plan(daemon, out);
	print_passed_over(daemon, now_ns, out);
	return ferror(out) ? -EIO : 0;
}
