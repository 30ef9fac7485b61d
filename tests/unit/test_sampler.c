/* SPDX-License-Identifier: MIT */
/* Over a /proc of our own making, where a process is what it says, and over the real one. */
#include "daemon/sampler.h"

#include "base/cleanup.h"
#include "base/num.h"
#include "sys/clock.h"
#include "sys/lookout.h"
#include "sys/privs.h"
#include "unit/builders.h"
#include "unit/children.h"
#include "unit/fakeproc.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#define SMALL_PAGES 100u /* under half of min_rss */

static struct params params;
static struct sampler sampler;
static uint64_t now_ns;

static void set_params(void)
{
	params = (struct params){
		.idle = default_idle_params(),
		.protect = {.names = "",
			    .more_names = "",
			    .paths = "",
			    .cgroups = "",
			    .uids = "",
			    .oom_score_adj = -500},
	};
}

static void open_fixture(void)
{
	(void)snprintf(root, sizeof root, "%s/%d", base, (int)getpid());
	ck_assert_int_eq(mkdir(root, 0755), 0);
	set_params();
	now_ns = LATER;
	ck_assert_int_eq(sampler_open(&sampler, root, &params), 0);
}

/* The real /proc lists processes in order; file systems don't. Names of n directories that this
 * one lists ascending. */
static void choose_pids(int *pids, size_t n)
{
	static int next = 1000;

	for (int attempt = 0; attempt < 20000; attempt++) {
		struct proclist *list = malloc(sizeof *list);
		size_t in_order = 0;

		for (size_t i = 0; i < n; i++)
			pids[i] = next += 1 + attempt % 7;
		if (next > 30000)
			next = 1000 + attempt % 97;
		for (size_t i = n; i-- > 0;)
			ck_assert_int_eq(mkdir(path_of(pids[i], ""), 0755), 0);
		ck_assert_int_eq(proclist_open(&sampler.procfs, list), 0);
		for (pid_t pid; (pid = proclist_next(list)) > 0;)
			in_order += in_order < n && pids[in_order] == pid;
		proclist_close(list);
		free(list);
		if (in_order == n)
			return;
		for (size_t i = 0; i < n; i++)
			ck_assert_int_eq(rmdir(path_of(pids[i], "")), 0);
	}
	ck_abort_msg("this file system lists no %zu directories in order", n);
}

static void check_order(void)
{
	for (size_t i = 1; i < sampler.snapshot.n_procs; i++)
		ck_assert_int_lt(sampler.snapshot.procs[i - 1].facts.id.pid,
				 sampler.snapshot.procs[i].facts.id.pid);
}

static void scan_to(enum scan_depth depth, uint64_t after_ns)
{
	now_ns += after_ns;
	ck_assert_int_eq(sampler_scan(&sampler, depth, now_ns), 0);
	ck_assert_uint_eq(sampler.snapshot.now_ns, now_ns);
	check_order();
}

static void scan(void)
{
	scan_to(SCAN_FOLLOWED, NS_PER_MIN);
}

/* The followed process with this number, or NULL. */
static struct proc *followed(int pid)
{
	for (size_t i = 0; i < sampler.snapshot.n_procs; i++)
		if (sampler.snapshot.procs[i].facts.id.pid == pid)
			return &sampler.snapshot.procs[i];
	return NULL;
}

static uint32_t count_of(enum reason reason)
{
	return sampler.snapshot.not_followed[reason];
}

/* -- who is followed --------------------------------------------------------------------------- */

START_TEST(follows_what_can_be_a_victim)
{
	struct fake fakes[8];

	open_fixture();
	for (int i = 0; i < 8; i++)
		fakes[i] = program(100 + i);
	fakes[1].pages = SMALL_PAGES;
	fakes[2].flags = 0x00200000; /* PF_KTHREAD */
	fakes[3].state = 'Z';
	fakes[4].pid = 1;
	fakes[5].pages = 12 * MIB / 4096; /* just big enough */
	fakes[6].pages = 12 * MIB / 4096 - 1;
	for (int i = 0; i < 8; i++)
		put(&fakes[i]);
	(void)mkdir(path_of(0, "self"), 0755);
	(void)mkdir(path_of(0, "123abc"), 0755);
	scan();
	ck_assert_uint_eq(sampler.snapshot.n_procs, 3);
	ck_assert(followed(100) && followed(105) && followed(107));
	ck_assert_uint_eq(count_of(REASON_SMALL), 2);
	ck_assert_uint_eq(count_of(REASON_KERNEL), 1);
	ck_assert_uint_eq(count_of(REASON_ZOMBIE), 1);
	ck_assert_uint_eq(count_of(REASON_INIT), 1);
	ck_assert_str_eq(followed(100)->facts.comm, "program");
	ck_assert_uint_eq(followed(100)->facts.rss_bytes, BIG_PAGES * 4096);
	ck_assert_uint_eq(followed(100)->backend, BACKEND_NONE);
	scan();
	ck_assert_uint_eq(sampler.snapshot.n_procs, 3); /* and counted the same, not anew */
	ck_assert_uint_eq(count_of(REASON_SMALL), 2);
	ck_assert_uint_eq(count_of(REASON_KERNEL), 1);
	sampler_close(&sampler);
}
END_TEST

START_TEST(new_and_vanished)
{
	struct fake fakes[3] = {program(50), program(60), program(70)};

	open_fixture();
	scan();
	ck_assert_uint_eq(sampler.snapshot.n_procs, 0);
	put(&fakes[1]);
	scan();
	ck_assert_ptr_nonnull(followed(60));
	put(&fakes[0]);
	put(&fakes[2]);
	scan();
	ck_assert_uint_eq(sampler.snapshot.n_procs, 3);
	vanish(60);
	scan();
	ck_assert_uint_eq(sampler.snapshot.n_procs, 2);
	ck_assert_ptr_null(followed(60));
	vanish(50);
	vanish(70);
	scan();
	ck_assert_uint_eq(sampler.snapshot.n_procs, 0);
	sampler_close(&sampler);
}
END_TEST

/* Nothing of the old process is remembered of the new one. */
START_TEST(a_reused_number)
{
	struct fake fake = program(60);
	struct proc_id old;
	struct proc *proc;

	open_fixture();
	put(&fake);
	scan();
	scan();
	proc = followed(60);
	ck_assert_uint_ne(proc->past.idle_since_ns, 0);
	proc->past.out_bytes = 5 * MIB;
	proc->past.backoff = 3;
	old = proc->facts.id;
	vanish(60);
	fake.start += 500;
	fake.comm = "another";
	put(&fake);
	scan();
	proc = followed(60);
	ck_assert_ptr_nonnull(proc);
	ck_assert_str_eq(proc->facts.comm, "another");
	ck_assert_uint_eq(proc->past.out_bytes, 0);
	ck_assert_uint_eq(proc->past.backoff, 0);
	ck_assert_uint_eq(proc->past.idle_since_ns, 0);
	ck_assert_ptr_null(sampler_find(&sampler, &old));
	sampler_close(&sampler);
}
END_TEST

START_TEST(grown_ones_are_found)
{
	bool spared = false;
	int pid;

	open_fixture();
	for (int round = 0; round < 5; round++) {
		struct fake fake;
		int scans = 0;

		choose_pids(&pid, 1);
		fake = program(pid);
		fake.pages = SMALL_PAGES;
		put(&fake);
		scan();
		ck_assert_ptr_null(followed(pid));
		for (int i = 0; i < round; i++)
			scan();
		fake.pages = BIG_PAGES;
		put(&fake);
		while (!followed(pid) && scans < 100) {
			scan();
			scans++;
		}
		ck_assert_int_le(scans, 5);
		spared |= scans > 1;
		vanish(pid);
		scan();
	}
	ck_assert(spared); /* small ones are not looked at every time */
	/* all at once when all are asked for */
	for (int round = 0; round < 5; round++) {
		struct fake fake;

		choose_pids(&pid, 1);
		fake = program(pid);
		fake.pages = SMALL_PAGES;
		put(&fake);
		scan();
		fake.pages = BIG_PAGES;
		put(&fake);
		scan_to(SCAN_ALL, NS_PER_S);
		ck_assert_ptr_nonnull(followed(pid));
		vanish(pid);
		scan();
	}
	sampler_close(&sampler);
}
END_TEST

/* A kernel thread's number can become a program's. */
START_TEST(others_are_looked_at_now_and_then)
{
	struct fake fake;
	int pid, scans = 0;

	open_fixture();
	choose_pids(&pid, 1);
	fake = program(pid);
	fake.flags = 0x00200000;
	put(&fake);
	scan();
	ck_assert_uint_eq(count_of(REASON_KERNEL), 1);
	fake.flags = 0;
	put(&fake);
	while (!followed(pid) && scans < 1000) {
		scan();
		scans++;
	}
	ck_assert_int_le(scans, 5);
	sampler_close(&sampler);
}
END_TEST

START_TEST(shrunk_ones_are_let_go)
{
	struct fake fake = program(60);

	open_fixture();
	put(&fake);
	scan();
	fake.pages = 6 * MIB / 4096; /* half of min_rss: may come again */
	put(&fake);
	scan();
	ck_assert_ptr_nonnull(followed(60));
	fake.pages--;
	put(&fake);
	scan();
	ck_assert_ptr_null(followed(60));
	ck_assert_uint_eq(count_of(REASON_SMALL), 1);
	fake.pages = BIG_PAGES;
	put(&fake);
	scan_to(SCAN_ALL, NS_PER_S);
	ck_assert_ptr_nonnull(followed(60));
	sampler_close(&sampler);
}
END_TEST

/* Whoever follows attached programs sees it stop, however quickly it shrank. */
START_TEST(a_stopped_one_is_kept)
{
	struct fake fake;
	int pid;

	open_fixture();
	choose_pids(&pid, 1);
	fake = program(pid);
	put(&fake);
	scan();
	ck_assert_ptr_nonnull(followed(pid));
	fake.pages = SMALL_PAGES;
	fake.state = 't';
	put(&fake);
	scan();
	ck_assert_ptr_nonnull(followed(pid));
	fake.state = 'S';
	put(&fake);
	scan();
	ck_assert_ptr_null(followed(pid));
	sampler_close(&sampler);
}
END_TEST

/* Between two steps of a page-out a process may be small already, and nothing is noted yet. */
START_TEST(an_action_under_way_keeps_it)
{
	struct fake fake = program(60);

	open_fixture();
	put(&fake);
	scan();
	followed(60)->past.under_way = true;
	fake.pages = SMALL_PAGES;
	put(&fake);
	scan();
	ck_assert_ptr_nonnull(followed(60));
	followed(60)->past.under_way = false;
	scan();
	ck_assert_ptr_null(followed(60));
	sampler_close(&sampler);
}
END_TEST

START_TEST(what_is_remembered_keeps_it)
{
	struct fake fake = program(60);

	open_fixture();
	put(&fake);
	scan();
	fake.pages = SMALL_PAGES;
	put(&fake);
	followed(60)->past.out_bytes = 20 * MIB; /* it is small because we moved it out */
	for (int i = 0; i < 10; i++)
		scan();
	ck_assert_ptr_nonnull(followed(60));
	ck_assert_uint_eq(followed(60)->past.out_bytes, 20 * MIB);
	followed(60)->past.out_bytes = 0;
	followed(60)->past.backoff = 1;
	scan();
	ck_assert_ptr_nonnull(followed(60));
	followed(60)->past.backoff = 0;
	followed(60)->past.restored_ns = now_ns;
	scan_to(SCAN_FOLLOWED, params.idle.min_resident_ns - 1);
	ck_assert_ptr_nonnull(followed(60));
	scan_to(SCAN_FOLLOWED, 1);
	ck_assert_ptr_null(followed(60));
	sampler_close(&sampler);
}
END_TEST

START_TEST(ourselves_and_our_ancestors)
{
	struct fake self = program((int)getpid()), parent, other;

	(void)snprintf(root, sizeof root, "%s/%d", base, (int)getpid());
	ck_assert_int_eq(mkdir(root, 0755), 0);
	parent = program(self.pid > 2000 ? 500 : 30000);
	other = program(parent.pid + 1);
	self.ppid = parent.pid;
	parent.ppid = 1;
	put(&self);
	put(&parent);
	put(&other);
	put(&(struct fake){
		.pid = 1, .state = 'S', .pages = BIG_PAGES, .comm = "init", .cgroup = ""});
	set_params();
	now_ns = LATER;
	ck_assert_int_eq(sampler_open(&sampler, root, &params), 0);
	scan_to(SCAN_ALL, NS_PER_S);
	ck_assert_uint_eq(sampler.snapshot.n_procs, 1);
	ck_assert_ptr_nonnull(followed(other.pid));
	ck_assert_uint_eq(count_of(REASON_SELF), 3);
	/* the parent ends, and another process gets its number */
	vanish(parent.pid);
	parent.start++;
	put(&parent);
	for (int i = 0; i < 5; i++)
		scan_to(SCAN_FOLLOWED, NS_PER_S);
	ck_assert_ptr_nonnull(followed(parent.pid));
	ck_assert_ptr_null(followed(self.pid));
	sampler_close(&sampler);
}
END_TEST

START_TEST(a_full_table)
{
	open_fixture();
	sampler.followed_max = 3;
	for (int i = 0; i < 5; i++) {
		struct fake fake = program(100 + i);

		fake.uid = 0;
		put(&fake);
	}
	scan();
	ck_assert_uint_eq(sampler.snapshot.n_procs, 3);
	ck_assert_uint_eq(sampler.table_full, 2);
	ck_assert_uint_eq(count_of(REASON_LIMIT), 2);
	/* a place is taken at the next scan */
	vanish(sampler.snapshot.procs[1].facts.id.pid);
	scan();
	ck_assert_uint_eq(sampler.snapshot.n_procs, 3);
	ck_assert_uint_eq(sampler.table_full, 1);
	sampler.followed_max = SAMPLER_FOLLOWED_MAX;
	scan();
	ck_assert_uint_eq(sampler.snapshot.n_procs, 4);
	ck_assert_uint_eq(sampler.table_full, 0);
	ck_assert_uint_eq(count_of(REASON_LIMIT), 0);
	sampler_close(&sampler);
}
END_TEST

/* What starts later is looked at all the same. */
START_TEST(a_user_with_many)
{
	static const struct {
		unsigned uid;
		size_t n, followed;
	} rows[] = {{1000, 30, 8}, {1001, 30, 12}, {0, 2, 14}, {1002, 1, 15}};
	int pid = 100;

	open_fixture();
	sampler.followed_max = 16;
	for (size_t i = 0; i < ROWS(rows); i++) {
		for (size_t j = 0; j < rows[i].n; j++) {
			struct fake fake = program(pid++);

			fake.uid = rows[i].uid;
			put(&fake);
		}
		scan();
		ck_assert_uint_eq(sampler.snapshot.n_procs, rows[i].followed);
	}
	ck_assert_uint_eq(count_of(REASON_SHARE), 22 + 26);
	ck_assert_uint_eq(sampler.table_full, 22 + 26);
	sampler_close(&sampler);
}
END_TEST

START_TEST(new_settings)
{
	struct fake fake;
	int pid;

	open_fixture();
	choose_pids(&pid, 1);
	fake = program(pid);
	fake.pages = 4 * MIB / 4096;
	put(&fake);
	scan();
	ck_assert_ptr_null(followed(pid));
	params.idle.min_rss_bytes = MIB;
	sampler_reload(&sampler);
	ck_assert_uint_eq(sampler.scanned_ns, 0);
	scan();
	ck_assert_ptr_nonnull(followed(pid));
	/* a protect rule that is new, and one that is gone, are seen at the next full look */
	params.protect.names = "prog*";
	sampler_reload(&sampler);
	sampler_read_all(&sampler);
	ck_assert_uint_ne(followed(pid)->facts.flags & PROC_PROTECTED, 0);
	params.protect.names = "";
	sampler_reload(&sampler);
	sampler_read_all(&sampler);
	ck_assert_uint_eq(followed(pid)->facts.flags & PROC_PROTECTED, 0);
	sampler_close(&sampler);
}
END_TEST

/* -- facts ---------------------------------------------------------------------------------------
 */

START_TEST(full_facts_where_they_matter)
{
	struct fake idle = program(60), busy = program(70);

	open_fixture();
	put(&idle);
	put(&busy);
	scan();
	for (int minute = 1; minute <= 4; minute++) {
		busy.cpu_ticks += 6000;
		put(&busy);
		scan();
		ck_assert_uint_eq(followed(70)->facts.flags & PROC_FULL, 0);
		/* idle since the first scan; min_idle is two minutes */
		ck_assert_msg(!!(followed(60)->facts.flags & PROC_FULL) == (minute >= 2),
			      "after %d minutes", minute);
	}
	ck_assert_uint_eq(followed(60)->facts.anon_bytes, BIG_PAGES * 4 * KIB);
	ck_assert_uint_eq(followed(60)->facts.uid, 1000);
	ck_assert_uint_eq(idle_ns(&followed(60)->past, now_ns), 4 * NS_PER_MIN);
	/* it wakes up: what was read before holds no longer */
	idle.cpu_ticks += 6000;
	put(&idle);
	scan();
	ck_assert_uint_eq(followed(60)->facts.flags & PROC_FULL, 0);
	/* of what we hold something is always known all */
	followed(70)->past.out_bytes = 1;
	busy.cpu_ticks += 6000;
	busy.swap_kib = 77;
	put(&busy);
	scan();
	ck_assert_uint_ne(followed(70)->facts.flags & PROC_FULL, 0);
	ck_assert_uint_eq(followed(70)->facts.swap_bytes, 77 * KIB);
	sampler_read_all(&sampler);
	ck_assert_uint_ne(followed(60)->facts.flags & PROC_FULL, 0);
	sampler_close(&sampler);
}
END_TEST

START_TEST(protect_rules)
{
	static const struct {
		const char *name;
		struct protect_params rules;
		const char *exe, *cgroup;
		int oom_score_adj;
		uint32_t flags;
	} rows[] = {
		{"no rule", {"", "", "", "", "", -500}, "/x", "0::/\n", 0, 0},
		{"by name",
		 {"x program y", "", "", "", "", -500},
		 "/x",
		 "0::/\n",
		 0,
		 PROC_PROTECTED},
		{"by your own name",
		 {"", "prog*", "", "", "", -500},
		 "/x",
		 "0::/\n",
		 0,
		 PROC_PROTECTED},
		{"by path",
		 {"", "", "/usr/bin/*", "", "", -500},
		 "/usr/bin/x",
		 "0::/\n",
		 0,
		 PROC_PROTECTED},
		{"by another path",
		 {"", "", "/usr/bin/*", "", "", -500},
		 "/usr/sbin/x",
		 "0::/\n",
		 0,
		 0},
		{"by a path that was replaced by an update",
		 {"", "", "/usr/bin/x", "", "", -500},
		 "/usr/bin/x (deleted)",
		 "0::/\n",
		 0,
		 PROC_PROTECTED},
		{"by cgroup",
		 {"", "", "", "/system.slice/*", "", -500},
		 "/x",
		 "0::/system.slice/a.service\n",
		 0,
		 PROC_PROTECTED},
		{"by uid", {"", "", "", "", "0 1000", -500}, "/x", "0::/\n", 0, PROC_PROTECTED},
		{"by the OOM score",
		 {"", "", "", "", "", -500},
		 "/x",
		 "0::/\n",
		 -500,
		 PROC_OOM_PROTECTED},
		{"over the OOM score", {"", "", "", "", "", -500}, "/x", "0::/\n", -499, 0},
		{"both",
		 {"program", "", "", "", "", 0},
		 "/x",
		 "0::/\n",
		 0,
		 PROC_PROTECTED | PROC_OOM_PROTECTED},
		/* what can't be read is nobody's victim, unless nobody asks for it */
		{"no exe, no rule", {"", "", "", "", "", -500}, NULL, "0::/\n", 0, 0},
		{"no exe",
		 {"", "", "/usr/bin/*", "", "", -500},
		 NULL,
		 "0::/\n",
		 0,
		 PROC_UNREADABLE},
		{"no exe, but a name",
		 {"program", "", "/usr/bin/*", "", "", -500},
		 NULL,
		 "0::/\n",
		 0,
		 PROC_PROTECTED},
		{"no exe, but *", {"", "", "*", "", "", -500}, NULL, "0::/\n", 0, PROC_PROTECTED},
		{"torn cgroup", {"", "", "", "/x/*", "", -500}, "/x", "0::/us", 0, PROC_UNREADABLE},
		{"torn cgroup, no rule", {"", "", "", "", "", -500}, "/x", "0::/us", 0, 0},
	};

	open_fixture();
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct fake fake = program(60);
		const uint32_t mask = PROC_PROTECTED | PROC_UNREADABLE | PROC_OOM_PROTECTED;

		fake.exe = rows[i].exe;
		fake.cgroup = rows[i].cgroup;
		fake.oom_score_adj = rows[i].oom_score_adj;
		params.protect = rows[i].rules;
		put(&fake);
		scan();
		sampler_read_all(&sampler);
		ck_assert_uint_ne(followed(60)->facts.flags & PROC_FULL, 0);
		ck_assert_msg((followed(60)->facts.flags & mask) == rows[i].flags, "%s: %x",
			      rows[i].name, followed(60)->facts.flags & mask);
	}
	sampler_close(&sampler);
}
END_TEST

START_TEST(facts_that_make_no_sense)
{
	struct fake fake = program(60);

	open_fixture();
	put(&fake);
	scan();
	write_file(60, "status", "Name:\tx\n");
	sampler_read_all(&sampler);
	ck_assert_uint_eq(followed(60)->facts.flags & PROC_FULL, 0);
	ck_assert_uint_ne(followed(60)->facts.flags & PROC_UNREADABLE, 0);
	/* and when they do again */
	put(&fake);
	sampler_read_all(&sampler);
	ck_assert_uint_ne(followed(60)->facts.flags & PROC_FULL, 0);
	ck_assert_uint_eq(followed(60)->facts.flags & PROC_UNREADABLE, 0);
	write_file(60, "oom_score_adj", "a lot\n");
	ck_assert_int_eq(sampler_refresh(&sampler, followed(60), now_ns), -EBADMSG);
	ck_assert_uint_ne(followed(60)->facts.flags & PROC_UNREADABLE, 0);
	/* a stat that makes no sense is no process */
	write_file(60, "stat", "60 (x\n");
	scan();
	ck_assert_ptr_null(followed(60));
	sampler_close(&sampler);
}
END_TEST

START_TEST(refreshed)
{
	struct fake fake = program(60);
	struct proc *proc;

	open_fixture();
	put(&fake);
	scan();
	scan();
	fake.anon_kib = 4321;
	fake.cpu_ticks += 6000;
	put(&fake);
	now_ns += NS_PER_MIN;
	proc = followed(60);
	ck_assert_uint_ne(proc->past.idle_since_ns, 0);
	ck_assert_int_eq(sampler_refresh(&sampler, proc, now_ns), 0);
	ck_assert_uint_eq(proc->facts.anon_bytes, 4321 * KIB);
	ck_assert_uint_eq(proc->past.idle_since_ns, 0); /* it woke up */
	fake.code += 4096;				/* exec */
	put(&fake);
	ck_assert_int_eq(sampler_refresh(&sampler, proc, now_ns), -ESRCH);
	ck_assert_int_eq(sampler_refresh(&sampler, proc, now_ns), 0); /* that one now */
	vanish(60);
	ck_assert_int_lt(sampler_refresh(&sampler, proc, now_ns), 0);
	sampler_close(&sampler);
}
END_TEST

/* Two that came before us were held up by him. */
START_TEST(who_held_us_up)
{
	struct lookout lookout = {0};
	struct fake fake;
	int pids[3];

	open_fixture();
	choose_pids(pids, 3);
	for (int i = 0; i < 3; i++) {
		fake = program(pids[i]);
		fake.uid = i == 1 ? 1001 : 1000;
		put(&fake);
	}
	for (int times = 0; times <= LOOKOUT_TIMES; times++) {
		lookout.page = NULL;
		ck_assert_int_eq(lookout_open(&lookout, path_of(0, "look"), &sampler.procfs), 0);
		sampler.lookout = &lookout;
		(void)lookout_at(&lookout, pids[0]);
	}
	scan();
	ck_assert(!followed(pids[0]) && followed(pids[1]) && !followed(pids[2]));
	ck_assert_uint_eq(count_of(REASON_HELD_UP), 2);
	ck_assert_int_eq(lookout.page->at, 0);
	sampler_close(&sampler);
	lookout_close(&lookout);
}
END_TEST

START_TEST(found_by_identity)
{
	open_fixture();
	ck_assert_ptr_null(sampler_find(&sampler, &(struct proc_id){60, 1}));
	for (int i = 0; i < 20; i++) {
		struct fake fake = program(100 + 3 * i);

		put(&fake);
	}
	scan();
	ck_assert_uint_eq(sampler.snapshot.n_procs, 20);
	for (int pid = 90; pid < 170; pid++) {
		struct proc_id id = {pid, 1000 + (uint64_t)pid};
		struct proc *expected = followed(pid);

		ck_assert_ptr_eq(sampler_find(&sampler, &id), expected);
		id.start_ticks++;
		ck_assert_ptr_null(sampler_find(&sampler, &id));
	}
	sampler_close(&sampler);
}
END_TEST

START_TEST(memory_and_pressure)
{
	open_fixture();
	ck_assert_int_eq(sampler_read_memory(&sampler, 1), -ENOENT);
	write_memory(500000, 4000);
	ck_assert_int_eq(sampler_read_memory(&sampler, 2), 0);
	ck_assert_uint_eq(sampler.snapshot.mem.available_bytes, 500000 * KIB);
	ck_assert_uint_eq(sampler.snapshot.now_ns, 2);
	ck_assert(!sampler.snapshot.psi.present);
	/* more available than there is: the old facts stay */
	write_memory(1000001, 4000);
	ck_assert_int_eq(sampler_read_memory(&sampler, 3), -ERANGE);
	ck_assert_uint_eq(sampler.snapshot.mem.available_bytes, 500000 * KIB);
	ck_assert_uint_eq(sampler.snapshot.now_ns, 2);
	write_file(0, "meminfo", "MemTotal: 10");
	ck_assert_int_eq(sampler_read_memory(&sampler, 4), -EBADMSG);
	ck_assert_uint_eq(sampler.snapshot.mem.available_bytes, 500000 * KIB);
	write_memory(400000, 4000);
	ck_assert_int_eq(mkdir(path_of(0, "pressure"), 0755), 0);
	write_file(0, "pressure/memory", "some avg10=1.50 avg60=0.00 avg300=0.00 total=9\n");
	ck_assert_int_eq(sampler_read_memory(&sampler, 5), 0);
	ck_assert_uint_eq(sampler.snapshot.mem.available_bytes, 400000 * KIB);
	ck_assert(sampler.snapshot.psi.present);
	ck_assert_uint_eq(sampler.snapshot.psi.some_avg10_permyriad, 150);
	write_file(0, "pressure/memory", "some");
	ck_assert_int_eq(sampler_read_memory(&sampler, 6), 0);
	ck_assert(!sampler.snapshot.psi.present);
	sampler_close(&sampler);
}
END_TEST

START_TEST(nothing_to_open)
{
	set_params();
	ck_assert_int_eq(sampler_open(&sampler, "/nowhere", &params), -ENOENT);
	sampler_close(&sampler);
	ck_assert_int_eq(sampler_open(&sampler, "/dev/null", &params), -ENOTDIR);
	sampler_close(&sampler);
}
END_TEST

static void put_thread(const struct fake *fake, int tid, unsigned policy)
{
	char name[40], text[300];

	(void)mkdir(path_of(fake->pid, "task"), 0755);
	(void)snprintf(name, sizeof name, "task/%d", tid);
	(void)mkdir(path_of(fake->pid, name), 0755);
	(void)snprintf(name, sizeof name, "task/%d/stat", tid);
	(void)snprintf(text, sizeof text,
		       "%d (thread) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 %u 0 1 0 0 0 2 0 "
		       "7777 0 0 0 0 0 0 0 0 0 17 0 0 %u 0 0 0 0\n",
		       tid, fake->threads, policy);
	write_file(fake->pid, name, text);
}

static bool has_realtime_thread(int pid)
{
	scan();
	return followed(pid)->facts.flags & PROC_REALTIME_THREAD;
}

/* The first thread says nothing of the others; what stat says of it clears nothing of theirs. */
START_TEST(realtime_threads)
{
	struct fake fake = program(100);

	open_fixture();
	fake.threads = 3;
	put(&fake);
	for (int tid = 100; tid < 103; tid++)
		put_thread(&fake, tid, 0);
	for (int i = 0; i < 4; i++)
		ck_assert(!has_realtime_thread(100));
	put_thread(&fake, 102, SCHED_RR);
	ck_assert(has_realtime_thread(100));
	ck_assert(!(followed(100)->facts.flags & PROC_REALTIME));
	fake.cpu_ticks += 60 * 100; /* busy: no full look any more, and the flag stays */
	put(&fake);
	ck_assert(has_realtime_thread(100));
	ck_assert(!(followed(100)->facts.flags & PROC_FULL));
	put_thread(&fake, 102, SCHED_OTHER);
	ck_assert_int_eq(sampler_refresh(&sampler, followed(100), now_ns + NS_PER_S), 0);
	ck_assert(!(followed(100)->facts.flags & PROC_REALTIME_THREAD));
	/* no more than some are looked at */
	fake.threads = 300;
	put(&fake);
	for (int tid = 103; tid < 400; tid++)
		put_thread(&fake, tid, SCHED_FIFO);
	ck_assert_int_eq(sampler_refresh(&sampler, followed(100), now_ns + 2 * NS_PER_S), 0);
	ck_assert(followed(100)->facts.flags & PROC_REALTIME_THREAD);
	/* one thread has no others, whatever lies there */
	fake.threads = 1;
	put(&fake);
	ck_assert_int_eq(sampler_refresh(&sampler, followed(100), now_ns + 3 * NS_PER_S), 0);
	ck_assert(!(followed(100)->facts.flags & PROC_REALTIME_THREAD));
	sampler_close(&sampler);
}
END_TEST

/* -- our own score ----------------------------------------------------------------------------- */

static int64_t lower_score(const char *from)
{
	char text[32] = "";
	_cleanup_close_ int fd = -1;
	int64_t score;

	(void)mkdir(path_of(0, "self"), 0755);
	write_file(0, "self/oom_score_adj", from);
	ck_assert_int_eq(privs_lower_oom_score(&sampler.procfs), 0);
	fd = open(path_of(0, "self/oom_score_adj"), O_RDONLY | O_CLOEXEC);
	ck_assert_int_gt(read(fd, text, sizeof text - 1), 0);
	*strchr(text, '\n') = '\0'; /* a file keeps what was behind */
	ck_assert_int_eq(num_i64(text, &score), 0);
	return score;
}

START_TEST(the_score_is_never_raised)
{
	open_fixture();
	ck_assert_int_eq(lower_score("-1000\n"), -1000);
	ck_assert_int_eq(lower_score("-901\n"), -901);
	ck_assert_int_eq(lower_score("-900\n"), -900);
	ck_assert_int_eq(lower_score("-899\n"), -900);
	ck_assert_int_eq(lower_score("1000\n"), -900);
	write_file(0, "self/oom_score_adj", "x\n");
	ck_assert_int_lt(privs_lower_oom_score(&sampler.procfs), 0);
	sampler_close(&sampler);
}
END_TEST

/* Who may raise it may lower it again, as far as it was. */
START_TEST(as_far_as_it_is_granted)
{
	struct procfs procfs;
	char before[16], after[16];
	int64_t usual, lowered;
	int fd = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);

	ck_assert_int_eq(procfs_open("/proc", &procfs), 0);
	ck_assert_int_gt(procfs_read_fd(fd, before, sizeof before), 0);
	before[strlen(before) - 1] = '\0';
	ck_assert_int_eq(num_i64(before, &usual), 0);
	ck_assert_int_eq(pwrite(fd, "1000\n", 5, 0), 5);
	ck_assert_int_eq(privs_lower_oom_score(&procfs), usual < 1000 ? 0 : -EACCES);
	ck_assert_int_gt(procfs_read_fd(fd, after, sizeof after), 0);
	after[strlen(after) - 1] = '\0';
	ck_assert_int_eq(num_i64(after, &lowered), 0);
	ck_assert_int_le(lowered, usual < -900 ? -900 : usual);
	procfs_close(&procfs);
	(void)close(fd);
}
END_TEST

/* -- the real one ---------------------------------------------------------------------- */

static size_t open_files(void)
{
	DIR *directory = opendir("/proc/self/fd");
	size_t n = 0;

	while (readdir(directory))
		n++;
	(void)closedir(directory);
	return n;
}

enum { HOLD = 1, DROP, BECOME };

static void child_body(int socket)
{
	char *memory = NULL;
	size_t bytes = 0;

	for (;;) {
		struct message message = child_next(socket);

		if (message.word == BECOME)
			(void)execl("/bin/sleep", "sleep", "1000", NULL);
		if (memory)
			(void)munmap(memory, bytes);
		memory = NULL;
		if (message.word == HOLD) {
			bytes = message.a;
			memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
				      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			memset(memory, 'x', bytes);
		}
		child_answer(socket, 0);
	}
}

static void become_another(const struct child *child)
{
	struct message message = {.word = BECOME};

	ck_assert_int_eq(send(child->socket, &message, sizeof message, 0), (ssize_t)sizeof message);
	ck_assert_int_eq(recv(child->socket, &message, sizeof message, 0), 0); /* closed by exec */
}

static void open_real(void)
{
	set_params();
	/* a sanitizer makes every child of ours large */
	params.idle.min_rss_bytes = 100 * MIB;
	now_ns = clock_now_ns();
	ck_assert_int_eq(sampler_open(&sampler, "/proc", &params), 0);
}

START_TEST(real_children)
{
	size_t files = open_files();
	struct child big = child_start(child_body), small = child_start(child_body);
	int scans = 0;

	(void)child_ask(&big, HOLD, 120 * MIB, 0);
	open_real();
	scan();
	ck_assert_ptr_nonnull(followed(big.pid));
	ck_assert_ptr_null(followed(small.pid));
	ck_assert_ptr_null(followed(getpid()));
	ck_assert_ptr_null(followed(getppid()));
	ck_assert_uint_ge(count_of(REASON_SELF), 2);
	if (getppid() != 1 && access("/proc/2/stat", R_OK) == 0)
		ck_assert_uint_gt(count_of(REASON_KERNEL), 0);
	ck_assert_uint_gt(count_of(REASON_SMALL), 0);

	sampler_read_all(&sampler);
	ck_assert_uint_ge(followed(big.pid)->facts.anon_bytes, 119 * MIB);
	ck_assert_uint_eq(followed(big.pid)->facts.uid, getuid());
	ck_assert_int_eq(followed(big.pid)->facts.ppid, getpid());

	(void)child_ask(&small, HOLD, 120 * MIB, 0);
	while (!followed(small.pid) && scans++ < 100)
		scan();
	ck_assert_int_le(scans, 5);

	(void)child_ask(&big, DROP, 0, 0);
	scan();
	ck_assert_ptr_null(followed(big.pid));

	child_kill(&small); /* a zombie is of no interest, a reaped one even less */
	scan();
	ck_assert_ptr_null(followed(small.pid));
	child_reap(&small);
	(void)child_ask(&big, HOLD, 120 * MIB, 0);
	scan_to(SCAN_ALL, NS_PER_S);
	ck_assert_ptr_nonnull(followed(big.pid));
	child_end(&big);
	scan();
	ck_assert_ptr_null(followed(big.pid));
	sampler_close(&sampler);
	ck_assert_uint_eq(open_files(), files);
}
END_TEST

START_TEST(real_exec_and_end)
{
	struct child exec = child_start(child_body), ended = child_start(child_body);
	struct proc *proc;

	(void)child_ask(&exec, HOLD, 120 * MIB, 0);
	(void)child_ask(&ended, HOLD, 120 * MIB, 0);
	open_real();
	scan();
	proc = followed(exec.pid);
	ck_assert_int_eq(sampler_refresh(&sampler, proc, now_ns + NS_PER_S), 0);
	proc->past.out_bytes = 50 * MIB;
	become_another(&exec);
	ck_assert_int_eq(sampler_refresh(&sampler, proc, now_ns + 2 * NS_PER_S), -ESRCH);
	ck_assert_str_eq(proc->facts.comm, "sleep");
	ck_assert_uint_eq(proc->past.out_bytes, 0);
	proc = followed(ended.pid);
	child_end(&ended);
	ck_assert_int_eq(sampler_refresh(&sampler, proc, now_ns + 2 * NS_PER_S), -ESRCH);
	scan();
	ck_assert_ptr_null(followed(ended.pid));
	ck_assert_ptr_null(followed(exec.pid)); /* small now */
	child_end(&exec);
	sampler_close(&sampler);
}
END_TEST

/* Descriptors bound how many can be followed. */
START_TEST(few_descriptors)
{
	const struct rlimit limit = {66, 66};
	struct child children[4];

	for (size_t i = 0; i < 4; i++) {
		children[i] = child_start(child_body);
		(void)child_ask(&children[i], HOLD, 120 * MIB, 0);
	}
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	open_real();
	ck_assert_uint_eq(sampler.followed_max, 2);
	scan();
	ck_assert_uint_eq(sampler.snapshot.n_procs, 2);
	ck_assert_uint_ge(sampler.table_full, 2);
	sampler_close(&sampler);
	for (size_t i = 0; i < 4; i++)
		child_end(&children[i]);
}
END_TEST

/* Processes come, grow, shrink, become others and go; whoever is big is followed after a look at
 * all, and nobody else of ours. */
START_TEST(real_ones_at_random)
{
	enum { N = 12 };
	struct series series = series_start(0x73616d70);
	struct child children[N];
	bool alive[N] = {false}, big[N] = {false};
	size_t files = open_files();

	open_real();
	params.idle.min_rss_bytes = 40 * MIB;
#if defined(__SANITIZE_ADDRESS__)
	params.idle.min_rss_bytes = 100 * MIB;
#endif
	for (int round = 0; round < 150; round++) {
		size_t i = series_below(&series, N);

		if (!alive[i]) {
			children[i] = child_start(child_body);
			alive[i] = true;
			big[i] = false;
		} else if (series_below(&series, 4) == 0) {
			child_end(&children[i]);
			alive[i] = false;
		} else {
			big[i] = series_below(&series, 2);
			(void)child_ask(&children[i], big[i] ? HOLD : DROP,
					params.idle.min_rss_bytes + 10 * MIB, 0);
		}
		if (series_below(&series, 3)) {
			scan();
			continue;
		}
		scan_to(SCAN_ALL, NS_PER_S);
		for (size_t c = 0; c < N; c++)
			if (alive[c])
				ck_assert_msg(!!followed(children[c].pid) == big[c],
					      "round %d, seed %llx: %zu MiB", round,
					      (unsigned long long)series.seed,
					      (size_t)(child_facts(&children[c]).rss_bytes / MIB));
	}
	for (size_t i = 0; i < N; i++)
		if (alive[i])
			child_end(&children[i]);
	scan_to(SCAN_ALL, NS_PER_S);
	sampler_close(&sampler);
	ck_assert_uint_eq(open_files(), files);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		follows_what_can_be_a_victim,
		new_and_vanished,
		a_reused_number,
		grown_ones_are_found,
		others_are_looked_at_now_and_then,
		shrunk_ones_are_let_go,
		a_stopped_one_is_kept,
		an_action_under_way_keeps_it,
		what_is_remembered_keeps_it,
		ourselves_and_our_ancestors,
		a_full_table,
		a_user_with_many,
		new_settings,
		full_facts_where_they_matter,
		protect_rules,
		facts_that_make_no_sense,
		refreshed,
		found_by_identity,
		who_held_us_up,
		memory_and_pressure,
		nothing_to_open,
		realtime_threads,
		the_score_is_never_raised,
		as_far_as_it_is_granted,
		real_children,
		real_exec_and_end,
		few_descriptors,
		real_ones_at_random,
	};
	int status;

	if (!mkdtemp(base))
		return 1;
	status = RUN_TESTS("sampler", tests);
	(void)nftw(base, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	return status;
}
