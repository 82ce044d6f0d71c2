# shellcheck shell=bash
# The command line of each component.

start_etcd() {
    spawn etcd "$STATE/bin/etcd" --data-dir="$STATE/etcd" --unsafe-no-fsync --log-level=warn \
        --listen-client-urls="http://127.0.0.1:$ETCD_PORT" --advertise-client-urls="http://127.0.0.1:$ETCD_PORT" \
        --listen-peer-urls="http://127.0.0.1:$ETCD_PEER_PORT" \
        --initial-advertise-peer-urls="http://127.0.0.1:$ETCD_PEER_PORT" \
        --initial-cluster="default=http://127.0.0.1:$ETCD_PEER_PORT"
}

start_registry() {
    spawn registry "$TOOLS/docker-registry" serve "$STATE/registry.yml"
}

start_containerd() {
    spawn containerd "$TOOLS/containerd" --config "$STATE/containerd.toml" --log-level warn
}

start_apiserver() {
    spawn kube-apiserver "$STATE/bin/kube-apiserver" \
        --etcd-servers="http://127.0.0.1:$ETCD_PORT" \
        --bind-address=127.0.0.1 --advertise-address=127.0.0.1 --secure-port="$API_PORT" \
        --tls-cert-file="$STATE/pki/apiserver.crt" --tls-private-key-file="$STATE/pki/apiserver.key" \
        --token-auth-file="$STATE/tokens.csv" --authorization-mode=Node,RBAC \
        --enable-admission-plugins=NodeRestriction --allow-privileged \
        --service-cluster-ip-range=10.235.0.0/16 \
        --service-account-issuer=https://kubernetes.default.svc \
        --service-account-key-file="$STATE/pki/service-account.key" \
        --service-account-signing-key-file="$STATE/pki/service-account.key" \
        --kubelet-client-certificate="$STATE/pki/kubelet-client.crt" \
        --kubelet-client-key="$STATE/pki/kubelet-client.key" \
        --kubelet-preferred-address-types=Hostname \
        --endpoint-reconciler-type=none
}

start_controller_manager() {
    spawn kube-controller-manager "$STATE/bin/kube-controller-manager" \
        --kubeconfig="$STATE/kube-controller-manager.kubeconfig" --secure-port=0 --leader-elect=false \
        --root-ca-file="$STATE/pki/ca.crt" \
        --service-account-private-key-file="$STATE/pki/service-account.key"
}

start_scheduler() {
    spawn kube-scheduler "$STATE/bin/kube-scheduler" \
        --kubeconfig="$STATE/kube-scheduler.kubeconfig" --secure-port=0 --leader-elect=false
}

start_kubelet() {
    spawn kubelet "$STATE/bin/kubelet" --config="$STATE/kubelet.yaml" --kubeconfig="$STATE/kubelet.kubeconfig" \
        --hostname-override="$NODE" --root-dir="$STATE/kubelet" --cert-dir="$STATE/kubelet/pki"
}
