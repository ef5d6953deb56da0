# readme: what the README shows of the code is what the code is: the picture of the stages, the table of profiles. `make
# readme` makes both anew. Its examples are run by examples.bats.

# shellcheck disable=SC2016 # other programs' text
bats_require_minimum_version 1.5.0
load ../lib/common

MKPIPELINE=${MKPIPELINE:-$CHECKOUT/build/mkpipeline}

@test "the picture of the pipeline is that of the table" {
	run cmp "$CHECKOUT/man/pipeline.svg" <("$MKPIPELINE" "$CHECKOUT/src/stage")
	assert_status 0
	# Another comment in front of a stage makes another picture.
	cp -r "$CHECKOUT/src/stage" "$TMP"
	sed -i '1s/: .*/: something else./' "$TMP/stage/uts.c"
	"$MKPIPELINE" "$TMP/stage" >"$TMP/other.svg"
	grep -q 'something else' "$TMP/other.svg"
	run -1 cmp -s "$CHECKOUT/man/pipeline.svg" "$TMP/other.svg"
}

@test "the picture is XML, shows every stage and phase, and takes nothing from elsewhere" {
	local picture=$CHECKOUT/man/pipeline.svg name count=0

	python3 -c 'import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])' "$picture"
	while read -r name; do
		grep -q "class=\"name\".*>$name<" "$picture" || { echo "not in the picture: $name"; return 1; }
		count=$((count + 1))
	done < <(sed -n 's/^\t{ "\([a-z_]*\)".*/\1/p' "$CHECKOUT/src/run/pipeline.c")
	[ "$count" -gt 15 ]
	for name in plan host attach enter confine undo; do
		grep -q "class=\"phase\".*>$name<" "$picture" || { echo "not in the picture: $name"; return 1; }
	done
	run -1 grep -nE '<script|href|url\(|@import|@font-face' "$picture"
	grep -q '<script' <<<'<script>'
}

@test "a stage that does not say what it is stops the picture" {
	cp -r "$CHECKOUT/src/stage" "$TMP"
	sed -i '1s/.*/\/* nothing/' "$TMP/stage/ids.c"
	run "$MKPIPELINE" "$TMP/stage"
	assert_status 1
	assert_output "stage/ids.c: does not begin with a comment that says what the stage is"
}

@test "the table of profiles is what the profiles say" {
	# Without its rows, so that they must come from the profiles.
	sed '/^<!-- made by/,/^<!-- end of/{/^|/d}' "$CHECKOUT/README.md" >"$TMP/README.md"
	run -1 cmp -s "$CHECKOUT/README.md" "$TMP/README.md"
	"$CHECKOUT/profiles/mktable" "$SANDBOX" "$TMP/README.md"
	diff "$CHECKOUT/README.md" "$TMP/README.md"
}

# As somebody else, elsewhere, with another home: the same table.
@test "the table is the same whoever makes it" {
	local made

	made=$("$CHECKOUT/profiles/mktable" "$SANDBOX")
	cp -r "$CHECKOUT/profiles" "$TMP/profiles"
	chmod -R a+rX "$TMP/profiles"
	cd "$USER_TMP"
	run as_user env HOME=/nowhere "$TMP/profiles/mktable" "$(_user_sandbox)"
	assert_status 0
	diff <(echo "$made") <(echo "$output")
}

@test "a profile that is changed is another row" {
	cp -r "$CHECKOUT/profiles" "$TMP/profiles"
	sed -i 's/^description = .*/description = "Something else";/; s/memory = { max = "4G"; }/memory = { max = "3G"; }/' \
		"$TMP/profiles/build.conf"
	sed -i 's/^\t{ type = "bind"; source = "${project}".*/\t{ type = "bind"; source = "${project}\/src"; target = "\/work"; },/' \
		"$TMP/profiles/build.conf"
	run "$TMP/profiles/mktable" "$SANDBOX"
	assert_status 0
	assert_output '| `build` | Something else | host'"'"'s programs, `project/src` | nothing | nothing | 3G,'
}

# In a directory of its own, as somebody asks who gives no parameter.
@test "the exposure in the table is what audit says" {
	local path name said

	mkdir "$TMP/here"
	cd "$TMP/here"
	for path in "$CHECKOUT"/profiles/*.conf; do
		name=$(basename "$path" .conf)
		said=$(sandbox audit --json -p "$path" | jq .exposure)
		said=$(printf '%.1f' "$said")
		grep -qE "^\| \`$name\` .* \| $said \|$" "$CHECKOUT/README.md" || _wrong "$name: audit says $said"
	done
}
