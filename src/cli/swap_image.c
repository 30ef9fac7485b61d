/* SPDX-License-Identifier: MIT */
#include "cli/swap_image.h"

#include "backend/imageclean.h"
#include "proto/names.h"

#include <errno.h>
#include <unistd.h>

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
	    !imagefile_is_of(&image.header, &here, job->pid, job->process.start_ticks))
		return false;
	job->header = image.header;
	job->orphaned = true;
	return true;
}

void swap_image_clean(const struct swap_args *args, const struct procfs *procfs)
{
	struct swap_dirs dirs;

	if (swap_dirs_open_images(args, geteuid(), &dirs) < 0)
		return;
	for (size_t i = 0; i < dirs.n; i++)
		imageclean_dir(dirs.dirs[i].fd, dirs.dirs[i].uid, procfs);
	swap_dirs_close(&dirs);
}
