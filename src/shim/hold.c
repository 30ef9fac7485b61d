/* SPDX-License-Identifier: MIT */
#include "shim/hold.h"
#include "shim/process.h"
#include "shim/rawsys.h"
#include "shim/regions.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

/* From linux/ptrace.h, which doesn't go together with sys/ptrace.h */
#define PTRACE_DETACH 17
#define PTRACE_SEIZE 0x4206
#define PTRACE_INTERRUPT 0x4207
#define PTRACE_LISTEN 0x4208
#define PTRACE_GET_RSEQ_CONFIGURATION 0x420f /* 5.13 */
#define PTRACE_EVENT_STOP 128

struct rseq_configuration {
	uint64_t pointer;
	uint32_t size, signature, flags, pad;
};

#define STOP_PATIENCE_MS 2000U
#define AT_ONCE 100U
#define ARGUMENTS_MAX (128U << 10) /* of arguments and environment */

/* To the program, whoever has its number when it's gone. 0 or -errno. */
static int send_signal(const struct shim *shim, int signal)
{
	return (int)RAW_4(SYS_pidfd_send_signal, shim->fd.program, signal, NULL, 0);
}

/* Calls visit for every thread until a whole round finds none that is new to it: they are stopped,
 * or are being stopped, so no more come. */
static int each_thread(struct shim *shim, int (*visit)(struct shim *, int))
{
	struct numbers threads;
	int tid, r = numbers_open(shim, "task", &threads);

	if (r < 0)
		return shim_fail(shim, -r, "its threads can't be looked at", NULL);
	while ((r = numbers_next(&threads, &tid)) > 0) {
		r = visit(shim, tid);
		if (r < 0)
			break;
	}
	numbers_close(&threads);
	return r;
}

static int thread_still(struct shim *shim, int tid)
{
	int state = process_thread_state(shim, tid);

	if (state < 0)
		return shim_fail(shim, -state, "its threads can't be looked at", NULL);
	/* a main thread that has ended stays as a zombie while others run */
	if (state == 'T' || state == 0 || state == 'Z' || state == 'X')
		return 0;
	return -EAGAIN;
}

static int fail_moving(struct shim *shim, int tid, int state)
{
	char text[16], letter[2] = {(char)(state > 0 ? state : '?'), '\0'};
	struct words number = words_over(text, sizeof(text));

	words_add_number(&number, (uint64_t)tid);
	return shim_fail(shim, EBUSY, "its thread ", text, " did not stop (state ", letter,
			 state == 'D' ? ": it waits inside the kernel)" : ")", NULL);
}

static int report_moving(struct shim *shim, int tid)
{
	return thread_still(shim, tid) == -EAGAIN
		       ? fail_moving(shim, tid, process_thread_state(shim, tid))
		       : 0;
}

int hold_stop(struct shim *shim)
{
	int r = process_thread_state(shim, process_living_thread(shim));

	if (r < 0)
		return shim_fail(shim, -r, "its state can't be read", NULL);
	shim->stopped_before = r == 'T';
	shim->continued = shim->wanted = false;
	if (!shim->stopped_before) {
		r = send_signal(shim, SIGSTOP);
		if (r < 0)
			return shim_fail(shim, -r, "it can't be stopped", NULL);
	}
	for (unsigned ms = 0; ms < STOP_PATIENCE_MS; ms++) {
		r = each_thread(shim, thread_still);
		if (r != -EAGAIN)
			break;
		shim_wait_ms(1);
	}
	if (r == -EAGAIN) {
		r = each_thread(shim, report_moving);
		if (!r)
			r = shim_fail(shim, EBUSY, "it did not stop in time", NULL);
	}
	if (r && !shim->stopped_before)
		(void)send_signal(shim, SIGCONT);
	return r;
}

/* What the kernel writes to when a thread goes on (rseq) or ends (its robust futexes, its id):
 * these pages stay where they are. The id has its place beside the list in glibc. */
static int keep_for_kernel(struct shim *shim, int tid)
{
	struct rseq_configuration rseq = {0};
	void *head = NULL;
	size_t bytes = 0;
	int r = 0;

	if (RAW_4(SYS_ptrace, PTRACE_GET_RSEQ_CONFIGURATION, tid, sizeof(rseq), &rseq) > 0 &&
	    rseq.pointer)
		r = regions_keep(shim, rseq.pointer, rseq.size ? rseq.size : 32);
	if (!r && !RAW_3(SYS_get_robust_list, tid, &head, &bytes) && head)
		r = regions_keep(shim, (uintptr_t)head - 64, 64 + bytes);
	return r;
}

/* Waits until the thread stands under our trace: 1; 0: it is gone; or a failure. It takes some us,
 * for it stands still already, or is interrupted; what it takes longer is slept. */
static int await_trap(struct shim *shim, int tid)
{
	for (unsigned tries = 0; tries < STOP_PATIENCE_MS + AT_ONCE; tries++) {
		int status = 0;
		long r = RAW_4(SYS_wait4, tid, &status, __WALL | WNOHANG, NULL);

		if (r == -ECHILD || (r == tid && !WIFSTOPPED(status)))
			return 0;
		if (r == tid) {
			/* SIGTRAP: no group stop is in force, somebody has ended it */
			if (WSTOPSIG(status) == SIGTRAP)
				shim->continued = true;
			return 1;
		}
		if (tries < AT_ONCE)
			(void)RAW_0(SYS_sched_yield);
		else
			shim_wait_ms(1);
	}
	return fail_moving(shim, tid, process_thread_state(shim, tid));
}

static int seize_thread(struct shim *shim, int tid)
{
	long r = RAW_4(SYS_ptrace, PTRACE_SEIZE, tid, 0, 0);
	int state = process_thread_state(shim, tid);

	if (r == -ESRCH || state == 0 || state == 'Z' || state == 'X')
		return 0;
	if (r == -EPERM && state == 't')
		return 0; /* ours since the last round */
	if (r < 0)
		return shim_fail(shim, (int)-r,
				 "it can't be held: tracing isn't permitted (see swapify(7))",
				 NULL);
	(void)RAW_4(SYS_ptrace, PTRACE_INTERRUPT, tid, 0, 0);
	r = await_trap(shim, tid);
	if (r > 0) {
		r = keep_for_kernel(shim, tid);
		(void)RAW_4(SYS_ptrace, PTRACE_LISTEN, tid, 0, 0);
	}
	return (int)r;
}

/* What ps(1) and the like read of it, and who looks for its image; of the program's own stack. */
static int keep_arguments(struct shim *shim)
{
	uint64_t start, end;

	if (process_stat(shim, 48, &start) || process_stat(shim, 51, &end) || end <= start)
		return 0;
	return regions_keep(shim, start, end - start < ARGUMENTS_MAX ? end - start : ARGUMENTS_MAX);
}

int hold_seize(struct shim *shim)
{
	int r = each_thread(shim, seize_thread);

	/* once more: a thread that was being made while the first round went on */
	if (!r)
		r = each_thread(shim, seize_thread);
	if (!r && shim->life)
		r = regions_keep(shim, (uintptr_t)shim->life, sizeof(*shim->life));
	if (!r)
		r = keep_arguments(shim);
	if (!r && shim->continued)
		r = shim_fail(shim, ECANCELED, "somebody continued it meanwhile (SIGCONT)", NULL);
	return r;
}

static int seize_thread_again(struct shim *shim, int tid)
{
	uint32_t kept = shim->ledger.n_kept;
	int r = seize_thread(shim, tid);

	shim->ledger.n_kept = kept; /* the regions are listed */
	return r;
}

int hold_seize_again(struct shim *shim)
{
	if (shim->barred)
		return 0; /* SIGSTOP holds it */
	return each_thread(shim, seize_thread_again);
}

void hold_look(struct shim *shim)
{
	int status = 0;
	long tid;

	if (shim->barred)
		return; /* nothing is held */
	while ((tid = RAW_4(SYS_wait4, -1, &status, __WALL | WNOHANG, NULL)) > 0) {
		if (!WIFSTOPPED(status))
			continue;
		if (shim_phase(shim) == PHASE_RUNNING)
			/* hold_release didn't live to see it stop, in order to be let go */
			(void)RAW_4(SYS_ptrace, PTRACE_DETACH, tid, 0,
				    status >> 16 ? 0 : WSTOPSIG(status));
		else if (WSTOPSIG(status) == SIGTRAP && status >> 16 == PTRACE_EVENT_STOP)
			shim->continued = shim->wanted = true;
		else
			(void)RAW_4(SYS_ptrace, PTRACE_LISTEN, tid, 0, 0);
	}
}

static int release_thread(struct shim *shim, int tid)
{
	/* a thread that listens has to stop listening before it can be let go */
	if (RAW_4(SYS_ptrace, PTRACE_DETACH, tid, 0, 0) == 0 ||
	    RAW_4(SYS_ptrace, PTRACE_INTERRUPT, tid, 0, 0) != 0)
		return 0;
	if (await_trap(shim, tid) > 0)
		(void)RAW_4(SYS_ptrace, PTRACE_DETACH, tid, 0, 0);
	return 0;
}

void hold_release(struct shim *shim)
{
	if (!shim->barred)
		(void)each_thread(shim, release_thread);
	if (!shim->stopped_before && !shim->continued)
		(void)send_signal(shim, SIGCONT);
	shim->continued = shim->wanted = false;
}

void hold_stop_again(struct shim *shim)
{
	shim->wanted = false;
	if (!shim->continued)
		return;
	(void)send_signal(shim, SIGSTOP);
	shim->continued = false;
}
