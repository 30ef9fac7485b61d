/* SPDX-License-Identifier: MIT */
/* [prelock]: which files (pure), and a scan over a /proc of our own making, with real files. */
#include "daemon/prelock_scan.h"
#include "policy/prelock.h"
#include "sys/filefacts.h"
#include "sys/mlockfile.h"
#include "unit/builders.h"
#include "unit/fixture.h"

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

static struct prelock_params some_params(void)
{
	return (struct prelock_params){
		.enabled = true,
		.names = "critical",
		.more_names = "",
		.cgroups = "",
		.paths = "/tmp /var/tmp",
		.max_file_bytes = 50 * MIB,
		.max_total_bytes = 250 * MIB,
		.max_percent = 5,
		.interval_ns = NS_PER_S,
	};
}

/* -- the plan ---------------------------------------------------------------------------------- */

static struct prelock_file some_file(uint32_t sharers, uint64_t bytes)
{
	return (struct prelock_file){
		.sharers = sharers, .wanted_bytes = bytes, .path = sharers * 1000};
}

START_TEST(the_smallest_limit_wins)
{
	struct prelock_params params = some_params();

	ck_assert_uint_eq(prelock_room(&params, 100 * GIB).bytes, 250 * MIB);
	ck_assert_int_eq(prelock_room(&params, 100 * GIB).limit, PRELOCK_OVER_TOTAL);
	ck_assert_uint_eq(prelock_room(&params, 2000 * MIB).bytes, 100 * MIB);
	ck_assert_int_eq(prelock_room(&params, 2000 * MIB).limit, PRELOCK_OVER_PERCENT);
	ck_assert_uint_eq(prelock_room(&params, 0).bytes, 0);
	params.max_total_bytes = 0;
	ck_assert_uint_eq(prelock_room(&params, 100 * GIB).bytes, 0);
	params.max_total_bytes = UINT64_MAX;
	ck_assert_uint_eq(prelock_room(&params, UINT64_MAX).bytes, UINT64_MAX / 20);
}
END_TEST

START_TEST(most_shared_first_and_what_does_not_fit_is_passed_over)
{
	struct prelock_params params = some_params();
	struct prelock_file files[] = {
		some_file(1, 10 * MIB), some_file(9, 40 * MIB), some_file(5, 60 * MIB),
		some_file(4, 45 * MIB), some_file(3, 30 * MIB), some_file(2, 0),
	};
	static const struct {
		uint16_t place;
		enum prelock_verdict verdict;
	} expected[] = {
		{1, PRELOCK_LOCKED}, {2, PRELOCK_OVER_FILE},	{3, PRELOCK_OVER_PERCENT},
		{4, PRELOCK_LOCKED}, {5, PRELOCK_NOT_RESIDENT}, {0, PRELOCK_LOCKED},
	};
	uint16_t order[ROWS(files)];

	/* 5 % of it are 80 MiB: room for 40, 30 and 10, not for 45 */
	prelock_plan(files, ROWS(files), &params, 1600 * MIB, order);
	for (size_t i = 0; i < ROWS(files); i++) {
		ck_assert_uint_eq(order[i], expected[i].place);
		ck_assert_int_eq(files[order[i]].verdict, expected[i].verdict);
	}
	/* just so, and a byte too few */
	for (size_t i = 0; i < ROWS(files); i++)
		files[i].verdict = PRELOCK_LOCKED;
	params.max_total_bytes = 80 * MIB - 1;
	prelock_plan(files, ROWS(files), &params, 1600 * MIB, order);
	ck_assert_int_eq(files[4].verdict, PRELOCK_LOCKED);
	ck_assert_int_eq(files[0].verdict, PRELOCK_OVER_TOTAL);
}
END_TEST

START_TEST(among_equals_what_is_locked_stays)
{
	struct prelock_params params = some_params();
	struct prelock_file files[] = {some_file(3, 8 * MIB), some_file(3, 20 * MIB),
				       some_file(3, 9 * MIB)};
	uint16_t order[ROWS(files)];

	files[1].locked_bytes = 1;
	params.max_total_bytes = 28 * MIB;
	prelock_plan(files, ROWS(files), &params, TIB, order);
	ck_assert_uint_eq(order[0], 1);
	ck_assert_uint_eq(order[1], 0);
	ck_assert_int_eq(files[1].verdict, PRELOCK_LOCKED);
	ck_assert_int_eq(files[0].verdict, PRELOCK_LOCKED);
	ck_assert_int_eq(files[2].verdict, PRELOCK_OVER_TOTAL);
}
END_TEST

/* Of many at random: in order, each once, within the limits, and none left out that would fit. */
START_TEST(plans_hold_for_any_files)
{
	enum { N = 700 };
	static struct prelock_file files[N];
	static uint16_t order[N];
	static bool there[N];
	struct series series = series_start(6);

	for (int round = 0; round < 50; round++) {
		struct prelock_params params = some_params();
		size_t n = series_below(&series, N) + 1;
		uint64_t total_bytes = series_below(&series, 8 * GIB), sum = 0;
		struct prelock_room room;

		params.max_file_bytes = series_below(&series, 8 * MIB);
		room = prelock_room(&params, total_bytes);
		memset(there, 0, sizeof there);
		for (size_t i = 0; i < n; i++) {
			files[i] = some_file((uint32_t)series_below(&series, 5),
					     series_below(&series, 9 * MIB));
			files[i].path = (uint32_t)i;
			if (series_below(&series, 4) == 0)
				files[i].locked_bytes = 1;
			if (series_below(&series, 9) == 0)
				files[i].verdict = PRELOCK_REPLACED;
		}
		prelock_plan(files, n, &params, total_bytes, order);
		for (size_t i = 0; i < n; i++) {
			const struct prelock_file *file = &files[order[i]];

			ck_assert(!there[order[i]]);
			there[order[i]] = true;
			if (i > 0)
				ck_assert_uint_le(file->sharers, files[order[i - 1]].sharers);
			if (file->verdict == PRELOCK_LOCKED) {
				sum += file->wanted_bytes;
				ck_assert_uint_le(file->wanted_bytes, params.max_file_bytes);
			} else if (file->verdict == (uint8_t)room.limit) {
				ck_assert_uint_gt(file->wanted_bytes, room.bytes - sum);
			}
		}
		ck_assert_uint_le(sum, room.bytes);
	}
}
END_TEST

START_TEST(forgotten_after_three_scans)
{
	struct prelock_file file = some_file(1, MIB);

	for (int i = 0; i < 5; i++)
		prelock_judge(&file, 1, i == 4);
	ck_assert_int_eq(file.verdict, PRELOCK_LOCKED);
	file.sharers = 0;
	prelock_judge(&file, 1, false);
	prelock_judge(&file, 1, false);
	ck_assert_int_eq(file.verdict, PRELOCK_LOCKED);
	/* whoever comes back in time starts anew */
	file.sharers = 1;
	prelock_judge(&file, 1, false);
	file.sharers = 0;
	prelock_judge(&file, 1, false);
	prelock_judge(&file, 1, false);
	ck_assert_int_eq(file.verdict, PRELOCK_LOCKED);
	prelock_judge(&file, 1, false);
	ck_assert_int_eq(file.verdict, PRELOCK_UNUSED);
}
END_TEST

START_TEST(other_rules_forget_at_once)
{
	struct prelock_file files[] = {some_file(0, MIB), some_file(1, MIB)};

	prelock_judge(files, 2, true);
	ck_assert_int_eq(files[0].verdict, PRELOCK_UNUSED);
	ck_assert_int_eq(files[1].verdict, PRELOCK_LOCKED);
}
END_TEST

START_TEST(every_verdict_has_its_words)
{
	for (int i = 0; i < PRELOCK__N; i++)
		for (int j = 0; j <= i; j++)
			ck_assert_int_eq(strcmp(prelock_word((enum prelock_verdict)i),
						prelock_word((enum prelock_verdict)j)) == 0,
					 i == j);
	for (int i = 0; i < PRELOCK__N; i++)
		ck_assert_uint_gt(strlen(prelock_sentence((enum prelock_verdict)i)), 10);
}
END_TEST

/* -- the rules --------------------------------------------------------------------------------- */

static struct prelock_rules rules;

START_TEST(rules_take_names_groups_and_paths)
{
	struct prelock_params params = some_params();

	params.names = "sshd* bash";
	params.more_names = "a-very-long-name-of-a-process";
	params.cgroups = "/system.slice/* ^/user[.]slice/.*/(a|b)[.]service$";
	params.paths = "/usr /opt/*/lib";
	ck_assert_int_eq(prelock_rules_open(&rules, &params), 0);
	ck_assert(prelock_rules_name(&rules, "sshd-session"));
	ck_assert(prelock_rules_name(&rules, "bash"));
	ck_assert(prelock_rules_name(&rules, "a-very-long-nam"));
	ck_assert(!prelock_rules_name(&rules, "bashful"));
	ck_assert(prelock_rules_cgroup(&rules, "/system.slice/x/y"));
	ck_assert(prelock_rules_cgroup(&rules, "/user.slice/user-1/b.service"));
	ck_assert(!prelock_rules_cgroup(&rules, "/user.slice/user-1/c.service"));
	ck_assert(!prelock_rules_cgroup(&rules, "/user.slice/user-1/b.service/x"));
	ck_assert(!prelock_rules_cgroup(&rules, ""));
	ck_assert(prelock_rules_file(&rules, "/usr/lib/x"));
	ck_assert(prelock_rules_file(&rules, "/opt/x/lib/y/z.so"));
	ck_assert(!prelock_rules_file(&rules, "/usrlocal/x"));
	ck_assert(!prelock_rules_file(&rules, "/opt/x/library"));
	ck_assert(!prelock_rules_file(&rules, "/home/usr/x"));
	prelock_rules_close(&rules);
}
END_TEST

START_TEST(a_path_counts_where_it_leads_to)
{
	struct prelock_params params = some_params();
	struct fixture fixture;
	char link[64], real[64], paths[64];

	fixture_open(&fixture);
	fixture_write(&fixture, "usr/bin/x", "");
	ck_assert_int_eq(symlinkat("usr/bin", fixture.root.root_fd, "bin"), 0);
	(void)snprintf(paths, sizeof paths, "%s/bin", fixture.directory);
	(void)snprintf(link, sizeof link, "%s/bin/x", fixture.directory);
	(void)snprintf(real, sizeof real, "%s/usr/bin/x", fixture.directory);
	params.paths = paths;
	ck_assert_int_eq(prelock_rules_open(&rules, &params), 0);
	ck_assert(prelock_rules_file(&rules, link));
	ck_assert(prelock_rules_file(&rules, real));
	prelock_rules_close(&rules);
	fixture_close(&fixture);
}
END_TEST

START_TEST(settings_are_a_copy)
{
	static struct prelock_settings settings;
	char names[] = "one two";
	struct prelock_params params = some_params();

	params.names = names;
	prelock_settings_copy(&settings, &params, GIB, true);
	memset(names, 'x', sizeof names - 1);
	ck_assert_str_eq(settings.params.names, "one two");
	ck_assert_str_eq(settings.params.more_names, "");
	ck_assert_str_eq(settings.params.paths, "/tmp /var/tmp");
	ck_assert_uint_eq(settings.params.max_file_bytes, 50 * MIB);
	ck_assert(settings.dry_run && settings.total_bytes == GIB);
}
END_TEST

/* -- a scan ------------------------------------------------------------------------------------ */

#define PAGES 16u /* of each file that is made here */

static size_t page;
static struct fixture proc, disk;
static struct prelock_scan *scan;
static struct prelock_settings settings;

static void page_size(void)
{
	page = (size_t)sysconf(_SC_PAGESIZE);
}

static void setup(void)
{
	page_size();
	fixture_open(&proc);
	fixture_open(&disk);
	ck_assert_int_eq(prelock_scan_open(&proc.root, &scan), 0);
	prelock_settings_copy(&settings, &(struct prelock_params){.names = ""}, 0, false);
}

static void teardown(void)
{
	prelock_scan_close(scan);
	fixture_close(&proc);
	fixture_close(&disk);
}

static const char *path_to(const char *name)
{
	static char path[96];

	(void)snprintf(path, sizeof path, "%s/%s", disk.directory, name);
	return path;
}

static void make_file(const char *name)
{
	char *text = malloc(PAGES * page + 1);

	ck_assert_ptr_nonnull(text);
	memset(text, 'x', PAGES * page);
	text[PAGES * page] = '\0';
	fixture_write(&disk, name, text);
	free(text);
}

/* A line of maps for n pages of the file from page first on. */
static void add_line(char *maps, size_t cap, const char *name, const char *permissions,
		     size_t first, size_t n)
{
	static unsigned long long address = 0x10000000;
	size_t len = strlen(maps);
	struct stat st;

	ck_assert_int_eq(stat(path_to(name), &st), 0);
	address += 0x10000000;
	(void)snprintf(maps + len, cap - len, "%llx-%llx %s %08llx %02x:%02x %llu   %s\n", address,
		       address + (unsigned long long)(n * page), permissions,
		       (unsigned long long)(first * page), major(st.st_dev), minor(st.st_dev),
		       (unsigned long long)st.st_ino, path_to(name));
}

static void put_process(int pid, const char *comm, const char *maps)
{
	char name[32], text[32];

	(void)snprintf(name, sizeof name, "%d/comm", pid);
	(void)snprintf(text, sizeof text, "%s\n", comm);
	fixture_write(&proc, name, text);
	(void)snprintf(name, sizeof name, "%d/maps", pid);
	fixture_write(&proc, name, maps);
}

/* As the loader does it: header, code, constants, data. */
static void put_program(int pid, const char *comm, const char *file)
{
	char maps[1024] = "";

	add_line(maps, sizeof maps, file, "r--p", 0, 2);
	add_line(maps, sizeof maps, file, "r-xp", 2, 4);
	add_line(maps, sizeof maps, file, "r--p", 6, 4);
	add_line(maps, sizeof maps, file, "rw-p", 10, 2);
	(void)strcat(maps, "7f0000000000-7f0000001000 rw-p 00000000 00:00 0   [heap]\n");
	put_process(pid, comm, maps);
}

static void end_process(int pid)
{
	char path[64];

	for (int i = 0; i < 2; i++) {
		(void)snprintf(path, sizeof path, "%s/%d/%s", proc.directory, pid,
			       i == 0 ? "comm" : "maps");
		(void)unlink(path);
	}
}

static const struct prelock_report *run_with(struct prelock_params params, bool changed)
{
	prelock_settings_copy(&settings, &params, TIB, settings.dry_run);
	prelock_scan_run(scan, &settings, changed, LATER);
	return &scan->report;
}

static const struct prelock_report *run_scan(void)
{
	return run_with(some_params(), false);
}

/* The file of this name in the table, or NULL. */
static const struct prelock_file *find(const char *name)
{
	for (size_t i = 0; i < scan->n_files; i++)
		if (strcmp(prelock_scan_path(scan, &scan->files[i]), path_to(name)) == 0)
			return &scan->files[i];
	return NULL;
}

static enum prelock_verdict verdict_of(const char *name)
{
	const struct prelock_file *file = find(name);

	ck_assert_msg(file, "%s isn't in the table", name);
	return file->verdict;
}

START_TEST(code_and_read_only_parts_are_locked)
{
	const struct prelock_report *report;
	const struct prelock_file *file;

	make_file("program");
	put_program(100, "critical", "program");
	put_program(101, "critical", "program");
	put_program(102, "other", "program");
	report = run_scan();
	file = find("program");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(file->verdict, PRELOCK_LOCKED);
	ck_assert_uint_eq(file->sharers, 2);
	ck_assert_uint_eq(file->start, 0);
	ck_assert_uint_eq(file->end, 10 * page); /* not what is written to */
	ck_assert_uint_eq(file->locked_bytes, 10 * page);
	ck_assert_uint_eq(file->since_ns, LATER);
	ck_assert_uint_eq(report->processes, 3);
	ck_assert_uint_eq(report->critical, 2);
	ck_assert_uint_eq(report->locked_bytes, 10 * page);
	ck_assert_uint_eq(report->n_shown, 1);
	ck_assert_str_eq(report->shown[0].path, path_to("program"));
}
END_TEST

START_TEST(what_has_no_code_is_left_alone)
{
	char maps[1024] = "";

	make_file("data");
	make_file("program");
	add_line(maps, sizeof maps, "data", "r--p", 0, 8);
	add_line(maps, sizeof maps, "program", "r-xp", 0, 8);
	add_line(maps, sizeof maps, "data", "r--s", 0, 8);
	put_process(100, "critical", maps);
	(void)run_scan();
	ck_assert_ptr_null(find("data"));
	ck_assert_int_eq(verdict_of("program"), PRELOCK_LOCKED);
}
END_TEST

START_TEST(files_elsewhere_are_left_alone)
{
	struct prelock_params params = some_params();

	make_file("program");
	put_program(100, "critical", "program");
	params.paths = "/usr";
	(void)run_with(params, false);
	ck_assert_uint_eq(scan->n_files, 0);
}
END_TEST

/* "Replaced" before it was met: maps still names the one that was mapped. */
START_TEST(another_file_under_that_name_is_never_locked)
{
	make_file("program");
	put_program(100, "critical", "program");
	make_file("new");
	ck_assert_int_eq(renameat(disk.root.root_fd, "new", disk.root.root_fd, "program"), 0);
	(void)run_scan();
	ck_assert_int_eq(verdict_of("program"), PRELOCK_REPLACED);
	ck_assert_ptr_null(find("program")->map);

	ck_assert_int_eq(unlinkat(disk.root.root_fd, "program", 0), 0);
	(void)run_scan();
	ck_assert_int_eq(verdict_of("program"), PRELOCK_REPLACED);

	/* nor a link, nor what isn't a file */
	ck_assert_int_eq(mkfifoat(disk.root.root_fd, "program", 0600), 0);
	(void)run_scan();
	ck_assert_int_eq(verdict_of("program"), PRELOCK_REPLACED);
}
END_TEST

START_TEST(a_deleted_file_is_never_locked)
{
	char maps[1024] = "", *newline;

	make_file("program");
	add_line(maps, sizeof maps, "program", "r-xp", 0, 8);
	newline = strchr(maps, '\n');
	(void)strcpy(newline, " (deleted)\n");
	put_process(100, "critical", maps);
	put_program(101, "critical", "program");
	(void)run_scan();
	/* by the other process, who has it under its name */
	ck_assert_uint_eq(scan->report.files[PRELOCK_REPLACED], 1);
	ck_assert_uint_eq(scan->report.files[PRELOCK_LOCKED], 1);
	end_process(101);
	(void)run_with(some_params(), true);
	ck_assert_uint_eq(scan->report.files[PRELOCK_LOCKED], 0);
	ck_assert_uint_eq(scan->report.locked_bytes, 0);
}
END_TEST

START_TEST(a_file_that_is_replaced_is_let_go)
{
	make_file("program");
	put_program(100, "critical", "program");
	(void)run_scan();
	ck_assert_int_eq(verdict_of("program"), PRELOCK_LOCKED);
	make_file("new");
	ck_assert_int_eq(renameat(disk.root.root_fd, "new", disk.root.root_fd, "program"), 0);
	(void)run_scan();
	ck_assert_int_eq(verdict_of("program"), PRELOCK_REPLACED);
	ck_assert_uint_eq(scan->report.locked_bytes, 0);
	/* and the new one taken as soon as somebody runs it */
	put_program(101, "critical", "program");
	(void)run_scan();
	ck_assert_uint_eq(scan->report.files[PRELOCK_LOCKED], 1);
	ck_assert_uint_eq(scan->report.files[PRELOCK_REPLACED], 1);
}
END_TEST

START_TEST(a_file_that_is_cut_does_no_harm)
{
	make_file("program");
	put_program(100, "critical", "program");
	(void)run_scan();
	ck_assert_int_eq(truncate(path_to("program"), (off_t)page), 0);
	(void)run_scan();
	ck_assert_int_eq(verdict_of("program"), PRELOCK_LOCKED);
	ck_assert_uint_eq(scan->report.locked_bytes, page);
	ck_assert_int_eq(truncate(path_to("program"), 0), 0);
	(void)run_scan();
	ck_assert_int_eq(verdict_of("program"), PRELOCK_NOT_RESIDENT);
	ck_assert_uint_eq(scan->report.locked_bytes, 0);
}
END_TEST

START_TEST(let_go_after_three_scans_or_by_other_rules)
{
	struct prelock_params params = some_params();

	make_file("one");
	make_file("two");
	put_program(100, "critical", "one");
	put_program(101, "critical", "two");
	(void)run_scan();
	ck_assert_uint_eq(scan->report.files[PRELOCK_LOCKED], 2);
	end_process(100);
	for (int i = 0; i < 2; i++) {
		(void)run_scan();
		ck_assert_uint_eq(scan->report.files[PRELOCK_LOCKED], 2);
	}
	(void)run_scan();
	ck_assert_int_eq(verdict_of("one"), PRELOCK_UNUSED);
	ck_assert_uint_eq(scan->report.files[PRELOCK_LOCKED], 1);
	ck_assert_uint_eq(scan->report.locked_bytes, 10 * page);

	params.names = "another";
	put_program(102, "another", "one");
	(void)run_with(params, true);
	ck_assert_int_eq(verdict_of("two"), PRELOCK_UNUSED);
	ck_assert_int_eq(verdict_of("one"), PRELOCK_LOCKED);
	params.enabled = false;
	(void)run_with(params, true);
	ck_assert_uint_eq(scan->report.locked_bytes, 0);
	(void)run_with(params, false);
	ck_assert_uint_eq(scan->n_files, 0);
}
END_TEST

/* The lock isn't given up and taken again: it is since then, at that place. */
START_TEST(what_stays_is_never_let_go)
{
	struct prelock_params params = some_params();
	char maps[512] = "";
	void *map;

	make_file("program");
	put_program(100, "critical", "program");
	(void)run_scan();
	map = find("program")->map;
	params.names = "critical2 critical";
	params.mode = PRELOCK_MODE_WHOLE;
	params.max_file_bytes = 10 * page;
	prelock_settings_copy(&settings, &params, TIB, false);
	prelock_scan_run(scan, &settings, true, LATER + NS_PER_S);
	ck_assert_ptr_eq(find("program")->map, map);
	ck_assert_uint_eq(find("program")->since_ns, LATER);
	/* somebody has more of it mapped */
	add_line(maps, sizeof maps, "program", "r-xp", 0, PAGES);
	put_process(101, "critical", maps);
	prelock_scan_run(scan, &settings, false, LATER + 2 * NS_PER_S);
	ck_assert_int_eq(verdict_of("program"), PRELOCK_OVER_FILE);
	params.max_file_bytes = PAGES * page;
	put_program(100, "critical", "program");
	end_process(101);
	(void)run_with(params, true);
	put_process(101, "critical", maps);
	prelock_scan_run(scan, &settings, false, LATER + 3 * NS_PER_S);
	ck_assert_uint_eq(find("program")->locked_bytes, PAGES * page);
	ck_assert_uint_eq(find("program")->since_ns, LATER);
	/* a limit that it doesn't fit any more */
	params.max_file_bytes--;
	(void)run_with(params, true);
	ck_assert_int_eq(verdict_of("program"), PRELOCK_OVER_FILE);
	ck_assert_uint_eq(scan->report.locked_bytes, 0);
}
END_TEST

START_TEST(a_dry_run_locks_nothing)
{
	make_file("program");
	put_program(100, "critical", "program");
	settings.dry_run = true;
	for (int i = 0; i < 2; i++) {
		(void)run_scan();
		ck_assert_uint_eq(scan->report.bytes[PRELOCK_LOCKED], 10 * page);
		ck_assert_uint_eq(scan->report.locked_bytes, 0);
		ck_assert_ptr_null(find("program")->map);
	}
}
END_TEST

START_TEST(foreign_and_unreadable_files)
{
	if (geteuid() != 0)
		return;
	make_file("foreign");
	ck_assert_int_eq(chown(path_to("foreign"), 61234, 61234), 0);
	put_program(100, "critical", "foreign");
	(void)run_scan();
	ck_assert_int_eq(verdict_of("foreign"), PRELOCK_FOREIGN);
	ck_assert_uint_eq(scan->report.locked_bytes, 0);
}
END_TEST

/* By what is mounted where, without a look at the file */
START_TEST(served_files_are_left_alone)
{
	static const struct {
		const char *type;
		enum prelock_verdict verdict;
	} rows[] = {{"fuse.sshfs", PRELOCK_SERVED},
		    {"fuseblk", PRELOCK_SERVED},
		    {"nfs4", PRELOCK_SERVED},
		    {"ext4", PRELOCK_LOCKED},
		    {"nfsd", PRELOCK_LOCKED}};
	char name[32], text[256];
	struct stat st;

	make_file("program");
	ck_assert_int_eq(stat(path_to("program"), &st), 0);
	put_program(100, "critical", "program");
	(void)snprintf(name, sizeof name, "%d/mountinfo", (int)getpid());
	for (size_t i = 0; i < ROWS(rows); i++) {
		(void)snprintf(
			text, sizeof text,
			"1 0 0:1 / / rw - fuse x rw\n2 1 %u:%u / /tmp rw shared:1 - %s x rw\n",
			major(st.st_dev), minor(st.st_dev), rows[i].type);
		fixture_write(&proc, name, text);
		(void)run_scan();
		ck_assert_msg(verdict_of("program") == rows[i].verdict, "%s", rows[i].type);
	}
}
END_TEST

/* A program that isn't critical any more when its maps are looked at; one without maps at all. */
START_TEST(vanishing_processes_are_no_error)
{
	fixture_write(&proc, "100/comm", "critical\n");
	fixture_write(&proc, "101/comm", "");
	fixture_write(&proc, "102/x", "");
	fixture_write(&proc, "103/comm", "critical\n");
	fixture_write(&proc, "103/maps", "garbage\n");
	(void)run_scan();
	ck_assert_uint_eq(scan->report.processes, 4);
	ck_assert_uint_eq(scan->report.unreadable, 0);
	ck_assert_int_eq(scan->report.list_error, 0);
	ck_assert_uint_eq(scan->n_files, 0);
}
END_TEST

START_TEST(control_groups_count_too)
{
	struct prelock_params params = some_params();

	make_file("program");
	put_program(100, "other", "program");
	fixture_write(&proc, "100/cgroup", "0::/system.slice/x.service\n");
	params.cgroups = "^x[.]service$";
	(void)run_with(params, false);
	ck_assert_uint_eq(scan->n_files, 0);
	params.cgroups = "^/x$ ^x[.]service$ ^/system.*/x[.]service$";
	(void)run_with(params, false);
	ck_assert_int_eq(verdict_of("program"), PRELOCK_LOCKED);
	params.cgroups = "/system.slice/*";
	(void)run_with(params, true);
	ck_assert_int_eq(verdict_of("program"), PRELOCK_LOCKED);
}
END_TEST

/* 3,000 of them: all found again at each scan, none lost when others go. */
START_TEST(thousands_of_files)
{
	enum { N = 3000 };
	static char maps[N * 160];
	char name[32];
	size_t at = 0;

	for (int i = 0; i < N; i++) {
		(void)snprintf(name, sizeof name, "file-%d", i);
		fixture_write(&disk, name, "x");
		add_line(maps + at, sizeof maps - at, name, "r-xp", 0, 1);
		at += strlen(maps + at);
	}
	put_process(100, "critical", maps);
	for (int round = 0; round < 2; round++) {
		(void)run_scan();
		ck_assert_uint_eq(scan->n_files, N);
		ck_assert_uint_eq(scan->report.files[PRELOCK_LOCKED], N);
		ck_assert_uint_eq(scan->report.locked_bytes, N * page);
	}
	/* all but the first 100 */
	at = 0;
	for (int i = 0; i < 100; i++)
		at += strcspn(maps + at, "\n") + 1;
	maps[at] = '\0';
	put_process(100, "critical", maps);
	(void)run_with(some_params(), true);
	ck_assert_uint_eq(scan->report.files[PRELOCK_LOCKED], 100);
	(void)run_scan();
	ck_assert_uint_eq(scan->n_files, 100);
	for (int i = 0; i < 100; i++) {
		(void)snprintf(name, sizeof name, "file-%d", i);
		ck_assert_int_eq(verdict_of(name), PRELOCK_LOCKED);
	}
}
END_TEST

/* Without CAP_IPC_LOCK and over the limit: said with its errno, and nothing is left half-way. */
START_TEST(over_the_limit_of_locked_memory)
{
	pid_t child;
	int status;

	make_file("program");
	put_program(100, "critical", "program");
	ck_assert_int_eq(chmod(proc.directory, 0755), 0);
	ck_assert_int_eq(chmod(disk.directory, 0755), 0);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		const struct rlimit limit = {page, page};

		if (setrlimit(RLIMIT_MEMLOCK, &limit) < 0 || (geteuid() == 0 && seteuid(61234) < 0))
			_exit(2);
		(void)run_scan();
		_exit(scan->report.files[PRELOCK_REFUSED] == 1 && scan->report.locked_bytes == 0 &&
				      scan->report.refused == -ENOMEM && !find("program")->map
			      ? 0
			      : 1);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}
END_TEST

/* -- a part of a file -------------------------------------------------------------------------- */

/* Reads nothing that isn't there, and everything where it shall. */
START_TEST(resident_pages_and_all_of_them)
{
	const size_t bytes = 4 * PAGES * page;
	char path[] = "/var/tmp/test_prelock.XXXXXX";
	int fd = mkstemp(path);
	char *text = calloc(1, bytes);
	void *map;

	ck_assert_int_ge(fd, 0);
	ck_assert_ptr_nonnull(text);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(write(fd, text, bytes), (ssize_t)bytes);
	free(text);
	ck_assert_int_eq(fsync(fd), 0);
	ck_assert_int_eq(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
	ck_assert_int_eq(mlockfile_map(fd, 0, bytes, &map), 0);
	ck_assert_int_eq(mlockfile_lock(map, bytes), 0);
	if (mlockfile_resident_bytes(map, bytes) == 0) /* not on a file system in memory */
		ck_assert_int_eq(mlockfile_touch(map, bytes, MLOCKFILE_RESIDENT), 0);
	ck_assert_int_eq(mlockfile_touch(map, bytes, MLOCKFILE_WHOLE), (int64_t)bytes);
	ck_assert_int_eq(mlockfile_resident_bytes(map, bytes), (int64_t)bytes);
	/* locked: it isn't dropped */
	ck_assert_int_eq(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
	ck_assert_int_eq(mlockfile_resident_bytes(map, bytes), (int64_t)bytes);
	/* what is cut off can't be touched */
	ck_assert_int_eq(ftruncate(fd, (off_t)page), 0);
	ck_assert_int_eq(mlockfile_touch(map, bytes, MLOCKFILE_WHOLE), (int64_t)page);
	mlockfile_unmap(map, bytes);
	(void)close(fd);
}
END_TEST

START_TEST(facts_of_files)
{
	struct file_facts named, opened, mapped;
	struct procfs real;
	void *map;
	int fd;

	fixture_open(&disk);
	make_file("file");
	ck_assert_int_eq(symlinkat("file", disk.root.root_fd, "link"), 0);
	fd = open(path_to("file"), O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(file_facts_of_path(path_to("file"), &named), 0);
	ck_assert_int_eq(file_facts_of_fd(fd, &opened), 0);
	ck_assert(named.regular && opened.inode == named.inode && opened.device == named.device);
	ck_assert_uint_eq(named.size_bytes, PAGES * page);
	ck_assert_int_eq(file_facts_of_path(path_to("link"), &named), 0);
	ck_assert(!named.regular);
	ck_assert_int_eq(file_facts_of_path(path_to("none"), &named), -ENOENT);
	ck_assert_int_eq(file_facts_of_path(disk.directory, &named), 0);
	ck_assert(!named.regular);

	ck_assert_int_eq(mlockfile_map(fd, 0, page, &map), 0);
	ck_assert_int_eq(procfs_open("/proc", &real), 0);
	if (geteuid() == 0) {
		ck_assert_int_eq(file_facts_of_mapping(&real, getpid(), (uintptr_t)map,
						       (uintptr_t)map + page, &mapped),
				 0);
		ck_assert(mapped.inode == opened.inode && mapped.device == opened.device);
	}
	ck_assert_int_eq(file_facts_of_mapping(&real, getpid(), page, 2 * page, &mapped), -ENOENT);
	procfs_close(&real);
	mlockfile_unmap(map, page);
	(void)close(fd);
	fixture_close(&disk);
}
END_TEST

int main(void)
{
	const TTest *const pure[] = {
		the_smallest_limit_wins,
		most_shared_first_and_what_does_not_fit_is_passed_over,
		among_equals_what_is_locked_stays,
		plans_hold_for_any_files,
		forgotten_after_three_scans,
		other_rules_forget_at_once,
		every_verdict_has_its_words,
		rules_take_names_groups_and_paths,
		a_path_counts_where_it_leads_to,
		settings_are_a_copy,
	};
	const TTest *const scans[] = {
		code_and_read_only_parts_are_locked,
		what_has_no_code_is_left_alone,
		files_elsewhere_are_left_alone,
		another_file_under_that_name_is_never_locked,
		a_deleted_file_is_never_locked,
		a_file_that_is_replaced_is_let_go,
		a_file_that_is_cut_does_no_harm,
		let_go_after_three_scans_or_by_other_rules,
		what_stays_is_never_let_go,
		a_dry_run_locks_nothing,
		foreign_and_unreadable_files,
		served_files_are_left_alone,
		vanishing_processes_are_no_error,
		control_groups_count_too,
		thousands_of_files,
		over_the_limit_of_locked_memory,
	};
	const TTest *const parts[] = {
		resident_pages_and_all_of_them,
		facts_of_files,
	};
	Suite *suite = suite_create("prelock");
	TCase *with_proc = tcase_create("scans");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(with_proc, 600);
	tcase_add_checked_fixture(with_proc, setup, teardown);
	for (size_t i = 0; i < ROWS(scans); i++)
		tcase_add_test(with_proc, scans[i]);
	suite_add_tcase(suite, with_proc);
	for (int i = 0; i < 2; i++) {
		TCase *plain = tcase_create(i == 0 ? "pure" : "parts");

		tcase_set_timeout(plain, 600);
		for (size_t t = 0; t < (i == 0 ? ROWS(pure) : ROWS(parts)); t++)
			tcase_add_test(plain, i == 0 ? pure[t] : parts[t]);
		if (i == 1)
			tcase_add_checked_fixture(plain, page_size, NULL);
		suite_add_tcase(suite, plain);
	}
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
