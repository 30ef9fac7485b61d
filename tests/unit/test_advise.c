/* SPDX-License-Identifier: MIT */
/* The engine over real processes and a real swap area. Each case is run twice, with the page map
 * scanned (Linux 6.7) and read entry by entry. What the engine did is read from the page map by
 * itself; nothing is believed of it, and nothing assumed of memory that isn't the case's own. */
#include "backend/advise.h"

#include "base/cleanup.h"
#include "sys/pidpin.h"
#include "unit/builders.h"
#include "unit/children.h"
#include "unit/swaparea.h"

#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#define GUARD_INSTALL 102 /* MADV_GUARD_INSTALL, Linux 6.13 */

#define PAGE UINT64_C(4096)
/* Under all else, so that a walk comes here first; with a sanitizer, too */
#define BASE UINT64_C(0x10000000)
#define ALL UINT64_MAX
/* Memory behind that of the case, and before all else: what a walk with a budget goes on to */
#define MORE UINT64_C(0x60000000)
#define MORE_BYTES MIB
#define SOME_MORE (512 * KIB)

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

static bool have_swap;
static bool scanning; /* which way a walk goes */

/* -- others ----------------------------------------------------------------------------------- */

/* Where somebody's swap area goes meanwhile, what lay in it is resident again, whosever it is:
 * then the case is tried anew. */
static jmp_buf again;
static char areas[4096];

static void read_areas(char text[sizeof areas])
{
	_cleanup_fclose_ FILE *file = fopen("/proc/swaps", "re");
	size_t n = 0;

	while (file && n < sizeof areas - 256 && fscanf(file, "%200s %*[^\n]", text + n) == 1)
		n += strlen(text + n);
	text[n] = '\0';
}

static void try_again_where_areas_changed(void)
{
	char now[sizeof areas];

	for (int i = 0; i < 100; i++) { /* it may take its time */
		read_areas(now);
		if (strcmp(now, areas) != 0)
			longjmp(again, 1);
		(void)usleep(20000);
	}
}

#define EXPECT(value, expected)                                                                \
	do {                                                                                   \
		uint64_t expect_value = (value), expect_expected = (expected);                 \
		if (expect_value != expect_expected)                                           \
			try_again_where_areas_changed();                                       \
		ck_assert_msg(expect_value == expect_expected, "%s is %llu, not %llu", #value, \
			      (unsigned long long)expect_value,                                \
			      (unsigned long long)expect_expected);                            \
	} while (0)

/* -- the process ------------------------------------------------------------------------------ */

enum question { MAP, FILL, FILL_EVERY, CHECK, READ, LOCK, PROTECT, ADVISE, SPLIT, EXEC, FORK };

static uint64_t word_at(uint64_t address)
{
	uint64_t word = address * UINT64_C(0x9e3779b97f4a7c15);

	return (word ^ word >> 29) | 1; /* never that of an untouched page */
}

static void fill(uint64_t at, uint64_t bytes)
{
	for (uint64_t *word = (uint64_t *)(uintptr_t)at; (uintptr_t)word < at + bytes; word++)
		*word = word_at((uintptr_t)word);
}

/* Words that are neither as filled, nor of an untouched page */
static uint64_t count_wrong(uint64_t at, uint64_t bytes, uint64_t *ret_filled)
{
	uint64_t wrong = 0;

	for (uint64_t *word = (uint64_t *)(uintptr_t)at; (uintptr_t)word < at + bytes; word++) {
		*ret_filled += *word != 0;
		wrong += *word != 0 && *word != word_at((uintptr_t)word);
	}
	return wrong;
}

static uint64_t answer_for(const struct message *message)
{
	void *at = (void *)(uintptr_t)message->a;
	uint64_t filled = 0;

	switch ((enum question)(message->word & 0xff)) {
	case MAP:
		at = mmap(at, message->b, (int)(message->word >> 8 & 0xff),
			  (int)(message->word >> 16) | (at ? MAP_FIXED_NOREPLACE : MAP_NORESERVE),
			  -1, 0);
		if (at != MAP_FAILED)
			(void)madvise(at, message->b, MADV_NOHUGEPAGE);
		return (uintptr_t)at;
	case FILL: fill(message->a, message->b); return 0;
	case FILL_EVERY: /* of word >> 8 pages the first */
		for (uint64_t page = message->a; page < message->a + message->b;
		     page += (message->word >> 8) * PAGE)
			fill(page, PAGE);
		return 0;
	case CHECK:
		if (count_wrong(message->a, message->b, &filled) > 0)
			return UINT64_MAX;
		return filled * sizeof(uint64_t);
	case READ:
		for (uint64_t page = 0; page < message->b; page += PAGE)
			filled += *(volatile char *)((char *)at + page) != 0;
		return filled;
	case LOCK: return (uint64_t)syscall(SYS_mlock, at, message->b); /* no sanitizer's */
	case PROTECT: return (uint64_t)mprotect(at, message->b, (int)(message->word >> 8));
	case ADVISE: return (uint64_t)madvise(at, message->b, (int)(message->word >> 8));
	case SPLIT: /* every second page into a region of its own */
		for (uint64_t page = 0; page < message->b; page += 2 * PAGE)
			if (mprotect((char *)at + page, PAGE, PROT_NONE) < 0)
				return 1;
		return 0;
	case EXEC: (void)execl("/bin/sleep", "sleep", "1000", NULL); return 1;
	case FORK: return (uint64_t)fork();
	}
	return 0;
}

static void body(int socket)
{
	for (;;) {
		struct message message = child_next(socket);

		child_answer(socket, answer_for(&message));
	}
}

/* A process with bytes at BASE, private and anonymous, and untouched. */
static struct child start(uint64_t bytes)
{
	struct child child = child_start(body);
	uint64_t how = MAP | (uint64_t)(PROT_READ | PROT_WRITE) << 8 |
		       (uint64_t)(MAP_PRIVATE | MAP_ANONYMOUS) << 16;

	ck_assert_uint_eq(child_ask(&child, how, BASE, bytes), BASE);
	ck_assert_uint_eq(child_ask(&child, how, MORE, MORE_BYTES), MORE);
	(void)child_ask(&child, FILL, MORE, MORE_BYTES);
	return child;
}

static uint64_t map_other(const struct child *child, uint64_t at, uint64_t bytes, int protection,
			  int flags)
{
	return child_ask(child, MAP | (uint64_t)protection << 8 | (uint64_t)flags << 16, at, bytes);
}

/* New pages for old ones, as start leaves them: what is still being written out after a page-out
 * isn't moved out again before that is done. */
static void renew(const struct child *child, uint64_t at, uint64_t bytes)
{
	EXPECT(child_ask(child, ADVISE | MADV_DONTNEED << 8, at, bytes), 0);
}

static void expect_contents(const struct child *child, uint64_t at, uint64_t bytes, uint64_t filled)
{
	uint64_t found = child_ask(child, CHECK, at, bytes);

	ck_assert_msg(found != UINT64_MAX, "wrong contents");
	ck_assert_uint_eq(found, filled);
}

/* -- what the page map says -------------------------------------------------------------------- */

struct pages {
	uint64_t resident, swapped, none; /* bytes */
};

static struct pages look(const struct child *child, uint64_t at, uint64_t bytes)
{
	struct pages pages = {0};
	char path[40];
	uint64_t *entries = malloc(bytes / PAGE * sizeof *entries);
	_cleanup_close_ int fd = -1;

	(void)snprintf(path, sizeof path, "/proc/%d/pagemap", (int)child->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(pread(fd, entries, bytes / PAGE * sizeof *entries,
			       (off_t)(at / PAGE * sizeof *entries)),
			 (ssize_t)(bytes / PAGE * sizeof *entries));
	for (uint64_t i = 0; i < bytes / PAGE; i++)
		if (entries[i] >> 63)
			pages.resident += PAGE;
		else if (entries[i] >> 62 & 1)
			pages.swapped += PAGE;
		else
			pages.none += PAGE;
	free(entries);
	return pages;
}

/* -- the walk ------------------------------------------------------------------------------------
 */

static struct advise_walk walk;
static struct procfs procfs;
static int pidfd = -1;

static int walk_open(const struct child *child, enum advise_verb verb, uint64_t budget_bytes)
{
	int r;

	if (pidfd < 0) {
		pidfd = pidpin_open(child->pid);
		ck_assert_int_ge(pidfd, 0);
		ck_assert_int_eq(procfs_open("/proc", &procfs), 0);
	}
	r = advise_open(&walk, &procfs, child->pid, pidfd, verb, budget_bytes);
	if (r == 0 && !scanning)
		walk.map.scan = false;
	return r;
}

/* Walks on to the end, in steps of at most max_bytes each. What the last step said. */
static int walk_on(uint64_t max_bytes, unsigned *ret_steps)
{
	int r;

	*ret_steps = 0;
	do {
		uint64_t before = walk.advised_bytes + walk.refused_bytes;
		uint64_t limit = max_bytes < PAGE ? PAGE : max_bytes;

		r = advise_step(&walk, max_bytes);
		++*ret_steps;
		ck_assert_msg(
			walk.advised_bytes + walk.refused_bytes - before <= limit,
			"a step of %llu bytes instead of %llu",
			(unsigned long long)(walk.advised_bytes + walk.refused_bytes - before),
			(unsigned long long)max_bytes);
		ck_assert_uint_lt(*ret_steps, 200000);
	} while (r == 1);
	return r;
}

/* Walks over all of it. The bytes advised. */
static uint64_t advise(const struct child *child, enum advise_verb verb, uint64_t budget_bytes,
		       uint64_t step_bytes)
{
	unsigned steps;

	ck_assert_int_eq(walk_open(child, verb, budget_bytes), 0);
	ck_assert_int_eq(walk_on(step_bytes, &steps), 0);
	ck_assert_uint_le(walk.advised_bytes, budget_bytes);
	advise_close(&walk);
	ck_assert_int_eq(walk.regions.lines.fd, -1);
	ck_assert_int_eq(walk.map.fd, -1);
	return walk.advised_bytes;
}

static void end(struct child *child)
{
	child_end(child);
	close_fd(&pidfd);
	procfs_close(&procfs);
}

/* A walk over the terabytes that a sanitizer maps, entry by entry, would take minutes. */
static bool whole_is_slow(void)
{
	return SANITIZED && !scanning;
}

static void run_undisturbed(void (*run)(void), bool scan)
{
	static volatile int attempts;

	scanning = scan;
	attempts = 0;
	(void)setjmp(again);
	ck_assert_int_lt(attempts++, 20);
	close_fd(&pidfd);
	read_areas(areas);
	run();
}

/* Runs the case both ways, where it can be run at all. */
static void both_ways(void (*run)(void), bool needs_swap)
{
	struct pagemap map;

	if (procmadv_probe() < 0 || (needs_swap && !have_swap)) {
		printf("skipped: %s\n",
		       needs_swap && !have_swap ? "no swap area" : "no permission");
		return;
	}
	ck_assert_int_eq(procfs_open("/proc", &procfs), 0);
	ck_assert_int_eq(pagemap_open(&procfs, getpid(), &map), 0);
	procfs_close(&procfs);
	run_undisturbed(run, false);
	if (map.scan)
		run_undisturbed(run, true);
	else
		printf("skipped in part: no PAGEMAP_SCAN\n");
	pagemap_close(&map);
}

/* -- how much ------------------------------------------------------------------------------------
 */

static void budget_case(void)
{
	static const uint64_t budgets[] = {PAGE,    2 * PAGE - 1, 5 * PAGE, 1023 * PAGE,
					   4 * MIB, 4 * MIB + 1,  8 * MIB};
	struct child child = start(8 * MIB);
	uint64_t filled = 8 * MIB;

	for (size_t i = 0; i < ROWS(budgets); i++) {
		uint64_t whole = budgets[i] / PAGE * PAGE;
		struct pages pages;

		renew(&child, BASE, 8 * MIB);
		(void)child_ask(&child, FILL, BASE, filled);
		EXPECT(advise(&child, ADVISE_PAGEOUT, budgets[i], 32 * MIB), whole);
		ck_assert_uint_eq(walk.refused_bytes, 0);
		pages = look(&child, BASE, 8 * MIB);
		EXPECT(pages.swapped, whole);
		EXPECT(pages.resident, 8 * MIB - whole);
		expect_contents(&child, BASE, 8 * MIB, filled); /* and all is in again */
		EXPECT(look(&child, BASE, 8 * MIB).swapped, 0);
	}
	/* less than a page is nothing */
	EXPECT(advise(&child, ADVISE_PAGEOUT, 0, MIB), 0);
	EXPECT(advise(&child, ADVISE_PAGEOUT, PAGE - 1, MIB), 0);
	EXPECT(look(&child, BASE, 8 * MIB).swapped, 0);
	end(&child);
}

START_TEST(budget_to_the_page)
{
	both_ways(budget_case, true);
}
END_TEST

static void steps_case(void)
{
	static const uint64_t sizes[] = {0,	   1,	    PAGE, 3 * PAGE + 1,
					 64 * KIB, MIB - 1, MIB,  64 * MIB};
	struct child child = start(2 * MIB);

	for (size_t i = 0; i < ROWS(sizes); i++) {
		renew(&child, BASE, 2 * MIB);
		(void)child_ask(&child, FILL_EVERY | 2 << 8, BASE, 2 * MIB);
		/* that no step goes over its size is checked with each one */
		EXPECT(advise(&child, ADVISE_COLD, MIB, sizes[i]), MIB);
		if (!have_swap)
			continue;
		EXPECT(advise(&child, ADVISE_PAGEOUT, MIB, sizes[i]), MIB);
		EXPECT(look(&child, BASE, 2 * MIB).swapped, MIB);
		EXPECT(advise(&child, ADVISE_BACK, MIB, sizes[i]), MIB);
		EXPECT(look(&child, BASE, 2 * MIB).resident, MIB);
	}
	expect_contents(&child, BASE, 2 * MIB, MIB);
	end(&child);
}

START_TEST(steps_of_any_size)
{
	both_ways(steps_case, false);
}
END_TEST

static void untouched_case(void)
{
	struct child child = start(6 * MIB);
	uint64_t a_third = 6 * MIB / PAGE / 3 * PAGE;
	struct pages pages;

	(void)child_ask(&child, FILL_EVERY | 3 << 8, BASE, 6 * MIB);
	(void)advise(&child, ADVISE_PAGEOUT, a_third + SOME_MORE, 32 * MIB);
	EXPECT(look(&child, MORE, MORE_BYTES).swapped, SOME_MORE);
	pages = look(&child, BASE, 6 * MIB);
	EXPECT(pages.swapped, a_third);
	EXPECT(pages.resident, 0);
	EXPECT(pages.none, 6 * MIB - a_third);
	(void)advise(&child, ADVISE_BACK, a_third + SOME_MORE, 32 * MIB);
	EXPECT(look(&child, MORE, MORE_BYTES).swapped, 0);
	pages = look(&child, BASE, 6 * MIB);
	EXPECT(pages.swapped, 0);
	EXPECT(pages.resident, a_third);
	EXPECT(pages.none, 6 * MIB - a_third);
	expect_contents(&child, BASE, 6 * MIB, a_third);
	end(&child);
}

START_TEST(untouched_stays_untouched)
{
	both_ways(untouched_case, true);
}
END_TEST

/* -- which ---------------------------------------------------------------------------------------
 */

static void locked_case(void)
{
	const uint64_t locked = 512 * KIB + MIB + PAGE;
	struct child child = start(4 * MIB);

	(void)child_ask(&child, FILL, BASE, 4 * MIB);
	/* in the middle, at the end, and a single page */
	ck_assert_uint_eq(child_ask(&child, LOCK, BASE + MIB, 512 * KIB), 0);
	ck_assert_uint_eq(child_ask(&child, LOCK, BASE + 3 * MIB, MIB), 0);
	ck_assert_uint_eq(child_ask(&child, LOCK, BASE + 17 * PAGE, PAGE), 0);
	/* what is refused is made up for by what lies behind, also where it is the last of all */
	EXPECT(advise(&child, ADVISE_PAGEOUT, 4 * MIB - locked + SOME_MORE, 300 * KIB),
	       4 * MIB - locked + SOME_MORE);
	ck_assert_uint_eq(walk.refused_bytes, locked);
	ck_assert_int_eq(walk.refused_error, -EINVAL);
	EXPECT(look(&child, MORE, MORE_BYTES).swapped, SOME_MORE);
	EXPECT(look(&child, BASE + MIB, 512 * KIB).resident, 512 * KIB);
	EXPECT(look(&child, BASE + 3 * MIB, MIB).resident, MIB);
	EXPECT(look(&child, BASE, 4 * MIB).swapped, 4 * MIB - locked);
	expect_contents(&child, BASE, 4 * MIB, 4 * MIB);
	end(&child);

	/* a budget that ends amid what is refused, within one step */
	child = start(MIB);
	(void)child_ask(&child, FILL, BASE, MIB);
	ck_assert_uint_eq(child_ask(&child, LOCK, BASE + MIB - 16 * PAGE, 16 * PAGE), 0);
	EXPECT(advise(&child, ADVISE_PAGEOUT, MIB - 8 * PAGE, 32 * MIB), MIB - 8 * PAGE);
	EXPECT(look(&child, MORE, MORE_BYTES).swapped, 8 * PAGE);
	end(&child);
}

START_TEST(locked_is_refused_and_counted)
{
	both_ways(locked_case, true);
}
END_TEST

static void kinds_case(void)
{
	struct child child = start(MIB);
	uint64_t at = BASE + 16 * MIB;
	uint32_t before[REGION__N];
	const int rw = PROT_READ | PROT_WRITE, private = MAP_PRIVATE | MAP_ANONYMOUS;

	if (whole_is_slow()) {
		end(&child);
		return;
	}
	(void)child_ask(&child, FILL, BASE, MIB);
	(void)advise(&child, ADVISE_COLD, ALL, 32 * MIB);
	memcpy(before, walk.regions_seen, sizeof before);
	/* with gaps, so that each is one region */
	(void)map_other(&child, at, MIB, rw, MAP_SHARED | MAP_ANONYMOUS);
	(void)map_other(&child, at + 2 * MIB, MIB, rw | PROT_EXEC, private);
	(void)map_other(&child, at + 4 * MIB, MIB, rw, private);
	for (uint64_t i = 0; i < 3; i++)
		(void)child_ask(&child, FILL, at + i * 2 * MIB, MIB);
	(void)child_ask(&child, PROTECT | (uint64_t)PROT_READ << 8, at + 4 * MIB, MIB);
	(void)advise(&child, ADVISE_PAGEOUT, ALL, 32 * MIB);
	ck_assert_uint_eq(walk.regions_seen[REGION_SHARED], before[REGION_SHARED] + 1);
	ck_assert_uint_eq(walk.regions_seen[REGION_EXECUTABLE], before[REGION_EXECUTABLE] + 1);
	ck_assert_uint_eq(walk.regions_seen[REGION_READONLY], before[REGION_READONLY] + 1);
	ck_assert_uint_eq(walk.regions_seen[REGION_ELIGIBLE], before[REGION_ELIGIBLE]);
	ck_assert_uint_eq(walk.regions_seen[REGION_STACK], 1);
	ck_assert_uint_gt(walk.regions_seen[REGION_FILE], 0);
	for (uint64_t i = 0; i < 3; i++)
		EXPECT(look(&child, at + i * 2 * MIB, MIB).resident, MIB);
	EXPECT(look(&child, BASE, MIB).swapped, MIB);
	expect_contents(&child, BASE, MIB, MIB);
	end(&child);
}

START_TEST(other_kinds_are_left_alone)
{
	both_ways(kinds_case, true);
}
END_TEST

/* Pages that another process maps as well are passed over by the kernel: nothing is lost. */
static void shared_after_fork_case(void)
{
	struct child child = start(2 * MIB);
	pid_t grandchild;

	(void)child_ask(&child, FILL, BASE, MIB);
	grandchild = (pid_t)child_ask(&child, FORK, 0, 0);
	if (grandchild == 0) /* both answer: the second one is this */
		grandchild = (pid_t)child_next(child.socket).word;
	else
		ck_assert_uint_eq(child_next(child.socket).word, 0);
	ck_assert_int_gt(grandchild, 0);
	ck_assert_int_eq(kill(grandchild, SIGSTOP), 0); /* and ours is asked from now on */
	(void)child_ask(&child, FILL, BASE + MIB, MIB);
	(void)advise(&child, ADVISE_PAGEOUT, 2 * MIB, 32 * MIB);
	EXPECT(look(&child, BASE + MIB, MIB).swapped, MIB);
	EXPECT(look(&child, BASE, MIB).resident, MIB);
	expect_contents(&child, BASE, 2 * MIB, 2 * MIB);
	ck_assert_int_eq(kill(grandchild, SIGKILL), 0);
	end(&child);
}

START_TEST(shared_after_fork)
{
	both_ways(shared_after_fork_case, true);
}
END_TEST

/* -- how many ------------------------------------------------------------------------------------
 */

static void fragments_case(void)
{
	struct child child = start(16 * MIB);

	(void)child_ask(&child, FILL_EVERY | 2 << 8, BASE, 16 * MIB); /* 2,048 ranges */
	EXPECT(advise(&child, ADVISE_PAGEOUT, 8 * MIB, 32 * MIB), 8 * MIB);
	EXPECT(look(&child, BASE, 16 * MIB).swapped, 8 * MIB);
	EXPECT(advise(&child, ADVISE_BACK, 8 * MIB, 32 * MIB), 8 * MIB);
	EXPECT(look(&child, BASE, 16 * MIB).resident, 8 * MIB);
	expect_contents(&child, BASE, 16 * MIB, 8 * MIB);
	renew(&child, BASE, 16 * MIB);
	(void)child_ask(&child, FILL_EVERY | 2 << 8, BASE, 16 * MIB);
	EXPECT(advise(&child, ADVISE_PAGEOUT, 8 * MIB, 123 * PAGE), 8 * MIB);
	EXPECT(look(&child, BASE, 16 * MIB).swapped, 8 * MIB);
	expect_contents(&child, BASE, 16 * MIB, 8 * MIB);
	end(&child);
}

START_TEST(every_second_page)
{
	both_ways(fragments_case, true);
}
END_TEST

static void regions_case(void)
{
	const uint64_t bytes = 10000 * PAGE;
	struct child child = start(bytes);
	unsigned steps;

	(void)child_ask(&child, FILL, BASE, bytes);
	ck_assert_uint_eq(child_ask(&child, SPLIT, BASE, bytes), 0);
	ck_assert_int_eq(walk_open(&child, ADVISE_PAGEOUT, bytes / 2), 0);
	ck_assert_int_eq(walk_on(GIB, &steps), 0);
	ck_assert_uint_eq(walk.advised_bytes, bytes / 2);
	ck_assert_uint_ge(walk.regions_seen[REGION_ELIGIBLE], 5000);
	ck_assert_uint_ge(walk.regions_seen[REGION_READONLY], 4999);
	ck_assert_uint_le(steps, 10); /* a step looks at 1,024 places */
	advise_close(&walk);
	EXPECT(look(&child, BASE, bytes).swapped, bytes / 2);
	EXPECT(advise(&child, ADVISE_BACK, bytes / 2, GIB), bytes / 2);
	EXPECT(look(&child, BASE, bytes).swapped, 0);
	(void)child_ask(&child, PROTECT | (uint64_t)(PROT_READ | PROT_WRITE) << 8, BASE, bytes);
	expect_contents(&child, BASE, bytes, bytes);
	end(&child);
}

START_TEST(five_thousand_regions)
{
	both_ways(regions_case, true);
}
END_TEST

/* A step over a wide mapping that holds nothing comes back all the same. */
static void wide_case(void)
{
	const uint64_t bytes = 64 * GIB;
	struct child child = start(PAGE);
	uint64_t at =
		map_other(&child, 0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
	unsigned steps;

	if (whole_is_slow()) {
		end(&child);
		return;
	}
	(void)child_ask(&child, FILL, BASE, PAGE);
	(void)child_ask(&child, FILL, at + bytes / 2, PAGE);
	(void)child_ask(&child, FILL, at + bytes - PAGE, PAGE);
	ck_assert_int_eq(walk_open(&child, ADVISE_PAGEOUT, ALL), 0);
	ck_assert_int_eq(walk_on(32 * MIB, &steps), 0);
	advise_close(&walk);
	ck_assert_uint_lt(steps, 10000);
	EXPECT(look(&child, at + bytes / 2 - MIB, 2 * MIB).swapped, PAGE);
	EXPECT(look(&child, at + bytes - PAGE, PAGE).swapped, PAGE);
	expect_contents(&child, at + bytes / 2 - MIB, 2 * MIB, PAGE);
	end(&child);
}

START_TEST(wide_and_empty)
{
	both_ways(wide_case, true);
}
END_TEST

/* What was only reserved isn't gone through to its end where that takes minutes. */
static void endless_case(void)
{
	const uint64_t bytes = 8 * TIB;
	struct child child = start(PAGE);
	unsigned steps;

	if (scanning) {
		end(&child);
		return; /* the kernel skips it all at once */
	}
	(void)child_ask(&child, FILL, BASE, PAGE);
	ck_assert_uint_lt(
		map_other(&child, 0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS),
		UINT64_MAX - PAGE);
	ck_assert_int_eq(walk_open(&child, ADVISE_COLD, ALL), 0);
	ck_assert_int_eq(walk_on(32 * MIB, &steps), 0);
	ck_assert_uint_ge(walk.advised_bytes, PAGE);
	ck_assert_uint_le(steps, 100);
	advise_close(&walk);
	end(&child);
}

START_TEST(endless_and_empty)
{
	both_ways(endless_case, false);
}
END_TEST

/* -- chosen --------------------------------------------------------------------------------------
 */

static void open_spans(const struct child *child, enum advise_verb verb, uint64_t budget_bytes,
		       const struct advise_span *spans, size_t n)
{
	int r;

	if (pidfd < 0) {
		pidfd = pidpin_open(child->pid);
		ck_assert_int_ge(pidfd, 0);
		ck_assert_int_eq(procfs_open("/proc", &procfs), 0);
	}
	r = advise_open_spans(&walk, &procfs, child->pid, pidfd, verb, budget_bytes, spans, n);
	ck_assert_int_eq(r, 0);
	if (!scanning)
		walk.map.scan = false;
}

/* In the order given, to the page, and nothing else: the last one only as far as the budget goes,
 * and where one holds less than was thought the next ones make up for it. */
static void spans_case(void)
{
	struct child child = start(8 * MIB);
	const struct advise_span spans[] = {
		{BASE + 6 * MIB, BASE + 7 * MIB},
		{BASE + 4 * MIB, BASE + 5 * MIB}, /* a quarter of it is there */
		{BASE, BASE + MIB},
		{BASE + 2 * MIB, BASE + 3 * MIB},
	};
	uint64_t budget = 2 * MIB + 5 * PAGE;
	unsigned steps;

	for (uint64_t step_bytes = 100 * PAGE; step_bytes <= 64 * MIB; step_bytes *= 8) {
		renew(&child, BASE, 8 * MIB);
		(void)child_ask(&child, FILL, BASE, 4 * MIB);
		(void)child_ask(&child, FILL_EVERY | 4 << 8, BASE + 4 * MIB, MIB);
		(void)child_ask(&child, FILL, BASE + 5 * MIB, 3 * MIB);
		open_spans(&child, ADVISE_PAGEOUT, budget + 123, spans, ROWS(spans));
		ck_assert_int_eq(walk_on(step_bytes, &steps), 0);
		advise_close(&walk);
		EXPECT(walk.advised_bytes, budget);
		EXPECT(look(&child, BASE + 6 * MIB, MIB).swapped, MIB);
		EXPECT(look(&child, BASE + 4 * MIB, MIB).swapped, MIB / 4);
		EXPECT(look(&child, BASE, MIB).swapped, MIB * 3 / 4 + 5 * PAGE);
		EXPECT(look(&child, BASE, 8 * MIB).swapped, budget);
		/* back in, of these only */
		open_spans(&child, ADVISE_BACK, ALL, spans, 2);
		ck_assert_int_eq(walk_on(step_bytes, &steps), 0);
		advise_close(&walk);
		EXPECT(look(&child, BASE + 4 * MIB, 4 * MIB).swapped, 0);
		EXPECT(look(&child, BASE, MIB).swapped, MIB * 3 / 4 + 5 * PAGE);
		expect_contents(&child, BASE, 8 * MIB, 7 * MIB + MIB / 4);
	}
	end(&child);
}

START_TEST(chosen_parts_in_their_order)
{
	both_ways(spans_case, true);
}
END_TEST

/* No part at all is the end, not all of the process; nor does a part that isn't there any more, or
 * is locked by now, keep the others from their turn. */
static void odd_spans_case(void)
{
	struct child child = start(4 * MIB);
	const struct advise_span spans[] = {
		{BASE + 64 * MIB, BASE + 65 * MIB}, /* nothing is mapped there */
		{BASE, BASE + MIB},		    /* locked */
		{BASE + 2 * MIB, BASE + 3 * MIB},
	};
	unsigned steps;

	(void)child_ask(&child, FILL, BASE, 4 * MIB);
	open_spans(&child, ADVISE_PAGEOUT, ALL, NULL, 0);
	ck_assert_int_eq(walk_on(MIB, &steps), 0);
	advise_close(&walk);
	ck_assert_uint_eq(walk.advised_bytes + walk.refused_bytes, 0);
	ck_assert_uint_eq(child_ask(&child, LOCK, BASE, MIB), 0);
	open_spans(&child, ADVISE_PAGEOUT, ALL, spans, ROWS(spans));
	ck_assert_int_eq(walk_on(32 * MIB, &steps), 0);
	advise_close(&walk);
	EXPECT(walk.advised_bytes, MIB);
	ck_assert_uint_eq(walk.refused_bytes, MIB);
	ck_assert_uint_eq(walk.refused_ranges, 1);
	ck_assert_int_eq(walk.refused_error, -EINVAL);
	EXPECT(look(&child, BASE + 2 * MIB, MIB).swapped, MIB);
	EXPECT(look(&child, BASE, MIB).resident, MIB);
	expect_contents(&child, BASE, 4 * MIB, 4 * MIB);
	end(&child);
}

START_TEST(chosen_parts_that_changed)
{
	both_ways(odd_spans_case, true);
}
END_TEST

/* -- back ----------------------------------------------------------------------------------------
 */

static void back_case(void)
{
	struct child child = start(8 * MIB);
	uint64_t before, out, after;
	struct pages pages;

	(void)child_ask(&child, FILL, BASE, 8 * MIB);
	before = child_facts(&child).swap_bytes;
	(void)advise(&child, ADVISE_PAGEOUT, 8 * MIB, 32 * MIB);
	out = child_facts(&child).swap_bytes - before;
	/* the kernel counts in batches of some pages for each CPU */
	ck_assert_uint_ge(out + 512 * KIB, 8 * MIB);
	EXPECT(advise(&child, ADVISE_BACK, 3 * MIB, 32 * MIB), 3 * MIB);
	ck_assert(!walk.touch_denied);
	pages = look(&child, BASE, 8 * MIB);
	EXPECT(pages.resident, 3 * MIB);
	EXPECT(pages.swapped, 5 * MIB);
	EXPECT(advise(&child, ADVISE_BACK, 5 * MIB, MIB), 5 * MIB);
	EXPECT(look(&child, BASE, 8 * MIB).resident, 8 * MIB);
	after = child_facts(&child).swap_bytes;
	ck_assert_uint_le(after, before + 512 * KIB);
	expect_contents(&child, BASE, 8 * MIB, 8 * MIB);
	/* with nothing out there is nothing to do */
	if (!whole_is_slow()) {
		(void)advise(&child, ADVISE_BACK, ALL, MIB);
		EXPECT(advise(&child, ADVISE_BACK, ALL, MIB), 0);
	}
	end(&child);
}

START_TEST(back_brings_it_all_back)
{
	both_ways(back_case, true);
}
END_TEST

/* Guard pages (thread stacks of glibc 2.42 have them) look swapped, and can't be touched: what
 * lies behind one comes back too. */
static void guard_case(void)
{
	struct child child = start(MIB);

	(void)child_ask(&child, FILL, BASE, MIB);
	if (child_ask(&child, ADVISE | GUARD_INSTALL << 8, BASE + 8 * PAGE, PAGE) != 0) {
		printf("skipped: no guard pages on this kernel\n");
		end(&child);
		return;
	}
	(void)advise(&child, ADVISE_PAGEOUT, MIB - PAGE, 32 * MIB);
	EXPECT(look(&child, BASE, 8 * PAGE).swapped, 8 * PAGE);
	EXPECT(look(&child, BASE + 9 * PAGE, MIB - 9 * PAGE).swapped, MIB - 9 * PAGE);
	(void)advise(&child, ADVISE_BACK, MIB, 32 * MIB);
	EXPECT(look(&child, BASE, 8 * PAGE).resident, 8 * PAGE);
	EXPECT(look(&child, BASE + 9 * PAGE, MIB - 9 * PAGE).resident, MIB - 9 * PAGE);
	end(&child);
}

START_TEST(back_goes_past_guard_pages)
{
	both_ways(guard_case, true);
}
END_TEST

/* -- gone ----------------------------------------------------------------------------------------
 */

static void dying_case(void)
{
	/* after so many steps; the last is within the last region that matters */
	static const unsigned when[] = {0, 1, 2, 7};

	for (size_t i = 0; i < 2 * ROWS(when); i++) {
		struct child child = start(MIB);
		bool reap = i >= ROWS(when);
		int r = 1;

		(void)child_ask(&child, FILL, BASE, MIB);
		ck_assert_int_eq(walk_open(&child, ADVISE_COLD, ALL), 0);
		for (unsigned step = 0; step < when[i % ROWS(when)]; step++)
			ck_assert_int_eq(advise_step(&walk, 64 * KIB), 1);
		child_kill(&child);
		if (reap)
			child_reap(&child);
		for (int step = 0; r == 1 && step < 10000; step++)
			r = advise_step(&walk, 64 * KIB);
		ck_assert_msg(r == -ESRCH, "after %u steps, %s: %d", when[i % ROWS(when)],
			      reap ? "reaped" : "a zombie", r);
		advise_close(&walk);
		/* and can't be begun any more */
		ck_assert_int_eq(walk_open(&child, ADVISE_COLD, ALL), -ESRCH);
		ck_assert_int_eq(walk.regions.lines.fd, -1);
		ck_assert_int_eq(walk.map.fd, -1);
		if (!reap)
			child_reap(&child);
		close_fd(&pidfd);
		procfs_close(&procfs);
	}
}

START_TEST(dies_in_the_middle)
{
	both_ways(dying_case, false);
}
END_TEST

/* The files are opened by number: of a process that isn't the one held, they are of no use. */
START_TEST(another_process_under_the_number)
{
	struct child held = child_start(child_idles), other = child_start(child_idles);
	int fd = pidpin_open(held.pid);

	child_end(&held);
	ck_assert_int_eq(procfs_open("/proc", &procfs), 0);
	ck_assert_int_eq(advise_open(&walk, &procfs, other.pid, fd, ADVISE_COLD, ALL), -ESRCH);
	ck_assert_int_eq(walk.regions.lines.fd, -1);
	ck_assert_int_eq(walk.map.fd, -1);
	child_end(&other);
	(void)close(fd);
	procfs_close(&procfs);
}
END_TEST

/* Another program: its memory is none of ours, and it runs on. */
static void exec_case(void)
{
	struct child child = start(MIB);
	struct message exec = {EXEC, 0, 0};
	uint64_t before;
	int r = 1;

	(void)child_ask(&child, FILL, BASE, MIB);
	ck_assert_int_eq(walk_open(&child, ADVISE_PAGEOUT, ALL), 0);
	ck_assert_int_eq(advise_step(&walk, 64 * KIB), 1);
	ck_assert_int_eq(send(child.socket, &exec, sizeof exec, 0), (ssize_t)sizeof exec);
	ck_assert_int_eq(recv(child.socket, &exec, sizeof exec, 0), 0); /* closed by the exec */
	before = walk.advised_bytes;
	for (int step = 0; r == 1 && step < 10000; step++)
		r = advise_step(&walk, 64 * KIB);
	ck_assert(r == 0 || r == -ESRCH);
	ck_assert_uint_eq(walk.advised_bytes, before);
	advise_close(&walk);
	ck_assert(pidpin_alive(pidfd));
	end(&child);
}

START_TEST(exec_in_the_middle)
{
	both_ways(exec_case, true);
}
END_TEST

/* -- at random -----------------------------------------------------------------------------------
 */

static void random_case(void)
{
	struct series series = series_start(0x616476);

	for (int round = 0; round < 30; round++) {
		uint64_t pages = 16 + series_below(&series, 1500), bytes = pages * PAGE, filled = 0;
		struct child child = start(bytes);
		uint64_t out, back;

		for (uint64_t at = 0; at < pages;) {
			uint64_t n = 1 + series_below(&series, series_below(&series, 3) ? 4 : 200);

			n = u64_min(n, pages - at);
			if (series_below(&series, 2)) {
				(void)child_ask(&child, FILL, BASE + at * PAGE, n * PAGE);
				filled += n * PAGE;
			}
			at += n;
		}
		out = series_below(&series, filled / PAGE + 1) * PAGE;
		EXPECT(advise(&child, ADVISE_PAGEOUT, out + series_below(&series, PAGE),
			      1 + series_below(&series, bytes)),
		       out);
		EXPECT(look(&child, BASE, bytes).swapped, out);
		back = series_below(&series, out / PAGE + 1) * PAGE;
		ck_assert_uint_eq(
			advise(&child, ADVISE_BACK, back, 1 + series_below(&series, bytes)), back);
		EXPECT(look(&child, BASE, bytes).swapped, out - back);
		EXPECT(look(&child, BASE, bytes).none, bytes - filled);
		expect_contents(&child, BASE, bytes, filled);
		end(&child);
	}
}

START_TEST(at_random)
{
	both_ways(random_case, true);
}
END_TEST

/* The kernel keeps new pages in a list for each CPU before they can be moved out: on one CPU, the
 * advice finds them all. */
static void stay_on_one_cpu(void)
{
	cpu_set_t all, one;

	CPU_ZERO(&one);
	if (sched_getaffinity(0, sizeof all, &all) < 0)
		return;
	for (size_t i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &all)) {
			CPU_SET(i, &one);
			break;
		}
	(void)sched_setaffinity(0, sizeof one, &one);
}

int main(void)
{
	const TTest *const tests[] = {
		budget_to_the_page,
		steps_of_any_size,
		untouched_stays_untouched,
		locked_is_refused_and_counted,
		other_kinds_are_left_alone,
		shared_after_fork,
		every_second_page,
		five_thousand_regions,
		wide_and_empty,
		endless_and_empty,
		chosen_parts_in_their_order,
		chosen_parts_that_changed,
		back_brings_it_all_back,
		back_goes_past_guard_pages,
		dies_in_the_middle,
		another_process_under_the_number,
		exec_in_the_middle,
		at_random,
	};
	struct swaparea area;
	int status;

	have_swap = swaparea_open(&area);
	stay_on_one_cpu();
	status = RUN_TESTS("advise", tests);
	swaparea_close(&area);
	return status;
}
