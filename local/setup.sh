#!/usr/bin/env bash
# Brings what the Makefile's targets need, once; after that it costs nothing.   usage: setup.sh PART…
#
#   packages   requirements-dev.txt, into the virtual environment VENV; its name holds a hash of the pins, so a
#              change of the pins makes a new one
#   php        the pods of the demo are PHP processes; this and the browser are all that is installed into the system
#   browser    tests/e2e opens the demo's page in Chromium; for make test only, the demo does not need it
#   cluster    Kubernetes' own control plane: from KUBEBUILDER_ASSETS, else from the cache, else built into it
#   swarm      Docker's engine for a Swarm that is ours alone, unpacked beside it
#   node       the checks that exist only for node, into TOOLS; make lint needs them, the demo does not
set -euo pipefail
cd "$(dirname "$0")/.."
: "${VENV:?}" "${TOOLS:?}" "${PYTHON:?}"

NAME=setup
. local/step.sh

install_debian() { # WHY PACKAGE…
  local why=$1 root=(sudo)
  shift
  command -v apt-get >/dev/null || { say "$why: please install $* (this machine has no apt-get)" >&2; exit 1; }
  [ "$(id -u)" != 0 ] || root=(env)
  step "apt-get update" "${root[@]}" apt-get -qq update
  step "apt-get install $* ($why)" \
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install "$@"
}

make_venv() {
  rm -rf "$VENV"
  "$PYTHON" -m venv "$VENV"
  # The pins are the whole closure: nothing to resolve. Byte code comes with the first use.
  "$VENV/bin/pip" install -qq --disable-pip-version-check --no-deps --no-compile -r requirements-dev.txt
}

make_tools() {
  rm -rf "$TOOLS"
  mkdir -p "$TOOLS"
  cp package.json package-lock.json "$TOOLS"
  npm ci --prefix "$TOOLS" --no-audit --no-fund --loglevel=error
}

packages() {
  [ ! -e "$VENV/complete" ] || return 0
  "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null || install_debian "virtual environments" python3-venv
  step "Python packages into $VENV (once; about 40 s, 380 MB)" make_venv
  touch "$VENV/complete"
}

node() {
  [ ! -e "$TOOLS/complete" ] || return 0
  step "asl-validator into $TOOLS (once; about 3 s)" make_tools
  touch "$TOOLS/complete"
}

php() {
  # opcache is part of php-cli's own dependencies in Debian
  command php -r 'exit(extension_loaded("mysqli") && extension_loaded("Zend OPcache") ? 0 : 1);' 2>/dev/null ||
    install_debian "the demo's pods are PHP processes" php-cli php-mysql
}

browser() {
  command -v chromium >/dev/null || install_debian "make test opens the demo's page in a real browser" chromium
}

cluster() {
  local cached program missing=()
  cached=$(dirname "$VENV")/kubernetes-1.20.2 # local/cluster/real/programs.py looks there
  if [ -n "${KUBEBUILDER_ASSETS:-}" ]; then
    for program in etcd kube-apiserver kube-controller-manager; do
      [ -x "$KUBEBUILDER_ASSETS/$program" ] || missing+=("$program")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    say "KUBEBUILDER_ASSETS=$KUBEBUILDER_ASSETS has no ${missing[*]}: passed over"
  fi
  local/build_kubernetes.sh "$cached"
}

swarm() {
  local/fetch_docker.sh "$(dirname "$VENV")/docker" >/dev/null # local/swarm/programs.py looks there
}

mkdir -p "$(dirname "$VENV")"
exec 9>"$(dirname "$VENV")/setup.lock"
flock 9 # two runs at once: the second waits and finds all done

for part in "$@"; do "$part"; done
