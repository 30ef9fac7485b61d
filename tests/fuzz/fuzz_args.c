/* SPDX-License-Identifier: MIT */
/* Command lines: the first byte says whose, then one argument per line. */
#include "cli/memadvise_args.h"
#include "cli/swap_args.h"
#include "cli/swapctl_args.h"
#include "daemon/args.h"

#include "fuzz/fuzz.h"

#include <errno.h>
#include <getopt.h>

#define ARGS_MAX 100

int LLVMFuzzerInitialize(int *argc, char ***argv);

/* What they complain of is of no interest; libFuzzer holds on to its own. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	stderr = fopen("/dev/null", "we");
	HOLDS(stderr);
	return 0;
}

static void try_daemon(int argc, char **argv)
{
	static struct args args;
	int r = args_parse(argc, argv, &args);

	HOLDS(r == 0 || r == -EINVAL);
	if (r < 0)
		return;
	HOLDS(args.n_overrides <= ARGS_OVERRIDES_MAX && args.mode <= MODE_VERSION);
	HOLDS(!args.pidfile || args.background);
	HOLDS(!(args.verbose && args.quiet));
	for (size_t i = 0; i < args.n_overrides; i++)
		HOLDS(strncmp(args.overrides[i], "--", 2) == 0);
	if (args.background && args.config)
		HOLDS(*args.config == '/');
}

static void try_swap(int argc, char **argv)
{
	struct swap_args args;
	int r = swap_args_parse(argc, argv, &args);

	HOLDS(r == 0 || r == -EINVAL || r == -ENOMEM);
	HOLDS(args.n_wanted < (size_t)argc);
	if (r == 0)
		HOLDS(args.action > ACTION_NONE && args.action <= ACTION_VERSION);
	for (size_t i = 0; i < args.n_wanted; i++)
		HOLDS(args.wanted[i].name || args.wanted[i].pid > 0);
	swap_args_free(&args);
}

static void try_targets(const char *word)
{
	const char *target;
	size_t len;

	while ((len = memadvise_next_target(&word, &target)) > 0)
		HOLDS(target + len <= word && !memchr(target, ',', len) &&
		      !memchr(target, ' ', len));
}

static void try_memadvise(int argc, char **argv)
{
	struct memadvise_args args;
	int r = memadvise_args_parse(argc, argv, &args);

	HOLDS(r == 0 || r == -EINVAL || r == -ENOMEM);
	HOLDS(args.n_words < (size_t)argc);
	if (r == 0 && args.what == DO_ADVISE)
		HOLDS(args.percent <= 100 && args.n_words > 0);
	for (size_t i = 0; r == 0 && i < args.n_words; i++)
		try_targets(args.words[i]);
	memadvise_args_free(&args);
}

static void try_swapctl(int argc, char **argv)
{
	struct swapctl_args args;
	int r = swapctl_args_parse(argc, argv, &args);

	HOLDS(r == 0 || r == -EINVAL);
	if (r == 0)
		HOLDS(args.mode > SWAPCTL_NONE && args.mode <= SWAPCTL_VERSION);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const tries[])(int, char **) = {try_daemon, try_swap, try_memadvise,
						      try_swapctl};
	char *argv[ARGS_MAX + 2] = {"program"}, *copy, *at;
	int argc = 1;

	if (size == 0)
		return 0;
	copy = malloc(size);
	HOLDS(copy);
	memcpy(copy, data + 1, size - 1);
	copy[size - 1] = '\0';
	for (at = copy; at && argc <= ARGS_MAX;)
		argv[argc++] = strsep(&at, "\n");
	optind = 0; /* from the start, as if it had never been called */
	tries[data[0] % 4](argc, argv);
	free(copy);
	return 0;
}
