/* SPDX-License-Identifier: MIT */
#include "sys/machregs.h"

#include <elf.h>

#if defined(__aarch64__)

struct regs_64 {
	uint64_t x[31], sp, pc, pstate;
};

#define PSTATE_BTYPE (UINT64_C(3) << 10)

const int machregs_extended[MACHREGS_N_EXTENDED] = {NT_ARM_SVE, NT_PRFPREG};

bool machregs_known(size_t bytes)
{
	return bytes == sizeof(struct regs_64);
}

bool machregs_divert(unsigned char *regs, size_t bytes, uint64_t pc, uint64_t sp)
{
	struct regs_64 *wide = (void *)regs;

	(void)bytes;
	wide->pc = pc;
	wide->sp = sp;
	wide->x[29] = 0;
	wide->pstate &= ~PSTATE_BTYPE;
	return true;
}

#else /* x86-64; machregs_known tells it from any other */

/* As the kernel lays them out for PTRACE_GETREGSET, user_regs_struct of <asm/ptrace.h>; which of
 * the two is told by the length. */
struct regs_64 {
	uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi, orig_rax,
		rip, cs, eflags, rsp, ss, fs_base, gs_base, ds, es, fs, gs;
};
struct regs_32 {
	uint32_t ebx, ecx, edx, esi, edi, ebp, eax, ds, es, fs, gs, orig_eax, eip, cs, eflags, esp,
		ss;
};

#define EFLAGS_PLAIN 0x202U /* interrupts on, no direction, no trap */

const int machregs_extended[MACHREGS_N_EXTENDED] = {NT_X86_XSTATE, NT_PRFPREG};

bool machregs_known(size_t bytes)
{
	return bytes == sizeof(struct regs_32) || bytes == sizeof(struct regs_64);
}

bool machregs_divert(unsigned char *regs, size_t bytes, uint64_t pc, uint64_t sp)
{
	struct regs_64 *wide = (void *)regs;
	struct regs_32 *narrow = (void *)regs;

	if (bytes == sizeof *wide) {
		wide->rip = pc;
		wide->rsp = sp;
		wide->rbp = 0;
		wide->eflags = EFLAGS_PLAIN;
		wide->orig_rax = UINT64_MAX;
		return true;
	}
	if (pc > UINT32_MAX || sp > UINT32_MAX)
		return false;
	narrow->eip = (uint32_t)pc;
	narrow->esp = (uint32_t)sp;
	narrow->ebp = 0;
	narrow->eflags = EFLAGS_PLAIN;
	narrow->orig_eax = UINT32_MAX;
	return true;
}

void machregs_set_call(unsigned char *regs, size_t bytes, uint32_t number)
{
	if (bytes == sizeof(struct regs_64))
		((struct regs_64 *)(void *)regs)->orig_rax = number;
	else
		((struct regs_32 *)(void *)regs)->orig_eax = number;
}

#endif
