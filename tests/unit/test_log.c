/* SPDX-License-Identifier: MIT */
/* What is said arrives at stderr, which is a pipe of ours, and at a log daemon that we play. */
#include "base/log.h"

#include "base/cleanup.h"
#include "unit/builders.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

static int our_end = -1, their_stderr = -1;

/* stderr becomes a pipe. */
static void catch_stderr(void)
{
	int pair[2];

	ck_assert_int_eq(pipe2(pair, O_CLOEXEC), 0);
	their_stderr = dup(STDERR_FILENO);
	ck_assert_int_eq(dup2(pair[1], STDERR_FILENO), STDERR_FILENO);
	(void)close(pair[1]);
	our_end = pair[0];
	ck_assert_int_eq(fcntl(our_end, F_SETFL, O_NONBLOCK), 0);
	(void)alarm(60); /* against a line that blocks */
}

static void let_stderr_go(void)
{
	(void)alarm(0);
	(void)dup2(their_stderr, STDERR_FILENO);
	close_fd(&their_stderr);
	close_fd(&our_end);
}

/* What was written since, at most some lines. */
static const char *heard(void)
{
	static char buf[8192];
	ssize_t n = read(our_end, buf, sizeof buf - 1);

	buf[n < 0 ? 0 : n] = '\0';
	return buf;
}

static void say_at_all_levels(void)
{
	log_err("an error n=%d", 1);
	log_warning("a warning");
	log_notice("a notice");
	log_info("an info");
}

START_TEST(levels)
{
	static const char *const expected[] = {
		[LOG_LVL_ERR] = "x: error: an error n=1\n",
		[LOG_LVL_WARNING] = "x: error: an error n=1\nx: warning: a warning\n",
		[LOG_LVL_NOTICE] = "x: error: an error n=1\nx: warning: a warning\nx: a notice\n",
		[LOG_LVL_INFO] = "x: error: an error n=1\nx: warning: a warning\nx: a notice\n"
				 "x: an info\n",
	};

	catch_stderr();
	for (int level = LOG_LVL_ERR; level <= LOG_LVL_INFO; level++) {
		log_open("x", LOG_TO_STDERR, (enum log_level)level);
		say_at_all_levels();
		ck_assert_str_eq(heard(), expected[level]);
		for (int i = LOG_LVL_ERR; i <= LOG_LVL_INFO; i++)
			ck_assert(log_wants((enum log_level)i) == (i <= level));
	}
	log_set_level(LOG_LVL_ERR);
	say_at_all_levels();
	ck_assert_str_eq(heard(), expected[LOG_LVL_ERR]);
	log_open("y", 0, LOG_LVL_INFO);
	say_at_all_levels();
	ck_assert_str_eq(heard(), "");
	let_stderr_go();
}
END_TEST

START_TEST(nothing_else_changes)
{
	catch_stderr();
	log_open("x", LOG_TO_STDERR | LOG_TO_SYSLOG, LOG_LVL_INFO);
	errno = E2BIG;
	say_at_all_levels();
	log_dump_line("%s%n");
	ck_assert_int_eq(errno, E2BIG);
	ck_assert_ptr_nonnull(strstr(heard(), "x: %s%n\n"));
	let_stderr_go();
}
END_TEST

START_TEST(lines_are_cut)
{
	static const size_t lengths[] = {0, 1, 998, 999, 1000, 1001, 1002, 1500, 5000};

	catch_stderr();
	log_open("swapify-policy", LOG_TO_STDERR, LOG_LVL_INFO);
	for (size_t i = 0; i < ROWS(lengths); i++)
		for (int dump = 0; dump < 2; dump++) {
			size_t len = u64_min(lengths[i], LOG_LINE_MAX);
			char line[5001], expected[LOG_LINE_MAX + 50];

			memset(line, 'a', lengths[i]);
			line[lengths[i]] = '\0';
			if (dump)
				log_dump_line(line);
			else
				log_warning("%s", line);
			(void)snprintf(expected, sizeof expected, "swapify-policy: %s%.*s\n",
				       dump ? "" : "warning: ", (int)len, line);
			ck_assert_str_eq(heard(), expected);
		}
	let_stderr_go();
}
END_TEST

/* A full pipe: no line waits, none comes in halves, and the loss is told. */
START_TEST(a_full_pipe)
{
	char line[LOG_LINE_MAX + 1];
	const char *at, *end, *loss;
	unsigned long lost;
	size_t whole = 0;
	static char all[1 << 17];
	ssize_t n;

	catch_stderr();
	log_open("x", LOG_TO_STDERR, LOG_LVL_INFO);
	memset(line, 'a', LOG_LINE_MAX);
	line[LOG_LINE_MAX] = '\0';
	for (int i = 0; i < 200; i++)
		log_info("%s", line);
	n = read(our_end, all, sizeof all - 1);
	ck_assert_int_gt(n, 0);
	all[n] = '\0';
	for (at = all; *at; at = end + 1) {
		end = strchr(at, '\n');
		ck_assert_ptr_nonnull(end);
		ck_assert_int_eq(end - at, 3 + LOG_LINE_MAX);
		whole++;
	}
	ck_assert_uint_gt(whole, 10);
	ck_assert_uint_lt(whole, 200);

	log_info("there is room again");
	loss = heard();
	ck_assert_int_eq(sscanf(loss, "x: warning: log was full: lines lost=%lu\n", &lost), 1);
	ck_assert_uint_eq(lost, 200 - whole);
	ck_assert_ptr_nonnull(strstr(loss, "\nx: there is room again\n"));
	log_info("and it is told once");
	ck_assert_str_eq(heard(), "x: and it is told once\n");
	let_stderr_go();
}
END_TEST

/* stderr that is closed, or whose reader is gone, costs lines and nothing else. */
START_TEST(nobody_reads)
{
	catch_stderr();
	(void)signal(SIGPIPE, SIG_IGN);
	log_open("x", LOG_TO_STDERR, LOG_LVL_INFO);
	close_fd(&our_end);
	for (int i = 0; i < 10; i++)
		log_info("into the void");
	(void)close(STDERR_FILENO);
	for (int i = 0; i < 10; i++)
		log_info("into nothing");
	(void)signal(SIGPIPE, SIG_DFL);
	let_stderr_go();
}
END_TEST

START_TEST(to_a_file)
{
	FILE *file = tmpfile();
	char buf[100] = "";

	catch_stderr();
	ck_assert_int_eq(dup2(fileno(file), STDERR_FILENO), STDERR_FILENO);
	log_open("x", LOG_TO_STDERR, LOG_LVL_INFO);
	log_notice("one");
	log_notice("two");
	let_stderr_go();
	rewind(file);
	ck_assert_uint_gt(fread(buf, 1, sizeof buf - 1, file), 0);
	ck_assert_str_eq(buf, "x: one\nx: two\n");
	(void)fclose(file);
}
END_TEST

/* -- syslog ---------------------------------------------------------------------------------- */

/* A /dev/log of our own, in a mount name space of our own; -1 where there can't be one. */
static int play_syslog(void)
{
	static const struct sockaddr_un address = {AF_UNIX, "/dev/log"};
	int fd;

	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", "/dev", "tmpfs", 0, NULL) < 0) {
		printf("skipped: no name space of our own: %s\n", strerror(errno));
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	(void)unlink(address.sun_path);
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
	return fd;
}

static const char *received(int fd)
{
	static char buf[8192];
	ssize_t n = recv(fd, buf, sizeof buf - 1, 0);

	buf[n < 0 ? 0 : n] = '\0';
	return buf;
}

static void expect_syslog(int fd, int priority, const char *line)
{
	char expected[LOG_LINE_MAX + 100];

	(void)snprintf(expected, sizeof expected, "<%d>x[%d]: %s", priority, (int)getpid(), line);
	ck_assert_str_eq(received(fd), expected);
}

START_TEST(to_syslog)
{
	char line[2001];
	int fd = play_syslog();

	if (fd < 0)
		return;
	catch_stderr();
	log_open("x", LOG_TO_SYSLOG, LOG_LVL_INFO);
	say_at_all_levels();
	expect_syslog(fd, 24 + 3, "an error n=1"); /* LOG_DAEMON, RFC 3164 */
	expect_syslog(fd, 24 + 4, "a warning");
	expect_syslog(fd, 24 + 5, "a notice");
	expect_syslog(fd, 24 + 6, "an info");
	ck_assert_str_eq(received(fd), "");
	ck_assert_str_eq(heard(), "");
	/* a dump goes there whatever level and sinks; to stderr where that is one */
	log_open("x", LOG_TO_STDERR, LOG_LVL_ERR);
	log_dump_line("state: steady");
	expect_syslog(fd, 24 + 6, "state: steady");
	ck_assert_str_eq(heard(), "x: state: steady\n");
	log_info("nothing of this");
	ck_assert_str_eq(received(fd), "");
	log_open("x", LOG_TO_SYSLOG | LOG_TO_STDERR, LOG_LVL_INFO);
	log_notice("to both");
	expect_syslog(fd, 24 + 5, "to both");
	ck_assert_str_eq(heard(), "x: to both\n");
	/* cut */
	memset(line, 'a', sizeof line - 1);
	line[sizeof line - 1] = '\0';
	log_notice("%s", line);
	line[LOG_LINE_MAX] = '\0';
	expect_syslog(fd, 24 + 5, line);
	let_stderr_go();
	(void)close(fd);
}
END_TEST

/* One that takes no more just now holds nobody up, and hears of the loss. */
START_TEST(a_full_syslog)
{
	int fd = play_syslog(), sent = 0, pid;
	unsigned long lost;

	if (fd < 0)
		return;
	(void)alarm(60);
	log_open("x", LOG_TO_SYSLOG, LOG_LVL_INFO);
	for (int i = 0; i < 5000; i++)
		log_info("line %d", i);
	ck_assert(!log_flush());
	/* what waited comes as soon as there is room, in order and without a gap */
	do {
		const char *line;
		int number;

		while (*(line = received(fd))) {
			ck_assert_int_eq(sscanf(line, "<30>x[%d]: line %d", &pid, &number), 2);
			ck_assert_int_eq(number, sent++);
		}
	} while (!log_flush() || sent == 0);
	while (*received(fd))
		sent++;
	ck_assert_int_gt(sent, 500); /* a socket alone holds about ten, or a few hundred */
	ck_assert_int_lt(sent, 5000);
	log_info("there is room again");
	ck_assert_int_eq(
		sscanf(received(fd), "<28>x[%d]: log was full: lines lost=%lu", &pid, &lost), 2);
	ck_assert_uint_eq(lost, (unsigned long)(5000 - sent));
	expect_syslog(fd, 24 + 6, "there is room again");
	ck_assert_str_eq(received(fd), "");
	(void)alarm(0);
	(void)close(fd);
}
END_TEST

/* At the end what waits is waited for, but not for ever. */
START_TEST(drains)
{
	int fd = play_syslog(), received_lines = 0;
	pid_t child;

	if (fd < 0)
		return;
	(void)alarm(60);
	log_open("x", LOG_TO_SYSLOG, LOG_LVL_INFO);
	for (int i = 0; i < 300; i++)
		log_info("line");
	ck_assert(!log_flush());
	log_drain(30); /* nobody reads */
	log_drain(0);
	ck_assert(!log_flush());
	child = fork();
	if (child == 0) {
		(void)fcntl(fd, F_SETFL, 0);
		while (received_lines < 300)
			received_lines += *received(fd) != '\0';
		_exit(0);
	}
	log_drain(30000);
	ck_assert(log_flush());
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
	(void)alarm(0);
	(void)close(fd);
}
END_TEST

/* One that is started anew is found again; while there is none, nobody misses anything. */
START_TEST(syslog_comes_and_goes)
{
	static const struct sockaddr_un address = {AF_UNIX, "/dev/log"};
	int fd = play_syslog();

	if (fd < 0)
		return;
	log_open("x", LOG_TO_SYSLOG, LOG_LVL_INFO);
	log_info("one");
	expect_syslog(fd, 24 + 6, "one");
	(void)close(fd);
	log_info("nobody hears this");
	(void)unlink(address.sun_path);
	log_info("nor this");
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
	log_info("two");
	expect_syslog(fd, 24 + 6, "two");
	/* without a gap */
	(void)close(fd);
	(void)unlink(address.sun_path);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
	log_info("three");
	expect_syslog(fd, 24 + 6, "three");
	(void)close(fd);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		levels,	       nothing_else_changes,
		lines_are_cut, a_full_pipe,
		nobody_reads,  to_a_file,
		to_syslog,     a_full_syslog,
		drains,	       syslog_comes_and_goes,
	};

	return RUN_TESTS("log", tests);
}
