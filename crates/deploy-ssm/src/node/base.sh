# shellcheck shell=sh
# What every part needs: words for the log, JSON, errors, kubectl, locks.
# shellcheck disable=SC2154 # The parameters are assigned in `params`.

say() { printf '%s %s\n' "$(date -u +%H:%M:%S)" "$*"; }

stamp() { date -u +%Y-%m-%dT%H:%M:%SZ; }

has() { command -v "$1" >/dev/null 2>&1; }

# A JSON object of `key:form=value`; the forms stand in object.awk.
json() { awk -f "$HERE/json.awk" -f "$HERE/object.awk" -- "$@"; }

# Replaces a file in one step with what comes in, so that nobody reads half of it and a full disk leaves the old one.
keep() { cat >"$1.new" && mv "$1.new" "$1"; }

# Adds a line to a file, of which a full disk may have torn the last one.
append() {
    if [ -n "$(tail -c 1 "$2" 2>/dev/null)" ]; then echo >>"$2"; fi
    printf '%s\n' "$1" >>"$2"
}

# An event: its name, and more members.
event() {
    named=$1
    shift
    json at:s="$(stamp)" event:s="$named" "$@" >>events.jsonl
}

# Something a person should know that stops nothing.
warn() {
    say "warning: $1"
    event warning message:s="$1"
    printf '%s\n' "$1" | awk -f "$HERE/json.awk" -f "$HERE/quote.awk" >>notes
}

# Notes why it did not go well: kind, message (or f for the fifth: a file of it), help, object.
because() {
    if [ "${5:-s}" = s ]; then words=$2; else words=$(head -c 2000 "$2"); fi
    say "error ($1)${4:+ on $4}: $words"
    json type:s=error kind:s="$1" message:s="$words" help:n="${3:-}" object:n="${4:-}" >cause.json || {
        rm -f reserve
        json type:s=error kind:s="$1" message:s="$words" help:n="${3:-}" object:n="${4:-}" >cause.json
    }
    printf '%s' "${4:+$4: }$words" | tr '\n' ' ' >why
}

# kubectl, which may be a command with arguments; until $BEFORE, if that is set. It must not hold our locks open should we be killed.
k() {
    bound=
    if [ -n "${BEFORE:-}" ] && has timeout; then
        bound=$((BEFORE - $(date +%s)))
        if [ "$bound" -lt 5 ]; then bound=5; fi
        bound="timeout $bound"
    fi
    # shellcheck disable=SC2086
    $bound $KUBECTL --request-timeout="${REQUEST_TIMEOUT}s" "$@" 8>&- 9>&- </dev/null
}

# Chooses kubectl and its configuration; false if there is none.
find_kubectl() {
    if [ -z "${KUBECTL:-}" ]; then
        if has kubectl; then
            KUBECTL=kubectl
        elif has k3s; then
            KUBECTL='k3s kubectl'
        elif [ -x /usr/local/bin/k3s ]; then
            KUBECTL='/usr/local/bin/k3s kubectl'
        else
            return 1
        fi
    fi
    if [ -z "${KUBECONFIG:-}" ] && [ -f /etc/rancher/k3s/k3s.yaml ]; then KUBECONFIG=/etc/rancher/k3s/k3s.yaml; fi
    : "${KUBECONFIG:=$OWN_KUBECONFIG}"
    if [ -n "${KUBECONFIG:-}" ]; then export KUBECONFIG; else unset KUBECONFIG; fi
    has "${KUBECTL%% *}"
}

need_kubectl() {
    find_kubectl || refuse notFound "${KUBECTL:-kubectl} is not on the node" \
        "install kubectl or K3s there, or say where kubectl is"
}

# Whether somebody holds a lock file.
held() { [ -f "$1" ] && ! (flock -s -n 6) 6<"$1"; }

# Waits a moment: a tenth of a second where sleep can.
moment() { sleep 0.1 2>/dev/null || sleep 1; }

# Sends a file to a presigned URL: URL, file, seconds.
put() {
    has curl || return 1
    case $1 in *[\"\\]* | *[[:cntrl:]]*) return 1 ;; esac
    # The URL is a credential: not in the arguments, where every user sees it.
    printf 'url = "%s"\n' "$1" | curl -K - -fsS --max-time "$3" --connect-timeout 5 -o /dev/null -T "$2" 8>&- 9>&-
}

# The report of a deployment that tells no more: id, status, cause.
bare_report() {
    json format:r=1 app:s="$APP" id:s="$1" number:r=null status:s="$2" cause:r="$3" objects:r='[]' undo:r=null \
        evidence:r='{"pods":[],"events":[],"gaps":[]}' notes:r='[]' started:s="$(stamp)" ended:s="$(stamp)" previous:r=null
}

# Ends a command that cannot even begin: kind, message, help, status. A deployment refused is a report like any other, and the end
# of its id if it had begun to begin ($BEGINS), unless an earlier run of that id wrote something.
refuse() {
    trap - EXIT
    error=$(json kind:s="$1" message:s="$2" help:n="${3:-}")
    case ${VERB:-} in
    deploy | rollback | attach | cancel)
        report=$(bare_report "$ID" "${4:-refused}" "{\"type\":\"error\",\"object\":null,${error#?}")
        printf 'deploy-ssm/1 %s\n' "$report"
        if [ -n "${BEGINS:-}" ] && [ ! -s "$RUN/noted.tsv" ]; then printf '%s\n' "$report" | keep "$RUN/result.json" 2>/dev/null || :; fi
        if [ -n "${WORK:-}" ] && [ -n "${RESULT_URL:-}" ] && printf '%s\n' "$report" >"$WORK/refused"; then
            put "$RESULT_URL" "$WORK/refused" 10 || :
        fi
        ;;
    *) printf 'deploy-ssm/1 {"error":%s}\n' "$error" ;;
    esac
    tidy
    exit 1
}

# Removes what a command needed for itself.
tidy() {
    if [ -n "${WORK:-}" ]; then rm -rf "$WORK"; fi
}
