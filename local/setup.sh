#!/usr/bin/env bash
# Brings what the Makefile's targets need, once; after that it costs nothing.   usage: setup.sh PART…
#
#   packages   requirements-dev.txt, into the virtual environment VENV; its name holds a hash of the pins, so a
#              change of the pins makes a new one
#   php        the pods of the demo are PHP processes; this and the browser are all that is installed into the system
#   browser    tests/e2e opens the demo's page in Chromium; for make test only, the demo does not need it
#   node       the checks that exist only for node, into TOOLS; make lint needs them, the demo does not
set -euo pipefail
cd "$(dirname "$0")/.."
: "${VENV:?}" "${TOOLS:?}" "${PYTHON:?}"

say() { echo "setup: $*"; }

# step WHAT COMMAND…: runs it quietly, tells every five seconds that it still does, and shows all when it fails.
step() {
  local what=$1 log start=$SECONDS next=5
  shift
  log=$(mktemp)
  say "$what"
  "$@" >"$log" 2>&1 </dev/null &
  local job=$!
  # an interrupt must not leave a half-done pip or apt at work behind our back
  trap 'kill $job 2>/dev/null; rm -f "$log"; exit 130' INT TERM
  while kill -0 $job 2>/dev/null; do
    sleep 0.2
    [ $((SECONDS - start)) -lt $next ] || { say "  … $((SECONDS - start)) s"; next=$((SECONDS - start + 5)); }
  done
  if ! wait $job; then
    cat "$log" >&2
    rm -f "$log"
    say "failed: $what" >&2
    exit 1
  fi
  trap - INT TERM
  rm -f "$log"
  say "  done in $((SECONDS - start)) s"
}

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

mkdir -p "$(dirname "$VENV")"
exec 9>"$(dirname "$VENV")/setup.lock"
flock 9 # two runs at once: the second waits and finds all done

for part in "$@"; do "$part"; done
