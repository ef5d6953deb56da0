#!/usr/bin/env python3
"""explain_trace: compares what `sandbox explain --json` says with the system calls of a run, in both directions.

Usage: explain_trace.py EXPLANATION TRACE

EXPLANATION is the JSON of explain, TRACE what `strace -f -v -s 8192` wrote of a run of the same profile and command. For
each class of effect below, what explain says and what the calls did are made into the same form; a difference is an error,
whichever side has more: a mount that explain does not name as much as one that it names and nobody made.
"""
import collections
import json
import re
import shlex
import sys

import explain_calls

MASK = "ro,nosuid,nodev,noexec"


class Said:
    """The explanation, stage by stage."""

    def __init__(self, document):
        self.lines = {stage["stage"]: [line["does"] for line in stage["lines"]] for stage in document["stages"]}

    def all(self, stage, pattern):
        """The groups of every line of a stage that the pattern fits as a whole."""
        found = (re.fullmatch(pattern, line) for line in self.lines[stage])
        return [match.groups() for match in found if match]

    def one(self, stage, pattern):
        found = self.all(stage, pattern)
        return found[0] if found else None

    def has(self, stage, pattern):
        return any(re.search(pattern, line) for line in self.lines[stage])


# ---- what explain says ---------------------------------------------------------------------------


def said_tmpfs(words):
    match = re.match(r"tmpfs, (\S+), size (\S+), inodes (\S+), mode (\d+), owner (\d+):(\d+)(.*)", words)
    attributes, size, inodes, mode, uid, gid, rest = match.groups()
    return ("tmpfs", attributes, f"size={size} nr_inodes={inodes} mode={mode.lstrip('0')} uid={uid} gid={gid}",
            "sealed" if "read-only once" in rest else "")


def said_mount(target, words):
    """One mount of the stages root and mounts, or None for what is no mount; and what else it takes."""
    if words.startswith("tmpfs"):
        return said_tmpfs(words)
    match = re.match(r"bind of the host's device \d+:\d+, (\S+)", words)
    if match:
        return "bind", match[1], "/dev/" + target.rsplit("/", 1)[1], ""
    match = re.match(r"bind of (\S+)( and what is mounted below it)?, (\S+?)(?:, |$)(.*)", words)
    if match:
        source, below, attributes, rest = match.groups()
        return ("bind", attributes, source + (" recursive" if below else ""),
                "idmap" if "owner" in rest else "")
    match = re.fullmatch(r"overlay over ([^,;]+)(?:, writes stay in (\S+), work in \S+|, writes go to a (tmpfs[^;]*))?; (r[ow]\S*?)(?:, .*)?", words)
    if match:
        lower, upper, tmpfs, attributes = match.groups()
        return "overlay", attributes, lower + (f" upper {upper}" if upper else " upper tmpfs" if tmpfs else ""), ""
    match = re.match(r"file of \d+ bytes, mode (\d+), owner (\d+:\d+), (\S+)", words)
    if match:
        return "file", match[3], "", ""
    match = re.match(r"(proc|sysfs|devpts|mqueue|cgroup2), (\S+?)(?:, (.*))?$", words)
    if match:
        options = (match[3] or "").replace("mode ", "mode=").replace("ptmxmode ", "ptmxmode=").split(", ")
        return match[1], match[2], " ".join(sorted(option for option in options if option)), ""
    return None


def said_mounts(said):
    mounts = {}
    for stage in "root", "mounts":
        for target, words in said.all(stage, r"(/\S*): (.*)"):
            mount = said_mount(target, words)
            if mount:
                mounts[target] = mount
    for (target,) in said.all("names", r"(/\S+): file made at start, " + MASK):
        mounts[target] = ("file", MASK, "", "")
    return mounts


# ---- what was done -------------------------------------------------------------------------------


def made_options(mount):
    if mount.kind == "tmpfs":
        return " ".join(f"{name}={mount.options.get(name, 'unlimited')}" for name in ("size", "nr_inodes", "mode", "uid", "gid"))
    if mount.kind == "overlay":
        upper = mount.upper or ""
        return ":".join(mount.lower) + (" upper tmpfs" if "/tmpfs/upper" in upper else f" upper {upper}" if upper else "")
    if mount.kind == "bind":
        return mount.source + (" recursive" if mount.recursive else "")
    return " ".join(sorted(f"{name}={value}" for name, value in mount.options.items() if name != "source"))


def made_mounts(calls):
    """Mounts inside as explain speaks of them, without what covers hidden and read-only paths."""
    mounts = {}
    for target, mount in calls.attached:
        if not target.startswith("IN:") or mount.covers:
            continue
        kind = "file" if mount.kind == "bind" and mount.staged else mount.kind
        mounts[target[3:]] = (kind, mount.attributes_text(), "" if kind == "file" else made_options(mount),
                              "sealed" if mount.sealed else "idmap" if mount.idmapped else "")
    return mounts


# ---- the classes ---------------------------------------------------------------------------------


def mounts(said, calls):
    expected, made = said_mounts(said), made_mounts(calls)
    if said.has("pivot", "/ becomes read-only") or "sealed" in expected["/"][3]:
        made["/"] = made["/"][:3] + ("sealed" if "IN:/" in calls.restricted else "",)
    # An overlay's copies of layers are mapped, not the overlay itself.
    return expected, made


def links(said, calls):
    """What must be a link may be one already; what is one unless something is there need not be made."""
    expected, made = {}, dict(calls.links)
    for target, source, optional in said.all("mounts", r"(/\S+): symbolic link to (\S+?)(, unless something is there.*)?"):
        if not (target not in made and (optional or calls.links_there.get(target) == source)):
            expected[target] = source
    return expected, made


def directories(said, calls):
    """Those that are asked for; others are made only as mount points, or on the way to what is asked for."""
    expected = {target: [int(mode, 8), owner] for target, mode, owner
                in said.all("mounts", r"(/\S+): directory, mode (\d+), owner (\d+:\d+).*")}
    targets = {target for stage in ("root", "mounts", "names") for target, _ in said.all(stage, r"(/\S+): (.*)")}
    ways = {target[:at] for target in targets for at in range(1, len(target) + 1) if (target + "/")[at] == "/"}
    made = {path: made for path, made in calls.directories.items() if path in expected or path not in ways}
    return expected, made | {path: "a file" for path in calls.files - targets}


def hidden(said, calls):
    listed = [path for (path,) in said.all("hide", rf"(\S+): covered, if it exists: reads as empty, {MASK}")]
    covers = {target[3:] for target, mount in calls.attached if mount.mask and mount.attributes_text() == MASK}
    return {path for path in listed if f"IN:{path}" not in calls.missing}, covers


def read_only(said, calls):
    listed = [path for (path,) in said.all("read_only", r"(\S+): read-only with all below it, if it exists")]
    made = {label[3:] for label in calls.restricted if label.startswith("IN:") and label != "IN:/"}
    return {path for path in listed if f"IN:{path}" not in calls.missing}, made


def tools(said, calls):
    """What is mounted out of the payload's sight: the shelter, the staging area, a proc, an overlay's tmpfs."""
    shelter, staging = said.one("root", r"a shelter: tmpfs, size (\d+), unbindable; a staging area on it: tmpfs, size (\d+)")
    expected = [("tmpfs", shelter), ("tmpfs", staging)]
    if said.has("root", "^a proc of the sandbox's own"):
        expected.append(("proc", ""))
    for stage in "root", "mounts":
        expected += [("tmpfs", size) for (size,) in said.all(stage, r"\S+: overlay .*writes go to a tmpfs, \S+ size (\d+),.*")]
        expected += [("tmpfs", size) for (size,) in said.all(stage, r"stacked in a mount namespace .* on a tmpfs, size (\d+)")]
    made = [(mount.kind, mount.options.get("size", "")) for target, mount in calls.attached
            if not target.startswith("IN:") and not mount.idmapped]
    if said.has("network", "it gets one of its own, on a tmpfs") and ("tmpfs", "") in made:
        expected.append(("tmpfs", ""))
    return sorted(expected), sorted(made)


def clone_flags(said, calls):
    names = {"user": "USER", "mount": "NS", "pid": "PID", "net": "NET", "ipc": "IPC", "uts": "UTS", "cgroup": "CGROUP", "time": "TIME"}
    expected = set()
    for words in ("of its own, by clone3", "of its own, by unshare in the child"):
        kinds = said.one("namespaces", words + r": (.*)")
        expected |= {(words, "CLONE_NEW" + names[kind]) for kind in (kinds[0].split() if kinds else [])}
    if said.has("cgroup", "^the child is born in it"):
        expected.add(("of its own, by clone3", "CLONE_INTO_CGROUP"))
    made = {("of its own, by clone3", flag) for flag in calls.birth}
    made |= {("of its own, by unshare in the child", flag) for flag in calls.unshared}
    return expected, made


def helpers(said, calls):
    """Processes that map owners, or stack an overlay, before the child exists: as many as explain has reasons for."""
    mapped = any(said.has(stage, "owners as on disk|its owner as the payload") for stage in ("root", "mounts"))
    stacked = sum(len(said.all(stage, r"\S+: overlay .*made before the child exists.*")) for stage in ("root", "mounts"))
    return (mapped, stacked), (any("CLONE_NEWUSER" in flags for flags in calls.helpers),
                               sum("CLONE_NEWNS" in flags for flags in calls.helpers))


def id_maps(said, calls):
    lines = said.all("userns", r"(users|groups) (\d+)\.\.(\d+) are (\d+)\.\.(\d+) of the host")
    expected = {"users": [], "groups": []}
    for what, first, last, outside, _ in lines:
        expected[what].append((int(first), int(outside), int(last) - int(first) + 1))
    made = {"users": calls.maps.get("uid_map", []), "groups": calls.maps.get("gid_map", [])}
    free = said.one("userns", r"users and groups 0\.\.(\d+) are a free range of the host, taken under a lock in .*")
    if free:
        size = int(free[0]) + 1
        expected = {what: [(0, made[what][0][1], size)] if made[what] else [] for what in made}
    return (expected, said.has("userns", "^setgroups is denied")), (made, calls.setgroups_denied)


def ids(said, calls):
    build = said.one("userns", r"builds the inside as user (\d+) and group (\d+)(.*)")
    expected = []
    if build:
        expected = [("setgroups", "")] if build[2] else []
        expected += [("setresgid", build[1]), ("setresuid", build[0])]
    groups = [group for (group,) in said.all("ids", r"supplementary group (\d+)")]
    if groups or said.has("ids", "^no supplementary group"):
        expected.append(("setgroups", " ".join(groups)))
    expected += [("setresgid", said.one("ids", r"becomes group (\d+)")[0]), ("setresuid", said.one("ids", r"becomes user (\d+)")[0])]
    return expected, calls.ids


def cgroups(said, calls):
    return sorted(place for (place,) in said.all("cgroup", r"make a cgroup in (\S+) \(.*\)")), sorted(calls.cgroups)


def cgroup_files(said, calls):
    made = dict(calls.cgroup_writes)
    files = said.all("cgroup", r"(\S+\.\S+) = (.*?)(, if the kernel has this file)?")
    expected = {name: value for name, value, optional in files if not optional or name in made}
    for name, value in expected.items():
        if value == "its parent's" and name in made:
            made[name] = value
    return (expected, said.has("cgroup", "gets the cpus and mems")), (made, calls.cgroup_parent)


def cgroup_moves(said, calls):
    expected = sum(line == "the child moves itself into it" for line in said.lines["cgroup"])
    return expected, calls.cgroup_moves


def sysctls(said, calls):
    expected = {name.replace(".", "/"): value for name, value in said.all("sysctls", r"(\S+) = ([^:]*?)(?:: .*)?")}
    return expected, calls.sysctls


def names(said, calls):
    host = said.one("uts", r"host name (\S+)( \(another at every launch\))?")
    expected = {}
    made = dict(calls.uts)
    if host:
        expected["sethostname"] = host[0]
        if host[1] and re.fullmatch(r"[0-9a-f]{6}-[a-z-]+", made.get("sethostname", "")):
            made["sethostname"] = host[0]
    domain = said.one("uts", r"domain name (\S+)")
    if domain:
        expected["setdomainname"] = domain[0]
    return expected, made


def clocks(said, calls):
    expected = {}
    for clock, name in (("MONOTONIC", "monotonic"), ("BOOTTIME", "boottime")):
        moved = said.one("time", rf"CLOCK_{clock} is moved by (-?\d+) ms")
        if moved:
            expected[name] = int(moved[0])
    return expected, calls.clock_offsets


def session(said, calls):
    expected = [said.has("session", words) for words in ("fresh session keyring", "^starts a session", "^every signal is unblocked")]
    return expected, [calls.keyring, calls.setsid, calls.unblocked]


def pivot(said, calls):
    return said.has("pivot", "^the host's tree goes out of sight"), calls.pivoted and calls.detached


def descriptors(said, calls):
    passed = {number for (number,) in said.all("descriptors", r"except (\d+), which the caller opened")}
    return (said.has("descriptors", "^closes every descriptor above 2$"), passed), (calls.closed, calls.passed)


def loopback(said, calls):
    return said.has("network", "the loopback interface, up"), calls.loopback


def rlimits(said, calls):
    return {name: (soft, hard) for name, soft, hard in said.all("rlimits", r"(RLIMIT_\w+) soft (\w+), hard (\w+)")}, calls.rlimits


def capability_set(words):
    return sorted(explain_calls.CAPABILITIES.index(name) for name in words.split())


def capabilities(said, calls):
    kept = said.one("capabilities", r"keeps ((?:[A-Z_]+ ?)+)")
    ambient = said.one("capabilities", r"ambient, so that they outlive execve: (.*)")
    dropped = said.one("capabilities", r"takes (\d+) of (\d+) out of the bounding set, for ever")
    masks = said.one("capabilities", r"permitted and effective (\w+), inheritable and ambient (\w+), secure bits (\w+)")
    bits = capability_set(kept[0]) if kept else []
    lifted = capability_set(ambient[0]) if ambient else []
    expected = {
        "dropped": int(dropped[0]) if dropped else 0, "permitted": int(masks[0], 16), "effective": int(masks[0], 16),
        "inheritable": int(masks[1], 16), "ambient": int(masks[1], 16), "secure bits": int(masks[2], 16),
        "kept by name": bits, "ambient by name": lifted,
    }

    def bits_of(mask):
        return [number for number in range(64) if mask >> number & 1]

    made = dict(calls.capabilities)
    made |= {"kept by name": bits_of(made["permitted"]), "ambient by name": bits_of(made["ambient"])}
    return expected, made


def privileges(said, calls):
    return said.has("no_new_privs", "^no program inside gains"), calls.no_new_privs


def landlock(said, calls):
    access = {"read": "read", "read and write": "write", "read and execute": "execute"}
    expected = collections.Counter((access[verb], path) for verb, path in said.all("landlock", r"may (read|read and write|read and execute) below (\S+)"))
    expected += collections.Counter("port" for _ in said.all("landlock", r"may (bind|connect to) TCP port (\d+)"))
    return expected, calls.landlock


def seccomp(said, calls):
    return int(said.one("seccomp", r"install a filter of (\d+) instructions")[0]), calls.filter


def process(said, calls):
    words, = said.one("process", r"runs (.*)")
    expected = {"argv": shlex.split(words), "umask": int(said.one("process", r"umask (\d+)")[0], 8),
                "cwd": said.one("cwd", r"starts in (\S+), .*")[0]}
    for name, pattern in (("nice", r"nice value (-?\d+)"), ("oom_score_adj", r"oom_score_adj (-?\d+)"),
                          ("affinity", r"runs on CPUs (\S+)")):
        value = said.one("process", pattern)
        if value:
            expected[name] = value[0]
    if said.has("process", "writable and executable"):
        expected["wx"] = True
    linux32 = said.one("process", r"personality \w+ \((\w+)\)")
    expected["personality"] = int(linux32[0], 16) if linux32 else 0
    return expected, calls.process


def environment(said, calls):
    return sorted(name for (name,) in said.all("environment", r"(?:sets|inherits) (\S+)")), sorted(calls.environment)


def init(said, calls):
    return said.has("process", "^under an init of ours"), calls.init_filter


CLASSES = [mounts, links, directories, hidden, read_only, tools, clone_flags, helpers, id_maps, ids, cgroups, cgroup_files,
           cgroup_moves, sysctls, names, clocks, session, loopback, pivot, rlimits, capabilities, privileges, landlock, seccomp,
           process, environment, init, descriptors]


def difference(expected, made):
    if isinstance(expected, dict) and isinstance(made, dict):
        for key in sorted(set(expected) | set(made), key=str):
            if expected.get(key) != made.get(key):
                yield f"{key}: explain {expected.get(key)!r}, run {made.get(key)!r}"
    elif isinstance(expected, set):
        yield from (f"only explain: {item}" for item in sorted(expected - made, key=str))
        yield from (f"only the run: {item}" for item in sorted(made - expected, key=str))
    else:
        yield f"explain {expected!r}\n    run     {made!r}"


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        said = Said(json.load(file))
    with open(sys.argv[2], encoding="utf-8", errors="backslashreplace") as file:
        calls = explain_calls.Calls(file)
    wrong = 0
    for check in CLASSES:
        expected, made = check(said, calls)
        if expected != made:
            wrong += 1
            print(f"{check.__name__}:", *difference(expected, made), sep="\n  ")
    print(f"{len(CLASSES)} classes compared, {len(calls.attached)} mounts, {wrong} different")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
