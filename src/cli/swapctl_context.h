/* SPDX-License-Identifier: MIT */
/* What every part of swapctl gets: where to read the system's facts, and how to show ours. */
#pragma once
#include "sys/procfs.h"

#include <stdbool.h>

struct context {
	struct procfs proc, sys;
};
