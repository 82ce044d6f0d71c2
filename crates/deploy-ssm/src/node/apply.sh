# shellcheck shell=sh
# shellcheck disable=SC2015 # Both may fail.
# Writing the stages of a package: what stood before is noted first, so that a run that dies in between can be undone.
# shellcheck disable=SC2154 # The parameters are assigned in `params`.

stages() { cut -f 1 "$1/objects.tsv" | sort -u; }

stage_rows() { awk -F '\t' -v stage="$2" '$1 == stage' "$1/objects.tsv"; }

# kubectl on the files of a stage, Secrets first: package, stage, arguments.
on_stage() {
    package=$1 staged=$2
    shift 2
    if [ -f "$package/stages/$staged.secret.json" ]; then set -- "$@" -f "$package/stages/$staged.secret.json"; fi
    if [ -f "$package/stages/$staged.json" ]; then set -- "$@" -f "$package/stages/$staged.json"; fi
    k "$@"
}

# Whether hardly anything is free: then kubectl could not even tell. On the way back, the reserve is.
full() {
    [ -e reserve ] || return 1
    free=$(df -Pk . | awk 'NR == 2 { print $4 }')
    case $free in '' | *[!0-9]*) return 1 ;; esac
    [ "$free" -lt 64 ]
}

# kubectl's words in `said` become the cause; the rows of the stage say which object they are about.
because_said() {
    kind=full object=
    if full; then
        because unavailable "the node's disk is full" "make room in $STATE_DIR"
        return
    fi
    told=$(awk -f "$HERE/json.awk" -f "$HERE/cause.awk" part=error said part=stage rows)
    kind=${told%%	*} object=${told#*	}
    case $kind in
    forbidden) help='bind a role that allows it to the user of the kubeconfig on the node' ;;
    conflict) help='another manager owns these fields: leave them out, or force the conflicts' ;;
    *) help='' ;;
    esac
    because "$kind" said "$help" "$object" f
}

# The API server is asked until it answers, for a minute at most.
answers() {
    patience=$((TIMEOUT / 4 < 60 ? TIMEOUT / 4 : 60))
    patient=$(($(date +%s) + patience))
    : >rows
    until k get --raw /readyz >ready 2>said; do
        if [ "$(date +%s)" -ge "$patient" ]; then
            if [ ! -s said ]; then head -c 1000 ready >said; fi
            told=$(head -c 600 said | tr '\n' ' ')
            because unavailable "the API server did not answer for $patience s: $told" "is K3s running on the node? see: systemctl status k3s"
            return 1
        fi
        if stopped; then return 1; fi
        sleep 1
    done
}

# Whether somebody asked to stop; then that is the cause.
stopped() {
    [ -e cancel ] || return 1
    say "asked to stop"
    echo '{"type":"cancelled"}' >cause.json
    echo cancelled >why
}

# Writes one stage of the package.
apply_stage() {
    stage=$1
    stage_rows package "$stage" >rows && awk -F '\t' '$2 == 1' rows >gated || {
        because internal "awk failed on the node" "is its memory full?"
        return 1
    }
    on_stage package "$stage" get --ignore-not-found -o json >stands.json 2>said || { because_said; return 1; }
    mkdir -p noted
    awk -f "$HERE/list.awk" -f "$HERE/note.awk" prefix="$stage-" part=noted noted.tsv part=good good.tsv \
        part=stage rows part=json stands.json >noted.new && cat noted.new >>noted.tsv || {
        because unavailable "what stands could not be noted" "is the disk full?"
        return 1
    }
    set -- apply --server-side --field-manager="$FIELD_MANAGER" --validate="$VALIDATE" -o json
    if [ "$FORCE_CONFLICTS" = 1 ]; then set -- "$@" --force-conflicts; fi
    tries=3
    until on_stage package "$stage" "$@" >stands.json 2>said; do
        if [ "$(date +%s)" -ge "$DEADLINE" ]; then echo "timed out: kubectl apply did not end within $TIMEOUT s" >>said; fi
        because_said
        cat said
        tries=$((tries - 1))
        case $kind in unavailable | timeout) ;; *) tries=0 ;; esac
        if [ "$tries" -le 0 ] || [ "$(date +%s)" -ge "$DEADLINE" ]; then
            # kubectl goes on after an object that it cannot write: look what it wrote.
            unsure=
            on_stage package "$stage" get --ignore-not-found -o json >stands.json 2>/dev/null || unsure=1
            written "$unsure"
            return 1
        fi
        sleep 2
    done
    # What kubectl warns of.
    cat said
    rm -f cause.json why
    written ''
}

# Records what a stage did. Answers can hold Secrets, so that they go at once.
written() {
    awk -f "$HERE/json.awk" -f "$HERE/list.awk" -f "$HERE/written.awk" at="$(stamp)" unsure="$1" part=noted noted.tsv part=stage rows \
        part=json stands.json
    rm -f stands.json
}
