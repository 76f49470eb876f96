#!/usr/bin/env bash
# kube-apiserver, kube-controller-manager (1.20.2) and etcd on a Debian 12 machine, from Debian's own packages: nothing prebuilt is
# there, so the first two are compiled from the source package. Nothing is installed. Once: 4 to 8 minutes on two cores, 2 GB of
# scratch that is removed in the end; 240 MB stay.                                                  usage: build_kubernetes.sh DEST
set -euo pipefail
cd "$(dirname "$0")/.."
NAME=cluster EVERY=30
. local/step.sh

destination=$1
work=$destination.partial
[ ! -d "$destination/bin" ] || exit 0
command -v apt-get dpkg >/dev/null || { say "this machine has no apt-get and dpkg to build it with: set KUBEBUILDER_ASSETS" >&2; exit 1; }

# The machine's own mirror, by an apt state of our own that has the sources too.
mirror() {
  cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null |
    sed -n 's/^\(URIs:\|deb\) *\(.*\)/ \2/p' | grep -oE 'https?://[^ ]+/debian/?( |$)' | sed -n '1s/[/ ]*$//p'
}

fetch() {
  local from options
  from=$(mirror || true)
  from=${from:-http://deb.debian.org/debian}
  mkdir -p apt/state/lists/partial apt/cache/archives/partial bin
  for kind in deb deb-src; do
    echo "$kind [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $from bookworm main"
    echo "$kind [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $from-security bookworm-security main"
  done >apt/sources.list
  options=(-oDir::State="$PWD/apt/state" -oDir::Cache="$PWD/apt/cache" -oDir::Etc::SourceList="$PWD/apt/sources.list"
    -oDir::Etc::SourceParts=/dev/null -oDebug::NoLocking=1 -oAPT::Sandbox::User= -oAcquire::Retries=3)
  apt-get "${options[@]}" -qq update
  apt-get "${options[@]}" -qq download golang-1.19-go golang-1.19-src golang-github-modern-go-reflect2-dev etcd-server
  apt-get "${options[@]}" -qq source --download-only kubernetes
}

unpack() {
  for package in ./*.deb; do dpkg -x "$package" root; done
  python3 - <<'PYTHON' # what dpkg-source -x would do, without dpkg-dev: the upstream tree; Debian's patches are not wanted
import pathlib, tarfile
[archive] = pathlib.Path().glob("kubernetes_*.orig.tar.*")
with tarfile.open(archive) as tree:
    tree.extractall("unpacked")
[folder] = pathlib.Path("unpacked").iterdir()
folder.rename("k8s")
PYTHON
  cp root/usr/bin/etcd bin/
  # reflect2 1.0.1 in the tree is broken on Go from 1.18 on; Debian packages 1.0.2
  rm -rf k8s/vendor/github.com/modern-go/reflect2
  cp -r root/usr/share/gocode/src/github.com/modern-go/reflect2 k8s/vendor/github.com/modern-go/reflect2
  [ -e "$GOROOT/src/fmt" ] || { rm -rf "$GOROOT/src"; ln -s "$PWD/root/usr/share/go-1.19/src" "$GOROOT/src"; }
  mkdir -p home k8s/.go/src/k8s.io
  ln -sfn ../../.. k8s/.go/src/k8s.io/kubernetes
}

# The OpenAPI definitions are generated code that is not in the tree.
generate() {
  cd k8s/.go/src/k8s.io/kubernetes
  local modules packages
  modules=api,apimachinery,kube-aggregator/pkg/apis,apiextensions-apiserver/pkg/apis,apiserver/pkg,component-base,kubelet
  modules=$modules,kube-controller-manager,kube-scheduler,kube-proxy,cloud-provider,metrics,controller-manager,client-go
  go build -o "$work/openapi-gen" ./vendor/k8s.io/kube-openapi/cmd/openapi-gen
  packages=$(eval "grep -rl --include='*.go' '^// +k8s:openapi-gen=true' staging/src/k8s.io/{$modules} pkg" |
    xargs -n1 dirname | sort -u | sed 's#^staging/src/#k8s.io/kubernetes/vendor/#; s#^pkg/#k8s.io/kubernetes/pkg/#' | paste -sd,)
  "$work/openapi-gen" --go-header-file hack/boilerplate/boilerplate.generatego.txt -O zz_generated.openapi \
    -p k8s.io/kubernetes/pkg/generated/openapi -r "$work/violations" -i "$packages" --output-base .go/src
}

compile() {
  local version=k8s.io/kubernetes/vendor/k8s.io/component-base/version
  cd k8s/.go/src/k8s.io/kubernetes
  go build -ldflags "-s -w -X $version.gitVersion=v1.20.2 -X $version.gitMajor=1 -X $version.gitMinor=20" \
    -o "$work/bin/$1" "./cmd/$1"
}

say "Kubernetes' own control plane, once, into $destination (4 to 8 minutes)"
rm -rf "$work"
mkdir -p "$work"
cd "$work"
work=$PWD
export GOROOT=$work/root/usr/lib/go-1.19 GOPATH=$work/k8s/.go GOCACHE=$work/gocache HOME=$work/home
export GO111MODULE=off GOFLAGS= GOPROXY=off CGO_ENABLED=0
PATH=$GOROOT/bin:$PATH
step "Debian's source of Kubernetes 1.20.2, its Go, its etcd (110 MB)" fetch
step "unpacking" unpack
step "generating what the sources leave out" generate
step "compiling kube-apiserver (2 minutes or more)" compile kube-apiserver
step "compiling kube-controller-manager (1 minute or more)" compile kube-controller-manager
mkdir -p "$destination"
mv bin "$destination/bin" # the last act: what has this name is complete
chmod -R u+w "$work"
rm -rf "$work"
