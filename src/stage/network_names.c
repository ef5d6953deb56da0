/* network_names: the addresses that rules are about. Helper of network; runs in the launcher, in the host phase, where
 * `check` and `explain` never come: only a launch asks a name server.
 *
 * Addresses and networks are read as written. A name that network.hosts knows has that address, inside as here; any
 * other is looked up as the host looks up names (getaddrinfo(3)) and then stands for those addresses only, in the
 * filter and in /etc/hosts inside. It is asked for once, however many rules name it, so that all of them mean the same.
 *
 * The look-up happens in a forked process: it loads what nsswitch.conf(5) names into its own memory, not the
 * launcher's, and it can be ended when no answer comes. It dies with the launcher. One record per name comes back
 * through a pipe. Nothing to undo.
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/file.h"
#include "stage/network.h"

/* For all names together. A resolver's own patience is twice five seconds for each server, resolv.conf(5). */
enum { DEADLINE_SECONDS = 10, ADDRESSES_MAX = 64 };

struct answer {
	int code;      /* of getaddrinfo */
	int sys_errno; /* where the code is EAI_SYSTEM */
	size_t count;
	struct address addresses[ADDRESSES_MAX];
};

_Static_assert(sizeof(struct answer) <= PIPE_BUF, "an answer crosses the pipe in one write");

/* A rule of either list. */
struct rule {
	const char *text;
	int key, index;
	struct resolved *ret;
};

struct lookup {
	const struct network_host *network;
	const struct profile *profile;
	struct arena *arena;
	struct rule *rules;
	size_t count;
};

/* ---- the process that asks */

static bool listed(const struct answer *answer, const struct address *address)
{
	for (size_t i = 0; i < answer->count; i++)
		if (address_same(&answer->addresses[i], address))
			return true;
	return false;
}

static void keep(struct answer *answer, const struct sockaddr *from)
{
	struct address address = { .family = from->sa_family };

	if (from->sa_family == AF_INET) {
		memcpy(address.bytes, &((const struct sockaddr_in *)(const void *)from)->sin_addr, 4);
		address.prefix = 32;
	} else if (from->sa_family == AF_INET6) {
		memcpy(address.bytes, &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr, 16);
		address.prefix = 128;
	} else {
		return;
	}
	if (answer->count < ADDRESSES_MAX && !listed(answer, &address))
		answer->addresses[answer->count++] = address;
}

static void ask(const char *name, struct answer *ret)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL;

	memset(ret, 0, sizeof(*ret));
	ret->code = getaddrinfo(name, NULL, &hints, &list);
	ret->sys_errno = errno;
	for (const struct addrinfo *item = ret->code ? NULL : list; item; item = item->ai_next)
		keep(ret, item->ai_addr);
	if (!ret->code)
		freeaddrinfo(list);
}

/* The earlier rule of the same name; NULL: this is the first. */
static const struct rule *same_name(const struct lookup *lookup, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (lookup->rules[i].ret->name && !strcasecmp(lookup->rules[i].text, lookup->rules[index].text))
			return &lookup->rules[i];
	return NULL;
}

static bool is_pending(const struct lookup *lookup, size_t index)
{
	const struct resolved *resolved = lookup->rules[index].ret;

	return resolved->name && !resolved->addresses && !same_name(lookup, index);
}

static void ask_all(const struct lookup *lookup, int answers, pid_t launcher) __attribute__((noreturn));

static void ask_all(const struct lookup *lookup, int answers, pid_t launcher)
{
	struct answer answer;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) || getppid() != launcher)
		_exit(1);
	for (size_t i = 0; i < lookup->count; i++) {
		if (!is_pending(lookup, i))
			continue;
		ask(lookup->rules[i].ret->name, &answer);
		if (write_all(answers, &answer, sizeof(answer)))
			_exit(1);
	}
	_exit(0);
}

/* ---- the launcher */

static int fail_rule(const struct rule *rule, const char *why, struct error *err)
{
	fail_at(err, rule->key, rule->index, "cannot resolve the name %s: %s", rule->text, why);
	error_remedy(err, "write its address, or see that this host can look it up (getent hosts %s)", rule->text);
	return error_exit(err, EXIT_OF_HOST);
}

/* 1: an answer. 0: none came in time, or ever will. */
static int receive(int answers, int64_t deadline, struct answer *ret)
{
	struct pollfd poller = { .fd = answers, .events = POLLIN };

	for (;;) {
		int64_t left = deadline - clock_now();
		int n = poll(&poller, 1, left > 0 ? (int)(left / (NSEC_PER_SEC / 1000)) + 1 : 0);

		if (n > 0)
			return read(answers, ret, sizeof(*ret)) == (ssize_t)sizeof(*ret);
		if (n == 0 || errno != EINTR)
			return 0;
	}
}

static int take(const struct lookup *lookup, const struct rule *rule, const struct answer *answer, struct error *err)
{
	struct address *addresses = NULL;

	if (answer->code)
		return fail_rule(rule,
				 answer->code == EAI_SYSTEM ? strerror(answer->sys_errno) : gai_strerror(answer->code),
				 err);
	if (!answer->count)
		return fail_rule(rule, "it has no address", err);
	addresses = arena_array(lookup->arena, answer->count, sizeof(*addresses));
	if (!addresses)
		return fail_errno(err, 0, "cannot get memory");
	memcpy(addresses, answer->addresses, answer->count * sizeof(*addresses));
	rule->ret->addresses = addresses;
	rule->ret->count = answer->count;
	return 0;
}

static int receive_all(const struct lookup *lookup, int answers, struct error *err)
{
	int64_t deadline = clock_now() + DEADLINE_SECONDS * NSEC_PER_SEC;
	struct answer answer;

	for (size_t i = 0; i < lookup->count; i++) {
		const struct rule *rule = &lookup->rules[i];

		if (!is_pending(lookup, i))
			continue;
		if (!receive(answers, deadline, &answer))
			return fail_rule(rule, "no answer within 10 seconds", err);
		if (take(lookup, rule, &answer, err))
			return -1;
	}
	return 0;
}

static int resolve(const struct lookup *lookup, struct error *err)
{
	pid_t launcher = getpid(), pid = -1;
	int answers[2];
	int status = -1;

	if (pipe2(answers, O_CLOEXEC))
		return fail_errno(err, 0, "cannot make a pipe");
	pid = fork();
	if (pid == 0)
		ask_all(lookup, answers[1], launcher);
	close(answers[1]);
	if (pid < 0)
		fail_errno(err, 0, "cannot fork a process that resolves names");
	else
		status = receive_all(lookup, answers[0], err);
	close(answers[0]);
	if (pid > 0)
		(void)kill(pid, SIGKILL);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return status;
}

/* What can be said without asking anybody. */
static int read_rule(const struct lookup *lookup, const struct rule *rule, struct error *err)
{
	const struct host_name_list *hosts = &lookup->profile->network.hosts;
	struct resolved *ret = rule->ret;
	struct address *address = NULL;

	*ret = (struct resolved){ .kind = !strcmp(rule->text, "any")    ? RESOLVED_ANY
					  : !strcmp(rule->text, "host") ? RESOLVED_HOST
									: RESOLVED_ADDRESSES };
	if (ret->kind != RESOLVED_ADDRESSES)
		return 0;
	address = arena_alloc(lookup->arena, sizeof(*address));
	if (!address)
		return fail_errno(err, 0, "cannot get memory");
	ret->addresses = address;
	ret->count = 1;
	if (!address_parse(rule->text, address) || !address_parse_cidr(rule->text, address))
		return 0;
	ret->name = rule->text;
	for (size_t i = 0; i < hosts->count; i++)
		if (!strcasecmp(hosts->items[i].name, rule->text) && !address_parse(hosts->items[i].address, address))
			return 0;
	ret->addresses = NULL;
	ret->count = 0;
	return 0;
}

static int read_all(struct lookup *lookup, struct error *err)
{
	const struct profile *profile = lookup->profile;

	for (size_t i = 0; i < profile->network.outbound.rules.count; i++)
		lookup->rules[lookup->count++] =
			(struct rule){ profile->network.outbound.rules.items[i].to, K_NETWORK_OUTBOUND_RULES_TO, (int)i,
				       &lookup->network->outbound[i] };
	for (size_t i = 0; i < profile->network.inbound.rules.count; i++)
		lookup->rules[lookup->count++] =
			(struct rule){ profile->network.inbound.rules.items[i].from, K_NETWORK_INBOUND_RULES_FROM,
				       (int)i, &lookup->network->inbound[i] };
	for (size_t i = 0; i < lookup->count; i++)
		if (read_rule(lookup, &lookup->rules[i], err))
			return -1;
	return 0;
}

int names_resolve(const struct plan *plan, struct arena *arena, struct network_host *network, struct error *err)
{
	const struct profile *profile = plan->profile;
	size_t out = profile->network.outbound.rules.count, in = profile->network.inbound.rules.count;
	struct lookup lookup = { .network = network, .profile = profile, .arena = arena };
	bool pending = false;

	network->outbound = arena_array(arena, out, sizeof(*network->outbound));
	network->inbound = arena_array(arena, in, sizeof(*network->inbound));
	lookup.rules = arena_array(arena, out + in, sizeof(*lookup.rules));
	if (!network->outbound || !network->inbound || !lookup.rules)
		return fail_errno(err, 0, "cannot get memory");
	if (read_all(&lookup, err))
		return -1;
	for (size_t i = 0; i < lookup.count; i++)
		pending |= is_pending(&lookup, i);
	if (pending && resolve(&lookup, err))
		return -1;
	for (size_t i = 0; i < lookup.count; i++) {
		const struct rule *first = same_name(&lookup, i);

		if (first)
			*lookup.rules[i].ret = *first->ret;
	}
	return 0;
}
