/* SPDX-License-Identifier: MIT */
#include "config/why.h"

#include <string.h>

#define SHOWN_MAX 80
#define PATH_SHOWN_MAX 200

static void add_cut(struct text *why, const char *string, size_t max)
{
	char one[2] = "";

	for (size_t i = 0; i < max && string[i] != '\0'; i++) {
		one[0] = string[i];
		if (one[0] == ' ' || one[0] == '=')
			text_add(why, one);
		else
			text_add_safe(why, one);
	}
	if (strlen(string) > max)
		text_add(why, "...");
}

void why_add_shown(struct text *why, const char *string)
{
	if (*string == '\0')
		text_add(why, "''");
	add_cut(why, string, SHOWN_MAX);
}

void why_add_path(struct text *why, const char *path)
{
	add_cut(why, path, PATH_SHOWN_MAX);
}

void why_add_place(struct text *why, const char *path, unsigned line)
{
	why_add_path(why, path);
	if (line > 0)
		text_addf(why, ":%u", line);
	text_add(why, ": ");
}
