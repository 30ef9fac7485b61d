/* SPDX-License-Identifier: MIT */
#include "cli/swapctl_say.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

void complain(const char *format, ...)
{
	char line[2 * PATH_MAX];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(line, sizeof line, format, args);
	va_end(args);
	for (char *c = line; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?'; /* of a name that somebody chose */
	(void)fprintf(stderr, "swapctl: %s\n", line);
}

const char *root_hint(int error)
{
	return (error == -EPERM || error == -EACCES) && geteuid() != 0 ? "; only root can do this"
								       : "";
}
