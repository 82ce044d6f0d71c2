# shellcheck shell=sh
# shellcheck disable=SC2010 # Names that ls prints are filtered: none is of our making that holds a newline.
# Questions: what runs, what ran, how the node is. They write nothing but `sweep`, which tidies up.
# shellcheck disable=SC2154 # The parameters are assigned in `params`.

# The answer is one line of JSON.
reply() {
    printf 'deploy-ssm/1 %s\n' "$1"
    tidy
    exit 0
}

newest_runs() { ls -t "$ROOT/runs" 2>/dev/null | grep -Ex '[0-9A-Za-z-]+' | head -n 20 || :; }

# running, ended, or died: killed before its end, after it had written something.
state_of() {
    if [ -f "$ROOT/runs/$1/result.json" ]; then
        echo ended
    elif held "$ROOT/runs/$1/alive" || held "$ROOT/runs/$1/starting"; then
        echo running
    elif [ -s "$ROOT/runs/$1/noted.tsv" ]; then
        echo died
    else
        echo ended
    fi
}

current_number() { if [ -f "$ROOT/current" ]; then cut -d ' ' -f 1 <"$ROOT/current"; else echo null; fi; }

ask_status() {
    newest_runs >"$WORK/runs"
    while IFS= read -r other; do json id:s="$other" state:s="$(state_of "$other")"; done <"$WORK/runs" >"$WORK/states"
    if [ -z "$ID" ]; then ID=$(head -n 1 "$WORK/runs"); fi
    run=null
    if [ -n "$ID" ] && [ -d "$ROOT/runs/$ID" ]; then
        ended=
        # The status is among the first members; the ones before are bounded.
        if [ -f "$ROOT/runs/$ID/result.json" ]; then
            ended=$(head -c 400 "$ROOT/runs/$ID/result.json" | sed -n 's/.*"status":"\([A-Za-z]*\)".*/\1/p')
        fi
        tail -n 20 "$ROOT/runs/$ID/events.jsonl" 2>/dev/null | untorn at | whole 14000 >"$WORK/events" || :
        run=$(json id:s="$ID" state:s="$(state_of "$ID")" status:n="$ended" events:l="$WORK/events")
    fi
    reply "$(json app:s="$APP" current:r="$(current_number)" run:r="$run" runs:l="$WORK/states")"
}

# The last lines that fit into so many bytes, none cut.
whole() { awk -v most="$1" '{ line[NR] = $0 } END { for (i = NR; i > 0 && (most -= length(line[i]) + 1) > 0; i--); while (i++ < NR) print line[i] }'; }

# The objects on stdin, each with this first member on a line of its own: neither torn nor grown onto one that was.
untorn() { grep -x "{\"$1\":.*}" | grep -v ".{\"$1\":" || :; }

ask_history() {
    tail -n 100 "$ROOT/history.jsonl" 2>/dev/null | untorn number | whole 16000 >"$WORK/entries" || :
    ls "$ROOT/bundles" 2>/dev/null | grep -Ex '[0-9]+' | sort -n >"$WORK/kept" || :
    reply "$(json app:s="$APP" current:r="$(current_number)" kept:l="$WORK/kept" entries:l="$WORK/entries")"
}

# A bundle that is kept, without its Secrets: in base64 if it is small, and sent to LOG_URL if that is given.
ask_show() {
    bundle=$ROOT/bundles/${NUMBER:-0}
    [ -f "$bundle/objects.tsv" ] || refuse notFound "bundle ${NUMBER:-0} of $APP is not kept on the node" "ask for the history: it names those that are"
    mkdir "$WORK/show"
    cp -R "$bundle/." "$WORK/show"
    find "$WORK/show" -name '*.secret.json' -exec rm -f {} +
    (cd "$WORK/show" && tar -cf - .) | gzip -9 >"$WORK/show.tar.gz"
    sent=false
    if [ -n "${LOG_URL:-}" ] && put "$LOG_URL" "$WORK/show.tar.gz" 60; then sent=true; fi
    package=null
    if [ "$(wc -c <"$WORK/show.tar.gz")" -le 12000 ]; then package="\"$(base64 <"$WORK/show.tar.gz" | tr -d '\n')\""; fi
    reply "$(json app:s="$APP" number:r="$NUMBER" package:r="$package" sent:r="$sent")"
}

# Notes that the deployment NUMBER, which was healthy here, is not good by what the caller found.
ask_fail() {
    exec 9>>"$ROOT/lock"
    flock -w 30 9 || refuse locked "another deployment of $APP is running on the node"
    line=$(grep "^{\"number\":$NUMBER," "$ROOT/history.jsonl" 2>/dev/null | tail -n 1) || line=
    [ -n "$line" ] || refuse notFound "deployment $NUMBER of $APP is not in the node's history"
    case $line in
    *'"status":"healthy"'*)
        append "$(json number:r="$NUMBER" id:s="$ID" status:s=left at:s="$(stamp)" gitRevision:n="${GIT_REVISION:-}" description:n="$WHY")" "$ROOT/history.jsonl" ||
            refuse unavailable "the history could not be written" "is the disk full?"
        ;;
    esac
    reply "$(json app:s="$APP" number:r="$NUMBER")"
}

# Whether the API server is ready, and how long it took to say so.
ask_health() {
    need_kubectl
    begun=$(clock)
    ready=true
    k get --raw /readyz >"$WORK/ready" 2>"$WORK/said" || ready=false
    ended=$(clock)
    if [ "$ready" = false ]; then cat "$WORK/said" >>"$WORK/ready"; fi
    reply "$(json ready:r="$ready" millis:r=$((ended - begun)) message:f="$WORK/ready")"
}

# Milliseconds; whole seconds where date knows no parts of them.
clock() {
    nanos=$(date +%s%N)
    case $nanos in *[!0-9]*) echo $(($(date +%s) * 1000)) ;; *) echo $((nanos / 1000000)) ;; esac
}

# How the node is: what explains most failures is outside the manifests.
ask_diagnose() {
    : >"$WORK/gaps"
    { df -Pk / "$STATE_DIR" 2>/dev/null || df -Pk /; } | awk 'NR > 1 && !seen[$6]++' >"$WORK/disk"
    cat /proc/meminfo >"$WORK/memory" 2>/dev/null || :
    cat /proc/loadavg >"$WORK/load" 2>/dev/null || :
    for of in version nodes pods events; do : >"$WORK/$of"; done
    if find_kubectl; then
        look version version -o json
        # shellcheck disable=SC2016
        look nodes get nodes -o go-template='{{range $n := .items}}{{range .status.conditions}}{{$n.metadata.name}}{{"\t"}}{{$n.status.nodeInfo.kubeletVersion}}{{"\t"}}{{.type}}{{"\t"}}{{.status}}{{"\n"}}{{end}}{{end}}'
        # shellcheck disable=SC2016
        look pods get pods --all-namespaces -o go-template='{{range $p := .items}}{{$ready := "False"}}{{$why := ""}}{{range .status.conditions}}{{if eq .type "Ready"}}{{$ready = .status}}{{end}}{{end}}{{range .status.containerStatuses}}{{with .state.waiting}}{{$why = .reason}}{{end}}{{end}}{{.metadata.namespace}}{{"\t"}}{{.metadata.name}}{{"\t"}}{{.status.phase}}{{"\t"}}{{$ready}}{{"\t"}}{{$why}}{{"\n"}}{{end}}'
        look events get events --all-namespaces --field-selector=type=Warning -o go-template='{{range .items}}{{.involvedObject.kind}}{{"\t"}}{{.involvedObject.namespace}}{{"\t"}}{{.involvedObject.name}}{{"\t"}}{{.reason}}{{"\t"}}{{printf "%q" .message}}{{"\n"}}{{end}}'
    else
        echo '"kubectl is not on the node"' >"$WORK/gaps"
    fi
    (cd "$WORK" && awk -f "$HERE/json.awk" -f "$HERE/diagnose.awk" part=disk disk part=memory memory part=load load part=version version \
        part=nodes nodes part=pods pods part=events events part=gaps gaps) >"$WORK/diagnosis"
    reply "$(cat "$WORK/diagnosis")"
}

# One question to the API server; what it cannot tell is a gap.
look() {
    to=$1
    shift
    k "$@" >"$WORK/$to" 2>"$WORK/said" && return
    json is:f="$WORK/said" | sed 's/^{"is"://; s/}$//' >>"$WORK/gaps"
}

# Ends of old runs, and what killed commands left behind. A dead run that has written something stays: the next deployment needs
# to know what.
ask_sweep() {
    if [ "$KEEP" -lt 1 ]; then KEEP=1; fi
    : >"$WORK/removed"
    : >"$WORK/died"
    kept=0
    { ls -t "$ROOT/runs" 2>/dev/null | grep -Ex '[0-9A-Za-z-]+' || :; } >"$WORK/runs"
    # As many as the newest deployment that said how many.
    said=$(while IFS= read -r other; do
        sed -n "s/^KEEP='\([0-9][0-9]*\)'$/\1/p" "$ROOT/runs/$other/node/params" 2>/dev/null || :
    done <"$WORK/runs" | head -n 1)
    if [ "${said:-0}" -gt "$KEEP" ]; then KEEP=$said; fi
    while IFS= read -r other; do
        state=$(state_of "$other")
        if [ -f "$ROOT/runs/$other/result.json" ]; then
            kept=$((kept + 1))
            [ "$kept" -gt "$KEEP" ] || continue
        elif [ "$state" = running ]; then
            continue
        elif [ "$state" = died ]; then
            printf '"%s"\n' "$other" >>"$WORK/died"
            continue
        fi
        rm -rf "$ROOT/runs/${other:?}"
        printf '"%s"\n' "$other" >>"$WORK/removed"
    done <"$WORK/runs"
    # Folders of commands that were killed, as old as no command gets.
    find "${TMPDIR:-/tmp}" -maxdepth 1 -type d -name 'deploy-ssm.*' -mtime +2 -exec rm -rf {} + 2>/dev/null || :
    whole 8000 <"$WORK/removed" >"$WORK/removed.cut"
    reply "$(json app:s="$APP" removed:l="$WORK/removed.cut" died:l="$WORK/died")"
}
