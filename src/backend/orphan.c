/* SPDX-License-Identifier: MIT */
#include "backend/orphan.h"

#include "backend/imagefile.h"
#include "backend/revive.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "base/units.h"
#include "proto/names.h"
#include "sys/unixsock.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define ENVIRONMENT_BYTES (128U << 10) /* what is beyond isn't looked at */

static const char *variable(const char *environment, size_t len, const char *name)
{
	size_t name_len = strlen(name);

	for (size_t at = 0; at < len; at += strlen(environment + at) + 1)
		if (strncmp(environment + at, name, name_len) == 0)
			return environment + at + name_len;
	return NULL;
}

/* Where its shim has put the image: as the shim, from what the program was started with. */
static int open_images(const struct procfs *procfs, const struct attached *entry)
{
	static char environment[ENVIRONMENT_BYTES]; /* of the child alone */
	_cleanup_close_ int fd = procfs_open_pid_file(procfs, entry->id.pid, "environ");
	ssize_t n = fd < 0 ? fd : read(fd, environment, sizeof environment - 1);
	const char *given, *home;
	char path[NAMES_DIR_MAX];
	struct text text = TEXT_OVER(path);

	if (n < 0)
		return fd < 0 ? fd : -errno;
	environment[n] = '\0';
	given = variable(environment, (size_t)n, NAMES_ENV_IMAGE_DIR "=");
	home = variable(environment, (size_t)n, "HOME=");
	if (given)
		text_add(&text, given);
	else if (entry->uid == 0)
		text_add(&text, NAMES_IMAGES_ROOT);
	else if (home)
		text_addf(&text, "%s/" NAMES_IMAGES_HOME, home);
	return text.cut || path[0] != '/' ? -ENOENT : unixsock_open_dir(path, entry->uid);
}

static int revive_entry(const struct procfs *procfs, const struct attached *entry)
{
	_cleanup_close_ int dir_fd = open_images(procfs, entry), fd = -1;
	struct imagefile_here here;
	struct imagefile image;
	char name[32], reason[256];
	struct text text = TEXT_OVER(name), why = TEXT_OVER(reason);
	int r;

	if (dir_fd < 0)
		return dir_fd;
	text_addf(&text, "%d" NAMES_IMAGE_SUFFIX, entry->id.pid);
	fd = imagefile_open(dir_fd, name, entry->uid, &image);
	if (fd < 0)
		return fd;
	r = imagefile_here(procfs, &here);
	if (r < 0)
		return r;
	if (!imagefile_is_of(&image.header, &here, entry->id.pid, entry->id.start_ticks))
		return -ENOENT;
	(void)alarm(0); /* what comes now has its own limits, and must not be broken off */
	return revive(entry->id.pid, &image.header, &why);
}

pid_t orphan_revive(const struct procfs *procfs, const struct attached *entry, uint64_t timeout_ns)
{
	pid_t child = fork();
	sigset_t none;
	int r;

	if (child != 0)
		return child < 0 ? -errno : child;
	(void)signal(SIGALRM, SIG_DFL);
	(void)alarm((unsigned)((timeout_ns + NS_PER_S - 1) / NS_PER_S));
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	/* the daemon's lock is among them, and would outlive the daemon */
	(void)close_range(STDERR_FILENO + 1, (unsigned)procfs->root_fd - 1, 0);
	(void)close_range((unsigned)procfs->root_fd + 1, ~0U, 0);
	r = revive_entry(procfs, entry);
	_exit(r < 0 ? -r & 255 : 0);
}
