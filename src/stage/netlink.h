/* netlink: builds batches of netlink messages, with what to say about each if the kernel refuses it. Parent only; the
 * one door to libnl. What is built is sent by base/netlink, by the launcher or by the child.
 *
 * Errors stick: once memory is short every later call does nothing, and batch_finish() says so. */
#ifndef STAGE_NETLINK_H
#define STAGE_NETLINK_H

#include "base/address.h"
#include "base/netlink.h"
#include "stage/stage.h"

struct batch; /* private */

/* A finished batch: plain memory, in the plan's arena; the child sends its copy. */
struct messages {
	uint8_t *bytes; /* NULL: nothing to send */
	size_t length, count;
	struct message_label {
		int key, index;   /* for errors */
		const char *what; /* "set the address 10.0.0.5/24": stands behind "cannot " */
		size_t interface; /* offset in `bytes` of an int that is set to the interface's index; 0: none */
	} * labels;               /* one per message */
};

struct batch *batch_new(struct arena *arena);

/* Starts a message: its type and NLM_F_* flags (NLM_F_REQUEST is added, NLM_F_ACK where `what` is given), its fixed
 * header. Finishes the one before. `what` is copied. */
void batch_message(struct batch *batch, uint16_t type, uint16_t flags, const void *header, size_t length);
void batch_label(struct batch *batch, int key, int index, const char *what, ...) __attribute__((format(printf, 4, 5)));

/* The int at `offset` of the fixed header of the message just started, or the last attribute of it, is to be the
 * interface's index, which only the sender knows. One a message. */
void batch_interface(struct batch *batch, size_t offset);
void batch_interface_here(struct batch *batch);

/* Attributes of it; integers in host order, the _be ones in network order. */
void batch_put(struct batch *batch, int type, const void *data, size_t length);
void batch_u8(struct batch *batch, int type, uint8_t value);
void batch_u16(struct batch *batch, int type, uint16_t value);
void batch_u32(struct batch *batch, int type, uint32_t value);
void batch_u64(struct batch *batch, int type, uint64_t value);
void batch_be32(struct batch *batch, int type, uint32_t value);
void batch_text(struct batch *batch, int type, const char *text);
void batch_address(struct batch *batch, int type, const struct address *address);

/* Nested attributes; NLA_F_NESTED is set. Nests are ended innermost first. */
void batch_nest(struct batch *batch, int type);
void batch_end(struct batch *batch);

/* Appends plain data inside the nest (struct ifinfomsg of a peer). */
void batch_raw(struct batch *batch, const void *data, size_t length);

/* Ends the last message and gives all of them; frees the batch in any case. 0, or -1: out of memory. */
int batch_finish(struct batch *batch, struct messages *ret, struct error *err);

/* Finishes a batch and sends it through `fd`. */
int batch_send(struct batch *batch, int fd, struct error *err);

/* Sends them through `fd`, with `interface` put where it belongs (0: there is nothing to put). -1: "cannot <what>",
 * with errno's text and the kernel's own words. May be sent again. */
CHILD int messages_send(const struct messages *messages, int fd, int interface, struct error *err);

#endif
