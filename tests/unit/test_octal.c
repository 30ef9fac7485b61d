/* SPDX-License-Identifier: MIT */
#include "base/octal.h"

#include "unit/builders.h"

#include <errno.h>
#include <string.h>

START_TEST(unescapes)
{
	static const struct {
		const char *text, *expected;
	} rows[] = {
		{"", ""},
		{"/swap", "/swap"},
		{"/a\\040b", "/a b"},
		{"\\011\\012\\134", "\t\n\\"},
		{"\\303\\244", "\303\244"},
		{"\\377", "\377"},
		/* no escapes */
		{"\\", "\\"},
		{"\\0", "\\0"},
		{"\\04", "\\04"},
		{"\\400", "\\400"},
		{"\\049", "\\049"},
		{"a\\\\040", "a\\ "},
		{"\\0400", " 0"},
	};
	char out[64];

	for (size_t i = 0; i < ROWS(rows); i++) {
		ssize_t n = octal_unescape(rows[i].text, strlen(rows[i].text), out, sizeof out);

		ck_assert_msg(n == (ssize_t)strlen(rows[i].expected) &&
				      strcmp(out, rows[i].expected) == 0,
			      "row %zu: %zd '%s'", i, n, out);
	}
	ck_assert_int_eq(octal_unescape("/a\\040b", 4, out, sizeof out), 4);
	ck_assert_str_eq(out, "/a\\0");
}
END_TEST

START_TEST(limits)
{
	char out[4];

	ck_assert_int_eq(octal_unescape("abc", 3, out, sizeof out), 3);
	ck_assert_int_eq(octal_unescape("abcd", 4, out, sizeof out), -ENAMETOOLONG);
	ck_assert_int_eq(octal_unescape("\\040\\040\\040", 12, out, sizeof out), 3);
	ck_assert_int_eq(octal_unescape("a\\000", 5, out, sizeof out), -EBADMSG);
	ck_assert_int_eq(octal_unescape("a\0b", 3, out, sizeof out), -EBADMSG);
	ck_assert_int_eq(octal_unescape("", 0, out, 1), 0);
}
END_TEST

START_TEST(there_and_back)
{
	struct series series = series_start(5);
	char path[32], escaped[4 * sizeof path], back[sizeof path];

	for (int i = 0; i < 20000; i++) {
		size_t len = series_below(&series, sizeof path);
		struct text text = TEXT_OVER(escaped);

		for (size_t j = 0; j < len; j++)
			path[j] = (char)(1 + series_below(&series, 255));
		path[len] = '\0';
		octal_escape(&text, path);
		ck_assert(!text.cut);
		ck_assert_ptr_null(strpbrk(escaped, " \t\n"));
		ck_assert_int_eq(octal_unescape(escaped, text.len, back, sizeof back),
				 (ssize_t)len);
		ck_assert_str_eq(back, path);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {unescapes, limits, there_and_back};

	return RUN_TESTS("octal", tests);
}
