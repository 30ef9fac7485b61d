/* SPDX-License-Identifier: MIT */
#include "sys/procstat.h"

#include "base/cleanup.h"
#include "base/num.h"
#include "base/units.h"
#include "sys/proclist.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#define PF_KTHREAD 0x00200000u /* include/linux/sched.h; shown in the flags of stat */

/* Fields of stat by their number in proc(5), from 4 on: numbers all of them */
enum {
	STAT_PPID = 4,
	STAT_PGRP = 5,
	STAT_SESSION = 6,
	STAT_TTY_NR = 7,
	STAT_TPGID = 8,
	STAT_FLAGS = 9,
	STAT_MAJFLT = 12,
	STAT_UTIME = 14,
	STAT_STIME = 15,
	STAT_THREADS = 20,
	STAT_STARTTIME = 22,
	STAT_RSS = 24,
	STAT_STARTCODE = 26,
	STAT_STARTSTACK = 28,
	STAT_POLICY = 41,
	STAT__N
};

struct procstat_units procstat_units(void)
{
	return (struct procstat_units){
		.page_bytes = (uint64_t)sysconf(_SC_PAGESIZE),
		.tick_ns = NS_PER_S / (uint64_t)sysconf(_SC_CLK_TCK),
	};
}

/* Negative numbers (tpgid, priority, nice) come out as their two's complement. */
static int scan_fields(const char *at, const char *end, uint64_t field[STAT__N])
{
	for (int i = STAT_PPID; i < STAT__N; i++) {
		bool negative;

		if (at >= end || *at++ != ' ')
			return -EBADMSG;
		negative = at < end && *at == '-';
		if (negative)
			at++;
		if (num_scan_u64(&at, end, &field[i]) < 0)
			return -EBADMSG;
		if (negative)
			field[i] = -field[i];
	}
	return at < end && (*at == ' ' || *at == '\n') ? 0 : -EBADMSG;
}

static uint64_t multiply(uint64_t n, uint64_t unit)
{
	uint64_t product;

	return __builtin_mul_overflow(n, unit, &product) ? UINT64_MAX : product;
}

static uint32_t stat_flags(const uint64_t field[STAT__N], uint64_t pid)
{
	uint64_t policy = field[STAT_POLICY];
	bool terminal = field[STAT_TTY_NR] != 0;
	uint32_t flags = 0;

	if (field[STAT_FLAGS] & PF_KTHREAD)
		flags |= PROC_KERNEL;
	if (policy == SCHED_FIFO || policy == SCHED_RR || policy == SCHED_DEADLINE)
		flags |= PROC_REALTIME;
	if (terminal && field[STAT_TPGID] == field[STAT_PGRP])
		flags |= PROC_FOREGROUND;
	if (terminal && field[STAT_SESSION] == pid)
		flags |= PROC_SESSION_LEADER;
	return flags;
}

int procstat_parse(const char *text, size_t len, const struct procstat_units *units,
		   struct proc_facts *facts)
{
	const uint32_t own_flags =
		PROC_KERNEL | PROC_REALTIME | PROC_FOREGROUND | PROC_SESSION_LEADER;
	const char *at = text, *end = text + len, *name_end;
	uint64_t pid, field[STAT__N];
	size_t name_len;

	if (num_scan_u64(&at, end, &pid) < 0 || pid == 0 || pid > INT32_MAX || end - at < 2 ||
	    at[0] != ' ' || at[1] != '(')
		return -EBADMSG;
	at += 2;
	/* the name may hold blanks and brackets; nothing behind it does */
	name_end = memrchr(at, ')', (size_t)(end - at));
	if (!name_end || end - name_end < 3 || name_end[1] != ' ' ||
	    scan_fields(name_end + 3, end, field) < 0)
		return -EBADMSG;

	name_len = u64_min((size_t)(name_end - at), COMM_SIZE - 1);
	memset(facts->comm, 0, COMM_SIZE);
	memcpy(facts->comm, at, name_len);
	facts->id = (struct proc_id){(int32_t)pid, field[STAT_STARTTIME]};
	facts->state = name_end[2];
	facts->ppid = (int32_t)field[STAT_PPID];
	facts->flags = (facts->flags & ~own_flags) | stat_flags(field, pid);
	facts->n_threads = (uint32_t)u64_min(field[STAT_THREADS], UINT32_MAX);
	facts->major_faults = field[STAT_MAJFLT];
	facts->cpu_ns = multiply(u64_add_sat(field[STAT_UTIME], field[STAT_STIME]), units->tick_ns);
	facts->rss_bytes = multiply(field[STAT_RSS], units->page_bytes);
	/* without permission the kernel shows 0 or 1 for both: then there is no tag */
	facts->mm_tag = field[STAT_STARTCODE] > 1 || field[STAT_STARTSTACK] > 1
				? (field[STAT_STARTCODE] << 20) ^ field[STAT_STARTSTACK]
				: 0;
	return 0;
}

/* The number behind key in a text of "Key:\tvalue" lines; -ENOENT where there is no such line. */
static int find_number(const char *text, size_t len, const char *key, uint64_t *ret)
{
	size_t key_len = strlen(key);
	const char *text_end = text + len;

	for (const char *line = text, *end; line < text_end; line = end + 1) {
		end = memchr(line, '\n', (size_t)(text_end - line));
		if (!end)
			return -EBADMSG;
		if ((size_t)(end - line) < key_len || memcmp(line, key, key_len) != 0)
			continue;
		line += key_len;
		while (line < end && (*line == '\t' || *line == ' '))
			line++;
		if (num_scan_u64(&line, end, ret) < 0)
			return -EBADMSG;
		return line == end || *line == '\t' || *line == ' ' ? 0 : -EBADMSG;
	}
	return -ENOENT;
}

int procstat_parse_status(const char *text, size_t len, struct proc_facts *facts)
{
	uint64_t uid, tracer, anon_kib = 0, swap_kib = 0;
	int r;

	if (find_number(text, len, "Uid:", &uid) < 0 || uid > UINT32_MAX ||
	    find_number(text, len, "TracerPid:", &tracer) < 0 || tracer > INT32_MAX)
		return -EBADMSG;
	/* absent of kernel threads and zombies */
	r = find_number(text, len, "RssAnon:", &anon_kib);
	if (r < 0 && r != -ENOENT)
		return r;
	r = find_number(text, len, "VmSwap:", &swap_kib);
	if (r < 0 && r != -ENOENT)
		return r;
	facts->uid = (uint32_t)uid;
	facts->tracer_pid = (int32_t)tracer;
	facts->anon_bytes = bytes_from_kib(anon_kib);
	facts->swap_bytes = bytes_from_kib(swap_kib);
	return 0;
}

int procstat_parse_memory(const char *text, size_t len, struct procstat_memory *ret)
{
	uint64_t rss_kib = 0, anon_kib = 0, swap_kib = 0;
	int r = find_number(text, len, "VmRSS:", &rss_kib);

	if (r == 0)
		r = find_number(text, len, "RssAnon:", &anon_kib);
	if (r == 0)
		r = find_number(text, len, "VmSwap:", &swap_kib);
	if (r < 0)
		return r;
	*ret = (struct procstat_memory){
		.rss_bytes = bytes_from_kib(rss_kib),
		.anon_bytes = bytes_from_kib(anon_kib),
		.swap_bytes = bytes_from_kib(swap_kib),
	};
	return 0;
}

bool procstat_is_exact(const char *release)
{
	const char *end = release + strlen(release);
	uint64_t major, minor;

	if (num_scan_u64(&release, end, &major) < 0 || *release++ != '.' ||
	    num_scan_u64(&release, end, &minor) < 0)
		return false;
	return major > 6 || (major == 6 && minor >= 16);
}

/* The path in a line "hierarchy:controllers:path" where the first two are as in front, or NULL. A
 * path may hold colons, and whatever else a user likes. */
static const char *path_behind(const char *line, const char *end, const char *hierarchy,
			       const char *controllers)
{
	const char *first = memchr(line, ':', (size_t)(end - line));
	const char *second = first ? memchr(first + 1, ':', (size_t)(end - first - 1)) : NULL;

	if (!second || (hierarchy && (strlen(hierarchy) != (size_t)(first - line) ||
				      memcmp(line, hierarchy, strlen(hierarchy)) != 0)))
		return NULL;
	if (strlen(controllers) != (size_t)(second - first - 1) ||
	    memcmp(first + 1, controllers, strlen(controllers)) != 0)
		return NULL;
	return second + 1;
}

int procstat_parse_cgroup(const char *text, size_t len, char *ret_path, size_t cap)
{
	const char *unified = NULL, *unified_end = NULL, *systemd = NULL, *systemd_end = NULL;
	const char *best, *best_end;

	for (const char *line = text, *end, *path; line < text + len; line = end + 1) {
		end = memchr(line, '\n', (size_t)(text + len - line));
		if (!end)
			return -EBADMSG;
		path = path_behind(line, end, "0", "");
		if (path) {
			unified = path;
			unified_end = end;
		}
		path = path_behind(line, end, NULL, "name=systemd");
		if (path) {
			systemd = path;
			systemd_end = end;
		}
	}
	/* "/" in the unified hierarchy says nothing where systemd keeps its own */
	best = unified && (unified_end - unified > 1 || !systemd) ? unified : systemd;
	best_end = best == unified ? unified_end : systemd_end;
	len = best ? u64_min((size_t)(best_end - best), cap - 1) : 0;
	if (len > 0)
		memcpy(ret_path, best, len);
	ret_path[len] = '\0';
	return 0;
}

int procstat_read_fd(int fd, const struct procstat_units *units, struct proc_facts *facts)
{
	char text[1024]; /* at most 52 numbers of 20 digits, and the name */
	ssize_t n = pread(fd, text, sizeof text, 0);

	if (n < 0)
		return -errno;
	return procstat_parse(text, (size_t)n, units, facts);
}

/* Reads stat of its threads, up to the first that fits: its id and facts, or 0. */
static pid_t find_thread(const struct procfs *procfs, pid_t pid, int most,
			 bool (*fits)(const struct proc_facts *), struct proc_facts *ret)
{
	const struct procstat_units any = {1, 1};
	_cleanup_close_ int directory = procfs_open_pid_file(procfs, pid, "task");
	const struct procfs task = {directory};
	struct proclist list;
	pid_t tid = 0, found = 0;

	if (directory < 0 || proclist_open(&task, &list) < 0)
		return 0;
	for (int i = 0; i < most && found == 0 && (tid = proclist_next(&list)) > 0; i++) {
		_cleanup_close_ int fd = procfs_open_pid_file(&task, tid, "stat");

		/* one that ended meanwhile is none */
		if (fd >= 0 && procstat_read_fd(fd, &any, ret) == 0 && fits(ret))
			found = tid;
	}
	proclist_close(&list);
	return found;
}

static bool is_realtime(const struct proc_facts *thread)
{
	return thread->flags & PROC_REALTIME;
}

static bool is_living(const struct proc_facts *thread)
{
	return thread->state != 'Z' && thread->state != 'X';
}

pid_t procstat_living_thread(const struct procfs *procfs, const struct proc_facts *facts,
			     char *ret_state)
{
	struct proc_facts thread = *facts;
	pid_t tid = facts->id.pid;

	if (!is_living(facts))
		tid = facts->n_threads > 1
			      ? find_thread(procfs, facts->id.pid, INT_MAX, is_living, &thread)
			      : 0;
	*ret_state = thread.state;
	return tid;
}

int procstat_read_full(const struct procfs *procfs, struct proc_facts *facts)
{
	char text[PROCFS_FILE_MAX];
	int64_t adjustment;
	ssize_t n;
	int r;

	/* the line of its groups may be as long as its owner likes */
	n = procfs_read_short_lines(procfs, facts->id.pid, "status", text, sizeof text);
	if (n < 0)
		return (int)n;
	r = procstat_parse_status(text, (size_t)n, facts);
	if (r < 0)
		return r;
	n = procfs_read(procfs, facts->id.pid, "oom_score_adj", text, sizeof text);
	if (n <= 0)
		return n < 0 ? (int)n : -EBADMSG;
	text[n - 1] = '\0'; /* the newline */
	if (num_i64(text, &adjustment) < 0 || adjustment < -1000 || adjustment > 1000)
		return -EBADMSG;
	facts->oom_score_adj = (int16_t)adjustment;
	facts->flags &= ~(uint32_t)PROC_REALTIME_THREAD;
	/* stat of a process tells the class of its main thread only, and few audio programs play
	 * there */
	if (facts->n_threads > 1 && find_thread(procfs, facts->id.pid, PROCSTAT_THREADS_MAX,
						is_realtime, &(struct proc_facts){0}))
		facts->flags |= PROC_REALTIME_THREAD;
	facts->flags |= PROC_FULL;
	return 0;
}
