/* audit_files: what of the host's files the sandbox sees, and what it could do with files.
 *
 * Part of audit.c, which see. A bind is judged by what its source is on most hosts, by name alone, as if everything in
 * it could be read: the table of places says what reading one, and what writing one, is worth. A path is worth the
 * worst of the places that are it, hold it, or lie in it. What is nowhere in the table (a project, a directory of data)
 * is what profiles are for, and worth little.
 */
#include "tell/audit.h"

#include <string.h>

#include "base/place.h"
#include "base/text.h"
#include "profile/value.h"

/* ---- places ---------------------------------------------------------------------------------- */

static const struct place {
	const char *path;
	bool below;         /* what lies in it is as bad */
	double read, write; /* of 10 */
	const char *what;
} places[] = {
	{ "/", false, 5.0, 9.0, "the whole host" },
	{ "/proc", true, 3.0, 7.0, "the host's processes and kernel parameters" },
	{ "/sys", true, 1.0, 6.0, "the host's devices and kernel parameters" },
	{ "/dev", false, 2.0, 6.0, "the host's devices" },
	{ "/dev/shm", true, 1.0, 2.0, "shared memory of the host's programs" },
	/* Whoever may connect to one of these starts what he likes, as root. A read-only mount does not hinder him. */
	{ "/run/docker.sock", true, 9.0, 9.0, "the socket of a container engine" },
	{ "/run/containerd", true, 9.0, 9.0, "the socket of a container engine" },
	{ "/run/podman", true, 9.0, 9.0, "the socket of a container engine" },
	{ "/run/crio", true, 9.0, 9.0, "the socket of a container engine" },
	{ "/run/libvirt", true, 8.0, 8.0, "the socket of a hypervisor" },
	{ "/run/systemd/private", true, 8.0, 8.0, "the socket of the service manager" },
	{ "/run/dbus", true, 2.5, 3.0, "the system bus" },
	{ "/run/user", true, 3.0, 4.0, "buses and agents of users' sessions" },
	{ "/run/sandbox", true, 2.0, 5.0, "the launcher's own state" },
	{ "/run", false, 3.0, 6.0, "sockets and state of the host's services" },
	{ "/tmp/.X11-unix", true, 3.0, 3.0, "the X server: keys, screen and clipboard of its user" },
	{ "/tmp", false, 0.7, 1.5, "temporary files of the host's programs" },
	{ "/var/tmp", false, 0.7, 1.5, "temporary files of the host's programs" },
	{ "/root", false, 3.0, 6.0, "root's home" },
	{ "/home", false, 3.0, 6.0, "everybody's home" },
	{ "/etc/shadow", true, 3.0, 8.0, "password hashes" },
	{ "/etc/gshadow", true, 2.0, 8.0, "password hashes" },
	{ "/etc/sudoers.d", true, 1.0, 9.0, "who may become root" },
	{ "/etc/sudoers", true, 1.0, 9.0, "who may become root" },
	{ "/etc/ssh", true, 3.0, 7.0, "keys of the host" },
	{ "/etc/ssl/private", true, 3.0, 5.0, "private keys" },
	{ "/etc/letsencrypt", true, 3.0, 5.0, "private keys" },
	{ "/etc/wireguard", true, 3.0, 6.0, "private keys" },
	{ "/etc/NetworkManager/system-connections", true, 2.0, 5.0, "passwords of networks" },
	{ "/etc/krb5.keytab", true, 3.0, 5.0, "keys of the host" },
	{ "/etc", true, 0.0, 5.0, "the host's configuration" },
	{ "/boot", true, 0.3, 8.0, "kernels and boot loader" },
	{ "/usr", true, 0.0, 8.0, "programs that the host runs" },
	{ "/bin", true, 0.0, 8.0, "programs that the host runs" },
	{ "/sbin", true, 0.0, 8.0, "programs that the host runs" },
	{ "/lib", true, 0.0, 8.0, "libraries that the host's programs use" },
	{ "/lib32", true, 0.0, 8.0, "libraries that the host's programs use" },
	{ "/lib64", true, 0.0, 8.0, "libraries that the host's programs use" },
	{ "/libx32", true, 0.0, 8.0, "libraries that the host's programs use" },
	{ "/opt", true, 0.0, 4.0, "programs that the host runs" },
	{ "/var/lib/docker", true, 2.0, 7.0, "files of containers" },
	{ "/var/lib/containers", true, 2.0, 7.0, "files of containers" },
	{ "/var/lib", false, 1.0, 5.0, "state of the host's services" },
	{ "/var/log", true, 1.0, 1.5, "the host's logs" },
	{ "/var/mail", true, 2.0, 2.0, "mail" },
	{ "/var/spool/cron", true, 1.0, 8.0, "jobs that the host runs" },
};

/* What is in no place. */
enum { HOME_DEPTH = 2 };
static const struct place a_home = { "/home/*", false, 3.0, 5.0, "a user's home" };
static const struct place a_secret = { "", true, 4.0, 5.0, "keys and passwords" };
static const struct place ordinary = { "", true, 0.1, 0.3, "files of the host" };

/* Names that hold what opens other doors, wherever they are. */
static const char *const secrets[] = {
	".ssh",
	".gnupg",
	".aws",
	".azure",
	".kube",
	".docker",
	".config/gcloud",
	".netrc",
	".git-credentials",
	".pgpass",
	".npmrc",
	".pypirc",
	".vault-token",
	".password-store",
	".mozilla",
	".thunderbird",
	".config/chromium",
	".config/google-chrome",
	".local/share/keyrings",
	".bash_history",
	"SSH_AUTH_SOCK",
	"SSH_AGENT_PID",
	"GPG_AGENT_INFO",
	"DOCKER_HOST",
	"XAUTHORITY",
	".Xauthority",
};

/* Whether `path` is `place` or lies below it. */
static bool is_in(const char *path, const char *place)
{
	return !strcmp(place, "/") || path_lies_in(path, place);
}

static bool is_secret(const char *path)
{
	for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++)
		for (const char *at = strstr(path, secrets[i]); at; at = strstr(at + 1, secrets[i])) {
			char after = at[strlen(secrets[i])];

			if (at > path && at[-1] == '/' && (after == '\0' || after == '/'))
				return true;
		}
	return false;
}

static int depth_of(const char *path)
{
	int depth = 0;

	for (; *path; path++)
		depth += *path == '/' && path[1];
	return depth;
}

static bool touches(const struct place *place, const char *path)
{
	return !strcmp(path, place->path) || is_in(place->path, path) || (place->below && is_in(path, place->path));
}

/* The place that makes the path worst: to write if `write`, else to read. */
static const struct place *place_of(struct audit *audit, const char *path, bool write)
{
	const char *normal = path_normalise(audit->arena, path);
	const struct place *worst = NULL;

	path = normal ? normal : path;
	if (!strncmp(path, "/var/run", 8) && (!path[8] || path[8] == '/'))
		path += 4;
	if (is_secret(path))
		worst = &a_secret;
	else if (is_in(path, "/home") && depth_of(path) == HOME_DEPTH)
		worst = &a_home;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (touches(&places[i], path) &&
		    (!worst || (write ? places[i].write > worst->write : places[i].read > worst->read)))
			worst = &places[i];
	return worst ? worst : &ordinary;
}

/* ---- the root -------------------------------------------------------------------------------- */

/* An image is there to be read; the host's own tree is not. */
static void root_shown(struct audit *audit)
{
	const char *source = audit->profile->root.source;
	const struct place *place = source ? place_of(audit, source, false) : &ordinary;

	if (place == &ordinary || place->read == 0)
		return;
	audit_found(audit, place->read / 10, -1, "/ inside is %s: %s", source, place->what);
	audit_advise(audit, "let root.source be a tree made for it, or leave it out and name in mounts what is needed");
}

static void root_written(struct audit *audit)
{
	const struct profile *profile = audit->profile;
	bool overlay = profile->root.access == ROOT_ACCESS_OVERLAY;
	const char *written = overlay ? profile->root.upper : profile->root.source;

	if (profile->root.access == ROOT_ACCESS_READ_ONLY || !written || written[0] != '/')
		return;
	audit_found(audit, place_of(audit, written, true)->write / 10, -1, "what is written to / stays in %s: %s",
		    written, place_of(audit, written, true)->what);
	if (overlay)
		audit_change(audit, "root.upper=tmpfs");
	else
		audit_change(audit, "root.access=read-only");
}

/* ---- mounts ---------------------------------------------------------------------------------- */

static bool writable(const struct mount *mount)
{
	switch (mount->type) {
	case MOUNTS_TYPE_TMPFS:
	case MOUNTS_TYPE_PROC:
	case MOUNTS_TYPE_DEVPTS:
	case MOUNTS_TYPE_MQUEUE:
		return mount->access != MOUNTS_ACCESS_READ_ONLY;
	case MOUNTS_TYPE_OVERLAY:
		return mount->upper && mount->access != MOUNTS_ACCESS_READ_ONLY;
	default:
		return mount->access == MOUNTS_ACCESS_READ_WRITE;
	}
}

static void shown(struct audit *audit, const char *source, const struct mount *mount, int index)
{
	const struct place *place = place_of(audit, source, false);

	if (place->read == 0)
		return;
	audit_found(audit, place->read / 10, index, "%s can be read: %s", source, place->what);
	audit_change(audit, "mounts[%s].remove=true", mount->target);
}

static void mount_shown(struct audit *audit, const struct mount *mount, int index)
{
	if (mount->type == MOUNTS_TYPE_BIND)
		shown(audit, mount->source, mount, index);
	for (size_t lower = 0; mount->type == MOUNTS_TYPE_OVERLAY && lower < mount->lower.count; lower++)
		shown(audit, mount->lower.items[lower], mount, index);
}

/* An overlay's layers stay as they were; what is written stays where its upper is. */
static void mount_written(struct audit *audit, const struct mount *mount, int index)
{
	const char *written = mount->type == MOUNTS_TYPE_BIND      ? mount->source
			      : mount->type == MOUNTS_TYPE_OVERLAY ? mount->upper
								   : NULL;

	if (!written || written[0] != '/' || !writable(mount))
		return;
	audit_found(audit, place_of(audit, written, true)->write / 10, index, "%s can be written: %s", written,
		    place_of(audit, written, true)->what);
	audit_key(audit, K_MOUNTS_ACCESS);
	audit_change(audit, "mounts[%s].access=read-only", mount->target);
}

static void mount_followed(struct audit *audit, const struct mount *mount, int index)
{
	if (mount->type != MOUNTS_TYPE_BIND || mount->propagation != MOUNTS_PROPAGATION_SLAVE)
		return;
	audit_found(audit, 1, index, "what the host mounts below %s later appears inside", mount->source);
	audit_change(audit, "mounts[%s].propagation=private", mount->target);
}

static void mount_idmapped(struct audit *audit, const struct mount *mount, int index)
{
	if (mount->type != MOUNTS_TYPE_BIND || mount->idmap != MOUNTS_IDMAP_AUTO || !writable(mount))
		return;
	audit_found(audit, 1, index, "root inside makes files of root's in %s, set-user-ID ones too", mount->source);
	audit_change(audit, "mounts[%s].idmap=owner", mount->target);
}

static void mount_suid(struct audit *audit, const struct mount *mount, int index)
{
	if (!mount->suid)
		return;
	audit_found(audit, audit->profile->no_new_privs ? 0.1 : 1, index,
		    "set-user-ID programs of %s give their owner's power", mount->target);
	audit_key(audit, K_MOUNTS_SUID);
	audit_change(audit, "mounts[%s].suid=false", mount->target);
}

static void root_suid(struct audit *audit)
{
	double badness = audit->profile->no_new_privs ? 0.1 : 1;

	if (audit->profile->root.suid) {
		audit_found(audit, badness, -1, "set-user-ID programs of / give their owner's power");
		audit_change(audit, "root.suid=false");
	}
}

static void mount_dev(struct audit *audit, const struct mount *mount, int index)
{
	if (!mount->dev)
		return;
	audit_found(audit, mount->type == MOUNTS_TYPE_TMPFS ? 0.2 : 1, index, "device nodes of %s can be opened",
		    mount->target);
	audit_key(audit, K_MOUNTS_DEV);
	audit_change(audit, "mounts[%s].dev=false", mount->target);
}

static void root_dev(struct audit *audit)
{
	if (audit->profile->root.dev) {
		audit_found(audit, 1, -1, "device nodes of / can be opened");
		audit_change(audit, "root.dev=false");
	}
}

static bool has_exec(int type)
{
	return type == MOUNTS_TYPE_BIND || type == MOUNTS_TYPE_TMPFS || type == MOUNTS_TYPE_OVERLAY;
}

static void mount_exec(struct audit *audit, const struct mount *mount, int index)
{
	if (!has_exec(mount->type) || !mount->exec || !writable(mount))
		return;
	audit_found(audit, 1, index, "what is written to %s can be executed", mount->target);
	audit_key(audit, K_MOUNTS_EXEC);
	audit_change(audit, "mounts[%s].exec=false", mount->target);
}

static void root_exec(struct audit *audit)
{
	const struct profile *profile = audit->profile;

	if (profile->root.access != ROOT_ACCESS_READ_ONLY && profile->root.exec) {
		audit_found(audit, 1, -1, "what is written to / can be executed");
		audit_change(audit, "root.access=read-only");
	}
}

/* ---- the kernel's file systems --------------------------------------------------------------- */

static void mount_proc(struct audit *audit, const struct mount *mount, int index)
{
	if (mount->type != MOUNTS_TYPE_PROC || mount->subset == MOUNTS_SUBSET_PID)
		return;
	audit_found(audit, 1, index, "%s tells the machine's load, memory and processors", mount->target);
	audit_key(audit, K_MOUNTS_SUBSET);
	audit_change(audit, "mounts[%s].subset=pid", mount->target);
}

static void mount_sysfs(struct audit *audit, const struct mount *mount, int index)
{
	if (mount->type != MOUNTS_TYPE_SYSFS)
		return;
	audit_found(audit, writable(mount) ? 1 : 0.06, index, "%s %s", mount->target,
		    writable(mount) ? "can be written: devices and kernel parameters of the host"
				    : "tells the host's devices");
	audit_change(audit, "mounts[%s].remove=true", mount->target);
}

/* Whether the kernel's own /proc or /sys, or the host's, is where `path` lies; writable, if that is asked. */
static bool is_mounted(const struct audit *audit, const char *path, bool to_write)
{
	for (size_t i = 0; i < audit->profile->mounts.count; i++) {
		const struct mount *mount = &audit->profile->mounts.items[i];
		bool kernel = mount->type == MOUNTS_TYPE_PROC || mount->type == MOUNTS_TYPE_SYSFS ||
			      mount->type == MOUNTS_TYPE_BIND;

		if (kernel && is_in(path, mount->target) && strcmp(mount->target, "/") != 0 &&
		    (!to_write || writable(mount)))
			return true;
	}
	return false;
}

/* Root of a user namespace of its own owns neither the host's parameters nor what is hidden of its memory. */
static const double OWN_USERS = 0.3;

/* Those of the default list `key` that the profile's leaves out, as one change. */
static void left_out(struct audit *audit, const struct strings *usual, const struct strings *own, bool to_write)
{
	struct text change = { 0 };
	size_t missing = 0;
	const char *first = NULL;

	for (size_t i = 0; i < usual->count; i++) {
		if (audit_has(own, usual->items[i]) || !is_mounted(audit, usual->items[i], to_write))
			continue;
		text_add(&change, "%s\"%s\"", missing++ ? ", " : "", usual->items[i]);
		first = first ? first : usual->items[i];
	}
	audit->failed |= change.failed;
	if (missing && !change.failed) {
		double part = 0.3 + 0.7 * (double)missing / (double)usual->count;

		audit_found(audit, part * (audit->own_users ? OWN_USERS : 1), -1, "%s%s%s", first,
			    missing > 1 ? " and others " : " ",
			    to_write ? "can be written, by root of the host" : "can be read");
		audit_change(audit, "%s={ add = [ %s ]; }", keys[audit->check->key].path, change.data);
	}
	text_free(&change);
}

static void unmasked(struct audit *audit)
{
	left_out(audit, &profile_defaults.hide, &audit->profile->hide, false);
}

static void unprotected(struct audit *audit)
{
	left_out(audit, &profile_defaults.read_only, &audit->profile->read_only, true);
}

static const struct audit_check checks[] = {
	{ "root-source", 10.0, K_ROOT_SOURCE, root_shown, NULL,
	  "By place: from a host's home (3) to an engine's socket (9)." },
	{ "root-write", 10.0, K_ROOT_ACCESS, root_written, NULL, "By place, as mount-write." },
	{ "mount-read", 10.0, K_MOUNTS_SOURCE, NULL, mount_shown,
	  "By place: 0.1 for any directory of data, 3 for a home, 4 for keys, 9 for an engine's socket." },
	{ "mount-write", 10.0, K_MOUNTS_ACCESS, NULL, mount_written,
	  "By place: 0.3 for any directory of data, 6 for a home, 8 for programs that the host runs." },
	{ "mount-propagation", 0.3, K_MOUNTS_PROPAGATION, NULL, mount_followed,
	  "Nobody knows today what that will be." },
	{ "mount-idmap", 1.5, K_MOUNTS_IDMAP, NULL, mount_idmapped,
	  "A set-user-ID program waits for a user of the host." },
	{ "suid", 2.0, K_ROOT_SUID, root_suid, mount_suid,
	  "A tenth of it under no_new_privs, which leaves it without effect." },
	{ "devices", 2.5, K_ROOT_DEV, root_dev, mount_dev, "A disk's node is all its files, for whoever may open it." },
	{ "write-and-execute", 0.1, K_ROOT_EXEC, root_exec, mount_exec,
	  "An intruder may bring programs; an interpreter would do." },
	{ "proc", 0.1, K_MOUNTS_SUBSET, NULL, mount_proc, "Facts, no power. ps, free, Java and Go need them." },
	{ "sysfs", 5.0, K_MOUNTS_TYPE, NULL, mount_sysfs,
	  "Writable, it drives devices; read-only (0.3) it describes them." },
	{ "hide", 2.0, K_HIDE, unmasked, NULL,
	  "Addresses of the kernel, keys, what /sys/firmware knows of the machine. Less in a user namespace." },
	{ "read-only", 4.0, K_READ_ONLY, unprotected, NULL,
	  "/proc/sys and /proc/sysrq-trigger are how root drives a host. Less in a user namespace." },
};

const struct audit_table audit_files = { checks, sizeof(checks) / sizeof(checks[0]) };
