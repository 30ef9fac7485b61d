/* SPDX-License-Identifier: MIT */
/*
 * churn N: N processes of 10 MiB each that are idle for moments and then touch and verify their
 * memory, fork, exec, or end and are replaced, all at random. Says "ready"; at the first line on
 * its standard input it has all of them verify their memory once more, and says "ok" and what
 * there was, or "bad".
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BYTES ((size_t)10 << 20)
#define WORDS (BYTES / sizeof(uint64_t))
#define MAX 64

enum { EXIT_BAD = 3 };

static volatile sig_atomic_t stopping;

static void on_term(int signal)
{
	(void)signal;
	stopping = 1;
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static uint64_t word_at(size_t i)
{
	uint64_t x = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);

	return x ^ x >> 29;
}

static void verify_or_exit(const uint64_t *words)
{
	for (size_t i = 0; i < WORDS; i++)
		if (words[i] != word_at(i))
			_exit(EXIT_BAD);
}

static void fork_one(uint64_t *words)
{
	int status;
	pid_t child = fork();

	if (child < 0)
		return;
	if (child == 0) {
		verify_or_exit(words);
		memset(words, 0x5a, BYTES / 4);
		_exit(0);
	}
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (status != 0)
		_exit(EXIT_BAD);
}

/* One process of the crowd; SIGTERM has it verify its memory and end. */
static void live(char **argv)
{
	uint64_t random = (uint64_t)getpid() * UINT64_C(0x2545f4914f6cdd1d) + (uint64_t)clock();
	uint64_t *words =
		mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *again[] = {argv[0], argv[1], (char[]){"again"}, NULL};

	if (words == MAP_FAILED)
		_exit(1);
	for (size_t i = 0; i < WORDS; i++)
		words[i] = word_at(i);
	while (!stopping) {
		uint64_t ms = 20 + next_random(&random) % 800;
		struct timespec span = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};

		(void)nanosleep(&span, NULL);
		switch (stopping ? 9 : next_random(&random) % 8) {
		case 0: fork_one(words); break;
		case 1: (void)execv(argv[0], again); _exit(1);
		case 2: _exit(0);
		case 3:
		case 4: verify_or_exit(words); break;
		default: break;
		}
	}
	verify_or_exit(words);
	_exit(0);
}

static pid_t start_one(char **argv)
{
	pid_t parent = getpid(), child = fork();

	if (child == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(0);
		live(argv);
	}
	return child;
}

int main(int argc, char **argv)
{
	const struct sigaction action = {.sa_handler = on_term};
	long n = argc > 1 ? strtol(argv[1], NULL, 10) : 0;
	unsigned long ended = 0, bad = 0;
	struct pollfd input = {.fd = 0, .events = POLLIN};
	pid_t children[MAX], child;
	int status;

	(void)sigaction(SIGTERM, &action, NULL);
	if (argc > 2)
		live(argv);
	if (n < 1 || n > MAX)
		return 2;
	for (long i = 0; i < n; i++)
		children[i] = start_one(argv);
	puts("ready");
	(void)fflush(stdout);
	while (poll(&input, 1, 10) == 0)
		while ((child = waitpid(-1, &status, WNOHANG)) > 0) {
			ended++;
			bad += status != 0;
			for (long i = 0; i < n; i++)
				if (children[i] == child)
					children[i] = start_one(argv);
		}
	for (long i = 0; i < n; i++)
		(void)kill(children[i], SIGTERM);
	while ((child = waitpid(-1, &status, 0)) > 0 || errno == EINTR)
		bad += child > 0 && status != 0;
	printf("%s bad=%lu ended=%lu\n", bad == 0 ? "ok" : "bad", bad, ended);
	(void)fflush(stdout);
	return bad != 0;
}
