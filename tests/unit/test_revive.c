/* SPDX-License-Identifier: MIT */
#define VICTIM_NO_MAIN
#include "backend/revive.h"

#include "base/cleanup.h"
#include "sys/clock.h"
#include "tools/victim.c"
#include "unit/builders.h"

#include <sched.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#define SLEEP_MS 300

/* -- programs -----------------------------------------------------------------------------------
 */

static void *work(void *ignored)
{
	(void)ignored;
	while (!victim->stop)
		victim->work++;
	return NULL;
}

static void start_threads(int n)
{
	for (int i = 1; i < n; i++) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, work, NULL) != 0)
			_exit(9);
	}
}

/* The signals it has blocked and handles are told by /proc, so some of each. */
static void on_signal(int number)
{
	(void)number;
}

static void settle(int threads)
{
	sigset_t some;

	(void)sigemptyset(&some);
	(void)sigaddset(&some, SIGUSR1);
	(void)sigaddset(&some, SIGRTMIN + 3);
	(void)sigprocmask(SIG_BLOCK, &some, NULL);
	(void)signal(SIGSEGV, on_signal);
	(void)signal(SIGUSR2, on_signal);
	start_threads(threads);
	victim->ready = 1;
}

static int sleeps(void)
{
	struct timespec pause = {.tv_nsec = SLEEP_MS * (long)NS_PER_MS};
	uint64_t start_ns = clock_monotonic_ns(), ns;

	if (nanosleep(&pause, NULL) < 0)
		return 1;
	ns = clock_monotonic_ns() - start_ns;
	return ns >= SLEEP_MS * NS_PER_MS ? 0 : 2;
}

static int reads(void)
{
	char byte = 0;

	return read(STDIN_FILENO, &byte, 1) == 1 && byte == 'x' ? 0 : 1;
}

/* Holds values of its own in every register that can be had, and looks whether they stay. */
static int counts(void)
{
#if defined(__x86_64__)
	uint64_t general[8], vectors[32] __attribute__((aligned(16)));
	_Atomic(int) *stop = &victim->stop;

	for (size_t i = 0; i < 32; i++)
		vectors[i] = UINT64_C(0x0123456789abcdef) * (i + 1);
	__asm__ volatile(
		"movdqa 0x00(%[v]), %%xmm0\n\tmovdqa 0x10(%[v]), %%xmm1\n\t"
		"movdqa 0x70(%[v]), %%xmm7\n\tmovdqa 0xf0(%[v]), %%xmm15\n\t"
		"mov $0x11, %%rbx\n\tmov $0x88, %%r8\n\tmov $0x99, %%r9\n\tmov $0xaa, %%r10\n\t"
		"mov $0xbb, %%r11\n\tmov $0xcc, %%r12\n\tmov $0xdd, %%r13\n\tmov $0xee, %%r14\n\t"
		"fld1\n"
		"1:\tpause\n\tcmpl $0, (%[stop])\n\tje 1b\n\t"
		"mov %%rbx, 0x00(%[g])\n\tmov %%r8, 0x08(%[g])\n\tmov %%r9, 0x10(%[g])\n\t"
		"mov %%r10, 0x18(%[g])\n\tmov %%r11, 0x20(%[g])\n\tmov %%r12, 0x28(%[g])\n\t"
		"mov %%r13, 0x30(%[g])\n\tmov %%r14, 0x38(%[g])\n\t"
		"movdqa %%xmm0, 0x00(%[v])\n\tmovdqa %%xmm1, 0x10(%[v])\n\t"
		"movdqa %%xmm7, 0x70(%[v])\n\tmovdqa %%xmm15, 0xf0(%[v])\n\t"
		"fistpll 0x80(%[v])\n\t"
		:
		: [v] "S"(vectors), [g] "D"(general), [stop] "a"(stop)
		: "rbx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "xmm0", "xmm1", "xmm7",
		  "xmm15", "st", "memory", "cc");
	for (size_t i = 0; i < 32; i++)
		if (vectors[i] != (i == 16 ? 1 : UINT64_C(0x0123456789abcdef) * (i + 1)))
			return 10 + (int)i;
	return general[0] == 0x11 && general[1] == 0x88 && general[2] == 0x99 &&
			       general[3] == 0xaa && general[4] == 0xbb && general[5] == 0xcc &&
			       general[6] == 0xdd && general[7] == 0xee
		       ? 0
		       : 1;
#else
	while (!victim->stop)
		victim->work++;
	return 0;
#endif
}

/* -- tests --------------------------------------------------------------------------------------
 */

struct program {
	pid_t pid;
	int input;
	struct image_header header;
};

/* "State", "SigBlk" and the like of its main thread */
static void status_of(pid_t pid, const char *key, char ret[64])
{
	char path[32], line[256];
	FILE *file;

	*ret = '\0';
	(void)snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof line, file))
		if (strncmp(line, key, strlen(key)) == 0 && line[strlen(key)] == ':')
			(void)sscanf(line + strlen(key) + 1, "%63s", ret);
	if (file)
		(void)fclose(file);
}

static char state_of(pid_t pid)
{
	char state[64];

	status_of(pid, "State", state);
	return *state;
}

static void await_state(pid_t pid, char state)
{
	for (int i = 0; i < 5000 && state_of(pid) != state; i++)
		(void)usleep(1000);
	ck_assert_int_eq(state_of(pid), state);
}

static void stop(const struct program *program)
{
	ck_assert_int_eq(kill(program->pid, SIGSTOP), 0);
	await_state(program->pid, 'T');
}

static struct program start(int (*body)(void), int threads, enum victim_order order)
{
	struct program program;
	int pipe_fds[2];

	memset(victim, 0, sizeof *victim);
	victim->order = order;
	ck_assert_int_eq(pipe(pipe_fds), 0);
	program.pid = fork();
	ck_assert_int_ge(program.pid, 0);
	if (program.pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)dup2(pipe_fds[0], STDIN_FILENO);
		(void)close(pipe_fds[0]);
		(void)close(pipe_fds[1]);
		settle(threads);
		_exit(body());
	}
	(void)close(pipe_fds[0]);
	program.input = pipe_fds[1];
	victim->program = program.pid;
	while (!victim->ready)
		(void)usleep(500);
	(void)usleep(2000);
	program.header = victim_header(program.pid);
	return program;
}

static int end(struct program *program)
{
	int status;

	victim->stop = 1;
	ck_assert_int_eq(kill(program->pid, SIGCONT), 0);
	ck_assert_int_eq(waitpid(program->pid, &status, 0), program->pid);
	(void)close(program->input);
	ck_assert_msg(WIFEXITED(status), "ended by a signal: %#x", (unsigned)status);
	return WEXITSTATUS(status);
}

static int try(const struct program *program, char why[256])
{
	struct text text = text_over(why, 256);

	return revive(program->pid, &program->header, &text);
}

static void revived(const struct program *program, int times)
{
	char blocked[2][64], caught[2][64], why[256];

	status_of(program->pid, "SigBlk", blocked[0]);
	status_of(program->pid, "SigCgt", caught[0]);
	for (int i = 1; i <= times; i++) {
		ck_assert_msg(try(program, why) == 0, "time %d: %s", i, why);
		ck_assert_str_eq(why, "");
		await_state(program->pid, 'T');
		ck_assert_int_eq(victim->count, i);
	}
	status_of(program->pid, "SigBlk", blocked[1]);
	status_of(program->pid, "SigCgt", caught[1]);
	ck_assert_str_eq(blocked[0], blocked[1]);
	ck_assert_str_eq(caught[0], caught[1]);
}

START_TEST(a_sleeper)
{
	for (int threads = 1; threads <= 10; threads += 9) {
		struct program program = start(sleeps, threads, VICTIM_COUNT);

		stop(&program);
		revived(&program, 5);
		/* long enough for a sleep that begins anew to be told from one that goes on */
		ck_assert_int_eq(end(&program), 0);
	}
}
END_TEST

START_TEST(a_reader)
{
	for (int threads = 1; threads <= 10; threads += 9) {
		struct program program = start(reads, threads, VICTIM_COUNT);

		stop(&program);
		revived(&program, 3);
		ck_assert_int_eq(write(program.input, "x", 1), 1);
		ck_assert_int_eq(end(&program), 0);
	}
}
END_TEST

START_TEST(registers_stay)
{
	for (int threads = 1; threads <= 10; threads += 9) {
		struct program program = start(counts, threads, VICTIM_COUNT);

		for (int i = 0; i < 50; i++) {
			char why[256];

			stop(&program);
			ck_assert_msg(try(&program, why) == 0, "%s", why);
			ck_assert_int_eq(kill(program.pid, SIGCONT), 0);
			(void)usleep(500);
		}
		ck_assert_int_eq(victim->count, 50);
		ck_assert_int_eq(end(&program), 0);
	}
}
END_TEST

START_TEST(the_function_fails)
{
	static const struct {
		enum victim_order order;
		int r;
		const char *why;
	} rows[] = {
		{VICTIM_FAIL, -ENOMEM, "it can't start another helper"},
		{VICTIM_CRASH, -EIO, "the function of the shim for it crashes"},
		{VICTIM_CALLS, -EIO, "starting a helper takes more system calls than it should"},
		{VICTIM_LOOP, -ETIMEDOUT, "starting a helper takes too long"},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct program program = start(i % 2 ? reads : counts, 2, rows[i].order);
		char why[256], caught[2][64];

		stop(&program);
		status_of(program.pid, "SigCgt", caught[0]);
		ck_assert_int_eq(try(&program, why), rows[i].r);
		ck_assert_str_eq(why, rows[i].why);
		await_state(program.pid, 'T');
		status_of(program.pid, "SigCgt", caught[1]);
		ck_assert_str_eq(caught[0], caught[1]);
		/* and then it doesn't */
		victim->order = VICTIM_COUNT;
		ck_assert_msg(try(&program, why) == 0, "%s", why);
		ck_assert_int_eq(write(program.input, "x", 1), 1);
		ck_assert_int_eq(end(&program), 0);
	}
}
END_TEST

START_TEST(it_dies)
{
	struct program program = start(sleeps, 10, VICTIM_KILL);
	char why[256];

	stop(&program);
	ck_assert_int_eq(try(&program, why), -ESRCH);
	ck_assert_str_eq(why, "the program has ended");
	(void)waitpid(program.pid, NULL, 0);
	ck_assert_int_eq(try(&program, why), -ESRCH);
	(void)close(program.input);
}
END_TEST

/* Its memory is missing: whoever has it go on, it stops again. */
START_TEST(sent_sigcont)
{
	struct program program = start(reads, 3, VICTIM_CONTINUE);
	char why[256];

	stop(&program);
	ck_assert_msg(try(&program, why) == 0, "%s", why);
	await_state(program.pid, 'T');
	ck_assert_int_eq(write(program.input, "x", 1), 1);
	ck_assert_int_eq(end(&program), 0);
}
END_TEST

START_TEST(not_these)
{
	struct program program = start(reads, 1, VICTIM_COUNT);
	char why[256];
	int status;

	ck_assert_int_eq(try(&program, why), -EBUSY);
	ck_assert_str_eq(why, "it isn't stopped");
	stop(&program);
	program.header.start_ticks++;
	ck_assert_int_eq(try(&program, why), -ESRCH);
	program.header.start_ticks--;
	ck_assert_int_eq(ptrace(PTRACE_SEIZE, program.pid, NULL, NULL), 0);
	(void)waitpid(program.pid, &status, __WALL);
	await_state(program.pid, 't');
	ck_assert_int_eq(try(&program, why), -EBUSY);
	ck_assert_str_eq(why, "it is being traced");
	ck_assert_int_eq(ptrace(PTRACE_DETACH, program.pid, NULL, NULL), 0);
	await_state(program.pid, 'T');
	ck_assert_int_eq(victim->count, 0);
	ck_assert_int_eq(write(program.input, "x", 1), 1);
	ck_assert_int_eq(end(&program), 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_sleeper, a_reader,	 registers_stay, the_function_fails,
		it_dies,   sent_sigcont, not_these,
	};

	victim = victim_make();
	if (!victim)
		return 1;
	return RUN_TESTS("revive", tests);
}
