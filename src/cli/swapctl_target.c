/* SPDX-License-Identifier: MIT */
#include "cli/swapctl_target.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/swapctl_say.h"
#include "sys/mountinfo.h"
#include "sys/swapfile.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <time.h>

/* Together as long as somebody may take who does what we do */
#define ATTEMPTS 100
#define PAUSE_NS ((long)(20 * NS_PER_MS))

static void let_others_go_on(void)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};

	(void)nanosleep(&pause, NULL);
}

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

struct part {
	const struct identity *what;
	uint64_t low_bytes, len_bytes;
};

static bool overlap(const struct part *a, const struct part *b)
{
	return a->low_bytes < u64_add_sat(b->low_bytes, b->len_bytes) &&
	       b->low_bytes < u64_add_sat(a->low_bytes, a->len_bytes);
}

/*
 * What other areas are there in the same file or device? One that is swapped to as it is can have
 * no other in it: the kernel lets nobody write there (ETXTBSY). And where a part is an area by way
 * of a loop device, which writes there, the rest can be one in no other way.
 */
static void look_at_area(struct target *target, const struct row *row)
{
	struct target_facts *facts = &target->facts;
	const struct part ours[] = {
		{&target->identity, facts->low_bytes, facts->len_bytes},
		{&target->beneath.what, u64_add_sat(target->beneath.low_bytes, facts->low_bytes),
		 facts->len_bytes},
	};
	const struct part theirs[] = {
		{&row->on, 0, row->size_bytes},
		{&row->beneath.what, row->beneath.low_bytes, row->size_bytes},
	};

	for (int i = 0; i < 4; i++) {
		const struct part *our = &ours[i / 2], *their = &theirs[i % 2];
		bool direct = their == theirs, overlapping = overlap(our, their);

		if (!identity_equal(our->what, their->what))
			continue;
		if (direct || overlapping)
			facts->area = row->area->path;
		facts->area_is_direct |= direct && !overlapping;
		facts->by_loop |= !direct && our == ours;
	}
}

static void look_at_areas(const struct procfs *sys, struct target *target)
{
	const struct listing *listing = target->listing;

	if (target->facts.is_device)
		target->beneath = listing_beneath(sys, target->path, target->identity.device);
	target->facts.by_loop = target->facts.low_bytes > 0;
	for (size_t i = 0; i < listing->swaps.n; i++)
		look_at_area(target, &listing->rows[i]);
}

/* A device that somebody holds: mounted, a part of something bigger, opened exclusively. */
static void look_at_holders(const struct procfs *proc, struct target *target)
{
	const struct listing *listing = target->listing;
	struct target_facts *facts = &target->facts;
	_cleanup_close_ int fd = open(target->path, O_RDONLY | O_EXCL | O_CLOEXEC);
	struct text in_use = TEXT_OVER(target->in_use);
	struct mount_point point;

	if (fd >= 0 || errno != EBUSY)
		return;
	/* swap holds it, which is said elsewhere */
	for (size_t i = 0; i < listing->swaps.n; i++)
		if (identity_equal(&listing->rows[i].on, &target->identity))
			return;
	facts->in_use = target->in_use;
	if (mountinfo_find_device(proc, target->identity.device, &point) == 0)
		text_addf(&in_use, "it is mounted on %s", point.path);
	else
		text_add(&in_use,
			 "the kernel or a program holds it (a part of LVM, RAID or another "
			 "device; see lsblk)");
}

/* The kernel leases a file only to whom nobody else has it open. */
static bool is_open_elsewhere(int fd)
{
	/* it is told by a signal who opens it now, and lets them wait till we're done */
	sighandler_t old = signal(SIGIO, SIG_IGN);
	bool is_open = fcntl(fd, F_SETLEASE, F_WRLCK) < 0 && errno == EAGAIN;

	(void)fcntl(fd, F_SETLEASE, F_UNLCK);
	(void)signal(SIGIO, old);
	return is_open;
}

/* A file that somebody uses: a loop device, a virtual machine, a mount namespace that swaps to it.
 */
static void look_at_users(struct target *target)
{
	const struct listing *listing = target->listing;
	bool is_open;

	/* where a part of it is an area, the loop device of that has it open */
	for (size_t i = 0; i < listing->swaps.n; i++)
		if (identity_equal(&listing->rows[i].beneath.what, &target->identity))
			return;
	is_open = is_open_elsewhere(target->fd);
	/* some only have a look */
	for (int i = 0; is_open && i < ATTEMPTS; i++) {
		let_others_go_on();
		is_open = is_open_elsewhere(target->fd);
	}
	if (is_open)
		target->facts.in_use = "somebody has it open, such as a loop device or a virtual "
				       "machine; see losetup and fuser";
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
	look_at_areas(&context->sys, target);
	if (facts->is_device)
		look_at_holders(&context->proc, target);
	else if (facts->is_file && !facts->area)
		look_at_users(target);
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

	for (int i = 0; r == -EWOULDBLOCK && i < ATTEMPTS; i++) {
		close_fd(&target->fd); /* where it is open it isn't free for the other one */
		let_others_go_on();
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
