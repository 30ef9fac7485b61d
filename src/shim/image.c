/* SPDX-License-Identifier: MIT */
#include "shim/image.h"
#include "proto/crc32c.h"
#include "shim/iothread.h"
#include "shim/rawsys.h"
#include "shim/regions.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/stat.h>
#include <sys/file.h>

int image_fail(struct shim *shim, int error, const char *what)
{
	const char *why;

	switch (error < 0 ? -error : error) {
	case ENOENT: why = ": there is no such directory"; break;
	case ENOTDIR:
	case ELOOP: why = ": it is a link, or no directory"; break;
	case EACCES:
	case EPERM: why = ": permission denied"; break;
	case ENOSPC: why = ": the disk is full"; break;
	case EDQUOT: why = ": the quota is exhausted"; break;
	case EFBIG: why = ": it would be larger than the limit for files (ulimit -f)"; break;
	case EROFS: why = ": the file system is read-only"; break;
	case EIO: why = ": input/output error"; break;
	case EBADMSG: why = ": it is damaged"; break;
	case EMFILE:
	case ENFILE: why = ": too many open files"; break;
	default: why = ""; break;
	}
	return shim_fail(shim, error < 0 ? -error : error, what, why, NULL);
}

static int look_at(int fd, struct statx *ret)
{
	return (int)RAW_5(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, ret);
}

/* Nobody else may be able to put a file or a link into the directory. */
static int check_dir(struct shim *shim, int fd)
{
	struct statx info = {0};
	/* struct statfs or statfs64: the type comes first in both */
	union {
		unsigned long type;
		char room[256];
	} fs = {0};
	int r = look_at(fd, &info);

	if (r < 0)
		return image_fail(shim, r, "the image directory");
	if (info.stx_uid != shim->uid)
		return shim_fail(shim, EPERM, "the image directory ", shim->image_dir,
				 " belongs to another user", NULL);
	if (info.stx_mode & 022)
		return shim_fail(shim, EPERM, "the image directory ", shim->image_dir,
				 " may be written by others (chmod 700)", NULL);
#ifdef SYS_fstatfs64
	r = (int)RAW_3(SYS_fstatfs64, fd, 84, &fs);
#else
	r = (int)RAW_2(SYS_fstatfs, fd, &fs);
#endif
	if (r < 0)
		return image_fail(shim, r, "the image directory");
	if (fs.type == TMPFS_MAGIC || fs.type == RAMFS_MAGIC)
		return shim_fail(shim, EINVAL, "the image directory ", shim->image_dir,
				 " lies in memory itself (tmpfs)", NULL);
	return 0;
}

static int open_dir(struct shim *shim)
{
	int fd, r;

	if (!shim->image_dir[0])
		return shim_fail(
			shim, ENOENT,
			"there is no image directory: neither HOME nor " NAMES_ENV_IMAGE_DIR
			" is set",
			NULL);
	if (shim->image_dir_ours)
		(void)RAW_3(SYS_mkdirat, AT_FDCWD, shim->image_dir, 0700);
	fd = (int)RAW_4(SYS_openat, AT_FDCWD, shim->image_dir,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
	if (fd < 0)
		return shim_fail(shim, -fd, "the image directory ", shim->image_dir,
				 fd == -ENOENT			  ? " does not exist"
				 : fd == -ELOOP || fd == -ENOTDIR ? " is a link, or no directory"
								  : " can't be opened",
				 NULL);
	r = check_dir(shim, fd);
	if (r) {
		(void)RAW_1(SYS_close, fd);
		return r;
	}
	shim->fd.image_dir = fd;
	return 0;
}

static void image_name(const struct shim *shim, char *buf, size_t cap)
{
	struct words words = words_over(buf, cap);

	words_add_number(&words, (uint64_t)shim->program);
	words_add(&words, NAMES_IMAGE_SUFFIX);
}

static uint32_t header_crc(const struct image_header *header)
{
	return crc32c(0, header, offsetof(struct image_header, crc));
}

static bool same_bytes(const uint8_t *a, const uint8_t *b, size_t n)
{
	while (n--)
		if (a[n] != b[n])
			return false;
	return true;
}

/* What there is to know of a file that lies under our name */
enum found { FOUND_OURS, FOUND_STALE, FOUND_FOREIGN };

static enum found identify(struct shim *shim, int fd)
{
	const struct image_header *header = (const void *)shim->read_buffer;
	struct statx info = {0};
	struct iovec part = {.iov_base = shim->read_buffer, .iov_len = sizeof(*header)};
	long n;

	if (look_at(fd, &info) < 0 || (info.stx_mode & S_IFMT) != S_IFREG ||
	    info.stx_uid != shim->uid)
		return FOUND_FOREIGN;
	n = RAW_5(SYS_preadv, fd, &part, 1, 0, 0);
	if (n == 0)
		return FOUND_STALE; /* made, and then nothing more */
	if (n != (long)sizeof(*header) || header->magic != IMAGE_MAGIC ||
	    header->version != IMAGE_VERSION || header->crc != header_crc(header))
		return FOUND_FOREIGN;
	if (!same_bytes(header->boot_id, shim->boot_id, sizeof(shim->boot_id)))
		return FOUND_STALE;
	if (header->pid_ns != shim->pid_ns)
		return FOUND_FOREIGN;
	return header->pid == shim->program && header->start_ticks == shim->start_ticks
		       ? FOUND_OURS
		       : FOUND_STALE;
}

/* Removes what an earlier process of this number has left, or an earlier attempt of ours. */
static int clear_name(struct shim *shim, const char *name)
{
	enum found found;
	int fd = (int)RAW_4(SYS_openat, shim->fd.image_dir, name,
			    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);

	if (fd == -ENOENT)
		return 0;
	found = fd < 0 ? FOUND_FOREIGN : identify(shim, fd);
	if (fd >= 0)
		(void)RAW_1(SYS_close, fd);
	if (found == FOUND_FOREIGN)
		return shim_fail(shim, EEXIST, shim->image_dir, "/", name,
				 " exists and is no image of this program", NULL);
	return (int)RAW_3(SYS_unlinkat, shim->fd.image_dir, name, 0);
}

/* As if birth_again had just been called: the return address is on the stack already */
#if defined(__aarch64__)
#define REVIVE_SP_OFFSET 0
#else
#define REVIVE_SP_OFFSET sizeof(void *)
#endif

static int write_header(struct shim *shim, uint32_t flags)
{
	struct image_header *header = shim_header(shim);

	*header = (struct image_header){
		.magic = IMAGE_MAGIC,
		.version = IMAGE_VERSION,
		.page_bytes = shim->page_bytes,
		.flags = flags | (shim->stopped_before ? IMAGE_STOPPED_BEFORE : 0U),
		.n_chunks = shim->ledger.chunks,
		.pid = shim->program,
		.uid = shim->uid,
		.start_ticks = shim->start_ticks,
		.pid_ns = shim->pid_ns,
		.image_bytes = shim->image_bytes,
		.held_bytes = shim->ledger.held_bytes,
		.since_ns = shim_now_ns(),
		.revive_pc = shim->revive_pc,
		.revive_sp = (uintptr_t)(shim->revive_stack + sizeof(shim->revive_stack) - 64) -
			     REVIVE_SP_OFFSET,
	};
	for (size_t i = 0; i < sizeof(header->boot_id); i++)
		header->boot_id[i] = shim->boot_id[i];
	for (size_t i = 0; i < sizeof(header->comm); i++)
		header->comm[i] = shim->name[i];
	header->crc = header_crc(header);
	return io_now(shim->fd.image, true, header, shim->page_bytes, 0);
}

/* Past the page cache, where the file system can. */
static void go_direct(int fd)
{
	long flags = RAW_3(SYS_fcntl, fd, F_GETFL, 0);

	if (flags >= 0)
		(void)RAW_3(SYS_fcntl, fd, F_SETFL, flags | O_DIRECT);
}

static int open_image(struct shim *shim)
{
	char name[32];
	int fd, r;

	image_name(shim, name, sizeof(name));
	r = clear_name(shim, name);
	if (r)
		return r;
	fd = (int)RAW_4(SYS_openat, shim->fd.image_dir, name,
			O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return image_fail(shim, fd, "the image can't be made");
	go_direct(fd);
	shim->fd.image = fd;
	/* held as long as the image is needed: who removes stale ones looks at it */
	(void)RAW_2(SYS_flock, fd, LOCK_EX | LOCK_NB);
	return 0;
}

int image_create(struct shim *shim)
{
	int r = open_dir(shim);

	if (r)
		return r;
	r = open_image(shim);
	if (!r) {
		shim->image_bytes = shim->page_bytes;
		r = write_header(shim, 0);
		if (r)
			r = image_fail(shim, r, "the image can't be written");
	}
	if (r)
		image_remove(shim);
	return r;
}

int image_reserve(struct shim *shim, uint64_t bytes)
{
#if defined(__i386__)
	long r = RAW_6(SYS_fallocate, shim->fd.image, 0, 0, 0, (unsigned long)bytes,
		       (unsigned long)(bytes >> 32));
#else
	long r = RAW_4(SYS_fallocate, shim->fd.image, 0, 0, bytes);
#endif

	if (r == -EOPNOTSUPP || r == -ENOSYS)
		return 0; /* then it shows while it is written */
	return r < 0 ? image_fail(shim, (int)r, "there is no room for the image") : 0;
}

static int cut_to(struct shim *shim, uint64_t bytes)
{
#if defined(__i386__)
	return (int)RAW_3(SYS_ftruncate64, shim->fd.image, (unsigned long)bytes,
			  (unsigned long)(bytes >> 32));
#else
	return (int)RAW_2(SYS_ftruncate, shim->fd.image, bytes);
#endif
}

static bool is_direct(int fd)
{
	long flags = RAW_3(SYS_fcntl, fd, F_GETFL, 0);

	return flags < 0 || (flags & O_DIRECT);
}

/* Writes what the page cache has of it, and waits; costs nothing where that is nothing. */
static int write_cached(int fd)
{
	const unsigned flags =
		SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;

#if defined(__i386__)
	return (int)RAW_6(SYS_sync_file_range, fd, 0, 0, 0, 0, flags);
#else
	return (int)RAW_4(SYS_sync_file_range, fd, 0, 0, flags);
#endif
}

int image_settle(struct shim *shim)
{
	int fd = shim->fd.image, r = is_direct(fd) ? write_cached(fd) : -EINVAL;

	/* where that went wrong, or isn't permitted, this says what there is to say */
	return r ? (int)RAW_1(SYS_fdatasync, fd) : 0;
}

/* What went through the page cache is to leave it: memory is wanted. */
static void leave_cache(struct shim *shim)
{
	if (is_direct(shim->fd.image))
		return;
#if defined(__i386__)
	(void)RAW_6(SYS_fadvise64_64, shim->fd.image, 0, 0, 0, 0, POSIX_FADV_DONTNEED);
#else
	(void)RAW_4(SYS_fadvise64, shim->fd.image, 0, 0, POSIX_FADV_DONTNEED);
#endif
}

int image_finish(struct shim *shim, uint64_t bytes)
{
	int r = cut_to(shim, bytes);

	if (!r) {
		shim->image_bytes = bytes;
		r = write_header(shim, IMAGE_COMPLETE);
	}
	if (!r)
		r = image_settle(shim);
	if (r)
		return image_fail(shim, r, "the image can't be written");
	leave_cache(shim);
	return 0;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		(void)RAW_1(SYS_close, *fd);
	*fd = -1;
}

static bool same_file(const struct statx *a, const struct statx *b)
{
	return a->stx_ino == b->stx_ino && a->stx_dev_major == b->stx_dev_major &&
	       a->stx_dev_minor == b->stx_dev_minor;
}

/* Whether the image that is open still has its name. */
static bool has_name(const struct shim *shim, const char *name)
{
	struct statx open = {0}, named = {0};

	return look_at(shim->fd.image, &open) == 0 &&
	       RAW_5(SYS_statx, shim->fd.image_dir, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS,
		     &named) == 0 &&
	       same_file(&open, &named);
}

/* Whether what is lying under our name was written by us, or by nobody who still needs it. */
static bool may_go(struct shim *shim, const char *name)
{
	int fd = (int)RAW_4(SYS_openat, shim->fd.image_dir, name,
			    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
	bool ret = fd >= 0 && identify(shim, fd) != FOUND_FOREIGN;

	close_fd(&fd);
	return ret;
}

void image_remove(struct shim *shim)
{
	char name[32];

	image_name(shim, name, sizeof(name));
	if (shim->fd.image >= 0) {
		bool ours = has_name(shim, name);

		if (!ours)
			close_fd(&shim->fd.image); /* there may be no other descriptor to be had */
		if (ours || may_go(shim, name))
			(void)RAW_3(SYS_unlinkat, shim->fd.image_dir, name, 0);
	}
	shim->image_bytes = 0;
}

void image_close(struct shim *shim)
{
	close_fd(&shim->fd.image);
	close_fd(&shim->fd.image_dir);
}

static bool is_open_already(const struct shim *shim, int fd)
{
	struct statx open = {0}, other = {0};

	return look_at(shim->fd.image, &open) == 0 && look_at(fd, &other) == 0 &&
	       same_file(&open, &other);
}

bool image_exchange(struct shim *shim)
{
	char name[32];
	int fd;

	/* a helper that goes on where another ended has nothing open yet */
	if (shim->fd.image_dir < 0 && open_dir(shim))
		return false;
	image_name(shim, name, sizeof(name));
	fd = (int)RAW_4(SYS_openat, shim->fd.image_dir, name,
			O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
	if (fd < 0 || identify(shim, fd) != FOUND_OURS || is_open_already(shim, fd)) {
		if (shim->fd.image < 0)
			image_fail(shim, fd < 0 ? fd : EBADMSG, "the image can't be opened");
		close_fd(&fd);
		return false;
	}
	close_fd(&shim->fd.image);
	shim->fd.image = fd;
	(void)RAW_2(SYS_flock, fd, LOCK_EX | LOCK_NB);
	go_direct(fd);
	return true;
}

/* The image has been in other hands: nothing of it is believed. */
static bool chunk_valid(const struct shim *shim, struct image_chunk *chunk, uint32_t index)
{
	uint32_t crc = chunk->crc, pages = 0;
	size_t bytes;

	if (chunk->magic != IMAGE_CHUNK_MAGIC || chunk->index != index ||
	    chunk->n_extents > IMAGE_CHUNK_EXTENTS || chunk->n_pages > IMAGE_CHUNK_PAGES)
		return false;
	bytes = offsetof(struct image_chunk, extents) +
		chunk->n_extents * sizeof(chunk->extents[0]);
	chunk->crc = 0;
	if (crc32c(0, chunk, bytes) != crc)
		return false;
	for (uint32_t i = 0; i < chunk->n_extents; i++) {
		const struct image_extent *extent = &chunk->extents[i];

		if (extent->n_pages == 0 || extent->n_pages > IMAGE_CHUNK_PAGES ||
		    extent->address % shim->page_bytes ||
		    !regions_hold(shim, extent->address,
				  (uint64_t)extent->n_pages * shim->page_bytes))
			return false;
		pages += extent->n_pages;
	}
	return pages == chunk->n_pages;
}

int image_check(struct shim *shim, uint32_t index)
{
	return chunk_valid(shim, shim_slot(shim, index), index)
		       ? 0
		       : image_fail(shim, EBADMSG, "the image can't be read");
}

uint64_t image_data_bytes(const struct shim *shim, const struct image_chunk *chunk)
{
	return (uint64_t)chunk->n_pages * shim->page_bytes;
}

int image_read_first(struct shim *shim, uint64_t *ret_offset)
{
	struct io_job *job = io_begin(shim, 0, false, shim->page_bytes);
	int r;

	for (uint32_t i = 0; i < IMAGE_AHEAD; i++)
		io_add(job, (uintptr_t)shim_slot(shim, i), shim->page_bytes);
	io_submit(job);
	r = io_wait(shim, 0);
	if (r)
		return image_fail(shim, r, "the image can't be read");
	for (uint32_t i = 0; !r && i < IMAGE_AHEAD; i++)
		r = image_check(shim, i);
	*ret_offset = (1 + (uint64_t)IMAGE_AHEAD) * shim->page_bytes;
	return r;
}
