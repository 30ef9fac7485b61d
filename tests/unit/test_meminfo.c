/* SPDX-License-Identifier: MIT */
#include "sys/meminfo.h"

#include "base/cleanup.h"
#include "unit/builders.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Linux 6.18, cut to what is ours and its neighbours of similar names */
static const char modern[] = "MemTotal:       24731708 kB\n"
			     "MemFree:        22941432 kB\n"
			     "MemAvailable:   24143880 kB\n"
			     "Buffers:           38620 kB\n"
			     "Cached:          1330396 kB\n"
			     "SwapCached:          512 kB\n"
			     "Active:           345136 kB\n"
			     "Inactive:        1044000 kB\n"
			     "Active(anon):       1008 kB\n"
			     "Inactive(anon):    27968 kB\n"
			     "Active(file):     344128 kB\n"
			     "Inactive(file):  1016032 kB\n"
			     "Unevictable:       16180 kB\n"
			     "SwapTotal:       2097148 kB\n"
			     "SwapFree:        2097000 kB\n"
			     "Zswap:                 0 kB\n"
			     "Dirty:             33100 kB\n"
			     "Writeback:             4 kB\n"
			     "AnonPages:         36456 kB\n"
			     "Mapped:            12992 kB\n"
			     "CommitLimit:    14463000 kB\n"
			     "Committed_AS:     152632 kB\n"
			     "Shmem:              8856 kB\n"
			     "WritebackTmp:          0 kB\n"
			     "ShmemHugePages:        0 kB\n"
			     "HugePages_Total:       0\n"
			     "Hugepagesize:       2048 kB\n"
			     "DirectMap4k:       20480 kB\n";

/* Linux 2.6.32 */
static const char ancient[] = "MemTotal:        1918908 kB\n"
			      "MemFree:          123456 kB\n"
			      "Buffers:           65536 kB\n"
			      "Cached:           700000 kB\n"
			      "SwapCached:            0 kB\n"
			      "SwapTotal:             0 kB\n"
			      "SwapFree:              0 kB\n"
			      "Dirty:               100 kB\n"
			      "Writeback:             0 kB\n"
			      "AnonPages:        500000 kB\n"
			      "Shmem:              1000 kB\n";

static int parse(const char *text, struct mem_facts *ret)
{
	return meminfo_parse(text, strlen(text), ret);
}

/* The text is refused, and nothing is changed. */
static void expect_refused(const char *name, const char *text, size_t len)
{
	struct mem_facts facts, untouched;
	char *copy = malloc(len + 1); /* so that a sanitizer sees a byte too many */

	memcpy(copy, text, len);
	memset(&facts, 0x5a, sizeof facts);
	untouched = facts;
	ck_assert_msg(meminfo_parse(copy, len, &facts) == -EBADMSG, "%s: taken", name);
	ck_assert_msg(memcmp(&facts, &untouched, sizeof facts) == 0, "%s: changed", name);
	free(copy);
}

/* modern with the line of key replaced by line, or without it. */
static const char *with_line(const char *key, const char *line)
{
	static char buf[sizeof modern + 200];
	const char *at = strstr(modern, key), *end;

	ck_assert_ptr_nonnull(at);
	ck_assert(at == modern || at[-1] == '\n');
	end = strchr(at, '\n') + 1;
	(void)snprintf(buf, sizeof buf, "%.*s%s%s", (int)(at - modern), modern, line, end);
	return buf;
}

START_TEST(takes_real_ones)
{
	struct mem_facts facts;

	ck_assert_int_eq(parse(modern, &facts), 0);
	ck_assert_uint_eq(facts.total_bytes, 24731708 * KIB);
	ck_assert_uint_eq(facts.free_bytes, 22941432 * KIB);
	ck_assert_uint_eq(facts.available_bytes, 24143880 * KIB);
	ck_assert_uint_eq(facts.buffers_bytes, 38620 * KIB);
	ck_assert_uint_eq(facts.cached_bytes, 1330396 * KIB);
	ck_assert_uint_eq(facts.swap_cached_bytes, 512 * KIB);
	ck_assert_uint_eq(facts.anon_lru_bytes, (1008 + 27968) * KIB);
	ck_assert_uint_eq(facts.anon_mapped_bytes, 36456 * KIB);
	ck_assert_uint_eq(facts.swap_total_bytes, 2097148 * KIB);
	ck_assert_uint_eq(facts.swap_free_bytes, 2097000 * KIB);
	ck_assert_uint_eq(facts.dirty_bytes, 33100 * KIB);
	ck_assert_uint_eq(facts.writeback_bytes, 4 * KIB);
	ck_assert_uint_eq(facts.shmem_bytes, 8856 * KIB);
	ck_assert_uint_eq(facts.commit_limit_bytes, 14463000 * KIB);
	ck_assert_uint_eq(facts.committed_bytes, 152632 * KIB);
	ck_assert(facts.has_available);

	ck_assert_int_eq(parse(ancient, &facts), 0);
	ck_assert(!facts.has_available);
	ck_assert_uint_eq(facts.available_bytes, 0);
	ck_assert_uint_eq(facts.cached_bytes, 700000 * KIB);
	ck_assert_uint_eq(facts.anon_lru_bytes, 0);
}
END_TEST

/* Cut at any byte: refused, or at the end of a line with all that must be there, and right. */
START_TEST(torn_anywhere)
{
	static const char *const samples[] = {modern, ancient};

	for (size_t s = 0; s < ROWS(samples); s++) {
		size_t len = strlen(samples[s]), taken = 0;
		struct mem_facts whole;

		ck_assert_int_eq(parse(samples[s], &whole), 0);
		for (size_t cut = 0; cut < len; cut++) {
			char *copy = malloc(cut + 1);
			struct mem_facts facts = {0};
			int r;

			memcpy(copy, samples[s], cut);
			r = meminfo_parse(copy, cut, &facts);
			free(copy);
			if (r < 0) {
				ck_assert_int_eq(r, -EBADMSG);
				continue;
			}
			taken++;
			ck_assert_msg(samples[s][cut - 1] == '\n', "cut at %zu is taken", cut);
			ck_assert_uint_eq(facts.total_bytes, whole.total_bytes);
			ck_assert_uint_eq(facts.free_bytes, whole.free_bytes);
			ck_assert_uint_eq(facts.available_bytes, whole.available_bytes);
			ck_assert_uint_eq(facts.buffers_bytes, whole.buffers_bytes);
			ck_assert_uint_eq(facts.cached_bytes, whole.cached_bytes);
			ck_assert_uint_eq(facts.swap_total_bytes, whole.swap_total_bytes);
			ck_assert_uint_eq(facts.swap_free_bytes, whole.swap_free_bytes);
			ck_assert_int_eq(facts.has_available, whole.has_available);
		}
		ck_assert_uint_gt(taken, 0); /* whole lines behind SwapFree may be missing */
	}
}
END_TEST

START_TEST(missing_doubled_malformed)
{
	static const struct {
		const char *key, *line;
	} rows[] = {
		{"MemTotal:", ""},
		{"MemFree:", ""},
		{"SwapTotal:", ""},
		{"SwapFree:", ""},
		{"MemTotal:", "MemTotal: 1 kB\nMemTotal: 1 kB\n"},
		{"Cached:", "Cached: 1 kB\nCached: 1 kB\n"},
		{"Shmem:", "Shmem: 1 kB\nSwapTotal: 0 kB\n"},
		{"MemFree:", "MemFree:\n"},
		{"MemFree:", "MemFree: kB\n"},
		{"MemFree:", "MemFree: 1\n"},
		{"MemFree:", "MemFree: 1 KB\n"},
		{"MemFree:", "MemFree: 1 MB\n"},
		{"MemFree:", "MemFree: 1 kB \n"},
		{"MemFree:", "MemFree: 1  kB\n"},
		{"MemFree:", "MemFree: 1kB\n"},
		{"MemFree:", "MemFree: -1 kB\n"},
		{"MemFree:", "MemFree: +1 kB\n"},
		{"MemFree:", "MemFree: 1.5 kB\n"},
		{"MemFree:", "MemFree: 0x10 kB\n"},
		{"MemFree:", "MemFree: 1 kB\r\n"},
		{"MemFree:", "MemFree 1 kB\n"},
		{"MemFree:", " MemFree: 1 kB\n"},
		{"MemFree:", "memfree: 1 kB\n"},
		/* 2^64 KiB, 2^64 bytes, and the first that doesn't fit */
		{"MemFree:", "MemFree: 18446744073709551616 kB\n"},
		{"MemFree:", "MemFree: 18446744073709551615 kB\n"},
		{"MemFree:", "MemFree: 18014398509481984 kB\n"},
		{"MemFree:", "MemFree: 99999999999999999999999999999 kB\n"},
		{"Shmem:", "Shmem: 18014398509481984 kB\n"},
		/* nor where it isn't used on this kernel */
		{"Buffers:", "Buffers: lots kB\n"},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		const char *text = with_line(rows[i].key, rows[i].line);
		char name[200];

		(void)snprintf(name, sizeof name, "%s -> %s", rows[i].key, rows[i].line);
		expect_refused(name, text, strlen(text));
	}
	expect_refused("nothing", "", 0);
	expect_refused("newlines", "\n\n\n", 3);
	expect_refused("a NUL in the middle", modern, sizeof modern); /* with its NUL */
}
END_TEST

START_TEST(what_may_be_missing)
{
	static const char *const optional[] = {
		"Buffers:", "Cached:",	  "SwapCached:", "Active(anon):", "Inactive(anon):",
		"Dirty:",   "Writeback:", "AnonPages:",	 "Shmem:",	  "Unevictable:",
	};
	struct mem_facts facts;

	for (size_t i = 0; i < ROWS(optional); i++)
		ck_assert_msg(parse(with_line(optional[i], ""), &facts) == 0, "%s", optional[i]);
	/* anonymous memory with nothing to compare it with says nothing of the swap cache */
	ck_assert_int_eq(parse(with_line("AnonPages:", ""), &facts), 0);
	ck_assert_uint_eq(facts.anon_lru_bytes, 0);
	ck_assert_int_eq(parse(with_line("Shmem:", ""), &facts), 0);
	ck_assert_uint_eq(facts.anon_lru_bytes, 0);
	ck_assert_int_eq(parse(with_line("MemAvailable:", ""), &facts), 0);
	ck_assert(!facts.has_available);
	ck_assert_int_eq(parse(with_line("MemAvailable:", "Unknown: words and 1 MB\n"), &facts), 0);
	/* the old rule needs both of its figures */
	expect_refused("old kernel without Buffers",
		       ancient + strlen("MemTotal:        1918908 kB\n"),
		       strlen(ancient) - strlen("MemTotal:        1918908 kB\n"));
	for (int i = 0; i < 2; i++) {
		char text[sizeof ancient];
		char *line;

		memcpy(text, ancient, sizeof ancient);
		line = strstr(text, i == 0 ? "\nBuffers" : "\nCached");
		line[1] = 'X';
		expect_refused("old kernel without one of its figures", text, strlen(text));
	}
}
END_TEST

START_TEST(extremes)
{
	struct mem_facts facts;

	ck_assert_int_eq(parse(with_line("MemFree:", "MemFree: 0 kB\n"), &facts), 0);
	ck_assert_uint_eq(facts.free_bytes, 0);
	ck_assert_int_eq(parse(with_line("MemFree:", "MemFree:1 kB\n"), &facts), 0);
	ck_assert_uint_eq(facts.free_bytes, KIB);
	ck_assert_int_eq(
		parse(with_line("MemFree:", "MemFree: 00000000000000000000001 kB\n"), &facts), 0);
	ck_assert_uint_eq(facts.free_bytes, KIB);
	/* the largest that fits into 64 bits */
	ck_assert_int_eq(parse(with_line("MemFree:", "MemFree: 18014398509481983 kB\n"), &facts),
			 0);
	ck_assert_uint_eq(facts.free_bytes, UINT64_MAX - KIB + 1);
	ck_assert_int_eq(
		parse(with_line("Active(anon):", "Active(anon): 18014398509481983 kB\n"), &facts),
		0);
	ck_assert_uint_eq(facts.anon_lru_bytes, UINT64_MAX); /* the sum saturates */
}
END_TEST

/* -- reading ------------------------------------------------------------------------------- */

static char directory[] = "/tmp/test_meminfo.XXXXXX";

static void write_meminfo(const char *text)
{
	char path[sizeof directory + 10];
	_cleanup_close_ int fd = -1;

	(void)snprintf(path, sizeof path, "%s/meminfo", directory);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

START_TEST(reads_and_starts_afresh)
{
	struct procfs procfs;
	struct mem_facts facts;
	char big[PROCFS_FILE_MAX + 1];
	int fd = -1;

	ck_assert_int_eq(procfs_open(directory, &procfs), 0);
	memset(&facts, 0x5a, sizeof facts);
	ck_assert_int_eq(meminfo_read(&procfs, &fd, &facts), -ENOENT);
	fd = -1;
	write_meminfo(modern);
	ck_assert_int_eq(meminfo_read(&procfs, &fd, &facts), 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_uint_eq(facts.total_bytes, 24731708 * KIB);

	/* through the kept descriptor, from the beginning */
	write_meminfo(with_line("MemFree:", "MemFree: 7 kB\n"));
	ck_assert_int_eq(meminfo_read(&procfs, &fd, &facts), 0);
	ck_assert_uint_eq(facts.free_bytes, 7 * KIB);

	/* torn: the old facts stay, the descriptor is given up */
	write_meminfo("MemTotal: 1");
	ck_assert_int_eq(meminfo_read(&procfs, &fd, &facts), -EBADMSG);
	ck_assert_int_eq(fd, -1);
	ck_assert_uint_eq(facts.free_bytes, 7 * KIB);

	memset(big, '\n', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	write_meminfo(big);
	ck_assert_int_eq(meminfo_read(&procfs, &fd, &facts), -EFBIG);
	ck_assert_int_eq(fd, -1);

	write_meminfo(ancient);
	ck_assert_int_eq(meminfo_read(&procfs, &fd, &facts), 0);
	ck_assert(!facts.has_available);
	close_fd(&fd);
	procfs_close(&procfs);
}
END_TEST

START_TEST(reads_the_real_one)
{
	struct procfs procfs;
	struct mem_facts facts = {0};
	int fd = -1;

	ck_assert_int_eq(procfs_open("/proc", &procfs), 0);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(meminfo_read(&procfs, &fd, &facts), 0);
		ck_assert_uint_gt(facts.total_bytes, MIB);
		ck_assert_uint_le(facts.free_bytes, facts.total_bytes);
		ck_assert_uint_le(facts.swap_free_bytes, facts.swap_total_bytes);
		ck_assert(facts.has_available);
	}
	close_fd(&fd);
	procfs_close(&procfs);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		takes_real_ones,     torn_anywhere, missing_doubled_malformed,
		what_may_be_missing, extremes,	    reads_and_starts_afresh,
		reads_the_real_one,
	};
	char path[sizeof directory + 10];
	int status;

	if (!mkdtemp(directory))
		return 1;
	status = RUN_TESTS("meminfo", tests);
	(void)snprintf(path, sizeof path, "%s/meminfo", directory);
	(void)unlink(path);
	(void)rmdir(directory);
	return status;
}
