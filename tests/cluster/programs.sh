# shellcheck shell=bash
# The programs, made once and kept in the cache: Kubernetes and Helm from Go modules, the rest from Debian's packages.

TOOLS=$CACHE/debian

# Sets KUBE to the folder that holds etcd, kubectl and the components.
build_kube() {
    local version flags key program
    version=$(pinned kube k8s.io/kubernetes)
    flags="-s -w"
    for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
        flags+=" -X $package.gitVersion=$version -X $package.gitMajor=1 -X $package.gitMinor=$(cut -d. -f2 <<<"$version")"
    done
    key=$(build_key "$flags" "$HERE"/kube/{*.go,go.mod,go.sum})
    KUBE=$CACHE/kube-$key
    if [[ ! -x $KUBE/kube ]]; then
        say "building Kubernetes $version from Go modules; once, about 5 minutes on 2 cores"
        mkdir -p "$KUBE"
        for program in etcd kubelet kube-apiserver kube-controller-manager kube-scheduler; do
            ln -sf kube "$KUBE/$program"
        done
        go_build kube . "$flags" "$KUBE/kube"
    fi
    # By itself: within the program that is everything it starts later and takes twice the memory, and benchmarks compare
    # with it. An older cache has a link here.
    if [[ ! -x $KUBE/kubectl || -L $KUBE/kubectl ]]; then
        go_build kube k8s.io/kubernetes/cmd/kubectl "$flags" "$KUBE/kubectl"
    fi
}

# Sets HELM and HELM3 to the paths of helm, which is no part of the node: tests and benchmarks call it, as they call kubectl.
build_helm() {
    HELM=$(helm_of helm helm.sh/helm/v4)
    HELM3=$(helm_of helm3 helm.sh/helm/v3)
}

# helm_of FOLDER MODULE: the path of the helm that the folder pins, built if need be.
helm_of() {
    local version flags helm
    version=$(pinned "$1" "$2")
    flags="-s -w -X $2/internal/version.version=$version"
    helm=$CACHE/helm-$(build_key "$flags" "$HERE/$1"/go.{mod,sum})/helm
    if [[ ! -x $helm ]]; then
        say "building Helm $version from Go modules; once, about 2 minutes on 2 cores"
        mkdir -p "${helm%/*}"
        go_build "$1" "$2/cmd/helm" "$flags" "$helm"
    fi
    echo "$helm"
}

# pinned FOLDER MODULE: the version of it that the folder's go.mod names.
pinned() {
    command -v go >/dev/null || fail "Go is needed to build $1 (tests/cluster/$1/go.mod names its version)"
    sed -n "s|^\t$2 \(v[^ ]*\).*|\1|p" "$HERE/$1/go.mod"
}

# build_key FLAGS FILE…: all that a build depends on, in 16 letters.
build_key() {
    local key flags=$1
    shift
    key=$({ cat -- "$@" && go env GOVERSION GOARCH && echo "$flags"; } | sha256sum)
    echo "${key:0:16}"
}

# go_build FOLDER PACKAGE FLAGS OUTPUT: what the folder's go.sum does not vouch for is refused.
go_build() {
    (cd "$HERE/$1" && CGO_ENABLED=0 GOFLAGS='' GOWORK=off nice go build -mod=readonly -trimpath -buildvcs=false \
        -ldflags "$3" -o "$4.new" "$2") >&2 || fail "the build of $2 in $HERE/$1 failed"
    mv "$4.new" "$4"
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
    ln -s "$HELM" "$STATE/bin/helm"
    ln -s "$HELM3" "$STATE/bin/helm3"
}
