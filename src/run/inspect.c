/* inspect: what a running sandbox is like, in JSON.
 *
 * The description for the register is made in the launcher, when the child is on its way. The long answer, to `sandbox
 * inspect`, is made in a process that the keeper forks for it (run/keeper.c): it has the plan and what the host column
 * made as a copy, looks at the rest through the descriptors of cgroups and namespaces, changes nothing, and ends. It
 * may wait for its client; the launcher does not.
 *
 * Names of processes come from inside and may be anything: JSON escapes them, and whoever prints it elsewhere must,
 * too. What cannot be read any more is left out.
 */
#include "run/inspect.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/format.h"
#include "base/parse.h"
#include "profile/schema.h"
#include "profile/tree.h"
#include "run/json.h"
#include "run/launch.h"
#include "stage/network.h"

enum { COMMAND_MAX = 8 * 1024, PIECE = 16 * 1024, PROCESSES_MAX = 4096, WAIT_MSEC = 10000 };

/* ---- what the plan says ----------------------------------------------------------------------------------------- */

/* The words that fit; "..." stands for the others. */
static struct json_object *command(const struct plan *plan)
{
	struct json_object *words = json_object_new_array();
	size_t length = 0;

	for (char **word = plan->process.argv; *word; word++) {
		length += strlen(*word);
		json_object_array_add(words, length > COMMAND_MAX ? json_object_new_string("...")
					     : **word             ? json_text(*word)
								  : json_object_new_string(""));
		if (length > COMMAND_MAX)
			break;
	}
	return words;
}

static struct json_object *entry_of(const struct plan *plan)
{
	const struct profile *profile = plan->profile;
	struct json_object *object = json_object_new_object();
	struct location place = { 0 };

	profile_locate(profile, K_FORMAT, -1, &place);
	json_add_text(object, "id", plan->caller->id);
	json_add_text(object, "name", plan->caller->name);
	json_add_number(object, "pid", getpid());
	json_add_number(object, "uid", geteuid());
	json_add_number(object, "started_unix_nsec", plan->caller->started);
	json_add_text(object, "profile", place.file);
	json_object_object_add(object, "command", command(plan));
	json_object_object_add(object, "exec", json_object_new_boolean(profile->process.exec));
	json_add_text(object, "tty", keys[K_PROCESS_TTY].values[profile->process.tty]);
	json_add_text(object, "version", VERSION);
	return object;
}

void inspect_describe(const struct plan *plan, struct text *out)
{
	struct json_object *object = entry_of(plan);

	text_add(out, "%s\n",
		 json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(object);
}

static bool lists(struct json_object *list, const char *text)
{
	for (size_t i = 0; i < json_object_array_length(list); i++)
		if (!strcmp(json_object_get_string(json_object_array_get_idx(list, i)), text))
			return true;
	return false;
}

/* Every file that a value comes from. */
static void add_files(const struct node *node, struct json_object *list)
{
	for (; node; node = node->next) {
		if (node->source && node->source->file && !lists(list, node->source->file))
			json_object_array_add(list, json_text(node->source->file));
		if (node->type == NODE_GROUP || node->type == NODE_LIST)
			add_files(node->first, list);
	}
}

/* ---- what is there ---------------------------------------------------------------------------------------------- */

static struct json_object *namespaces(const struct entrances *entrances)
{
	static const char *const names[] = {
		[NAMESPACE_USER] = "user",     [NAMESPACE_MOUNT] = "mount", [NAMESPACE_PID] = "pid",
		[NAMESPACE_NET] = "net",       [NAMESPACE_IPC] = "ipc",     [NAMESPACE_UTS] = "uts",
		[NAMESPACE_CGROUP] = "cgroup", [NAMESPACE_TIME] = "time",
	};
	struct json_object *object = json_object_new_object();

	_Static_assert(sizeof(names) / sizeof(names[0]) == NAMESPACE_COUNT, "every kind has a name");
	for (int i = 0; i < NAMESPACE_COUNT; i++) {
		struct stat st;

		json_add_number(object, names[i],
				entrances->fd[i] >= 0 && !fstat(entrances->fd[i], &st) ? (int64_t)st.st_ino : -1);
	}
	return object;
}

static void add_cgroup(const char *hierarchy, const char *path, int directory, void *list)
{
	static const char *const files[] = {
		"memory.current",
		"memory.max",
		"memory.high",
		"memory.swap.max",
		"pids.current",
		"pids.max",
		"cpu.max",
		"cpu.weight",
		"cpuset.cpus.effective",
		"memory.usage_in_bytes",
		"memory.limit_in_bytes",
		"cpu.shares",
		"cpu.cfs_quota_us",
		"cpu.cfs_period_us",
		"cpuacct.usage",
		"cpuset.cpus",
	};
	struct json_object *object = json_object_new_object(), *values = json_object_new_object();

	json_add_text(object, "hierarchy", hierarchy);
	json_add_text(object, "path", path);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char text[256];

		if (read_file_at(directory, files[i], text, sizeof(text)) < 0)
			continue;
		text[strcspn(text, "\n")] = '\0';
		json_add_text(values, files[i], text);
	}
	json_object_object_add(object, "files", values);
	json_object_array_add(list, object);
}

static void add_address(struct json_object *list, const struct address *address)
{
	char text[ADDRESS_TEXT_SIZE];

	if (address->family == AF_INET || address->family == AF_INET6)
		json_object_array_add(list, json_object_new_string(address_text(address, true, text)));
}

static struct json_object *published(const struct published *port)
{
	struct json_object *object = json_object_new_object();
	char text[ADDRESS_TEXT_SIZE];

	json_add_text(object, "protocol", port->protocol == IPPROTO_UDP ? "udp" : "tcp");
	json_add_text(object, "listen", address_text(&port->listen, false, text));
	json_add_number(object, "host", port->host);
	json_add_number(object, "guest", port->guest);
	return object;
}

static struct json_object *network(const struct launch *launch)
{
	const struct network_host *host = launch->host.network;
	struct json_object *object = json_object_new_object(), *addresses = json_object_new_array(),
			   *ports = json_object_new_array();

	json_add_text(object, "mode", keys[K_NETWORK_MODE].values[launch->plan->profile->network.mode]);
	if (host) {
		add_address(addresses, &host->address);
		add_address(addresses, &host->address6);
		for (size_t i = 0; i < host->published_count; i++)
			json_object_array_add(ports, published(&host->published[i]));
	}
	json_object_object_add(object, "addresses", addresses);
	json_object_object_add(object, "publish", ports);
	return object;
}

static struct json_object *limits(const struct plan *plan)
{
	const struct profile *profile = plan->profile;
	struct json_object *object = json_object_new_object();

	json_add_number(object, "time_limit_ns",
			profile->process.time_limit == DURATION_UNLIMITED ? -1 : profile->process.time_limit);
	json_add_number(object, "output_limit_bytes",
			profile->process.output_limit == SIZE_UNLIMITED ? -1 : (int64_t)profile->process.output_limit);
	return object;
}

static void add_process(int procfs, const char *pid, struct json_object *list)
{
	struct json_object *object = NULL;
	char path[32], text[64];
	uint64_t number = 0;

	if (parse_unsigned(pid, 1, INT32_MAX, &number))
		return;
	format_text(path, sizeof(path), "%s/comm", pid);
	if (read_file_at(procfs, path, text, sizeof(text)) < 0)
		return;
	text[strcspn(text, "\n")] = '\0';
	object = json_object_new_object();
	json_add_number(object, "pid", (int64_t)number);
	json_add_text(object, "name", text);
	json_object_array_add(list, object);
}

/* Numbered as inside. Without a pid namespace the procfs is the host's, and shows everybody: null. */
static struct json_object *processes(const struct launch *launch)
{
	int directory = launch->plan->namespaces.pid
				? openat(launch->keeper.entrances.procfs, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
				: -1;
	DIR *entries = directory < 0 ? NULL : fdopendir(directory);
	struct json_object *list = entries ? json_object_new_array() : NULL;
	struct dirent *entry = NULL;

	while (entries && (entry = readdir(entries)) && json_object_array_length(list) < PROCESSES_MAX)
		add_process(launch->keeper.entrances.procfs, entry->d_name, list);
	if (entries)
		closedir(entries);
	return list;
}

static struct json_object *look(const struct launch *launch, pid_t launcher)
{
	struct json_object *object = entry_of(launch->plan), *files = json_object_new_array(),
			   *cgroups = json_object_new_array();

	add_files(launch->plan->profile->tree, files);
	cgroup_each(&launch->host, add_cgroup, cgroups);
	json_add_number(object, "pid", launcher);
	json_object_object_add(object, "profile_files", files);
	json_add_number(object, "first_process", launch->host.child);
	json_object_object_add(object, "namespaces", namespaces(&launch->keeper.entrances));
	json_object_object_add(object, "cgroups", cgroups);
	json_object_object_add(object, "limits", limits(launch->plan));
	json_object_object_add(object, "network", network(launch));
	json_object_object_add(object, "processes", processes(launch));
	return object;
}

void inspect_main(const struct launch *launch, int connection)
{
	struct json_object *object = NULL;
	const char *text = NULL;
	size_t length = 0;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0))
		_exit(EXIT_OF_INTERNAL);
	object = look(launch, getppid());
	text = json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE);
	length = strlen(text);
	while (length) {
		struct pollfd room = { .fd = connection, .events = POLLOUT };
		ssize_t n = send(connection, text, length < PIECE ? length : PIECE, MSG_NOSIGNAL);

		if (n < 0 && (errno != EAGAIN || poll(&room, 1, WAIT_MSEC) != 1))
			_exit(EXIT_OF_INTERNAL);
		if (n > 0) {
			text += n;
			length -= (size_t)n;
		}
	}
	_exit(0);
}
