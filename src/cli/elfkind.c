/* SPDX-License-Identifier: MIT */
#include "cli/elfkind.h"

#include "base/units.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

/* -- numbers in the file's byte order ---------------------------------------------------------- */

static uint64_t get(const uint8_t *at, size_t bytes, uint8_t byte_order)
{
	uint64_t value = 0;

	for (size_t i = 0; i < bytes; i++)
		value = value << 8 | at[byte_order == ELFDATA2MSB ? i : bytes - 1 - i];
	return value;
}

/* A field of a struct that has the same name in both classes. */
#define FIELD(base, abi, type, name)                                                          \
	((abi)->width == ELFCLASS64 ? get((base) + offsetof(Elf64_##type, name),              \
					  sizeof((Elf64_##type *)0)->name, (abi)->byte_order) \
				    : get((base) + offsetof(Elf32_##type, name),              \
					  sizeof((Elf32_##type *)0)->name, (abi)->byte_order))

/* -- ELF --------------------------------------------------------------------------------------- */

static size_t entry_bytes(const struct elf_abi *abi)
{
	return abi->width == ELFCLASS64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
}

bool elf_abi_equal(const struct elf_abi *a, const struct elf_abi *b)
{
	return a->machine == b->machine && a->width == b->width && a->byte_order == b->byte_order;
}

/* The same demands as the kernel has. */
int elf_parse_header(const uint8_t *buf, size_t len, struct elf_header *ret)
{
	struct elf_header header = {0};
	struct elf_abi *abi = &header.abi;
	uint64_t type, n;

	if (len < SELFMAG || memcmp(buf, ELFMAG, SELFMAG) != 0)
		return -ENOEXEC;
	if (len < EI_NIDENT)
		return -EBADMSG;
	abi->width = buf[EI_CLASS];
	abi->byte_order = buf[EI_DATA];
	if ((abi->width != ELFCLASS32 && abi->width != ELFCLASS64) ||
	    (abi->byte_order != ELFDATA2LSB && abi->byte_order != ELFDATA2MSB) ||
	    len < (abi->width == ELFCLASS64 ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr)))
		return -EBADMSG;
	abi->machine = (uint16_t)FIELD(buf, abi, Ehdr, e_machine);
	type = FIELD(buf, abi, Ehdr, e_type);
	n = FIELD(buf, abi, Ehdr, e_phnum);
	header.table_offset = FIELD(buf, abi, Ehdr, e_phoff);
	header.table_bytes = n * entry_bytes(abi);
	if ((type != ET_EXEC && type != ET_DYN) || n == 0 ||
	    FIELD(buf, abi, Ehdr, e_phentsize) != entry_bytes(abi) ||
	    header.table_bytes > ELFKIND_TABLE_MAX ||
	    header.table_offset > INT64_MAX - ELFKIND_TABLE_MAX)
		return -EBADMSG;
	*ret = header;
	return 0;
}

/* The first that there is counts, as it does for the kernel. */
int elf_find_loader(const struct elf_header *header, const uint8_t *table, size_t len,
		    struct elf_span *ret)
{
	const struct elf_abi *abi = &header->abi;

	if (len != header->table_bytes)
		return -EBADMSG;
	for (const uint8_t *at = table; at < table + len; at += entry_bytes(abi)) {
		uint64_t offset, bytes;

		if (FIELD(at, abi, Phdr, p_type) != PT_INTERP)
			continue;
		offset = FIELD(at, abi, Phdr, p_offset);
		bytes = FIELD(at, abi, Phdr, p_filesz);
		if (bytes < 2 || bytes > ELFKIND_LOADER_MAX ||
		    offset > INT64_MAX - ELFKIND_LOADER_MAX)
			return -EBADMSG;
		*ret = (struct elf_span){offset, bytes};
		return 1;
	}
	return 0;
}

bool elf_is_loader_name(const char *buf, size_t len)
{
	return len >= 2 && len <= ELFKIND_LOADER_MAX && buf[len - 1] == '\0' && buf[0] != '\0';
}

/* -- the dynamic loader ------------------------------------------------------------------------ */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool starts(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

bool elf_is_glibc_loader(const char *path)
{
	/* one name or another for each machine; "ld-2.31.so" is where they led before 2.34 */
	static const char *const names[] = {"ld-linux-", "ld-linux.", "ld64.so.", "ld.so", "ld-2."};
	const char *name = base_name(path);

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (starts(name, names[i]))
			return true;
	return false;
}

/* glibc is built for one libdir, where its loader lies as well: $LIB is that without the prefix. */
int elf_loader_lib(const char *path, char *ret, size_t cap)
{
	const char *lib = path + (starts(path, "/usr/") ? strlen("/usr/") : 1);
	size_t len;

	if (path[0] != '/' || !starts(lib, "lib") || base_name(path) <= lib)
		return -EINVAL;
	len = (size_t)(base_name(path) - 1 - lib);
	if (len >= cap)
		return -ENAMETOOLONG;
	memcpy(ret, lib, len);
	ret[len] = '\0';
	return 0;
}

/* -- scripts ----------------------------------------------------------------------------------- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The kernel reads 256 bytes, behind a shorter file zeros. Blanks may stand around the name; a name
 * that these 256 bytes don't end is none. */
int script_find_interpreter(const char *buf, size_t len, struct elf_span *ret)
{
	size_t limit = u64_min(len, ELFKIND_SCRIPT_LINE), start = 2, end;

	if (limit < 2 || buf[0] != '#' || buf[1] != '!')
		return -ENOEXEC;
	while (start < limit && is_blank(buf[start]))
		start++;
	for (end = start; end < limit; end++)
		if (is_blank(buf[end]) || buf[end] == '\n' || buf[end] == '\0')
			break;
	if (end == start || end == ELFKIND_SCRIPT_LINE)
		return -ENOEXEC;
	*ret = (struct elf_span){start, end - start};
	return 0;
}
