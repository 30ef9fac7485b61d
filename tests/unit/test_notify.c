/* SPDX-License-Identifier: MIT */
/* Words to a service manager, and files that say that somebody runs. */
#include "sys/notify.h"

#include "base/cleanup.h"
#include "sys/heldfile.h"
#include "sys/lockfile.h"
#include "sys/stdfiles.h"
#include "unit/builders.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stddef.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

static char directory[] = "/tmp/test_notify.XXXXXX";

static const char *in_directory(const char *name)
{
	static char path[200];

	(void)snprintf(path, sizeof path, "%s/%s", directory, name);
	return path;
}

/* -- notify ---------------------------------------------------------------------------------- */

/* A socket that listens at name; '@' stands for the abstract name space. */
static int listen_at(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t len = strlen(name);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	memcpy(address.sun_path, name, len);
	if (name[0] == '@')
		address.sun_path[0] = '\0';
	else
		(void)unlink(name);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
			 0);
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", name, 1), 0);
	return fd;
}

static void expect_datagram(int fd, const char *expected)
{
	char buf[300];
	ssize_t n = recv(fd, buf, sizeof buf, MSG_DONTWAIT);

	ck_assert_int_eq(n, (ssize_t)strlen(expected));
	ck_assert_int_eq(memcmp(buf, expected, (size_t)n), 0);
	ck_assert_int_lt(recv(fd, buf, sizeof buf, MSG_DONTWAIT), 0);
}

START_TEST(arrives)
{
	char abstract[64];
	const char *names[2];

	(void)snprintf(abstract, sizeof abstract, "@test_notify/%d", (int)getpid());
	names[0] = in_directory("socket");
	names[1] = abstract;
	for (size_t i = 0; i < 2; i++) {
		int fd = listen_at(names[i]);

		ck_assert_int_eq(notify_send("READY=1"), 0);
		expect_datagram(fd, "READY=1");
		ck_assert_int_eq(notify_send("RELOADING=1\nMONOTONIC_USEC=12"), 0);
		expect_datagram(fd, "RELOADING=1\nMONOTONIC_USEC=12");
		(void)close(fd);
		/* nobody there any more */
		ck_assert_int_lt(notify_send("READY=1"), 0);
	}
}
END_TEST

START_TEST(nobody_listens)
{
	static const char *const names[] = {"", "relative/path", "vsock:2:1234"};

	ck_assert_int_eq(unsetenv("NOTIFY_SOCKET"), 0);
	ck_assert_int_eq(notify_send("READY=1"), 0);
	for (size_t i = 0; i < ROWS(names); i++) {
		ck_assert_int_eq(setenv("NOTIFY_SOCKET", names[i], 1), 0);
		ck_assert_int_eq(notify_send("READY=1"), 0);
	}
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", in_directory("nothing"), 1), 0);
	ck_assert_int_eq(notify_send("READY=1"), -ENOENT);
}
END_TEST

START_TEST(how_often)
{
	char ours[16];

	(void)snprintf(ours, sizeof ours, "%d", (int)getpid());
	ck_assert_int_eq(unsetenv("WATCHDOG_PID"), 0);
	ck_assert_int_eq(unsetenv("WATCHDOG_USEC"), 0);
	ck_assert_uint_eq(notify_watchdog_ns(), 0);
	ck_assert_int_eq(setenv("WATCHDOG_USEC", "60000000", 1), 0);
	ck_assert_uint_eq(notify_watchdog_ns(), UINT64_C(60000000000));
	ck_assert_int_eq(setenv("WATCHDOG_PID", ours, 1), 0);
	ck_assert_uint_eq(notify_watchdog_ns(), UINT64_C(60000000000));
	/* inherited, and not meant for us */
	ck_assert_int_eq(setenv("WATCHDOG_PID", "1", 1), 0);
	ck_assert_uint_eq(notify_watchdog_ns(), 0);
	ck_assert_int_eq(unsetenv("WATCHDOG_PID"), 0);
	ck_assert_int_eq(setenv("WATCHDOG_USEC", "18446744073709551615", 1), 0);
	ck_assert_uint_eq(notify_watchdog_ns(), 0);
	ck_assert_int_eq(setenv("WATCHDOG_USEC", "soon", 1), 0);
	ck_assert_uint_eq(notify_watchdog_ns(), 0);
}
END_TEST

START_TEST(names_of_any_length)
{
	for (size_t len = 90; len < 130; len++) {
		char name[130];
		int fd = -1;

		(void)snprintf(name, sizeof name, "@%d/%zu", (int)getpid(), len);
		memset(name + strlen(name), 'x', sizeof name - strlen(name));
		name[len] = '\0';
		if (len < sizeof((struct sockaddr_un){0}).sun_path)
			fd = listen_at(name);
		ck_assert_int_eq(setenv("NOTIFY_SOCKET", name, 1), 0);
		ck_assert_int_eq(notify_send("READY=1"), fd < 0 ? -ENAMETOOLONG : 0);
		if (fd >= 0)
			expect_datagram(fd, "READY=1");
		close_fd(&fd);
	}
}
END_TEST

/* A service manager that doesn't read must not hold us up. */
START_TEST(never_blocks)
{
	int fd = listen_at(in_directory("full")), r = 0;

	(void)alarm(20);
	for (int i = 0; i < 100000 && r == 0; i++)
		r = notify_send("STATUS=x");
	(void)alarm(0);
	ck_assert_int_eq(r, -EAGAIN);
	(void)close(fd);
}
END_TEST

START_TEST(leaves_no_descriptor)
{
	int fd = listen_at(in_directory("socket")), first = dup(fd), again;

	(void)close(first);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(notify_send("READY=1"), 0);
	again = dup(fd);
	ck_assert_int_eq(again, first);
	(void)close(again);
	(void)close(fd);
}
END_TEST

/* -- lockfile -------------------------------------------------------------------------------- */

static void expect_file(const char *path, const char *expected)
{
	char buf[100] = "";
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_ge(read(fd, buf, sizeof buf - 1), 0);
	ck_assert_str_eq(buf, expected);
}

static void write_file(const char *path, const char *text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static const char *own_pid(void)
{
	static char text[16];

	(void)snprintf(text, sizeof text, "%d\n", (int)getpid());
	return text;
}

START_TEST(one_holds_the_lock)
{
	char path[200];
	int fd, status;
	pid_t child;

	(void)snprintf(path, sizeof path, "%s/run/lock", directory); /* its directory is made */
	fd = lockfile_take(path);
	ck_assert_int_ge(fd, 0);
	expect_file(path, own_pid());
	ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	ck_assert_int_eq(lockfile_take(path), -EWOULDBLOCK);
	expect_file(path, own_pid());
	child = fork();
	if (child == 0) {
		(void)close(fd);
		_exit(lockfile_take(path) == -EWOULDBLOCK ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	/* free as soon as it is closed; an older and longer content goes */
	(void)close(fd);
	write_file(path, "12345678901234567890\n");
	fd = lockfile_take(path);
	ck_assert_int_ge(fd, 0);
	expect_file(path, own_pid());
	(void)close(fd);
	(void)unlink(path);
	(void)rmdir(in_directory("run"));
}
END_TEST

/* Also where an older one is for everybody: another user could hold it for ever. */
START_TEST(the_lock_is_its_owners)
{
	const mode_t mask = umask(0);
	char path[200];
	struct stat stat;

	(void)snprintf(path, sizeof path, "%s/lock", directory);
	for (int i = 0; i < 2; i++) {
		int fd = lockfile_take(path);

		ck_assert_int_ge(fd, 0);
		ck_assert_int_eq(fstat(fd, &stat), 0);
		ck_assert_uint_eq(stat.st_mode & 07777, 0600);
		(void)close(fd);
		ck_assert_int_eq(chmod(path, 0666), 0);
	}
	(void)unlink(path);
	(void)umask(mask);
}
END_TEST

START_TEST(the_lock_of_a_killed_one)
{
	char path[200];
	int pair[2], fd;
	char byte;
	pid_t child;

	(void)snprintf(path, sizeof path, "%s/lock", directory);
	ck_assert_int_eq(pipe2(pair, O_CLOEXEC), 0);
	child = fork();
	if (child == 0) {
		byte = lockfile_take(path) >= 0 ? 'y' : 'n';
		(void)!write(pair[1], &byte, 1);
		(void)pause();
	}
	ck_assert_int_eq(read(pair[0], &byte, 1), 1);
	ck_assert_int_eq(byte, 'y');
	ck_assert_int_eq(lockfile_take(path), -EWOULDBLOCK);
	ck_assert_int_eq(kill(child, SIGKILL), 0);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
	fd = lockfile_take(path);
	ck_assert_int_ge(fd, 0);
	(void)close(fd);
	(void)close(pair[0]);
	(void)close(pair[1]);
	(void)unlink(path);
}
END_TEST

START_TEST(places_where_no_lock_can_be)
{
	char path[200];

	ck_assert_int_eq(lockfile_take(in_directory("no/such/lock")), -ENOENT);
	ck_assert_int_eq(lockfile_take(directory), -EISDIR);
	/* a link that somebody put there is not followed, a FIFO not waited for */
	(void)snprintf(path, sizeof path, "%s/target", directory);
	write_file(path, "precious");
	ck_assert_int_eq(symlink(path, in_directory("link")), 0);
	ck_assert_int_eq(lockfile_take(in_directory("link")), -ELOOP);
	expect_file(path, "precious");
	(void)unlink(in_directory("link"));
	(void)unlink(path);
	ck_assert_int_eq(mkfifo(in_directory("fifo"), 0600), 0);
	(void)alarm(20);
	ck_assert_int_lt(lockfile_take(in_directory("fifo")), 0);
	(void)alarm(0);
	(void)unlink(in_directory("fifo"));
}
END_TEST

START_TEST(pid_files)
{
	char path[200], target[200];

	(void)snprintf(path, sizeof path, "%s/pid", directory);
	(void)snprintf(target, sizeof target, "%s/target", directory);
	ck_assert_int_eq(lockfile_write_pid(path, 123), 0);
	expect_file(path, "123\n");
	ck_assert_int_eq(lockfile_write_pid(path, 7), 0);
	expect_file(path, "7\n");
	(void)unlink(path);
	/* a link is replaced, what it points to stays */
	write_file(target, "precious");
	ck_assert_int_eq(symlink(target, path), 0);
	ck_assert_int_eq(lockfile_write_pid(path, 8), 0);
	expect_file(path, "8\n");
	expect_file(target, "precious");
	(void)unlink(path);
	(void)unlink(target);
	ck_assert_int_eq(lockfile_write_pid(in_directory("no/such/pid"), 8), -ENOENT);
	ck_assert_int_lt(lockfile_write_pid(directory, 8), 0);
}
END_TEST

/* -- heldfile -------------------------------------------------------------------------------- */

START_TEST(a_file_that_is_kept)
{
	char path[200], buf[8], target[200];
	int fd;

	(void)snprintf(path, sizeof path, "%s/held", directory);
	(void)snprintf(target, sizeof target, "%s/target", directory);
	fd = heldfile_open(path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(heldfile_read(fd, buf, sizeof buf), 0);
	ck_assert_str_eq(buf, "");
	ck_assert_int_eq(heldfile_write(fd, "1234567", 7), 0);
	ck_assert_int_eq(heldfile_read(fd, buf, sizeof buf), 7);
	ck_assert_str_eq(buf, "1234567");
	ck_assert_int_eq(heldfile_write(fd, "abc", 3), 0);
	(void)close(fd);
	expect_file(path, "abc"); /* nothing of what was longer */
	fd = heldfile_open(path);
	ck_assert_int_eq(heldfile_write(fd, "12345678", 8), 0);
	ck_assert_int_eq(heldfile_read(fd, buf, sizeof buf), -EFBIG);
	(void)close(fd);
	/* somebody else's, perhaps */
	ck_assert_int_eq(link(path, target), 0);
	ck_assert_int_eq(heldfile_open(path), -EPERM);
	(void)unlink(path);
	ck_assert_int_eq(symlink(target, path), 0);
	ck_assert_int_eq(heldfile_open(path), -ELOOP);
	(void)unlink(path);
	(void)unlink(target);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(heldfile_open(path), -EPERM);
	(void)unlink(path);
	ck_assert_int_eq(heldfile_open(in_directory("no/such/held")), -ENOENT);
}
END_TEST

/* -- stdfiles -------------------------------------------------------------------------------- */

/* In a child, whose status is what was wrong. */
static int status_of(int closed)
{
	_cleanup_close_ int directory_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int status;
	pid_t child = fork();

	if (child == 0) {
		int wrong = 0;

		for (int fd = 0; fd <= 2; fd++)
			(void)dup2(directory_fd, fd);
		for (int fd = 0; fd <= 2; fd++)
			if (closed & 1 << fd)
				(void)close(fd);
		if (stdfiles_open() < 0)
			_exit(100);
		for (int fd = 0; fd <= 2; fd++) {
			struct stat stat;

			if (fstat(fd, &stat) < 0)
				wrong |= 1 << fd;
			else if (S_ISCHR(stat.st_mode) != !!(closed & 1 << fd))
				wrong |= 8 << fd;
		}
		_exit(wrong);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	return status;
}

START_TEST(no_file_becomes_a_standard_one)
{
	for (int closed = 0; closed < 8; closed++)
		ck_assert_msg(status_of(closed) == 0, "closed %d: %x", closed, status_of(closed));
}
END_TEST

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

int main(void)
{
	const TTest *const tests[] = {
		arrives,
		nobody_listens,
		how_often,
		names_of_any_length,
		never_blocks,
		leaves_no_descriptor,
		one_holds_the_lock,
		the_lock_is_its_owners,
		the_lock_of_a_killed_one,
		places_where_no_lock_can_be,
		pid_files,
		a_file_that_is_kept,
		no_file_becomes_a_standard_one,
	};
	int status;

	if (!mkdtemp(directory))
		return 1;
	status = RUN_TESTS("notify", tests);
	(void)nftw(directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	return status;
}
