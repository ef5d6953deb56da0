/* test_seccomp_sets: what the shipped sets hold and must never hold; single sections whose meaning is known by
 * heart; and what is said about mistakes. */
#include <errno.h>
#include <linux/audit.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "gen/keys.h"
#include "stage/seccomp_policy.h"

/* After our own: it makes a macro of the word fail. */
#include <cmocka.h>

#include "bpf.h"

#define ALLOW SECCOMP_RET_ALLOW
#define ERRNO(error) (SECCOMP_RET_ERRNO | (error))

static const char *native[] = { "native" };
static struct arena arena;
static struct sock_filter *filter;
static unsigned short length;

/* A section as a profile writes it; lists of names are separated by blanks. */
struct source {
	const char *default_, *unknown, *allow, *deny;
	struct seccomp_rule rules[3];
};

static struct strings names(const char *text)
{
	struct strings list = { arena_array(&arena, 16, sizeof(char *)), 0 };
	char *copy = arena_copy(&arena, text ? text : ""), *rest = NULL;

	for (char *name = strtok_r(copy, " ", &rest); name; name = strtok_r(NULL, " ", &rest))
		list.items[list.count++] = name;
	return list;
}

static struct profile section(const struct source *source)
{
	struct profile p = { 0 };

	p.seccomp.default_ = source->default_ ? source->default_ : "errno:EPERM";
	p.seccomp.unknown = source->unknown ? source->unknown : "errno:ENOSYS";
	p.seccomp.allow = names(source->allow ? source->allow : "@default");
	p.seccomp.deny = names(source->deny);
	p.seccomp.architectures = (struct strings){ native, 1 };
	p.seccomp.rules.items = arena_array(&arena, 3, sizeof(struct seccomp_rule));
	while (p.seccomp.rules.count < 3 && source->rules[p.seccomp.rules.count].action) {
		p.seccomp.rules.items[p.seccomp.rules.count] = source->rules[p.seccomp.rules.count];
		p.seccomp.rules.count++;
	}
	return p;
}

static void compile(struct source source)
{
	struct profile p = section(&source);
	struct policy *policy = NULL;
	struct error err = { 0 };

	if (policy_make(&p, &arena, &policy, &err) || policy_compile(policy, &arena, &filter, &length, &err))
		fail_msg("%s", err.what);
}

static uint32_t number_of(const char *name)
{
	const struct syscall_abi_table *abi = &syscall_abis[syscall_find_abi("native")];
	int call = syscall_find(name);

	assert_true(call >= 0);
	for (size_t i = 0; i < abi->count; i++)
		if (abi->numbers[i].call == call)
			return abi->numbers[i].number;
	fail_msg("%s has no number here", name);
	return 0;
}

static uint32_t answer(const char *name, uint64_t arg0, uint64_t arg1, uint64_t arg2)
{
	struct seccomp_data data = { .nr = (int)number_of(name),
				     .arch = syscall_abis[syscall_find_abi("native")].audit_arch,
				     .args = { arg0, arg1, arg2 } };
	unsigned steps = 0;

	return bpf_run(filter, length, &data, &steps);
}

static void test_default(void **unused)
{
	static const char *const closed[] = {
		"ptrace",
		"process_vm_readv",
		"process_vm_writev",
		"pidfd_getfd",
		"kcmp",
		"perf_event_open",
		"bpf",
		"userfaultfd",
		"fanotify_init",
		"name_to_handle_at",
		"open_by_handle_at",
		"kexec_load",
		"kexec_file_load",
		"init_module",
		"finit_module",
		"delete_module",
		"swapon",
		"swapoff",
		"acct",
		"quotactl",
		"reboot",
		"settimeofday",
		"clock_settime",
		"adjtimex",
		"clock_adjtime",
		"vhangup",
		"setns",
		"chroot",
		"pivot_root",
		"mount",
		"umount2",
		"fsopen",
		"fsconfig",
		"fsmount",
		"fspick",
		"open_tree",
		"move_mount",
		"mount_setattr",
		"sethostname",
		"setdomainname",
		"syslog",
		"lookup_dcookie",
		"nfsservctl",
		"mbind",
		"set_mempolicy",
		"move_pages",
		"migrate_pages",
		"io_setup",
	};
	static const char *const absent[] = { "clone3",    "io_uring_setup", "io_uring_enter", "io_uring_register",
					      "keyctl",    "add_key",        "request_key",    "statmount",
					      "listmount", "open_tree_attr", "listns" };
	static const char *const open[] = { "read",
					    "write",
					    "execve",
					    "execveat",
					    "exit_group",
					    "openat",
					    "openat2",
					    "mmap",
					    "futex",
					    "clone",
					    "prctl",
					    "wait4",
					    "kill",
					    "socket",
					    "bind",
					    "connect",
					    "ioctl",
					    "fchmodat2",
					    "mseal",
					    "chown",
					    "setuid",
					    "landlock_create_ruleset",
					    "seccomp",
					    "memfd_create",
					    "rseq",
					    "getrandom",
					    "sched_setaffinity",
					    "pidfd_open" };

	(void)unused;
	compile((struct source){ 0 });
	for (size_t i = 0; i < sizeof(closed) / sizeof(closed[0]); i++)
		if (answer(closed[i], 0, 0, 0) != ERRNO(EPERM))
			fail_msg("%s", closed[i]);
	for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
		if (answer(absent[i], 0, 0, 0) != ERRNO(ENOSYS))
			fail_msg("%s", absent[i]);
	for (size_t i = 0; i < sizeof(open) / sizeof(open[0]); i++)
		if (answer(open[i], AF_UNIX, 0, 0) != ALLOW)
			fail_msg("%s", open[i]);
}

#define HIGH (1ULL << 32)

static void test_default_arguments(void **unused)
{
	static const uint64_t families[] = { AF_UNIX, AF_INET, AF_INET6 };

	(void)unused;
	compile((struct source){ 0 });
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(answer("socket", families[i], SOCK_STREAM, 0), ALLOW);
		assert_int_equal(answer("socket", families[i] | HIGH, SOCK_STREAM, 0), ALLOW);
	}
	for (uint64_t family = 0; family < 64; family++)
		if (family != AF_UNIX && family != AF_INET && family != AF_INET6 && family != AF_NETLINK)
			assert_int_equal(answer("socket", family, SOCK_STREAM, 0), ERRNO(EAFNOSUPPORT));
	assert_int_equal(answer("socket", AF_VSOCK | HIGH, SOCK_STREAM, 0), ERRNO(EAFNOSUPPORT));
	assert_int_equal(answer("socket", AF_NETLINK, SOCK_RAW, 0), ALLOW);
	for (uint64_t protocol = 1; protocol < 32; protocol++)
		assert_int_equal(answer("socket", AF_NETLINK, SOCK_RAW, protocol), ERRNO(EPROTONOSUPPORT));
	assert_int_equal(answer("socketpair", AF_UNIX, SOCK_STREAM, 0), ALLOW);
	assert_int_equal(answer("socketpair", AF_TIPC, SOCK_STREAM, 0), ERRNO(EAFNOSUPPORT));

	assert_int_equal(answer("clone", CLONE_VM | CLONE_THREAD | SIGCHLD, 0, 0), ALLOW);
	for (uint64_t bit = 1; bit < HIGH; bit <<= 1)
		assert_int_equal(answer("clone", bit | CLONE_FS, 0, 0), bit & 0x7e020000 ? ERRNO(EPERM) : ALLOW);
	assert_int_equal(answer("unshare", CLONE_FILES, 0, 0), ALLOW);
	for (uint64_t bit = 1; bit < HIGH; bit <<= 1)
		assert_int_equal(answer("unshare", bit | CLONE_FS, 0, 0), bit & 0x7e020080 ? ERRNO(EPERM) : ALLOW);

	assert_int_equal(answer("ioctl", 0, TIOCGWINSZ, 0), ALLOW);
	assert_int_equal(answer("ioctl", 0, TIOCSTI, 0), ERRNO(EPERM));
	assert_int_equal(answer("ioctl", 0, TIOCSTI | HIGH, 0), ERRNO(EPERM));
	assert_int_equal(answer("ioctl", 0, TIOCLINUX | HIGH << 31, 0), ERRNO(EPERM));
	assert_int_equal(answer("ioctl", 0, TIOCSETD, 0), ERRNO(EPERM));
	assert_int_equal(answer("ioctl", 0, TIOCCONS, 0), ERRNO(EPERM));

	assert_int_equal(answer("personality", 0xffffffff, 0, 0), ALLOW);
	assert_int_equal(answer("personality", 8, 0, 0), ALLOW);
	assert_int_equal(answer("personality", 0x40000, 0, 0), ERRNO(EPERM));
	assert_int_equal(answer("mknodat", 0, 0, S_IFIFO | 0600), ALLOW);
	assert_int_equal(answer("mknodat", 0, 0, S_IFSOCK | 0600), ALLOW);
	assert_int_equal(answer("mknodat", 0, 0, S_IFCHR | 0600), ERRNO(EPERM));
	assert_int_equal(answer("mknodat", 0, 0, S_IFBLK | 0600 | 0x10000), ERRNO(EPERM));
}

static void test_foreign(void **unused)
{
	static const uint32_t archs[] = { AUDIT_ARCH_X86_64,  AUDIT_ARCH_I386,    AUDIT_ARCH_ARM,
					  AUDIT_ARCH_AARCH64, AUDIT_ARCH_RISCV64, 0,
					  UINT32_MAX };
	const struct syscall_abi_table *own = &syscall_abis[syscall_find_abi("native")];
	unsigned steps = 0;

	(void)unused;
	compile((struct source){ .default_ = "allow", .unknown = "allow" });
	for (size_t i = 0; i < sizeof(archs) / sizeof(archs[0]); i++) {
		for (int nr = -2; nr < 600; nr++) {
			struct seccomp_data data = { .nr = nr, .arch = archs[i] };

			if (archs[i] != own->audit_arch)
				assert_int_equal(bpf_run(filter, length, &data, &steps), SECCOMP_RET_KILL_PROCESS);
		}
	}
	for (uint32_t nr = 0; own->audit_arch == AUDIT_ARCH_X86_64 && nr < 600; nr++) {
		struct seccomp_data data = { .nr = (int)(nr | 0x40000000), .arch = own->audit_arch };

		assert_int_equal(bpf_run(filter, length, &data, &steps), SECCOMP_RET_KILL_PROCESS);
	}
}

/* What can be had of the host is in no set that @default takes in. */
static void test_apart(void **unused)
{
	static const char *const closed[] = { "@aio",      "@clock",      "@cpu-emulation", "@debug",      "@io-uring",
					      "@keyring",  "@module",     "@mount",         "@namespaces", "@numa",
					      "@obsolete", "@privileged", "@raw-io",        "@reboot",     "@swap" };
	const struct syscall_set *standard = &syscall_sets[syscall_find_set("@default")];

	(void)unused;
	for (size_t i = 0; i < sizeof(closed) / sizeof(closed[0]); i++) {
		int set = syscall_find_set(closed[i]);

		assert_true(set >= 0);
		for (size_t word = 0; word < SYSCALL_WORDS; word++)
			assert_int_equal(syscall_sets[set].calls[word] & standard->calls[word], 0);
	}
}

static void test_lists(void **unused)
{
	(void)unused;
	compile((struct source){ .allow = "@default ptrace clone clone3", .deny = "socket @timer" });
	assert_int_equal(answer("ptrace", 0, 0, 0), ALLOW);
	assert_int_equal(answer("clone", CLONE_NEWUSER, 0, 0), ALLOW);
	assert_int_equal(answer("clone3", 0, 0, 0), ALLOW);
	assert_int_equal(answer("socket", AF_UNIX, 0, 0), ERRNO(EPERM));
	assert_int_equal(answer("nanosleep", 0, 0, 0), ERRNO(EPERM));

	compile((struct source){ .allow = "@default @io-uring @keyring @mount" });
	assert_int_equal(answer("io_uring_setup", 0, 0, 0), ALLOW);
	assert_int_equal(answer("keyctl", 0, 0, 0), ALLOW);
	assert_int_equal(answer("statmount", 0, 0, 0), ALLOW);
	assert_int_equal(answer("clone3", 0, 0, 0), ERRNO(ENOSYS));

	/* What is denied keeps the answer that lets programs fall back; a lax default does not undo a denial. */
	compile((struct source){ .default_ = "allow", .deny = "clone3 keyctl ptrace", .allow = "@default" });
	assert_int_equal(answer("clone3", 0, 0, 0), ERRNO(ENOSYS));
	assert_int_equal(answer("ptrace", 0, 0, 0), ERRNO(EPERM));
	assert_int_equal(answer("mount", 0, 0, 0), ALLOW);
	assert_int_equal(answer("clone", CLONE_NEWUSER, 0, 0), ERRNO(EPERM));

	compile((struct source){ .allow = "read write execve exit_group", .default_ = "kill-process" });
	assert_int_equal(answer("read", 0, 0, 0), ALLOW);
	assert_int_equal(answer("clone3", 0, 0, 0), SECCOMP_RET_KILL_PROCESS);
}

static struct seccomp_when_list conditions(size_t count, const struct seccomp_when *items)
{
	struct seccomp_when_list list = { arena_array(&arena, count, sizeof(*items)), count };

	memcpy(list.items, items, count * sizeof(*items));
	return list;
}

static void test_rules(void **unused)
{
	struct seccomp_when suid = { .arg = "mode", .any = "S_ISUID | S_ISGID" },
			    vsock = { .arg = "domain", .equals = "AF_VSOCK" };
	struct seccomp_when low[] = { { .arg = "fd", .greater = "2" }, { .arg = "length", .less = "4294967297" } };
	struct seccomp_when negative = { .arg = "dirfd", .equals = "AT_FDCWD" };

	(void)unused;
	compile((struct source){
		.rules = { { names("chmod fchmod fchmodat fchmodat2"), conditions(1, &suid), "errno:EPERM" },
			   { names("socket"), conditions(1, &vsock), "allow" },
			   { names("write"), conditions(2, low), "trap" } } });
	assert_int_equal(answer("chmod", 0, 0755, 0), ALLOW);
	assert_int_equal(answer("chmod", 0, 04755, 0), ERRNO(EPERM));
	assert_int_equal(answer("fchmodat2", 0, 0, 02755), ERRNO(EPERM));
	assert_int_equal(answer("socket", AF_VSOCK, 0, 0), ALLOW);
	assert_int_equal(answer("socket", AF_ALG, 0, 0), ERRNO(EAFNOSUPPORT));
	assert_int_equal(answer("write", 3, 0, HIGH), SECCOMP_RET_TRAP);
	assert_int_equal(answer("write", 3, 0, HIGH + 1), ALLOW);
	assert_int_equal(answer("write", 2 | HIGH, 0, 0), ALLOW);

	/* A denial in `deny` is stronger than a rule that allows; the strictest of rules counts, wherever it stands. */
	compile((struct source){ .deny = "socket",
				 .rules = { { names("socket kill"), { 0 }, "allow" },
					    { names("kill"), { 0 }, "kill-process" },
					    { names("openat"), conditions(1, &negative), "errno:EIO" } } });
	assert_int_equal(answer("socket", AF_UNIX, 0, 0), ERRNO(EPERM));
	assert_int_equal(answer("kill", 0, 0, 0), SECCOMP_RET_KILL_PROCESS);
	assert_int_equal(answer("openat", (uint32_t)-100, 0, 0), ERRNO(EIO));
	assert_int_equal(answer("openat", (uint64_t)-100, 0, 0), ERRNO(EIO));
	assert_int_equal(answer("openat", 3, 0, 0), ALLOW);
}

static void refuse(struct source source, int key, int index, const char *what, const char *remedy)
{
	struct profile p = section(&source);
	struct policy *policy = NULL;
	struct error err = { 0 };

	assert_int_equal(policy_make(&p, &arena, &policy, &err), -1);
	assert_string_equal(err.what, what);
	assert_string_equal(err.remedy, remedy);
	assert_int_equal(err.key, key);
	assert_int_equal(err.index, index);
	assert_int_equal(err.exit_status, EXIT_OF_PROFILE);
}

#define RULE(call, action, ...) \
	.rules = { { names(call), conditions(1, &(struct seccomp_when){ __VA_ARGS__ }), action } }

static void test_mistakes(void **unused)
{
	(void)unused;
	refuse((struct source){ .allow = "@default ptrce" }, K_SECCOMP_ALLOW, -1, "unknown system call ptrce",
	       "did you mean ptrace?");
	refuse((struct source){ .deny = "@keyrings" }, K_SECCOMP_DENY, -1, "unknown set @keyrings",
	       "did you mean @keyring?");
	refuse((struct source){ .default_ = "errno:EPREM" }, K_SECCOMP_DEFAULT, -1, "unknown error name EPREM",
	       "did you mean EPERM?");
	refuse((struct source){ .unknown = "kill-proces" }, K_SECCOMP_UNKNOWN, -1, "unknown action kill-proces",
	       "did you mean kill-process?");
	refuse((struct source){ .deny = "execve" }, K_SECCOMP_ALLOW, -1,
	       "execve must be allowed: the command is started through the filter",
	       "execve, write and exit_group are needed after the filter is in force");
	refuse((struct source){ .allow = "@process" }, K_SECCOMP_ALLOW, -1,
	       "write must be allowed: the command is started through the filter",
	       "execve, write and exit_group are needed after the filter is in force");
	refuse((struct source){ RULE("socket", "allow", .arg = "domain", .not_equals = "AF_UNIX") },
	       K_SECCOMP_RULES_WHEN_NOT_EQUALS, 0, "a rule that allows cannot use not_equals",
	       "two such rules together allow everything; allow the call and deny what is not wanted");
	refuse((struct source){ RULE("socket", "trap", .arg = "family", .equals = "AF_UNIX") },
	       K_SECCOMP_RULES_WHEN_ARG, 0, "socket has no argument named family",
	       "it has: domain type protocol; or use the index, 0 to 5");
	refuse((struct source){ RULE("socket", "trap", .arg = "6", .equals = "1") }, K_SECCOMP_RULES_WHEN_ARG, 0,
	       "socket has no argument named 6", "it has: domain type protocol; or use the index, 0 to 5");
	refuse((struct source){ RULE("socket", "trap", .arg = "0", .equals = "AF_INTE") }, K_SECCOMP_RULES_WHEN_EQUALS,
	       0, "AF_INTE is no number and no known constant", "did you mean AF_INET?");
	refuse((struct source){ RULE("socket", "trap", .arg = "0", .equals = "AF_INET|") }, K_SECCOMP_RULES_WHEN_EQUALS,
	       0, "an empty word is no number and no known constant", "");
	refuse((struct source){ RULE("socket", "trap", .arg = "0", .less = "4294967296") }, K_SECCOMP_RULES_WHEN_LESS,
	       0, "the value does not fit argument 0 of socket, which has 32 bits", "");
	refuse((struct source){ RULE("chmod", "trap", .arg = "mode", .any = "0") }, K_SECCOMP_RULES_WHEN_ANY, 0,
	       "any 0 never holds", "");
	refuse((struct source){ RULE("chmod", "trap", .arg = "mode") }, K_SECCOMP_RULES_WHEN_ARG, 0,
	       "a condition compares with nothing", "say equals, not_equals, any, none, less or greater");
	refuse((struct source){ RULE("chmod", "trap", .arg = "mode", .any = "1", .less = "2") },
	       K_SECCOMP_RULES_WHEN_LESS, 0, "a condition has both any and less", "");
}

/* The text by which filters are found must differ where meanings may. */
static void test_text(void **unused)
{
	const char *one[] = { "a=b" }, *two[] = { "a", "b" }, *two_swapped[] = { "b", "a" };
	struct profile x = section(&(struct source){ .allow = "x" }), y = x;
	size_t lx = 0, ly = 0;
	char *tx = NULL, *ty = NULL;

	(void)unused;
	x.seccomp.allow = (struct strings){ two, 2 };
	y.seccomp.allow = (struct strings){ two_swapped, 2 };
	tx = policy_text(&x, &arena, &lx);
	ty = policy_text(&y, &arena, &ly);
	assert_int_equal(lx, ly);
	assert_memory_equal(tx, ty, lx);
	y.seccomp.allow = (struct strings){ one, 1 };
	ty = policy_text(&y, &arena, &ly);
	assert_true(lx != ly || memcmp(tx, ty, lx) != 0);
	y.seccomp.allow = (struct strings){ two, 1 };
	y.seccomp.deny = (struct strings){ two + 1, 1 };
	ty = policy_text(&y, &arena, &ly);
	assert_true(lx != ly || memcmp(tx, ty, lx) != 0);
}

static int release(void **unused)
{
	(void)unused;
	arena_free(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_default),  cmocka_unit_test(test_default_arguments),
		cmocka_unit_test(test_foreign),  cmocka_unit_test(test_apart),
		cmocka_unit_test(test_lists),    cmocka_unit_test(test_rules),
		cmocka_unit_test(test_mistakes), cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, release);
}
