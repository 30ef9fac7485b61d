/* SPDX-License-Identifier: MIT */
/* What swapctl says to people. */
#pragma once

/* One line on stderr, "swapctl: " in front. Blanks within are kept, control characters are not. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* What to add to an error that a user without privileges gets: "" for root. */
const char *root_hint(int error);
