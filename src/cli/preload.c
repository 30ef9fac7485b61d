/* SPDX-License-Identifier: MIT */
#include "cli/preload.h"

#include "base/cleanup.h"
#include "cli/target.h"
#include "proto/names.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The Makefile has both; these are for tools that read the source by itself. */
#ifndef PREFIX
#define PREFIX "/usr/local"
#endif
#ifndef SHIM_LIB
#define SHIM_LIB "lib" /* what $LIB is for programs as this one */
#endif

#define ENV "LD_PRELOAD"
#define LIB_TOKEN "/$LIB/"
#define SEPARATORS " :" /* of ENV, says ld.so(8) */

/* -- where it lies ----------------------------------------------------------------------------- */

/* The path with lib for $LIB. False where it gets too long. */
static bool expand(const char *path, const char *lib, char ret[static PATH_MAX])
{
	const char *token = strstr(path, LIB_TOKEN);
	int n;

	if (!token)
		n = snprintf(ret, PATH_MAX, "%s", path);
	else
		n = snprintf(ret, PATH_MAX, "%.*s/%s/%s", (int)(token - path), path, lib,
			     token + strlen(LIB_TOKEN));
	return n < PATH_MAX;
}

static bool is_there(const char *path)
{
	char expanded[PATH_MAX];
	struct stat buf;

	return expand(path, SHIM_LIB, expanded) && stat(expanded, &buf) == 0 &&
	       S_ISREG(buf.st_mode) && access(expanded, R_OK) == 0;
}

/* The directory that this program lies in; empty for the root. */
static int own_directory(char ret[static PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", ret, PATH_MAX - 1);
	char *slash;

	if (n < 0)
		return -errno;
	ret[n] = '\0';
	slash = strrchr(ret, '/');
	if (!slash)
		return -ENOENT;
	*slash = '\0'; /* with the name goes what the kernel adds to one that was deleted */
	return 0;
}

/* Puts dir + between + its name. Whether it is there. */
static bool try_place(const char *dir, size_t dir_len, const char *between, struct preload *ret)
{
	int n = snprintf(ret->path, sizeof ret->path, "%.*s%s" NAMES_SHIM, (int)dir_len, dir,
			 between);

	return n < (int)sizeof ret->path && is_there(ret->path);
}

/* Beside this program, as in a build directory; where both were installed, wherever that tree was
 * put since; where they were to be installed. */
static bool search(const char *dir, struct preload *ret)
{
	static const char bin[] = "/bin";
	size_t len = strlen(dir);
	bool in_bin = len >= strlen(bin) && strcmp(dir + len - strlen(bin), bin) == 0;

	return try_place(dir, len, LIB_TOKEN, ret) || try_place(dir, len, "/", ret) ||
	       (in_bin && try_place(dir, len - strlen(bin), LIB_TOKEN, ret)) ||
	       try_place(PREFIX, strlen(PREFIX), LIB_TOKEN, ret);
}

/* Whether ld.so takes the path for what it is: nothing in it can be escaped. */
static bool can_be_preloaded(const char *path)
{
	const char *token = strstr(path, LIB_TOKEN);
	size_t before = token ? (size_t)(token - path) : strlen(path);

	return strcspn(path, SEPARATORS "$") >= before && !strpbrk(path + before, SEPARATORS);
}

int preload_find(struct preload *ret, struct text *why)
{
	char dir[PATH_MAX];
	int r = own_directory(dir);

	if (r < 0) {
		text_addf(why,
			  "can't tell where this program lies, for " NAMES_SHIM
			  " beside it: /proc/self/exe: %s",
			  strerror(-r));
		return r;
	}
	if (!search(dir, ret)) {
		text_addf(why,
			  NAMES_SHIM " is neither beside this program, in %s, nor in " PREFIX
				     "/" SHIM_LIB "; install it there",
			  *dir ? dir : "/");
		return -ENOENT;
	}
	if (!can_be_preloaded(ret->path)) {
		text_addf(why,
			  "%s can't be preloaded: the dynamic loader takes no path with a blank, "
			  "a colon or a dollar sign; put both files elsewhere",
			  ret->path);
		return -EINVAL;
	}
	return 0;
}

/* -- what it fits ------------------------------------------------------------------------------ */

bool preload_fits(const struct preload *preload, const struct elf_abi *abi, const char *loader)
{
	char lib[PATH_MAX], expanded[PATH_MAX];
	struct elf_abi ours;

	if (elf_loader_lib(loader, lib, sizeof lib) < 0)
		(void)snprintf(lib, sizeof lib, SHIM_LIB);
	return expand(preload->path, lib, expanded) && target_read_abi(expanded, &ours) == 0 &&
	       elf_abi_equal(&ours, abi);
}

/* -- LD_PRELOAD -------------------------------------------------------------------------------- */

/* Whether an entry is a shim, be it ours or that of another launcher: a program with two of them
 * would have two helpers. */
static bool is_shim(const char *entry, size_t len)
{
	static const char name[] = "/" NAMES_SHIM;
	size_t name_len = strlen(name);

	return len >= name_len && memcmp(entry + len - name_len, name, name_len) == 0;
}

int preload_export(const struct preload *preload)
{
	const char *before = getenv(ENV), *at = before ? before : "";
	size_t cap = strlen(preload->path) + 1 + strlen(at) + 1;
	_cleanup_free_ char *value = malloc(cap);
	struct text list;

	if (!value)
		return -ENOMEM;
	list = text_over(value, cap);
	text_add(&list, preload->path);
	while (*at) {
		size_t len = strcspn(at, SEPARATORS);

		if (len > 0 && !is_shim(at, len))
			text_addf(&list, ":%.*s", (int)len, at);
		at += len;
		at += strspn(at, SEPARATORS);
	}
	/* of several, the loader would take another one than getenv does */
	(void)unsetenv(ENV);
	return setenv(ENV, value, 1) < 0 ? -errno : 0;
}
