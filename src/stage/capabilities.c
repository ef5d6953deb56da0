/* capabilities: which parts of root's power the payload has: (ALL - drop) + keep, and no process inside ever more.
 *
 * plan     (parent) turns names into masks, over every capability that the running kernel has. Without a user
 *          namespace of its own the sandbox can only have what the launcher has: names that the profile keeps must be
 *          among them, and what it merely does not drop is cut to them.
 * enter    (child) takes everything else out of the bounding set, which takes CAP_SETPCAP, and arranges that the
 *          permitted set outlives the change of ids (SECBIT_KEEP_CAPS, which every execve clears). Last of its column
 *          but attest: whatever needs a capability of the builder comes before.
 * confine  (payload, after ids) makes the permitted, effective and inheritable sets exact, raises the ambient ones,
 *          locks the secure bits, and re-arms two things that the change of ids undoes: the death signal and the
 *          non-dumpable state (prctl(2)).
 *
 * After execve: uid 0 has the bounding set, which is what the profile keeps. Another uid has the ambient set; what is
 * kept and not ambient it can get back only by set-user-ID root or file capabilities, and no_new_privs rules that
 * out. With nothing kept, root inside is nobody special (SECBIT_NOROOT, locked). Ambient capabilities cannot be
 * raised later.
 *
 * Needs: capabilities(7), ambient ones since Linux 4.3. attest reads all five sets back. Nothing to undo. The only
 * user of libcap, and only in plan and describe.
 */
#include "stage/stage.h"

#include <ctype.h>
#include <linux/securebits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "profile/diagnostic.h"

enum {
	CAPABILITY_MAX = 63, /* the kernel's sets have 64 bits */
	NAME_SIZE = 32,
};

static const char prefix[] = "cap_";

CHILD static uint64_t bit(int capability)
{
	return (uint64_t)1 << capability;
}

/* ---- names */

static uint64_t all_up_to(int last)
{
	return last >= CAPABILITY_MAX ? UINT64_MAX : bit(last + 1) - 1;
}

static int last_capability(void)
{
	int last = 0;

	while (last < CAPABILITY_MAX && prctl(PR_CAPBSET_READ, last + 1, 0, 0, 0) >= 0)
		last++;
	return last;
}

/* The name as profiles write it best: upper case, without CAP_. Cut to NAME_SIZE. */
static void normalise(const char *name, char out[NAME_SIZE])
{
	size_t length = 0;

	if (!strncasecmp(name, prefix, strlen(prefix)))
		name += strlen(prefix);
	for (; *name && length + 1 < NAME_SIZE; name++)
		out[length++] = (char)toupper((unsigned char)*name);
	out[length] = '\0';
}

static void name_of(int capability, char out[NAME_SIZE])
{
	char *name = cap_to_name(capability);

	normalise(name ? name : "", out);
	cap_free(name);
}

/* The known name most like `name`, or "". */
static void nearest_to(const char *name, char out[NAME_SIZE])
{
	char text[CAPABILITY_MAX + 1][NAME_SIZE], normalised[NAME_SIZE];
	const char *names[CAPABILITY_MAX + 1];
	const char *nearest = NULL;
	size_t count = 0;

	for (; count <= CAPABILITY_MAX && count < (size_t)cap_max_bits(); count++) {
		name_of((int)count, text[count]);
		names[count] = text[count];
	}
	normalise(name, normalised);
	nearest = nearest_name(normalised, names, count);
	(void)snprintf(out, NAME_SIZE, "%s", nearest ? nearest : "");
}

static int unknown_name(const char *name, int key, int index, struct error *err)
{
	char nearest[NAME_SIZE];

	nearest_to(name, nearest);
	fail_at(err, key, index, "unknown capability %s", name);
	if (*nearest)
		error_remedy(err, "did you mean %s?", nearest);
	else
		error_remedy(err, "capabilities(7) lists them");
	return error_exit(err, EXIT_OF_PROFILE);
}

/* "NET_ADMIN", "net_admin" or "CAP_NET_ADMIN". libcap stops reading at a comma and takes numbers for names: what it
 * found must be called what was looked for. */
static int number_of(const char *name, cap_value_t *ret)
{
	char wanted[NAME_SIZE], found[NAME_SIZE], full[sizeof(prefix) + NAME_SIZE];

	normalise(name, wanted);
	(void)snprintf(full, sizeof(full), "%s%s", prefix, wanted);
	for (char *at = full; *at; at++)
		*at = (char)tolower((unsigned char)*at);
	if (cap_from_name(full, ret))
		return -1;
	name_of(*ret, found);
	return strcmp(wanted, found) ? -1 : 0;
}

bool capability_known(const char *name, char nearest[NEAREST_SIZE])
{
	cap_value_t capability = 0;
	char text[NAME_SIZE];

	if (!number_of(name, &capability))
		return true;
	nearest_to(name, text);
	(void)snprintf(nearest, NEAREST_SIZE, "%s", text);
	return false;
}

struct name_list {
	const struct strings *names;
	int key;
	int last; /* highest capability of the kernel */
};

/* The mask of a list. ALL is every one of the kernel's. One that the kernel does not have is nothing to drop. */
static int mask_of(const struct name_list *list, uint64_t *ret, struct error *err)
{
	*ret = 0;
	for (size_t i = 0; i < list->names->count; i++) {
		const char *name = list->names->items[i];
		cap_value_t capability = 0;

		if (!strcasecmp(name, "ALL")) {
			*ret |= all_up_to(list->last);
			continue;
		}
		if (number_of(name, &capability))
			return unknown_name(name, list->key, (int)i, err);
		if (capability <= list->last)
			*ret |= bit(capability);
		else if (list->key != K_CAPABILITIES_DROP)
			return fail_at(err, list->key, (int)i, "the kernel has no capability %s", name);
	}
	return 0;
}

/* ---- plan */

static int read_own(uint64_t *ret_permitted)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (capget(&header, data))
		return -1;
	*ret_permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
	return 0;
}

/* What the child will hold before it gives anything up: everything in a user namespace of its own. */
static int available(const struct plan *plan, uint64_t *ret, struct error *err)
{
	int last = plan->capabilities.last_cap;

	*ret = all_up_to(last);
	if (plan->userns.create || plan->userns.joined)
		return 0;
	if (read_own(ret))
		return fail_errno(err, K_CAPABILITIES_KEEP, "cannot read the launcher's capabilities");
	for (int capability = 0; capability <= last; capability++)
		if (prctl(PR_CAPBSET_READ, capability, 0, 0, 0) != 1)
			*ret &= ~bit(capability);
	return 0;
}

static int lacks(uint64_t missing, int key, struct error *err)
{
	char name[NAME_SIZE];

	name_of(__builtin_ctzll(missing), name);
	fail(err, key, "cannot keep %s: the launcher does not have it", name);
	return error_remedy(err, "in a user namespace (users.map) the sandbox has all of them over what is its own");
}

static int not_kept(uint64_t wrong, struct error *err)
{
	char name[NAME_SIZE];

	name_of(__builtin_ctzll(wrong), name);
	fail(err, K_CAPABILITIES_AMBIENT, "cannot make %s ambient: it is not kept", name);
	error_remedy(err, "name it in capabilities.keep too");
	return error_exit(err, EXIT_OF_PROFILE);
}

/* A payload that keeps capabilities keeps the kernel's own rules for setuid(2) as well: a server that gives up root
 * must lose them by that. SECBIT_KEEP_CAPS stays unlocked: with nothing to keep it means nothing, and programs
 * that give up capabilities of their own set it first and end when they may not, ping(8) among them. */
static unsigned long securebits(const struct capabilities_plan *caps)
{
	const unsigned long always = SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
	const unsigned long nothing_kept =
		SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED;

	return caps->permitted ? always : always | nothing_kept;
}

int capabilities_plan(const struct profile *profile, struct plan *plan, struct error *err)
{
	struct capabilities_plan *caps = &plan->capabilities;
	int last = caps->last_cap = last_capability();
	const struct name_list drop = { &profile->capabilities.drop, K_CAPABILITIES_DROP, last };
	const struct name_list keep = { &profile->capabilities.keep, K_CAPABILITIES_KEEP, last };
	const struct name_list ambient = { &profile->capabilities.ambient, K_CAPABILITIES_AMBIENT, last };
	uint64_t dropped = 0, kept = 0, held = 0;

	if (mask_of(&drop, &dropped, err) || mask_of(&keep, &kept, err) || mask_of(&ambient, &caps->ambient, err) ||
	    available(plan, &held, err))
		return -1;
	if (kept & ~held)
		return lacks(kept & ~held, K_CAPABILITIES_KEEP, err);
	caps->permitted = ((all_up_to(last) & ~dropped) | kept) & held;
	caps->bounding = caps->permitted;
	caps->securebits = securebits(caps);
	return caps->ambient & ~caps->permitted ? not_kept(caps->ambient & ~caps->permitted, err) : 0;
}

/* ---- the child */

/* Should: leave the bounding set as it will be for ever.  Mustn't: come before a cell that needs the builder's
 * capabilities over an execve; there is none. */
CHILD int capabilities_enter(const struct plan *plan, struct inside *inside, struct error *err)
{
	const struct capabilities_plan *caps = &plan->capabilities;

	(void)inside;
	for (int capability = 0; capability <= caps->last_cap; capability++)
		if (!(caps->bounding & bit(capability)) && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0))
			return fail_errno(err, K_CAPABILITIES_DROP, "cannot drop capability %d from the bounding set",
					  capability);
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0))
		return fail_errno(err, 0, "cannot keep capabilities over the change of ids");
	return 0;
}

CHILD static int set_capabilities(uint64_t permitted, uint64_t inheritable)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	for (int word = 0; word < _LINUX_CAPABILITY_U32S_3; word++) {
		data[word].permitted = (uint32_t)(permitted >> 32 * word);
		data[word].effective = data[word].permitted;
		data[word].inheritable = (uint32_t)(inheritable >> 32 * word);
	}
	return (int)syscall(SYS_capset, &header, data);
}

CHILD static int raise_ambient(const struct capabilities_plan *caps, struct error *err)
{
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0))
		return fail_errno(err, K_CAPABILITIES_AMBIENT, "cannot clear the ambient capabilities");
	for (int capability = 0; capability <= caps->last_cap; capability++)
		if (caps->ambient & bit(capability) && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0))
			return fail_errno(err, K_CAPABILITIES_AMBIENT, "cannot make capability %d ambient", capability);
	return 0;
}

/* The kernel forgets both when ids change (prctl(2)). Whether the launcher has died in between, its lifeline tells. */
CHILD static int rearm(struct error *err)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0))
		return fail_errno(err, 0, "cannot ask for death with the parent");
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		return fail_errno(err, 0, "cannot stay non-dumpable");
	return 0;
}

/* Should: leave exactly the planned sets.  Mustn't: run before ids_confine, which needs SETUID, SETGID, and undoes the
 * death signal. Secure bits take CAP_SETPCAP, so that goes last. */
CHILD int capabilities_confine(const struct plan *plan, struct inside *inside, struct error *err)
{
	const struct capabilities_plan *caps = &plan->capabilities;

	(void)inside;
	if (set_capabilities(caps->permitted | bit(CAP_SETPCAP), caps->ambient))
		return fail_errno(err, 0, "cannot give up the builder's capabilities");
	if (raise_ambient(caps, err))
		return -1;
	if (prctl(PR_SET_SECUREBITS, caps->securebits, 0, 0, 0))
		return fail_errno(err, 0, "cannot lock the secure bits");
	if (set_capabilities(caps->permitted, caps->ambient))
		return fail_errno(err, 0, "cannot set the capabilities");
	return rearm(err);
}

/* ---- explain */

static void describe_set(struct description *out, int key, const char *what, uint64_t set)
{
	struct text names = { 0 };

	for (int capability = 0; capability <= CAPABILITY_MAX; capability++) {
		char name[NAME_SIZE];

		if (!(set & bit(capability)))
			continue;
		name_of(capability, name);
		text_add(&names, " %s", name);
	}
	if (!names.failed)
		describe(out, key, -1, "%s%s", what, names.data);
	text_free(&names);
}

/* Numbers too, as /proc/PID/status and tracers show them. */
void capabilities_describe(const struct plan *plan, struct description *out)
{
	const struct capabilities_plan *caps = &plan->capabilities;
	uint64_t dropped = all_up_to(caps->last_cap) & ~caps->bounding;

	if (!caps->permitted)
		describe(out, K_CAPABILITIES_DROP, -1, "keeps no capability, as uid 0 neither");
	else
		describe_set(out, plan->profile->capabilities.keep.count ? K_CAPABILITIES_KEEP : K_CAPABILITIES_DROP,
			     "keeps", caps->permitted);
	if (dropped)
		describe(out, K_CAPABILITIES_DROP, -1, "takes %d of %d out of the bounding set, for ever",
			 __builtin_popcountll(dropped), caps->last_cap + 1);
	if (caps->ambient)
		describe_set(out, K_CAPABILITIES_AMBIENT, "ambient, so that they outlive execve:", caps->ambient);
	else if (caps->permitted && plan->ids.uid)
		describe(out, K_CAPABILITIES_AMBIENT, -1, "execve clears them: not uid 0, and none ambient");
	describe(out, 0, -1, "permitted and effective 0x%llx, inheritable and ambient 0x%llx, secure bits 0x%lx",
		 (unsigned long long)caps->permitted, (unsigned long long)caps->ambient, caps->securebits);
	describe_need(out, "ambient capabilities (Linux 4.3)");
}
