/* SPDX-License-Identifier: MIT */
/* A /proc of our own making, where a process is what it says. */
#pragma once
#include "base/cleanup.h"
#include "base/units.h"

#include <check.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define BIG_PAGES 5000u /* of 4 KiB: over the 12 MiB of min_rss */

static char base[] = "/tmp/test_proc.XXXXXX";
static char root[sizeof base + 16]; /* the /proc of the test that runs */

struct fake {
	int pid, ppid;
	char state;
	uint64_t start, cpu_ticks, pages, flags, policy, code;
	const char *comm, *exe, *cgroup;
	unsigned uid;
	int oom_score_adj;
	unsigned threads;
	uint64_t anon_kib, swap_kib;
};

static inline struct fake program(int pid)
{
	return (struct fake){
		.pid = pid,
		.ppid = 1,
		.state = 'S',
		.start = 1000 + (uint64_t)pid,
		.pages = BIG_PAGES,
		.code = 0x55550000,
		.comm = "program",
		.exe = "/usr/bin/program",
		.cgroup = "0::/user.slice\n",
		.uid = 1000,
		.threads = 1,
		.anon_kib = BIG_PAGES * 4,
	};
}

static inline const char *path_of(int pid, const char *name)
{
	static char path[sizeof root + 80];

	if (pid == 0)
		(void)snprintf(path, sizeof path, "%s/%s", root, name);
	else
		(void)snprintf(path, sizeof path, "%s/%d%s%s", root, pid, *name ? "/" : "", name);
	return path;
}

/* In place, so that a kept descriptor sees it. */
static inline void write_file(int pid, const char *name, const char *text)
{
	_cleanup_close_ int fd =
		open(path_of(pid, name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static inline void put(const struct fake *fake)
{
	char text[1024];

	(void)mkdir(path_of(fake->pid, ""), 0755);
	(void)snprintf(
		text, sizeof text,
		"%d (%s) %c %d 1 1 0 -1 %llu 0 0 0 0 %llu 0 0 0 20 0 %u 0 %llu 0 %llu 0 %llu 0 "
		"7777 0 0 0 0 0 0 0 0 0 17 0 0 %llu 0 0 0 0\n",
		fake->pid, fake->comm, fake->state, fake->ppid, (unsigned long long)fake->flags,
		(unsigned long long)fake->cpu_ticks, fake->threads, (unsigned long long)fake->start,
		(unsigned long long)fake->pages, (unsigned long long)fake->code,
		(unsigned long long)fake->policy);
	write_file(fake->pid, "stat", text);
	(void)snprintf(text, sizeof text,
		       "Name:\t%s\nTracerPid:\t0\nUid:\t%u\t0\t0\t0\nRssAnon:\t%llu kB\n"
		       "VmSwap:\t%llu kB\n",
		       fake->comm, fake->uid, (unsigned long long)fake->anon_kib,
		       (unsigned long long)fake->swap_kib);
	write_file(fake->pid, "status", text);
	(void)snprintf(text, sizeof text, "%d\n", fake->oom_score_adj);
	write_file(fake->pid, "oom_score_adj", text);
	write_file(fake->pid, "cgroup", fake->cgroup);
	(void)unlink(path_of(fake->pid, "exe"));
	if (fake->exe)
		ck_assert_int_eq(symlink(fake->exe, path_of(fake->pid, "exe")), 0);
}

static inline int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* A kept descriptor of stat reads nothing more, as after the end of a real process. */
static inline void vanish(int pid)
{
	write_file(pid, "stat", "");
	ck_assert_int_eq(nftw(path_of(pid, ""), remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

/* Of 1,000,000 KiB */
static inline void write_memory(unsigned long long available_kib, unsigned long long swap_free_kib)
{
	char text[300];

	(void)snprintf(text, sizeof text,
		       "MemTotal: 1000000 kB\nMemFree: 1000 kB\nMemAvailable: %llu kB\n"
		       "SwapTotal: 8000000 kB\nSwapFree: %llu kB\n",
		       available_kib, swap_free_kib);
	write_file(0, "meminfo", text);
}
