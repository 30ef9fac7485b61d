/* SPDX-License-Identifier: MIT */
#include "base/text.h"

#include "unit/builders.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

START_TEST(adds_until_full)
{
	char buf[8];
	struct text text = TEXT_OVER(buf);

	ck_assert_str_eq(buf, "");
	ck_assert_uint_eq(text.len, 0);
	ck_assert_uint_eq(text.cap, sizeof buf);
	text_add(&text, "abc");
	text_addf(&text, "%d", 42);
	ck_assert_str_eq(buf, "abc42");
	ck_assert(!text.cut);
	text_add(&text, "de");
	ck_assert_str_eq(buf, "abc42de"); /* exactly full is not cut */
	ck_assert_uint_eq(text.len, 7);
	ck_assert(!text.cut);
	text_add(&text, "");
	ck_assert(!text.cut);
	text_add(&text, "f");
	ck_assert_str_eq(buf, "abc42de");
	ck_assert_uint_eq(text.len, 7);
	ck_assert(text.cut);
}
END_TEST

START_TEST(cuts_in_the_middle)
{
	static const struct {
		size_t cap;
		const char *string, *expected;
		bool cut;
	} rows[] = {
		{1, "", "", false},	  {1, "a", "", true},	      {2, "a", "a", false},
		{2, "ab", "a", true},	  {4, "abcdef", "abc", true}, {4, "abc", "abc", false},
		{4, "%s%n", "%s%", true},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		char buf[8] = "#######";
		struct text plain = text_over(buf, rows[i].cap);

		text_add(&plain, rows[i].string);
		ck_assert_msg(strcmp(buf, rows[i].expected) == 0, "row %zu: \"%s\"", i, buf);
		ck_assert_msg(plain.cut == rows[i].cut, "row %zu: cut is %d", i, plain.cut);
		ck_assert_msg(plain.len == strlen(rows[i].expected), "row %zu: len %zu", i,
			      plain.len);
		ck_assert_msg(buf[rows[i].cap] == '#' || rows[i].cap == 8, "row %zu: wrote on", i);
	}
}
END_TEST

START_TEST(safe_cuts_too)
{
	char buf[5] = "####";
	struct text text = text_over(buf, 4);

	text_add_safe(&text, "ab cd");
	ck_assert_str_eq(buf, "ab?");
	ck_assert(text.cut);
	ck_assert_uint_eq(text.len, 3);
	ck_assert_int_eq(buf[4], '\0');
	text_add_safe(&text, "");
	ck_assert_str_eq(buf, "ab?");
}
END_TEST

START_TEST(bytes)
{
	static const struct {
		uint64_t bytes;
		const char *expected;
	} rows[] = {
		{0, "0B"},
		{1, "1B"},
		{1023, "1023B"},
		{1024, "1.0KiB"},
		{1024 + 102, "1.0KiB"}, /* rounded down: 1.0996 */
		{1024 + 103, "1.1KiB"},
		{1536, "1.5KiB"},
		{2047, "1.9KiB"},
		{99 * KIB + 1023, "99.9KiB"},
		{100 * KIB, "100KiB"},
		{812 * KIB, "812KiB"},
		{812 * KIB + 1023, "812KiB"},
		{1023 * KIB + 1023, "1023KiB"},
		{MIB, "1.0MiB"},
		{12 * MIB + 512 * KIB, "12.5MiB"},
		{99 * MIB + 921 * KIB, "99.8MiB"},
		{100 * MIB - 1, "99.9MiB"},
		{3 * GIB + 256 * MIB, "3.2GiB"},
		{16 * TIB, "16.0TiB"},
		{1024 * TIB, "1.0PiB"},
		{UINT64_C(1) << 60, "1.0EiB"},
		{(UINT64_C(1) << 60) / 2 * 3, "1.5EiB"},
		{UINT64_MAX, "15.9EiB"},
	};

	for (size_t i = 0; i < ROWS(rows); i++)
		ck_assert_msg(strcmp(FMT_BYTES(rows[i].bytes), rows[i].expected) == 0,
			      "%llu is \"%s\", not \"%s\"", (unsigned long long)rows[i].bytes,
			      FMT_BYTES(rows[i].bytes), rows[i].expected);
}
END_TEST

/* The figure in a "12.5MiB" is what it says, rounded down, whatever the value. */
START_TEST(bytes_round_down)
{
	struct series series = series_start(0x62797465);

	for (int i = 0; i < 20000; i++) {
		uint64_t value = series_any(&series);
		struct text_small small = text_bytes(value);
		uint64_t unit = UINT64_C(1) << 60, tenths;
		unsigned long long whole, tenth = 0;

		while (unit > 1 && value < unit)
			unit /= KIB;
		tenths = value / unit * 10 + value % unit * 10 / unit;
		ck_assert_int_ge(sscanf(small.buf, "%llu.%llu", &whole, &tenth), 1);
		ck_assert_msg(whole == tenths / 10, "%llu is \"%s\", seed %llx",
			      (unsigned long long)value, small.buf,
			      (unsigned long long)series.seed);
		ck_assert_msg(!strchr(small.buf, '.') || tenth == tenths % 10,
			      "%llu is \"%s\", seed %llx", (unsigned long long)value, small.buf,
			      (unsigned long long)series.seed);
	}
}
END_TEST

START_TEST(durations)
{
	static const struct {
		uint64_t ns;
		const char *expected;
	} rows[] = {
		{0, "0ms"},
		{1, "0ms"},
		{350 * NS_PER_MS, "350ms"},
		{NS_PER_S - 1, "999ms"},
		{NS_PER_S, "1s"},
		{NS_PER_S + 999 * NS_PER_MS, "1s"},
		{45 * NS_PER_S, "45s"},
		{60 * NS_PER_S, "1min"},
		{150 * NS_PER_S, "2min30s"},
		{NS_PER_H - 1, "59min59s"},
		{NS_PER_H, "1h"},
		{NS_PER_H + 59 * NS_PER_S, "1h"}, /* two units, and they touch */
		{3 * NS_PER_H + 12 * NS_PER_MIN + 40 * NS_PER_S, "3h12min"},
		{24 * NS_PER_H, "1d"},
		{24 * NS_PER_H + 59 * NS_PER_MIN, "1d"},
		{50 * NS_PER_H, "2d2h"},
		{UINT64_MAX, "213503d23h"},
	};

	for (size_t i = 0; i < ROWS(rows); i++)
		ck_assert_msg(strcmp(FMT_DURATION(rows[i].ns), rows[i].expected) == 0,
			      "%llu ns is \"%s\", not \"%s\"", (unsigned long long)rows[i].ns,
			      FMT_DURATION(rows[i].ns), rows[i].expected);
}
END_TEST

START_TEST(safe_neutralises)
{
	static const struct {
		const char *string, *expected;
	} rows[] = {
		{"", ""},
		{"bash", "bash"},
		{"/usr/bin/a-b_c.d+e,f:g;h", "/usr/bin/a-b_c.d+e,f:g;h"},
		{"two words", "two?words"},
		{"a\nswapped pid=1", "a?swapped?pid?1"}, /* a line of its own, keys of its own */
		{"a\r\tb", "a??b"},
		{"say \"hi\"", "say??hi?"},
		{"\x1b[2J", "?[2J"}, /* a terminal's clear screen */
		{"\x01\x1f\x7f", "???"},
		{"\x80\x9b\xff", "???"},
		{"h\xc3\xa9", "h??"},
		{"%s%n", "%s%n"}, /* never a format */
		{"~", "~"},
	};

	for (size_t i = 0; i < ROWS(rows); i++)
		ck_assert_msg(strcmp(FMT_SAFE(rows[i].string), rows[i].expected) == 0,
			      "row %zu is \"%s\", not \"%s\"", i, FMT_SAFE(rows[i].string),
			      rows[i].expected);
}
END_TEST

START_TEST(safe_takes_every_byte)
{
	for (int c = 1; c < 256; c++) {
		char string[2] = {(char)c, '\0'};
		struct text_small small = text_safe(string);
		bool plain = c > 0x20 && c < 0x7f && c != '=' && c != '"';

		ck_assert_msg(small.buf[0] == (plain ? (char)c : '?') && small.buf[1] == '\0',
			      "byte 0x%02x becomes \"%s\"", c, small.buf);
	}
}
END_TEST

START_TEST(small_ones_fit_or_are_cut)
{
	struct text_small small = text_safe("0123456789012345678901234567890123456789");

	ck_assert_uint_eq(strlen(small.buf), sizeof small.buf - 1);
	ck_assert_uint_lt(strlen(FMT_BYTES(UINT64_MAX)), sizeof small.buf - 1);
	ck_assert_uint_lt(strlen(FMT_DURATION(UINT64_MAX)), sizeof small.buf - 1);
}
END_TEST

START_TEST(errors)
{
	ck_assert_str_eq(text_error(ENOENT), "No such file or directory");
	ck_assert_str_eq(text_error(0), "Success");
	ck_assert_str_eq(text_error(-1), "unknown error");
	ck_assert_str_eq(text_error(99999), "unknown error");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		adds_until_full,
		cuts_in_the_middle,
		safe_cuts_too,
		bytes,
		bytes_round_down,
		durations,
		safe_neutralises,
		safe_takes_every_byte,
		small_ones_fit_or_are_cut,
		errors,
	};

	return RUN_TESTS("text", tests);
}
