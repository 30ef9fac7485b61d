/* SPDX-License-Identifier: MIT */
#include "sys/procstat.h"

#include "base/cleanup.h"
#include "unit/builders.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

static const struct procstat_units units = {.page_bytes = 4096, .tick_ns = NS_PER_S / 100};

/* -- stat ----------------------------------------------------------------------------------- */

/* Behind the name and its bracket; ppid 26427, rss 414 pages, 3 + 4 ticks of CPU, 9 major faults */
#define TAIL                                                                                       \
	" R 26427 26429 15118 0 -1 4194304 100 0 9 0 3 4 0 0 20 0 1 0 280696 3133440 414 "         \
	"18446744073709551615 94406341668864 94406341688745 140732041927696 0 0 0 0 0 0 0 0 0 17 " \
	"0 0 0 0 0 0 94406341704752 94406341706368 94406832033792 140732041935482 "                \
	"140732041935520 "                                                                         \
	"140732041935520 140732041936875 0\n"
#define PROGRAM "26429 (cat)" TAIL

static const char kernel_thread[] =
	"2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 5 0 0 20 0 1 0 6 0 0 18446744073709551615 0 0 "
	"0 0 0 0 0 2147483647 0 1 0 0 0 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n";

static int parse(const char *text, struct proc_facts *facts)
{
	return procstat_parse(text, strlen(text), &units, facts);
}

/* PROGRAM with its field number (from 4 on) replaced by value. */
static const char *with_field(int number, const char *value)
{
	static char buf[1024];
	const char *at = strrchr(PROGRAM, ')') + 2, *end;

	for (int i = 3; i < number; i++)
		at = strchr(at, ' ') + 1;
	end = strchr(at, ' ');
	(void)snprintf(buf, sizeof buf, "%.*s%s%s", (int)(at - PROGRAM), PROGRAM, value,
		       end ? end : "\n");
	return buf;
}

START_TEST(takes_a_program)
{
	struct proc_facts facts = {.flags =
					   PROC_FULL | PROC_PROTECTED | PROC_KERNEL | PROC_REALTIME,
				   .uid = 77,
				   .anon_bytes = 88,
				   .comm = "something longer"};

	ck_assert_int_eq(parse(PROGRAM, &facts), 0);
	ck_assert_int_eq(facts.id.pid, 26429);
	ck_assert_uint_eq(facts.id.start_ticks, 280696);
	ck_assert_int_eq(facts.ppid, 26427);
	ck_assert_int_eq(facts.state, 'R');
	ck_assert_str_eq(facts.comm, "cat");
	ck_assert_uint_eq(facts.cpu_ns, 7 * NS_PER_S / 100);
	ck_assert_uint_eq(facts.major_faults, 9);
	ck_assert_uint_eq(facts.rss_bytes, 414 * 4096);
	ck_assert_uint_ne(facts.mm_tag, 0);
	/* its own flags set and cleared, nothing else touched */
	ck_assert_uint_eq(facts.flags, PROC_FULL | PROC_PROTECTED);
	ck_assert_uint_eq(facts.uid, 77);
	ck_assert_uint_eq(facts.anon_bytes, 88);
}
END_TEST

START_TEST(takes_a_kernel_thread)
{
	struct proc_facts facts = {0};

	ck_assert_int_eq(parse(kernel_thread, &facts), 0);
	ck_assert_int_eq(facts.id.pid, 2);
	ck_assert_str_eq(facts.comm, "kthreadd");
	ck_assert_uint_eq(facts.flags, PROC_KERNEL);
	ck_assert_uint_eq(facts.mm_tag, 0);
	ck_assert_uint_eq(facts.rss_bytes, 0);
}
END_TEST

/* Every name a process can give itself, and the kernel's own longer ones */
START_TEST(hostile_names)
{
	static const char *const rows[][2] = {
		{"a) R 1 (b", "a) R 1 (b"},
		{"evil)\n", "evil)\n"},
		{"\n", "\n"},
		{"", ""},
		{" ", " "},
		{")", ")"},
		{"(", "("},
		{"((((((((((((((((", "((((((((((((((("}, /* 16: cut to 15 */
		{")))))))))))))))", ")))))))))))))))"},
		{") S 1 1 1 1 1 1", ") S 1 1 1 1 1 1"},
		{"1 (x) R 0 0 0 0", "1 (x) R 0 0 0 0"},
		{"fifteen letters", "fifteen letters"},
		{"\\n\\\\", "\\n\\\\"},
		{"a\tb\033[1m", "a\tb\033[1m"},
		{"\xff\xfe\x80", "\xff\xfe\x80"},
		{"kworker/u8:2-events_power_efficient", "kworker/u8:2-ev"},
		{"a)b)c) Z 9", "a)b)c) Z 9"},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct proc_facts facts = {.comm = "###############"};
		char text[1024];

		(void)snprintf(text, sizeof text, "26429 (%s)%s", rows[i][0], TAIL);
		ck_assert_msg(parse(text, &facts) == 0, "row %zu is refused", i);
		ck_assert_msg(memcmp(facts.comm, rows[i][1], strlen(rows[i][1]) + 1) == 0,
			      "row %zu: \"%s\"", i, facts.comm);
		ck_assert_int_eq(facts.comm[COMM_SIZE - 1], 0);
		ck_assert_int_eq(facts.state, 'R');
		ck_assert_int_eq(facts.ppid, 26427);
		ck_assert_uint_eq(facts.rss_bytes, 414 * 4096);
	}
}
END_TEST

START_TEST(refuses)
{
	static const char *const rows[] = {
		"",
		"\n",
		"26429",
		"26429 ",
		"26429 (",
		"26429 (cat",
		"26429 (cat)",
		"26429 (cat) ",
		"26429 (cat) R",
		"26429 (cat) R ",
		"26429 (cat) R 1",
		"0 (cat)" TAIL,
		"-1 (cat)" TAIL,
		"2147483648 (cat)" TAIL,
		"18446744073709551616 (cat)" TAIL,
		" 26429 (cat)" TAIL,
		"26429  (cat)" TAIL,
		"26429(cat)" TAIL,
		"26429 cat" TAIL,
		"x (cat)" TAIL,
		"26429 (cat) R  26427 26427 15118 0 -1 4194304 100 0 9 0 3 4 0 0 20 0 1 0 280696 1 "
		"414 1 2 3 4 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 1\n",
		"26429 (cat)\tR 26427 26427 15118 0 -1 4194304 100 0 9 0 3 4 0 0 20 0 1 0 280696 1 "
		"414 1 2 3 4 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 1\n",
	};
	static const char *const bad_numbers[] = {
		"",
		"-",
		"--1",
		"+1",
		"0x1",
		"a",
		"1a",
		"1.5",
		"18446744073709551616",
		"99999999999999999999999",
		"-18446744073709551616",
		" 1",
	};
	struct proc_facts facts, untouched;

	memset(&facts, 0x5a, sizeof facts);
	untouched = facts;
	for (size_t i = 0; i < ROWS(rows); i++)
		ck_assert_msg(parse(rows[i], &facts) == -EBADMSG, "row %zu is taken: %s", i,
			      rows[i]);
	for (int field = 4; field <= 41; field++)
		for (size_t i = 0; i < ROWS(bad_numbers); i++)
			ck_assert_msg(parse(with_field(field, bad_numbers[i]), &facts) == -EBADMSG,
				      "field %d is taken as \"%s\"", field, bad_numbers[i]);
	ck_assert_mem_eq(&facts, &untouched, sizeof facts);
}
END_TEST

/* Refused, or all that is used was there. */
START_TEST(torn_anywhere)
{
	/* the last number that is used has two digits in one: the first alone is another policy */
	const char *const samples[] = {PROGRAM, kernel_thread, with_field(41, "17")};

	for (size_t s = 0; s < ROWS(samples); s++) {
		struct proc_facts whole = {0};

		ck_assert_int_eq(parse(samples[s], &whole), 0);
		for (size_t cut = 0; cut < strlen(samples[s]); cut++) {
			char *copy = malloc(cut + 1);
			struct proc_facts facts = {0};
			int r;

			memcpy(copy, samples[s], cut);
			r = procstat_parse(copy, cut, &units, &facts);
			free(copy);
			ck_assert_msg(r == -EBADMSG ||
					      (r == 0 && memcmp(&facts, &whole, sizeof facts) == 0),
				      "sample %zu cut at %zu: %d", s, cut, r);
		}
	}
}
END_TEST

START_TEST(the_flags)
{
	static const struct {
		const char *name;
		int field;
		const char *value;
		uint32_t flags;
	} rows[] = {
		{"nothing", 7, "0", 0},
		{"a terminal, in the background", 7, "34816", 0},
		{"normal", 41, "0", 0},
		{"SCHED_FIFO", 41, "1", PROC_REALTIME},
		{"SCHED_RR", 41, "2", PROC_REALTIME},
		{"SCHED_BATCH", 41, "3", 0},
		{"SCHED_IDLE", 41, "5", 0},
		{"SCHED_DEADLINE", 41, "6", PROC_REALTIME},
		{"SCHED_EXT", 41, "7", 0},
		{"a kernel thread", 9, "2129984", PROC_KERNEL},
		{"PF_KTHREAD alone", 9, "2097152", PROC_KERNEL},
	};
	struct proc_facts facts;
	char text[1024];

	for (size_t i = 0; i < ROWS(rows); i++) {
		facts = (struct proc_facts){0};
		ck_assert_msg(parse(with_field(rows[i].field, rows[i].value), &facts) == 0, "%s",
			      rows[i].name);
		ck_assert_msg(facts.flags == rows[i].flags, "%s: %x", rows[i].name, facts.flags);
	}
	/* "foreground" and "leader" take a terminal: without one, tpgid is -1 and says nothing */
	facts = (struct proc_facts){0};
	ck_assert_int_eq(parse(with_field(5, "18446744073709551615"), &facts), 0);
	ck_assert_uint_eq(facts.flags, 0);
	(void)snprintf(text, sizeof text,
		       "26429 (vi) S 1 26429 26429 34816 26429 4194304 100 0 9 0 3 4 0 0 20 0 1 0 "
		       "280696 1 414 1 2 3 4 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 1\n");
	ck_assert_int_eq(parse(text, &facts), 0);
	ck_assert_uint_eq(facts.flags, PROC_FOREGROUND | PROC_SESSION_LEADER);
	(void)snprintf(text, sizeof text,
		       "26429 (vi) S 1 26429 26429 34816 -1 4194304 100 0 9 0 3 4 0 0 20 0 1 0 "
		       "280696 1 414 1 2 3 4 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 1\n");
	ck_assert_int_eq(parse(text, &facts), 0);
	ck_assert_uint_eq(facts.flags, PROC_SESSION_LEADER);
}
END_TEST

START_TEST(the_memory_tag)
{
	struct proc_facts first = {0}, second = {0};

	/* without permission the kernel shows 0 or 1 for code, 0 for the stack */
	ck_assert_int_eq(
		parse("5 (x) S 1 5 5 0 -1 0 1 0 9 0 3 4 0 0 20 0 1 0 28 1 414 1 0 0 0 0 0 0 "
		      "0 0 0 0 0 0 17 0 0 0 0 0 0 1\n",
		      &first),
		0);
	ck_assert_uint_eq(first.mm_tag, 0);
	ck_assert_int_eq(
		parse("5 (x) S 1 5 5 0 -1 0 1 0 9 0 3 4 0 0 20 0 1 0 28 1 414 1 1 1 0 0 0 0 "
		      "0 0 0 0 0 0 17 0 0 0 0 0 0 1\n",
		      &first),
		0);
	ck_assert_uint_eq(first.mm_tag, 0);
	ck_assert_int_eq(parse(PROGRAM, &first), 0);
	ck_assert_int_eq(parse(with_field(26, "94406341672960"), &second), 0); /* a page further */
	ck_assert_uint_ne(first.mm_tag, second.mm_tag);
	ck_assert_int_eq(parse(with_field(28, "140732041927712"), &second), 0);
	ck_assert_uint_ne(first.mm_tag, second.mm_tag);
	ck_assert_int_eq(parse(with_field(27, "1"), &second), 0);
	ck_assert_uint_eq(first.mm_tag, second.mm_tag);
}
END_TEST

/* What no kernel says, but nothing may wrap: it would make a giant look small, a worker idle. */
START_TEST(absurd_numbers_saturate)
{
	struct proc_facts facts = {0};

	ck_assert_int_eq(parse(with_field(24, "18446744073709551615"), &facts), 0);
	ck_assert_uint_ge(facts.rss_bytes, UINT64_MAX - 4096);
	ck_assert_int_eq(parse(with_field(24, "4503599627370497"), &facts), 0); /* 2^52 + 1 pages */
	ck_assert_uint_ge(facts.rss_bytes, UINT64_MAX - 4096);
	ck_assert_int_eq(parse(with_field(14, "18446744073709551615"), &facts), 0);
	ck_assert_uint_ge(facts.cpu_ns, UINT64_MAX - units.tick_ns);
}
END_TEST

/* -- status --------------------------------------------------------------------------------- */

static const char status[] = "Name:\tcat\n"
			     "Umask:\t0022\n"
			     "State:\tR (running)\n"
			     "Tgid:\t26429\n"
			     "Ngid:\t0\n"
			     "Pid:\t26429\n"
			     "PPid:\t26427\n"
			     "TracerPid:\t314\n"
			     "Uid:\t1000\t1001\t1002\t1003\n"
			     "Gid:\t100\t100\t100\t100\n"
			     "FDSize:\t256\n"
			     "Groups:\t \n"
			     "VmPeak:\t    3060 kB\n"
			     "VmRSS:\t    1768 kB\n"
			     "RssAnon:\t     112 kB\n"
			     "RssFile:\t    1656 kB\n"
			     "VmSwap:\t     2048 kB\n"
			     "HugetlbPages:\t       0 kB\n"
			     "Threads:\t1\n";

static int parse_status(const char *text, struct proc_facts *facts)
{
	return procstat_parse_status(text, strlen(text), facts);
}

START_TEST(status_of_a_program)
{
	struct proc_facts facts = {.flags = PROC_KERNEL, .rss_bytes = 5};

	ck_assert_int_eq(parse_status(status, &facts), 0);
	ck_assert_uint_eq(facts.uid, 1000);
	ck_assert_int_eq(facts.tracer_pid, 314);
	ck_assert_uint_eq(facts.anon_bytes, 112 * KIB);
	ck_assert_uint_eq(facts.swap_bytes, 2048 * KIB);
	ck_assert_uint_eq(facts.flags, PROC_KERNEL);
	ck_assert_uint_eq(facts.rss_bytes, 5);
}
END_TEST

START_TEST(status_of_a_kernel_thread)
{
	struct proc_facts facts = {.anon_bytes = 5, .swap_bytes = 5};

	ck_assert_int_eq(parse_status("Name:\tkthreadd\nTracerPid:\t0\nUid:\t0\t0\t0\t0\n", &facts),
			 0);
	ck_assert_uint_eq(facts.anon_bytes, 0);
	ck_assert_uint_eq(facts.swap_bytes, 0);
}
END_TEST

START_TEST(status_refuses)
{
	static const char *const rows[] = {
		"",
		"Uid:\t0\n",
		"TracerPid:\t0\n",
		"TracerPid:\t0\nUid:\n",
		"TracerPid:\t0\nUid:\t\n",
		"TracerPid:\t0\nUid:\t-1\n",
		"TracerPid:\t0\nUid:\t4294967296\n",
		"TracerPid:\t-1\nUid:\t0\n",
		"TracerPid:\t2147483648\nUid:\t0\n",
		"TracerPid:\t18446744073709551616\nUid:\t0\n",
		"TracerPid:\t0\n Uid:\t0\n",
		"TracerPid:\t0\nuid:\t0\n",
		"TracerPid:\t0\nUid:\t0\nRssAnon:\tmuch kB\n",
		"TracerPid:\t0\nUid:\t0\nRssAnon:\n",
		"TracerPid:\t0\nUid:\t0\nVmSwap:\t-1 kB\n",
		"TracerPid:\t0\nUid:\t0\nVmSwap:\t18446744073709551616 kB\n",
	};
	struct proc_facts facts, untouched;

	memset(&facts, 0x5a, sizeof facts);
	untouched = facts;
	for (size_t i = 0; i < ROWS(rows); i++)
		ck_assert_msg(parse_status(rows[i], &facts) == -EBADMSG, "row %zu is taken: %s", i,
			      rows[i]);
	ck_assert_mem_eq(&facts, &untouched, sizeof facts);
}
END_TEST

/* The kernel escapes newlines and backslashes of the name here: it can't forge a line. */
START_TEST(status_of_hostile_names)
{
	static const char *const names[] = {"Uid:\\n5", "TracerPid:\t5", "Uid:\t5", "VmSwap: 5 kB",
					    ""};

	for (size_t i = 0; i < ROWS(names); i++) {
		struct proc_facts facts = {0};
		char text[200];

		(void)snprintf(text, sizeof text, "Name:\t%s\nTracerPid:\t0\nUid:\t1000\n",
			       names[i]);
		ck_assert_int_eq(parse_status(text, &facts), 0);
		ck_assert_uint_eq(facts.uid, 1000);
		ck_assert_int_eq(facts.tracer_pid, 0);
		ck_assert_uint_eq(facts.swap_bytes, 0);
	}
}
END_TEST

START_TEST(status_extremes)
{
	struct proc_facts facts;

	ck_assert_int_eq(parse_status("TracerPid:\t2147483647\nUid:\t4294967295\t1\t1\t1\n"
				      "RssAnon:\t18446744073709551615 kB\n"
				      "VmSwap:\t18014398509481984 kB\n",
				      &facts),
			 0);
	ck_assert_int_eq(facts.tracer_pid, INT32_MAX);
	ck_assert_uint_eq(facts.uid, UINT32_MAX);
	ck_assert_uint_eq(facts.anon_bytes, UINT64_MAX);
	ck_assert_uint_eq(facts.swap_bytes, UINT64_MAX);
}
END_TEST

/* Refused, or what is there is right: a number cut short would be another user, or less memory. */
START_TEST(status_torn_anywhere)
{
	for (size_t cut = 0; cut < sizeof status - 1; cut++) {
		char *copy = malloc(cut + 1);
		struct proc_facts facts = {0};
		int r;

		memcpy(copy, status, cut);
		r = procstat_parse_status(copy, cut, &facts);
		free(copy);
		if (r < 0) {
			ck_assert_int_eq(r, -EBADMSG);
			continue;
		}
		ck_assert_msg(facts.uid == 1000, "cut at %zu: uid %u", cut, facts.uid);
		ck_assert_msg(facts.tracer_pid == 314, "cut at %zu: tracer %d", cut,
			      facts.tracer_pid);
		ck_assert_msg(facts.anon_bytes == 0 || facts.anon_bytes == 112 * KIB,
			      "cut at %zu: %llu anonymous", cut,
			      (unsigned long long)facts.anon_bytes);
		ck_assert_msg(facts.swap_bytes == 0 || facts.swap_bytes == 2048 * KIB,
			      "cut at %zu: %llu swapped", cut,
			      (unsigned long long)facts.swap_bytes);
	}
}
END_TEST

/* -- cgroup --------------------------------------------------------------------------------- */

START_TEST(the_cgroup)
{
	static const struct {
		const char *name, *text, *path;
	} rows[] = {
		{"nothing", "", ""},
		{"v2", "0::/user.slice/user-1000.slice/session-2.scope\n",
		 "/user.slice/user-1000.slice/session-2.scope"},
		{"v2, at the root", "0::/\n", "/"},
		{"v2, outside of the name space", "0::/../x.slice\n", "/../x.slice"},
		{"v1 with systemd",
		 "4:memory:/user.slice\n1:name=systemd:/system.slice/cron.service\n",
		 "/system.slice/cron.service"},
		{"v1 without systemd", "4:memory:/x\n3:cpu,cpuacct:/y\n", ""},
		{"hybrid: the unified one has the path",
		 "12:memory:/a\n1:name=systemd:/system.slice/a.service\n0::/system.slice/"
		 "b.service\n",
		 "/system.slice/b.service"},
		{"hybrid: the unified one is empty",
		 "12:memory:/a\n1:name=systemd:/system.slice/a.service\n0::/\n",
		 "/system.slice/a.service"},
		{"hybrid, the other way round", "0::/\n1:name=systemd:/system.slice/a.service\n",
		 "/system.slice/a.service"},
		{"hybrid, both at the root", "1:name=systemd:/\n0::/\n", "/"},
		{"this machine", "9:name=systemd:/\n4:memory:/api/7b55\n1:cpu:/\n0::/\n", "/"},
		{"with blanks and colons", "0::/a b/c:d/e\n", "/a b/c:d/e"},
		{"removed meanwhile", "0::/a.slice (deleted)\n", "/a.slice (deleted)"},
		/* Names of groups are free but for '/' and newline, and a user can have groups. */
		{"v2: a group that looks like systemd's line",
		 "0::/user.slice/:name=systemd:/system.slice/sshd.service\n",
		 "/user.slice/:name=systemd:/system.slice/sshd.service"},
		{"v1: another hierarchy's group that does",
		 "4:memory:/x:name=systemd:/system.slice/sshd.service\n"
		 "1:name=systemd:/user.slice/a.scope\n",
		 "/user.slice/a.scope"},
		{"v1: a group that looks like the unified line",
		 "4:memory:/0::/system.slice\n1:name=systemd:/user.slice\n", "/user.slice"},
		{"a hierarchy of a longer number", "10::/x\n00::/y\n", ""},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		char path[200] = "###";
		int r = procstat_parse_cgroup(rows[i].text, strlen(rows[i].text), path,
					      sizeof path);

		ck_assert_msg(r == 0, "%s: %d", rows[i].name, r);
		ck_assert_msg(strcmp(path, rows[i].path) == 0, "%s: \"%s\"", rows[i].name, path);
	}
}
END_TEST

START_TEST(cgroup_is_cut)
{
	static const char text[] = "0::/0123456789\n";

	for (size_t cap = 1; cap < 16; cap++) {
		char path[17];

		memset(path, '#', sizeof path);
		ck_assert_int_eq(procstat_parse_cgroup(text, strlen(text), path, cap), 0);
		ck_assert_uint_eq(strlen(path), cap - 1 < 11 ? cap - 1 : 11);
		ck_assert_int_eq(strncmp(path, "/0123456789", cap - 1), 0);
		ck_assert_int_eq(path[cap], '#');
	}
}
END_TEST

START_TEST(cgroup_torn_anywhere)
{
	static const char text[] = "4:memory:/user.slice\n"
				   "1:name=systemd:/system.slice/cron.service\n"
				   "0::/system.slice/cron.service\n";

	for (size_t cut = 0; cut < sizeof text - 1; cut++) {
		char *copy = malloc(cut + 1), path[100] = "untouched";
		int r;

		memcpy(copy, text, cut);
		r = procstat_parse_cgroup(copy, cut, path, sizeof path);
		free(copy);
		if (cut > 0 && text[cut - 1] != '\n') {
			ck_assert_msg(r == -EBADMSG, "cut at %zu: \"%s\"", cut, path);
			ck_assert_str_eq(path, "untouched");
		} else {
			ck_assert_int_eq(r, 0);
			ck_assert(path[0] == '\0' ||
				  strcmp(path, "/system.slice/cron.service") == 0);
		}
	}
}
END_TEST

/* -- reading ------------------------------------------------------------------------------- */

static int read_stat(pid_t pid, struct proc_facts *facts)
{
	struct procstat_units real = procstat_units();
	struct procfs procfs;
	int fd, r;

	ck_assert_int_eq(procfs_open("/proc", &procfs), 0);
	fd = procfs_open_pid_file(&procfs, pid, "stat");
	r = fd < 0 ? fd : procstat_read_fd(fd, &real, facts);
	close_fd(&fd);
	procfs_close(&procfs);
	return r;
}

START_TEST(reads_ourselves)
{
	struct proc_facts facts = {0};
	struct procfs procfs;

	ck_assert_int_eq(prctl(PR_SET_NAME, "a) R 1 (b\nUid:"), 0);
	ck_assert_int_eq(read_stat(getpid(), &facts), 0);
	ck_assert_int_eq(facts.id.pid, getpid());
	ck_assert_int_eq(facts.ppid, getppid());
	ck_assert_int_eq(facts.state, 'R');
	ck_assert_str_eq(facts.comm, "a) R 1 (b\nUid:");
	ck_assert_uint_gt(facts.rss_bytes, 100 * KIB);
	ck_assert_uint_ne(facts.mm_tag, 0);
	ck_assert_uint_eq(facts.flags & PROC_KERNEL, 0);

	ck_assert_int_eq(procfs_open("/proc", &procfs), 0);
	ck_assert_int_eq(procstat_read_full(&procfs, &facts), 0);
	ck_assert_uint_eq(facts.uid, getuid());
	ck_assert_uint_gt(facts.anon_bytes, 0);
	ck_assert_uint_ne(facts.flags & PROC_FULL, 0);
	procfs_close(&procfs);
}
END_TEST

/* A kept descriptor never shows another process under the same number. */
START_TEST(of_an_ended_process)
{
	struct procstat_units real = procstat_units();
	struct proc_facts facts = {0};
	struct procfs procfs;
	pid_t child = fork();
	int fd;

	if (child == 0) {
		(void)pause();
		_exit(0);
	}
	ck_assert_int_eq(procfs_open("/proc", &procfs), 0);
	fd = procfs_open_pid_file(&procfs, child, "stat");
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(procstat_read_fd(fd, &real, &facts), 0);
	ck_assert_int_eq(kill(child, SIGKILL), 0);
	ck_assert_int_eq(waitid(P_PID, (id_t)child, &(siginfo_t){0}, WEXITED | WNOWAIT), 0);
	ck_assert_int_eq(procstat_read_fd(fd, &real, &facts), 0);
	ck_assert_int_eq(facts.state, 'Z');
	ck_assert_uint_eq(facts.rss_bytes, 0);
	ck_assert_int_eq(procstat_read_full(&procfs, &facts), 0); /* a zombie has no memory */
	ck_assert_uint_eq(facts.anon_bytes, 0);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
	ck_assert_int_eq(procstat_read_fd(fd, &real, &facts), -ESRCH);
	ck_assert_int_eq(procstat_read_full(&procfs, &facts), -ESRCH);
	(void)close(fd);
	procfs_close(&procfs);
}
END_TEST

/* What a fixture says of oom_score_adj, or -errno. */
static int read_fixture(const char *status_text, const char *adjustment, struct proc_facts *facts)
{
	char directory[] = "/tmp/test_procstat.XXXXXX", path[64];
	const char *const texts[] = {status_text, adjustment};
	static const char *const names[] = {"status", "oom_score_adj"};
	struct procfs procfs;
	int r;

	ck_assert_ptr_nonnull(mkdtemp(directory));
	(void)snprintf(path, sizeof path, "%s/7", directory);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	for (size_t i = 0; i < 2; i++) {
		_cleanup_close_ int fd = -1;

		if (!texts[i])
			continue;
		(void)snprintf(path, sizeof path, "%s/7/%s", directory, names[i]);
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		ck_assert_int_eq(write(fd, texts[i], strlen(texts[i])), (ssize_t)strlen(texts[i]));
	}
	ck_assert_int_eq(procfs_open(directory, &procfs), 0);
	facts->id.pid = 7;
	r = procstat_read_full(&procfs, facts);
	procfs_close(&procfs);
	for (size_t i = 0; i < 2; i++) {
		(void)snprintf(path, sizeof path, "%s/7/%s", directory, names[i]);
		(void)unlink(path);
	}
	(void)snprintf(path, sizeof path, "%s/7", directory);
	(void)rmdir(path);
	(void)rmdir(directory);
	return r;
}

START_TEST(full_facts_of_a_fixture)
{
	static const struct {
		const char *text;
		int r, value;
	} rows[] = {
		{"0\n", 0, 0},		 {"-1000\n", 0, -1000},
		{"1000\n", 0, 1000},	 {"-1001\n", -EBADMSG, 0},
		{"1001\n", -EBADMSG, 0}, {"\n", -EBADMSG, 0},
		{"", -EBADMSG, 0},	 {"x\n", -EBADMSG, 0},
		{"1 \n", -EBADMSG, 0},	 {NULL, -ESRCH, 0},
	};
	struct proc_facts facts;

	for (size_t i = 0; i < ROWS(rows); i++) {
		facts = (struct proc_facts){0};
		ck_assert_msg(read_fixture(status, rows[i].text, &facts) == rows[i].r, "row %zu",
			      i);
		ck_assert_int_eq(facts.oom_score_adj, rows[i].value);
		ck_assert(!!(facts.flags & PROC_FULL) == (rows[i].r == 0));
	}
	facts = (struct proc_facts){0};
	ck_assert_int_eq(read_fixture(NULL, "0\n", &facts), -ESRCH);
	ck_assert_int_eq(read_fixture("Name:\tx\n", "0\n", &facts), -EBADMSG);
	ck_assert_uint_eq(facts.flags, 0);
}
END_TEST

/* The line of groups alone may be longer than any buffer. */
START_TEST(of_a_user_with_many_groups)
{
	static gid_t groups[20000];
	struct procfs procfs;
	struct proc_facts facts = {0};
	int ready[2];
	pid_t child;
	char byte;

	for (unsigned i = 0; i < ROWS(groups); i++)
		groups[i] = 4000000000u + i;
	ck_assert_int_eq(pipe(ready), 0);
	child = fork();
	if (child == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		byte = setgroups(ROWS(groups), groups) == 0 ? 'y' : 'n';
		(void)!write(ready[1], &byte, 1);
		for (;;)
			(void)pause();
	}
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	if (byte == 'n')
		(void)puts("skipped: groups can't be set here");
	ck_assert_int_eq(procfs_open("/proc", &procfs), 0);
	facts.id.pid = child;
	ck_assert_int_eq(procstat_read_full(&procfs, &facts), 0);
	ck_assert_uint_gt(facts.anon_bytes, 0);
	(void)kill(child, SIGKILL);
	(void)waitpid(child, NULL, 0);
	procfs_close(&procfs);
	(void)close(ready[0]);
	(void)close(ready[1]);
}
END_TEST

/* Lines of all lengths around the limit, over several pieces. */
START_TEST(short_lines_only)
{
	static const size_t lengths[] = {0, 1, 254, 255, 256, 257, 5000, 3, 90000, 7};
	char root[] = "/tmp/test_procstat.XXXXXX", path[64], text[PROCFS_FILE_MAX], expected[2048];
	struct procfs procfs;
	size_t len = 0;
	FILE *file;

	ck_assert_ptr_nonnull(mkdtemp(root));
	(void)snprintf(path, sizeof path, "%s/7", root);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	(void)strcat(path, "/status");
	file = fopen(path, "we");
	ck_assert_ptr_nonnull(file);
	for (size_t i = 0; i < ROWS(lengths); i++)
		for (size_t j = 0; j <= lengths[i]; j++) {
			char c = j == lengths[i] ? '\n' : (char)('a' + (int)i);

			(void)fputc(c, file);
			if (lengths[i] + 1 < PROCFS_LINE_MAX)
				expected[len++] = c;
		}
	ck_assert_int_eq(fclose(file), 0);
	expected[len] = '\0';
	ck_assert_int_eq(procfs_open(root, &procfs), 0);
	ck_assert_int_eq(procfs_read_short_lines(&procfs, 7, "status", text, sizeof text),
			 (ssize_t)len);
	ck_assert_str_eq(text, expected);
	ck_assert_int_eq(procfs_read_short_lines(&procfs, 7, "status", text, 100), -EFBIG);
	ck_assert_int_eq(procfs_read_short_lines(&procfs, 8, "status", text, 100), -ESRCH);
	procfs_close(&procfs);
	(void)unlink(path);
	*strrchr(path, '/') = '\0';
	(void)rmdir(path);
	ck_assert_int_eq(rmdir(root), 0);
}
END_TEST

/* -- memory --------------------------------------------------------------------------------------
 */

#define MEMORY                                                                                  \
	"VmRSS:\t    1500 kB\nRssAnon:\t     400 kB\nRssFile:\t    1100 kB\nVmSwap:\t      12 " \
	"kB\n"

START_TEST(memory_of_a_program)
{
	static const char text[] = "Name:\tVmRSS: 7 kB\nVmHWM:\t 9999 kB\n" MEMORY "Threads:\t1\n";
	struct procstat_memory memory;

	ck_assert_int_eq(procstat_parse_memory(text, strlen(text), &memory), 0);
	ck_assert_uint_eq(memory.rss_bytes, 1500 * KIB);
	ck_assert_uint_eq(memory.anon_bytes, 400 * KIB);
	ck_assert_uint_eq(memory.swap_bytes, 12 * KIB);
}
END_TEST

START_TEST(no_memory)
{
	static const struct {
		const char *text;
		int error;
	} rows[] = {
		{"Name:\tx\nThreads:\t1\n", -ENOENT}, /* a zombie, a kernel thread */
		{"", -ENOENT},
		{"VmRSS:\t 1500 kB\nRssAnon:\t 400 kB\n", -ENOENT},
		{"VmRSS:\t x kB\nRssAnon:\t 400 kB\nVmSwap:\t 12 kB\n", -EBADMSG},
		{"VmRSS:\t 1500 kB\nRssAnon:\t -4 kB\nVmSwap:\t 12 kB\n", -EBADMSG},
		{"VmRSS:\t 1500 kB\nRssAnon:\t 400 kB\nVmSwap:\t 12", -EBADMSG},
	};
	struct procstat_memory memory, untouched;

	memset(&memory, 0x5a, sizeof memory);
	untouched = memory;
	for (size_t i = 0; i < ROWS(rows); i++)
		ck_assert_int_eq(procstat_parse_memory(rows[i].text, strlen(rows[i].text), &memory),
				 rows[i].error);
	ck_assert_mem_eq(&memory, &untouched, sizeof memory);
}
END_TEST

START_TEST(releases)
{
	static const char *const exact[] = {"6.16", "6.16.0", "6.18.44-fc", "7.0.0", "10.1-rc2"};
	static const char *const others[] = {
		"6.15.9-x", "6.1.0-18-amd64", "5.10.0", "", "6", "6.", "x", "6.x", "-7.1"};

	for (size_t i = 0; i < ROWS(exact); i++)
		ck_assert_msg(procstat_is_exact(exact[i]), "%s", exact[i]);
	for (size_t i = 0; i < ROWS(others); i++)
		ck_assert_msg(!procstat_is_exact(others[i]), "%s", others[i]);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		takes_a_program,
		takes_a_kernel_thread,
		hostile_names,
		refuses,
		torn_anywhere,
		the_flags,
		the_memory_tag,
		absurd_numbers_saturate,
		status_of_a_program,
		status_of_a_kernel_thread,
		status_refuses,
		status_of_hostile_names,
		status_extremes,
		status_torn_anywhere,
		the_cgroup,
		cgroup_is_cut,
		cgroup_torn_anywhere,
		reads_ourselves,
		of_an_ended_process,
		full_facts_of_a_fixture,
		of_a_user_with_many_groups,
		short_lines_only,
		memory_of_a_program,
		no_memory,
		releases,
	};

	return RUN_TESTS("procstat", tests);
}
