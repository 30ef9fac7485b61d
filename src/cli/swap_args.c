/* SPDX-License-Identifier: MIT */
#include "cli/swap_args.h"

#include "base/num.h"
#include "base/units.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

enum { OPT_JSON = 256, OPT_TIMEOUT };

#define WORK_TIMEOUT_NS (60 * NS_PER_S) /* some 100 GiB, to and from a disk that is no slouch */
#define ASK_TIMEOUT_NS (5 * NS_PER_S)

static const struct option long_options[] = {
	{"action", required_argument, NULL, 'a'},
	{"pid", required_argument, NULL, 'p'},
	{"socket", required_argument, NULL, 's'},
	{"socket-path", required_argument, NULL, 'P'},
	{"swap-path", required_argument, NULL, 'S'},
	{"force", no_argument, NULL, 'f'},
	{"list", no_argument, NULL, 'l'},
	{"json", no_argument, NULL, OPT_JSON},
	{"timeout", required_argument, NULL, OPT_TIMEOUT},
	{"version", no_argument, NULL, 'V'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

void swap_args_help(FILE *out)
{
	(void)fputs("Usage: swap -a ACTION [options] [-p PID] [-s NAME] [PID ...]\n"
		    "       swap -l [options]\n"
		    "Moves the memory of programs that were started with swapify out and back.\n"
		    "\n"
		    "  -a, --action ACTION     swap, unswap, exit (unswap and detach) or status\n"
		    "  -l, --list              list all attached programs\n"
		    "  -p, --pid PID           a program by its process id; may be repeated\n"
		    "  -s, --socket NAME       by its socket, JAVA.123.sock, or how that begins;\n"
		    "                          may be repeated\n"
		    "  -P, --socket-path DIR   sockets lie there\n"
		    "  -S, --swap-path DIR     images lie there\n"
		    "  -f, --force             unswap even if memory gets short by that\n"
		    "      --json              print JSON\n"
		    "      --timeout TIME      wait so long for an answer; a number is seconds\n"
		    "                          (60 for swap, unswap and exit, else 5)\n"
		    "  -V, --version           print the version, exit\n"
		    "  -h, --help              print this, exit\n"
		    "\n"
		    "Exit status: 0 fine (already so is fine), 1 one failed at least, 2 usage.\n",
		    out);
}

bool swap_brings_back(enum swap_action action)
{
	return action == ACTION_UNSWAP || action == ACTION_EXIT;
}

static int set_action(enum swap_action action, struct swap_args *args)
{
	if (args->action != ACTION_NONE) {
		(void)fprintf(stderr, "swap: only one action at a time; see --help\n");
		return -EINVAL;
	}
	args->action = action;
	return 0;
}

static int take_action(const char *word, struct swap_args *args)
{
	static const struct {
		const char *word;
		enum swap_action action;
	} actions[] = {{"swap", ACTION_SWAP},
		       {"unswap", ACTION_UNSWAP},
		       {"exit", ACTION_EXIT},
		       {"status", ACTION_STATUS}};

	for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
		if (strcmp(word, actions[i].word) == 0)
			return set_action(actions[i].action, args);
	(void)fprintf(stderr, "swap: '%s' is no action; swap, unswap, exit and status are\n", word);
	return -EINVAL;
}

static int take_pid(const char *text, struct swap_args *args)
{
	uint64_t pid;

	if (num_u64(text, &pid) < 0 || pid == 0 || pid > INT32_MAX) {
		(void)fprintf(stderr, "swap: '%s' is no process id; -s takes names\n", text);
		return -EINVAL;
	}
	args->wanted[args->n_wanted++] = (struct swap_wanted){.pid = (pid_t)pid};
	return 0;
}

static int take_name(const char *text, struct swap_args *args)
{
	if (*text == '\0' || strchr(text, '/')) {
		(void)fprintf(stderr,
			      "swap: '%s' is no file name of a socket; -P takes the directory\n",
			      text);
		return -EINVAL;
	}
	args->wanted[args->n_wanted++] = (struct swap_wanted){.name = text};
	return 0;
}

static int take_dir(const char *text, const char **ret)
{
	if (*text == '\0') {
		(void)fprintf(stderr, "swap: an empty path is no directory\n");
		return -EINVAL;
	}
	*ret = text;
	return 0;
}

static int take_timeout(const char *text, struct swap_args *args)
{
	uint64_t ns;

	if (num_duration(text, &ns) < 0 || ns == 0) {
		(void)fprintf(stderr, "swap: --timeout %s is not a time; 90, 90s and 2min are\n",
			      text);
		return -EINVAL;
	}
	args->timeout_ns = ns;
	return 0;
}

static int take_option(int option, struct swap_args *args)
{
	switch (option) {
	case 'a': return take_action(optarg, args);
	case 'p': return take_pid(optarg, args);
	case 's': return take_name(optarg, args);
	case 'P': return take_dir(optarg, &args->socket_dir);
	case 'S': return take_dir(optarg, &args->image_dir);
	case 'f': args->force = true; return 0;
	case 'l': return set_action(ACTION_LIST, args);
	case OPT_JSON: args->json = true; return 0;
	case OPT_TIMEOUT: return take_timeout(optarg, args);
	case 'V': args->action = ACTION_VERSION; return 0;
	case 'h': args->action = ACTION_HELP; return 0;
	default: return -EINVAL; /* getopt has said why */
	}
}

static const char *contradiction(const struct swap_args *args)
{
	if (args->action == ACTION_NONE)
		return "what is to be done? -a takes swap, unswap, exit or status; see --help";
	if (args->action == ACTION_LIST && args->n_wanted > 0)
		return "-l lists all; -a status is for some";
	if (args->action != ACTION_LIST && args->n_wanted == 0)
		return "which program? Give a process id, or -s; swap -l lists them";
	if (args->force && !swap_brings_back(args->action))
		return "-f goes with unswap and exit only";
	return NULL;
}

static int check(struct swap_args *args)
{
	const char *wrong = contradiction(args);

	if (wrong) {
		(void)fprintf(stderr, "swap: %s\n", wrong);
		return -EINVAL;
	}
	if (args->timeout_ns == 0)
		args->timeout_ns = args->action == ACTION_SWAP || swap_brings_back(args->action)
					   ? WORK_TIMEOUT_NS
					   : ASK_TIMEOUT_NS;
	return 0;
}

int swap_args_parse(int argc, char **argv, struct swap_args *ret)
{
	int option, r = 0;

	*ret = (struct swap_args){0};
	ret->wanted = calloc((size_t)argc + 1, sizeof *ret->wanted);
	if (!ret->wanted)
		return -ENOMEM;
	while (r == 0 && ret->action < ACTION_HELP &&
	       (option = getopt_long(argc, argv, "a:p:s:P:S:flVh", long_options, NULL)) != -1)
		r = take_option(option, ret);
	if (r < 0 || ret->action >= ACTION_HELP)
		return r;
	for (int i = optind; r == 0 && i < argc; i++)
		r = take_pid(argv[i], ret);
	return r < 0 ? r : check(ret);
}

void swap_args_free(struct swap_args *args)
{
	free(args->wanted);
	args->wanted = NULL;
}
