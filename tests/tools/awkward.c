/* SPDX-License-Identifier: MIT */
/*
 * awkward [handle-term|watch|filtered|FILTER]: a program that does what makes it impossible to take
 * its memory away. Says "ready", then for every line on stdin "ok", or why not:
 *   verify                       its memory is as it was written
 *   uring, uring-close, uring-off
 *                                an io_uring; its descriptor closed, but still mapped; gone
 *   aio, aio-off                 an AIO context with a request in flight
 *   uffd, uffd-off               a userfaultfd
 *   vfork, vfork-off             a thread that waits for a child of vfork
 *   share, share-off             a child process on the same memory
 *   undump, dump                 can't be looked into by others of its user
 *   seal                         a sealed mapping; part of verify from then on
 *   key                          memory under a protection key, which no thread may read but by
 *                                verify; part of that from then on
 *   guard                        memory, and a thread whose stack it is, with pages of it that
 *                                nobody may touch, for verify to try; part of that from then on
 *   untouched                    512 MiB more, apart from the rest, that it never touches
 *   mdwe                         no memory becomes executable any more
 *   fork NAME, fork-off          a child that calls itself so, %XX for bytes; says "ok PID"
 *   no-kcmp, no-fork, kill-kcmp, kill-ptrace
 *                                a FILTER for system calls: an error, or death, for such a call
 * handle-term: SIGTERM makes it say "term". watch: a thread looks at its memory all the time, says
 * "wrong" and ends it with status 3 when it's wrong. filtered: mprotect(2) may not make anything
 * executable, as under MemoryDenyWriteExecute= of systemd.exec(5). FILTER: from its start on.
 */
#include <errno.h>
#include <linux/aio_abi.h>
#include <linux/filter.h>
#include <linux/io_uring.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_mseal
#define SYS_mseal 462
#endif
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102 /* 6.13 */
#endif
#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#endif

#define BYTES (16U << 20)
#define SEALED_BYTES (1U << 20)
#define KEYED_BYTES (6U << 20)	 /* more than a chunk of the image */
#define GUARDED_BYTES (5U << 20) /* of pages a multiple of 5 */
#define STACK_BYTES (1U << 20)
#define UNTOUCHED_BYTES ((size_t)512 << 20)
#define GAP_BYTES ((size_t)64 << 10) /* a page of any machine */

static uint64_t *memory, *sealed, *keyed, *guarded;
static int key, touch[2];

static uint64_t word_at(size_t i)
{
	uint64_t x = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);

	return x ^ x >> 29;
}

static uint64_t *map_filled(size_t bytes)
{
	uint64_t *words =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (words == MAP_FAILED)
		return NULL;
	for (size_t i = 0; i < bytes / 8; i++)
		words[i] = word_at(i);
	return words;
}

static bool is_filled(const uint64_t *words, size_t bytes)
{
	for (size_t i = 0; words && i < bytes / 8; i++)
		if (words[i] != word_at(i))
			return false;
	return true;
}

/* All below: 0 or -1 and errno. */

static int ring = -1;
static void *ring_memory = MAP_FAILED;

static int uring_on(void)
{
	struct io_uring_params params = {0};

	ring = (int)syscall(SYS_io_uring_setup, 4, &params);
	if (ring < 0)
		return -1;
	ring_memory =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, ring, (off_t)IORING_OFF_SQES);
	return ring_memory == MAP_FAILED ? -1 : 0;
}

static int uring_close(void)
{
	int fd = ring;

	ring = -1;
	return close(fd);
}

static int uring_off(void)
{
	if (ring >= 0)
		(void)uring_close();
	return munmap(ring_memory, 4096);
}

static aio_context_t aio;
static int aio_pipe[2];

static int aio_on(void)
{
	struct iocb request = {.aio_lio_opcode = IOCB_CMD_POLL, .aio_buf = POLLIN},
		    *requests = &request;

	if (pipe(aio_pipe) < 0 || syscall(SYS_io_setup, 4, &aio) < 0)
		return -1;
	request.aio_fildes = (uint32_t)aio_pipe[0];
	return syscall(SYS_io_submit, aio, 1, &requests) == 1 ? 0 : -1;
}

static int aio_off(void)
{
	long r = syscall(SYS_io_destroy, aio);

	(void)close(aio_pipe[0]);
	(void)close(aio_pipe[1]);
	return (int)r;
}

static int faults = -1;

static int uffd_on(void)
{
	faults = (int)syscall(SYS_userfaultfd, 1 /* UFFD_USER_MODE_ONLY */);
	return faults < 0 ? -1 : 0;
}

static int uffd_off(void)
{
	return close(faults);
}

static pthread_t waiter;
static int go[2], born[2]; /* pipes */

/* The child has the parent's stack: no more than system calls. */
static void *vfork_and_wait(void *ignored)
{
	char byte = 'x';
	pid_t child = vfork();

	if (child == 0) {
		(void)!write(born[1], &byte, 1);
		(void)!read(go[0], &byte, 1);
		_exit(0);
	}
	(void)waitpid(child, NULL, 0);
	return ignored;
}

static int vfork_on(void)
{
	char byte;

	if (pipe(go) < 0 || pipe(born) < 0 ||
	    pthread_create(&waiter, NULL, vfork_and_wait, NULL) != 0)
		return -1;
	return read(born[0], &byte, 1) == 1 ? 0 : -1;
}

static void close_pipes(void)
{
	for (int i = 0; i < 2; i++) {
		(void)close(go[i]);
		(void)close(born[i]);
	}
}

static int vfork_off(void)
{
	char byte = 'x';

	if (write(go[1], &byte, 1) != 1)
		return -1;
	(void)pthread_join(waiter, NULL);
	close_pipes();
	return 0;
}

static pid_t sharer;
static char sharer_stack[16384] __attribute__((aligned(16)));

static int share_memory(void *ignored)
{
	char byte;

	(void)ignored;
	(void)!read(go[0], &byte, 1);
	return 0;
}

static int share_on(void)
{
	if (pipe(go) < 0 || pipe(born) < 0)
		return -1;
	sharer = clone(share_memory, sharer_stack + sizeof(sharer_stack), CLONE_VM | SIGCHLD, NULL);
	return sharer < 0 ? -1 : 0;
}

static int share_off(void)
{
	char byte = 'x';

	if (write(go[1], &byte, 1) != 1 || waitpid(sharer, NULL, 0) != sharer)
		return -1;
	close_pipes();
	return 0;
}

static int undump(void)
{
	return prctl(PR_SET_DUMPABLE, 0);
}

static int dump(void)
{
	return prctl(PR_SET_DUMPABLE, 1);
}

static int seal(void)
{
	sealed = map_filled(SEALED_BYTES);
	return sealed && syscall(SYS_mseal, sealed, SEALED_BYTES, 0) == 0 ? 0 : -1;
}

static int key_on(void)
{
	key = pkey_alloc(0, PKEY_DISABLE_ACCESS);
	if (key < 0)
		return -1;
	keyed = map_filled(KEYED_BYTES);
	return keyed ? pkey_mprotect(keyed, KEYED_BYTES, PROT_READ | PROT_WRITE, key) : -1;
}

/* The right to read it is as it was, and so is what is read. */
static bool is_keyed(void)
{
	bool right = pkey_get(key) == PKEY_DISABLE_ACCESS && pkey_set(key, 0) == 0 &&
		     is_filled(keyed, KEYED_BYTES);

	return pkey_set(key, PKEY_DISABLE_ACCESS) == 0 && right;
}

static bool is_guard(size_t page)
{
	return page % 5 == 0;
}

/* On a stack behind the guarded memory, whose first page is a guard, too. */
static void *sleep_forever(void *ignored)
{
	for (;;)
		(void)pause();
	return ignored;
}

static int guard_on(void)
{
	size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE), last = GUARDED_BYTES / page_bytes;
	pthread_attr_t attributes;
	pthread_t sleeper;

	guarded = map_filled(GUARDED_BYTES + STACK_BYTES);
	if (!guarded || pipe(touch) < 0)
		return -1;
	for (size_t page = 0; page <= last; page++)
		if (is_guard(page) && madvise((char *)guarded + page * page_bytes, page_bytes,
					      MADV_GUARD_INSTALL) < 0)
			return -1;
	(void)pthread_attr_init(&attributes);
	(void)pthread_attr_setstack(&attributes, (char *)guarded + GUARDED_BYTES, STACK_BYTES);
	return pthread_create(&sleeper, &attributes, sleep_forever, NULL) ? -1 : 0;
}

/* Each page is a guard, which the kernel can't read either, or as it was written. */
static bool is_guarded(void)
{
	size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE), words = page_bytes / 8;

	for (size_t page = 0; page < GUARDED_BYTES / page_bytes; page++) {
		const uint64_t *at = guarded + page * words;

		if (is_guard(page) && (write(touch[1], at, 1) != -1 || errno != EFAULT))
			return false;
		for (size_t i = 0; !is_guard(page) && i < words; i++)
			if (at[i] != word_at(page * words + i))
				return false;
	}
	return true;
}

static int map_untouched(void)
{
	char *apart = mmap(NULL, UNTOUCHED_BYTES + 2 * GAP_BYTES, PROT_NONE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return apart == MAP_FAILED
		       ? -1
		       : mprotect(apart + GAP_BYTES, UNTOUCHED_BYTES, PROT_READ | PROT_WRITE);
}

static int mdwe(void)
{
	return prctl(PR_SET_MDWE, 1 /* PR_MDWE_REFUSE_EXEC_GAIN */, 0, 0, 0);
}

static int give_filter(struct sock_filter *filter, unsigned short len)
{
	struct sock_fprog program = {.len = len, .filter = filter};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0
		       ? -1
		       : prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static int forbid_exec(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mprotect, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};

	return give_filter(filter, sizeof(filter) / sizeof(filter[0]));
}

/* What system call nr gets from now on, also in what it starts */
static int answer_call(uint32_t nr, uint32_t answer)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, answer),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};

	return give_filter(filter, sizeof(filter) / sizeof(filter[0]));
}

static int no_kcmp(void)
{
	return answer_call(SYS_kcmp, SECCOMP_RET_ERRNO | EPERM);
}

/* No more processes that share nothing */
static int no_fork(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_VM, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAGAIN),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};

	return give_filter(filter, sizeof(filter) / sizeof(filter[0]));
}

static int kill_kcmp(void)
{
	return answer_call(SYS_kcmp, SECCOMP_RET_KILL_PROCESS);
}

static int kill_ptrace(void)
{
	return answer_call(SYS_ptrace, SECCOMP_RET_KILL_PROCESS);
}

static const struct {
	const char *word;
	int (*fn)(void);
} filters[] = {{"filtered", forbid_exec},
	       {"no-kcmp", no_kcmp},
	       {"no-fork", no_fork},
	       {"kill-kcmp", kill_kcmp},
	       {"kill-ptrace", kill_ptrace}};

/* Starts anew under a filter. */
static void start_filtered(char **argv)
{
	for (size_t i = 0; argv[1] && i < sizeof(filters) / sizeof(filters[0]); i++)
		if (!strcmp(argv[1], filters[i].word)) {
			if (filters[i].fn() == 0)
				(void)execl(argv[0], argv[0], (char *)NULL);
			_exit(1);
		}
}

static pid_t child;

static void decode(const char *from, char *to, size_t cap)
{
	for (; *from && cap > 1; cap--)
		if (*from == '%' && from[1] && from[2]) {
			char digits[3] = {from[1], from[2], '\0'};

			*to++ = (char)strtoul(digits, NULL, 16);
			from += 3;
		} else {
			*to++ = *from++;
		}
	*to = '\0';
}

static int fork_as(const char *encoded)
{
	char name[16], byte;

	decode(encoded, name, sizeof(name));
	(void)prctl(PR_SET_NAME, name);
	if (pipe(go) < 0 || pipe(born) < 0)
		return -1;
	child = fork();
	if (child == 0) {
		(void)!read(go[0], &byte, 1);
		_exit(0);
	}
	if (child > 0)
		(void)printf("ok %d\n", (int)child);
	return child < 0 ? -1 : 0;
}

static int fork_off(void)
{
	char byte = 'x';

	if (write(go[1], &byte, 1) != 1 || waitpid(child, NULL, 0) != child)
		return -1;
	close_pipes();
	return 0;
}

static int verify(void)
{
	errno = EILSEQ;
	return is_filled(memory, BYTES) && is_filled(sealed, SEALED_BYTES) &&
			       (!keyed || is_keyed()) && (!guarded || is_guarded())
		       ? 0
		       : -1;
}

static const struct {
	const char *word;
	int (*fn)(void);
} commands[] = {
	{"verify", verify},
	{"uring", uring_on},
	{"uring-close", uring_close},
	{"uring-off", uring_off},
	{"aio", aio_on},
	{"aio-off", aio_off},
	{"uffd", uffd_on},
	{"uffd-off", uffd_off},
	{"vfork", vfork_on},
	{"vfork-off", vfork_off},
	{"share", share_on},
	{"share-off", share_off},
	{"undump", undump},
	{"dump", dump},
	{"seal", seal},
	{"key", key_on},
	{"guard", guard_on},
	{"untouched", map_untouched},
	{"fork-off", fork_off},
	{"mdwe", mdwe},
	{"no-kcmp", no_kcmp},
	{"kill-kcmp", kill_kcmp},
	{"kill-ptrace", kill_ptrace},
};

static int run(const char *line)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(line, commands[i].word))
			return commands[i].fn();
	errno = ENOSYS;
	return -1;
}

static void on_term(int signal)
{
	(void)signal;
	(void)!write(1, "term\n", 5);
}

/* On a stack that lies below the memory, as younger mappings do. */
static void *watch(void *ignored)
{
	while (verify() == 0)
		(void)usleep(1000);
	(void)!write(1, "wrong\n", 6);
	_exit(3);
	return ignored;
}

int main(int argc, char **argv)
{
	pthread_t watcher;
	char line[256];

	if (argc > 1 && !strcmp(argv[1], "handle-term"))
		(void)sigaction(SIGTERM,
				&(struct sigaction){.sa_handler = on_term, .sa_flags = SA_RESTART},
				NULL);
	start_filtered(argv);
	memory = map_filled(BYTES);
	if (!memory)
		return 1;
	if (argc > 1 && !strcmp(argv[1], "watch") && pthread_create(&watcher, NULL, watch, NULL))
		return 1;
	(void)puts("ready");
	(void)fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (!strncmp(line, "fork ", 5)) {
			if (fork_as(line + 5) < 0)
				(void)printf("%s\n", strerror(errno));
		} else if (run(line) < 0) {
			(void)printf("%s\n", strerror(errno));
		} else {
			(void)puts("ok");
		}
		(void)fflush(stdout);
	}
	return 0;
}
