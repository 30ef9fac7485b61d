/* SPDX-License-Identifier: MIT */
#include "base/num.h"

#include "base/units.h"
#include "fuzz/fuzz.h"

#include <errno.h>
#include <stdio.h>

static int is_fault(int r)
{
	return r == -EINVAL || r == -ERANGE;
}

static void try_numbers(const char *text)
{
	uint64_t number, wide;
	int64_t with_sign;
	char shown[32];
	int r;

	memset(&number, PATTERN, sizeof number);
	r = num_u64(text, &number);
	if (r == 0) {
		const char *digits = text + strspn(text, "0");

		(void)snprintf(shown, sizeof shown, "%llu", (unsigned long long)number);
		HOLDS(strcmp(shown, *digits ? digits : "0") == 0);
		HOLDS(num_bytes(text, &wide) == 0 && wide == number);
	} else {
		HOLDS(is_fault(r) && is_untouched(&number, sizeof number));
	}
	memset(&with_sign, PATTERN, sizeof with_sign);
	r = num_i64(text, &with_sign);
	if (r == 0) {
		(void)snprintf(shown, sizeof shown, "%lld", (long long)with_sign);
		HOLDS(strlen(shown) <= strlen(text));
		HOLDS((with_sign < 0) <= (*text == '-'));
	} else {
		HOLDS(is_fault(r) && is_untouched(&with_sign, sizeof with_sign));
	}
}

static void try_amounts(const char *text)
{
	uint64_t bytes, ns;
	unsigned share;
	int truth, r;

	memset(&bytes, PATTERN, sizeof bytes);
	r = num_bytes(text, &bytes);
	HOLDS(r == 0 || (is_fault(r) && is_untouched(&bytes, sizeof bytes)));
	memset(&ns, PATTERN, sizeof ns);
	r = num_duration(text, &ns);
	HOLDS(r == 0 ? ns % NS_PER_MS == 0 : is_fault(r) && is_untouched(&ns, sizeof ns));
	memset(&share, PATTERN, sizeof share);
	r = num_permyriad(text, &share);
	HOLDS(r == 0 ? share <= PERMYRIAD_ONE : is_fault(r) && is_untouched(&share, sizeof share));
	memset(&truth, PATTERN, sizeof truth);
	r = num_bool(text, &truth);
	HOLDS(r == 0 ? truth == 0 || truth == 1
		     : r == -EINVAL && is_untouched(&truth, sizeof truth));
}

static void try_scan(const uint8_t *data, size_t size)
{
	const char *at = (const char *)data, *end = at + size;
	uint64_t number;
	int r;

	memset(&number, PATTERN, sizeof number);
	r = num_scan_u64(&at, end, &number);
	if (r < 0)
		HOLDS(is_fault(r) && at == (const char *)data &&
		      is_untouched(&number, sizeof number));
	else
		HOLDS(at > (const char *)data && at <= end &&
		      (at == end || *at < '0' || *at > '9'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	HOLDS(text);
	memcpy(text, data, size);
	text[size] = '\0';
	try_scan(data, size);
	try_numbers(text);
	try_amounts(text);
	free(text);
	return 0;
}
