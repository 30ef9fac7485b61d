/* SPDX-License-Identifier: MIT */
#include "sys/resumefile.h"

#include "base/cleanup.h"
#include "sys/extents.h"
#include "unit/builders.h"
#include "unit/fixture.h"

#include <errno.h>
#include <string.h>
#include <sys/sysmacros.h>

START_TEST(command_lines)
{
	const struct {
		const char *text;
		bool set;
		dev_t device;
		const char *spec;
		uint64_t offset_pages;
	} rows[] = {
		{"", false, 0, "", 0},
		{"quiet root=/dev/sda1\n", false, 0, "", 0},
		{"resume=/dev/sda2\n", true, 0, "/dev/sda2", 0},
		{"quiet resume=UUID=12-34 splash", true, 0, "UUID=12-34", 0},
		{"resume=8:3", true, makedev(8, 3), "", 0},
		{"resume=/dev/vda resume_offset=34816\n", true, 0, "/dev/vda", 34816},
		{"resume_offset=34816 resume=/dev/vda\n", true, 0, "/dev/vda", 34816},
		{"resume=/dev/a resume=/dev/b", true, 0, "/dev/b", 0},
		{"resume=/dev/a noresume", false, 0, "", 0},
		{"noresume resume=/dev/a", false, 0, "", 0},
		{"resume=", false, 0, "", 0},
		{"xresume=/dev/a noresumex", false, 0, "", 0},
		{"resume=/dev/a resume_offset=x", true, 0, "/dev/a", 0},
		{"resume=8:3x", true, 0, "8:3x", 0},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct resume resume;

		resume_parse_cmdline(rows[i].text, strlen(rows[i].text), &resume);
		ck_assert_msg(resume.set == rows[i].set && resume.device == rows[i].device &&
				      strcmp(resume.spec, rows[i].spec) == 0 &&
				      resume.offset_pages == rows[i].offset_pages,
			      "row %zu: %s", i, rows[i].text);
	}
}
END_TEST

START_TEST(which_source_counts)
{
	struct fixture fixture;
	struct resume resume;

	fixture_open(&fixture);
	ck_assert_int_eq(resume_read(&fixture.root, &fixture.root, &resume), -ENOENT);
	fixture_write(&fixture, "cmdline", "quiet resume=/dev/sda2\n");
	ck_assert_int_eq(resume_read(&fixture.root, &fixture.root, &resume), 0);
	ck_assert_str_eq(resume.spec, "/dev/sda2");
	/* nothing was set: 0:0 */
	fixture_write(&fixture, "power/resume", "0:0\n");
	ck_assert_int_eq(resume_read(&fixture.root, &fixture.root, &resume), 0);
	ck_assert_str_eq(resume.spec, "/dev/sda2");
	fixture_write(&fixture, "power/resume", "8:2\n");
	ck_assert_int_eq(resume_read(&fixture.root, &fixture.root, &resume), 0);
	ck_assert(resume.set);
	ck_assert_uint_eq(resume.device, makedev(8, 2));
	ck_assert_uint_eq(resume.offset_pages, 0);
	fixture_write(&fixture, "power/resume_offset", "1234\n");
	ck_assert_int_eq(resume_read(&fixture.root, &fixture.root, &resume), 0);
	ck_assert_uint_eq(resume.offset_pages, 1234);
	fixture_close(&fixture);
}
END_TEST

START_TEST(a_swap_file)
{
	char path[] = "/var/tmp/resume.XXXXXX";
	_cleanup_close_ int fd = mkstemp(path);
	struct resume resume = {.set = true};
	struct extents extents;
	struct procfs procfs;
	struct stat st;

	ck_assert_int_eq(procfs_open("/proc", &procfs), 0);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(fallocate(fd, 0, 0, 64 * KIB), 0);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_eq(extents_look(fd, 1, &extents), 0);
	/* a whole device is no file */
	ck_assert(!resumefile_is(&procfs, &resume, fd));
	resume.offset_pages = extents.first_physical_bytes / (uint64_t)sysconf(_SC_PAGESIZE);
	if (extents.known && resume.offset_pages > 0) {
		/* the device isn't known: by the place alone */
		ck_assert(resumefile_is(&procfs, &resume, fd));
		resume.device = makedev(4095, 1);
		ck_assert(!resumefile_is(&procfs, &resume, fd));
		resume.device = 0;
		resume.set = false;
		ck_assert(!resumefile_is(&procfs, &resume, fd));
		resume.set = true;
		resume.offset_pages++;
		ck_assert(!resumefile_is(&procfs, &resume, fd));
	} else {
		printf("skipped in part: where a file lies isn't told here\n");
	}
	procfs_close(&procfs);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {command_lines, which_source_counts, a_swap_file};

	return RUN_TESTS("resume", tests);
}
