/* SPDX-License-Identifier: MIT */
/*
 * checker [-t THREADS] [-m MIB] [-s SEED]: fills memory of every kind with random contents, says
 * "ready", and then for every line "verify" on stdin says "ok", or what is wrong.
 * The kinds: heap, anonymous mappings, named ones, read-only ones, ones with holes, some of which
 * were never touched, the stacks of threads that wait, write or hold robust mutexes, and
 * thread-local memory.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define THREADS_MAX 256
#define AREAS 6
#define STACK_WORDS 2000

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void fill(uint64_t *words, size_t n, uint64_t seed)
{
	for (size_t i = 0; i < n; i++)
		words[i] = next_random(&seed);
}

static bool same(const uint64_t *words, size_t n, uint64_t seed)
{
	for (size_t i = 0; i < n; i++)
		if (words[i] != next_random(&seed))
			return false;
	return true;
}

/* What a region holds: every step-th page of it, filled */
struct area {
	const char *name;
	char *start;
	size_t bytes, step;
	uint64_t seed;
};

static size_t page;

static bool hole(const struct area *area, size_t offset)
{
	/* the third of ten pages is unmapped in the area with holes */
	return !strcmp(area->name, "holes") && offset / page % 10 == 3;
}

static void fill_area(const struct area *area)
{
	for (size_t at = 0; at < area->bytes; at += page * area->step)
		if (!hole(area, at))
			fill((uint64_t *)(void *)(area->start + at), page / 8, area->seed + at + 1);
}

static const char *check_area(const struct area *area)
{
	for (size_t at = 0; at < area->bytes; at += page * area->step)
		if (!hole(area, at) &&
		    !same((uint64_t *)(void *)(area->start + at), page / 8, area->seed + at + 1))
			return area->name;
	return NULL;
}

static void *map(size_t bytes)
{
	void *memory =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED) {
		perror("checker: mmap");
		exit(1);
	}
	return memory;
}

static void make_areas(struct area areas[AREAS], size_t bytes, uint64_t seed)
{
	static const char *const names[AREAS] = {"heap",     "anonymous", "named",
						 "readonly", "holes",	  "sparse"};

	for (int i = 0; i < AREAS; i++) {
		areas[i] = (struct area){.name = names[i], .bytes = bytes, .step = 1};
		areas[i].seed = seed + (uint64_t)i * 1000003;
		areas[i].start = i == 0 ? aligned_alloc(page, bytes) : map(bytes);
		if (i == 5)
			areas[i].step = 2;
		fill_area(&areas[i]);
	}
	(void)prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, areas[2].start, bytes, "checker");
	(void)mprotect(areas[3].start, bytes, PROT_READ);
	for (size_t at = 0; at < bytes; at += page)
		if (hole(&areas[4], at))
			(void)munmap(areas[4].start + at, page);
}

struct worker {
	pthread_t thread;
	uint64_t seed;
	int kind, pipe[2];
	uint64_t asked, answered; /* under lock */
	bool wrong;
	pthread_mutex_t lock;
	pthread_cond_t changed;
};

static __thread uint64_t local_words[64];

/* One wait of the kind that this thread is for. Interrupted ones go on, as they have to. */
static void wait_somehow(struct worker *worker)
{
	struct timespec nap = {.tv_nsec = 2000000}, left;
	struct epoll_event event;
	char byte = 'x';
	int epoll;

	switch (worker->kind) {
	case 0:
		while (nanosleep(&nap, &left) < 0 && errno == EINTR)
			nap = left;
		break;
	case 1:
		if (write(worker->pipe[1], &byte, 1) != 1 || read(worker->pipe[0], &byte, 1) != 1)
			worker->wrong = true;
		(void)usleep(2000);
		break;
	case 2:
		epoll = epoll_create1(0);
		while (epoll_wait(epoll, &event, 1, 2) < 0 && errno == EINTR)
			;
		(void)close(epoll);
		break;
	default: break; /* waits on its condition alone */
	}
}

static void *work(void *argument)
{
	struct worker *worker = argument;
	volatile uint64_t stack[STACK_WORDS];
	sigset_t all;

	if (worker->kind == 1) {
		sigfillset(&all);
		(void)pthread_sigmask(SIG_SETMASK, &all, NULL);
	}
	fill((uint64_t *)(uintptr_t)stack, STACK_WORDS, worker->seed);
	fill(local_words, 64, worker->seed + 7);
	for (;;) {
		(void)pthread_mutex_lock(&worker->lock);
		while (worker->kind == 3 && worker->asked == worker->answered)
			(void)pthread_cond_wait(&worker->changed, &worker->lock);
		if (worker->asked != worker->answered) {
			worker->wrong |=
				!same((uint64_t *)(uintptr_t)stack, STACK_WORDS, worker->seed) ||
				!same(local_words, 64, worker->seed + 7);
			worker->answered = worker->asked;
			(void)pthread_cond_broadcast(&worker->changed);
		}
		(void)pthread_mutex_unlock(&worker->lock);
		wait_somehow(worker);
	}
	return NULL;
}

static void start_worker(struct worker *worker, int i, uint64_t seed)
{
	pthread_mutexattr_t robust;
	pthread_attr_t small;

	*worker = (struct worker){.seed = seed + (uint64_t)i * 77, .kind = i % 4};
	(void)pthread_mutexattr_init(&robust);
	(void)pthread_mutexattr_setrobust(&robust, PTHREAD_MUTEX_ROBUST);
	(void)pthread_mutex_init(&worker->lock, &robust);
	(void)pthread_cond_init(&worker->changed, NULL);
	(void)pthread_attr_init(&small);
	(void)pthread_attr_setstacksize(&small, 128 << 10);
	if (pipe(worker->pipe) < 0 || pthread_create(&worker->thread, &small, work, worker)) {
		perror("checker: thread");
		exit(1);
	}
}

static bool ask_worker(struct worker *worker)
{
	bool right;

	(void)pthread_mutex_lock(&worker->lock);
	worker->asked++;
	(void)pthread_cond_broadcast(&worker->changed);
	while (worker->answered != worker->asked)
		(void)pthread_cond_wait(&worker->changed, &worker->lock);
	right = !worker->wrong;
	(void)pthread_mutex_unlock(&worker->lock);
	return right;
}

static const char *verify(const struct area areas[AREAS], struct worker *workers, int n_workers)
{
	const char *wrong = NULL;

	for (int i = 0; !wrong && i < AREAS; i++)
		wrong = check_area(&areas[i]);
	for (int i = 0; !wrong && i < n_workers; i++)
		if (!ask_worker(&workers[i]))
			wrong = "thread";
	return wrong;
}

int main(int argc, char **argv)
{
	static struct worker workers[THREADS_MAX];
	struct area areas[AREAS];
	int option, n_workers = 8;
	size_t mib = 4;
	uint64_t seed = 88172645463325252;
	char line[64];

	page = (size_t)sysconf(_SC_PAGESIZE);
	while ((option = getopt(argc, argv, "t:m:s:")) >= 0)
		switch (option) {
		case 't': n_workers = atoi(optarg); break;
		case 'm': mib = (size_t)atoi(optarg); break;
		case 's': seed = strtoull(optarg, NULL, 10); break;
		default: return 2;
		}
	if (n_workers < 0 || n_workers > THREADS_MAX)
		return 2;
	make_areas(areas, mib << 20, seed);
	for (int i = 0; i < n_workers; i++)
		start_worker(&workers[i], i, seed);
	(void)puts("ready");
	(void)fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		const char *wrong = verify(areas, workers, n_workers);

		(void)printf("%s\n", wrong ? wrong : "ok");
		(void)fflush(stdout);
	}
	return 0;
}
