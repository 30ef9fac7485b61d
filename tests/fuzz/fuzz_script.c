/* SPDX-License-Identifier: MIT */
#include "cli/elfkind.h"

#include "fuzz/fuzz.h"

#include <errno.h>

static int is_blank(char c)
{
	return c == ' ' || c == '\t';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct elf_span name;
	size_t end;
	int r;

	memset(&name, PATTERN, sizeof name);
	r = script_find_interpreter(text, size, &name);
	if (r < 0) {
		HOLDS(r == -ENOEXEC && is_untouched(&name, sizeof name));
		return 0;
	}
	HOLDS(r == 0 && name.offset >= 2 && name.bytes > 0);
	end = name.offset + name.bytes;
	HOLDS(end <= size && end < ELFKIND_SCRIPT_LINE && memcmp(text, "#!", 2) == 0);
	for (size_t i = 2; i < name.offset; i++)
		HOLDS(is_blank(text[i]));
	for (size_t i = name.offset; i < end; i++)
		HOLDS(!is_blank(text[i]) && text[i] != '\n' && text[i] != '\0');
	HOLDS(end == size || is_blank(text[end]) || text[end] == '\n' || text[end] == '\0');
	return 0;
}
