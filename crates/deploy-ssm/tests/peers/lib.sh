# shellcheck shell=bash disable=SC2034
# What up and down share: where things are, and which processes are up's own.

set -euo pipefail

# Beside what cargo builds: it may be removed any time.
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
STATE=${AWS_PEERS_STATE:-${CARGO_TARGET_DIR:-$HERE/../../../../target}/aws-peers}
PEERS=(moto ministack)

# fail MESSAGE [PEER]: the message, and the end of the peer's log.
fail() {
    echo "FAILED: $1" >&2
    [[ -z ${2:-} ]] || tail -n 25 "$STATE/$2.log" >&2
    exit 1
}

# One up or down at a time; the others wait.
take_lock() {
    exec 9>"$STATE/lock"
    flock --wait 300 9 || fail "another up or down holds $STATE/lock"
}

# A process is its id and its start time, since an id alone may have passed to another.
start_time() {
    local stat
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
    # The second field may hold spaces; the state comes after it, and as the 20th from there the start time.
    stat=${stat##*) }
    [[ $stat != Z* ]] && cut -d' ' -f20 <<<"$stat"
}

# runs NAME: whether what up started as NAME still runs.
runs() {
    local pid started
    read -r pid started _ 2>/dev/null <"$STATE/$1.pid" || return 1
    [[ -n $started && $(start_time "$pid") == "$started" ]]
}

port_of() { cut -d' ' -f3 "$STATE/$1.pid"; }

listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
