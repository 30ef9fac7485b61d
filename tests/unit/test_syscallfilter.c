/* SPDX-License-Identifier: MIT */
/* Each case is a child of its own: a filter is for good. */
#include "sys/syscallfilter.h"

#include "unit/builders.h"

#include <errno.h>
#include <linux/kcmp.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define WITHOUT_FILTER (-1)

/* The status of a child that does it under a filter, or of one that has none. */
static int status_of(int action, int (*does)(void))
{
	static const struct rlimit no_core = {0, 0};
	pid_t child = fork();
	int status;

	ck_assert_int_ge(child, 0);
	if (child == 0) {
		(void)setrlimit(RLIMIT_CORE, &no_core);
		if (action != WITHOUT_FILTER &&
		    syscallfilter_install((enum syscallfilter_action)action) < 0)
			_exit(99);
		_exit(does());
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	return status;
}

static bool killed(int status)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
}

/* -- what a daemon never does --------------------------------------------------------------------
 */

static int execs(void)
{
	return execl("/bin/true", "true", NULL);
}

static int talks_to_the_net(void)
{
	(void)socket(AF_INET, SOCK_STREAM, 0);
	return 0;
}

static int listens_to_the_kernel(void)
{
	(void)socket(AF_NETLINK, SOCK_RAW, 0);
	return 0;
}

static int maps_code(void)
{
	(void)mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return 0;
}

static int makes_code(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)mprotect(page, 4096, PROT_READ | PROT_EXEC);
	return 0;
}

static int types_into_a_terminal(void)
{
	char c = 'x';

	(void)ioctl(0, TIOCSTI, &c);
	return 0;
}

static int writes_to_memory(void)
{
	char byte = 1;
	struct iovec one = {&byte, 1};

	(void)process_vm_writev(getpid(), &one, 1, &one, 1, 0);
	return 0;
}

static int pokes(void)
{
	(void)syscall(SYS_ptrace, 5 /* PTRACE_POKEDATA */, getppid(), 0, 0);
	return 0;
}

static int compares_files(void)
{
	(void)syscall(SYS_kcmp, getpid(), getpid(), KCMP_FILE, 0, 0);
	return 0;
}

static int advises_otherwise(void)
{
	(void)syscall(SYS_process_madvise, -1, NULL, 0, MADV_MERGEABLE, 0);
	return 0;
}

static int clones_a_name_space(void)
{
	if (syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL) == 0)
		_exit(0);
	return 0;
}

static int leaves_its_name_space(void)
{
	(void)unshare(CLONE_NEWNS);
	return 0;
}

static int mounts(void)
{
	(void)syscall(SYS_mount, "none", "/nowhere", "tmpfs", 0, NULL);
	return 0;
}

static int becomes_another(void)
{
	(void)syscall(SYS_setuid, getuid());
	return 0;
}

static int limits_others(void)
{
	(void)prlimit(getppid(), RLIMIT_NOFILE, NULL, NULL);
	return 0;
}

static int takes_a_personality(void)
{
	return personality(0xffffffff) < 0;
}

static int loads_a_module(void)
{
	(void)syscall(SYS_init_module, NULL, 0, "");
	return 0;
}

/* A call of another kind of machine, by a number that is of something else there */
static int speaks_32_bits(void)
{
#ifdef __x86_64__
	int number = 20; /* getpid there, writev here */

	__asm__ volatile("int $0x80" : "+a"(number) : : "memory");
#else
	(void)raise(SIGSYS);
#endif
	return 0;
}

START_TEST(it_dies_of_these)
{
	static const struct {
		const char *what;
		int (*does)(void);
	} cases[] = {
		{"exec", execs},
		{"a socket of the net", talks_to_the_net},
		{"a socket of netlink", listens_to_the_kernel},
		{"mmap of code", maps_code},
		{"mprotect to code", makes_code},
		{"TIOCSTI", types_into_a_terminal},
		{"process_vm_writev", writes_to_memory},
		{"PTRACE_POKEDATA", pokes},
		{"kcmp of files", compares_files},
		{"other advice", advises_otherwise},
		{"a cloned name space", clones_a_name_space},
		{"unshare", leaves_its_name_space},
		{"mount", mounts},
		{"setuid", becomes_another},
		{"prlimit of others", limits_others},
		{"personality", takes_a_personality},
		{"init_module", loads_a_module},
		{"a 32-bit call", speaks_32_bits},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int status = status_of(SYSCALLFILTER_KILL, cases[i].does);

		ck_assert_msg(killed(status), "%s: status %x", cases[i].what, (unsigned)status);
	}
}
END_TEST

/* Where it's to be logged only, the same goes through, and does what it does. */
START_TEST(it_lives_where_they_are_logged)
{
	int status = status_of(SYSCALLFILTER_LOG, takes_a_personality);

	ck_assert_msg(status == 0, "personality: %x", (unsigned)status);
	status = status_of(SYSCALLFILTER_LOG, execs);
	ck_assert_msg(status == 0, "exec: %x", (unsigned)status);
	status = status_of(WITHOUT_FILTER, takes_a_personality);
	ck_assert_msg(status == 0, "without any: %x", (unsigned)status);
}
END_TEST

/* -- what it does ---------------------------------------------------------------------------------
 */

static bool status_says(const char *line)
{
	FILE *file = fopen("/proc/self/status", "re");
	char buf[128];
	bool found = false;

	while (file && fgets(buf, sizeof buf, file))
		found |= strcmp(buf, line) == 0;
	if (file)
		(void)fclose(file);
	return found;
}

static int is_filtered(void)
{
	return status_says("Seccomp:\t2\n") && status_says("NoNewPrivs:\t1\n") ? 0 : 1;
}

static int isnt_filtered(void)
{
	return status_says("Seccomp:\t0\n") ? 0 : 1;
}

START_TEST(the_kernel_says_so)
{
	ck_assert_int_eq(status_of(SYSCALLFILTER_KILL, is_filtered), 0);
	ck_assert_int_eq(status_of(SYSCALLFILTER_LOG, is_filtered), 0);
	ck_assert_int_eq(status_of(WITHOUT_FILTER, isnt_filtered), 0);
}
END_TEST

/* As an older kernel would: libc knows how to do without. */
static int calls_what_is_new(void)
{
	errno = 0;
	return syscall(500) == -1 && errno == ENOSYS ? 0 : 1;
}

static int calls_clone3(void)
{
	errno = 0;
	return syscall(SYS_clone3, NULL, 0) == -1 && errno == ENOSYS ? 0 : 1;
}

static void *sets(void *flag)
{
	*(int *)flag = is_filtered() == 0;
	return NULL;
}

static int runs_a_thread(void)
{
	pthread_t thread;
	int flag = 0;

	if (pthread_create(&thread, NULL, sets, &flag) != 0 || pthread_join(thread, NULL) != 0)
		return 1;
	return flag ? 0 : 2;
}

/* A child that swaps off, as one does that takes long; there is nothing to swap off here. */
static int has_a_child(void)
{
	int status;
	pid_t child = fork();

	if (child == 0)
		_exit(swapoff("/nowhere") == -1 && errno != ENOSYS ? 7 : 1);
	return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
			       WEXITSTATUS(status) == 7
		       ? 0
		       : 1;
}

/* Too many ranges are refused before the descriptor is looked at, and that by the kernel. */
static int advises(void)
{
	static const int advice[] = {MADV_WILLNEED, 20 /* COLD */, 21 /* PAGEOUT */};

	for (size_t i = 0; i < 3; i++)
		if (syscall(SYS_process_madvise, -1, NULL, 5000, advice[i], 0) != -1 ||
		    errno == ENOSYS)
			return 1;
	return 0;
}

static int uses_memory(void)
{
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned char in;

	if (page == MAP_FAILED)
		return 1;
	*page = 1;
	return mincore(page, 4096, &in) == 0 && madvise(page, 4096, MADV_DONTNEED) == 0 &&
			       *page == 0 && mprotect(page, 4096, PROT_READ) == 0 &&
			       munmap(page, 4096) == 0
		       ? 0
		       : 2;
}

static int talks_nearby(void)
{
	int pair[2];
	char byte = 'x';

	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0 &&
			       send(pair[0], &byte, 1, MSG_NOSIGNAL) == 1 &&
			       recv(pair[1], &byte, 1, 0) == 1
		       ? 0
		       : 1;
}

/* What a failed check of libc's own says has to be seen: not SIGSYS, but SIGABRT. */
static int aborts(void)
{
	(void)signal(SIGABRT, SIG_DFL);
	abort();
}

START_TEST(it_may_do_these)
{
	static int (*const cases[])(void) = {
		calls_what_is_new, calls_clone3, runs_a_thread, has_a_child,
		advises,	   uses_memory,	 talks_nearby,
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int status = status_of(SYSCALLFILTER_KILL, cases[i]);

		ck_assert_msg(status == 0, "case %zu: status %x", i, (unsigned)status);
	}
	ck_assert_int_eq(WTERMSIG(status_of(SYSCALLFILTER_KILL, aborts)), SIGABRT);
}
END_TEST

/* -- threads that run already
 * ----------------------------------------------------------------------- */

static int ready_fd, start_fd;

static void *waits_and_execs(void *none)
{
	eventfd_t n;

	(void)none;
	if (eventfd_write(ready_fd, 1) == 0 && eventfd_read(start_fd, &n) == 0)
		(void)execs();
	return NULL;
}

static int installs_beside_a_thread(void)
{
	pthread_t thread;
	eventfd_t n;

	ready_fd = eventfd(0, EFD_CLOEXEC);
	start_fd = eventfd(0, EFD_CLOEXEC);
	if (ready_fd < 0 || start_fd < 0 ||
	    pthread_create(&thread, NULL, waits_and_execs, NULL) != 0)
		return 1;
	/* a thread that begins asks for memory, and AddressSanitizer's lock for that outlives a
	 * fork */
	if (eventfd_read(ready_fd, &n) != 0)
		return 1;
	if (syscallfilter_install(SYSCALLFILTER_KILL) != 0)
		return 2;
	(void)eventfd_write(start_fd, 1);
	(void)pthread_join(thread, NULL);
	return 3;
}

START_TEST(threads_have_it_as_well)
{
	int status = status_of(WITHOUT_FILTER, installs_beside_a_thread);

	ck_assert_msg(killed(status), "status %x", (unsigned)status);
}
END_TEST

/* Twice is one filter more, and the stricter counts: no descriptor or child stays behind. */
static int installs_again(void)
{
	int before = dup(0), after;

	(void)close(before);
	if (syscallfilter_install(SYSCALLFILTER_LOG) != 0)
		return 1;
	after = dup(0);
	return before == after && waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD ? 0 : 2;
}

START_TEST(nothing_stays_behind)
{
	ck_assert_int_eq(status_of(WITHOUT_FILTER, installs_again), 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		it_dies_of_these, it_lives_where_they_are_logged, the_kernel_says_so,
		it_may_do_these,  threads_have_it_as_well,	  nothing_stays_behind,
	};

	return RUN_TESTS("syscallfilter", tests);
}
