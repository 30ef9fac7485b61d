/* SPDX-License-Identifier: MIT */
#include "sys/regions.h"

#include "base/cleanup.h"
#include "unit/builders.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#define PR_SET_VMA_ANON_NAME 0
#endif

#define PAGE 4096u

static int parse(const char *line, struct region *ret)
{
	return region_parse(line, strlen(line), ret);
}

START_TEST(kinds)
{
	static const struct {
		const char *line;
		enum region_kind kind;
	} rows[] = {
		{"55643312e000-55643314f000 rw-p 00000000 00:00 0                          [heap]",
		 REGION_ELIGIBLE},
		{"7fcaa4eb6000-7fcaa4ed8000 rw-p 00000000 00:00 0 ", REGION_ELIGIBLE},
		{"7fcaa4eb6000-7fcaa4ed8000 rw-p 00000000 00:00 0", REGION_ELIGIBLE},
		{"7fcaa4eb6000-7fcaa4ed8000 -w-p 00000000 00:00 0 ", REGION_ELIGIBLE},
		{"7fcaa4eb6000-7fcaa4ed8000 rw-p 00000000 00:00 0    [anon:glibc: malloc]",
		 REGION_ELIGIBLE},
		{"7fcaa4eb6000-7fcaa4ed8000 rw-p 00000000 00:00 0    [anon:]", REGION_ELIGIBLE},
		{"7fcaa4eb6000-7fcaa4ed8000 rw-s 00000000 00:00 0 ", REGION_SHARED},
		{"7fcaa4eb6000-7fcaa4ed8000 rw-s 00000000 00:01 1031  /dev/zero (deleted)",
		 REGION_SHARED},
		{"7fcaa4eb6000-7fcaa4ed8000 rw-s 00000000 00:00 0    [anon_shmem:x]",
		 REGION_SHARED},
		{"7fcaa4eb6000-7fcaa4ed8000 rwxs 00000000 00:01 9    /SYSV00000000 (deleted)",
		 REGION_SHARED},
		{"55642da52000-55642da54000 r--p 00000000 fe:00 247134     /usr/bin/cat",
		 REGION_FILE},
		{"55642da5d000-55642da5e000 rw-p 0000a000 fe:00 247134     /usr/bin/cat",
		 REGION_FILE},
		{"55642da54000-55642da59000 r-xp 00002000 fe:00 247134     /usr/bin/cat (deleted)",
		 REGION_FILE},
		{"55642da54000-55642da59000 rw-p 00002000 fe:00 247134     [heap]", REGION_FILE},
		{"55642da54000-55642da59000 rw-p 00002000 fe:00 247134     [anon:x]", REGION_FILE},
		{"55642da54000-55642da59000 rw-p 00002000 fe:00 247134", REGION_FILE},
		{"55642da54000-55642da59000 rw-p 00002000 fe:00 247134     /a\\012[heap]",
		 REGION_FILE},
		{"7fcaa4eb6000-7fcaa4ed8000 rwxp 00000000 00:00 0 ", REGION_EXECUTABLE},
		{"7fcaa4eb6000-7fcaa4ed8000 --xp 00000000 00:00 0 ", REGION_EXECUTABLE},
		{"7fcaa4eb6000-7fcaa4ed8000 rwxp 00000000 00:00 0 [heap]", REGION_EXECUTABLE},
		{"7fcaa4eb6000-7fcaa4ed8000 rwxp 00000000 00:00 0 [stack]", REGION_EXECUTABLE},
		{"7fcaa512e000-7fcaa5130000 r-xp 00000000 00:00 0  [vdso]", REGION_EXECUTABLE},
		{"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0  [vsyscall]",
		 REGION_EXECUTABLE},
		{"7fcaa4eb6000-7fcaa4ed8000 r--p 00000000 00:00 0 ", REGION_READONLY},
		{"7fcaa4eb6000-7fcaa4ed8000 ---p 00000000 00:00 0 ", REGION_READONLY},
		{"7fcaa5128000-7fcaa512c000 r--p 00000000 00:00 0  [vvar]", REGION_READONLY},
		{"7ffd5ed28000-7ffd5ed49000 rw-p 00000000 00:00 0  [stack]", REGION_STACK},
		{"7ffd5ed28000-7ffd5ed49000 rw-p 00000000 00:00 0  [stack:1234]", REGION_STACK},
		{"7ffd5ed28000-7ffd5ed49000 rw-p 00000000 00:00 0  [anon:stack_and_tls:77]",
		 REGION_STACK},
		{"7ffd5ed28000-7ffd5ed49000 rw-p 00000000 00:00 0  [anon: glibc: pthread stack: 9]",
		 REGION_STACK},
		{"7ffd5ed28000-7ffd5ed49000 rw-p 00000000 00:00 0  [anon: glibc: malloc]",
		 REGION_ELIGIBLE},
		{"7ffd5ed28000-7ffd5ed49000 rw-p 00000000 00:00 0  [uprobes]", REGION_KERNEL},
		{"7ffd5ed28000-7ffd5ed49000 rw-p 00000000 00:00 0  [heap", REGION_KERNEL},
		{"7ffd5ed28000-7ffd5ed49000 rw-p 00000000 00:00 0  [anon", REGION_KERNEL},
		{"7ffd5ed28000-7ffd5ed49000 rw-p 00000000 00:00 0  anon_inode:x", REGION_KERNEL},
		{"7ffd5ed28000-7ffd5ed49000 rw-p 00000000 00:00 0  /dev/x", REGION_KERNEL},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct region region = {0};

		ck_assert_msg(parse(rows[i].line, &region) == 0, "refused: %s", rows[i].line);
		ck_assert_msg(region.kind == rows[i].kind, "%d: %s", (int)region.kind,
			      rows[i].line);
	}
}
END_TEST

START_TEST(addresses)
{
	static const struct {
		const char *line;
		uint64_t start, end;
	} rows[] = {
		{"00008000-00009000 rw-p 00000000 00:00 0", 0x8000, 0x9000},
		{"0-1 rw-p 0 0:0 0", 0, 1},
		{"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0  [vsyscall]",
		 0xffffffffff600000, 0xffffffffff601000},
		{"0000000000000000000008000-00009000 rw-p 00000000 00:00 0", 0x8000, 0x9000},
		{"fffffffffffff000-ffffffffffffffff rw-p 00000000 00:00 0", 0xfffffffffffff000,
		 UINT64_MAX},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct region region = {0};

		ck_assert_msg(parse(rows[i].line, &region) == 0, "refused: %s", rows[i].line);
		ck_assert_uint_eq(region.start, rows[i].start);
		ck_assert_uint_eq(region.end, rows[i].end);
	}
}
END_TEST

/* Inodes are decimal, with up to 20 digits: overlay file systems and NFS have such. */
START_TEST(large_inodes)
{
	static const char *const inodes[] = {
		"9999999999999999",    "10000000000000000",    "72057594037927936",
		"9223372036854775807", "18446744073709551615",
	};

	for (size_t i = 0; i < ROWS(inodes); i++) {
		struct region region = {0};
		char line[200];

		(void)snprintf(line, sizeof line,
			       "7fcaa4eb6000-7fcaa4ed8000 rw-p 00000000 00:2c %s   /usr/lib/x.so",
			       inodes[i]);
		ck_assert_msg(parse(line, &region) == 0, "refused: %s", line);
		ck_assert_uint_eq(region.kind, REGION_FILE);
	}
}
END_TEST

START_TEST(mappings_with_all_that_they_say)
{
	static const char line[] =
		"7fcaa4eb6000-7fcaa4ed8000 r-xp 0002a000 fe:1f 247134     /usr/a b (deleted)";
	struct mapping mapping;

	ck_assert_int_eq(mapping_parse(line, strlen(line), &mapping), 0);
	ck_assert_uint_eq(mapping.start, 0x7fcaa4eb6000);
	ck_assert_uint_eq(mapping.end, 0x7fcaa4ed8000);
	ck_assert_uint_eq(mapping.offset, 0x2a000);
	ck_assert_uint_eq(mapping.major, 0xfe);
	ck_assert_uint_eq(mapping.minor, 0x1f);
	ck_assert_uint_eq(mapping.inode, 247134);
	ck_assert_int_eq(memcmp(mapping.permissions, "r-xp", 4), 0);
	ck_assert_uint_eq(mapping.name_len, strlen("/usr/a b (deleted)"));
	ck_assert_int_eq(memcmp(mapping.name, "/usr/a b (deleted)", mapping.name_len), 0);
	/* and what it says is untouched where it isn't such a line */
	ck_assert_int_eq(mapping_parse(line, 40, &mapping), -EBADMSG);
	ck_assert_uint_eq(mapping.inode, 247134);
}
END_TEST

START_TEST(refuses)
{
	static const char *const rows[] = {
		"",
		"-",
		" ",
		"7fcaa4eb6000",
		"7fcaa4eb6000-",
		"7fcaa4eb6000-7fcaa4ed8000",
		"7fcaa4eb6000-7fcaa4ed8000 ",
		"7fcaa4eb6000-7fcaa4ed8000 rw-p",
		"7fcaa4eb6000-7fcaa4ed8000 rw-p ",
		"7fcaa4eb6000-7fcaa4ed8000 rw-p 00000000",
		"7fcaa4eb6000-7fcaa4ed8000 rw-p 00000000 00:00",
		"7fcaa4eb6000-7fcaa4ed8000 rw-p 00000000 00:00 ",
		"7fcaa4eb6000 7fcaa4ed8000 rw-p 00000000 00:00 0",
		"7fcaa4eb6000-7fcaa4ed8000 rw- 00000000 00:00 0",
		"7fcaa4eb6000-7fcaa4ed8000 rw-pp 00000000 00:00 0",
		"7fcaa4eb6000-7fcaa4ed8000 rw-p xyz 00:00 0",
		"7fcaa4eb6000-7fcaa4ed8000 rw-p 00000000 00-00 0",
		"7FCAA4EB6000-7FCAA4ED8000 rw-p 00000000 00:00 0",
		"0x1000-0x2000 rw-p 00000000 00:00 0",
		"7fcaa4ed8000-7fcaa4eb6000 rw-p 00000000 00:00 0",
		"7fcaa4eb6000-7fcaa4eb6000 rw-p 00000000 00:00 0",
		"10000000000000000-10000000000001000 rw-p 00000000 00:00 0",
		"1000-10000000000001000 rw-p 00000000 00:00 0",
		" 1000-2000 rw-p 00000000 00:00 0",
	};
	struct region region, untouched;

	memset(&region, 0x5a, sizeof region);
	untouched = region;
	for (size_t i = 0; i < ROWS(rows); i++)
		ck_assert_msg(parse(rows[i], &region) == -EBADMSG, "taken: \"%s\"", rows[i]);
	ck_assert_mem_eq(&region, &untouched, sizeof region);
}
END_TEST

/* A line cut anywhere is refused, or keeps addresses and permissions; and never becomes one that
 * may be moved out. */
START_TEST(torn_anywhere)
{
	static const char *const lines[] = {
		"7fcaa4eb6000-7fcaa4ed8000 rw-p 00000000 fe:00 247134     /usr/bin/cat",
		"7fcaa4eb6000-7fcaa4ed8000 rw-s 00000000 00:01 1031  /dev/zero (deleted)",
		"7fcaa4eb6000-7fcaa4ed8000 rwxp 00000000 00:00 0 [heap]",
		"7ffd5ed28000-7ffd5ed49000 r--p 00000000 00:00 0  [stack]",
	};

	for (size_t i = 0; i < ROWS(lines); i++) {
		struct region whole = {0};

		ck_assert_int_eq(parse(lines[i], &whole), 0);
		for (size_t cut = 0; cut < strlen(lines[i]); cut++) {
			char *copy = malloc(cut + 1);
			struct region region = {0};
			int r;

			memcpy(copy, lines[i], cut);
			r = region_parse(copy, cut, &region);
			free(copy);
			if (r < 0)
				continue;
			ck_assert_uint_eq(region.start, whole.start);
			ck_assert_uint_eq(region.end, whole.end);
			ck_assert_msg(region.kind != REGION_ELIGIBLE, "\"%.*s\"", (int)cut,
				      lines[i]);
		}
	}
}
END_TEST

/* -- files ----------------------------------------------------------------------------------- */

/* Reads regions from a file with text in it; the last return value of regions_next, and how many
 * came before it. */
static int read_text(const char *text, size_t len, size_t *ret_n, struct region *ret_last)
{
	struct regions *regions = malloc(sizeof *regions);
	FILE *file = tmpfile();
	int r;

	ck_assert_ptr_nonnull(regions);
	ck_assert_uint_eq(fwrite(text, 1, len, file), len);
	ck_assert_int_eq(fflush(file), 0);
	*regions = (struct regions){.lines.fd = fileno(file)};
	ck_assert_int_eq(lseek(regions->lines.fd, 0, SEEK_SET), 0);
	*ret_n = 0;
	while ((r = regions_next(regions, ret_last)) == 1)
		++*ret_n;
	(void)fclose(file);
	free(regions);
	return r;
}

#define LINE "7fcaa4eb6000-7fcaa4ed8000 rw-p 00000000 00:00 0 \n"

START_TEST(files_of_any_length)
{
	static char text[400 * sizeof LINE];
	struct region region;
	size_t n;

	ck_assert_int_eq(read_text("", 0, &n, &region), 0);
	ck_assert_uint_eq(n, 0);
	for (size_t lines = 1; lines < 400; lines += 7) {
		size_t len = 0;

		for (size_t i = 0; i < lines; i++) {
			memcpy(text + len, LINE, sizeof LINE - 1);
			len += sizeof LINE - 1;
		}
		ck_assert_int_eq(read_text(text, len, &n, &region), 0);
		ck_assert_uint_eq(n, lines);
		/* without its last newline: torn */
		ck_assert_int_eq(read_text(text, len - 1, &n, &region), -EBADMSG);
		ck_assert_uint_eq(n, lines - 1);
	}
	ck_assert_int_eq(read_text(LINE "garbage\n" LINE, 2 * sizeof LINE + 6, &n, &region),
			 -EBADMSG);
	ck_assert_uint_eq(n, 1);
}
END_TEST

/* PATH_MAX bounds what a call takes, not how deep a directory lies. */
START_TEST(long_paths)
{
	static const size_t lengths[] = {4095, 4096, 8000, 8191, 8192, 8193, 16384, 60000, 100000};
	static char text[110000];

	for (size_t i = 0; i < ROWS(lengths); i++) {
		size_t len = (size_t)sprintf(text, LINE
					     "7fcaa4ed9000-7fcaa4eda000 rw-p 00000000 fe:00 7   ");
		struct region region = {0};
		size_t n;
		int r;

		memset(text + len, '/', lengths[i]);
		len += lengths[i];
		len += (size_t)sprintf(text + len, "\n%s",
				       "7fcaa4edb000-7fcaa4edc000 rw-p 00000000 "
				       "00:00 0 [heap]\n");
		r = read_text(text, len, &n, &region);
		ck_assert_msg(r == 0, "a path of %zu bytes: %d", lengths[i], r);
		ck_assert_uint_eq(n, 3);
		ck_assert_uint_eq(region.start, 0x7fcaa4edb000);
		ck_assert_uint_eq(region.kind, REGION_ELIGIBLE);
	}
}
END_TEST

/* -- ourselves --------------------------------------------------------------------------------- */

/* The region of the process that holds address; kind REGION__N where there is none. */
static struct region region_at(pid_t pid, const void *address)
{
	static struct regions regions;
	struct region region, found = {.kind = REGION__N};
	struct procfs procfs;
	uint64_t last = 0;
	int r;

	ck_assert_int_eq(procfs_open("/proc", &procfs), 0);
	ck_assert_int_eq(regions_open(&procfs, pid, &regions), 0);
	while ((r = regions_next(&regions, &region)) == 1) {
		ck_assert_uint_ge(region.start, last);
		last = region.end;
		if (region.start <= (uintptr_t)address && (uintptr_t)address < region.end)
			found = region;
	}
	ck_assert_int_eq(r, 0);
	regions_close(&regions);
	procfs_close(&procfs);
	return found;
}

static char *map(int protection, int flags, int fd)
{
	char *at = mmap(NULL, 4 * PAGE, protection, flags, fd, 0);

	ck_assert_ptr_ne(at, MAP_FAILED);
	return at;
}

START_TEST(of_ourselves)
{
	static char data[2 * PAGE] = "data", bss[16 * PAGE];
	int rw = PROT_READ | PROT_WRITE, anonymous = MAP_PRIVATE | MAP_ANONYMOUS;
	FILE *file = tmpfile();
	char *named = map(rw, anonymous, -1);

	ck_assert_int_eq(ftruncate(fileno(file), 4 * PAGE), 0);
	ck_assert_uint_eq(region_at(getpid(), map(rw, anonymous, -1)).kind, REGION_ELIGIBLE);
	ck_assert_uint_eq(region_at(getpid(), map(rw, MAP_SHARED | MAP_ANONYMOUS, -1)).kind,
			  REGION_SHARED);
	ck_assert_uint_eq(region_at(getpid(), map(rw, MAP_SHARED, fileno(file))).kind,
			  REGION_SHARED);
	ck_assert_uint_eq(region_at(getpid(), map(rw, MAP_PRIVATE, fileno(file))).kind,
			  REGION_FILE);
	ck_assert_uint_eq(region_at(getpid(), map(PROT_READ | PROT_EXEC, anonymous, -1)).kind,
			  REGION_EXECUTABLE);
	ck_assert_uint_eq(region_at(getpid(), map(PROT_READ, anonymous, -1)).kind, REGION_READONLY);
	ck_assert_uint_eq(region_at(getpid(), map(PROT_NONE, anonymous, -1)).kind, REGION_READONLY);
	ck_assert_uint_eq(region_at(getpid(), (void *)(uintptr_t)region_at).kind, REGION_FILE);
	ck_assert_uint_eq(region_at(getpid(), data).kind, REGION_FILE);
	ck_assert_uint_eq(region_at(getpid(), bss + 8 * PAGE).kind, REGION_ELIGIBLE);
	/* the frame itself: a sanitizer may keep its variables elsewhere */
	ck_assert_uint_eq(region_at(getpid(), __builtin_frame_address(0)).kind, REGION_STACK);
	if (prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, named, 4 * PAGE, "glibc: malloc arena") == 0)
		ck_assert_uint_eq(region_at(getpid(), named).kind, REGION_ELIGIBLE);
	(void)fclose(file);
}
END_TEST

/* Names of files are chosen by strangers: newlines in them, and paths longer than PATH_MAX. */
START_TEST(of_files_with_odd_names)
{
	char root[] = "/tmp/test_regions.XXXXXX", component[251];
	int depth, home = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char *last, *odd;
	int fd;

	ck_assert_ptr_nonnull(mkdtemp(root));
	ck_assert_int_eq(chdir(root), 0);
	fd = open("a\n1000-2000 rw-p 00000000 00:00 0 [heap]\n\\x", O_RDWR | O_CREAT | O_CLOEXEC,
		  0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, 4 * PAGE), 0);
	odd = map(PROT_READ | PROT_WRITE, MAP_PRIVATE, fd);
	(void)close(fd);
	(void)unlink("a\n1000-2000 rw-p 00000000 00:00 0 [heap]\n\\x");
	ck_assert_uint_eq(region_at(getpid(), odd).kind, REGION_FILE);
	ck_assert_uint_eq(region_at(getpid(), (void *)0x1800).kind, REGION__N);
	(void)munmap(odd, 4 * PAGE);

	memset(component, 'd', sizeof component - 1);
	component[sizeof component - 1] = '\0';
	for (depth = 0; depth < 40; depth++)
		ck_assert(mkdir(component, 0700) == 0 && chdir(component) == 0);
	fd = open("deep", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, 4 * PAGE), 0);
	last = map(PROT_READ | PROT_WRITE, MAP_PRIVATE, fd);
	(void)close(fd);
	(void)unlink("deep");
	while (depth-- > 0)
		ck_assert(chdir("..") == 0 && rmdir(component) == 0);
	ck_assert_int_eq(fchdir(home), 0);
	ck_assert_int_eq(rmdir(root), 0);
	(void)close(home);
	ck_assert_uint_eq(region_at(getpid(), last).kind, REGION_FILE);
}
END_TEST

START_TEST(five_thousand_regions)
{
	static struct regions regions;
	char *at = mmap(NULL, 5000 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint32_t inside[REGION__N] = {0};
	struct region region;
	struct procfs procfs;
	int r;

	ck_assert_ptr_ne(at, MAP_FAILED);
	for (size_t i = 1; i < 5000; i += 2)
		ck_assert_int_eq(mprotect(at + i * PAGE, PAGE, PROT_READ | PROT_WRITE), 0);
	ck_assert_int_eq(procfs_open("/proc", &procfs), 0);
	ck_assert_int_eq(regions_open(&procfs, getpid(), &regions), 0);
	while ((r = regions_next(&regions, &region)) == 1)
		if (region.start >= (uintptr_t)at && region.end <= (uintptr_t)(at + 5000 * PAGE)) {
			ck_assert_uint_eq(region.end - region.start, PAGE);
			inside[region.kind]++;
		}
	ck_assert_int_eq(r, 0);
	ck_assert_uint_eq(inside[REGION_READONLY], 2500);
	ck_assert_uint_eq(inside[REGION_ELIGIBLE], 2500);
	regions_close(&regions);
	procfs_close(&procfs);
}
END_TEST

START_TEST(of_others)
{
	static struct regions regions;
	struct procfs procfs;
	struct region region;
	pid_t child = fork();

	if (child == 0) {
		(void)pause();
		_exit(0);
	}
	ck_assert_int_eq(procfs_open("/proc", &procfs), 0);
	ck_assert_int_eq(regions_open(&procfs, child, &regions), 0);
	ck_assert_int_eq(regions_next(&regions, &region), 1);
	ck_assert_int_eq(kill(child, SIGKILL), 0);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
	for (int r = 1; r == 1;)
		r = regions_next(&regions, &region); /* ends, with an error or without */
	regions_close(&regions);
	ck_assert_int_eq(regions.lines.fd, -1);
	ck_assert_int_eq(regions_open(&procfs, child, &regions), -ESRCH);
	/* a kernel thread has none */
	if (getuid() == 0) {
		ck_assert_int_eq(regions_open(&procfs, 2, &regions), 0);
		ck_assert_int_le(regions_next(&regions, &region), 0);
		regions_close(&regions);
	}
	procfs_close(&procfs);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		kinds,
		mappings_with_all_that_they_say,
		addresses,
		large_inodes,
		refuses,
		torn_anywhere,
		files_of_any_length,
		long_paths,
		of_ourselves,
		of_files_with_odd_names,
		five_thousand_regions,
		of_others,
	};

	return RUN_TESTS("regions", tests);
}
