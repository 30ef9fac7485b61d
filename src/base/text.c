/* SPDX-License-Identifier: MIT */
#include "base/text.h"

#include "base/units.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct text text_over(char *buf, size_t cap)
{
	buf[0] = '\0';
	return (struct text){.buf = buf, .cap = cap};
}

void text_addf(struct text *text, const char *format, ...)
{
	size_t room = text->cap - text->len;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text->buf + text->len, room, format, args);
	va_end(args);
	if (n < 0)
		return;
	if ((size_t)n >= room) {
		text->cut = true;
		n = (int)room - 1;
	}
	text->len += (size_t)n;
}

void text_add(struct text *text, const char *string)
{
	text_addf(text, "%s", string);
}

void text_add_bytes(struct text *text, uint64_t bytes)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	uint64_t unit = 1;
	size_t i = 0;

	while (i < 6 && bytes / unit >= KIB) {
		unit *= KIB;
		i++;
	}
	if (i == 0 || bytes / unit >= 100)
		text_addf(text, "%llu%s", (unsigned long long)(bytes / unit), units[i]);
	else
		text_addf(text, "%llu.%llu%s", (unsigned long long)(bytes / unit),
			  (unsigned long long)(bytes % unit * 10 / unit), units[i]);
}

void text_add_duration(struct text *text, uint64_t ns)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {{"d", 24 * NS_PER_H}, {"h", NS_PER_H}, {"min", NS_PER_MIN}, {"s", NS_PER_S}};

	if (ns < NS_PER_S) {
		text_addf(text, "%llums", (unsigned long long)(ns / NS_PER_MS));
		return;
	}
	for (size_t i = 0; i < 4; i++) {
		uint64_t rest = ns % units[i].ns;

		if (ns < units[i].ns)
			continue;
		text_addf(text, "%llu%s", (unsigned long long)(ns / units[i].ns), units[i].name);
		if (i < 3 && rest >= units[i + 1].ns)
			text_addf(text, "%llu%s", (unsigned long long)(rest / units[i + 1].ns),
				  units[i + 1].name);
		return;
	}
}

void text_add_safe(struct text *text, const char *string)
{
	for (; *string; string++) {
		bool plain = *string > ' ' && *string < 0x7f && *string != '=' && *string != '"';

		if (text->len + 1 >= text->cap) {
			text->cut = true;
			return;
		}
		text->buf[text->len++] = '?';
		if (plain)
			text->buf[text->len - 1] = *string;
		text->buf[text->len] = '\0';
	}
}

struct text_small text_bytes(uint64_t bytes)
{
	struct text_small small = {0};
	struct text text = TEXT_OVER(small.buf);

	text_add_bytes(&text, bytes);
	return small;
}

struct text_small text_duration(uint64_t ns)
{
	struct text_small small = {0};
	struct text text = TEXT_OVER(small.buf);

	text_add_duration(&text, ns);
	return small;
}

struct text_small text_safe(const char *string)
{
	struct text_small small = {0};
	struct text text = TEXT_OVER(small.buf);

	text_add_safe(&text, string);
	return small;
}

const char *text_error(int error)
{
	const char *text = strerrordesc_np(error);

	return text ? text : "unknown error";
}
