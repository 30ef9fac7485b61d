/* SPDX-License-Identifier: MIT */
/* Lists of patterns as of glob(7), apart by blanks or commas; '*' matches '/' as well. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#define PATTERN_SIZE 1024 /* an option is at most 900 characters */

/* Copies the next word of *list, cut to PATTERN_SIZE - 1, and moves past it. False at the end. */
bool patterns_next(const char **list, char word[PATTERN_SIZE]);

/* True where one pattern of the list fits. */
bool patterns_match(const char *list, const char *subject);

/* The same for the name of a process, as in /proc/PID/comm: a word without wildcards of more than
 * 15 characters is compared by its first 15. */
bool patterns_match_name(const char *list, const char *comm);

/* The same for a path, or for one of the directories that it lies in. */
bool patterns_match_path(const char *list, const char *path);
