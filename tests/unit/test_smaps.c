/* SPDX-License-Identifier: MIT */
#include "sys/smaps.h"

#include "base/cleanup.h"
#include "unit/builders.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE 4096u

#define HEAD "7fcaa4eb6000-7fcaa4ed8000 rw-p 00000000 00:00 0 \n"
#define FIGURES "Rss: 12 kB\nReferenced: 8 kB\nAnonymous: 12 kB\nSwap: 4 kB\n"
#define FLAGS "VmFlags: rd wr mr mw me ac \n"
#define ENTRY HEAD FIGURES FLAGS

/* A reader over text, which it borrows no longer than until it returns. */
static void open_text(const char *text, size_t len, struct smaps *ret)
{
	ret->has_next = false;
	ret->lines.at = ret->lines.len = 0;
	ret->lines.in_line = false;
	ret->lines.fd = memfd_create("smaps", MFD_CLOEXEC);
	ck_assert_int_ge(ret->lines.fd, 0);
	ck_assert_int_eq(write(ret->lines.fd, text, len), (ssize_t)len);
	ck_assert_int_eq(lseek(ret->lines.fd, 0, SEEK_SET), 0);
}

/* Reads them all; the last result, and how many came before it. */
static int read_text(const char *text, size_t len, size_t *ret_n, struct smap *ret_last)
{
	struct smaps smaps;
	int r;

	open_text(text, len, &smaps);
	*ret_n = 0;
	while ((r = smaps_next(&smaps, ret_last)) == 1)
		++*ret_n;
	smaps_close(&smaps);
	return r;
}

/* As Linux 6.18 prints it, and 5.10 did */
START_TEST(a_whole_entry)
{
	static const char *const texts[] = {
		"55643312e000-55643314f000 rw-p 00000000 00:00 0                          [heap]\n"
		"Size:                132 kB\nKernelPageSize:        4 kB\nMMUPageSize:           "
		"4 kB\n"
		"Rss:                  88 kB\nPss:                  88 kB\nPss_Dirty:            "
		"88 kB\n"
		"Shared_Clean:          0 kB\nShared_Dirty:          0 kB\nPrivate_Clean:         "
		"0 kB\n"
		"Private_Dirty:        88 kB\nReferenced:           44 kB\nAnonymous:            "
		"84 kB\n"
		"KSM:                   0 kB\nLazyFree:              0 kB\nAnonHugePages:         "
		"0 kB\n"
		"ShmemPmdMapped:        0 kB\nFilePmdMapped:         0 kB\nShared_Hugetlb:        "
		"0 kB\n"
		"Private_Hugetlb:       0 kB\nSwap:                 16 kB\nSwapPss:              "
		"12 kB\n"
		"Locked:                0 kB\nTHPeligible:           0\nProtectionKey:         0\n"
		"VmFlags: rd wr mr mw me ac sd \n",
		"55643312e000-55643314f000 rw-p 00000000 00:00 0                          [heap]\n"
		"Size:                132 kB\nRss:                  88 kB\nReferenced:           "
		"44 kB\n"
		"Anonymous:            84 kB\nSwap:                 16 kB\nTHPeligible:    0\n"
		"VmFlags: rd wr mr mw me ac \n",
	};

	for (size_t i = 0; i < ROWS(texts); i++) {
		struct smap smap = {0};
		size_t n;

		ck_assert_int_eq(read_text(texts[i], strlen(texts[i]), &n, &smap), 0);
		ck_assert_uint_eq(n, 1);
		ck_assert_uint_eq(smap.region.start, 0x55643312e000);
		ck_assert_uint_eq(smap.region.end, 0x55643314f000);
		ck_assert_uint_eq(smap.region.kind, REGION_ELIGIBLE);
		ck_assert_uint_eq(smap.resident_bytes, 88 * KIB);
		ck_assert_uint_eq(smap.referenced_bytes, 44 * KIB);
		ck_assert_uint_eq(smap.anon_bytes, 84 * KIB);
		ck_assert_uint_eq(smap.swap_bytes, 16 * KIB);
	}
}
END_TEST

START_TEST(kinds_by_flags)
{
	static const struct {
		const char *permissions, *rest, *flags;
		enum region_kind kind;
	} rows[] = {
		{"rw-p", "00:00 0", "rd wr mr mw me ac ", REGION_ELIGIBLE},
		{"rw-p", "00:00 0", "rd wr mr mw me ac sd nh mg ", REGION_ELIGIBLE},
		{"rw-p", "00:00 0", "", REGION_ELIGIBLE},
		{"rw-p", "00:00 0", "rd wr mr mw me lo ac ", REGION_LOCKED},
		{"rw-p", "00:00 0", "lo ", REGION_LOCKED},
		{"rw-p", "00:00 0", "rd wr mr mw me lo lf ac ", REGION_LOCKED},
		{"rw-p", "00:00 0", "rd wr mr mw me de ht ", REGION_HUGETLB},
		{"rw-p", "00:0f 77  /anon_hugepage (deleted)", "rd wr de ht ", REGION_HUGETLB},
		{"rw-s", "00:0f 77  /dev/hugepages/x", "rd wr sh ht ", REGION_HUGETLB},
		{"rw-s", "00:06 9   /dev/dri/card0", "rd wr sh pf io de dd ", REGION_DEVICE},
		{"rw-p", "00:06 9   /dev/mem", "rd wr pf ", REGION_DEVICE},
		{"rw-p", "00:00 0", "rd wr io ", REGION_DEVICE},
		{"rw-p", "00:00 0", "rd wr mr mw me gd ac ", REGION_STACK},
		{"rw-p", "00:00 0  [stack]", "rd wr mr mw me gd lo ac ", REGION_STACK},
		{"r--p", "00:00 0  [vvar]", "rd mr pf io de dd ", REGION_READONLY},
		{"r-xp", "00:00 0  [vdso]", "rd ex mr mw me de ", REGION_EXECUTABLE},
		{"rwxp", "00:00 0", "rd wr ex lo ", REGION_EXECUTABLE},
		{"rw-s", "00:00 0", "rd wr sh lo ", REGION_SHARED},
		{"rw-p", "fe:00 7  /x", "rd wr lo ", REGION_FILE},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct smap smap = {0};
		char text[400];
		size_t n;
		int len = snprintf(text, sizeof text,
				   "1000-2000 %s 00000000 %s\n" FIGURES "VmFlags: %s\n",
				   rows[i].permissions, rows[i].rest, rows[i].flags);

		ck_assert_msg(read_text(text, (size_t)len, &n, &smap) == 0, "refused: %s", text);
		ck_assert_msg(smap.region.kind == rows[i].kind, "%d: %s", (int)smap.region.kind,
			      text);
	}
}
END_TEST

START_TEST(refuses)
{
	static const char *const rows[] = {
		"garbage\n",
		"\n",
		FIGURES FLAGS,		    /* of nothing */
		HEAD,			    /* nothing of it */
		HEAD FIGURES,		    /* no flags */
		HEAD FLAGS,		    /* no figures */
		HEAD FIGURES FIGURES FLAGS, /* doubled */
		HEAD FIGURES FLAGS FLAGS,
		HEAD FIGURES "Rss: 12 kB\n" FLAGS,
		HEAD "Rss: 12 kB\nReferenced: 8 kB\nAnonymous: 12 kB\n" FLAGS,
		HEAD "Referenced: 8 kB\nAnonymous: 12 kB\nSwap: 4 kB\n" FLAGS,
		HEAD "Rss: -12 kB\nReferenced: 8 kB\nAnonymous: 12 kB\nSwap: 4 kB\n" FLAGS,
		HEAD "Rss: 12 MB\nReferenced: 8 kB\nAnonymous: 12 kB\nSwap: 4 kB\n" FLAGS,
		HEAD "Rss: 12\nReferenced: 8 kB\nAnonymous: 12 kB\nSwap: 4 kB\n" FLAGS,
		HEAD "Rss: kB\nReferenced: 8 kB\nAnonymous: 12 kB\nSwap: 4 kB\n" FLAGS,
		HEAD "Rss: 12 kB \nReferenced: 8 kB\nAnonymous: 12 kB\nSwap: 4 kB\n" FLAGS,
		HEAD "Rss: 99999999999999999999 kB\nReferenced: 8 kB\nAnonymous: 1 kB\nSwap: 4 "
		     "kB\n" FLAGS,
		HEAD
		"Rss: 18014398509481984 kB\nReferenced: 8 kB\nAnonymous: 1 kB\nSwap: 4 kB\n" FLAGS,
		HEAD FIGURES "VmFlags: rd wr mr\n",
		HEAD FIGURES "VmFlags: rd wr m \n",
		HEAD FIGURES "VmFlags: rd wrx mr \n",
		ENTRY "1000-2000 rw-p\n",
		ENTRY HEAD,
		ENTRY "Rss: 12 kB\n",
		ENTRY "no head\n" ENTRY,
	};
	struct smap smap, untouched;
	size_t n;

	for (size_t i = 0; i < ROWS(rows); i++) {
		memset(&smap, 0x5a, sizeof smap);
		untouched = smap;
		ck_assert_msg(read_text(rows[i], strlen(rows[i]), &n, &smap) == -EBADMSG,
			      "taken: \"%s\"", rows[i]);
		if (n == 0)
			ck_assert_mem_eq(&smap, &untouched, sizeof smap);
	}
}
END_TEST

/* Cut anywhere but behind a whole entry it is an error, and what came before is told. */
START_TEST(torn_anywhere)
{
	static const char text[] = ENTRY ENTRY ENTRY;
	struct smap smap;
	size_t n;

	for (size_t cut = 0; cut < sizeof text; cut++) {
		int r = read_text(text, cut, &n, &smap);

		ck_assert_int_eq(r, cut % strlen(ENTRY) == 0 ? 0 : -EBADMSG);
		ck_assert_uint_le(n, cut / strlen(ENTRY));
	}
}
END_TEST

START_TEST(lines_nobody_knows)
{
	static const char text[] =
		HEAD "Whatever: is new\nRssAnon: 7 kB\nSwapPss: x\nAnonymousHuge:\nZ\n" FIGURES
		     "Reference: -\nVmFlags2: ??\n" FLAGS;
	struct smap smap = {0};
	size_t n;

	ck_assert_int_eq(read_text(text, strlen(text), &n, &smap), 0);
	ck_assert_uint_eq(n, 1);
	ck_assert_uint_eq(smap.resident_bytes, 12 * KIB);
	ck_assert_uint_eq(smap.swap_bytes, 4 * KIB);
}
END_TEST

/* Longer than the buffer: a name of a file, and a line that may come one day. */
START_TEST(long_lines)
{
	static const size_t lengths[] = {8000, 8191, 8192, 8193, 16384, 60000};
	static char text[140000];

	for (size_t i = 0; i < ROWS(lengths); i++) {
		size_t len = (size_t)sprintf(text, ENTRY "1000-2000 rw-p 00000000 fe:00 7   ");
		struct smap smap = {0};
		size_t n;

		memset(text + len, '/', lengths[i]);
		len += lengths[i];
		len += (size_t)sprintf(text + len, "\n" FIGURES "New: ");
		memset(text + len, 'R', lengths[i]);
		len += lengths[i];
		len += (size_t)sprintf(text + len,
				       "\n" FLAGS "3000-4000 rw-p 0 00:00 0\n" FIGURES FLAGS);
		ck_assert_int_eq(read_text(text, len, &n, &smap), 0);
		ck_assert_uint_eq(n, 3);
		ck_assert_uint_eq(smap.region.start, 0x3000);
	}
}
END_TEST

/* -- ourselves --------------------------------------------------------------------------------- */

static struct procfs procfs;

/* The region of this process that begins at address */
static struct smap smap_at(const void *address)
{
	struct smap smap, found = {.region.kind = REGION__N};
	struct smaps smaps;
	int r;

	ck_assert_int_eq(smaps_open(&procfs, getpid(), &smaps), 0);
	while ((r = smaps_next(&smaps, &smap)) == 1)
		if (smap.region.start == (uintptr_t)address)
			found = smap;
	ck_assert_int_eq(r, 0);
	smaps_close(&smaps);
	ck_assert_int_eq(smaps.lines.fd, -1);
	return found;
}

/* Eight pages between two that can't be touched, so that nothing merges with them */
static char *map(int flags)
{
	char *at = mmap(NULL, 10 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(at, MAP_FAILED);
	at = mmap(at + PAGE, 8 * PAGE, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS | MAP_FIXED,
		  -1, 0);
	ck_assert_ptr_ne(at, MAP_FAILED);
	ck_assert_int_eq(madvise(at, 8 * PAGE, MADV_NOHUGEPAGE), 0);
	return at;
}

START_TEST(of_ourselves)
{
	char *plain, *locked, *shared;
	struct smap smap;

	ck_assert_int_eq(procfs_open("/proc", &procfs), 0);
	plain = map(MAP_PRIVATE);
	locked = map(MAP_PRIVATE);
	shared = map(MAP_SHARED);
	smap = smap_at(plain);
	ck_assert_uint_eq(smap.region.kind, REGION_ELIGIBLE);
	ck_assert_uint_eq(smap.anon_bytes, 0);
	memset(plain, 1, 3 * PAGE);
	smap = smap_at(plain);
	ck_assert_uint_eq(smap.anon_bytes, 3 * PAGE);
	ck_assert_uint_eq(smap.resident_bytes, 3 * PAGE);
	ck_assert_uint_eq(smap.referenced_bytes, 3 * PAGE);
	memset(locked, 1, PAGE);
	ck_assert_int_eq(mlock2(locked, 8 * PAGE, MLOCK_ONFAULT), 0);
	smap = smap_at(locked);
	ck_assert_uint_eq(smap.region.kind, REGION_LOCKED);
	ck_assert_uint_eq(smap.anon_bytes, PAGE);
	memset(shared, 1, PAGE);
	ck_assert_uint_eq(smap_at(shared).region.kind, REGION_SHARED);
	procfs_close(&procfs);
}
END_TEST

/* The sums are those of the regions, but for what this very reading changes. */
START_TEST(sums)
{
	struct smap smap, sum, all = {0};
	struct smaps smaps;
	int r;

	ck_assert_int_eq(procfs_open("/proc", &procfs), 0);
	memset(map(MAP_PRIVATE), 1, 8 * PAGE);
	ck_assert_int_eq(smaps_open(&procfs, getpid(), &smaps), 0);
	while ((r = smaps_next(&smaps, &smap)) == 1) {
		all.resident_bytes += smap.resident_bytes;
		all.anon_bytes += smap.anon_bytes;
	}
	ck_assert_int_eq(r, 0);
	smaps_close(&smaps);
	ck_assert_int_eq(smaps_sum(&procfs, getpid(), &sum), 0);
	ck_assert_uint_le(sum.anon_bytes, all.anon_bytes + 32 * PAGE);
	ck_assert_uint_le(all.anon_bytes, sum.anon_bytes + 32 * PAGE);
	ck_assert_uint_le(all.resident_bytes, sum.resident_bytes + 512 * PAGE);
	ck_assert_uint_ge(sum.anon_bytes, 8 * PAGE);
	ck_assert_int_eq(smaps_sum(&procfs, INT32_MAX, &sum), -ESRCH);
	ck_assert_int_eq(smaps_open(&procfs, INT32_MAX, &smaps), -ESRCH);
	procfs_close(&procfs);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_whole_entry,	    kinds_by_flags, refuses,	  torn_anywhere,
		lines_nobody_knows, long_lines,	    of_ourselves, sums,
	};

	return RUN_TESTS("smaps", tests);
}
