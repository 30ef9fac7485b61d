/* SPDX-License-Identifier: MIT */
/* The page map of ourselves, scanned (Linux 6.7) and read entry by entry. Swapped pages are a
 * matter of test_advise, which has a swap area. */
#include "sys/pagemap.h"

#include "base/cleanup.h"
#include "unit/builders.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define PAGE UINT64_C(4096)
#define PAGES_MAX 8192
#define RANGES_MAX 8192

static struct procfs procfs;
static struct pagemap map;
static bool can_scan;
static char *memory; /* PAGES_MAX pages of our own */
static bool found[PAGES_MAX];

static void open_map(void)
{
	memory = mmap(NULL, PAGES_MAX * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		      -1, 0);
	ck_assert_ptr_ne(memory, MAP_FAILED);
	ck_assert_int_eq(madvise(memory, PAGES_MAX * PAGE, MADV_NOHUGEPAGE), 0);
	ck_assert_int_eq(procfs_open("/proc", &procfs), 0);
	ck_assert_int_eq(pagemap_open(&procfs, getpid(), &map), 0);
	ck_assert_int_ge(map.fd, 0);
	ck_assert_uint_eq(map.page_bytes, PAGE);
	can_scan = map.scan;
	if (!can_scan)
		printf("skipped in part: no PAGEMAP_SCAN\n");
}

static void close_map(void)
{
	pagemap_close(&map);
	ck_assert_int_eq(map.fd, -1);
	procfs_close(&procfs);
	(void)munmap(memory, PAGES_MAX * PAGE);
}

static void touch(size_t page)
{
	memory[page * PAGE] = 1;
}

static void read_page(size_t page)
{
	(void)*(volatile char *)(memory + page * PAGE);
}

/* One call; marks what it found, which must be in order, within bounds and of whole pages. */
static ssize_t find(uint64_t *at, uint64_t end, uint64_t max_bytes, size_t cap)
{
	static struct iovec ranges[RANGES_MAX + 1];
	uint64_t start = *at, last = *at, sum = 0;
	size_t twice = 0;
	ssize_t n;

	memset(&ranges[cap], 0x5a, sizeof *ranges);
	n = pagemap_find(&map, PAGEMAP_RESIDENT, at, end, max_bytes, ranges, cap);
	ck_assert_int_ge(n, 0);
	ck_assert_int_le(n, (ssize_t)cap);
	ck_assert_uint_eq(ranges[cap].iov_len, UINT64_C(0x5a5a5a5a5a5a5a5a));
	ck_assert_uint_ge(*at, start);
	ck_assert_uint_le(*at, end);
	for (ssize_t i = 0; i < n; i++) {
		uint64_t from = (uintptr_t)ranges[i].iov_base, len = ranges[i].iov_len;

		ck_assert(from % PAGE == 0 && len % PAGE == 0 && len > 0);
		ck_assert_uint_ge(from, last);
		last = from + len;
		ck_assert_uint_le(last, *at);
		sum += len;
		for (uint64_t page = from; page < last; page += PAGE) {
			size_t index = (page - (uintptr_t)memory) / PAGE;

			twice += found[index];
			found[index] = true;
		}
	}
	ck_assert_msg(twice == 0, "%zu pages are found twice", twice);
	ck_assert_msg(sum <= max_bytes, "%llu bytes, %llu at most", (unsigned long long)sum,
		      (unsigned long long)max_bytes);
	return n;
}

/* All of first to end - 1, with so many bytes and ranges at a call. How many pages there are. */
static size_t find_all(size_t first, size_t end, uint64_t max_bytes, size_t cap)
{
	uint64_t at = (uintptr_t)memory + first * PAGE, stop = (uintptr_t)memory + end * PAGE;
	size_t n = 0, calls = 0;

	memset(found, 0, sizeof found);
	while (at < stop) {
		uint64_t before = at;

		(void)find(&at, stop, max_bytes, cap);
		ck_assert_uint_gt(at, before);
		ck_assert_uint_le(++calls, end - first + 1);
	}
	for (size_t i = 0; i < PAGES_MAX; i++)
		n += found[i];
	return n;
}

static void both_ways(void (*run)(void))
{
	open_map();
	map.scan = false;
	run();
	map.scan = can_scan;
	if (can_scan) {
		ck_assert_int_eq(madvise(memory, PAGES_MAX * PAGE, MADV_DONTNEED), 0);
		run();
	}
	close_map();
}

static void exact_case(void)
{
	static const size_t touched[] = {0,   1,    2,	  5,	7,    511, 512,
					 513, 1023, 1024, 1025, 4000, 8191};
	size_t n = 0;

	ck_assert_uint_eq(find_all(0, PAGES_MAX, UINT64_MAX, 512), 0);
	for (size_t i = 0; i < ROWS(touched); i++)
		touch(touched[i]);
	ck_assert_uint_eq(find_all(0, PAGES_MAX, UINT64_MAX, 512), ROWS(touched));
	for (size_t i = 0; i < PAGES_MAX; i++) {
		bool expected = n < ROWS(touched) && touched[n] == i;

		ck_assert_msg(found[i] == expected, "page %zu", i);
		n += expected;
	}
	/* within bounds */
	ck_assert_uint_eq(find_all(1, 8, UINT64_MAX, 512), 4);
	ck_assert(!found[0] && found[1] && found[2] && found[5] && found[7]);
	ck_assert_uint_eq(find_all(512, 513, UINT64_MAX, 512), 1);
	ck_assert_uint_eq(find_all(3, 5, UINT64_MAX, 512), 0);
}

START_TEST(exactly_what_was_touched)
{
	both_ways(exact_case);
}
END_TEST

static void max_case(void)
{
	uint64_t at = (uintptr_t)memory, end = at + PAGES_MAX * PAGE;

	for (size_t i = 0; i < 3000; i++)
		touch(i);
	memset(found, 0, sizeof found);
	ck_assert_int_eq(find(&at, end, 0, 512), 0);
	ck_assert_int_eq(find(&at, end, PAGE - 1, 512), 0);
	ck_assert_uint_eq(at, (uintptr_t)memory); /* didn't look */
	ck_assert_int_eq(find(&at, end, PAGE, 512), 1);
	ck_assert_uint_eq(at, (uintptr_t)memory + PAGE);
	ck_assert_int_eq(find(&at, end, 3 * PAGE - 1, 512), 1);
	ck_assert_uint_eq(at, (uintptr_t)memory + 3 * PAGE);
	ck_assert_int_eq(find(&at, end, 500 * PAGE, 512), 1);
	ck_assert_uint_eq(at, (uintptr_t)memory + 503 * PAGE);
	for (uint64_t max = PAGE; max < 5000 * PAGE; max = max * 3 + PAGE)
		ck_assert_uint_eq(find_all(0, PAGES_MAX, max, 512), 3000);
}

START_TEST(max_bytes_to_the_page)
{
	both_ways(max_case);
}
END_TEST

static void cap_case(void)
{
	static const size_t caps[] = {1, 2, 3, 127, 128, 129, 512};

	for (size_t i = 0; i < PAGES_MAX; i += 2) /* 4,096 ranges */
		touch(i);
	for (size_t c = 0; c < ROWS(caps); c++) {
		ck_assert_uint_eq(find_all(0, 1000, UINT64_MAX, caps[c]), 500);
		for (size_t i = 0; i < 1000; i++)
			ck_assert_msg(found[i] == (i % 2 == 0), "cap %zu, page %zu", caps[c], i);
	}
	/* a full table in the middle of a range that goes on */
	for (size_t i = 0; i < 10; i++)
		touch(i);
	ck_assert_uint_eq(find_all(0, 20, 3 * PAGE, 1), 15);
	ck_assert_uint_eq(find_all(0, PAGES_MAX, UINT64_MAX, RANGES_MAX), 4096 + 5);
}

START_TEST(goes_on_where_the_table_was_full)
{
	both_ways(cap_case);
}
END_TEST

/* The shared zero page is nobody's memory; reading the map can't tell it from others. */
static void zero_case(void)
{
	for (size_t i = 0; i < 100; i++)
		read_page(i);
	for (size_t i = 0; i < 100; i += 10)
		touch(i);
	ck_assert_uint_eq(find_all(0, 200, UINT64_MAX, 512), map.scan ? 10 : 100);
}

START_TEST(zero_pages)
{
	both_ways(zero_case);
}
END_TEST

/* Pages of files are none of ours; copies of them that were written to are. */
static void file_case(void)
{
	FILE *file = tmpfile();
	char *own, *at = memory + 100 * PAGE;

	ck_assert_int_eq(ftruncate(fileno(file), 64 * PAGE), 0);
	own = mmap(at, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, fileno(file), 0);
	ck_assert_ptr_eq(own, at);
	for (size_t i = 0; i < 64; i++)
		read_page(100 + i);
	ck_assert_uint_eq(find_all(0, 200, UINT64_MAX, 512), 0);
	touch(110);
	touch(111);
	ck_assert_uint_eq(find_all(0, 200, UINT64_MAX, 512), 2);
	ck_assert(found[110] && found[111]);
	/* shared anonymous memory is a file to the kernel */
	own = mmap(at, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | MAP_ANONYMOUS,
		   -1, 0);
	ck_assert_ptr_eq(own, at);
	touch(120);
	ck_assert_uint_eq(find_all(0, 200, UINT64_MAX, 512), 0);
	own = mmap(at, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS,
		   -1, 0);
	ck_assert_ptr_eq(own, at);
	(void)madvise(memory, PAGES_MAX * PAGE, MADV_NOHUGEPAGE);
	(void)fclose(file);
}

START_TEST(file_pages)
{
	both_ways(file_case);
}
END_TEST

static void gone_case(void)
{
	for (size_t i = 0; i < 100; i++)
		touch(i);
	/* given up, unmapped, not readable any more: the last are there all the same */
	ck_assert_int_eq(madvise(memory, 10 * PAGE, MADV_DONTNEED), 0);
	ck_assert_int_eq(munmap(memory + 20 * PAGE, 10 * PAGE), 0);
	ck_assert_int_eq(mprotect(memory + 40 * PAGE, 10 * PAGE, PROT_NONE), 0);
	ck_assert_uint_eq(find_all(0, 200, UINT64_MAX, 512), 80);
	ck_assert(!found[5] && found[15] && !found[25] && found[45]);
	ck_assert_ptr_eq(mmap(memory + 20 * PAGE, 10 * PAGE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1, 0),
			 memory + 20 * PAGE);
	ck_assert_int_eq(mprotect(memory + 40 * PAGE, 10 * PAGE, PROT_READ | PROT_WRITE), 0);
}

START_TEST(what_is_not_there)
{
	both_ways(gone_case);
}
END_TEST

/* Huge pages count by their small ones, and a limit may fall into one. */
/* Guard regions (6.13) look like swapped ones. */
static void guard_case(void)
{
	struct iovec ranges[4];
	uint64_t at = (uintptr_t)memory, end = at + 64 * PAGE;

	if (madvise(memory + 8 * PAGE, 16 * PAGE, 102 /* MADV_GUARD_INSTALL */) < 0) {
		printf("skipped: no guard regions\n");
		return;
	}
	touch(0);
	while (at < end)
		ck_assert_int_eq(
			pagemap_find(&map, PAGEMAP_SWAPPED, &at, end, UINT64_MAX / 2, ranges, 4),
			0);
	ck_assert_int_eq(madvise(memory + 8 * PAGE, 16 * PAGE, 103 /* MADV_GUARD_REMOVE */), 0);
}

START_TEST(guard_regions)
{
	both_ways(guard_case);
}
END_TEST

static void huge_case(void)
{
	char *aligned = memory + (-(uintptr_t)memory & (2 * MIB - 1));
	size_t first = (size_t)(aligned - memory) / PAGE;

	if (madvise(aligned, 4 * MIB, MADV_HUGEPAGE) < 0) {
		printf("skipped in part: no huge pages\n");
		return;
	}
	memset(aligned, 1, 4 * MIB);
	ck_assert_uint_eq(find_all(0, PAGES_MAX, UINT64_MAX, 512), 1024);
	ck_assert(found[first] && found[first + 1023] && !found[first + 1024]);
	for (uint64_t max = 100 * PAGE; max < 1100 * PAGE; max += 177 * PAGE)
		ck_assert_uint_eq(find_all(0, PAGES_MAX, max, 512), 1024);
	ck_assert_uint_eq(find_all(first + 100, first + 200, UINT64_MAX, 512), 100);
	ck_assert_int_eq(madvise(aligned, 4 * MIB, MADV_DONTNEED), 0);
	ck_assert_int_eq(madvise(memory, PAGES_MAX * PAGE, MADV_NOHUGEPAGE), 0);
}

START_TEST(huge_pages)
{
	both_ways(huge_case);
}
END_TEST

/* Both ways find the same, and what was touched, whatever the limits. */
START_TEST(at_random)
{
	static bool touched[PAGES_MAX], by_scan[PAGES_MAX];
	struct series series = series_start(0x706167656d6170);

	open_map();
	for (int round = 0; round < 60; round++) {
		uint64_t longest = 1 + series_below(&series, round % 2 ? 3 : 300);
		size_t first = series_below(&series, 2000);
		size_t end = first + 1 + series_below(&series, PAGES_MAX - first), wrong = 0;

		ck_assert_int_eq(madvise(memory, PAGES_MAX * PAGE, MADV_DONTNEED), 0);
		memset(touched, 0, sizeof touched);
		for (size_t i = 0; i < PAGES_MAX;) {
			size_t n = 1 + series_below(&series, longest);
			bool now = series_below(&series, 2);

			for (; n > 0 && i < PAGES_MAX; n--, i++)
				if (now) {
					touch(i);
					touched[i] = true;
				}
		}
		for (int way = 0; way < 2; way++) {
			map.scan = way == 0 && can_scan;
			(void)find_all(first, end, (1 + series_below(&series, 3000)) * PAGE,
				       1 + series_below(&series, 600));
			for (size_t i = 0; i < PAGES_MAX; i++)
				wrong += found[i] != (touched[i] && i >= first && i < end);
			ck_assert_msg(wrong == 0, "round %d, seed %llx, scan %d: %zu pages", round,
				      (unsigned long long)series.seed, map.scan, wrong);
			if (way == 0)
				memcpy(by_scan, found, sizeof found);
		}
		ck_assert_mem_eq(by_scan, found, sizeof found);
	}
	close_map();
}
END_TEST

START_TEST(of_nobody)
{
	pid_t child = fork();

	if (child == 0)
		_exit(0);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
	ck_assert_int_eq(procfs_open("/proc", &procfs), 0);
	ck_assert_int_eq(pagemap_open(&procfs, child, &map), -ESRCH);
	procfs_close(&procfs);
}
END_TEST

/* Of a process that has ended there is nothing, by either way, and no loop without end. */
START_TEST(of_one_that_ends)
{
	for (int way = 0; way < 4; way++) {
		struct iovec ranges[4];
		uint64_t at, end;
		ssize_t n = 0;
		pid_t child;

		open_map();
		touch(3);
		child = fork();
		if (child == 0) {
			(void)pause();
			_exit(0);
		}
		pagemap_close(&map);
		ck_assert_int_eq(pagemap_open(&procfs, child, &map), 0);
		if (way % 2)
			map.scan = false;
		at = (uintptr_t)memory;
		end = at + PAGES_MAX * PAGE;
		ck_assert_int_eq(pagemap_find(&map, PAGEMAP_RESIDENT, &at, end, PAGE, ranges, 4),
				 1);
		ck_assert_int_eq(kill(child, SIGKILL), 0);
		ck_assert_int_eq(waitid(P_PID, (id_t)child, &(siginfo_t){0},
					WEXITED | (way < 2 ? WNOWAIT : 0)),
				 0);
		for (int i = 0; at < end && i < 100; i++) {
			n = pagemap_find(&map, PAGEMAP_RESIDENT, &at, end, UINT64_MAX, ranges, 4);
			ck_assert_int_le(n, 0);
			if (n < 0)
				break;
		}
		ck_assert(at == end || n < 0);
		if (way < 2)
			ck_assert_int_eq(waitpid(child, NULL, 0), child);
		close_map();
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		exactly_what_was_touched,
		max_bytes_to_the_page,
		goes_on_where_the_table_was_full,
		zero_pages,
		file_pages,
		what_is_not_there,
		guard_regions,
		huge_pages,
		at_random,
		of_nobody,
		of_one_that_ends,
	};

	return RUN_TESTS("pagemap", tests);
}
