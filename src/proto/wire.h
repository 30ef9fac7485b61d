/* SPDX-License-Identifier: MIT */
/*
 * What is said over an attached program's socket (SOCK_STREAM). One request per connection: one
 * byte. One byte back, then, since version 1 of this shim, lines of "key=value" until the end of
 * the stream. An older peer sends the reply byte alone and reads no further than that; it answers
 * WIRE_ERROR to a request it doesn't know. The numbers are those of the original swapify.
 */
#pragma once

enum wire_request {
	WIRE_EXIT = 0,	 /* unswap where it is swapped, then detach */
	WIRE_SWAP = 1,	 /* stop the program, write its memory to the image, give the memory up */
	WIRE_UNSWAP = 2, /* read it back, let the program go on */
	WIRE_STATUS = 3	 /* an extension */
};

enum wire_reply {
	WIRE_SUCCESS = 0,
	WIRE_ERROR = 1,
	WIRE_NOOP = 2 /* it is in that state already */
};

/* The lines together; a longer answer isn't one of ours */
#define WIRE_TEXT_MAX 1024

/*
 * The keys. A number is decimal; a value has no line break.
 *   state        running, swapping, swapped, unswapping (a client adds: orphaned)
 *   since_ns     CLOCK_BOOTTIME of the last change between running and swapped
 *   image_bytes  length of the image; 0: there is none
 *   held_bytes   memory that was given up and is to come back
 *   mode         eager: all of it comes back before the program goes on
 *   helper       pid of the helper
 *   by           name of the process that asked for the swap; only while it is swapped
 *   image        where the image lies, or would
 *   error        name of an errno, "ENOSPC"; only after WIRE_ERROR
 *   reason       why, a sentence for people; only after WIRE_ERROR
 */
#define WIRE_KEY_STATE "state"
#define WIRE_KEY_SINCE "since_ns"
#define WIRE_KEY_IMAGE_BYTES "image_bytes"
#define WIRE_KEY_HELD_BYTES "held_bytes"
#define WIRE_KEY_MODE "mode"
#define WIRE_KEY_HELPER "helper"
#define WIRE_KEY_BY "by"
#define WIRE_KEY_IMAGE "image"
#define WIRE_KEY_ERROR "error"
#define WIRE_KEY_REASON "reason"
