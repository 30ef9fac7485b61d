/* SPDX-License-Identifier: MIT */
/* A file as the launcher reads it: the header, then what that points to, where the file has it. */
#include "cli/elfkind.h"

#include "fuzz/fuzz.h"

#include <errno.h>

/* What there is of [offset, offset + bytes), in a buffer of just that size. */
static uint8_t *piece(const uint8_t *data, size_t size, uint64_t offset, size_t bytes, size_t *ret)
{
	uint8_t *copy;

	*ret = offset >= size ? 0 : size - offset < bytes ? size - offset : bytes;
	copy = malloc(*ret + !*ret);
	HOLDS(copy);
	if (*ret > 0)
		memcpy(copy, data + offset, *ret);
	return copy;
}

static void check_name(const char *name, size_t len)
{
	char lib[16], before[sizeof lib];
	int r;

	if (!elf_is_loader_name(name, len))
		return;
	HOLDS(strlen(name) > 0 && strlen(name) < len && len <= ELFKIND_LOADER_MAX);
	(void)elf_is_glibc_loader(name);
	memset(lib, PATTERN, sizeof lib);
	memcpy(before, lib, sizeof lib);
	r = elf_loader_lib(name, lib, sizeof lib);
	if (r < 0) {
		HOLDS((r == -EINVAL || r == -ENAMETOOLONG) && memcmp(lib, before, sizeof lib) == 0);
		return;
	}
	HOLDS(r == 0 && memchr(lib, '\0', sizeof lib) && memcmp(lib, "lib", 3) == 0);
	HOLDS(name[0] == '/' && strstr(name, lib) && strlen(lib) < strlen(name));
}

static void check_loader(const struct elf_header *header, const uint8_t *data, size_t size)
{
	struct elf_span span;
	size_t len;
	uint8_t *table = piece(data, size, header->table_offset, header->table_bytes, &len), *name;
	int r;

	memset(&span, PATTERN, sizeof span);
	r = elf_find_loader(header, table, len, &span);
	free(table);
	if (r != 1) {
		HOLDS((r == 0 || r == -EBADMSG) && is_untouched(&span, sizeof span));
		HOLDS(r < 0 || len == header->table_bytes);
		return;
	}
	HOLDS(len == header->table_bytes && span.bytes >= 2 && span.bytes <= ELFKIND_LOADER_MAX);
	HOLDS(span.offset <= INT64_MAX - span.bytes);
	name = piece(data, size, span.offset, span.bytes, &len);
	check_name((const char *)name, len);
	free(name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct elf_header header;
	size_t len;
	uint8_t *beginning = piece(data, size, 0, ELFKIND_HEADER_MAX, &len);
	int r;

	memset(&header, PATTERN, sizeof header);
	r = elf_parse_header(beginning, len, &header);
	free(beginning);
	if (r < 0) {
		HOLDS((r == -ENOEXEC || r == -EBADMSG) && is_untouched(&header, sizeof header));
		return 0;
	}
	HOLDS(r == 0 && header.table_bytes > 0 && header.table_bytes <= ELFKIND_TABLE_MAX);
	HOLDS(header.table_offset <= INT64_MAX - header.table_bytes);
	HOLDS((header.abi.width == 1 || header.abi.width == 2) &&
	      (header.abi.byte_order == 1 || header.abi.byte_order == 2));
	HOLDS(elf_abi_equal(&header.abi, &header.abi));
	check_loader(&header, data, size);
	return 0;
}
