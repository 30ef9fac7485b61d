/* SPDX-License-Identifier: MIT */
/* A file is taken or refused as a whole; what is taken and printed can be read back and is the
 * same. The first line is tried as a setting of the command line too. */
#include "config/config.h"

#include "config/value.h"
#include "fuzz/fuzz.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int file_of(const void *bytes, size_t size, char path[32])
{
	int fd = memfd_create("config", MFD_CLOEXEC);

	HOLDS(fd >= 0 && fchmod(fd, 0600) == 0);
	HOLDS(write(fd, bytes, size) == (ssize_t)size);
	(void)snprintf(path, 32, "/proc/self/fd/%d", fd);
	return fd;
}

static int load(const void *bytes, size_t size, struct config *ret)
{
	struct config_error error = {""};
	char path[32];
	int fd = file_of(bytes, size, path);
	int r;

	memset(ret, PATTERN, sizeof *ret);
	r = config_load(path, true, NULL, 0, ret, &error);
	(void)close(fd);
	if (r < 0) {
		HOLDS(r == -EINVAL && is_untouched(ret, sizeof *ret));
		HOLDS(error.message[0] != '\0' &&
		      strnlen(error.message, sizeof error) < sizeof error);
		HOLDS(!strchr(error.message, '\n'));
	}
	return r;
}

static void check_same(const struct config *a, const struct config *b)
{
	for (size_t i = 0; i < config_n_options; i++) {
		const struct option_def *option = &config_options[i];

		if (value_is_string(option))
			HOLDS(strcmp(value_string(option, &a->params),
				     value_string(option, &b->params)) == 0);
		else
			HOLDS(value_number(option, &a->params) == value_number(option, &b->params));
	}
}

static void try_file(const uint8_t *data, size_t size)
{
	struct config config, again;
	char *printed = NULL;
	size_t len = 0;
	FILE *out;

	if (load(data, size, &config) < 0)
		return;
	out = open_memstream(&printed, &len);
	HOLDS(out && config_print(&config, out) == 0 && fclose(out) == 0);
	HOLDS(load(printed, len, &again) == 0);
	check_same(&config, &again);
	config_free(&again);
	config_free(&config);
	free(printed);
}

static void try_override(const uint8_t *data, size_t size)
{
	const uint8_t *newline = memchr(data, '\n', size);
	size_t len = newline ? (size_t)(newline - data) : size;
	char *override = malloc(len + 1);
	struct config_error error = {""};
	struct config config;

	HOLDS(override);
	memcpy(override, data, len);
	override[len] = '\0';
	if (config_load("/dev/null", true, &override, 1, &config, &error) == 0)
		config_free(&config);
	else
		HOLDS(error.message[0] != '\0');
	free(override);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 0)
		try_override(data, size);
	try_file(data, size);
	return 0;
}
