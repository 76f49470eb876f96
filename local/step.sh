# To be sourced, with NAME set: how long work is told.

say() { echo "${NAME:?}: $*"; }

# step WHAT COMMAND…: runs it quietly, tells every EVERY (five) seconds that it still does, and shows all when it fails.
step() {
  local what=$1 log start=$SECONDS every=${EVERY:-5} next=${EVERY:-5}
  shift
  log=$(mktemp)
  say "$what"
  "$@" >"$log" 2>&1 </dev/null &
  local job=$!
  # an interrupt must not leave a half-done pip or apt at work behind our back
  trap 'kill $job 2>/dev/null; rm -f "$log"; exit 130' INT TERM
  while kill -0 $job 2>/dev/null; do
    sleep 0.2
    [ $((SECONDS - start)) -lt $next ] || { say "  … $((SECONDS - start)) s"; next=$((SECONDS - start + every)); }
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
