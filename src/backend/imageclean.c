/* SPDX-License-Identifier: MIT */
#include "backend/imageclean.h"

#include "backend/imagefile.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "proto/names.h"
#include "sys/dirnames.h"
#include "sys/procstat.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#ifndef SMB2_SUPER_MAGIC
#define SMB2_SUPER_MAGIC 0xfe534d42
#endif
#ifndef CIFS_SUPER_MAGIC
#define CIFS_SUPER_MAGIC 0xff534d42
#endif
#ifndef CEPH_SUPER_MAGIC
#define CEPH_SUPER_MAGIC 0x00c36400
#endif
#ifndef FUSE_SUPER_MAGIC
#define FUSE_SUPER_MAGIC 0x65735546
#endif

/* Another boot may be another machine's there, whose process we can't see. */
static bool is_shared_with_machines(int dir_fd)
{
	struct statfs fs;

	if (fstatfs(dir_fd, &fs) < 0)
		return true;
	switch ((unsigned long)fs.f_type) {
	case NFS_SUPER_MAGIC:
	case SMB_SUPER_MAGIC:
	case SMB2_SUPER_MAGIC:
	case CIFS_SUPER_MAGIC:
	case CEPH_SUPER_MAGIC:
	case AFS_SUPER_MAGIC:
	case V9FS_MAGIC:
	case FUSE_SUPER_MAGIC: return true;
	default: return false;
	}
}

/* When the process that has the number now has started; 0: there is none. */
static uint64_t start_of(const struct procfs *procfs, pid_t pid)
{
	const struct procstat_units units = procstat_units();
	struct proc_facts facts = {0};
	_cleanup_close_ int fd = procfs_open_pid_file(procfs, pid, "stat");

	/* /proc may hide it (hidepid); kill says all the same that it's there */
	if ((fd == -ESRCH || fd == -ENOENT) && kill(pid, 0) < 0 && errno == ESRCH)
		return 0;
	/* what can't be read may be alive */
	return fd < 0 || procstat_read_fd(fd, &units, &facts) < 0 ? UINT64_MAX
								  : facts.id.start_ticks;
}

static bool is_stale(const struct image_header *header, const struct imagefile_here *here,
		     const struct procfs *procfs, bool shared)
{
	uint64_t start_ticks;

	if (memcmp(header->boot_id, here->boot_id, sizeof here->boot_id) != 0)
		return !shared;
	if (header->pid_ns != here->pid_ns)
		return false;
	start_ticks = start_of(procfs, header->pid);
	return start_ticks != UINT64_MAX && start_ticks != header->start_ticks;
}

static bool is_same_file(int dir_fd, const char *name, int fd)
{
	struct stat by_name, by_fd;

	return fstatat(dir_fd, name, &by_name, AT_SYMLINK_NOFOLLOW) == 0 &&
	       fstat(fd, &by_fd) == 0 && by_name.st_dev == by_fd.st_dev &&
	       by_name.st_ino == by_fd.st_ino;
}

/* "123.swap", as the shim writes it */
static bool is_name_of(const char *name, int32_t pid)
{
	char expected[32];
	struct text text = TEXT_OVER(expected);

	text_addf(&text, "%d" NAMES_IMAGE_SUFFIX, pid);
	return strcmp(name, expected) == 0;
}

static bool could_be_image(const char *name)
{
	size_t len = strlen(name), suffix = strlen(NAMES_IMAGE_SUFFIX);

	return len > suffix && strcmp(name + len - suffix, NAMES_IMAGE_SUFFIX) == 0;
}

void imageclean_dir(int dir_fd, uid_t owner, const struct procfs *procfs)
{
	bool shared = is_shared_with_machines(dir_fd);
	struct imagefile_here here;
	struct dirnames names;
	const char *name;

	if (imagefile_here(procfs, &here) < 0)
		return;
	dirnames_start(dir_fd, &names);
	while ((name = dirnames_next(&names))) {
		struct imagefile image;
		_cleanup_close_ int fd = -1;

		if (!could_be_image(name))
			continue;
		fd = imagefile_open(dir_fd, name, owner, &image);
		/* a helper that needs it holds the lock */
		if (fd >= 0 && is_name_of(name, image.header.pid) &&
		    is_stale(&image.header, &here, procfs, shared) &&
		    flock(fd, LOCK_EX | LOCK_NB) == 0 && is_same_file(dir_fd, name, fd))
			(void)unlinkat(dir_fd, name, 0);
	}
}
