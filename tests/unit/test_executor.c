/* SPDX-License-Identifier: MIT */
/* Backends that follow a script, over real processes, sockets and epoll. */
#include "daemon/executor.h"

#include "base/cleanup.h"
#include "sys/clock.h"
#include "unit/builders.h"
#include "unit/children.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

#define DATA_BASE 100
#define SCRIPTS 64
#define STEPS 64
#define STEP_BYTES (4 * MIB)

/* -- the rig --------------------------------------------------------------------------------- */

/* What a backend does with one process, and what happened */
struct script {
	struct child child;
	uint64_t start_ticks;
	int begin_result;
	int steps[STEPS]; /* enum step or -errno, one after the other; STEP_DONE behind the last */
	size_t n_steps;
	uint64_t wait_ns;    /* STEP_WAIT: the deadline is so far away */
	int expired_result;  /* what a step that finds its deadline passed returns; 0: goes on */
	uint64_t step_bytes; /* claimed with each step */
	uint64_t step_takes_ns;
	enum job_effect effect;
	int answer_pair[2]; /* what STEP_WAIT waits for: [0] here, [1] is the answerer's */
	enum reason verdict;
	uint64_t lowered_bytes;			/* by whom it is admitted; 0: not */
	void (*on_step)(struct script *script); /* before the step returns */
	/* what happened */
	size_t at, begun, ended, admitted, expired_seen, was_expired;
	unsigned slot;
	bool running, waits;
	uint64_t max_bytes_seen;
	uint64_t stepped_ns, ended_ns; /* when the last step and the job were over */
};

struct fake {
	struct reclaim_ops ops;
	struct rig *rig;
	size_t running, most;
	uint64_t slots; /* in use */
};

struct rig {
	struct procfs procfs;
	struct executor executor;
	struct fake fakes[2];
	struct script scripts[SCRIPTS];
	size_t n_scripts;
	struct outcome outcomes[4 * SCRIPTS];
	size_t n_outcomes;
	const struct plan *next_plan; /* submitted by the next outcome */
};

static struct rig rig;
static struct plan plan;

static struct script *script_of(pid_t pid)
{
	for (size_t i = 0; i < rig.n_scripts; i++)
		if (rig.scripts[i].child.pid == pid)
			return &rig.scripts[i];
	ck_abort_msg("an action for process %d, which is no business of ours", (int)pid);
	return NULL;
}

static int fake_begin(void *ctx, struct job *job)
{
	struct fake *fake = ctx;
	struct script *script = script_of(job->action.id.pid);

	ck_assert_int_ge(job->pidfd, 0);
	ck_assert_uint_lt(job->slot, fake->ops.parallel);
	ck_assert_msg(!(fake->slots & UINT64_C(1) << job->slot), "slot %u twice", job->slot);
	ck_assert(!script->running && !job->expired);
	ck_assert_uint_eq(job->done_bytes, 0);
	fake->slots |= UINT64_C(1) << job->slot;
	fake->running++;
	fake->most = u64_max(fake->most, fake->running);
	script->running = true;
	script->slot = job->slot;
	script->waits = false;
	script->begun++;
	job->effect = script->effect;
	return script->begin_result;
}

static int fake_step(void *ctx, struct job *job, uint64_t max_bytes, uint64_t now_ns)
{
	struct script *script = script_of(job->action.id.pid);
	int result = script->at < script->n_steps ? script->steps[script->at] : STEP_DONE;
	char byte;

	(void)ctx;
	ck_assert(script->running);
	ck_assert_uint_eq(job->slot, script->slot);
	if (script->waits && !job->expired)
		ck_assert_int_eq(recv(script->answer_pair[0], &byte, 1, MSG_DONTWAIT), 1);
	script->waits = false;
	script->at++;
	script->was_expired = job->expired;
	script->expired_seen += job->expired;
	script->max_bytes_seen = max_bytes;
	if (job->expired && script->expired_result < 0)
		return script->expired_result;
	job->done_bytes += script->step_bytes;
	if (script->step_takes_ns > 0)
		(void)clock_nanosleep(CLOCK_MONOTONIC, 0,
				      &(struct timespec){.tv_nsec = (long)script->step_takes_ns},
				      NULL);
	if (script->on_step)
		script->on_step(script);
	if (result == STEP_WAIT) {
		script->waits = true;
		job->wait_fd = script->answer_pair[0];
		job->wait_events = EPOLLIN;
		job->deadline_ns = now_ns + script->wait_ns;
	}
	script->stepped_ns = clock_now_ns();
	return result;
}

static void fake_end(void *ctx, struct job *job)
{
	struct fake *fake = ctx;
	struct script *script = script_of(job->action.id.pid);

	ck_assert_msg(script->running, "ended twice");
	ck_assert_int_ge(job->pidfd, 0);
	script->running = false;
	script->ended++;
	script->ended_ns = clock_now_ns();
	fake->slots &= ~(UINT64_C(1) << job->slot);
	fake->running--;
}

static enum reason admit(void *owner, struct action *action, struct proc_facts *ret_facts)
{
	struct script *script = script_of(action->id.pid);

	ck_assert_ptr_eq(owner, &rig);
	script->admitted++;
	if (script->verdict != REASON_VICTIM)
		return script->verdict;
	*ret_facts = child_facts(&script->child);
	if (script->lowered_bytes > 0)
		action->bytes = script->lowered_bytes;
	return REASON_VICTIM;
}

static void done(void *owner, const struct outcome *outcome)
{
	ck_assert_ptr_eq(owner, &rig);
	ck_assert_uint_lt(rig.n_outcomes, ROWS(rig.outcomes));
	rig.outcomes[rig.n_outcomes++] = *outcome;
	if (rig.next_plan) {
		const struct plan *next = rig.next_plan;

		rig.next_plan = NULL;
		executor_submit(&rig.executor, next);
	}
}

static void rig_open(unsigned parallel, unsigned parallel_of_second)
{
	const struct executor_hooks hooks = {admit, done, &rig};
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC);

	rig = (struct rig){0};
	plan = (struct plan){0};
	ck_assert_int_ge(epoll_fd, 0);
	ck_assert_int_eq(procfs_open("/proc", &rig.procfs), 0);
	for (size_t i = 0; i < 2; i++) {
		rig.fakes[i].rig = &rig;
		rig.fakes[i].ops = (struct reclaim_ops){
			.name = i == 0 ? "first" : "second",
			.parallel = i == 0 ? parallel : parallel_of_second,
			.begin = fake_begin,
			.step = fake_step,
			.end = fake_end,
		};
		rig.executor.backends[i] = (struct backend){&rig.fakes[i].ops, &rig.fakes[i]};
	}
	rig.executor.n_backends = 2;
	rig.executor.step_bytes = rig.executor.step_max_bytes = STEP_BYTES;
	executor_init(&rig.executor, &rig.procfs, &hooks, epoll_fd, DATA_BASE);
}

static void rig_close(void)
{
	ck_assert(!executor_busy(&rig.executor));
	ck_assert_uint_eq(executor_in_flight_bytes(&rig.executor, BACKEND_NONE), 0);
	ck_assert_uint_eq(executor_deadline_ns(&rig.executor), UINT64_MAX);
	ck_assert(!executor_run(&rig.executor, clock_now_ns()));
	for (size_t i = 0; i < 2; i++) {
		ck_assert_uint_eq(rig.fakes[i].running, 0);
		ck_assert_uint_eq(rig.fakes[i].slots, 0);
	}
	for (size_t i = 0; i < rig.n_scripts; i++) {
		struct script *script = &rig.scripts[i];

		ck_assert_msg(script->begun == script->ended, "script %zu: begun %zu, ended %zu", i,
			      script->begun, script->ended);
		if (script->child.socket >= 0)
			child_end(&script->child);
		close_fd(&script->answer_pair[0]);
		close_fd(&script->answer_pair[1]);
	}
	(void)close(rig.executor.epoll_fd);
	procfs_close(&rig.procfs);
}

/* A process and an empty script for it: one step, and done. */
static struct script *new_script(void (*body)(int socket))
{
	struct script *script = &rig.scripts[rig.n_scripts++];

	ck_assert_uint_le(rig.n_scripts, SCRIPTS);
	*script = (struct script){.child = child_start(body), .wait_ns = 60 * NS_PER_S};
	script->start_ticks = child_facts(&script->child).id.start_ticks;
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, script->answer_pair),
			 0);
	return script;
}

static void set_steps(struct script *script, size_t n, int step, int last)
{
	for (size_t i = 0; i < n; i++)
		script->steps[i] = step;
	script->steps[n] = last;
	script->n_steps = n + 1;
}

static struct action action_for(const struct script *script, enum action_verb verb, uint8_t backend)
{
	return (struct action){
		.verb = verb,
		.id = {script->child.pid, script->start_ticks},
		.backend = backend,
		.bytes = 10 * MIB,
		.comm = "child",
	};
}

static void add(const struct script *script, enum action_verb verb, uint8_t backend)
{
	plan.actions[plan.n_actions++] = action_for(script, verb, backend);
}

static void submit(void)
{
	executor_submit(&rig.executor, &plan);
	plan.n_actions = 0;
}

/* What the daemon's loop does, until nothing is left, or nothing can go on for timeout_ns. */
static void run(uint64_t timeout_ns)
{
	uint64_t until_ns = clock_now_ns() + timeout_ns;
	bool more = true;

	while (executor_busy(&rig.executor) && clock_now_ns() < until_ns) {
		uint64_t now_ns = clock_now_ns();
		uint64_t deadline_ns = u64_min(executor_deadline_ns(&rig.executor), until_ns);
		int timeout_ms =
			more ? 0 : (int)((u64_sub_sat(deadline_ns, now_ns) + 999999) / 1000000);
		struct epoll_event events[8];
		int n = epoll_wait(rig.executor.epoll_fd, events, 8, timeout_ms);

		for (int i = 0; i < n; i++) {
			ck_assert_uint_ge(events[i].data.u64, DATA_BASE);
			ck_assert_uint_lt(events[i].data.u64, DATA_BASE + EXECUTOR_JOBS_MAX);
			executor_ready(&rig.executor, events[i].data.u64 - DATA_BASE);
		}
		more = executor_run(&rig.executor, clock_now_ns());
	}
}

static void run_to_the_end(void)
{
	run(60 * NS_PER_S);
	ck_assert(!executor_busy(&rig.executor));
}

/* Goes on without waiting, as far as it can without anybody's answer. */
static void run_what_can(void)
{
	while (executor_run(&rig.executor, clock_now_ns()))
		continue;
}

/* Until it was asked for so many steps. */
static void run_to_step(const struct script *script, size_t n)
{
	uint64_t until_ns = clock_now_ns() + 60 * NS_PER_S;

	while (script->at < n && executor_busy(&rig.executor) && clock_now_ns() < until_ns)
		run(NS_PER_MS);
	ck_assert_uint_eq(script->at, n);
}

/* Until so many outcomes are told; and as far as it can then. */
static void run_to_outcome(size_t n)
{
	uint64_t until_ns = clock_now_ns() + 60 * NS_PER_S;

	while (rig.n_outcomes < n && executor_busy(&rig.executor) && clock_now_ns() < until_ns)
		run(NS_PER_MS);
	run_what_can();
	ck_assert_uint_eq(rig.n_outcomes, n);
}

static void answer(const struct script *script)
{
	ck_assert_int_eq(send(script->answer_pair[1], "a", 1, MSG_NOSIGNAL), 1);
}

static const struct outcome *outcome_of(const struct script *script)
{
	const struct outcome *found = NULL;

	for (size_t i = 0; i < rig.n_outcomes; i++)
		if (rig.outcomes[i].action.id.pid == script->child.pid) {
			ck_assert_msg(!found, "told twice");
			found = &rig.outcomes[i];
		}
	ck_assert_msg(found != NULL, "nothing was told");
	return found;
}

static size_t open_files(void)
{
	DIR *directory = opendir("/proc/self/fd");
	size_t n = 0;

	while (readdir(directory))
		n++;
	(void)closedir(directory);
	return n;
}

/* -- one after the other ----------------------------------------------------------------------- */

START_TEST(an_action_from_begin_to_end)
{
	struct script *script;
	const struct outcome *outcome;
	size_t files;

	rig_open(1, 1);
	script = new_script(child_idles);
	set_steps(script, 3, STEP_MORE, STEP_DONE);
	script->step_bytes = MIB;
	files = open_files();
	ck_assert(!executor_busy(&rig.executor));
	add(script, ACTION_RECLAIM, 0);
	submit();
	ck_assert(executor_busy(&rig.executor));
	ck_assert_uint_eq(script->begun, 0);
	for (int i = 0; i < 3; i++) {
		ck_assert_msg(executor_run(&rig.executor, clock_now_ns()), "step %d", i);
		ck_assert_uint_eq(script->at, (size_t)i + 1);
		ck_assert_uint_eq(rig.n_outcomes, 0);
		ck_assert_uint_eq(executor_deadline_ns(&rig.executor), UINT64_MAX);
	}
	ck_assert(!executor_run(&rig.executor, clock_now_ns()));
	outcome = outcome_of(script);
	ck_assert_int_eq(outcome->kind, OUTCOME_DONE);
	ck_assert_int_eq(outcome->error, 0);
	ck_assert_uint_eq(outcome->claimed_bytes, 4 * MIB);
	ck_assert_uint_lt(outcome->moved_bytes, MIB); /* claimed, and nothing done */
	ck_assert_uint_ne(outcome->before.flags & PROC_FULL, 0);
	ck_assert_uint_ne(outcome->after.flags & PROC_FULL, 0);
	ck_assert_uint_gt(outcome->elapsed_ns, 0);
	ck_assert_uint_eq(script->admitted, 1);
	ck_assert_uint_eq(rig.executor.stats[0].out_actions, 1);
	ck_assert_uint_eq(rig.executor.stats[0].outcomes[OUTCOME_DONE], 1);
	ck_assert_uint_eq(rig.executor.stats[1].outcomes[OUTCOME_DONE], 0);
	ck_assert_uint_eq(open_files(), files); /* the pidfd is closed */
	rig_close();
}
END_TEST

START_TEST(in_rank_order)
{
	struct script *scripts[10];

	rig_open(1, 1);
	for (size_t i = 0; i < 10; i++) {
		scripts[i] = new_script(child_idles);
		add(scripts[i], i % 2 == 0 ? ACTION_RECLAIM : ACTION_RESTORE, 0);
	}
	submit();
	run_to_the_end();
	ck_assert_uint_eq(rig.n_outcomes, 10);
	for (size_t i = 0; i < 10; i++)
		ck_assert_int_eq(rig.outcomes[i].action.id.pid, scripts[i]->child.pid);
	ck_assert_uint_eq(rig.executor.stats[0].out_actions, 5);
	ck_assert_uint_eq(rig.executor.stats[0].back_actions, 5);
	ck_assert_uint_eq(rig.fakes[0].most, 1);
	rig_close();
}
END_TEST

/* What holds is what was admitted, and its time begins with it. */
START_TEST(admitted_with_less)
{
	struct script *first, *second;

	rig_open(1, 1);
	first = new_script(child_idles);
	second = new_script(child_idles);
	first->step_takes_ns = 30 * NS_PER_MS;
	second->lowered_bytes = 3 * MIB;
	set_steps(second, 1, STEP_WAIT, STEP_DONE);
	add(first, ACTION_RECLAIM, 0);
	add(second, ACTION_RECLAIM, 0);
	submit();
	run_what_can();
	ck_assert_uint_eq(executor_in_flight_bytes(&rig.executor, BACKEND_NONE), 3 * MIB);
	answer(second);
	run_to_the_end();
	ck_assert_uint_eq(outcome_of(second)->action.bytes, 3 * MIB);
	ck_assert_uint_ge(outcome_of(first)->elapsed_ns, 30 * NS_PER_MS);
	ck_assert_uint_le(outcome_of(second)->elapsed_ns, second->ended_ns - first->stepped_ns);
	rig_close();
}
END_TEST

/* -- waiting ----------------------------------------------------------------------------------- */

START_TEST(waits_for_an_answer)
{
	struct script *script;
	uint64_t deadline_ns;

	rig_open(1, 1);
	script = new_script(child_idles);
	set_steps(script, 2, STEP_WAIT, STEP_DONE);
	add(script, ACTION_RECLAIM, 0);
	submit();
	run_what_can();
	ck_assert_uint_eq(script->at, 1);
	deadline_ns = executor_deadline_ns(&rig.executor);
	ck_assert_uint_gt(deadline_ns, clock_now_ns());
	ck_assert_uint_le(deadline_ns, clock_now_ns() + 60 * NS_PER_S);
	run(20 * NS_PER_MS); /* nobody answers */
	ck_assert_uint_eq(script->at, 1);
	ck_assert(executor_busy(&rig.executor));
	answer(script);
	run_to_step(script, 2);
	run(20 * NS_PER_MS); /* and the second answer is missing */
	ck_assert_uint_eq(script->at, 2);
	answer(script);
	run_to_the_end();
	ck_assert_uint_eq(script->at, 3);
	ck_assert_uint_eq(script->expired_seen, 0);
	ck_assert_int_eq(outcome_of(script)->kind, OUTCOME_DONE);
	rig_close();
}
END_TEST

START_TEST(a_deadline_passes)
{
	struct script *script;
	struct epoll_event event;
	uint64_t deadline_ns;

	rig_open(1, 1);
	script = new_script(child_idles);
	set_steps(script, 1, STEP_WAIT, STEP_DONE);
	script->wait_ns = 30 * NS_PER_MS;
	script->expired_result = -ETIMEDOUT;
	add(script, ACTION_RECLAIM, 0);
	submit();
	run_what_can();
	deadline_ns = executor_deadline_ns(&rig.executor);
	ck_assert(!executor_run(&rig.executor, deadline_ns - 1)); /* not before its time */
	ck_assert_uint_eq(script->at, 1);
	run_to_the_end();
	ck_assert_uint_eq(script->at, 2);
	ck_assert_uint_eq(script->expired_seen, 1);
	ck_assert_int_eq(outcome_of(script)->kind, OUTCOME_TIMEOUT);
	ck_assert_int_eq(outcome_of(script)->error, -ETIMEDOUT);
	ck_assert_uint_ge(outcome_of(script)->elapsed_ns, 30 * NS_PER_MS);
	ck_assert_uint_eq(rig.executor.stats[0].outcomes[OUTCOME_TIMEOUT], 1);
	ck_assert_int_eq(rig.executor.stats[0].last_error, -ETIMEDOUT);
	ck_assert_uint_eq(rig.executor.stats[0].out_actions, 0);
	answer(script); /* too late: nobody listens */
	ck_assert_int_eq(epoll_wait(rig.executor.epoll_fd, &event, 1, 0), 0);
	rig_close();
}
END_TEST

/* A backend may wait on after a deadline; the next answer in time is one in time. */
START_TEST(expired_is_of_the_last_wait)
{
	struct script *script;

	rig_open(1, 1);
	script = new_script(child_idles);
	set_steps(script, 2, STEP_WAIT, STEP_DONE);
	script->wait_ns = NS_PER_MS;
	add(script, ACTION_RECLAIM, 0);
	submit();
	run_what_can();
	(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){.tv_nsec = 2000000}, NULL);
	script->wait_ns = 60 * NS_PER_S;
	run_what_can();
	ck_assert_uint_eq(script->at, 2);
	ck_assert_uint_eq(script->was_expired, 1);
	answer(script);
	run_to_the_end();
	ck_assert_uint_eq(script->at, 3);
	ck_assert_msg(!script->was_expired, "an answer in time, and expired is set");
	rig_close();
}
END_TEST

START_TEST(the_first_deadline)
{
	struct script *scripts[3];
	uint64_t deadline_ns;

	rig_open(3, 1);
	for (size_t i = 0; i < 3; i++) {
		scripts[i] = new_script(child_idles);
		set_steps(scripts[i], 1, STEP_WAIT, STEP_DONE);
		scripts[i]->wait_ns = (30 - 10 * i) * NS_PER_S;
		add(scripts[i], ACTION_RECLAIM, 0);
	}
	submit();
	run_what_can();
	for (size_t i = 0; i < 3; i++)
		ck_assert_uint_eq(scripts[i]->at, 1);
	deadline_ns = executor_deadline_ns(&rig.executor);
	ck_assert_uint_le(deadline_ns, clock_now_ns() + 10 * NS_PER_S);
	ck_assert_uint_gt(deadline_ns, clock_now_ns());
	for (size_t i = 0; i < 3; i++)
		answer(scripts[i]);
	run_to_the_end();
	rig_close();
}
END_TEST

START_TEST(nothing_to_wait_for)
{
	struct script *script;

	rig_open(1, 1);
	script = new_script(child_idles);
	set_steps(script, 1, STEP_WAIT, STEP_DONE);
	close_fd(&script->answer_pair[0]);
	add(script, ACTION_RECLAIM, 0);
	submit();
	run_to_the_end();
	ck_assert_int_eq(outcome_of(script)->kind, OUTCOME_FAILED);
	ck_assert_int_eq(outcome_of(script)->error, -EBADF);
	rig_close();
}
END_TEST

START_TEST(ready_for_nobody)
{
	struct script *script;

	rig_open(1, 1);
	for (uint64_t i = 0; i <= EXECUTOR_JOBS_MAX; i++)
		executor_ready(&rig.executor, i);
	executor_ready(&rig.executor, UINT64_MAX);
	script = new_script(child_idles);
	set_steps(script, 2, STEP_MORE, STEP_DONE);
	add(script, ACTION_RECLAIM, 0);
	submit();
	ck_assert(executor_run(&rig.executor, clock_now_ns()));
	for (uint64_t i = 0; i < EXECUTOR_JOBS_MAX; i++)
		executor_ready(&rig.executor, i); /* it doesn't wait */
	run_to_the_end();
	ck_assert_uint_eq(script->at, 3);
	rig_close();
}
END_TEST

/* -- side by side ------------------------------------------------------------------------------ */

START_TEST(as_many_as_the_backend_takes)
{
	static const unsigned parallel[] = {1, 2, 3, 7, 8, 20};

	for (size_t p = 0; p < ROWS(parallel); p++) {
		size_t most = u64_min(parallel[p], EXECUTOR_JOBS_MAX);

		rig_open(parallel[p], 1);
		for (size_t i = 0; i < 12; i++) {
			struct script *script = new_script(child_idles);

			set_steps(script, 1, STEP_WAIT, STEP_DONE);
			add(script, ACTION_RECLAIM, 0);
		}
		submit();
		run_what_can();
		ck_assert_uint_eq(rig.fakes[0].running, most);
		/* the first ones, each in a slot of its own: checked where they begin */
		for (size_t i = 0; i < 12; i++)
			ck_assert_uint_eq(rig.scripts[i].begun, i < most);
		/* one is answered, one more begins, in the free slot */
		answer(&rig.scripts[0]);
		run_to_outcome(1);
		ck_assert_uint_eq(rig.scripts[most].begun, 1);
		ck_assert_uint_eq(rig.scripts[most].slot, rig.scripts[0].slot);
		for (size_t i = 1; i < 12; i++)
			answer(&rig.scripts[i]);
		run_to_the_end();
		ck_assert_uint_eq(rig.n_outcomes, 12);
		ck_assert_uint_eq(rig.fakes[0].most, most);
		rig_close();
	}
}
END_TEST

/* One user's processes that don't answer keep only each other waiting. */
START_TEST(so_many_of_a_user)
{
	struct script *his[4], *anothers;

	rig_open(4, 1);
	rig.fakes[0].ops.per_user = 2;
	for (size_t i = 0; i < 4; i++) {
		his[i] = new_script(child_idles);
		set_steps(his[i], 1, STEP_WAIT, STEP_DONE);
		add(his[i], ACTION_RECLAIM, 0);
		plan.actions[i].uid = 1000;
	}
	anothers = new_script(child_idles);
	add(anothers, ACTION_RESTORE, 0);
	plan.actions[4].uid = 1001;
	submit();
	run_what_can();
	ck_assert_int_eq(outcome_of(anothers)->kind, OUTCOME_DONE);
	ck_assert_uint_eq(rig.n_outcomes, 1);
	for (size_t i = 0; i < 4; i++)
		ck_assert_uint_eq(his[i]->begun, i < 2);
	for (size_t i = 0; i < 4; i++)
		answer(his[i]);
	run_to_the_end();
	ck_assert_uint_eq(rig.n_outcomes, 5);
	rig_close();
}
END_TEST

/* Who doesn't answer isn't counted on after a while, nor who stands behind him. */
START_TEST(held_up)
{
	struct script *his[3], *anothers;
	uint64_t before_ns;

	rig_open(4, 1);
	rig.fakes[0].ops.per_user = 2;
	for (size_t i = 0; i < 3; i++) {
		his[i] = new_script(child_idles);
		set_steps(his[i], 1, STEP_WAIT, STEP_DONE);
		add(his[i], ACTION_RECLAIM, 0);
		plan.actions[i].uid = 1000;
	}
	submit();
	before_ns = clock_now_ns();
	run_what_can();
	ck_assert_uint_eq(executor_in_flight_bytes(&rig.executor, BACKEND_NONE), 30 * MIB);
	ck_assert(executor_moving(&rig.executor));
	(void)executor_run(&rig.executor, before_ns + 29 * NS_PER_S);
	ck_assert_uint_eq(executor_in_flight_bytes(&rig.executor, BACKEND_NONE), 30 * MIB);
	(void)executor_run(&rig.executor, clock_now_ns() + 30 * NS_PER_S);
	ck_assert_uint_eq(executor_in_flight_bytes(&rig.executor, BACKEND_NONE), 0);
	ck_assert(!executor_moving(&rig.executor) && executor_busy(&rig.executor));
	/* another's is */
	plan = (struct plan){0};
	anothers = new_script(child_idles);
	set_steps(anothers, 1, STEP_WAIT, STEP_DONE);
	add(anothers, ACTION_RECLAIM, 0);
	plan.actions[0].uid = 1001;
	submit();
	run_what_can();
	ck_assert(executor_moving(&rig.executor));
	answer(anothers);
	for (size_t i = 0; i < 3; i++)
		answer(his[i]);
	run_to_the_end();
	ck_assert_uint_eq(rig.n_outcomes, 4);
	rig_close();
}
END_TEST

START_TEST(a_busy_backend_blocks_nobody_else)
{
	struct script *slow[3], *quick;

	rig_open(1, 1);
	for (size_t i = 0; i < 3; i++) {
		slow[i] = new_script(child_idles);
		set_steps(slow[i], 1, STEP_WAIT, STEP_DONE);
		add(slow[i], ACTION_RECLAIM, 0);
	}
	quick = new_script(child_idles);
	add(quick, ACTION_RECLAIM, 1);
	submit();
	/* each has its own room */
	ck_assert_uint_eq(executor_in_flight_bytes(&rig.executor, 0), 30 * MIB);
	ck_assert_uint_eq(executor_in_flight_bytes(&rig.executor, 1), 10 * MIB);
	ck_assert_uint_eq(executor_in_flight_bytes(&rig.executor, BACKEND_NONE), 40 * MIB);
	run_to_outcome(1);
	ck_assert_int_eq(outcome_of(quick)->kind, OUTCOME_DONE);
	ck_assert_uint_eq(slow[0]->begun, 1);
	ck_assert_uint_eq(slow[1]->begun, 0);
	for (size_t i = 0; i < 3; i++)
		answer(slow[i]);
	run_to_the_end();
	ck_assert_int_eq(rig.outcomes[1].action.id.pid, slow[0]->child.pid);
	ck_assert_int_eq(rig.outcomes[2].action.id.pid, slow[1]->child.pid);
	ck_assert_int_eq(rig.outcomes[3].action.id.pid, slow[2]->child.pid);
	rig_close();
}
END_TEST

/* Of jobs that can all go on, none gets more than one step more than another. */
START_TEST(a_step_each_in_turn)
{
	for (unsigned n = 2; n <= EXECUTOR_JOBS_MAX; n++) {
		rig_open(n, 1);
		for (size_t i = 0; i < n; i++) {
			set_steps(new_script(child_idles), 20, STEP_MORE, STEP_DONE);
			add(&rig.scripts[i], ACTION_RECLAIM, 0);
		}
		submit();
		for (size_t round = 1; round <= 20 * n; round++) {
			size_t least = SIZE_MAX, most = 0;

			ck_assert(executor_run(&rig.executor, clock_now_ns()));
			for (size_t i = 0; i < n; i++) {
				least = u64_min(least, rig.scripts[i].at);
				most = u64_max(most, rig.scripts[i].at);
			}
			ck_assert_msg(most - least <= 1,
				      "%u jobs, after %zu steps: one had %zu, another %zu", n,
				      round, most, least);
		}
		run_to_the_end();
		rig_close();
	}
}
END_TEST

/* -- the queue --------------------------------------------------------------------------------- */

START_TEST(duplicates_are_dropped)
{
	struct script *scripts[3];

	rig_open(1, 1);
	for (size_t i = 0; i < 3; i++) {
		scripts[i] = new_script(child_idles);
		set_steps(scripts[i], 1, STEP_WAIT, STEP_DONE);
	}
	add(scripts[0], ACTION_RECLAIM, 0);
	add(scripts[0], ACTION_RECLAIM, 0); /* within a plan */
	add(scripts[1], ACTION_RECLAIM, 0);
	submit();
	ck_assert_uint_eq(rig.executor.queue_len, 2);
	run_what_can();
	ck_assert_uint_eq(rig.executor.queue_len, 1);
	add(scripts[0], ACTION_RESTORE, 1); /* it runs */
	add(scripts[1], ACTION_RESTORE, 1); /* it is queued */
	add(scripts[2], ACTION_RECLAIM, 0);
	submit();
	ck_assert_uint_eq(rig.executor.queue_len, 2);
	/* the same number, another process */
	add(scripts[0], ACTION_RECLAIM, 0);
	plan.actions[0].id.start_ticks++;
	submit();
	ck_assert_uint_eq(rig.executor.queue_len, 3);
	rig.executor.queue_len--;
	for (size_t i = 0; i < 3; i++)
		answer(scripts[i]);
	run_to_the_end();
	ck_assert_uint_eq(rig.n_outcomes, 3);
	/* afterwards it may have its turn again */
	scripts[0]->at = 1;
	add(scripts[0], ACTION_RESTORE, 0);
	submit();
	run_to_the_end();
	ck_assert_uint_eq(rig.n_outcomes, 4);
	rig_close();
}
END_TEST

START_TEST(what_finds_no_place_is_dropped)
{
	rig_open(1, 1);
	new_script(child_idles);
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < PLAN_MAX; i++) {
			add(&rig.scripts[0], ACTION_RECLAIM, 0);
			plan.actions[i].id.start_ticks += i + (size_t)round * 32;
		}
		submit();
		ck_assert_uint_eq(rig.executor.queue_len, PLAN_MAX);
	}
	ck_assert_uint_eq(executor_in_flight_bytes(&rig.executor, BACKEND_NONE),
			  PLAN_MAX * 10 * MIB);
	ck_assert_uint_eq(executor_cancel_queued(&rig.executor), PLAN_MAX);
	ck_assert_uint_eq(executor_cancel_queued(&rig.executor), 0);
	/* for a backend that is gone */
	add(&rig.scripts[0], ACTION_RESTORE, 2);
	add(&rig.scripts[0], ACTION_RESTORE, BACKEND_NONE);
	submit();
	ck_assert(!executor_busy(&rig.executor));
	rig_close();
}
END_TEST

START_TEST(bytes_in_flight)
{
	struct script *script, *queued, *back;

	rig_open(1, 1);
	script = new_script(child_idles);
	queued = new_script(child_idles);
	back = new_script(child_idles);
	set_steps(script, 5, STEP_MORE, STEP_DONE);
	script->step_bytes = 3 * MIB;
	add(script, ACTION_RECLAIM, 0);
	add(queued, ACTION_RECLAIM, 0);
	add(back, ACTION_RESTORE, 0);
	submit();
	ck_assert_uint_eq(executor_in_flight_bytes(&rig.executor, BACKEND_NONE), 20 * MIB);
	(void)executor_run(&rig.executor, clock_now_ns());
	ck_assert_uint_eq(executor_in_flight_bytes(&rig.executor, BACKEND_NONE), 17 * MIB);
	for (int i = 0; i < 4; i++) /* more than was asked for: not less than nothing left */
		(void)executor_run(&rig.executor, clock_now_ns());
	ck_assert_uint_eq(executor_in_flight_bytes(&rig.executor, BACKEND_NONE), 10 * MIB);
	ck_assert_uint_eq(executor_cancel_queued(&rig.executor), 2);
	ck_assert_uint_eq(executor_in_flight_bytes(&rig.executor, BACKEND_NONE), 0);
	run_to_the_end();
	/* sums that don't fit */
	plan.actions[0] = action_for(script, ACTION_RECLAIM, 0);
	plan.actions[1] = action_for(queued, ACTION_RECLAIM, 0);
	plan.actions[0].bytes = plan.actions[1].bytes = UINT64_MAX - 5;
	plan.n_actions = 2;
	submit();
	ck_assert_uint_eq(executor_in_flight_bytes(&rig.executor, BACKEND_NONE), UINT64_MAX);
	(void)executor_cancel_queued(&rig.executor);
	rig_close();
}
END_TEST

START_TEST(cancel_spares_what_runs)
{
	struct script *running, *queued;

	rig_open(1, 1);
	running = new_script(child_idles);
	queued = new_script(child_idles);
	set_steps(running, 1, STEP_WAIT, STEP_DONE);
	add(running, ACTION_RECLAIM, 0);
	add(queued, ACTION_RECLAIM, 0);
	submit();
	run_what_can();
	ck_assert_uint_eq(executor_cancel_queued(&rig.executor), 1);
	ck_assert(executor_busy(&rig.executor));
	answer(running);
	run_to_the_end();
	ck_assert_int_eq(outcome_of(running)->kind, OUTCOME_DONE);
	ck_assert_uint_eq(rig.n_outcomes, 1); /* nobody is told of what never began */
	ck_assert_uint_eq(queued->admitted, 0);
	rig_close();
}
END_TEST

START_TEST(abort_ends_all)
{
	struct epoll_event event;

	rig_open(3, 1);
	for (size_t i = 0; i < 5; i++) {
		set_steps(new_script(child_idles), 5, i == 1 ? STEP_MORE : STEP_WAIT, STEP_DONE);
		add(&rig.scripts[i], ACTION_RECLAIM, 0);
	}
	submit();
	for (int i = 0; i < 4; i++)
		(void)executor_run(&rig.executor, clock_now_ns());
	ck_assert_uint_eq(rig.fakes[0].running, 3);
	executor_abort(&rig.executor, clock_now_ns());
	ck_assert(!executor_busy(&rig.executor));
	ck_assert_uint_eq(rig.n_outcomes, 3);
	for (size_t i = 0; i < 3; i++) {
		ck_assert_int_eq(rig.outcomes[i].kind, OUTCOME_CANCELED);
		ck_assert_int_eq(rig.outcomes[i].error, 0);
	}
	for (size_t i = 0; i < 5; i++) {
		ck_assert_uint_eq(rig.scripts[i].ended, i < 3);
		answer(&rig.scripts[i]);
	}
	ck_assert_int_eq(epoll_wait(rig.executor.epoll_fd, &event, 1, 0), 0);
	executor_abort(&rig.executor, clock_now_ns());
	ck_assert_uint_eq(rig.n_outcomes, 3);
	rig_close();
}
END_TEST

/* The owner may plan anew as soon as it hears of an outcome. */
START_TEST(submitted_by_an_outcome)
{
	static struct plan next;
	struct script *first, *second, *third;

	rig_open(2, 1);
	first = new_script(child_idles);
	second = new_script(child_idles);
	third = new_script(child_idles);
	first->verdict = REASON_ACTIVE; /* told while the queue is gone through */
	next = (struct plan){.n_actions = 1};
	next.actions[0] = action_for(third, ACTION_RECLAIM, 0);
	rig.next_plan = &next;
	add(first, ACTION_RECLAIM, 0);
	add(second, ACTION_RECLAIM, 0);
	submit();
	run_to_the_end();
	ck_assert_uint_eq(rig.n_outcomes, 3);
	ck_assert_int_eq(outcome_of(first)->kind, OUTCOME_REFUSED);
	ck_assert_int_eq(outcome_of(second)->kind, OUTCOME_DONE);
	ck_assert_int_eq(outcome_of(third)->kind, OUTCOME_DONE);
	rig_close();
}
END_TEST

/* -- what doesn't come to an end --------------------------------------------------------------- */

START_TEST(refused_when_its_turn_comes)
{
	size_t files;

	rig_open(2, 1);
	for (int i = REASON_VICTIM + 1; i < REASON__N; i++) {
		struct script *script = new_script(child_idles);

		script->verdict = (enum reason)i;
		add(script, ACTION_RECLAIM, 0);
	}
	files = open_files();
	submit();
	run_to_the_end();
	ck_assert_uint_eq(rig.n_outcomes, REASON__N - 1);
	for (int i = REASON_VICTIM + 1; i < REASON__N; i++) {
		const struct outcome *outcome = outcome_of(&rig.scripts[i - 1]);

		ck_assert_int_eq(outcome->kind,
				 i == REASON_ZOMBIE ? OUTCOME_GONE : OUTCOME_REFUSED);
		ck_assert_int_eq(outcome->reason, i);
		ck_assert_int_eq(outcome->error, 0);
		ck_assert_uint_eq(rig.scripts[i - 1].begun, 0);
	}
	ck_assert_uint_eq(rig.executor.stats[0].outcomes[OUTCOME_REFUSED], REASON__N - 2);
	ck_assert_uint_eq(rig.executor.stats[0].outcomes[OUTCOME_GONE], 1);
	ck_assert_int_eq(rig.executor.stats[0].last_error, 0);
	ck_assert_uint_eq(open_files(), files);
	rig_close();
}
END_TEST

START_TEST(gone_before_it_begins)
{
	struct script *reaped, *zombie;

	rig_open(1, 1);
	reaped = new_script(child_idles);
	zombie = new_script(child_idles);
	add(reaped, ACTION_RECLAIM, 0);
	add(zombie, ACTION_RECLAIM, 0);
	submit();
	child_end(&reaped->child);
	child_kill(&zombie->child);
	run_to_the_end();
	ck_assert_int_eq(outcome_of(reaped)->kind, OUTCOME_GONE);
	ck_assert_int_eq(outcome_of(zombie)->kind, OUTCOME_GONE);
	ck_assert_uint_eq(reaped->begun, 0);
	ck_assert_uint_eq(zombie->begun, 0);
	ck_assert_uint_eq(reaped->admitted, 0);
	child_reap(&zombie->child);
	rig_close();
}
END_TEST

static void kill_child(struct script *script)
{
	child_end(&script->child);
}

static void kill_child_only(struct script *script)
{
	child_kill(&script->child);
}

/* Whatever the backend says of it */
START_TEST(gone_while_it_runs)
{
	static const int results[] = {STEP_DONE, -ESRCH, -EIO, -ETIMEDOUT};

	for (size_t i = 0; i < 2 * ROWS(results); i++) {
		struct script *script;
		bool reap = i >= ROWS(results);

		rig_open(1, 1);
		script = new_script(child_idles);
		set_steps(script, 0, STEP_MORE, results[i % ROWS(results)]);
		script->on_step = reap ? kill_child : kill_child_only;
		add(script, ACTION_RECLAIM, 0);
		submit();
		run_to_the_end();
		ck_assert_int_eq(outcome_of(script)->kind, OUTCOME_GONE);
		ck_assert_uint_eq(outcome_of(script)->moved_bytes, 0);
		ck_assert_uint_eq(script->ended, 1);
		ck_assert_uint_eq(rig.executor.stats[0].outcomes[OUTCOME_GONE], 1);
		ck_assert_uint_eq(rig.executor.stats[0].out_actions, 0);
		if (!reap)
			child_reap(&script->child);
		rig_close();
	}
}
END_TEST

START_TEST(failures)
{
	static const struct {
		int begin, step, error;
		enum outcome_kind kind;
		size_t steps;
	} rows[] = {
		{-EPERM, STEP_DONE, -EPERM, OUTCOME_FAILED, 0},
		{-ENOSYS, STEP_DONE, -ENOSYS, OUTCOME_FAILED, 0},
		{-ETIMEDOUT, STEP_DONE, -ETIMEDOUT, OUTCOME_TIMEOUT, 0},
		{-ESRCH, STEP_DONE, 0, OUTCOME_GONE, 0},
		{0, -EPERM, -EPERM, OUTCOME_FAILED, 1},
		{0, -EIO, -EIO, OUTCOME_FAILED, 1},
		{0, -ECANCELED, 0, OUTCOME_CANCELED, 1},
		{0, -ESRCH, 0, OUTCOME_GONE, 1},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct script *script, *next;
		size_t files;

		rig_open(1, 1);
		script = new_script(child_idles);
		next = new_script(child_idles);
		files = open_files();
		script->begin_result = rows[i].begin;
		set_steps(script, 0, STEP_MORE, rows[i].step);
		add(script, ACTION_RECLAIM, 0);
		add(next, ACTION_RECLAIM, 0);
		submit();
		run_to_the_end();
		ck_assert_msg(outcome_of(script)->kind == rows[i].kind, "row %zu: %s", i,
			      outcome_word(outcome_of(script)->kind));
		ck_assert_int_eq(outcome_of(script)->error, rows[i].error);
		ck_assert_uint_eq(script->at, rows[i].steps);
		ck_assert_uint_eq(script->begun, 1);
		ck_assert_uint_eq(script->ended, 1);
		ck_assert_int_eq(outcome_of(next)->kind, OUTCOME_DONE); /* the others go on */
		ck_assert_int_eq(rig.executor.stats[0].last_error, rows[i].error);
		ck_assert_uint_eq(open_files(), files);
		rig_close();
	}
}
END_TEST

/* -- what is believed -------------------------------------------------------------------------- */

enum { ASK_DROP = 1, ASK_FILL, ASK_EXEC };
#define HELD (8 * MIB)

/* Holds 8 MiB; drops the first a bytes of them, or fills them again. */
static void child_holds(int socket)
{
	char *memory = mmap(NULL, HELD, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)madvise(memory, HELD, MADV_NOHUGEPAGE);
	memset(memory, 'x', HELD);
	for (;;) {
		struct message message = child_next(socket);

		if (message.word == ASK_DROP)
			(void)madvise(memory, message.a, MADV_DONTNEED);
		else if (message.word == ASK_FILL)
			memset(memory, 'x', message.a);
		else if (message.word == ASK_EXEC)
			(void)execl("/bin/sleep", "sleep", "1000", NULL);
		child_answer(socket, 0);
	}
}

static void drop_some(struct script *script)
{
	(void)child_ask(&script->child, ASK_DROP, 3 * MIB, 0);
}

START_TEST(believes_the_kernel)
{
	static const struct {
		const char *name;
		enum action_verb verb;
		enum job_effect effect;
		int result;
		void (*on_step)(struct script *script);
		uint64_t claimed, moved;
	} rows[] = {
		{"claims more", ACTION_RECLAIM, JOB_MOVES, STEP_DONE, drop_some, HELD, 3 * MIB},
		{"claims nothing", ACTION_RECLAIM, JOB_MOVES, STEP_DONE, drop_some, 0, 3 * MIB},
		{"lies", ACTION_RECLAIM, JOB_MOVES, STEP_DONE, NULL, HELD, 0},
		{"fails half-way", ACTION_RECLAIM, JOB_MOVES, -EIO, drop_some, MIB, 3 * MIB},
		{"runs out of time", ACTION_RECLAIM, JOB_MOVES, -ETIMEDOUT, drop_some, 0, 3 * MIB},
		{"offers", ACTION_RECLAIM, JOB_OFFERS, STEP_DONE, drop_some, HELD, 0},
		{"pretends", ACTION_RECLAIM, JOB_PRETENDS, STEP_DONE, drop_some, HELD, 0},
		{"brings nothing back", ACTION_RESTORE, JOB_MOVES, STEP_DONE, NULL, HELD, 0},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct script *script;
		const struct outcome *outcome;

		rig_open(1, 1);
		script = new_script(child_holds);
		(void)child_ask(&script->child, ASK_FILL, HELD, 0);
		script->effect = rows[i].effect;
		script->on_step = rows[i].on_step;
		script->step_bytes = rows[i].claimed;
		set_steps(script, 0, STEP_MORE, rows[i].result);
		add(script, rows[i].verb, 0);
		submit();
		run_to_the_end();
		outcome = outcome_of(script);
		ck_assert_uint_eq(outcome->claimed_bytes, rows[i].claimed);
		/* the kernel counts in batches of some pages for each CPU */
		ck_assert_msg(outcome->moved_bytes + 512 * KIB >= rows[i].moved &&
				      outcome->moved_bytes <= rows[i].moved + 512 * KIB,
			      "%s: moved %llu", rows[i].name,
			      (unsigned long long)outcome->moved_bytes);
		if (rows[i].effect == JOB_MOVES && rows[i].verb == ACTION_RECLAIM) {
			ck_assert_uint_eq(
				outcome->moved_bytes,
				u64_sub_sat(outcome->before.anon_bytes, outcome->after.anon_bytes));
			ck_assert_uint_eq(rig.executor.stats[0].out_bytes, outcome->moved_bytes);
		} else {
			ck_assert_uint_eq(outcome->moved_bytes, 0);
		}
		rig_close();
	}
}
END_TEST

/* -- who is gone, and who only can't be looked at ------------------------------------------------
 */

static void become_another(struct script *script)
{
	struct message message = {.word = ASK_EXEC};

	ck_assert_int_eq(send(script->child.socket, &message, sizeof message, 0),
			 (ssize_t)sizeof message);
	/* closed by the exec */
	ck_assert_int_eq(recv(script->child.socket, &message, sizeof message, 0), 0);
}

/* What the other program holds is less by all that the first one had: nothing of it was moved. */
START_TEST(another_program_meanwhile)
{
	struct script *script;

	rig_open(1, 1);
	script = new_script(child_holds);
	(void)child_ask(&script->child, ASK_FILL, HELD, 0);
	script->on_step = become_another;
	script->step_bytes = HELD;
	set_steps(script, 0, STEP_MORE, STEP_DONE);
	add(script, ACTION_RECLAIM, 0);
	submit();
	run_to_the_end();
	ck_assert_int_eq(outcome_of(script)->kind, OUTCOME_GONE);
	ck_assert_uint_eq(outcome_of(script)->moved_bytes, 0);
	ck_assert_uint_eq(rig.executor.stats[0].out_actions, 0);
	ck_assert_uint_eq(rig.executor.stats[0].out_bytes, 0);
	rig_close();
}
END_TEST

static void work_and_drop(struct script *script)
{
	clock_t until = clock() + CLOCKS_PER_SEC / 10;

	while (clock() < until)
		(void)child_ask(&script->child, ASK_FILL, HELD, 0);
	drop_some(script);
}

/* What stat says is read again, too: what is judged by it later counts from the end. */
START_TEST(all_of_it_is_read_afresh)
{
	struct script *script;

	rig_open(1, 1);
	script = new_script(child_holds);
	(void)child_ask(&script->child, ASK_FILL, HELD, 0);
	script->on_step = work_and_drop;
	add(script, ACTION_RECLAIM, 0);
	submit();
	run_to_the_end();
	ck_assert(outcome_of(script)->verified);
	ck_assert_uint_gt(outcome_of(script)->after.cpu_ns, outcome_of(script)->before.cpu_ns);
	ck_assert_uint_lt(outcome_of(script)->after.rss_bytes,
			  outcome_of(script)->before.rss_bytes);
	rig_close();
}
END_TEST

static struct rlimit usual_limit;

static void allow_no_files(struct script *script)
{
	const struct rlimit none = {1, usual_limit.rlim_max}; /* poll(2) takes one */

	(void)script;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
}

static void allow_files(void)
{
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &usual_limit), 0);
}

START_TEST(no_descriptor_for_it)
{
	struct script *script;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &usual_limit), 0);
	rig_open(1, 1);
	script = new_script(child_idles);
	add(script, ACTION_RECLAIM, 0);
	submit();
	allow_no_files(script);
	run_to_the_end();
	allow_files();
	ck_assert_int_eq(outcome_of(script)->kind, OUTCOME_FAILED);
	ck_assert_int_eq(outcome_of(script)->error, -EMFILE);
	ck_assert_uint_eq(rig.executor.stats[0].outcomes[OUTCOME_FAILED], 1);
	ck_assert_int_eq(rig.executor.stats[0].last_error, -EMFILE);
	rig_close();
}
END_TEST

/* What was moved may be out, though nobody can say so: by the backend's word. */
START_TEST(what_cannot_be_verified)
{
	static const struct {
		enum action_verb verb;
		enum job_effect effect;
		int result, error;
		enum outcome_kind kind;
		int64_t swapped;
	} rows[] = {
		{ACTION_RECLAIM, JOB_MOVES, STEP_DONE, -EMFILE, OUTCOME_FAILED, 3 * (int64_t)MIB},
		{ACTION_RECLAIM, JOB_OFFERS, STEP_DONE, -EMFILE, OUTCOME_FAILED, 0},
		{ACTION_RECLAIM, JOB_MOVES, -EIO, -EIO, OUTCOME_FAILED, 3 * (int64_t)MIB},
		{ACTION_RECLAIM, JOB_MOVES, -ECANCELED, 0, OUTCOME_CANCELED, 3 * (int64_t)MIB},
		{ACTION_RESTORE, JOB_MOVES, STEP_DONE, -EMFILE, OUTCOME_FAILED, 0}, /* none was */
	};

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &usual_limit), 0);
	for (size_t i = 0; i < ROWS(rows); i++) {
		const struct outcome *outcome;
		struct script *script;

		rig_open(1, 1);
		script = new_script(child_holds);
		(void)child_ask(&script->child, ASK_FILL, HELD, 0);
		script->on_step = allow_no_files;
		script->effect = rows[i].effect;
		script->step_bytes = 3 * MIB;
		set_steps(script, 0, STEP_MORE, rows[i].result);
		add(script, rows[i].verb, 0);
		submit();
		run_to_the_end();
		allow_files();
		outcome = outcome_of(script);
		ck_assert_msg(outcome->kind == rows[i].kind, "row %zu: %s", i,
			      outcome_word(outcome->kind));
		ck_assert_int_eq(outcome->error, rows[i].error);
		ck_assert(!outcome->verified);
		ck_assert_uint_eq(outcome->moved_bytes, 0);
		ck_assert_msg((int64_t)(outcome->after.swap_bytes - outcome->before.swap_bytes) ==
				      rows[i].swapped,
			      "row %zu", i);
		ck_assert_uint_eq(outcome->after.anon_bytes + outcome->after.swap_bytes,
				  outcome->before.anon_bytes + outcome->before.swap_bytes);
		rig_close();
	}
}
END_TEST

START_TEST(one_way_only)
{
	rig_open(4, 1);
	for (size_t i = 0; i < 8; i++) {
		set_steps(new_script(child_idles), 1, STEP_WAIT, STEP_DONE);
		add(&rig.scripts[i], i % 2 == 0 ? ACTION_RECLAIM : ACTION_RESTORE, 0);
	}
	submit();
	run_what_can();
	ck_assert_uint_eq(rig.fakes[0].running, 4);
	executor_abort_verb(&rig.executor, ACTION_RESTORE, clock_now_ns());
	ck_assert_uint_eq(rig.n_outcomes, 2);
	ck_assert_int_eq(outcome_of(&rig.scripts[1])->kind, OUTCOME_CANCELED);
	ck_assert_int_eq(outcome_of(&rig.scripts[3])->kind, OUTCOME_CANCELED);
	ck_assert_uint_eq(rig.executor.queue_len, 2);
	run_what_can(); /* the others of this way go on, in order */
	ck_assert_uint_eq(rig.scripts[4].begun + rig.scripts[6].begun, 2);
	ck_assert_uint_eq(rig.scripts[5].begun + rig.scripts[7].begun, 0);
	executor_abort_verb(&rig.executor, ACTION_RECLAIM, clock_now_ns());
	ck_assert_uint_eq(rig.n_outcomes, 6);
	rig_close();
}
END_TEST

/* -- how much at a time ------------------------------------------------------------------------
 */

START_TEST(step_size_adapts)
{
	struct script *script;

	rig_open(1, 1);
	script = new_script(child_idles);
	set_steps(script, 20, STEP_MORE, STEP_DONE);
	add(script, ACTION_RECLAIM, 0);
	submit();
	(void)executor_run(&rig.executor, clock_now_ns());
	ck_assert_uint_eq(script->max_bytes_seen, STEP_BYTES);
	ck_assert_uint_le(rig.executor.step_bytes, STEP_BYTES); /* at most the configured one */
	script->step_takes_ns = 120 * NS_PER_MS;
	for (int i = 0; i < 4; i++)
		(void)executor_run(&rig.executor, clock_now_ns());
	ck_assert_uint_eq(rig.executor.step_bytes, MIB); /* halved, and not below 1 MiB */
	ck_assert_uint_eq(script->max_bytes_seen, MIB);
	script->step_takes_ns = 0;
	(void)executor_run(&rig.executor, clock_now_ns());
	(void)executor_run(&rig.executor, clock_now_ns());
	/* a step that a busy machine made long doesn't count as quick */
	ck_assert_uint_le(rig.executor.step_bytes, STEP_BYTES);
	/* a new setting holds at once */
	rig.executor.step_max_bytes = 2 * MIB;
	(void)executor_run(&rig.executor, clock_now_ns());
	ck_assert_uint_le(rig.executor.step_bytes, 2 * MIB);
	run_to_the_end();
	rig_close();
}
END_TEST

/* Who lets a thread do it has taken as long as that took. */
START_TEST(a_wait_is_part_of_the_step)
{
	struct script *script;

	rig_open(1, 1);
	script = new_script(child_idles);
	set_steps(script, 0, STEP_MORE, STEP_WAIT);
	script->steps[1] = STEP_MORE;
	script->n_steps = 2;
	add(script, ACTION_RECLAIM, 0);
	submit();
	run_what_can();
	ck_assert_uint_eq(script->at, 1);
	run(120 * NS_PER_MS);
	answer(script);
	run_to_the_end();
	ck_assert_uint_eq(script->at, 3);
	ck_assert_uint_eq(script->max_bytes_seen, STEP_BYTES / 2);
	rig_close();
}
END_TEST

START_TEST(words)
{
	static const char *const expected[] = {"done",	 "gone",    "refused",
					       "failed", "timeout", "canceled"};

	for (int i = 0; i < OUTCOME__N; i++)
		ck_assert_str_eq(outcome_word((enum outcome_kind)i), expected[i]);
}
END_TEST

/* -- all of it at random ------------------------------------------------------------------------
 */

static int random_step(struct series *series)
{
	static const int steps[] = {STEP_MORE, STEP_MORE, STEP_MORE, STEP_WAIT, STEP_WAIT,
				    STEP_DONE, -EIO,	  -ESRCH,    -ETIMEDOUT};

	return steps[series_below(series, ROWS(steps))];
}

static void random_script(struct script *script, struct series *series)
{
	script->n_steps = series_below(series, 6);
	for (size_t i = 0; i < script->n_steps; i++)
		script->steps[i] = random_step(series);
	script->wait_ns = series_below(series, 3) * NS_PER_MS;
	script->expired_result = series_below(series, 2) ? -ETIMEDOUT : 0;
	script->begin_result = series_below(series, 8) == 0 ? -EPERM : 0;
	script->verdict = series_below(series, 8) == 0 ? REASON_ACTIVE : REASON_VICTIM;
	script->at = 0;
}

/* Every action that is taken has one outcome, or is cancelled; every begin one end; the rig
 * checks slots and who runs; nothing is left over. */
START_TEST(at_random)
{
	struct series series = series_start(0x65786563);
	size_t taken = 0, cancelled = 0, told = 0, ended = 0;

	rig_open(3, 2);
	for (size_t i = 0; i < 24; i++)
		new_script(child_idles);
	for (int round = 0; round < 2000; round++) {
		size_t before = rig.executor.queue_len;

		for (uint64_t n = series_below(&series, 4); n > 0; n--) {
			struct script *script = &rig.scripts[series_below(&series, 24)];

			add(script, series_below(&series, 3) ? ACTION_RECLAIM : ACTION_RESTORE,
			    (uint8_t)series_below(&series, 2));
			if (!script->running)
				random_script(script, &series);
		}
		submit();
		taken += rig.executor.queue_len - before;
		answer(&rig.scripts[series_below(&series, 24)]);
		run(series_below(&series, 2) * NS_PER_MS);
		if (series_below(&series, 40) == 0)
			cancelled += executor_cancel_queued(&rig.executor);
		if (series_below(&series, 100) == 0) {
			cancelled += rig.executor.queue_len;
			executor_abort(&rig.executor, clock_now_ns());
			ck_assert(!executor_busy(&rig.executor));
		}
		if (series_below(&series, 100) == 0 && ended < 8)
			child_end(&rig.scripts[ended++].child);
		told += rig.n_outcomes;
		rig.n_outcomes = 0;
	}
	for (size_t i = 0; i < 24; i++)
		rig.scripts[i].wait_ns = 0;
	run_to_the_end();
	told += rig.n_outcomes;
	ck_assert_uint_eq(told + cancelled, taken);
	ck_assert_uint_gt(told, 1000);
	rig_close();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		an_action_from_begin_to_end,
		in_rank_order,
		admitted_with_less,
		waits_for_an_answer,
		a_deadline_passes,
		expired_is_of_the_last_wait,
		the_first_deadline,
		nothing_to_wait_for,
		ready_for_nobody,
		as_many_as_the_backend_takes,
		so_many_of_a_user,
		held_up,
		a_busy_backend_blocks_nobody_else,
		a_step_each_in_turn,
		duplicates_are_dropped,
		what_finds_no_place_is_dropped,
		bytes_in_flight,
		cancel_spares_what_runs,
		abort_ends_all,
		submitted_by_an_outcome,
		refused_when_its_turn_comes,
		gone_before_it_begins,
		gone_while_it_runs,
		failures,
		believes_the_kernel,
		another_program_meanwhile,
		all_of_it_is_read_afresh,
		no_descriptor_for_it,
		what_cannot_be_verified,
		one_way_only,
		step_size_adapts,
		a_wait_is_part_of_the_step,
		words,
		at_random,
	};

	return RUN_TESTS("executor", tests);
}
