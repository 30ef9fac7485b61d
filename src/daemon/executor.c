/* SPDX-License-Identifier: MIT */
#include "daemon/executor.h"

#include "base/cleanup.h"
#include "base/units.h"
#include "sys/clock.h"
#include "sys/lookout.h"
#include "sys/pidpin.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

/* A step shall take about this long: longer and signals wait, shorter and calls cost more than
 * they do. Page-out to a disk does 32 MiB in 20 ms, to a slow zram in 130 ms. */
#define STEP_LONG_NS (100 * NS_PER_MS)
#define STEP_SHORT_NS (25 * NS_PER_MS)
#define STEP_MIN_BYTES MIB
/* Then a process that is to answer isn't counted on any more: in that time a slow disk takes 4 GiB
 */
#define HELD_UP_NS (30 * NS_PER_S)

void executor_init(struct executor *executor, const struct procfs *procfs,
		   const struct executor_hooks *hooks, int epoll_fd, uint64_t data_base)
{
	executor->procfs = procfs;
	executor->units = procstat_units();
	executor->hooks = *hooks;
	executor->epoll_fd = epoll_fd;
	executor->data_base = data_base;
	executor->queue_len = 0;
	for (size_t i = 0; i < EXECUTOR_JOBS_MAX; i++)
		executor->running[i] = (struct running){.job = {.pidfd = -1, .wait_fd = -1}};
}

static bool same_process(const struct proc_id *a, const struct proc_id *b)
{
	return a->pid == b->pid && a->start_ticks == b->start_ticks;
}

static bool is_known(const struct executor *executor, const struct proc_id *id)
{
	for (size_t i = 0; i < executor->queue_len; i++)
		if (same_process(&executor->queue[i].id, id))
			return true;
	for (size_t i = 0; i < EXECUTOR_JOBS_MAX; i++)
		if (executor->running[i].active &&
		    same_process(&executor->running[i].job.action.id, id))
			return true;
	return false;
}

void executor_submit(struct executor *executor, const struct plan *plan)
{
	for (size_t i = 0; i < plan->n_actions && executor->queue_len < PLAN_MAX; i++) {
		const struct action *action = &plan->actions[i];

		/* what was moved out by a backend that is off now comes back by itself */
		if (action->backend < executor->n_backends && !is_known(executor, &action->id))
			executor->queue[executor->queue_len++] = *action;
	}
}

size_t executor_cancel_queued(struct executor *executor)
{
	size_t n = executor->queue_len;

	executor->queue_len = 0;
	return n;
}

/* Behind processes of the same user that don't answer */
static bool stands_behind(const struct executor *executor, const struct action *action)
{
	for (size_t i = 0; i < EXECUTOR_JOBS_MAX; i++) {
		const struct running *running = &executor->running[i];

		if (running->active && running->held_up &&
		    running->job.action.backend == action->backend &&
		    running->job.action.uid == action->uid)
			return true;
	}
	return false;
}

bool executor_moving(const struct executor *executor)
{
	for (size_t i = 0; i < EXECUTOR_JOBS_MAX; i++)
		if (executor->running[i].active && !executor->running[i].held_up)
			return true;
	for (size_t i = 0; i < executor->queue_len; i++)
		if (!stands_behind(executor, &executor->queue[i]))
			return true;
	return false;
}

static bool goes_out(const struct action *action, unsigned backend)
{
	return action->verb == ACTION_RECLAIM &&
	       (backend == BACKEND_NONE || action->backend == backend);
}

uint64_t executor_in_flight_bytes(const struct executor *executor, unsigned backend)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < executor->queue_len; i++)
		if (goes_out(&executor->queue[i], backend) &&
		    !stands_behind(executor, &executor->queue[i]))
			bytes = u64_add_sat(bytes, executor->queue[i].bytes);
	for (size_t i = 0; i < EXECUTOR_JOBS_MAX; i++) {
		const struct running *running = &executor->running[i];

		if (running->active && !running->held_up && goes_out(&running->job.action, backend))
			bytes = u64_add_sat(bytes, u64_sub_sat(running->job.action.bytes,
							       running->job.done_bytes));
	}
	return bytes;
}

bool executor_busy(const struct executor *executor)
{
	for (size_t i = 0; i < EXECUTOR_JOBS_MAX; i++)
		if (executor->running[i].active)
			return true;
	return executor->queue_len > 0;
}

/* -- the end of a job ------------------------------------------------------------------------ */

static void count(struct backend_stats *stats, const struct outcome *outcome)
{
	bool counts = outcome_counts(outcome);

	stats->outcomes[outcome->kind]++;
	if (outcome->error < 0)
		stats->last_error = outcome->error;
	if (outcome->action.verb == ACTION_RECLAIM) {
		stats->out_actions += counts;
		stats->out_bytes += outcome->moved_bytes;
	} else {
		stats->back_actions += counts;
		stats->back_bytes += outcome->moved_bytes;
	}
}

static void report(struct executor *executor, const struct outcome *outcome)
{
	count(&executor->stats[outcome->action.backend], outcome);
	executor->hooks.done(executor->hooks.owner, outcome);
}

static int read_afresh(const struct executor *executor, struct proc_facts *facts)
{
	_cleanup_close_ int fd = -1;
	int r;

	(void)lookout_at(executor->lookout, facts->id.pid);
	fd = procfs_open_pid_file(executor->procfs, facts->id.pid, "stat");
	r = fd < 0 ? fd : procstat_read_fd(fd, &executor->units, facts);
	if (r == 0)
		r = procstat_read_full(executor->procfs, facts);
	(void)lookout_at(executor->lookout, 0);
	return r;
}

/* Nobody can say what the kernel made of it: the backend's word is all there is. */
static void go_by_claim(struct outcome *outcome, int error)
{
	struct proc_facts *after = &outcome->after;
	uint64_t bytes = outcome->effect == JOB_MOVES ? outcome->claimed_bytes : 0;

	*after = outcome->before;
	if (outcome->action.verb == ACTION_RECLAIM) {
		bytes = u64_min(bytes, after->anon_bytes);
		after->anon_bytes -= bytes;
		after->swap_bytes = u64_add_sat(after->swap_bytes, bytes);
	} else {
		bytes = u64_min(bytes, after->swap_bytes);
		after->swap_bytes -= bytes;
		after->anon_bytes = u64_add_sat(after->anon_bytes, bytes);
	}
	if (outcome->kind == OUTCOME_DONE) {
		outcome->kind = OUTCOME_FAILED;
		outcome->error = error;
	}
}

/* What the kernel says now, of the process that the job still pins. */
static void verify(const struct executor *executor, const struct job *job, struct outcome *outcome)
{
	int r;

	outcome->after = outcome->before;
	r = read_afresh(executor, &outcome->after);
	if (r == -ESRCH || !pidpin_alive(job->pidfd) ||
	    (r == 0 && outcome->after.mm_tag != outcome->before.mm_tag)) {
		outcome->kind = OUTCOME_GONE;
		return;
	}
	outcome->verified = r == 0;
	if (r < 0)
		go_by_claim(outcome, r);
	if (r < 0 || job->effect != JOB_MOVES)
		return;
	if (job->action.verb == ACTION_RECLAIM)
		outcome->moved_bytes =
			u64_sub_sat(outcome->before.anon_bytes, outcome->after.anon_bytes);
	else if (executor->backends[job->action.backend].ops->freezes)
		outcome->moved_bytes =
			u64_sub_sat(outcome->after.anon_bytes, outcome->before.anon_bytes);
	else
		outcome->moved_bytes =
			u64_sub_sat(outcome->before.swap_bytes, outcome->after.swap_bytes);
}

static enum outcome_kind kind_of_error(int error)
{
	switch (error) {
	case 0: return OUTCOME_DONE;
	case -ESRCH: return OUTCOME_GONE;
	case -ETIMEDOUT: return OUTCOME_TIMEOUT;
	case -ECANCELED: return OUTCOME_CANCELED;
	default: return OUTCOME_FAILED;
	}
}

static void stop_waiting(struct executor *executor, struct running *running)
{
	if (running->waiting)
		(void)epoll_ctl(executor->epoll_fd, EPOLL_CTL_DEL, running->job.wait_fd, NULL);
	running->waiting = false;
}

static void finish(struct executor *executor, struct running *running, int error, uint64_t now_ns)
{
	struct job *job = &running->job;
	const struct backend *backend = &executor->backends[job->action.backend];
	struct outcome outcome = {
		.action = job->action,
		.kind = kind_of_error(error),
		.effect = job->effect,
		.error = error,
		.why = job->why,
		.claimed_bytes = job->done_bytes,
		.before = running->before,
		.elapsed_ns = u64_sub_sat(now_ns, running->started_ns),
	};

	stop_waiting(executor, running);
	backend->ops->end(backend->ctx, job);
	/* a job that failed half-way has moved something all the same */
	verify(executor, job, &outcome);
	if (outcome.kind != OUTCOME_FAILED && outcome.kind != OUTCOME_TIMEOUT)
		outcome.error = 0;
	close_fd(&job->pidfd);
	running->active = false;
	report(executor, &outcome);
}

/* -- the beginning ---------------------------------------------------------------------------- */

static struct running *free_place(struct executor *executor, const struct action *action,
				  unsigned *ret_slot)
{
	const struct reclaim_ops *ops = executor->backends[action->backend].ops;
	unsigned used = 0, of_user = 0;
	struct running *place = NULL;

	for (size_t i = 0; i < EXECUTOR_JOBS_MAX; i++) {
		struct running *running = &executor->running[i];

		if (!running->active) {
			place = place ? place : running;
		} else if (running->job.action.backend == action->backend) {
			used |= 1u << running->job.slot;
			of_user += running->job.action.uid == action->uid;
		}
	}
	*ret_slot = (unsigned)__builtin_ctz(~used);
	if (ops->per_user && of_user >= ops->per_user)
		return NULL;
	return *ret_slot < ops->parallel ? place : NULL;
}

/* Pins the process, has it judged afresh, and begins. */
static void begin(struct executor *executor, struct action *action, struct running *running,
		  unsigned slot, uint64_t now_ns)
{
	const struct backend *backend = &executor->backends[action->backend];
	struct outcome outcome = {.action = *action, .kind = OUTCOME_GONE};
	_cleanup_close_ int pidfd = pidpin_open(action->id.pid);
	int r;

	if (pidfd < 0) {
		outcome.kind = kind_of_error(pidfd);
		outcome.error = outcome.kind == OUTCOME_GONE ? 0 : pidfd;
		report(executor, &outcome);
		return;
	}
	outcome.reason = executor->hooks.admit(executor->hooks.owner, action, &outcome.before);
	outcome.action = *action;
	if (outcome.reason != REASON_VICTIM || !pidpin_alive(pidfd)) {
		if (outcome.reason != REASON_VICTIM && outcome.reason != REASON_ZOMBIE)
			outcome.kind = OUTCOME_REFUSED;
		report(executor, &outcome);
		return;
	}
	*running = (struct running){
		.active = true,
		.before = outcome.before,
		.started_ns = now_ns,
		.job = {.action = *action, .pidfd = take_fd(&pidfd), .slot = slot, .wait_fd = -1},
	};
	r = backend->ops->begin(backend->ctx, &running->job);
	if (r < 0)
		finish(executor, running, r, now_ns);
}

/* In rank order, but an action whose backend is busy, or busy with that user's processes, doesn't
 * keep the others waiting. */
static void start_queued(struct executor *executor, uint64_t now_ns)
{
	size_t at = 0;

	while (at < executor->queue_len) {
		struct action action = executor->queue[at];
		unsigned slot;
		struct running *running = free_place(executor, &action, &slot);

		if (!running) {
			at++;
			continue;
		}
		executor->queue_len--;
		memmove(&executor->queue[at], &executor->queue[at + 1],
			(executor->queue_len - at) * sizeof *executor->queue);
		begin(executor, &action, running, slot, now_ns);
	}
}

/* -- in between -------------------------------------------------------------------------------- */

static void adapt_step(struct executor *executor, uint64_t elapsed_ns)
{
	if (elapsed_ns > STEP_LONG_NS)
		executor->step_bytes = u64_max(executor->step_bytes / 2, STEP_MIN_BYTES);
	else if (elapsed_ns < STEP_SHORT_NS)
		executor->step_bytes = u64_min(executor->step_bytes * 2, executor->step_max_bytes);
	executor->step_bytes = u64_min(executor->step_bytes, executor->step_max_bytes);
}

static int wait_for(struct executor *executor, struct running *running)
{
	struct epoll_event event = {
		.events = running->job.wait_events,
		.data.u64 = executor->data_base + (uint64_t)(running - executor->running),
	};

	running->job.expired = false;
	if (epoll_ctl(executor->epoll_fd, EPOLL_CTL_ADD, running->job.wait_fd, &event) < 0)
		return -errno;
	running->waiting = true;
	return 0;
}

static void run_step(struct executor *executor, struct running *running)
{
	const struct backend *backend = &executor->backends[running->job.action.backend];
	uint64_t start_ns = clock_now_ns();
	int r = backend->ops->step(backend->ctx, &running->job, executor->step_bytes, start_ns);
	uint64_t now_ns = clock_now_ns();

	if (!running->stepping)
		running->step_ns = start_ns;
	running->stepping = r == STEP_WAIT;
	if (r == STEP_WAIT)
		r = wait_for(executor, running);
	else if (r == STEP_MORE)
		adapt_step(executor, now_ns - running->step_ns);
	else
		finish(executor, running, r < 0 ? r : 0, now_ns);
	if (r < 0 && running->active)
		finish(executor, running, r, now_ns);
}

static void expire(struct executor *executor, uint64_t now_ns)
{
	for (size_t i = 0; i < EXECUTOR_JOBS_MAX; i++) {
		struct running *running = &executor->running[i];

		running->held_up =
			running->waiting && u64_sub_sat(now_ns, running->started_ns) >= HELD_UP_NS;
		if (running->waiting && now_ns >= running->job.deadline_ns) {
			stop_waiting(executor, running);
			running->job.expired = true;
		}
	}
}

/* Whose turn it is: round robin, so that one long job doesn't keep the others from their answers.
 * EXECUTOR_JOBS_MAX where all wait. */
static unsigned next_runnable(const struct executor *executor)
{
	for (unsigned i = 1; i <= EXECUTOR_JOBS_MAX; i++) {
		unsigned index = (executor->last_run + i) % EXECUTOR_JOBS_MAX;

		if (executor->running[index].active && !executor->running[index].waiting)
			return index;
	}
	return EXECUTOR_JOBS_MAX;
}

bool executor_run(struct executor *executor, uint64_t now_ns)
{
	unsigned index;

	expire(executor, now_ns);
	start_queued(executor, now_ns);
	index = next_runnable(executor);
	if (index == EXECUTOR_JOBS_MAX)
		return false;
	executor->last_run = index;
	run_step(executor, &executor->running[index]);
	start_queued(executor, clock_now_ns()); /* a step takes its time */
	return next_runnable(executor) != EXECUTOR_JOBS_MAX;
}

void executor_ready(struct executor *executor, uint64_t index)
{
	if (index < EXECUTOR_JOBS_MAX)
		stop_waiting(executor, &executor->running[index]);
}

uint64_t executor_deadline_ns(const struct executor *executor)
{
	uint64_t first_ns = UINT64_MAX;

	for (size_t i = 0; i < EXECUTOR_JOBS_MAX; i++)
		if (executor->running[i].waiting)
			first_ns = u64_min(first_ns, executor->running[i].job.deadline_ns);
	return first_ns;
}

void executor_abort_verb(struct executor *executor, enum action_verb verb, uint64_t now_ns)
{
	size_t kept = 0;

	for (size_t i = 0; i < executor->queue_len; i++)
		if (executor->queue[i].verb != verb)
			executor->queue[kept++] = executor->queue[i];
	executor->queue_len = kept;
	for (size_t i = 0; i < EXECUTOR_JOBS_MAX; i++) {
		struct running *running = &executor->running[i];

		if (running->active && running->job.action.verb == verb &&
		    !executor->backends[running->job.action.backend].ops->freezes)
			finish(executor, running, -ECANCELED, now_ns);
	}
}

void executor_abort(struct executor *executor, uint64_t now_ns)
{
	(void)executor_cancel_queued(executor);
	for (size_t i = 0; i < EXECUTOR_JOBS_MAX; i++)
		if (executor->running[i].active)
			finish(executor, &executor->running[i], -ECANCELED, now_ns);
}

const char *outcome_word(enum outcome_kind kind)
{
	static const char *const words[OUTCOME__N] = {"done",	"gone",	   "refused",
						      "failed", "timeout", "canceled"};

	return words[kind];
}
