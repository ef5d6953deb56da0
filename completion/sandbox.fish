# Completion of sandbox(1) for fish. Made from completion/ and the schema.

set -g __sandbox_words '
@words.sh@
_sandbox_words "$@"
'

function __sandbox_complete
    set -l word (commandline -ct | string unescape)
    set -l before (commandline -opc)[2..-1]
    for line in (sh -c $__sandbox_words sandbox "$word" $before)
        switch $line
            case ':files'
                __fish_complete_path $word
            case ':directories'
                __fish_complete_directories $word
            case ':programs'
                __fish_complete_command
            case '*'
                echo $line
        end
    end
end

complete -c sandbox -f -a '(__sandbox_complete)'
