/* SPDX-License-Identifier: MIT */
/* The building blocks of error messages about settings. */
#pragma once
#include "base/text.h"

/* Adds what a stranger wrote, made harmless and cut to a length that leaves room for the rest;
 * '' stands for the empty string. Blanks and '=' stay: messages are sentences. */
void why_add_shown(struct text *why, const char *string);

/* The path of a file, likewise; long enough to be copied into a shell in most cases. */
void why_add_path(struct text *why, const char *path);

/* "path:line: ", or "path: " where line is 0. */
void why_add_place(struct text *why, const char *path, unsigned line);
