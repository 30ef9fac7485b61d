/* SPDX-License-Identifier: MIT */
#include "sys/syscallfilter.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/kcmp.h>
#include <linux/ptrace.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#ifndef PR_SET_VMA /* Linux 5.17 */
#define PR_SET_VMA 0x53564d41
#endif

/* ioctl(2) by number, where the headers are too old or don't go together */
#define IOCTL_TCGETS 0x5401
#define IOCTL_TCGETS2 0x802c542a
#define IOCTL_FIEMAP 0xc020660b
#define IOCTL_PAGEMAP_SCAN 0xc0606610

/* All name spaces but that of time, whose flag clone(2) takes for a signal */
#define CLONE_NEW_ANY                                                                  \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | \
	 CLONE_NEWPID | CLONE_NEWNET)

/*
 * Calls that came after Linux 5.17 (set_mempolicy_home_node, 450) have been judged by nobody. Each
 * new libc tries some of them and does without where the kernel has none: so it has none. Numbers
 * are the same on all kinds of machines from 424 on.
 */
#define NEW_CALLS_FIRST 451
#define NEW_CALLS_LAST 511

#define CODE_MAX 2048 /* instructions; it has some 350 */

struct call {
	int number; /* below 0: not on this kind of machine, which libseccomp passes over */
	unsigned n_args;
	struct scmp_arg_cmp arg;
};

/* clang-format off */
/* The kernel takes these arguments for 32 bits wide; what stands above is of no matter. */
#define ANY(name) {SCMP_SYS(name), 0, {0, SCMP_CMP_EQ, 0, 0}}
#define ONLY(name, index, value) {SCMP_SYS(name), 1, {index, SCMP_CMP_MASKED_EQ, UINT32_MAX, (uint32_t)(value)}}
#define WITHOUT(name, index, bits) {SCMP_SYS(name), 1, {index, SCMP_CMP_MASKED_EQ, (uint32_t)(bits), 0}}

/* Where a call has an older or a younger sister that does the same, libc may take either. */
static const struct call allowed[] = {
	/* What lies in /proc and in directories: open, look, read, list */
	ANY(open), ANY(openat), ANY(close), ANY(close_range), ANY(read), ANY(readv), ANY(pread64), ANY(preadv),
	ANY(preadv2), ANY(lseek), ANY(getdents64), ANY(readlink), ANY(readlinkat), ANY(stat), ANY(lstat), ANY(fstat),
	ANY(newfstatat), ANY(statx), ANY(statfs), ANY(fstatfs), ANY(access), ANY(faccessat), ANY(faccessat2),
	ANY(getcwd), ANY(fcntl), ANY(dup), ANY(dup2), ANY(dup3), ANY(fadvise64), ANY(readahead),
	ONLY(ioctl, 1, IOCTL_TCGETS),		/* stdio: is it a terminal? */
	ONLY(ioctl, 1, IOCTL_TCGETS2),		/* the same from glibc 2.42 on */
	ONLY(ioctl, 1, IOCTL_PAGEMAP_SCAN),	/* which pages are resident, which are swapped */

	/* Write: the log, the lock, the pid file, /proc/pressure/memory, oom_score_adj */
	ANY(write), ANY(writev), ANY(pwrite64), ANY(pwritev), ANY(pwritev2), ANY(flock), ANY(fchmod), ANY(fchmodat),
	ANY(ftruncate), ANY(fsync), ANY(fdatasync), ANY(umask),

	/* Swap files and images: made, named, given room and taken away */
	ANY(fallocate), ANY(link), ANY(linkat), ANY(unlink), ANY(unlinkat), ANY(rename), ANY(renameat), ANY(renameat2),
	ANY(mkdir), ANY(mkdirat), ANY(rmdir), ANY(swapon), ANY(swapoff), ANY(sync_file_range), ANY(syncfs),
	ONLY(ioctl, 1, FS_IOC_GETFLAGS), ONLY(ioctl, 1, FS_IOC_SETFLAGS),	/* no copy on write, for btrfs */
	ONLY(ioctl, 1, FS_IOC_FSGETXATTR),
	ONLY(ioctl, 1, IOCTL_FIEMAP),						/* has it holes? */

	/* Its own memory: nothing becomes executable. Files are mapped to be read and locked. */
	ANY(brk), WITHOUT(mmap, 2, PROT_EXEC), WITHOUT(mprotect, 2, PROT_EXEC), ANY(munmap), ANY(mremap), ANY(madvise),
	ANY(mincore), ANY(mlock), ANY(mlock2), ANY(munlock), ANY(mlockall), ANY(munlockall),
	ONLY(prctl, 0, PR_SET_VMA),		/* libc names its areas */

	/* The memory of others: moved out and back, and looked at */
	ANY(pidfd_open),
	ONLY(process_madvise, 3, MADV_WILLNEED), ONLY(process_madvise, 3, MADV_COLD),
	ONLY(process_madvise, 3, MADV_PAGEOUT),
	ANY(process_vm_readv), ONLY(kcmp, 2, KCMP_VM),

	/* A swapped program whose helper was killed is made to start another one, sys/tracee.c: its
	 * registers are set, its memory isn't written to */
	ONLY(ptrace, 0, PTRACE_SEIZE), ONLY(ptrace, 0, PTRACE_INTERRUPT), ONLY(ptrace, 0, PTRACE_SYSCALL),
	ONLY(ptrace, 0, 7 /* PTRACE_CONT */), ONLY(ptrace, 0, 17 /* PTRACE_DETACH */),
	ONLY(ptrace, 0, PTRACE_GETREGSET), ONLY(ptrace, 0, PTRACE_SETREGSET), ONLY(ptrace, 0, PTRACE_GETSIGINFO),
	ONLY(ptrace, 0, PTRACE_GETSIGMASK), ONLY(ptrace, 0, PTRACE_SETSIGMASK),
	ONLY(ptrace, 0, PTRACE_GET_SYSCALL_INFO),

	/* Attached programs, syslog and the service manager, all at local sockets */
	ONLY(socket, 0, AF_UNIX), ONLY(socketpair, 0, AF_UNIX), ANY(connect), ANY(sendto), ANY(sendmsg), ANY(recvfrom),
	ANY(recvmsg), ANY(shutdown), ANY(getsockopt), ANY(setsockopt), ANY(getsockname), ANY(getpeername),

	/* The loop */
	ANY(epoll_create1), ANY(epoll_ctl), ANY(epoll_wait), ANY(epoll_pwait), ANY(epoll_pwait2), ANY(poll), ANY(ppoll),
	ANY(select), ANY(pselect6), ANY(eventfd2), ANY(signalfd4), ANY(timerfd_create), ANY(timerfd_settime),
	ANY(timerfd_gettime), ANY(alarm), ANY(setitimer), ANY(pipe), ANY(pipe2), ANY(clock_gettime),
	ANY(clock_getres), ANY(clock_nanosleep), ANY(nanosleep), ANY(gettimeofday), ANY(time),

	/* Threads, and children that do what may take long: swapoff, starting a helper anew. Flags of
	 * clone3 lie in memory, where no filter sees them: libc is sent to clone */
	WITHOUT(clone, 0, CLONE_NEW_ANY), ANY(fork), ANY(vfork), ANY(wait4), ANY(waitid), ANY(exit), ANY(exit_group),
	ANY(futex), ANY(set_robust_list), ANY(get_robust_list), ANY(set_tid_address), ANY(rseq), ANY(membarrier),
	ANY(sched_yield), ANY(sched_getaffinity), ANY(sched_getparam), ANY(sched_getscheduler), ANY(getcpu),
	ONLY(prctl, 0, PR_SET_NAME), ONLY(prctl, 0, PR_SET_PDEATHSIG),

	/* Signals: SIGSTOP to what must not run yet, the end to a child that is of no use any more */
	ANY(rt_sigaction), ANY(rt_sigprocmask), ANY(rt_sigreturn), ANY(rt_sigtimedwait), ANY(rt_sigpending),
	ANY(sigaltstack), ANY(restart_syscall), ANY(kill), ANY(tgkill), ANY(pidfd_send_signal),

	/* Who am I, what may I, how large is the machine */
	ANY(getpid), ANY(gettid), ANY(getppid), ANY(getpgrp), ANY(getpgid), ANY(getsid), ANY(getuid), ANY(geteuid),
	ANY(getgid), ANY(getegid), ANY(getresuid), ANY(getresgid), ANY(capget), ANY(uname), ANY(sysinfo), ANY(getrandom),
	ANY(getrlimit), ANY(getrusage), ANY(times), ANY(getpriority),
	ONLY(prlimit64, 0, 0),			/* its own limits only */
};
/* clang-format on */

static int allow_listed(scmp_filter_ctx filter)
{
	for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++) {
		const struct call *call = &allowed[i];
		int r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call->number, call->n_args,
					       call->n_args > 0 ? &call->arg : NULL);

		if (r < 0)
			return r;
	}
	return 0;
}

static int deny_new(scmp_filter_ctx filter)
{
	int r = 0;

	for (int number = NEW_CALLS_FIRST; r == 0 && number <= NEW_CALLS_LAST; number++)
		r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), number, 0);
	return r;
}

static int fill(scmp_filter_ctx filter, enum syscallfilter_action action)
{
	uint32_t other = action == SYSCALLFILTER_KILL ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_LOG;
	int r = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, other);

	if (r == 0) /* a binary tree: what a call costs doesn't grow with the list */
		r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (r == 0)
		r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	if (r == 0)
		r = allow_listed(filter);
	/* a log shall show them */
	return r == 0 && action == SYSCALLFILTER_KILL ? deny_new(filter) : r;
}

static bool machine_is_known(void)
{
	uint32_t arch = seccomp_arch_native();

	return arch == SCMP_ARCH_X86_64 || arch == SCMP_ARCH_AARCH64;
}

static int write_filter(enum syscallfilter_action action, int fd)
{
	scmp_filter_ctx filter;
	int r;

	if (!machine_is_known())
		return -ENOTSUP;
	filter = seccomp_init(action == SYSCALLFILTER_KILL ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_LOG);
	if (!filter)
		return -ENOMEM;
	r = fill(filter, action);
	if (r == 0)
		r = seccomp_export_bpf(filter, fd);
	seccomp_release(filter);
	return r;
}

/* In a child: what the library touches would stay resident in a process that locks its memory. */
static pid_t start_writing(enum syscallfilter_action action, int fd)
{
	pid_t child = fork();

	if (child == 0)
		_exit(-write_filter(action, fd));
	return child < 0 ? -errno : child;
}

/* 0 or -errno: of the child, or for its not having come to an end. */
static int wait_for(pid_t child)
{
	int status;
	pid_t got;

	do
		got = waitpid(child, &status, 0);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -ECHILD;
}

static int load(struct sock_fprog *program)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	/* also for the threads that run already */
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, program) != 0)
		return errno ? -errno : -EBUSY; /* the number of a thread that has other filters */
	return 0;
}

int syscallfilter_install(enum syscallfilter_action action)
{
	struct sock_filter code[CODE_MAX];
	struct sock_fprog program = {.filter = code};
	_cleanup_close_ int out = -1, in = -1;
	ssize_t n;
	int fds[2], r;
	pid_t child;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	in = fds[0];
	out = fds[1];
	child = start_writing(action, out);
	if (child < 0)
		return child;
	r = wait_for(child); /* it fits into the pipe, pipe(7) */
	if (r < 0)
		return r;
	n = read(in, code, sizeof code);
	if (n <= 0 || n == sizeof code || (size_t)n % sizeof *code != 0)
		return n < 0 ? -errno : -EBADMSG;
	program.len = (unsigned short)((size_t)n / sizeof *code);
	errno = 0;
	return load(&program);
}
