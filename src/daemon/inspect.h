/* SPDX-License-Identifier: MIT */
/* --inspect: what of the configuration will work on this machine, and what won't. */
#pragma once
#include "config/config.h"

#include <stdbool.h>
#include <stdio.h>

/* Prints a line per ability. True where everything that is switched on can work. */
bool inspect_run(const struct config *config, FILE *out);
