/* SPDX-License-Identifier: MIT */
/* The table of swap -l. */
#pragma once
#include <stddef.h>

#define SWAP_COLUMNS 6

struct swap_row {
	char cell[SWAP_COLUMNS][40];
};

/* Prints them on stdout under their headings, aligned. */
void swap_table_print(const struct swap_row *rows, size_t n);
