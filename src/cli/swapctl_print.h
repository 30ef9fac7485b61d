/* SPDX-License-Identifier: MIT */
/* Listings for people and for programs. Pure printers: all is known already. */
#pragma once
#include "cli/swapctl_listing.h"
#include "cli/swapctl_sum.h"

#include <stdio.h>

struct print_style {
	bool human;   /* "1.5GiB" instead of 512-byte blocks */
	bool numeric; /* names as the kernel has them */
	bool full;    /* all columns */
};

void print_table(const struct listing *listing, const struct print_style *style, FILE *out);
void print_sum(const struct sum *sum, const struct print_style *style, FILE *out);

/* One JSON document each, sizes in bytes. 0 or -ENOMEM. */
int print_table_json(const struct listing *listing, FILE *out);
int print_sum_json(const struct sum *sum, FILE *out);
