/* SPDX-License-Identifier: MIT */
#include "shim/places.h"
#include "proto/crc32c.h"
#include "shim/process.h"
#include "shim/rawsys.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>

const char *places_environment(char *const *environment, const char *name)
{
	for (; environment && *environment; environment++) {
		const char *value = words_after(*environment, name);

		if (value && *value == '=')
			return value + 1;
	}
	return NULL;
}

/* A path that doesn't fit, or isn't absolute, is none. */
static void put_path(char *ret, const char *dir, const char *name, uint64_t number)
{
	struct words words = words_over(ret, NAMES_DIR_MAX);

	words_add(&words, dir);
	if (name) {
		words_add(&words, "/");
		if (*name)
			words_add(&words, name);
		else
			words_add_number(&words, number);
	}
	if (words.cut || ret[0] != '/')
		ret[0] = '\0';
}

static void choose_socket_dir(struct shim *shim, char *const *environment)
{
	const char *given = places_environment(environment, NAMES_ENV_SOCKET_DIR);
	char user[NAMES_DIR_MAX];
	struct statx info = {0};

	shim->socket_dir_ours = !given;
	if (given) {
		put_path(shim->socket_dir, given, NULL, 0);
		return;
	}
	put_path(user, NAMES_RUN_USER, "", shim->uid);
	if (RAW_5(SYS_statx, AT_FDCWD, user, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &info) == 0 &&
	    info.stx_uid == shim->uid) {
		put_path(shim->socket_dir, user, NAMES_RUN_USER_SUB, 0);
		return;
	}
	if (shim->uid == 0)
		(void)RAW_3(SYS_mkdirat, AT_FDCWD, NAMES_RUN_SERVICES, 0755);
	put_path(shim->socket_dir, NAMES_RUN_SERVICES, "", shim->uid);
}

static void choose_image_dir(struct shim *shim, char *const *environment)
{
	const char *given = places_environment(environment, NAMES_ENV_IMAGE_DIR);
	const char *home = places_environment(environment, "HOME");

	shim->image_dir_ours = !given;
	if (given)
		put_path(shim->image_dir, given, NULL, 0);
	else if (shim->uid == 0)
		put_path(shim->image_dir, NAMES_IMAGES_ROOT, NULL, 0);
	else if (home)
		put_path(shim->image_dir, home, NAMES_IMAGES_HOME, 0);
}

bool places_own(const char **value)
{
	uint64_t pid;

	return words_number(value, 10, &pid) && pid == (uint64_t)RAW_0(SYS_getpid);
}

void places_choose(struct shim *shim, char *const *environment)
{
	const char *name = places_environment(environment, NAMES_ENV_NAME);
	struct words words = words_over(shim->name, sizeof(shim->name));

	if (name && places_own(&name) && *name == ':')
		words_add_safe(&words, name + 1);
	shim->uid = (uint32_t)RAW_0(SYS_geteuid);
	shim->socket_dir[0] = shim->image_dir[0] = '\0';
	choose_socket_dir(shim, environment);
	choose_image_dir(shim, environment);
}

static int read_boot_id(struct shim *shim)
{
	long n = shim_read_file(shim, "/proc/sys/kernel/random/boot_id");
	const char *at = shim->text;
	size_t digits = 0;

	if (n < 0)
		return (int)n;
	for (; *at && digits < 2 * sizeof(shim->boot_id); at++) {
		unsigned value = *at >= '0' && *at <= '9'   ? (unsigned)(*at - '0')
				 : *at >= 'a' && *at <= 'f' ? (unsigned)(*at - 'a') + 10
							    : 16;
		uint8_t *byte = &shim->boot_id[digits / 2];

		if (value > 15)
			continue;
		*byte = (uint8_t)(digits % 2 ? (unsigned)*byte << 4 | value : value);
		digits++;
	}
	return digits == 2 * sizeof(shim->boot_id) ? 0 : -EBADMSG;
}

void places_read_name(struct shim *shim, int pid, char ret[IMAGE_COMM_SIZE])
{
	struct words words;
	char path[64];

	words = words_over(path, sizeof(path));
	words_add(&words, "/proc/");
	words_add_number(&words, (uint64_t)pid);
	words_add(&words, "/comm");
	if (shim_read_file(shim, path) <= 0)
		shim->text[0] = '\0';
	for (char *c = shim->text; *c; c++)
		if (*c == '\n')
			*c = '\0';
	words = words_over(ret, IMAGE_COMM_SIZE);
	words_add_safe(&words, shim->text[0] ? shim->text : "unnamed");
}

int places_identify(struct shim *shim)
{
	struct statx info = {0};
	int r = process_stat(shim, 22, &shim->start_ticks);

	if (!r)
		r = read_boot_id(shim);
	if (!r)
		r = (int)RAW_5(SYS_statx, AT_FDCWD, "/proc/self/ns/pid", 0, STATX_INO, &info);
	if (r)
		return r;
	shim->pid_ns = info.stx_ino;
	shim->crc_fast = crc32c_fast();
	if (!shim->name[0])
		places_read_name(shim, shim->program, shim->name);
	return 0;
}
