/* SPDX-License-Identifier: MIT */
#include "shim/process.h"
#include "shim/rawsys.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <linux/prctl.h>
#include <signal.h>

struct dirent64_head {
	uint64_t ino;
	int64_t off;
	uint16_t reclen;
	uint8_t type;
	char name[];
};

void process_path(const struct shim *shim, const char *name, int number, const char *leaf,
		  char *buf, size_t cap)
{
	struct words words = words_over(buf, cap);

	words_add(&words, "/proc/");
	words_add_number(&words, (uint64_t)shim->program);
	words_add(&words, "/");
	words_add(&words, name);
	if (!leaf)
		return;
	words_add(&words, "/");
	words_add_number(&words, (uint64_t)number);
	words_add(&words, leaf);
}

int numbers_open(const struct shim *shim, const char *name, struct numbers *ret)
{
	char path[64];

	process_path(shim, name, 0, NULL, path, sizeof(path));
	ret->at = ret->len = 0;
	ret->fd = (int)RAW_4(SYS_openat, AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	return ret->fd < 0 ? ret->fd : 0;
}

void numbers_close(struct numbers *numbers)
{
	if (numbers->fd >= 0)
		(void)RAW_1(SYS_close, numbers->fd);
}

int numbers_next(struct numbers *numbers, int *ret)
{
	for (;;) {
		const struct dirent64_head *entry = (void *)(numbers->buf + numbers->at);
		const char *at;
		uint64_t number = 0;

		if (numbers->at >= numbers->len) {
			long n = RAW_3(SYS_getdents64, numbers->fd, numbers->buf,
				       sizeof(numbers->buf));

			if (n <= 0)
				return (int)n;
			numbers->at = 0;
			numbers->len = (unsigned)n;
			continue;
		}
		/* NOLINTNEXTLINE(clang-analyzer-core.uninitialized.Assign): the kernel fills it */
		numbers->at += entry->reclen;
		at = entry->name;
		if (words_number(&at, 10, &number) && *at == '\0' && number <= INT32_MAX) {
			*ret = (int)number;
			return 1;
		}
	}
}

/* The state letter in the text of a stat: behind the name, which may hold anything. */
static int state_in(const char *text)
{
	const char *paren = NULL;

	for (; *text; text++)
		if (*text == ')')
			paren = text;
	return paren && paren[1] == ' ' ? paren[2] : -EBADMSG;
}

int process_thread_state(struct shim *shim, int tid)
{
	char path[64];
	long n;

	process_path(shim, "task", tid, "/stat", path, sizeof(path));
	n = shim_read_file(shim, path);
	if (n == -ENOENT || n == -ESRCH)
		return 0;
	return n < 0 ? (int)n : state_in(shim->text);
}

int process_stat(struct shim *shim, int field, uint64_t *ret)
{
	char path[64];
	const char *at, *paren = NULL;
	int found = 2;
	long n;

	process_path(shim, "stat", 0, NULL, path, sizeof(path));
	n = shim_read_file(shim, path);
	if (n < 0)
		return (int)n;
	for (at = shim->text; *at; at++)
		if (*at == ')')
			paren = at;
	for (at = paren; at && *at && found < field; at++)
		if (*at == ' ')
			found++;
	return at && words_number(&at, 10, ret) ? 0 : -EBADMSG;
}

int process_status(struct shim *shim, const char *key, unsigned base, uint64_t *ret)
{
	char path[64];
	long n;

	*ret = 0;
	process_path(shim, "status", 0, NULL, path, sizeof(path));
	/* of memory we know as much ourselves; a main thread that has ended says nothing of it */
	n = shim_read_file(shim, words_after(key, "Vm") ? "/proc/self/status" : path);
	if (n < 0)
		return (int)n;
	for (const char *line = shim->text; *line;) {
		const char *value = words_after(line, key);

		if (value && *value == ':') {
			for (value++; *value == ' ' || *value == '\t'; value++)
				;
			return words_number(&value, base, ret) ? 0 : -EBADMSG;
		}
		while (*line && *line++ != '\n')
			;
	}
	return -ENOENT;
}

/* What the kernel may write to, or someone else may serve, while the program stands still */
static const struct {
	const char *link;
	int error;
	const char *reason;
} forbidding[] = {
	{"anon_inode:[io_uring]", EINPROGRESS,
	 "it uses io_uring: the kernel may write to its memory at any time"},
	{"anon_inode:[userfaultfd]", EBUSY, "it serves page faults of its own (userfaultfd)"},
	{"/dev/infiniband/", EINPROGRESS, "a device may write to its memory at any time"},
	{"/dev/vfio/", EINPROGRESS, "a device may write to its memory at any time"},
	{"anon_inode:kvm-vm", EBUSY, "it runs a virtual machine on its memory"},
};

static int fail_descriptors(struct shim *shim, int error)
{
	/* of the address space, which is ours, too */
	if (RAW_5(SYS_prctl, PR_GET_DUMPABLE, 0, 0, 0, 0) != 1)
		return shim_fail(shim, error, "it has made itself undumpable, or the kernel did ",
				 "when it changed its user (see swapify(7))", NULL);
	return shim_fail(shim, error, "its descriptors can't be looked at", NULL);
}

static int check_descriptors(struct shim *shim)
{
	struct numbers fds;
	int fd, r = numbers_open(shim, "fd", &fds);

	if (r < 0)
		return fail_descriptors(shim, -r);
	while ((r = numbers_next(&fds, &fd)) > 0) {
		char path[64], link[128] = "";
		long n;

		process_path(shim, "fd", fd, "", path, sizeof(path));
		n = RAW_4(SYS_readlinkat, AT_FDCWD, path, link, sizeof(link) - 1);
		if (n < 0)
			continue; /* closed meanwhile */
		link[n] = '\0';
		for (size_t i = 0; i < sizeof(forbidding) / sizeof(forbidding[0]); i++)
			if (words_after(link, forbidding[i].link)) {
				numbers_close(&fds);
				return shim_fail(shim, forbidding[i].error, forbidding[i].reason,
						 NULL);
			}
	}
	numbers_close(&fds);
	return r < 0 ? fail_descriptors(shim, -r) : 0;
}

/* 0: the same address space, > 0: not, < 0: -errno */
static int compare_memory(int a, int b)
{
	return (int)RAW_5(SYS_kcmp, a, b, KCMP_VM, 0, 0);
}

/* Pages in the address space of a process, or in ours (0), which everybody may know: apart from
 * shim->text, from which children are being read. 0 or -errno. */
static int read_size(int pid, uint64_t *ret)
{
	char buf[32];
	const char *at = buf;
	struct words words = words_over(buf, sizeof(buf));
	long fd, n;

	words_add(&words, "/proc/");
	if (pid)
		words_add_number(&words, (uint64_t)pid);
	words_add(&words, pid ? "/statm" : "self/statm");
	fd = RAW_4(SYS_openat, AT_FDCWD, buf, O_RDONLY | O_CLOEXEC, 0);
	if (fd < 0)
		return (int)fd;
	n = RAW_3(SYS_read, fd, buf, sizeof(buf) - 1);
	(void)RAW_1(SYS_close, fd);
	if (n < 0)
		return (int)n;
	buf[n] = '\0';
	return words_number(&at, 10, ret) ? 0 : -EBADMSG;
}

/* With a little more in our address space: whether that is in the child's, too. 1, 0 or -errno */
static int grows_with_us(const struct shim *shim, int child, size_t pages)
{
	void *more = shim_map(pages * shim->page_bytes, shim->page_bytes);
	uint64_t ours = 0, theirs = 0, again = 0;
	int r;

	if (!more)
		return -ENOMEM;
	r = read_size(0, &ours);
	if (!r)
		r = read_size(child, &theirs);
	if (!r)
		r = read_size(0, &again);
	shim_unmap(more, pages * shim->page_bytes, shim->page_bytes);
	/* all of the program stands still: who else should have changed it? */
	return r ? r : theirs == ours || again != ours;
}

/* Where kcmp doesn't tell. By chance, or by a change in the very moment, one look may be wrong. */
static int compare_sizes(const struct shim *shim, int child)
{
	unsigned alike = 0;

	for (size_t pages = 1; pages <= 3; pages++) {
		int r = grows_with_us(shim, child, pages);

		if (r < 0)
			return r;
		alike += (unsigned)r;
	}
	return alike > 1;
}

/* 1, 0; -errno where there's no telling. */
static int child_shares_memory(const struct shim *shim, int child)
{
	int r = compare_memory((int)RAW_0(SYS_getpid), child);

	if (r >= 0)
		return r == 0;
	if (r != -ESRCH)
		r = compare_sizes(shim, child);
	/* it may be hidden from us, too */
	if (r < 0 && RAW_2(SYS_kill, child, 0) == -ESRCH)
		return 0;
	return r;
}

/* A child that shares the memory and isn't stopped would run on what is given up. */
static int check_children_of(struct shim *shim, int tid)
{
	char path[64];
	const char *at = shim->text;
	uint64_t child;
	long n;

	process_path(shim, "task", tid, "/children", path, sizeof(path));
	n = shim_read_file(shim, path);
	if (n == -ENOENT)
		return 0; /* no such file in this kernel, or the thread has ended */
	if (n < 0)
		return shim_fail(shim, (int)-n, "its children can't be looked at", NULL);
	while (words_number(&at, 10, &child)) {
		int r = child_shares_memory(shim, (int)child);

		if (r > 0)
			return shim_fail(shim, EBUSY, "a child process shares its memory (vfork)",
					 NULL);
		if (r < 0)
			return shim_fail(shim, -r, "whether a child process shares its memory ",
					 "can't be seen: kcmp(2) isn't permitted", NULL);
		while (*at == ' ')
			at++;
	}
	return 0;
}

static int check_children(struct shim *shim)
{
	struct numbers threads;
	int tid, r = numbers_open(shim, "task", &threads), failed = 0;

	if (r < 0)
		return shim_fail(shim, -r, "its threads can't be looked at", NULL);
	while (!failed && (r = numbers_next(&threads, &tid)) > 0)
		failed = check_children_of(shim, tid);
	numbers_close(&threads);
	if (failed)
		return failed;
	return r < 0 ? shim_fail(shim, -r, "its threads can't be looked at", NULL) : 0;
}

int process_check(struct shim *shim, bool stopped)
{
	uint64_t tracer, pinned;
	int r;

	if (shim->untried)
		return shim_fail(shim, EAGAIN, "what a filter for system calls (seccomp) does to ",
				 "its helper can't be tried: there is no process for it", NULL);
	if (shim->barred)
		return shim_fail(shim, EPERM, "a filter for system calls (seccomp) would kill its ",
				 "helper for ", shim->barred, NULL);
	r = process_status(shim, "TracerPid", 10, &tracer);
	if (r < 0)
		return shim_fail(shim, -r, "its status can't be read", NULL);
	if (tracer && tracer != (uint64_t)RAW_0(SYS_getpid))
		return shim_fail(shim, EBUSY, "a debugger holds it", NULL);
	if (!process_status(shim, "VmPin", 10, &pinned) && pinned)
		return shim_fail(shim, EBUSY,
				 "some of its memory is pinned: a device may write to it", NULL);
	r = check_descriptors(shim);
	if (!r && stopped)
		r = check_children(shim);
	return r;
}

#define BIT(signal) (UINT64_C(1) << ((signal)-1))

bool process_asked_to_end(struct shim *shim)
{
	/* signal(7): those whose default isn't to end the process */
	const uint64_t harmless = BIT(SIGCHLD) | BIT(SIGCONT) | BIT(SIGSTOP) | BIT(SIGTSTP) |
				  BIT(SIGTTIN) | BIT(SIGTTOU) | BIT(SIGURG) | BIT(SIGWINCH);
	const uint64_t wishes = BIT(SIGHUP) | BIT(SIGINT) | BIT(SIGQUIT) | BIT(SIGTERM);
	uint64_t pending, shared, blocked, ignored, caught;

	if (process_status(shim, "SigPnd", 16, &pending) ||
	    process_status(shim, "ShdPnd", 16, &shared) ||
	    process_status(shim, "SigBlk", 16, &blocked) ||
	    process_status(shim, "SigIgn", 16, &ignored) ||
	    process_status(shim, "SigCgt", 16, &caught))
		return false;
	pending = (pending | shared) & ~blocked & ~ignored & ~harmless;
	return (pending & wishes) || (pending & ~caught);
}

int process_living_thread(struct shim *shim)
{
	struct numbers threads;
	int tid, found = shim->program, r = numbers_open(shim, "task", &threads);

	if (r < 0)
		return found;
	while (numbers_next(&threads, &tid) > 0) {
		int state = process_thread_state(shim, tid);

		if (state > 0 && state != 'Z' && state != 'X') {
			found = tid;
			break;
		}
	}
	numbers_close(&threads);
	return found;
}

int process_shares_memory(struct shim *shim)
{
	int r = shim->barred ? -ENOSYS
			     : compare_memory((int)RAW_0(SYS_getpid), process_living_thread(shim));

	if (r == -ENOSYS)
		return -EAGAIN;
	/* EPERM: it has become a program with other privileges, or hides from us */
	return r == 0;
}

bool process_is_another(struct shim *shim)
{
	return (!shim->life || atomic_load(shim->life) != shim->life_value) &&
	       process_shares_memory(shim) == 0;
}
