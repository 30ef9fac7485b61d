/* SPDX-License-Identifier: MIT */
#include "sys/swaps.h"

#include "unit/builders.h"
#include "unit/swaparea.h"

#include <errno.h>
#include <string.h>

#define HEAD "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
#define DISK "/dev/sda2                               partition\t8388604\t\t1024\t\t-2\n"
#define LAST "/var/my\\040swap                         file    \t4\t\t0\t\t32767\n"

static struct swaps swaps;

static int parse(const char *text)
{
	return swaps_parse(text, strlen(text), &swaps);
}

START_TEST(takes_real_ones)
{
	ck_assert_int_eq(parse(HEAD), 0);
	ck_assert_uint_eq(swaps.n, 0);
	ck_assert_int_eq(parse(HEAD DISK LAST), 0);
	ck_assert_uint_eq(swaps.n, 2);
	ck_assert_str_eq(swaps.areas[0].path, "/dev/sda2");
	ck_assert_int_eq(swaps.areas[0].kind, SWAP_PARTITION);
	ck_assert_uint_eq(swaps.areas[0].size_bytes, 8388604 * KIB);
	ck_assert_uint_eq(swaps.areas[0].used_bytes, 1024 * KIB);
	ck_assert_int_eq(swaps.areas[0].priority, -2);
	ck_assert_str_eq(swaps.areas[1].path, "/var/my swap");
	ck_assert_int_eq(swaps.areas[1].kind, SWAP_FILE);
	ck_assert_int_eq(swaps.areas[1].priority, 32767);
	ck_assert(!swaps.areas[1].deleted);
	ck_assert_uint_eq(swaps_size_bytes(&swaps), 8388608 * KIB);
	ck_assert_uint_eq(swaps_used_bytes(&swaps), 1024 * KIB);
	ck_assert_ptr_eq(swaps_find(&swaps, "/var/my swap"), &swaps.areas[1]);
	ck_assert_ptr_null(swaps_find(&swaps, "/var/my"));
	/* a long name has only one blank behind itself */
	ck_assert_int_eq(
		parse(HEAD "/a/very/long/name/of/a/file/that/fills/the/column file\t\t4\t0\t-3\n"),
		0);
	ck_assert_uint_eq(swaps.n, 1);
}
END_TEST

START_TEST(deleted)
{
	ck_assert_int_eq(parse(HEAD "/swap\\040(deleted)   file  4 0 -2\n"), 0);
	ck_assert(swaps.areas[0].deleted);
	ck_assert_str_eq(swaps.areas[0].path, "/swap");
	ck_assert_ptr_null(swaps_find(&swaps, "/swap"));
	/* a device has no such mark, and a mark alone is a name */
	ck_assert_int_eq(parse(HEAD "/dev/x\\040(deleted)   partition  4 0 -2\n"), 0);
	ck_assert(!swaps.areas[0].deleted);
	ck_assert_int_eq(parse(HEAD "\\040(deleted)   file  4 0 -2\n"), 0);
	ck_assert(!swaps.areas[0].deleted);
}
END_TEST

START_TEST(refuses)
{
	static const char *const rows[] = {
		"",
		"\n",
		DISK,
		"Filename",
		HEAD "\n",
		HEAD "/x file 4 0\n",
		HEAD "/x file 4 0 -2 5\n",
		HEAD "/x files 4 0 -2\n",
		HEAD "/x (deleted) file 4 0 -2\n",
		HEAD "/x file -4 0 -2\n",
		HEAD "/x file 4k 0 -2\n",
		HEAD "/x file 4 5 -2\n",
		HEAD "/x file 4 0 32768\n",
		HEAD "/x file 4 0 -32769\n",
		HEAD "/x file 4 0 -\n",
		HEAD "/x file 18014398509481984 0 0\n",
		HEAD "/x\\000 file 4 0 0\n",
		HEAD DISK "/x file 4 0 0",
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		swaps.n = 7;
		ck_assert_msg(parse(rows[i]) == -EBADMSG, "row %zu is taken: %s", i, rows[i]);
		ck_assert_uint_eq(swaps.n, 0);
	}
}
END_TEST

START_TEST(torn_anywhere)
{
	static const char whole[] = HEAD DISK LAST;

	for (size_t cut = 0; cut < sizeof whole - 1; cut++) {
		bool line_end = cut > 0 && whole[cut - 1] == '\n';

		ck_assert_msg(swaps_parse(whole, cut, &swaps) == (line_end ? 0 : -EBADMSG),
			      "cut at %zu", cut);
	}
}
END_TEST

START_TEST(as_many_as_there_can_be)
{
	static char text[4096] = HEAD;

	for (int i = 0; i < SWAPS_MAX; i++) {
		ck_assert_int_eq(parse(text), 0);
		ck_assert_uint_eq(swaps.n, (size_t)i);
		(void)strcat(text, "/x file 4 0 0\n");
	}
	ck_assert_int_eq(parse(text), 0);
	(void)strcat(text, "/x file 4 0 0\n");
	ck_assert_int_eq(parse(text), -E2BIG);
	ck_assert_uint_eq(swaps.n, 0);
}
END_TEST

START_TEST(reads_the_real_one)
{
	struct procfs procfs;
	struct swaparea area;
	bool there = swaparea_open(&area);
	const struct swap_area *found;

	ck_assert_int_eq(procfs_open("/proc", &procfs), 0);
	ck_assert_int_eq(swaps_read(&procfs, &swaps), 0);
	found = swaps_find(&swaps, area.path);
	ck_assert(there == (found != NULL));
	if (found) {
		ck_assert_uint_eq(found->size_bytes,
				  SWAPAREA_BYTES - (uint64_t)sysconf(_SC_PAGESIZE));
		ck_assert_int_eq(found->kind, SWAP_FILE);
		swaparea_close(&area);
	}
	procfs_close(&procfs);
	ck_assert_int_eq(procfs_open("/", &procfs), 0);
	ck_assert_int_eq(swaps_read(&procfs, &swaps), -ENOENT);
	procfs_close(&procfs);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		takes_real_ones,    deleted, refuses, torn_anywhere, as_many_as_there_can_be,
		reads_the_real_one,
	};

	return RUN_TESTS("swaps", tests);
}
