/* SPDX-License-Identifier: MIT */
#include "shim/filter.h"
#include "shim/rawsys.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/kcmp.h>
#include <linux/prctl.h>
#include <sched.h>
#include <signal.h>
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

/* On the helper's memory: what is noted last is what it ended of. */
static void try_all(void *argument)
{
	struct shim *shim = argument;

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		__atomic_store_n(&shim->barred, calls[i].name, __ATOMIC_RELAXED);
		(void)RAW_3(calls[i].nr, calls[i].a, calls[i].b, calls[i].c);
	}
	__atomic_store_n(&shim->barred, NULL, __ATOMIC_RELAXED);
}

void filter_probe(struct shim *shim)
{
	long child;

	shim->barred = NULL;
	if (RAW_5(SYS_prctl, PR_GET_SECCOMP, 0, 0, 0, 0) <= 0)
		return;
	child = raw_clone(CLONE_VM | CLONE_VFORK, shim->io[0].stack + sizeof(shim->io[0].stack),
			  try_all, shim, NULL, NULL);
	if (child > 0)
		(void)RAW_4(SYS_wait4, child, NULL, __WCLONE, NULL);
	else
		shim->barred = "clone";
}
