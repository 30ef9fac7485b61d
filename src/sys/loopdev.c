/* SPDX-License-Identifier: MIT */
#include "sys/loopdev.h"

#include "base/cleanup.h"
#include "base/num.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>

/* Somebody else may take the device that was free a moment ago. */
#define ATTEMPTS 64

/* A file of /sys without its newline. */
static int read_line(const struct procfs *sys, dev_t device, const char *name, char *buf,
		     size_t cap)
{
	char path[64];
	ssize_t n;

	(void)snprintf(path, sizeof path, "dev/block/%u:%u/loop/%s", major(device), minor(device),
		       name);
	_cleanup_close_ int fd = procfs_open_file(sys, path);
	if (fd < 0)
		return fd;
	n = procfs_read_fd(fd, buf, cap);
	if (n < 0)
		return (int)n;
	if (n > 0 && buf[n - 1] == '\n')
		buf[n - 1] = '\0';
	return 0;
}

static int read_number(const struct procfs *sys, dev_t device, const char *name, uint64_t *ret)
{
	char text[32];
	int r = read_line(sys, device, name, text, sizeof text);

	return r < 0 ? r : num_u64(text, ret);
}

int loopdev_look(const struct procfs *sys, dev_t device, struct loopdev *ret)
{
	struct loopdev found = {0};
	int r = read_line(sys, device, "backing_file", found.backing, sizeof found.backing);

	if (r == 0)
		r = read_number(sys, device, "offset", &found.offset_bytes);
	if (r == 0)
		r = read_number(sys, device, "sizelimit", &found.limit_bytes);
	if (r == 0)
		*ret = found;
	return r;
}

int loopdev_backing(int fd, struct loopdev_backing *ret)
{
	struct loop_info64 info;

	if (ioctl(fd, LOOP_GET_STATUS64, &info) < 0)
		return -errno;
	*ret = (struct loopdev_backing){
		.dev = info.lo_device, .rdev = info.lo_rdevice, .ino = info.lo_inode};
	return 0;
}

static int configure(int fd, int backing_fd, uint64_t offset_bytes, uint64_t bytes)
{
	struct loop_config config = {
		.fd = (uint32_t)backing_fd,
		.info = {.lo_offset = offset_bytes,
			 .lo_sizelimit = bytes,
			 /* past the page cache: swapping out must not ask for memory twice */
			 .lo_flags = LO_FLAGS_AUTOCLEAR | LO_FLAGS_DIRECT_IO},
	};

	if (ioctl(fd, LOOP_CONFIGURE, &config) == 0)
		return 0;
	if (errno != EINVAL)
		return -errno;
	config.info.lo_flags = LO_FLAGS_AUTOCLEAR;
	return ioctl(fd, LOOP_CONFIGURE, &config) < 0 ? -errno : 0;
}

int loopdev_attach(int backing_fd, uint64_t offset_bytes, uint64_t bytes,
		   char ret_path[LOOPDEV_PATH_MAX])
{
	_cleanup_close_ int control_fd = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	int r = -EBUSY;

	if (control_fd < 0)
		return -errno;
	for (int i = 0; i < ATTEMPTS && r == -EBUSY; i++) {
		_cleanup_close_ int fd = -1;
		int number = ioctl(control_fd, LOOP_CTL_GET_FREE);

		if (number < 0)
			return -errno;
		(void)snprintf(ret_path, LOOPDEV_PATH_MAX, "/dev/loop%d", number);
		fd = open(ret_path, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			return -errno;
		r = configure(fd, backing_fd, offset_bytes, bytes);
		if (r == 0)
			return take_fd(&fd);
	}
	return r;
}
