/* SPDX-License-Identifier: MIT */
/* Registers of a thread as PTRACE_GETREGSET has them, by machine. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The sets for vectors and floats, NT_ of <elf.h>: the first that the machine has says all. */
#define MACHREGS_N_EXTENDED 2
extern const int machregs_extended[MACHREGS_N_EXTENDED];

/* Whether a set of general registers (NT_PRSTATUS) of that length is one that we know. */
bool machregs_known(size_t bytes);

/* Has the thread go on at pc, with the stack at sp, and without making the system call again that
 * it was in. False where it can't have such addresses. */
bool machregs_divert(unsigned char *regs, size_t bytes, uint64_t pc, uint64_t sp);

#ifndef __aarch64__ /* where the number of the system call is a set of its own */
/* At the beginning of a system call: makes it that one. */
void machregs_set_call(unsigned char *regs, size_t bytes, uint32_t number);
#endif
