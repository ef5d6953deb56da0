# complete.zsh DIRECTORY LINE: what LINE becomes in an interactive zsh when the key for completion is pressed, with the
# completion functions of DIRECTORY.
zmodload zsh/zpty

finish='finish() { zle complete-word; print -r -- "<<$BUFFER>>"; exit }; zle -N finish; bindkey "^I" finish'
zpty z "TERM=dumb zsh -f -i"
zpty -w z "unsetopt zle_bracketed_paste; PS1= RPS1="
zpty -w z "fpath=(${(q)1} \$fpath); autoload -Uz compinit; compinit -u -D"
zpty -w z "$finish; print REA\"\"DY"
zpty -r -m z out '*READY*'
zpty -w -n z "$2"$'\t'
zpty -r -m z out '*<<*>>*'
print -r -- "${${out##*<<}%%>>*}"
zpty -d z
