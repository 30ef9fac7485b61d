/* SPDX-License-Identifier: MIT */
#include "cli/swap_image.h"

#include "base/cleanup.h"
#include "proto/names.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
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

static uid_t owner_of(const struct job *job)
{
	if (job->dir)
		return job->dir->uid;
	return job->process.alive ? job->process.uid : geteuid();
}

int swap_image_find(const struct swap_args *args, const struct job *job, struct imagefile *ret)
{
	struct swap_dirs dirs;
	char name[32];
	int r = swap_dirs_open_images(args, owner_of(job), &dirs), found = -ENOENT;

	(void)snprintf(name, sizeof name, "%d" NAMES_IMAGE_SUFFIX, (int)job->pid);
	for (size_t i = 0; r == 0 && found != 0 && i < dirs.n; i++) {
		int fd = imagefile_open(dirs.dirs[i].fd, name, dirs.dirs[i].uid, ret);

		if (fd >= 0)
			found = close(fd);
		else if (fd == -EBADMSG)
			found = fd;
	}
	swap_dirs_close(&dirs);
	return r < 0 ? r : found;
}

bool swap_image_orphaned(const struct swap_args *args, const struct procfs *procfs, struct job *job)
{
	struct imagefile_here here;
	struct imagefile image;

	if (!job->process.alive || (job->process.state != 'T' && job->process.state != 't') ||
	    imagefile_here(procfs, &here) < 0 || swap_image_find(args, job, &image) != 0 ||
	    !(image.header.flags & IMAGE_COMPLETE) ||
	    !imagefile_is_of(&image.header, &here, job->pid, job->process.start_ticks))
		return false;
	job->header = image.header;
	job->orphaned = true;
	return true;
}

/* -- stale ones ---------------------------------------------------------------------------------
 */

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

static bool is_stale(const struct image_header *header, const struct imagefile_here *here,
		     const struct procfs *procfs, bool shared)
{
	struct job job = {.pid = header->pid};

	if (memcmp(header->boot_id, here->boot_id, sizeof here->boot_id) != 0)
		return !shared;
	if (header->pid_ns != here->pid_ns)
		return false;
	swap_job_look(&job, procfs);
	return !job.process.alive || job.process.start_ticks != header->start_ticks;
}

static bool is_same_file(int dir_fd, const char *name, int fd)
{
	struct stat by_name, by_fd;

	return fstatat(dir_fd, name, &by_name, AT_SYMLINK_NOFOLLOW) == 0 &&
	       fstat(fd, &by_fd) == 0 && by_name.st_dev == by_fd.st_dev &&
	       by_name.st_ino == by_fd.st_ino;
}

static void clean_dir(const struct swap_dir *dir, const struct imagefile_here *here,
		      const struct procfs *procfs)
{
	int list_fd = openat(dir->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = list_fd < 0 ? NULL : fdopendir(list_fd);
	bool shared = is_shared_with_machines(dir->fd);
	struct dirent *entry;

	if (!stream) {
		close_fd(&list_fd);
		return;
	}
	while ((entry = readdir(stream))) {
		struct imagefile image;
		pid_t pid = swap_number_before(entry->d_name, NAMES_IMAGE_SUFFIX);
		_cleanup_close_ int fd = -1;

		if (pid == 0)
			continue;
		fd = imagefile_open(dir->fd, entry->d_name, dir->uid, &image);
		/* a helper that needs it holds the lock */
		if (fd >= 0 && image.header.pid == pid &&
		    is_stale(&image.header, here, procfs, shared) &&
		    flock(fd, LOCK_EX | LOCK_NB) == 0 && is_same_file(dir->fd, entry->d_name, fd))
			(void)unlinkat(dir->fd, entry->d_name, 0);
	}
	(void)closedir(stream);
}

void swap_image_clean(const struct swap_args *args, const struct procfs *procfs)
{
	struct imagefile_here here;
	struct swap_dirs dirs;

	if (imagefile_here(procfs, &here) < 0 || swap_dirs_open_images(args, geteuid(), &dirs) < 0)
		return;
	for (size_t i = 0; i < dirs.n; i++)
		clean_dir(&dirs.dirs[i], &here, procfs);
	swap_dirs_close(&dirs);
}
