# nginx: a site is served to clients of this host; the server reads nothing else, writes nothing, and connects to nobody.

# shellcheck disable=SC2030,SC2031,SC2034,SC2154 # what bats' run sets, and lib/service
bats_require_minimum_version 1.5.0
load ../lib/common
load ../lib/profiles
load ../lib/net
load ../lib/service

setup_file() {
	packages nginx-light curl iproute2 nftables passt
}

setup() {
	service_up
}

teardown() {
	service_down
}

site() {
	mkdir -p images .git
	echo '<h1>Welcome</h1>' >index.html
	echo 'a { color: red }' >style.css
	head -c 3000000 /dev/urandom >images/large.png
	echo password >.git/config
	ln -sf "$TMP/theirs-$LAUNCHER/secret" link
	echo secret >"$TMP/theirs-$LAUNCHER/secret"
}

serving() {
	[ "$(from_host curl -s http://127.0.0.1:8080/)" = '<h1>Welcome</h1>' ]
}

# answers PATH STATUS
answers() {
	run from_host curl -s -o /dev/null --path-as-is -w '%{http_code} %{content_type}' "http://127.0.0.1:8080$1"
	[ "${output%% *}" = "$2" ] || _wrong "$1: expected $2"
}

serves() {
	site
	begin
	wait_until 10 serving
	answers /style.css 200
	assert_output text/css
	[ "$(from_host curl -s http://127.0.0.1:8080/images/large.png | sha256sum)" = "$(sha256sum <images/large.png)" ]
	run from_host curl -s -r 10-19 http://127.0.0.1:8080/index.html -o part
	[ "$(cat part)" = "$(tail -c +11 index.html | head -c 10)" ]
	# Many at once.
	from_host bash -c 'for i in {1..20}; do curl -s http://127.0.0.1:8080/images/large.png | sha256sum & done; wait' >sums
	[ "$(sort -u sums)" = "$(sha256sum <images/large.png)" ]
	[ "$(wc -l <sums)" -eq 20 ]
	answers /none 404
	# What a site is attacked with.
	answers /.git/config 404
	answers /link 403
	answers /../../etc/passwd 400
	answers /images/%2e%2e/%2e%2e/etc/passwd 400
	run from_host curl -s -X PUT -d x http://127.0.0.1:8080/new
	assert_output 405
	[ ! -e new ]
	# For this host alone; and no other port.
	run on client curl -s --max-time 2 http://192.0.2.1:8080/
	assert_status 7
	end
	assert_status 0
	answers / 000
}

@test "a site is served, whole, with its types, to many at once; not what is not meant to be" {
	each_service serves
}

serves_others() {
	site
	begin -D port=80 -s 'network.publish[127.0.0.1:80/tcp].listen=0.0.0.0' -s network.forwarding=enable
	wait_until 10 eval 'on client curl -s http://192.0.2.1/ | grep -q Welcome'
	end
	assert_status 0
}

@test "root may publish it to other hosts, on port 80" {
	LAUNCHER=root WORK=$TMP MODE=()
	cd "$TMP" || return 1
	mkdir theirs-root
	serves_others
}

# As people have them: nothing about daemons, temporary files or logs; and as containers have them.
own() {
	cat <<-END
		$1
		events { }
		http { $2 server { listen 8080; location / { root /srv; } } }
	END
}

serves_own() {
	site
	own 'pid /tmp/pid;' '' >plain.conf
	own 'daemon off; pid /run/pid; error_log /dev/stderr;' 'access_log /dev/stdout;' | sed "s,/srv,$WORK," >container.conf
	for config in plain container; do
		cat >"$TMP/own.conf" <<-END
			format = 1;
			name = "own";
			extends = [ "$CHECKOUT/profiles/nginx.conf" ];
			mounts = ( { type = "bind"; source = "$WORK/$config.conf"; target = "/etc/nginx/nginx.conf"; } );
		END
		EXEC='exec' as_launcher sandbox -p "$TMP/own.conf" "${MODE[@]}" >"$TMP/out-$LAUNCHER" 2>&1 </dev/null 3>&- &
		SERVICE=$!
		wait_until 10 serving
		answers /none 404
		end
		assert_status 0
		grep -q '"GET /none HTTP/1.1" 404' "$TMP/out-$LAUNCHER"
		grep -q 'open() ".*/none" failed' "$TMP/out-$LAUNCHER"
	done
	# The command that most instructions give.
	begin -- nginx -g 'daemon off;'
	wait_until 10 serving
	end
	assert_status 0
}

@test "with a configuration of one's own, and its logs" {
	each_service serves_own
}

relayed() {
	[ "$(from_host curl -s http://127.0.0.1:8080/)" = 'of outside' ]
}

# At the address that it wrote first.
answers_directly() {
	from_host curl -s --max-time 2 "http://$(sed -n 's/.*inet \([0-9.]*\).*/\1/p' "$TMP/out-$LAUNCHER"):9000/" | grep -q Welcome
}

# A port that nobody published, at the sandbox's own address.
hides_ports() {
	local command='ip -4 -o address show eth0; exec python3 -u -m http.server --directory /srv 9000'

	site
	begin -s network.inbound.default=allow -- sh -c "$command"
	wait_until 10 answers_directly
	end
	begin -- sh -c "$command"
	wait_until 10 grep -q 'port 9000' "$TMP/out-$LAUNCHER" # it listens
	grep -q inet "$TMP/out-$LAUNCHER"
	run answers_directly
	assert_status 1
	end
}

@test "no other port of it is reached, at its own address neither" {
	LAUNCHER=root WORK=$TMP MODE=()
	cd "$TMP" || return 1
	mkdir theirs-root
	hides_ports
}

# relay DIR: a configuration that fetches, with its temporary files in DIR. Started by root, nginx gives these directories
# to nobody: outside they must be the test's own, never /tmp itself.
relay() {
	cat <<-END
		daemon off; pid $1/pid; events { }
		http { access_log off;
		client_body_temp_path $1/b; proxy_temp_path $1/p; fastcgi_temp_path $1/f; uwsgi_temp_path $1/u; scgi_temp_path $1/s;
		server { listen 8080; location / { proxy_connect_timeout 2s; proxy_pass http://198.51.100.7:8098; } } }
	END
}

# A server that was made to fetch: with a configuration that says so, which works outside.
is_no_relay() {
	serve outside 8098 'of outside'
	relay "$WORK" >outside.conf
	relay /tmp >relay.conf
	chmod 0644 outside.conf relay.conf
	EXEC='exec' as_launcher nginx -e stderr -c "$WORK/outside.conf" >"$TMP/out-$LAUNCHER" 2>&1 3>&- &
	SERVICE=$!
	wait_until 5 relayed
	end
	cat >"$TMP/relay.conf" <<-END
		format = 1;
		name = "relay";
		extends = [ "$CHECKOUT/profiles/nginx.conf" ];
		mounts = ( { type = "bind"; source = "$WORK/relay.conf"; target = "/etc/nginx/nginx.conf"; } );
	END
	EXEC='exec' as_launcher sandbox -p "$TMP/relay.conf" "${MODE[@]}" >"$TMP/out-$LAUNCHER" 2>&1 3>&- &
	SERVICE=$!
	wait_until 10 eval 'from_host curl -s --max-time 5 http://127.0.0.1:8080/ | grep -q "Bad Gateway\|Time-out"'
	end
	serve_stop
}

@test "a server that is told to fetch from elsewhere cannot" {
	each_service is_no_relay
}

refusals() {
	refuses_service
	refuses_memory 400M
	# Not even its own site can it change.
	as_launcher touch "$WORK/mine"
	run launch "${MODE[@]}" -- sh -c 'ls /srv/mine && touch /srv/mine /srv/new'
	assert_status 1
	assert_output 'Read-only file system'
	# Nor has it a privilege.
	run launch "${MODE[@]}" -- grep -x 'CapEff:.0000000000000000' /proc/self/status
	assert_status 0
	[ "$LAUNCHER" = root ] || return 0
	refuses sh -c 'chroot / true || exit 1'
	assert_output 'Operation not permitted'
}

@test "it reads nothing else, writes nothing, reaches nobody, gains nothing" {
	each_service refusals
}
