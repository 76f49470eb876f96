#!/usr/bin/env bash
# Packages of this machine's own Debian or Ubuntu, with whatever of their closure is not installed, unpacked into DEST: without
# root, without touching the system, and without the services that an installation would start.
# Prints DEST/root; progress goes to standard error.                    usage: fetch_debian.sh NAME DEST PACKAGE…
set -euo pipefail

NAME=$1
destination=$2
shift 2
work=$destination.partial

say() { echo "$NAME: $*" >&2; }
fail() {
  say "$*"
  say "${INSTEAD:-install $NAME by hand instead}"
  exit 1
}

fetch() {
  local apt=$work/apt options
  command -v apt-get dpkg >/dev/null || fail "this machine has no apt-get and dpkg to fetch it with"
  mkdir -p "$apt"/{lists/partial,cache/archives/partial} "$work/root"
  options=(-oDir::State::lists="$apt/lists" -oDir::Cache="$apt/cache" -oDebug::NoLocking=1
    -oAPT::Install-Recommends=0 -oAPT::Sandbox::User= -oAcquire::Retries=3)
  say "none on this machine: fetching $* (once)"
  apt-get "${options[@]}" -qq update >&2 || fail "the package lists could not be read"
  apt-get "${options[@]}" -qq -y --reinstall --download-only install "$@" >/dev/null || fail "$* could not be downloaded"
  say "unpacking"
  for package in "$apt"/cache/archives/*.deb; do dpkg -x "$package" "$work/root"; done
  rm -rf "$apt"
}

mkdir -p "$(dirname "$destination")"
exec 9>"$destination.lock"
flock 9 # two stacks started at once fetch one server
if [ ! -d "$destination/root" ]; then
  rm -rf "$work" "$destination" # what an interrupted run left
  fetch "$@"
  mv "$work" "$destination" # the last act: what has this name is complete
fi
(cd "$destination/root" && pwd)
