/* SPDX-License-Identifier: MIT */
/*
 * lives SCENE [ARGUMENT...]: programs as they come and go. What it prints is the same under the
 * shim as without, but for pids where the scene is for that.
 *   state             what it was started with, and what it has: descriptors, signals, limits
 *   end STATUS | signal N
 *   closefrom         closes all descriptors, opens some again, ends with 3
 *   stay FILE         closes all descriptors, writes its pid to FILE, waits for SIGUSR1, and says
 *                     in FILE whether its memory is right
 *   daemon FILE       the same, but by two forks and in a session of its own
 *   workers N         N children, some of which fork, exec, or are killed
 *   worker            a child that is asked: "ready PID", then "ok" to each line from it
 *   exec COMMAND...   from a second thread
 *   spawn, vfork, system, popen, rawfork, threads
 *   capset            gives up all capabilities; "ready", and for each line, before which it lays
 *                     down none again, "ok"
 *   drop UID | restore UID      setuid for good, or for a while; "ready", and for each line, before
 *                     which the latter calls seteuid again, "ok"
 *   child-drop HOW UID          by a child that came by fork, vfork or the raw call
 *   chroot DIR        "ready", and for each line "ok"
 *   reap              waits for all children as init does; says how many were its own
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* -- memory of known contents --------------------------------------------------------------------
 */

#define WORDS ((size_t)1 << 17) /* of 8 bytes */

static uint64_t *words;

static void fill(void)
{
	words = malloc(WORDS * sizeof(*words));
	for (size_t i = 0; words && i < WORDS; i++)
		words[i] = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
}

static bool right(void)
{
	for (size_t i = 0; i < WORDS; i++)
		if (words[i] != (i + 1) * UINT64_C(0x9e3779b97f4a7c15))
			return false;
	return true;
}

/* -- state ---------------------------------------------------------------------------------------
 */

static void print_descriptors(void)
{
	char path[64], link[256];

	for (int fd = 0; fd < 1024; fd++) {
		int flags = fcntl(fd, F_GETFD);
		ssize_t n;

		if (flags < 0)
			continue;
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		n = readlink(path, link, sizeof(link) - 1);
		/* a pipe's number differs from run to run */
		n = n < 0 ? 0 : n;
		link[n] = '\0';
		link[strcspn(link, "[0123456789")] = '\0';
		(void)printf("descriptor %d %s %d %x\n", fd, link, flags,
			     (unsigned)fcntl(fd, F_GETFL));
	}
}

static void print_signals(void)
{
	sigset_t mask, pending;

	(void)sigprocmask(SIG_SETMASK, NULL, &mask);
	(void)sigpending(&pending);
	for (int i = 1; i < NSIG; i++) {
		struct sigaction action = {0};

		if (sigaction(i, NULL, &action) < 0)
			continue;
		if (action.sa_handler != SIG_DFL || sigismember(&mask, i) ||
		    sigismember(&pending, i))
			(void)printf("signal %d %s %d %d\n", i,
				     action.sa_handler == SIG_IGN ? "ignored" : "as is",
				     sigismember(&mask, i), sigismember(&pending, i));
	}
}

static void print_file(const char *path, const char *const *keys)
{
	char line[512];
	FILE *file = fopen(path, "re");

	while (file && fgets(line, sizeof(line), file))
		for (const char *const *key = keys; *key; key++)
			if (!strncmp(line, *key, strlen(*key)))
				(void)fputs(line, stdout);
	if (file)
		(void)fclose(file);
}

static void print_limits(void)
{
	for (int i = 0; i < RLIM_NLIMITS; i++) {
		struct rlimit limit = {0};

		(void)getrlimit((__rlimit_resource_t)i, &limit);
		(void)printf("limit %d %lx %lx\n", i, (unsigned long)limit.rlim_cur,
			     (unsigned long)limit.rlim_max);
	}
}

static int state(int error_at_start)
{
	static const char *const keys[] = {
		"Name:",       "Umask:",       "Threads:", "SigPnd:", "ShdPnd:",
		"SigBlk:",     "SigIgn:",      "SigCgt:",  "CapEff:", "Seccomp:",
		"NoNewPrivs:", "THP_enabled:", NULL};
	int subreaper = -1, death = -1, status;
	char dir[256];

	(void)printf("errno %d\n", error_at_start);
	print_descriptors();
	print_signals();
	print_file("/proc/self/status", keys);
	print_limits();
	(void)prctl(PR_GET_CHILD_SUBREAPER, &subreaper);
	(void)prctl(PR_GET_PDEATHSIG, &death);
	(void)printf("dumpable %d subreaper %d death %d thp %d nice %d slack %d\n",
		     prctl(PR_GET_DUMPABLE), subreaper, death,
		     prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0), getpriority(PRIO_PROCESS, 0),
		     prctl(PR_GET_TIMERSLACK));
	(void)printf("directory %s session %d group %d\n", getcwd(dir, sizeof(dir)),
		     getsid(0) == getpid(), getpgrp() == getpid());
	(void)printf("children %d", (int)wait(&status));
	(void)printf(" %s", strerror(errno));
	(void)printf(" %d", (int)syscall(SYS_wait4, -1, &status, __WALL | WNOHANG, NULL));
	(void)printf(" %s\n", strerror(errno));
	for (char **variable = environ; *variable; variable++)
		if (strncmp(*variable, "LD_PRELOAD=", 11) != 0)
			(void)puts(*variable);
	return 0;
}

/* -- closing and going away ----------------------------------------------------------------------
 */

static void close_all(void)
{
	for (int fd = 0; fd < 1024; fd++)
		(void)close(fd);
	(void)syscall(436 /* close_range */, 0, ~0U, 0);
}

static int close_from(void)
{
	(void)printf("before\n");
	(void)fflush(stdout);
	close_all();
	if (open("/dev/null", O_RDWR) != 0 || dup(0) != 1 || dup(0) != 2)
		return 1;
	return 3;
}

static void note(const char *path, const char *text)
{
	char other[512];
	FILE *file;

	(void)snprintf(other, sizeof(other), "%s.new", path);
	file = fopen(other, "we");
	if (!file || fprintf(file, "%s\n", text) < 0 || fclose(file) || rename(other, path))
		_exit(1);
}

static int stay(const char *path)
{
	char text[32];
	sigset_t set;
	int signal;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	(void)puts("gone");
	(void)fflush(stdout);
	close_all();
	fill();
	(void)snprintf(text, sizeof(text), "%d", getpid());
	note(path, text);
	(void)sigwait(&set, &signal);
	note(path, right() ? "ok" : "wrong");
	return 0;
}

static int be_daemon(const char *path)
{
	pid_t child = fork();
	int status;

	if (child > 0)
		return waitpid(child, &status, 0) == child && status == 0 ? 4 : 1;
	(void)setsid();
	child = fork();
	if (child > 0)
		_exit(0);
	_exit(chdir("/") ? 1 : stay(path));
}

/* -- children ------------------------------------------------------------------------------------
 */

static int print_status(const char *who, int status)
{
	if (WIFEXITED(status))
		(void)printf("%s exited %d\n", who, WEXITSTATUS(status));
	else
		(void)printf("%s killed %d\n", who, WTERMSIG(status));
	(void)fflush(stdout);
	return status;
}

static void expect_no_child(void)
{
	int status;
	pid_t child = wait(&status);

	(void)printf("no more children: %d %s\n", (int)child, strerror(errno));
}

static void be_worker(int i)
{
	int status = 0;

	if (i % 4 == 1) {
		pid_t child = fork();

		if (child == 0)
			_exit(i);
		(void)waitpid(child, &status, 0);
		_exit(WEXITSTATUS(status) + 100);
	}
	if (i % 4 == 2) {
		(void)execl("/bin/sh", "sh", "-c", "exit $(echo 9)", NULL);
		_exit(1);
	}
	if (i % 4 == 3)
		(void)kill(getpid(), SIGKILL);
	_exit(i);
}

static int workers(int n)
{
	pid_t children[64];
	int status;

	for (int i = 0; i < n && i < 64; i++) {
		children[i] = fork();
		if (children[i] == 0)
			be_worker(i);
	}
	for (int i = 0; i < n && i < 64; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "%d", i);
		(void)waitpid(children[i], &status, 0);
		(void)print_status(name, status);
	}
	expect_no_child();
	return 0;
}

static int worker(void)
{
	int to[2], from[2];
	char line[64], byte;
	pid_t child;

	fill();
	if (pipe2(to, O_CLOEXEC) < 0 || pipe2(from, O_CLOEXEC) < 0)
		return 1;
	child = fork();
	if (child == 0) {
		(void)close(to[1]);
		while (read(to[0], &byte, 1) == 1)
			if (write(from[1], right() ? "y" : "n", 1) != 1)
				break;
		_exit(5);
	}
	(void)close(to[0]);
	(void)printf("ready %d\n", (int)child);
	(void)fflush(stdout);
	while (fgets(line, sizeof(line), stdin) && strcmp(line, "end\n") != 0) {
		if (write(to[1], "x", 1) != 1 || read(from[0], &byte, 1) != 1)
			return 1;
		(void)puts(byte == 'y' && right() ? "ok" : "wrong");
		(void)fflush(stdout);
	}
	(void)close(to[1]);
	if (wait(&to[0]) != child)
		return 1;
	(void)print_status("worker", to[0]);
	return 6;
}

static void *exec_it(void *arguments)
{
	(void)execvp(((char **)arguments)[0], arguments);
	exit(1);
}

static int exec_from_thread(char **arguments)
{
	pthread_t thread;

	(void)pthread_create(&thread, NULL, exec_it, arguments);
	(void)pthread_join(thread, NULL);
	return 1;
}

static int spawn(void)
{
	char shell[] = "sh", option[] = "-c", script[] = "echo spawned; exit 11", buf[64] = "";
	char *arguments[] = {shell, option, script, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;
	int pipes[2], status;
	ssize_t n, len = 0;
	pid_t child;

	sigemptyset(&none);
	(void)posix_spawnattr_init(&attributes);
	(void)posix_spawnattr_setsigmask(&attributes, &none);
	(void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	if (pipe2(pipes, O_CLOEXEC) < 0)
		return 1;
	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_adddup2(&actions, pipes[1], 1);
	(void)printf("spawn %d\n",
		     posix_spawn(&child, "/bin/sh", &actions, &attributes, arguments, environ));
	(void)close(pipes[1]);
	/* up to the end, which only comes when nobody else holds it open */
	while ((n = read(pipes[0], buf + len, sizeof(buf) - 1 - (size_t)len)) > 0)
		len += n;
	(void)waitpid(child, &status, 0);
	(void)printf("%s", buf);
	(void)print_status("spawned", status);
	(void)printf("spawn %d\n",
		     posix_spawnp(&child, "/nowhere/none", NULL, NULL, arguments, environ));
	expect_no_child();
	return 0;
}

static int by_vfork(void)
{
	int status;
	pid_t child = vfork();

	if (child == 0)
		_exit(12);
	(void)waitpid(child, &status, 0);
	(void)print_status("vfork", status);
	child = vfork();
	if (child == 0) {
		(void)execl("/bin/sh", "sh", "-c", "exit 13", NULL);
		_exit(1);
	}
	(void)waitpid(child, &status, 0);
	(void)print_status("vfork and exec", status);
	child = vfork();
	if (child == 0)
		(void)kill(getpid(), SIGKILL);
	(void)waitpid(child, &status, 0);
	(void)print_status("vfork and kill", status);
	expect_no_child();
	return 0;
}

static pid_t raw_fork(void)
{
	return (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static int by_raw_fork(void)
{
	int status;
	pid_t child = raw_fork();

	if (child == 0)
		_exit(14);
	(void)waitpid(child, &status, 0);
	(void)print_status("raw", status);
	child = raw_fork();
	if (child == 0) {
		(void)execl("/bin/sh", "sh", "-c", "exit 15", NULL);
		_exit(1);
	}
	(void)waitpid(child, &status, 0);
	(void)print_status("raw and exec", status);
	expect_no_child();
	return 0;
}

static int by_popen(void)
{
	char line[64];
	FILE *pipe = popen("yes line", "re");

	for (int i = 0; pipe && i < 3 && fgets(line, sizeof(line), pipe); i++)
		(void)fputs(line, stdout);
	(void)fflush(stdout);
	/* as a shell would, which says 128 and the signal */
	if (pipe)
		(void)print_status("popen", pclose(pipe));
	expect_no_child();
	return 0;
}

static void *forking(void *number)
{
	for (int i = 0; i < 10; i++) {
		int status;
		pid_t child = fork();

		if (child == 0) {
			if (i % 2)
				(void)execl("/bin/sh", "sh", "-c", "exit 21", NULL);
			_exit(21);
		}
		(void)waitpid(child, &status, 0);
		if (status != 21 << 8)
			return number;
	}
	return NULL;
}

static int threads(void)
{
	pthread_t running[8];
	int numbers[8], wrong = 0;

	for (int i = 0; i < 8; i++)
		(void)pthread_create(&running[i], NULL, forking, &numbers[i]);
	for (int i = 0; i < 8; i++) {
		void *result;

		(void)pthread_join(running[i], &result);
		wrong += result != NULL;
	}
	(void)printf("threads with wrong children: %d\n", wrong);
	expect_no_child();
	return wrong;
}

/* -- privileges ----------------------------------------------------------------------------------
 */

static int (*each_time)(void); /* before an answer; NULL: nothing */

static int wait_here(int status)
{
	char line[64];

	(void)puts("ready");
	(void)fflush(stdout);
	while (fgets(line, sizeof(line), stdin) && strcmp(line, "end\n") != 0) {
		(void)puts((!each_time || each_time() == 0) && right() ? "ok" : "wrong");
		(void)fflush(stdout);
	}
	return status;
}

static int drop(uid_t uid)
{
	fill();
	if (setgroups(0, NULL) || setgid(uid) || setuid(uid) || setuid(0) == 0)
		return 1;
	return wait_here(getuid() == uid ? 0 : 1);
}

/* libc has it, and no header for it */
int capset(struct __user_cap_header_struct *header, const struct __user_cap_data_struct *data);

static int lay_down_none(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};

	return capset(&header, none);
}

static int drop_rights(void)
{
	fill();
	if (lay_down_none() || chroot("/") == 0)
		return 1;
	each_time = lay_down_none;
	return wait_here(0);
}

static int stay_root(void)
{
	return seteuid(0);
}

static int restore(uid_t uid)
{
	fill();
	if (seteuid(uid) || geteuid() != uid || seteuid(0))
		return 1;
	each_time = stay_root;
	return wait_here(0);
}

static int child_drop(const char *how, uid_t uid)
{
	int status;
	pid_t child;

	fill();
	child = !strcmp(how, "fork") ? fork() : !strcmp(how, "vfork") ? vfork() : raw_fork();
	if (child == 0) {
		if (setgid(uid) || setuid(uid))
			_exit(1);
		_exit(getuid() == uid ? 0 : 2);
	}
	(void)waitpid(child, &status, 0);
	if (status)
		return 1;
	return wait_here(0);
}

static int change_root(const char *dir)
{
	fill();
	if (chroot(dir) || chdir("/"))
		return 1;
	return wait_here(0);
}

static int reap(void)
{
	int status, own = 0;
	pid_t child = fork(), ended;

	if (child == 0)
		_exit(system("echo \"child's $(echo child)\"") ? 1 : 17);
	while ((ended = wait(&status)) > 0 || errno == EINTR)
		if (ended == child) {
			own++;
			(void)print_status("child", status);
		}
	(void)printf("%d children, then %s\n", own, strerror(errno));
	return 18;
}

/* ------------------------------------------------------------------------------------------------
 */

int main(int argc, char **argv)
{
	int error_at_start = errno;
	const char *scene = argc > 1 ? argv[1] : "", *argument = argc > 2 ? argv[2] : "0";

	if (!strcmp(scene, "state"))
		return state(error_at_start);
	if (!strcmp(scene, "end"))
		return atoi(argument);
	if (!strcmp(scene, "signal"))
		return kill(getpid(), atoi(argument));
	if (!strcmp(scene, "closefrom"))
		return close_from();
	if (!strcmp(scene, "stay"))
		return stay(argument);
	if (!strcmp(scene, "daemon"))
		return be_daemon(argument);
	if (!strcmp(scene, "workers"))
		return workers(atoi(argument));
	if (!strcmp(scene, "worker"))
		return worker();
	if (!strcmp(scene, "exec"))
		return exec_from_thread(argv + 2);
	if (!strcmp(scene, "subreaper") && prctl(PR_SET_CHILD_SUBREAPER, 1) == 0)
		return execvp(argument, argv + 2);
	if (!strcmp(scene, "spawn"))
		return spawn();
	if (!strcmp(scene, "vfork"))
		return by_vfork();
	if (!strcmp(scene, "rawfork"))
		return by_raw_fork();
	if (!strcmp(scene, "system"))
		return print_status("system", system("echo in the shell; kill -9 $$")) ? 16 : 0;
	if (!strcmp(scene, "popen"))
		return by_popen();
	if (!strcmp(scene, "threads"))
		return threads();
	if (!strcmp(scene, "drop"))
		return drop((uid_t)atoi(argument));
	if (!strcmp(scene, "restore"))
		return restore((uid_t)atoi(argument));
	if (!strcmp(scene, "child-drop") && argc == 4)
		return child_drop(argument, (uid_t)atoi(argv[3]));
	if (!strcmp(scene, "capset"))
		return drop_rights();
	if (!strcmp(scene, "chroot"))
		return change_root(argument);
	if (!strcmp(scene, "reap"))
		return reap();
	return 2;
}
