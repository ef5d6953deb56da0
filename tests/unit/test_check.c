/* profile/check.c: the rules between keys, each broken and mended, and the relations that rows of the schema state. */
#include "load.h"

/* Each rule of check.c: broken, and mended. */
static void rules_between_keys(void **state)
{
	static const struct {
		const char *text, *message, *mended;
	} rules[] = {
		{ "namespaces = [ \"pid\", \"net\", \"ipc\" ];",
		  "test.conf:1:namespaces: must name mount: the root is always the sandbox's own",
		  "namespaces = [ \"mount\", \"net\", \"ipc\" ];" },
		{ "namespaces = { remove = [ \"ipc\" ]; };",
		  "test.conf:1:namespaces: without ipc the payload shares message queues and memory with the host",
		  "namespaces = { remove = [ \"ipc\" ]; }; dangerous = [ \"host-ipc\" ];" },
		{ "namespaces = { remove = [ \"net\" ]; };",
		  "test.conf:1:namespaces: without net the payload has the host's network",
		  "namespaces = { remove = [ \"net\" ]; }; network = { mode = \"host\"; };" },
		{ "network = { mode = \"host\"; };",
		  "test.conf:1:network.mode: \"host\" contradicts a net namespace of its own",
		  "network = { mode = \"none\"; };" },
		{ "join = ( { namespace = \"net\"; path = \"/n\"; } );",
		  "test.conf:1:join[0].namespace: net: a joined namespace cannot also be a new one",
		  "join = ( { namespace = \"net\"; path = \"/n\"; } ); namespaces = { remove = [ \"net\" ]; };" },
		{ "join = ( { namespace = \"pid\"; path = \"/n\"; } ); namespaces = { remove = [ \"pid\" ]; };",
		  "test.conf:1:join: a pid namespace that is joined has its process 1",
		  "join = ( { namespace = \"pid\"; path = \"/n\"; } ); namespaces = { remove = [ \"pid\" ]; }; process "
		  "= { init = false; };" },
		{ "hostname = \"web\"; namespaces = { remove = [ \"uts\" ]; };",
		  "test.conf:1:hostname: needs the uts namespace", "namespaces = { remove = [ \"uts\" ]; };" },
		{ "domainname = \"web\"; namespaces = { remove = [ \"uts\" ]; };",
		  "test.conf:1:domainname: needs the uts namespace", "domainname = \"web\";" },
		{ "time = { monotonic = \"1h\"; };", "test.conf:1:time.monotonic: needs the time namespace",
		  "time = { monotonic = \"1h\"; }; namespaces = { add = [ \"time\" ]; };" },
		{ "time = { boottime = \"-1h\"; };", "test.conf:1:time.boottime: needs the time namespace",
		  "time = { boottime = \"-1h\"; }; namespaces = { add = [ \"time\" ]; };" },
		{ "namespaces = { add = [ \"time\" ]; }; process = { init = false; };",
		  "test.conf:1:namespaces: time needs process.init = true: offsets hold from the next process on",
		  "namespaces = { add = [ \"time\" ]; };" },
		{ "users = { map = \"none\"; };", "test.conf:1:users.map: \"none\" contradicts a user namespace",
		  "users = { map = \"none\"; }; namespaces = { remove = [ \"user\" ]; };" },
		{ "users = { map = \"root\"; }; namespaces = { remove = [ \"user\" ]; };",
		  "test.conf:1:users.map: needs the user namespace", "users = { map = \"root\"; };" },
		{ "users = { uid_map = ( { inside = 0; outside = 1; count = 0; } ); gid_map = ( { inside = 0; outside "
		  "= 1; } ); };",
		  "test.conf:1:users.uid_map[0].count: a range of no ids",
		  "users = { uid_map = ( { inside = 0; outside = 1; } ); gid_map = ( { inside = 0; outside = 1; } ); "
		  "};" },
		{ "root = { access = \"overlay\"; };", "test.conf:1:root.access: \"overlay\" needs root.source",
		  "root = { access = \"overlay\"; source = \"/srv\"; };" },
		{ "root = { source = \"//\"; };",
		  "test.conf:1:root.source: // is the host's own: the payload would see all of it",
		  "root = { source = \"/\"; }; dangerous = [ \"host-paths\" ];" },
		{ "mounts = ( { type = \"tmpfs\"; target = \"//\"; } );",
		  "test.conf:1:mounts[0].target: / is set by root, not by a mount",
		  "mounts = ( { type = \"tmpfs\"; target = \"/x\"; } );" },
		{ "mounts = ( { type = \"bind\"; target = \"/x\"; source = \"x\"; } );",
		  "test.conf:1:mounts[0].source: x is not an absolute path",
		  "mounts = ( { type = \"symlink\"; target = \"/x\"; source = \"x\"; } );" },
		{ "mounts = ( { type = \"bind\"; target = \"/x\"; source = \"/proc/sys\"; } );",
		  "test.conf:1:mounts[0].source: /proc/sys is the host's own: what is below it is not for a sandbox",
		  "mounts = ( { type = \"bind\"; target = \"/x\"; source = \"/proc/sys\"; } ); dangerous = [ "
		  "\"host-paths\" ];" },
		{ "mounts = ( { type = \"overlay\"; target = \"/x\"; lower = [ \"x\" ]; } );",
		  "test.conf:1:mounts[0].lower: x is not an absolute path",
		  "mounts = ( { type = \"overlay\"; target = \"/x\"; lower = [ \"/x\" ]; } );" },
		{ "mounts = ( { type = \"overlay\"; target = \"/x\"; lower = [ \"/x\" ]; work = \"/w\"; } );",
		  "test.conf:1:mounts[0].work: needs upper, and that a directory",
		  "mounts = ( { type = \"overlay\"; target = \"/x\"; lower = [ \"/x\" ]; work = \"/w\"; upper = "
		  "\"/u\"; } );" },
		{ "cgroup = { cpu = { period = \"2s\"; }; };", "test.conf:1:cgroup.cpu.period: must be from 1ms to 1s",
		  "cgroup = { cpu = { period = \"1s\"; }; };" },
		{ "cgroup = { cpu = { max = \"0.5%\"; }; };",
		  "test.conf:1:cgroup.cpu.max: leaves less than a millisecond in a period",
		  "cgroup = { cpu = { max = \"0.5%\"; period = \"1s\"; }; };" },
		{ "cgroup = { devices = { default = \"deny\"; allow = ( { type = \"char\"; access = \"rx\"; } ); }; };",
		  "test.conf:1:cgroup.devices.allow[0].access: rx: of the letters r, w and m, each once",
		  "cgroup = { devices = { default = \"deny\"; allow = ( { type = \"char\"; access = \"rwm\"; } ); }; "
		  "};" },
		{ "cgroup = { raw = ( { file = \"cgroup.procs\"; value = \"1\"; } ); };",
		  "test.conf:1:cgroup.raw[0].file: cgroup.procs is not CONTROLLER.NAME; the cgroup.* files are the "
		  "launcher's",
		  "cgroup = { raw = ( { file = \"memory.oom.group\"; value = \"1\"; } ); };" },
		{ "cgroup = { parent = \"a/../../b\"; };",
		  "test.conf:1:cgroup.parent: a/../../b: a path below the mount point, without a slash before it and "
		  "without ..",
		  "cgroup = { parent = \"a/b\"; };" },
		{ "capabilities = { ambient = [ \"NET_RAW\" ]; };",
		  "test.conf:1:capabilities.ambient: NET_RAW is not kept",
		  "capabilities = { ambient = [ \"CAP_NET_RAW\" ]; keep = [ \"NET_RAW\" ]; };" },
		{ "no_new_privs = false;",
		  "test.conf:1:no_new_privs: false needs SYS_ADMIN: without it the kernel takes no filter",
		  "no_new_privs = false; capabilities = { drop = [ \"NET_RAW\" ]; };" },
		{ "seccomp = { default = \"allow\"; };", "test.conf:1:seccomp.default: allows what no rule denies",
		  "seccomp = { default = \"allow\"; }; dangerous = [ \"allow-by-default\" ];" },
		{ "seccomp = { rules = ( { syscalls = [ \"chmod\" ]; action = \"trap\"; when = ( { arg = 0; equals = "
		  "1; any = 2; } ); } ); };",
		  "test.conf:1:seccomp.rules[0].when: condition 1 must have one of equals, not_equals, any, none, "
		  "less, greater",
		  "seccomp = { rules = ( { syscalls = [ \"chmod\" ]; action = \"trap\"; when = ( { arg = 0; equals = "
		  "1; } ); } ); };" },
		{ "seccomp = { rules = ( { syscalls = [ \"chmod\" ]; action = \"allow\"; when = ( { arg = 0; "
		  "not_equals = 1; } ); } ); };",
		  "test.conf:1:seccomp.rules[0].when: condition 1: not_equals cannot stand in a rule that allows",
		  "seccomp = { rules = ( { syscalls = [ \"chmod\" ]; action = \"trap\"; when = ( { arg = 0; not_equals "
		  "= 1; } ); } ); };" },
		{ "process = { command = [ \"\" ]; };", "test.conf:1:process.command: names no program",
		  "process = { command = [ \"sh\" ]; };" },
		/* And what rows of the schema say of two keys. */
		{ "root = { work = \"/w\"; };", "test.conf:1:root.work: needs root.upper, which is not written",
		  "root = { work = \"/w\"; upper = \"/u\"; };" },
		{ "users = { map = \"self\"; uid_map = ( { inside = 0; outside = 1; } ); gid_map = ( { inside = 0; "
		  "outside = 1; } ); };",
		  "test.conf:1:users.uid_map: cannot be written together with users.map",
		  "users = { map = \"self\"; };" },
	};
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		struct loaded loaded = { 0 };

		(void)snprintf(text, sizeof(text), "format = 1; %s", rules[i].text);
		assert_refused(load_text(text), rules[i].message, 0);
		(void)snprintf(text, sizeof(text), "format = 1; %s", rules[i].mended);
		loaded = load_text(text);
		assert_loaded(&loaded);
		unload(&loaded);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_between_keys),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
