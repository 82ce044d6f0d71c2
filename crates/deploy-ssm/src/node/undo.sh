# shellcheck shell=sh
# shellcheck disable=SC2034 # Other parts read them.
# The way back: the last good bundle again, or what stood before; what was created goes.
# shellcheck disable=SC2154 # The parameters are assigned in `params`.

undo() {
    say "rolling back"
    event rollingBack cause:s="$(head -c 600 why)"
    cp cause.json forward.json
    cp why forward
    : >left
    : >back
    : >undo_notes
    back_until=$(($(date +%s) + ROLLBACK_TIMEOUT))
    BEFORE=$back_until
    again
    restore
    # Created by this run, or by a dead one, and not in the good bundle: the last first.
    { created >doomed && remove <doomed; } || unsure_back
    # For the next deployment that prunes.
    cat remained >>../../unpruned
    follow "$back_until" 0 <back
    unhealthy=null
    if [ "$verdict" != healthy ]; then unhealthy=$(verdict_cause); fi
    json left:l=left unhealthy:r="$unhealthy" notes:l=undo_notes >undo.json
    mv forward.json cause.json
    mv forward why
    if [ -s left ] || [ -s undo_notes ] || [ "$unhealthy" != null ]; then
        STATUS=undoFailed
        event rollbackFailed error:s="$(head -c 600 undo.json)"
        say "the way back failed"
    else
        STATUS=undone
        event rolledBack
        say "the old state is back"
    fi
}

# A step of the way back may be missing.
unsure_back() { echo '"awk failed on the node: not all of the way back may be gone"' >>undo_notes; }

# Applies the last good bundle again, all of it: what this run left alone stays as it is.
again() {
    [ -n "$GOOD" ] || return 0
    for stage in $(stages "$GOOD"); do
        stage_rows "$GOOD" "$stage" >rows || unsure_back
        cat rows >>back
        until on_stage "$GOOD" "$stage" apply --server-side --field-manager="$FIELD_MANAGER" --force-conflicts --validate="$VALIDATE" \
            -o name >/dev/null 2>said; do
            because_said
            case $kind in
            unavailable | timeout) if [ "$(date +%s)" -lt "$back_until" ]; then sleep 2; continue; fi ;;
            esac
            cat said
            leave "$object"
            break
        done
    done
    restored good.tsv
}

# Puts back what stood before and is in no good bundle.
restore() {
    awk -F '\t' '$1 == "present" && $8 != ""' noted.tsv >standing || unsure_back
    while IFS= read -r row; do
        file=${row##*	}
        printf '%s\n' "$row" | awk -F '\t' 'BEGIN { OFS = FS } { print "00", 0, $2, $3, $4, $5, $6 }' >rows
        until k replace -f "$file" >/dev/null 2>said; do
            because_said
            case $kind in
            unavailable | timeout) if [ "$(date +%s)" -lt "$back_until" ]; then sleep 2; continue; fi ;;
            notFound) if k create -f "$file" >/dev/null 2>said; then break; fi ;;
            esac
            cat said
            leave ''
            break
        done
        cat rows >>back
        restored rows
    done <standing
}

# Says that what this run had written of these objects is as before.
restored() {
    awk -f "$HERE/json.awk" -f "$HERE/restored.awk" at="$(stamp)" part=written written.tsv part=back "$1"
}

# Objects of `rows` stay as they are, because of what is `said`: all, or the one named.
leave() {
    awk -f "$HERE/json.awk" -f "$HERE/left.awk" only="$1" part=error said part=rows rows >>left
}

# What was created and is not in the good bundle, the last first: apiVersion, kind, group, namespace, name.
created() {
    # shellcheck disable=SC2016
    awk -F '\t' 'BEGIN { OFS = FS } part == "good" { good[$5, $4, $6, $7] = 1; next }
        $1 == "absent" && !(($4, $3, $5, $6) in good) { row[++n] = $2 OFS $3 OFS $4 OFS $5 OFS $6 }
        END { for (; n > 0; n--) print row[n] }' part=good good.tsv part=noted noted.tsv
}

# Deletes the objects on stdin (as `created` prints them), those without a namespace last: then they are `gone`, or `remained`, and why is
# added to `left`. False if awk fails.
remove() {
    cat >removing
    : >remained
    : >gone
    # shellcheck disable=SC2016
    awk -F '\t' '{ version = $1; sub(/.*\//, "", version); list[$4] = list[$4] " " $2 "." version "." $3 "/" $5 }
        END {
            for (namespace in list) if (namespace != "") print namespace "\t" substr(list[namespace], 2)
            if ("" in list) print "-\t" substr(list[""], 2)
        }' removing >deletions || return 1
    lost=
    while IFS='	' read -r where what; do
        seconds=$((back_until - $(date +%s)))
        if [ "$seconds" -lt 5 ]; then seconds=5; fi
        set -- --ignore-not-found
        if [ "$where" != - ]; then set -- "$@" --namespace="$where"; fi
        # shellcheck disable=SC2086 # Names of objects, without blanks.
        if ! k delete "$@" --wait=true --timeout="${seconds}s" $what >/dev/null 2>said; then
            cat said
            # shellcheck disable=SC2086
            unsure=
            k get "$@" -o json $what >stands.json 2>/dev/null || unsure=1
            awk -f "$HERE/list.awk" -f "$HERE/stays.awk" where="${where#-}" unsure="$unsure" part=rows removing part=json stands.json >rows || lost=1
            leave ''
            cut -f 3- rows >>remained
            rm -f stands.json
        fi
    done <deletions
    [ -z "$lost" ] || return 1
    # shellcheck disable=SC2016
    awk 'part == "stay" { stay[$0]; next } !($0 in stay)' part=stay remained part=all removing >gone
    awk -f "$HERE/json.awk" -f "$HERE/removed.awk" at="$(stamp)" gone || :
}
