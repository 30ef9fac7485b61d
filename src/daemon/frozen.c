/* SPDX-License-Identifier: MIT */
#include "daemon/frozen.h"

#include "backend/imageclean.h"
#include "backend/orphan.h"
#include "base/log.h"
#include "base/units.h"
#include "policy/idle.h"
#include "proto/names.h"
#include "sys/unixsock.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXIT_MARGIN_PERCENT 5 /* of memory that has to stay available */

static bool is_swapped(const struct attached *entry)
{
	return entry && entry->state == ATTACHED_SWAPPED;
}

/* Of root's programs; what lies in a user's home is that user's to write to, not ours. */
static void clean_images(struct daemon *daemon)
{
	int fd = daemon->dry_run ? -1 : unixsock_open_dir(NAMES_IMAGES_ROOT, 0);

	if (fd < 0)
		return;
	imageclean_dir(fd, 0, &daemon->sampler.procfs);
	(void)close(fd);
}

void frozen_scan(struct daemon *daemon)
{
	struct attached_table *table = &daemon->attached;
	const struct snapshot *snapshot = &daemon->sampler.snapshot;

	if (!daemon->swapify_on)
		return;
	for (size_t i = 0; i < snapshot->n_procs; i++)
		if (snapshot->procs[i].facts.flags & PROC_FULL)
			attached_note_user(table, snapshot->procs[i].facts.uid);
	handover_note_users(daemon);
	attached_scan(table);
	clean_images(daemon);
	if (table->left_out > 0 && !daemon->said.attached_full)
		log_warning("too many sockets of attached programs, some are left alone: "
			    "programs=%zu left=%u",
			    table->n, table->left_out);
	daemon->said.attached_full = table->left_out > 0;
}

/* By our doing, and not back: it's stopped, or on its way. */
static bool is_left(const struct daemon *daemon, const struct attached *entry)
{
	struct proc_facts facts;
	int r = entry->ours ? attached_look(&daemon->attached, &entry->id, &facts) : -ESRCH;

	if (r == 0)
		return attached_is_stopped(facts.state) || entry->state == ATTACHED_BUSY;
	return r != -ESRCH;
}

bool frozen_left(const struct daemon *daemon)
{
	for (size_t i = 0; i < daemon->attached.n; i++)
		if (is_left(daemon, &daemon->attached.entries[i]))
			return true;
	return handover_awaits_frozen(daemon);
}

/* Who stands behind the first backend moves by one. */
static void move_backends(struct daemon *daemon, bool on)
{
	struct snapshot *snapshot = &daemon->sampler.snapshot;
	struct backend_stats *stats = daemon->executor.stats;

	memmove(&stats[on], &stats[!on], (BACKEND_MAX - 1) * sizeof *stats);
	stats[on ? 0 : BACKEND_MAX - 1] = (struct backend_stats){0};
	for (size_t i = 0; i < snapshot->n_procs; i++) {
		struct proc_history *past = &snapshot->procs[i].past;

		past->frozen_bytes = 0; /* or not asked for yet */
		if (on)
			past->held_by++;
		else if (past->held_by > 0)
			past->held_by--;
	}
}

bool frozen_switch(struct daemon *daemon)
{
	bool enabled = daemon->config.params.swapify.enabled, left = frozen_left(daemon);
	bool on = enabled || left;

	if (!enabled && left && !daemon->said.swapify_off)
		log_notice("[swapify] is off: nobody is swapped by it any more, and who is comes "
			   "back when there is plenty, or at the end");
	daemon->said.swapify_off = !enabled && left;
	if (on == daemon->swapify_on)
		return false;
	daemon->swapify_on = on;
	move_backends(daemon, on);
	if (!on)
		attached_close(&daemon->attached);
	return true;
}

static void take_change(struct proc *proc, struct attached *entry, uint64_t now_ns)
{
	entry->changed = false;
	if (is_swapped(entry)) {
		proc->past.out_since_ns = entry->since_ns;
		log_info("found swapped pid=%d name=%s bytes=%s", proc->facts.id.pid,
			 FMT_SAFE(proc->facts.comm), FMT_BYTES(entry->held_bytes));
		return;
	}
	/* whoever did it wanted it here */
	proc->past.restored_ns = now_ns;
	log_info("found running pid=%d name=%s", proc->facts.id.pid, FMT_SAFE(proc->facts.comm));
}

void frozen_note_moved(struct daemon *daemon, const struct outcome *outcome)
{
	struct attached *entry = attached_find(&daemon->attached, &outcome->action.id);
	uint64_t before = u64_add_sat(outcome->before.anon_bytes, outcome->before.swap_bytes);
	uint64_t after = u64_add_sat(outcome->after.anon_bytes, outcome->after.swap_bytes);

	if (entry && outcome->action.backend == 0 && daemon->swapify_on)
		attached_note_moved(entry, u64_sub_sat(before, after));
}

void frozen_note(struct daemon *daemon, struct proc *proc, uint64_t now_ns)
{
	struct attached *entry = attached_find(&daemon->attached, &proc->facts.id);

	if (!entry)
		attached_note_process(&daemon->attached, &proc->facts.id);
	proc->past.frozen_bytes = 0;
	proc->facts.flags &= ~(uint32_t)(PROC_WATCHDOG | PROC_ASYNC_IO);
	if (!daemon->swapify_on || !entry)
		return;
	attached_note_program(entry, proc->facts.mm_tag);
	if (!entry->id.start_ticks)
		return;
	attached_note_state(entry, proc->facts.state, now_ns);
	if (entry->watchdog)
		proc->facts.flags |= PROC_WATCHDOG;
	if (now_ns < entry->async_io_ns)
		proc->facts.flags |= PROC_ASYNC_IO;
	if (entry->changed)
		take_change(proc, entry, now_ns);
	/* whoever says so and runs, lies */
	if (is_swapped(entry) && attached_is_stopped(proc->facts.state)) {
		proc->past.frozen_bytes = entry->held_bytes;
		proc->past.held_by = 0; /* the first backend */
	}
}

/* How the child that started a helper anew has fared. */
static void end_revival(struct daemon *daemon, int status, uint64_t now_ns)
{
	struct attached *entry =
		attached_find(&daemon->attached, &(struct proc_id){.pid = daemon->reviving_pid});
	int error = WIFEXITED(status)		  ? WEXITSTATUS(status)
		    : WTERMSIG(status) == SIGALRM ? ETIMEDOUT
						  : EINTR;

	if (error == 0 && entry && entry->silences <= 1)
		log_notice("swapped without a helper, which was killed: it has another one now "
			   "pid=%d",
			   daemon->reviving_pid);
	else if (error != 0 && error != ENOENT && entry && entry->silences <= 1)
		log_warning("swapped without a helper, and another one can't be started: %s "
			    "pid=%d; as its user or root: swap -a unswap %d",
			    text_error(error), daemon->reviving_pid, daemon->reviving_pid);
	if (entry)
		attached_note_revived(entry, error == 0, now_ns);
	daemon->reviver = 0;
	daemon->reviving_pid = 0;
}

static void hear_reviver(struct daemon *daemon, uint64_t now_ns)
{
	int status;

	if (daemon->reviver > 0 && waitpid(daemon->reviver, &status, WNOHANG) == daemon->reviver)
		end_revival(daemon, status, now_ns);
}

/* One orphan at a time gets a helper again, each time that it's found to have none. */
static void revive_orphans(struct daemon *daemon, uint64_t now_ns)
{
	struct attached_table *table = &daemon->attached;

	for (size_t i = 0; daemon->reviver <= 0 && !daemon->dry_run && i < table->n; i++) {
		struct attached *entry = &table->entries[i];

		if (!entry->orphan)
			continue;
		attached_note_revival(entry);
		daemon->reviver = orphan_revive(&daemon->sampler.procfs, entry,
						daemon->config.params.swapify.timeout_ns);
		daemon->reviving_pid = entry->id.pid;
		if (daemon->reviver < 0)
			attached_note_revived(entry, false, now_ns);
	}
}

void frozen_update(struct daemon *daemon, uint64_t now_ns)
{
	struct snapshot *snapshot = &daemon->sampler.snapshot;

	hear_reviver(daemon, now_ns);
	if (!daemon->swapify_on)
		return;
	attached_poll(&daemon->attached, now_ns);
	handover_take_frozen(daemon);
	revive_orphans(daemon, now_ns);
	for (size_t i = 0; daemon->attached.n > 0 && i < snapshot->n_procs; i++)
		frozen_note(daemon, &snapshot->procs[i], now_ns);
}

void frozen_ask_again(struct daemon *daemon)
{
	for (size_t i = 0; i < daemon->attached.n; i++)
		if (daemon->attached.entries[i].ours)
			attached_ask_again(&daemon->attached.entries[i]);
}

/* Who has left no record may be ours all the same: he says so. */
bool frozen_unheard(const struct daemon *daemon, uint64_t now_ns)
{
	if (daemon->reviver > 0)
		return true;
	for (size_t i = 0; i < daemon->attached.n; i++)
		if (daemon->attached.entries[i].ours &&
		    daemon->attached.entries[i].next_ns <= now_ns + NS_PER_S)
			return true;
	return !attached_all_heard(&daemon->attached);
}

static void say_stays(const struct daemon *daemon, const struct proc_id *id, const char *why)
{
	struct proc_facts facts;
	bool known = attached_look(&daemon->attached, id, &facts) == 0;

	log_warning("stays swapped%s: pid=%d name=%s; swap -a unswap brings it back", why, id->pid,
		    known ? FMT_SAFE(facts.comm) : "unknown");
}

void frozen_say_left(const struct daemon *daemon)
{
	const struct handover *handover = &daemon->handover;

	for (size_t i = 0; !daemon->dry_run && i < daemon->attached.n; i++) {
		const struct attached *entry = &daemon->attached.entries[i];

		if (is_left(daemon, entry) && !entry->told)
			say_stays(daemon, &entry->id,
				  entry->silences > 0 ? ", it doesn't answer" : "");
	}
	for (size_t i = 0; i < handover->n_found; i++)
		if (handover->found[i].frozen)
			say_stays(daemon, &handover->found[i].id, ", its socket can't be found");
}

/* Whether it comes back now; spare_bytes is what may be taken for it. */
static bool is_to_come(const struct proc *proc, struct attached *entry, uint64_t *spare_bytes)
{
	if (!is_swapped(entry) || !entry->ours || entry->tried ||
	    !attached_is_stopped(proc->facts.state))
		return false;
	entry->tried = true;
	if (entry->held_bytes > *spare_bytes) {
		entry->told = true;
		log_warning("stays swapped, there is no room: pid=%d name=%s bytes=%s; "
			    "swap -a unswap brings it back",
			    proc->facts.id.pid, FMT_SAFE(proc->facts.comm),
			    FMT_BYTES(entry->held_bytes));
		return false;
	}
	*spare_bytes -= entry->held_bytes;
	return true;
}

static void plan_exit(struct daemon *daemon, bool silent, struct plan *ret)
{
	const struct snapshot *snapshot = &daemon->sampler.snapshot;
	uint64_t margin_bytes = u64_percent(snapshot->mem.total_bytes, EXIT_MARGIN_PERCENT);
	uint64_t spare_bytes = u64_sub_sat(daemon_available_bytes(daemon), margin_bytes);

	for (size_t i = 0; i < snapshot->n_procs && ret->n_actions < PLAN_MAX; i++) {
		const struct proc *proc = &snapshot->procs[i];
		struct attached *entry = attached_find(&daemon->attached, &proc->facts.id);
		struct action *action = &ret->actions[ret->n_actions];

		if (!entry || (entry->silences > 0) != silent ||
		    !is_to_come(proc, entry, &spare_bytes))
			continue;
		*action = (struct action){.verb = ACTION_RESTORE,
					  .id = proc->facts.id,
					  .uid = proc->facts.uid,
					  .bytes = entry->held_bytes,
					  .mm_tag = proc->facts.mm_tag};
		memcpy(action->comm, proc->facts.comm, COMM_SIZE);
		ret->n_actions++;
	}
}

void frozen_plan_exit(struct daemon *daemon, struct plan *ret)
{
	*ret = (struct plan){0};
	plan_exit(daemon, false, ret);
	/* they may keep everybody waiting */
	if (ret->n_actions == 0)
		plan_exit(daemon, true, ret);
}
