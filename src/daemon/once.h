/* SPDX-License-Identifier: MIT */
/* --once: one sample over one interval, and what would follow from it. */
#pragma once
#include "daemon/daemon.h"

#include <stdio.h>

/* Samples twice, an interval apart, and prints the plan with its reasons; every process that is
 * followed where verbose. Carries nothing out. 0, or -errno where memory can't be read. */
int once_run(struct daemon *daemon, bool verbose, FILE *out);
