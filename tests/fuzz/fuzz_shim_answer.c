/* SPDX-License-Identifier: MIT */
/* The wire from end to end: whatever the shim answers, the other side takes it for what it is. The
 * first bytes are numbers of the shim's, the rest is a directory and a reason. */
#include "fuzz/shim.h"

#include "shim/places.c"
#include "shim/process.c"
#include "shim/socket.c"

#include "backend/wiretext.h"

static struct shim shim;
static char answer[8192];
static size_t answer_len;

static long other_call(long number, const long args[6])
{
	if (number != SYS_sendto)
		return -ENOSYS;
	HOLDS(args[2] >= 0 && (size_t)args[2] <= sizeof answer - answer_len);
	memcpy(answer + answer_len, (const void *)args[1], (size_t)args[2]);
	answer_len += (size_t)args[2];
	return args[2];
}

struct numbers_of {
	uint8_t phase, reply, error, chunks;
	uint64_t since_ns, image_bytes, held_bytes;
	int32_t program, helper;
};

static void set_up(const struct numbers_of *numbers, const char *directory, const char *reason)
{
	struct words words = words_over(shim.image_dir, sizeof shim.image_dir);

	words_add(&words, directory);
	atomic_store(&shim.phase, numbers->phase % (PHASE_RESUMING + 1));
	shim.since_ns = numbers->since_ns;
	shim.image_bytes = numbers->image_bytes;
	shim.ledger.held_bytes = numbers->held_bytes;
	shim.ledger.chunks = numbers->chunks;
	shim.program = numbers->program & INT32_MAX;
	shim.helper = numbers->helper & INT32_MAX;
	(void)shim_fail(&shim, numbers->error ? numbers->error : EIO, "it said: ", reason, NULL);
}

static void check(const struct wiretext *got, enum wire_reply reply)
{
	HOLDS(got->reply == reply && got->has_text && got->state != WIRETEXT_UNKNOWN);
	HOLDS(words_equal(wiretext_state_name(got->state), state_word(shim_phase(&shim))));
	HOLDS(got->since_ns == shim.since_ns && got->held_bytes == shim.ledger.held_bytes);
	HOLDS(got->image_bytes == (shim.ledger.chunks ? shim.image_bytes : 0));
	HOLDS(got->helper == shim.helper && words_equal(got->mode, "eager"));
	HOLDS(words_after(got->reason, "it said: ") || reply != WIRE_ERROR);
	HOLDS(reply == WIRE_ERROR || !*got->error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct numbers_of numbers;
	struct wiretext got;
	char *text;
	const char *reason;

	if (size < sizeof numbers)
		return 0;
	memcpy(&numbers, data, sizeof numbers);
	size -= sizeof numbers;
	text = malloc(size + 1);
	HOLDS(text);
	memcpy(text, data + sizeof numbers, size);
	text[size] = '\0';
	reason = strlen(text) < size ? text + strlen(text) + 1 : "";
	set_up(&numbers, text, reason);
	answer_len = 0;
	socket_answer(&shim, 100, numbers.reply % 3);
	HOLDS(answer_len > 1 && answer_len <= WIRETEXT_MAX);
	HOLDS(wiretext_parse(answer, answer_len, &got) == 0);
	check(&got, numbers.reply % 3);
	free(text);
	return 0;
}
