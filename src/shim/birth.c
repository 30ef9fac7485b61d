/* SPDX-License-Identifier: MIT */
#include "shim/birth.h"
#include "shim/helper.h"
#include "shim/rawsys.h"

#include <errno.h>
#include <linux/futex.h>
#include <linux/prctl.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#define DISMISS_PATIENCE_S 2

struct shim *the_shim;

static void helper_main(void *argument)
{
	helper_run(argument);
	(void)RAW_1(SYS_exit_group, 0);
}

/* Between the program and the helper, so that nobody has to wait for the helper: it is init's. */
static void between_main(void *argument)
{
	struct shim *shim = argument;

	shim->helper_gone = 1; /* the kernel clears it when the helper has left the memory */
	if (raw_clone(CLONE_VM | SIGCHLD, shim->helper_stack + sizeof(shim->helper_stack),
		      helper_main, shim, &shim->helper, &shim->helper_gone) < 0)
		shim->helper = shim->helper_gone = 0;
}

int birth(struct shim *shim)
{
	const uint64_t all = UINT64_MAX;
	uint64_t before = 0;
	long child;

	/* a handler of the program must not run in a process that isn't the program */
	(void)RAW_4(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, sizeof(all));
	child = raw_clone(CLONE_VM | CLONE_VFORK, shim->io[0].stack + sizeof(shim->io[0].stack),
			  between_main, shim, NULL, NULL);
	if (child > 0)
		(void)RAW_4(SYS_wait4, child, NULL, __WCLONE, NULL);
	if (child > 0 && shim->helper > 0)
		/* Yama: a process may be traced by its ancestors only, or by whom it names */
		(void)RAW_5(SYS_prctl, PR_SET_PTRACER, shim->helper, 0, 0, 0);
	(void)RAW_4(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, sizeof(before));
	return child < 0 ? (int)child : 0;
}

static bool is_gone(const struct shim *shim)
{
	return !__atomic_load_n(&shim->helper_gone, __ATOMIC_ACQUIRE);
}

/* It may have ended by itself, and its number be another's by now: what was opened before it was
 * seen to be there is its own. A filter for system calls that the program has given itself knows
 * less of pidfd_open than of kill. */
static void signal_helper(const struct shim *shim, int signal)
{
	long fd = RAW_5(SYS_prctl, PR_GET_SECCOMP, 0, 0, 0, 0) > 0
			  ? -EPERM
			  : RAW_2(SYS_pidfd_open, shim->helper, 0);

	if (!is_gone(shim)) {
		if (fd >= 0)
			(void)RAW_4(SYS_pidfd_send_signal, fd, signal, NULL, 0);
		else
			(void)RAW_2(SYS_kill, shim->helper, signal);
	}
	if (fd >= 0)
		(void)RAW_1(SYS_close, fd);
}

void birth_dismiss(struct shim *shim)
{
	const struct timespec patience = {.tv_sec = DISMISS_PATIENCE_S};
	int tid;

	if (shim->helper <= 0)
		return;
	if (!is_gone(shim))
		signal_helper(shim, SIGUSR1);
	while ((tid = __atomic_load_n(&shim->helper_gone, __ATOMIC_ACQUIRE)) != 0)
		if (RAW_4(SYS_futex, &shim->helper_gone, FUTEX_WAIT, tid, &patience) < 0 &&
		    !is_gone(shim))
			signal_helper(shim, SIGKILL);
	shim->helper = 0;
}

void birth_again(void)
{
	struct shim *shim = the_shim;
	/* two may have had the same thought, one after the other */
	int r = is_gone(shim) ? birth(shim) : 0;

	for (;;)
		(void)RAW_1(SYS_getppid, -r);
}
