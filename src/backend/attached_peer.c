/* SPDX-License-Identifier: MIT */
/* Which process an entry is of, and whether who listens at its socket is that one. */
#include "backend/attached.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "proto/names.h"
#include "sys/pidpin.h"
#include "sys/procstat.h"
#include "sys/unixsock.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static int look(const struct procfs *procfs, const struct proc_id *id, struct proc_facts *ret)
{
	const struct procstat_units units = procstat_units();
	_cleanup_close_ int fd = procfs_open_pid_file(procfs, id->pid, "stat");
	char state;
	int r = fd == -ENOENT ? -ESRCH : fd;

	*ret = (struct proc_facts){0};
	if (fd >= 0)
		r = procstat_read_fd(fd, &units, ret);
	if (r == 0 && id->start_ticks && id->start_ticks != ret->id.start_ticks)
		r = -ESRCH;
	if (r == 0)
		r = procstat_read_full(procfs, ret);
	if (r < 0)
		return r;
	if (procstat_living_thread(procfs, ret, &state) <= 0)
		return -ESRCH;
	ret->state = state;
	return 0;
}

int attached_look(const struct attached_table *table, const struct proc_id *id,
		  struct proc_facts *ret)
{
	int32_t before;
	int r;

	if (lookout_avoids_process(table->lookout, table->procfs, id->pid))
		return -EBUSY;
	before = lookout_at(table->lookout, id->pid);
	r = look(table->procfs, id, ret);
	(void)lookout_at(table->lookout, before);
	return r;
}

static bool has_variable(const char *environment, size_t len, const char *name)
{
	size_t name_len = strlen(name);

	for (size_t at = 0; at < len; at += strlen(environment + at) + 1)
		if (strncmp(environment + at, name, name_len) == 0)
			return true;
	return false;
}

/* sd_watchdog_enabled(3): WATCHDOG_PID names the one that is to answer. What doesn't fit isn't
 * seen; systemd puts it in front. */
static bool has_watchdog(const struct procfs *procfs, int32_t pid)
{
	char environment[16384], own[32];
	struct text text = TEXT_OVER(own);
	_cleanup_close_ int fd = procfs_open_pid_file(procfs, pid, "environ");
	ssize_t n = fd < 0 ? -1 : read(fd, environment, sizeof environment - 1);

	if (n <= 0)
		return false;
	environment[n] = '\0';
	text_addf(&text, "WATCHDOG_PID=%d", pid);
	return has_variable(environment, (size_t)n, "NOTIFY_SOCKET=") &&
	       has_variable(environment, (size_t)n, "WATCHDOG_USEC=") &&
	       (!has_variable(environment, (size_t)n, "WATCHDOG_PID=") ||
		has_variable(environment, (size_t)n, own));
}

/* The process has to be the user's, and the one that was there before. */
static int check_process(const struct attached_table *table, struct attached *entry)
{
	struct proc_facts facts;
	int r = attached_look(table, &(struct proc_id){.pid = entry->id.pid}, &facts);

	if (r == 0 && (facts.uid != entry->uid ||
		       (entry->id.start_ticks && entry->id.start_ticks != facts.id.start_ticks)))
		r = -EPERM;
	if (r == 0 && !entry->id.start_ticks) {
		entry->id.start_ticks = facts.id.start_ticks;
		entry->watchdog = has_watchdog(table->procfs, entry->id.pid);
	}
	return r;
}

static int connect_to(const struct attached_table *table, struct attached *entry)
{
	_cleanup_close_ int dir_fd = attached_open_dir(entry->uid, entry->place);
	_cleanup_close_ int pidfd = pidpin_open(entry->id.pid), peer_pidfd = -1, fd = -1;
	struct unixsock_peer peer;
	char name[32];
	struct text text = TEXT_OVER(name);
	int r;

	if (dir_fd < 0 || pidfd < 0)
		return dir_fd < 0 ? dir_fd : pidfd;
	text_addf(&text, "%d" NAMES_SOCKET_SUFFIX, entry->id.pid);
	fd = unixsock_connect(dir_fd, name, entry->uid, &peer);
	if (fd < 0)
		return fd;
	peer_pidfd = pidpin_open(peer.pid);
	if (peer_pidfd < 0)
		return peer_pidfd;
	r = check_process(table, entry);
	if (r == 0)
		r = pidpin_same_memory(peer.pid, entry->id.pid);
	if (r <= 0)
		return r < 0 ? r : -EPERM;
	/* what was read was read of these two, while both were there */
	return pidpin_alive(pidfd) && pidpin_alive(peer_pidfd) ? take_fd(&fd) : -ESRCH;
}

int attached_connect(const struct attached_table *table, struct attached *entry)
{
	int r;

	if (lookout_avoids(table->lookout, entry->id.pid, entry->uid))
		return -EBUSY;
	(void)lookout_at(table->lookout, entry->id.pid);
	r = connect_to(table, entry);
	(void)lookout_at(table->lookout, 0);
	return r;
}
