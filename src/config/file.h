/* SPDX-License-Identifier: MIT */
/* Opens and reads a configuration file, once it is known to be one that may be believed. */
#pragma once
#include "base/text.h"

#define CONFIG_FILE_MAX (1L << 20)

struct config_file {
	int fd; /* of what was checked and read; -1 where there is no file */
	char *bytes;
	size_t len;
};

#define CONFIG_FILE_NONE ((struct config_file){.fd = -1})

/*
 * Reads path. A file that is missing is no error unless required, and /dev/null stands for none at
 * all: *ret is CONFIG_FILE_NONE then. Anything but a regular file of up to CONFIG_FILE_MAX bytes is
 * refused without waiting for it; where we are root, so is one that others own or can write to.
 * Returns 0; -EINVAL with why; -ENOMEM. config_file_close releases it.
 */
int config_file_open(const char *path, bool required, struct config_file *ret, struct text *why);
void config_file_close(struct config_file *file);
