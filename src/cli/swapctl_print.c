/* SPDX-License-Identifier: MIT */
#include "cli/swapctl_print.h"

#include "base/octal.h"
#include "base/text.h"
#include "cli/swapctl_wish.h"

#include <inttypes.h>
#include <string.h>
#include <sys/sysmacros.h>

#define CELL_MAX (4 * PATH_MAX) /* a path of nothing but blanks */

static void add_size(struct text *text, uint64_t bytes, const struct print_style *style)
{
	if (style->human)
		text_add_bytes(text, bytes);
	else
		text_addf(text, "%" PRIu64, bytes / BLOCK_BYTES);
}

/* -- the cells of a line -------------------------------------------------------------------------
 */

static void cell_lswap(const struct row *row, const struct print_style *style, struct text *ret)
{
	(void)style;
	text_addf(ret, "%u", row->lswap);
}

static void cell_path(const struct row *row, const struct print_style *style, struct text *ret)
{
	octal_escape(ret, style->numeric ? row->area->path : row->name);
}

static void cell_dev(const struct row *row, const struct print_style *style, struct text *ret)
{
	(void)style;
	if (row->on.known)
		text_addf(ret, "%u,%u", major(row->on.device), minor(row->on.device));
	else
		text_add(ret, "-");
}

static void cell_pri(const struct row *row, const struct print_style *style, struct text *ret)
{
	(void)style;
	text_addf(ret, "%d", row->area->priority);
}

static void cell_swaplo(const struct row *row, const struct print_style *style, struct text *ret)
{
	add_size(ret, row->low_bytes, style);
}

static void cell_size(const struct row *row, const struct print_style *style, struct text *ret)
{
	add_size(ret, row->area->size_bytes, style);
}

static void cell_free(const struct row *row, const struct print_style *style, struct text *ret)
{
	add_size(ret, row->area->size_bytes - row->area->used_bytes, style);
}

static void cell_used(const struct row *row, const struct print_style *style, struct text *ret)
{
	add_size(ret, row->area->used_bytes, style);
}

static void cell_max(const struct row *row, const struct print_style *style, struct text *ret)
{
	if (row->max_bytes > 0)
		add_size(ret, row->max_bytes, style);
	else
		text_add(ret, "-");
}

static void cell_vswap(const struct row *row, const struct print_style *style, struct text *ret)
{
	add_size(ret, row->vswap_bytes, style);
}

static void cell_by(const struct row *row, const struct print_style *style, struct text *ret)
{
	(void)style;
	text_add(ret, row_owner_word(row->owner));
}

static void cell_type(const struct row *row, const struct print_style *style, struct text *ret)
{
	(void)style;
	if (row->is_loop)
		text_add(ret, "loop");
	else
		text_add(ret, row->area->kind == SWAP_FILE ? "file" : "device");
}

static void cell_label(const struct row *row, const struct print_style *style, struct text *ret)
{
	(void)style;
	if (*row->label)
		octal_escape(ret, row->label);
	else
		text_add(ret, "-");
}

static void cell_uuid(const struct row *row, const struct print_style *style, struct text *ret)
{
	(void)style;
	text_add(ret, *row->uuid ? row->uuid : "-");
}

static void cell_flags(const struct row *row, const struct print_style *style, struct text *ret)
{
	(void)style;
	row_flags_text(row->flags, ret);
}

/* -- the table -----------------------------------------------------------------------------------
 */

struct column {
	const char *title, *human_title; /* NULL: the same */
	bool left, full_only;
	void (*cell)(const struct row *row, const struct print_style *style, struct text *ret);
};

static const struct column columns[] = {
	{"lswap", NULL, false, false, cell_lswap},   {"path", NULL, true, false, cell_path},
	{"dev", NULL, false, false, cell_dev},	     {"pri", NULL, false, false, cell_pri},
	{"swaplo", NULL, false, false, cell_swaplo}, {"blocks", "size", false, false, cell_size},
	{"free", NULL, false, false, cell_free},     {"used", NULL, false, true, cell_used},
	{"maxswap", NULL, false, false, cell_max},   {"vswap", NULL, false, false, cell_vswap},
	{"type", NULL, true, true, cell_type},	     {"label", NULL, true, true, cell_label},
	{"uuid", NULL, true, true, cell_uuid},	     {"by", NULL, true, false, cell_by},
	{"flags", NULL, true, false, cell_flags},
};
#define COLUMNS (sizeof columns / sizeof *columns)

/* Line 0 is the title. */
static void fill_cell(const struct listing *listing, const struct print_style *style,
		      const struct column *column, size_t line, struct text *ret)
{
	bool human_title = style->human && column->human_title;

	if (line > 0)
		column->cell(&listing->rows[line - 1], style, ret);
	else
		text_add(ret, human_title ? column->human_title : column->title);
}

void print_table(const struct listing *listing, const struct print_style *style, FILE *out)
{
	int width[COLUMNS] = {0};
	char cell[CELL_MAX];

	for (size_t i = 0; i < COLUMNS; i++)
		for (size_t line = 0; line <= listing->swaps.n; line++) {
			struct text text = TEXT_OVER(cell);

			fill_cell(listing, style, &columns[i], line, &text);
			width[i] = (int)text.len > width[i] ? (int)text.len : width[i];
		}
	for (size_t line = 0; line <= listing->swaps.n; line++)
		for (size_t i = 0; i < COLUMNS; i++) {
			struct text text = TEXT_OVER(cell);
			bool last = i + 1 == COLUMNS;

			if (columns[i].full_only && !style->full)
				continue;
			fill_cell(listing, style, &columns[i], line, &text);
			if (columns[i].left)
				(void)fprintf(out, "%-*s%s", last ? 0 : width[i], cell,
					      last ? "\n" : "  ");
			else
				(void)fprintf(out, "%*s  ", width[i], cell);
		}
}

/* -- the sum -------------------------------------------------------------------------------------
 */

struct cell {
	char buf[32];
};

static struct cell size_cell(uint64_t bytes, const struct print_style *style)
{
	struct cell cell = {0};
	struct text text = TEXT_OVER(cell.buf);

	add_size(&text, bytes, style);
	return cell;
}

void print_sum(const struct sum *sum, const struct print_style *style, FILE *out)
{
	const char *unit = style->human ? "" : " blocks";

	(void)fprintf(out, "total: %s allocated + %s reserved = %s%s used, %s%s available\n",
		      size_cell(sum->allocated_bytes, style).buf,
		      size_cell(sum->reserved_bytes, style).buf,
		      size_cell(sum->used_bytes, style).buf, unit,
		      size_cell(sum->available_bytes, style).buf, unit);
	(void)fprintf(out, "areas: %zu, with %s%s, %s%s used\n", sum->areas,
		      size_cell(sum->size_bytes, style).buf, unit,
		      size_cell(sum->allocated_bytes, style).buf, unit);
	(void)fprintf(out, "limit: %s%s, %s by the kernel (vm.overcommit_memory=%" PRIu64 ")\n",
		      size_cell(sum->limit_bytes, style).buf, unit,
		      sum->limit_is_kept ? "kept" : "not kept", sum->overcommit_mode);
}
