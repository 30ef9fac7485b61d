/* SPDX-License-Identifier: MIT */
#include "daemon/swapended.h"

#include "base/log.h"
#include "base/text.h"
#include "base/units.h"
#include "policy/need.h"
#include "sys/clock.h"

#include <string.h>

#define LOOK_AGAIN_NS (10 * NS_PER_S) /* how much is in the areas, while there is plenty */
#define WATCH_NS (NS_PER_S)	      /* a retirement: how far it is */
#define STALL_NS (60 * NS_PER_S)      /* of a disk that works something is read back in this */

void swapspace_init(struct swapspace *space, const struct procfs *procfs,
		    const struct swapspace_params *params, bool dry_run, int epoll_fd,
		    uint64_t epoll_data)
{
	space->procfs = procfs;
	space->params = params;
	space->dry_run = dry_run;
	space->epoll_fd = epoll_fd;
	space->epoll_data = epoll_data;
	space->maker.pidfd = space->retirer.pidfd = -1;
}

static int open_children(struct swapspace *space)
{
	int r = space->maker.report ? 0 : swapchild_open(&space->maker);

	if (r == 0 && !space->retirer.report)
		r = swapchild_open(&space->retirer);
	return r;
}

void swapspace_configure(struct swapspace *space, uint64_t now_ns)
{
	const struct machine_params *params = &space->params->machine;
	bool was_known = space->known;
	int r;

	space->known = space->refused = space->unfit = false;
	space->look_stale = space->maker.pid > 0 && space->maker.order.task == SWAPTASK_LOOK;
	space->retirer_stale = space->retirer.pid > 0;
	space->wanted_bytes = space->promised_bytes = 0;
	space->retire_again_ns = 0;
	memset(&space->said, 0, sizeof space->said);
	space->look_wanted = space->params->enabled;
	if (!space->params->enabled) {
		if (was_known && space->areas.n > 0)
			log_notice("swap areas stay as they are: areas=%zu path=%s; swapify-policy "
				   "--erase retires them",
				   space->areas.n, space->areas.path);
		return;
	}
	if (space->machine.since_ns == 0)
		space->machine = machine_start(now_ns, params);
	space->machine.cooldown_ns = params->cooldown_ns;
	r = open_children(space);
	if (r < 0) {
		log_err("no memory for [swapspace]: %s", text_error(-r));
		space->look_wanted = false;
	}
}

void swapspace_close(struct swapspace *space)
{
	if (space->retirer.pid > 0)
		log_notice("a swap area is still being retired; it stays in use if that is broken "
			   "off: "
			   "file=%s/swap-%u",
			   space->retiring_path, space->retirer.order.number);
	swapchild_close(&space->maker);
	swapchild_close(&space->retirer);
}

uint64_t swapspace_total_bytes(const struct swapspace_facts *facts)
{
	return u64_add_sat(facts->mem.total_bytes, facts->mem.swap_total_bytes);
}

uint64_t swapspace_free_bytes(const struct swapspace_facts *facts)
{
	return u64_add_sat(facts->available_bytes, facts->mem.swap_free_bytes);
}

/* -- children -------------------------------------------------------------------------------- */

static int start(struct swapspace *space, struct swapchild *child, struct swaporder *order)
{
	uint64_t now_ns = space->facts.now_ns;
	int r;

	order->place = (struct swapareas_place){
		.procfs = space->procfs, .params = space->params, .pretend = space->dry_run};
	r = swapchild_start(child, order, space->epoll_fd, space->epoll_data, now_ns);
	if (r < 0)
		space->last_error = r;
	return r;
}

static void start_look(struct swapspace *space)
{
	struct swaporder order = {.task = SWAPTASK_LOOK};

	if (space->retirer.pid > 0 && !space->retirer_stale)
		order.number = space->retirer.order.number;
	space->looked_ns = space->facts.now_ns;
	space->look_wanted = start(space, &space->maker, &order) < 0;
}

/* -- what is there --------------------------------------------------------------------------- */

/* How much is in each area; where one has gone without us, that is to be looked at. */
static void read_use(struct swapspace *space)
{
	int r = swaps_read(space->procfs, &space->swaps);

	if (r < 0 && !space->said.no_use)
		log_warning("cannot read /proc/swaps: %s; no swap area is retired until it can be",
			    text_error(-r));
	space->said.no_use = r < 0;
	if (!swapareas_read_use(&space->areas, &space->swaps))
		space->look_wanted = true;
	space->watched_ns = space->facts.now_ns;
}

/* Never killed: what it has read back is in memory already, and the rest would be left. */
static void watch_retirement(struct swapspace *space)
{
	const struct swaparea *area = swapareas_find(&space->areas, space->retirer.order.number);
	uint64_t now_ns = space->facts.now_ns;
	uint64_t stall_ns = u64_min(STALL_NS, space->machine.cooldown_ns);

	if (space->retirer.pid <= 0 || space->retirer_stale || !area ||
	    now_ns - space->watched_ns < WATCH_NS)
		return;
	read_use(space);
	if (area->used_bytes < space->left_bytes) {
		space->left_bytes = area->used_bytes;
		space->progress_ns = now_ns;
	} else if (!space->said.stalls && now_ns - space->progress_ns >= stall_ns) {
		space->said.stalls = true;
		log_warning("retiring a swap area stalls: file=%s/swap-%u left=%s since=%s; it is "
			    "left to go on, and so does everything else",
			    space->areas.path, area->number, FMT_BYTES(area->used_bytes),
			    FMT_DURATION(now_ns - space->progress_ns));
	}
}

/* What was made shows in SwapTotal, or never will: where somebody else tells what is in meminfo. */
static void settle_promise(struct swapspace *space)
{
	const struct swapspace_facts *facts = &space->facts;

	if (facts->mem.swap_total_bytes != space->promised_total_bytes ||
	    facts->now_ns - space->promised_ns >= space->machine.cooldown_ns)
		space->promised_bytes = 0;
}

/* -- steps ----------------------------------------------------------------------------------- */

/* The index of the area that may go now, areas.n where there is none. */
static size_t find_retirable(struct swapspace *space)
{
	const struct swapspace_facts *facts = &space->facts;
	struct swapsize_area areas[SWAPAREAS_MAX];
	uint64_t spare_bytes =
		swapsize_spare_bytes(swapspace_total_bytes(facts), swapspace_free_bytes(facts),
				     space->params->machine.freetarget_percent);
	uint64_t room_bytes = swapsize_room_bytes(facts->mem.total_bytes, facts->available_bytes,
						  facts->margin_percent);

	if (space->retirer.pid > 0 || facts->memory_is_short ||
	    facts->now_ns < space->retire_again_ns)
		return space->areas.n;
	for (size_t i = 0; i < space->areas.n; i++)
		areas[i] = (struct swapsize_area){.size_bytes = space->areas.areas[i].size_bytes,
						  .used_bytes = space->areas.areas[i].used_bytes,
						  .fixed = space->areas.areas[i].keep != NULL};
	return swapsize_retire(areas, space->areas.n, spare_bytes, room_bytes);
}

static void make_area(struct swapspace *space, uint64_t bytes)
{
	struct swaporder order = {.task = SWAPTASK_MAKE, .wanted_bytes = bytes};
	int r;

	/* one at a time; and after a look there is another tick */
	if (space->maker.pid > 0)
		return;
	space->promised_total_bytes = space->facts.mem.swap_total_bytes;
	if (space->dry_run) {
		log_notice("would add a swap area path=%s bytes=%s", space->areas.path,
			   FMT_BYTES(bytes));
		swapspace_promise(space, bytes, space->facts.now_ns);
		return;
	}
	r = start(space, &space->maker, &order);
	if (r < 0) {
		space->maker.report->error = r;
		(void)strcpy(space->maker.report->what, "start a child");
		swapspace_note_no_area(space);
	}
}

static void retire_area(struct swapspace *space)
{
	struct swaporder order = {.task = SWAPTASK_RETIRE};
	const struct swaparea *area;
	size_t i;

	read_use(space);
	i = find_retirable(space);
	area = &space->areas.areas[i];
	if (i == space->areas.n)
		return;
	order.number = area->number;
	if (space->dry_run) {
		log_notice("would retire a swap area file=%s/swap-%u bytes=%s used=%s",
			   space->areas.path, area->number, FMT_BYTES(area->size_bytes),
			   FMT_BYTES(area->used_bytes));
		space->retire_again_ns = space->facts.now_ns + space->machine.cooldown_ns;
		return;
	}
	log_info("retiring a swap area file=%s/swap-%u bytes=%s used=%s", space->areas.path,
		 area->number, FMT_BYTES(area->size_bytes), FMT_BYTES(area->used_bytes));
	memcpy(space->retiring_path, space->areas.path, strlen(space->areas.path) + 1);
	space->retirer_stale = false;
	space->left_bytes = area->used_bytes;
	space->progress_ns = space->watched_ns = space->facts.now_ns;
	space->said.stalls = false;
	if (start(space, &space->retirer, &order) < 0)
		swapspace_note_not_retired(space, space->facts.now_ns);
}

static void log_transition(const struct swapspace *space, const struct machine_step *step)
{
	static const char *const causes[EVENT__N] = {
		[EVENT_DIET] = "a limit was met, or SIGUSR2",
		[EVENT_SHORT] = "memory and swap are short",
		[EVENT_SHORT_LATE] = "memory and swap are short",
		[EVENT_ENOUGH] = "plenty is over, or no area is left to retire",
		[EVENT_ENOUGH_LATE] = "the cooldown is over",
		[EVENT_PLENTY] = "there is plenty, and an area to retire",
		[EVENT_PLENTY_LATE] = "the cooldown is over",
	};
	const char *cause = causes[step->event];
	int64_t need = space->need_bytes;

	if (step->from == STATE_DIET && step->to == STATE_STEADY)
		cause = causes[EVENT_ENOUGH_LATE];
	else if (space->wanted_bytes > 0 && step->to == STATE_HUNGRY)
		cause = "memory is to be moved out, and swap has no room";
	if (step->from != step->to)
		log_info("swapspace %s -> %s: %s %s=%s free=%s of=%s cooldown=%s",
			 machine_state_word(step->from), machine_state_word(step->to), cause,
			 need < 0 ? "spare" : "need",
			 FMT_BYTES((uint64_t)(need < 0 ? -need : need)),
			 FMT_BYTES(swapspace_free_bytes(&space->facts)),
			 FMT_BYTES(swapspace_total_bytes(&space->facts)),
			 FMT_DURATION(space->machine.cooldown_ns));
}

/* What is coming isn't wanted again, but there is none of it to give away yet. */
static int64_t read_need(const struct swapspace *space)
{
	const struct swapspace_facts *facts = &space->facts;
	const struct machine_params *params = &space->params->machine;
	uint64_t total_bytes = swapspace_total_bytes(facts);
	uint64_t free_bytes = swapspace_free_bytes(facts);
	uint64_t coming_bytes = space->promised_bytes;
	int64_t need = need_bytes(u64_add_sat(total_bytes, coming_bytes),
				  u64_add_sat(free_bytes, coming_bytes), 0, params);

	if (need > 0)
		return (int64_t)u64_min(
			swapsize_missing_bytes(u64_add_sat(total_bytes, coming_bytes),
					       u64_add_sat(free_bytes, coming_bytes),
					       params->freetarget_percent),
			INT64_MAX);
	need = coming_bytes > 0 ? need_bytes(total_bytes, free_bytes, 0, params) : need;
	return need < 0 ? need : 0;
}

static void step(struct swapspace *space)
{
	struct machine_params params = space->params->machine;
	struct machine_facts facts = {.now_ns = space->facts.now_ns,
				      .diet_requested = space->diet_requested};
	struct machine_step step;

	params.cooldown_max_ns = params.cooldown_ns; /* ten minutes need no doubling */
	space->need_bytes = read_need(space);
	if (space->need_bytes < 0 && space->areas.n > 0 &&
	    space->facts.now_ns - space->watched_ns >= LOOK_AGAIN_NS)
		read_use(space);
	facts.need_bytes = space->need_bytes;
	if (space->wanted_bytes > 0)
		facts.need_bytes =
			(int64_t)u64_max(u64_min(space->wanted_bytes, INT64_MAX),
					 space->need_bytes > 0 ? (uint64_t)space->need_bytes : 0);
	if (facts.need_bytes < 0 && find_retirable(space) < space->areas.n)
		facts.held_bytes = space->areas.areas[find_retirable(space)].size_bytes;
	space->diet_requested = false;
	step = machine_step(&space->machine, &facts, &params);
	log_transition(space, &step);
	space->wanted_bytes = 0;
	if (step.effect == EFFECT_RECLAIM)
		make_area(space, step.bytes);
	else if (step.effect == EFFECT_RESTORE)
		retire_area(space);
}

void swapspace_tick(struct swapspace *space, const struct swapspace_facts *facts)
{
	bool changed = space->facts.mem.swap_total_bytes != facts->mem.swap_total_bytes;

	(void)swapspace_reap(space, facts->now_ns);
	space->facts = *facts;
	/* what was begun before it was switched off comes to its end */
	watch_retirement(space);
	if (!space->params->enabled || !space->maker.report || !space->retirer.report)
		return;
	if (changed || (space->refused &&
			facts->now_ns - space->looked_ns >= space->params->machine.cooldown_ns))
		space->look_wanted = true;
	settle_promise(space);
	if (space->look_wanted && space->maker.pid <= 0)
		start_look(space);
	if (space->known && !space->unfit)
		step(space);
}

bool swapspace_make_room(struct swapspace *space, uint64_t bytes)
{
	if (!space->params->enabled || space->refused || space->unfit || space->facts.now_ns == 0)
		return false;
	if (space->maker.pid > 0 || space->promised_bytes > 0)
		return true;
	if (!space->known || space->machine.state == STATE_DIET)
		return false;
	space->wanted_bytes = bytes;
	step(space);
	return space->maker.pid > 0 || space->promised_bytes > 0;
}
