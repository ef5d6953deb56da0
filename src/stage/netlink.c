/* netlink: builds batches of netlink messages on libnl's nlmsg and nla, whose one door this is. Parent, in the plan,
 * host and attach columns; only messages_send() runs in the child too.
 *
 * libnl makes one message at a time in a buffer of its own; finished ones are joined here, numbered from 1, with a
 * label each: the key that asked for it and what to say when the kernel refuses. A batch that is for the child goes
 * into the plan's arena, which the child has a copy of; an interface's index, which only the child can know, is put
 * into its copy right before it sends.
 */
#include "stage/netlink.h"

#include <errno.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/format.h"

/* libnl does not grow a message: this is more than any of ours takes, lists of nftables elements included. */
enum { MESSAGE_SIZE = 16384, NEST_DEPTH = 12 };

struct batch {
	struct arena *arena;
	struct nl_msg *message; /* the one being built; NULL before the first */
	struct nlattr *nests[NEST_DEPTH];
	size_t depth;
	struct message_label label;
	bool failed;
	struct messages done;
	size_t asking;            /* where the finished message is that wants an answer; SIZE_MAX: none yet */
	size_t size, label_count; /* room */
};

struct batch *batch_new(struct arena *arena)
{
	struct batch *batch = arena_alloc(arena, sizeof(*batch));

	if (batch) {
		batch->arena = arena;
		batch->asking = SIZE_MAX;
	}
	return batch;
}

/* Room for `length` more bytes and one more label. Old copies stay in the arena. */
static bool make_room(struct batch *batch, size_t length)
{
	struct messages *done = &batch->done;

	if (done->length + length > batch->size) {
		size_t size = (done->length + length) * 2;
		uint8_t *bytes = arena_alloc(batch->arena, size);

		if (!bytes)
			return false;
		if (done->length)
			memcpy(bytes, done->bytes, done->length);
		done->bytes = bytes;
		batch->size = size;
	}
	if (done->count == batch->label_count) {
		size_t count = done->count ? done->count * 2 : 8;
		struct message_label *labels = arena_array(batch->arena, count, sizeof(*labels));

		if (!labels)
			return false;
		if (done->count)
			memcpy(labels, done->labels, done->count * sizeof(*labels));
		done->labels = labels;
		batch->label_count = count;
	}
	return true;
}

/* The kernel answers every message that fails, in their order; that the last one is done says that all are. Answers to
 * the others would fill the child's socket, whose size the host limits (net.core.rmem_max). */
static void ask_once(struct batch *batch, const struct nlmsghdr *last)
{
	struct nlmsghdr *earlier = NULL;

	if (!(last->nlmsg_flags & NLM_F_ACK))
		return;
	if (batch->asking != SIZE_MAX) {
		earlier = (struct nlmsghdr *)(void *)(batch->done.bytes + batch->asking);
		earlier->nlmsg_flags &= (uint16_t)~NLM_F_ACK;
	}
	batch->asking = batch->done.length;
}

/* Moves the message being built, if any, behind the finished ones. */
static void end_message(struct batch *batch)
{
	struct messages *done = &batch->done;
	struct nlmsghdr *header = NULL;

	if (!batch->message)
		return;
	header = nlmsg_hdr(batch->message);
	header->nlmsg_seq = (uint32_t)done->count + 1;
	batch->failed |= batch->depth != 0 || !make_room(batch, NLMSG_ALIGN(header->nlmsg_len));
	if (!batch->failed) {
		ask_once(batch, header);
		memcpy(done->bytes + done->length, header, header->nlmsg_len);
		if (batch->label.interface)
			batch->label.interface += done->length;
		done->labels[done->count++] = batch->label;
		done->length += NLMSG_ALIGN(header->nlmsg_len);
	}
	nlmsg_free(batch->message);
	batch->message = NULL;
	batch->depth = 0;
}

void batch_message(struct batch *batch, uint16_t type, uint16_t flags, const void *header, size_t length)
{
	if (!batch)
		return;
	end_message(batch);
	if (batch->failed)
		return;
	batch->label = (struct message_label){ .index = -1, .what = "send a message to the kernel" };
	batch->message = nlmsg_alloc_size(MESSAGE_SIZE);
	if (!batch->message || !nlmsg_put(batch->message, 0, 0, type, 0, flags | NLM_F_REQUEST) ||
	    nlmsg_append(batch->message, (void *)(uintptr_t)header, length, NLMSG_ALIGNTO))
		batch->failed = true;
}

void batch_label(struct batch *batch, int key, int index, const char *what, ...)
{
	char text[192];
	va_list arguments;

	if (!batch || batch->failed || !batch->message)
		return;
	va_start(arguments, what);
	(void)format_text_v(text, sizeof(text), what, arguments);
	va_end(arguments);
	batch->label.key = key;
	batch->label.index = index;
	batch->label.what = arena_copy(batch->arena, text);
	batch->failed |= !batch->label.what;
	nlmsg_hdr(batch->message)->nlmsg_flags |= NLM_F_ACK;
}

void batch_interface(struct batch *batch, size_t offset)
{
	if (batch)
		batch->label.interface = NLMSG_HDRLEN + offset;
}

void batch_interface_here(struct batch *batch)
{
	if (batch && !batch->failed && batch->message)
		batch->label.interface = nlmsg_hdr(batch->message)->nlmsg_len - sizeof(int);
}

void batch_put(struct batch *batch, int type, const void *data, size_t length)
{
	if (!batch || batch->failed || !batch->message || nla_put(batch->message, type, (int)length, data)) {
		if (batch)
			batch->failed = true;
	}
}

void batch_u8(struct batch *batch, int type, uint8_t value)
{
	batch_put(batch, type, &value, sizeof(value));
}

void batch_u16(struct batch *batch, int type, uint16_t value)
{
	batch_put(batch, type, &value, sizeof(value));
}

void batch_u32(struct batch *batch, int type, uint32_t value)
{
	batch_put(batch, type, &value, sizeof(value));
}

void batch_u64(struct batch *batch, int type, uint64_t value)
{
	batch_put(batch, type, &value, sizeof(value));
}

void batch_be32(struct batch *batch, int type, uint32_t value)
{
	batch_u32(batch, type, htobe32(value));
}

void batch_text(struct batch *batch, int type, const char *text)
{
	batch_put(batch, type, text, strlen(text) + 1);
}

void batch_address(struct batch *batch, int type, const struct address *address)
{
	batch_put(batch, type, address->bytes, address_size(address));
}

void batch_nest(struct batch *batch, int type)
{
	struct nlattr *nest = NULL;

	if (!batch || batch->failed || !batch->message)
		return;
	if (batch->depth < NEST_DEPTH)
		nest = nla_nest_start(batch->message, type | NLA_F_NESTED);
	if (nest)
		batch->nests[batch->depth++] = nest;
	else
		batch->failed = true;
}

void batch_end(struct batch *batch)
{
	if (!batch || batch->failed)
		return;
	if (batch->depth)
		(void)nla_nest_end_keep_empty(batch->message, batch->nests[--batch->depth]);
	else
		batch->failed = true;
}

void batch_raw(struct batch *batch, const void *data, size_t length)
{
	if (batch && !batch->failed && nlmsg_append(batch->message, (void *)(uintptr_t)data, length, NLMSG_ALIGNTO))
		batch->failed = true;
}

int batch_finish(struct batch *batch, struct messages *ret, struct error *err)
{
	if (batch)
		end_message(batch);
	if (!batch || batch->failed) {
		errno = ENOMEM;
		return fail_errno(err, K_NETWORK_MODE, "cannot build messages for the kernel");
	}
	*ret = batch->done;
	return 0;
}

int batch_send(struct batch *batch, int fd, struct error *err)
{
	struct messages messages = { 0 };

	return batch_finish(batch, &messages, err) || messages_send(&messages, fd, 0, err) ? -1 : 0;
}

CHILD int messages_send(const struct messages *messages, int fd, int interface, struct error *err)
{
	struct netlink_failure failure;
	const struct message_label *label = NULL;

	if (!messages->bytes)
		return 0;
	for (size_t i = 0; i < messages->count; i++)
		if (messages->labels[i].interface)
			memcpy(messages->bytes + messages->labels[i].interface, &interface, sizeof(interface));
	if (!netlink_exchange(fd, messages->bytes, messages->length, &failure))
		return 0;
	errno = failure.sys_errno;
	if (failure.message >= messages->count) {
		fail_errno(err, K_NETWORK_MODE, "cannot talk to the kernel about the network");
		if (failure.sys_errno == EMSGSIZE)
			error_remedy(err, "the section says more than fits into one message: raise the sysctl "
					  "net.core.wmem_max, or write fewer rules and routes");
		return -1;
	}
	label = &messages->labels[failure.message];
	if (!failure.text[0])
		return fail_errno_at(err, label->key, label->index, "cannot %s", label->what);
	return fail_errno_at(err, label->key, label->index, "cannot %s (the kernel says: %s)", label->what,
			     failure.text);
}
