/* SPDX-License-Identifier: MIT */
#include "sys/lookout.h"

#include "unit/builders.h"
#include "unit/fakeproc.h"

#include <errno.h>
#include <stdlib.h>

static struct procfs procfs;
static struct lookout lookout;

static void open_fixture(void)
{
	(void)snprintf(root, sizeof root, "%s/%d", base, (int)getpid());
	ck_assert_int_eq(mkdir(root, 0755), 0);
	ck_assert_int_eq(procfs_open(root, &procfs), 0);
}

/* As the next daemon would: nothing is let go before. */
static void open_again(void)
{
	lookout = (struct lookout){0};
	ck_assert_int_eq(lookout_open(&lookout, path_of(0, "look"), &procfs), 0);
}

static void killed_at(int pid)
{
	(void)lookout_at(&lookout, pid);
	open_again();
}

static struct fake program_of(int pid, unsigned uid)
{
	struct fake fake = program(pid);

	fake.uid = uid;
	put(&fake);
	return fake;
}

START_TEST(twice_is_no_chance)
{
	open_fixture();
	(void)program_of(10, 1000);
	(void)program_of(11, 1000);
	(void)program_of(12, 1001);
	open_again();
	ck_assert(!lookout.added && !lookout_is_wary(&lookout));
	killed_at(10);
	ck_assert(lookout.added);
	ck_assert_uint_eq(lookout.page->users[0].times, 1);
	ck_assert(!lookout_is_wary(&lookout) && !lookout_avoids(&lookout, 10, 1000));
	killed_at(0); /* at nobody */
	ck_assert(!lookout.added);
	killed_at(11);
	ck_assert(lookout.added && lookout_is_wary(&lookout));
	ck_assert_int_eq(lookout.page->users[0].pid, 11);
	ck_assert(lookout_avoids(&lookout, 10, 1000) && lookout_avoids(&lookout, 99, 1000));
	ck_assert(!lookout_avoids(&lookout, 12, 1001));
	ck_assert(lookout_avoids_process(&lookout, &procfs, 10));
	ck_assert(!lookout_avoids_process(&lookout, &procfs, 12));
	/* nothing is known of him */
	ck_assert(lookout_avoids_process(&lookout, &procfs, 13));
	(void)lookout_at(&lookout, 12);
	lookout_close(&lookout);
	open_again();
	ck_assert(!lookout.added);
	ck_assert(lookout_avoids(&lookout, 10, 1000));
}
END_TEST

START_TEST(of_root_just_that_one)
{
	open_fixture();
	(void)program_of(10, 0);
	open_again();
	killed_at(10);
	killed_at(10);
	ck_assert(lookout_avoids(&lookout, 10, 0) && !lookout_avoids(&lookout, 11, 0));
}
END_TEST

/* Who has ended holds nobody up. */
START_TEST(an_ended_one)
{
	open_fixture();
	open_again();
	killed_at(10);
	killed_at(10);
	ck_assert(!lookout.added);
	ck_assert_uint_eq(lookout.page->n, 0);
}
END_TEST

START_TEST(more_users_than_places)
{
	open_fixture();
	open_again();
	for (unsigned i = 0; i < LOOKOUT_MAX + 10; i++) {
		(void)program_of(10 + (int)i, 1000 + i);
		killed_at(10 + (int)i);
		/* the first ones often */
		if (i < 10)
			killed_at(10 + (int)i);
	}
	ck_assert_uint_eq(lookout.page->n, LOOKOUT_MAX);
	ck_assert_uint_eq(lookout.page->users[LOOKOUT_MAX - 1].uid, 1000 + LOOKOUT_MAX + 9);
	for (unsigned i = 0; i < 10; i++)
		ck_assert(lookout_avoids(&lookout, 1, 1000 + i));
}
END_TEST

START_TEST(no_such_file)
{
	open_fixture();
	(void)program_of(10, 1000);
	for (size_t size = 0; size < 2 * sizeof(struct lookout_page); size += 97) {
		char *bytes = malloc(size + 1);

		ck_assert_ptr_nonnull(bytes);
		memset(bytes, 10, size);
		bytes[size] = '\0';
		(void)unlink(path_of(0, "look"));
		write_file(0, "look", bytes);
		ck_assert_int_eq(chmod(path_of(0, "look"), 0600), 0);
		free(bytes);
		open_again();
		ck_assert(!lookout.added && lookout.page->n == 0);
		lookout_close(&lookout);
	}
	ck_assert_int_eq(chmod(path_of(0, "look"), 0666), 0);
	ck_assert_int_eq(lookout_open(&lookout, path_of(0, "look"), &procfs), -EPERM);
	/* then it keeps nothing, as none would */
	(void)lookout_at(&lookout, 10);
	ck_assert(!lookout_avoids_process(&lookout, &procfs, 10));
	(void)lookout_at(NULL, 10);
	ck_assert(!lookout_avoids(NULL, 10, 1000));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		twice_is_no_chance,	of_root_just_that_one, an_ended_one,
		more_users_than_places, no_such_file,
	};
	int status;

	if (!mkdtemp(base))
		return 1;
	status = RUN_TESTS("lookout", tests);
	(void)nftw(base, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	return status;
}
