# schema: what is made of it says the same as the program: the example file, the JSON Schema, the reference, `explain KEY`.

bats_require_minimum_version 1.5.0
load ../lib/common

GEN=$(dirname "$SANDBOX")/gen

keys() {
	sed -n 's/.*{ *key = "\([^"]*\)".*/\1/p' "$CHECKOUT/schema/profile.schema"
}

# is_instance FILE...: by the JSON Schema.
is_instance() {
	"$CHECKOUT/tests/lib/schema-check" "$GEN/profile.schema.json" "$@"
}

@test "the example file is accepted, and has every key, with its facts" {
	local example=$GEN/example.conf key name

	run sandbox check "$example"
	assert_status 0
	[ "$(keys | wc -l)" -gt 150 ]
	for key in $(keys); do
		name=${key##*[].]}
		grep -qE "^[[:space:]]*(# )?$name = " "$example" || { echo "not in the example: $key"; return 1; }
	done
	# Each with its default, however the comment is broken into lines.
	[ "$(tr -s '\t\n' '  ' <"$example" | sed 's, // , ,g' | grep -o '; default: ' | wc -l)" -eq "$(keys | wc -l)" ]
	run awk '{ gsub(/\t/, "    ") } length > 100 { print; bad = 1 } END { exit bad }' "$example"
	assert_status 0
}

# With every comment mark in front of a key taken away it is no profile, because of what excludes each other, but nothing in
# it is unknown, mistyped or out of range.
@test "what the example file has in comments are keys and values too" {
	sed 's/^\([[:space:]]*\)# /\1/' "$GEN/example.conf" >"$TMP/all.conf"
	run sandbox check "$TMP/all.conf"
	assert_status 121
	assert_output "has no meaning for type"
	run grep -vE ': (has no meaning for type "[a-z]*"|cannot be written together with [a-z.]*)$' <<<"$output"
	assert_status 1
	# The controls: all of that would be told.
	sed -i 's/^format = 1;/&\nno_such_key = 1;/; s/\toom_score_adj = .*/\toom_score_adj = 5000;/; s/\toutput_limit = .*/\toutput_limit = 7;/' \
		"$TMP/all.conf"
	run sandbox check "$TMP/all.conf"
	assert_output "no_such_key: unknown key"
	assert_output "process.oom_score_adj: "
	assert_output "process.output_limit: "
}

@test "the JSON Schema is one, and its examples and defaults are what it says" {
	run "$CHECKOUT/tests/lib/schema-check" "$GEN/profile.schema.json"
	assert_status 0
	[ "${output%% *}" -gt 200 ] # its last line: so many examples and defaults
	grep -q '"https://json-schema.org/draft/2020-12/schema"' "$GEN/profile.schema.json"
	run cmp "$GEN/profile.schema.json" <(sandbox schema --json)
	assert_status 0
	run cmp "$GEN/example.conf" <(sandbox schema)
	assert_status 0
}

@test "every shipped profile, shown as JSON, is an instance of the JSON Schema" {
	local profile name
	local -a shown=()

	for profile in "$CHECKOUT"/profiles/*.conf "$GEN/example.conf"; do
		name=$(basename "$profile" .conf)
		sandbox show -p "$profile" --json >"$TMP/$name.json"
		sandbox show -p "$profile" --json --all >"$TMP/$name.all.json"
		shown+=("$TMP/$name.json" "$TMP/$name.all.json")
	done
	[ "${#shown[@]}" -gt 20 ]
	run is_instance "${shown[@]}"
	assert_status 0
}

# refused JSON: by the schema; the profile of the same words, by the program too.
refused() {
	printf '%s\n' "$1" >"$TMP/bad.json"
	run is_instance "$TMP/bad.json"
	assert_status 1
	jq -r 'def text: if type == "object" then "{ " + (to_entries | map("\(.key) = \(.value | text);") | join(" ")) + " }"
		elif type == "array" then (if (.[0] | type) == "object" then "( " + (map(text) | join(", ")) + " )"
			else "[ " + (map(text) | join(", ")) + " ]" end)
		else tojson end;
		to_entries | map("\(.key) = \(.value | text);") | join("\n")' "$TMP/bad.json" >"$TMP/bad.conf"
	run sandbox check "$TMP/bad.conf"
	assert_status 121
}

@test "what the program refuses the JSON Schema refuses, where a form can tell" {
	# All of it right.
	echo '{ "format": 1, "name": "web", "no_new_privs": true, "hostname": "web", "rlimits": { "nofile": 256, "fsize": "unlimited", "nproc": { "soft": 16, "hard": "unlimited" } },
		"mounts": [ { "type": "tmpfs", "target": "/tmp", "size": "64M" } ],
		"cgroup": { "memory": { "max": "512M" }, "pids": { "max": 64 } }, "namespaces": [ "user", "mount", "pid" ],
		"dangerous": [ "host-ipc" ], "network": { "mode": "host" }, "process": { "time_limit": "30s" } }' >"$TMP/good.json"
	run is_instance "$TMP/good.json"
	assert_status 0
	refused '{ "name": "web" }'
	refused '{ "format": 2 }'
	refused '{ "format": "1" }'
	refused '{ "format": 1, "no_such_key": 1 }'
	refused '{ "format": 1, "cgroup": { "memory": { "maximum": "1M" } } }'
	refused '{ "format": 1, "cgroup": { "memory": { "max": "512MB" } } }'
	refused '{ "format": 1, "cgroup": { "memory": { "max": 512 } } }'
	refused '{ "format": 1, "no_new_privs": "yes" }'
	refused '{ "format": 1, "network": { "mode": "bridge" } }'
	refused '{ "format": 1, "namespaces": [ "users" ] }'
	refused '{ "format": 1, "process": { "time_limit": 30 } }'
	refused '{ "format": 1, "process": { "time_limit": "30" } }'
	refused '{ "format": 1, "process": { "nice": 20 } }'
	refused '{ "format": 1, "mounts": [ { "target": "/tmp" } ] }'
	refused '{ "format": 1, "mounts": [ { "type": "tmpfs" } ] }'
	refused '{ "format": 1, "mounts": [ { "type": "tmpfs", "target": "tmp" } ] }'
	refused '{ "format": 1, "mounts": { "type": "tmpfs", "target": "/tmp" } }'
	refused '{ "format": 1, "seccomp": { "default": "errno:1" } }'
	refused '{ "format": 1, "network": { "publish": [ { "host": 70000 } ] } }'
}

@test "explain says all of every key that the schema says, in 100 columns" {
	local key

	for key in $(keys); do
		run sandbox explain "$key"
		assert_status 0
		for fact in "default: " "example: " "since: "; do
			assert_output "$fact"
		done
		awk 'length > 100 { exit 1 }' <<<"$output" || _wrong "wider than 100 columns"
		sandbox explain --json "$key" | jq -e --arg key "$key" '.key == $key and .doc and .type and .since and .example' >/dev/null
	done
	run sandbox explain cgroup.memory.max
	assert_output "range: "
	assert_output "kernel: "
	run sandbox explain no.such.key
	assert_status 120
}
