/* SPDX-License-Identifier: MIT */
/* Whether a hibernated system would come back from a file. */
#pragma once
#include "sys/procfs.h"
#include "sys/resume.h"

#include <stdbool.h>

/* By where the open file begins on its device. Where that isn't known exactly (btrfs), all files on
 * the device are taken for the one; where the device isn't, all that begin there. */
bool resumefile_is(const struct procfs *procfs, const struct resume *resume, int fd);
