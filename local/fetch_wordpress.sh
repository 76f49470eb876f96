#!/usr/bin/env bash
# WordPress of this machine's own Debian or Ubuntu as one folder, laid out as upstream has it: into DEST, without root, without
# touching the system. Prints DEST/site; progress goes to standard error.                          usage: fetch_wordpress.sh DEST
set -euo pipefail

destination=$1
work=$destination.partial

say() { echo "wordpress: $*" >&2; }
fail() {
  say "$*"
  exit 1
}

fetch() {
  local apt=$work/apt options
  command -v apt-get dpkg >/dev/null || fail "this machine has no apt-get and dpkg to fetch it with"
  mkdir -p "$apt"/{lists/partial,cache/archives/partial} "$work/root"
  options=(-oDir::State::lists="$apt/lists" -oDir::Cache="$apt/cache" -oDebug::NoLocking=1 -oAPT::Sandbox::User= -oAcquire::Retries=3)
  say "none here: fetching it (once; about 10 s, 70 MB in $destination)"
  apt-get "${options[@]}" -qq update >&2 || fail "the package lists could not be read"
  (cd "$apt" && apt-get "${options[@]}" -qq download wordpress php-getid3 libjs-underscore libjs-cropper >/dev/null) ||
    fail "the packages could not be downloaded"
  say "unpacking"
  for package in "$apt"/*.deb; do dpkg -x "$package" "$work/root"; done
  rm -rf "$apt"
}

# Debian links to what other packages have, by absolute and relative names: each is looked for below the root.
lay_out() {
  python3 - "$work/root" "$work/site" <<'PYTHON'
import os, pathlib, shutil, sys

root, site = (pathlib.Path(name).resolve() for name in sys.argv[1:])

def real(path):
    for _ in range(20):
        if not path.is_symlink():
            return path
        target = pathlib.Path(os.readlink(path))
        path = root / target.relative_to("/") if target.is_absolute() else pathlib.Path(os.path.normpath(path.parent / target))
    return path

def copy(source, target):
    source = real(source)
    if source.is_dir():
        target.mkdir(exist_ok=True)
        for one in source.iterdir():
            copy(one, target / one.name)
    elif source.is_file():
        shutil.copyfile(source, target)

copy(root / "usr/share/wordpress", site)
for name in ("wp-config.php", ".htaccess"):
    (site / name).unlink(missing_ok=True)
PYTHON
  rm -rf "$work/root"
  [ -e "$work/site/wp-config-sample.php" ] || fail "the package is not laid out as expected"
}

mkdir -p "$(dirname "$destination")"
exec 9>"$destination.lock"
flock 9 # two stacks started at once fetch one
if [ ! -d "$destination/site" ]; then
  rm -rf "$work" "$destination" # what an interrupted run left
  fetch
  lay_out
  mv "$work" "$destination" # the last act: what has this name is complete
fi
(cd "$destination/site" && pwd)
