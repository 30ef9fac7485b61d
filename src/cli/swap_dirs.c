/* SPDX-License-Identifier: MIT */
#include "cli/swap_dirs.h"

#include "base/cleanup.h"
#include "base/num.h"
#include "base/text.h"
#include "proto/names.h"
#include "sys/unixsock.h"

#include <dirent.h>
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define USERS_MAX 4096 /* directories; a limit for who can make any number of them */

pid_t swap_number_before(const char *name, const char *suffix)
{
	size_t len = strlen(name), end = strlen(suffix);
	char digits[12];
	uint64_t number;

	if (len <= end || len - end >= sizeof digits || strcmp(name + len - end, suffix) != 0 ||
	    *name == '0')
		return 0;
	memcpy(digits, name, len - end);
	digits[len - end] = '\0';
	return num_u64(digits, &number) < 0 || number > INT32_MAX ? 0 : (pid_t)number;
}

static int push(struct swap_dirs *list, const char *path, uid_t uid, int fd)
{
	struct swap_dir *grown = realloc(list->dirs, (list->n + 1) * sizeof *grown);

	if (!grown)
		return -ENOMEM;
	list->dirs = grown;
	grown[list->n] = (struct swap_dir){.uid = uid, .fd = fd};
	(void)snprintf(grown[list->n].path, sizeof grown->path, "%s", path);
	list->n++;
	return 0;
}

/*
 * The path with links in it resolved, but for its last component, where none may be. The user's
 * own choice may lie behind links; what root looks at in the place of others may not.
 */
static int resolve_parents(const char *path, char ret[PATH_MAX])
{
	char copy[PATH_MAX], parent[PATH_MAX], *slash;
	size_t len = strlen(path);

	while (len > 1 && path[len - 1] == '/')
		len--;
	if (len >= sizeof copy)
		return -ENAMETOOLONG;
	memcpy(copy, path, len);
	copy[len] = '\0';
	slash = strrchr(copy, '/');
	if (slash)
		*slash = '\0';
	if (!realpath(!slash ? "." : slash == copy ? "/" : copy, parent))
		return -errno;
	len = (size_t)snprintf(ret, PATH_MAX, "%s/%s", strcmp(parent, "/") == 0 ? "" : parent,
			       slash ? slash + 1 : copy);
	return len < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* Opens it where it can be used: the error, for whom it concerns. */
static int add(struct swap_dirs *list, const char *path, uid_t uid)
{
	_cleanup_close_ int fd = -1;
	char resolved[PATH_MAX];
	int r = 0;

	if (geteuid() != 0) {
		r = resolve_parents(path, resolved);
		path = resolved;
	}
	if (r == 0)
		r = fd = unixsock_open_dir(path, uid);
	if (r < 0)
		return r;
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->dirs[i].path, path) == 0)
			return 0;
	r = push(list, path, uid, fd);
	if (r == 0)
		(void)take_fd(&fd);
	return r;
}

static const char *what_is_wrong(int error)
{
	switch (error) {
	case -ENOTDIR: return "is a link, or lies behind one, or isn't a directory";
	case -EPERM: return "belongs to another user, or may be written to by others";
	default: return strerror(-error);
	}
}

static void complain(const char *path, int error, const char *more)
{
	char safe[256];
	struct text text = TEXT_OVER(safe);

	text_add_safe(&text, path);
	(void)fprintf(stderr, "swap: %s %s%s\n", safe, what_is_wrong(error), more);
}

/* Out of memory is the only thing to end for. */
static int add_usual(struct swap_dirs *list, const char *path, uid_t uid)
{
	int r = add(list, path, uid);

	if (r < 0 && r != -ENOMEM && r != -ENOENT && r != -ESRCH)
		complain(path, r, "; passed over");
	return r == -ENOMEM ? r : 0;
}

/* -- sockets ----------------------------------------------------------------------------------- */

static int add_users(struct swap_dirs *list, const char *parent, const char *below)
{
	DIR *dir = opendir(parent);
	struct dirent *entry;
	unsigned n = 0;
	int r = 0;

	while (dir && r == 0 && n < USERS_MAX && (entry = readdir(dir))) {
		char path[PATH_MAX];
		uint64_t uid;

		if (num_u64(entry->d_name, &uid) < 0 || uid >= UINT32_MAX)
			continue;
		n++;
		(void)snprintf(path, sizeof path, "%s/%s%s", parent, entry->d_name, below);
		r = add_usual(list, path, (uid_t)uid);
	}
	if (dir)
		(void)closedir(dir);
	return r;
}

static int add_own(struct swap_dirs *list)
{
	char path[PATH_MAX];
	int r;

	(void)snprintf(path, sizeof path, NAMES_RUN_USER "/%u/" NAMES_RUN_USER_SUB, geteuid());
	r = add_usual(list, path, geteuid());
	(void)snprintf(path, sizeof path, NAMES_RUN_SERVICES "/%u", geteuid());
	return r < 0 ? r : add_usual(list, path, geteuid());
}

/* Root may name anybody's directory: whose it is then is whose the sockets have to be. */
static int add_named(struct swap_dirs *list, const char *path)
{
	uid_t owner = geteuid();
	struct stat stat;
	int r = 0;

	if (owner == 0 && lstat(path, &stat) < 0)
		r = -errno;
	else if (owner == 0)
		owner = stat.st_uid;
	if (r == 0)
		r = add(list, path, owner);
	if (r < 0)
		complain(path, r, "");
	return r;
}

int swap_dirs_open_sockets(const struct swap_args *args, struct swap_dirs *ret)
{
	const char *named = getenv(NAMES_ENV_SOCKET_DIR);
	int r = 0;

	*ret = (struct swap_dirs){0};
	if (args->socket_dir)
		return add_named(ret, args->socket_dir);
	if (named && *named)
		r = add_usual(ret, named, geteuid());
	if (r == 0 && geteuid() != 0)
		return add_own(ret);
	if (r == 0)
		r = add_users(ret, NAMES_RUN_USER, "/" NAMES_RUN_USER_SUB);
	return r < 0 ? r : add_users(ret, NAMES_RUN_SERVICES, "");
}

/* -- images ------------------------------------------------------------------------------------ */

/* A home is where root's own file says that it is, links included; in it none is followed. */
static int add_home(struct swap_dirs *list, const char *home, uid_t uid)
{
	char resolved[PATH_MAX], path[PATH_MAX];

	if (!home || *home != '/' || !realpath(home, resolved))
		return 0;
	if (snprintf(path, sizeof path, "%s/" NAMES_IMAGES_HOME, resolved) >= (int)sizeof path)
		return 0;
	return add(list, path, uid) == -ENOMEM ? -ENOMEM : 0;
}

int swap_dirs_open_images(const struct swap_args *args, uid_t uid, struct swap_dirs *ret)
{
	const char *named = getenv(NAMES_ENV_IMAGE_DIR);
	const struct passwd *user = NULL;
	int r = 0;

	*ret = (struct swap_dirs){0};
	if (args->image_dir)
		return add(ret, args->image_dir, uid) == -ENOMEM ? -ENOMEM : 0;
	if (named && *named)
		r = add(ret, named, uid);
	if (r != -ENOMEM && uid == 0)
		r = add(ret, NAMES_IMAGES_ROOT, uid);
	if (r != -ENOMEM && uid == geteuid())
		r = add_home(ret, getenv("HOME"), uid);
	if (r != -ENOMEM)
		user = getpwuid(uid);
	if (user)
		r = add_home(ret, user->pw_dir, uid);
	return r == -ENOMEM ? r : 0;
}

void swap_dirs_close(struct swap_dirs *dirs)
{
	for (size_t i = 0; i < dirs->n; i++)
		close_fd(&dirs->dirs[i].fd);
	free(dirs->dirs);
	*dirs = (struct swap_dirs){0};
}
