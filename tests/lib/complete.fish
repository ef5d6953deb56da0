# complete.fish SCRIPT LINE: what fish offers at the end of LINE.
source $argv[1]
complete -C "$argv[2]"
