/* SPDX-License-Identifier: MIT */
#include "cli/swap_table.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const struct swap_row headings = {
	.cell = {"PID", "NAME", "STATE", "RESIDENT", "IMAGE", "SINCE"}};
static const bool is_number[SWAP_COLUMNS] = {true, false, false, true, true, true};

static void print_row(const struct swap_row *row, const int width[SWAP_COLUMNS])
{
	for (size_t i = 0; i < SWAP_COLUMNS; i++)
		printf("%s%*s", i ? "  " : "", is_number[i] ? width[i] : -width[i], row->cell[i]);
	puts("");
}

void swap_table_print(const struct swap_row *rows, size_t n)
{
	int width[SWAP_COLUMNS];

	for (size_t i = 0; i < SWAP_COLUMNS; i++) {
		width[i] = (int)strlen(headings.cell[i]);
		for (size_t at = 0; at < n; at++)
			if ((int)strlen(rows[at].cell[i]) > width[i])
				width[i] = (int)strlen(rows[at].cell[i]);
	}
	print_row(&headings, width);
	for (size_t at = 0; at < n; at++)
		print_row(&rows[at], width);
}
