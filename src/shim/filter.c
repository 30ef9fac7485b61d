/* SPDX-License-Identifier: MIT */
#include "shim/filter.h"
#include "shim/rawsys.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/kcmp.h>
#include <linux/prctl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define NOBODY INT_MAX /* no pid is that high */

#ifdef SYS_mmap2
#define MMAP SYS_mmap2
#else
#define MMAP SYS_mmap
#endif
#ifdef SYS_ftruncate64
#define FTRUNCATE SYS_ftruncate64
#else
#define FTRUNCATE SYS_ftruncate
#endif
#ifdef SYS_fadvise64_64
#define FADVISE SYS_fadvise64_64
#else
#define FADVISE SYS_fadvise64
#endif
#ifdef SYS_fstatfs64
#define FSTATFS SYS_fstatfs64
#else
#define FSTATFS SYS_fstatfs
#endif

/* All that the helper does for the first time when it swaps, of nobody, of no descriptor, and of
 * no memory */
static const struct {
	const char *name;
	long nr, a, b, c;
} calls[] = {
	{"ptrace", SYS_ptrace, 0x4206 /* PTRACE_SEIZE */, NOBODY, 0},
	{"kcmp", SYS_kcmp, NOBODY, NOBODY, KCMP_VM},
	{"kill", SYS_kill, NOBODY, 0, 0},
	{"pidfd_send_signal", SYS_pidfd_send_signal, -1, SIGSTOP, 0},
	{"wait4", SYS_wait4, NOBODY, 0, WNOHANG | __WALL},
	{"get_robust_list", SYS_get_robust_list, NOBODY, 0, 0},
	{"sched_yield", SYS_sched_yield, 0, 0, 0},
	{"madvise", SYS_madvise, 0, 0, MADV_DONTNEED},
	{"mprotect", SYS_mprotect, 0, 0, PROT_NONE},
	{"mmap", MMAP, 0, 0, 0},
	{"munmap", SYS_munmap, 0, 0, 0},
	{"preadv", SYS_preadv, -1, 0, 0},
	{"pwritev", SYS_pwritev, -1, 0, 0},
	{"fallocate", SYS_fallocate, -1, 0, 0},
	{"ftruncate", FTRUNCATE, -1, 0, 0},
	{"fdatasync", SYS_fdatasync, -1, 0, 0},
	{"sync_file_range", SYS_sync_file_range, -1, 0, 0},
	{"fadvise64", FADVISE, -1, 0, 0},
	{"fstatfs", FSTATFS, -1, 0, 0},
	{"fcntl", SYS_fcntl, -1, F_GETFL, 0},
	{"flock", SYS_flock, -1, 0, 0},
	{"ioctl", SYS_ioctl, -1, 0, 0},
	{"readlinkat", SYS_readlinkat, -1, 0, 0},
	{"unlinkat", SYS_unlinkat, -1, 0, 0},
	{"accept4", SYS_accept4, -1, 0, 0},
	{"getsockopt", SYS_getsockopt, -1, 0, 0},
	{"sendto", SYS_sendto, -1, 0, 0},
};

/* Notes the number of each before it makes it. */
static void try_all(int noted)
{
	const uint64_t one = 1;

	/* no core of it, which has all that the program has in memory */
	(void)RAW_5(SYS_prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		(void)RAW_3(SYS_write, noted, &one, sizeof(one));
		(void)RAW_3(calls[i].nr, calls[i].a, calls[i].b, calls[i].c);
	}
}

/* On memory of its own: before Linux 5.16 who dies of SIGSYS takes all with him who share his. How
 * it ended, as wait4 has it, or -errno. */
static int have_tried(int noted)
{
	long child = RAW_5(SYS_clone, 0, NULL, NULL, NULL, NULL);
	int status = 0;

	if (child == 0) {
		try_all(noted);
		(void)RAW_1(SYS_exit_group, 0);
	}
	if (child > 0)
		child = RAW_4(SYS_wait4, child, &status, __WCLONE, NULL);
	return child < 0 ? (int)child : status;
}

void filter_probe(struct shim *shim)
{
	uint64_t n = 0;
	int noted, status;

	shim->barred = NULL;
	shim->untried = false;
	if (RAW_5(SYS_prctl, PR_GET_SECCOMP, 0, 0, 0, 0) <= 0)
		return;
	noted = (int)RAW_2(SYS_eventfd2, 0, EFD_CLOEXEC | EFD_NONBLOCK);
	status = noted < 0 ? noted : have_tried(noted);
	if (status > 0 && WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		(void)RAW_3(SYS_read, noted, &n, sizeof(n));
	if (noted >= 0)
		(void)RAW_1(SYS_close, noted);
	shim->untried = status && !n;
	shim->barred = n ? calls[n - 1].name : shim->untried ? "any of them" : NULL;
}
