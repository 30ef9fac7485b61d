/* SPDX-License-Identifier: MIT */
/* What /sys says of block devices, loop devices as they are, and what libblkid finds in them. */
#include "sys/blkprobe.h"
#include "sys/loopdev.h"
#include "sys/swapfile.h"
#include "sys/sysblock.h"

#include "base/cleanup.h"
#include "unit/builders.h"
#include "unit/fixture.h"

#include <errno.h>
#include <poll.h>
#include <sys/sysmacros.h>

START_TEST(facts_of_sys)
{
	const dev_t device = makedev(8, 3);
	struct fixture fixture;
	uint64_t bytes;
	char name[16];

	fixture_open(&fixture);
	ck_assert_int_eq(sysblock_size_bytes(&fixture.root, device, &bytes), -ENOENT);
	fixture_write(&fixture, "dev/block/8:3/size", "2048\n");
	ck_assert_int_eq(sysblock_size_bytes(&fixture.root, device, &bytes), 0);
	ck_assert_uint_eq(bytes, MIB);
	fixture_write(&fixture, "dev/block/8:3/size", "36028797018963968\n");
	ck_assert_int_eq(sysblock_size_bytes(&fixture.root, device, &bytes), -EBADMSG);
	ck_assert_int_eq(sysblock_mapper_name(&fixture.root, device, name, sizeof name), -ENOENT);
	fixture_write(&fixture, "dev/block/8:3/dm/name", "cryptswap\n");
	ck_assert_int_eq(sysblock_mapper_name(&fixture.root, device, name, sizeof name), 0);
	ck_assert_str_eq(name, "cryptswap");
	fixture_close(&fixture);
}
END_TEST

START_TEST(bad_states)
{
	static const struct {
		const char *state;
		bool offline;
	} rows[] = {{"running\n", false},
		    {"live\n", false},
		    {"offline\n", true},
		    {"dead\n", true},
		    {"transport-offline\n", true}};
	const dev_t device = makedev(8, 3);
	struct fixture fixture;

	fixture_open(&fixture);
	ck_assert(!sysblock_is_offline(&fixture.root, device));
	for (size_t i = 0; i < ROWS(rows); i++) {
		fixture_write(&fixture, "dev/block/8:3/device/state", rows[i].state);
		ck_assert(sysblock_is_offline(&fixture.root, device) == rows[i].offline);
	}
	/* of a partition: one above, which here is for all of them */
	fixture_write(&fixture, "dev/block/8:4/size", "1\n");
	fixture_write(&fixture, "dev/block/device/state", "offline\n");
	ck_assert(sysblock_is_offline(&fixture.root, makedev(8, 4)));

	ck_assert(!sysblock_is_solid(&fixture.root, device));
	fixture_write(&fixture, "dev/block/8:3/queue/rotational", "1\n");
	ck_assert(!sysblock_is_solid(&fixture.root, device));
	fixture_write(&fixture, "dev/block/8:3/queue/rotational", "0\n");
	ck_assert(sysblock_is_solid(&fixture.root, device));
	ck_assert(!sysblock_has_errors(&fixture.root, device));
	fixture_write(&fixture, "dev/block/8:3/io_stat", "       0        0        0      123\n");
	ck_assert(!sysblock_has_errors(&fixture.root, device));
	fixture_write(&fixture, "dev/block/8:3/io_stat", "       0        7        0        0\n");
	ck_assert(sysblock_has_errors(&fixture.root, device));
	fixture_write(&fixture, "dev/block/8:3/io_stat", "nonsense\n");
	ck_assert(!sysblock_has_errors(&fixture.root, device));
	fixture_close(&fixture);
}
END_TEST

START_TEST(loop_devices_in_sys)
{
	const dev_t device = makedev(7, 5);
	struct fixture fixture;
	struct loopdev loop = {.offset_bytes = 1};

	fixture_open(&fixture);
	ck_assert_int_eq(loopdev_look(&fixture.root, device, &loop), -ENOENT);
	fixture_write(&fixture, "dev/block/7:5/loop/backing_file", "/a file\n");
	ck_assert_int_eq(loopdev_look(&fixture.root, device, &loop), -ENOENT);
	ck_assert_uint_eq(loop.offset_bytes, 1);
	fixture_write(&fixture, "dev/block/7:5/loop/offset", "4096\n");
	fixture_write(&fixture, "dev/block/7:5/loop/sizelimit", "8192\n");
	ck_assert_int_eq(loopdev_look(&fixture.root, device, &loop), 0);
	ck_assert_str_eq(loop.backing, "/a file");
	ck_assert_uint_eq(loop.offset_bytes, 4096);
	ck_assert_uint_eq(loop.limit_bytes, 8192);
	fixture_close(&fixture);
}
END_TEST

static int make_file(char path[], uint64_t bytes)
{
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(posix_fallocate(fd, 0, (off_t)bytes), 0);
	(void)unlink(path);
	return fd;
}

START_TEST(a_real_loop_device)
{
	char path[] = "/var/tmp/blockdev.XXXXXX", loop_path[LOOPDEV_PATH_MAX];
	_cleanup_close_ int fd = make_file(path, 4 * MIB), loop_fd = -1;
	const struct swapheader header = swapheader_new(MIB, "test");
	struct loopdev_backing backing;
	struct swapheader found;
	struct loopdev loop;
	struct procfs sys;
	struct stat st, loop_st;
	uint64_t bytes;

	loop_fd = loopdev_attach(fd, MIB, 2 * MIB, loop_path);
	if (loop_fd < 0) {
		printf("skipped in part: loop devices: %s\n", strerror(-loop_fd));
		return;
	}
	ck_assert_int_eq(procfs_open("/sys", &sys), 0);
	ck_assert_int_eq(fstat(loop_fd, &loop_st), 0);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_eq(loopdev_look(&sys, loop_st.st_rdev, &loop), 0);
	ck_assert_uint_eq(loop.offset_bytes, MIB);
	ck_assert_uint_eq(loop.limit_bytes, 2 * MIB);
	ck_assert_int_eq(sysblock_size_bytes(&sys, loop_st.st_rdev, &bytes), 0);
	ck_assert_uint_eq(bytes, 2 * MIB);
	ck_assert_int_eq(loopdev_backing(loop_fd, &backing), 0);
	ck_assert_uint_eq(backing.dev, st.st_dev);
	ck_assert_uint_eq(backing.ino, st.st_ino);
	ck_assert_uint_eq(backing.rdev, 0);
	/* what is written there is in the file, where it should be */
	ck_assert_int_eq(swapfile_write_header(loop_fd, 0, &header), 0);
	ck_assert_int_eq(swapfile_read_header(fd, MIB, &found, NULL), 0);
	ck_assert_str_eq(found.label, "test");
	/* and it goes with its last user, whoever looks at a new device on this machine */
	close_fd(&loop_fd);
	while (loopdev_look(&sys, loop_st.st_rdev, &loop) == 0 &&
	       strncmp(loop.backing, path, strlen(path)) == 0)
		(void)poll(NULL, 0, 5);
	procfs_close(&sys);
}
END_TEST

START_TEST(what_is_in_there)
{
	char path[] = "/var/tmp/blockdev.XXXXXX";
	_cleanup_close_ int fd = make_file(path, 4 * MIB);
	const struct swapheader header = swapheader_new(2 * MIB, "test");
	static const unsigned char table[] = {0x80, 1, 1, 0, 0x83, 2, 2, 0, 8, 0, 0, 0, 8, 0, 0, 0};
	struct blkprobe probe;

	ck_assert_int_eq(blkprobe_look(fd, 0, 0, &probe), 0);
	ck_assert(!probe.found);
	ck_assert_int_eq(swapfile_write_header(fd, MIB, &header), 0);
	ck_assert_int_eq(blkprobe_look(fd, 0, 0, &probe), 0);
	ck_assert(!probe.found);
	ck_assert_int_eq(blkprobe_look(fd, MIB, 2 * MIB, &probe), 0);
	ck_assert(probe.found && probe.swap);
	/* a partition table of a PC, with one partition */
	ck_assert_int_eq(pwrite(fd, table, sizeof table, 446), sizeof table);
	ck_assert_int_eq(pwrite(fd, "\x55\xaa", 2, 510), 2);
	ck_assert_int_eq(blkprobe_look(fd, 0, 0, &probe), 0);
	ck_assert(probe.found && !probe.swap);
	ck_assert_str_eq(probe.what, "a partition table (dos)");
	/* LUKS, by its first bytes */
	ck_assert_int_eq(pwrite(fd, "LUKS\xba\xbe\0\1", 8, 0), 8);
	ck_assert_int_eq(blkprobe_look(fd, 0, 0, &probe), 0);
	ck_assert(probe.found && !probe.swap);
}
END_TEST

START_TEST(names_of_devices)
{
	char path[PATH_MAX];

	ck_assert_int_eq(blkprobe_resolve("/a/path with=sign", path), 0);
	ck_assert_str_eq(path, "/a/path with=sign");
	ck_assert_int_eq(blkprobe_resolve("./A=B", path), 0);
	ck_assert_str_eq(path, "./A=B");
	ck_assert_int_eq(blkprobe_resolve("a=b", path), 0);
	ck_assert_int_eq(blkprobe_resolve("UUID", path), 0);
	ck_assert_int_eq(blkprobe_resolve("name", path), 0);
	ck_assert_str_eq(path, "name");
	ck_assert_int_eq(blkprobe_resolve("UUID=00000000-dead-dead-dead-000000000000", path),
			 -ENOENT);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		facts_of_sys,	    bad_states,	      loop_devices_in_sys,
		a_real_loop_device, what_is_in_there, names_of_devices,
	};

	return RUN_TESTS("blockdev", tests);
}
