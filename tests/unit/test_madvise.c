/* SPDX-License-Identifier: MIT */
/* The backend in the executor's hands, over real processes and a real swap area: also over one that
 * lets whoever reads its memory wait. */
#include "backend/madvise.h"

#include "base/cleanup.h"
#include "daemon/executor.h"
#include "sys/clock.h"
#include "unit/builders.h"
#include "unit/children.h"
#include "unit/swaparea.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>

#define BYTES (8 * MIB)
#define JOBS_BASE 100

static bool have_swap;

/* -- the kernel interface, with a look-in ------------------------------------------------------ */

static const struct child *hostile; /* asked to act between the advice and the touch */
static void let_it_act(void);

#define procmadv_advise real_advise
#define procmadv_touch real_touch
#include "sys/procmadv.c"
#undef procmadv_advise
#undef procmadv_touch

ssize_t procmadv_advise(int pidfd, const struct iovec *ranges, size_t n,
			enum procmadv_advice advice)
{
	ssize_t bytes = real_advise(pidfd, ranges, n, advice);

	if (hostile && advice == PROCMADV_WILLNEED)
		let_it_act();
	return bytes;
}

static bool deny_touch;

ssize_t procmadv_touch(pid_t pid, const struct iovec *range, size_t page_bytes)
{
	return deny_touch ? -EPERM : real_touch(pid, range, page_bytes);
}

/* -- the processes ----------------------------------------------------------------------------- */

enum { WHERE = 1, FILL, HOLD_UP };

/* Puts memory in its place that it serves itself, and doesn't. */
static uint64_t hold_up(void *memory)
{
	struct uffdio_api api = {.api = UFFD_API};
	struct uffdio_register range = {.range = {(uintptr_t)memory, BYTES},
					.mode = UFFDIO_REGISTER_MODE_MISSING};
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);

	if (fd < 0 || ioctl(fd, UFFDIO_API, &api) < 0)
		return 1;
	if (mmap(memory, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		 0) == MAP_FAILED)
		return 2;
	return ioctl(fd, UFFDIO_REGISTER, &range) < 0 ? 3 : 0;
}

/* With new pages: what is still being written out isn't moved out again before that is done. */
static void fill(void *memory)
{
	(void)madvise(memory, BYTES, MADV_DONTNEED);
	memset(memory, 'x', BYTES);
}

static void body(int socket)
{
	/* before all else, also with a sanitizer */
	void *memory = mmap((void *)(uintptr_t)0x10000000, BYTES, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)madvise(memory, BYTES, MADV_NOHUGEPAGE);
	for (;;) {
		struct message message = child_next(socket);
		uint64_t answer = 0;

		if (message.word == WHERE)
			answer = (uintptr_t)memory;
		else if (message.word == FILL)
			fill(memory);
		else if (message.word == HOLD_UP)
			answer = hold_up(memory);
		child_answer(socket, answer);
	}
}

static _Atomic uint64_t acted; /* in the thread */

static void let_it_act(void)
{
	acted = child_ask(hostile, HOLD_UP, 0, 0) + 1;
	hostile = NULL;
}

static struct child start(void)
{
	struct child child = child_start(body);

	(void)child_ask(&child, FILL, 0, 0);
	return child;
}

/* -- the rig ----------------------------------------------------------------------------------- */

static struct procfs procfs;
static struct madvise madvise_ctx;
static struct madvise_params params;
static struct executor executor;
static struct outcome outcomes[64];
static size_t n_outcomes;

static enum reason admit(void *owner, struct action *action, struct proc_facts *ret_facts)
{
	const struct child child = {action->id.pid, -1};

	(void)owner;
	*ret_facts = child_facts(&child);
	return REASON_VICTIM;
}

static void done(void *owner, const struct outcome *outcome)
{
	(void)owner;
	ck_assert_uint_lt(n_outcomes, ROWS(outcomes));
	outcomes[n_outcomes++] = *outcome;
}

static void rig_open(void)
{
	const struct executor_hooks hooks = {admit, done, NULL};

	hostile = NULL;
	n_outcomes = 0;
	params = (struct madvise_params){.advice = ADVICE_PAGEOUT};
	ck_assert_int_eq(procfs_open("/proc", &procfs), 0);
	madvise_ctx = (struct madvise){.procfs = &procfs, .params = &params};
	ck_assert_int_eq(madvise_start(&madvise_ctx), 0);
	executor = (struct executor){.n_backends = 1, .step_bytes = MIB, .step_max_bytes = MIB};
	executor.backends[0] = (struct backend){&reclaim_madvise, &madvise_ctx};
	executor_init(&executor, &procfs, &hooks, epoll_create1(EPOLL_CLOEXEC), JOBS_BASE);
}

static void rig_close(void)
{
	ck_assert(!executor_busy(&executor));
	madvise_stop(&madvise_ctx);
	for (size_t i = 0; i < 2; i++)
		ck_assert(!madvise_ctx.threads[i].started);
	(void)close(executor.epoll_fd);
	procfs_close(&procfs);
}

static void submit(const struct child *child, enum action_verb verb)
{
	static struct plan plan;

	plan.n_actions = 1;
	plan.actions[0] =
		(struct action){.verb = verb, .id = child_facts(child).id, .bytes = BYTES};
	executor_submit(&executor, &plan);
}

/* What the daemon's loop does, until nothing is left or the time is over */
static void run(uint64_t for_ns)
{
	uint64_t until_ns = clock_now_ns() + for_ns;
	bool more = true;

	while (executor_busy(&executor) && clock_now_ns() < until_ns) {
		uint64_t deadline_ns = u64_min(executor_deadline_ns(&executor), until_ns);
		uint64_t left_ns = u64_sub_sat(deadline_ns, clock_now_ns());
		struct epoll_event events[8];
		int n = epoll_wait(executor.epoll_fd, events, 8,
				   more ? 0 : (int)(left_ns / NS_PER_MS + 1));

		for (int i = 0; i < n; i++)
			executor_ready(&executor, events[i].data.u64 - JOBS_BASE);
		more = executor_run(&executor, clock_now_ns());
	}
}

static const struct outcome *act(const struct child *child, enum action_verb verb)
{
	submit(child, verb);
	run(60 * NS_PER_S);
	ck_assert(!executor_busy(&executor));
	return &outcomes[n_outcomes - 1];
}

static bool can_run(bool needs_swap)
{
	if (procmadv_probe() < 0) {
		printf("skipped: no permission\n");
		return false;
	}
	if (needs_swap && !have_swap)
		printf("skipped: no swap area\n");
	return have_swap || !needs_swap;
}

/* The kernel counts in batches of some pages for each CPU, and passes over a page that it is busy
 * with; on this machine others may swap, too. */
static bool is_most_of(uint64_t bytes)
{
	return bytes >= BYTES * 3 / 4 && bytes <= BYTES + MIB;
}

/* -- cases ------------------------------------------------------------------------------------- */

START_TEST(out_and_back)
{
	unsigned good = 0;
	struct child child;
	const struct outcome *outcome;

	if (!can_run(true))
		return;
	rig_open();
	child = start();
	for (int round = 0; round < 20 && good < 3; round++) {
		bool out, back;

		(void)child_ask(&child, FILL, 0, 0);
		outcome = act(&child, ACTION_RECLAIM);
		ck_assert_int_eq(outcome->kind, OUTCOME_DONE);
		ck_assert_uint_le(outcome->claimed_bytes, BYTES);
		out = is_most_of(outcome->moved_bytes);
		outcome = act(&child, ACTION_RESTORE);
		ck_assert_int_eq(outcome->kind, OUTCOME_DONE);
		back = is_most_of(outcome->moved_bytes);
		good += out && back;
	}
	/* others swap as well, and take their areas away */
	ck_assert_uint_ge(good, 3);
	child_end(&child);
	rig_close();
}
END_TEST

/* Read in, and not mapped: that is nothing, and said so. */
START_TEST(not_permitted_to_touch)
{
	const struct outcome *outcome = NULL;
	struct child child;

	if (!can_run(true))
		return;
	rig_open();
	child = start();
	deny_touch = true;
	for (int round = 0; round < 20; round++) { /* others may bring it back before */
		(void)child_ask(&child, FILL, 0, 0);
		ck_assert_int_eq(act(&child, ACTION_RECLAIM)->kind, OUTCOME_DONE);
		outcome = act(&child, ACTION_RESTORE);
		if (outcome->kind == OUTCOME_FAILED)
			break;
	}
	deny_touch = false;
	ck_assert_int_eq(outcome->kind, OUTCOME_FAILED);
	ck_assert_int_eq(outcome->error, -EPERM);
	ck_assert_ptr_nonnull(outcome->why);
	child_end(&child);
	rig_close();
}
END_TEST

/* Nothing needs swap, or waits. */
START_TEST(offers)
{
	struct child child;

	if (!can_run(false))
		return;
	rig_open();
	params.advice = ADVICE_COLD;
	child = start();
	for (int round = 0; round < 100; round++) {
		const struct outcome *outcome = act(&child, ACTION_RECLAIM);

		n_outcomes = 0;
		ck_assert_int_eq(outcome->kind, OUTCOME_DONE);
		ck_assert_int_eq(outcome->effect, JOB_OFFERS);
		ck_assert_uint_eq(outcome->claimed_bytes, BYTES);
	}
	child_end(&child);
	rig_close();
}
END_TEST

static size_t open_files(void)
{
	size_t n = 0;

	for (int fd = 0; fd < 200; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* Stopped at any moment, also amid a step: the next one begins where there was one before. */
START_TEST(stopped_at_any_moment)
{
	struct series series = series_start(0x6d6164);
	struct child child;
	size_t files;

	if (!can_run(false))
		return;
	rig_open();
	params.advice = ADVICE_COLD;
	child = start();
	files = open_files();
	for (int round = 0; round < 500; round++) {
		n_outcomes = 0;
		submit(&child, ACTION_RECLAIM);
		run(series_below(&series, 300) * NS_PER_US);
		executor_abort(&executor, clock_now_ns());
		ck_assert_uint_le(n_outcomes, 1);
		if (n_outcomes == 1)
			ck_assert(outcomes[0].kind == OUTCOME_DONE ||
				  outcomes[0].kind == OUTCOME_CANCELED);
	}
	ck_assert_int_eq(act(&child, ACTION_RECLAIM)->kind, OUTCOME_DONE);
	ck_assert_uint_eq(open_files(), files);
	child_end(&child);
	rig_close();
}
END_TEST

START_TEST(ends_amid_it)
{
	struct child child;

	if (!can_run(false))
		return;
	rig_open();
	params.advice = ADVICE_COLD;
	for (unsigned steps = 0; steps < 6; steps++) {
		child = start();
		submit(&child, ACTION_RECLAIM);
		for (unsigned i = 0; i < steps; i++)
			run(NS_PER_US);
		child_kill(&child);
		run(60 * NS_PER_S);
		ck_assert_uint_eq(n_outcomes, steps + 1);
		ck_assert(outcomes[steps].kind == OUTCOME_GONE ||
			  outcomes[steps].kind == OUTCOME_DONE);
		child_reap(&child);
	}
	rig_close();
}
END_TEST

static bool hold_up_a_restore(const struct child *child)
{
	uint64_t until_ns = clock_now_ns() + 60 * NS_PER_S;

	ck_assert_int_eq(act(child, ACTION_RECLAIM)->kind, OUTCOME_DONE);
	acted = 0;
	hostile = child;
	submit(child, ACTION_RESTORE);
	while (acted == 0 && executor_busy(&executor) && clock_now_ns() < until_ns)
		run(NS_PER_MS);
	if (acted != 1)
		printf("skipped: no userfaultfd here: %d\n", (int)acted);
	return acted == 1;
}

/* A process that lets whoever touches its memory wait keeps nobody but the one thread: not the
 * loop, nor what moves others out. */
START_TEST(a_restore_is_held_up)
{
	struct child child, other;
	const struct outcome *outcome;

	if (!can_run(true))
		return;
	rig_open();
	child = start();
	other = start();
	if (hold_up_a_restore(&child)) {
		/* the loop goes on, not for as long as with one that is moved out */
		ck_assert(executor_busy(&executor));
		ck_assert_uint_lt(executor_deadline_ns(&executor),
				  madvise_ctx.threads[ACTION_RESTORE].since_ns + 30 * NS_PER_S);
		/* nor with one that lets go of each step just in time */
		for (size_t i = 0; i < EXECUTOR_JOBS_MAX; i++) {
			struct job *job = &executor.running[i].job;

			if (!executor.running[i].active)
				continue;
			ck_assert_uint_gt(job->deadline_ns, clock_now_ns());
			madvise_ctx.started_ns -= NS_PER_H;
			ck_assert_int_eq(reclaim_madvise.step(&madvise_ctx, job, MIB, 0),
					 STEP_WAIT);
			ck_assert_uint_lt(job->deadline_ns, clock_now_ns());
			madvise_ctx.started_ns += NS_PER_H;
			(void)reclaim_madvise.step(&madvise_ctx, job, MIB, 0);
		}
		run(60 * NS_PER_S);
		outcome = &outcomes[n_outcomes - 1];
		ck_assert_int_eq(outcome->kind, OUTCOME_TIMEOUT);
		ck_assert_ptr_nonnull(outcome->why);

		outcome = act(&other, ACTION_RECLAIM);
		ck_assert_int_eq(outcome->kind, OUTCOME_DONE);
		outcome = act(&other, ACTION_RESTORE);
		ck_assert_int_eq(outcome->kind, OUTCOME_FAILED);
		ck_assert_int_eq(outcome->error, -EBUSY);
		ck_assert_ptr_nonnull(outcome->why);

		/* it lets go, by its end */
		child_end(&child);
		for (int i = 0; i < 6000 && advise_thread_works(&madvise_ctx.threads[1]); i++)
			(void)usleep(10000);
		outcome = act(&other, ACTION_RESTORE);
		ck_assert_int_eq(outcome->kind, OUTCOME_DONE);
	} else {
		run(60 * NS_PER_S);
		child_end(&child);
	}
	child_end(&other);
	rig_close();
}
END_TEST

/* And ends with its thread in that wait. */
START_TEST(ends_while_held_up)
{
	struct child child;
	int pair[2], status = -1;
	char held = 'n';
	pid_t pid, r = 0;

	if (!can_run(true))
		return;
	ck_assert_int_eq(pipe2(pair, O_CLOEXEC), 0);
	child = start();
	pid = fork();
	if (pid == 0) {
		rig_open();
		held = hold_up_a_restore(&child) ? 'y' : 'n';
		(void)!write(pair[1], &held, 1);
		executor_abort(&executor, clock_now_ns());
		madvise_stop(&madvise_ctx); /* doesn't wait for it */
		_exit(7);
	}
	(void)close(pair[1]);
	ck_assert_int_eq(read(pair[0], &held, 1), 1);
	for (int i = 0; i < 6000 && r == 0; i++) {
		(void)usleep(10000);
		r = waitpid(pid, &status, WNOHANG);
	}
	child_end(&child);
	if (r == 0)
		(void)waitpid(pid, NULL, 0);
	ck_assert_msg(r == pid, "it doesn't end");
	ck_assert_int_eq(WEXITSTATUS(status), 7);
	(void)close(pair[0]);
}
END_TEST

/* The kernel keeps new pages in a list for each CPU before they can be moved out. */
static void stay_on_one_cpu(void)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET((size_t)sched_getcpu(), &one);
	(void)sched_setaffinity(0, sizeof one, &one);
}

int main(void)
{
	const TTest *const tests[] = {
		out_and_back,	       not_permitted_to_touch, offers,
		stopped_at_any_moment, ends_amid_it,	       a_restore_is_held_up,
		ends_while_held_up,
	};
	struct swaparea area;
	int status;

	have_swap = swaparea_open(&area);
	stay_on_one_cpu();
	status = RUN_TESTS("madvise", tests);
	swaparea_close(&area);
	return status;
}
