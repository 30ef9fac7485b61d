/* SPDX-License-Identifier: MIT */
#include "sys/mountinfo.h"

#include "base/cleanup.h"
#include "base/num.h"
#include "base/octal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

struct span {
	const char *at;
	size_t len;
};

/* The next word; words are apart by one space each. -EBADMSG where there is none. */
static int take_word(const char **at, const char *end, struct span *ret)
{
	const char *space = *at < end ? memchr(*at, ' ', (size_t)(end - *at)) : NULL;

	ret->at = *at;
	ret->len = (size_t)((space ? space : end) - *at);
	*at = space ? space + 1 : end;
	return ret->len == 0 ? -EBADMSG : 0;
}

static int parse_device(struct span word, dev_t *ret)
{
	const char *at = word.at, *end = at + word.len;
	uint64_t major_number, minor_number;

	if (num_scan_u64(&at, end, &major_number) < 0 || at == end || *at++ != ':' ||
	    num_scan_u64(&at, end, &minor_number) < 0 || at != end || major_number > UINT32_MAX ||
	    minor_number > UINT32_MAX)
		return -EBADMSG;
	*ret = makedev((unsigned)major_number, (unsigned)minor_number);
	return 0;
}

/* Of "36 35 98:0 /root /point rw,noatime shared:1 - ext4 /dev/sda1 rw" the words up to the "-", of
 * which any number may stand behind the sixth. */
static int take_first_half(const char **at, const char *end, struct mount_point *ret)
{
	struct span id, parent, device, root, point, options, word;
	const char *digits;

	if (take_word(at, end, &id) < 0 || take_word(at, end, &parent) < 0 ||
	    take_word(at, end, &device) < 0 || take_word(at, end, &root) < 0 ||
	    take_word(at, end, &point) < 0 || take_word(at, end, &options) < 0)
		return -EBADMSG;
	digits = id.at;
	if (num_scan_u64(&digits, id.at + id.len, &ret->id) < 0 || digits != id.at + id.len ||
	    parse_device(device, &ret->device) < 0 ||
	    octal_unescape(point.at, point.len, ret->path, sizeof ret->path) < 0)
		return -EBADMSG;
	do {
		if (take_word(at, end, &word) < 0)
			return -EBADMSG;
	} while (word.len != 1 || *word.at != '-');
	return 0;
}

int mountinfo_parse_line(const char *line, size_t len, struct mount_point *ret)
{
	const char *at = line, *end = line + len;
	struct span type, source;

	if (take_first_half(&at, end, ret) < 0 || take_word(&at, end, &type) < 0)
		return -EBADMSG;
	/* the source may be the empty word */
	if (take_word(&at, end, &source) < 0 && source.at == end)
		return -EBADMSG;
	if (octal_unescape(type.at, type.len, ret->type, sizeof ret->type) < 0 ||
	    octal_unescape(source.at, source.len, ret->source, sizeof ret->source) < 0)
		return -EBADMSG;
	return 0;
}

bool mount_type_is_served(const char *type)
{
	static const char *const served[] = {
		"9p",	"afs", "ceph",	   "cifs", "coda",   "lustre",	 "ncpfs",
		"nfs4", "nfs", "orangefs", "smb3", "vboxsf", "virtiofs",
	};

	for (size_t i = 0; i < sizeof served / sizeof *served; i++)
		if (strcmp(type, served[i]) == 0)
			return true;
	/* fuse, fuseblk, fuse.NAME */
	return strncmp(type, "fuse", 4) == 0;
}

static bool is_device(const struct mount_point *point, const void *ctx)
{
	const dev_t *device = ctx;
	struct stat st;

	return point->device == *device ||
	       (*point->source == '/' && stat(point->source, &st) == 0 && S_ISBLK(st.st_mode) &&
		st.st_rdev == *device);
}

static bool has_id(const struct mount_point *point, const void *ctx)
{
	const uint64_t *id = ctx;

	return point->id == *id;
}

static int find(const struct procfs *procfs,
		bool (*matches)(const struct mount_point *point, const void *ctx), const void *ctx,
		struct mount_point *ret)
{
	int fd = procfs_open_file(procfs, "self/mountinfo");
	_cleanup_fclose_ FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	_cleanup_free_ char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	if (!file)
		return fd < 0 ? fd : -ENOMEM;
	while ((n = getline(&line, &cap, file)) > 0) {
		if (line[n - 1] == '\n')
			n--;
		if (mountinfo_parse_line(line, (size_t)n, ret) == 0 && matches(ret, ctx))
			return 0;
	}
	return -ENOENT;
}

int mountinfo_find_device(const struct procfs *procfs, dev_t device, struct mount_point *ret)
{
	return find(procfs, is_device, &device, ret);
}

int mountinfo_find_fd(const struct procfs *procfs, int fd, struct mount_point *ret)
{
	struct statx stx;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &stx) < 0)
		return -errno;
	if (!(stx.stx_mask & STATX_MNT_ID))
		return -ENOENT;
	return find(procfs, has_id, &stx.stx_mnt_id, ret);
}
