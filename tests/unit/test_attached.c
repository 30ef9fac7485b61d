/* SPDX-License-Identifier: MIT */
/*
 * Over the real directories, which a mount namespace and a tmpfs of the test's own stand for: takes
 * root. The programs are children that listen; what arrives at their sockets the test accepts and
 * answers itself. Time is what the test says.
 */
#include "backend/attached.h"

#include "base/cleanup.h"
#include "proto/names.h"
#include "proto/wire.h"
#include "sys/pidpin.h"
#include "unit/builders.h"
#include "unit/children.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/un.h>

#define NOW LATER
#define USER 61234
#define OTHER 61235
#define ANSWER_TIME (2 * NS_PER_S) /* for an answer to a question */

static struct attached_table table;
static struct procfs procfs;

/* -- the stage -------------------------------------------------------------------------------- */

static bool set_up(void)
{
	table = (struct attached_table){.procfs = &procfs};
	if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", "/run", "tmpfs", 0, "mode=755") < 0) {
		puts("skipped: takes root, and a mount namespace");
		return false;
	}
	ck_assert_int_eq(procfs_open("/proc", &procfs), 0);
	ck_assert_int_eq(mkdir(NAMES_RUN_USER, 0755), 0);
	ck_assert_int_eq(mkdir(NAMES_RUN_SERVICES, 0755), 0);
	return true;
}

static const char *dir_of(uint32_t uid, bool service)
{
	static char path[64];

	(void)snprintf(path, sizeof path, service ? NAMES_RUN_SERVICES "/%u" : NAMES_RUN_USER "/%u",
		       uid);
	if (!service) {
		(void)mkdir(path, 0755);
		(void)strcat(path, "/" NAMES_RUN_USER_SUB);
	}
	return path;
}

static const char *make_dir(uint32_t uid, bool service)
{
	const char *path = dir_of(uid, service);

	ck_assert(mkdir(path, 0700) == 0 || errno == EEXIST);
	ck_assert_int_eq(chown(path, uid, uid), 0);
	return path;
}

/* Something by that name, which nobody listens to */
static void put(const char *dir, const char *name)
{
	char path[512];

	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	ck_assert_int_eq(mknod(path, S_IFSOCK | 0666, 0), 0);
}

static void take_away(const char *dir, const char *name)
{
	char path[512];

	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	ck_assert_int_eq(unlink(path), 0);
}

static size_t open_files(void)
{
	DIR *directory = opendir("/proc/self/fd");
	size_t n = 0;

	while (readdir(directory))
		n++;
	(void)closedir(directory);
	return n;
}

static struct attached *entry_of(int32_t pid)
{
	return attached_find(&table, &(struct proc_id){.pid = pid});
}

/* -- programs --------------------------------------------------------------------------------- */

struct program {
	struct child child;
	int listener, connection;
	char path[128];
};

static int inherited;
static uid_t become;

/* Listens with the socket that the test has bound meanwhile, and waits for its end. */
static void listens(int socket)
{
	(void)child_next(socket);
	if (become && (setgid(become) < 0 || setuid(become) < 0))
		_exit(1);
	if (listen(inherited, 16) < 0)
		_exit(1);
	child_answer(socket, 0);
	(void)child_next(socket);
}

/* A process of uid that listens in the directory, by the name of pid, 0: its own. */
static struct program start_program(const char *dir, uid_t uid, int32_t pid)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct program program = {.connection = -1};

	program.listener = inherited = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	become = uid;
	program.child = child_start(listens);
	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s/%d.sock", dir,
		       pid ? pid : program.child.pid);
	ck_assert_int_eq(bind(program.listener, (const struct sockaddr *)&address, sizeof address),
			 0);
	ck_assert_int_eq(chown(address.sun_path, uid, uid), 0);
	ck_assert_uint_eq(child_ask(&program.child, 0, 0, 0), 0);
	(void)snprintf(program.path, sizeof program.path, "%s", address.sun_path);
	return program;
}

static void end_program(struct program *program)
{
	child_end(&program->child);
	close_fd(&program->listener);
	close_fd(&program->connection);
	(void)unlink(program->path);
}

static bool is_stopped(int32_t pid)
{
	char path[32], stat[512] = "";
	const char *end;
	_cleanup_close_ int fd = -1;

	(void)snprintf(path, sizeof path, "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_gt(read(fd, stat, sizeof stat - 1), 0);
	end = strrchr(stat, ')');
	return end && end[2] == 'T';
}

static bool has_connection(const struct program *program)
{
	struct pollfd poll_fd = {.fd = program->listener, .events = POLLIN};

	return poll(&poll_fd, 1, 0) == 1;
}

/* Takes the question that has come: a request for its status. */
static void take_question(struct program *program)
{
	unsigned char request[2];

	ck_assert(has_connection(program));
	program->connection = accept4(program->listener, NULL, NULL, SOCK_CLOEXEC);
	ck_assert_int_eq(recv(program->connection, request, 2, MSG_DONTWAIT), 1);
	ck_assert_uint_eq(request[0], WIRE_STATUS);
}

static void answer(struct program *program, const void *data, size_t len)
{
	if (len > 0)
		ck_assert_int_eq(send(program->connection, data, len, MSG_NOSIGNAL), (ssize_t)len);
	close_fd(&program->connection);
}
#define ANSWER(program, literal) answer((program), (literal), sizeof(literal) - 1)

/* Its turn to be asked has come: asks it and has it answer. */
static void converse(struct program *program, const void *data, size_t len, uint64_t now_ns)
{
	entry_of(program->child.pid)->next_ns = 0;
	attached_poll(&table, now_ns);
	take_question(program);
	answer(program, data, len);
	attached_poll(&table, now_ns);
}
#define CONVERSE(program, literal, now_ns) \
	converse((program), (literal), sizeof(literal) - 1, (now_ns))

/* A program of USER, known and running */
static struct attached *start_running(struct program *program)
{
	*program = start_program(make_dir(USER, true), USER, 0);
	attached_scan(&table);
	CONVERSE(program, "\0state=running\n", NOW);
	return entry_of(program->child.pid);
}

/* -- names and directories -------------------------------------------------------------------- */

START_TEST(names)
{
	static const char *const no[] = {
		"0.sock",
		"-1.sock",
		"+5.sock",
		" 5.sock",
		"5 .sock",
		"12.sock.sock",
		"99999999999.sock",
		".sock",
		"5.",
		"5",
		"4294967297.sock",
		"2147483648.sock",
		"x.5.sock",
		"5.sockx",
		"5.SOCK",
		"0x5.sock",
		"5.sock\n",
		"\n5.sock",
		"18446744073709551621.sock",
	};
	const char *dir;

	if (!set_up())
		return;
	dir = make_dir(USER, true);
	for (size_t i = 0; i < ROWS(no); i++)
		put(dir, no[i]);
	attached_scan(&table);
	ck_assert_uint_eq(table.n, 0);
	ck_assert_uint_eq(table.left_out, 0);
	put(dir, "2147483647.sock");
	put(dir, "7.sock");
	put(dir, "100.sock");
	attached_scan(&table);
	ck_assert_uint_eq(table.n, 3);
	ck_assert_int_eq(table.entries[0].id.pid, 7);
	ck_assert_int_eq(table.entries[1].id.pid, 100);
	ck_assert_int_eq(table.entries[2].id.pid, INT32_MAX);
	for (size_t i = 0; i < table.n; i++) {
		ck_assert_uint_eq(table.entries[i].id.start_ticks, 0);
		ck_assert_uint_eq(table.entries[i].uid, USER);
		ck_assert_int_eq(table.entries[i].state, ATTACHED_UNKNOWN);
		ck_assert_int_eq(table.entries[i].question_fd, -1);
	}
	take_away(dir, "100.sock");
	put(dir, "8.sock");
	attached_scan(&table);
	ck_assert_uint_eq(table.n, 3);
	ck_assert_int_eq(table.entries[1].id.pid, 8);
	ck_assert_ptr_null(entry_of(100));
	ck_assert_ptr_nonnull(entry_of(8));
}
END_TEST

START_TEST(directories)
{
	const char *dir;

	if (!set_up())
		return;
	/* none of these is one */
	dir = make_dir(USER, true);
	put(dir, "1.sock");
	ck_assert_int_eq(chown(dir, OTHER, OTHER), 0);
	attached_scan(&table);
	ck_assert_uint_eq(table.n, 0);
	ck_assert_int_eq(chown(dir, USER, USER), 0);
	ck_assert_int_eq(chmod(dir, 0770), 0);
	attached_scan(&table);
	ck_assert_uint_eq(table.n, 0);
	ck_assert_int_eq(chmod(dir, 0702), 0);
	attached_scan(&table);
	ck_assert_uint_eq(table.n, 0);
	ck_assert_int_eq(chmod(dir, 0700), 0);
	ck_assert_int_eq(symlink(dir, NAMES_RUN_SERVICES "/61240"), 0);
	ck_assert_int_eq(mkdir(NAMES_RUN_USER "/61240", 0755), 0);
	ck_assert_int_eq(symlink(dir, NAMES_RUN_USER "/61240/swapify"), 0);
	ck_assert_int_eq(symlink(NAMES_RUN_SERVICES, NAMES_RUN_USER "/61241"), 0);
	ck_assert_int_eq(mkdir(NAMES_RUN_SERVICES "/x", 0755), 0);
	put(NAMES_RUN_SERVICES, "61242");
	put(NAMES_RUN_SERVICES, "5.sock");
	attached_scan(&table);
	ck_assert_uint_eq(table.n, 1);
	ck_assert_uint_eq(entry_of(1)->uid, USER);
	ck_assert_uint_eq(entry_of(1)->place, 1);
	/* the other place comes first */
	dir = make_dir(USER, false);
	put(dir, "2.sock");
	attached_scan(&table);
	ck_assert_uint_eq(table.n, 2);
	ck_assert_uint_eq(entry_of(2)->place, 0);
	/* a parent that is a link is none */
	ck_assert_int_eq(rename(NAMES_RUN_SERVICES, "/run/elsewhere"), 0);
	ck_assert_int_eq(symlink("/run/elsewhere", NAMES_RUN_SERVICES), 0);
	attached_scan(&table);
	ck_assert_uint_eq(table.n, 1);
}
END_TEST

/* A crowd finds so much room and no more, and those of others find theirs. */
START_TEST(a_crowd)
{
	const char *dir;
	char name[32];

	if (!set_up())
		return;
	for (int place = 0; place < 2; place++) {
		dir = make_dir(OTHER, place);
		for (int i = 0; i < 3000; i++) {
			(void)snprintf(name, sizeof name, "%d.sock", 10000 + 4000 * place + i);
			put(dir, name);
		}
	}
	put(make_dir(USER, true), "5.sock");
	put(make_dir(USER + 7, false), "20000.sock");
	attached_scan(&table);
	ck_assert_uint_eq(table.n, ATTACHED_PER_USER + 2);
	ck_assert_uint_ge(table.left_out, ATTACHED_NAMES_MAX);
	ck_assert_uint_le(table.left_out, 2 * ATTACHED_NAMES_MAX);
	ck_assert_ptr_nonnull(entry_of(5));
	ck_assert_ptr_nonnull(entry_of(20000));
	for (size_t i = 1; i < table.n; i++)
		ck_assert_int_lt(table.entries[i - 1].id.pid, table.entries[i].id.pid);
	/* those that are in stay, those that are not stay out, however often */
	attached_scan(&table);
	ck_assert_uint_eq(table.n, ATTACHED_PER_USER + 2);
	/* nobody listens: they are asked in their turn, and it costs nothing that stays */
	for (int i = 0; i < 20; i++)
		attached_poll(&table, NOW);
	for (size_t i = 0; i < table.n; i++) {
		ck_assert_int_eq(table.entries[i].question_fd, -1);
		ck_assert_uint_eq(table.entries[i].silences, 1);
	}
}
END_TEST

/* Whoever fills what all have in common keeps nobody out who is known to have programs. */
START_TEST(a_crowd_of_directories)
{
	char path[64];

	if (!set_up())
		return;
	put(make_dir(USER, true), "5.sock");
	for (int i = 0; i < 3 * ATTACHED_NAMES_MAX; i++) {
		(void)snprintf(path, sizeof path, NAMES_RUN_SERVICES "/%d", 100000 + i);
		ck_assert_int_eq(mkdir(path, 0700), 0);
	}
	attached_note_user(&table, OTHER);
	attached_note_user(&table, USER);
	attached_note_user(&table, USER);
	ck_assert_uint_eq(table.n_users, 2);
	attached_scan(&table);
	ck_assert_uint_eq(table.n, 1);
	ck_assert_ptr_nonnull(entry_of(5));
	ck_assert_uint_eq(table.left_out, 0);
	/* the latest so many are kept */
	for (uint32_t uid = 0; uid < ATTACHED_USERS_MAX + 1; uid++)
		attached_note_user(&table, uid);
	attached_note_user(&table, USER);
	attached_scan(&table);
	ck_assert_ptr_nonnull(entry_of(5));
}
END_TEST

/* Whoever claims another's pid first doesn't keep him out for longer than it takes to see it. */
START_TEST(a_claim)
{
	struct program program;
	char name[32];

	if (!set_up())
		return;
	program = start_program(make_dir(USER, true), USER, 0);
	(void)snprintf(name, sizeof name, "%d.sock", program.child.pid);
	put(make_dir(OTHER, false), name);
	attached_scan(&table);
	ck_assert_uint_eq(entry_of(program.child.pid)->uid, OTHER);
	attached_poll(&table, NOW);
	ck_assert(!has_connection(&program));
	attached_scan(&table);
	ck_assert_uint_eq(entry_of(program.child.pid)->uid, USER);
	CONVERSE(&program, "\0state=running\n", NOW);
	ck_assert_uint_ne(entry_of(program.child.pid)->id.start_ticks, 0);
	/* and who is known is known */
	attached_scan(&table);
	ck_assert_uint_eq(entry_of(program.child.pid)->uid, USER);
	ck_assert_int_eq(entry_of(program.child.pid)->state, ATTACHED_RUNNING);
	end_program(&program);
	attached_close(&table);
}
END_TEST

/* -- who listens ------------------------------------------------------------------------------ */

static int try_connect(int32_t pid)
{
	int fd = attached_connect(&table, entry_of(pid));

	if (fd < 0)
		return fd;
	(void)close(fd);
	return 0;
}

START_TEST(who_listens)
{
	struct program program, stranger, alias, service;
	struct child plain;
	const char *dir;
	char path[128];
	size_t files;

	if (!set_up())
		return;
	dir = make_dir(USER, true);
	files = open_files();
	program = start_program(dir, USER, 0);
	plain = child_start(child_idles);
	/* a user's process at the name of another's, of root's, and of one of his own */
	stranger = start_program(dir, USER, plain.pid);
	service = start_program("/run", 0, 0);
	alias = start_program(dir, USER, program.child.pid + 100000);
	attached_scan(&table);
	ck_assert_int_eq(try_connect(program.child.pid), 0);
	ck_assert_uint_eq(entry_of(program.child.pid)->id.start_ticks,
			  child_facts(&program.child).id.start_ticks);
	ck_assert_int_eq(try_connect(plain.pid), -EPERM);
	ck_assert_uint_eq(entry_of(plain.pid)->id.start_ticks, 0);
	ck_assert_int_eq(try_connect(program.child.pid + 100000), -ESRCH);
	/* a link, to his own and to root's */
	(void)snprintf(path, sizeof path, "%s/%d.sock", dir, stranger.child.pid);
	ck_assert_int_eq(symlink(program.path, path), 0);
	attached_scan(&table);
	ck_assert_int_eq(try_connect(stranger.child.pid), -ENOTSOCK);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(symlink(service.path, path), 0);
	ck_assert_int_eq(try_connect(stranger.child.pid), -ENOTSOCK);
	ck_assert_int_eq(unlink(path), 0);
	/* root's socket itself, and one that was given to the user */
	ck_assert_int_eq(link(service.path, path), 0);
	ck_assert_int_eq(try_connect(stranger.child.pid), -EPERM);
	ck_assert(!has_connection(&service));
	ck_assert_int_eq(chown(path, USER, USER), 0);
	ck_assert_int_eq(try_connect(stranger.child.pid), -EPERM);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(try_connect(stranger.child.pid), -ENOENT);
	/* another life of the same pid */
	entry_of(program.child.pid)->id.start_ticks--;
	ck_assert_int_eq(try_connect(program.child.pid), -EPERM);
	entry_of(program.child.pid)->id.start_ticks++;
	ck_assert_int_eq(try_connect(program.child.pid), 0);
	/* the process has ended, and another has its socket */
	child_kill(&program.child);
	ck_assert_int_lt(try_connect(program.child.pid), 0);
	child_reap(&program.child);
	ck_assert_int_eq(try_connect(program.child.pid), -ESRCH);
	close_fd(&program.listener);
	end_program(&stranger);
	end_program(&service);
	end_program(&alias);
	child_end(&plain);
	ck_assert_uint_eq(open_files(), files);
}
END_TEST

START_TEST(a_full_queue)
{
	struct program program;
	size_t files;
	int fds[64], n = 0, r = 0;

	if (!set_up())
		return;
	program = start_program(make_dir(USER, true), USER, 0);
	attached_scan(&table);
	files = open_files();
	while (n < 64 && (r = attached_connect(&table, entry_of(program.child.pid))) >= 0)
		fds[n++] = r;
	ck_assert_int_eq(r, -EAGAIN);
	attached_poll(&table, NOW);
	ck_assert_uint_eq(entry_of(program.child.pid)->silences, 1);
	while (n > 0)
		(void)close(fds[--n]);
	ck_assert_uint_eq(open_files(), files);
	end_program(&program);
}
END_TEST

/* -- questions -------------------------------------------------------------------------------- */

START_TEST(an_answer)
{
	struct program program;
	struct attached *entry;

	if (!set_up())
		return;
	program = start_program(make_dir(USER, false), USER, 0);
	ck_assert(attached_all_heard(&table));
	attached_scan(&table);
	ck_assert(!attached_all_heard(&table));
	attached_poll(&table, NOW);
	entry = entry_of(program.child.pid);
	ck_assert_int_ge(entry->question_fd, 0);
	take_question(&program);
	attached_poll(&table, NOW); /* it isn't there yet */
	ck_assert(!attached_all_heard(&table));
	ck_assert_int_ge(entry->question_fd, 0);
	ck_assert_int_eq(entry->state, ATTACHED_UNKNOWN);
	ANSWER(&program, "\0state=running\nsince_ns=5\nimage_bytes=0\nheld_bytes=7\n");
	attached_poll(&table, NOW);
	ck_assert(attached_all_heard(&table));
	ck_assert_int_eq(entry->question_fd, -1);
	ck_assert_int_eq(entry->state, ATTACHED_RUNNING);
	ck_assert_uint_eq(entry->since_ns, 5);
	ck_assert_uint_eq(entry->held_bytes, 0); /* it runs */
	ck_assert(!entry->changed && !entry->ours && !entry->old);
	ck_assert_uint_eq(entry->silences, 0);
	/* and that's it for a while */
	attached_poll(&table, NOW + NS_PER_S);
	ck_assert(!has_connection(&program));
	attached_poll(&table, entry->next_ns);
	ck_assert(has_connection(&program));
	end_program(&program);
	attached_close(&table);
}
END_TEST

/* Others swap it and bring it back: seen, and counted once. */
START_TEST(changes)
{
	struct program program;
	struct attached *entry;

	if (!set_up())
		return;
	entry = start_running(&program);
	CONVERSE(&program, "\0state=swapping\n", NOW);
	ck_assert_int_eq(entry->state, ATTACHED_BUSY);
	ck_assert_uint_eq(entry->next_ns, NOW + NS_PER_S);
	CONVERSE(&program, "\0state=swapped\nheld_bytes=9223372036854775808\nsince_ns=1\n", NOW);
	ck_assert_int_eq(entry->state, ATTACHED_SWAPPED);
	ck_assert(entry->changed);
	ck_assert_uint_eq(entry->held_bytes, UINT64_C(1) << 63);
	ck_assert_uint_eq(table.swapped_by_others, 1);
	entry->changed = false;
	/* from the future */
	CONVERSE(&program, "\0state=swapped\nheld_bytes=5\nsince_ns=18446744073709551615\n", NOW);
	ck_assert(!entry->changed);
	ck_assert_uint_eq(entry->since_ns, NOW);
	ck_assert_uint_eq(table.swapped_by_others, 1);
	CONVERSE(&program, "\0state=running\n", NOW);
	ck_assert(entry->changed);
	ck_assert_uint_eq(entry->held_bytes, 0);
	ck_assert_uint_eq(table.unswapped_by_others, 1);
	/* a word that we don't know */
	CONVERSE(&program, "\0state=hovering\n", NOW);
	ck_assert_int_eq(entry->state, ATTACHED_UNKNOWN);
	end_program(&program);
}
END_TEST

START_TEST(our_own_requests)
{
	struct program program;
	struct attached *entry;

	if (!set_up())
		return;
	entry = start_running(&program);
	attached_note_request(entry);
	ck_assert_int_eq(entry->state, ATTACHED_BUSY);
	attached_poll(&table, NOW + NS_PER_H); /* it isn't asked meanwhile */
	ck_assert(!has_connection(&program));
	attached_note_result(entry, ATTACHED_SWAPPED, 5 * MIB, NOW);
	CONVERSE(&program, "\0state=swapped\nheld_bytes=5\n", NOW);
	ck_assert(entry->ours && !entry->changed);
	ck_assert_uint_eq(table.swapped_by_others, 0);
	/* how it ended isn't known: it's asked, and what it says is our doing */
	CONVERSE(&program, "\0state=running\n", NOW);
	ck_assert(!entry->ours);
	attached_note_request(entry);
	attached_note_result(entry, ATTACHED_BUSY, 0, 0);
	CONVERSE(&program, "\0state=swapped\nheld_bytes=5\n", NOW);
	ck_assert(entry->ours);
	ck_assert_uint_eq(table.swapped_by_others, 0);
	end_program(&program);
}
END_TEST

/* What the process was before an exec says nothing of what it is. */
START_TEST(another_program)
{
	struct program program;
	struct attached *entry;

	if (!set_up())
		return;
	entry = start_running(&program);
	entry->async_io_ns = NOW + NS_PER_H;
	attached_note_program(entry, 0); /* not permitted */
	attached_note_program(entry, 5);
	attached_note_program(entry, 5);
	attached_note_program(entry, 0);
	attached_note_program(entry, 6);
	ck_assert_int_eq(entry->state, ATTACHED_RUNNING);
	ck_assert_uint_eq(entry->async_io_ns, NOW + NS_PER_H);
	attached_poll(&table, entry->next_ns);
	ck_assert_int_ge(entry->question_fd, 0);
	attached_note_program(entry, 7);
	ck_assert_int_eq(entry->state, ATTACHED_UNKNOWN);
	ck_assert_int_eq(entry->question_fd, -1);
	ck_assert_uint_eq(entry->async_io_ns, 0);
	ck_assert_uint_eq(entry->id.start_ticks, 0);
	ck_assert(entry_of(program.child.pid) == entry && entry->listed && entry->uid == USER);
	close_fd(&program.connection);
	(void)close(
		accept4(program.listener, NULL, NULL, SOCK_CLOEXEC)); /* the one that was hung up */
	CONVERSE(&program, "\0state=running\n", NOW);
	ck_assert_int_eq(entry->state, ATTACHED_RUNNING);
	end_program(&program);
}
END_TEST

/* On its way out it has failed, and runs: it was never away. */
START_TEST(a_swap_that_fails)
{
	struct program program;
	struct attached *entry;

	if (!set_up())
		return;
	entry = start_running(&program);
	CONVERSE(&program, "\0state=swapping\n", NOW);
	CONVERSE(&program, "\0state=running\n", NOW);
	ck_assert(!entry->changed);
	attached_note_request(entry);
	attached_note_result(entry, ATTACHED_BUSY, 0, 0);
	CONVERSE(&program, "\0state=running\n", NOW);
	ck_assert(!entry->changed && !entry->ours);
	ck_assert_uint_eq(table.unswapped_by_others, 0);
	/* on its way back it is seen, and then it is there */
	CONVERSE(&program, "\0state=swapped\nheld_bytes=5\n", NOW);
	entry->changed = false;
	CONVERSE(&program, "\0state=unswapping\n", NOW);
	ck_assert(!entry->changed);
	CONVERSE(&program, "\0state=running\n", NOW);
	ck_assert(entry->changed);
	ck_assert_uint_eq(table.unswapped_by_others, 1);
	/* by a request of ours, of which nothing was heard any more */
	attached_note_result(entry, ATTACHED_SWAPPED, 5 * MIB, NOW);
	attached_note_request(entry);
	attached_note_result(entry, ATTACHED_BUSY, 0, 0);
	CONVERSE(&program, "\0state=running\n", NOW);
	ck_assert(entry->changed);
	ck_assert_uint_eq(table.unswapped_by_others, 1);
	end_program(&program);
}
END_TEST

/* So it is with what an earlier daemon has asked for; whoever else says so runs anyway. */
START_TEST(an_earlier_daemon)
{
	struct program program;
	struct attached *entry;

	if (!set_up())
		return;
	program = start_program(make_dir(USER, true), USER, 0);
	attached_scan(&table);
	CONVERSE(&program, "\0state=swapped\nheld_bytes=5\nby=swapify-policy\n", NOW);
	entry = entry_of(program.child.pid);
	ck_assert(entry->ours && entry->state == ATTACHED_SWAPPED);
	ck_assert_uint_eq(table.swapped_by_others, 0);
	CONVERSE(&program, "\0state=running\n", NOW);
	ck_assert(!entry->ours);
	CONVERSE(&program, "\0state=swapped\nheld_bytes=5\nby=swap\n", NOW);
	ck_assert(!entry->ours);
	ck_assert_uint_eq(table.swapped_by_others, 1);
	end_program(&program);
}
END_TEST

/* What a daemon before us has had swapped is ours where it is still so, and nobody's news. */
START_TEST(taken_over)
{
	struct program program;
	struct attached *entry;

	if (!set_up())
		return;
	program = start_program(make_dir(USER, true), USER, 0);
	attached_scan(&table);
	attached_poll(&table, NOW);
	take_question(&program);
	entry = entry_of(program.child.pid);
	ck_assert_uint_ne(entry->id.start_ticks, 0);
	attached_inherit(entry, 3 * MIB);
	ANSWER(&program, "\0state=swapped\nheld_bytes=9000000\n");
	attached_poll(&table, NOW);
	ck_assert(entry->ours);
	ck_assert_int_eq(entry->state, ATTACHED_SWAPPED);
	ck_assert_uint_eq(entry->held_bytes, 3 * MIB); /* no more than was seen to leave */
	ck_assert_uint_eq(table.swapped_by_others, 0);
	attached_inherit(entry, 3 * MIB);
	CONVERSE(&program, "\0state=running\n", NOW);
	ck_assert(!entry->ours);
	end_program(&program);
}
END_TEST

/* Without its socket it is known as long as it stays stopped by our doing. */
START_TEST(a_socket_that_is_gone)
{
	struct program program;
	struct attached *entry;

	if (!set_up())
		return;
	entry = start_running(&program);
	ck_assert_int_eq(kill(program.child.pid, SIGSTOP), 0);
	while (!is_stopped(program.child.pid))
		continue;
	attached_note_request(entry);
	attached_note_result(entry, ATTACHED_SWAPPED, MIB, NOW);
	ck_assert_int_eq(unlink(program.path), 0);
	attached_scan(&table);
	ck_assert_ptr_eq(entry_of(program.child.pid), entry);
	ck_assert(entry->ours);
	ck_assert_int_eq(kill(program.child.pid, SIGCONT), 0);
	while (is_stopped(program.child.pid))
		continue;
	attached_scan(&table);
	ck_assert_ptr_null(entry_of(program.child.pid));
	end_program(&program);
}
END_TEST

/* A helper that was killed is replaced once: while that is under way, and until the new one has had
 * time to listen, nobody is called an orphan again. */
START_TEST(a_new_helper)
{
	struct program program;
	struct attached *entry;
	uint64_t now_ns = NOW;

	if (!set_up())
		return;
	entry = start_running(&program);
	ck_assert_int_eq(kill(program.child.pid, SIGSTOP), 0);
	while (!is_stopped(program.child.pid))
		continue;
	ck_assert_int_eq(unlink(program.path), 0);
	put("/", program.path + 1); /* nobody listens */
	ck_assert_int_eq(chown(program.path, USER, USER), 0);
	attached_ask_again(entry);
	attached_poll(&table, now_ns);
	ck_assert(entry->orphan);
	ck_assert_uint_eq(entry->silences, 1);
	attached_inherit(entry, MIB); /* others may have their turn first */
	attached_poll(&table, now_ns);
	ck_assert(entry->orphan);
	ck_assert_uint_eq(entry->silences, 1);
	attached_note_revival(entry);
	attached_note_state(entry, 't', now_ns);
	attached_note_state(entry, 'T', now_ns);
	attached_ask_again(entry);
	attached_poll(&table, now_ns);
	ck_assert(!entry->orphan);
	ck_assert_uint_eq(entry->silences, 1);
	attached_note_revived(entry, true, now_ns);
	for (int i = 0; i < 5; i++) {
		ck_assert_uint_gt(entry->next_ns, now_ns);
		ck_assert_uint_le(entry->next_ns, now_ns + NS_PER_S);
		now_ns = entry->next_ns;
		attached_poll(&table, now_ns);
		ck_assert(!entry->orphan);
		ck_assert_uint_eq(entry->silences, 1);
	}
	attached_poll(&table, NOW + NS_PER_MIN);
	ck_assert(entry->orphan);
	ck_assert_uint_eq(entry->silences, 2);
	/* and in vain: then it takes its turn */
	attached_note_revival(entry);
	attached_note_revived(entry, true, now_ns);
	ck_assert_uint_ge(entry->next_ns, now_ns + NS_PER_MIN);
	attached_note_revival(entry);
	attached_note_revived(entry, false, now_ns);
	ck_assert_uint_ge(entry->next_ns, now_ns + NS_PER_MIN);
	end_program(&program);
}
END_TEST

/* The original can't tell: it is swapped still where it is stopped still. */
START_TEST(an_old_one_taken_over)
{
	for (int stopped = 0; stopped < 2; stopped++) {
		struct program program;
		struct attached *entry;

		if (!set_up())
			return;
		program = start_program(make_dir(USER, true), USER, 0);
		attached_scan(&table);
		attached_poll(&table, NOW);
		take_question(&program);
		entry = entry_of(program.child.pid);
		attached_inherit(entry, 3 * MIB);
		if (stopped)
			ck_assert_int_eq(kill(program.child.pid, SIGSTOP), 0);
		while (stopped && !is_stopped(program.child.pid))
			continue;
		ANSWER(&program, "\1");
		attached_poll(&table, NOW);
		ck_assert_int_eq(entry->ours, stopped);
		ck_assert_int_eq(entry->state, stopped ? ATTACHED_SWAPPED : ATTACHED_RUNNING);
		ck_assert_uint_eq(entry->held_bytes, stopped ? 3 * MIB : 0);
		end_program(&program);
		attached_close(&table);
	}
}
END_TEST

/* A question is open when the request goes out: its answer is one of before. */
START_TEST(an_answer_of_before)
{
	struct program program;
	struct attached *entry;

	if (!set_up())
		return;
	program = start_program(make_dir(USER, true), USER, 0);
	attached_scan(&table);
	attached_poll(&table, NOW);
	take_question(&program);
	entry = entry_of(program.child.pid);
	attached_note_request(entry);
	(void)send(program.connection, "\0state=running\n", 15, MSG_NOSIGNAL);
	close_fd(&program.connection);
	attached_poll(&table, NOW);
	ck_assert_int_eq(entry->state, ATTACHED_BUSY);
	ck_assert(entry->ours && !entry->changed);
	end_program(&program);
	attached_close(&table);
}
END_TEST

START_TEST(silence)
{
	struct program program;
	struct attached *entry;
	uint64_t now_ns = NOW;
	size_t files;

	if (!set_up())
		return;
	program = start_program(make_dir(USER, true), USER, 0);
	attached_scan(&table);
	entry = entry_of(program.child.pid);
	files = open_files();
	for (unsigned i = 1; i < 12; i++) {
		attached_poll(&table, now_ns);
		take_question(&program);
		attached_poll(&table, now_ns + ANSWER_TIME - 1);
		ck_assert_int_ge(entry->question_fd, 0);
		attached_poll(&table, now_ns + ANSWER_TIME);
		ck_assert_int_eq(entry->question_fd, -1);
		close_fd(&program.connection);
		ck_assert_uint_eq(entry->silences, i < 6 ? i : 6);
		ck_assert_int_eq(entry->state, ATTACHED_UNKNOWN);
		/* ever less often */
		ck_assert_uint_ge(entry->next_ns, now_ns + (NS_PER_MIN << (i < 6 ? i : 6)));
		ck_assert_uint_le(entry->next_ns, now_ns + 2 * NS_PER_H);
		now_ns = entry->next_ns;
	}
	ck_assert_uint_eq(open_files(), files);
	/* and all is forgiven */
	CONVERSE(&program, "\0state=running\n", now_ns);
	ck_assert_uint_eq(entry->silences, 0);
	ck_assert_int_eq(entry->state, ATTACHED_RUNNING);
	end_program(&program);
}
END_TEST

START_TEST(wrong_answers)
{
	static const struct {
		const char *data;
		size_t len;
	} wrong[] = {
#define WRONG(literal) {literal, sizeof(literal) - 1}
		WRONG(""),
		WRONG("\3"),
		WRONG("\xff\xfe\xfd"),
		WRONG("swapped\n"),
		WRONG("\0\0\0\0\0"),
		WRONG("\0state=swapped"),
		WRONG("\0state=swapped\nheld_by"),
		WRONG("\0state=swapped\nstate=swapped\n"),
		WRONG("\0state=swapped\nheld_bytes=18446744073709551616\n"),
		WRONG("\0state=swapped\nheld_bytes=1e9\n"),
		WRONG("\0state=swapped\nhelper=4294967296\n"),
		WRONG("\0state=swap\0ped\n"),
		WRONG("\0state=swapped\nreason=\n\n"),
		WRONG("\0state=swapped\n\n"),
	};
	struct program program;
	char flood[8192];

	if (!set_up())
		return;
	program = start_program(make_dir(USER, true), USER, 0);
	attached_scan(&table);
	CONVERSE(&program, "\0state=running\n", NOW);
	for (size_t i = 0; i < ROWS(wrong); i++) {
		struct attached *entry = entry_of(program.child.pid);

		entry->silences = 0;
		converse(&program, wrong[i].data, wrong[i].len, NOW);
		ck_assert_msg(entry->silences == 1 && entry->state == ATTACHED_RUNNING &&
				      entry->held_bytes == 0 && !entry->changed,
			      "answer %zu", i);
	}
	memset(flood, 0, sizeof flood);
	converse(&program, flood, sizeof flood, NOW);
	ck_assert_uint_eq(entry_of(program.child.pid)->silences, 2);
	ck_assert_uint_eq(table.swapped_by_others, 0);
	end_program(&program);
}
END_TEST

/* The original answers with its one byte, whatever it is asked. */
START_TEST(an_old_one)
{
	struct program program;
	struct attached *entry;

	if (!set_up())
		return;
	program = start_program(make_dir(USER, true), USER, 0);
	attached_scan(&table);
	CONVERSE(&program, "\1", NOW);
	entry = entry_of(program.child.pid);
	ck_assert(entry->old);
	ck_assert_int_eq(entry->state, ATTACHED_RUNNING);
	ck_assert_uint_eq(entry->silences, 0);
	attached_note_request(entry);
	attached_note_result(entry, ATTACHED_SWAPPED, 5 * MIB, NOW);
	/* what it has given up isn't forgotten for its not knowing the question */
	CONVERSE(&program, "\1", NOW);
	ck_assert_int_eq(entry->state, ATTACHED_SWAPPED);
	ck_assert_uint_eq(entry->held_bytes, 5 * MIB);
	/* it goes on: somebody has brought it back */
	attached_note_state(entry, 'T', NOW);
	attached_note_state(entry, 'T', NOW);
	ck_assert_int_eq(entry->state, ATTACHED_SWAPPED);
	attached_note_state(entry, 'S', NOW);
	ck_assert_int_eq(entry->state, ATTACHED_RUNNING);
	end_program(&program);
}
END_TEST

/* A process that stops or goes on is asked why. */
START_TEST(stops_and_goes_on)
{
	struct program program;
	struct attached *entry;

	if (!set_up())
		return;
	entry = start_running(&program);
	attached_note_state(entry, 'S', NOW);
	attached_note_state(entry, 'R', NOW);
	attached_note_state(entry, 'D', NOW);
	attached_poll(&table, NOW);
	ck_assert(!has_connection(&program));
	attached_note_state(entry, 't', NOW);
	attached_poll(&table, NOW);
	take_question(&program);
	ANSWER(&program, "\0state=swapped\nheld_bytes=5\n");
	attached_poll(&table, NOW);
	ck_assert_int_eq(entry->state, ATTACHED_SWAPPED);
	attached_note_state(entry, 'S', NOW);
	attached_poll(&table, NOW);
	ck_assert(has_connection(&program));
	end_program(&program);
	attached_close(&table);
}
END_TEST

/* A request of ours that came to nothing: what it does later is seen, however silent it was. */
START_TEST(a_late_deed)
{
	struct program program;
	struct attached *entry;

	if (!set_up())
		return;
	entry = start_running(&program);
	attached_note_state(entry, 'S', NOW);
	attached_note_request(entry);
	attached_note_result(entry, ATTACHED_BUSY, 0, 0);
	converse(&program, "", 0, NOW);
	ck_assert_uint_eq(entry->silences, 1);
	attached_poll(&table, NOW);
	ck_assert(!has_connection(&program));
	attached_note_state(entry, 't', NOW);
	attached_poll(&table, NOW);
	ck_assert(has_connection(&program));
	end_program(&program);
	attached_close(&table);
	ck_assert_int_eq(entry->question_fd, -1);
	ck_assert_uint_eq(table.n, 0);
}
END_TEST

#define MANY 24

/* So many questions are open at a time, and everybody has his turn, whoever asks for more. */
START_TEST(turns)
{
	struct program programs[MANY + 1];
	const char *dir;
	size_t open = 0, files;
	uint64_t now_ns = NOW;

	if (!set_up())
		return;
	dir = make_dir(OTHER, true);
	for (int i = 0; i < MANY; i++)
		programs[i] = start_program(dir, OTHER, 0);
	programs[MANY] = start_program(make_dir(USER, true), USER, 0); /* the highest pid */
	files = open_files();
	attached_scan(&table);
	ck_assert_uint_eq(table.n, MANY + 1);
	attached_poll(&table, now_ns);
	for (size_t i = 0; i < table.n; i++)
		open += table.entries[i].question_fd >= 0;
	ck_assert_uint_eq(open, ATTACHED_QUESTIONS_MAX);
	/* all but one say that they are busy, and want to be asked again in a second */
	for (int tick = 0; tick < 20; tick++, now_ns += NS_PER_S) {
		for (int i = 0; i < MANY; i++)
			if (has_connection(&programs[i])) {
				take_question(&programs[i]);
				ANSWER(&programs[i], "\0state=swapping\n");
			}
		attached_poll(&table, now_ns);
	}
	ck_assert_msg(has_connection(&programs[MANY]), "one of them never had his turn");
	/* their sockets go, and with them the questions */
	for (int i = 0; i <= MANY; i++)
		ck_assert_int_eq(unlink(programs[i].path), 0);
	attached_scan(&table);
	ck_assert_uint_eq(table.n, 0);
	ck_assert_uint_eq(open_files(), files);
	for (int i = 0; i <= MANY; i++)
		end_program(&programs[i]);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		names,
		directories,
		a_crowd,
		a_crowd_of_directories,
		a_claim,
		who_listens,
		a_full_queue,
		an_answer,
		changes,
		our_own_requests,
		an_answer_of_before,
		another_program,
		a_swap_that_fails,
		an_earlier_daemon,
		silence,
		wrong_answers,
		an_old_one,
		stops_and_goes_on,
		a_late_deed,
		turns,
		taken_over,
		a_socket_that_is_gone,
		a_new_helper,
		an_old_one_taken_over,
	};

	return RUN_TESTS("attached", tests);
}
