/* SPDX-License-Identifier: MIT */
#include "cli/swap_progress.h"

#include "base/units.h"
#include "sys/clock.h"

#include <unistd.h>

#define AFTER_NS NS_PER_S

void swap_progress_start(struct swap_progress *progress, enum swap_action action, size_t of)
{
	static const char *const doing[] = {
		[ACTION_SWAP] = "swapping",  [ACTION_UNSWAP] = "unswapping",
		[ACTION_EXIT] = "detaching", [ACTION_STATUS] = "asking",
		[ACTION_LIST] = "asking",
	};

	*progress = (struct swap_progress){.of = of};
	if (isatty(STDERR_FILENO)) {
		progress->doing = doing[action];
		progress->due_ns = clock_now_ns() + AFTER_NS;
	}
}

uint64_t swap_progress_due_ns(const struct swap_progress *progress)
{
	return progress->doing && progress->width == 0 ? progress->due_ns : UINT64_MAX;
}

void swap_progress_show(struct swap_progress *progress, size_t done)
{
	if (!progress->doing || clock_now_ns() < progress->due_ns ||
	    (progress->width > 0 && done == progress->shown))
		return;
	progress->shown = done;
	progress->width =
		fprintf(stderr, "\r%s: %zu of %zu done", progress->doing, done, progress->of);
	(void)fflush(stderr);
}

void swap_progress_end(struct swap_progress *progress)
{
	if (progress->width > 0)
		(void)fprintf(stderr, "\r%*s\r", progress->width, "");
	(void)fflush(stderr);
}
