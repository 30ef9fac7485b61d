/* SPDX-License-Identifier: MIT */
#include "backend/wiretext.h"

#include "unit/builders.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An answer by a literal: its reply byte, and NULs inside, count. */
#define PARSE(literal, ret) wiretext_parse((literal), sizeof(literal) - 1, (ret))

START_TEST(takes_all_of_it)
{
	struct wiretext answer;

	ck_assert_int_eq(PARSE("\0state=swapped\nsince_ns=18446744073709551615\nimage_bytes=4096\n"
			       "held_bytes=8192\nmode=eager\nhelper=2147483647\nby=a b\n"
			       "image=/home/x y/\xc3\xa4=/1.swap\n",
			       &answer),
			 0);
	ck_assert_int_eq(answer.reply, WIRE_SUCCESS);
	ck_assert(answer.has_text);
	ck_assert_int_eq(answer.state, WIRETEXT_SWAPPED);
	ck_assert_uint_eq(answer.since_ns, UINT64_MAX);
	ck_assert_uint_eq(answer.image_bytes, 4096);
	ck_assert_uint_eq(answer.held_bytes, 8192);
	ck_assert_str_eq(answer.mode, "eager");
	ck_assert_int_eq(answer.helper, INT32_MAX);
	ck_assert_str_eq(answer.by, "a b");
	ck_assert_str_eq(answer.image, "/home/x y/\xc3\xa4=/1.swap");
	ck_assert_str_eq(answer.error, "");
	ck_assert_str_eq(answer.reason, "");

	ck_assert_int_eq(PARSE("\1error=ENOSPC\nreason=the disk is full = sad\n", &answer), 0);
	ck_assert_int_eq(answer.reply, WIRE_ERROR);
	ck_assert_str_eq(answer.error, "ENOSPC");
	ck_assert_str_eq(answer.reason, "the disk is full = sad");
	ck_assert_int_eq(answer.state, WIRETEXT_UNKNOWN);
}
END_TEST

START_TEST(older_ones)
{
	static const char *const replies[] = {"\0", "\1", "\2"};
	struct wiretext answer;

	for (size_t i = 0; i < ROWS(replies); i++) {
		ck_assert_int_eq(wiretext_parse(replies[i], 1, &answer), 0);
		ck_assert_uint_eq(answer.reply, i);
		ck_assert(!answer.has_text);
		ck_assert_int_eq(answer.state, WIRETEXT_UNKNOWN);
	}
}
END_TEST

START_TEST(states)
{
	static const enum wiretext_state all[] = {WIRETEXT_RUNNING, WIRETEXT_SWAPPING,
						  WIRETEXT_SWAPPED, WIRETEXT_UNSWAPPING};
	struct wiretext answer;

	for (size_t i = 0; i < ROWS(all); i++) {
		char text[64];
		int n = snprintf(text, sizeof text, "%cstate=%s\n", 0, wiretext_state_name(all[i]));

		ck_assert_int_eq(wiretext_parse(text, (size_t)n, &answer), 0);
		ck_assert_int_eq(answer.state, all[i]);
	}
	/* of the future, and a key too */
	ck_assert_int_eq(PARSE("\0state=live\nkept_bytes=any thing\n", &answer), 0);
	ck_assert_int_eq(answer.state, WIRETEXT_UNKNOWN);
	ck_assert(answer.has_text);
	ck_assert_str_eq(wiretext_state_name(WIRETEXT_UNKNOWN), "unknown");
}
END_TEST

START_TEST(refuses)
{
#define ROW(literal)                         \
	{                                    \
		literal, sizeof(literal) - 1 \
	}
	static const struct {
		const char *data;
		size_t len;
	} rows[] = {
		{"", 0},
		ROW("\3"),
		ROW("\377"),
		ROW("0"),
		ROW("\0\n"),
		ROW("\0state"),
		ROW("\0state=running"),
		ROW("\0state\n"),
		ROW("\0=running\n"),
		ROW("\0state=\n"),
		ROW("\0state=Running\n"),
		ROW("\0state=run ning\n"),
		ROW("\0State=running\n"),
		ROW("\0 state=running\n"),
		ROW("\0state =running\n"),
		ROW("\0state=running\r\n"),
		ROW("\0state=running\n\n"),
		ROW("\0state=running\nstate=running\n"),
		ROW("\0state=running\nheld_bytes"),
		ROW("\0state=running\n\0"),
		ROW("\0held_bytes=\n"),
		ROW("\0held_bytes=-1\n"),
		ROW("\0held_bytes= 1\n"),
		ROW("\0held_bytes=1 \n"),
		ROW("\0held_bytes=0x1\n"),
		ROW("\0held_bytes=18446744073709551616\n"),
		ROW("\0helper=2147483648\n"),
		ROW("\0mode=eager_and_longer_x\n"),
		ROW("\0mode=e1\n"),
		ROW("\0image=/x\033[0m\n"),
		ROW("\0image=/x\0y\n"),
		ROW("\0other=\t\n"),
		ROW("\0error=ENOSPC\n"),
		ROW("\2reason=because\n"),
		ROW("\1error=enospc\n"),
		ROW("\1error=ENOTSOLONGANAMEX\n"),
		ROW("\1reason=a\x7f\n"),
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct wiretext answer, untouched;

		memset(&answer, 0x5a, sizeof answer);
		untouched = answer;
		ck_assert_msg(wiretext_parse(rows[i].data, rows[i].len, &answer) == -EBADMSG,
			      "row %zu is taken", i);
		ck_assert_msg(memcmp(&answer, &untouched, sizeof answer) == 0, "row %zu: changed",
			      i);
	}
}
END_TEST

START_TEST(length)
{
	static char data[WIRETEXT_MAX + 1];
	struct wiretext answer;

	memset(data, 'x', sizeof data);
	memcpy(data, "\1reason=", 8);
	data[WIRETEXT_MAX - 1] = '\n';
	ck_assert_int_eq(wiretext_parse(data, WIRETEXT_MAX, &answer), 0);
	ck_assert_uint_eq(strlen(answer.reason), WIRETEXT_MAX - 9);
	ck_assert_int_eq(wiretext_parse(data, WIRETEXT_MAX + 1, &answer), -EMSGSIZE);
}
END_TEST

START_TEST(torn_anywhere)
{
	static const char whole[] = "\1state=running\nerror=ENOSPC\nreason=no room\n";
	size_t len = sizeof whole - 1;

	for (size_t cut = 0; cut <= len; cut++) {
		bool fits = cut == 1 || (cut > 1 && whole[cut - 1] == '\n');
		char *copy = calloc(1, cut + 1);
		struct wiretext answer;
		int r;

		memcpy(copy, whole, cut);
		r = wiretext_parse(copy, cut, &answer);
		free(copy);
		ck_assert_msg(r == (fits ? 0 : -EBADMSG), "cut at %zu: %d", cut, r);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		takes_all_of_it, older_ones, states, refuses, length, torn_anywhere,
	};

	return RUN_TESTS("wiretext", tests);
}
