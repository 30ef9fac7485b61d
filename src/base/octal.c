/* SPDX-License-Identifier: MIT */
#include "base/octal.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static bool is_octal(char c, char max)
{
	return c >= '0' && c <= max;
}

ssize_t octal_unescape(const char *text, size_t len, char *out, size_t cap)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (c == '\\' && len - i > 3 && is_octal(text[i + 1], '3') &&
		    is_octal(text[i + 2], '7') && is_octal(text[i + 3], '7')) {
			c = (char)((text[i + 1] - '0') << 6 | (text[i + 2] - '0') << 3 |
				   (text[i + 3] - '0'));
			i += 3;
		}
		if (c == '\0')
			return -EBADMSG;
		if (n + 1 >= cap)
			return -ENAMETOOLONG;
		out[n++] = c;
	}
	out[n] = '\0';
	return (ssize_t)n;
}

void octal_escape(struct text *text, const char *path)
{
	for (; *path; path++) {
		unsigned char c = (unsigned char)*path;

		if (c <= ' ' || c == '\\' || c == 0x7f)
			text_addf(text, "\\%03o", c);
		else
			text_addf(text, "%c", c);
	}
}
