# perl: reports, in-place editing, pipes, modules of the host and of the directory; no escape by open, system or syscall.

# shellcheck disable=SC2016 # perl's
bats_require_minimum_version 1.5.0
load ../lib/common
load ../lib/profiles

setup_file() {
	packages perl python3
}

setup() {
	residue_before
}

teardown() {
	residue_after
}

reports() {
	mkdir -p lib
	cat >lib/Tally.pm <<'END'
package Tally;
use strict;
use warnings;
use List::Util qw(sum);
sub new { return bless { of => {} }, shift }
sub add { my ($self, $key, $n) = @_; push @{ $self->{of}{$key} }, $n; return $self }
sub lines { my $self = shift; return map { sprintf "%-8s %6d", $_, sum @{ $self->{of}{$_} } } sort keys %{ $self->{of} } }
1;
END
	cat >report.pl <<'END'
use strict;
use warnings;
use lib 'lib';
use Tally;
use JSON::PP;
use Time::Piece;
use Digest::SHA qw(sha256_hex);
use Encode qw(decode);
use File::Find;
my $tally = Tally->new;
while (<>) {
	my ($when, $host, $bytes) = /^\[([^]]+)\] (\S+) (\d+)$/ or die "line $.: not a log line\n";
	Time::Piece->strptime($when, '%Y-%m-%d')->year == 2024 and $tally->add($host, $bytes);
}
print "$_\n" for $tally->lines;
open my $out, '>', 'report.json' or die $!;
print $out JSON::PP->new->canonical->encode({ sum => sha256_hex("abc"), length => length decode('UTF-8', "\xc3\xa9t\xc3\xa9") });
find(sub { print "found $_\n" if /[.]pm$/ }, '.');
END
	for i in {1..3000}; do echo "[202$((i % 2 + 3))-01-15] host$((i % 3)) $i"; done >access.log
	run launch -- perl report.pl access.log
	assert_status 0
	assert_line "host0    750000" || return 1
	assert_line "found Tally.pm"
	[ "$(cat report.json)" = '{"length":3,"sum":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}' ]
}

finds_modules() {
	run launch -- perl -e 'print map { "$_\n" } grep { -d } @INC'
	assert_status 0
	[ "$output" = "$(as_launcher perl -e 'print map { "$_\n" } grep { -d } @INC')" ]
}

# Bytes are bytes, as outside: nothing decides for the program how its text is written.
bytes() {
	local program='use JSON::PP; open my $f, ">", "o"; syswrite($f, "abc"); print encode_json(["\x{e9}"]), -s "o"'

	run launch -- perl -e "$program"
	assert_status 0
	[ "$output" = "$(as_launcher perl -e "$program")" ]
}

@test "a program writes the bytes that it writes outside" {
	each_launcher bytes
}

@test "perl looks for modules where it does outside" {
	each_launcher finds_modules
}

@test "perl makes a report with modules of its own and the host's" {
	each_launcher reports
}

filters() {
	printf 'alpha\nbeta\ngamma\n' >words
	run launch -- perl -i.orig -pe 's/^b/B/' words
	assert_status 0
	[ "$(cat words)" = $'alpha\nBeta\ngamma' ]
	[ "$(cat words.orig)" = $'alpha\nbeta\ngamma' ]
	[ "$(stat -c %u words)" = "$(stat -c %u .)" ]
	[ "$(seq 100000 | launch -- perl -ne '$s += $_; END { print $s }')" = 5000050000 ]
	run launch -- perl -e 'open my $sort, "-|", "sort -r words" or die; print <$sort>;
		if (my $pid = fork) { waitpid $pid, 0; print "child ", $? >> 8, "\n" } else { exit 7 }'
	assert_status 0
	assert_output $'gamma\nalpha\nBeta\nchild 7'
	# Text is text where the caller says so.
	printf 'été\n' >accents
	run launch -- perl -CSDA -ne 'chomp; print uc, " ", length, "\n"' accents
	assert_line 'ÉTÉ 3'
}

@test "perl edits in place, filters a pipe and forks" {
	each_launcher filters
}

# open with two arguments runs what a file is named.
refuses_opening() {
	local theirs=$TMP/theirs-$LAUNCHER

	echo key >"$theirs/key"
	refuses perl -e 'open my $f, $ARGV[0] or die $!; die unless <$f> eq "key\n"' "cat $theirs/key|"
	refuses perl -e 'open my $f, ">>", $ARGV[0] or die "$!\n"' "$theirs/.profile"
	assert_output 'No such file or directory'
}

refuses_sockets() {
	_listen
	refuses perl -MIO::Socket::INET -e 'IO::Socket::INET->new("127.0.0.1:$ARGV[0]") or die "$@\n"' "$PORT"
	assert_output 'Operation not permitted'
	kill "$LISTENER"
	rm "$TMP/port"
	# Not even to itself.
	refuses perl -MSocket -e 'socketpair my $a, my $b, AF_UNIX, SOCK_STREAM, 0 or die $!'
}

# A program that the text brought along.
refuses_dropping() {
	refuses perl -e 'system "cp /usr/bin/true dropped && ./dropped"; exit($? ? 1 : 0)'
	assert_output 'Permission denied'
}

refuses_tokens() {
	mkdir -p .ssh
	echo key >.ssh/id_ed25519
	chmod 755 .ssh
	refuses perl -e 'open my $key, "<", ".ssh/id_ed25519" or die "$!\n"'
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

@test "perl opens no file of the user's, connects to nobody, executes nothing that came with the text" {
	each_launcher refusals
}
