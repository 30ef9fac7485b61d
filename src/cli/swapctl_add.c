/* SPDX-License-Identifier: MIT */
#include "cli/swapctl_add.h"

#include "base/cleanup.h"
#include "base/units.h"
#include "cli/swapctl_listing.h"
#include "cli/swapctl_say.h"
#include "cli/swapctl_target.h"
#include "sys/blkprobe.h"
#include "sys/fstab.h"
#include "sys/loopdev.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

static int fail(const struct wish *wish, const char *what, int error)
{
	complain("cannot add '%s': %s: %s%s", wish->name, what, strerror(-error), root_hint(error));
	return error;
}

static int judge(const struct wish *wish, const struct target_facts *facts)
{
	char why[2 * PATH_MAX];
	struct text text = TEXT_OVER(why);
	enum verdict verdict = check_target(facts, wish, (size_t)sysconf(_SC_PAGESIZE), &text);

	if (verdict == VERDICT_FINE || (verdict == VERDICT_ASK && wish->force))
		return 0;
	complain("cannot add '%s': it %s%s", wish->name, why,
		 verdict == VERDICT_ASK ? "; -i does it all the same" : "");
	return -EINVAL;
}

static int complain_of_swapon(const struct wish *wish, int error)
{
	complain("cannot add '%s': swapon: %s%s", wish->name, strerror(-error),
		 check_swapon_hint(error));
	return error;
}

/* What was looked at, and not what may be called so by now. */
static int turn_on(const struct wish *wish, int fd)
{
	int r = swapfile_on_fd(fd, wish->priority, wish->discard);

	return r < 0 ? complain_of_swapon(wish, r) : 0;
}

/* -- a file that wasn't there --------------------------------------------------------------------
 */

static int make_file(const struct wish *wish, struct target *target, enum swapfile_fill fill)
{
	const struct swapheader header = swapheader_new(target->facts.len_bytes, SWAP_LABEL_CTL);

	close_fd(&target->fd);
	target->fd = swapfile_create_open(target->path, &header, fill);
	return target->fd < 0 ? fail(wish, "cannot make the file", target->fd) : 0;
}

/* Some kernels take reserved space for holes: then the file gets its zeroes after all. */
static int turn_on_new(const struct wish *wish, struct target *target)
{
	int r = swapfile_on_fd(target->fd, wish->priority, wish->discard);

	if (r != -EINVAL)
		return r < 0 ? complain_of_swapon(wish, r) : 0;
	swapfile_remove(target->path, target->fd);
	r = make_file(wish, target, SWAPFILE_ZEROES);
	return r < 0 ? r : turn_on(wish, target->fd);
}

static int add_new(const struct wish *wish, struct target *target)
{
	struct stat st;
	int r = make_file(wish, target, SWAPFILE_RESERVE);

	if (r < 0)
		return r;
	r = turn_on_new(wish, target);
	if (r < 0 && target->fd >= 0)
		swapfile_remove(target->path, target->fd);
	else if (r == 0 && fstat(target->fd, &st) == 0)
		target->identity = identity_of(&st);
	return r;
}

/* -- what was there ------------------------------------------------------------------------------
 */

/* A new header keeps UUID and label of the old one: fstab may know it by them. */
static int write_header(const struct wish *wish, const struct target *target)
{
	const struct target_facts *facts = &target->facts;
	struct swapheader header = swapheader_new(facts->len_bytes, SWAP_LABEL_CTL);
	int r;

	if (facts->has_header) {
		header = facts->header;
		header.bytes = facts->len_bytes;
	}
	r = swapfile_write_header(target->fd, facts->low_bytes, &header);
	return r < 0 ? fail(wish, "cannot write its header", r) : 0;
}

static int add_part(const struct wish *wish, const struct target *target)
{
	const struct target_facts *facts = &target->facts;
	char path[LOOPDEV_PATH_MAX], self[32];
	_cleanup_close_ int fd = -1, loop_fd = -1;

	/* the loop device keeps what it is given open, and would keep our lock with it */
	(void)snprintf(self, sizeof self, "/proc/self/fd/%d", target->fd);
	fd = open(self, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return fail(wish, "cannot open it again", -errno);
	loop_fd = loopdev_attach(fd, facts->low_bytes, facts->len_bytes, path);
	if (loop_fd < 0)
		return fail(wish, "no loop device for a part of it", loop_fd);
	return turn_on(wish, loop_fd);
}

static int add_existing(const struct wish *wish, struct target *target)
{
	int r = 0;

	if (check_needs_header(&target->facts, wish))
		r = write_header(wish, target);
	if (r < 0)
		return r;
	return target->facts.by_loop ? add_part(wish, target) : turn_on(wish, target->fd);
}

/* -- one area ------------------------------------------------------------------------------------
 */

static int add(const struct context *context, const struct wish *wish)
{
	struct target target;
	int r = target_open(wish, context, &target);

	if (r == 0)
		r = judge(wish, &target.facts);
	if (r == 0 && target.write_error < 0)
		r = fail(wish, "cannot open it to write", target.write_error);
	if (r == 0 && wish->has_vlen && wish->vlen_bytes < target.facts.len_bytes) {
		complain("cannot add '%s': its virtual length would be less than its length of "
			 "%llu blocks",
			 wish->name, (unsigned long long)(target.facts.len_bytes / BLOCK_BYTES));
		r = -EINVAL;
	}
	if (r == 0) {
		vswap_settle(&context->proc, target.listing);
		r = target.facts.exists ? add_existing(wish, &target) : add_new(wish, &target);
	}
	if (r == 0 && wish->has_vlen)
		r = vswap_raise(&context->proc, &target.identity, target.facts.low_bytes,
				target.facts.len_bytes, wish->vlen_bytes);
	target_close(&target);
	return r;
}

/* -- fstab ---------------------------------------------------------------------------------------
 */

/* The path of its name, or of the device that its tag stands for. */
static bool entry_path(const struct fstab_entry *entry, char ret[PATH_MAX])
{
	char path[PATH_MAX];

	return blkprobe_resolve(entry->spec, path) == 0 && realpath(path, ret);
}

struct supplement {
	struct wish *wish;
	char path[PATH_MAX];
};

static int take_entry(void *ctx, const struct fstab_entry *entry)
{
	struct supplement *supplement = ctx;
	struct wish *wish = supplement->wish;
	struct wish other = {.priority = SWAP_PRIORITY_NONE};
	char path[PATH_MAX];
	const char *wrong;

	if (!entry_path(entry, path) || strcmp(path, supplement->path) != 0)
		return 0;
	/* another part of the same */
	(void)wish_take_options(&other, entry->options);
	if (wish->has_low && wish_low_bytes(wish) != wish_low_bytes(&other))
		return 0;
	wrong = wish_take_options(wish, entry->options);
	if (wrong) {
		complain("cannot add '%s': option '%s' of its line in " FSTAB_PATH
			 " has no value that makes sense",
			 wish->name, wrong);
		return -EINVAL;
	}
	return 1; /* found: no others */
}

int swapctl_add(const struct context *context, const struct wish *wish)
{
	struct wish whole = *wish;
	struct supplement supplement = {.wish = &whole};
	char name[PATH_MAX];
	int r = blkprobe_resolve(wish->name, name);

	if (r < 0) {
		complain("cannot add '%s': there is no such device; see blkid", wish->name);
		return r;
	}
	if (!realpath(name, supplement.path))
		*supplement.path = '\0';
	r = fstab_each_swap(FSTAB_PATH, take_entry, &supplement);
	if (r < 0 && r != -ENOENT && r != -EINVAL)
		complain("what " FSTAB_PATH " says of it isn't taken into account: %s",
			 strerror(-r));
	if (r == -EINVAL)
		return r;
	whole.name = name;
	return add(context, &whole);
}

struct all {
	const struct context *context;
	bool force;
	int result;
};

/* By name and place, whatever else may be said of it. */
static bool in_use(const struct context *context, const char *path, const struct wish *wish)
{
	struct listing *listing = listing_make(&context->proc, &context->sys);
	struct identity identity;
	struct stat st;
	bool found = false;

	if (listing && stat(path, &st) == 0) {
		identity = identity_of(&st);
		for (size_t i = 0; i < listing->swaps.n; i++)
			found = found || (row_is(&listing->rows[i], &identity) &&
					  listing->rows[i].low_bytes == wish_low_bytes(wish));
	}
	free(listing);
	return found;
}

static int add_entry(void *ctx, const struct fstab_entry *entry)
{
	struct all *all = ctx;
	struct wish wish = {
		.name = entry->spec, .priority = SWAP_PRIORITY_NONE, .force = all->force};
	char path[PATH_MAX];
	const char *wrong = wish_take_options(&wish, entry->options);
	bool found;
	int r;

	if (fstab_option(entry->options, "noauto", NULL, 0))
		return 0;
	found = entry_path(entry, path);
	if (!found && fstab_option(entry->options, "nofail", NULL, 0))
		return 0;
	if (wrong || !found) {
		complain("cannot add '%s' of " FSTAB_PATH ": %s%s", entry->spec,
			 wrong ? "no value that makes sense has its option " : "it isn't there",
			 wrong ? wrong : "");
		all->result = -EINVAL;
		return 0;
	}
	if (in_use(all->context, path, &wish))
		return 0;
	wish.name = path;
	r = add(all->context, &wish);
	if (r < 0)
		all->result = r;
	return 0;
}

int swapctl_add_fstab(const struct context *context, bool force)
{
	struct all all = {.context = context, .force = force};
	int r = fstab_each_swap(FSTAB_PATH, add_entry, &all);

	if (r < 0) {
		complain("cannot read " FSTAB_PATH ": %s", strerror(-r));
		return r;
	}
	return all.result;
}
