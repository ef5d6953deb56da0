# words: what may stand at a place of the command line of sandbox(1), for the completions of all shells.
#
#	_sandbox_words WORD [BEFORE ...]
#
# prints what WORD may become behind the words BEFORE, the program's own name left out: a line each, the word, a tab, and
# what it does. A line `:files`, `:directories` or `:programs` asks the shell for what it has of that kind. A word that
# ends in = or [ or . goes on.
#
# The Makefile puts the lines that the schema gives in the place of @NAME@, and this file into each shell's script; it
# keeps to what sh, bash and zsh understand alike.
# shellcheck shell=dash

_sandbox_commands()
{
	cat <<'END'
@commands.tsv@
END
}

_sandbox_options()
{
	cat <<'END'
@options.tsv@
END
}

_sandbox_keys()
{
	cat <<'END'
@keys.tsv@
END
}

_sandbox_sets()
{
	cat <<'END'
@sets.tsv@
END
}

# Where -p looks names up, a directory a line.
_sandbox_directories()
{
	printf '%s\n' "${XDG_CONFIG_HOME:-$HOME/.config}/sandbox/profiles" /etc/sandbox/profiles '@profiles@'
}

# Lines `word TAB doc`: those whose word begins with $1, with $2 before it.
_sandbox_offer()
{
	local word doc

	while IFS=$(printf '\t') read -r word doc; do
		case $2$word in "$1"*) printf '%s\t%s\n' "$2$word" "$doc" ;; esac
	done
}

_sandbox_profiles()
{
	local directory

	_sandbox_directories | while read -r directory; do
		awk 'function name(path) { sub(/.*\//, "", path); sub(/\.conf$/, "", path); return path }
		     function flush() { if (file != "") print name(file) "\t" substr(doc, 1, 70) }
		     FNR == 1 { flush(); file = FILENAME; doc = "profile" }
		     /^description[ \t]*[=:]/ { split($0, part, "\""); doc = part[2] }
		     END { flush() }' "$directory"/*.conf 2>/dev/null
	done | sort -u -t "$(printf '\t')" -k 1,1
}

# The file of profile $1; $2 is the directory of the profile that extends it, if one does.
_sandbox_file()
{
	local directory

	case $1 in
	/*)	printf '%s\n' "$1" ;;
	*/* | *.conf) printf '%s\n' "${2:+$2/}$1" ;;
	*)	{ [ -z "$2" ] || printf '%s\n' "$2"; _sandbox_directories; } | while read -r directory; do
			[ ! -f "$directory/$1.conf" ] || printf '%s\n' "$directory/$1.conf"
		done | head -n 1 ;;
	esac
}

# The parameters that the profile in file $1 declares, and those of the profiles that it extends; $2 is how many extend
# it.
_sandbox_params()
{
	local name

	[ -f "$1" ] && [ "$2" -lt 8 ] || return 0
	awk '/^[ \t]*params[ \t]*[=:]/ { inside = 1 }
	     inside {
		line = $0
		while (match(line, /name[ \t]*[=:][ \t]*"[^"]*"/)) {
			split(substr(line, RSTART, RLENGTH), part, "\"")
			print part[2] "=\tparameter"
			line = substr(line, RSTART + RLENGTH)
		}
		if ($0 ~ /\)[ \t]*;/)
			exit
	     }' "$1" 2>/dev/null
	awk '/^[ \t]*extends[ \t]*[=:]/ { inside = 1 }
	     inside {
		line = $0
		while (match(line, /"[^"]*"/)) {
			print substr(line, RSTART + 1, RLENGTH - 2)
			line = substr(line, RSTART + RLENGTH)
		}
		if (line ~ /\]/)
			exit
	     }' "$1" 2>/dev/null | while read -r name; do
		_sandbox_params "$(_sandbox_file "$name" "$(dirname "$1")")" "$(($2 + 1))"
	done
}

# What a value of key $2 may be, behind the word $3=.
_sandbox_values()
{
	local row kind values doc value

	_sandbox_keys | while IFS=$(printf '\t') read -r row kind values doc; do
		[ "$row" != "$2" ] || [ "$values" = - ] || printf '%s\n' "$values"
	done | tr ' ' '\n' | while read -r value; do
		printf '%s\t%s\n' "$value" value
	done | _sandbox_offer "$1" "$3="
}

# Keys: $2 is `all`, or `members` with the list $3 whose element $4 the keys are of, or `settable`.
_sandbox_key_words()
{
	local row kind values doc

	_sandbox_keys | while IFS=$(printf '\t') read -r row kind values doc; do
		case $2:$row in
		all:*) printf '%s\t%s\n' "$row" "$doc" ;;
		members:"${3}[]."*"[]"*) ;;
		members:"${3}[]."*) printf '%s\t%s\n' "$4${row#"${3}[]."}=" "$doc" ;;
		settable:*"[]"*) ;;
		settable:*)
			printf '%s\t%s\n' "$row=" "$doc"
			[ "$kind" != list ] || printf '%s\t%s\n' "${row}[" "an element: $doc"
			;;
		esac
	done | _sandbox_offer "$1"
}

# The word behind -s: KEY=VALUE, LIST[ELEMENT].KEY=VALUE.
_sandbox_setting()
{
	local key=${1%%=*} list=${1%%"["*} element

	case $1 in
	*"["*"]="*) ;;
	*"["*"]."*"="*)
		element=${1%%].*}].
		key=${1#"$element"}
		key=${key%%=*}
		_sandbox_values "$1" "${list}[].$key" "$element$key"
		;;
	*"["*"]."*)	_sandbox_key_words "$1" members "$list" "${1%%].*}]." ;;
	*"["*)		;;
	*=*)		_sandbox_values "$1" "$key" "$key" ;;
	*)		_sandbox_key_words "$1" settable ;;
	esac
}

# The word behind an option that takes $2; $3 is the last profile given.
_sandbox_argument()
{
	case $2 in
	PROFILE)
		_sandbox_profiles | _sandbox_offer "$1"
		echo :files
		;;
	KEY=VALUE)	_sandbox_setting "$1" ;;
	PARAM=VALUE)	_sandbox_params "$(_sandbox_file "$3" '')" 0 | sort -u | _sandbox_offer "$1" ;;
	MODE)		_sandbox_values "network.mode=$1" network.mode network.mode | sed 's/^network.mode=//' ;;
	DIR)		echo :directories ;;
	PATH | FILE)	echo :files ;;
	esac
}

# What follows the options: $2 as the command's row says it; $3 is the number of words before; $4 the last profile.
_sandbox_operand()
{
	case $2 in
	PROFILE* | \[PROFILE*) _sandbox_argument "$1" PROFILE ;;
	NAME*)
		if [ "$3" -eq 0 ]; then
			sandbox list 2>/dev/null | awk 'NR > 1 { print $1 "\t" $2; print $2 "\ta running sandbox" }' |
				_sandbox_offer "$1"
		else
			case $2 in
			*COMMAND*)	_sandbox_operand "$1" COMMAND "$(($3 - 1))" '' ;;
			*SIGNAL*)
				printf '%s\tsignal\n' HUP INT QUIT KILL USR1 USR2 TERM CONT STOP TSTP | _sandbox_offer "$1"
				;;
			esac
		fi
		;;
	"[KEY"*)
		if [ -n "$4" ]; then
			_sandbox_operand "$1" COMMAND "$3" ''
		elif [ "$3" -eq 0 ]; then
			_sandbox_key_words "$1" all
			_sandbox_sets | _sandbox_offer "$1"
		fi
		;;
	"[COMMAND]")	[ "$3" -ne 0 ] || _sandbox_command_words "$1" ;;
	*COMMAND*)
		[ "$3" -ne 0 ] || echo :programs
		echo :files
		;;
	esac
}

_sandbox_command_words()
{
	local name args doc

	_sandbox_commands | while IFS=$(printf '\t') read -r name args doc; do
		printf '%s\t%s\n' "$name" "$doc"
	done | _sandbox_offer "$1"
}

# The options of command $2.
_sandbox_option_words()
{
	local long short args commands doc

	_sandbox_options | while IFS=$(printf '\t') read -r long short args commands doc; do
		case " $commands " in
		*" $2 "*)
			printf '%s\t%s\n' "$long" "$doc"
			[ "$short" = - ] || printf '%s\t%s\n' "$short" "$doc"
			;;
		esac
	done | _sandbox_offer "$1"
}

# What option $1 takes; `-` when it takes nothing.
_sandbox_takes()
{
	local long short args commands doc

	_sandbox_options | while IFS=$(printf '\t') read -r long short args commands doc; do
		[ "$long" != "$1" ] && [ "$short" != "$1" ] || printf '%s\n' "$args"
	done
}

_sandbox_args_of()
{
	local name args doc

	_sandbox_commands | while IFS=$(printf '\t') read -r name args doc; do
		[ "$name" != "$1" ] || printf '%s\n' "$args"
	done
}

# A value that is stuck to its option: --profile=gcc. $2 is the last profile given.
_sandbox_stuck()
{
	_sandbox_argument "${1#*=}" "$(_sandbox_takes "${1%%=*}")" "$2" | sed "/^:/!s/^/${1%%=*}=/"
}

_sandbox_words()
{
	local word=$1 command=run profile='' takes args

	shift
	if [ $# -eq 0 ]; then
		case $word in
		--*=*) _sandbox_stuck "$word" '' ;;
		*)	_sandbox_command_words "$word"
			[ -z "$word" ] || _sandbox_option_words "$word" run ;;
		esac
		return
	fi
	args=$(_sandbox_args_of "$1")
	if [ -n "$args" ]; then
		command=$1
		shift
	fi
	args=$(_sandbox_args_of "$command")
	while [ $# -gt 0 ]; do
		case $1 in
		--)
			shift
			_sandbox_operand "$word" "$args" $# "$profile"
			return
			;;
		--profile=*)
			profile=${1#*=}
			takes=
			;;
		-*)	takes=$(_sandbox_takes "$1") ;;
		*)
			_sandbox_operand "$word" "$args" $# "$profile"
			return
			;;
		esac
		shift
		case $takes in - | "") continue ;; esac
		if [ $# -eq 0 ]; then
			_sandbox_argument "$word" "$takes" "$profile"
			return
		fi
		[ "$takes" != PROFILE ] || profile=$1
		shift
	done
	case $word in
	--*=*) _sandbox_stuck "$word" "$profile" ;;
	-*) _sandbox_option_words "$word" "$command" ;;
	*) _sandbox_operand "$word" "$args" 0 "$profile" ;;
	esac
}
