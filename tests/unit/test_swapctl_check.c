/* SPDX-License-Identifier: MIT */
#include "cli/swapctl_check.h"

#include "unit/builders.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define PAGE 4096

static const struct fstype ext4 = {.name = "ext4"};
static const struct fstype tmpfs = {.name = "tmpfs", .unfit = "it is memory"};

/* A blank file of 10 MiB as it should be, all of which would be used. */
static struct target_facts good_file(void)
{
	return (struct target_facts){
		.path = "/it's",
		.exists = true,
		.is_file = true,
		.size_bytes = 10 * MIB,
		.len_bytes = 10 * MIB,
		.fs = &ext4,
		.mode = S_IFREG | 0600,
		.extents = {.known = true},
		.blank = true,
	};
}

static struct target_facts good_device(void)
{
	return (struct target_facts){
		.path = "/dev/sdz",
		.exists = true,
		.is_device = true,
		.size_bytes = 10 * MIB,
		.len_bytes = 10 * MIB,
		.blank = true,
	};
}

static char said[1024];

static enum verdict check(const struct target_facts *target, bool force, bool has_len)
{
	const struct wish wish = {.force = force, .has_len = has_len};
	struct text text = TEXT_OVER(said);

	return check_target(target, &wish, PAGE, &text);
}

/* The verdict without and with -i, and what is said. */
static void expect(const struct target_facts *target, enum verdict verdict, const char *words)
{
	ck_assert_msg(check(target, false, false) == verdict, "said: %s", said);
	ck_assert_msg(strstr(said, words), "'%s' isn't said: %s", words, said);
	/* what was asked for is done, what is refused stays so */
	if (verdict == VERDICT_REFUSED)
		ck_assert_int_eq(check(target, true, false), VERDICT_REFUSED);
	else
		ck_assert_int_ne(check(target, true, false), VERDICT_REFUSED);
}

START_TEST(regions)
{
	static const struct {
		uint64_t size, low, len;
		bool has_len;
		uint64_t expected_low, expected_len;
	} rows[] = {
		{10 * MIB, 0, 0, false, 0, 10 * MIB},
		{10 * MIB + 4095, 0, 0, false, 0, 10 * MIB},
		{10 * MIB, 512, 0, false, 4096, 10 * MIB - 4096},
		{10 * MIB, 4096, 10 * KIB, true, 4096, 8 * KIB},
		{10 * MIB, 4097, 10 * KIB, true, 8192, 8 * KIB},
		{10 * MIB, 0, 20 * MIB, true, 0, 20 * MIB},
		{10 * MIB, 20 * MIB, 0, false, 20 * MIB, 0},
		{10 * MIB, UINT64_MAX, 0, false, UINT64_MAX - 4095, 0},
		{0, 0, 50 * MIB, true, 0, 50 * MIB},
		{10 * MIB, 0, 4095, true, 0, 0},
		/* as far as the header counts; what is asked for is judged */
		{16 * TIB + 64 * MIB, 0, 0, false, 0, 16 * TIB - 4096},
		{UINT64_MAX, 8192, 0, false, 8192, 16 * TIB - 4096},
		{17 * TIB, 4 * TIB, 0, false, 4 * TIB, 13 * TIB},
		{20 * TIB, 0, 17 * TIB, true, 0, 17 * TIB},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		const struct wish wish = {.low_bytes = rows[i].low,
					  .has_len = rows[i].has_len,
					  .len_bytes = rows[i].len};
		struct target_facts target = {.size_bytes = rows[i].size};

		check_region(&wish, PAGE, &target);
		ck_assert_msg(target.low_bytes == rows[i].expected_low &&
				      target.len_bytes == rows[i].expected_len,
			      "row %zu: %llu %llu", i, (unsigned long long)target.low_bytes,
			      (unsigned long long)target.len_bytes);
	}
}
END_TEST

START_TEST(what_is_good)
{
	struct target_facts target = good_file();

	expect(&target, VERDICT_FINE, "");
	target = good_device();
	expect(&target, VERDICT_FINE, "");
	/* an area that was one before */
	target.blank = false;
	target.has_header = true;
	target.region = (struct blkprobe){.found = true, .swap = true, .what = "data (swap)"};
	expect(&target, VERDICT_FINE, "");
	/* of another page size */
	target.has_header = false;
	expect(&target, VERDICT_FINE, "");
}
END_TEST

START_TEST(files)
{
	struct target_facts target = good_file();

	target.uid = 1000;
	expect(&target, VERDICT_ASK,
	       "belongs to user 1000, who could read what was swapped out: "
	       "chown 0:0 '/it'\\''s'");
	target = good_file();
	target.mode = S_IFREG | 0640;
	expect(&target, VERDICT_ASK,
	       "has mode 0640, so that others could read what was swapped out: "
	       "chmod 600 '/it'\\''s'");
	target = good_file();
	target.fs = &tmpfs;
	expect(&target, VERDICT_ASK, "lies on tmpfs, where no swap file can be: it is memory");
	target = good_file();
	target.extents = (struct extents){.known = true, .hole = true, .hole_bytes = 12345};
	expect(&target, VERDICT_REFUSED, "has a hole at byte 12345; make another one: swapctl -a");
	target.extents.known = false;
	expect(&target, VERDICT_REFUSED, "has holes; ");
	target.by_loop = true;
	expect(&target, VERDICT_REFUSED, "has holes; ");
}
END_TEST

/* What the kernel refuses of a file doesn't matter to a loop device. */
START_TEST(files_by_loop)
{
	for (int i = 0; i < 4; i++) {
		static const char *const words[] = {"copy on write", "shares blocks", "compressed",
						    "beside its inode"};
		struct target_facts target = good_file();

		target.copy_on_write = i == 0;
		target.extents.shared = i == 1;
		target.extents.encoded = i == 2;
		target.extents.inlined = i == 3;
		expect(&target, VERDICT_REFUSED, words[i]);
		target.by_loop = true;
		expect(&target, VERDICT_FINE, "");
	}
}
END_TEST

START_TEST(sizes)
{
	struct target_facts target = good_device();

	target.len_bytes = PAGE;
	expect(&target, VERDICT_REFUSED,
	       "is too small: it has 20480 blocks, of which 8 would be used "
	       "from block 0 on; a swap area takes at least 16");
	target.low_bytes = 20 * MIB;
	target.len_bytes = 0;
	expect(&target, VERDICT_REFUSED, "of which 0 would be used from block 40960 on");
	target.low_bytes = 8 * MIB;
	target.len_bytes = 4 * MIB;
	expect(&target, VERDICT_REFUSED,
	       "is too small: it has 20480 blocks, and the area would end "
	       "at block 24576");
	target.len_bytes = 2 * MIB;
	expect(&target, VERDICT_FINE, "");
	target.len_bytes = 2 * PAGE;
	expect(&target, VERDICT_FINE, "");
	target.low_bytes = UINT64_MAX - 4095;
	expect(&target, VERDICT_REFUSED, "is too small");
	target.low_bytes = 0;
	target.size_bytes = 20 * TIB;
	target.len_bytes = 16 * TIB - 4096;
	expect(&target, VERDICT_FINE, "");
	target.len_bytes = 16 * TIB;
	expect(&target, VERDICT_REFUSED,
	       "would be too large: a swap area takes at most 34359738360 blocks");
	target = good_file();
	target.size_bytes = target.len_bytes = 0;
	expect(&target, VERDICT_REFUSED, "is too small");
}
END_TEST

START_TEST(in_use)
{
	struct target_facts target = good_device();

	target.in_use = "it is mounted on /srv";
	expect(&target, VERDICT_REFUSED, "is in use: it is mounted on /srv");
	target.area = "/dev/sdz";
	expect(&target, VERDICT_REFUSED, "is swapped to already, as /dev/sdz; see");
	target.area_is_direct = true;
	expect(&target, VERDICT_REFUSED,
	       "is swapped to already, as /dev/sdz, beside which there can be no other");
	target = good_device();
	target.is_device = false;
	expect(&target, VERDICT_REFUSED, "is neither a file nor a block device");
}
END_TEST

START_TEST(contents)
{
	struct target_facts target = good_device();

	target.blank = false;
	expect(&target, VERDICT_ASK, "begins with data of some kind, which would be destroyed");
	target.low_bytes = MIB;
	target.len_bytes = MIB;
	expect(&target, VERDICT_ASK, "(at byte 1048576)");
	target.blank = true;
	target.whole = (struct blkprobe){.found = true, .what = "a partition table (gpt)"};
	expect(&target, VERDICT_ASK, "holds a partition table (gpt), which would be destroyed");
	target.region = (struct blkprobe){.found = true, .what = "a file system (ext4)"};
	expect(&target, VERDICT_ASK, "holds a file system (ext4)");
	target.whole.found = false;
	expect(&target, VERDICT_ASK, "holds a file system (ext4)");
	/* swap areas elsewhere on the device are no obstacle, others are */
	target.region.found = false;
	target.whole = (struct blkprobe){.found = true, .swap = true};
	expect(&target, VERDICT_FINE, "");
	/* -i for one thing shows the next as well, but asks no more */
	target = good_file();
	target.mode = S_IFREG | 0644;
	target.region = (struct blkprobe){.found = true, .what = "encrypted data (LUKS)"};
	expect(&target, VERDICT_ASK, "has mode 0644");
	ck_assert_int_eq(check(&target, true, false), VERDICT_ASK);
}
END_TEST

START_TEST(bad_pages)
{
	struct target_facts target = good_device();

	target.blank = false;
	target.has_header = true;
	target.header = (struct swapheader){.bytes = target.len_bytes, .bad_pages = 3};
	expect(&target, VERDICT_FINE, "");
	ck_assert_int_eq(check(&target, false, true), VERDICT_FINE);
	target.len_bytes = 6 * MIB;
	expect(&target, VERDICT_ASK, "has bad pages (3), which would be used");
	ck_assert_int_eq(check(&target, false, true), VERDICT_ASK);
	target.header.bad_pages = 0;
	expect(&target, VERDICT_FINE, "");
}
END_TEST

START_TEST(new_files)
{
	struct target_facts target = {.path = "/new", .fs = &ext4, .len_bytes = 50 * MIB};

	ck_assert_int_eq(check(&target, false, true), VERDICT_FINE);
	ck_assert_int_eq(check(&target, true, false), VERDICT_REFUSED);
	ck_assert_ptr_nonnull(strstr(said, "swapctl -a NAME 0 LEN"));
	target.low_bytes = PAGE;
	ck_assert_int_eq(check(&target, true, true), VERDICT_REFUSED);
	ck_assert_ptr_nonnull(strstr(said, "LOW has to be 0"));
	target.low_bytes = 0;
	target.len_bytes = PAGE;
	ck_assert_int_eq(check(&target, true, true), VERDICT_REFUSED);
	ck_assert_ptr_nonnull(strstr(said, "at least 16 blocks"));
	target.len_bytes = 16 * TIB;
	ck_assert_int_eq(check(&target, true, true), VERDICT_REFUSED);
	ck_assert_ptr_nonnull(strstr(said, "would be too large"));
	target.len_bytes = 50 * MIB;
	target.fs = &tmpfs;
	ck_assert_int_eq(check(&target, false, true), VERDICT_ASK);
}
END_TEST

START_TEST(headers)
{
	struct wish wish = {0};
	struct target_facts target = good_device();

	ck_assert(check_needs_header(&target, &wish));
	target.has_header = true;
	target.header.bytes = target.len_bytes;
	ck_assert(!check_needs_header(&target, &wish));
	/* a shorter one was somebody's wish */
	target.header.bytes = 4 * MIB;
	ck_assert(!check_needs_header(&target, &wish));
	wish.has_len = true;
	ck_assert(check_needs_header(&target, &wish));
	target.header.bytes = target.len_bytes;
	ck_assert(!check_needs_header(&target, &wish));
	/* the device shrank */
	wish.has_len = false;
	target.header.bytes = target.len_bytes + PAGE;
	ck_assert(check_needs_header(&target, &wish));
}
END_TEST

START_TEST(room)
{
	ck_assert_uint_eq(check_room_bytes(100 * GIB, 60 * GIB), 55 * GIB);
	ck_assert_uint_eq(check_room_bytes(100 * GIB, 5 * GIB), 0);
	ck_assert_uint_eq(check_room_bytes(100 * GIB, 4 * GIB), 0);
	ck_assert_uint_eq(check_room_bytes(0, 0), 0);
}
END_TEST

START_TEST(hints)
{
	ck_assert_ptr_nonnull(strstr(check_swapon_hint(-EPERM), "root"));
	ck_assert_ptr_nonnull(strstr(check_swapon_hint(-EINVAL), "dmesg"));
	ck_assert_str_eq(check_swapon_hint(-EIO), "");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		regions,  what_is_good, files,	   files_by_loop, sizes, in_use,
		contents, bad_pages,	new_files, headers,	  room,	 hints,
	};

	return RUN_TESTS("swapctl_check", tests);
}
