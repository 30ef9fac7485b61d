/* SPDX-License-Identifier: MIT */
#include "sys/fstab.h"

#include "base/cleanup.h"
#include "unit/builders.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

static struct fstab_entry entry;

static int parse(const char *line)
{
	return fstab_parse_line(line, strlen(line), &entry);
}

START_TEST(takes_entries)
{
	ck_assert_int_eq(parse("/dev/sda2 none swap sw,pri=5 0 0"), 1);
	ck_assert_str_eq(entry.spec, "/dev/sda2");
	ck_assert_str_eq(entry.type, "swap");
	ck_assert_str_eq(entry.options, "sw,pri=5");
	ck_assert_int_eq(parse("\t UUID=01-23 \t swap\tswap   defaults  "), 1);
	ck_assert_str_eq(entry.spec, "UUID=01-23");
	ck_assert_str_eq(entry.options, "defaults");
	ck_assert_int_eq(parse("/my\\040swap none swap"), 1);
	ck_assert_str_eq(entry.spec, "/my swap");
	ck_assert_str_eq(entry.options, "");
	ck_assert_int_eq(parse("/x none swap sw\r"), 1);
	ck_assert_str_eq(entry.options, "sw");
}
END_TEST

START_TEST(passes_over)
{
	static const char *const none[] = {"", " ", "\t", "# /dev/sda2 none swap sw", " #x", "#"};
	static const char *const bad[] = {"x", "x y", "x\\000 y swap", " x  "};
	char line[8192];

	for (size_t i = 0; i < ROWS(none); i++)
		ck_assert_msg(parse(none[i]) == 0, "%s", none[i]);
	for (size_t i = 0; i < ROWS(bad); i++)
		ck_assert_msg(parse(bad[i]) == -EBADMSG, "%s", bad[i]);
	memset(line, 'x', sizeof line);
	(void)strcpy(line + 4095, " none swap");
	ck_assert_int_eq(parse(line), 1);
	memset(line, 'x', sizeof line);
	(void)strcpy(line + 4096, " none swap");
	ck_assert_int_eq(parse(line), -EBADMSG);
}
END_TEST

START_TEST(options)
{
	static const char text[] = "sw,pri=5,discard,nofail,prix=9,pri=7,,x=";
	char value[8] = "none";

	ck_assert(fstab_option(text, "pri", value, sizeof value));
	ck_assert_str_eq(value, "7");
	ck_assert(fstab_option(text, "discard", value, sizeof value));
	ck_assert_str_eq(value, "");
	ck_assert(fstab_option(text, "x", value, sizeof value));
	ck_assert_str_eq(value, "");
	ck_assert(fstab_option(text, "nofail", NULL, 0));
	ck_assert(!fstab_option(text, "noauto", NULL, 0));
	ck_assert(!fstab_option(text, "fail", NULL, 0));
	ck_assert(!fstab_option("", "pri", value, sizeof value));
	ck_assert(fstab_option("a=123456789", "a", value, sizeof value));
	ck_assert_str_eq(value, "1234567");
}
END_TEST

static int count(void *ctx, const struct fstab_entry *found)
{
	int *n = ctx;

	ck_assert_str_eq(found->type, "swap");
	return ++*n == 3 ? 42 : 0;
}

START_TEST(reads_files)
{
	char path[] = "/tmp/test_fstab.XXXXXX";
	_cleanup_close_ int fd = mkstemp(path);
	static const char text[] =
		"# nothing\n/dev/a / ext4 rw 0 1\n\nnonsense\n/dev/b none swap sw\n"
		"/dev/c none swap sw";
	int n = 0;

	ck_assert_int_eq(write(fd, text, sizeof text - 1), sizeof text - 1);
	ck_assert_int_eq(fstab_each_swap(path, count, &n), 0);
	ck_assert_int_eq(n, 2);
	ck_assert_int_eq(fstab_each_swap(path, count, &n), 42);
	(void)unlink(path);
	ck_assert_int_eq(fstab_each_swap(path, count, &n), -ENOENT);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {takes_entries, passes_over, options, reads_files};

	return RUN_TESTS("fstab", tests);
}
