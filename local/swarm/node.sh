#!/bin/sh
# What a node is beneath its engine, as process 1 of its namespaces: the paths that the engine writes to wherever it is told to keep
# its things are its own, and nobody else sees the mounts.                       usage: node.sh FOLDER NAME COMMAND [ARGUMENT…]
set -eu

folder=$1 name=$2
shift 2
mkdir -p "$folder/etc" "$folder/work"
echo "$name" >/proc/sys/kernel/hostname
mount -t tmpfs tmpfs /run
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$folder/etc,workdir=$folder/work" /etc
exec "$@"
