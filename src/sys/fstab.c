/* SPDX-License-Identifier: MIT */
#include "sys/fstab.h"

#include "base/cleanup.h"
#include "base/octal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* The next field between *at and end into out; -ENODATA where there is none. */
static int take_field(const char **at, const char *end, char *out, size_t cap)
{
	const char *start;

	while (*at < end && is_blank(**at))
		(*at)++;
	start = *at;
	while (*at < end && !is_blank(**at))
		(*at)++;
	if (start == *at)
		return -ENODATA;
	return octal_unescape(start, (size_t)(*at - start), out, cap) < 0 ? -EBADMSG : 0;
}

int fstab_parse_line(const char *line, size_t len, struct fstab_entry *ret)
{
	const char *at = line, *end = line + len;
	char directory[PATH_MAX];
	int r = take_field(&at, end, ret->spec, sizeof ret->spec);

	if (r == -ENODATA || (r == 0 && *ret->spec == '#'))
		return 0;
	if (r < 0 || take_field(&at, end, directory, sizeof directory) < 0 ||
	    take_field(&at, end, ret->type, sizeof ret->type) < 0)
		return -EBADMSG;
	r = take_field(&at, end, ret->options, sizeof ret->options);
	if (r == -ENODATA)
		*ret->options = '\0';
	return r == -EBADMSG ? r : 1;
}

bool fstab_option(const char *options, const char *name, char *ret, size_t cap)
{
	size_t len = strlen(name);
	bool found = false;

	while (*options) {
		size_t option_len = strcspn(options, ",");

		if (option_len >= len && strncmp(options, name, len) == 0 &&
		    (option_len == len || options[len] == '=')) {
			const char *value = options + len + (option_len > len);

			found = true;
			if (ret)
				(void)snprintf(ret, cap, "%.*s",
					       (int)(options + option_len - value), value);
		}
		options += option_len + (options[option_len] == ',');
	}
	return found;
}

int fstab_each_swap(const char *path, int (*entry)(void *ctx, const struct fstab_entry *entry),
		    void *ctx)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	_cleanup_free_ char *line = NULL;
	struct fstab_entry found;
	size_t cap = 0;
	ssize_t n;
	int r = 0;

	if (!file)
		return -errno;
	while (r == 0 && (n = getline(&line, &cap, file)) > 0) {
		if (line[n - 1] == '\n')
			n--;
		if (fstab_parse_line(line, (size_t)n, &found) == 1 &&
		    strcmp(found.type, "swap") == 0)
			r = entry(ctx, &found);
	}
	return r == 0 && ferror(file) ? -EIO : r;
}
