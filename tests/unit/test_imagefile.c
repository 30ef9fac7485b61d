/* SPDX-License-Identifier: MIT */
#include "backend/imagefile.h"

#include "base/cleanup.h"
#include "proto/crc32c.h"
#include "unit/builders.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static struct image_header sealed(struct image_header header)
{
	header.crc = crc32c(0, &header, offsetof(struct image_header, crc));
	return header;
}

static struct image_header plain(void)
{
	return (struct image_header){
		.magic = IMAGE_MAGIC,
		.version = IMAGE_VERSION,
		.page_bytes = 4096,
		.flags = IMAGE_COMPLETE,
		.n_chunks = 1,
		.pid = 1234,
		.uid = 1000,
		.start_ticks = 5678,
		.pid_ns = 4026531836,
		.boot_id = {1, 2, 3},
		.image_bytes = 3 * 4096,
		.held_bytes = 4096,
		.comm = "fifteen letters",
	};
}

static int parse(struct image_header header)
{
	struct image_header ret, untouched;
	int r;

	memset(&ret, 0x5a, sizeof ret);
	untouched = ret;
	r = imagefile_parse(&header, sizeof header, &ret);
	ck_assert(memcmp(&ret, r == 0 ? &header : &untouched, sizeof ret) == 0);
	return r;
}

START_TEST(takes_real_ones)
{
	struct image_header header = plain();

	ck_assert_int_eq(parse(sealed(header)), 0);
	header.flags = IMAGE_STOPPED_BEFORE;
	header.n_chunks = 0;
	header.image_bytes = 4096;
	ck_assert_int_eq(parse(sealed(header)), 0);
	header.page_bytes = 65536;
	header.image_bytes = 65536;
	ck_assert_int_eq(parse(sealed(header)), 0);
}
END_TEST

#define REFUSED(change)                                                              \
	do {                                                                         \
		header = plain();                                                    \
		change;                                                              \
		ck_assert_msg(parse(sealed(header)) == -EBADMSG, "taken: " #change); \
	} while (0)

START_TEST(refuses)
{
	struct image_header header;

	REFUSED(header.magic++);
	REFUSED(header.version++);
	REFUSED(header.page_bytes = 0);
	REFUSED(header.page_bytes = 2048);
	REFUSED(header.page_bytes = 12288);
	REFUSED(header.page_bytes = 131072);
	REFUSED(header.flags |= 4);
	REFUSED(header.n_chunks = 3);
	REFUSED(header.n_chunks = UINT32_MAX);
	REFUSED(header.pid = 0);
	REFUSED(header.pid = -1);
	REFUSED(header.image_bytes = 0);
	REFUSED(header.image_bytes++);
	REFUSED(header.comm[15] = 'x');
	REFUSED(header.reserved = 1);
	header = sealed(plain());
	for (size_t bit = 0; bit < 8 * sizeof header; bit++) {
		((unsigned char *)&header)[bit / 8] ^= (unsigned char)(1 << bit % 8);
		ck_assert_msg(parse(header) == -EBADMSG, "bit %zu", bit);
		((unsigned char *)&header)[bit / 8] ^= (unsigned char)(1 << bit % 8);
	}
	for (size_t len = 0; len < sizeof header; len++) {
		char *copy = malloc(len + 1);
		struct image_header ret;

		memcpy(copy, &header, len);
		ck_assert_int_eq(imagefile_parse(copy, len, &ret), -EBADMSG);
		free(copy);
	}
}
END_TEST

START_TEST(whose)
{
	struct imagefile_here here = {.boot_id = {1, 2, 3}, .pid_ns = 4026531836};
	struct image_header header = plain();

	ck_assert(imagefile_is_of(&header, &here, 1234, 5678));
	ck_assert(!imagefile_is_of(&header, &here, 1235, 5678));
	ck_assert(!imagefile_is_of(&header, &here, 1234, 5679));
	here.pid_ns++;
	ck_assert(!imagefile_is_of(&header, &here, 1234, 5678));
	here.pid_ns--;
	here.boot_id[15] = 1;
	ck_assert(!imagefile_is_of(&header, &here, 1234, 5678));
}
END_TEST

START_TEST(boot_ids)
{
	static const char good[] = "01234567-89ab-cdef-0011-ffeeddccbbaa\n";
	static const char *const bad[] = {
		"",
		"\n",
		"01234567-89ab-cdef-0011-ffeeddccbbaa",
		"01234567-89ab-cdef-0011-ffeeddccbbaa \n",
		"01234567-89ab-cdef-0011-ffeeddccbba\n",
		"01234567-89ab-cdef-0011-ffeeddccbbAA\n",
		"0123456789ab-cdef-0011-ffeeddccbbaa0\n",
		"01234567-89ab-cdef-0011ffeeddccbbaa00\n",
		"g1234567-89ab-cdef-0011-ffeeddccbbaa\n",
	};
	static const uint8_t wanted[16] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,
					   0x00, 0x11, 0xff, 0xee, 0xdd, 0xcc, 0xbb, 0xaa};
	uint8_t id[16];

	ck_assert_int_eq(imagefile_parse_boot_id(good, strlen(good), id), 0);
	ck_assert_mem_eq(id, wanted, sizeof id);
	for (size_t i = 0; i < ROWS(bad); i++) {
		ck_assert_msg(imagefile_parse_boot_id(bad[i], strlen(bad[i]), id) == -EBADMSG,
			      "row %zu is taken", i);
		ck_assert_mem_eq(id, wanted, sizeof id);
	}
}
END_TEST

START_TEST(here_and_now)
{
	struct imagefile_here here, again;
	struct procfs procfs;
	struct stat stat_buf;

	ck_assert_int_eq(procfs_open("/proc", &procfs), 0);
	memset(&here, 0, sizeof here);
	memset(&again, 0, sizeof again);
	ck_assert_int_eq(imagefile_here(&procfs, &here), 0);
	ck_assert_int_eq(imagefile_here(&procfs, &again), 0);
	ck_assert_mem_eq(here.boot_id, again.boot_id, sizeof here.boot_id);
	ck_assert_int_eq(stat("/proc/self/ns/pid", &stat_buf), 0);
	ck_assert_uint_eq(here.pid_ns, stat_buf.st_ino);
	procfs_close(&procfs);
}
END_TEST

static void write_file(int dir_fd, const char *name, const struct image_header *header, off_t len)
{
	_cleanup_close_ int fd =
		openat(dir_fd, name, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);

	ck_assert_int_eq(write(fd, header, sizeof *header), (ssize_t)sizeof *header);
	ck_assert_int_eq(ftruncate(fd, len), 0);
}

static int try_open(int dir_fd, const char *name, uid_t owner, struct imagefile *ret)
{
	int fd;

	memset(ret, 0, sizeof *ret);
	fd = imagefile_open(dir_fd, name, owner, ret);
	if (fd >= 0)
		(void)close(fd);
	return fd < 0 ? fd : 0;
}

START_TEST(files)
{
	static const char *const names[] = {"whole", "short", "under_way", "link",
					    "fifo",  "dir",   "rubbish"};
	char dir[] = "/tmp/test_imagefile.XXXXXX";
	struct image_header header = plain();
	struct imagefile image;
	uid_t us = geteuid();
	int dir_fd;

	header.uid = us;
	header = sealed(header);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	write_file(dir_fd, "whole", &header, 3 * 4096);
	write_file(dir_fd, "short", &header, 3 * 4096 - 1);
	write_file(dir_fd, "rubbish", &(struct image_header){.magic = 1}, 1 << 20);
	header.flags = 0;
	header = sealed(header);
	write_file(dir_fd, "under_way", &header, 4096);
	ck_assert_int_eq(symlinkat("whole", dir_fd, "link"), 0);
	ck_assert_int_eq(mkfifoat(dir_fd, "fifo", 0600), 0);
	ck_assert_int_eq(mkdirat(dir_fd, "dir", 0700), 0);

	ck_assert_int_eq(try_open(dir_fd, "whole", us, &image), 0);
	ck_assert_int_eq(image.header.pid, 1234);
	ck_assert_uint_eq(image.file_bytes, 3 * 4096);
	ck_assert_int_eq(try_open(dir_fd, "under_way", us, &image), 0);
	ck_assert_int_eq(try_open(dir_fd, "short", us, &image), -EBADMSG);
	ck_assert_int_eq(try_open(dir_fd, "rubbish", us, &image), -EBADMSG);
	ck_assert_uint_eq(image.file_bytes, 1 << 20);
	ck_assert_int_eq(try_open(dir_fd, "link", us, &image), -ELOOP);
	ck_assert_int_eq(try_open(dir_fd, "fifo", us, &image), -EPERM);
	ck_assert_int_eq(try_open(dir_fd, "dir", us, &image), -EPERM);
	ck_assert_int_eq(try_open(dir_fd, "none", us, &image), -ENOENT);
	ck_assert_int_eq(try_open(dir_fd, "whole", us + 1, &image), -EPERM);
	for (size_t i = 0; i < ROWS(names); i++)
		(void)unlinkat(dir_fd, names[i], strcmp(names[i], "dir") == 0 ? AT_REMOVEDIR : 0);
	(void)close(dir_fd);
	ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		takes_real_ones, refuses, whose, boot_ids, here_and_now, files,
	};

	return RUN_TESTS("imagefile", tests);
}
