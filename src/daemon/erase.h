/* SPDX-License-Identifier: MIT */
/* --erase: what [swapspace] has made goes. */
#pragma once
#include "policy/params.h"

#include <stdbool.h>

/* Retires all areas, whose content has to fit into memory, and tells on stderr how far it is. True
 * where none is left; otherwise it has been said why. */
bool erase_run(const struct swapspace_params *params);
