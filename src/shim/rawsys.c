/* SPDX-License-Identifier: MIT */
#include "shim/rawsys.h"

#include <sched.h>

/* The child's first frame: what it calls, and with what. */
struct start {
	void (*fn)(void *);
	void *arg;
};

/* Written apart from raw6, for the child returns from the kernel on another stack. */
long raw_clone_on(unsigned long flags, struct start *stack, int *tid, int *gone)
	__attribute__((visibility("hidden")));

#if defined(__x86_64__)
__asm__(".text\n"
	".hidden raw_clone_on\n"
	".globl raw_clone_on\n"
	".type raw_clone_on, @function\n"
	"raw_clone_on:\n\t"
	"mov %rcx, %r10\n\t" /* gone; flags, stack and tid lie where they belong */
	"xor %r8d, %r8d\n\t"
	"mov $56, %eax\n\t"
	"syscall\n\t"
	"test %rax, %rax\n\t"
	"jnz 1f\n\t"
	"xor %ebp, %ebp\n\t"
	"pop %rax\n\t"
	"pop %rdi\n\t"
	"call *%rax\n\t"
	"xor %edi, %edi\n\t"
	"mov $60, %eax\n\t"
	"syscall\n\t"
	"hlt\n"
	"1:\tret\n\t"
	".size raw_clone_on, . - raw_clone_on\n");
#elif defined(__i386__)
__asm__(".text\n"
	".hidden raw_clone_on\n"
	".globl raw_clone_on\n"
	".type raw_clone_on, @function\n"
	"raw_clone_on:\n\t"
	"push %ebx\n\t"
	"push %esi\n\t"
	"push %edi\n\t"
	"mov 16(%esp), %ebx\n\t"
	"mov 20(%esp), %ecx\n\t"
	"mov 24(%esp), %edx\n\t"
	"mov 28(%esp), %edi\n\t"
	"xor %esi, %esi\n\t"
	"mov $120, %eax\n\t"
	"int $0x80\n\t"
	"test %eax, %eax\n\t"
	"jnz 1f\n\t"
	"xor %ebp, %ebp\n\t"
	"pop %eax\n\t"	 /* leaves the argument on top, where the callee expects it above its */
	"call *%eax\n\t" /* return address */
	"xor %ebx, %ebx\n\t"
	"mov $1, %eax\n\t"
	"int $0x80\n\t"
	"hlt\n"
	"1:\tpop %edi\n\t"
	"pop %esi\n\t"
	"pop %ebx\n\t"
	"ret\n\t"
	".size raw_clone_on, . - raw_clone_on\n");
#elif defined(__aarch64__)
__asm__(".text\n"
	".hidden raw_clone_on\n"
	".globl raw_clone_on\n"
	".type raw_clone_on, %function\n"
	"raw_clone_on:\n\t"
	"mov x4, x3\n\t" /* flags, stack, tid, tls, gone */
	"mov x3, xzr\n\t"
	"mov x8, #220\n\t"
	"svc #0\n\t"
	"cbnz x0, 1f\n\t"
	"mov x29, xzr\n\t"
	"ldp x1, x0, [sp], #16\n\t"
	"blr x1\n\t"
	"mov x0, xzr\n\t"
	"mov x8, #93\n\t"
	"svc #0\n\t"
	"brk #1\n"
	"1:\tret\n\t"
	".size raw_clone_on, . - raw_clone_on\n");
#endif

long raw_clone(unsigned long flags, void *stack_end, void (*fn)(void *), void *arg, int *tid,
	       int *gone)
{
	/* 32 bytes keep the 16 that every one of the three ABIs wants at a call: x86-64 pops both
	 * words before it, i386 one of two and finds its argument at a multiple of 16 */
	uintptr_t end = ((uintptr_t)stack_end & ~(uintptr_t)15) - 32;
	struct start *start;

	if (sizeof(void *) == 4)
		end += 12; /* 16-byte aligned after the first word is popped */
	start = (struct start *)end;
	start->fn = fn;
	start->arg = arg;
	if (tid)
		flags |= CLONE_PARENT_SETTID;
	if (gone)
		flags |= CLONE_CHILD_CLEARTID;
	return raw_clone_on(flags, start, tid, gone);
}
