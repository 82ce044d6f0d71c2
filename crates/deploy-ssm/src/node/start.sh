# shellcheck shell=sh
# shellcheck disable=SC2015,SC2034 # Both may fail; variables are read in other parts.
# The command's side of a deployment: start the unit that does the work, wait for its result, print that. The unit goes on
# whatever becomes of the command.
# shellcheck disable=SC2154 # The parameters are assigned in `params`.

deploy() {
    for tool in awk base64 gzip tar sha256sum flock setsid date df head sed; do
        has "$tool" || refuse notFound "$tool is not on the node" "install it there"
    done
    need_kubectl
    refuse_past
    mkdir -p "$RUN" 2>/dev/null || refuse unavailable "$RUN cannot be made on the node" "is the disk full or read-only?"
    # Two deliveries of one command: the second waits until the first has begun, and attaches.
    exec 7>>"$RUN/starting"
    flock 7
    if [ ! -f "$RUN/result.json" ] && ! held "$RUN/alive"; then
        BEGINS=1
        if ! called_off; then
            enough_space
            obtain
            called_off || launch
        fi
        BEGINS=
    fi
    exec 7>&-
    attach
}

# An id that ended so long ago that only the history knows: a command delivered late.
refuse_past() {
    if [ ! -d "$RUN" ] && grep -q "^{\"number\":[^,]*,\"id\":\"$ID\"," "$ROOT/history.jsonl" 2>/dev/null; then
        refuse alreadyExists "the deployment $ID of $APP has ended, and its result is not kept any more" "the history tells how it ended"
    fi
}

# What a run writes besides the package: some hundred KB of events, logs and evidence.
enough_space() {
    free=$(df -Pk "$RUN" | awk 'NR == 2 { print $4 }')
    case $free in '' | *[!0-9]*) return ;; esac
    [ "$free" -ge 8192 ] || refuse unavailable "only $free KB are free in $STATE_DIR on the node" "8192 KB are needed: make room there"
}

# Hands the work to a unit of its own, which no signal to this command reaches.
launch() {
    mkdir -p "$RUN/node"
    rm -f "$RUN/alive"
    cp -R "$HERE/." "$RUN/node/" && pinned >>"$RUN/node/params" || refuse unavailable "$RUN cannot be written on the node" "is the disk full?"
    # The rest is for deletions, evidence, and what is sent at the end.
    bound=$((TIMEOUT + ROLLBACK_TIMEOUT + 240))
    if [ -d "${DEPLOY_SSM_SYSTEMD:-/run/systemd/system}" ] && has systemd-run &&
        systemd-run --quiet --collect --unit="deploy-ssm-$ID" --setenv=PATH="$PATH" --setenv=HOME="$HOME" \
            -p KillMode=mixed -p TimeoutStopSec="$((ROLLBACK_TIMEOUT + 30))" -p RuntimeMaxSec="$bound" \
            sh "$RUN/node/node.sh" "$RUN/node" run </dev/null >"$RUN/unit" 2>&1 7>&-; then
        :
    elif has timeout; then
        setsid timeout -k "$((ROLLBACK_TIMEOUT + 30))" "$bound" sh "$RUN/node/node.sh" "$RUN/node" run </dev/null >"$RUN/unit" 2>&1 7>&- &
    else
        setsid sh "$RUN/node/node.sh" "$RUN/node" run </dev/null >"$RUN/unit" 2>&1 7>&- &
    fi
    waited=0
    # One that was killed since has begun, too.
    until [ -f "$RUN/result.json" ] || [ -s "$RUN/alive" ]; do
        waited=$((waited + 1))
        [ "$waited" -le 100 ] || refuse internal "the unit did not start: $(head -c 500 "$RUN/unit" | tr '\n' ' ')"
        moment
    done
}

# What was found out here and the unit must not look for again.
pinned() {
    printf "KUBECTL='%s'\n" "$(quoted "$KUBECTL")"
    printf "KUBECONFIG='%s'\n" "$(quoted "${KUBECONFIG:-}")"
}

# For between single quotes.
quoted() { printf '%s' "$1" | sed "s/'/'\\\\''/g"; }

# Waits for the result and prints it.
attach() {
    [ -d "$RUN" ] || refuse notFound "there is no deployment $ID of $APP on the node"
    misses=0
    until [ -f "$RUN/result.json" ]; do
        # It may end between two looks: dead is who was not seen twice.
        if held "$RUN/alive" || held "$RUN/starting"; then misses=0; else misses=$((misses + 1)); fi
        [ "$misses" -lt 3 ] || refuse unavailable "the deployment $ID of $APP was killed on the node before it could end" \
            "deploy again: the next deployment takes over what it wrote" killed
        moment
    done
    if [ -s "$RUN/result.short.json" ]; then answer=$RUN/result.short.json; else answer=$RUN/result.json; fi
    printf 'deploy-ssm/1 '
    cat "$answer"
    print_log $((23000 - $(wc -c <"$answer")))
    tidy
    case $(head -c 400 "$RUN/result.json") in *'"status":"healthy"'*) exit 0 ;; *) exit 1 ;; esac
}

# The end of the log, as much as fits: SSM would keep the beginning.
print_log() {
    [ -f "$RUN/log" ] || return 0
    size=$(wc -c <"$RUN/log")
    if [ "$size" -le "$1" ]; then
        cat "$RUN/log"
    else
        printf -- '--- the log is cut: its last %s of %s bytes ---\n' "$1" "$size"
        tail -c "$1" "$RUN/log"
    fi
}

# Asks the unit to stop and go back, and waits for that. What has not begun will not: this may run before the deployment's command.
cancel() {
    if [ ! -f "$RUN/result.json" ]; then
        refuse_past
        mkdir -p "$RUN" 2>/dev/null && touch "$RUN/cancel" || refuse unavailable "$RUN cannot be written on the node" "is the disk full?"
        exec 7>>"$RUN/starting"
        if flock -n 7 && ! held "$RUN/alive"; then called_off || :; fi
        exec 7>&-
    fi
    attach
}

# Ends a deployment that is not wanted any more, if nothing is written yet. A unit that was killed after that must go back.
called_off() {
    [ -f "$RUN/cancel" ] && [ ! -s "$RUN/noted.tsv" ] || return 1
    [ -f "$RUN/result.json" ] || bare_report "$ID" cancelled '{"type":"cancelled"}' | keep "$RUN/result.json"
    if [ -n "${RESULT_URL:-}" ]; then put "$RESULT_URL" "$RUN/result.json" 10 || :; fi
}
