/* SPDX-License-Identifier: MIT */
#include "sys/psi.h"

#include "base/cleanup.h"
#include "unit/builders.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define SOME "some avg10=12.49 avg60=4.95 avg300=1.19 total=3697628\n"
#define FULL "full avg10=0.07 avg60=100.00 avg300=0.00 total=18446744073709551615\n"

static int parse(const char *text, struct psi_facts *ret)
{
	return psi_parse(text, strlen(text), ret);
}

START_TEST(takes_real_ones)
{
	struct psi_facts facts;

	ck_assert_int_eq(parse(SOME FULL, &facts), 0);
	ck_assert(facts.present);
	ck_assert_uint_eq(facts.some_avg10_permyriad, 1249);
	ck_assert_uint_eq(facts.some_total_us, 3697628);
	ck_assert_uint_eq(facts.full_avg10_permyriad, 7);
	ck_assert_uint_eq(facts.full_total_us, UINT64_MAX);

	/* "full" is of 5.13 for the CPU, and older for memory; either order will do */
	ck_assert_int_eq(parse(SOME, &facts), 0);
	ck_assert(facts.present);
	ck_assert_uint_eq(facts.full_avg10_permyriad, 0);
	ck_assert_uint_eq(facts.full_total_us, 0);
	ck_assert_int_eq(parse(FULL SOME, &facts), 0);
	ck_assert_uint_eq(facts.some_avg10_permyriad, 1249);
	ck_assert_uint_eq(facts.full_avg10_permyriad, 7);
}
END_TEST

START_TEST(refuses)
{
	static const char *const rows[] = {
		"",
		"\n",
		SOME "\n",
		FULL,
		SOME SOME,
		SOME FULL FULL,
		SOME FULL SOME,
		"some\n",
		"some \n",
		"someavg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
		"SOME avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
		" some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
		"some  avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
		"some avg10=0.00 avg60=0.00 avg300=0.00 total=0 \n",
		"some avg10=0.00 avg60=0.00 avg300=0.00 total=0\r\n",
		"some avg10=0.00 avg60=0.00 avg300=0.00 total=\n",
		"some avg10=0.00 avg60=0.00 avg300=0.00 total=-1\n",
		"some avg10=0.00 avg60=0.00 avg300=0.00 total=0x1\n",
		"some avg10=0.00 avg60=0.00 avg300=0.00 total=18446744073709551616\n",
		"some avg10=0.00 avg60=0.00 avg300=0.00\n",
		"some avg10=0.00 avg60=0.00 total=0\n",
		"some avg60=0.00 avg10=0.00 avg300=0.00 total=0\n",
		"some avg10=0 avg60=0.00 avg300=0.00 total=0\n",
		"some avg10=0. avg60=0.00 avg300=0.00 total=0\n",
		"some avg10=0.0 avg60=0.00 avg300=0.00 total=0\n",
		"some avg10=0.000 avg60=0.00 avg300=0.00 total=0\n",
		"some avg10=.00 avg60=0.00 avg300=0.00 total=0\n",
		"some avg10=-0.01 avg60=0.00 avg300=0.00 total=0\n",
		"some avg10=101.00 avg60=0.00 avg300=0.00 total=0\n",
		"some avg10=0.00 avg60=101.00 avg300=0.00 total=0\n",
		"some avg10=0.00 avg60=0.00 avg300=999.00 total=0\n",
		"some avg10=18446744073709551616.00 avg60=0.00 avg300=0.00 total=0\n",
		"some avg10=nan avg60=0.00 avg300=0.00 total=0\n",
		SOME "most avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct psi_facts facts, untouched;

		memset(&facts, 0x5a, sizeof facts);
		untouched = facts;
		ck_assert_msg(parse(rows[i], &facts) == -EBADMSG, "row %zu is taken: %s", i,
			      rows[i]);
		ck_assert_msg(memcmp(&facts, &untouched, sizeof facts) == 0, "row %zu: changed", i);
	}
}
END_TEST

START_TEST(the_limits)
{
	struct psi_facts facts;

	ck_assert_int_eq(parse("some avg10=100.00 avg60=100.00 avg300=100.00 total=0\n", &facts),
			 0);
	ck_assert_uint_eq(facts.some_avg10_permyriad, PERMYRIAD_ONE);
	ck_assert_int_eq(parse("some avg10=0.01 avg60=0.00 avg300=0.00 total=0\n", &facts), 0);
	ck_assert_uint_eq(facts.some_avg10_permyriad, 1);
}
END_TEST

START_TEST(torn_anywhere)
{
	static const char whole[] = SOME FULL;

	for (size_t cut = 0; cut < sizeof whole - 1; cut++) {
		char *copy = malloc(cut + 1);
		struct psi_facts facts = {0};
		int r;

		memcpy(copy, whole, cut);
		r = psi_parse(copy, cut, &facts);
		free(copy);
		ck_assert_msg(r == (cut == strlen(SOME) ? 0 : -EBADMSG), "cut at %zu: %d", cut, r);
	}
}
END_TEST

START_TEST(reads_the_real_one)
{
	struct procfs procfs;
	struct psi_facts facts = {0};
	int fd = -1, r;

	ck_assert_int_eq(procfs_open("/proc", &procfs), 0);
	r = psi_read(&procfs, &fd, &facts);
	if (r == 0) {
		uint64_t before_us = facts.some_total_us;

		ck_assert(facts.present);
		ck_assert_int_eq(psi_read(&procfs, &fd, &facts), 0);
		ck_assert_uint_ge(facts.some_total_us, before_us);
	} else {
		printf("skipped in part: /proc/pressure/memory: %s\n", strerror(-r));
		ck_assert(r == -ENOENT || r == -EOPNOTSUPP);
		ck_assert(!facts.present);
	}
	close_fd(&fd);
	procfs_close(&procfs);
}
END_TEST

START_TEST(trigger)
{
	struct procfs procfs;
	int fd;

	ck_assert_int_eq(procfs_open("/proc", &procfs), 0);
	/* a multiple of 2 s is allowed to everybody */
	fd = psi_trigger_open(&procfs, 2 * NS_PER_S - NS_PER_MS, 2 * NS_PER_S);
	if (fd >= 0) {
		struct pollfd poll_fd = {.fd = fd, .events = POLLPRI};

		ck_assert_int_ge(poll(&poll_fd, 1, 0), 0);
		ck_assert(!(poll_fd.revents & POLLERR));
	} else {
		printf("skipped in part: trigger: %s\n", strerror(-fd));
	}
	/* more stall than there is window can't be */
	ck_assert_int_lt(psi_trigger_open(&procfs, 3 * NS_PER_S, 2 * NS_PER_S), 0);
	close_fd(&fd);
	procfs_close(&procfs);
}
END_TEST

START_TEST(reads_a_fixture)
{
	char directory[] = "/tmp/test_psi.XXXXXX", path[64];
	struct procfs procfs;
	struct psi_facts facts = {0};
	int fd = -1, file;

	ck_assert_ptr_nonnull(mkdtemp(directory));
	ck_assert_int_eq(procfs_open(directory, &procfs), 0);
	ck_assert_int_eq(psi_read(&procfs, &fd, &facts), -ENOENT);
	ck_assert_int_eq(psi_trigger_open(&procfs, 1, 2), -ENOENT);
	(void)snprintf(path, sizeof path, "%s/pressure", directory);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	(void)snprintf(path, sizeof path, "%s/pressure/memory", directory);
	file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	ck_assert_int_eq(write(file, SOME FULL, strlen(SOME FULL)), (ssize_t)strlen(SOME FULL));
	fd = -1;
	ck_assert_int_eq(psi_read(&procfs, &fd, &facts), 0);
	ck_assert_uint_eq(facts.some_avg10_permyriad, 1249);
	ck_assert_int_eq(ftruncate(file, 40), 0);
	ck_assert_int_eq(psi_read(&procfs, &fd, &facts), -EBADMSG);
	ck_assert_int_eq(fd, -1);
	ck_assert_uint_eq(facts.some_avg10_permyriad, 1249);
	(void)close(file);
	(void)unlink(path);
	(void)snprintf(path, sizeof path, "%s/pressure", directory);
	(void)rmdir(path);
	(void)rmdir(directory);
	procfs_close(&procfs);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		takes_real_ones,    refuses, the_limits,      torn_anywhere,
		reads_the_real_one, trigger, reads_a_fixture,
	};

	return RUN_TESTS("psi", tests);
}
