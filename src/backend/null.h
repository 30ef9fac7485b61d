/* SPDX-License-Identifier: MIT */
/* The dry run: judges like the backend it stands for, and touches nothing. */
#pragma once
#include "backend/reclaim.h"

/* Its context is the struct backend it stands for. */
extern const struct reclaim_ops reclaim_null_madvise;
extern const struct reclaim_ops reclaim_null_swapify; /* which freezes */
