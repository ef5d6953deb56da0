# Completion of sandbox(1) for bash; bash-completion loads it. Made from completion/ and the schema.
# shellcheck shell=bash

@words.sh@

_sandbox()
{
	local -a before=()
	local word='' joined='' line at
	local COMP_WORD

	# bash takes a word apart at the characters of COMP_WORDBREAKS, = and : and @ among them: together again.
	for ((at = 1; at <= COMP_CWORD; at++)); do
		COMP_WORD=${COMP_WORDS[at]}
		if [[ $COMP_WORD == [=:]* || $joined == yes ]] && ((at > 1)); then
			word+=$COMP_WORD
		else
			((at == 1)) || before+=("$word")
			word=$COMP_WORD
		fi
		joined=$([[ $COMP_WORD == *[=:] || $COMP_WORD == @ ]] && echo yes)
	done
	# Without the quotes that somebody has typed.
	for at in "${!before[@]}"; do
		before[at]=${before[at]//[\'\"\\]/}
	done
	COMPREPLY=()
	while IFS= read -r line; do
		case $line in
		:files) mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$word"); compopt -o filenames 2>/dev/null ;;
		:directories) mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -d -- "$word"); compopt -o filenames 2>/dev/null ;;
		:programs) mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -c -- "$word") ;;
		*)	# bash puts it on the line as it is: nothing of a profile's that a shell would run or part.
			line=${line%%$'\t'*}
			[[ $line == *[\$\`\"\'\\\;\&\|\<\>\(\)\ ]* ]] || COMPREPLY+=("$line")
			;;
		esac
	done < <(_sandbox_words "${word//[\'\"\\]/}" "${before[@]}")
	[[ ${COMPREPLY[*]} != *[=[.] ]] || compopt -o nospace 2>/dev/null
	# bash replaces what stands behind the last such character only.
	if [[ $word == *[=:]* || ($word == @* && $COMP_WORDBREAKS == *@*) ]]; then
		line=${word%"${word##*[=:@]}"}
		COMPREPLY=("${COMPREPLY[@]#"${line//[\'\"\\]/}"}")
	fi
}
complete -F _sandbox sandbox
