/* SPDX-License-Identifier: MIT */
#include "cli/target.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>

/* -- reading ----------------------------------------------------------------------------------- */

/* Opens a regular file; nothing else is executed, and some of it would block. fd or -errno. */
static int open_regular(const char *path, struct stat *ret_stat)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0 || fstat(fd, ret_stat) < 0)
		return -errno;
	return S_ISREG(ret_stat->st_mode) ? take_fd(&fd) : -EACCES;
}

/* Reads up to size bytes. How many there were, or -errno. */
static ssize_t read_at(int fd, void *buf, size_t size, uint64_t offset)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = pread(fd, (char *)buf + done, size - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

static int read_header(int fd, struct elf_header *ret)
{
	uint8_t buf[ELFKIND_HEADER_MAX];
	ssize_t n = read_at(fd, buf, sizeof buf, 0);

	return n < 0 ? (int)n : elf_parse_header(buf, (size_t)n, ret);
}

/* The name of the loader that the program asks for: 1, 0 where it asks for none, or -errno. */
static int read_loader(int fd, const struct elf_header *header, char ret[static PATH_MAX])
{
	_Static_assert(ELFKIND_LOADER_MAX <= PATH_MAX, "names fit");
	_cleanup_free_ uint8_t *table = malloc(header->table_bytes);
	struct elf_span name;
	ssize_t n;
	int r;

	if (!table)
		return -ENOMEM;
	n = read_at(fd, table, header->table_bytes, header->table_offset);
	if (n < 0)
		return (int)n;
	r = elf_find_loader(header, table, (size_t)n, &name);
	if (r <= 0)
		return r;
	n = read_at(fd, ret, name.bytes, name.offset);
	if (n == (ssize_t)name.bytes && elf_is_loader_name(ret, name.bytes))
		return 1;
	ret[0] = '\0';
	return n < 0 ? (int)n : -EBADMSG;
}

int target_read_abi(const char *path, struct elf_abi *ret)
{
	struct stat stat;
	struct elf_header header;
	_cleanup_close_ int fd = open_regular(path, &stat);
	int r = fd < 0 ? fd : read_header(fd, &header);

	if (r == 0)
		*ret = header.abi;
	return r;
}

/* -- what the kernel will do ------------------------------------------------------------------- */

static bool is_nosuid(int fd)
{
	struct statvfs fs;

	return fstatvfs(fd, &fs) == 0 && fs.f_flag & ST_NOSUID;
}

/* Whether ld.so will find AT_SECURE set: the effective user and group that execve(2) makes aren't
 * our real ones, or, unless we are root, the file has capabilities. prctl(2) may keep the former
 * from coming in; of the latter the kernel then takes away what they give, not the mark. */
static bool is_privileged(int fd, const struct stat *stat, bool *ret_capabilities)
{
	bool counts = !is_nosuid(fd);
	bool raises = counts && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1;
	uid_t uid = raises && stat->st_mode & S_ISUID ? stat->st_uid : geteuid();
	/* without execution by the group the bit means mandatory locking */
	bool sets_gid = raises && stat->st_mode & S_ISGID && stat->st_mode & S_IXGRP;
	gid_t gid = sets_gid ? stat->st_gid : getegid();

	*ret_capabilities = false;
	if (uid != getuid() || gid != getgid())
		return true;
	*ret_capabilities =
		counts && getuid() != 0 && fgetxattr(fd, "security.capability", NULL, 0) > 0;
	return *ret_capabilities;
}

/* Where fd is a script, its interpreter takes the place of target->program. 1, or 0 where it is
 * none. */
static int follow_script(int fd, struct target *target)
{
	char line[ELFKIND_SCRIPT_LINE];
	struct elf_span name;
	ssize_t n = read_at(fd, line, sizeof line, 0);

	if (n < 0 || script_find_interpreter(line, (size_t)n, &name) < 0)
		return 0;
	memcpy(target->program, line + name.offset, name.bytes);
	target->program[name.bytes] = '\0';
	target->by_script = true;
	return 1;
}

static enum target_kind kind_by_loader(const char *asked, struct target *target)
{
	if (!realpath(asked, target->loader)) {
		target->loader[0] = '\0';
		if (errno == ENOENT)
			(void)snprintf(target->missing, sizeof target->missing, "%s", asked);
		return TARGET_UNKNOWN; /* and won't be executed */
	}
	return elf_is_glibc_loader(asked) || elf_is_glibc_loader(target->loader) ? TARGET_DYNAMIC
										 : TARGET_OTHER;
}

static enum target_kind kind_without_loader(struct target *target)
{
	if (realpath(target->program, target->loader) &&
	    (elf_is_glibc_loader(target->program) || elf_is_glibc_loader(target->loader)))
		return TARGET_LOADER;
	target->loader[0] = '\0';
	return TARGET_STATIC;
}

static enum target_kind kind_of_elf(int fd, const struct stat *stat, struct target *target)
{
	struct elf_header header;
	char asked[PATH_MAX];
	int r = read_header(fd, &header);

	if (r == 0)
		r = read_loader(fd, &header, asked);
	if (r < 0)
		return TARGET_UNKNOWN;
	target->abi = header.abi;
	if (r == 0)
		return kind_without_loader(target);
	if (is_privileged(fd, stat, &target->has_capabilities))
		return TARGET_PRIVILEGED;
	return kind_by_loader(asked, target);
}

/* -- the command ------------------------------------------------------------------------------- */

static bool is_executable(const char *path)
{
	struct stat buf;

	return stat(path, &buf) == 0 && S_ISREG(buf.st_mode) && access(path, X_OK) == 0;
}

/* False where there is nothing that could be executed. */
static bool find_command(const char *command, char ret[static PATH_MAX])
{
	const char *at = getenv("PATH");

	if (strchr(command, '/'))
		return snprintf(ret, PATH_MAX, "%s", command) < PATH_MAX && access(ret, F_OK) == 0;
	if (!at)
		at = "/bin:/usr/bin"; /* as in glibc; POSIX leaves it open */
	while (*command) {
		size_t len = strcspn(at, ":");
		int n = snprintf(ret, PATH_MAX, "%.*s%s%s", (int)len, at, len > 0 ? "/" : "",
				 command);

		if (len < PATH_MAX && n < PATH_MAX && is_executable(ret))
			return true;
		if (at[len] == '\0')
			break;
		at += len + 1;
	}
	return false;
}

void target_examine(const char *command, struct target *ret)
{
	*ret = (struct target){.kind = TARGET_UNKNOWN};
	ret->found = find_command(command, ret->path);
	if (!ret->found)
		return;
	memcpy(ret->program, ret->path, sizeof ret->program);
	for (int level = 0; level <= ELFKIND_SCRIPT_LEVELS; level++) {
		struct stat stat = {0};
		_cleanup_close_ int fd = open_regular(ret->program, &stat);

		if (fd == -ENOENT && ret->by_script)
			memcpy(ret->missing, ret->program, sizeof ret->missing);
		if (fd < 0)
			return;
		if (!follow_script(fd, ret)) {
			ret->kind = kind_of_elf(fd, &stat, ret);
			return;
		}
	}
}
