# shellcheck shell=bash
# The configuration files of the node, written anew by each up into the state folder.

token() { od -An -tx1 -N20 /dev/urandom | tr -d ' \n'; }

# The first free port of loopback from this one on.
free_port() {
    local port=$1
    while listens "$port"; do port=$((port + 1)); done
    echo "$port"
}

# write_kubeconfig FILE USER=TOKEN…: a context for each user, named like it; the first is the current one.
write_kubeconfig() {
    local file=$1 pair
    shift
    {
        cat <<YAML
apiVersion: v1
kind: Config
clusters:
- name: test
  cluster:
    server: https://127.0.0.1:$API_PORT
    certificate-authority-data: $(base64 -w0 "$STATE/pki/ca.crt")
current-context: ${1%%=*}
contexts:
YAML
        for pair; do
            printf -- '- name: %s\n  context: {cluster: test, user: %s, namespace: default}\n' "${pair%%=*}" "${pair%%=*}"
        done
        echo users:
        for pair; do
            printf -- '- name: %s\n  user: {token: %s}\n' "${pair%%=*}" "${pair#*=}"
        done
    } >"$file"
}

write_users() {
    local admin limited manager scheduler kubelet
    admin=$(token) limited=$(token) manager=$(token) scheduler=$(token) kubelet=$(token)
    cat >"$STATE/tokens.csv" <<CSV
$admin,admin,admin,"system:masters"
$limited,limited,limited
$manager,system:kube-controller-manager,manager,"system:masters"
$scheduler,system:kube-scheduler,scheduler
$kubelet,system:node:$NODE,kubelet,"system:nodes"
CSV
    write_kubeconfig "$STATE/kubeconfig" "admin=$admin" "limited=$limited"
    write_kubeconfig "$STATE/kube-controller-manager.kubeconfig" "manager=$manager"
    write_kubeconfig "$STATE/kube-scheduler.kubeconfig" "scheduler=$scheduler"
    write_kubeconfig "$STATE/kubelet.kubeconfig" "kubelet=$kubelet"
}

write_registry_config() {
    cat >"$STATE/registry.yml" <<YAML
version: 0.1
log: {level: warn, accesslog: {disabled: true}}
storage:
  filesystem: {rootdirectory: $STATE/registry}
  delete: {enabled: true}
http: {addr: "$REGISTRY"}
YAML
}

write_containerd_config() {
    mkdir -p "$STATE/cni"
    # No masquerading: pods need the node and each other, nothing else, and no packet filter is needed for that.
    cat >"$STATE/cni/10-bridge.conflist" <<JSON
{
  "cniVersion": "0.4.0",
  "name": "test",
  "plugins": [{
    "type": "bridge", "bridge": "$BRIDGE", "isGateway": true, "ipMasq": false,
    "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.234.0.0/16"}]], "routes": [{"dst": "0.0.0.0/0"}]}
  }]
}
JSON
    cat >"$STATE/containerd.toml" <<TOML
version = 2
root = "$STATE/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.aufs"]

[grpc]
  address = "$CONTAINERD"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "$REGISTRY/pause:1"
  # Lowering the score of a process needs CAP_SYS_RESOURCE, which root in a container may lack.
  restrict_oom_score_adj = true
  # A profile would stay loaded on the host.
  disable_apparmor = true

  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "$TOOLS/cni"
    conf_dir = "$STATE/cni"

  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      BinaryName = "$TOOLS/runc"
TOML
}

write_kubelet_config() {
    # Pods get this one; the host's names a resolver that they cannot reach.
    echo "nameserver 127.0.0.1" >"$STATE/resolv.conf"
    cat >"$STATE/kubelet.yaml" <<YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: 127.0.0.1
port: $KUBELET_PORT
healthzPort: 0
authentication:
  anonymous: {enabled: false}
  webhook: {enabled: false}
  x509: {clientCAFile: $STATE/pki/ca.crt}
authorization: {mode: AlwaysAllow}
containerRuntimeEndpoint: unix://$CONTAINERD
cgroupDriver: cgroupfs
cgroupRoot: /$CGROUP
failCgroupV1: false
failSwapOn: false
oomScoreAdj: 0
makeIPTablesUtilChains: false
podLogsDir: $STATE/pod-logs
resolvConf: $STATE/resolv.conf
maxPods: 250
# Many tests pull at the same time.
registryPullQPS: 0
# The disk of the machine is not ours to judge: no eviction, no collection of images.
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
evictionHard: {memory.available: 50Mi, nodefs.available: 100Mi, imagefs.available: 100Mi, nodefs.inodesFree: "1000"}
YAML
}
