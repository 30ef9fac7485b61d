/* SPDX-License-Identifier: MIT */
/*
 * The daemon's memory is locked, and memory is short when it has to work: after start-up it makes
 * no heap call, in steady state or in need, in scans, surveys, dumps and dry runs of actions.
 * malloc and its like are ours here, for libc's own calls too.
 */
#include "base/log.h"
#include "daemon/daemon.h"
#include "daemon/loop.h"
#include "daemon/status.h"
#include "sys/clock.h"
#include "sys/notify.h"
#include "unit/builders.h"
#include "unit/children.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/un.h>

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

#ifdef SANITIZED

int main(void)
{
	(void)signal(SIGPIPE, SIG_IGN);
	puts("skipped: a sanitizer has a heap of its own");
	puts("100%: Checks: 0, Failures: 0, Errors: 0");
	return 0;
}

#else

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *pointer, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *pointer);

static volatile size_t heap_calls;

void *malloc(size_t size)
{
	heap_calls++;
	return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	heap_calls++;
	return __libc_calloc(n, size);
}

void *realloc(void *pointer, size_t size)
{
	heap_calls++;
	return __libc_realloc(pointer, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	heap_calls++;
	return __libc_memalign(alignment, size);
}

int posix_memalign(void **ret, size_t alignment, size_t size)
{
	heap_calls++;
	*ret = __libc_memalign(alignment, size);
	return *ret ? 0 : ENOMEM;
}

void free(void *pointer)
{
	heap_calls += pointer != NULL;
	__libc_free(pointer);
}

/* -- the daemon ------------------------------------------------------------------------------- */

#define DUMP_LINES_MAX 200

static char directory[] = "/tmp/test_noheap.XXXXXX";
static struct daemon service;
static struct loop loop;
static uint64_t now_ns;
static size_t dump_lines;
static int loop_error; /* asserted afterwards: Check itself uses the heap */

/* At a time so long ago: an action is judged by the real clock. */
static void open_daemon(char *const *overrides, size_t n, uint64_t ago_ns)
{
	static struct config config;
	struct config_error error;

	ck_assert_msg(config_load("/dev/null", true, overrides, n, &config, &error) == 0, "%s",
		      error.message);
	ck_assert_int_eq(loop_open(&loop), 0);
	now_ns = u64_max(u64_sub_sat(clock_now_ns(), ago_ns), NS_PER_S);
	ck_assert_int_eq(daemon_open(&service, "/proc", &config, true, loop.epoll_fd,
				     LOOP_JOBS_BASE, now_ns),
			 0);
	(void)loop_configure(&loop, &service.sampler.procfs, &service.config.params.daemon);
}

/* What was done from here on took no heap call. */
static void expect_none(size_t before)
{
	size_t calls = heap_calls - before;

	ck_assert_msg(calls == 0, "%zu heap calls", calls);
	ck_assert_int_eq(loop_error, 0);
	ck_assert_uint_gt(dump_lines, 5);
	ck_assert_uint_lt(dump_lines, 2 * DUMP_LINES_MAX);
}

static void close_daemon(void)
{
	executor_abort(&service.executor, now_ns);
	daemon_close(&service);
	loop_close(&loop);
}

static void emit(void *ctx, const char *line)
{
	(void)ctx;
	dump_lines++;
	log_dump_line(line);
}

/* What the daemon's loop does in so many ticks, a minute of seconds or more apart. */
static void run(int ticks, uint64_t every_ns)
{
	char line[200];
	struct loop_events events;

	for (int i = 0; i < ticks; i++) {
		struct text text = TEXT_OVER(line);

		now_ns += every_ns;
		loop_error |= loop_wait(&loop, clock_now_ns() + NS_PER_MS, &events);
		daemon_tick(&service, now_ns);
		while (executor_run(&service.executor, clock_now_ns()))
			continue;
		status_line(&service, &text);
		(void)notify_send(line);
	}
}

static void dump(void)
{
	daemon_survey(&service, now_ns);
	status_dump(&service, now_ns, emit, NULL);
}

/* Everything is said, to nobody. */
static void say_all_to_nobody(void)
{
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

	ck_assert_int_eq(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	(void)close(fd);
	log_open("test", LOG_TO_STDERR | LOG_TO_SYSLOG, LOG_LVL_INFO);
}

static void holds_much(int socket)
{
	char *memory =
		mmap(NULL, 64 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	memset(memory, 'x', 64 * MIB);
	child_answer(socket, 0);
	(void)child_next(socket);
}

START_TEST(counts_indeed)
{
	size_t before = heap_calls, calls;
	FILE *file = fopen("/dev/null", "r"); /* a call of libc's own */

	calls = heap_calls - before;
	ck_assert_uint_ge(calls, 1);
	before = heap_calls;
	(void)fclose(file);
	calls = heap_calls - before;
	ck_assert_uint_ge(calls, 1);
}
END_TEST

/* Memory is plentiful: ticks, scans, and a dump that looks at everything. */
START_TEST(steady)
{
	char enabled[] = "--swapspace.enabled=yes", path[80];
	char *const overrides[] = {enabled, path};
	size_t before;

	say_all_to_nobody();
	(void)snprintf(path, sizeof path, "--swapspace.swappath=%s", directory);
	open_daemon(overrides, ROWS(overrides), 0);
	before = heap_calls;
	run(30, NS_PER_S);
	run(30, NS_PER_MIN);
	dump();
	run(10, NS_PER_H);
	dump();
	expect_none(before);
	ck_assert_uint_eq(service.ticks, 70);
	ck_assert_uint_eq(service.held_still, 0);
	ck_assert(geteuid() != 0 || service.swapspace.known);
	ck_assert_uint_gt(service.sampler.scans, 30);
	close_daemon();
}
END_TEST

/* Memory is short at every tick: whatever is idle is planned, admitted, "moved" and reported. */
START_TEST(in_need)
{
	static char lower[] = "--memory.lower_freelimit=99", target[] = "--memory.freetarget=100",
		    upper[] = "--memory.upper_freelimit=100", idle[] = "--idle.min_idle=1s",
		    paths[] = "--protect.paths=/nowhere/*",
		    groups[] = "--protect.cgroups=/nowhere/*", margin[] = "--madvise.swap_margin=0",
		    mode[] = "--madvise.mode=cold";
	char *const overrides[] = {lower, target, upper, idle, paths, groups, margin, mode};
	struct child child = child_start(holds_much);
	size_t before;

	ck_assert_uint_eq(child_next(child.socket).word, 0);
	say_all_to_nobody();
	open_daemon(overrides, ROWS(overrides), 400 * NS_PER_S);
	before = heap_calls;
	run(60, NS_PER_S);
	dump();
	service.diet_requested = true;
	run(5, NS_PER_S);
	run(5, NS_PER_MIN);
	dump();
	expect_none(before);
	ck_assert_int_gt(service.need_bytes, 0);
	if (clock_now_ns() > 400 * NS_PER_S) /* just booted */
		ck_assert_uint_gt(service.executor.stats[service.executor.n_backends - 1]
					  .outcomes[OUTCOME_DONE],
				  0);
	close_daemon();
	child_end(&child);
}
END_TEST

/* Facts that can't be believed, and a machine without most of its files */
START_TEST(holding_still)
{
	static struct config config;
	struct config_error error;
	size_t before;

	say_all_to_nobody();
	ck_assert_int_eq(config_load("/dev/null", true, NULL, 0, &config, &error), 0);
	ck_assert_int_eq(loop_open(&loop), 0);
	now_ns = clock_now_ns();
	ck_assert_int_eq(daemon_open(&service, directory, &config, true, loop.epoll_fd,
				     LOOP_JOBS_BASE, now_ns),
			 0);
	before = heap_calls;
	run(10, NS_PER_S);
	dump();
	expect_none(before);
	ck_assert_uint_eq(service.held_still, 10);
	close_daemon();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {counts_indeed, steady, in_need, holding_still};
	int status;

	if (!mkdtemp(directory))
		return 1;
	status = RUN_TESTS("noheap", tests);
	(void)rmdir(directory);
	return status;
}

#endif
