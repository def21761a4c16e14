#!/bin/bash
# Shows nithronfs at work: builds it, starts the reference server on loopback with a sample share, logs this
# device in and mounts. Ctrl-C takes all of it away again.
#
#   contrib/demo/run.sh           leaves the mount for you to look around
#   contrib/demo/run.sh --check   looks by itself: compares every checksum, reads twice; exit code 0 when all is well
set -euo pipefail

source_root=$(cd "$(dirname "$0")/../.." && pwd)
build=$source_root/build-demo
check=no
case ${1-} in
  --check) check=yes ;;
  '') ;;
  *) echo "usage: contrib/demo/run.sh [--check]" >&2; exit 2 ;;
esac

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
die() { printf 'demo: %s\n' "$*" >&2; exit 1; }

say '1. What is needed (contrib/setup.sh)'
"$source_root/contrib/setup.sh" run build
[ -w /dev/fuse ] || die 'no access to /dev/fuse; in a container: --device /dev/fuse --cap-add SYS_ADMIN'

say '2. Building (the first time takes some minutes)'
if [ ! -e "$build/meson-private/coredata.dat" ]; then
  meson setup "$build" "$source_root" --buildtype=release -Dwerror=false -Dtests=disabled >/dev/null
fi
ninja -C "$build"

folder=$(mktemp -d "${TMPDIR:-/tmp}/nithronfs-demo-XXXXXX")
mount_point=$folder/mnt
server=
# shellcheck disable=SC2317 # the trap calls it
cleanup() {
  trap '' INT TERM HUP
  if mountpoint -q "$mount_point"; then
    fusermount3 -u "$mount_point" 2>/dev/null || fusermount3 -uz "$mount_point" || true
  fi
  if [ -n "$server" ]; then
    kill "$server" 2>/dev/null || true
    kill -CONT "$server" 2>/dev/null || true # you may have stopped it, as suggested below
    wait "$server" 2>/dev/null || true
  fi
  rm -rf --one-file-system "$folder"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

say '3. A sample share: texts, pictures, a film of 1 GiB, 1,000 notes, odd names'
python3 "$source_root/contrib/demo/make_share.py" "$folder/share"
mkdir "$mount_point"

say '4. The reference server, on loopback'
mkfifo "$folder/server-says"
exec 3<>"$folder/server-says" # for reading and writing, so that neither side waits for the other
"$build/contrib/refserver/nithron-refserver" --listen 127.0.0.1:0 --state "$folder/server" \
  --share "Family=$folder/share" --user demo:demo --access-log "$folder/access.log" \
  >&3 2>"$folder/server.log" &
server=$!
IFS= read -r -t 30 line <&3 || die "the server did not start: $(cat "$folder/server.log")"
url=${line##*listening on }
echo "$line"

say '5. Logging this device in, and mounting'
# Nothing of yours is touched: account, cache and state live beside the share and go with it.
printf 'demo\n' >"$folder/password"
chmod 600 "$folder/password"
"$build/src/cli/nithronctl" login "$url" --username demo --password-file "$folder/password" \
  --device-name 'nithronfs demo' --account "$folder/account.json"
options="account=$folder/account.json,cache_dir=$folder/cache,state_dir=$folder/state"
# The check counts requests: nothing may be asked again only because time has passed.
if [ "$check" = yes ]; then options="$options,poll=1h"; fi
"$build/src/daemon/nithronfs" "$url/Family" "$mount_point" -o "$options"
echo "mounted at $mount_point"

# checksums DIRECTORY: one NUL-terminated line per file, in a stable order.
checksums() {
  (cd "$1" && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum --zero)
}

run_check() {
  say '6. Checking: every file through the mount'
  checksums "$folder/share" >"$folder/expected"
  checksums "$mount_point" >"$folder/first"
  cmp "$folder/expected" "$folder/first" || die 'the mount shows other files or other bytes than the server has'
  printf '%d files compare equal\n' "$(tr -cd '\0' <"$folder/first" | wc -c)"

  say '7. Checking: the second read is served without a request'
  local before after
  before=$(wc -l <"$folder/access.log")
  # The kernel forgets the film's pages, so that the daemon is asked again.
  dd if="$mount_point/film.bin" iflag=nocache count=0 status=none
  checksums "$mount_point" >"$folder/second"
  cmp "$folder/expected" "$folder/second" || die 'the second read gave other bytes'
  after=$(wc -l <"$folder/access.log")
  [ "$before" -gt 0 ] || die 'the access log is empty'
  [ "$before" -eq "$after" ] || die "the second read sent $((after - before)) requests: $(tail -n 3 "$folder/access.log")"
  echo 'no request was sent'
  say 'All is well.'
}

if [ "$check" = yes ]; then
  run_check
  exit 0
fi

cat <<END

Things to try in another terminal:

  ls -la '$mount_point'                  names are here; nothing was fetched
  time cat '$mount_point/film.bin' >/dev/null      1 GiB from the server
  time cat '$mount_point/film.bin' >/dev/null      and again, from here
  getfattr -n user.nithron.state '$mount_point'/film.bin '$mount_point'/pictures/*
  '$build/src/cli/nithronctl' status '$mount_point'
  echo hello >'$folder/share/new.txt'    a change on the server; shows up within 10 seconds
  kill -STOP $server                           the server goes silent: what was read still reads
  kill -CONT $server
  tail -f '$folder/access.log'           every request that the server gets

Ctrl-C here ends the demo and removes everything it made.
END
wait "$server"
die "the server ended: $(tail -n 5 "$folder/server.log")"
