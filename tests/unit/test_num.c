/* SPDX-License-Identifier: MIT */
#include "base/num.h"

#include "unit/builders.h"

#include <errno.h>
#include <string.h>

#define UNTOUCHED UINT64_C(0x5a5a5a5a5a5a5a5a)

struct u64_row {
	const char *text;
	int r;
	uint64_t value; /* where r is 0 */
};

static void check_u64_rows(const char *what, int (*parse)(const char *, uint64_t *),
			   const struct u64_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t value = UNTOUCHED;
		uint64_t expected = rows[i].r == 0 ? rows[i].value : UNTOUCHED;
		int r = parse(rows[i].text, &value);

		ck_assert_msg(r == rows[i].r, "%s(\"%s\") returns %d, not %d", what, rows[i].text,
			      r, rows[i].r);
		ck_assert_msg(value == expected, "%s(\"%s\") gives %llu, not %llu", what,
			      rows[i].text, (unsigned long long)value,
			      (unsigned long long)expected);
	}
}

START_TEST(u64_is_strict)
{
	static const struct u64_row rows[] = {
		{"0", 0, 0},
		{"7", 0, 7},
		{"0007", 0, 7},
		{"18446744073709551615", 0, UINT64_MAX},
		{"000018446744073709551615", 0, UINT64_MAX},
		{"18446744073709551616", -ERANGE, 0},
		{"18446744073709551620", -ERANGE, 0},
		{"99999999999999999999999", -ERANGE, 0},
		{"", -EINVAL, 0},
		{" ", -EINVAL, 0},
		{" 7", -EINVAL, 0},
		{"7 ", -EINVAL, 0},
		{"7\n", -EINVAL, 0},
		{"\t7", -EINVAL, 0},
		{"+7", -EINVAL, 0},
		{"-7", -EINVAL, 0},
		{"-0", -EINVAL, 0},
		{"7x", -EINVAL, 0},
		{"0x7", -EINVAL, 0},
		{"1e3", -EINVAL, 0},
		{"1.0", -EINVAL, 0},
		{"1,000", -EINVAL, 0},
		{"1_000", -EINVAL, 0},
		{"x", -EINVAL, 0},
		{"\xd9\xa3", -EINVAL, 0}, /* a digit, but an Arabic one */
	};

	check_u64_rows("num_u64", num_u64, rows, ROWS(rows));
}
END_TEST

START_TEST(i64_takes_one_minus)
{
	static const struct {
		const char *text;
		int r;
		int64_t value;
	} rows[] = {
		{"0", 0, 0},
		{"-0", 0, 0},
		{"-500", 0, -500},
		{"1000", 0, 1000},
		{"9223372036854775807", 0, INT64_MAX},
		{"-9223372036854775807", 0, -INT64_MAX},
		{"-9223372036854775808", 0, INT64_MIN},
		{"9223372036854775808", -ERANGE, 0},
		{"-9223372036854775809", -ERANGE, 0},
		{"18446744073709551616", -ERANGE, 0},
		{"-18446744073709551616", -ERANGE, 0},
		{"", -EINVAL, 0},
		{"-", -EINVAL, 0},
		{"--5", -EINVAL, 0},
		{"+5", -EINVAL, 0},
		{"-+5", -EINVAL, 0},
		{"- 5", -EINVAL, 0},
		{" -5", -EINVAL, 0},
		{"-5 ", -EINVAL, 0},
		{"5-", -EINVAL, 0},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		int64_t value = 4711;
		int r = num_i64(rows[i].text, &value);

		ck_assert_msg(r == rows[i].r, "\"%s\" returns %d, not %d", rows[i].text, r,
			      rows[i].r);
		ck_assert_msg(value == (r == 0 ? rows[i].value : 4711), "\"%s\" gives %lld",
			      rows[i].text, (long long)value);
	}
}
END_TEST

START_TEST(bytes_take_one_suffix)
{
	static const struct u64_row rows[] = {
		{"0", 0, 0},
		{"512", 0, 512},
		{"1K", 0, KIB},
		{"12M", 0, 12 * MIB},
		{"12m", 0, 12 * MIB},
		{"3G", 0, 3 * GIB},
		{"2T", 0, 2 * TIB},
		{"0T", 0, 0},
		{"16777215T", 0, 16777215 * TIB},
		{"16777216T", -ERANGE, 0}, /* 2^64 */
		{"18014398509481983K", 0, 18014398509481983 * KIB},
		{"18014398509481984K", -ERANGE, 0},
		{"18446744073709551615", 0, UINT64_MAX},
		{"18446744073709551616", -ERANGE, 0},
		{"18446744073709551615G", -ERANGE, 0},
		{"", -EINVAL, 0},
		{"M", -EINVAL, 0},
		{"12 M", -EINVAL, 0},
		{" 12M", -EINVAL, 0},
		{"12M ", -EINVAL, 0},
		{"12MB", -EINVAL, 0},
		{"12KiB", -EINVAL, 0},
		{"12KB", -EINVAL, 0},
		{"12B", -EINVAL, 0},
		{"12P", -EINVAL, 0},
		{"12MM", -EINVAL, 0},
		{"12M3K", -EINVAL, 0},
		{"1.5G", -EINVAL, 0},
		{"-1M", -EINVAL, 0},
		{"+1M", -EINVAL, 0},
		{"0x10K", -EINVAL, 0},
	};

	check_u64_rows("num_bytes", num_bytes, rows, ROWS(rows));
}
END_TEST

START_TEST(durations_take_several_parts)
{
	static const struct u64_row rows[] = {
		{"0", 0, 0},
		{"90", 0, 90 * NS_PER_S}, /* a bare number counts seconds */
		{"90s", 0, 90 * NS_PER_S},
		{"250ms", 0, 250 * NS_PER_MS},
		{"5min", 0, 5 * NS_PER_MIN},
		{"2h", 0, 2 * NS_PER_H},
		{"1h 30min", 0, 90 * NS_PER_MIN},
		{"1h30min", 0, 90 * NS_PER_MIN},
		{"1min 30s 250ms", 0, 90 * NS_PER_S + 250 * NS_PER_MS},
		{"0h 5min", 0, 5 * NS_PER_MIN},
		{"0s", 0, 0},
		{"18446744073s", 0, 18446744073 * NS_PER_S},
		{"18446744073709ms", 0, 18446744073709 * NS_PER_MS},
		{"18446744074s", -ERANGE, 0},
		{"18446744074", -ERANGE, 0},
		{"18446744073s 1000ms", -ERANGE, 0}, /* only the sum is too large */
		{"5124096h", -ERANGE, 0},
		{"18446744073709551616ms", -ERANGE, 0},
	};

	check_u64_rows("num_duration", num_duration, rows, ROWS(rows));
}
END_TEST

START_TEST(durations_refuse_the_rest)
{
	static const struct u64_row rows[] = {
		{"", -EINVAL, 0},	   {" ", -EINVAL, 0},
		{"1h 30", -EINVAL, 0}, /* 30 what? */
		{"0h 30", -EINVAL, 0}, /* the same, though the sum so far is 0 */
		{"0s 0", -EINVAL, 0},	   {"30 1h", -EINVAL, 0},
		{"30 30", -EINVAL, 0},	   {"s", -EINVAL, 0},
		{"1h min", -EINVAL, 0},	   {" 90s", -EINVAL, 0},
		{"90s ", -EINVAL, 0},	   {"90 ", -EINVAL, 0},
		{"90 s", -EINVAL, 0},	   {"1h  30min", -EINVAL, 0},
		{"1h\t30min", -EINVAL, 0}, {"-5s", -EINVAL, 0},
		{"1h -5s", -EINVAL, 0},	   {"+5s", -EINVAL, 0},
		{"1.5h", -EINVAL, 0},	   {"5m", -EINVAL, 0}, /* minutes or milliseconds? */
		{"5us", -EINVAL, 0},	   {"5sec", -EINVAL, 0},
		{"5minutes", -EINVAL, 0},  {"5H", -EINVAL, 0},
		{"5S", -EINVAL, 0},	   {"1d", -EINVAL, 0},
		{"1h,30min", -EINVAL, 0},  {"infinity", -EINVAL, 0},
	};

	check_u64_rows("num_duration", num_duration, rows, ROWS(rows));
}
END_TEST

START_TEST(permyriads)
{
	static const struct {
		const char *text;
		int r;
		unsigned value;
	} rows[] = {
		{"0", 0, 0},
		{"0%", 0, 0},
		{"1%", 0, 100},
		{"20", 0, 2000},
		{"20%", 0, 2000},
		{"0.5%", 0, 50},
		{"0.50%", 0, 50},
		{"0.05", 0, 5},
		{"0.01%", 0, 1},
		{"99.99%", 0, 9999},
		{"100", 0, 10000},
		{"100%", 0, 10000},
		{"100.0%", 0, 10000},
		{"100.00%", 0, 10000},
		{"100.01%", -ERANGE, 0},
		{"100.1", -ERANGE, 0},
		{"101%", -ERANGE, 0},
		{"18446744073709551615", -ERANGE, 0},
		{"184467440737095517%", -ERANGE, 0}, /* times 100 it would wrap to a small one */
		{"18446744073709551616%", -ERANGE, 0},
		{"", -EINVAL, 0},
		{"%", -EINVAL, 0},
		{".5%", -EINVAL, 0},
		{"5.%", -EINVAL, 0},
		{"0.005%", -EINVAL, 0}, /* finer than we can keep */
		{"0.99999999999999999999", -EINVAL, 0},
		{"0.-5", -EINVAL, 0},
		{"0,5%", -EINVAL, 0},
		{"5%%", -EINVAL, 0},
		{"5 %", -EINVAL, 0},
		{" 5%", -EINVAL, 0},
		{"5% ", -EINVAL, 0},
		{"-5%", -EINVAL, 0},
		{"+5%", -EINVAL, 0},
		{"1.2.3", -EINVAL, 0},
		{"5x", -EINVAL, 0},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		unsigned value = 4711;
		int r = num_permyriad(rows[i].text, &value);

		ck_assert_msg(r == rows[i].r, "\"%s\" returns %d, not %d", rows[i].text, r,
			      rows[i].r);
		ck_assert_msg(value == (r == 0 ? rows[i].value : 4711), "\"%s\" gives %u",
			      rows[i].text, value);
	}
}
END_TEST

START_TEST(bools)
{
	static const struct {
		const char *text;
		int r, value;
	} rows[] = {
		{"yes", 0, 1},	      {"on", 0, 1},	   {"true", 0, 1},     {"1", 0, 1},
		{"no", 0, 0},	      {"off", 0, 0},	   {"false", 0, 0},    {"0", 0, 0},
		{"", -EINVAL, 0},     {"2", -EINVAL, 0},   {"y", -EINVAL, 0},  {"yess", -EINVAL, 0},
		{" yes", -EINVAL, 0}, {"no ", -EINVAL, 0}, {"00", -EINVAL, 0}, {"-1", -EINVAL, 0},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		int value = 4711;
		int r = num_bool(rows[i].text, &value);

		ck_assert_msg(r == rows[i].r, "\"%s\" returns %d, not %d", rows[i].text, r,
			      rows[i].r);
		ck_assert_msg(value == (r == 0 ? rows[i].value : 4711), "\"%s\" gives %d",
			      rows[i].text, value);
	}
}
END_TEST

START_TEST(scan_stops_at_the_end_or_the_first_other)
{
	static const struct {
		const char *text;
		size_t len; /* where end is */
		int r;
		uint64_t value;
		size_t used;
	} rows[] = {
		{"1234", 4, 0, 1234, 4},
		{"1234", 2, 0, 12, 2}, /* never looks past end */
		{"12 34", 5, 0, 12, 2},
		{"12kB", 4, 0, 12, 2},
		{"1234", 0, -EINVAL, 0, 0},
		{"", 0, -EINVAL, 0, 0},
		{" 12", 3, -EINVAL, 0, 0},
		{"-12", 3, -EINVAL, 0, 0},
		{"18446744073709551615", 20, 0, UINT64_MAX, 20},
		{"18446744073709551616", 20, -ERANGE, 0, 0},
		{"18446744073709551616", 19, 0, 1844674407370955161, 19},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		const char *at = rows[i].text;
		uint64_t value = UNTOUCHED;
		int r = num_scan_u64(&at, rows[i].text + rows[i].len, &value);

		ck_assert_msg(r == rows[i].r, "row %zu returns %d, not %d", i, r, rows[i].r);
		ck_assert_msg(value == (r == 0 ? rows[i].value : UNTOUCHED), "row %zu gives %llu",
			      i, (unsigned long long)value);
		ck_assert_msg(at == rows[i].text + rows[i].used, "row %zu moves by %td", i,
			      at - rows[i].text);
	}
}
END_TEST

/* Whatever the bytes, a parser stays inside the string and leaves *ret alone when it fails. */
START_TEST(random_bytes)
{
	static const char alphabet[] = "0123456789 .%-+hmsinKMGTe\t\xff";
	static int (*const parsers[])(const char *, uint64_t *) = {num_u64, num_bytes,
								   num_duration};
	struct series series = series_start(0x6e756d);

	for (int i = 0; i < 100000; i++) {
		size_t len = series_below(&series, 12);
		char buf[12];
		char *text = buf + sizeof buf - 1 - len; /* a sanitizer sees one byte too many */

		for (size_t j = 0; j < len; j++)
			text[j] = alphabet[series_below(&series, sizeof alphabet - 1)];
		text[len] = '\0';
		for (size_t p = 0; p < ROWS(parsers); p++) {
			uint64_t value = UNTOUCHED;
			int r = parsers[p](text, &value);

			ck_assert_msg(
				r == 0 || ((r == -EINVAL || r == -ERANGE) && value == UNTOUCHED),
				"parser %zu, \"%s\", seed %llx: %d", p, text,
				(unsigned long long)series.seed, r);
			ck_assert_msg(r != 0 || (text[0] >= '0' && text[0] <= '9'),
				      "parser %zu takes \"%s\"", p, text);
		}
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		u64_is_strict,
		i64_takes_one_minus,
		bytes_take_one_suffix,
		durations_take_several_parts,
		durations_refuse_the_rest,
		permyriads,
		bools,
		scan_stops_at_the_end_or_the_first_other,
		random_bytes,
	};

	return RUN_TESTS("num", tests);
}
