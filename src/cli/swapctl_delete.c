/* SPDX-License-Identifier: MIT */
#include "cli/swapctl_delete.h"

#include "base/cleanup.h"
#include "base/num.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/swapctl_check.h"
#include "cli/swapctl_keep.h"
#include "cli/swapctl_off.h"
#include "cli/swapctl_say.h"
#include "sys/blkprobe.h"
#include "sys/meminfo.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* -- which one -----------------------------------------------------------------------------------
 */

static bool is_named(const struct row *row, const char *name, const struct identity *identity)
{
	return row_is(row, identity) || (!row->on.known && strcmp(row->area->path, name) == 0);
}

static const struct row *find_by_name(const struct listing *listing, const struct wish *wish)
{
	const struct row *found = NULL;
	struct identity identity = {0};
	unsigned n = 0;
	char path[PATH_MAX];
	struct stat st;

	if (blkprobe_resolve(wish->name, path) == 0 && stat(path, &st) == 0)
		identity = identity_of(&st);
	for (size_t i = 0; i < listing->swaps.n; i++) {
		const struct row *row = &listing->rows[i];

		/* two of one path: what is said of them when they are deleted says it all */
		if (!is_named(row, wish->name, &identity) ||
		    (found && identity_equal(&found->on, &row->on)) ||
		    (wish->has_low && row->low_bytes != wish_low_bytes(wish)))
			continue;
		found = row;
		n++;
	}
	if (n == 0)
		complain("cannot delete '%s': it is no swap area%s; see swapctl -l", wish->name,
			 wish->has_low ? " at that offset" : "");
	if (n > 1)
		complain(
			"cannot delete '%s': there are %u areas in it; say which one by its offset "
			"(swaplo) or its number, see swapctl -l",
			wish->name, n);
	return n == 1 ? found : NULL;
}

const struct row *delete_find(const struct listing *listing, const struct wish *wish)
{
	uint64_t lswap;

	if (num_u64(wish->name, &lswap) < 0)
		return find_by_name(listing, wish);
	if (lswap == 0 || lswap > listing->swaps.n) {
		complain(
			"cannot delete area %s: there are %zu; see swapctl -l (a file of that name "
			"is ./%s)",
			wish->name, listing->swaps.n, wish->name);
		return NULL;
	}
	if (wish->has_low && listing->rows[lswap - 1].low_bytes != wish_low_bytes(wish)) {
		complain("cannot delete area %s: it begins at another offset; see swapctl -l",
			 wish->name);
		return NULL;
	}
	/* numbers change as areas come and go: at least it is said which one it is now */
	complain("area %s is '%s'", wish->name, listing->rows[lswap - 1].name);
	return &listing->rows[lswap - 1];
}

/* -- off -----------------------------------------------------------------------------------------
 */

static int check_room(const struct context *context, const struct row *row, uint64_t used_bytes)
{
	struct mem_facts mem;
	int fd = -1, r = meminfo_read(&context->proc, &fd, &mem);
	uint64_t available_bytes;

	close_fd(&fd);
	if (r < 0) {
		complain("cannot delete '%s': cannot read /proc/meminfo: %s; -i doesn't look",
			 row->name, strerror(-r));
		return r;
	}
	available_bytes = mem.has_available ? mem.available_bytes : mem.free_bytes;
	if (used_bytes <= check_room_bytes(mem.total_bytes, available_bytes))
		return 0;
	complain("cannot delete '%s': the %s in it would not fit into memory: %s available, of "
		 "which "
		 "%s stay free; end some programs, or let -i try",
		 row->name, FMT_BYTES(used_bytes), FMT_BYTES(available_bytes),
		 FMT_BYTES(mem.total_bytes / 20));
	return -ENOMEM;
}

static bool is_in_use(const struct context *context, const char *path, uint64_t *ret_used_bytes)
{
	struct swaps *swaps = malloc(sizeof *swaps);
	const struct swap_area *area = NULL;

	if (swaps && swaps_read(&context->proc, swaps) == 0)
		area = swaps_find(swaps, path);
	if (area)
		*ret_used_bytes = area->used_bytes;
	free(swaps);
	return area != NULL;
}

static const char *off_hint(const struct row *row, int error)
{
	if (error == -ENOMEM)
		return "; memory didn't do, and it stays in use";
	if (row->flags & ROW_GONE)
		return "; its path leads elsewhere now: it is of another mount namespace (see "
		       "nsenter -m), or something else was put there";
	return root_hint(error);
}

/* One file is one area: of two that their paths lead to the same, one means another file, in a
 * mount namespace of its own. */
static bool is_ambiguous(const struct listing *listing, const struct row *row)
{
	for (size_t i = 0; i < listing->swaps.n; i++)
		if (&listing->rows[i] != row && identity_equal(&listing->rows[i].on, &row->on))
			return true;
	return false;
}

static int turn_off(const struct context *context, const struct listing *listing,
		    const struct row *row, bool force)
{
	uint64_t used_bytes = row->area->used_bytes;
	int r;

	if (row->area->deleted) {
		complain("cannot delete '%s': the file was removed while in use, and swapoff goes "
			 "by "
			 "names; it is in use until the system ends",
			 row->name);
		return -ENOENT;
	}
	if (is_ambiguous(listing, row)) {
		complain("cannot delete '%s': two areas have this path, of which one is of another "
			 "mount namespace, and swapoff goes by names: run swapoff in the right one "
			 "(see nsenter -m)",
			 row->name);
		return -EINVAL;
	}
	/* while others were deleted something may have gone there */
	(void)is_in_use(context, row->area->path, &used_bytes);
	r = force ? 0 : check_room(context, row, used_bytes);
	if (r < 0)
		return r;
	r = off_and_watch(context, row->area->path);
	if (r == -EINTR && is_in_use(context, row->area->path, &used_bytes))
		complain("interrupted: '%s' stays in use, with %s in it", row->name,
			 FMT_BYTES(used_bytes));
	else if (r == -EINTR)
		r = 0; /* too late: it was done */
	else if (r < 0)
		complain("cannot delete '%s': swapoff: %s%s", row->name, strerror(-r),
			 off_hint(row, r));
	return r;
}

/* What was promised beyond its length goes with it. */
static void settle(const struct context *context)
{
	struct listing *listing = listing_make(&context->proc, &context->sys);

	if (listing)
		vswap_settle(&context->proc, listing);
	free(listing);
}

int swapctl_delete(const struct context *context, const struct wish *wish)
{
	struct listing *listing = listing_make(&context->proc, &context->sys);
	const struct row *row = listing ? delete_find(listing, wish) : NULL;
	int r = row ? turn_off(context, listing, row, wish->force) : -ENOENT;

	if (r == 0)
		settle(context);
	free(listing);
	return r;
}

int swapctl_delete_all(const struct context *context, bool force)
{
	struct listing *listing = listing_make(&context->proc, &context->sys);
	struct keep keep = {0};
	int result = 0;

	if (!listing)
		return -EIO;
	keep_find(context, listing, &keep);
	for (size_t i = 0; i < listing->swaps.n && result != -EINTR; i++) {
		int r = 0;

		if (keep.why[i])
			complain("'%s' stays: %s", listing->rows[i].name, keep.why[i]);
		else
			r = turn_off(context, listing, &listing->rows[i], force);
		result = r < 0 ? r : result;
	}
	settle(context);
	free(listing);
	return result;
}
