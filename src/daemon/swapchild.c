/* SPDX-License-Identifier: MIT */
#include "daemon/swapchild.h"

#include "base/cleanup.h"
#include "sys/pidpin.h"
#include "sys/swapfile.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

/* -- the tasks ------------------------------------------------------------------------------- */

static void fail(struct swapreport *report, const char *what, int error)
{
	report->error = error;
	(void)snprintf(report->what, sizeof report->what, "%s", what);
}

static int make_file(const char *path, uint64_t bytes, enum swapfile_fill fill,
		     struct swapreport *report)
{
	const struct swapheader header = swapheader_new(bytes, SWAP_LABEL_DAEMON);
	int r = swapfile_create(path, &header, fill);

	if (r < 0)
		fail(report, "make its file", r);
	return r;
}

/* Below all that exist: the kernel's own choice where none is asked for. To discard all of it
 * before would take longer than all the rest; what is given back the disk is told as it comes. */
static int turn_on(const char *path, struct swapreport *report)
{
	int r = swapfile_on(path, SWAP_PRIORITY_NONE,
			    report->areas.solid ? SWAP_DISCARD_PAGES : SWAP_DISCARD_NO);

	if (r < 0)
		fail(report, "swap to it", r);
	return r;
}

/* Some kernels take reserved space for holes: then the file gets its zeroes after all. */
static void make_area(const char *path, struct swapreport *report)
{
	int r = make_file(path, report->bytes, SWAPFILE_RESERVE, report);

	if (r < 0)
		return;
	r = turn_on(path, report);
	if (r == -EINVAL) {
		report->zeroes = true;
		(void)unlink(path);
		r = make_file(path, report->bytes, SWAPFILE_ZEROES, report);
		if (r < 0)
			return;
		r = turn_on(path, report);
		report->unfit = r == -EINVAL;
	}
	if (r < 0)
		(void)unlink(path);
	else
		report->error = 0;
}

static void make(const struct swaporder *order, struct swapreport *report)
{
	struct text why = TEXT_OVER(report->why);
	_cleanup_close_ int dir_fd = swapareas_open(&order->place, &report->areas, &why);
	uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	char path[PATH_MAX];

	if (dir_fd < 0) {
		fail(report, "reach its directory", dir_fd);
		return;
	}
	swapareas_settle(dir_fd, &report->areas);
	report->bytes = swapsize_area_bytes(order->wanted_bytes, page_bytes, order->place.params,
					    &report->areas.disk);
	report->number = swapareas_new_number(dir_fd);
	if (report->bytes == 0 || report->number == 0) {
		fail(report, "make its file", -ENOSPC);
		return;
	}
	swapareas_file(&report->areas, report->number, path);
	make_area(path, report);
	/* how much is free is an estimate on some file systems, and quotas aren't in it */
	while (report->error == -ENOSPC || report->error == -EDQUOT) {
		uint64_t less_bytes = report->bytes / 8 * 7 / page_bytes * page_bytes;

		if (less_bytes < order->place.params->min_bytes)
			return;
		report->bytes = less_bytes;
		make_area(path, report);
	}
}

static void retire(const struct swaporder *order, struct swapreport *report)
{
	struct text why = TEXT_OVER(report->why);
	_cleanup_close_ int dir_fd = swapareas_open(&order->place, &report->areas, &why);
	char path[PATH_MAX];
	int r;

	if (dir_fd < 0) {
		fail(report, "reach its directory", dir_fd);
		return;
	}
	swapareas_file(&report->areas, order->number, path);
	r = swapfile_off(path);
	if (r < 0) {
		fail(report, "switch it off", r);
		return;
	}
	report->retired = true;
	r = swapareas_remove(dir_fd, order->number, order->place.params->paranoid);
	if (r < 0)
		fail(report, "remove its file", r);
}

void swaptask_run(const struct swaporder *order, struct swapreport *report)
{
	struct text why = TEXT_OVER(report->why);

	report->error = 0;
	report->zeroes = report->unfit = report->retired = false;
	report->what[0] = '\0';
	report->bytes = report->number = 0;
	switch (order->task) {
	case SWAPTASK_LOOK:
		report->error = swapareas_look(&order->place, order->number, &report->areas, &why);
		break;
	case SWAPTASK_MAKE: make(order, report); break;
	case SWAPTASK_RETIRE: retire(order, report); break;
	}
}

/* -- the child ------------------------------------------------------------------------------- */

int swapchild_open(struct swapchild *child)
{
	void *shared = mmap(NULL, sizeof *child->report, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	*child = (struct swapchild){.pidfd = -1};
	if (shared == MAP_FAILED)
		return -errno;
	child->report = shared;
	return 0;
}

void swapchild_close(struct swapchild *child)
{
	if (child->report)
		(void)munmap(child->report, sizeof *child->report);
	child->report = NULL;
	close_fd(&child->pidfd);
	child->pid = 0;
}

/* Signals stay blocked: one to the whole group is for the daemon. */
static void __attribute__((noreturn)) run_child(const struct swapchild *child, pid_t parent)
{
	static const char *const names[] = {"swapify-look", "swapify-make", "swapify-retire"};
	const struct swaporder *order = &child->order;
	struct swapareas_place place = order->place;
	struct procfs procfs;

	(void)prctl(PR_SET_NAME, names[order->task]);
	if (order->task != SWAPTASK_RETIRE)
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* the daemon's lock is among them, and would outlive the daemon */
	(void)close_range(0, ~0U, 0);
	if (getppid() != parent || procfs_open("/proc", &procfs) < 0)
		_exit(1);
	place.procfs = &procfs;
	swaptask_run(&(struct swaporder){.task = order->task,
					 .place = place,
					 .number = order->number,
					 .wanted_bytes = order->wanted_bytes},
		     child->report);
	_exit(0);
}

int swapchild_start(struct swapchild *child, const struct swaporder *order, int epoll_fd,
		    uint64_t data, uint64_t now_ns)
{
	/* once: who holds still doesn't reap it, and would be woken again and again */
	struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT, .data.u64 = data};
	pid_t parent = getpid(), pid;

	child->order = *order;
	child->begun_ns = now_ns;
	pid = fork();
	if (pid == 0)
		run_child(child, parent);
	if (pid < 0)
		return -errno;
	child->pid = pid;
	/* without one its end is seen at the next tick */
	child->pidfd = pidpin_open(pid);
	if (child->pidfd >= 0 && epoll_fd >= 0)
		(void)epoll_ctl(epoll_fd, EPOLL_CTL_ADD, child->pidfd, &event);
	return 0;
}

bool swapchild_ended(struct swapchild *child)
{
	int status = 0;
	pid_t ended = child->pid > 0 ? waitpid(child->pid, &status, WNOHANG) : 0;

	if (ended == 0)
		return false;
	child->pid = 0;
	close_fd(&child->pidfd);
	if (ended < 0 || status != 0) /* killed: it has said what it did until then, and no more */
		fail(child->report, "come to the end", -EINTR);
	return true;
}
