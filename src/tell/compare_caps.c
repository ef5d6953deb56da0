/* compare_caps: every capability's effect, one at a time: the operation that it is for, tried without it and with it
 * alone.
 *
 * Runs in the launcher's place. For each capability one throw-away process makes a scene, in mount, network, IPC and
 * UTS namespaces of its own: a tmpfs that is attached nowhere, with files of two users, a process of another user, a
 * message queue. Two more are forked from it: an ordinary user's without any capability, then one with this
 * capability and no other. What they could do is what the capability is for (compare_caps_try.c). An ordinary caller's
 * scene is in user and pid namespaces besides, where there is one user only, and where the kernel does not listen to
 * capabilities that it asks for in the initial one: what cannot be shown there is named, with the reason.
 *
 * Everything ends with these processes, which die with the launcher. The host is not changed.
 */
#include "tell/compare_caps.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/format.h"
#include "base/mount.h"
#include "base/syscall.h"
#include "tell/compare.h"
#include "tell/doctor.h"

/* Exit statuses of a try that are no errno. */
enum { NOT_READY = 250, KILLED = 251 };

enum { ORDINARY = 65534, SOMEBODY = 1 };

struct effect {
	int without, with; /* 0, errno, CAPS_SILENT, NOT_READY, KILLED */
	bool made;         /* there was a scene */
	char problem[128]; /* why not */
};

const char *compare_capability_name(int capability, char place[24])
{
	if (capability >= 0 && capability < CAPS_COUNT)
		return caps_trials[capability].name;
	(void)snprintf(place, 24, "%d", capability);
	return place;
}

/* ---- a try ----------------------------------------------------------------------------------- */

static int set_only(int capability)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (capability >= 0) {
		data[capability / 32].permitted = 1U << capability % 32;
		data[capability / 32].effective = 1U << capability % 32;
	}
	return (int)syscall(SYS_capset, &header, data);
}

/* An ordinary user with this capability alone; -1: with none. In a user namespace of one user that is its root, who
 * without capabilities is nobody special. */
static int become(const struct caps_scene *scene, int capability)
{
	uid_t id = scene->self;

	if (setsid() < 0)
		return -1;
	if (id && (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) || setgroups(0, NULL) || setresgid(id, id, id) ||
		   setresuid(id, id, id)))
		return -1;
	return set_only(capability) || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) ? -1 : 0;
}

static int try_as(const struct caps_scene *scene, int of, int with)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0)
		_exit(become(scene, with) ? NOT_READY : caps_trials[of].try(scene));
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (pid < 0)
		return NOT_READY;
	return WIFEXITED(status) ? WEXITSTATUS(status) : KILLED;
}

/* ---- the scene ------------------------------------------------------------------------------- */

static int make_file(const char *name, uid_t owner, gid_t group, mode_t mode)
{
	AUTO_CLOSE int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	return fd < 0 || fchown(fd, owner, group) || fchmod(fd, mode) ? -1 : 0;
}

/* A tmpfs for a working directory; no path leads to it. */
static int enter_tmpfs(void)
{
	AUTO_CLOSE int mount = mount_new("tmpfs", NULL, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, NULL);

	return mount < 0 || fchdir(mount) || chmod(".", 0777) ? -1 : 0;
}

/* Dumpable, or a user namespace's root could not trace it whatever he has. */
static pid_t fork_target(uid_t uid)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	if ((uid && setresuid(uid, uid, uid)) || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) ||
	    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0))
		_exit(NOT_READY);
	for (;;)
		(void)pause();
}

/* An ordinary user's is in a pid namespace as well, where some capabilities are asked for; its first process is the
 * target, and whoever is forked later lives as long as that. Root's stays in the host's: the audit system listens to
 * nobody elsewhere. */
static int make_scene(const struct caller *caller, pid_t *ret_target, struct caps_scene *ret)
{
	struct mount_attr private = { .propagation = MS_PRIVATE };
	uid_t owner = caller->root ? SOMEBODY : 0;

	*ret = (struct caps_scene){ .self = caller->root ? ORDINARY : 0, .other = SOMEBODY, .queue = -1 };
	if (!caller->root && probe_enter_userns(caller))
		return -1;
	if (unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | (caller->root ? 0 : CLONE_NEWPID)) ||
	    sys_mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &private) || enter_tmpfs())
		return -1;
	if (make_file(CAPS_OWN, ret->self, owner, 0644) || make_file(CAPS_CLOSED, owner, owner, 0) ||
	    make_file(CAPS_OTHER, owner, owner, 0644))
		return -1;
	ret->queue = msgget(IPC_PRIVATE, 0);
	*ret_target = fork_target(owner);
	ret->target = caller->root ? *ret_target : 1;
	return ret->queue < 0 || *ret_target < 0 ? -1 : 0;
}

struct work {
	const struct caller *caller;
	int capability;
};

static void work(const void *argument, void *output)
{
	const struct work *of = argument;
	struct effect *ret = output;
	struct caps_scene scene;
	pid_t target = -1;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) || make_scene(of->caller, &target, &scene)) {
		(void)format_text(ret->problem, sizeof(ret->problem), "there is no place to try it in: %s",
				  strerror(errno));
		return;
	}
	ret->made = true;
	ret->without = try_as(&scene, of->capability, -1);
	ret->with = try_as(&scene, of->capability, of->capability);
	(void)kill(target, SIGKILL);
	(void)waitpid(target, NULL, 0);
}

/* ---- what came of it ------------------------------------------------------------------------- */

enum state { SHOWN, UNSEEN, UNTRIED, STATE_COUNT };

static const char *const state_names[STATE_COUNT] = { "shown", "unseen", "untried" };

enum { WORD_SIZE = 24 };

struct finding {
	const struct caps_trial *trial;
	enum state state;
	const char *profile; /* kept, dropped, powerless */
	char without[WORD_SIZE], with[WORD_SIZE];
	char reason[192];
};

static void result_word(const struct caps_trial *trial, int result, char to[WORD_SIZE])
{
	static const struct {
		int number;
		const char *word;
	} words[] = {
		{ 0, "done" },
		{ CAPS_SILENT, "ignored" },
		{ NOT_READY, "not ready" },
		{ KILLED, "killed" },
		{ EPERM, "EPERM" },
		{ EACCES, "EACCES" },
		{ EINVAL, "EINVAL" },
		{ ENOSYS, "ENOSYS" },
		{ EBUSY, "EBUSY" },
		{ ENOTTY, "ENOTTY" },
		{ EOPNOTSUPP, "EOPNOTSUPP" },
		{ ENOMEM, "ENOMEM" },
		{ ENOENT, "ENOENT" },
		{ ECONNREFUSED, "ECONNREFUSED" },
		{ EPROTONOSUPPORT, "EPROTONOSUPPORT" },
	};
	const char *word = NULL;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (result == words[i].number)
			word = words[i].word;
	if (result && result == trial->past)
		word = "allowed";
	if (word)
		(void)snprintf(to, WORD_SIZE, "%s", word);
	else
		(void)snprintf(to, WORD_SIZE, "errno %d", result);
}

static bool allowed(const struct caps_trial *trial, int result)
{
	return !result || (trial->past && result == trial->past);
}

static uint64_t own_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (syscall(SYS_capget, &header, data))
		return 0;
	return data[0].permitted | (uint64_t)data[1].permitted << 32;
}

/* Why there is nothing to be seen of a trial that was made. */
static const char *reason_of(const struct caps_trial *trial, const struct effect *effect, bool root)
{
	if (allowed(trial, effect->with) && !root)
		return "without it possible on one's own; an ordinary user's user namespace has no second user";
	if (allowed(trial, effect->with))
		return "it is possible without the capability here";
	if (effect->with == NOT_READY || effect->without == NOT_READY)
		return "no process could be made an ordinary user to try it";
	if (!root && trial->initial)
		return "the kernel asks for it in the initial user namespace: only root of the host can show it";
	if (!root && effect->with == EINVAL)
		return "an ordinary user's user namespace has no second user";
	if (effect->with == CAPS_SILENT)
		return "this kernel ignores the request from everybody";
	if (effect->with == ENOSYS || effect->with == ENOTTY || effect->with == EOPNOTSUPP ||
	    effect->with == EPROTONOSUPPORT)
		return "this kernel cannot do the operation";
	return "refused with the capability as well: by an outer sandbox, a security module or a sysctl";
}

static void try_both(const struct plan *plan, int capability, struct finding *ret)
{
	const struct work of = { plan->caller, capability };
	struct effect effect;

	if (!doctor_in_child(work, &of, &effect, sizeof(effect)))
		(void)snprintf(effect.problem, sizeof(effect.problem), "the process that tried it was killed");
	if (!effect.made) {
		(void)snprintf(ret->reason, sizeof(ret->reason), "%s", effect.problem);
		return;
	}
	result_word(ret->trial, effect.without, ret->without);
	result_word(ret->trial, effect.with, ret->with);
	if (allowed(ret->trial, effect.with) && !allowed(ret->trial, effect.without) && effect.without < NOT_READY)
		ret->state = SHOWN;
	else
		(void)snprintf(ret->reason, sizeof(ret->reason), "%s",
			       reason_of(ret->trial, &effect, plan->caller->root));
}

static void find(const struct plan *plan, int capability, struct finding *ret)
{
	bool kept = plan->capabilities.permitted >> capability & 1;

	*ret = (struct finding){ .trial = &caps_trials[capability], .state = UNSEEN };
	ret->profile = !kept ? "dropped" : ret->trial->initial && plan->userns.create ? "powerless" : "kept";
	if (!ret->trial->try) {
		ret->state = UNTRIED;
		(void)snprintf(ret->reason, sizeof(ret->reason), "%s", ret->trial->reason);
	} else if (plan->caller->root && !(own_capabilities() >> capability & 1)) {
		(void)snprintf(ret->reason, sizeof(ret->reason), "the caller does not have the capability");
	} else {
		try_both(plan, capability, ret);
	}
}

/* ---- the answer ------------------------------------------------------------------------------ */

enum { NAME_COLUMN = 20, OPERATION_COLUMN = 31, WITHOUT_COLUMN = 71 };

static void table_line(const struct page *page, struct text *out, const struct finding *item)
{
	const struct page_line line = { .lead = item->trial->name,
					.lead_style = strcmp(item->profile, "kept") ? STYLE_PLAIN : STYLE_WARN,
					.start = NAME_COLUMN,
					.hang = OPERATION_COLUMN };

	if (item->state == SHOWN)
		page_line(page, out, &line, "%-*s%-*s%-10s%s", OPERATION_COLUMN - NAME_COLUMN, item->profile,
			  WITHOUT_COLUMN - OPERATION_COLUMN, item->trial->operation, item->without, item->with);
	else
		page_line(page, out, &line, "%-*s%s: %s", OPERATION_COLUMN - NAME_COLUMN, item->profile,
			  item->trial->operation, item->reason);
}

static void print_table(const struct page *page, struct text *out, const struct finding *items,
			const size_t counts[STATE_COUNT])
{
	static const char *const titles[STATE_COUNT] = { "", "cannot be shown here", "not tried" };
	const struct page_line heading = {
		.lead = "capability", .lead_style = STYLE_HEADING, .style = STYLE_HEADING, .start = NAME_COLUMN
	};

	page_line(page, out, &heading, "%-*s%-*s%-10s%s", OPERATION_COLUMN - NAME_COLUMN, "profile",
		  WITHOUT_COLUMN - OPERATION_COLUMN, "operation", "without", "with");
	for (int state = 0; state < STATE_COUNT; state++) {
		const struct page_line title = { .lead = titles[state], .lead_style = STYLE_HEADING };

		if (state && counts[state]) {
			text_add(out, "\n");
			page_line(page, out, &title, "%s", "");
		}
		for (int i = 0; i < CAPS_COUNT; i++)
			if ((int)items[i].state == state)
				table_line(page, out, &items[i]);
	}
	text_add(out, "\n");
	page_line(page, out, &(struct page_line){ 0 },
		  "%zu shown, %zu that cannot be shown here, %zu not tried. \"allowed\": the kernel let it pass, and "
		  "then refused an argument that was made to do no harm. \"ignored\": it says yes and does not do it. "
		  "\"powerless\": the profile keeps it, in a user namespace, where the kernel does not ask for it.",
		  counts[SHOWN], counts[UNSEEN], counts[UNTRIED]);
}

static void add(struct json_object *to, const char *name, const char *value)
{
	if (value[0])
		json_object_object_add(to, name, json_object_new_string(value));
}

static struct json_object *as_json(const struct finding *items, const size_t counts[STATE_COUNT])
{
	struct json_object *document = json_object_new_object(), *list = json_object_new_array();

	for (int i = 0; i < CAPS_COUNT; i++) {
		struct json_object *item = json_object_new_object();

		add(item, "name", items[i].trial->name);
		add(item, "profile", items[i].profile);
		add(item, "operation", items[i].trial->operation);
		add(item, "state", state_names[items[i].state]);
		add(item, "without", items[i].without);
		add(item, "with", items[i].with);
		add(item, "reason", items[i].reason);
		json_object_array_add(list, item);
	}
	json_object_object_add(document, "capabilities", list);
	for (int state = 0; state < STATE_COUNT; state++)
		json_object_object_add(document, state_names[state], json_object_new_uint64(counts[state]));
	return document;
}

int compare_caps(const struct plan *plan, bool json, struct error *err)
{
	const struct page page = page_of(STDOUT_FILENO);
	size_t counts[STATE_COUNT] = { 0 };
	struct finding items[CAPS_COUNT];
	struct json_object *document = NULL;
	struct text text = { 0 };
	int status = 0;

	for (int i = 0; i < CAPS_COUNT; i++) {
		find(plan, i, &items[i]);
		counts[items[i].state]++;
	}
	if (json)
		document = as_json(items, counts);
	else
		print_table(&page, &text, items, counts);
	status = compare_print(document, &text, err);
	json_object_put(document);
	text_free(&text);
	return status;
}
