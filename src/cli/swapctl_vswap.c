/* SPDX-License-Identifier: MIT */
#include "cli/swapctl_vswap.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/swapctl_listing.h"
#include "cli/swapctl_say.h"
#include "sys/meminfo.h"
#include "sys/overcommit.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define MAGIC "swapctl-vswap 1"

size_t vswap_print(const struct vswap *vswap, char *buf, size_t cap)
{
	struct text text = text_over(buf, cap);

	text_addf(&text, MAGIC " %" PRIu64 " %" PRIu64 "\n", vswap->base_kib, vswap->base_ratio);
	for (size_t i = 0; i < vswap->n; i++) {
		const struct vswap_entry *entry = &vswap->entries[i];

		text_addf(&text, "%d %ju %ju %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
			  entry->behind.is_device, (uintmax_t)entry->behind.device,
			  (uintmax_t)entry->behind.inode, entry->low_bytes, entry->vlen_bytes,
			  entry->raised_kib);
	}
	return text.len;
}

static int parse_entry(const char *line, struct vswap_entry *ret)
{
	uintmax_t device, inode;
	int is_device, used = 0;

	/* NOLINTNEXTLINE(cert-err34-c): a file of our own, and what is too large only misses */
	if (sscanf(line, "%d %ju %ju %" SCNu64 " %" SCNu64 " %" SCNu64 "%n", &is_device, &device,
		   &inode, &ret->low_bytes, &ret->vlen_bytes, &ret->raised_kib, &used) != 6 ||
	    line[used] != '\0' || (is_device != 0 && is_device != 1))
		return -EBADMSG;
	ret->behind = (struct identity){.known = true,
					.is_device = is_device == 1,
					.device = (dev_t)device,
					.inode = (ino_t)inode};
	return 0;
}

int vswap_parse(const char *text, size_t len, struct vswap *ret)
{
	char copy[VSWAP_TEXT_MAX + 1], *at = copy, *line;
	int used = 0;
	size_t n = 0;

	*ret = (struct vswap){0};
	if (len > VSWAP_TEXT_MAX || memchr(text, '\0', len))
		return -EBADMSG;
	memcpy(copy, text, len);
	copy[len] = '\0';
	line = strsep(&at, "\n");
	if (sscanf(line, MAGIC " %" SCNu64 " %" SCNu64 "%n", &ret->base_kib, &ret->base_ratio,
		   &used) != 2 ||
	    line[used] != '\0')
		return -EBADMSG;
	while ((line = strsep(&at, "\n")) != NULL && *line) {
		if (n == SWAPS_MAX)
			return -E2BIG;
		if (parse_entry(line, &ret->entries[n]) < 0)
			return -EBADMSG;
		n++;
	}
	ret->n = n;
	return 0;
}

void vswap_load(struct vswap *ret)
{
	_cleanup_close_ int fd = open(VSWAP_PATH, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char text[VSWAP_TEXT_MAX + 1];
	ssize_t n = fd < 0 ? -1 : procfs_read_fd(fd, text, sizeof text);

	*ret = (struct vswap){0};
	if (n >= 0)
		(void)vswap_parse(text, (size_t)n, ret);
}

/* A new file takes the place of the old one; with nothing to remember there is none. */
static int store(const struct vswap *vswap)
{
	static const char temporary[] = VSWAP_PATH ".new";
	char text[VSWAP_TEXT_MAX];
	size_t len = vswap_print(vswap, text, sizeof text);

	if (vswap->n == 0) {
		if (unlink(VSWAP_PATH) < 0 && errno != ENOENT)
			return -errno;
		(void)rmdir(VSWAP_DIRECTORY);
		return 0;
	}
	if (mkdir(VSWAP_DIRECTORY, 0755) < 0 && errno != EEXIST)
		return -errno;
	_cleanup_close_ int fd =
		open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0 || write(fd, text, len) != (ssize_t)len)
		return -errno;
	return rename(temporary, VSWAP_PATH) < 0 ? -errno : 0;
}

const struct vswap_entry *vswap_find(const struct vswap *vswap, const struct identity *behind,
				     uint64_t low_bytes)
{
	for (size_t i = 0; i < vswap->n; i++)
		if (identity_equal(&vswap->entries[i].behind, behind) &&
		    vswap->entries[i].low_bytes == low_bytes)
			return &vswap->entries[i];
	return NULL;
}

/* The limit less swap, in KiB: by kbytes, or what the ratio comes to. */
static int limit_kib(const struct procfs *proc, const struct overcommit *overcommit, uint64_t *ret)
{
	struct mem_facts mem;
	int fd = -1, r = 0;

	*ret = overcommit->kib;
	if (*ret > 0)
		return 0;
	r = meminfo_read(proc, &fd, &mem);
	close_fd(&fd);
	if (r == 0 && mem.commit_limit_bytes == 0)
		r = -EBADMSG;
	if (r == 0)
		*ret = u64_sub_sat(mem.commit_limit_bytes, mem.swap_total_bytes) / KIB;
	return r;
}

static int raise_limit(const struct procfs *proc, struct vswap *vswap,
		       const struct vswap_entry *entry)
{
	struct overcommit overcommit;
	uint64_t kib = 0;
	int r = overcommit_read(proc, &overcommit);

	if (r == 0)
		r = limit_kib(proc, &overcommit, &kib);
	if (r < 0)
		return r;
	if (vswap->n == 0) {
		vswap->base_kib = kib;
		vswap->base_ratio = overcommit.kib == 0 ? overcommit.ratio : 0;
	}
	if (vswap->n == SWAPS_MAX)
		return -E2BIG;
	vswap->entries[vswap->n++] = *entry;
	r = store(vswap); /* first: what isn't remembered can't be undone */
	return r < 0 ? r : overcommit_write_kib(proc, u64_add_sat(kib, entry->raised_kib));
}

int vswap_raise(const struct procfs *proc, const struct identity *behind, uint64_t low_bytes,
		uint64_t len_bytes, uint64_t vlen_bytes)
{
	const struct vswap_entry entry = {
		.behind = *behind,
		.low_bytes = low_bytes,
		.vlen_bytes = vlen_bytes,
		.raised_kib = u64_sub_sat(vlen_bytes, len_bytes) / KIB,
	};
	struct overcommit overcommit;
	struct vswap vswap;
	int r = overcommit_read(proc, &overcommit);

	if (r == 0 && overcommit.mode != OVERCOMMIT_NEVER) {
		complain("a virtual length means nothing here: with vm.overcommit_memory=%" PRIu64
			 " the kernel "
			 "keeps no limit that could be raised (it does with 2)",
			 overcommit.mode);
		return 0;
	}
	vswap_load(&vswap);
	if (r == 0)
		r = raise_limit(proc, &vswap, &entry);
	if (r < 0)
		complain("the area is in use, but its virtual length isn't taken into account: "
			 "cannot raise vm.overcommit_kbytes: %s%s",
			 strerror(-r), root_hint(r));
	return r;
}

/* Whoever set the limit since keeps what he set, less what we had added. */
static int lower_limit(const struct procfs *proc, const struct vswap *vswap, uint64_t lowered_kib)
{
	struct overcommit overcommit;
	int r = overcommit_read(proc, &overcommit);
	uint64_t kib;

	if (r < 0 || overcommit.kib == 0)
		return r;
	kib = u64_sub_sat(overcommit.kib, lowered_kib);
	if (vswap->base_ratio > 0 && vswap->n == 0 && kib == vswap->base_kib)
		return overcommit_write_ratio(proc, vswap->base_ratio);
	return overcommit_write_kib(proc, u64_max(kib, 1)); /* 0 would mean the ratio */
}

static bool is_active(const struct listing *listing, const struct vswap_entry *entry)
{
	for (size_t i = 0; i < listing->swaps.n; i++)
		if (identity_equal(&listing->rows[i].behind, &entry->behind) &&
		    listing->rows[i].low_bytes == entry->low_bytes)
			return true;
	return false;
}

void vswap_settle(const struct procfs *proc, const struct listing *listing)
{
	struct vswap old, vswap;
	uint64_t lowered_kib = 0;
	int r;

	vswap_load(&old);
	vswap = old;
	vswap.n = 0;
	for (size_t i = 0; i < old.n; i++)
		if (is_active(listing, &old.entries[i]))
			vswap.entries[vswap.n++] = old.entries[i];
		else
			lowered_kib = u64_add_sat(lowered_kib, old.entries[i].raised_kib);
	if (vswap.n == old.n)
		return;
	r = lower_limit(proc, &vswap, lowered_kib);
	if (r == 0)
		r = store(&vswap);
	if (r < 0)
		complain("vm.overcommit_kbytes stays raised by %" PRIu64
			 " for an area that is gone: "
			 "%s%s",
			 lowered_kib, strerror(-r), root_hint(r));
}
