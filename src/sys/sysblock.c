/* SPDX-License-Identifier: MIT */
#include "sys/sysblock.h"

#include "base/cleanup.h"
#include "base/num.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#define SECTOR_BYTES 512 /* of /sys, whatever the device has */

/* A file of the device, without the newline at its end; the length or -errno. */
static ssize_t read_line(const struct procfs *sys, dev_t device, const char *name, char *buf,
			 size_t cap)
{
	_cleanup_close_ int fd = -1;
	char path[80];
	ssize_t n;

	(void)snprintf(path, sizeof path, "dev/block/%u:%u/%s", major(device), minor(device), name);
	fd = procfs_open_file(sys, path);
	if (fd < 0)
		return fd;
	n = procfs_read_fd(fd, buf, cap);
	if (n > 0 && buf[n - 1] == '\n')
		buf[--n] = '\0';
	return n;
}

int sysblock_size_bytes(const struct procfs *sys, dev_t device, uint64_t *ret)
{
	char text[32];
	ssize_t n = read_line(sys, device, "size", text, sizeof text);
	uint64_t sectors;

	if (n < 0)
		return (int)n;
	if (num_u64(text, &sectors) < 0 || sectors > UINT64_MAX / SECTOR_BYTES)
		return -EBADMSG;
	*ret = sectors * SECTOR_BYTES;
	return 0;
}

int sysblock_mapper_name(const struct procfs *sys, dev_t device, char *ret, size_t cap)
{
	ssize_t n = read_line(sys, device, "dm/name", ret, cap);

	return n < 0 ? (int)n : 0;
}

bool sysblock_is_offline(const struct procfs *sys, dev_t device)
{
	char state[32];

	/* a partition has its disk above itself */
	if (read_line(sys, device, "device/state", state, sizeof state) < 0 &&
	    read_line(sys, device, "../device/state", state, sizeof state) < 0)
		return false;
	return strcmp(state, "offline") == 0 || strcmp(state, "transport-offline") == 0 ||
	       strcmp(state, "dead") == 0;
}

bool sysblock_is_solid(const struct procfs *sys, dev_t device)
{
	char rotational[8];

	if (read_line(sys, device, "queue/rotational", rotational, sizeof rotational) < 0 &&
	    read_line(sys, device, "../queue/rotational", rotational, sizeof rotational) < 0)
		return false;
	return strcmp(rotational, "0") == 0;
}

bool sysblock_has_errors(const struct procfs *sys, dev_t device)
{
	char text[128];
	uint64_t reads = 0, writes = 0;
	ssize_t n = read_line(sys, device, "io_stat", text, sizeof text);
	const char *at = text, *end = text + n;

	if (n < 0)
		return false;
	/* "failed_reads failed_writes ...", in columns */
	while (at < end && *at == ' ')
		at++;
	if (num_scan_u64(&at, end, &reads) < 0)
		return false;
	while (at < end && *at == ' ')
		at++;
	(void)num_scan_u64(&at, end, &writes);
	return reads > 0 || writes > 0;
}
