/* SPDX-License-Identifier: MIT */
#include "backend/imagefile.h"

#include "base/cleanup.h"
#include "proto/crc32c.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define PAGE_MIN 4096U
#define PAGE_MAX (64U << 10)

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int imagefile_parse_boot_id(const char *text, size_t len, uint8_t ret[static 16])
{
	uint8_t id[16] = {0};
	unsigned n = 0;

	for (size_t i = 0; i < 36 && i < len; i++) {
		int digit = hex_digit(text[i]);

		if (i == 8 || i == 13 || i == 18 || i == 23) {
			if (text[i] != '-')
				return -EBADMSG;
			continue;
		}
		if (digit < 0)
			return -EBADMSG;
		id[n / 2] = (uint8_t)(id[n / 2] << 4 | digit);
		n++;
	}
	if (len != 37 || text[36] != '\n')
		return -EBADMSG;
	memcpy(ret, id, sizeof id);
	return 0;
}

int imagefile_here(const struct procfs *procfs, struct imagefile_here *ret)
{
	_cleanup_close_ int fd = procfs_open_file(procfs, "sys/kernel/random/boot_id");
	struct imagefile_here here;
	struct stat stat;
	char text[64];
	ssize_t n;
	int r;

	if (fd < 0)
		return fd;
	n = procfs_read_fd(fd, text, sizeof text);
	if (n < 0)
		return (int)n;
	r = imagefile_parse_boot_id(text, (size_t)n, here.boot_id);
	if (r < 0)
		return r;
	if (fstatat(procfs->root_fd, "self/ns/pid", &stat, 0) < 0)
		return -errno;
	here.pid_ns = stat.st_ino;
	*ret = here;
	return 0;
}

static bool is_page_size(uint32_t bytes)
{
	return bytes >= PAGE_MIN && bytes <= PAGE_MAX && (bytes & (bytes - 1)) == 0;
}

/* Every chunk has a page of its own at least. */
static bool adds_up(const struct image_header *header)
{
	uint64_t pages = header->image_bytes / header->page_bytes;

	return header->image_bytes % header->page_bytes == 0 && pages >= 1 &&
	       header->n_chunks <= pages - 1;
}

int imagefile_parse(const void *data, size_t len, struct image_header *ret)
{
	struct image_header header;

	if (len < sizeof header)
		return -EBADMSG;
	memcpy(&header, data, sizeof header);
	if (header.magic != IMAGE_MAGIC || header.version != IMAGE_VERSION ||
	    header.crc != crc32c(0, &header, offsetof(struct image_header, crc)))
		return -EBADMSG;
	if (!is_page_size(header.page_bytes) || header.pid <= 0 || header.reserved != 0 ||
	    (header.flags & ~(uint32_t)(IMAGE_COMPLETE | IMAGE_STOPPED_BEFORE)) ||
	    !memchr(header.comm, '\0', sizeof header.comm) || !adds_up(&header))
		return -EBADMSG;
	*ret = header;
	return 0;
}

int imagefile_open(int dir_fd, const char *name, uid_t owner, struct imagefile *ret)
{
	_cleanup_close_ int fd =
		openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct image_header header = {0};
	char page[PAGE_MIN];
	struct stat stat;
	ssize_t n;
	int r;

	if (fd < 0 || fstat(fd, &stat) < 0)
		return -errno;
	if (!S_ISREG(stat.st_mode) || stat.st_uid != owner)
		return -EPERM;
	n = pread(fd, page, sizeof page, 0);
	if (n < 0)
		return -errno;
	r = imagefile_parse(page, (size_t)n, &header);
	if (r == 0 && header.uid != owner)
		return -EPERM;
	/* the file is made as long as it will be at most before it's written, and cut at the end */
	if (r == 0 && (header.flags & IMAGE_COMPLETE) &&
	    header.image_bytes > (uint64_t)stat.st_size)
		r = -EBADMSG;
	if (r == 0 || r == -EBADMSG)
		*ret = (struct imagefile){.header = header, .file_bytes = (uint64_t)stat.st_size};
	return r < 0 ? r : take_fd(&fd);
}

bool imagefile_is_of(const struct image_header *header, const struct imagefile_here *here,
		     int32_t pid, uint64_t start_ticks)
{
	return header->pid == pid && header->start_ticks == start_ticks &&
	       header->pid_ns == here->pid_ns &&
	       memcmp(header->boot_id, here->boot_id, sizeof here->boot_id) == 0;
}
