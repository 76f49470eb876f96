#!/usr/bin/env bash
# The Docker engine of this machine's own Debian or Ubuntu with what it runs, and busybox for its images, into DEST: unpacked, never
# installed, so no service of the system is started or changed. Prints DEST/root.                     usage: fetch_docker.sh DEST
set -euo pipefail

INSTEAD="without it no local Docker Swarm runs" exec "$(dirname "$0")/fetch_debian.sh" docker "$1" \
  docker.io containerd runc tini busybox-static
