# sqlite: queries, imports and indexes; SQL of somebody else's opens no other database, writes and starts nothing.

# shellcheck disable=SC2030,SC2031,SC2154 # what bats' run sets
bats_require_minimum_version 1.5.0
load ../lib/common
load ../lib/profiles

setup_file() {
	packages sqlite3
}

setup() {
	residue_before
}

teardown() {
	residue_after
}

queries() {
	seq 1 20000 | sed 's/.*/&,name&/' >rows.csv
	cat >load.sql <<'END'
create table item(id integer primary key, name text);
.mode csv
.import rows.csv item
create index item_name on item(name);
create virtual table words using fts5(text);
insert into words select name from item where id % 100 = 0;
END
	launch -- sqlite3 shop.db <load.sql
	run launch -- sqlite3 shop.db "select count(*), sum(id) from item; select name from item where id = 4711; select count(*) from words where words match 'name300'"
	assert_status 0
	assert_line "20000|200010000"
	assert_line name4711
	assert_line 1
	# The file is a sound database for others too.
	run as_launcher sqlite3 shop.db 'pragma integrity_check; select max(id) from item'
	[ "$output" = $'ok\n20000' ]
	[ "$(stat -c %u shop.db)" = "$(stat -c %u .)" ]
}

@test "sqlite3 imports twenty thousand rows, indexes and finds them" {
	each_launcher queries
}

writes_ahead() {
	run launch -- sqlite3 log.db 'pragma journal_mode = wal; create table t(a); insert into t values (1), (2); begin; delete from t; rollback; select sum(a) from t'
	assert_status 0
	[ "$output" = $'wal\n3' ]
	# What it needs meanwhile is as large as the database, which may be larger than /tmp.
	run launch -s 'mounts[/tmp].size=1M' -- sqlite3 log.db 'create table b as select zeroblob(8000000); vacuum; drop table b; vacuum'
	assert_status 0
	[ "$(find . -name 'etilqs*')" = '' ]
	launch -- sqlite3 log.db .dump >dump.sql
	run as_launcher sqlite3 copy.db '.read dump.sql' 'select count(*) from t'
	assert_line 2
	run launch -- sqlite3 log.db '.backup saved.db' vacuum
	assert_status 0
	[ "$(as_launcher sqlite3 saved.db 'select sum(a) from t')" = 3 ]
}

@test "a write-ahead log, a dump, a backup" {
	each_launcher writes_ahead
}

# hostile SQL: refused because of where it leads.
hostile() {
	refuses_there sqlite3 -bail our.db "$1"
}

refusals() {
	local theirs=$TMP/theirs-$LAUNCHER

	as_launcher sqlite3 "$theirs/private.db" "create table t(a); insert into t values ('hunter2')"
	echo hunter2 >"$theirs/password"
	hostile "attach '$theirs/private.db' as p; select * from p.t"
	assert_output hunter2 # what was to be had
	# A file that cannot be read is null.
	as_launcher sqlite3 our.db 'create table must(be not null)'
	hostile "insert into must values (readfile('$theirs/password'))"
	# writefile makes the directories that it misses: in the sandbox's own /tmp.
	run launch -- sqlite3 our.db "select writefile('$theirs/new', 'x')"
	assert_status 0
	[ ! -e "$theirs/new" ]
	run launch --rw "$theirs" -- sqlite3 our.db "select writefile('$theirs/new', 'x')"
	[ -e "$theirs/new" ]
	rm "$theirs/new"
	run as_launcher sqlite3 our.db "select writefile('$theirs/new', 'x')"
	[ -e "$theirs/new" ]
	refuses_shell
	refuses_secret
	refuses_starting
	refuses_network
	refuses_memory 512M -s cgroup.memory.max=256M
}

# Programs that the shell of SQLite starts.
refuses_shell() {
	run as_launcher sqlite3 our.db '.shell echo ran'
	assert_line ran
	run launch -- sqlite3 our.db '.shell echo ran' 'select 6 * 7'
	refute_output ran
	assert_line 42
	run as_launcher sqlite3 our.db '.output |cat >ran' 'select 1;'
	assert_status 0
	[ -e ran ]
	rm ran
	run launch -- sqlite3 our.db '.output |cat >ran' 'select 1;'
	[ "$status" -lt 120 ] || _wrong "was not run"
	[ ! -e ran ]
}

@test "SQL attaches, reads and writes nothing elsewhere, and its shell starts nothing" {
	each_launcher refusals
}
