/* SPDX-License-Identifier: MIT */
/*
 * What a file says of how it is to be executed: ELF header, program headers, the #! line. Pure
 * functions over buffers, which may hold anything; results are untouched on failure.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ELFKIND_HEADER_MAX 64	/* what there is to read at the beginning of a file */
#define ELFKIND_TABLE_MAX 65536 /* the kernel takes no larger table of program headers */
#define ELFKIND_LOADER_MAX 4096 /* nor a longer name, its NUL counted */
#define ELFKIND_SCRIPT_LINE 256 /* it looks no further for the end of a #! line */
#define ELFKIND_SCRIPT_LEVELS 5 /* scripts that are interpreters of scripts */

/* A program and a library fit together where these are equal. */
struct elf_abi {
	uint16_t machine;
	uint8_t width, byte_order; /* ELFCLASS*, ELFDATA* */
};

struct elf_header {
	struct elf_abi abi;
	uint64_t table_offset;
	size_t table_bytes; /* at most ELFKIND_TABLE_MAX */
};

struct elf_span {
	uint64_t offset;
	size_t bytes;
};

bool elf_abi_equal(const struct elf_abi *a, const struct elf_abi *b);

/* buf is the beginning of the file. 0, -ENOEXEC (no ELF file), or -EBADMSG (not one that could be
 * executed or loaded). */
int elf_parse_header(const uint8_t *buf, size_t len, struct elf_header *ret);

/* table is what stands at table_offset. 1 and where the name of the dynamic loader stands, 0 where
 * there is none (static), or -EBADMSG. */
int elf_find_loader(const struct elf_header *header, const uint8_t *table, size_t len,
		    struct elf_span *ret);

/* buf is what stands in that span. Whether it is a name. */
bool elf_is_loader_name(const char *buf, size_t len);

/* Whether the dynamic loader of that path is one of glibc, going by its name. */
bool elf_is_glibc_loader(const char *path);

/* What that loader, its path without symbolic links, puts for $LIB: "/usr/lib32/ld-linux.so.2" has
 * "lib32". 0, -EINVAL where the path doesn't tell, -ENAMETOOLONG. */
int elf_loader_lib(const char *path, char *ret, size_t cap);

/* buf is the beginning of the file. 0 and where in it the interpreter's name is, or -ENOEXEC where
 * there is none by the rules of the kernel. */
int script_find_interpreter(const char *buf, size_t len, struct elf_span *ret);
