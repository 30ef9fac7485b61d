/* SPDX-License-Identifier: MIT */
#include "sys/mountinfo.h"

#include "base/cleanup.h"
#include "unit/builders.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

static struct mount_point point;

static int parse(const char *line)
{
	return mountinfo_parse_line(line, strlen(line), &point);
}

START_TEST(takes_real_ones)
{
	ck_assert_int_eq(parse("36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw"),
			 0);
	ck_assert_uint_eq(point.id, 36);
	ck_assert_uint_eq(point.device, makedev(98, 0));
	ck_assert_str_eq(point.path, "/mnt2");
	ck_assert_str_eq(point.type, "ext3");
	ck_assert_str_eq(point.source, "/dev/root");
	ck_assert_int_eq(parse("1 1 0:1 / / rw - rootfs rootfs rw"), 0);
	ck_assert_int_eq(parse("9 1 0:22 / /a\\040b rw shared:1 master:2 propagate_from:3 - "
			       "fuse.x some\\040thing rw"),
			 0);
	ck_assert_str_eq(point.path, "/a b");
	ck_assert_str_eq(point.source, "some thing");
	/* an empty source is printed as nothing */
	ck_assert_int_eq(parse("9 1 0:22 / /x rw - tmpfs  rw"), 0);
	ck_assert_str_eq(point.source, "");
}
END_TEST

START_TEST(refuses)
{
	static const char *const rows[] = {
		"",
		" ",
		"36",
		"36 35 98:0 /mnt1 /mnt2 rw",
		"36 35 98:0 /mnt1 /mnt2 rw -",
		"36 35 98:0 /mnt1 /mnt2 rw - ext3",
		"36 35 98:0 /mnt1 /mnt2 rw master:1 ext3 /dev/root rw",
		"x 35 98:0 /mnt1 /mnt2 rw - ext3 /dev/root rw",
		"36x 35 98:0 /mnt1 /mnt2 rw - ext3 /dev/root rw",
		"36 35 98 /mnt1 /mnt2 rw - ext3 /dev/root rw",
		"36 35 98: /mnt1 /mnt2 rw - ext3 /dev/root rw",
		"36 35 :0 /mnt1 /mnt2 rw - ext3 /dev/root rw",
		"36 35 98:0x /mnt1 /mnt2 rw - ext3 /dev/root rw",
		"36 35 4294967296:0 /mnt1 /mnt2 rw - ext3 /dev/root rw",
		"36 35 98:0 /mnt1 /mnt\\000 rw - ext3 /dev/root rw",
		"36  35 98:0 /mnt1 /mnt2 rw - ext3 /dev/root rw",
	};

	for (size_t i = 0; i < ROWS(rows); i++)
		ck_assert_msg(parse(rows[i]) == -EBADMSG, "row %zu is taken: %s", i, rows[i]);
}
END_TEST

START_TEST(finds_real_ones)
{
	_cleanup_close_ int fd = open("/proc", O_RDONLY | O_CLOEXEC);
	struct procfs procfs;
	struct stat st;
	int r;

	ck_assert_int_eq(procfs_open("/proc", &procfs), 0);
	r = mountinfo_find_fd(&procfs, fd, &point);
	ck_assert(r == 0 || r == -ENOENT); /* before Linux 5.8 nobody can tell */
	if (r == 0)
		ck_assert_str_eq(point.type, "proc");
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_eq(mountinfo_find_device(&procfs, st.st_dev, &point), 0);
	ck_assert_str_eq(point.type, "proc");
	ck_assert_int_eq(mountinfo_find_device(&procfs, makedev(4000, 1), &point), -ENOENT);
	procfs_close(&procfs);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {takes_real_ones, refuses, finds_real_ones};

	return RUN_TESTS("mountinfo", tests);
}
