# shellcheck shell=sh
# shellcheck disable=SC2094 # Different files.
# Following objects until they are healthy, hopeless, or out of time.
# shellcheck disable=SC2154 # The parameters are assigned in `params`.

# What is healthy once it is written is not read again, least of all Secrets.
judged() {
    awk -F '\t' '!($5 == "" && $4 ~ /^(ConfigMap|Secret|ServiceAccount)$/ || $5 == "rbac.authorization.k8s.io")'
}

# What to ask for: a line `namespace, resources` for each namespace, with the pods and Events of its workloads; and one for all
# objects without a namespace, by name.
questions() {
    # shellcheck disable=SC2016
    awk -F '\t' '
        { version = $3; sub(/.*\//, "", version); resource = $4 "." version "." $5 }
        $6 == "" { named = named " " resource "/" $7; next }
        !(($6, resource) in asked) {
            asked[$6, resource] = 1
            list[$6] = list[$6] "," resource
            if (($5 == "apps" || $5 == "batch" || $5 == "" && $4 ~ /^(Pod|ReplicationController)$/) && !works[$6]++)
                helpers[$6] = ",Pod.v1.,Event.v1.,ReplicaSet.v1.apps,ControllerRevision.v1.apps,PersistentVolumeClaim.v1."
            else if ($5 == "" && $4 ~ /^(Service|PersistentVolumeClaim)$/ && !helpers[$6]) helpers[$6] = ",Event.v1."
        }
        END {
            for (namespace in list) {
                n = split(helpers[namespace], helper, ",")
                for (i = 2; i <= n; i++)
                    if (!((namespace, helper[i]) in asked)) list[namespace] = list[namespace] "," helper[i]
                print namespace "\t" substr(list[namespace], 2)
            }
            if (named != "") print "-\t" substr(named, 2)
        }'
}

# Reads what the questions ask for into poll.json; false if nothing could be read.
poll() {
    : >poll.json
    unread=0
    while IFS='	' read -r where what; do
        if [ "$where" = - ]; then
            # shellcheck disable=SC2086 # Names of objects, without blanks.
            k get --ignore-not-found -o json $what >>poll.json 2>said || unread=1
        else
            k get --namespace="$where" -o json "$what" >>poll.json 2>said || unread=1
        fi
    done <questions
    if [ "$unread" = 1 ] && ! cmp -s said unread; then
        say "not all could be read: $(head -c 1000 said)"
        cp said unread
    fi
    [ -s poll.json ]
}

# Follows the objects on stdin until the time given: sets $verdict to healthy, failed, timedOut or cancelled.
follow() {
    until=$1 mayCancel=${2:-1}
    # What could not be written down would pass for nothing to wait for.
    if ! { judged >targets && questions <targets >questions && room; }; then
        rm -f reserve
        say "there is no room to follow what was applied"
        verdict=blind
        return
    fi
    : >verdicts
    : >unread
    : >unstuck
    rm -f state state.new failures waiting waiting_ids hopeless tally
    began=$(date +%s)
    verdict=healthy
    while [ -s targets ]; do
        now=$(date +%s)
        if poll; then
            # A judge that is killed leaves no tally: then nothing is known.
            rm -f tally
            judge "$now"
            unstick
            { read -r well going hopeless <tally; } 2>/dev/null || well=0 going=1 hopeless=0
            if [ "$hopeless" -gt 0 ]; then verdict=failed; return; fi
            if [ "$going" -eq 0 ] && [ "$well" -gt 0 ]; then return; fi
        fi
        if [ "$mayCancel" = 1 ] && stopped; then verdict=cancelled; return; fi
        if [ "$now" -ge "$until" ]; then verdict=timedOut; return; fi
        if [ $((now - began)) -lt 20 ]; then sleep 1; else sleep 2; fi
    done
}

# Judges one poll.
judge() {
    awk -f "$HERE/rules.awk" -f "$HERE/judge.awk" -v now="$1" -v state=state -v targets=targets <poll.json >verdicts.new || return 0
    if [ -f state.new ]; then mv state.new state; fi
    rm -f failures waiting waiting_ids hopeless
    awk -f "$HERE/json.awk" -f "$HERE/verdicts.awk" at="$(stamp)" part=targets targets part=old verdicts part=new verdicts.new
    mv verdicts.new verdicts
}

# A StatefulSet waits for ever for a broken pod of an older revision: each is deleted, once.
unstick() {
    sed -n 's/^U	//p' verdicts >stuck
    while IFS='	' read -r where pod uid; do
        if grep -qxF -e "$uid" unstuck; then continue; fi
        printf '%s\n' "$uid" >>unstuck
        if k delete --namespace="$where" --wait=false "Pod.v1./$pod" >/dev/null 2>said; then
            warn "Pod $where/$pod of an older revision was broken and held up its StatefulSet: deleted"
        else
            warn "Pod $where/$pod of an older revision is broken and holds up its StatefulSet: $(head -c 500 said)"
        fi
    done <stuck
}

# Whether something can still be written.
room() { echo room >room 2>/dev/null && [ -s room ]; }

# What the verdict was, as a cause on stdout.
verdict_cause() {
    case $verdict in
    failed)
        mv hopeless why
        json type:s=failed failures:l=failures
        ;;
    timedOut)
        [ -f waiting ] || awk -f "$HERE/json.awk" -f "$HERE/unseen.awk" targets >waiting
        echo "timed out" >why
        json type:s=timedOut waiting:l=waiting
        ;;
    blind)
        echo "the node's disk is full" >why
        json type:s=error kind:s=unavailable message:s="the node's disk is full: what was applied could not be followed" \
            help:s="make room on the node" object:r=null
        ;;
    *) json type:s=cancelled ;;
    esac
}
