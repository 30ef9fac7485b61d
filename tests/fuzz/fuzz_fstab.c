/* SPDX-License-Identifier: MIT */
/* A line of fstab, then each of its options by name. */
#include "sys/fstab.h"

#include "fuzz/fuzz.h"

#include <errno.h>

static void check_options(const char *options)
{
	char name[sizeof((struct fstab_entry *)0)->options], value[16];

	while (*options) {
		size_t len = strcspn(options, ","), name_len = strcspn(options, "=,");

		memcpy(name, options, name_len);
		name[name_len] = '\0';
		memset(value, PATTERN, sizeof value);
		HOLDS(fstab_option(options, name, value, sizeof value));
		HOLDS(memchr(value, '\0', sizeof value) && !strchr(value, ','));
		HOLDS(fstab_option(options, name, NULL, 0));
		options += len + (options[len] == ',');
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fstab_entry entry;
	int r = fstab_parse_line((const char *)data, size, &entry);

	HOLDS(r == 1 || r == 0 || r == -EBADMSG);
	if (r != 1)
		return 0;
	HOLDS(*entry.spec && *entry.spec != '#' && *entry.type);
	HOLDS(memchr(entry.spec, '\0', sizeof entry.spec));
	HOLDS(memchr(entry.type, '\0', sizeof entry.type));
	HOLDS(memchr(entry.options, '\0', sizeof entry.options));
	check_options(entry.options);
	return 0;
}
