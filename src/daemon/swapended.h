/* SPDX-License-Identifier: MIT */
/* What comes of the work of children: the end of a look, of making an area, of retiring one. For
 * swapspace.c alone, which begins them; swapspace_reap is in here. */
#pragma once
#include "daemon/swapspace.h"

/* So much was made, or pretended to be, and doesn't show in SwapTotal yet. */
void swapspace_promise(struct swapspace *space, uint64_t bytes, uint64_t now_ns);

/* No area could be made, says the maker's report: a diet, and another try when it is over. */
void swapspace_note_no_area(struct swapspace *space);

/* None could be retired, says the retirer's report. */
void swapspace_note_not_retired(struct swapspace *space, uint64_t now_ns);
