/* SPDX-License-Identifier: MIT */
#include "cli/swapctl_check.h"

#include "base/units.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

void check_quote(struct text *text, const char *path)
{
	text_add(text, "'");
	for (; *path; path++)
		if (*path == '\'')
			text_add(text, "'\\''");
		else
			text_addf(text, "%c", *path);
	text_add(text, "'");
}

void check_region(const struct wish *wish, size_t page_bytes, struct target_facts *ret)
{
	uint64_t len_bytes;

	ret->low_bytes = wish_low_bytes(wish);
	len_bytes = u64_min(u64_sub_sat(ret->size_bytes, ret->low_bytes),
			    SWAPHEADER_PAGES_MAX * page_bytes);
	if (wish->has_len)
		len_bytes = wish->len_bytes;
	ret->len_bytes = len_bytes - len_bytes % page_bytes;
}

/* -- what a file has to be -----------------------------------------------------------------------
 */

static enum verdict check_fs(const struct target_facts *target, struct text *ret)
{
	if (!target->fs->unfit)
		return VERDICT_FINE;
	text_addf(ret, "lies on %s, where no swap file can be: %s", target->fs->name,
		  target->fs->unfit);
	return VERDICT_ASK;
}

static enum verdict check_access(const struct target_facts *target, struct text *ret)
{
	unsigned mode = target->mode & 07777;

	if (target->uid != 0) {
		text_addf(ret,
			  "belongs to user %u, who could read what was swapped out: chown 0:0 ",
			  (unsigned)target->uid);
		check_quote(ret, target->path);
		return VERDICT_ASK;
	}
	if (mode & 0077) {
		text_addf(ret,
			  "has mode %04o, so that others could read what was swapped out: "
			  "chmod 600 ",
			  mode);
		check_quote(ret, target->path);
		return VERDICT_ASK;
	}
	return VERDICT_FINE;
}

static const char *const make_another =
	"; make another one: swapctl -a NAME 0 LEN, where NAME isn't there yet";

static enum verdict check_blocks(const struct target_facts *target, struct text *ret)
{
	const struct extents *extents = &target->extents;

	if (extents->hole && extents->known)
		text_addf(ret, "has a hole at byte %" PRIu64, extents->hole_bytes);
	else if (extents->hole)
		text_add(ret, "has holes");
	else if (target->by_loop)
		return VERDICT_FINE;
	else if (target->copy_on_write)
		text_add(ret, "is written elsewhere at each change (copy on write, see chattr +C)");
	else if (extents->shared)
		text_add(ret, "shares blocks with a copy of itself or a snapshot");
	else if (extents->encoded || extents->inlined)
		text_add(ret, "is stored compressed, or beside its inode");
	else
		return VERDICT_FINE;
	text_add(ret, make_another);
	return VERDICT_REFUSED;
}

/* The wrong file system explains holes, too; so it is named first. */
static enum verdict check_file(const struct target_facts *target, const struct wish *wish,
			       struct text *ret)
{
	enum verdict verdict = check_fs(target, ret);

	if (verdict == VERDICT_ASK && !wish->force)
		return verdict;
	verdict = check_blocks(target, ret);
	return verdict == VERDICT_FINE ? check_access(target, ret) : verdict;
}

/* -- what is there now ---------------------------------------------------------------------------
 */

static enum verdict check_contents(const struct target_facts *target, struct text *ret)
{
	const struct blkprobe *found = NULL;

	if (target->region.found && !target->region.swap)
		found = &target->region;
	else if (target->whole.found && !target->whole.swap)
		found = &target->whole;
	if (found) {
		text_addf(ret, "holds %s, which would be destroyed", found->what);
		return VERDICT_ASK;
	}
	if (!target->has_header && !target->blank && !target->region.swap) {
		text_add(ret, "begins with data of some kind, which would be destroyed");
		if (target->low_bytes > 0)
			text_addf(ret, " (at byte %" PRIu64 ")", target->low_bytes);
		return VERDICT_ASK;
	}
	return VERDICT_FINE;
}

static enum verdict check_bad_pages(const struct target_facts *target, const struct wish *wish,
				    struct text *ret)
{
	if (!target->has_header || target->header.bad_pages == 0 ||
	    !check_needs_header(target, wish))
		return VERDICT_FINE;
	text_addf(
		ret,
		"has bad pages (%u), which would be used: its header, which lists them, has to be "
		"written anew for another length",
		(unsigned)target->header.bad_pages);
	return VERDICT_ASK;
}

/* -- all of it -----------------------------------------------------------------------------------
 */

/* A header can't say more: what goes beyond 32 bits would be cut off, and the area be anything. */
static enum verdict check_largest(const struct target_facts *target, size_t page_bytes,
				  struct text *ret)
{
	if (target->len_bytes / page_bytes <= SWAPHEADER_PAGES_MAX)
		return VERDICT_FINE;
	text_addf(ret, "would be too large: a swap area takes at most %" PRIu64 " blocks",
		  SWAPHEADER_PAGES_MAX * page_bytes / BLOCK_BYTES);
	return VERDICT_REFUSED;
}

static enum verdict check_new(const struct target_facts *target, const struct wish *wish,
			      size_t page_bytes, struct text *ret)
{
	enum verdict verdict;

	if (!wish->has_len) {
		text_add(ret, "isn't there; to have such a file made, say how long it shall be: "
			      "swapctl -a NAME 0 LEN");
		return VERDICT_REFUSED;
	}
	if (target->low_bytes > 0) {
		text_add(ret, "isn't there, and a file that is made is used from its beginning: "
			      "LOW has to be 0");
		return VERDICT_REFUSED;
	}
	if (target->len_bytes < 2 * page_bytes) {
		text_addf(ret, "would be too small: a swap area takes at least %zu blocks",
			  2 * page_bytes / BLOCK_BYTES);
		return VERDICT_REFUSED;
	}
	verdict = check_largest(target, page_bytes, ret);
	return verdict == VERDICT_FINE ? check_fs(target, ret) : verdict;
}

static enum verdict check_size(const struct target_facts *target, size_t page_bytes,
			       struct text *ret)
{
	uint64_t end_bytes = u64_add_sat(target->low_bytes, target->len_bytes);

	if (target->size_bytes < 2 * page_bytes || target->len_bytes < 2 * page_bytes)
		text_addf(ret,
			  "is too small: it has %" PRIu64 " blocks, of which %" PRIu64
			  " would be used from block %" PRIu64
			  " on; a swap area takes at least %zu",
			  target->size_bytes / BLOCK_BYTES, target->len_bytes / BLOCK_BYTES,
			  target->low_bytes / BLOCK_BYTES, 2 * page_bytes / BLOCK_BYTES);
	else if (end_bytes > target->size_bytes)
		text_addf(ret,
			  "is too small: it has %" PRIu64 " blocks, and the area would end at "
			  "block %" PRIu64,
			  target->size_bytes / BLOCK_BYTES, end_bytes / BLOCK_BYTES);
	else
		return check_largest(target, page_bytes, ret);
	return VERDICT_REFUSED;
}

static enum verdict check_use(const struct target_facts *target, struct text *ret)
{
	if (target->area)
		text_addf(ret, "is swapped to already, as %s%s; see swapctl -l", target->area,
			  target->area_is_direct
				  ? ", beside which there can be no other (add the one at the "
				    "beginning last)"
				  : "");
	else if (target->in_use)
		text_addf(ret, "is in use: %s", target->in_use);
	else
		return VERDICT_FINE;
	return VERDICT_REFUSED;
}

enum verdict check_target(const struct target_facts *target, const struct wish *wish,
			  size_t page_bytes, struct text *ret)
{
	enum verdict verdict;

	if (!target->exists)
		return check_new(target, wish, page_bytes, ret);
	if (!target->is_device && !target->is_file) {
		text_add(ret, "is neither a file nor a block device");
		return VERDICT_REFUSED;
	}
	verdict = check_size(target, page_bytes, ret);
	if (verdict == VERDICT_FINE)
		verdict = check_use(target, ret);
	if (verdict == VERDICT_FINE && target->is_file)
		verdict = check_file(target, wish, ret);
	if (verdict == VERDICT_FINE || (verdict == VERDICT_ASK && wish->force))
		verdict = check_contents(target, ret) == VERDICT_ASK ? VERDICT_ASK : verdict;
	if (verdict == VERDICT_FINE)
		verdict = check_bad_pages(target, wish, ret);
	return verdict;
}

bool check_needs_header(const struct target_facts *target, const struct wish *wish)
{
	if (!target->has_header || target->header.bytes > target->len_bytes)
		return true;
	return wish->has_len && target->header.bytes != target->len_bytes;
}

uint64_t check_room_bytes(uint64_t total_bytes, uint64_t available_bytes)
{
	return u64_sub_sat(available_bytes, total_bytes / 20);
}

const char *check_swapon_hint(int error)
{
	switch (error) {
	case -EPERM:
		return "; it takes root (CAP_SYS_ADMIN), and there may be 29 areas or so at most";
	case -EINVAL: return "; the kernel's log says what it doesn't like: dmesg | tail";
	case -EBUSY: return "; somebody else uses it";
	case -ENOMEM: return "; there is no memory for the map of the area";
	default: return "";
	}
}
