/* SPDX-License-Identifier: MIT */
/*
 * The ini source. iniparser gives the values; it knows no line numbers, takes the last of two
 * settings without a word and drops what it can't make sense of, so a pass of our own over the
 * lines knows where each setting stands, and refuses what the two could read differently.
 */
#pragma once
#include "base/text.h"

/* Without the newline. iniparser's buffer of 1,024 bytes holds newline and NUL as well. */
#define INI_LINE_MAX 1022

/* One line. Section and key in lower case, as iniparser has them. */
struct ini_line {
	unsigned number;
	const char *section;
	const char *key; /* NULL: the header of section */
	const char *value;
};

/* Names are in lower case, however they were written. */
void ini_lower(char *text);

/* Called for each header and setting; below 0 ends the pass. */
typedef int ini_visit(void *context, const struct ini_line *line);

struct ini_source {
	const char *path; /* for messages */
	int fd;
	const char *bytes; /* what the file holds; needs no NUL */
	size_t len;
};

/*
 * The pass over the lines; takes no look at fd.
 * Returns 0; -EINVAL with why for a line that is malformed, too long, continued, or holds
 * control characters; what visit returned.
 */
int ini_scan(const struct ini_source *source, ini_visit *visit, void *context, struct text *why);

/*
 * Reads the settings of the file open as fd, of which bytes and len are the contents: claim is
 * called for every header and setting first, for what is unknown or there twice, and where all of
 * them were fine, take once for each setting, with the value that iniparser has for it.
 * Returns as ini_scan; -EINVAL as well where iniparser can't read the file or sees it differently.
 */
int ini_load(const struct ini_source *source, ini_visit *claim, ini_visit *take, void *context,
	     struct text *why);
