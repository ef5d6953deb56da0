# bats file_tags=large
# postgres: a cluster is made, used and ended cleanly; a superuser of the database is nobody on the host.

# shellcheck disable=SC2030,SC2031,SC2034,SC2154 # what bats' run sets, and lib/service
bats_require_minimum_version 1.5.0
load ../lib/common
load ../lib/profiles
load ../lib/net
load ../lib/service

setup_file() {
	packages gcc libc6-dev postgresql nginx-light curl iproute2 nftables passt
}

setup() {
	service_up
}

teardown() {
	service_down
}

# sql TEXT: as the superuser, whose password is in the data directory
sql() {
	from_host env PGPASSFILE="$WORK/pgpass" PGCONNECT_TIMEOUT=5 psql -h 127.0.0.1 -p 5432 -U postgres -XAtq -v ON_ERROR_STOP=1 -c "$1"
}

serving() {
	[ "$(sql 'select 1' 2>/dev/null)" = 1 ]
}

begun() {
	begin
	wait_until 60 serving
}

# The cluster, as the server's own tool reads it.
state() {
	local tool

	tool=$(printf '%s\n' /usr/lib/postgresql/*/bin/pg_controldata | sort -V | tail -n 1)
	"$tool" "$WORK/cluster" | sed -n 's/^Database cluster state: *//p'
}

keeps() {
	local client

	begun
	[ "$(stat -c '%u %a' pgpass)" = "$(stat -c %u .) 600" ]
	sql 'create table ledger (id serial primary key, who text not null, amount numeric(12, 2) check (amount >= 0))'
	sql "insert into ledger (who, amount) select 'customer ' || n % 100, n / 10.0 from generate_series(1, 20000) n"
	sql 'create index on ledger (who)'
	[ "$(sql "select count(*), sum(amount) from ledger where who = 'customer 7'")" = '200|199140.00' ]
	# A second server for the same cluster, in another sandbox.
	run launch "${MODE[@]}" -D port=5433
	assert_status 1
	assert_output 'another server has this directory'
	# Parallel workers, a sort on disk, and text in the order of a language.
	[ "$(sql 'set work_mem = "64kB"; set max_parallel_workers_per_gather = 2; set parallel_setup_cost = 0;
		select count(distinct md5(who || amount)) from ledger')" = 20000 ]
	run sql "insert into ledger (who, amount) values ('nobody', -1)"
	assert_output 'violates check constraint'
	# A wrong password, and another host.
	run from_host env PGPASSWORD=wrong psql -h 127.0.0.1 -U postgres -c 'select 1'
	assert_output 'password authentication failed'
	run on client env PGPASSFILE="$WORK/pgpass" PGCONNECT_TIMEOUT=2 psql -h 192.0.2.1 -U postgres -c 'select 1'
	assert_output 'refused'
	# SIGHUP reads the settings again, as often as it comes.
	for size in 7MB 9MB; do
		sql "alter system set work_mem = '$size'"
		kill -HUP "$SERVICE"
		wait_until 5 eval "[ \"\$(sql 'show work_mem')\" = $size ]"
	done
	# SIGTERM while a client is connected and has not committed: it does not wait, and the data is as it was committed.
	sql "begin; delete from ledger; select pg_sleep(100)" 3>&- >"$TMP/client" 2>&1 &
	client=$!
	wait_until 5 eval "[ \"\$(sql \"select count(*) from pg_stat_activity where query like '%pg_sleep(100)' and state = 'active'\")\" = 1 ]"
	end
	assert_status 0
	wait "$client" || :
	[ "$(state)" = 'shut down' ]
	begun
	[ "$(sql 'select count(*) from ledger')" = 20000 ]
	# Killed, it recovers.
	sql "insert into ledger (who, amount) values ('last', 1)"
	kill -KILL "$SERVICE"
	wait "$SERVICE" || :
	wait_until 5 port_is_free
	as_launcher sandbox gc
	[ "$(state)" = 'in production' ]
	begun
	[ "$(sql "select amount from ledger where who = 'last'")" = 1.00 ]
	end
	assert_status 0
	[ "$(state)" = 'shut down' ]
}

port_is_free() {
	! from_host ss -Hltn | grep -q 127.0.0.1:5432
}

@test "a cluster is made and kept: over SIGTERM with a client in it, and over SIGKILL" {
	each_service keeps
}

# The same cluster, served by the same program as the launcher's user outside. postgres refuses to be root's.
begun_outside() {
	local bin

	bin=/usr/lib/postgresql/$(cat cluster/PG_VERSION)/bin
	EXEC='exec' as_launcher "$bin/postgres" -D "$WORK/cluster" -c "unix_socket_directories=$WORK" >"$TMP/out-$LAUNCHER" 2>&1 3>&- &
	SERVICE=$!
	wait_until 20 serving
}

end_outside() {
	kill -INT "$SERVICE"
	wait "$SERVICE" || :
	SERVICE=
}

# What a superuser may ask for: $1 is a file of the user's, $2 a new one, $3 a library.
asks() {
	run sql "copy (select 'x') to program 'cat $1 >$WORK/got'"
	run sql "copy (select 'attacker') to '$2'"
	run sql "create function f() returns int language c as '$3', 'f'"
	run sql "copy (select 1) to program 'curl -s --max-time 2 -o $WORK/page http://198.51.100.7:8098/'"
}

is_nobody() {
	local theirs=$TMP/theirs-$LAUNCHER

	begun
	end
	[ "$LAUNCHER" = user ] || return 0 # as root there is no outside to compare with
	serve outside 8098 'of outside'
	echo secret >"$theirs/secret"
	cp "$TMP/library.so" library.so

	begun_outside
	asks "$theirs/secret" "$theirs/written" "$WORK/library.so"
	end_outside
	[ "$(cat got page)" = $'secret\nof outside' ]
	[ "$(cat "$theirs/written")" = attacker ]
	[ -e loaded ] || [ -e cluster/loaded ]
	rm -f got page "$theirs/written" loaded cluster/loaded
	serve_stop
	wait_until 5 eval '! on outside curl -s -o /dev/null http://127.0.0.1:8098/'
}

is_nobody_inside() {
	local theirs=$TMP/theirs-$LAUNCHER

	[ -e library.so ] || cp "$TMP/library.so" library.so
	serve outside 8098 'of outside'
	echo secret >"$theirs/secret"
	begun
	asks "$theirs/secret" "$theirs/written" /data/library.so
	sql "copy (select 'x') to program 'cat $theirs/secret >/data/got; true'"
	sql "copy (select 'x') to program
		'curl -s --max-time 2 -o /data/page http://198.51.100.7:8098/; echo \$? >/data/reached'"
	run sql "copy (select 'attacker') to '/usr/share/written'"
	assert_output 'could not open file'
	run sql "create function f() returns int language c as '/data/library.so', 'f'"
	assert_output 'failed to map segment'
	# It can run a program, as the nobody that it is, and none that it wrote.
	sql "copy (select 'x') to program 'id -u >/data/id'"
	[ "$(cat id)" = 1000 ]
	run sql "copy (select 1) to program 'cp /bin/true /data/tool; chmod 755 /data/tool; /data/tool'"
	assert_output 'command not executable'
	end
	[ "$(stat -c %s got)" = 0 ]
	[ ! -s page ]
	[[ $(cat reached) =~ ^(7|28)$ ]] # curl's, of a connection that was not made
	[ ! -e "$theirs/written" ]
	[ ! -e cluster/loaded ]
	serve_stop
}

@test "a superuser's COPY, programs and libraries reach nothing of the host" {
	cat >"$TMP/library.c" <<'END'
#include <fcntl.h>
static void __attribute__((constructor)) mark(void) { (void)creat("loaded", 0644); }
END
	cc -shared -fPIC -o "$TMP/library.so" "$TMP/library.c"
	each_service is_nobody
	each_service is_nobody_inside
}

refusals() {
	refuses_service
	refuses_memory 256M -s cgroup.memory.max=128M
}

@test "it reads nothing else, reaches nobody, gains nothing" {
	each_service refusals
}
