/* SPDX-License-Identifier: MIT */
/*
 * CRC32C (Castagnoli, reflected polynomial 0x82f63b78, RFC 3720 appendix B.4), without a library,
 * for the shim has none. Bulk data takes the processor's instruction in four independent lanes:
 * it has a latency of three cycles and a throughput of one.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

/* Continues crc (0 at first) over len bytes. Slow: for headers. */
static inline uint32_t crc32c(uint32_t crc, const void *data, size_t len)
{
	static const uint32_t nibble[16] = {0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1,
					    0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
					    0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
					    0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75};
	const unsigned char *byte = data;

	crc = ~crc;
	for (; len; len--, byte++) {
		crc = nibble[(crc ^ *byte) & 15] ^ (crc >> 4);
		crc = nibble[(crc ^ (uint32_t)(*byte >> 4)) & 15] ^ (crc >> 4);
	}
	return ~crc;
}

/* Whether this processor has the instruction. Not cheap (a virtual machine leaves to its host). */
static inline bool crc32c_fast(void)
{
#if defined(__x86_64__) || defined(__i386__)
	unsigned a, b, c = 0, d;

	return __get_cpuid(1, &a, &b, &c, &d) && (c & (1U << 20)); /* SSE4.2 */
#elif defined(__aarch64__)
	uint64_t isar0;

	/* user space may read it since Linux 4.11, which emulates it */
	__asm__("mrs %0, ID_AA64ISAR0_EL1" : "=r"(isar0));
	return (isar0 >> 16) & 15;
#else
	return false;
#endif
}

/* One 64-bit word into a register that holds a CRC, uninverted. */
static inline uint32_t crc32c_word(uint32_t crc, uint64_t word)
{
#if defined(__x86_64__)
	uint64_t wide = crc;

	__asm__("crc32q %1, %0" : "+r"(wide) : "rm"(word));
	return (uint32_t)wide;
#elif defined(__i386__)
	__asm__("crc32l %1, %0" : "+r"(crc) : "rm"((uint32_t)word));
	__asm__("crc32l %1, %0" : "+r"(crc) : "rm"((uint32_t)(word >> 32)));
	return crc;
#elif defined(__aarch64__)
	__asm__(".arch_extension crc\n\tcrc32cx %w0, %w0, %x1" : "+r"(crc) : "r"(word));
	return crc;
#else
	return ~crc32c(~crc, &word, sizeof(word));
#endif
}

/*
 * Continues four CRCs (0 at first) over len bytes, a multiple of 32, at an address that is one of
 * 8: lane n takes the 64-bit words n, n + 4, n + 8 and so on. fast is what crc32c_fast said.
 */
static inline void crc32c_lanes(bool fast, uint32_t lanes[4], const void *data, size_t len)
{
	const uint64_t *word = data, *end = word + len / sizeof(*word);
	uint32_t a = ~lanes[0], b = ~lanes[1], c = ~lanes[2], d = ~lanes[3];

	if (fast)
		for (; word != end; word += 4) {
			a = crc32c_word(a, word[0]);
			b = crc32c_word(b, word[1]);
			c = crc32c_word(c, word[2]);
			d = crc32c_word(d, word[3]);
		}
	else
		for (; word != end; word += 4) {
			a = ~crc32c(~a, word + 0, sizeof(*word));
			b = ~crc32c(~b, word + 1, sizeof(*word));
			c = ~crc32c(~c, word + 2, sizeof(*word));
			d = ~crc32c(~d, word + 3, sizeof(*word));
		}
	lanes[0] = ~a;
	lanes[1] = ~b;
	lanes[2] = ~c;
	lanes[3] = ~d;
}
