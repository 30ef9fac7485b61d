/* SPDX-License-Identifier: MIT */
#include "cli/swapctl_keep.h"

#include "base/cleanup.h"
#include "sys/blkprobe.h"
#include "sys/fstab.h"
#include "sys/resumefile.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

/* -- the one of the start ------------------------------------------------------------------------
 */

struct search {
	const struct listing *listing;
	struct keep *keep;
};

/* And any other that has the same path in another mount namespace: nobody knows which is which. */
static void keep_alike(const struct search *search, size_t found)
{
	const struct listing *listing = search->listing;

	for (size_t i = 0; i < listing->swaps.n; i++)
		if (i == found || identity_equal(&listing->rows[i].on, &listing->rows[found].on))
			search->keep->why[i] = "the system comes up with it, see " FSTAB_PATH;
}

static int take_first(void *ctx, const struct fstab_entry *entry)
{
	const struct search *search = ctx;
	struct identity identity;
	char path[PATH_MAX];
	struct stat st;

	if (fstab_option(entry->options, "noauto", NULL, 0) ||
	    blkprobe_resolve(entry->spec, path) < 0 || stat(path, &st) < 0)
		return 0;
	identity = identity_of(&st);
	for (size_t i = 0; i < search->listing->swaps.n; i++)
		if (row_is(&search->listing->rows[i], &identity)) {
			keep_alike(search, i);
			return 1;
		}
	return 0;
}

/* -- hibernation ---------------------------------------------------------------------------------
 */

static bool file_is_resumed(const struct context *context, const struct row *row,
			    const struct resume *resume)
{
	_cleanup_close_ int fd = open(row->name, O_RDONLY | O_CLOEXEC);

	return fd >= 0 && resumefile_is(&context->proc, resume, fd);
}

static bool is_resumed(const struct context *context, const struct row *row,
		       const struct resume *resume)
{
	if (!row->behind.known)
		return false;
	if (resume->offset_pages == 0)
		return row->on.is_device && row->on.device == resume->device;
	return !row->is_loop && !row->on.is_device && file_is_resumed(context, row, resume);
}

static bool find_resume(const struct context *context, struct resume *ret)
{
	char path[PATH_MAX];
	struct stat st;

	if (resume_read(&context->proc, &context->sys, ret) < 0 || !ret->set)
		return false;
	if (ret->device == 0 && blkprobe_resolve(ret->spec, path) == 0 && stat(path, &st) == 0 &&
	    S_ISBLK(st.st_mode))
		ret->device = st.st_rdev;
	return ret->device != 0;
}

void keep_find(const struct context *context, const struct listing *listing, struct keep *ret)
{
	struct search search = {listing, ret};
	struct resume resume;

	*ret = (struct keep){0};
	(void)fstab_each_swap(FSTAB_PATH, take_first, &search);
	if (!find_resume(context, &resume))
		return;
	for (size_t i = 0; i < listing->swaps.n; i++)
		if (is_resumed(context, &listing->rows[i], &resume))
			ret->why[i] = "a hibernated system would come back from it (resume=)";
}
