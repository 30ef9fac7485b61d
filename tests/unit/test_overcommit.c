/* SPDX-License-Identifier: MIT */
#include "sys/overcommit.h"

#include "unit/builders.h"
#include "unit/fixture.h"

#include <errno.h>

START_TEST(reads_and_writes)
{
	struct overcommit overcommit = {.mode = 7};
	struct fixture fixture;

	fixture_open(&fixture);
	ck_assert_int_eq(overcommit_read(&fixture.root, &overcommit), -ENOENT);
	fixture_write(&fixture, "sys/vm/overcommit_memory", "2\n");
	fixture_write(&fixture, "sys/vm/overcommit_kbytes", "0\n");
	ck_assert_int_eq(overcommit_write_ratio(&fixture.root, 1), -ENOENT);
	ck_assert_int_eq(overcommit_read(&fixture.root, &overcommit), -ENOENT);
	ck_assert_uint_eq(overcommit.mode, 7);
	fixture_write(&fixture, "sys/vm/overcommit_ratio", "fifty\n");
	ck_assert_int_eq(overcommit_read(&fixture.root, &overcommit), -EBADMSG);
	fixture_write(&fixture, "sys/vm/overcommit_ratio", "50\n");
	ck_assert_int_eq(overcommit_read(&fixture.root, &overcommit), 0);
	ck_assert_uint_eq(overcommit.mode, OVERCOMMIT_NEVER);
	ck_assert_uint_eq(overcommit.kib, 0);
	ck_assert_uint_eq(overcommit.ratio, 50);
	ck_assert_int_eq(overcommit_write_kib(&fixture.root, 123456), 0);
	ck_assert_int_eq(overcommit_write_ratio(&fixture.root, 0), 0);
	ck_assert_int_eq(overcommit_read(&fixture.root, &overcommit), 0);
	ck_assert_uint_eq(overcommit.kib, 123456);
	ck_assert_uint_eq(overcommit.ratio, 0);
	fixture_close(&fixture);
}
END_TEST

START_TEST(the_real_ones)
{
	struct overcommit overcommit;
	struct procfs procfs;

	ck_assert_int_eq(procfs_open("/proc", &procfs), 0);
	ck_assert_int_eq(overcommit_read(&procfs, &overcommit), 0);
	ck_assert_uint_le(overcommit.mode, 2);
	procfs_close(&procfs);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {reads_and_writes, the_real_ones};

	return RUN_TESTS("overcommit", tests);
}
