/* SPDX-License-Identifier: MIT */
#include "cli/swapctl_users.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "base/units.h"
#include "sys/dirnames.h"
#include "sys/mountinfo.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PAUSE_NS ((long)(20 * NS_PER_MS))

void users_pause(void)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};

	(void)nanosleep(&pause, NULL);
}

/* -- areas ---------------------------------------------------------------------------------------
 */

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
static void look_at_area(struct target *target, const struct part ours[2], const struct row *row)
{
	struct target_facts *facts = &target->facts;
	const struct part theirs[] = {
		{row->on, 0, row->size_bytes},
		{row->beneath.what, row->beneath.low_bytes, row->size_bytes},
	};

	for (int i = 0; i < 4; i++) {
		const struct part *our = &ours[i / 2], *their = &theirs[i % 2];
		bool direct = their == theirs, overlapping = overlap(our, their);

		if (!identity_equal(&our->what, &their->what))
			continue;
		if (direct || overlapping)
			facts->area = row->area->path;
		facts->area_is_direct |= direct && !overlapping;
		facts->by_loop |= !direct && our == ours;
	}
}

/* -- loop devices --------------------------------------------------------------------------------
 */

static bool is_area(const struct listing *listing, const struct identity *identity)
{
	for (size_t i = 0; i < listing->swaps.n; i++)
		if (identity_equal(&listing->rows[i].on, identity))
			return true;
	return false;
}

/* An area can lie beside what the loop device writes to only if it goes by one itself. */
static bool is_in_the_way(const struct target *target, const struct part ours[2],
			  const struct part *loop)
{
	for (int i = 0; i < 2; i++)
		if (identity_equal(&ours[i].what, &loop->what) &&
		    (overlap(&ours[i], loop) || (i == 0 && !target->facts.by_loop)))
			return true;
	return false;
}

static bool is_used_by(const struct procfs *sys, const struct target *target,
		       const struct part ours[2], const char *path)
{
	struct part loop;
	struct identity identity;
	struct stat st;

	if (stat(path, &st) < 0)
		return false;
	identity = identity_of(&st);
	if (!identity.is_device || identity_equal(&identity, &target->identity) ||
	    is_area(target->listing, &identity))
		return false;
	loop = listing_beneath(sys, path, identity.device);
	return is_in_the_way(target, ours, &loop);
}

/* Idle or not: what it is for nobody can tell. */
static bool find_loop(const struct procfs *sys, struct target *target, const struct part ours[2])
{
	_cleanup_close_ int fd = openat(sys->root_fd, "block", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct text in_use = TEXT_OVER(target->in_use);
	struct dirnames names;
	const char *name;
	char path[64];

	dirnames_start(fd, &names);
	while (fd >= 0 && (name = dirnames_next(&names)) != NULL) {
		(void)snprintf(path, sizeof path, "/dev/%s", name);
		if (strncmp(name, "loop", 4) == 0 && is_used_by(sys, target, ours, path)) {
			text_addf(&in_use, "%s stands on it, see losetup", path);
			return true;
		}
	}
	return false;
}

/* -- others --------------------------------------------------------------------------------------
 */

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

/* A file that a virtual machine uses, or a mount namespace that we don't see swaps to. */
static bool find_opener(struct target *target)
{
	const struct listing *listing = target->listing;
	struct text in_use = TEXT_OVER(target->in_use);

	/* where a part of it is an area, the loop device of that has it open */
	for (size_t i = 0; i < listing->swaps.n; i++)
		if (identity_equal(&listing->rows[i].beneath.what, &target->identity))
			return false;
	if (!is_open_elsewhere(target->fd))
		return false;
	text_add(&in_use, "somebody has it open, such as a virtual machine; see fuser");
	return true;
}

/* -- all of them ---------------------------------------------------------------------------------
 */

static bool find_user(const struct procfs *sys, struct target *target, const struct part ours[2])
{
	return find_loop(sys, target, ours) || (target->facts.is_file && find_opener(target));
}

void users_look(const struct context *context, struct target *target)
{
	const struct listing *listing = target->listing;
	struct target_facts *facts = &target->facts;
	const struct part ours[] = {
		{target->identity, facts->low_bytes, facts->len_bytes},
		{target->beneath.what, u64_add_sat(target->beneath.low_bytes, facts->low_bytes),
		 facts->len_bytes},
	};
	bool used;

	facts->by_loop = facts->low_bytes > 0;
	for (size_t i = 0; i < listing->swaps.n; i++)
		look_at_area(target, ours, &listing->rows[i]);
	if (facts->is_device)
		look_at_holders(&context->proc, target);
	if (facts->area || facts->in_use)
		return;
	/* some only have a look, or are about to go */
	used = find_user(&context->sys, target, ours);
	for (int i = 0; used && i < USERS_ATTEMPTS; i++) {
		users_pause();
		used = find_user(&context->sys, target, ours);
	}
	if (used)
		facts->in_use = target->in_use;
}
