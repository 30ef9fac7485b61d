/* SPDX-License-Identifier: MIT */
/*
 * The machine over memory and swap in its shell, on facts of our own making: what it asks for, and
 * when. It only pretends, so that no area is made; its looks are real, at a directory of ours.
 */
#include "daemon/swapspace.h"

#include "base/log.h"
#include "sys/clock.h"
#include "unit/builders.h"
#include "unit/fixture.h"

#include <poll.h>
#include <sys/wait.h>

static struct swapspace space;
static struct swapspace_params params;
static struct fixture fixture;
static char path[64];
static struct swapspace_facts facts;

static void open_space(const char *name, mode_t mode)
{
	fixture_open(&fixture);
	fixture_write(&fixture, "swaps", "Filename Type Size Used Priority\n");
	(void)snprintf(path, sizeof path, "%s/%s", fixture.directory, name);
	ck_assert_int_eq(mkdirat(fixture.root.root_fd, "space", 0700), 0);
	ck_assert_int_eq(fchmodat(fixture.root.root_fd, "space", mode, 0), 0);
	log_open("test", LOG_TO_STDERR, LOG_LVL_ERR);
	params = (struct swapspace_params){.enabled = true,
					   .path = path,
					   .min_bytes = 4 * MIB,
					   .max_bytes = TIB,
					   .machine = default_machine_params()};
	params.machine.cooldown_ns = params.machine.cooldown_max_ns = 10 * NS_PER_MIN;
	facts = (struct swapspace_facts){
		.now_ns = LATER,
		.mem = {.total_bytes = 1000 * MIB,
			.swap_total_bytes = 1000 * MIB,
			.swap_free_bytes = 500 * MIB},
		.available_bytes = 250 * MIB,
		.margin_percent = 30,
	};
	memset(&space, 0, sizeof space);
	swapspace_init(&space, &fixture.root, &params, true, -1, 0);
	swapspace_configure(&space, LATER);
}

static void close_space(void)
{
	swapspace_close(&space);
	fixture_close(&fixture);
}

static void tick(uint64_t later_ns)
{
	facts.now_ns += later_ns;
	swapspace_tick(&space, &facts);
}

static void await_child(void)
{
	struct pollfd end = {.fd = space.maker.pidfd, .events = POLLIN};

	ck_assert_int_gt(space.maker.pid, 0);
	ck_assert_int_eq(poll(&end, 1, 30000), 1);
	ck_assert(swapspace_reap(&space, facts.now_ns));
	ck_assert_int_eq(space.maker.pid, 0);
	ck_assert(!swapspace_reap(&space, facts.now_ns));
}

static void look(void)
{
	tick(NS_PER_S);
	await_child();
}

START_TEST(switched_off_it_does_nothing)
{
	open_space("space", 0700);
	params.enabled = false;
	swapspace_configure(&space, LATER);
	facts.mem.swap_free_bytes = 0;
	tick(0);
	ck_assert_int_eq(space.maker.pid, 0);
	ck_assert(!swapspace_make_room(&space, GIB));
	close_space();
}
END_TEST

/* Nothing before it has looked; then once, until it shows or a cooldown has passed. */
START_TEST(asks_once)
{
	open_space("space", 0700);
	facts.mem.swap_free_bytes = 50 * MIB;
	tick(0);
	ck_assert_uint_eq(space.promised_bytes, 0);
	await_child();
	ck_assert(space.known);
	tick(0);
	ck_assert_int_eq(space.machine.state, STATE_HUNGRY);
	/* (0.3 * 2000 - 300) / 0.7 */
	ck_assert_uint_eq(space.promised_bytes, (300 * MIB * 100 + 69) / 70);
	for (int i = 0; i < 5; i++) {
		tick(NS_PER_MIN);
		ck_assert_int_eq(space.need_bytes, 0);
	}
	/* it shows: what is told counts */
	facts.mem.swap_total_bytes += 428 * MIB;
	facts.mem.swap_free_bytes += 428 * MIB;
	tick(NS_PER_S);
	ck_assert_uint_eq(space.promised_bytes, 0);
	await_child(); /* others' areas may have come or gone: a look */
	tick(NS_PER_S);
	ck_assert_int_eq(space.need_bytes, 0);
	close_space();
}
END_TEST

/* What one area can't be comes in several, each counted until it shows. */
START_TEST(asks_for_several)
{
	open_space("space", 0700);
	facts.mem.swap_free_bytes = 50 * MIB;
	look();
	tick(NS_PER_S);
	space.promised_bytes = 64 * MIB; /* the first was no larger */
	tick(NS_PER_S);
	ck_assert_uint_eq(space.promised_bytes,
			  64 * MIB + swapsize_missing_bytes(2064 * MIB, 364 * MIB, 30));
	close_space();
}
END_TEST

START_TEST(what_never_shows_is_forgotten)
{
	open_space("space", 0700);
	facts.mem.swap_free_bytes = 50 * MIB;
	look();
	tick(NS_PER_S);
	ck_assert_uint_gt(space.promised_bytes, 0);
	tick(params.machine.cooldown_ns - 1);
	ck_assert_int_eq(space.need_bytes, 0);
	tick(1);
	ck_assert_int_gt(space.need_bytes, 0);
	close_space();
}
END_TEST

/* Whoever moves memory out is told to wait while room is being made, and not where there is none.
 */
START_TEST(makes_room_when_asked)
{
	open_space("space", 0700);
	ck_assert(!swapspace_make_room(&space, GIB)); /* before the first tick */
	tick(0);
	ck_assert(swapspace_make_room(&space, GIB)); /* it looks */
	await_child();
	tick(NS_PER_S);
	ck_assert_int_eq(space.machine.state, STATE_STEADY);
	ck_assert(swapspace_make_room(&space, GIB));
	ck_assert_int_eq(space.machine.state, STATE_HUNGRY);
	ck_assert_uint_eq(space.promised_bytes, GIB);
	ck_assert(swapspace_make_room(&space, 2 * GIB)); /* that one first */
	ck_assert_uint_eq(space.promised_bytes, GIB);
	facts.mem.swap_total_bytes += GIB;
	tick(NS_PER_S);
	await_child();
	space.diet_requested = true;
	tick(NS_PER_S);
	ck_assert_int_eq(space.machine.state, STATE_DIET);
	ck_assert(!swapspace_make_room(&space, GIB));
	tick(params.machine.cooldown_ns);
	ck_assert_int_eq(space.machine.state, STATE_STEADY);
	ck_assert(swapspace_make_room(&space, GIB));
	close_space();
}
END_TEST

START_TEST(a_bad_place_is_looked_at_again)
{
	open_space("space", 0755);
	facts.mem.swap_free_bytes = 0;
	look();
	ck_assert(space.refused);
	ck_assert(!space.known);
	ck_assert(!swapspace_make_room(&space, GIB));
	tick(NS_PER_MIN);
	ck_assert_int_eq(space.maker.pid, 0);
	ck_assert_int_eq(space.machine.state, STATE_STEADY);
	ck_assert_int_eq(chmod(path, 0700), 0);
	tick(params.machine.cooldown_ns);
	await_child();
	ck_assert(!space.refused);
	tick(NS_PER_S);
	ck_assert_int_eq(space.machine.state, STATE_HUNGRY);
	close_space();
}
END_TEST

static void add_area(unsigned number, uint64_t bytes, uint64_t used_bytes)
{
	struct swaparea *area = &space.areas.areas[space.areas.n++];

	*area = (struct swaparea){.number = number, .size_bytes = bytes, .used_bytes = used_bytes};
}

/* Overfed takes an area that may go; what is in it has to fit beside what the first machine wants.
 */
START_TEST(retires_what_fits)
{
	static const struct {
		const char *name;
		uint64_t used_mib, available_mib;
		bool short_of_memory, keep, goes;
	} rows[] = {
		{"empty", 0, 310, false, false, true},
		{"empty, with little memory", 0, 200, false, false, true},
		{"just fits", 10, 310, false, false, true},
		{"just doesn't", 11, 310, false, false, false},
		{"memory is short", 0, 310, true, false, false},
		{"it is to stay", 0, 310, false, true, false},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		open_space("space", 0700);
		look();
		/* nobody lists it: what is in it is as we say only until it is looked at */
		add_area(1, 500 * MIB, rows[i].used_mib * MIB);
		(void)snprintf(space.areas.areas[0].listed, PATH_MAX, "/1");
		if (rows[i].keep)
			space.areas.areas[0].keep = "test";
		{
			char line[128];

			(void)snprintf(line, sizeof line,
				       "Filename Type Size Used Priority\n/1 file 511996 %llu -2\n",
				       (unsigned long long)(rows[i].used_mib * 1024));
			fixture_write(&fixture, "swaps", line);
		}
		facts.mem.swap_total_bytes = facts.mem.swap_free_bytes = 4000 * MIB;
		facts.available_bytes = rows[i].available_mib * MIB;
		facts.memory_is_short = rows[i].short_of_memory;
		space.facts.mem.swap_total_bytes = facts.mem.swap_total_bytes; /* no look */
		tick(NS_PER_MIN);
		ck_assert_msg((space.machine.state == STATE_OVERFED) == rows[i].goes, "%s: %s",
			      rows[i].name, machine_state_word(space.machine.state));
		tick(params.machine.cooldown_ns);
		ck_assert_msg(space.machine.state == STATE_STEADY, "%s", rows[i].name);
		/* pretended: and not again within a cooldown */
		ck_assert_msg((space.retire_again_ns > facts.now_ns) == rows[i].goes, "%s",
			      rows[i].name);
		close_space();
	}
}
END_TEST

/* A look that began under other settings says nothing, and another one follows. */
START_TEST(settings_change_amid_a_look)
{
	open_space("space", 0700);
	facts.mem.swap_free_bytes = 50 * MIB;
	tick(0);
	swapspace_configure(&space, facts.now_ns);
	await_child();
	ck_assert(!space.known);
	look();
	ck_assert(space.known);
	params.enabled = false;
	swapspace_configure(&space, facts.now_ns);
	tick(NS_PER_S);
	ck_assert_int_eq(space.maker.pid, 0);
	ck_assert_int_eq(space.machine.state, STATE_STEADY);
	params.enabled = true;
	swapspace_configure(&space, facts.now_ns);
	look();
	tick(NS_PER_S);
	ck_assert_int_eq(space.machine.state, STATE_HUNGRY);
	close_space();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		switched_off_it_does_nothing,
		asks_once,
		asks_for_several,
		what_never_shows_is_forgotten,
		makes_room_when_asked,
		a_bad_place_is_looked_at_again,
		retires_what_fits,
		settings_change_amid_a_look,
	};

	if (geteuid() != 0) {
		puts("skipped: only root can make what is root's");
		puts("100%: Checks: 0, Failures: 0, Errors: 0");
		return 0;
	}
	return RUN_TESTS("swapspace", tests);
}
