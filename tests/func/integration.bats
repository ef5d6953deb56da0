# integration: behind what starts programs: cron, make, a CI job, GNU parallel, Slurm, systemd. What stands in the README is
# taken from there, and run by the program that it is for.

# shellcheck disable=SC2016,SC2030,SC2031 # other shells' text; what bats' run sets
bats_require_minimum_version 1.5.0
load ../lib/common

setup() {
	residue_before
	mkdir -p "$TMP/bin" "$TMP/home/.config/sandbox"
	install -m 0755 "$SANDBOX" "$TMP/bin/sandbox"
	cp -r "$CHECKOUT/profiles" "$TMP/home/.config/sandbox/profiles"
	chmod -R u=rwX,go=rX "$TMP/home"
	PATH=$TMP/bin:$PATH:/usr/sbin:/sbin
	export XDG_CONFIG_HOME=$TMP/home/.config
	cd "$TMP" || return 1
}

teardown() {
	residue_after
}

needs() {
	local program

	for program; do
		command -v "$program" >/dev/null || skip "there is no $program (tests/lib/deps installs Debian's)"
	done
}

# The file NAME of the README.
block() {
	awk -v mark="file=$1( |$)" '
		/^<!-- test:/ && $0 ~ mark { found = 1 }
		found && /^```/ { if (inside) exit; inside = 1; next }
		found && inside' "$CHECKOUT/README.md" >"$TMP/$1"
	[ -s "$TMP/$1" ]
}

# What cron gives its jobs is little: HOME, PATH, SHELL, LOGNAME, no terminal. @reboot is when the daemon starts.
cron_once() {
	cat >"$TMP/cron" <<-'EOF'
		mount --make-rprivate /
		mount -t tmpfs tmpfs /run
		mount -t tmpfs tmpfs /var/spool/cron
		mount -t tmpfs tmpfs /etc/cron.d
		mount --bind /dev/null /etc/crontab
		mkdir -m 1730 /var/spool/cron/crontabs
		chgrp crontab /var/spool/cron/crontabs
		crontab -u "$1" "$2"
		cron -f &
		for _ in $(seq 300); do [ ! -e "$3" ] || break; sleep 0.1; done
		kill $!
	EOF
	timeout "$(seconds 60)" unshare --mount --pid --fork --mount-proc sh -e "$TMP/cron" "$@" </dev/null 3>&-
}

cron_job() {
	local user=$1 home=$TMP/home-$1

	cp -r "$TMP/home" "$home"
	mkdir "$home/inbox"
	echo text | gzip >"$home/inbox/good.gz"
	echo text >"$home/inbox/bad.gz"
	chown -R "$user" "$home"
	block crontab
	{
		printf 'HOME=%s\nASAN_OPTIONS="%s"\n' "$home" "${ASAN_OPTIONS:-}"
		sed "s,^PATH=,&$TMP/bin:,; s/^17 3 \* \* \*/@reboot/" "$TMP/crontab"
		printf '@reboot until [ ! -e inbox/bad.gz ]; do sleep 0.1; done; touch done\n'
	} >"$TMP/tab"
	chmod 0644 "$TMP/tab"
	grep -q '^@reboot.*sandbox' "$TMP/tab"
	cron_once "$user" "$TMP/tab" "$home/done"
	[ -e "$home/inbox/good.gz" ]
	[ ! -e "$home/inbox/bad.gz" ]
}

@test "cron runs the job of the README, root's and an ordinary user's" {
	as_root_only
	needs cron crontab
	cron_job root
	cron_job nobody
}

@test "with cron's environment, without a terminal: the same" {
	run env -i HOME="$TMP/home" PATH=/usr/bin:/bin SHELL=/bin/sh ASAN_OPTIONS="${ASAN_OPTIONS:-}" setsid -w sh -c "$TMP/bin/sandbox"' -p shell -- sh -c "tty; pwd" </dev/null'
	assert_line "not a tty"
	assert_line "/work"
}

@test "make runs what the README makes, also beside each other, and passes failures on" {
	needs make cc
	mkdir "$TMP/project"
	cd "$TMP/project"
	block Makefile
	cp "$TMP/Makefile" .
	printf 'int main(void) { return 0; }\n' >hello.c
	run make -j 4 check
	assert_status 0
	[ -x hello ]
	printf 'int main(void) { return 3; }\n' >hello.c
	touch -d '+1 minute' hello.c
	run make -j 4 check
	assert_status 2
	assert_output "Error 3"
}

@test "the steps of the CI job pass for what is right, and the gate stops what is wide open" {
	needs make
	mkdir "$TMP/project"
	cd "$TMP/project"
	printf 'check:\n\techo checked >result\n' >Makefile
	block job.yml
	sed -n 's/^ *- run: //p' "$TMP/job.yml" >"$TMP/steps"
	[ "$(wc -l <"$TMP/steps")" -eq 3 ]
	run sh -ex "$TMP/steps"
	assert_status 0
	[ "$(cat result)" = checked ]
	# The second step, for a profile that shares what it should not.
	run sandbox audit -p build -s network.mode=host -s 'namespaces=["user","mount","pid","ipc","uts","cgroup"]' \
		-s seccomp.default=allow -s 'dangerous=["allow-by-default"]' --threshold 3
	assert_status 1
}

hundred() {
	run "$@" sh -c 'seq 100 | parallel --will-cite -j 8 sandbox -p shell -- factor {} | sort -n'
	assert_status 0
	[ "$output" = "$(seq 100 | factor)" ] || _wrong "expected the factors of the numbers up to 100"
}

@test "GNU parallel runs a hundred, as root and as an ordinary user" {
	needs parallel
	cd "$USER_TMP"
	hundred
	hundred as_user env PATH="$PATH" XDG_CONFIG_HOME="$XDG_CONFIG_HOME" HOME="$USER_TMP" PARALLEL_HOME="$USER_TMP/.parallel"
}

@test "GNU parallel sees which of them failed" {
	needs parallel
	run parallel --will-cite sandbox -p shell -- test {} -ne 5 ::: 1 2 3 4 5 6
	assert_status 1
}

@test "srun starts a sandbox for each task, with its rank, input and exit status" {
	as_root_only
	needs slurmctld slurmd srun munged
	cat >job <<-'EOF'
		srun -n 4 sandbox -p shell -s 'process.inherit_env={add=["SLURM_PROCID"]}' -- sh -c 'echo "task $SLURM_PROCID of $(id -un)"' 2>&1
		echo "from outside" | srun sandbox -p shell -- cat
		srun sandbox -p shell -- sh -c 'exit 7' 2>/dev/null
		echo "status $?"
		cd "$USER_TMP"
		# Had it to wait for its allocation, root would not be told: the answer is for the user of the job.
		until [ -z "$(squeue -h)" ]; do sleep 0.1; done
		srun --uid=65534 --gid=65534 sandbox -p shell -- id -un
	EOF
	run "$CHECKOUT/tests/lib/slurm" sh job
	assert_status 0
	for rank in 0 1 2 3; do
		assert_line "task $rank of sandbox"
	done
	assert_line "from outside"
	assert_line "status 7"
	[ "${lines[-1]}" = sandbox ]
}

@test "scancel ends a sandbox with everything in it" {
	as_root_only
	needs slurmctld slurmd srun munged
	cat >job <<-'EOF'
		srun --job-name=long sandbox -p shell -- sh -c 'trap "" TERM; echo started; sleep 1000 & sleep 1001; sleep 1002' >output 2>&1 &
		until grep -qs started output; do sleep 0.1; done
		until [ "$(pgrep -xfc 'sleep 100[01]')" -eq 2 ]; do sleep 0.1; done
		touch before
		scancel --name=long
		wait $!
		for _ in $(seq 100); do pgrep -f 'sleep 100[0-2]' >after || break; sleep 0.1; done
	EOF
	run timeout "$(seconds 90)" "$CHECKOUT/tests/lib/slurm" sh job
	assert_status 0
	[ -e before ]
	[ -e after ]
	[ ! -s after ]
	# The launcher was killed with the rest: what it could not take back, gc does.
	run sandbox gc
	assert_status 0
}

@test "systemd finds nothing wrong with the unit of the README" {
	needs systemd-analyze
	mkdir "$TMP/units"
	block web.service
	sed "s,/usr/local/bin/,$TMP/bin/," "$TMP/web.service" >"$TMP/units/web.service"
	run systemd-analyze verify --recursive-errors=no "$TMP/units/web.service"
	assert_status 0
	refute_output web.service
	# It would say so.
	sed -i 's/^KillMode=.*/KillMode=gently/; s/^Delegate=/Delgate=/' "$TMP/units/web.service"
	run systemd-analyze verify --recursive-errors=no "$TMP/units/web.service"
	assert_output Delgate
	assert_output gently
}
