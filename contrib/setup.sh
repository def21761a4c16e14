#!/bin/sh
# Installs the Debian 12 packages that nithronfs needs, and nothing that is there already.
#
#   contrib/setup.sh [GROUP…]     groups: run build test bench; none named: all
#
# Asks no questions, works as root or through sudo, and is quick when nothing is missing. Services of the
# installed packages are neither started nor enabled: tests start their own copies on free ports.
set -eu

# The product at run time; the demo's tools.
run_packages='fuse3 ca-certificates curl'

# Compiling the programs and their manual pages.
build_packages='meson ninja-build g++ pkg-config python3
  libfuse3-dev libcurl4-openssl-dev libssl-dev liblmdb-dev libspdlog-dev libfmt-dev nlohmann-json3-dev
  libexpat1-dev libsystemd-dev libmicrohttpd-dev libgnutls28-dev'

# Everything that tests/run.sh runs: frameworks, servers that others wrote, analysers. apache2-bin is the
# server without its service.
test_packages='libgtest-dev libgmock-dev ccache
  rclone apache2-bin caddy litmus dbus attr jq openssl procps util-linux mandoc shellcheck
  clang-19 clang-tidy-19 clang-format-19 clang-tools-19 libclang-rt-19-dev llvm-19'

# What nithronfs is measured against.
bench_packages='rclone curl gcc libc6-dev'

say() { printf 'setup: %s\n' "$*"; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }

packages_of() {
  case $1 in
    run) echo "$run_packages" ;;
    build) echo "$build_packages" ;;
    test) echo "$test_packages" ;;
    bench) echo "$bench_packages" ;;
    *) die "unknown group '$1': use run, build, test or bench" ;;
  esac
}

is_installed() {
  [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -- "$@"; fi
}

# While it lives, maintainer scripts must not start services (Debian policy 9.3.3). A file of the machine's
# owner stays as it is: then the owner has decided.
policy=/usr/sbin/policy-rc.d
policy_is_ours=no
forbid_service_starts() {
  [ -e "$policy" ] && return
  printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
  policy_is_ours=yes
  as_root chmod 755 "$policy"
}
allow_service_starts() {
  if [ "$policy_is_ours" = yes ]; then as_root rm -f "$policy"; fi
  policy_is_ours=no
}

# A package that brings a service also enables it for the next boot; nobody asked for that here.
disable_service() {
  if [ -d /run/systemd/system ]; then as_root systemctl disable --quiet "$1.service" || true; fi
}

[ $# -gt 0 ] || set -- run build test bench
command -v dpkg-query >/dev/null || die 'this is not Debian; the packages to find are named in this file'

missing=
for group in "$@"; do
  for package in $(packages_of "$group"); do
    case " $missing " in *" $package "*) continue ;; esac
    is_installed "$package" || missing="$missing $package"
  done
done
missing=${missing# }
if [ -z "$missing" ]; then
  say 'everything needed is installed'
  exit 0
fi
if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
  die "these packages are missing, and neither root nor sudo is at hand: $missing"
fi

say "installing: $missing"
trap allow_service_starts EXIT
trap 'exit 1' HUP INT TERM
forbid_service_starts
as_root env DEBIAN_FRONTEND=noninteractive apt-get -q update
# One word per package is meant.
# shellcheck disable=SC2086
as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l \
  apt-get -q -y --no-install-recommends install $missing
case " $missing " in *' caddy '*) disable_service caddy ;; esac
say 'done'
