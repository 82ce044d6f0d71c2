# shellcheck shell=sh
# shellcheck disable=SC2010,SC2015 # Names are filtered; both may fail.
# The end of a run: evidence, the result, the bundles kept, the history.
# shellcheck disable=SC2154 # The parameters are assigned in `params`.

# The most bytes of a result on stdout.
SHORT=18000

# Gathers what explains the failure, from the last poll and the logs of its pods: for some seconds, since the way back waits for it.
gather() {
    [ -s poll.json ] || return 0
    mkdir -p logs logs.short
    usual=$REQUEST_TIMEOUT
    evidence logs "" >wanted 2>/dev/null || return 0
    REQUEST_TIMEOUT=5 BEFORE=$(($(date +%s) + 10))
    while IFS='	' read -r mark namespace pod container previous; do
        [ "$mark" = L ] && [ "$(date +%s)" -lt "$BEFORE" ] || continue
        set -- --namespace="$namespace" --container="$container" --tail=50
        if [ "$previous" = 1 ]; then set -- "$@" --previous; fi
        file=${namespace}_${pod}_${container}_$previous
        k logs "$pod" "$@" 2>/dev/null | head -c 65536 >"logs/$file" || :
        tail -n 5 "logs/$file" | head -c 1500 >"logs.short/$file"
    done <<END
$(head -n 20 wanted)
END
    REQUEST_TIMEOUT=$usual BEFORE=
    explain logs >evidence.json
    explain logs.short >evidence.short.json
}

evidence() {
    awk -f "$HERE/json.awk" -f "$HERE/rules.awk" -f "$HERE/judge.awk" -f "$HERE/evidence.awk" -v targets=targets -v verdicts=verdicts \
        -v mode="$1" -v logs="$2" <poll.json
}

explain() {
    evidence evidence "$1" ||
        echo '{"pods":[],"events":[],"gaps":["the evidence could not be read"]}'
}

# Writes result.json, result.short.json, and sends them where they are wanted: the log first, so that it is there with the result.
finish() {
    # Room for what follows.
    rm -f reserve poll.json stands.json
    ENDED=$(stamp)
    [ -s cause.json ] || echo null >cause.json
    [ -s undo.json ] || echo null >undo.json
    none='{"pods":[],"events":[],"gaps":[]}'
    [ -s evidence.json ] || echo "$none" >evidence.json
    [ -s evidence.short.json ] || echo "$none" >evidence.short.json
    touch notes
    listed few= written.tsv >objects
    say "$STATUS"
    compose evidence.json | keep result.full.json || :
    shorten
    if [ -n "${LOG_URL:-}" ]; then put "$LOG_URL" log 30 || say "the log could not be sent"; fi
    if [ -n "${PROGRESS_URL:-}" ]; then put "$PROGRESS_URL" events.jsonl 5 || :; fi
    mv result.full.json result.json || :
    if [ -n "${RESULT_URL:-}" ]; then
        for try in 1 2 3 4 5; do
            if put "$RESULT_URL" result.json 10; then break; fi
            sleep "$try"
        done
    fi
    # Without a result the next run takes over, and needs what is noted.
    if [ -f result.json ]; then rm -rf noted standing; fi
    rm -rf removing deletions poll.json stands.json logs logs.short reserve
}

listed() { awk -f "$HERE/json.awk" -f "$HERE/rows.awk" "$@"; }

compose() {
    json format:r=1 app:s="$APP" id:s="$ID" number:r="${MINE:-null}" status:s="$STATUS" cause:j=cause.json objects:l=objects undo:j=undo.json \
        evidence:j="$1" notes:l=notes started:s="$STARTED" ended:s="$ENDED" previous:r="${LAST:-null}"
}

# The same for stdout, where it must be short: logs go first, then what was unchanged, then all lists.
shorten() {
    compose evidence.json >result.short.new
    if short; then return; fi
    compose evidence.short.json >result.short.new
    if short; then return; fi
    echo '{"pods":[],"events":[],"gaps":["cut: the evidence is in result.json on the node"]}' >evidence.short.json
    listed few=1 written.tsv >objects
    compose evidence.short.json >result.short.new
    if short; then return; fi
    : >objects
    for lines in failures waiting left notes; do
        if [ -f "$lines" ]; then head -n 4 "$lines" | head -c 6000 | sed -n '/[}"]$/p' >"$lines.few"; else : >"$lines.few"; fi
    done
    case $(head -c 30 cause.json) in
    *'"failed"'*) json type:s=failed failures:l=failures.few >cause.json ;;
    *'"timedOut"'*) json type:s=timedOut waiting:l=waiting.few >cause.json ;;
    esac
    if [ "$(cat undo.json)" != null ]; then json left:l=left.few unhealthy:r=null notes:r='[]' >undo.json; fi
    echo '"cut: the whole result is in result.json on the node"' >notes
    compose evidence.short.json >result.short.new
    short
}

short() {
    [ -s result.short.new ] && [ "$(wc -c <result.short.new)" -le "$SHORT" ] && mv result.short.new result.short.json
}

# Keeps the package as the last good bundle, and of the older ones as many as wanted.
keep_bundle() {
    mkdir -p ../../bundles
    rm -rf "../../bundles/$MINE" "../../bundles/$MINE.new"
    cp -R package "../../bundles/$MINE.new" && mv "../../bundles/$MINE.new" "../../bundles/$MINE" &&
        printf '%s %s\n' "$MINE" "$ID" | keep ../../current || {
        warn "this bundle could not be kept on the node: a rollback goes to number ${LAST:-none}. Is the disk full?"
        rm -rf "../../bundles/$MINE.new"
        return 0
    }
    oldest "$KEEP" | while read -r number; do rm -rf "../../bundles/$number"; done
}

# The numbers of the bundles but the newest so many.
oldest() { ls ../../bundles | grep -Ex '[0-9]+' | sort -rn | tail -n "+$(($1 + 1))"; }

# A line for the history.
record() {
    meta=$(head -n 1 package/meta.json 2>/dev/null | head -c 8000) || meta=
    case $meta in '{'*'}') meta=,${meta#?} ;; *) meta='}' ;; esac
    if [ "$meta" = ',}' ]; then meta='}'; fi
    line=$(json number:r="${MINE:-null}" id:s="$ID" status:s="$STATUS" at:s="$(stamp)" gitRevision:n="${GIT_REVISION:-}" description:n="$1")
    append "${line%?}$meta" ../../history.jsonl || say "the history could not be written"
}
