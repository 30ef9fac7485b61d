/* SPDX-License-Identifier: MIT */
/*
 * swapify: starts a program with the shim in it. What the program gets is what it would get without
 * us, but for LD_PRELOAD and the variables of proto/names.h.
 */
#include "backend/imageclean.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "cli/owndir.h"
#include "cli/preload.h"
#include "cli/target.h"
#include "proto/names.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define IDENT "swapify"
#define NAME_LEN_MAX 15 /* as that of a process, in whose place it stands */

enum { EXIT_USAGE = 2, EXIT_NOT_EXECUTED = 126, EXIT_NOT_FOUND = 127 };

enum { OPT_NO_FOLLOW = 256, OPT_IMAGE_DIR, OPT_SOCKET_DIR, OPT_NAME };

static const struct option long_options[] = {
	{"no-follow", no_argument, NULL, OPT_NO_FOLLOW},
	{"image-dir", required_argument, NULL, OPT_IMAGE_DIR},
	{"socket-dir", required_argument, NULL, OPT_SOCKET_DIR},
	{"name", required_argument, NULL, OPT_NAME},
	{"version", no_argument, NULL, 'V'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

struct args {
	bool help, version, no_follow;
	const char *image_dir, *socket_dir, *name; /* NULL: not given */
	char **command;				   /* as for execvp(3) */
};

/* -- what we say ------------------------------------------------------------------------------- */

/* One line in one write. A stderr that nobody reads is no reason to end: the program comes next. */
static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...)
{
	static const struct sigaction ignore = {.sa_handler = SIG_IGN};
	struct sigaction before;
	char line[4 * PATH_MAX];
	int len = snprintf(line, sizeof line, IDENT ": ");
	size_t room = sizeof line - (size_t)len - 1; /* with one for the line break */
	va_list args;

	va_start(args, format);
	(void)vsnprintf(line + len, room, format, args);
	va_end(args);
	for (char *at = line; *at; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			*at = '?'; /* names are chosen by strangers, and this may be a terminal */
	line[len = (int)strlen(line)] = '\n';
	if (sigaction(SIGPIPE, &ignore, &before) < 0)
		return;
	if (write(STDERR_FILENO, line, (size_t)len + 1) < 0) {
		/* nowhere to say it */
	}
	(void)sigaction(SIGPIPE, &before, NULL);
}

static int print(const char *text)
{
	return fputs(text, stdout) == EOF || fflush(stdout) == EOF ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int help(void)
{
	return print("Usage: swapify [options] COMMAND [ARG...]\n"
		     "Starts COMMAND so that its memory can be written to a file, and brought "
		     "back,\n"
		     "by swap(1) or swapify-policy(8).\n"
		     "\n"
		     "      --no-follow       leave alone the programs that COMMAND starts\n"
		     "      --image-dir DIR   where its memory goes, instead of ~/.swapify\n"
		     "      --socket-dir DIR  where its socket is, instead of "
		     "/run/user/UID/swapify\n"
		     "      --name NAME       call it NAME in the directory of its socket\n"
		     "  -V, --version         print the version, exit\n"
		     "  -h, --help            print this, exit\n"
		     "\n"
		     "What can't be attached, such as a static program, is told of and runs "
		     "without.\n"
		     "Exit status: COMMAND's; 1 failed, 2 usage, 126 COMMAND can't be executed,\n"
		     "127 it isn't there.\n");
}

/* -- options ----------------------------------------------------------------------------------- */

/* It becomes part of a file's name. */
static bool is_name(const char *name)
{
	size_t len = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				  "0123456789._-");

	return name[len] == '\0' && len > 0 && len <= NAME_LEN_MAX && name[0] != '.';
}

static int take_option(int option, struct args *args)
{
	switch (option) {
	case OPT_NO_FOLLOW: args->no_follow = true; return 0;
	case OPT_IMAGE_DIR: args->image_dir = optarg; return 0;
	case OPT_SOCKET_DIR: args->socket_dir = optarg; return 0;
	case OPT_NAME: args->name = optarg; return 0;
	case 'V': args->version = true; return 0;
	case 'h': args->help = true; return 0;
	default: return -EINVAL; /* getopt has said why */
	}
}

/* Up to the first that is no option: the rest is the command's. */
static int parse(int argc, char **argv, struct args *ret)
{
	int option, r = 0;

	*ret = (struct args){0};
	while (r == 0 && (option = getopt_long(argc, argv, "+hV", long_options, NULL)) != -1)
		r = take_option(option, ret);
	if (r < 0 || ret->help || ret->version)
		return r;
	ret->command = argv + optind;
	if (ret->name && !is_name(ret->name)) {
		say("--name %s: a name has 1 to %d letters, digits, '.', '_', '-', and no '.' at "
		    "its beginning",
		    ret->name, NAME_LEN_MAX);
		return -EINVAL;
	}
	if (!*ret->command) {
		say("no command is given; see --help");
		return -EINVAL;
	}
	return 0;
}

/* -- the environment --------------------------------------------------------------------------- */

static int set(const char *variable, const char *value)
{
	if (setenv(variable, value, 1) == 0)
		return 0;
	say("%s can't be set: %s", variable, strerror(errno));
	return -errno;
}

static int set_directory(const char *option, const char *path, enum owndir_use use,
			 const char *variable)
{
	char absolute[PATH_MAX], sentence[2 * PATH_MAX];
	struct text why = TEXT_OVER(sentence);
	int r;

	if (!path)
		return 0;
	r = owndir_check(path, use, absolute, &why);
	if (r < 0) {
		say("%s: '%s' %s", option, path, sentence);
		return r;
	}
	return set(variable, absolute);
}

static int set_directories(const struct args *args)
{
	int r = set_directory("--image-dir", args->image_dir, OWNDIR_IMAGES, NAMES_ENV_IMAGE_DIR);

	if (r == 0)
		r = set_directory("--socket-dir", args->socket_dir, OWNDIR_SOCKETS,
				  NAMES_ENV_SOCKET_DIR);
	return r;
}

/* -- whether the shim gets in ------------------------------------------------------------------ */

/* What keeps it out, and whether LD_PRELOAD does no harm to the program for all that: those that it
 * starts may be of the right kind. Other loaders would complain about the shim, or fail over it. */
struct obstacle {
	const char *why;
	bool harmless;
};

static const struct obstacle is_static = {"is statically linked", true};
static const struct obstacle has_rights = {"runs with another user's or group's rights", true};
static const struct obstacle has_capabilities = {"has file capabilities", true};
static const struct obstacle is_other = {"uses another C library than glibc", false};
static const struct obstacle is_foreign = {
	"is for another kind of machine, and no shim for that is installed", false};
/* The helper would become its child, and it would wait for it. */
static const struct obstacle is_reaper = {"is process 1, or a subreaper", true};

static bool reaps_orphans(void)
{
	int subreaper = 0;

	return getpid() == 1 || (prctl(PR_GET_CHILD_SUBREAPER, &subreaper) == 0 && subreaper != 0);
}

static const struct obstacle *find_obstacle(const struct target *target,
					    const struct preload *preload)
{
	switch (target->kind) {
	case TARGET_STATIC: return &is_static;
	case TARGET_PRIVILEGED: return target->has_capabilities ? &has_capabilities : &has_rights;
	case TARGET_OTHER: return &is_other;
	case TARGET_LOADER:
	case TARGET_DYNAMIC:
		if (!preload_fits(preload, &target->abi, target->loader))
			return &is_foreign;
		break;
	default: break;
	}
	return reaps_orphans() ? &is_reaper : NULL;
}

static void say_obstacle(const struct target *target, const char *why)
{
	if (target->by_script)
		say("%s can't be attached: its interpreter %s %s; it runs without the shim",
		    target->path, target->program, why);
	else
		say("%s can't be attached: it %s; it runs without the shim", target->path, why);
}

/* With our pid, which is the program's after exec, and nobody else's. */
static int set_own(const struct args *args)
{
	char value[64];
	int r = 0;

	if (args->name) {
		(void)snprintf(value, sizeof(value), "%d:%s", (int)getpid(), args->name);
		r = set(NAMES_ENV_NAME, value);
	}
	if (r == 0 && args->no_follow) {
		(void)snprintf(value, sizeof(value), "%d", (int)getpid());
		r = set(NAMES_ENV_NO_FOLLOW, value);
	}
	return r;
}

/* Variables for the program alone aren't set where it can't be attached: the first one that it
 * starts would take them for its own. */
static int set_shim(const struct args *args, const struct target *target,
		    const struct preload *preload)
{
	const struct obstacle *obstacle = target->found ? find_obstacle(target, preload) : NULL;
	int r = 0;

	if (obstacle) {
		say_obstacle(target, obstacle->why);
		if (args->no_follow || !obstacle->harmless)
			return 0;
	} else {
		r = set_own(args);
	}
	if (r == 0) {
		r = preload_export(preload);
		if (r < 0)
			say("LD_PRELOAD can't be set: %s", strerror(-r));
	}
	return r;
}

/* -- the start --------------------------------------------------------------------------------- */

static int say_not_executed(const char *command, const struct target *target, int error)
{
	if (error == ENOENT && !target->found) {
		say("%s: not found", command);
		return EXIT_NOT_FOUND;
	}
	if (error == ENOENT && target->missing[0])
		say("%s can't be executed: its interpreter %s isn't there", target->path,
		    target->missing);
	else if (target->by_script)
		say("%s, or its interpreter %s, can't be executed: %s", target->path,
		    target->program, strerror(error));
	else
		say("%s can't be executed: %s", command, strerror(error));
	return EXIT_NOT_EXECUTED;
}

/* What programs of this user have left that were killed while they were swapped: this one may get
 * the same number. */
static void clean_images(void)
{
	const char *given = getenv(NAMES_ENV_IMAGE_DIR), *home = getenv("HOME");
	char path[NAMES_DIR_MAX];
	struct text text = TEXT_OVER(path);
	struct procfs procfs;
	_cleanup_close_ int fd = -1;

	if (given)
		text_add(&text, given);
	else if (geteuid() == 0)
		text_add(&text, NAMES_IMAGES_ROOT);
	else
		text_addf(&text, "%s/" NAMES_IMAGES_HOME, home ? home : "");
	fd = text.cut ? -1 : open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || procfs_open("/proc", &procfs) < 0)
		return;
	imageclean_dir(fd, geteuid(), &procfs);
	procfs_close(&procfs);
}

static int run(const struct args *args)
{
	static struct target target; /* large */
	struct preload preload;
	char sentence[2 * PATH_MAX];
	struct text why = TEXT_OVER(sentence);

	if (set_directories(args) < 0)
		return EXIT_FAILURE;
	if (preload_find(&preload, &why) < 0) {
		say("%s", sentence);
		return EXIT_FAILURE;
	}
	clean_images();
	target_examine(args->command[0], &target);
	if (set_shim(args, &target, &preload) < 0)
		return EXIT_FAILURE;
	(void)execvp(args->command[0], args->command);
	return say_not_executed(args->command[0], &target, errno);
}

int main(int argc, char **argv)
{
	struct args args;

	if (parse(argc, argv, &args) < 0)
		return EXIT_USAGE;
	if (args.help)
		return help();
	return args.version ? print(IDENT " " VERSION "\n") : run(&args);
}
