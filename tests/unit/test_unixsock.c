/* SPDX-License-Identifier: MIT */
#include "sys/unixsock.h"

#include "base/cleanup.h"
#include "unit/builders.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#define OTHER 61235

/* A directory of the test's own, which the working directory is in meanwhile */
static char dir[64];

static void set_up(void)
{
	(void)snprintf(dir, sizeof dir, "/tmp/test_unixsock.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chdir(dir), 0);
}

static void tear_down(void)
{
	char command[128];

	ck_assert_int_eq(chdir("/"), 0);
	(void)snprintf(command, sizeof command, "rm -rf %s", dir);
	ck_assert_int_eq(system(command), 0);
}

static int try_dir(const char *path, uid_t owner)
{
	int fd = unixsock_open_dir(path, owner);

	if (fd >= 0)
		(void)close(fd);
	return fd < 0 ? fd : 0;
}

static int listen_at(const char *name, int backlog)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s", name);
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
	if (backlog >= 0)
		ck_assert_int_eq(listen(fd, backlog), 0);
	return fd;
}

static void try_directories(void)
{
	char absolute[PATH_MAX], long_name[NAME_MAX + 3];
	uid_t us = geteuid();

	ck_assert_int_eq(mkdir("a", 0700), 0);
	ck_assert_int_eq(mkdir("a/b", 0755), 0);
	ck_assert_int_eq(symlink("a", "link"), 0);
	ck_assert_int_eq(symlink("b", "a/link"), 0);
	(void)close(open("file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	(void)snprintf(absolute, sizeof absolute, "%s/a/b", dir);
	ck_assert_int_eq(try_dir(absolute, us), 0);
	ck_assert_int_eq(try_dir("a/b", us), 0);
	ck_assert_int_eq(try_dir("./a//b///", us), 0);
	ck_assert_int_eq(try_dir("a/../a/b/.", us), 0);
	ck_assert_int_eq(try_dir("", us), -ENOENT);
	ck_assert_int_eq(try_dir("c", us), -ENOENT);
	ck_assert_int_eq(try_dir("a/c", us), -ENOENT);
	/* links at the end, behind a slash, on the way */
	ck_assert_int_eq(try_dir("link", us), -ENOTDIR);
	ck_assert_int_eq(try_dir("link/", us), -ENOTDIR);
	ck_assert_int_eq(try_dir("link/b", us), -ENOTDIR);
	ck_assert_int_eq(try_dir("a/link", us), -ENOTDIR);
	ck_assert_int_eq(try_dir("file", us), -ENOTDIR);
	ck_assert_int_eq(try_dir("/proc/self/cwd", us), -ENOTDIR);
	memset(long_name, 'x', sizeof long_name - 1);
	long_name[sizeof long_name - 1] = '\0';
	ck_assert_int_eq(try_dir(long_name, us), -ENAMETOOLONG);
	/* whose, and who may write */
	ck_assert_int_eq(try_dir("a", us + 1), -EPERM);
	ck_assert_int_eq(chmod("a/b", 0770), 0);
	ck_assert_int_eq(try_dir("a/b", us), -EPERM);
	ck_assert_int_eq(chmod("a/b", 0702), 0);
	ck_assert_int_eq(try_dir("a/b", us), -EPERM);
	ck_assert_int_eq(chmod("a/b", 0700), 0);
	/* on the way that doesn't count: /tmp is everybody's */
	ck_assert_int_eq(chmod("a", 0777), 0);
	ck_assert_int_eq(try_dir("a/b", us), 0);
}

static void try_connects(void)
{
	_cleanup_close_ int listener = listen_at("1.sock", 4), dir_fd = -1, fd = -1;
	struct unixsock_peer peer = {0};
	char byte = 'x';

	dir_fd = unixsock_open_dir(dir, geteuid());
	ck_assert_int_ge(dir_fd, 0);
	fd = unixsock_connect(dir_fd, "1.sock", geteuid(), &peer);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(peer.pid, getpid());
	ck_assert_uint_eq(peer.uid, geteuid());
	ck_assert_uint_eq(peer.gid, getegid());
	ck_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
	ck_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	ck_assert_int_eq(recv(fd, &byte, 1, 0), -1);
	ck_assert_int_eq(errno, EAGAIN);
}

static void try_never_waits(void)
{
	_cleanup_close_ int listener = listen_at("1.sock", 0), dir_fd = -1;
	struct unixsock_peer peer;
	int fds[8], n = 0, r = 0;

	dir_fd = unixsock_open_dir(dir, geteuid());
	while (n < 8 && (r = unixsock_connect(dir_fd, "1.sock", geteuid(), &peer)) >= 0)
		fds[n++] = r;
	ck_assert_int_eq(r, -EAGAIN);
	while (n > 0)
		(void)close(fds[--n]);
}

static void try_not_these(void)
{
	_cleanup_close_ int bound = listen_at("bound.sock", -1), live = listen_at("live.sock", 4);
	_cleanup_close_ int dir_fd = unixsock_open_dir(dir, geteuid());
	int gone = listen_at("gone.sock", 4);
	struct unixsock_peer peer = {.pid = 1};
	uid_t us = geteuid();

	(void)close(gone);
	ck_assert_int_eq(symlink("live.sock", "link.sock"), 0);
	ck_assert_int_eq(mkdir("dir.sock", 0700), 0);
	ck_assert_int_eq(mkfifo("fifo.sock", 0600), 0);
	(void)close(open("file.sock", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	ck_assert_int_eq(unixsock_connect(dir_fd, "gone.sock", us, &peer), -ECONNREFUSED);
	ck_assert_int_eq(unixsock_connect(dir_fd, "bound.sock", us, &peer), -ECONNREFUSED);
	ck_assert_int_eq(unixsock_connect(dir_fd, "none.sock", us, &peer), -ENOENT);
	ck_assert_int_eq(unixsock_connect(dir_fd, "link.sock", us, &peer), -ENOTSOCK);
	ck_assert_int_eq(unixsock_connect(dir_fd, "dir.sock", us, &peer), -ENOTSOCK);
	ck_assert_int_eq(unixsock_connect(dir_fd, "fifo.sock", us, &peer), -ENOTSOCK);
	ck_assert_int_eq(unixsock_connect(dir_fd, "file.sock", us, &peer), -ENOTSOCK);
	ck_assert_int_eq(unixsock_connect(dir_fd, "live.sock", us + 1, &peer), -EPERM);
	ck_assert_int_eq(unixsock_connect(dir_fd, "", us, &peer), -EINVAL);
	ck_assert_int_eq(unixsock_connect(dir_fd, "./live.sock", us, &peer), -EINVAL);
	ck_assert_int_eq(unixsock_connect(dir_fd, "dir.sock/../live.sock", us, &peer), -EINVAL);
	ck_assert_int_eq(unixsock_connect(dir_fd, "..", us, &peer), -ENOTSOCK);
	ck_assert_int_eq(peer.pid, 1);
}

/* The file is one user's, but another listens: as where a link has come to lie there after the
 * look. */
static void try_another_listens(void)
{
	_cleanup_close_ int dir_fd = -1;
	struct unixsock_peer peer;
	int ready[2];
	char byte = 0;
	pid_t pid;

	if (geteuid() != 0) {
		puts("skipped in part: takes root");
		return;
	}
	ck_assert_int_eq(pipe(ready), 0);
	ck_assert_int_eq(chmod(dir, 0777), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		if (setgid(OTHER) < 0 || setuid(OTHER) < 0)
			_exit(1);
		(void)listen_at("1.sock", 4);
		(void)!write(ready[1], "x", 1);
		(void)pause();
	}
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	ck_assert_int_eq(chmod(dir, 0700), 0);
	dir_fd = unixsock_open_dir(dir, 0);
	ck_assert_int_eq(unixsock_connect(dir_fd, "1.sock", 0, &peer), -EPERM);
	ck_assert_int_eq(chown("1.sock", 0, 0), 0);
	ck_assert_int_eq(unixsock_connect(dir_fd, "1.sock", 0, &peer), -EPERM);
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	(void)close(ready[0]);
	(void)close(ready[1]);
}

START_TEST(directories)
{
	set_up();
	try_directories();
	tear_down();
}
END_TEST

START_TEST(connects)
{
	set_up();
	try_connects();
	tear_down();
}
END_TEST

START_TEST(never_waits)
{
	set_up();
	try_never_waits();
	tear_down();
}
END_TEST

START_TEST(not_these)
{
	set_up();
	try_not_these();
	tear_down();
}
END_TEST

START_TEST(another_listens)
{
	set_up();
	try_another_listens();
	tear_down();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		directories, connects, never_waits, not_these, another_listens,
	};

	return RUN_TESTS("unixsock", tests);
}
