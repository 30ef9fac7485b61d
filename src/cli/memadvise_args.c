/* SPDX-License-Identifier: MIT */
#include "cli/memadvise_args.h"

#include "base/num.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_PERCENT 30

enum { OPT_WILLNEED = 256, OPT_COLDEST, OPT_NO_COLDEST, OPT_WATCH };

static const struct option long_options[] = {
	{"target", required_argument, NULL, 't'},
	{"percent", required_argument, NULL, 'p'},
	{"mode", required_argument, NULL, 'm'},
	{"max-bytes", required_argument, NULL, 'b'},
	{"dry-run", no_argument, NULL, 'd'},
	{"verbose", no_argument, NULL, 'v'},
	{"json", no_argument, NULL, 'j'},
	{"willneed", no_argument, NULL, OPT_WILLNEED},
	{"coldest", no_argument, NULL, OPT_COLDEST},
	{"no-coldest", no_argument, NULL, OPT_NO_COLDEST},
	{"watch", required_argument, NULL, OPT_WATCH},
	{"version", no_argument, NULL, 'V'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

void memadvise_help(FILE *out)
{
	(void)fputs(
		"Usage: memadvise -t PID[,PID...] [options]\n"
		"Offers the coldest memory of processes to the kernel, or moves it out to swap.\n"
		"\n"
		"  -t, --target PID,...   the processes; --target $(pidof x) works as well\n"
		"  -m, --mode MODE        cold: taken first when memory is short (default);\n"
		"                         pageout: moved out to swap now\n"
		"      --willneed         bring back what is in swap\n"
		"  -p, --percent N        of what is eligible, 1 to 100 (30; with --willneed 100)\n"
		"  -b, --max-bytes SIZE   at most so much of each process; takes K, M, G, T\n"
		"      --coldest          least recently used regions first (default)\n"
		"      --no-coldest       regions by address\n"
		"  -d, --dry-run          say what would be done, touch nothing\n"
		"      --watch SECONDS    again and again, one line each time\n"
		"  -v, --verbose          list the regions\n"
		"  -j, --json             one JSON object per target and line\n"
		"  -V, --version          print the version, exit\n"
		"  -h, --help             print this, exit\n"
		"\n"
		"Exit status: 0 fine, 1 failed for some target, 2 usage.\n",
		out);
}

const char *memadvise_mode_name(enum memadvise_mode mode)
{
	static const char *const names[] = {
		[MODE_COLD] = "cold", [MODE_PAGEOUT] = "pageout", [MODE_WILLNEED] = "willneed"};

	return names[mode];
}

/* What the options say before they are seen together; 0 where one wasn't given. */
struct given {
	bool mode, willneed;
	uint64_t percent;
};

static int complain(const char *what, const char *value, const char *expected)
{
	(void)fprintf(stderr, "memadvise: %s '%s': %s\n", what, value, expected);
	return -EINVAL;
}

static int take_mode(const char *name, struct memadvise_args *args)
{
	for (enum memadvise_mode mode = MODE_COLD; mode <= MODE_PAGEOUT; mode++)
		if (strcmp(name, memadvise_mode_name(mode)) == 0) {
			args->mode = mode;
			return 0;
		}
	return complain("unknown mode", name, "it is cold or pageout");
}

static int take_percent(const char *text, uint64_t *ret)
{
	if (num_u64(text, ret) < 0 || *ret < 1 || *ret > 100)
		return complain("percent", text, "not a whole number from 1 to 100");
	return 0;
}

static int take_max_bytes(const char *text, uint64_t *ret)
{
	if (num_bytes(text, ret) < 0)
		return complain("max-bytes", text,
				"not a size; it is a number with K, M, G, T or nothing behind it");
	return *ret > 0 ? 0 : complain("max-bytes", text, "nothing would be done");
}

static int take_watch(const char *text, uint64_t *ret_ns)
{
	if (num_duration(text, ret_ns) < 0 || *ret_ns == 0)
		return complain("watch", text, "not a time; it is a number of seconds, over 0");
	return 0;
}

static int take_option(int option, struct memadvise_args *args, struct given *given)
{
	switch (option) {
	case 't': args->words[args->n_words++] = optarg; return 0;
	case 'm': given->mode = true; return take_mode(optarg, args);
	case OPT_WILLNEED: given->willneed = true; return 0;
	case 'p': return take_percent(optarg, &given->percent);
	case 'b': return take_max_bytes(optarg, &args->max_bytes);
	case OPT_COLDEST: args->coldest = true; return 0;
	case OPT_NO_COLDEST: args->coldest = false; return 0;
	case 'd': args->dry_run = true; return 0;
	case OPT_WATCH: return take_watch(optarg, &args->watch_ns);
	case 'v': args->verbose = true; return 0;
	case 'j': args->json = true; return 0;
	case 'V': args->what = DO_VERSION; return 0;
	case 'h': args->what = DO_HELP; return 0;
	default: return -EINVAL; /* getopt has said why */
	}
}

static bool names_a_target(const struct memadvise_args *args)
{
	for (size_t i = 0; args->words[i]; i++) {
		const char *at = args->words[i], *word;

		if (memadvise_next_target(&at, &word) > 0)
			return true;
	}
	return false;
}

static int settle(struct memadvise_args *args, const struct given *given)
{
	const char *wrong = NULL;

	if (given->mode && given->willneed)
		wrong = "--mode and --willneed contradict each other: memory goes out or comes in";
	else if (args->watch_ns > 0 && args->verbose && !args->json)
		wrong = "--watch prints one line each time: it doesn't go with --verbose";
	else if (!names_a_target(args))
		wrong = "no target: name the processes with -t PID[,PID...]";
	if (wrong) {
		(void)fprintf(stderr, "memadvise: %s; see --help\n", wrong);
		return -EINVAL;
	}
	if (given->willneed)
		args->mode = MODE_WILLNEED;
	args->percent = given->percent	  ? (unsigned)given->percent
			: given->willneed ? 100
					  : DEFAULT_PERCENT;
	return 0;
}

int memadvise_args_parse(int argc, char **argv, struct memadvise_args *ret)
{
	struct given given = {0};
	int option, r = 0;

	*ret = (struct memadvise_args){.coldest = true, .max_bytes = UINT64_MAX};
	/* no more words than arguments */
	ret->words = calloc((size_t)argc + 1, sizeof *ret->words);
	if (!ret->words)
		return -ENOMEM;
	while (r == 0 &&
	       (option = getopt_long(argc, argv, "t:p:m:b:dvjVh", long_options, NULL)) != -1)
		r = take_option(option, ret, &given);
	if (r < 0 || ret->what != DO_ADVISE)
		return r;
	if (optind < argc && ret->n_words == 0)
		return complain("not an option", argv[optind],
				"name processes with -t; see --help");
	while (optind < argc) /* "-t $(pidof x)" is several words */
		ret->words[ret->n_words++] = argv[optind++];
	return settle(ret, &given);
}

void memadvise_args_free(struct memadvise_args *args)
{
	free(args->words);
	args->words = NULL;
}

size_t memadvise_next_target(const char **at, const char **ret_word)
{
	static const char between[] = ", \t\n";
	size_t len;

	*ret_word = *at + strspn(*at, between);
	len = strcspn(*ret_word, between);
	*at = *ret_word + len;
	return len;
}
