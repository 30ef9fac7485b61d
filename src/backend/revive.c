/* SPDX-License-Identifier: MIT */
#include "backend/revive.h"

#include "base/cleanup.h"
#include "base/units.h"
#include "sys/clock.h"
#include "sys/pidpin.h"
#include "sys/procfs.h"
#include "sys/procstat.h"
#include "sys/tracee.h"

#include <errno.h>
#include <signal.h>
#include <sys/stat.h>

#define RUN_NS (5 * NS_PER_S)	 /* for what the function does */
#define SETTLE_NS (2 * NS_PER_S) /* for putting the thread back */
#define SYSCALL_STOPS_MAX 200
#define SIGNALS_MAX 8

static int say(struct text *why, int error, const char *sentence)
{
	text_add(why, sentence);
	return -error;
}

static int gone(struct text *why)
{
	return say(why, ESRCH, "the program has ended");
}

/* Stopped, and the very process that was swapped: the thread of it that is to do it, or -errno. */
static pid_t check(pid_t pid, const struct image_header *header, struct text *why)
{
	struct procstat_units units = procstat_units();
	struct proc_facts facts = {0};
	struct procfs procfs;
	char text[1024], state = 'Z';
	pid_t tid = 0;
	ssize_t n;
	int r = procfs_open("/proc", &procfs);

	if (r < 0)
		return say(why, -r, "/proc can't be read");
	n = procfs_read(&procfs, pid, "stat", text, sizeof text);
	r = n < 0 ? 0 : procstat_parse(text, (size_t)n, &units, &facts);
	if (n >= 0 && r == 0)
		tid = procstat_living_thread(&procfs, &facts, &state);
	procfs_close(&procfs);
	if (r < 0)
		return say(why, EIO, "its state can't be read");
	if (tid == 0 || facts.id.start_ticks != header->start_ticks)
		return gone(why);
	if (state == 't')
		return say(why, EBUSY, "it is being traced");
	return state == 'T' ? tid : say(why, EBUSY, "it isn't stopped");
}

static int say_not_seized(struct text *why, int error)
{
	if (error == ESRCH)
		return gone(why);
	if (error == EPERM)
		return say(why, error,
			   "it may not be traced: it has a tracer, or kernel.yama.ptrace_scope "
			   "forbids it to all but root");
	return say(why, error, "it can't be traced");
}

/* What a stop of the thread means for us */
enum step { STEP_ON, STEP_DONE, STEP_FAILED };

struct run {
	struct tracee *tracee;
	unsigned syscall_stops, signals;
	int result; /* of the function */
	struct text *why;
};

static enum step refuse(struct run *run, int error, const char *sentence)
{
	run->result = say(run->why, error, sentence);
	return STEP_FAILED;
}

static enum step at_syscall(struct run *run)
{
	struct tracee_call call;

	if (++run->syscall_stops > SYSCALL_STOPS_MAX)
		return refuse(run, EIO, "starting a helper takes more system calls than it should");
	if (tracee_call(run->tracee, &call) < 0)
		return refuse(run, EIO, "its system calls can't be seen");
	if (!call.is_getppid)
		return STEP_ON;
	if (call.argument != 0)
		return refuse(run, call.argument < 4096 ? (int)call.argument : EIO,
			      "it can't start another helper");
	run->result = 0;
	return STEP_DONE;
}

/*
 * A SIGSEGV before the first system call comes of rseq(2): each time a thread returns to its code,
 * the kernel writes to an area of the thread's, and that can't be got at.
 */
static enum step at_signal(struct run *run)
{
	if (++run->signals <= SIGNALS_MAX)
		return STEP_ON;
	return refuse(run, EIO,
		      run->syscall_stops > 0
			      ? "the function of the shim for it crashes"
			      : "its thread can't run at all: its code, or its area for "
				"rseq(2), isn't in memory");
}

static enum step at_stop(struct run *run, enum tracee_stop stop)
{
	switch (stop) {
	case TRACEE_TRAP: return STEP_ON;
	case TRACEE_SYSCALL: return at_syscall(run);
	case TRACEE_SIGNAL: return at_signal(run);
	case TRACEE_GONE: break;
	}
	return refuse(run, ESRCH, "the program has ended");
}

/* Lets the thread run until the function has ended. */
static void run_function(struct run *run)
{
	uint64_t end_ns = clock_now_ns() + RUN_NS;
	enum step step = STEP_ON;

	while (step == STEP_ON) {
		enum tracee_stop stop;
		int r = tracee_resume(run->tracee);

		if (r == 0)
			r = tracee_wait(run->tracee, end_ns, &stop);
		if (r == 0)
			step = at_stop(run, stop);
		else if (r == -ETIMEDOUT)
			step = refuse(run, ETIMEDOUT, "starting a helper takes too long");
		else
			step = r == -ESRCH ? refuse(run, ESRCH, "the program has ended")
					   : refuse(run, -r, "it can't be traced any further");
	}
}

/* Everything between the first and the last look at the thread's registers */
static int borrow_thread(struct tracee *tracee, const struct image_header *header, struct text *why)
{
	struct run run = {.tracee = tracee, .why = why};
	int r = tracee_save(tracee);

	if (r == -ENOTSUP)
		return say(why, -r, "it is of another kind of machine; use a swap of that kind");
	if (r < 0)
		return r == -ESRCH ? gone(why) : say(why, -r, "its registers can't be read");
	r = tracee_divert(tracee, header->revive_pc, header->revive_sp);
	if (r < 0)
		run.result = say(why, -r, "its registers can't be set");
	else
		run_function(&run);
	r = tracee_restore(tracee, clock_now_ns() + SETTLE_NS);
	if (r == 0 || r == -ESRCH)
		return r < 0 && run.result == 0 ? gone(why) : run.result;
	text_add(why, run.result < 0 ? "; and its " : "its ");
	return say(why, -r, "registers could not be put back: when it goes on it will crash");
}

/* While it is held it can't exec: the kernel gives to root what has rights of its own. */
static bool is_of(pid_t pid, uid_t uid)
{
	char path[32];
	struct text text = TEXT_OVER(path);
	struct stat stat_info;

	text_addf(&text, "/proc/%d/stat", pid);
	return stat(path, &stat_info) == 0 && stat_info.st_uid == uid;
}

static int revive_traced(pid_t pid, pid_t tid, const struct image_header *header, struct text *why)
{
	uint64_t end_ns = clock_now_ns() + SETTLE_NS;
	enum tracee_stop stop = TRACEE_GONE;
	struct tracee tracee;
	int r = tracee_seize(pid, tid, &tracee);

	if (r < 0)
		return say_not_seized(why, -r);
	r = tracee_wait(&tracee, end_ns, &stop);
	if (r < 0)
		r = say(why, -r, "it can't be brought to a stop");
	else if (stop != TRACEE_TRAP)
		r = stop == TRACEE_GONE ? gone(why) : say(why, EBUSY, "it isn't stopped");
	else if (!is_of(pid, header->uid))
		r = say(why, EPERM, "it has other rights than the user whose image this is");
	else
		r = borrow_thread(&tracee, header, why);
	tracee_release(&tracee);
	return r;
}

int revive(pid_t pid, const struct image_header *header, struct text *why)
{
	_cleanup_close_ int pidfd = pidpin_open(pid);
	sigset_t all, before;
	pid_t tid;
	int r;

	if (pidfd < 0)
		return pidfd == -ESRCH ? gone(why) : say(why, -pidfd, "it can't be held on to");
	tid = check(pid, header, why);
	if (tid < 0)
		return tid;
	/* who ends us in between would leave the thread with the wrong registers */
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &before);
	r = revive_traced(pid, tid, header, why);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	if (r < 0 && !pidpin_alive(pidfd)) {
		*why = text_over(why->buf, why->cap);
		return gone(why);
	}
	return r;
}
