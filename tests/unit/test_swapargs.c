/* SPDX-License-Identifier: MIT */
#include "base/cleanup.h"
#include "cli/swap_args.h"
#include "cli/swap_dirs.h"
#include "unit/builders.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>

/* A command line, apart by blanks. What it's taken apart into lives to the next one. */
static int parse(struct swap_args *ret, const char *line)
{
	static char words[256];
	static char *argv[32];
	int argc = 0;

	(void)snprintf(words, sizeof words, "%s", line);
	for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	argv[argc] = NULL;
	optind = 0; /* getopt(3): starts anew */
	return swap_args_parse(argc, argv, ret);
}

START_TEST(targets)
{
	struct swap_args args;

	ck_assert_int_eq(parse(&args, "swap -aswap 12 -p 13 --socket=ja 14"), 0);
	ck_assert_int_eq(args.action, ACTION_SWAP);
	ck_assert_uint_eq(args.n_wanted, 4);
	ck_assert_int_eq(args.wanted[0].pid, 13);
	ck_assert_str_eq(args.wanted[1].name, "ja");
	ck_assert_int_eq(args.wanted[2].pid, 12);
	ck_assert_int_eq(args.wanted[3].pid, 14);
	ck_assert_uint_eq(args.timeout_ns, 60 * NS_PER_S);
	ck_assert(!args.force && !args.json);
	swap_args_free(&args);
}
END_TEST

START_TEST(options)
{
	struct swap_args args;

	ck_assert_int_eq(parse(&args, "swap -l --json -P/s --swap-path /i"), 0);
	ck_assert_int_eq(args.action, ACTION_LIST);
	ck_assert(args.json);
	ck_assert_str_eq(args.socket_dir, "/s");
	ck_assert_str_eq(args.image_dir, "/i");
	ck_assert_uint_eq(args.timeout_ns, 5 * NS_PER_S);
	swap_args_free(&args);
	ck_assert_int_eq(parse(&args, "swap --action exit -f --timeout 2min 1"), 0);
	ck_assert_int_eq(args.action, ACTION_EXIT);
	ck_assert(args.force);
	ck_assert_uint_eq(args.timeout_ns, 120 * NS_PER_S);
	swap_args_free(&args);
	/* whatever stands beside them */
	ck_assert_int_eq(parse(&args, "swap -aswap -h -x"), 0);
	ck_assert_int_eq(args.action, ACTION_HELP);
	swap_args_free(&args);
	ck_assert_int_eq(parse(&args, "swap --version rubbish"), 0);
	ck_assert_int_eq(args.action, ACTION_VERSION);
	swap_args_free(&args);
}
END_TEST

START_TEST(brings_back)
{
	ck_assert(swap_brings_back(ACTION_UNSWAP));
	ck_assert(swap_brings_back(ACTION_EXIT));
	ck_assert(!swap_brings_back(ACTION_SWAP));
	ck_assert(!swap_brings_back(ACTION_STATUS));
	ck_assert(!swap_brings_back(ACTION_LIST));
}
END_TEST

START_TEST(numbers_in_names)
{
	ck_assert_int_eq(swap_number_before("1.sock", ".sock"), 1);
	ck_assert_int_eq(swap_number_before("2147483647.sock", ".sock"), INT32_MAX);
	ck_assert_int_eq(swap_number_before("2147483648.sock", ".sock"), 0);
	ck_assert_int_eq(swap_number_before("99999999999999999999.sock", ".sock"), 0);
	ck_assert_int_eq(swap_number_before(".sock", ".sock"), 0);
	ck_assert_int_eq(swap_number_before("0.sock", ".sock"), 0);
	ck_assert_int_eq(swap_number_before("01.sock", ".sock"), 0);
	ck_assert_int_eq(swap_number_before("+1.sock", ".sock"), 0);
	ck_assert_int_eq(swap_number_before("-1.sock", ".sock"), 0);
	ck_assert_int_eq(swap_number_before("1", ".sock"), 0);
	ck_assert_int_eq(swap_number_before("1.socks", ".sock"), 0);
	ck_assert_int_eq(swap_number_before("a.1.sock", ".sock"), 0);
	ck_assert_int_eq(swap_number_before("12.swap", ".sock"), 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {targets, options, brings_back, numbers_in_names};

	return RUN_TESTS("swapargs", tests);
}
