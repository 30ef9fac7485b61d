/* SPDX-License-Identifier: MIT */
#include "cli/elfkind.h"

#include "base/cleanup.h"
#include "unit/builders.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>

#define LOADER "/lib64/ld-linux-x86-64.so.2"

/* -- ELF --------------------------------------------------------------------------------------- */

/* The beginning of a program: header, two program headers, the loader's name. */
struct image {
	uint8_t bytes[512];
	size_t len;
	bool wide, big;
};

static void put(struct image *image, size_t at, size_t n, uint64_t value)
{
	for (size_t i = 0; i < n; i++)
		image->bytes[image->big ? at + n - 1 - i : at + i] = (uint8_t)(value >> 8 * i);
}

#define PUT(image, base, type, name, value)                                 \
	do {                                                                \
		if ((image)->wide)                                          \
			put((image), (base) + offsetof(Elf64_##type, name), \
			    sizeof((Elf64_##type *)0)->name, (value));      \
		else                                                        \
			put((image), (base) + offsetof(Elf32_##type, name), \
			    sizeof((Elf32_##type *)0)->name, (value));      \
	} while (0)

static size_t table_at(const struct image *image)
{
	return image->wide ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);
}

static size_t entry_size(const struct image *image)
{
	return image->wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
}

static size_t name_at(const struct image *image)
{
	return table_at(image) + 2 * entry_size(image);
}

static struct image program(bool wide, bool big)
{
	struct image image = {.wide = wide, .big = big};
	size_t second = table_at(&image) + entry_size(&image);

	memcpy(image.bytes, ELFMAG, SELFMAG);
	image.bytes[EI_CLASS] = wide ? ELFCLASS64 : ELFCLASS32;
	image.bytes[EI_DATA] = big ? ELFDATA2MSB : ELFDATA2LSB;
	PUT(&image, 0, Ehdr, e_type, ET_DYN);
	PUT(&image, 0, Ehdr, e_machine, EM_X86_64);
	PUT(&image, 0, Ehdr, e_phoff, table_at(&image));
	PUT(&image, 0, Ehdr, e_phentsize, entry_size(&image));
	PUT(&image, 0, Ehdr, e_phnum, 2);
	PUT(&image, table_at(&image), Phdr, p_type, PT_LOAD);
	PUT(&image, second, Phdr, p_type, PT_INTERP);
	PUT(&image, second, Phdr, p_offset, name_at(&image));
	PUT(&image, second, Phdr, p_filesz, sizeof LOADER);
	memcpy(image.bytes + name_at(&image), LOADER, sizeof LOADER);
	image.len = name_at(&image) + sizeof LOADER;
	return image;
}

/* As a reader would: what is read ends where the file does. */
static int find(const struct image *image, struct elf_header *header, struct elf_span *name)
{
	int r = elf_parse_header(image->bytes, image->len, header);

	if (r < 0)
		return r;
	if (header->table_offset > image->len ||
	    image->len - header->table_offset < header->table_bytes)
		return -EBADMSG;
	return elf_find_loader(header, image->bytes + header->table_offset, header->table_bytes,
			       name);
}

START_TEST(takes_all_kinds)
{
	for (unsigned i = 0; i < 4; i++) {
		struct image image = program(i & 1, i & 2);
		struct elf_header header;
		struct elf_span name;

		ck_assert_int_eq(find(&image, &header, &name), 1);
		ck_assert_uint_eq(header.abi.machine, EM_X86_64);
		ck_assert_uint_eq(header.abi.width, i & 1 ? ELFCLASS64 : ELFCLASS32);
		ck_assert_uint_eq(header.abi.byte_order, i & 2 ? ELFDATA2MSB : ELFDATA2LSB);
		ck_assert_uint_eq(header.table_bytes, 2 * entry_size(&image));
		ck_assert_uint_eq(name.offset, name_at(&image));
		ck_assert_uint_eq(name.bytes, sizeof LOADER);
		ck_assert(elf_is_loader_name((char *)image.bytes + name.offset, name.bytes));
		/* no loader: static, be it ET_DYN or not */
		PUT(&image, table_at(&image) + entry_size(&image), Phdr, p_type, PT_NOTE);
		ck_assert_int_eq(find(&image, &header, &name), 0);
		PUT(&image, 0, Ehdr, e_type, ET_EXEC);
		ck_assert_int_eq(find(&image, &header, &name), 0);
	}
}
END_TEST

START_TEST(the_first_loader_counts)
{
	struct image image = program(true, false);
	struct elf_header header;
	struct elf_span name;

	PUT(&image, table_at(&image), Phdr, p_type, PT_INTERP);
	PUT(&image, table_at(&image), Phdr, p_offset, 7);
	PUT(&image, table_at(&image), Phdr, p_filesz, 9);
	ck_assert_int_eq(find(&image, &header, &name), 1);
	ck_assert_uint_eq(name.offset, 7);
	ck_assert_uint_eq(name.bytes, 9);
}
END_TEST

/* Torn anywhere it is refused, and nothing behind the end is looked at: the sanitizer watches. */
START_TEST(torn_anywhere)
{
	for (unsigned i = 0; i < 4; i++) {
		struct image image = program(i & 1, i & 2);

		for (size_t len = 0; len < name_at(&image); len++) {
			struct elf_header header;
			struct elf_span name;
			_cleanup_free_ uint8_t *torn = malloc(len + !len);
			int r;

			memcpy(torn, image.bytes, len);
			r = elf_parse_header(torn, len, &header);
			if (len < table_at(&image)) {
				ck_assert_int_eq(r, len < SELFMAG ? -ENOEXEC : -EBADMSG);
				continue;
			}
			ck_assert_int_eq(r, 0);
			ck_assert_int_eq(elf_find_loader(&header, torn + table_at(&image),
							 len - table_at(&image), &name),
					 -EBADMSG);
		}
	}
}
END_TEST

/* With the names that the test has. */
#define REFUSED(is_wide, base, type, field, value)                        \
	do {                                                              \
		image = program((is_wide), false);                        \
		PUT(&image, (base), type, field, (value));                \
		ck_assert_int_eq(find(&image, &header, &name), -EBADMSG); \
	} while (0)

START_TEST(refuses)
{
	struct image image = program(true, false);
	struct elf_header header;
	struct elf_span name;
	size_t second = table_at(&image) + entry_size(&image);

	REFUSED(true, 0, Ehdr, e_type, ET_NONE);
	REFUSED(true, 0, Ehdr, e_type, ET_REL);
	REFUSED(true, 0, Ehdr, e_type, ET_CORE);
	REFUSED(true, 0, Ehdr, e_phnum, 0);
	REFUSED(true, 0, Ehdr, e_phnum, PN_XNUM);
	REFUSED(true, 0, Ehdr, e_phnum, 65536 / sizeof(Elf64_Phdr) + 1);
	REFUSED(true, 0, Ehdr, e_phentsize, 0);
	REFUSED(true, 0, Ehdr, e_phentsize, sizeof(Elf64_Phdr) - 1);
	REFUSED(true, 0, Ehdr, e_phentsize, sizeof(Elf32_Phdr));
	REFUSED(false, 0, Ehdr, e_phentsize, sizeof(Elf64_Phdr));
	REFUSED(true, 0, Ehdr, e_phoff, UINT64_MAX);
	REFUSED(true, 0, Ehdr, e_phoff, UINT64_MAX - 100);
	REFUSED(true, 0, Ehdr, e_phoff, INT64_MAX);
	REFUSED(true, 0, Ehdr, e_phoff, 1000);
	REFUSED(false, 0, Ehdr, e_phoff, UINT32_MAX);
	REFUSED(true, second, Phdr, p_filesz, 0);
	REFUSED(true, second, Phdr, p_filesz, 1);
	REFUSED(true, second, Phdr, p_filesz, ELFKIND_LOADER_MAX + 1);
	REFUSED(true, second, Phdr, p_filesz, UINT64_MAX);
	REFUSED(true, second, Phdr, p_offset, UINT64_MAX);
	REFUSED(true, second, Phdr, p_offset, INT64_MAX);
	for (unsigned i = 0; i < SELFMAG; i++) {
		image = program(true, false);
		image.bytes[i] ^= 1;
		ck_assert_int_eq(find(&image, &header, &name), -ENOEXEC);
	}
	for (unsigned value = 0; value < 256; value++) {
		image = program(true, false);
		image.bytes[EI_CLASS] = (uint8_t)value;
		ck_assert(find(&image, &header, &name) != 1 || value == ELFCLASS64);
		image = program(true, false);
		image.bytes[EI_DATA] = (uint8_t)value;
		ck_assert(find(&image, &header, &name) != 1 || value == ELFDATA2LSB);
	}
}
END_TEST

START_TEST(the_largest_table)
{
	struct image image = program(true, false);
	size_t most = 65536 / sizeof(Elf64_Phdr);
	struct elf_header header;
	struct elf_span name;
	_cleanup_free_ uint8_t *table = calloc(most, sizeof(Elf64_Phdr));

	PUT(&image, 0, Ehdr, e_phnum, most);
	ck_assert_int_eq(elf_parse_header(image.bytes, image.len, &header), 0);
	ck_assert_uint_eq(header.table_bytes, most * sizeof(Elf64_Phdr));
	ck_assert_int_eq(elf_find_loader(&header, table, header.table_bytes, &name), 0);
	memcpy(table + header.table_bytes - sizeof(Elf64_Phdr),
	       image.bytes + table_at(&image) + entry_size(&image), sizeof(Elf64_Phdr));
	ck_assert_int_eq(elf_find_loader(&header, table, header.table_bytes, &name), 1);
	ck_assert_int_eq(elf_find_loader(&header, table, header.table_bytes - 1, &name), -EBADMSG);
}
END_TEST

START_TEST(untouched_on_failure)
{
	struct image image = program(true, false);
	struct elf_header header, before;
	struct elf_span name, name_before;

	memset(&before, 0x5a, sizeof before);
	memset(&name_before, 0x5a, sizeof name_before);
	header = before;
	name = name_before;
	PUT(&image, 0, Ehdr, e_phnum, 0);
	ck_assert_int_eq(elf_parse_header(image.bytes, image.len, &header), -EBADMSG);
	ck_assert_mem_eq(&header, &before, sizeof header);
	image = program(true, false);
	PUT(&image, table_at(&image) + entry_size(&image), Phdr, p_filesz, 1);
	ck_assert_int_eq(find(&image, &header, &name), -EBADMSG);
	ck_assert_mem_eq(&name, &name_before, sizeof name);
	ck_assert_int_eq(script_find_interpreter("#! \n", 4, &name), -ENOEXEC);
	ck_assert_mem_eq(&name, &name_before, sizeof name);
}
END_TEST

/* This program says of itself what the kernel has read of it. */
START_TEST(reads_itself)
{
	uint8_t buf[8192];
	struct elf_header header;
	struct elf_span name;
	_cleanup_close_ int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	ck_assert_int_eq(read(fd, buf, sizeof buf), sizeof buf);
	ck_assert_int_eq(elf_parse_header(buf, ELFKIND_HEADER_MAX, &header), 0);
	ck_assert_uint_eq(header.table_bytes, getauxval(AT_PHNUM) * getauxval(AT_PHENT));
	ck_assert_int_eq(
		elf_find_loader(&header, buf + header.table_offset, header.table_bytes, &name), 1);
	ck_assert_uint_le(name.offset + name.bytes, sizeof buf);
	ck_assert(elf_is_loader_name((char *)buf + name.offset, name.bytes));
	ck_assert(elf_is_glibc_loader((char *)buf + name.offset));
}
END_TEST

START_TEST(fit_together)
{
	static const struct elf_abi a = {EM_X86_64, ELFCLASS64, ELFDATA2LSB};
	static const struct elf_abi others[] = {
		{EM_386, ELFCLASS64, ELFDATA2LSB},
		{EM_X86_64, ELFCLASS32, ELFDATA2LSB}, /* x32 */
		{EM_X86_64, ELFCLASS64, ELFDATA2MSB},
	};

	ck_assert(elf_abi_equal(&a, &(struct elf_abi){EM_X86_64, ELFCLASS64, ELFDATA2LSB}));
	for (size_t i = 0; i < ROWS(others); i++)
		ck_assert(!elf_abi_equal(&a, &others[i]));
}
END_TEST

/* -- the dynamic loader ------------------------------------------------------------------------ */

START_TEST(loader_names)
{
	ck_assert(elf_is_loader_name("/", 2));
	ck_assert(elf_is_loader_name("a\0b", 4)); /* ends earlier, as for the kernel */
	ck_assert(!elf_is_loader_name("", 0));
	ck_assert(!elf_is_loader_name("", 1));
	ck_assert(!elf_is_loader_name("\0a", 3));
	ck_assert(!elf_is_loader_name("ab", 2));
}
END_TEST

START_TEST(glibc_or_not)
{
	static const char *const glibc[] = {
		"/lib64/ld-linux-x86-64.so.2",
		"/lib/ld-linux.so.2",
		"/libx32/ld-linux-x32.so.2",
		"/lib/ld-linux-aarch64.so.1",
		"/lib/ld-linux-armhf.so.3",
		"/lib/ld-linux-riscv64-lp64d.so.1",
		"/lib64/ld64.so.2",
		"/lib/ld.so.1",
		"/usr/lib/x86_64-linux-gnu/ld-2.31.so",
		"ld-linux.so.2",
	};
	static const char *const others[] = {
		"/lib/ld-musl-x86_64.so.1",
		"/lib/ld-uClibc.so.0",
		"/lib/ld64-uClibc.so.0",
		"/system/bin/linker64",
		"/libexec/ld-elf.so.1",
		"/lib/x86_64-linux-musl/libc.so",
		"/usr/bin/ld",
		"/lib/ld-linux-x86-64.so.2/",
		"/ld-linux/linker",
		"",
	};

	for (size_t i = 0; i < ROWS(glibc); i++)
		ck_assert_msg(elf_is_glibc_loader(glibc[i]), "%s", glibc[i]);
	for (size_t i = 0; i < ROWS(others); i++)
		ck_assert_msg(!elf_is_glibc_loader(others[i]), "%s", others[i]);
}
END_TEST

START_TEST(what_lib_stands_for)
{
	static const char *const rows[][2] = {
		{"/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", "lib/x86_64-linux-gnu"},
		{"/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", "lib/x86_64-linux-gnu"},
		{"/usr/lib32/ld-linux.so.2", "lib32"},
		{"/usr/libx32/ld.so", "libx32"},
		{"/lib64/ld-linux-x86-64.so.2", "lib64"},
		{"/lib/ld-linux.so.2", "lib"},
		{"/nix/store/x-glibc/lib/ld-linux-x86-64.so.2", NULL},
		{"/opt/lib/ld-linux-x86-64.so.2", NULL},
		{"/ld-linux.so.2", NULL},
		{"/libld-linux.so.2", NULL},
		{"lib/ld-linux.so.2", NULL},
		{"/", NULL},
		{"", NULL},
	};
	char lib[32];

	for (size_t i = 0; i < ROWS(rows); i++) {
		(void)strcpy(lib, "?");
		ck_assert_int_eq(elf_loader_lib(rows[i][0], lib, sizeof lib),
				 rows[i][1] ? 0 : -EINVAL);
		ck_assert_str_eq(lib, rows[i][1] ? rows[i][1] : "?");
	}
	ck_assert_int_eq(elf_loader_lib("/usr/lib32/ld.so.1", lib, 6), 0);
	ck_assert_int_eq(elf_loader_lib("/usr/lib32/ld.so.1", lib, 5), -ENAMETOOLONG);
}
END_TEST

/* -- scripts ----------------------------------------------------------------------------------- */

static void check_script(const char *text, size_t len, const char *expected)
{
	struct elf_span name = {0};
	_cleanup_free_ char *exact = malloc(len + !len); /* for the sanitizer */
	int r;

	memcpy(exact, text, len);
	r = script_find_interpreter(exact, len, &name);
	ck_assert_msg(r == (expected ? 0 : -ENOEXEC), "%.*s: %d", (int)len, text, r);
	if (!expected)
		return;
	ck_assert_uint_eq(name.bytes, strlen(expected));
	ck_assert_mem_eq(text + name.offset, expected, name.bytes);
}

START_TEST(interpreters)
{
	static const struct {
		const char *text, *expected;
	} rows[] = {
		{"#!/bin/sh\n", "/bin/sh"},
		{"#!/bin/sh", "/bin/sh"},
		{"#! \t /bin/sh -e -x\necho\n", "/bin/sh"},
		{"#!/bin/sh\t-e", "/bin/sh"},
		{"#!/bin/sh \n", "/bin/sh"},
		{"#!/bin/sh\r\n", "/bin/sh\r"}, /* as the kernel has it */
		{"#!sh\n", "sh"},
		{"#!#!\n", "#!"},
		{"#!", NULL},
		{"#", NULL},
		{"", NULL},
		{"#!\n", NULL},
		{"#! \t\n/bin/sh\n", NULL},
		{"#!   ", NULL},
		{"# !/bin/sh\n", NULL},
		{" #!/bin/sh\n", NULL},
		{"\xef\xbb\xbf#!/bin/sh\n", NULL}, /* a byte order mark */
		{"\n#!/bin/sh\n", NULL},
	};

	for (size_t i = 0; i < ROWS(rows); i++)
		check_script(rows[i].text, strlen(rows[i].text), rows[i].expected);
	check_script("#!/bin/sh\0/x\n", 13, "/bin/sh");
	check_script("#!\0/bin/sh\n", 11, NULL);
}
END_TEST

START_TEST(long_lines)
{
	char text[400], name[400];

	memset(text, 'x', sizeof text);
	memcpy(text, "#!", 2);
	check_script(text, sizeof text, NULL);
	check_script(text, ELFKIND_SCRIPT_LINE, NULL);
	/* a shorter file has zeros behind it */
	memset(name, 0, sizeof name);
	memset(name, 'x', ELFKIND_SCRIPT_LINE - 3);
	check_script(text, ELFKIND_SCRIPT_LINE - 1, name);
	/* the last byte that is looked at may be the end of the name, not the next one */
	text[ELFKIND_SCRIPT_LINE] = '\n';
	check_script(text, sizeof text, NULL);
	text[ELFKIND_SCRIPT_LINE - 1] = ' ';
	check_script(text, sizeof text, name);
	/* an argument that is cut off is no matter */
	text[9] = ' ';
	check_script(text, sizeof text, "xxxxxxx");
	memset(text + 2, ' ', sizeof text - 2);
	check_script(text, sizeof text, NULL);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		takes_all_kinds,     the_first_loader_counts,
		torn_anywhere,	     refuses,
		the_largest_table,   untouched_on_failure,
		reads_itself,	     fit_together,
		loader_names,	     glibc_or_not,
		what_lib_stands_for, interpreters,
		long_lines,
	};

	return RUN_TESTS("elfkind", tests);
}
