/* SPDX-License-Identifier: MIT */
#include "cli/swapctl_wish.h"

#include "unit/builders.h"

#include <errno.h>
#include <string.h>

START_TEST(amounts)
{
	static const struct {
		const char *text;
		int r;
		uint64_t bytes;
	} rows[] = {
		{"0", 0, 0},
		{"1", 0, 512},
		{"20", 0, 10 * KIB},
		{"102400", 0, 50 * MIB},
		{"10K", 0, 10 * KIB},
		{"50m", 0, 50 * MIB},
		{"2G", 0, 2 * GIB},
		{"36028797018963967", 0, UINT64_C(36028797018963967) * 512},
		{"36028797018963968", -ERANGE, 7},
		{"99999999999999999999", -ERANGE, 7},
		{"", -EINVAL, 7},
		{"-1", -EINVAL, 7},
		{"10KB", -EINVAL, 7},
		{"ten", -EINVAL, 7},
		{" 1", -EINVAL, 7},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		uint64_t bytes = 7;

		ck_assert_msg(wish_amount(rows[i].text, &bytes) == rows[i].r, "%s", rows[i].text);
		ck_assert_uint_eq(bytes, rows[i].bytes);
	}
}
END_TEST

START_TEST(priorities_and_discard)
{
	enum swap_discard discard = SWAP_DISCARD_NO;
	int priority = -7;

	ck_assert_int_eq(wish_priority("0", &priority), 0);
	ck_assert_int_eq(priority, 0);
	ck_assert_int_eq(wish_priority("32767", &priority), 0);
	ck_assert_int_eq(wish_priority("32768", &priority), -EINVAL);
	ck_assert_int_eq(wish_priority("-1", &priority), -EINVAL);
	ck_assert_int_eq(wish_priority("", &priority), -EINVAL);
	ck_assert_int_eq(priority, 32767);
	ck_assert_int_eq(wish_discard("", &discard), 0);
	ck_assert_int_eq(discard, SWAP_DISCARD_ALL);
	ck_assert_int_eq(wish_discard("once", &discard), 0);
	ck_assert_int_eq(discard, SWAP_DISCARD_ONCE);
	ck_assert_int_eq(wish_discard("pages", &discard), 0);
	ck_assert_int_eq(discard, SWAP_DISCARD_PAGES);
	ck_assert_int_eq(wish_discard("twice", &discard), -EINVAL);
}
END_TEST

START_TEST(options_of_fstab)
{
	static const struct wish none = {.priority = SWAP_PRIORITY_NONE};
	struct wish wish = none;

	ck_assert_ptr_null(wish_take_options(&wish, "defaults,noauto,nofail"));
	ck_assert_mem_eq(&wish, &none, sizeof wish);
	ck_assert_ptr_null(wish_take_options(&wish, "pri=4,discard=once,swaplo=2048,length=20,"
						    "vlength=204000"));
	ck_assert_int_eq(wish.priority, 4);
	ck_assert(wish.has_discard && wish.has_low && wish.has_len && wish.has_vlen);
	ck_assert_int_eq(wish.discard, SWAP_DISCARD_ONCE);
	ck_assert_uint_eq(wish.low_bytes, MIB);
	ck_assert_uint_eq(wish.len_bytes, 10 * KIB);
	ck_assert_uint_eq(wish.vlen_bytes, 204000 * 512);
	/* what is set already stays */
	ck_assert_ptr_null(wish_take_options(&wish, "pri=9,discard,swaplo=0,length=0,vlength=0"));
	ck_assert_int_eq(wish.priority, 4);
	ck_assert_int_eq(wish.discard, SWAP_DISCARD_ONCE);
	ck_assert_uint_eq(wish.low_bytes, MIB);
	/* mount(8)'s way to say nothing */
	wish = none;
	ck_assert_ptr_null(wish_take_options(&wish, "pri=-1"));
	ck_assert_int_eq(wish.priority, SWAP_PRIORITY_NONE);
	ck_assert_str_eq(wish_take_options(&wish, "pri=x"), "pri");
	ck_assert_str_eq(wish_take_options(&wish, "discard=x"), "discard");
	ck_assert_str_eq(wish_take_options(&wish, "swaplo=x"), "swaplo");
	ck_assert_str_eq(wish_take_options(&wish, "length="), "length");
	ck_assert_str_eq(wish_take_options(&wish, "vlength=-4"), "vlength");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {amounts, priorities_and_discard, options_of_fstab};

	return RUN_TESTS("swapctl_wish", tests);
}
