#!/usr/bin/env python3
"""audit_advice: proves what `sandbox audit` says, finding by finding. Usage: audit_advice.py SANDBOX DIRECTORY CHECKOUT

A profile with nothing to be found is loosened, one setting (or a few that belong together) at a time. Each must bring its
finding, may not lower the exposure, and the settings that every finding prints must close it and not raise the exposure.
All checks that the program has (src/tell/audit_*.c) are among them.
"""
import glob
import json
import pathlib
import re
import subprocess
import sys

SANDBOX, DIRECTORY, CHECKOUT = sys.argv[1:4]

TIGHT = """
format = 1;
root = { size = "1M"; };
mounts = (
	{ type = "bind"; source = "/usr"; target = "/usr"; },
	{ type = "proc"; target = "/proc"; subset = "pid"; },
	{ type = "dev"; target = "/dev"; },
	{ type = "tmpfs"; target = "/tmp"; exec = false; }
);
cgroup = {
	memory = { max = "1G"; swap = "0M"; };
	cpu = { max = "100%"; };
	pids = { max = 64; };
};
rlimits = { nproc = 64; };
landlock = { read = [ "/" ]; execute = [ "/usr" ]; write = [ "/tmp", "/dev", "/proc" ]; };
process = { time_limit = "1m"; output_limit = "1M"; wx = "deny"; };
"""

LOOSE = TIGHT.replace("cgroup =", "no_new_privs = true; seccomp = { allow = { add = [ \"ptrace\", \"bpf\" ]; }; }; cgroup =")


def without(*namespaces):
    return "namespaces={ remove = [ %s ]; }" % ", ".join(f'"{name}"' for name in namespaces)


def mount(rest):
    return "mounts=( { target = \"/shown\"; %s } )" % rest


def bind(source, rest=""):
    return mount(f'type = "bind"; source = "{source}"; {rest}')


def danger(word):
    return f'dangerous=[ "{word}" ]'


def allow(*names):
    return "seccomp.allow={ add = [ %s ]; }" % ", ".join(f'"{name}"' for name in names)


HOST_USER = [without("user"), "users.map=none"]
VETH = ["network.mode=veth", "network.address=10.9.8.7/24", "network.outbound.default=deny",
        "network.inbound.default=deny", "network.rate.egress=1M"]
METADATA = '( { verdict = "allow"; to = "192.0.2.1"; }, { verdict = "allow"; to = "169.254.169.254"; } )'

# What is found, and what brings it.
CASES = [
    ("user-namespace", HOST_USER),
    ("user-namespace", HOST_USER + ["users.uid=0", danger("host-root")]),
    ("users-map", ["users.map=root"]),
    ("users-map", ["users.map=subid"]),
    ("users-map-root", ["users.uid_map=( { inside = 5; outside = 0; } )", "users.gid_map=( { inside = 0; outside = 7; } )"]),
    ("uid-0", ["users.uid=0", "users.gid=0"]),
    ("uid-0", ["users.uid=0", "users.uid_map=( { inside = 0; outside = 1000; } )",
               "users.gid_map=( { inside = 1000; outside = 1000; } )"]),
    ("groups", HOST_USER + ["users.groups=[ 4 ]"]),
    ("pid-namespace", [without("pid")]),
    ("ipc-namespace", [without("ipc"), danger("host-ipc")]),
    ("uts-namespace", [without("uts")]),
    ("cgroup-namespace", [without("cgroup")]),
    ("join", [without("net"), 'join=( { namespace = "net"; path = "/run/netns/blue"; } )']),
    ("dangerous", [danger("allow-by-default")]),
    ("dangerous", [danger("host-root")]),
    ("dangerous", [danger("host-ipc")]),
    ("tty", ["process.tty=inherit"]),
    ("pass-fds", ["process.pass_fds=[ 3 ]"]),
    ("inherit-env", ['process.inherit_env=[ "SSH_AUTH_SOCK" ]']),
    ("inherit-env", ['process.inherit_env=[ "TERM", "github_token" ]']),
    ("env", ['process.env=[ "PATH=/usr/bin", "DB_PASSWORD=hunter2" ]']),
    ("root-source", ["root.source=/", danger("host-paths")]),
    ("root-write", ["root.source=/srv/tree", "root.access=read-write"]),
    ("root-write", ["root.source=/srv/tree", "root.access=overlay", "root.upper=/srv/kept"]),
    ("mount-read", [bind("/srv/data")]),
    ("mount-read", [bind("/var/run/docker.sock"), danger("host-paths")]),
    ("mount-read", [mount('type = "overlay"; lower = [ "/home/user/.ssh" ];')]),
    ("mount-read", [bind("${env:SSH_AUTH_SOCK}")]),
    ("mount-write", [bind("/srv/data", 'access = "read-write"; exec = false;')]),
    ("mount-write", [bind("/usr/lib", 'access = "read-write"; exec = false;')]),
    ("mount-propagation", [bind("/srv/data", 'propagation = "slave";')]),
    ("mount-idmap", [bind("/srv/data", 'access = "read-write"; idmap = "auto";')]),
    ("suid", ["root.suid=true"]),
    ("suid", ["mounts[/usr].suid=true"]),
    ("devices", ["root.dev=true"]),
    ("devices", ["mounts[/usr].dev=true"]),
    ("write-and-execute", ["root.access=read-write"]),
    ("write-and-execute", ["mounts[/tmp].exec=true"]),
    ("proc", ["mounts[/proc].subset=all"]),
    ("sysfs", [mount('type = "sysfs";')]),
    ("sysfs", [mount('type = "sysfs"; access = "read-write";'), danger("host-paths")]),
    ("hide", ['hide={ remove = [ "/proc/kcore" ]; }']),
    ("hide", ["hide=[ ]"]),
    ("read-only", ['read_only={ remove = [ "/proc/sys" ]; }']),
    ("host-network", [without("net"), "network.mode=host"]),
    ("network", VETH),
    ("network", VETH[1:] + ["network.mode=macvlan", "network.parent=eth0"]),
    ("moved-interface", ["network.interface_from=dummy0"]),
    ("outbound", VETH + ["network.outbound.default=allow"]),
    ("outbound-rules", VETH + ['network.outbound.rules=( { verdict = "allow"; to = "any"; port = "443"; } )']),
    ("outbound-rules", VETH + [f"network.outbound.rules={METADATA}"]),
    ("inbound", VETH + ["network.inbound.default=allow"]),
    ("nat", VETH + ["network.nat=true"]),
    ("forwarding", VETH + ["network.forwarding=enable"]),
    ("publish", VETH + ["network.publish=( { host = 8080; } )"]),
    ("publish", VETH + ['network.publish=( { host = 53; protocol = "udp"; listen = "::"; } )']),
    ("bridge-isolation", VETH + ["network.bridge.name=b0", "network.bridge.isolated=false"]),
    ("spoofing", VETH + ["network.spoof_protection=false"]),
    ("rate", VETH + ["network.rate.egress=unlimited"]),
    ("sysctls", ['sysctls=( { name = "net.ipv4.ip_forward"; value = "1"; } )']),
    ("capability", ['capabilities.keep=[ "CHOWN" ]']),
    ("capability", ['capabilities.keep=[ "CAP_SYS_ADMIN" ]', 'capabilities.ambient=[ "SYS_ADMIN" ]']),
    ("capability", ['capabilities.drop=[ "SYS_ADMIN" ]']),
    ("new-privileges", ["no_new_privs=false", 'capabilities.keep=[ "SYS_ADMIN" ]']),
    ("write-and-execute-memory", ["process.wx=allow"]),
    ("landlock", ["landlock.read=[ ]", "landlock.write=[ ]", "landlock.execute=[ ]"]),
    ("landlock", ["landlock.missing=skip"]),
    ("filter-default", ["seccomp.default=allow", danger("allow-by-default")]),
    ("filter-default", ["seccomp.default=log", "seccomp.allow=[ ]", danger("allow-by-default")]),
    ("filter-unknown", ["seccomp.unknown=allow", danger("allow-by-default")]),
    ("filter-abis", ['seccomp.architectures=[ "native", "arm", "aarch64", "x86_64" ]']),
    ("nested-namespaces", [allow("unshare")]),
    ("nested-namespaces", [allow("clone3"), 'sysctls=( { name = "user.max_user_namespaces"; value = "10"; } )']),
    ("nested-namespaces", ['sysctls=( { name = "user.max_user_namespaces"; value = "10"; } )']),
    ("nested-namespaces", ["seccomp.default=allow", "seccomp.allow=[ ]", danger("allow-by-default")]),
    ("socket-families", [allow("socket")]),
    ("calls-io-uring", [allow("@io-uring")]),
    ("calls-bpf", [allow("bpf")]),
    ("calls-perf", [allow("perf_event_open")]),
    ("calls-keyring", [allow("keyctl")]),
    ("calls-userfaultfd", [allow("userfaultfd")]),
    ("calls-trace", ['seccomp.rules=( { syscalls = [ "ptrace" ]; action = "allow"; } )']),
    ("calls-mount", [allow("@mount")]),
    ("calls-setns", [allow("setns")]),
    ("calls-module", [allow("@module")]),
    ("calls-machine", [allow("@reboot", "syslog")]),
    ("calls-file-handles", [allow("open_by_handle_at")]),
    ("calls-numa", [allow("@numa")]),
    ("calls-obsolete", [allow("@obsolete")]),
    ("memory", ["cgroup.memory.max=unlimited"]),
    ("memory", ["cgroup.memory.missing=skip", "cgroup.missing=skip"]),
    ("memory", ["cgroup.memory.max=unlimited", "cgroup.missing=skip"]),
    ("swap", ["cgroup.memory.swap=unlimited"]),
    ("processes", ["cgroup.pids.max=unlimited"]),
    ("processor", ["cgroup.cpu.max=unlimited"]),
    ("nproc", ["rlimits.nproc=unlimited"]),
    ("core", ["rlimits.core=1M"]),
    ("real-time", ["rlimits.rtprio=5"]),
    ("kernel-memory", ["rlimits.memlock=unlimited"]),
    ("root-size", ["root.size=unlimited"]),
    ("mount-size", ["mounts[/tmp].inodes=unlimited"]),
    ("time-limit", ["process.time_limit=unlimited"]),
    ("output-limit", ["process.output_limit=unlimited"]),
    ("priority", ["process.nice=-5"]),
    ("priority", ["process.oom_score_adj=-5"]),
    ("device-rules", ["cgroup.devices.default=allow"]),
]

failures = []


def audit(*settings, profile=None):
    """The audit's answer with these settings, or None after noting that there was none."""
    words = [word for setting in settings for word in ("-s", setting)]
    done = subprocess.run([SANDBOX, "audit", "-p", profile or f"{DIRECTORY}/tight.conf", "--json", *words],
                          capture_output=True, text=True, check=False)
    if done.returncode:
        failures.append(f"{settings}: exit status {done.returncode}: {done.stderr}")
        return None
    return json.loads(done.stdout)


def name_of(finding):
    """What makes two findings the same: the check, the key, and what it is about."""
    return finding["finding"], finding["key"], finding["what"].split(" ")[0]


def prove_change(settings, loose, finding):
    closed = audit(*settings, *finding["set"])
    if not closed:
        return
    if name_of(finding) in [name_of(left) for left in closed["findings"]]:
        failures.append(f"{settings}: {finding['finding']} stays with {finding['set']}")
    if closed["exposure"] > loose["exposure"]:
        failures.append(f"{settings}: {finding['set']} raises {loose['exposure']} to {closed['exposure']}")


def prove(name, settings):
    """One case: each setting loosens, the finding comes, and each that is there goes by what it prints."""
    loose = audit(*settings)
    if not loose:
        return
    if name not in [finding["finding"] for finding in loose["findings"]]:
        failures.append(f"{settings}: no {name}")
    for finding in loose["findings"]:
        if finding["set"]:
            prove_change(settings, loose, finding)
        elif not finding.get("advice"):
            failures.append(f"{settings}: {finding['finding']}: neither a setting nor advice")


def prove_monotonic(name, settings, profile, before):
    """Loosening what is loose already never lowers the sum."""
    after = audit(*settings, profile=profile)
    if after and after["exposure"] < before["exposure"]:
        failures.append(f"{settings}: {name} lowers {before['exposure']} to {after['exposure']} over {profile}")


def checks():
    for path in glob.glob(f"{CHECKOUT}/src/tell/audit_*.c"):
        yield from re.findall(r'^\t\{ "([\w-]+)", [\d.]+, K_', pathlib.Path(path).read_text(encoding="utf-8"), re.M)


pathlib.Path(f"{DIRECTORY}/tight.conf").write_text(TIGHT, encoding="utf-8")
pathlib.Path(f"{DIRECTORY}/loose.conf").write_text(LOOSE, encoding="utf-8")
tight = audit()
if not tight or tight["findings"] or tight["exposure"] != 0:
    failures.append(f"something is found in the tight profile: {tight}")
for case in CASES:
    prove(*case)
for loose_profile in (f"{CHECKOUT}/profiles/default.conf", f"{DIRECTORY}/loose.conf"):
    unchanged = audit(profile=loose_profile)
    for case in CASES:
        prove_monotonic(*case, loose_profile, unchanged)
known, tried = set(checks()), {name for name, _ in CASES}
failures += [f"no case brings {name}" for name in sorted(known - tried)]
failures += [f"a case for {name}, which is no check" for name in sorted(tried - known)]
print(f"{len(CASES)} cases of {len(known)} checks")
print("\n".join(failures))
sys.exit(1 if failures or len(known) < 50 else 0)
