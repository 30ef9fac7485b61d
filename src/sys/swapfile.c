/* SPDX-License-Identifier: MIT */
#include "sys/swapfile.h"

#include "base/cleanup.h"
#include "base/units.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/vfs.h>

/* linux/swap.h; glibc has only the first */
#define DISCARD_ALL 0x10000
#define DISCARD_ONCE (DISCARD_ALL | 0x20000)
#define DISCARD_PAGES (DISCARD_ALL | 0x40000)

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* btrfs refuses to swap to a file with copy on write, and takes the wish only of an empty one. */
static int avoid_copy_on_write(int fd)
{
	struct statfs fs;
	int flags;

	if (fstatfs(fd, &fs) < 0)
		return -errno;
	if (fs.f_type != BTRFS_SUPER_MAGIC)
		return 0;
	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0)
		return -errno;
	flags |= FS_NOCOW_FL;
	return ioctl(fd, FS_IOC_SETFLAGS, &flags) < 0 ? -errno : 0;
}

static int write_all(int fd, const char *buf, size_t len, uint64_t offset_bytes)
{
	while (len > 0) {
		ssize_t n = pwrite(fd, buf, len, (off_t)offset_bytes);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		buf += n;
		len -= (size_t)n;
		offset_bytes += (uint64_t)n;
	}
	return 0;
}

static int write_zeroes(int fd, uint64_t bytes)
{
	static char zeroes[256 * KIB]; /* not const: those would lie in the program file */
	int r = 0;

	for (uint64_t at = 0; r == 0 && at < bytes; at += sizeof zeroes)
		r = write_all(fd, zeroes, (size_t)u64_min(sizeof zeroes, bytes - at), at);
	return r;
}

static int fill_file(int fd, uint64_t bytes, enum swapfile_fill fill)
{
	if (fill == SWAPFILE_RESERVE) {
		if (fallocate(fd, 0, 0, (off_t)bytes) == 0)
			return 0;
		if (errno != EOPNOTSUPP)
			return -errno;
	}
	return write_zeroes(fd, bytes);
}

static int make_contents(int fd, const struct swapheader *header, enum swapfile_fill fill)
{
	int r;

	if (fchmod(fd, 0600) < 0)
		return -errno;
	r = avoid_copy_on_write(fd);
	if (r == 0)
		r = fill_file(fd, header->bytes, fill);
	return r < 0 ? r : swapfile_write_header(fd, 0, header);
}

/* A file without a name in the directory of path, or -errno (-EOPNOTSUPP and others: there are no
 * such files here). */
static int open_nameless(const char *path)
{
	const char *slash = strrchr(path, '/');
	char directory[PATH_MAX] = ".";
	size_t len = slash ? (size_t)(slash - path) : 0;
	int fd;

	if (len >= sizeof directory)
		return -ENAMETOOLONG;
	if (slash)
		(void)snprintf(directory, sizeof directory, "%.*s", (int)(len > 0 ? len : 1), path);
	fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	return fd < 0 ? -errno : fd;
}

/* Every name of what is open leads there, even one that is renamed or removed meanwhile. */
#define SELF_MAX 32
static void self_path(int fd, char ret[SELF_MAX])
{
	(void)snprintf(ret, SELF_MAX, "/proc/self/fd/%d", fd);
}

static int give_name(int fd, const char *path)
{
	char self[SELF_MAX];

	self_path(fd, self);
	return linkat(AT_FDCWD, self, AT_FDCWD, path, AT_SYMLINK_FOLLOW) < 0 ? -errno : 0;
}

static bool is_same(const struct stat *st, int fd)
{
	struct stat other;

	return fstat(fd, &other) == 0 && other.st_dev == st->st_dev && other.st_ino == st->st_ino;
}

/* By its name, as which the kernel shows it then: the nameless one stays so. */
static int open_again(const char *path, int nameless_fd)
{
	_cleanup_close_ int fd = open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return -errno;
	return fstat(fd, &st) == 0 && is_same(&st, nameless_fd) ? take_fd(&fd) : -ESTALE;
}

static int create_nameless(const char *path, int fd, const struct swapheader *header,
			   enum swapfile_fill fill)
{
	int r = make_contents(fd, header, fill);

	if (r == 0)
		r = give_name(fd, path);
	if (r < 0)
		return r;
	r = open_again(path, fd);
	if (r < 0)
		swapfile_remove(path, fd);
	return r;
}

int swapfile_create_open(const char *path, const struct swapheader *header, enum swapfile_fill fill)
{
	_cleanup_close_ int fd = -1;
	struct stat st;
	int r;

	if (lstat(path, &st) == 0) /* before the work: a name is refused only at the end of it */
		return -EEXIST;
	fd = open_nameless(path);
	if (fd >= 0)
		return create_nameless(path, fd, header, fill);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = make_contents(fd, header, fill);
	if (r < 0) {
		swapfile_remove(path, fd);
		return r;
	}
	return take_fd(&fd);
}

int swapfile_create(const char *path, const struct swapheader *header, enum swapfile_fill fill)
{
	_cleanup_close_ int fd = swapfile_create_open(path, header, fill);

	return fd < 0 ? fd : 0;
}

void swapfile_remove(const char *path, int fd)
{
	struct stat st;

	if (lstat(path, &st) == 0 && is_same(&st, fd))
		(void)unlink(path);
}

static bool is_zero(const char *buf, size_t len)
{
	return buf[0] == 0 && memcmp(buf, buf + 1, len - 1) == 0;
}

int swapfile_read_header(int fd, uint64_t offset_bytes, struct swapheader *ret, bool *ret_blank)
{
	_cleanup_free_ char *page = malloc(page_size());
	ssize_t n;

	if (!page)
		return -ENOMEM;
	n = pread(fd, page, page_size(), (off_t)offset_bytes);
	if (n < 0)
		return -errno;
	if ((size_t)n < page_size())
		return -ENODATA;
	if (ret_blank)
		*ret_blank = is_zero(page, page_size());
	return swapheader_parse(page, page_size(), ret);
}

int swapfile_write_header(int fd, uint64_t offset_bytes, const struct swapheader *header)
{
	_cleanup_free_ char *page = malloc(page_size());
	int r;

	if (!page)
		return -ENOMEM;
	swapheader_fill(page, page_size(), header);
	r = write_all(fd, page, page_size(), offset_bytes);
	return r == 0 && fsync(fd) < 0 ? -errno : r;
}

bool swapfile_is_active(int fd)
{
	/* its first byte is there: nothing changes */
	return fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 1) < 0 && errno == ETXTBSY;
}

bool swapfile_is_blank(int fd)
{
	static char buf[256 * KIB];
	off_t at = 0;

	while ((at = lseek(fd, at, SEEK_DATA)) >= 0) {
		ssize_t n = pread(fd, buf, sizeof buf, at);

		if (n <= 0 || !is_zero(buf, (size_t)n))
			return false;
		at += n;
	}
	return errno == ENXIO; /* it has come to the end */
}

int swapfile_wipe(int fd)
{
	struct stat st;
	int r = fstat(fd, &st) < 0 ? -errno : write_zeroes(fd, (uint64_t)st.st_size);

	return r == 0 && fsync(fd) < 0 ? -errno : r;
}

int swapfile_on(const char *path, int priority, enum swap_discard discard)
{
	static const int discard_flags[] = {
		[SWAP_DISCARD_NO] = 0,
		[SWAP_DISCARD_ALL] = DISCARD_ALL,
		[SWAP_DISCARD_ONCE] = DISCARD_ONCE,
		[SWAP_DISCARD_PAGES] = DISCARD_PAGES,
	};
	int flags = discard_flags[discard];

	if (priority != SWAP_PRIORITY_NONE)
		flags |= SWAP_FLAG_PREFER | (priority & SWAP_FLAG_PRIO_MASK);
	return swapon(path, flags) < 0 ? -errno : 0;
}

int swapfile_on_fd(int fd, int priority, enum swap_discard discard)
{
	char self[SELF_MAX];

	self_path(fd, self);
	return swapfile_on(self, priority, discard);
}

int swapfile_off(const char *path)
{
	return swapoff(path) < 0 ? -errno : 0;
}
