"""explain_calls: from a trace by strace to what a launch did. Read by explain_trace.py.

Descriptors are followed from call to call, so that a mount is known by what it is made of and by the path that it ends up
at. A path of the host is labelled HOST:/usr, one of the new root IN:/usr; what is on no tree yet, MOUNT:n.
"""
import collections
import posixpath
import re

CAPABILITIES = """CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE
NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT
SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE
MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE""".split()
CALL = re.compile(r"^(\d+) +(\w+)\((.*)\) += (-?\w+)(.*)$")
UNFINISHED = re.compile(r"^(\d+) +(.*) <unfinished \.\.\.>$")
RESUMED = re.compile(r"^(\d+) +<\.\.\. (\w+) resumed>(.*)$")
SECURE_BITS = {"SECBIT_NOROOT": 0, "SECBIT_NO_SETUID_FIXUP": 2, "SECBIT_KEEP_CAPS": 4, "SECBIT_NO_CAP_AMBIENT_RAISE": 6}
CLOCKS = {"1": "monotonic", "7": "boottime"}
MDWE = ("PR_SET_MDWE", "0x41")  # a name only to newer versions of strace
NETWORK_LOCAL = re.compile(r'SIOCSIFFLAGS, \{ifr_name="lo", ifr_flags=IFF_UP')


def split_arguments(text):
    """The arguments of a call, at the commas that are in no bracket and no string."""
    arguments, depth, quoted, at, start = [], 0, False, 0, 0
    while at < len(text):
        char = text[at]
        if quoted:
            if char == "\\":
                at += 1
            elif char == '"':
                quoted = False
        elif char == '"':
            quoted = True
        elif char in "([{":
            depth += 1
        elif char in ")]}":
            depth -= 1
        elif char == "," and not depth:
            arguments.append(text[start:at].strip())
            start = at + 1
        at += 1
    if text[start:].strip():
        arguments.append(text[start:].strip())
    return arguments


def string(argument):
    """A string as strace prints it; what is cut off is an error, since it could hide anything."""
    match = re.fullmatch(r'"((?:[^"\\]|\\.)*)"', argument)
    if not match:
        raise ValueError(f"no whole string: {argument}")
    return match[1].encode("latin-1", "backslashreplace").decode("unicode_escape")


def strings(argument):
    return [string(word) for word in split_arguments(argument[1:-1])]


def number(text):
    if text.startswith("RLIM"):
        return "unlimited"
    if "*" in text:
        left, right = text.split("*")
        return str(int(left) * int(right))
    return str(int(text, 0))


class Mount:
    """A mount from its making to where it is attached."""

    def __init__(self, kind, options=(), source="", recursive=False):
        self.kind, self.options, self.source, self.recursive = kind, dict(options), source, recursive
        self.attributes = set()
        self.target = None
        self.sealed = self.idmapped = self.staged = self.mask = self.covers = False
        self.lower, self.upper = [], None

    def attributes_text(self):
        return ",".join(["ro" if "RDONLY" in self.attributes else "rw"] +
                        [name.lower() for name in ("NOSUID", "NODEV", "NOEXEC") if name in self.attributes])


class Process:
    """What a process has open, and where it is."""

    def __init__(self, parent=None, shared=False):
        self.open = (parent.open if shared else dict(parent.open)) if parent else {}
        self.cwd = parent.cwd if parent else "HOST:"
        self.root = parent.root if parent else "HOST:"
        self.foreign = parent.foreign if parent else False  # runs another program: the command, or pasta


def calls_of(lines):
    """Every call with its process, arguments and result, in the order in which they ended."""
    begun = {}
    for line in lines:
        line = line.rstrip("\n")
        match = UNFINISHED.match(line)
        if match:
            begun[match[1]] = match[2]
            if match[2].startswith("clone"):  # the new process may come before the call has ended
                yield match[1], "clone_begun", match[2].split("(", 1)[1], "0"
            continue
        match = RESUMED.match(line)
        if match:
            line = f"{match[1]} {begun.pop(match[1], match[2] + '(')}{match[3]}"
        match = CALL.match(line)
        if match and match[2].startswith("clone"):
            yield match[1], "clone_begun", match[3], match[4]
        if match:
            yield match[1], match[2], match[3], match[4]


class Calls:
    """The effects of one launch, by the classes that explain_trace.py compares."""

    def __init__(self, lines):
        self.processes, self.parents, self.shared = {}, [], False
        self.attached, self.restricted, self.missing = [], set(), set()
        self.birth, self.unshared, self.helpers = set(), set(), []
        self.maps, self.setgroups_denied, self.ids = {}, False, []
        self.links, self.links_there, self.directories, self.files = {}, {}, {}, set()
        self.cgroups, self.cgroup_writes, self.cgroup_moves, self.cgroup_parent, self.sysctls = [], [], 0, False, {}
        self.uts, self.clock_offsets = {}, {}
        self.keyring = self.setsid = self.loopback = self.no_new_privs = self.init_filter = self.unblocked = False
        self.pivoted = self.detached = self.closed = False
        self.passed = set()
        self.rlimits, self.landlock, self.filter = {}, collections.Counter(), None
        self.capabilities = {"dropped": 0, "permitted": 0, "effective": 0, "inheritable": 0, "ambient": 0, "secure bits": 0}
        self.process, self.environment = {"personality": 0}, []
        self.launcher = self.child = self.payload = None
        self.split = False  # the payload is forked from init, which sheds what it has
        calls = list(calls_of(lines))
        self.payload = self.find_payload(calls)
        for pid, name, arguments, result in calls:
            self.take(pid, name, arguments, result)

    @staticmethod
    def find_payload(calls):
        """The process that starts a program under a filter of its own: helpers of the network have none by then."""
        filtered = set()
        for pid, name, arguments, result in calls:
            if name == "seccomp" and "SECCOMP_SET_MODE_FILTER" in arguments and result == "0":
                filtered.add(pid)
            elif name == "execve" and result == "0" and pid in filtered:
                return pid
        return None

    # ---- processes

    def enter(self, pid):
        if pid not in self.processes:
            self.processes[pid] = Process(self.parents[-1] if self.parents else None, self.shared)
            self.shared = False
            if self.launcher is None:
                self.launcher = pid
        return self.processes[pid]

    def take(self, pid, name, text, result):
        process = self.enter(pid)
        if name == "execve" and result == "0" and pid == self.payload:
            self.started(text)
        if name == "execve" and result == "0":
            process.foreign = pid != self.launcher
        if process.foreign or not hasattr(self, f"on_{name}"):
            return
        if result.startswith("-") and name not in ("openat2", "openat"):
            return
        getattr(self, f"on_{name}")(pid, process, split_arguments(text), result)

    def started(self, text):
        arguments = split_arguments(text)
        self.process["argv"] = strings(arguments[1])
        self.environment = [word.split("=", 1)[0] for word in strings(arguments[2])]

    def on_clone3(self, pid, _, arguments, result):
        flags = set(re.search(r"flags=([\w|]+)", arguments[0])[1].split("|"))
        made = {flag for flag in flags if flag.startswith("CLONE_NEW") or flag == "CLONE_INTO_CGROUP"}
        if pid == self.launcher and "CLONE_PIDFD" in flags and made:
            self.birth = made
            self.child = result
        elif made:
            self.helpers.append(made)
        elif pid == self.child:
            self.split = True

    def on_clone_begun(self, _, process, arguments, __):
        self.shared = "CLONE_FILES" in "".join(arguments)
        self.parents.append(process)

    def on_clone(self, _, __, arguments, ___):
        made = set(re.findall(r"CLONE_NEW\w+", " ".join(arguments)))
        if made:
            self.helpers.append(made)

    def on_unshare(self, pid, _, arguments, __):
        if pid == self.child:
            self.unshared |= set(arguments[0].split("|"))

    # ---- paths

    def label(self, process, descriptor):
        if descriptor == "AT_FDCWD":
            return process.cwd
        what = process.open.get(descriptor, f"FD:/{descriptor}")
        if not isinstance(what, Mount):
            return what
        if what.kind == "bind" and not (what.target or "").startswith("IN:"):
            return "HOST:" + what.source  # a copy, for an overlay's layer, shows what it is of
        return what.target or f"MOUNT:/{id(what)}"

    def path(self, process, descriptor, path, inside=False):
        if path.startswith("/") and not inside:
            base = process.root
        else:
            base = self.label(process, descriptor)
        tree, base = base.split(":", 1)
        return tree + ":" + posixpath.normpath(f"/{base.strip('/')}/{path.strip('/')}").replace("//", "/")

    def opened(self, process, result, label):
        if result.startswith("-"):
            self.missing.add(label)
        else:
            self.missing.discard(label)
            process.open[result] = label

    def on_open(self, _, process, arguments, result):
        self.opened(process, result, self.path(process, "AT_FDCWD", string(arguments[0])))

    def on_openat(self, _, process, arguments, result):
        self.opened(process, result, self.path(process, arguments[0], string(arguments[1])))

    def on_openat2(self, _, process, arguments, result):
        inside = "RESOLVE_IN_ROOT" in arguments[2]
        self.opened(process, result, self.path(process, arguments[0], string(arguments[1]), inside))

    def on_fchdir(self, pid, process, arguments, _):
        what = process.open.get(arguments[0])
        if isinstance(what, Mount) and what.target == "HOST:/":
            what.target = "IN:/"
            self.attached = [("IN:/" if mount is what else target, mount) for target, mount in self.attached]
        process.cwd = self.label(process, arguments[0])
        if pid == self.payload and process.cwd.startswith("IN:"):
            self.process["cwd"] = process.cwd[3:]

    def on_pivot_root(self, _, process, __, ___):
        process.root = "IN:"
        self.pivoted = True

    def on_umount2(self, _, __, arguments, ___):
        self.detached |= self.pivoted and arguments == ['"."', "MNT_DETACH"]

    def on_chdir(self, _, process, arguments, __):
        process.cwd = self.path(process, "AT_FDCWD", string(arguments[0]))

    # ---- mounts

    def on_fsopen(self, _, process, arguments, result):
        process.open[result] = Mount(string(arguments[0]))

    def on_fsconfig(self, _, process, arguments, __):
        mount = process.open[arguments[0]]
        if arguments[1] != "FSCONFIG_SET_STRING":
            return
        name, value = string(arguments[2]), string(arguments[3])
        mount.options[name] = value
        if name == "lowerdir":
            mount.lower = [self.plain(process, word) for word in value.split(":")]
        elif name == "upperdir":
            mount.upper = self.plain(process, value)

    def plain(self, process, descriptor):
        """The path behind a descriptor, without its tree; a mapped copy of a layer is known by what it copies."""
        what = process.open.get(descriptor)
        if isinstance(what, Mount) and what.kind == "bind":
            return what.source
        return self.label(process, descriptor).split(":", 1)[1]

    def on_fsmount(self, _, process, arguments, result):
        mount = process.open[arguments[0]]
        mount.attributes = {flag.removeprefix("MOUNT_ATTR_") for flag in arguments[2].split("|")}
        process.open[result] = mount

    def on_open_tree(self, _, process, arguments, result):
        label = self.path(process, arguments[0], string(arguments[1]))
        mount = Mount("bind", source=label.split(":", 1)[1], recursive="AT_RECURSIVE" in arguments[2])
        last = label.rsplit("/", 1)[-1]
        mount.staged = label.startswith("STAGE:")
        mount.mask = mount.staged and last in ("mask", "masks")
        mount.origin = label
        process.open[result] = mount

    def on_mount_setattr(self, _, process, arguments, __):
        what = process.open.get(arguments[0])
        given = re.search(r"attr_set=([\w|]+)", arguments[3])[1]
        flags = {flag.removeprefix("MOUNT_ATTR_") for flag in given.split("|")} - {"0"}
        if isinstance(what, Mount):
            what.sealed |= "RDONLY" in flags and what.target is not None
            what.idmapped |= "IDMAP" in flags
            if not what.target:
                what.attributes |= flags - {"IDMAP"}
            if "MS_UNBINDABLE" in arguments[3]:
                what.options["unbindable"] = "yes"
        elif "RDONLY" in flags:
            self.restricted.add(self.label(process, arguments[0]))

    def on_move_mount(self, _, process, arguments, __):
        mount = process.open.get(arguments[0])
        target = self.path(process, arguments[2], string(arguments[3]))
        if not isinstance(mount, Mount) or mount.options.get("unbindable") and mount.target:
            return  # pivot puts the shelter away
        if mount.kind == "bind" and mount.origin == target:
            mount.covers = True
            self.restricted.add(target)
        mount.covers |= mount.mask
        mount.target = "STAGE:" if mount.kind == "tmpfs" and target == "HOST:/" and "NOSUID" not in mount.attributes else target
        self.attached.append((mount.target if mount.target != "STAGE:" else "HOST:/", mount))

    # ---- links, directories and files that are made

    def inside(self, process, descriptor, name):
        """The path inside of what a call names, or None for what is elsewhere."""
        label = self.path(process, descriptor, string(name))
        return label[3:] if label.startswith("IN:") else None

    def on_symlinkat(self, _, process, arguments, __):
        path = self.inside(process, arguments[1], arguments[2])
        if path:
            self.links[path] = string(arguments[0])

    def on_readlinkat(self, _, process, arguments, __):
        path = self.inside(process, arguments[0], arguments[1])
        if path:
            self.links_there[path] = string(arguments[2])

    def on_mkdirat(self, pid, process, arguments, __):
        label = self.path(process, arguments[0], string(arguments[1]))
        if label.startswith("IN:"):
            self.directories[label[3:]] = [int(arguments[2], 8), None]
        elif pid == self.launcher and re.fullmatch(r"HOST:/sys/fs/cgroup(/.*)?/sandbox/[0-9a-f]{16}", label):
            self.cgroups.append(label[len("HOST:"):].rsplit("/", 1)[0])

    def on_mknodat(self, _, process, arguments, __):
        path = self.inside(process, arguments[0], arguments[1])
        if path and "S_IFREG" in arguments[2]:
            self.files.add(path)

    def on_fchmod(self, _, process, arguments, __):
        directory = self.directories.get(self.label(process, arguments[0])[3:])
        if directory:
            directory[0] = int(arguments[1], 8)

    def on_fchown(self, _, process, arguments, __):
        directory = self.directories.get(self.label(process, arguments[0])[3:])
        if directory:
            directory[1] = f"{arguments[1]}:{arguments[2]}"

    # ---- files that are written

    def on_write(self, pid, process, arguments, _):
        label = self.label(process, arguments[0])
        # Limits are written at a position. Closing is not traced: such a number may stand for something else by now.
        if "/cgroup/" in label and not re.search(r"/(tasks|cgroup\.procs|cpuset\.\w+)$", label):
            return
        if re.fullmatch(r"HOST:/proc/(\d+|self)/\w+|FD:.*", label) or "/cgroup/" in label or "/sys/" in label:
            self.written(pid, label, string(arguments[1]))

    def on_pwrite64(self, pid, process, arguments, _):
        label = self.label(process, arguments[0])
        if "/cgroup/" in label:
            self.written(pid, label, string(arguments[1]))

    def written(self, pid, label, text):
        name = label.rsplit("/", 1)[-1]
        if "/sys/fs/cgroup/" in label:
            if name in ("tasks", "cgroup.procs"):
                self.cgroup_moves += pid != self.launcher
            elif label.rsplit("/", 2)[1] == "sandbox" and name.startswith("cpuset."):
                self.cgroup_parent = True
            elif "/sandbox/" in label and "." in name and name != "cgroup.subtree_control":
                self.cgroup_writes.append((name, text))
        elif "/sys/" in label and pid != self.launcher:
            self.sysctls[label.split("/sys/", 1)[1]] = text
        elif pid == self.launcher and name in ("uid_map", "gid_map") and not self.helpers_only(label):
            self.maps[name] = [tuple(int(word) for word in line.split()) for line in text.splitlines()]
        elif name == "setgroups":
            self.setgroups_denied |= text.startswith("deny")
        elif name == "oom_score_adj":
            self.process["oom_score_adj"] = text.strip()
        elif name == "timens_offsets":
            for line in text.splitlines():
                clock, seconds, nanoseconds = line.split()
                self.clock_offsets[CLOCKS[clock]] = int(seconds) * 1000 + int(nanoseconds) // 1000000

    def helpers_only(self, _):
        """Before the child is born, a map is of a process that maps owners."""
        return not self.birth

    # ---- what a process is

    def on_sethostname(self, _, __, arguments, ___):
        self.uts["sethostname"] = string(arguments[0])

    def on_setdomainname(self, _, __, arguments, ___):
        self.uts["setdomainname"] = string(arguments[0])

    def on_keyctl(self, _, __, arguments, ___):
        self.keyring |= arguments[0] == "KEYCTL_JOIN_SESSION_KEYRING"

    def on_rt_sigprocmask(self, pid, _, arguments, __):
        self.unblocked |= pid == self.child and arguments[:2] == ["SIG_SETMASK", "[]"]

    def on_close_range(self, pid, _, arguments, __):
        self.closed |= pid == self.payload and arguments[1:] == ["4294967295", "0"]

    def on_fcntl(self, pid, _, arguments, __):
        if pid == self.payload and arguments[1:] == ["F_SETFD", "0"] and int(arguments[0]) > 2:
            self.passed.add(arguments[0])

    def on_setsid(self, *_):
        self.setsid = True

    def on_ioctl(self, _, __, arguments, ___):
        self.loopback |= bool(NETWORK_LOCAL.search(", ".join(arguments)))

    def on_setgroups(self, pid, _, arguments, __):
        self.ids_of(pid, "setgroups", "" if arguments[1] in ("NULL", "[]") else arguments[1].strip("[]").replace(", ", " "))

    def on_setresgid(self, pid, _, arguments, __):
        self.ids_of(pid, "setresgid", arguments[0])

    def on_setresuid(self, pid, _, arguments, __):
        self.ids_of(pid, "setresuid", arguments[0])

    def ids_of(self, pid, what, value):
        if pid in (self.child, self.payload):
            self.ids.append((what, value))

    def on_prlimit64(self, pid, _, arguments, __):
        limits = re.fullmatch(r"\{rlim_cur=(\S+), rlim_max=(\S+)\}", arguments[2])
        if limits and pid == self.payload:
            self.rlimits[arguments[1]] = (number(limits[1]), number(limits[2]))

    def on_capset(self, pid, _, arguments, __):
        if pid != self.payload:
            return
        for name in ("effective", "permitted", "inheritable"):
            self.capabilities[name] = self.mask(re.search(name + r"=([^,}]+)", arguments[1])[1])

    @staticmethod
    def mask(text):
        return sum(1 << CAPABILITIES.index(name.removeprefix("1<<CAP_")) for name in text.split("|") if name != "0")

    def on_prctl(self, pid, _, arguments, __):
        if arguments[0] == "PR_CAPBSET_DROP" and pid == self.child and not self.split:
            self.capabilities["dropped"] += 1
        elif pid != self.payload:
            return
        elif arguments[:2] == ["PR_CAP_AMBIENT", "PR_CAP_AMBIENT_RAISE"]:
            self.capabilities["ambient"] |= self.mask("1<<" + arguments[2])
        elif arguments[0] == "PR_SET_SECUREBITS":
            self.capabilities["secure bits"] = self.secure_bits(arguments[1])
        elif arguments[0] == "PR_SET_NO_NEW_PRIVS":
            self.no_new_privs = True
        elif arguments[0].split(" ")[0] in MDWE:
            self.process["wx"] = True

    @staticmethod
    def secure_bits(text):
        bits = 0
        for name in text.split("|"):
            locked = name.endswith("_LOCKED")
            bits |= 1 << SECURE_BITS[name.removesuffix("_LOCKED")] + locked
        return bits

    def on_seccomp(self, pid, _, arguments, __):
        length = re.search(r"len=(\d+)", arguments[2] if len(arguments) > 2 else "")
        if length and pid == self.payload:
            self.filter = int(length[1])
        elif length and pid == self.child:
            self.init_filter = True

    def on_landlock_add_rule(self, _, process, arguments, __):
        rule = arguments[2]
        if "PATH_BENEATH" in arguments[1]:
            path = self.label(process, re.search(r"parent_fd=(\d+)", rule)[1])[3:]
            verb = "write" if "WRITE_FILE" in rule else "execute" if "EXECUTE" in rule else "read"
            self.landlock[verb, path] += 1
        else:
            self.landlock["port"] += 1  # older versions of strace cannot tell which

    def on_umask(self, pid, _, arguments, __):
        if pid == self.payload:
            self.process["umask"] = int(arguments[0], 8)

    def on_personality(self, pid, _, arguments, __):
        names = {"PER_LINUX": 0, "PER_LINUX32": 8}
        if pid == self.payload and arguments[0] != "0xffffffff":
            self.process["personality"] = names[arguments[0]]

    def on_setpriority(self, _, __, arguments, ___):
        self.process["nice"] = arguments[2]

    def on_sched_setaffinity(self, pid, _, arguments, __):
        if pid == self.payload:
            self.process["affinity"] = arguments[2].strip("[]").replace(" ", ",")
