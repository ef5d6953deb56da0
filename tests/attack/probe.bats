# Every attempt of corpus.tsv, inside each shipped profile, as root and as an ordinary user; and once outside, because an
# attempt that fails there too proves nothing.

load ../lib/common

setup_file() {
	export PROBE=$BATS_FILE_TMPDIR/probe
	chmod 0755 "$BATS_FILE_TMPDIR"
	cc -std=gnu11 -D_GNU_SOURCE -O1 -Wall -Wextra -Werror -static -o "$PROBE" "$BATS_TEST_DIRNAME"/probe*.c -lrt
}

# What an attempt would find on the host: the baits, as NAME=VALUE words in the array of that name.
setup() {
	echo secret >"$TMP/canary"
	chmod 0644 "$TMP/canary"
	sleep 1000 3>&- &
	SLEEPER=$!
	mkdir "$TMP/hostmount"
	mount -t tmpfs sandbox-bait "$TMP/hostmount"
	mkdir -p /run/bait.$$
	shm=$(ipcmk --shmem 4096 --mode 0666 | grep -o '[0-9]*$')
	shm_key=$(awk -v id="$shm" '$2 == id { print $1 }' /proc/sysvipc/shm)
	echo secret >/dev/shm/bait.$$
	python3 - "$TMP/ready" "bait.$$" 3>&- <<'PY' &
import os, socket, sys, time
ready, name = sys.argv[1:]
unix = socket.socket(socket.AF_UNIX)
unix.bind("\0" + name)
unix.listen()
tcp = socket.socket()
tcp.bind(("127.0.0.1", 0))
tcp.listen(64)
with open(ready + ".new", "w") as out:
    out.write(str(tcp.getsockname()[1]))
os.rename(ready + ".new", ready)
time.sleep(1000)
PY
	LISTENER=$!
	wait_until 5 test -e "$TMP/ready"
	mkdir -p "$TMP/mqueue"
	mount -t mqueue mqueue "$TMP/mqueue"
	: >"$TMP/mqueue/bait.$$"
	chmod 0666 "$TMP/mqueue/bait.$$"
	BAITS=("canary=$TMP/canary" "pid=$SLEEPER" "variable=BAIT" group=4 "mount=sandbox-bait" "key=bait.$$"
		"shm=$shm_key" "queue=/bait.$$" "devshm=/dev/shm/bait.$$" "abstract=bait.$$" "port=$(cat "$TMP/ready")"
		"run=/run/bait.$$")
}

teardown() {
	kill "$SLEEPER" "$LISTENER" 2>/dev/null || :
	umount "$TMP/hostmount" || :
	rm -f "$TMP/mqueue/bait.$$" "/dev/shm/bait.$$"
	umount "$TMP/mqueue" || :
	ipcrm --shmem-id "$shm" || :
	rmdir "/run/bait.$$" || :
}

# Runs a command the way a careless caller would: descriptors open, a secret in the environment and in the session keyring.
carelessly() {
	BAIT=secret setpriv --groups 4 keyctl session - sh -c 'exec 2>&8 8>&-
		keyctl add user "'"bait.$$"'" secret @s >/dev/null
		keyctl setperm "$(keyctl search @s user "'"bait.$$"'")" 0x3f3f3f3f
		exec "$@"' sh "$@" 7</ 9</etc/passwd 8>&2 2>/dev/null
}

column() {
	grep -v '^#' "$BATS_TEST_DIRNAME/corpus.tsv" | awk -F'\t' -v probe="$1" -v n="$2" '$1 == probe { print $n }'
}

# Checks the lines of probes: all must be BLOCKED but those that corpus.tsv says are open in profile $1.
judge() {
	local name=$1 bad=0 probe state rest

	while read -r probe state rest; do
		[[ " $(column "$probe" 4) " == *" $name "* ]] && continue
		[ "$state" = BLOCKED ] && continue
		echo "$name: $probe $state $rest"
		bad=1
	done
	return "$bad"
}

# inside_careless NAME [PREFIX...]: all probes in profile NAME.
inside_careless() {
	local name=$1

	shift
	carelessly "$@" "$SANDBOX" -p "$CHECKOUT/profiles/$name.conf" \
		-s "mounts=( { type = \"bind\"; source = \"$PROBE\"; target = \"/tmp/probe\"; } )" \
		-- /tmp/probe "${BAITS[@]}" all
}

@test "the corpus and the probes name the same attempts" {
	run diff <("$PROBE" list | sort) <(grep -v '^#' "$BATS_TEST_DIRNAME/corpus.tsv" | cut -f1 | sort)
	assert_status 0
}

@test "positive control: outside, as root, every attempt goes through" {
	as_root_only
	local probe control state bad=0

	for probe in $(grep -v '^#' "$BATS_TEST_DIRNAME/corpus.tsv" | cut -f1); do
		control=$(column "$probe" 3)
		case $control in
		host) state=$(carelessly "$PROBE" "${BAITS[@]}" "$probe") ;;
		mount) state=$(carelessly unshare --mount --pid --fork --mount-proc "$PROBE" "${BAITS[@]}" "$probe") ;;
		none:*) continue ;;
		*) state="$probe: no control in corpus.tsv" ;;
		esac
		[[ $state == "$probe OPEN"* ]] && continue
		echo "$state"
		bad=1
	done
	[ "$bad" = 0 ]
}

for_profile() {
	run inside_careless "$@"
	assert_status 0
	diff <(cut -d' ' -f1 <<<"$output" | sort) <("$PROBE" list | sort)
	judge "$1" <<<"$output"
}

@test "default, launched by root: every attempt is refused" {
	as_root_only
	for_profile default
}

@test "default, launched by an ordinary user: every attempt is refused" {
	for_profile default setpriv --reuid=65534 --regid=65534 --clear-groups
}

@test "alpine, launched by root: every attempt is refused" {
	as_root_only
	for_profile alpine
}

@test "alpine, launched by an ordinary user: every attempt is refused" {
	for_profile alpine setpriv --reuid=65534 --regid=65534 --clear-groups
}

@test "minimal, launched by root: every attempt is refused" {
	as_root_only
	for_profile minimal
}

@test "debian, launched by root: every attempt is refused" {
	as_root_only
	for_profile debian
}

@test "contained, launched by root: what its policy denies is refused" {
	as_root_only
	for_profile contained
}
