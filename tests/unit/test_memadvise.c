/* SPDX-License-Identifier: MIT */
/* The pure parts of memadvise: its command line, its plan, its words. */
#include "cli/memadvise_args.h"
#include "cli/memadvise_plan.h"
#include "cli/memadvise_why.h"
#include "unit/builders.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define PAGE UINT64_C(4096)
#define NO_CAP UINT64_MAX

/* -- the command line ----------------------------------------------------------------------------
 */

/* Parses line, which is split at blanks; "_" stands for a blank within a word. */
static int parse(const char *line, struct memadvise_args *ret)
{
	static char copy[200];
	char *argv[20] = {(char[]){"memadvise"}}, *save = NULL;
	int argc = 1;

	(void)snprintf(copy, sizeof copy, "%s", line);
	for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		for (char *at = word; *at; at++)
			if (*at == '_')
				*at = ' ';
		argv[argc++] = word;
	}
	argv[argc] = NULL;
	optind = 0; /* glibc: from the beginning */
	return memadvise_args_parse(argc, argv, ret);
}

START_TEST(defaults)
{
	struct memadvise_args args;

	ck_assert_int_eq(parse("-t 12", &args), 0);
	ck_assert_int_eq(args.what, DO_ADVISE);
	ck_assert_int_eq(args.mode, MODE_COLD);
	ck_assert_uint_eq(args.percent, 30);
	ck_assert_uint_eq(args.max_bytes, NO_CAP);
	ck_assert(args.coldest);
	ck_assert(!args.dry_run && !args.verbose && !args.json);
	ck_assert_uint_eq(args.watch_ns, 0);
	memadvise_args_free(&args);
}
END_TEST

START_TEST(every_option)
{
	struct memadvise_args args;

	ck_assert_int_eq(parse("--target 12 --percent 7 --mode pageout --dry-run --verbose --json "
			       "--max-bytes 3G --no-coldest --watch 2",
			       &args),
			 0);
	ck_assert_int_eq(args.mode, MODE_PAGEOUT);
	ck_assert_uint_eq(args.percent, 7);
	ck_assert_uint_eq(args.max_bytes, 3 * GIB);
	ck_assert(!args.coldest && args.dry_run && args.verbose && args.json);
	ck_assert_uint_eq(args.watch_ns, 2 * NS_PER_S);
	memadvise_args_free(&args);
	ck_assert_int_eq(parse("-dvj -t12 -p100 -mcold -b4096 --coldest", &args), 0);
	ck_assert_uint_eq(args.percent, 100);
	ck_assert_uint_eq(args.max_bytes, 4096);
	memadvise_args_free(&args);
	ck_assert_int_eq(parse("--willneed -t 12", &args), 0);
	ck_assert_int_eq(args.mode, MODE_WILLNEED);
	ck_assert_uint_eq(args.percent, 100);
	memadvise_args_free(&args);
	ck_assert_int_eq(parse("--willneed -p 30 -t 12", &args), 0);
	ck_assert_uint_eq(args.percent, 30);
	memadvise_args_free(&args);
	ck_assert_int_eq(parse("-V", &args), 0);
	ck_assert_int_eq(args.what, DO_VERSION);
	memadvise_args_free(&args);
	ck_assert_int_eq(parse("-h nonsense", &args), 0);
	ck_assert_int_eq(args.what, DO_HELP);
	memadvise_args_free(&args);
}
END_TEST

START_TEST(usage)
{
	static const char *const rows[] = {
		"",
		"12",
		"-t",
		"-t _",
		"-t ,",
		"-t ,_,",
		"-d",
		"-t 12 -p 0",
		"-t 12 -p 101",
		"-t 12 -p -1",
		"-t 12 -p 30%",
		"-t 12 -p x",
		"-t 12 -p 4294967326",
		"-t 12 -m warm",
		"-t 12 -m willneed",
		"-t 12 -m _",
		"-t 12 -b 0",
		"-t 12 -b 1X",
		"-t 12 -b -5",
		"-t 12 -b 99999999T",
		"-t 12 --watch 0",
		"-t 12 --watch x",
		"-t 12 --watch -1",
		"-t 12 -m cold --willneed",
		"-t 12 --watch 1 -v",
		"-t 12 -x",
		"-t 12 --nonsense",
		"-t 12 -1",
	};
	struct memadvise_args args;

	for (size_t i = 0; i < ROWS(rows); i++) {
		ck_assert_msg(parse(rows[i], &args) == -EINVAL, "taken: %s", rows[i]);
		memadvise_args_free(&args);
	}
}
END_TEST

START_TEST(targets)
{
	static const struct {
		const char *line, *targets;
	} rows[] = {
		{"-t 12", "12 "},
		{"-t 12,13", "12 13 "},
		{"-t 12_13", "12 13 "},
		{"-t 12 13 14 -d", "12 13 14 "},
		{"-d -t 12 13,14_15 -t 16", "12 16 13 14 15 "},
		{"-t ,12,,13,_", "12 13 "},
		{"-t 12_ -t _13", "12 13 "},
		{"-t 0,x,-5", "0 x -5 "},
		{"-t 12 -- -5", "12 -5 "},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct memadvise_args args;
		char all[100] = "";
		struct text text = TEXT_OVER(all);

		ck_assert_msg(parse(rows[i].line, &args) == 0, "refused: %s", rows[i].line);
		for (size_t w = 0; w < args.n_words; w++) {
			const char *at = args.words[w], *word;
			size_t len;

			while ((len = memadvise_next_target(&at, &word)) > 0)
				text_addf(&text, "%.*s ", (int)len, word);
		}
		ck_assert_str_eq(all, rows[i].targets);
		memadvise_args_free(&args);
	}
}
END_TEST

/* -- the plan ------------------------------------------------------------------------------------
 */

struct row {
	uint64_t at_page, pages, there, referenced; /* in pages */
};

static struct smap smap_of(const struct row *row, enum region_kind kind)
{
	return (struct smap){
		.region = {row->at_page * PAGE, (row->at_page + row->pages) * PAGE, kind},
		.resident_bytes = row->there * PAGE,
		.anon_bytes = row->there * PAGE,
		.referenced_bytes = row->referenced * PAGE,
	};
}

static struct plan plan_of(const struct row *rows, size_t n)
{
	struct plan plan = plan_new(false);

	for (size_t i = 0; i < n; i++) {
		struct smap smap = smap_of(&rows[i], REGION_ELIGIBLE);

		ck_assert_int_eq(plan_add(&plan, &smap), 0);
	}
	return plan;
}

/* Where the regions taken begin, and how much of each, in pages: "10:5 20:3" */
static const char *taken(const struct plan *plan)
{
	static char buf[200];
	struct text text = TEXT_OVER(buf);
	uint64_t sum = 0;

	for (size_t i = 0; i < plan->n; i++) {
		const struct plan_region *region = &plan->regions[i];

		ck_assert((i < plan->n_taken) == (region->take_bytes > 0));
		ck_assert_uint_eq(region->take_bytes % PAGE, 0);
		ck_assert_uint_le(region->take_bytes, region->bytes);
		sum += region->take_bytes;
		if (region->take_bytes > 0)
			text_addf(&text, "%s%d:%d", text.len ? " " : "",
				  (int)(region->start / PAGE), (int)(region->take_bytes / PAGE));
	}
	ck_assert_uint_eq(sum, plan->budget_bytes);
	return buf;
}

static const struct row some[] = {
	{10, 8, 8, 8}, /* all of it was used */
	{20, 8, 8, 2}, /* a quarter */
	{30, 8, 4, 0}, /* none, half of it is there */
	{40, 8, 8, 0}, {50, 8, 2, 1},
};

START_TEST(coldest_first)
{
	struct plan plan = plan_of(some, ROWS(some));
	struct advise_span *spans;

	plan_settle(&plan, PLAN_COLDEST, 100, NO_CAP, PAGE);
	ck_assert_uint_eq(plan.eligible_bytes, 30 * PAGE);
	ck_assert_uint_eq(plan.budget_bytes, 30 * PAGE);
	/* of those that are equally cold the largest */
	ck_assert_str_eq(taken(&plan), "40:8 30:4 20:8 50:2 10:8");
	spans = plan_spans(&plan);
	ck_assert_uint_eq(spans[0].start, 40 * PAGE);
	ck_assert_uint_eq(spans[0].end, 48 * PAGE);
	ck_assert_uint_eq(spans[4].start, 10 * PAGE);
	free(spans);
	plan_free(&plan);
}
END_TEST

START_TEST(budget_to_the_page)
{
	static const struct {
		unsigned percent;
		uint64_t max_bytes;
		enum plan_order order;
		const char *taken;
	} rows[] = {
		{30, NO_CAP, PLAN_COLDEST, "40:8 30:1"}, /* 9 of 30 */
		{33, NO_CAP, PLAN_COLDEST, "40:8 30:1"}, /* 9.9 */
		{34, NO_CAP, PLAN_COLDEST, "40:8 30:2"},
		{3, NO_CAP, PLAN_COLDEST, ""}, /* 0.9 */
		{4, NO_CAP, PLAN_COLDEST, "40:1"},
		{100, 3 * PAGE, PLAN_COLDEST, "40:3"},
		{100, 4 * PAGE - 1, PLAN_COLDEST, "40:3"},
		{100, PAGE - 1, PLAN_COLDEST, ""},
		{30, 3 * PAGE, PLAN_COLDEST, "40:3"},
		{30, 100 * PAGE, PLAN_COLDEST, "40:8 30:1"},
		{30, NO_CAP, PLAN_BY_ADDRESS, "10:8 20:1"},
		{100, NO_CAP, PLAN_BY_ADDRESS, "10:8 20:8 30:4 40:8 50:2"},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct plan plan = plan_of(some, ROWS(some));

		plan_settle(&plan, rows[i].order, rows[i].percent, rows[i].max_bytes, PAGE);
		ck_assert_str_eq(taken(&plan), rows[i].taken);
		plan_free(&plan);
	}
}
END_TEST

/* Reserved and untouched is nothing: the budget goes by what is there. */
START_TEST(mostly_untouched)
{
	static const struct row rows[] = {{0x1000, 262144, 256, 0}, {0x90000, 1000, 1000, 0}};
	struct plan plan = plan_of(rows, ROWS(rows));

	plan_settle(&plan, PLAN_COLDEST, 50, NO_CAP, PAGE);
	ck_assert_uint_eq(plan.eligible_bytes, 1256 * PAGE);
	ck_assert_uint_eq(plan.budget_bytes, 628 * PAGE);
	plan_free(&plan);
}
END_TEST

START_TEST(what_is_passed_over)
{
	static const struct row row = {10, 8, 5, 5}, empty = {20, 8, 0, 0};
	struct plan plan = plan_new(false);
	struct smap smap;

	for (enum region_kind kind = 0; kind < REGION__N; kind++)
		for (unsigned i = 0; i <= kind; i++) {
			smap = smap_of(&row, kind);
			smap.region.start += 100 * PAGE * (16 * kind + i);
			smap.region.end += 100 * PAGE * (16 * kind + i);
			smap.swap_bytes = PAGE;
			ck_assert_int_eq(plan_add(&plan, &smap), 0);
		}
	smap = smap_of(&empty, REGION_ELIGIBLE);
	smap.region.start += GIB;
	smap.region.end += GIB;
	ck_assert_int_eq(plan_add(&plan, &smap), 0);
	plan_settle(&plan, PLAN_COLDEST, 100, NO_CAP, PAGE);
	ck_assert_uint_eq(plan.n, 1);
	ck_assert_uint_eq(plan.budget_bytes, 5 * PAGE);
	ck_assert_uint_eq(plan.skipped[REGION_ELIGIBLE], 0);
	for (enum region_kind kind = 1; kind < REGION__N; kind++)
		ck_assert_uint_eq(plan.skipped[kind], kind + 1);
	ck_assert_uint_eq(plan.empty, 1);
	/* the sums are of all of them */
	ck_assert_uint_eq(plan.sums.rss_bytes, REGION__N * (REGION__N + 1) / 2 * 5 * PAGE);
	ck_assert_uint_eq(plan.sums.swap_bytes, REGION__N * (REGION__N + 1) / 2 * PAGE);
	plan_free(&plan);
}
END_TEST

START_TEST(what_is_in_swap)
{
	struct plan plan = plan_new(true);
	struct smap smap = smap_of(&some[0], REGION_ELIGIBLE);

	ck_assert_int_eq(plan_add(&plan, &smap), 0); /* resident: nothing to bring back */
	smap = smap_of(&some[1], REGION_ELIGIBLE);
	smap.swap_bytes = 7 * PAGE;
	ck_assert_int_eq(plan_add(&plan, &smap), 0);
	plan_settle(&plan, PLAN_BY_ADDRESS, 100, NO_CAP, PAGE);
	ck_assert_str_eq(taken(&plan), "20:7");
	ck_assert_uint_eq(plan.empty, 1);
	plan_free(&plan);
}
END_TEST

/* Mappings that merge while they are read are told of twice, and figures may not fit together. */
START_TEST(torn_figures)
{
	static const struct row rows[] = {
		{10, 8, 8, 0},
		{10, 20, 20, 9}, /* 18 to 30 is new, of which at most that much can be there */
		{12, 10, 10, 0}, /* told already */
		{40, 2, 9, 99},
	};
	struct plan plan = plan_of(rows, ROWS(rows));

	plan_settle(&plan, PLAN_BY_ADDRESS, 100, NO_CAP, PAGE);
	ck_assert_str_eq(taken(&plan), "10:8 18:12 40:2");
	ck_assert_uint_eq(plan.regions[2].referenced_bytes, 2 * PAGE);
	plan_free(&plan);
}
END_TEST

START_TEST(nothing_at_all)
{
	struct plan plan = plan_new(false);

	plan_settle(&plan, PLAN_COLDEST, 100, NO_CAP, PAGE);
	ck_assert_str_eq(taken(&plan), "");
	ck_assert_ptr_null(plan_spans(&plan));
	plan_free(&plan);
}
END_TEST

/* -- the words -----------------------------------------------------------------------------------
 */

START_TEST(words)
{
	static const struct rights none = {.yama_scope = 1}, all = {true, true, true, 2};
	static const struct rights no_nice = {false, true, true, 0}, no_yama = {0};
	static const struct {
		enum doing doing;
		int error;
		bool hidden, dry_run;
		const struct rights *rights;
		const char *has, *has_not;
	} rows[] = {
		{DOING_FIND, -ESRCH, false, false, &all, "no such process", "hidepid"},
		{DOING_FIND, -ESRCH, true, false, &all, "hidepid", "no such"},
		{DOING_FIND, -ENOSYS, false, false, &all, "Linux 5.10", "implemented"},
		{DOING_READ_MAP, -ESRCH, false, false, &all, "ended", "CONFIG"},
		{DOING_READ_MAP, -ESRCH, true, false, &all, "CONFIG_PROC_PAGE_MONITOR", "ended"},
		{DOING_READ_PAGES, -ESRCH, true, false, &all, "pagemap", "smaps"},
		{DOING_READ_MAP, -EACCES, false, false, &none, "CAP_SYS_PTRACE", "yama"},
		{DOING_READ_MAP, -EACCES, false, false, &none, "CAP_SYS_NICE", "yama"},
		{DOING_READ_MAP, -EACCES, false, true, &none, "CAP_SYS_PTRACE", "NICE"},
		{DOING_READ_MAP, -EACCES, false, false, &all, "security module", "takes"},
		{DOING_READ_PAGES, -EACCES, false, true, &none, "CAP_DAC_READ_SEARCH", "NICE"},
		{DOING_ADVISE, -EPERM, false, false, &no_nice, "CAP_SYS_NICE", "PTRACE"},
		{DOING_ADVISE, -EPERM, false, false, &none, "CAP_SYS_NICE", "PTRACE"},
		{DOING_ADVISE, -ENOSYS, false, false, &all, "Linux 5.10", "implemented"},
		{DOING_ADVISE, -ESRCH, false, false, &all, "ended", "CONFIG"},
		{DOING_MAP, -EPERM, false, false, &none, "ptrace_scope is 1", "NICE"},
		{DOING_MAP, -EPERM, false, false, &no_yama, "CAP_SYS_PTRACE", "yama"},
		{DOING_MAP, -EPERM, false, false, &all, "security module", "yama"},
		{DOING_READ_MAP, -EBADMSG, false, false, &all, "understood", "Bad"},
		{DOING_READ_MAP, -EMFILE, false, false, &all, "open files", "takes"},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		char buf[320];
		struct text text = TEXT_OVER(buf);

		why_failed(&text, rows[i].doing, rows[i].error, rows[i].hidden, rows[i].dry_run,
			   rows[i].rights);
		ck_assert(!text.cut);
		ck_assert_msg(strstr(buf, rows[i].has) && !strstr(buf, rows[i].has_not), "%zu: %s",
			      i, buf);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		defaults,	  every_option,	       usage,
		targets,	  coldest_first,       budget_to_the_page,
		mostly_untouched, what_is_passed_over, what_is_in_swap,
		torn_figures,	  nothing_at_all,      words,
	};

	return RUN_TESTS("memadvise", tests);
}
