/* SPDX-License-Identifier: MIT */
/* Real processes for tests: each runs a function of the test and answers its questions. */
#pragma once
#include "base/cleanup.h"
#include "sys/procstat.h"

#include <check.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

struct child {
	pid_t pid;
	int socket;
};

/* One question, one answer; what they mean is between test and body. */
struct message {
	uint64_t word, a, b;
};

/* In the child: the next question. Ends with the test. */
static inline struct message child_next(int socket)
{
	struct message message;

	if (recv(socket, &message, sizeof message, MSG_WAITALL) != (ssize_t)sizeof message)
		_exit(0);
	return message;
}

static inline void child_answer(int socket, uint64_t word)
{
	struct message message = {.word = word};

	if (send(socket, &message, sizeof message, MSG_NOSIGNAL) != (ssize_t)sizeof message)
		_exit(0);
}

/* Runs body(socket) in a new process, which has ended at the latest when the test has. */
static inline struct child child_start(void (*body)(int socket))
{
	struct child child;
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	child.pid = fork();
	ck_assert_int_ge(child.pid, 0);
	if (child.pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)close(pair[0]);
		body(pair[1]);
		_exit(0);
	}
	(void)close(pair[1]);
	child.socket = pair[0];
	return child;
}

static inline uint64_t child_ask(const struct child *child, uint64_t word, uint64_t a, uint64_t b)
{
	struct message message = {word, a, b};

	ck_assert_int_eq(send(child->socket, &message, sizeof message, MSG_NOSIGNAL),
			 (ssize_t)sizeof message);
	ck_assert_int_eq(recv(child->socket, &message, sizeof message, MSG_WAITALL),
			 (ssize_t)sizeof message);
	return message.word;
}

/* Kills it and leaves a zombie behind. */
static inline void child_kill(const struct child *child)
{
	siginfo_t info;

	ck_assert_int_eq(kill(child->pid, SIGKILL), 0);
	ck_assert_int_eq(waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOWAIT), 0);
}

static inline void child_reap(struct child *child)
{
	ck_assert_int_eq(waitpid(child->pid, NULL, 0), child->pid);
	close_fd(&child->socket);
}

static inline void child_end(struct child *child)
{
	child_kill(child);
	child_reap(child);
}

/* Does nothing until it is ended. */
static inline void child_idles(int socket)
{
	(void)child_next(socket);
}

/* What the kernel says of it, status and oom_score_adj included. */
static inline struct proc_facts child_facts(const struct child *child)
{
	struct procstat_units units = procstat_units();
	struct proc_facts facts = {0};
	struct procfs procfs;
	int fd;

	ck_assert_int_eq(procfs_open("/proc", &procfs), 0);
	fd = procfs_open_pid_file(&procfs, child->pid, "stat");
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(procstat_read_fd(fd, &units, &facts), 0);
	ck_assert_int_eq(procstat_read_full(&procfs, &facts), 0);
	(void)close(fd);
	procfs_close(&procfs);
	return facts;
}
