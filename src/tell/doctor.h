/* doctor: whether a profile can run on this host, found out by trying. */
#ifndef TELL_DOCTOR_H
#define TELL_DOCTOR_H

#include "stage/stage.h"

/* Tries every feature that a sandbox may need, then the whole launch up to the execution of the command, and prints to
 * stdout what came of it: a line for each, or a JSON document. Leaves nothing behind. Returns the exit status: 0 when
 * the profile can run here, 122 when it cannot, 125 when it was not possible to find out. */
int doctor_run(const struct profile *profile, const struct caller *caller, bool json);

/* ---- between the doctor's own files ---------------------------------------------------------- */

struct probe_result {
	bool works;
	char detail[160];               /* what was found, or what failed */
	char remedy[ERROR_REMEDY_SIZE]; /* may be empty */
};

/* Tries one feature. Runs in a throw-away process: may change what it likes of itself. */
typedef void probe_fn(const struct profile *profile, const struct caller *caller, struct probe_result *ret);

struct probe {
	const char *feature;
	probe_fn *try;
	bool (*needed)(const struct profile *profile, const struct caller *caller);
	bool (*optional)(
		const struct profile *profile); /* the profile does without it where it is missing; NULL: never */
};

enum { PROBE_COUNT = 20 };

probe_fn doctor_try_userns, doctor_try_clone3, doctor_try_time, doctor_try_openat2, doctor_try_mount_api,
	doctor_try_proc, doctor_try_overlay, doctor_try_idmap, doctor_try_landlock, doctor_try_seccomp,
	doctor_try_keyring, doctor_try_subuid, doctor_try_newuidmap, doctor_try_cgroup, doctor_try_pasta,
	doctor_try_nftables, doctor_try_veth, doctor_try_bridge, doctor_try_forwarding, doctor_try_forward_policy;

extern const struct probe doctor_probes[PROBE_COUNT];

/* What a probe found: it works; a call failed (errno); something is not there. */
void probe_works(struct probe_result *ret, const char *detail);
void probe_broken(struct probe_result *ret, const char *what, const char *remedy);
void probe_missing(struct probe_result *ret, const char *what, const char *remedy);

#define OUTER "an outer sandbox or container may filter it: run outside of it"

/* Becomes root of a user namespace of its own. 0, or -1 with errno. */
int probe_enter_userns(const struct caller *caller);

/* Forks, runs work(argument, output) there with `output` of `size` zeroed bytes, and brings the bytes back. False when
 * the process did not come to its end. */
bool doctor_in_child(void (*work)(const void *argument, void *output), const void *argument, void *output, size_t size);

#endif
