/* SPDX-License-Identifier: MIT */
#include "cli/swapctl_listing.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/swapctl_indel.h"
#include "cli/swapctl_say.h"
#include "sys/loopdev.h"
#include "sys/meminfo.h"
#include "sys/swapfile.h"
#include "sys/sysblock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

static uint64_t size_of(const struct procfs *sys, const char *path, const struct identity *what)
{
	uint64_t bytes = 0;
	struct stat st;

	if (what->is_device)
		(void)sysblock_size_bytes(sys, what->device, &bytes);
	else if (stat(path, &st) == 0)
		bytes = (uint64_t)st.st_size;
	return bytes;
}

/* By the loop device itself where that may be asked, otherwise by the name that it remembers. */
static struct identity find_behind(const char *loop_path, const char *backing)
{
	_cleanup_close_ int fd = open(loop_path, O_RDONLY | O_CLOEXEC);
	struct loopdev_backing found;
	struct stat st;

	if (fd >= 0 && loopdev_backing(fd, &found) == 0)
		return (struct identity){.known = true,
					 .is_device = found.rdev != 0,
					 .device = found.rdev != 0 ? found.rdev : found.dev,
					 .inode = found.rdev != 0 ? 0 : found.ino};
	return stat(backing, &st) == 0 ? identity_of(&st) : (struct identity){0};
}

struct part listing_beneath(const struct procfs *sys, const char *path, dev_t device)
{
	struct loopdev loop;

	if (loopdev_look(sys, device, &loop) < 0)
		return (struct part){0};
	return (struct part){
		.what = find_behind(path, loop.backing),
		.low_bytes = loop.offset_bytes,
		.len_bytes = loop.limit_bytes > 0 ? loop.limit_bytes : UINT64_MAX,
	};
}

static void look_behind(const struct procfs *sys, struct row *row)
{
	struct loopdev loop;
	char mapper[128];

	row->behind = row->on;
	(void)snprintf(row->name, sizeof row->name, "%s", row->area->path);
	if (!row->on.is_device)
		return;
	row->beneath = listing_beneath(sys, row->area->path, row->on.device);
	/* one without a limit is no part of something, but a device of its own */
	if (loopdev_look(sys, row->on.device, &loop) == 0 && loop.limit_bytes > 0) {
		row->is_loop = true;
		row->low_bytes = loop.offset_bytes;
		(void)snprintf(row->name, sizeof row->name, "%s", loop.backing);
		row->behind = row->beneath.what;
	} else if (sysblock_mapper_name(sys, row->on.device, mapper, sizeof mapper) == 0) {
		(void)snprintf(row->name, sizeof row->name, "/dev/mapper/%s", mapper);
	}
}

static void look_at_header(struct row *row)
{
	_cleanup_close_ int fd = open(row->area->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct swapheader header;
	static const uint8_t none[SWAP_UUID_BYTES];
	int r = fd < 0 ? -errno : swapfile_read_header(fd, 0, &header, NULL);

	row->owner = fd < 0 ? OWNER_UNKNOWN : OWNER_NONE;
	if (r < 0)
		return;
	(void)snprintf(row->label, sizeof row->label, "%s", header.label);
	if (memcmp(header.uuid, none, sizeof none) != 0)
		swapheader_uuid_text(&header, row->uuid);
	if (strcmp(row->label, SWAP_LABEL_DAEMON) == 0)
		row->owner = OWNER_DAEMON;
	else if (strcmp(row->label, SWAP_LABEL_CTL) == 0)
		row->owner = OWNER_SWAPCTL;
}

static void look_at_state(const struct procfs *sys, struct row *row)
{
	if (row->area->deleted)
		row->flags |= ROW_DELETED;
	else if (!row->on.known || row->on.is_device != (row->area->kind == SWAP_PARTITION))
		row->flags |= ROW_GONE;
	if (row->on.is_device && sysblock_is_offline(sys, row->on.device))
		row->flags |= ROW_OFFLINE;
	if (row->on.is_device && sysblock_has_errors(sys, row->on.device))
		row->flags |= ROW_ERRORS;
}

static void make_row(const struct procfs *sys, struct listing *listing, size_t i)
{
	struct row *row = &listing->rows[i];
	const struct vswap_entry *entry;
	uint64_t all_bytes;
	struct stat st;

	row->lswap = (unsigned)i + 1;
	row->area = &listing->swaps.areas[i];
	row->size_bytes = u64_add_sat(row->area->size_bytes, (uint64_t)sysconf(_SC_PAGESIZE));
	if (!row->area->deleted && stat(row->area->path, &st) == 0)
		row->on = identity_of(&st);
	look_behind(sys, row);
	look_at_state(sys, row);
	if (!(row->flags & (ROW_DELETED | ROW_GONE)))
		look_at_header(row);
	all_bytes = size_of(sys, row->name, &row->behind);
	row->max_bytes = u64_sub_sat(all_bytes, row->low_bytes);
	entry = vswap_find(&listing->vswap, &row->behind, row->low_bytes);
	row->vswap_bytes = entry ? entry->vlen_bytes : 0;
}

/* Without the second reading nothing is known of an area that is being deleted. */
static void mark_indel(const struct procfs *proc, struct listing *listing)
{
	struct swaps *after = malloc(sizeof *after);
	struct mem_facts mem;
	int fd = -1;

	if (after && meminfo_read(proc, &fd, &mem) == 0 && swaps_read(proc, after) == 0) {
		size_t i = indel_find(&listing->swaps, mem.swap_total_bytes, after);

		if (i != INDEL_NONE)
			listing->rows[i].flags |= ROW_INDEL;
	}
	close_fd(&fd);
	free(after);
}

struct listing *listing_make(const struct procfs *proc, const struct procfs *sys)
{
	struct listing *listing = calloc(1, sizeof *listing);
	int r = listing ? swaps_read(proc, &listing->swaps) : -ENOMEM;

	if (r < 0) {
		complain("cannot read /proc/swaps: %s%s", strerror(-r),
			 r == -ENOENT ? "; this kernel can't swap" : "");
		free(listing);
		return NULL;
	}
	mark_indel(proc, listing);
	vswap_load(&listing->vswap);
	for (size_t i = 0; i < listing->swaps.n; i++)
		make_row(sys, listing, i);
	return listing;
}

bool row_is(const struct row *row, const struct identity *identity)
{
	return identity_equal(&row->on, identity) || identity_equal(&row->behind, identity);
}

void row_flags_text(unsigned flags, struct text *ret)
{
	static const struct {
		unsigned flag;
		const char *word;
	} words[] = {{ROW_INDEL, "INDEL"},
		     {ROW_DELETED, "DELETED"},
		     {ROW_GONE, "GONE"},
		     {ROW_OFFLINE, "OFFLINE"},
		     {ROW_ERRORS, "EIO"}};
	bool any = false;

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (flags & words[i].flag) {
			text_addf(ret, "%s%s", any ? "," : "", words[i].word);
			any = true;
		}
	if (!any)
		text_add(ret, "-");
}

const char *row_owner_word(enum row_owner owner)
{
	static const char *const words[] = {"?", "-", "daemon", "swapctl"};

	return words[owner];
}
