/* SPDX-License-Identifier: MIT */
/* A library of 4,096 functions, each on a page of its own: 16 MiB of code. biglib_call(n) calls the
 * nth. */
/* clang-format off */
#define ONE(n)                                                              \
	static __attribute__((aligned(4096), noinline)) int part_##n(int x) \
	{                                                                   \
		return x + 0x##n;                                           \
	}
#define NAME(n) part_##n,
#define OF_16(what, n)                                                                          \
	what(n##0) what(n##1) what(n##2) what(n##3) what(n##4) what(n##5) what(n##6) what(n##7) \
		what(n##8) what(n##9) what(n##a) what(n##b) what(n##c) what(n##d) what(n##e)    \
			what(n##f)
#define OF_256(what, n)                                                                           \
	OF_16(what, n##0)                                                                         \
	OF_16(what, n##1)                                                                         \
	OF_16(what, n##2) OF_16(what, n##3) OF_16(what, n##4) OF_16(what, n##5) OF_16(what, n##6) \
		OF_16(what, n##7) OF_16(what, n##8) OF_16(what, n##9) OF_16(what, n##a)           \
			OF_16(what, n##b) OF_16(what, n##c) OF_16(what, n##d) OF_16(what, n##e)   \
				OF_16(what, n##f)
#define ALL(what)                                                                               \
	OF_256(what, 0)                                                                         \
	OF_256(what, 1)                                                                         \
	OF_256(what, 2) OF_256(what, 3) OF_256(what, 4) OF_256(what, 5) OF_256(what, 6)         \
		OF_256(what, 7) OF_256(what, 8) OF_256(what, 9) OF_256(what, a) OF_256(what, b) \
			OF_256(what, c) OF_256(what, d) OF_256(what, e) OF_256(what, f)

int biglib_call(unsigned n, int x);

ALL(ONE)
static int (*const parts[])(int) = { ALL(NAME) };
/* clang-format on */

int biglib_call(unsigned n, int x)
{
	return parts[n % (sizeof parts / sizeof *parts)](x);
}
