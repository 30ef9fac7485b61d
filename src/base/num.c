/* SPDX-License-Identifier: MIT */
#include "base/num.h"

#include "base/units.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

int num_scan_u64(const char **at, const char *end, uint64_t *ret)
{
	const char *p = *at;
	uint64_t value = 0;

	if (p >= end || *p < '0' || *p > '9')
		return -EINVAL;
	for (; p < end && *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(value, 10u, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*p - '0'), &value))
			return -ERANGE;
	*at = p;
	*ret = value;
	return 0;
}

int num_u64(const char *text, uint64_t *ret)
{
	const char *end = text + strlen(text);
	uint64_t value;
	int r = num_scan_u64(&text, end, &value);

	if (r < 0)
		return r;
	if (text != end)
		return -EINVAL;
	*ret = value;
	return 0;
}

int num_i64(const char *text, int64_t *ret)
{
	int negative = *text == '-';
	uint64_t value;
	int r = num_u64(text + negative, &value);

	if (r < 0)
		return r;
	if (value > (uint64_t)INT64_MAX + (uint64_t)negative)
		return -ERANGE;
	*ret = (int64_t)(negative ? -value : value);
	return 0;
}

int num_bytes(const char *text, uint64_t *ret_bytes)
{
	static const struct {
		char suffix;
		uint64_t factor;
	} units[] = {{'K', KIB}, {'M', MIB}, {'G', GIB}, {'T', TIB}};
	const char *end = text + strlen(text);
	uint64_t value, factor = 1;
	int r = num_scan_u64(&text, end, &value);

	if (r < 0)
		return r;
	for (size_t i = 0; text < end && i < sizeof units / sizeof *units; i++)
		if ((*text & ~0x20) == units[i].suffix) {
			factor = units[i].factor;
			text++;
			break;
		}
	if (text != end)
		return -EINVAL;
	if (__builtin_mul_overflow(value, factor, &value))
		return -ERANGE;
	*ret_bytes = value;
	return 0;
}

/* The unit at *at, in ns; moves past it. 0 where none of ours stands there. */
static uint64_t duration_unit(const char **at)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {{"ms", NS_PER_MS}, {"min", NS_PER_MIN}, {"s", NS_PER_S}, {"h", NS_PER_H}};

	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		size_t len = strlen(units[i].name);

		if (strncmp(*at, units[i].name, len) == 0) {
			*at += len;
			return units[i].ns;
		}
	}
	return 0;
}

int num_duration(const char *text, uint64_t *ret_ns)
{
	const char *start = text, *end = text + strlen(text);
	uint64_t total = 0, value, unit;

	do {
		bool first = text == start;
		int r = num_scan_u64(&text, end, &value);

		if (r < 0)
			return r;
		unit = duration_unit(&text);
		if (unit == 0 && (*text != '\0' || !first))
			return -EINVAL;
		if (unit == 0)
			unit = NS_PER_S;
		if (__builtin_mul_overflow(value, unit, &value) ||
		    __builtin_add_overflow(total, value, &total))
			return -ERANGE;
		if (*text == ' ' && text[1] != '\0')
			text++;
	} while (text < end);
	*ret_ns = total;
	return 0;
}

int num_permyriad(const char *text, unsigned *ret_permyriad)
{
	const char *end = text + strlen(text);
	uint64_t whole, hundredths = 0;
	int r = num_scan_u64(&text, end, &whole);

	if (r < 0)
		return r;
	if (*text == '.') {
		const char *digits = ++text;

		r = num_scan_u64(&text, end, &hundredths);
		if (r < 0 || text - digits > 2)
			return -EINVAL;
		if (text - digits == 1)
			hundredths *= 10;
	}
	if (*text == '%')
		text++;
	if (text != end)
		return -EINVAL;
	if (whole > 100 || whole * 100 + hundredths > PERMYRIAD_ONE)
		return -ERANGE;
	*ret_permyriad = (unsigned)(whole * 100 + hundredths);
	return 0;
}

int num_bool(const char *text, int *ret)
{
	static const char *const yes[] = {"yes", "on", "true", "1"};
	static const char *const no[] = {"no", "off", "false", "0"};

	for (size_t i = 0; i < 4; i++) {
		if (strcmp(text, yes[i]) == 0) {
			*ret = 1;
			return 0;
		}
		if (strcmp(text, no[i]) == 0) {
			*ret = 0;
			return 0;
		}
	}
	return -EINVAL;
}

int num_scan_kib(const char *at, const char *end, uint64_t *ret_bytes)
{
	uint64_t kib, bytes;

	while (at < end && *at == ' ')
		at++;
	if (num_scan_u64(&at, end, &kib) < 0 || end - at != 3 || memcmp(at, " kB", 3) != 0)
		return -EBADMSG;
	bytes = bytes_from_kib(kib);
	if (bytes == UINT64_MAX)
		return -EBADMSG;
	*ret_bytes = bytes;
	return 0;
}
