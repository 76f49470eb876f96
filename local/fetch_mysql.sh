#!/usr/bin/env bash
# A real MySQL server on a Debian machine, without root and without touching the system: Debian sid's
# mysql-server-core with its whole library closure, unpacked into DEST, run through its own loader.
# Prints that command, a word a line; progress goes to standard error.          usage: fetch_mysql.sh DEST
set -euo pipefail

destination=$1
work=$destination.partial

say() { echo "mysql: $*" >&2; }
fail() {
  say "$*"
  say "put a mysqld of MySQL 8.0.14 or later on the PATH instead (on Ubuntu: apt-get install mysql-server-core-8.0)"
  exit 1
}

# The machine's own mirror knows every suite, not only the one that is installed.
mirror() {
  cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null |
    sed -n 's/^\(URIs:\|deb\) *\(.*\)/ \2/p' | grep -oE 'https?://[^ ]+/debian/?( |$)' | head -n 1
}

fetch() {
  local apt=$work/apt keyring=/usr/share/keyrings/debian-archive-keyring.gpg from options
  command -v apt-get dpkg >/dev/null || fail "this machine has no apt-get and dpkg to fetch it with"
  [ -r "$keyring" ] || fail "$keyring is missing (apt-get install debian-archive-keyring)"
  from=$(mirror || true)
  mkdir -p "$apt"/{state/lists/partial,cache/archives/partial,etc/parts,etc/preferences} "$work/root"
  : >"$apt/status" # an empty status: nothing counts as installed, so the closure is complete
  echo "deb [signed-by=$keyring] ${from:-http://deb.debian.org/debian} sid main" >"$apt/etc/sources.list"
  options=(-oDir::State="$apt/state" -oDir::State::status="$apt/status" -oDir::Cache="$apt/cache"
    -oDir::Etc::SourceList="$apt/etc/sources.list" -oDir::Etc::SourceParts="$apt/etc/parts"
    -oDir::Etc::PreferencesParts="$apt/etc/preferences" -oDebug::NoLocking=1
    -oAPT::Install-Recommends=0 -oAPT::Sandbox::User= -oAcquire::Retries=3)
  say "none on this machine: fetching one (once; about 12 s, 330 MB in $destination)"
  apt-get "${options[@]}" -qq update >&2 || fail "Debian's package lists could not be read"
  say "downloading the server and its libraries"
  apt-get "${options[@]}" -qq -y --download-only install mysql-server-core >/dev/null ||
    fail "the packages could not be downloaded"
  say "unpacking"
  for package in "$apt"/cache/archives/*.deb; do dpkg -x "$package" "$work/root"; done
  rm -rf "$apt"
}

mkdir -p "$(dirname "$destination")"
exec 9>"$destination.lock"
flock 9 # two stacks started at once fetch one server
if [ ! -x "$destination/root/usr/sbin/mysqld" ]; then
  rm -rf "$work" "$destination" # what an interrupted run left
  fetch
  mv "$work" "$destination" # the last act: what has this name is complete
fi

root=$(cd "$destination/root" && pwd)
loader=$(echo "$root"/usr/lib/*-linux-gnu/ld-linux-*.so.*)
libraries=$(dirname "$loader")
# With a wrong plugin directory the server starts all the same, but cannot load the component that tells the
# cache of logins about a changed password: the retired one would go on being accepted.
component=$(find "$root/usr/lib" -name component_reference_cache.so)
[ -n "$component" ] || fail "the fetched server has no component_reference_cache.so"
printf '%s\n' "$loader" --library-path "$libraries" "$root/usr/sbin/mysqld" --no-defaults \
  --basedir="$root/usr" --lc-messages-dir="$root/usr/share/mysql" --plugin-dir="$(dirname "$component")"
