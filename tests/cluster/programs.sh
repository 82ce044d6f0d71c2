# shellcheck shell=bash
# The programs of the node, made once and kept in the cache: Kubernetes from Go modules, the rest from Debian's packages.

TOOLS=$CACHE/debian

# Sets KUBE to the folder that holds etcd, kubectl and the components.
build_kube() {
    local version flags key program
    command -v go >/dev/null || fail "Go is needed to build Kubernetes (go.mod names its version)"
    version=$(sed -n 's|^\tk8s.io/kubernetes ||p' "$HERE/kube/go.mod")
    flags="-s -w"
    for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
        flags+=" -X $package.gitVersion=$version -X $package.gitMajor=1 -X $package.gitMinor=$(cut -d. -f2 <<<"$version")"
    done
    key=$({ cd "$HERE/kube" && cat -- *.go go.mod go.sum && go env GOVERSION GOARCH && echo "$flags"; } | sha256sum)
    KUBE=$CACHE/kube-${key:0:16}
    [[ ! -x $KUBE/kube ]] || return 0

    say "building Kubernetes $version from Go modules; once, about 5 minutes on 2 cores"
    mkdir -p "$KUBE"
    (cd "$HERE/kube" && CGO_ENABLED=0 GOFLAGS='' GOWORK=off nice go build -mod=readonly -trimpath -buildvcs=false \
        -ldflags "$flags" -o "$KUBE/kube.new" .) >&2 || fail "the build of $HERE/kube failed"
    for program in etcd kubectl kubelet kube-apiserver kube-controller-manager kube-scheduler; do
        ln -sf kube "$KUBE/$program"
    done
    mv "$KUBE/kube.new" "$KUBE/kube"
}

# Packages are unpacked, not installed: nothing starts, and no containerd that is already here is replaced.
unpack_packages() {
    local packages=(containerd runc containernetworking-plugins docker-registry busybox-static) new
    [[ ! -d $TOOLS ]] || return 0
    command -v apt-get >/dev/null || fail "apt-get is needed for ${packages[*]} (Debian, Ubuntu)"
    say "fetching ${packages[*]}; once"
    mkdir -p "$CACHE"
    new=$(mktemp -d "$CACHE/debian.XXXXXX")
    chmod 755 "$new"
    (
        set -e
        cd "$new"
        apt-get -q update
        apt-get -q download "${packages[@]}"
        for package in *.deb; do dpkg-deb --extract "$package" root; done
        find root -type f -path '*bin/*' -exec mv -t . {} +
        mv root/usr/lib/cni cni
        rm -r root ./*.deb
    ) >&2 || fail "apt-get could not fetch ${packages[*]}"
    mv -T "$new" "$TOOLS"
}

# Test binaries of the machine (setup-envtest's) take precedence where they exist; they hold no kubelet, for example.
link_programs() {
    local program source
    mkdir -p "$STATE/bin"
    for program in etcd kubectl kubelet kube-apiserver kube-controller-manager kube-scheduler; do
        source=$KUBE/$program
        [[ ! -x ${KUBEBUILDER_ASSETS:-}/$program ]] || source=$KUBEBUILDER_ASSETS/$program
        ln -s "$source" "$STATE/bin/$program"
    done
}
