/* SPDX-License-Identifier: MIT */
/*
 * The machine: steady, hungry, overfed, diet. A table over state and event; it returns
 * what is to be done and does nothing itself.
 *
 *             need > 0                     cooldown over
 *   steady ------------> hungry ---------------------------> steady
 *   steady --plenty, something held--> overfed --a cooldown of it--> restore one, steady
 *   any    --a limit was met, SIGUSR2--> diet --cooldown over--> steady
 *
 * hungry gives nothing back; overfed falls back to steady as soon as plenty ends; diet moves
 * nothing out and restores one process a tick where there is room.
 */
#pragma once
#include "policy/params.h"

#include <stdbool.h>
#include <stdint.h>

enum machine_state { STATE_STEADY, STATE_HUNGRY, STATE_OVERFED, STATE_DIET, STATE__N };

/* What the facts say, the first that fits. "held": we have something to give back. */
enum machine_event {
	EVENT_DIET,	   /* a limit was met, or the administrator asks for it */
	EVENT_SHORT,	   /* need > 0 */
	EVENT_SHORT_LATE,  /* the same, and the cooldown is over */
	EVENT_ENOUGH,	   /* need = 0, or need < 0 with nothing held */
	EVENT_ENOUGH_LATE, /* the same, and the cooldown is over */
	EVENT_PLENTY,	   /* need < 0 and something held */
	EVENT_PLENTY_LATE, /* the same, and the cooldown is over */
	EVENT__N
};

enum machine_effect { EFFECT_NONE, EFFECT_RECLAIM, EFFECT_RESTORE };

struct machine {
	enum machine_state state;
	uint64_t since_ns;    /* when this state was entered */
	uint64_t timer_ns;    /* when the cooldown was last reset */
	uint64_t cooldown_ns; /* adapts between cooldown and cooldown_max */
	uint64_t restored_ns; /* last restore; 0: none since the last reclaim */
	uint64_t quiet_ns;    /* nothing was moved since */
};

struct machine_facts {
	uint64_t now_ns; /* CLOCK_BOOTTIME; never goes back */
	int64_t need_bytes;
	uint64_t held_bytes;
	bool diet_requested;
};

struct machine_step {
	enum machine_state from, to;
	enum machine_event event;
	enum machine_effect effect;
	uint64_t bytes; /* of the effect: wanted or spare */
};

/* The machine at the start of the daemon. */
struct machine machine_start(uint64_t now_ns, const struct machine_params *params);

/* One tick. With facts that can't be trusted it isn't called at all: the machine holds. */
struct machine_step machine_step(struct machine *machine, const struct machine_facts *facts,
				 const struct machine_params *params);

/* Tells the machine that something was really brought back at now_ns: a reclaim within one
 * cooldown after it doubles the cooldown, up to cooldown_max. */
void machine_note_restore(struct machine *machine, uint64_t now_ns);

/* What is left of the cooldown, in ns. */
uint64_t machine_timer_left_ns(const struct machine *machine, uint64_t now_ns);

const char *machine_state_word(enum machine_state state);
