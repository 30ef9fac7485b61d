/* SPDX-License-Identifier: MIT */
#include "sys/resumefile.h"

#include "sys/extents.h"
#include "sys/fstype.h"
#include "sys/mountinfo.h"

#include <sys/stat.h>
#include <unistd.h>

/* The device that a file lies on: btrfs makes one up for stat(2). */
static dev_t device_under(const struct procfs *procfs, int fd)
{
	struct mount_point point;
	struct stat st;

	if (mountinfo_find_fd(procfs, fd, &point) == 0 && *point.source == '/' &&
	    stat(point.source, &st) == 0 && S_ISBLK(st.st_mode))
		return st.st_rdev;
	return fstat(fd, &st) == 0 ? st.st_dev : 0;
}

bool resumefile_is(const struct procfs *procfs, const struct resume *resume, int fd)
{
	const struct fstype *fs;
	struct extents extents;

	if (!resume->set || resume->offset_pages == 0)
		return false;
	if (resume->device != 0 && device_under(procfs, fd) != resume->device)
		return false;
	if (fstype_of_fd(fd, &fs) < 0 || fs->copies_on_write || extents_look(fd, 1, &extents) < 0 ||
	    !extents.known)
		return true;
	return extents.first_physical_bytes / (uint64_t)sysconf(_SC_PAGESIZE) ==
	       resume->offset_pages;
}
