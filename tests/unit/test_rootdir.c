/* SPDX-License-Identifier: MIT */
#include "sys/rootdir.h"

#include "base/cleanup.h"
#include "unit/builders.h"
#include "unit/fixture.h"

#include <errno.h>

static struct fixture fixture;
static char path[64], found[PATH_MAX], reason[200];

static int look(const char *name)
{
	struct text why = TEXT_OVER(reason);
	_cleanup_close_ int fd = -1;

	(void)snprintf(path, sizeof path, "%s/%s", fixture.directory, name);
	fd = rootdir_open(path, found, &why);
	return fd < 0 ? fd : 0;
}

static void make(const char *name, mode_t mode, uid_t owner)
{
	ck_assert_int_eq(mkdirat(fixture.root.root_fd, name, mode), 0);
	ck_assert_int_eq(fchownat(fixture.root.root_fd, name, owner, owner, 0), 0);
	ck_assert_int_eq(fchmodat(fixture.root.root_fd, name, mode, 0), 0);
}

static void open_fixture(void)
{
	fixture_open(&fixture);
}

static void close_fixture(void)
{
	fixture_close(&fixture);
}

START_TEST(what_is_root_s_alone)
{
	open_fixture();
	make("good", 0700, 0);
	ck_assert_int_eq(look("good"), 0);
	ck_assert_str_eq(found, path);
	ck_assert_int_eq(look("good/"), 0);
	ck_assert_int_eq(look("good/../good/."), 0);
	/* a link is followed, and what it leads to counts */
	ck_assert_int_eq(symlinkat("good", fixture.root.root_fd, "link"), 0);
	ck_assert_int_eq(look("link"), 0);
	ck_assert(strstr(found, "/good"));
	/* below a sticky one nobody can take its place, as in /tmp */
	make("sticky", 01777, 0);
	make("sticky/good", 0500, 0);
	ck_assert_int_eq(look("sticky/good"), 0);
	close_fixture();
}
END_TEST

START_TEST(what_is_not)
{
	static const struct {
		const char *name, *reason;
		int r;
	} rows[] = {
		{"wide", "has mode 0710, so that others get into it: chmod 700 it", -EPERM},
		{"others", "belongs to user 65534: chown root it", -EPERM},
		{"open/inner", "lies in a directory that others than root may write to", -EPERM},
		{"theirs/inner", "lies in a directory that others than root may write to", -EPERM},
		{"theirs/link", "lies in a directory that others than root may write to", -EPERM},
		{"file", "isn't a directory", -ENOTDIR},
		{"nowhere", "isn't there; make it, with mode 700", -ENOENT},
		{"nowhere/at/all", "isn't there; make it, with mode 700", -ENOENT},
		{"loop", "can't be opened: Too many levels of symbolic links", -ELOOP},
	};

	open_fixture();
	make("wide", 0710, 0);
	make("others", 0700, 65534);
	make("open", 0777, 0);
	make("open/inner", 0700, 0);
	make("theirs", 0755, 65534);
	make("theirs/inner", 0700, 0);
	ck_assert_int_eq(symlinkat("inner", fixture.root.root_fd, "theirs/link"), 0);
	ck_assert_int_eq(symlinkat("loop", fixture.root.root_fd, "loop"), 0);
	fixture_write(&fixture, "file", "");
	for (size_t i = 0; i < ROWS(rows); i++) {
		int r = look(rows[i].name);

		ck_assert_msg(r == rows[i].r, "%s: %d", rows[i].name, r);
		ck_assert_msg(strncmp(reason, rows[i].reason, strlen(rows[i].reason)) == 0,
			      "%s: %s", rows[i].name, reason);
	}
	close_fixture();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {what_is_root_s_alone, what_is_not};

	if (geteuid() != 0) {
		puts("skipped: only root can make what is root's");
		puts("100%: Checks: 0, Failures: 0, Errors: 0");
		return 0;
	}
	return RUN_TESTS("rootdir", tests);
}
