/* SPDX-License-Identifier: MIT */
/* A thread of another process that we hold by ptrace(2): its registers, and how far it goes. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define TRACEE_REGS_MAX 512	  /* general registers; 272 bytes are the most */
#define TRACEE_EXTENDED_MAX 24576 /* 11 KiB with AVX-512 and AMX; 8.5 KiB of SVE */

enum tracee_stop {
	TRACEE_TRAP,	/* stands still inside the kernel, on its way out; group stops too */
	TRACEE_SYSCALL, /* at the beginning or end of a system call */
	TRACEE_SIGNAL,	/* before a signal, which isn't delivered */
	TRACEE_GONE	/* the process has ended */
};

struct tracee {
	pid_t pid, tid;
	enum tracee_stop stop; /* the last one */
	bool running;	       /* since then */
	bool group_stopped;    /* at the last TRACEE_TRAP */
	uint64_t mask;
	size_t regs_bytes, extended_bytes;
	int extended_type;   /* which set of registers extended is */
	int64_t system_call; /* where that is a register set of its own */
	uint64_t resend;     /* signals from others that we kept from it, by number */
	unsigned char regs[TRACEE_REGS_MAX] __attribute__((aligned(16)));
	unsigned char extended[TRACEE_EXTENDED_MAX] __attribute__((aligned(64)));
};

/* The system call that the thread is about to enter */
struct tracee_call {
	bool is_getppid;
	uint64_t argument; /* the first */
};

/* Takes hold of a thread of the process, and has it stop; tracee_wait for that. 0 or -errno. */
int tracee_seize(pid_t pid, pid_t tid, struct tracee *ret);

/* Waits until it stops, no longer than clock_now_ns() is end_ns. 0, -ETIMEDOUT or -errno. */
int tracee_wait(struct tracee *tracee, uint64_t end_ns, enum tracee_stop *ret);

/* From a stop on to the next, at a system call at the latest; drops a signal it stands before. */
int tracee_resume(struct tracee *tracee);

/* At a TRACEE_TRAP: remembers registers and signal mask. -ENOTSUP where they are unknown to us. */
int tracee_save(struct tracee *tracee);

/* After that: it will go on at pc with the stack at sp, signals blocked but for faults, and without
 * the system call being made again that it was in. */
int tracee_divert(struct tracee *tracee, uint64_t pc, uint64_t sp);

/* At a TRACEE_SYSCALL. Where it's the end of one, it's no getppid. */
int tracee_call(struct tracee *tracee, struct tracee_call *ret);

/* From any stop, or on the run: puts back what was remembered, so that it goes on as if nothing had
 * been. A system call that it is about to enter becomes getppid(2). 0, -ETIMEDOUT, or -errno. */
int tracee_restore(struct tracee *tracee, uint64_t end_ns);

/* Lets go of it; it stands stopped then (T), whatever came meanwhile. */
void tracee_release(struct tracee *tracee);
