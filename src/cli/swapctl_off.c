/* SPDX-License-Identifier: MIT */
#include "cli/swapctl_off.h"

#include "base/text.h"
#include "base/units.h"
#include "sys/swapfile.h"
#include "sys/swaps.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define SHOW_EVERY_NS ((long)(200 * NS_PER_MS)) /* as fast as one can read it */

/* Ends with the error as its status. A signal that ends it makes the kernel give up and leave the
 * area as it is. */
static void __attribute__((noreturn))
run_child(const char *path, const sigset_t *mask, pid_t parent)
{
	int r = 0;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		r = -EINTR;
	(void)sigprocmask(SIG_SETMASK, mask, NULL);
	if (r == 0)
		r = swapfile_off(path);
	_exit(-r);
}

/* *most_bytes is what it was at first. */
static void show_progress(const struct context *context, const char *path, uint64_t *most_bytes)
{
	struct swaps *swaps = malloc(sizeof *swaps);
	const struct swap_area *area = NULL;

	if (swaps && swaps_read(&context->proc, swaps) == 0)
		area = swaps_find(swaps, path);
	if (area) {
		*most_bytes = u64_max(*most_bytes, area->used_bytes);
		(void)fprintf(stderr, "\r%s: %s of %s still to be read back ", path,
			      FMT_BYTES(area->used_bytes), FMT_BYTES(*most_bytes));
	}
	free(swaps);
}

static void erase_progress(const char *path)
{
	(void)fprintf(stderr, "\r%*s\r", (int)strlen(path) + 56, "");
}

/* Until the child is done. The kernel looks for a signal only between one process and the next
 * whose memory it reads back, so that it may go on for a while. */
static int watch(const struct context *context, const char *path, const sigset_t *signals,
		 pid_t child)
{
	const struct timespec timeout = {.tv_nsec = SHOW_EVERY_NS};
	bool show = isatty(STDERR_FILENO), shown = false;
	uint64_t most_bytes = 0;
	int status, error;
	pid_t ended;

	while ((ended = waitpid(child, &status, WNOHANG)) == 0) {
		int signal = sigtimedwait(signals, NULL, show ? &timeout : NULL);

		/* it wasn't waited for since: nobody else can have its number */
		if (signal > 0 && signal != SIGCHLD)
			(void)kill(child, SIGKILL);
		if (signal < 0 && errno == EAGAIN) {
			show_progress(context, path, &most_bytes);
			shown = true;
		}
	}
	error = errno;
	if (shown)
		erase_progress(path);
	if (ended < 0)
		return -error;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EINTR;
}

/* A blocked signal comes even where it is ignored: as nohup wants it, it has to be left alone. */
static void add_unless_ignored(sigset_t *signals, int signal)
{
	struct sigaction action;

	if (sigaction(signal, NULL, &action) == 0 && action.sa_handler != SIG_IGN)
		(void)sigaddset(signals, signal);
}

int off_and_watch(const struct context *context, const char *path)
{
	sigset_t signals, old;
	pid_t parent = getpid(), child;
	int r;

	/* whoever ignores it when he starts us would make the child vanish at its end */
	(void)signal(SIGCHLD, SIG_DFL);
	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGCHLD);
	add_unless_ignored(&signals, SIGINT);
	add_unless_ignored(&signals, SIGTERM);
	add_unless_ignored(&signals, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &signals, &old);
	child = fork();
	if (child == 0)
		run_child(path, &old, parent);
	r = child < 0 ? -errno : watch(context, path, &signals, child);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	return r;
}
