# shellcheck shell=bash disable=SC2034
# What up, down and apiserver share: where things are, and how processes of the node are started and found.
#
# Everything that runs lives in one pid namespace and one mount namespace. Whatever up starts therefore ends with
# the namespace's first process, and whatever kubelet and containerd mount goes with it; the host never sees it.

set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
CACHE=${TEST_CLUSTER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/deploy-test-cluster}
STATE=${TEST_CLUSTER_STATE:-/var/lib/deploy-test-cluster}
REGISTRY=127.0.0.1:${TEST_CLUSTER_REGISTRY_PORT:-5000}

# In the state folder: only a folder that holds it is ours to empty.
MARKER=made-by-deploy-test-cluster
# Names on the host that only this cluster uses.
BRIDGE=deploytest0
CGROUP=deploy-test-cluster
# Loopback in every hosts file, so the API server finds the kubelet (logs, exec, port-forward) by the node's name.
NODE=localhost
# In the order of starting.
COMPONENTS=(etcd registry containerd kube-apiserver kube-controller-manager kube-scheduler kubelet)
# Kernel settings of the whole machine that kubelet and the CNI bridge change; down puts them back.
SYSCTLS=(kernel/panic kernel/panic_on_oops kernel/keys/root_maxkeys kernel/keys/root_maxbytes
    vm/overcommit_memory vm/panic_on_oom net/ipv4/ip_forward)

say() { printf '%s\n' "$*" >&2; }

# fail MESSAGE [COMPONENT]: the message, the end of the component's log, and the way out.
fail() {
    say "FAILED: $1"
    if [[ -n ${2:-} && -s $STATE/log/$2.log ]]; then
        say "the last lines of $STATE/log/$2.log:"
        tail -n 25 "$STATE/log/$2.log" >&2
    fi
    exit 1
}

require_root() {
    [[ $(id -u) == 0 ]] || fail "only root can run containers and namespaces here; use sudo"
}

# One up or down at a time; the others wait.
take_lock() {
    exec 9>/run/deploy-test-cluster.lock
    flock --wait 900 9 || fail "another up or down holds /run/deploy-test-cluster.lock since 15 minutes"
}

# A process is its id and its start time, since an id alone may have passed to another. Not its command line: that one is
# empty for as long as the process is loading its program.
start_time() {
    local stat
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
    # The second field may hold spaces; the state comes after it, and as the 20th from there the start time.
    stat=${stat##*) }
    [[ $stat != Z* ]] && cut -d' ' -f20 <<<"$stat"
}

# Prints the id of the node's first process if it runs.
node_pid() {
    local pid started
    read -r pid started 2>/dev/null <"$STATE/run/node" || return 1
    [[ $(start_time "$pid") == "$started" ]] || return 1
    echo "$pid"
}

in_node() {
    local pid
    pid=$(node_pid) || return 1
    nsenter --target "$pid" --mount --pid --wd=/ -- "$@" 9>&-
}

# spawn NAME COMMAND…: starts a component, and leaves what respawn needs.
spawn() {
    local name=$1
    shift
    # No proxy, no credentials, no debug switches from the caller's environment.
    printf '%q ' exec env -i HOME="$STATE" PATH="$TOOLS:/usr/sbin:/usr/bin:/sbin:/bin" "$@" >"$STATE/run/$name.sh"
    respawn "$name"
}

# respawn NAME: starts a component with the command line it had.
respawn() {
    # shellcheck disable=SC2016
    in_node bash -c "$(declare -f start_time)"'
        setsid bash "$1/run/$2.sh" </dev/null >>"$1/log/$2.log" 2>&1 &
        echo "$! $(start_time $!)" >"$1/run/$2.pid"
    ' respawn "$STATE" "$1" || fail "could not start $1" "$1"
}

# runs NAME…: whether all these components run. Their ids are of the node's pid namespace, where only they are.
runs() {
    local pairs=() name pid started
    for name; do
        read -r pid started 2>/dev/null <"$STATE/run/$name.pid" || return 1
        pairs+=("$pid" "$started")
    done
    # shellcheck disable=SC2016
    in_node bash -c "$(declare -f start_time)"'
        while (($#)); do [[ -n $2 && $(start_time "$1") == "$2" ]] || exit 1; shift 2; done
    ' runs "${pairs[@]}"
}

# wait_for SECONDS COMPONENT COMMAND…: until the command succeeds; fails when the component ends or time is up.
wait_for() {
    local deadline=$((SECONDS + $1)) component=$2 answer
    shift 2
    until answer=$("$@" 2>&1 >/dev/null); do
        runs "$component" || fail "$component ended" "$component"
        ((SECONDS < deadline)) || fail "$component is not ready in time: $answer" "$component"
        sleep 0.1
    done
}

listens() { (exec 3<>"/dev/tcp/127.0.0.1/${1##*:}") 2>/dev/null; }

kubectl() { "$STATE/bin/kubectl" --kubeconfig "$STATE/kubeconfig" --request-timeout=5s "$@"; }

apiserver_ready() { kubectl get --raw /readyz; }
