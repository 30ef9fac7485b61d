/* SPDX-License-Identifier: MIT */
#include "daemon/daemon.h"

#include "backend/null.h"
#include "base/log.h"
#include "base/units.h"
#include "daemon/frozen.h"
#include "daemon/loop.h"
#include "policy/need.h"
#include "policy/rank.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

/* While nothing can be found, how often every process is looked at again. */
#define SCAN_ALL_NS (30 * NS_PER_S)

static int add_backends(struct daemon *daemon)
{
	struct executor *executor = &daemon->executor;
	bool enabled = daemon->config.params.madvise.enabled && !daemon->dry_run;
	const struct params *params = &daemon->config.params;
	int r;

	daemon->attached.procfs = &daemon->sampler.procfs;
	daemon->swapify.table = &daemon->attached;
	daemon->swapify.params = &params->swapify;
	daemon->real_swapify = (struct backend){&reclaim_swapify, &daemon->swapify};
	daemon->madvise.procfs = &daemon->sampler.procfs;
	daemon->madvise.params = &daemon->config.params.madvise;
	daemon->real_madvise = (struct backend){&reclaim_madvise, &daemon->madvise};
	executor->n_backends = 0;
	/* this one first: frozen.c counts on it */
	if (daemon->swapify_on)
		executor->backends[executor->n_backends++] =
			daemon->dry_run
				? (struct backend){&reclaim_null_swapify, &daemon->real_swapify}
				: daemon->real_swapify;
	r = enabled ? madvise_start(&daemon->madvise) : 0;
	if (r < 0)
		log_err("cannot start a thread for madvise: %s", text_error(-r));
	else if (enabled)
		executor->backends[executor->n_backends++] = daemon->real_madvise;
	else if (daemon->dry_run)
		executor->backends[executor->n_backends++] =
			(struct backend){&reclaim_null_madvise, &daemon->real_madvise};
	return r;
}

static int take_params(struct daemon *daemon)
{
	struct params *params = &daemon->config.params;

	/* nobody is moved to and fro within one cooldown */
	params->idle.min_resident_ns =
		u64_max(params->idle.min_resident_ns, params->memory.cooldown_ns);
	params->idle.tick_ns = params->daemon.interval_ns;
	daemon->executor.step_max_bytes = params->madvise.step_bytes;
	daemon->executor.step_bytes = daemon->executor.step_max_bytes;
	return add_backends(daemon);
}

static bool is_frozen(void *owner, int32_t pid)
{
	struct daemon *daemon = owner;
	const struct attached *entry =
		attached_find(&daemon->attached, &(struct proc_id){.pid = pid});

	/* also who hasn't said yet whether he still is */
	return handover_expects(daemon, pid) ||
	       (daemon->swapify_on && entry && (entry->state == ATTACHED_SWAPPED || entry->ours));
}

int daemon_open(struct daemon *daemon, const char *root, struct config *config, bool dry_run,
		int epoll_fd, uint64_t data_base, uint64_t now_ns)
{
	const struct executor_hooks hooks = {daemon_admit, daemon_done, daemon};
	int r;

	daemon->config = *config;
	daemon->dry_run = dry_run;
	daemon->started_ns = now_ns;
	r = sampler_open(&daemon->sampler, root, &daemon->config.params);
	if (r < 0) {
		log_err("cannot read processes under %s: %s", root, text_error(-r));
		return r;
	}
	daemon->sampler.is_frozen = is_frozen;
	daemon->sampler.owner = daemon;
	daemon->swapify_on = daemon->config.params.swapify.enabled;
	executor_init(&daemon->executor, &daemon->sampler.procfs, &hooks, epoll_fd, data_base);
	daemon->sampler.lookout = daemon->executor.lookout = daemon->attached.lookout =
		&daemon->lookout;
	daemon->machine = machine_start(now_ns, &daemon->config.params.memory);
	swapspace_init(&daemon->swapspace, &daemon->sampler.procfs,
		       &daemon->config.params.swapspace, dry_run, epoll_fd, LOOP_CHILD);
	swapspace_configure(&daemon->swapspace, now_ns);
	return take_params(daemon);
}

/* Amid its work it mustn't be killed, as it would be with the service: it lets no signal in then,
 * and is done soon. */
static void end_reviver(struct daemon *daemon)
{
	int status;

	if (daemon->reviver <= 0)
		return;
	(void)kill(daemon->reviver, SIGTERM);
	(void)waitpid(daemon->reviver, &status, 0);
	daemon->reviver = 0;
}

void daemon_close(struct daemon *daemon)
{
	end_reviver(daemon);
	prelock_close(&daemon->prelock);
	handover_close(daemon);
	lookout_close(&daemon->lookout);
	swapspace_close(&daemon->swapspace);
	madvise_stop(&daemon->madvise);
	attached_close(&daemon->attached);
	sampler_close(&daemon->sampler);
	config_free(&daemon->config);
}

void daemon_reconfigure(struct daemon *daemon, struct config *config)
{
	/* jobs hold pointers into nothing that changes, but their backend may be gone now */
	executor_abort(&daemon->executor, daemon->sampler.snapshot.now_ns);
	if (config->params.memory.cooldown_ns != daemon->config.params.memory.cooldown_ns)
		daemon->machine.cooldown_ns = config->params.memory.cooldown_ns;
	config_free(&daemon->config);
	daemon->config = *config;
	(void)frozen_switch(daemon);
	(void)take_params(daemon);
	swapspace_configure(&daemon->swapspace, daemon->sampler.snapshot.now_ns);
	sampler_reload(&daemon->sampler);
	prelock_reload(daemon->prelock);
}

/* Off, it stays in use until the last program is back that it has frozen before. */
static void switch_swapify(struct daemon *daemon)
{
	if (!daemon->config.params.swapify.enabled && !executor_busy(&daemon->executor) &&
	    frozen_switch(daemon))
		(void)add_backends(daemon);
}

uint64_t daemon_available_bytes(const struct daemon *daemon)
{
	return mem_available_bytes(&daemon->sampler.snapshot.mem, &daemon->config.params.memory);
}

uint64_t daemon_held_bytes(const struct daemon *daemon, size_t *ret_processes)
{
	const struct snapshot *snapshot = &daemon->sampler.snapshot;
	uint64_t bytes = 0;

	*ret_processes = 0;
	for (size_t i = 0; i < snapshot->n_procs; i++) {
		uint64_t held_bytes = idle_held_bytes(&snapshot->procs[i]);

		*ret_processes += held_bytes > 0;
		bytes = u64_add_sat(bytes, held_bytes);
	}
	return bytes;
}

/* -- sample ---------------------------------------------------------------------------------- */

void daemon_estimate(struct daemon *daemon, struct proc *proc)
{
	const struct executor *executor = &daemon->executor;

	proc->backend = BACKEND_NONE;
	proc->reclaimable_bytes = 0;
	/* without full facts its size is known only roughly, and its turn hasn't come */
	if (!(proc->facts.flags & PROC_FULL))
		proc->facts.anon_bytes = proc->facts.rss_bytes;
	for (uint8_t i = 0; i < executor->n_backends; i++) {
		const struct backend *backend = &executor->backends[i];
		uint64_t bytes = backend->ops->estimate(backend->ctx, proc);

		if (bytes == 0 && i + 1U < executor->n_backends)
			continue;
		proc->backend = i;
		proc->freezing = backend->ops->freezes;
		proc->reclaimable_bytes = bytes;
		/* what must not be frozen may still be paged out */
		if (bytes > 0 &&
		    (!proc->freezing || rank_freezing_verdict(&proc->facts) == REASON_VICTIM))
			return;
	}
}

static void estimate_all(struct daemon *daemon)
{
	struct snapshot *snapshot = &daemon->sampler.snapshot;
	const struct executor *executor = &daemon->executor;

	for (size_t i = 0; i < snapshot->n_procs; i++)
		daemon_estimate(daemon, &snapshot->procs[i]);
	for (size_t i = 0; i < executor->n_backends; i++) {
		const struct backend *backend = &executor->backends[i];

		snapshot->room_bytes[i] =
			u64_sub_sat(backend->ops->room(backend->ctx, &snapshot->mem),
				    executor_in_flight_bytes(executor, (unsigned)i));
	}
}

/* Were the last choices right? */
static void judge_all(struct daemon *daemon, uint64_t now_ns)
{
	struct snapshot *snapshot = &daemon->sampler.snapshot;
	const struct params *params = &daemon->config.params;

	for (size_t i = 0; i < snapshot->n_procs; i++) {
		struct proc *proc = &snapshot->procs[i];

		/* what we are doing ourselves says nothing about it */
		if (!(proc->facts.flags & PROC_FULL) || proc->past.under_way ||
		    !idle_judge(&proc->past, &proc->facts, now_ns, daemon->machine.cooldown_ns,
				&params->idle))
			continue;
		daemon->executor.stats[proc->past.held_by].wrong_choices++;
		log_info("wrong choice: it takes its memory back pid=%d name=%s min_idle=%s",
			 proc->facts.id.pid, FMT_SAFE(proc->facts.comm),
			 FMT_DURATION(idle_minimum_ns(&proc->past, &params->idle)));
	}
}

static void scan(struct daemon *daemon, enum scan_depth depth, uint64_t now_ns)
{
	struct sampler *sampler = &daemon->sampler;
	int r;

	frozen_scan(daemon);
	r = sampler_scan(sampler, depth, now_ns);
	if (r < 0)
		log_warning("cannot list processes: %s", text_error(-r));
	if (depth == SCAN_ALL)
		daemon->scanned_all_ns = now_ns;
	if (sampler->table_full > 0 && !daemon->said.table_full)
		log_warning("too many processes to follow, some are left alone: followed=%zu "
			    "left=%u",
			    sampler->snapshot.n_procs, sampler->table_full);
	daemon->said.table_full = sampler->table_full > 0;
	handover_take_paged(daemon, now_ns);
	frozen_update(daemon, now_ns);
	judge_all(daemon, now_ns);
}

static bool target_is_reached(const struct daemon *daemon)
{
	return daemon_available_bytes(daemon) >=
	       u64_percent(daemon->sampler.snapshot.mem.total_bytes,
			   daemon->config.params.memory.freetarget_percent);
}

static void scan_where_due(struct daemon *daemon, uint64_t now_ns)
{
	const struct idle_params *idle = &daemon->config.params.idle;
	const struct sampler *sampler = &daemon->sampler;
	uint64_t every_ns =
		target_is_reached(daemon) ? idle->scan_interval_ns : idle->scan_interval_near_ns;

	if (sampler->scanned_ns == 0 || now_ns - sampler->scanned_ns >= every_ns)
		scan(daemon, SCAN_FOLLOWED, now_ns);
}

static void tick_prelock(struct daemon *daemon, uint64_t now_ns)
{
	struct mem_facts *mem = &daemon->sampler.snapshot.mem;
	int r = prelock_tick(&daemon->prelock, &daemon->sampler.procfs,
			     &daemon->config.params.prelock, daemon->dry_run, mem->total_bytes,
			     now_ns);

	if (r < 0 && !daemon->said.no_prelock)
		log_warning("cannot lock files in memory, there is no thread for it: %s",
			    text_error(-r));
	daemon->said.no_prelock = r < 0;
	mem->prelocked_bytes = prelock_locked_bytes(daemon->prelock);
}

void daemon_survey(struct daemon *daemon, uint64_t now_ns)
{
	daemon->sampler.snapshot.mem.prelocked_bytes = prelock_locked_bytes(daemon->prelock);
	scan(daemon, SCAN_ALL, now_ns);
	sampler_read_all(&daemon->sampler);
	estimate_all(daemon);
}

/* -- plan ------------------------------------------------------------------------------------ */

static void say_nothing_found(struct daemon *daemon)
{
	char line[LOG_LINE_MAX];
	struct text text = TEXT_OVER(line);

	if (daemon->said.nothing_found)
		return;
	daemon->said.nothing_found = true;
	text_addf(&text, "memory is short and there is nobody to move out: need=%s",
		  FMT_BYTES((uint64_t)daemon->need_bytes));
	for (int i = 0; i < REASON__N; i++)
		if (daemon->plan.passed_over[i] > 0)
			text_addf(&text, " %s=%u", reason_word((enum reason)i),
				  daemon->plan.passed_over[i]);
	log_notice("%s", line);
}

/* Memory could go out, had swap room for it: then that is made first, and this waits. */
static bool room_is_made(struct daemon *daemon)
{
	const struct params *params = &daemon->config.params;
	const struct mem_facts *mem = &daemon->sampler.snapshot.mem;
	const struct plan *plan = &daemon->plan;

	if (plan->passed_over[REASON_NO_ROOM] == 0 || !params->madvise.enabled ||
	    params->madvise.advice != ADVICE_PAGEOUT ||
	    mem->swap_free_bytes >=
		    u64_add_sat(params->madvise.swap_margin_bytes, daemon->plan.missing_bytes))
		return false;
	return swapspace_make_room(
		&daemon->swapspace,
		u64_sub_sat(u64_add_sat(plan->missing_bytes, params->madvise.swap_margin_bytes),
			    mem->swap_free_bytes));
}

/* No room: diet, and another try when it is over. */
static void note_no_room(struct daemon *daemon)
{
	const struct mem_facts *mem = &daemon->sampler.snapshot.mem;

	daemon->diet_requested = true;
	daemon->no_room_count++;
	if (daemon->said.no_room)
		return;
	daemon->said.no_room = true;
	log_warning("no room to move memory out to: swap_total=%s swap_free=%s swap_margin=%s; "
		    "%s, or lower [madvise] swap_margin",
		    FMT_BYTES(mem->swap_total_bytes), FMT_BYTES(mem->swap_free_bytes),
		    FMT_BYTES(daemon->config.params.madvise.swap_margin_bytes),
		    mem->swap_total_bytes == 0 ? "add swap" : "add more swap");
}

static void reclaim(struct daemon *daemon, uint64_t bytes, uint64_t now_ns)
{
	const struct idle_params *idle = &daemon->config.params.idle;
	struct plan *plan = &daemon->plan;
	bool in_vain = daemon->planned_ns != 0;

	/* nobody was found: don't look at everything again at every tick */
	if (in_vain && now_ns - daemon->planned_ns < idle->scan_interval_near_ns)
		return;
	if (in_vain && now_ns - daemon->scanned_all_ns >= SCAN_ALL_NS)
		scan(daemon, SCAN_ALL, now_ns);
	else if (daemon->sampler.scanned_ns != now_ns)
		scan(daemon, SCAN_FOLLOWED, now_ns);
	estimate_all(daemon);
	plan_reclaim(&daemon->sampler.snapshot, idle, bytes, plan);

	daemon->planned_ns = plan->n_actions > 0 ? 0 : now_ns;
	if (room_is_made(daemon)) {
		if (!daemon->said.waits_for_room)
			log_info("waiting for room in swap: missing=%s",
				 FMT_BYTES(plan->missing_bytes));
		daemon->said.waits_for_room = true;
		daemon->planned_ns = 0;
	} else {
		daemon->said.waits_for_room = false;
	}
	if (daemon->said.waits_for_room && plan->n_actions == 0)
		return;
	if (plan->n_actions > 0) {
		daemon->said.nothing_found = false;
		executor_submit(&daemon->executor, plan);
	} else if (executor_moving(&daemon->executor)) {
		daemon->planned_ns =
			0; /* what is on its way takes up room: judge it when it is there */
	} else if (plan->passed_over[REASON_NO_ROOM] > 0) {
		note_no_room(daemon);
	} else {
		say_nothing_found(daemon);
	}
}

static void restore(struct daemon *daemon, uint64_t bytes, uint64_t now_ns)
{
	/* nobody may come back yet: on diet this is asked at every tick */
	if (daemon->restore_planned_ns != 0 &&
	    now_ns - daemon->restore_planned_ns < daemon->config.params.idle.scan_interval_near_ns)
		return;
	if (daemon->sampler.scanned_ns != now_ns)
		scan(daemon, SCAN_FOLLOWED, now_ns);
	plan_restore(&daemon->sampler.snapshot, daemon->config.params.memory.cooldown_ns, bytes,
		     &daemon->plan);
	daemon->restore_planned_ns = daemon->plan.n_actions > 0 ? 0 : now_ns;
	executor_submit(&daemon->executor, &daemon->plan);
}

/* -- tick ------------------------------------------------------------------------------------ */

/* Facts that can't be believed: no transition, no effect, one warning, another try. What was
 * planned by those before doesn't begin any more. */
static void hold_still(struct daemon *daemon, int error)
{
	(void)executor_cancel_queued(&daemon->executor);
	daemon->held_still++;
	if (daemon->said.bad_memory)
		return;
	daemon->said.bad_memory = true;
	log_warning("cannot read /proc/meminfo: %s; holding still until it makes sense",
		    error == -EBADMSG  ? "not its format, or torn"
		    : error == -ERANGE ? "figures that can't be true"
				       : text_error(-error));
}

static void log_transition(const struct daemon *daemon, const struct machine_step *step)
{
	static const char *const causes[EVENT__N] = {
		[EVENT_DIET] = "a limit was met, or SIGUSR2",
		[EVENT_SHORT] = "memory is short",
		[EVENT_SHORT_LATE] = "memory is short",
		[EVENT_ENOUGH] = "plenty is over, or nothing is left to bring back",
		[EVENT_ENOUGH_LATE] = "the cooldown is over",
		[EVENT_PLENTY] = "there is plenty, and something to bring back",
		[EVENT_PLENTY_LATE] = "the cooldown is over",
	};
	uint64_t bytes =
		(uint64_t)(daemon->need_bytes < 0 ? -daemon->need_bytes : daemon->need_bytes);

	const char *cause = causes[step->event];

	if (step->from == STATE_DIET && step->to == STATE_STEADY)
		cause = causes[EVENT_ENOUGH_LATE];
	if (step->from != step->to)
		log_info("%s -> %s: %s %s=%s available=%s cooldown=%s",
			 machine_state_word(step->from), machine_state_word(step->to), cause,
			 daemon->need_bytes < 0 ? "spare" : "need", FMT_BYTES(bytes),
			 FMT_BYTES(daemon_available_bytes(daemon)),
			 FMT_DURATION(daemon->machine.cooldown_ns));
}

/* What is on its way: nothing of it is asked for twice. */
static uint64_t in_flight_bytes(struct daemon *daemon, uint64_t now_ns)
{
	if (now_ns - daemon->promised_ns >= daemon->machine.cooldown_ns)
		daemon->promised_bytes = 0;
	return u64_add_sat(executor_in_flight_bytes(&daemon->executor, BACKEND_NONE),
			   daemon->promised_bytes);
}

/* What is on its way isn't wanted again, but there is none of it to give away yet. */
static int64_t read_need(struct daemon *daemon, uint64_t now_ns)
{
	const struct machine_params *params = &daemon->config.params.memory;
	uint64_t total_bytes = daemon->sampler.snapshot.mem.total_bytes;
	uint64_t available_bytes = daemon_available_bytes(daemon);
	int64_t need =
		need_bytes(total_bytes, available_bytes, in_flight_bytes(daemon, now_ns), params);

	if (need >= 0)
		return need;
	need = need_bytes(total_bytes, available_bytes, 0, params);
	return need < 0 ? need : 0;
}

static void tick_swapspace(struct daemon *daemon, uint64_t now_ns)
{
	const struct swapspace_facts facts = {
		.now_ns = now_ns,
		.mem = daemon->sampler.snapshot.mem,
		.available_bytes = daemon_available_bytes(daemon),
		.margin_percent = daemon->config.params.memory.freetarget_percent,
		.memory_is_short = daemon->machine.state == STATE_HUNGRY,
	};

	swapspace_tick(&daemon->swapspace, &facts);
}

void daemon_tick(struct daemon *daemon, uint64_t now_ns)
{
	struct machine_facts facts = {.now_ns = now_ns, .diet_requested = daemon->diet_requested};
	struct machine_step step;
	size_t processes;
	int r;

	daemon->ticks++;
	switch_swapify(daemon);
	r = sampler_read_memory(&daemon->sampler, now_ns);
	if (r < 0) {
		hold_still(daemon, r);
		return;
	}
	if (daemon->said.bad_memory)
		log_notice("/proc/meminfo makes sense again");
	daemon->said.bad_memory = false;
	tick_prelock(daemon, now_ns);
	tick_swapspace(daemon, now_ns);
	scan_where_due(daemon, now_ns);
	frozen_update(daemon, now_ns);

	/* what isn't wanted any more stays where it is; below the target all of the plan is wanted
	 */
	if (target_is_reached(daemon))
		executor_abort_verb(&daemon->executor, ACTION_RECLAIM, now_ns);
	daemon->need_bytes = read_need(daemon, now_ns);
	facts.need_bytes = daemon->need_bytes;
	facts.held_bytes = daemon_held_bytes(daemon, &processes);
	daemon->diet_requested = false;
	step = machine_step(&daemon->machine, &facts, &daemon->config.params.memory);
	log_transition(daemon, &step);
	if (step.to != STATE_HUNGRY) {
		daemon->said.nothing_found = false;
		daemon->planned_ns = 0;
	}
	if (step.to != STATE_DIET)
		daemon->restore_planned_ns = 0;
	else
		executor_abort_verb(&daemon->executor, ACTION_RECLAIM, now_ns);
	if (step.effect == EFFECT_RECLAIM) {
		/* it takes memory, and the turn of those that would give some */
		executor_abort_verb(&daemon->executor, ACTION_RESTORE, now_ns);
		reclaim(daemon, step.bytes, now_ns);
	} else if (step.effect == EFFECT_RESTORE && !executor_moving(&daemon->executor)) {
		restore(daemon, step.bytes, now_ns);
	}
}
