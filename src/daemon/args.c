/* SPDX-License-Identifier: MIT */
#include "daemon/args.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>
#include <unistd.h>

enum { OPT_ONCE = 256, OPT_PRINT_CONFIG };

static const struct option long_options[] = {
	{"config", required_argument, NULL, 'c'},
	{"daemon", no_argument, NULL, 'd'},
	{"pidfile", required_argument, NULL, 'p'},
	{"verbose", no_argument, NULL, 'v'},
	{"quiet", no_argument, NULL, 'q'},
	{"dry-run", no_argument, NULL, 'n'},
	{"once", no_argument, NULL, OPT_ONCE},
	{"inspect", no_argument, NULL, 'i'},
	{"print-config", no_argument, NULL, OPT_PRINT_CONFIG},
	{"erase", no_argument, NULL, 'e'},
	{"version", no_argument, NULL, 'V'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

void args_help(FILE *out)
{
	(void)fputs(
		"Usage: swapify-policy [options] [--SECTION.KEY=VALUE ...]\n"
		"Watches memory and moves the memory of the idlest processes out when it is "
		"short.\n"
		"\n"
		"  -c, --config FILE   read FILE instead of " SYSCONFDIR "/swapify-policy.conf\n"
		"  -d, --daemon        go to the background\n"
		"  -p, --pidfile FILE  with -d: write the process id there\n"
		"  -v, --verbose       log every transition and action\n"
		"  -q, --quiet         log warnings and errors only\n"
		"  -n, --dry-run       say what would be done, touch nothing\n"
		"      --once          look for one interval, print the plan with reasons, exit\n"
		"  -i, --inspect       check the configuration and what this kernel can do, exit\n"
		"      --print-config  print the settings in effect and where each comes from, "
		"exit\n"
		"  -e, --erase         retire every swap area that [swapspace] has made, exit\n"
		"  -V, --version       print the version, exit\n"
		"  -h, --help          print this, exit\n"
		"\n"
		"Signals: USR1 dumps the state to syslog, USR2 starts a diet, HUP reads the\n"
		"configuration again. Exit status: 0 fine, 1 failed, 2 usage or configuration.\n",
		out);
}

/* --section.key=value is taken out before getopt sees it. */
static bool is_override(const char *arg)
{
	const char *dot = strchr(arg, '.'), *equals = strchr(arg, '=');

	return strncmp(arg, "--", 2) == 0 && dot && (!equals || dot < equals);
}

static int take_overrides(int *argc, char **argv, struct args *args)
{
	int kept = 1;

	for (int i = 1; i < *argc; i++) {
		if (!is_override(argv[i])) {
			argv[kept++] = argv[i];
			continue;
		}
		if (args->n_overrides == ARGS_OVERRIDES_MAX) {
			(void)fprintf(stderr,
				      "swapify-policy: more than %d settings; "
				      "put them into a file and name it with -c\n",
				      ARGS_OVERRIDES_MAX);
			return -EINVAL;
		}
		args->overrides[args->n_overrides++] = argv[i];
	}
	argv[kept] = NULL;
	*argc = kept;
	return 0;
}

static int take_option(int option, struct args *args)
{
	switch (option) {
	case 'c': args->config = optarg; return 0;
	case 'd': args->background = true; return 0;
	case 'p': args->pidfile = optarg; return 0;
	case 'v': args->verbose = true; return 0;
	case 'q': args->quiet = true; return 0;
	case 'n': args->dry_run = true; return 0;
	case OPT_ONCE: args->mode = MODE_ONCE; return 0;
	case 'i': args->mode = MODE_INSPECT; return 0;
	case OPT_PRINT_CONFIG: args->mode = MODE_PRINT_CONFIG; return 0;
	case 'e': args->mode = MODE_ERASE; return 0;
	case 'V': args->mode = MODE_VERSION; return 0;
	case 'h': args->mode = MODE_HELP; return 0;
	default: return -EINVAL; /* getopt has said why */
	}
}

/* In the background the working directory is another one: paths are settled before. */
static int make_absolute(const char **path, char absolute[ARGS_PATH_MAX])
{
	char directory[ARGS_PATH_MAX];
	int len;

	if (!*path || **path == '/')
		return 0;
	if (!getcwd(directory, sizeof directory))
		return -errno;
	len = snprintf(absolute, ARGS_PATH_MAX, "%s/%s", directory, *path);
	if (len < 0 || len >= ARGS_PATH_MAX)
		return -ENAMETOOLONG;
	*path = absolute;
	return 0;
}

static int settle_paths(struct args *args)
{
	int r = make_absolute(&args->config, args->absolute[0]);

	if (r == 0)
		r = make_absolute(&args->pidfile, args->absolute[1]);
	if (r < 0)
		(void)fprintf(stderr, "swapify-policy: a path can't be made absolute: %s\n",
			      strerror(-r));
	return r < 0 ? -EINVAL : 0;
}

static const char *contradiction(const struct args *args)
{
	if (args->verbose && args->quiet)
		return "-v and -q contradict each other";
	if (args->pidfile && !args->background)
		return "-p needs -d: only a daemon in the background has a pid file";
	if (args->background && args->mode != MODE_DAEMON)
		return "-d doesn't go with an option that exits";
	if (args->dry_run && args->mode == MODE_ERASE)
		return "-n and -e contradict each other; the dump of a dry run (USR1) lists the "
		       "areas";
	return NULL;
}

int args_parse(int argc, char **argv, struct args *ret)
{
	const char *wrong;
	int option, r;

	*ret = (struct args){.mode = MODE_DAEMON};
	r = take_overrides(&argc, argv, ret);
	while (r == 0 &&
	       (option = getopt_long(argc, argv, "c:dp:vqnieVh", long_options, NULL)) != -1)
		r = take_option(option, ret);
	if (r == 0 && optind < argc) {
		(void)fprintf(stderr, "swapify-policy: '%s' is no option; see --help\n",
			      argv[optind]);
		r = -EINVAL;
	}
	wrong = r == 0 ? contradiction(ret) : NULL;
	if (wrong) {
		(void)fprintf(stderr, "swapify-policy: %s\n", wrong);
		r = -EINVAL;
	}
	if (r == 0 && ret->background)
		r = settle_paths(ret);
	return r;
}
