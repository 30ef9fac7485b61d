/* SPDX-License-Identifier: MIT */
#include "sys/blkprobe.h"

#include <blkid/blkid.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *value_of(blkid_probe probe, const char *name)
{
	const char *value;

	return blkid_probe_lookup_value(probe, name, &value, NULL) == 0 ? value : NULL;
}

static bool begins(const char *text, const char *start)
{
	return strncmp(text, start, strlen(start)) == 0;
}

static void describe(blkid_probe probe, struct blkprobe *ret)
{
	const char *type = value_of(probe, "TYPE"), *usage = value_of(probe, "USAGE");
	const char *table = value_of(probe, "PTTYPE");

	ret->found = true;
	/* one that was used to hibernate (swsuspend) isn't just a swap area */
	ret->swap = type && strcmp(type, "swap") == 0;
	if (type && usage && strcmp(usage, "filesystem") == 0)
		(void)snprintf(ret->what, sizeof ret->what, "a file system (%s)", type);
	else if (type && strcmp(type, "swsuspend") == 0)
		(void)snprintf(ret->what, sizeof ret->what, "the image of a hibernated system");
	else if (type && begins(type, "LVM"))
		(void)snprintf(ret->what, sizeof ret->what, "a part of LVM (%s)", type);
	else if (type && begins(type, "crypto_"))
		(void)snprintf(ret->what, sizeof ret->what, "encrypted data (%s)", type + 7);
	else if (type && usage && strcmp(usage, "raid") == 0)
		(void)snprintf(ret->what, sizeof ret->what, "a part of a RAID (%s)", type);
	else if (type)
		(void)snprintf(ret->what, sizeof ret->what, "data (%s)", type);
	else
		(void)snprintf(ret->what, sizeof ret->what, "a partition table (%s)",
			       table ? table : "unknown");
}

int blkprobe_look(int fd, uint64_t offset_bytes, uint64_t bytes, struct blkprobe *ret)
{
	blkid_probe probe = blkid_new_probe();
	int r;

	*ret = (struct blkprobe){0};
	if (!probe)
		return -ENOMEM;
	r = blkid_probe_set_device(probe, fd, (blkid_loff_t)offset_bytes, (blkid_loff_t)bytes);
	if (r == 0) {
		(void)blkid_probe_enable_superblocks(probe, 1);
		(void)blkid_probe_set_superblocks_flags(probe,
							BLKID_SUBLKS_TYPE | BLKID_SUBLKS_USAGE);
		(void)blkid_probe_enable_partitions(probe, 1);
		errno = 0;
		r = blkid_do_safeprobe(probe);
		if (r == 0)
			describe(probe, ret);
		if (r == -2) { /* several at once */
			ret->found = true;
			(void)snprintf(ret->what, sizeof ret->what, "several kinds of data");
		}
		r = r == -1 ? -EIO : 0;
	} else {
		r = -EIO;
	}
	blkid_free_probe(probe);
	return r;
}

int blkprobe_resolve(const char *spec, char ret[PATH_MAX])
{
	size_t tag_len = strspn(spec, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
	char *path;
	int r = 0;

	if (tag_len == 0 || spec[tag_len] != '=') {
		if (strlen(spec) >= PATH_MAX)
			return -ENAMETOOLONG;
		memcpy(ret, spec, strlen(spec) + 1);
		return 0;
	}
	path = blkid_evaluate_spec(spec, NULL);
	if (!path || strlen(path) >= PATH_MAX)
		r = -ENOENT;
	else
		memcpy(ret, path, strlen(path) + 1);
	free(path);
	return r;
}
