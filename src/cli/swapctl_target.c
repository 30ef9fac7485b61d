/* SPDX-License-Identifier: MIT */
#include "cli/swapctl_target.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/swapctl_say.h"
#include "cli/swapctl_users.h"
#include "sys/swapfile.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static int fail(const struct wish *wish, const char *what, int error)
{
	complain("cannot add '%s': %s: %s%s", wish->name, what, strerror(-error), root_hint(error));
	return error;
}

/* The absolute path; of a name that isn't there yet that of its directory is made so. */
static int settle_path(const char *name, char ret[PATH_MAX])
{
	const char *slash = strrchr(name, '/');
	char directory[PATH_MAX], real[PATH_MAX];
	struct text path = text_over(directory, sizeof directory);

	if (realpath(name, ret))
		return 0;
	if (errno != ENOENT)
		return -errno;
	text_addf(&path, "%.*s/", slash ? (int)(slash - name) : 1, slash ? name : ".");
	if (path.cut)
		return -ENAMETOOLONG;
	if (!realpath(directory, real))
		return -errno;
	path = text_over(ret, PATH_MAX);
	text_addf(&path, "%s/%s", strcmp(real, "/") == 0 ? "" : real, slash ? slash + 1 : name);
	return path.cut ? -ENAMETOOLONG : 0;
}

static int look_at_file(const struct wish *wish, struct target *target)
{
	struct target_facts *facts = &target->facts;
	int flags, r = fstype_of_fd(target->fd, &facts->fs);

	if (r < 0)
		return fail(wish, "its file system", r);
	r = extents_look(target->fd, u64_add_sat(facts->low_bytes, facts->len_bytes),
			 &facts->extents);
	if (r < 0)
		return fail(wish, "its blocks", r);
	if (facts->fs->copies_on_write && ioctl(target->fd, FS_IOC_GETFLAGS, &flags) == 0)
		facts->copy_on_write = !(flags & FS_NOCOW_FL);
	return 0;
}

static int look_at_contents(const struct wish *wish, struct target *target)
{
	struct target_facts *facts = &target->facts;
	/* all of it, whatever is asked for: some RAIDs and partition tables are known by its end */
	int r = blkprobe_look(target->fd, 0, 0, &facts->whole);

	facts->region = facts->whole;
	if (r == 0 && facts->low_bytes > 0)
		r = blkprobe_look(target->fd, facts->low_bytes, facts->len_bytes, &facts->region);
	if (r < 0)
		return fail(wish, "what is in it", r);
	r = swapfile_read_header(target->fd, facts->low_bytes, &facts->header, &facts->blank);
	facts->has_header = r == 0;
	return r == 0 || r == -ENOENT || r == -EBADMSG ? 0 : fail(wish, "its first page", r);
}

static int size_of(const struct target *target, const struct stat *st, uint64_t *ret)
{
	if (!target->facts.is_device) {
		*ret = (uint64_t)st->st_size;
		return 0;
	}
	return ioctl(target->fd, BLKGETSIZE64, ret) < 0 ? -errno : 0;
}

static int look_at_all(const struct wish *wish, const struct context *context,
		       struct target *target)
{
	struct target_facts *facts = &target->facts;
	struct stat st;
	int r;

	if (fstat(target->fd, &st) < 0)
		return fail(wish, "its attributes", -errno);
	target->identity = identity_of(&st);
	facts->is_device = S_ISBLK(st.st_mode);
	facts->is_file = S_ISREG(st.st_mode);
	facts->uid = st.st_uid;
	facts->mode = st.st_mode;
	r = size_of(target, &st, &facts->size_bytes);
	if (r < 0)
		return fail(wish, "its size", r);
	check_region(wish, page_size(), facts);
	if (facts->is_device)
		target->beneath = listing_beneath(&context->sys, target->path, st.st_rdev);
	users_look(context, target);
	/* of what can't be used nothing else matters */
	if (facts->area || facts->in_use || facts->len_bytes < 2 * page_size() ||
	    u64_add_sat(facts->low_bytes, facts->len_bytes) > facts->size_bytes)
		return 0;
	if (facts->is_file)
		r = look_at_file(wish, target);
	return r < 0 ? r : look_at_contents(wish, target);
}

/* -EWOULDBLOCK: somebody has a lock or a lease on it. */
static int try_open(struct target *target)
{
	target->write_error = 0;
	target->fd = open(target->path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (target->fd < 0 && errno != EWOULDBLOCK) {
		/* mounted, only to be read: a look says it better */
		target->write_error = -errno;
		target->fd = open(target->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	}
	if (target->fd < 0)
		return -errno;
	return flock(target->fd, LOCK_EX | LOCK_NB) < 0 ? -errno : 0;
}

/* Two who add the same take turns. But whoever may read it may lock it, for as long as they like.
 */
static int open_target(const struct wish *wish, struct target *target)
{
	int r = try_open(target);

	for (int i = 0; r == -EWOULDBLOCK && i < USERS_ATTEMPTS; i++) {
		close_fd(&target->fd); /* where it is open it isn't free for the other one */
		users_pause();
		r = try_open(target);
	}
	if (r == -EWOULDBLOCK)
		complain("cannot add '%s': somebody holds a lock on it; see lslocks", wish->name);
	else if (r < 0)
		return fail(wish, target->fd < 0 ? "cannot open it" : "cannot lock it", r);
	return r;
}

int target_open(const struct wish *wish, const struct context *context, struct target *ret)
{
	struct stat st;
	int r;

	*ret = (struct target){.fd = -1};
	ret->facts.path = ret->path;
	r = settle_path(wish->name, ret->path);
	if (r < 0)
		return fail(wish, "its directory", r);
	ret->facts.exists = lstat(ret->path, &st) == 0;
	if (!ret->facts.exists && errno != ENOENT)
		return fail(wish, "its attributes", -errno);
	if (ret->facts.exists && !identity_of(&st).known)
		return 0; /* not even to be opened: some devices do things then */
	r = ret->facts.exists ? open_target(wish, ret) : 0;
	if (r < 0)
		return r;
	ret->listing = listing_make(&context->proc, &context->sys);
	if (!ret->listing)
		return -EIO;
	if (ret->facts.exists)
		return look_at_all(wish, context, ret);
	check_region(wish, page_size(), &ret->facts);
	r = fstype_of_parent(ret->path, &ret->facts.fs);
	return r < 0 ? fail(wish, "its directory", r) : 0;
}

void target_close(struct target *target)
{
	close_fd(&target->fd);
	free(target->listing);
	target->listing = NULL;
}
