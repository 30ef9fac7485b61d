/* SPDX-License-Identifier: MIT */
/*
 * System calls without a library: no errno, no TLS, no cancellation, so that they can be made on
 * a stack that libc knows nothing of. All return what the kernel returns: -errno on failure.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
static inline long raw6(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}
#elif defined(__i386__)
/* The sixth argument goes into the frame pointer, which the compiler won't give away: all of
 * them are handed over in memory. */
static inline long raw6(long nr, long a, long b, long c, long d, long e, long f)
{
	long args[] = {nr, a, b, c, d, e, f};
	long result = (long)args;

	__asm__ volatile("pushl %%ebp\n\t"
			 "pushl %%ebx\n\t"
			 "movl 4(%%eax), %%ebx\n\t"
			 "movl 8(%%eax), %%ecx\n\t"
			 "movl 12(%%eax), %%edx\n\t"
			 "movl 16(%%eax), %%esi\n\t"
			 "movl 20(%%eax), %%edi\n\t"
			 "movl 24(%%eax), %%ebp\n\t"
			 "movl 0(%%eax), %%eax\n\t"
			 "int $0x80\n\t"
			 "popl %%ebx\n\t"
			 "popl %%ebp"
			 : "+a"(result)
			 :
			 : "ecx", "edx", "esi", "edi", "memory");
	return result;
}
#elif defined(__aarch64__)
static inline long raw6(long nr, long a, long b, long c, long d, long e, long f)
{
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc #0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return x0;
}
#else
#error "no system calls for this architecture: x86-64, i386 and aarch64 have them"
#endif

/* What stands for a pointer or a number alike */
#define RAW_ARG(x) ((long)(x))
#define RAW_0(nr) raw6((nr), 0, 0, 0, 0, 0, 0)
#define RAW_1(nr, a) raw6((nr), RAW_ARG(a), 0, 0, 0, 0, 0)
#define RAW_2(nr, a, b) raw6((nr), RAW_ARG(a), RAW_ARG(b), 0, 0, 0, 0)
#define RAW_3(nr, a, b, c) raw6((nr), RAW_ARG(a), RAW_ARG(b), RAW_ARG(c), 0, 0, 0)
#define RAW_4(nr, a, b, c, d) raw6((nr), RAW_ARG(a), RAW_ARG(b), RAW_ARG(c), RAW_ARG(d), 0, 0)
#define RAW_5(nr, a, b, c, d, e) \
	raw6((nr), RAW_ARG(a), RAW_ARG(b), RAW_ARG(c), RAW_ARG(d), RAW_ARG(e), 0)
#define RAW_6(nr, a, b, c, d, e, f) \
	raw6((nr), RAW_ARG(a), RAW_ARG(b), RAW_ARG(c), RAW_ARG(d), RAW_ARG(e), RAW_ARG(f))

/*
 * clone(2) with a stack: the child calls fn(arg) on it and ends with exit(2) when that returns.
 * tid, if not NULL, takes the child's id before this returns or fn runs (CLONE_PARENT_SETTID is
 * set for it); gone, if not NULL, is set to 0 and woken as a futex when the child has left the
 * stack (CLONE_CHILD_CLEARTID). Returns the child's id or -errno.
 */
long raw_clone(unsigned long flags, void *stack_end, void (*fn)(void *), void *arg, int *tid,
	       int *gone);
