/* SPDX-License-Identifier: MIT */
#include "shim/words.h"

#include <errno.h>

struct words words_over(char *buf, size_t cap)
{
	buf[0] = '\0';
	return (struct words){.buf = buf, .cap = cap};
}

static void add_char(struct words *words, char c)
{
	if (words->len + 1 >= words->cap) {
		words->cut = true;
		return;
	}
	words->buf[words->len++] = c;
	words->buf[words->len] = '\0';
}

void words_add(struct words *words, const char *string)
{
	for (; *string; string++)
		add_char(words, *string);
}

void words_add_safe(struct words *words, const char *string)
{
	for (; *string; string++) {
		char c = *string;

		if (c <= ' ' || c == 0x7f || c == '/')
			c = '?';
		add_char(words, c);
	}
}

void words_add_printable(struct words *words, const char *string)
{
	for (; *string; string++) {
		char c = *string;

		if ((unsigned char)c < ' ' || c == 0x7f)
			c = '?';
		add_char(words, c);
	}
}

void words_add_number(struct words *words, uint64_t number)
{
	char digits[20];
	size_t n = 0;

	do {
		digits[n++] = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	while (n)
		add_char(words, digits[--n]);
}

bool words_equal(const char *a, const char *b)
{
	for (; *a && *a == *b; a++)
		b++;
	return *a == *b;
}

const char *words_after(const char *string, const char *prefix)
{
	for (; *prefix; prefix++)
		if (*string++ != *prefix)
			return NULL;
	return string;
}

bool words_number(const char **at, unsigned base, uint64_t *ret)
{
	const char *c = *at;
	uint64_t number = 0;

	for (;; c++) {
		unsigned digit = *c >= '0' && *c <= '9'	  ? (unsigned)(*c - '0')
				 : *c >= 'a' && *c <= 'f' ? (unsigned)(*c - 'a') + 10
							  : base;

		if (digit >= base)
			break;
		if (number > (UINT64_MAX - digit) / base)
			return false;
		number = number * base + digit;
	}
	if (c == *at)
		return false;
	*at = c;
	*ret = number;
	return true;
}

const char *words_errno(int error)
{
	switch (error < 0 ? -error : error) {
#define NAME(code) \
	case code: return #code
		NAME(EPERM);
		NAME(ENOENT);
		NAME(ESRCH);
		NAME(EINTR);
		NAME(EIO);
		NAME(EBADF);
		NAME(EAGAIN);
		NAME(ENOMEM);
		NAME(EACCES);
		NAME(EFAULT);
		NAME(EBUSY);
		NAME(EEXIST);
		NAME(EXDEV);
		NAME(ENODEV);
		NAME(ENOTDIR);
		NAME(EISDIR);
		NAME(EINVAL);
		NAME(ENFILE);
		NAME(EMFILE);
		NAME(EFBIG);
		NAME(ENOSPC);
		NAME(EROFS);
		NAME(ELOOP);
		NAME(ENAMETOOLONG);
		NAME(ENOSYS);
		NAME(ENOTSUP);
		NAME(EDQUOT);
		NAME(ESTALE);
		NAME(ETIMEDOUT);
		NAME(EBADMSG);
		NAME(ECANCELED);
		NAME(E2BIG);
		NAME(EINPROGRESS);
		NAME(EHWPOISON);
#undef NAME
	default: return NULL;
	}
}
