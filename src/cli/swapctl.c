/* SPDX-License-Identifier: MIT */
/* swapctl: adds, deletes, lists and sums up the system's swap areas. */
#include "base/cleanup.h"
#include "cli/swapctl_add.h"
#include "cli/swapctl_args.h"
#include "cli/swapctl_context.h"
#include "cli/swapctl_delete.h"
#include "cli/swapctl_print.h"
#include "cli/swapctl_say.h"
#include "sys/meminfo.h"
#include "sys/overcommit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_USAGE = 2 };

static struct print_style style_of(const struct swapctl_args *args)
{
	return (struct print_style){
		.human = !args->blocks && isatty(STDOUT_FILENO),
		.numeric = args->numeric,
		.full = args->full,
	};
}

static int list(const struct context *context, const struct swapctl_args *args)
{
	const struct print_style style = style_of(args);
	struct listing *listing = listing_make(&context->proc, &context->sys);
	int r = listing ? 0 : -EIO;

	if (listing && args->json)
		r = print_table_json(listing, stdout);
	else if (listing)
		print_table(listing, &style, stdout);
	free(listing);
	return r;
}

static int read_sum(const struct context *context, struct sum *ret)
{
	struct swaps *swaps = malloc(sizeof *swaps);
	struct overcommit overcommit;
	struct mem_facts mem;
	int fd = -1, r = swaps ? swaps_read(&context->proc, swaps) : -ENOMEM;

	if (r == -ENOENT) {
		swaps->n = 0; /* a kernel without swap still promises memory */
		r = 0;
	}
	if (r == 0)
		r = meminfo_read(&context->proc, &fd, &mem);
	if (r == 0)
		r = overcommit_read(&context->proc, &overcommit);
	if (r == 0)
		*ret = sum_make(swaps, &mem, &overcommit);
	close_fd(&fd);
	free(swaps);
	return r;
}

static int summarise(const struct context *context, const struct swapctl_args *args)
{
	const struct print_style style = style_of(args);
	struct sum sum;
	int r = read_sum(context, &sum);

	if (r < 0) {
		complain("cannot read what /proc says of memory: %s", strerror(-r));
		return r;
	}
	if (args->json)
		return print_sum_json(&sum, stdout);
	print_sum(&sum, &style, stdout);
	return 0;
}

static int run(const struct context *context, const struct swapctl_args *args)
{
	switch (args->mode) {
	case SWAPCTL_ADD: return swapctl_add(context, &args->wish);
	case SWAPCTL_DELETE: return swapctl_delete(context, &args->wish);
	case SWAPCTL_LIST: return list(context, args);
	case SWAPCTL_SUMMARY: return summarise(context, args);
	case SWAPCTL_FSTAB: return swapctl_add_fstab(context, args->force);
	case SWAPCTL_DELETE_ALL: return swapctl_delete_all(context, args->force);
	case SWAPCTL_HELP: swapctl_help(stdout); return 0;
	case SWAPCTL_VERSION: (void)puts("swapctl " VERSION); return 0;
	default: return -EINVAL;
	}
}

static int open_context(struct context *ret)
{
	int r = procfs_open("/proc", &ret->proc);

	if (r == 0)
		r = procfs_open("/sys", &ret->sys);
	if (r < 0)
		complain("cannot open /proc and /sys: %s", strerror(-r));
	return r;
}

int main(int argc, char **argv)
{
	struct swapctl_args args;
	struct context context = {{-1}, {-1}};
	int r;

	if (swapctl_args_parse(argc, argv, &args) < 0)
		return EXIT_USAGE;
	r = open_context(&context);
	if (r == 0)
		r = run(&context, &args);
	procfs_close(&context.proc);
	procfs_close(&context.sys);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		complain("cannot write: %s", strerror(errno));
		r = -EIO;
	}
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
