# compare: what it says of host and sandbox is what other programs find there, and nothing is left or changed by asking.
# shellcheck disable=SC2016 # scripts in single quotes are for the shell inside
load ../lib/common

terminal=$BATS_TEST_DIRNAME/../lib/terminal

# as WHO CMD...: WHO is root or user.
as() {
	local who=$1

	shift
	if [ "$who" = user ]; then as_user "$@"; else "$@"; fi
}

# compare_as WHO ARG...: the answer in JSON, into $ANSWER
compare_as() {
	ANSWER=$TMP/answer.json
	as "$1" sandbox compare --json "${@:2}" >"$ANSWER"
}

# What is not there is no empty answer, which could be the same as something else's.
fact() {
	jq -r "$1" "$ANSWER" || echo "no such fact: $1"
}

same() {
	[ "$1" = "$2" ] || _wrong "$3: compare says \"$1\", elsewhere it is \"$2\""
}

# Numbers of capabilities, from the kernel's header, for a set as status shows it: names, sorted, in a line.
capability_names() {
	local set=$((16#$1)) name number

	sed -n 's/^#define CAP_\([A-Z_]*\)[[:space:]]*\([0-9]*\)$/\1 \2/p' /usr/include/linux/capability.h |
		while read -r name number; do
			[ $((set >> number & 1)) -eq 0 ] || echo "$name"
		done | sort | tr '\n' ' '
}

status_of() {
	sed -n "s/^$2:[[:space:]]*//p" "$1"
}

# An automatic range of ids is another one at every launch.
without_range() {
	sed -E 's/ [0-9]{9,10} 65536$/ RANGE 65536/'
}

# same_as_files SIDE DIRECTORY: a side of the answer against files of /proc/self that something else has read there.
same_as_files() {
	local side=$1 files=$2 set field

	for set in effective:CapEff permitted:CapPrm inheritable:CapInh bounding:CapBnd ambient:CapAmb; do
		field=$(status_of "$files/status" "${set#*:}")
		same "$(fact ".$side.capabilities.${set%:*}[]" | sort | tr '\n' ' ')" "$(capability_names "$field")" "$side $set"
	done
	same "$(fact ".$side.no_new_privs")" "$(status_of "$files/status" NoNewPrivs | sed 's/0/false/; s/1/true/')" no_new_privs
	same "$(fact ".$side.seccomp.mode")" "$(status_of "$files/status" Seccomp | sed 's/0/none/; s/2/filter/')" seccomp
	same "$(fact ".$side.seccomp.filters")" "$(status_of "$files/status" Seccomp_filters)" filters
	same "$(fact ".$side.uid")" "$(status_of "$files/status" Uid | cut -f1)" uid
	same "$(fact ".$side.gid")" "$(status_of "$files/status" Gid | cut -f1)" gid
	same "$(fact ".$side.groups | map(tostring) | join(\" \")")" "$(status_of "$files/status" Groups | sed 's/ *$//')" groups
	for set in uid_map gid_map; do
		same "$(fact ".${side}.${set}[] | \"\(.inside) \(.outside) \(.count)\"" | without_range)" \
			"$(awk '{ print $1, $2, $3 }' "$files/$set" | without_range)" "$set"
	done
	same "$(fact ".$side.mounts | length")" "$(wc -l <"$files/mounts")" "number of mounts"
	same "$(fact ".$side.mounts[].target" | sort)" "$(cut -d' ' -f2 "$files/mounts" | sort)" mounts
	same "$(fact ".$side.rlimits.nofile | \"\(.soft) \(.hard)\"")" "$(awk '/open files/ { print $4, $5 }' "$files/limits")" nofile
	same "$(fact ".$side.rlimits.core_bytes.soft")" "$(awk '/core file/ { print $5 }' "$files/limits")" core
	same "$(fact ".$side.interfaces[]" | sort)" "$(sed -n 's/^ *\([^ ]*\):.*/\1/p' "$files/dev" | sort)" interfaces
	same "$(fact ".$side.cgroups[]")" "$(cat "$files/cgroup")" cgroups
}

FILES='status uid_map gid_map mounts limits net/dev cgroup'

# by_hand WHO ARG...: the same files, as a program sees them that runs in the sandbox
by_hand() {
	local who=$1 file

	shift
	mkdir -p "$TMP/by-hand"
	for file in $FILES; do
		as "$who" sandbox run "$@" -- cat "/proc/self/$file" >"$TMP/by-hand/${file##*/}"
	done
}

# try WHO ARG...
try() {
	local who=$1 file

	compare_as "$@"
	by_hand "$@"
	same_as_files sandbox "$TMP/by-hand"
	mkdir -p "$TMP/host"
	for file in $FILES; do
		as "$who" cat "/proc/self/$file" >"$TMP/host/${file##*/}"
	done
	same_as_files host "$TMP/host"
	same "$(fact '.sandbox.environment[]' | sort)" "$(as "$who" sandbox run "${@:2}" -- env | cut -d= -f1 | sort)" environment
	same "$(fact .host.hostname)" "$(uname -n)" "host's name"
	same "$(fact '.sandbox.processes | map(.name) | join(" ")')" "sandbox-init sandbox" "processes inside"
	[ "$(fact '.host.processes | length')" -gt 3 ]
}

@test "default: what compare says is what programs find inside and outside" {
	residue_before
	try root -p default
	try user -p default
	residue_after
}

@test "minimal: the same" {
	try root -p "$CHECKOUT/profiles/minimal.conf"
	try user -p "$CHECKOUT/profiles/minimal.conf"
}

@test "alpine: the same" {
	try root -p "$CHECKOUT/profiles/alpine.conf" -D root="$ROOTFS"
	try user -p "$CHECKOUT/profiles/alpine.conf" -D root="$ROOTFS"
}

@test "capabilities that are kept: for uid 0 by the bounding set, for another uid the ambient ones only" {
	try root -p default -s 'capabilities.keep=["CHOWN","NET_BIND_SERVICE"]' -s users.uid=0 -s users.gid=0
	[ "$(fact '.sandbox.capabilities.effective | join(" ")')" = "CHOWN NET_BIND_SERVICE" ]
	try root -p default -s 'capabilities.keep=["CHOWN","NET_BIND_SERVICE"]' -s 'capabilities.ambient=["CHOWN"]'
	[ "$(fact '.sandbox.capabilities.effective | join(" ")')" = "CHOWN" ]
	[ "$(fact '.sandbox.capabilities.bounding | join(" ")')" = "CHOWN NET_BIND_SERVICE" ]
}

@test "namespaces: the host's inodes, and the same or different as links inside are" {
	local name inside own less='namespaces=["user","mount","pid","net","uts","ipc"]'

	for who in root user; do
		compare_as "$who" -p default -s "$less"
		for name in cgroup ipc mnt net pid time user uts; do
			own=$(as "$who" readlink "/proc/self/ns/$name" | tr -dc 0-9)
			same "$(fact ".host.namespaces.$name")" "$own" "$name"
			inside=$(as "$who" sandbox run -p default -s "$less" -- readlink "/proc/self/ns/$name" | tr -dc 0-9)
			if [ "$inside" = "$own" ]; then
				same "$(fact ".sandbox.namespaces.$name")" "$own" "$name inside"
				[ "$(fact ".changes | index(\"namespaces.$name\")")" = null ]
			else
				[ "$(fact ".sandbox.namespaces.$name")" != "$own" ]
				[ "$(fact ".changes | index(\"namespaces.$name\")")" != null ]
			fi
		done
		[ "$(fact ".changes | map(select(startswith(\"namespaces.\"))) | length")" -eq 6 ]
	done
}

# No /proc, no program, nothing allowed but what ends a process and writes.
empty() {
	profile <<-END
		format = 1;
		root = { size = "1M"; };
		hostname = "hollow";
		rlimits = { fsize = "0K"; nofile = 16; };
		process = { env = []; inherit_env = []; };
		$1
	END
}

@test "an empty root without /proc and with a filter that allows next to nothing" {
	residue_before
	for who in root user; do
		empty 'landlock = { read = [ "/" ]; missing = "skip"; };
			seccomp = { allow = [ "read", "write", "exit_group", "execve" ]; default = "kill-process"; };'
		compare_as "$who" -p "$PROFILE"
		same "$(fact .sandbox.processes)" null processes
		same "$(fact .sandbox.hostname)" hollow hostname
		same "$(fact '.sandbox.seccomp | "\(.mode) \(.filters)"')" "filter 1" seccomp
		same "$(fact '.sandbox.mounts | map(.target) | join(" ")')" / mounts
		same "$(fact .sandbox.rlimits.fsize_bytes.soft)" 0 fsize
		same "$(fact '.sandbox.environment | length')" 0 environment
		run as "$who" sandbox compare -p "$PROFILE"
		assert_status 0
		assert_output "none to be seen: /proc is not there"
	done
	residue_after
}

@test "a filter that forbids read(2) is not counted, and everything else is told" {
	empty 'seccomp = { allow = [ "write", "exit_group", "execve" ]; default = "kill-process"; };'
	compare_as root -p "$PROFILE"
	same "$(fact '.sandbox.seccomp | "\(.mode) \(.filters)"')" "filter null" seccomp
	same "$(fact .sandbox.no_new_privs)" true no_new_privs
	same "$(fact .sandbox.hostname)" hollow hostname
	run sandbox compare -p "$PROFILE"
	assert_status 0
	assert_output "filter, not to be counted"
}

@test "processes: landlock's rules hold for the look as well" {
	compare_as root -p default -s 'landlock.read=["/usr"]'
	same "$(fact .sandbox.processes)" null processes
	compare_as root -p default -s 'landlock.read=["/usr","/proc"]'
	same "$(fact '.sandbox.processes | length')" 2 processes
}

@test "limits of the sandbox's cgroups are those of the profile" {
	as_root_only
	compare_as root -p default -s cgroup.memory.max=96M -s cgroup.cpu.max=50% -s cgroup.pids.max=33
	same "$(fact '.sandbox.cgroup_limits | "\(.memory_max_bytes) \(.cpu_max_percent) \(.pids_max)"')" "100663296 50 33" limits
	[ "$(fact .host.cgroup_limits.memory_max_bytes)" != 100663296 ]
	[ "$(fact '.changes | index("cgroup_limits.memory_max_bytes")')" != null ]
}

@test "descriptors: what the caller passes is inside if the profile says so, and only then" {
	compare_as root -p default 5</dev/zero
	[ "$(fact '.host.descriptors | map(select(.fd == 5)) | .[0].file')" = /dev/zero ]
	same "$(fact '.sandbox.descriptors | map(.fd) | join(" ")')" "0 1 2" descriptors
	compare_as root -p default -s 'process.pass_fds=[5]' 5</dev/zero
	same "$(fact '.sandbox.descriptors | map(.fd) | join(" ")')" "0 1 2 5" descriptors
}

@test "environment: values are not shown, and what is gone, new or other is told" {
	export GONE=secret-one KEPT=secret-two OTHER=secret-three
	compare_as root -p default -s 'process.inherit_env=["KEPT"]' -s 'process.env=["OTHER=secret-four","FRESH=x"]'
	same "$(fact '[.changes[] | select(. == "environment.GONE" or . == "environment.KEPT" or . == "environment.OTHER" or . == "environment.FRESH")] | join(" ")')" \
		"environment.GONE environment.OTHER environment.FRESH" changes
	refute_file secret
	run sandbox compare -p default -s 'process.inherit_env=["KEPT"]' -s 'process.env=["OTHER=secret-four","FRESH=x"]'
	refute_output secret
	grep -qE '^  the same +.*KEPT' <<<"$output"
	grep -qE '^[*] another value +.*OTHER' <<<"$output"
	grep -qE '^[*] new +.*FRESH' <<<"$output"
}

refute_file() {
	if grep -q "$1" "$ANSWER"; then
		_wrong "not expected in the answer: $1"
	fi
}

@test "without an init" {
	residue_before
	compare_as root -p default -s process.init=false
	same "$(fact '.sandbox.processes | map("\(.pid) \(.name)") | join(" ")')" "1 sandbox" "processes inside"
	same "$(fact '.sandbox.seccomp | "\(.mode) \(.filters)"')" "filter 1" seccomp
	residue_after
}

@test "COMMAND is not run, and need not be there" {
	run sandbox compare -p default --rw "$TMP" touch "$TMP/ran"
	assert_status 0
	[ ! -e "$TMP/ran" ]
	sandbox run -p default --rw "$TMP" -- touch "$TMP/ran"
	[ -e "$TMP/ran" ]
	run sandbox compare -p default -- /no/such/program
	assert_status 0
}

@test "a sandbox that cannot be made is an error, as it is for run" {
	run sandbox compare -p default -s process.cwd=/no/such/directory
	assert_status 123
	assert_output "process.cwd: cannot enter the working directory"
	run sandbox compare -p default -s process.cwd=/tmp
	assert_status 0
	run sandbox compare -p default --json -s nonsense=1
	assert_status 121
}

# ---- the page

longest_line() {
	awk '{ gsub(/\033\[[0-9;]*m/, ""); if (length > longest) longest = length } END { print longest }'
}

@test "nothing is wider than 100 columns, and piped it is plain text with the differences marked" {
	for options in "-p default" "-p $CHECKOUT/profiles/minimal.conf" "-p default --caps"; do
		# shellcheck disable=SC2086 # words
		run sandbox compare $options
		assert_status 0
		[ "$(longest_line <<<"$output")" -le 100 ]
		refute_output $'\033'
		refute_output ' '$'\n'
	done
	run sandbox compare -p default
	grep -qE '^\* mnt +[0-9]+ +[0-9]+$' <<<"$output"
	grep -qE '^\* no_new_privs +no +yes$' <<<"$output"
	grep -qE '^  time +[0-9]+ +the same$' <<<"$output"
}

# What the page marks, by the answer: every row, and the sections at the end that are lists.
marks_by_changes() {
	jq -r '. as $all
		| { uid_map: "uid map", gid_map: "gid map", hostname: "host name", domainname: "domain name",
		    cgroups: "cgroup", descriptors: "open descriptors" } as $labels
		| def mark($path): if any($all.changes[]; . == $path or startswith($path + ".")) then "*" else " " end;
		("namespaces", "capabilities", "no_new_privs", "seccomp", "uid", "gid", "groups", "uid_map", "gid_map",
		 "hostname", "domainname", "processes", "interfaces", "descriptors", "cgroups", "cgroup_limits", "rlimits",
		 "mounts", "environment") as $name
		| if $name | IN("namespaces", "capabilities", "cgroup_limits", "rlimits")
		  then ($all.host[$name] | keys_unsorted) as $host
			| ($host + (($all.sandbox[$name] | keys_unsorted) - $host))[] | mark("\($name).\(.)") + " " + .
		  else mark($name) + " " + ($labels[$name] // $name) end' "$1"
}

# The same, from the page.
marks_on_page() {
	awk '/^[a-z]/ { title = $0 }
		/^[* ] [a-z_0-9]/ && title != "mounts" && title != "environment" { row = substr($0, 3); sub(/  .*/, "", row); print substr($0, 1, 2) row; next }
		/^[*] / { marked[title] = 1 }
		END { print (marked["mounts"] ? "*" : " ") " mounts"; print (marked["environment"] ? "*" : " ") " environment" }' "$1"
}

@test "the page marks what the answer calls a change, and nothing else" {
	empty 'seccomp = { allow = [ "write", "exit_group", "execve" ]; default = "kill-process"; };'
	for options in "-p default" "-p $CHECKOUT/profiles/minimal.conf" "-p default --net host" "-p $PROFILE"; do
		# shellcheck disable=SC2086 # words
		sandbox compare $options >"$TMP/out" 2>"$TMP/messages"
		marks_on_page "$TMP/out" >"$TMP/page"
		# The same file, so that descriptor 1 is the same.
		# shellcheck disable=SC2086 # words
		sandbox compare $options --json >"$TMP/out" 2>"$TMP/messages"
		marks_by_changes "$TMP/out" | diff - "$TMP/page"
		grep -qx '[*] seccomp' "$TMP/page"
		grep -qx '  groups' "$TMP/page"
	done
}

# unread default|ignore ARG...: the program's status when nobody reads what it prints, SIGPIPE being handled like that.
unread() {
	local pipe=$1 status=0

	shift
	rm -f "$TMP/closed"
	{
		until [ -e "$TMP/closed" ]; do sleep 0.05; done
		env "--$pipe-signal=PIPE" "$SANDBOX" "$@" 2>"$TMP/messages" || status=$?
		echo "$status" >"$TMP/status"
	} | {
		exec <&-
		touch "$TMP/closed"
	}
	same "$(cat "$TMP/status")" "$UNREAD" "$*"
}

@test "when its reader is gone it ends by SIGPIPE, as the others do, and leaves nothing" {
	residue_before
	UNREAD=141
	unread default explain -p default
	[ ! -s "$TMP/messages" ]
	unread default compare -p default
	[ ! -s "$TMP/messages" ]
	unread default compare -p default --json
	[ ! -s "$TMP/messages" ]
	UNREAD=125
	unread ignore compare -p default
	grep -q "Broken pipe" "$TMP/messages"
	residue_after
}

@test "on a terminal there is colour and no line is wider than it, and none with NO_COLOR or on a dumb one" {
	local command=("$SANDBOX" compare -p default)

	run env TERM=xterm "$terminal" "${command[@]}" </dev/null
	assert_status 0
	assert_output $'\033['
	[ "$(longest_line <<<"$output")" -le 80 ]
	run env TERM=xterm NO_COLOR=1 "$terminal" "${command[@]}" </dev/null
	assert_status 0
	refute_output $'\033['
	run env TERM=dumb "$terminal" "${command[@]}" </dev/null
	assert_status 0
	refute_output $'\033['
	run env TERM=xterm NO_COLOR= "$terminal" "${command[@]}" --caps </dev/null
	assert_output $'\033['
}

@test "names from outside cannot drive the terminal" {
	mkdir "$TMP/evil"
	mount -t tmpfs tmpfs "$TMP/evil" 2>/dev/null || skip "needs root"
	umount "$TMP/evil"
	run unshare -m sh -c 'd="$1/a$(printf "\033")[31m"; mkdir "$d" && mount -t tmpfs tmpfs "$d" && exec "$0" compare -p default' "$SANDBOX" "$TMP/evil"
	assert_status 0
	assert_output '\x1b[31m'
	refute_output $'\033'
}

# ---- capabilities

host_state() {
	uname -n
	cut -d' ' -f3- /proc/self/mountinfo
	cat /sys/class/net/*/flags /proc/sys/kernel/tainted
	cut -d' ' -f1 /proc/modules
	ipcs -q
}

is_as_before() {
	[ "$(host_state)" = "$1" ]
}

@test "--caps as root: the effect of twenty capabilities and more is seen, and the host stays as it was" {
	local before clock

	as_root_only
	residue_before
	before=$(host_state)
	clock=$(date +%s)
	run sandbox compare --caps --json -p default
	assert_status 0
	ANSWER=$TMP/caps.json
	printf '%s\n' "$output" >"$ANSWER"
	[ "$(($(date +%s) - clock))" -lt "$(seconds 30)" ]
	# Others may mount, or load a module, for a moment.
	wait_until 5 is_as_before "$before" || diff <(echo "$before") <(host_state)
	[ "$(fact '.capabilities | length')" -eq 41 ]
	[ "$(fact .shown)" -ge 20 ]
	[ "$(fact '.shown + .unseen + .untried')" -eq 41 ]
	[ "$(fact '[.capabilities[] | select(.state == "shown") | select(.with != "done" and .with != "allowed")] | length')" -eq 0 ]
	[ "$(fact '[.capabilities[] | select(.state == "shown") | select(.without == "done" or .without == "allowed")] | length')" -eq 0 ]
	[ "$(fact '[.capabilities[] | select(.state != "shown" and (.reason | not))] | length')" -eq 0 ]
	for name in CHOWN DAC_OVERRIDE FOWNER KILL SETUID NET_BIND_SERVICE NET_ADMIN NET_RAW SYS_CHROOT SYS_ADMIN MKNOD; do
		same "$(fact ".capabilities[] | select(.name == \"$name\") | .state")" shown "$name"
	done
	residue_after
}

@test "--caps: a capability that the caller lacks is not said to have no effect" {
	as_root_only
	run setpriv --bounding-set=-sys_chroot --inh-caps=-sys_chroot "$SANDBOX" compare --caps --json -p default
	assert_status 0
	ANSWER=$TMP/caps.json
	printf '%s\n' "$output" >"$ANSWER"
	same "$(fact '.capabilities[] | select(.name == "SYS_CHROOT") | "\(.state): \(.reason)"')" \
		"unseen: the caller does not have the capability" SYS_CHROOT
	same "$(fact '.capabilities[] | select(.name == "FOWNER") | .state')" shown FOWNER
}

@test "--caps as an ordinary user: what a user namespace can show, and why it cannot show the rest" {
	residue_before
	run as_user sandbox compare --caps --json -p default
	assert_status 0
	ANSWER=$TMP/caps.json
	printf '%s\n' "$output" >"$ANSWER"
	[ "$(fact .shown)" -ge 8 ]
	same "$(fact '.capabilities[] | select(.name == "NET_RAW") | .state')" shown NET_RAW
	same "$(fact '.capabilities[] | select(.name == "SYS_TIME") | .state')" unseen SYS_TIME
	[[ $(fact '.capabilities[] | select(.name == "SYS_TIME") | .reason') == *"initial user namespace"* ]]
	residue_after
}

@test "--caps: what the profile keeps, drops, or keeps where it is of no use" {
	run sandbox compare --caps --json -p default -s 'capabilities.keep=["CHOWN","SYS_TIME"]'
	assert_status 0
	ANSWER=$TMP/caps.json
	printf '%s\n' "$output" >"$ANSWER"
	same "$(fact '[.capabilities[] | select(.profile != "dropped") | "\(.name) \(.profile)"] | join(", ")')" \
		"CHOWN kept, SYS_TIME powerless" capabilities
}
