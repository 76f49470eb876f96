#!/usr/bin/env bash
# What would be deployed, into .aws-sam/build; again only if something that goes in has changed.   usage: build.sh PINS
#
#   OVERRIDES  the template's parameters that differ on this machine
set -euo pipefail
cd "$(dirname "$0")/.."
: "${OVERRIDES:?}"
NAME=build
. local/step.sh

inputs=$({
  echo "$1 $OVERRIDES"
  find template.yaml functions layers statemachine -type f -not -name '*.pyc' -print0 | sort -z | xargs -0 sha256sum
} | sha256sum)
if [ "$(cat .aws-sam/inputs 2>/dev/null)" = "$inputs" ]; then
  say unchanged
  exit
fi
rm -f .aws-sam/inputs
# shellcheck disable=SC2086 # one word for each parameter
step "sam build with $OVERRIDES (about 15 s; 4 s after a change of our own code)" \
  sam build --cached --parallel --parameter-overrides $OVERRIDES
echo "$inputs" >.aws-sam/inputs
