# shellcheck shell=sh
# shellcheck disable=SC2010,SC2034 # Names are filtered; variables are read in other parts.
# The unit: one deployment from the first question to the result. It ends with a result whatever happens, short of SIGKILL;
# then the next run takes over what this one noted.
# shellcheck disable=SC2154 # The parameters are assigned in `params`.

run() {
    cd "$RUN" || exit 1
    # From here on each failure is looked at where it happens.
    set +eu
    exec 8>>alive
    tries=0
    until flock -n 8; do
        # A glance of somebody who attaches, or another unit of the same id: then that one does it.
        tries=$((tries + 1))
        [ "$tries" -le 20 ] || exit 0
        moment
    done
    echo >&8
    [ ! -f result.json ] || exit 0
    exec >>log 2>&1 </dev/null
    STARTED=$(stamp) STATUS=refused MINE='' LAST='' GOOD=''
    find_kubectl
    if [ "$KEEP" -lt 1 ]; then KEEP=1; fi
    rm -f cause.json undo.json why
    touch ../../unpruned noted.tsv written.tsv events.jsonl notes good.tsv
    # Room for the result, should the disk be full by then.
    dd if=/dev/zero of=reserve bs=65536 count=48 2>/dev/null
    trap ': >cancel' TERM INT HUP
    trap end_early EXIT
    upload &
    work
    trap - EXIT
    trap '' TERM INT HUP
    finish
    exit 0
}

work() {
    exec 9>>../../lock
    if ! flock -n 9; then
        because locked "another deployment of $APP is running on the node: $(head -c 100 ../../holder 2>/dev/null)" "wait for it, or cancel it"
        return
    fi
    printf '%s\n' "$ID" >../../holder
    DEADLINE=$(($(date +%s) + TIMEOUT))
    BEFORE=$DEADLINE
    if [ -f ../../current ]; then read -r LAST _ <../../current; fi
    if [ -n "$LAST" ] && [ -f "../../bundles/$LAST/objects.tsv" ]; then
        GOOD=../../bundles/$LAST
        cp "$GOOD/objects.tsv" good.tsv
    fi
    recover
    number
    if forward; then
        STATUS=healthy
        pruned=1
        if [ "$PRUNE" = 1 ]; then prune || pruned=; fi
        if [ -z "$pruned" ] && [ ! -s package/objects.tsv ]; then
            # To nothing at all is not gone while something stays.
            because internal "not everything could be deleted" "deploy or roll back again once it can be"
            json left:l=left unhealthy:r=null notes:r='[]' >undo.json
            STATUS=undoFailed
        else
            keep_bundle
        fi
        record "$(head -c 600 why 2>/dev/null)"
    elif [ ! -s noted.tsv ]; then
        # Nothing was written.
        case $(cat cause.json) in *'"cancelled"'*) STATUS=cancelled ;; esac
    else
        back
    fi
    took_over
    old_runs
}

# Goes back, unless it is to be left.
back() {
    # Room for it, should the disk be full.
    rm -f reserve
    gather
    if [ "$ON_FAILURE" = leave ]; then STATUS=left; else undo; fi
    record "$(head -c 600 why)"
}

# Applies the stages and follows them.
forward() {
    if [ "$VALIDATE" = false ]; then VALIDATE=ignore; fi
    answers || return 1
    if stopped; then return 1; fi
    for stage in $(stages package); do
        say "stage $stage"
        apply_stage "$stage" || return 1
        if stopped; then return 1; fi
        if [ -s gated ]; then followed <gated || return 1; fi
    done
    followed <package/objects.tsv
}

followed() {
    follow "$DEADLINE"
    [ "$verdict" != healthy ] || return 0
    verdict_cause >cause.json
    if [ "$verdict" = timedOut ]; then event timedOut waiting:l=waiting_ids; fi
    return 1
}

# Runs that were killed have noted what stood before them: that is what stood before this one, too.
recover() {
    find .. -name noted.tsv | while IFS= read -r file; do
        folder=${file%/noted.tsv}
        if [ "$folder" = "../$ID" ] || [ -f "$folder/result.json" ] || held "$folder/alive"; then continue; fi
        other=${folder##*/}
        say "taking over what $other wrote before it was killed"
        event recovering interrupted:s="$other" undo:r=false
        mkdir -p noted
        while IFS= read -r row; do
            kept=${row##*	}
            case $kept in
            noted/*)
                cp "$folder/$kept" "noted/$other-${kept#noted/}" || continue
                printf '%s\n' "${row%	*}	noted/$other-${kept#noted/}"
                ;;
            *) printf '%s\n' "$row" ;;
            esac
        done <"$file" >taken
        # The first note of an object counts.
        awk -F '\t' '!seen[$4, $3, $5, $6]++' taken noted.tsv >noted.new && mv noted.new noted.tsv
        printf '%s\n' "$other" >>takenover
    done
}

# Those runs are over, and this one answers for what they wrote.
took_over() {
    [ -f takenover ] || return 0
    while IFS= read -r other; do
        bare_report "$other" undoFailed \
            "$(json type:s=error kind:s=internal message:s="it was killed, and $ID took over what it had written" help:r=null object:r=null)" |
            keep "../$other/result.json"
    done <takenover
}

# The number of this deployment: one more than any before.
number() {
    MINE=$({ sed -n 's/^{"number":\([0-9]*\),.*/\1/p' ../../history.jsonl 2>/dev/null; echo; ls ../../bundles 2>/dev/null; echo 0; } |
        grep -Ex '[0-9]+' | sort -n | tail -n 1)
    MINE=$((MINE + 1))
}

# Deletes what the last good bundle, or a dead run, has written and this package has not, and what could not be deleted before. False if
# something stays.
prune() {
    # shellcheck disable=SC2016
    awk -F '\t' 'BEGIN { OFS = FS }
        part == "mine" { mine[$5, $4, $6, $7] = 1 }
        part == "good" && !(($5, $4, $6, $7) in mine) { row[++n] = $3 OFS $4 OFS $5 OFS $6 OFS $7 }
        part == "noted" && $1 == "absent" && !(($4, $3, $5, $6) in mine) { row[++n] = $2 OFS $3 OFS $4 OFS $5 OFS $6 }
        part == "late" && !(($3, $2, $4, $5) in mine) { row[++n] = $0 }
        END { for (; n > 0; n--) if (!seen[row[n]]++) print row[n] }' \
        part=mine package/objects.tsv part=good good.tsv part=noted noted.tsv part=late ../../unpruned >unwanted || {
        warn "what is unwanted could not be told: awk failed on the node"
        return 1
    }
    back_until=$(($(date +%s) + 60))
    BEFORE=$back_until
    : >left
    remove <unwanted || keep remained <unwanted
    keep ../../unpruned <remained
    awk '{ print "delete\t" $0 }' gone >>written.tsv
    [ -s remained ] || return 0
    warn "not everything unwanted could be deleted, and the next deployment that prunes tries again: $(head -c 1000 left | tr '\n' ' ')"
    return 1
}

# Ends of runs beyond KEEP go, the oldest first.
old_runs() {
    ls -t .. | grep -vx "$ID" | tail -n "+$((KEEP + 1))" | while IFS= read -r other; do
        if [ -f "../$other/result.json" ]; then rm -rf "../${other:?}"; fi
    done
}

# Sends the events on, at most once a second, beside the work.
upload() {
    exec 8>&- 9>&-
    trap - EXIT TERM INT HUP
    [ -n "${PROGRESS_URL:-}" ] || return 0
    sent=0
    while [ ! -f result.json ] && held alive; do
        size=$(wc -c <events.jsonl)
        if [ "$size" -ne "$sent" ]; then
            sent=$size
            put "$PROGRESS_URL" events.jsonl 5 2>/dev/null
        fi
        sleep 1
    done
}

# An end that nothing here foresaw still leaves a result.
end_early() {
    trap '' TERM INT HUP
    if [ ! -s cause.json ]; then because internal "the script ended early" "its log says where"; fi
    if [ -s noted.tsv ]; then
        # Nothing is known of a way back that had begun, and of what was kept already.
        if [ "$STATUS" = refused ] && [ ! -f forward.json ]; then STATUS=$(back >&2; printf %s "$STATUS"); else STATUS=; fi
        : "${STATUS:=undoFailed}"
    fi
    finish
}
