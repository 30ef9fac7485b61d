/* SPDX-License-Identifier: MIT */
#include "sys/tracee.h"

#include "base/units.h"
#include "sys/clock.h"
#include "sys/machregs.h"

#include <elf.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/ptrace.h> /* its PTRACE_ constants agree with those of <sys/ptrace.h> */
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* glibc's wrapper in <sys/ptrace.h> can't be had beside <linux/ptrace.h> */
static int trace(int request, pid_t tid, uintptr_t address, void *data)
{
	return syscall(SYS_ptrace, request, tid, address, data) < 0 ? -errno : 0;
}

/* -- sets of registers ------------------------------------------------------------------------- */

static int get_set(const struct tracee *tracee, int type, void *buf, size_t cap, size_t *ret_bytes)
{
	struct iovec part = {.iov_base = buf, .iov_len = cap};
	int r = trace(PTRACE_GETREGSET, tracee->tid, (uintptr_t)type, &part);

	if (r < 0)
		return r;
	/* cut off, maybe */
	if (part.iov_len == cap)
		return -ENOTSUP;
	*ret_bytes = part.iov_len;
	return 0;
}

static int put_set(const struct tracee *tracee, int type, const void *buf, size_t bytes)
{
	struct iovec part = {.iov_base = (void *)(uintptr_t)buf, .iov_len = bytes};

	return trace(PTRACE_SETREGSET, tracee->tid, (uintptr_t)type, &part);
}

/* What vectors and floats are in: the first set that the machine has says all of it. */
static int save_extended(struct tracee *tracee)
{
	int r = -ENOTSUP;

	for (size_t i = 0; i < MACHREGS_N_EXTENDED; i++) {
		tracee->extended_type = machregs_extended[i];
		r = get_set(tracee, machregs_extended[i], tracee->extended, sizeof tracee->extended,
			    &tracee->extended_bytes);
		if (r == 0 || r == -ESRCH)
			return r;
	}
	return r;
}

#if defined(__aarch64__)

static int get_system_call(struct tracee *tracee)
{
	char buf[16];
	size_t bytes;
	int number, r = get_set(tracee, NT_ARM_SYSTEM_CALL, buf, sizeof buf, &bytes);

	if (r < 0)
		return r;
	memcpy(&number, buf, sizeof number);
	tracee->system_call = number;
	return 0;
}

static int put_system_call(const struct tracee *tracee, int64_t number)
{
	int narrow = (int)number;

	return put_set(tracee, NT_ARM_SYSTEM_CALL, &narrow, sizeof narrow);
}

static int set_call(struct tracee *tracee, uint32_t number)
{
	return put_system_call(tracee, number);
}

#else

static int get_system_call(struct tracee *tracee)
{
	tracee->system_call = -1;
	return 0;
}

static int put_system_call(const struct tracee *tracee, int64_t number)
{
	(void)tracee;
	(void)number;
	return 0;
}

static int set_call(struct tracee *tracee, uint32_t number)
{
	unsigned char regs[TRACEE_REGS_MAX] __attribute__((aligned(16)));
	size_t bytes = 0;
	int r = get_set(tracee, NT_PRSTATUS, regs, sizeof regs, &bytes);

	if (r < 0)
		return r;
	machregs_set_call(regs, bytes, number);
	return put_set(tracee, NT_PRSTATUS, regs, bytes);
}

#endif

/* -- stops ------------------------------------------------------------------------------------- */

int tracee_seize(pid_t pid, pid_t tid, struct tracee *ret)
{
	int r;

	*ret = (struct tracee){.pid = pid, .tid = tid, .running = true};
	r = trace(PTRACE_SEIZE, tid, 0, (void *)(uintptr_t)PTRACE_O_TRACESYSGOOD);
	if (r < 0)
		return r;
	/* where it stands in a group stop already, this is the same stop */
	r = trace(PTRACE_INTERRUPT, tid, 0, NULL);
	return r == -ESRCH ? 0 : r; /* it's gone: that is seen when it's waited for */
}

static enum tracee_stop classify(int status)
{
	if (!WIFSTOPPED(status))
		return TRACEE_GONE;
	if (status >> 16 == PTRACE_EVENT_STOP)
		return TRACEE_TRAP;
	return WSTOPSIG(status) == (SIGTRAP | 0x80) ? TRACEE_SYSCALL : TRACEE_SIGNAL;
}

/* Somebody else's signal isn't lost by our dropping it. */
static void note_signal(struct tracee *tracee, int number)
{
	siginfo_t info = {0};

	if (number > 0 && number < 64 && trace(PTRACE_GETSIGINFO, tracee->tid, 0, &info) == 0 &&
	    info.si_code <= 0)
		tracee->resend |= UINT64_C(1) << number;
}

int tracee_wait(struct tracee *tracee, uint64_t end_ns, enum tracee_stop *ret)
{
	/* short at first: a stop is a matter of microseconds */
	struct timespec pause = {.tv_nsec = 20 * (long)NS_PER_US};
	int status;
	pid_t got;

	while ((got = waitpid(tracee->tid, &status, __WALL | WNOHANG)) == 0) {
		if (clock_now_ns() >= end_ns)
			return -ETIMEDOUT;
		(void)nanosleep(&pause, NULL);
		if (pause.tv_nsec < (long)NS_PER_MS)
			pause.tv_nsec += pause.tv_nsec / 8;
	}
	if (got < 0 && errno != ECHILD)
		return -errno;
	tracee->stop = got < 0 ? TRACEE_GONE : classify(status);
	tracee->running = false;
	/* "group-stop" under PTRACE_SEIZE, ptrace(2) */
	if (tracee->stop == TRACEE_TRAP)
		tracee->group_stopped = WSTOPSIG(status) != SIGTRAP;
	if (tracee->stop == TRACEE_SIGNAL)
		note_signal(tracee, WSTOPSIG(status));
	*ret = tracee->stop;
	return 0;
}

static int go_on(struct tracee *tracee, int request)
{
	int r = trace(request, tracee->tid, 0, NULL);

	if (r == 0)
		tracee->running = true;
	return r;
}

int tracee_resume(struct tracee *tracee)
{
	return go_on(tracee, PTRACE_SYSCALL);
}

int tracee_save(struct tracee *tracee)
{
	int r = get_set(tracee, NT_PRSTATUS, tracee->regs, sizeof tracee->regs,
			&tracee->regs_bytes);

	if (r == 0 && !machregs_known(tracee->regs_bytes))
		r = -ENOTSUP;
	if (r == 0)
		r = save_extended(tracee);
	if (r == 0)
		r = get_system_call(tracee);
	if (r == 0)
		r = trace(PTRACE_GETSIGMASK, tracee->tid, sizeof tracee->mask, &tracee->mask);
	return r;
}

/* Those of faults stay open: the kernel, where it has to force a blocked one upon a thread, forgets
 * the program's handler for it. They come to us instead. */
static uint64_t blocked_mask(void)
{
	static const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS};
	uint64_t mask = UINT64_MAX;

	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
		mask &= ~(UINT64_C(1) << (faults[i] - 1));
	return mask;
}

int tracee_divert(struct tracee *tracee, uint64_t pc, uint64_t sp)
{
	unsigned char regs[TRACEE_REGS_MAX] __attribute__((aligned(16)));
	uint64_t mask = blocked_mask();
	int r;

	memcpy(regs, tracee->regs, sizeof regs);
	if (!machregs_divert(regs, tracee->regs_bytes, pc, sp))
		return -EINVAL;
	r = trace(PTRACE_SETSIGMASK, tracee->tid, sizeof mask, &mask);
	if (r == 0)
		r = put_set(tracee, NT_PRSTATUS, regs, tracee->regs_bytes);
	return r < 0 ? r : put_system_call(tracee, -1);
}

/* 0 where we don't know the machine */
static uint32_t getppid_number(uint32_t arch)
{
	switch (arch) {
	case AUDIT_ARCH_X86_64: return 110;
	case AUDIT_ARCH_I386: return 64;
	case AUDIT_ARCH_AARCH64: return 173;
	default: return 0;
	}
}

/* Kernels have this since 5.3, as pidfds. */
static int call_info(struct tracee *tracee, struct ptrace_syscall_info *ret)
{
	memset(ret, 0, sizeof *ret);
	return trace(PTRACE_GET_SYSCALL_INFO, tracee->tid, sizeof *ret, ret);
}

int tracee_call(struct tracee *tracee, struct tracee_call *ret)
{
	struct ptrace_syscall_info info;
	int r = call_info(tracee, &info);

	if (r < 0)
		return r;
	*ret = (struct tracee_call){0};
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
		ret->is_getppid = info.entry.nr == getppid_number(info.arch);
		ret->argument = info.entry.args[0];
	}
	return 0;
}

/* -- the way back ------------------------------------------------------------------------------ */

/* getppid does nothing, and a seccomp filter that kills for it is rare: one that kills for a call
 * of no number, as a call that is left out has, isn't. */
static int make_call_harmless(struct tracee *tracee)
{
	struct ptrace_syscall_info info;
	uint32_t number;
	int r = call_info(tracee, &info);

	if (r < 0 || info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return r < 0 ? r : 0;
	number = getppid_number(info.arch);
	return number == 0 || info.entry.nr == number ? 0 : set_call(tracee, number);
}

/*
 * Brings it to a TRACEE_TRAP. Registers put back anywhere else would do harm: only on the way out
 * of that stop the kernel looks whether a system call that was interrupted, as those of a stopped
 * thread mostly are, has to be made again; from elsewhere the program would get its -ERESTART*.
 */
static int to_trap(struct tracee *tracee, uint64_t end_ns)
{
	int r = tracee->stop == TRACEE_GONE ? -ESRCH : 0;

	while (r == 0 && (tracee->running || tracee->stop != TRACEE_TRAP)) {
		enum tracee_stop stop = TRACEE_GONE;

		if (!tracee->running && tracee->stop == TRACEE_SYSCALL)
			r = make_call_harmless(tracee);
		if (r == 0)
			r = trace(PTRACE_INTERRUPT, tracee->tid, 0, NULL);
		if (r == 0 && !tracee->running)
			r = go_on(tracee, PTRACE_CONT);
		if (r == 0)
			r = tracee_wait(tracee, end_ns, &stop);
		if (r == 0 && stop == TRACEE_GONE)
			r = -ESRCH;
	}
	return r;
}

int tracee_restore(struct tracee *tracee, uint64_t end_ns)
{
	int r = to_trap(tracee, end_ns);

	if (r == 0)
		r = put_set(tracee, NT_PRSTATUS, tracee->regs, tracee->regs_bytes);
	if (r == 0)
		r = put_set(tracee, tracee->extended_type, tracee->extended,
			    tracee->extended_bytes);
	if (r == 0)
		r = put_system_call(tracee, tracee->system_call);
	if (r == 0)
		r = trace(PTRACE_SETSIGMASK, tracee->tid, sizeof tracee->mask, &tracee->mask);
	return r;
}

void tracee_release(struct tracee *tracee)
{
	if (tracee->stop == TRACEE_GONE)
		return;
	/* SIGCONT came meanwhile: it must not run before its memory is back. Else the group stop is
	 * still in effect, and takes it in again. */
	if (tracee->running || !tracee->group_stopped)
		(void)kill(tracee->pid, SIGSTOP);
	(void)trace(PTRACE_DETACH, tracee->tid, 0, NULL);
	for (int number = 1; number < 64; number++)
		if (tracee->resend & (UINT64_C(1) << number))
			(void)syscall(SYS_tgkill, tracee->pid, tracee->tid, number);
}
