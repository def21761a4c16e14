#!/bin/sh
# Runs litmus, the WebDAV test suite, against a nithron-refserver of its own on loopback.
# Usage: litmus.sh NITHRON-REFSERVER [GROUP...]       exit code 77: litmus is not installed
set -eu

server=$1
shift
[ $# -gt 0 ] || set -- basic copymove props locks http
command -v litmus >/dev/null || { echo "litmus is not installed"; exit 77; }

work=$(mktemp -d)
pid=
# shellcheck disable=SC2317  # called by the trap
clean_up() {
  if [ -n "$pid" ] && kill "$pid" 2>/dev/null; then wait "$pid" || true; fi
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' INT TERM

mkdir "$work/share"
mkfifo "$work/ready"
"$server" --listen 127.0.0.1:0 --state "$work/state" --share litmus="$work/share" --user ann:secret \
  >"$work/ready" &
pid=$!
# The read ends at the line, or at the end of the server.
read -r line <"$work/ready" || { echo "the server did not start"; exit 1; }
url=${line#listening on }

cd "$work"  # litmus leaves its debug.log where it runs
if ! TESTS="$*" litmus -k "$url/dav/litmus/" ann secret >report 2>&1; then
  cat report
  exit 1
fi
cat report
# With -k the exit code is that of the last group only: the report decides.
if grep -q 'FAIL' report; then
  echo "--- the end of debug.log ---"
  tail -n 60 debug.log
  exit 1
fi
# A group that did not run must not pass for one that did.
for group in "$@"; do
  grep -q "summary for .$group'" report || { echo "the group $group did not run"; exit 1; }
done
