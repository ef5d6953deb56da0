/* network_nft_answer: what nf_tables says: attributes of its answers, and what its errors mean. Parent only, but for
 * nft_explain().
 *
 * Every length in an answer is checked against what was received before anything is read by it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#include "stage/network_nft.h"

const uint8_t *nft_next(const uint8_t **at, size_t *left, int *ret_type, size_t *ret_length)
{
	const uint8_t *data = *at + NLA_HDRLEN;
	struct nlattr header;
	size_t whole = 0;

	if (*left < NLA_HDRLEN)
		return NULL;
	memcpy(&header, *at, sizeof(header));
	if (header.nla_len < NLA_HDRLEN || header.nla_len > *left)
		return NULL;
	*ret_type = header.nla_type & NLA_TYPE_MASK;
	*ret_length = header.nla_len - NLA_HDRLEN;
	whole = (size_t)NLA_ALIGN(header.nla_len);
	whole = whole < *left ? whole : *left;
	*at += whole;
	*left -= whole;
	return data;
}

const uint8_t *nft_find(const uint8_t *attributes, size_t length, int type, size_t *ret_length)
{
	const uint8_t *data = NULL;
	int found = 0;

	do
		data = nft_next(&attributes, &length, &found, ret_length);
	while (data && found != type);
	return data;
}

const uint8_t *nft_attribute(struct nlmsghdr *message, int type, size_t *ret_length)
{
	const size_t before = NLMSG_SPACE(sizeof(struct nfgenmsg));

	if (message->nlmsg_len < before)
		return NULL;
	return nft_find((const uint8_t *)message + before, message->nlmsg_len - before, type, ret_length);
}

CHILD int nft_explain(struct error *err)
{
	/* No subsystem; no such family; no such expression or chain type. */
	static const int missing[] = { EOPNOTSUPP, EPROTONOSUPPORT, EAFNOSUPPORT, ENOENT };

	for (size_t i = 0; i < sizeof(missing) / sizeof(missing[0]); i++)
		if (err->sys_errno == missing[i]) {
			error_remedy(err, "the kernel needs nf_tables with the inet family and its ct, fib, nat, masq "
					  "and reject modules (CONFIG_NF_TABLES and below)");
			return error_exit(err, EXIT_OF_HOST);
		}
	return -1;
}
