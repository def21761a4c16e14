#!/bin/bash
# Runs the tests of the project: sets the machine up, builds, and runs every test on the plain build. The last line
# is `N passed, N failed, N skipped`.
#
#   tests/run.sh [--all]      --all: three more builds, each some fifteen minutes on two cores: one with address and
#                             undefined-behaviour sanitizers, one with the thread sanitizer, and clang's with
#                             fuzzers and clang-tidy
#
# Builds live in build-test-*/ and are kept, so that a second run is faster. ccache is used where it is.
set -uo pipefail

cd "$(dirname "$0")/.." || exit 1
all=no
case ${1-} in
  --all) all=yes ;;
  '') ;;
  *) echo "usage: tests/run.sh [--all]" >&2; exit 2 ;;
esac

jobs=$(nproc)
# Everything that tests create goes below one directory, so that nothing can be forgotten.
TMPDIR=$(mktemp -d "${TMPDIR:-/tmp}/nithronfs-run-XXXXXX") || exit 1
# Some tests try what another user may do, who has to get as far as that.
chmod 711 "$TMPDIR" || exit 1
export TMPDIR
steps=$TMPDIR/steps
: >"$steps"
log_bases=()

# Whatever a crashed test left mounted goes before its directory does.
cleanup() {
  local mount_point
  while read -r _ _ _ _ mount_point _; do
    case $mount_point in "$TMPDIR"/*) umount -l "$mount_point" 2>/dev/null || fusermount3 -uz "$mount_point" ;; esac
  done </proc/self/mountinfo
  rm -rf --one-file-system "$TMPDIR"
}
trap cleanup EXIT
trap 'exit 1' HUP INT TERM

heading() { printf '\n=== %s [%d min %02d s]\n' "$1" $((SECONDS / 60)) $((SECONDS % 60)); }

# step NAME COMMAND… : a test case of its own, made of one command. Its output shows only when it fails.
step() {
  local name=$1 log=$TMPDIR/step.log
  shift
  heading "$name"
  if "$@" >"$log" 2>&1; then
    echo "ok $name" >>"$steps"
  else
    echo "not ok $name" >>"$steps"
    tail -n 200 "$log"
    return 1
  fi
}

# configure DIRECTORY MESON-OPTIONS… : as meson setup, also for a directory that exists.
configure() {
  local directory=$1
  shift
  if [ -e "$directory/meson-private/coredata.dat" ]; then
    meson configure "$directory" "$@"
  else
    meson setup "$directory" "$@"
  fi
}

# run_tests DIRECTORY MESON-TEST-OPTIONS… : each case counts for itself, see summary.py.
run_tests() {
  local directory=$1
  shift
  heading "$directory: tests"
  # Results of an earlier run must not be counted for programs that crash in this one.
  rm -f "$directory"/*.xml "$directory"/meson-logs/all.*
  log_bases+=("$directory/meson-logs/all")
  # Failures are counted from the log; the exit code tells nothing more.
  meson test -C "$directory" --no-rebuild --logbase all --num-processes "$jobs" --print-errorlogs "$@" || true
}

build() { step "$1 builds" ninja -C "$1" -j "$jobs"; }

plain() {
  step 'plain build configures' configure build-test-plain && build build-test-plain &&
    run_tests build-test-plain
}

address_sanitizer() {
  export ASAN_OPTIONS=halt_on_error=1:detect_stack_use_after_return=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
  step 'address sanitizer configures' configure build-test-asan -Db_sanitize=address,undefined &&
    build build-test-asan && run_tests build-test-asan --no-suite tidy --timeout-multiplier 4
}

thread_sanitizer() {
  export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1:suppressions=$PWD/tests/support/tsan.supp
  step 'thread sanitizer configures' configure build-test-tsan -Db_sanitize=thread &&
    build build-test-tsan && run_tests build-test-tsan --no-suite tidy --timeout-multiplier 6
}

# clang for what only clang has: libFuzzer, thread-safety annotations as errors, clang-tidy.
clang_checks() {
  CC=clang-19 CXX=clang++-19 step 'clang configures' configure build-test-clang -Dfuzzers=true \
    -Db_lundef=false -Db_sanitize=address,undefined || return
  build build-test-clang && run_tests build-test-clang --suite fuzz
  step clang-tidy run-clang-tidy-19 -quiet -p build-test-clang -j "$jobs" "^$PWD/(src|contrib/refserver/src)/"
}

step 'set-up' contrib/setup.sh run build test
step '/dev/fuse is there' test -c /dev/fuse -a -w /dev/fuse ||
  echo 'Without /dev/fuse nothing can be mounted. In a container: --device /dev/fuse --cap-add SYS_ADMIN.'
plain
if [ "$all" = yes ]; then
  address_sanitizer
  thread_sanitizer
  clang_checks
fi

heading 'result'
tests/summary.py --step-log "$steps" "${log_bases[@]}"
