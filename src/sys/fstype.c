/* SPDX-License-Identifier: MIT */
#include "sys/fstype.h"

#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>

/* Of file systems outside the kernel's tree, or with their number in a private header */
#define ZFS_MAGIC 0x2fc12fc1
#define CIFS_MAGIC 0xff534d42
#define FUSE_MAGIC 0x65735546
#define XFS_MAGIC 0x58465342
#define BCACHEFS_MAGIC 0xca451a4e

#define NETWORK "to write there takes the network, and the network takes memory"

static const struct {
	uint32_t magic;
	struct fstype type;
} known[] = {
	{EXT4_SUPER_MAGIC, {.name = "ext4"}},
	{XFS_MAGIC, {.name = "xfs"}},
	{BTRFS_SUPER_MAGIC, {.name = "btrfs", .copies_on_write = true}},
	{F2FS_SUPER_MAGIC, {.name = "f2fs"}},
	{MSDOS_SUPER_MAGIC, {.name = "vfat"}},
	{TMPFS_MAGIC, {.name = "tmpfs", .unfit = "what lies there is in memory itself"}},
	{RAMFS_MAGIC, {.name = "ramfs", .unfit = "what lies there is in memory itself"}},
	{OVERLAYFS_SUPER_MAGIC,
	 {.name = "overlay", .unfit = "a file there has no blocks of its own on a disk"}},
	{NFS_SUPER_MAGIC, {.name = "nfs", .unfit = NETWORK}},
	{CIFS_MAGIC, {.name = "cifs", .unfit = NETWORK}},
	{SMB2_SUPER_MAGIC, {.name = "smb3", .unfit = NETWORK}},
	{V9FS_MAGIC, {.name = "9p", .unfit = NETWORK}},
	{ZFS_MAGIC, {.name = "zfs", .unfit = "it moves blocks whenever it writes; use a volume"}},
	{BCACHEFS_MAGIC, {.name = "bcachefs", .unfit = "it moves blocks whenever it writes"}},
	{FUSE_MAGIC, {.name = "fuse", .unfit = "a process serves it, which may be swapped out"}},
	{SQUASHFS_MAGIC, {.name = "squashfs", .unfit = "it can only be read"}},
	{EROFS_SUPER_MAGIC_V1, {.name = "erofs", .unfit = "it can only be read"}},
	{ISOFS_SUPER_MAGIC, {.name = "iso9660", .unfit = "it can only be read"}},
};

const struct fstype *fstype_by_magic(uint64_t magic)
{
	static const struct fstype unknown = {.name = "unknown"};

	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (known[i].magic == (uint32_t)magic)
			return &known[i].type;
	return &unknown;
}

int fstype_of_fd(int fd, const struct fstype **ret)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return -errno;
	*ret = fstype_by_magic((uint64_t)fs.f_type);
	return 0;
}

int fstype_of_parent(const char *path, const struct fstype **ret)
{
	const char *slash = strrchr(path, '/');
	char directory[PATH_MAX] = ".";
	struct statfs fs;

	if (slash && slash - path >= PATH_MAX)
		return -ENAMETOOLONG;
	if (slash)
		(void)snprintf(directory, sizeof directory, "%.*s",
			       slash > path ? (int)(slash - path) : 1, path);
	if (statfs(directory, &fs) < 0)
		return -errno;
	*ret = fstype_by_magic((uint64_t)fs.f_type);
	return 0;
}
